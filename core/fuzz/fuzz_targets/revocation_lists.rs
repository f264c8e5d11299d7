//! A revocation list keeps its octets, and none that the CA did not sign changes what is known: no
//! list can be signed here, because nobody has the root's secret key any more.
#![no_main]

use counterseal_core::x509::Certificate;
use counterseal_core::x509::path::{Anchor, PathRequest, Purpose, validate_with};
use counterseal_core::x509::revocation::{RevocationDemand, RevocationEvidence, RevocationList};
use counterseal_fuzz::{ROOT, certificates, now};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(list) = RevocationList::from_der(data) else { return };
    assert_eq!(list.as_der(), data, "a list keeps its octets");
    assert!(RevocationList::from_der(&[data, &[0]].concat()).is_err(), "something follows the list");
    for certificate in certificates() {
        assert!(is_valid(certificate, &list, RevocationDemand::BestEffort), "a forged list revokes");
        assert!(!is_valid(certificate, &list, RevocationDemand::Required), "a forged list vouches");
    }
});

/// Whether alice's certificate is valid in the light of this list.
fn is_valid(certificate: &Certificate, list: &RevocationList, demand: RevocationDemand) -> bool {
    let anchors = [Anchor::private(Certificate::from_der(ROOT).expect("a certificate of our own"))];
    let evidence = RevocationEvidence { lists: vec![list.clone()], demand, ..RevocationEvidence::default() };
    let request = PathRequest::new(Purpose::SignMail, now());
    validate_with(certificate, &[], &anchors, &evidence, &request).is_ok()
}
