//! A time stamp is read in bounds, and none is believed under our root: nobody has a certificate for time stamps under it.
#![no_main]

use counterseal_core::cms::time_stamp::TimeStamp;
use counterseal_core::x509::Certificate;
use counterseal_core::x509::path::{Allowance, Anchor};
use counterseal_core::x509::revocation::RevocationEvidence;
use counterseal_fuzz::{ROOT, certificates, now};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(time_stamp) = TimeStamp::from_der(data, certificates()) else { return };
    assert!(
        TimeStamp::from_der(&[data, &[0]].concat(), certificates()).is_err(),
        "something follows the time stamp"
    );
    let anchors = [Anchor::private(Certificate::from_der(ROOT).expect("a certificate of our own"))];
    let evidence = RevocationEvidence::default();
    let verified = time_stamp.verify(b"data", &anchors, &evidence, now(), &Allowance::of_message());
    assert!(verified.is_err(), "a forged time stamp is believed");
});
