//! The name by which a device asks its others for the key of a mail.

use counterseal_core::der::tlv::{self, tag};
use counterseal_core::ports::KeyName;
use sha2::{Digest, Sha256};

/// SHA-256 of the DER of a recipient identifier (RFC 5652, section 6.2): what a note asks for.
#[must_use]
pub fn wanted_name(name: &KeyName) -> [u8; 32] {
    let identifier = match name {
        KeyName::IssuerAndSerialNumber { issuer, serial_number } => {
            tlv::sequence(&[issuer, &tlv::encode(tag::INTEGER, serial_number)])
        }
        KeyName::KeyIdentifier(identifier) => tlv::encode(tag::primitive(0), identifier),
    };
    Sha256::digest(identifier).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_to_name_a_key_is_another_name() {
        let serial =
            |number| KeyName::IssuerAndSerialNumber { issuer: vec![0x30, 0], serial_number: vec![number] };
        let names = [serial(1), serial(2), KeyName::KeyIdentifier(vec![1])];
        let names: std::collections::BTreeSet<_> = names.iter().map(wanted_name).collect();
        assert_eq!(names.len(), 3);
    }
}
