//! What devices give each other, as anybody may write it: certificates, packages, what lies in a box, grants, copies.
#![no_main]

use counterseal_core::secret::SecretBytes;
use counterseal_fuzz::{FixedRandom, keyring};
use counterseal_keysync::device::{DeviceCertificates, DeviceId, read_signed_object};
use counterseal_keysync::grant::Grant;
use counterseal_keysync::identifiers::KEY_PACKAGE;
use counterseal_keysync::{copy, object, package};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(certificates) = DeviceCertificates::from_der(data) {
        assert_eq!(certificates.to_der(), data);
    }
    if let Ok(grant) = Grant::read(data) {
        assert_eq!(Grant::read(&grant.to_der()), Ok(grant));
    }
    let _ = read_signed_object(data, &KEY_PACKAGE);
    let device = DeviceId::from_bytes([7; 32]);
    assert!(package::unpack(data, keyring(), device, &mut FixedRandom(7)).is_err());
    let secret = SecretBytes::new(vec![7; 32]);
    let _ = object::unseal(&secret, data);
    for object in copy::read(data).unwrap_or_default() {
        let _ = object::unseal(&secret, object);
    }
});
