//! Key transport: RSA PKCS#1 v1.5 and OAEP (RFC 5652, section 6.2.1; RFC 3370; RFC 3560).

use der::Decode;
use spki::AlgorithmIdentifierOwned;

use super::{KeyBox, Method, RecipientKind, Unboxed, read_name, skip_version, version, write_name};
use crate::algorithm::DigestAlgorithm;
use crate::fingerprint::Fingerprint;
use crate::ports::{KeyError, KeyName, OaepParameters, Random, SecretKeys};
use crate::secret::SecretBytes;
use crate::x509::PublicKey;
use crate::x509::algorithm_identifier::{algorithm_der, algorithm_in, oaep_from, oaep_to, oid};
use crate::x509::tlv::{self, Elements, tag};

/// A key encrypted with RSA. `oaep` is nothing for PKCS#1 v1.5.
#[derive(Debug)]
pub(crate) struct KeyTransport {
    oaep: Option<OaepParameters>,
    encrypted_key: Vec<u8>,
}

impl KeyTransport {
    pub(super) fn is_pkcs1(&self) -> bool {
        self.oaep.is_none()
    }

    pub(super) fn open(
        &self,
        key: &Fingerprint,
        keys: &dyn SecretKeys,
        length: usize,
    ) -> Result<Unboxed, KeyError> {
        match &self.oaep {
            None => keys.decrypt_rsa_pkcs1(key, &self.encrypted_key, length).map(Unboxed::from),
            Some(parameters) => {
                keys.decrypt_rsa_oaep(key, parameters, &self.encrypted_key).map(Unboxed::from)
            }
        }
    }
}

/// Reads the fields of a KeyTransRecipientInfo.
pub(super) fn read(mut fields: Elements<'_>) -> Option<KeyBox> {
    skip_version(&mut fields)?;
    let name = read_name(&mut fields)?;
    let identifier = fields.expect(tag::SEQUENCE)?.whole;
    let encrypted_key = fields.expect(tag::OCTET_STRING)?.content.to_vec();
    let (algorithm, method) = match padding(identifier).filter(|_| fields.is_empty()) {
        Some(oaep) => (name_of(oaep.as_ref()), Method::Transport(KeyTransport { oaep, encrypted_key })),
        None => ("unknown".into(), Method::Unsupported),
    };
    Some(KeyBox { kind: RecipientKind::KeyTransport, name: Some(name), algorithm, method })
}

/// The padding that a keyEncryptionAlgorithm asks for. The parameters of rsaEncryption are NULL
/// (RFC 3370, section 4.2.1), or absent from careless writers.
fn padding(identifier: &[u8]) -> Option<Option<OaepParameters>> {
    let (algorithm, parameters) = algorithm_in(identifier)?;
    if algorithm == oid::RSA_ENCRYPTION {
        return parameters.is_none_or(|value| value.whole == [tag::NULL, 0]).then_some(None);
    }
    let identifier = AlgorithmIdentifierOwned::from_der(identifier).ok()?;
    oaep_from(&identifier).ok().map(Some)
}

fn name_of(oaep: Option<&OaepParameters>) -> String {
    match oaep {
        None => "rsa-pkcs1".into(),
        Some(OaepParameters { digest, mask_digest, .. }) if digest == mask_digest => {
            format!("rsa-oaep-{}", digest.name())
        }
        Some(OaepParameters { digest, mask_digest, .. }) => {
            format!("rsa-oaep-{}-mgf1-{}", digest.name(), mask_digest.name())
        }
    }
}

/// DER of a KeyTransRecipientInfo for this key; with OAEP where parameters are given.
pub(crate) fn write(
    name: &KeyName,
    key: &PublicKey,
    oaep: Option<&OaepParameters>,
    content_key: &SecretBytes,
    random: &mut dyn Random,
) -> Result<Vec<u8>, KeyError> {
    let (identifier, encrypted_key) = match oaep {
        None => {
            (algorithm_der(oid::RSA_ENCRYPTION, &[tag::NULL, 0]), key.encrypt_rsa_pkcs1(random, content_key)?)
        }
        Some(parameters) => {
            let identifier = oaep_identifier(parameters).ok_or(KeyError::Unsuitable)?;
            (identifier, key.encrypt_rsa_oaep(random, parameters, content_key)?)
        }
    };
    // RFC 5652, section 6.2.1: the version says how the key is named.
    let number = if matches!(name, KeyName::KeyIdentifier(_)) { 2 } else { 0 };
    Ok(tlv::sequence(&[
        &version(number),
        &write_name(name, |key_identifier| tlv::encode(0x80, key_identifier)),
        &identifier,
        &tlv::encode(tag::OCTET_STRING, &encrypted_key),
    ]))
}

/// RFC 8017 gives SHA-3 and SHAKE no OAEP name of their own; MD5 is no choice for writing.
fn oaep_identifier(parameters: &OaepParameters) -> Option<Vec<u8>> {
    if parameters.digest == DigestAlgorithm::Md5 {
        return None;
    }
    der::Encode::to_der(&oaep_to(parameters)?).ok()
}
