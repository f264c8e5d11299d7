//! Signing statements with an OpenPGP key whose secret half is one of ours.

use std::io::Write as _;

use sequoia_openpgp::armor::{Kind, Writer};

use super::Statement;
use crate::algorithm::DigestAlgorithm;
use crate::openpgp::certificate::KeyId;
use crate::openpgp::signing::{Unsigned, hash_octet, length16, packet, subpacket};
use crate::openpgp::twin::{TwinError, digest_of, fingerprint};
use crate::ports::SecretKeys;
use crate::x509::PublicKey;

impl Statement {
    /// Signs the statement as `gpg --clearsign` does (RFC 9580, sections 5.2.1.2 and 7), at the moment that
    /// it names. `packet_body` is the OpenPGP form of `key`, of version 4.
    ///
    /// # Errors
    /// See [`TwinError`].
    pub fn clear_sign(
        &self,
        keys: &dyn SecretKeys,
        key: &PublicKey,
        packet_body: &[u8],
    ) -> Result<String, TwinError> {
        let algorithm = match packet_body {
            [4, _, _, _, _, algorithm, ..] => *algorithm,
            _ => return Err(TwinError::Unsuitable),
        };
        let digest = digest_of(algorithm, packet_body);
        let text = self.to_text();
        let unsigned = of_text(&text, (algorithm, digest), packet_body, self);
        let signature = armored(&packet(2, &unsigned.signed_by(keys, key)?)).ok_or(TwinError::Failed)?;
        let hash = match digest {
            DigestAlgorithm::Sha256 => "SHA256",
            DigestAlgorithm::Sha384 => "SHA384",
            _ => "SHA512",
        };
        Ok(format!("-----BEGIN PGP SIGNED MESSAGE-----\nHash: {hash}\n\n{text}{signature}"))
    }
}

/// A signature of a text: its lines end with CR and LF, and its last line end is not signed.
fn of_text(
    text: &str,
    (algorithm, digest): (u8, DigestAlgorithm),
    packet_body: &[u8],
    statement: &Statement,
) -> Unsigned {
    const TEXT: u8 = 0x01;
    let signer = fingerprint(packet_body);
    let created = u32::try_from(statement.issued.unix_seconds()).unwrap_or_default();
    let hashed = [
        subpacket(33, &[&[4], signer.as_bytes()].concat()),
        // Critical, as GnuPG writes it.
        subpacket(2 | 0x80, &created.to_be_bytes()),
    ]
    .concat();
    let head = [&[4, TEXT, algorithm, hash_octet(digest)][..], &length16(&hashed), &hashed].concat();
    let length = u32::try_from(head.len()).unwrap_or(u32::MAX).to_be_bytes();
    let canonical = text.strip_suffix('\n').unwrap_or(text).replace('\n', "\r\n");
    let input = [canonical.as_bytes(), &head, &[0x04, 0xff], &length].concat();
    Unsigned { head, input, unhashed: subpacket(16, &KeyId::of(&signer).0) }
}

fn armored(packets: &[u8]) -> Option<String> {
    let mut writer = Writer::new(Vec::new(), Kind::Signature).ok()?;
    writer.write_all(packets).ok()?;
    String::from_utf8(writer.finalize().ok()?).ok()
}
