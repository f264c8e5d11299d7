//! A key-encryption key that both sides have (RFC 5652, section 6.2.3).

use super::{KeyBox, Method, RecipientKind, skip_version, version};
use crate::cms::key_wrap::Wrap;
use crate::ports::KeyName;
use crate::secret::SecretBytes;
use crate::x509::tlv::{self, Elements, tag};

/// A key wrapped with a key that both sides have.
#[derive(Debug)]
pub(crate) struct KeyEncryptionKey {
    wrap: Wrap,
    encrypted_key: Vec<u8>,
}

impl KeyEncryptionKey {
    pub(crate) fn open(&self, key: &SecretBytes) -> Option<SecretBytes> {
        self.wrap.unwrap(key, &self.encrypted_key)
    }
}

/// Reads the fields of a KEKRecipientInfo.
pub(super) fn read(mut fields: Elements<'_>) -> Option<KeyBox> {
    skip_version(&mut fields)?;
    let mut identifier = Elements::new(fields.expect(tag::SEQUENCE)?.content);
    let name = identifier.expect(tag::OCTET_STRING)?.content.to_vec();
    let wrap = Wrap::parse(fields.expect(tag::SEQUENCE)?.whole);
    let encrypted_key = fields.expect(tag::OCTET_STRING)?.content.to_vec();
    let (algorithm, method) = match wrap.filter(|_| fields.is_empty()) {
        Some(wrap) => {
            (wrap.name().into(), Method::KeyEncryptionKey(KeyEncryptionKey { wrap, encrypted_key }))
        }
        None => ("unknown".into(), Method::Unsupported),
    };
    let name = Some(KeyName::KeyIdentifier(name));
    Some(KeyBox { kind: RecipientKind::KeyEncryptionKey, name, algorithm, method })
}

/// DER of a KEKRecipientInfo; nothing where the key is of no AES length.
pub(crate) fn write(identifier: &[u8], key: &SecretBytes, content_key: &SecretBytes) -> Option<Vec<u8>> {
    let wrap = Wrap::for_key_length(key.len())?;
    let encrypted_key = wrap.wrap(key, content_key)?;
    let fields = [
        version(4),
        tlv::sequence(&[&tlv::encode(tag::OCTET_STRING, identifier)]),
        wrap.to_der(),
        tlv::encode(tag::OCTET_STRING, &encrypted_key),
    ];
    Some(tlv::encode(tag::constructed(2), &fields.concat()))
}
