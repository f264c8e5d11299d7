//! An OpenPGP certificate for others.

use sequoia_openpgp::Cert;
use sequoia_openpgp::parse::Parse as _;
use sequoia_openpgp::serialize::SerializeInto as _;

use crate::limits;

/// The public packets of the one certificate in a file, without armor, as web key directories serve it.
/// Secret keys and what is not for export stay behind. Nothing where the file is something else.
#[must_use]
pub fn public_certificate(file: &[u8]) -> Option<Vec<u8>> {
    if file.len() > limits::OPENPGP_CERTIFICATE_BYTES {
        return None;
    }
    Cert::from_bytes(file).ok()?.strip_secret_key_material().export_to_vec().ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use sequoia_openpgp::cert::CertBuilder;

    use super::*;
    use crate::openpgp::Web;

    #[test]
    fn no_secret_key_leaves() {
        let (cert, _) = CertBuilder::general_purpose(Some("Alice <alice@example.org>")).generate().unwrap();
        for file in [cert.as_tsk().to_vec().unwrap(), cert.as_tsk().armored().to_vec().unwrap()] {
            let public = public_certificate(&file).unwrap();
            assert!(!Cert::from_bytes(&public).unwrap().is_tsk());
            assert_eq!(Web::new().import(&[&public]).unwrap().read.len(), 1);
        }
        assert!(public_certificate(b"nothing").is_none());
        assert!(public_certificate(&vec![0xc6; limits::OPENPGP_CERTIFICATE_BYTES + 1]).is_none());
    }
}
