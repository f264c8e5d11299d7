//! A path that is found holds link by link, within its depth, and the same question gets the same answer.
#![no_main]

use counterseal_core::der::Reader;
use counterseal_core::limits::PATH_DEPTH;
use counterseal_core::x509::Certificate;
use counterseal_core::x509::path::{Anchor, PathRequest, Purpose, validate_with};
use counterseal_core::x509::revocation::RevocationEvidence;
use counterseal_fuzz::{ROOT, now};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let certificates = certificates(data);
    let Some((leaf, offered)) = certificates.split_first() else { return };
    let anchors = [Anchor::private(Certificate::from_der(ROOT).expect("a certificate of our own"))];
    let evidence = RevocationEvidence::default();
    let request = PathRequest::new(Purpose::SignMail, now());
    let ask = || validate_with(leaf, offered, &anchors, &evidence, &request);
    let answer = ask();
    assert_eq!(answer.is_ok(), ask().is_ok());
    let Ok(path) = answer else { return };
    assert_eq!(path.leaf(), Some(leaf));
    assert!(path.certificates().len() <= PATH_DEPTH);
    for link in path.certificates().windows(2) {
        assert!(link[0].is_signed_by(link[1].public_key()).is_ok(), "a link that is not signed");
        assert!(
            link[1].is_certificate_authority() || link[1].as_der() == ROOT,
            "issued by somebody who is no CA"
        );
    }
    assert!(leaf.may_sign_mail().is_ok());
});

/// All certificates that stand one behind the other in the input; a few are enough for every path.
fn certificates(data: &[u8]) -> Vec<Certificate> {
    let mut reader = Reader::new(data);
    let mut found = Vec::new();
    while found.len() < 16 {
        let Ok(element) = reader.element(data.len()) else { break };
        found.extend(Certificate::from_der(&element));
    }
    found
}
