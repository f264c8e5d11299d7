//! An OCSP response keeps its octets, and none that the CA or its delegate did not sign changes what is known: none can be
//! signed here, because nobody has the root's secret key any more.
#![no_main]

use counterseal_core::x509::Certificate;
use counterseal_core::x509::path::{Anchor, PathRequest, Purpose, validate_with};
use counterseal_core::x509::revocation::{OcspResponse, RevocationDemand, RevocationEvidence};
use counterseal_fuzz::{ROOT, certificates, now};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(response) = OcspResponse::from_der(data) else { return };
    assert_eq!(response.as_der(), data, "a response keeps its octets");
    assert!(OcspResponse::from_der(&[data, &[0]].concat()).is_err(), "something follows the response");
    for certificate in certificates() {
        assert!(is_valid(certificate, &response, RevocationDemand::BestEffort), "a forged response revokes");
        assert!(!is_valid(certificate, &response, RevocationDemand::Required), "a forged response vouches");
    }
});

/// Whether alice's certificate is valid in the light of this response.
fn is_valid(certificate: &Certificate, response: &OcspResponse, demand: RevocationDemand) -> bool {
    let anchors = [Anchor::private(Certificate::from_der(ROOT).expect("a certificate of our own"))];
    let evidence =
        RevocationEvidence { responses: vec![response.clone()], demand, ..RevocationEvidence::default() };
    let request = PathRequest::new(Purpose::SignMail, now());
    validate_with(certificate, &[], &anchors, &evidence, &request).is_ok()
}
