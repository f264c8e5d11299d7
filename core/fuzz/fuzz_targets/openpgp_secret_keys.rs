//! OpenPGP secret keys: what is taken out of a file can be written, and is read again as the same.
#![no_main]

use counterseal_core::openpgp::SecretCertificate;
use counterseal_core::x509::SecretKey;
use counterseal_fuzz::now;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(read) = SecretCertificate::read(data, now()) else { return };
    // Without a passphrase: what one costs to try is limited, and still too much here.
    for part in read.parts().take(8) {
        let Ok(key) = read.unlock(&part.fingerprint, None) else { continue };
        let again =
            SecretKey::from_pkcs8_der(key.to_pkcs8_der().expose()).expect("what is written can be read");
        assert_eq!(again.fingerprint(), key.fingerprint());
    }
});
