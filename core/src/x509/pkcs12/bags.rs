//! The bags of a file: keys, certificates, and bags within bags (RFC 7292, sections 4.1 and 4.2).

use const_oid::ObjectIdentifier;
use der::asn1::{AnyRef, BmpString, OctetStringRef};
use der::{Decode, Encode, Tag, Tagged};

use super::derivation::Budget;
use super::encryption::{decrypt, is_sequence};
use super::passphrase::Passphrase;
use super::structure::*;
use super::{CertificateEntry, Contents, Integrity, KeyEntry, Pkcs12Error, Pkcs12Limit};
use crate::limits;
use crate::secret::SecretBytes;

pub(super) const KEY_BAG: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.10.1.1");
pub(super) const SHROUDED_KEY_BAG: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.10.1.2");
pub(super) const CERTIFICATE_BAG: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.10.1.3");
const SAFE_CONTENTS_BAG: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.10.1.6");
pub(super) const X509_CERTIFICATE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.22.1");
pub(super) const FRIENDLY_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.20");
pub(super) const LOCAL_KEY_ID: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.21");

/// Reads every bag of an AuthenticatedSafe.
pub(super) fn read_authenticated_safe(
    authenticated_safe: &[u8],
    passphrase: &Passphrase,
    integrity: Integrity,
    budget: &mut Budget,
) -> Result<Contents, Pkcs12Error> {
    let der = definite(authenticated_safe)?;
    let contents = Contents { keys: Vec::new(), certificates: Vec::new(), integrity, ignored: Vec::new() };
    let mut bags = Bags { passphrase, budget, contents, seen: 0 };
    for safe in sequence(&der, "AuthenticatedSafe")? {
        bags.safe(safe)?;
    }
    Ok(bags.contents)
}

/// Decrypts the DER of an EncryptedPrivateKeyInfo.
pub(super) fn decrypt_key(
    der: &[u8],
    passphrase: &Passphrase,
    budget: &mut Budget,
) -> Result<SecretBytes, Pkcs12Error> {
    let encrypted =
        EncryptedPrivateKeyInfo::from_der(der).map_err(|_| malformed("EncryptedPrivateKeyInfo"))?;
    let ciphertext = encrypted.encrypted_data.as_bytes();
    let key = decrypt(&encrypted.algorithm, ciphertext, passphrase, budget, is_sequence)?;
    Ok(SecretBytes::copy_of(&definite(key.expose())?))
}

/// What is read so far.
struct Bags<'a> {
    passphrase: &'a Passphrase,
    budget: &'a mut Budget,
    contents: Contents,
    seen: usize,
}

impl Bags<'_> {
    /// One ContentInfo of the AuthenticatedSafe: SafeContents, in clear or encrypted.
    fn safe(&mut self, safe: AnyRef<'_>) -> Result<(), Pkcs12Error> {
        let safe: ContentInfo<'_> = safe.decode_as().map_err(|_| malformed("ContentInfo"))?;
        match safe.content_type {
            DATA => {
                let content: &OctetStringRef =
                    safe.content.decode_as().map_err(|_| malformed("ContentInfo"))?;
                self.safe_contents(&definite(content.as_bytes())?, 0)
            }
            ENCRYPTED_DATA => {
                let encrypted: EncryptedData<'_> =
                    safe.content.decode_as().map_err(|_| malformed("EncryptedData"))?;
                let ciphertext = encrypted.content.ciphertext()?;
                let algorithm = &encrypted.content.algorithm;
                let plaintext = decrypt(algorithm, &ciphertext, self.passphrase, self.budget, is_sequence)?;
                self.safe_contents(&definite(plaintext.expose())?, 0)
            }
            ENVELOPED_DATA => Err(Pkcs12Error::Unsupported { what: "encryption to a public key".into() }),
            other => Err(Pkcs12Error::Unsupported { what: other.to_string() }),
        }
    }

    fn safe_contents(&mut self, der: &[u8], depth: usize) -> Result<(), Pkcs12Error> {
        if depth > limits::PKCS12_NESTING {
            return Err(Pkcs12Error::Limit(Pkcs12Limit::Nesting));
        }
        for bag in sequence(der, "SafeContents")? {
            self.seen += 1;
            if self.seen > limits::PKCS12_BAGS {
                return Err(Pkcs12Error::Limit(Pkcs12Limit::Bags));
            }
            let bag: SafeBag<'_> = bag.decode_as().map_err(|_| malformed("SafeBag"))?;
            self.bag(&bag, depth)?;
        }
        Ok(())
    }

    fn bag(&mut self, bag: &SafeBag<'_>, depth: usize) -> Result<(), Pkcs12Error> {
        let value = SecretBytes::new(bag.value.to_der().map_err(|_| malformed("SafeBag"))?);
        match bag.bag {
            KEY_BAG => self.key(value, bag),
            SHROUDED_KEY_BAG => {
                let key = decrypt_key(value.expose(), self.passphrase, self.budget)?;
                self.key(key, bag)
            }
            CERTIFICATE_BAG => self.certificate(bag),
            SAFE_CONTENTS_BAG => self.safe_contents(value.expose(), depth + 1),
            other => {
                self.contents.ignored.push(other.to_string());
                Ok(())
            }
        }
    }

    fn key(&mut self, private_key_info: SecretBytes, bag: &SafeBag<'_>) -> Result<(), Pkcs12Error> {
        let (friendly_name, local_key_id) = attributes(bag)?;
        self.contents.keys.push(KeyEntry { private_key_info, friendly_name, local_key_id });
        Ok(())
    }

    fn certificate(&mut self, bag: &SafeBag<'_>) -> Result<(), Pkcs12Error> {
        let inner: CertBag<'_> = bag.value.decode_as().map_err(|_| malformed("CertBag"))?;
        if inner.kind != X509_CERTIFICATE {
            self.contents.ignored.push(inner.kind.to_string());
            return Ok(());
        }
        let certificate: &OctetStringRef = inner.value.decode_as().map_err(|_| malformed("CertBag"))?;
        let (friendly_name, local_key_id) = attributes(bag)?;
        let certificate = certificate.as_bytes().to_vec();
        self.contents.certificates.push(CertificateEntry { certificate, friendly_name, local_key_id });
        Ok(())
    }
}

/// Friendly name and local key identifier of a bag; others are left alone.
fn attributes(bag: &SafeBag<'_>) -> Result<(Option<String>, Option<Vec<u8>>), Pkcs12Error> {
    let (mut friendly_name, mut local_key_id) = (None, None);
    let Some(attributes) = bag.attributes else { return Ok((None, None)) };
    if attributes.tag() != Tag::Set {
        return Err(malformed("SafeBag"));
    }
    for attribute in values(attributes.value(), "PKCS12Attribute")? {
        let attribute: Attribute<'_> = attribute.decode_as().map_err(|_| malformed("PKCS12Attribute"))?;
        let first = values(attribute.values.value(), "PKCS12Attribute")?.into_iter().next();
        match (attribute.kind, first) {
            (FRIENDLY_NAME, Some(value)) => {
                // A name that is no BMPString names nothing; that is no reason to refuse a key.
                friendly_name = value.decode_as::<BmpString>().ok().map(|name| name.to_string());
            }
            (LOCAL_KEY_ID, Some(value)) => {
                let octets = value.decode_as::<&OctetStringRef>().ok();
                local_key_id = octets.map(|octets| octets.as_bytes().to_vec());
            }
            _ => {}
        }
    }
    Ok((friendly_name, local_key_id))
}
