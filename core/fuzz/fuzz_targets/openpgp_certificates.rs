//! OpenPGP keyrings: what was read can be stored, is the same when it is read again, and carries no more than it may.
#![no_main]

use counterseal_core::openpgp::{Certificate, FULL, Reliances, Web};
use counterseal_fuzz::now;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut web = Web::new();
    let Ok(imported) = web.import(&[data]) else { return };
    let before: Vec<Certificate> = web.certificates().cloned().collect();
    assert_eq!(imported.read.len(), before.len());
    for certificate in &before {
        assert_eq!(Certificate::from_stored(&certificate.to_stored()).as_ref(), Some(certificate));
        assert!(certificate.certifications.iter().all(|one| one.amount <= FULL));
    }
    web.import(&[data]).expect("what was read is read again");
    assert!(web.certificates().eq(&before), "what is known already changes nothing");
    // Whoever relies on one certificate believes no binding more than fully, and none that it revoked.
    for root in before.iter().take(4) {
        let reliances = Reliances::new().with_root(root.fingerprint, FULL);
        let network = web.network(&reliances, now());
        for certificate in before.iter().take(8) {
            for user_id in certificate.user_ids.iter().take(8) {
                let found = network.authenticate(&user_id.text, &certificate.fingerprint, FULL.into());
                assert!(found.amount < 2 * u32::from(FULL));
                assert!(found.amount == 0 || !user_id.revoked.contains(now()));
                assert!(found.paths.iter().all(|path| path.root == root.fingerprint));
            }
        }
    }
});
