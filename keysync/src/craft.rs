//! What a device can do with its own keys: sign, seal, open, and issue where it holds the personal CA.

use counterseal_core::keys::Keyring;
use counterseal_core::ports::{Random, SecretKeys};
use counterseal_core::secret::SecretBytes;
use counterseal_core::time::Time;
use counterseal_core::x509::issue::{
    self, CertificationRequest, Issuer, Subject, Validity, may_certify, signature_by,
};
use counterseal_core::x509::{Certificate, SecretKey};

use crate::device::{DeviceCertificates, DeviceId, DeviceSigner, read_signed_object};
use crate::limits;
use crate::log::ENTRY_CONTENT_TYPE;
use crate::sync::{
    Craft, CraftError, Heading, NOTE_CONTENT_TYPE, Parcel, SharedKey, Signed, SignedKind, Unpacked,
};
use crate::{object, package};

/// The craft of one device, or of the root while its seed is at hand.
pub struct DeviceCraft<'a> {
    keys: &'a dyn SecretKeys,
    certificate: Certificate,
    random: &'a mut dyn Random,
    next_log_secret: Option<SecretBytes>,
}

impl<'a> DeviceCraft<'a> {
    /// The device with these keys, whose signing key has this certificate.
    #[must_use]
    pub fn new(
        keys: &'a dyn SecretKeys,
        certificates: &DeviceCertificates,
        random: &'a mut dyn Random,
    ) -> Self {
        Self { keys, certificate: certificates.signing().clone(), random, next_log_secret: None }
    }

    /// The same, where the next log secret follows from something: the first one of an account from its seed.
    #[must_use]
    pub fn with_log_secret(mut self, secret: SecretBytes) -> Self {
        self.next_log_secret = Some(secret);
        self
    }

    fn id(&self) -> DeviceId {
        DeviceId::of(&self.certificate.fingerprint())
    }

    fn signer(&self) -> DeviceSigner<'_> {
        DeviceSigner { keys: self.keys, certificate: &self.certificate }
    }
}

const fn content_type(kind: SignedKind) -> &'static [u8] {
    match kind {
        SignedKind::Entry => &ENTRY_CONTENT_TYPE,
        SignedKind::Note => &NOTE_CONTENT_TYPE,
    }
}

impl Craft for DeviceCraft<'_> {
    fn sign(&mut self, kind: SignedKind, content: &[u8], now: Time) -> Result<Vec<u8>, CraftError> {
        self.signer().sign(content_type(kind), content, &[], now).map_err(CraftError::from)
    }

    fn verify(&self, kind: SignedKind, object: &[u8]) -> Result<Signed, CraftError> {
        if object.len() > limits::SIGNED_ENTRY_BYTES.max(2 * limits::NOTE_BYTES) {
            return Err(CraftError::Forged);
        }
        let read = read_signed_object(object, content_type(kind)).map_err(|_| CraftError::Forged)?;
        Ok(Signed { signer: read.author, content: read.content })
    }

    fn seal(&self, secret: &SecretBytes, parcel: &Parcel) -> Result<Vec<u8>, CraftError> {
        object::seal(secret, parcel)
    }

    fn unseal(&self, secret: &SecretBytes, object: &[u8]) -> Result<Parcel, CraftError> {
        object::unseal(secret, object)
    }

    fn can_pack_for(&self, device: &DeviceId, certificates: &[Vec<u8>]) -> bool {
        DeviceCertificates::from_list(certificates).is_ok_and(|certificates| certificates.id() == *device)
    }

    fn pack(
        &mut self,
        key: &SharedKey,
        heading: &Heading,
        certificates: &[&[Vec<u8>]],
        now: Time,
    ) -> Result<Vec<u8>, CraftError> {
        let recipients = certificates.iter().map(|list| DeviceCertificates::from_list(list));
        let recipients: Vec<_> =
            recipients.collect::<Result<_, _>>().map_err(|error| CraftError::Failed(error.to_string()))?;
        let signer = DeviceSigner { keys: self.keys, certificate: &self.certificate };
        package::pack(&signer, key, heading, &recipients, now, self.random)
    }

    fn unpack(&mut self, package: &[u8]) -> Result<Unpacked, CraftError> {
        package::unpack(package, self.keys, self.id(), self.random)
    }

    fn new_log_secret(&mut self) -> SecretBytes {
        if let Some(secret) = self.next_log_secret.take() {
            return secret;
        }
        let mut secret = zeroize::Zeroizing::new([0; 32]);
        self.random.fill(&mut *secret);
        SecretBytes::copy_of(&*secret)
    }

    fn issue(
        &mut self,
        authority: &SharedKey,
        request: &[u8],
        now: Time,
    ) -> Result<Vec<Vec<u8>>, CraftError> {
        answer(authority, request, now, self.random)
    }
}

impl From<counterseal_core::cms::SignError> for CraftError {
    fn from(error: counterseal_core::cms::SignError) -> Self {
        match error {
            counterseal_core::cms::SignError::Key(counterseal_core::ports::KeyError::Locked) => Self::Locked,
            other => Self::Failed(other.to_string()),
        }
    }
}

/// A certificate for the mail signing key of another device of the same person. The addresses that are asked for must
/// be those that the personal CA is for.
fn answer(
    authority: &SharedKey,
    request: &[u8],
    now: Time,
    random: &mut dyn Random,
) -> Result<Vec<Vec<u8>>, CraftError> {
    let refused = |reason: &str| CraftError::Refused(reason.to_owned());
    let request = CertificationRequest::from_der(request).map_err(|_| refused("not a signed request"))?;
    let key = SecretKey::from_pkcs8_der(authority.secret.expose())
        .map_err(|error| CraftError::Failed(error.to_string()))?;
    let own = authority.certificates.iter().filter_map(|der| Certificate::from_der(der).ok());
    let mut own = own.filter(|own| own.is_certificate_authority() && own.fingerprint() == key.fingerprint());
    let certificate =
        own.find(|own| own.is_valid_at(now)).ok_or_else(|| refused("the personal CA has ended"))?;
    if signature_by(request.public_key.algorithm()).is_none() {
        return Err(refused("the key cannot sign"));
    }
    if request.addresses.is_empty() || !may_certify(&certificate, &request.addresses) {
        return Err(refused("an address that is not the person's"));
    }
    let keys = Keyring::from(key);
    let subject =
        Subject { name: &request.name, addresses: &request.addresses, public_key: &request.public_key };
    let validity = Validity {
        not_before: now.plus_seconds(-counterseal_core::limits::CLOCK_SKEW_SECONDS),
        not_after: now.plus_days(limits::SIGNING_CERTIFICATE_DAYS).min(certificate.not_after()),
    };
    let issuer = Issuer { certificate: &certificate, keys: &keys };
    let issued = issue::signing_certificate(&issuer, &subject, validity, random)
        .map_err(|error| CraftError::Failed(error.to_string()))?;
    Ok(vec![issued.as_der().to_vec(), certificate.as_der().to_vec()])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use counterseal_core::address::EmailAddress;
    use counterseal_core::x509::KeyKind;

    use super::*;
    use crate::device::DeviceKeys;
    use crate::log::{KeyId, Purpose};
    use crate::testing::{NOW, SystemRandom};

    fn addresses(text: &str) -> Vec<EmailAddress> {
        vec![EmailAddress::parse(text).unwrap()]
    }

    fn authority() -> SharedKey {
        let key = SecretKey::generate(KeyKind::P256, &mut SystemRandom).unwrap();
        let addresses = addresses("alice@example.org");
        let subject = Subject { name: "Alice", addresses: &addresses, public_key: key.public_key() };
        let validity = Validity { not_before: NOW.plus_days(-1), not_after: NOW.plus_days(100) };
        let certificate =
            issue::personal_ca(&Keyring::from(key.clone()), &subject, validity, &mut SystemRandom).unwrap();
        SharedKey {
            id: KeyId::of_public_key(key.public_key().as_der()),
            purpose: Purpose::PersonalAuthority,
            secret: key.to_pkcs8_der(),
            certificates: vec![certificate.as_der().to_vec()],
        }
    }

    fn request(address: &str, kind: KeyKind) -> Vec<u8> {
        let key = SecretKey::generate(kind, &mut SystemRandom).unwrap();
        let addresses = addresses(address);
        let subject = Subject { name: "Alice", addresses: &addresses, public_key: key.public_key() };
        issue::certification_request(&Keyring::from(key.clone()), &subject).unwrap()
    }

    #[test]
    fn a_writer_gets_a_certificate_of_its_own_key_from_the_personal_ca() {
        let device = DeviceKeys::generate("thinkpad-7", NOW, &mut SystemRandom).unwrap();
        let mut random = SystemRandom;
        let mut craft = DeviceCraft::new(device.secret_keys(), device.certificates(), &mut random);
        let authority = authority();
        let issued = craft.issue(&authority, &request("alice@example.org", KeyKind::P256), NOW).unwrap();
        let [issued, above] = issued.as_slice() else { unreachable!("a certificate and the one above it") };
        let (issued, above) = (Certificate::from_der(issued).unwrap(), Certificate::from_der(above).unwrap());
        assert_eq!(issued.is_signed_by(above.public_key()), Ok(()));
        assert_eq!(issued.may_sign_mail(), Ok(()));
        assert!(issued.not_after() <= above.not_after());
    }

    #[test]
    fn nobody_else_is_certified_and_nothing_after_the_end_of_the_ca() {
        let device = DeviceKeys::generate("thinkpad-7", NOW, &mut SystemRandom).unwrap();
        let mut random = SystemRandom;
        let mut craft = DeviceCraft::new(device.secret_keys(), device.certificates(), &mut random);
        let authority = authority();
        let ours = request("alice@example.org", KeyKind::P256);
        let mut changed = ours.clone();
        *changed.last_mut().unwrap() ^= 1;
        for (request, at) in [
            (request("bob@example.org", KeyKind::P256), NOW),
            (changed, NOW),
            (b"no request".to_vec(), NOW),
            (ours, NOW.plus_days(101)),
        ] {
            assert!(matches!(craft.issue(&authority, &request, at), Err(CraftError::Refused(_))));
        }
    }

    #[test]
    fn what_is_signed_as_an_entry_is_no_note() {
        let device = DeviceKeys::generate("thinkpad-7", NOW, &mut SystemRandom).unwrap();
        let mut random = SystemRandom;
        let mut craft = DeviceCraft::new(device.secret_keys(), device.certificates(), &mut random);
        let object = craft.sign(SignedKind::Entry, b"content", NOW).unwrap();
        let verified = craft.verify(SignedKind::Entry, &object).unwrap();
        assert_eq!(verified, Signed { content: b"content".to_vec(), signer: device.certificates().id() });
        assert_eq!(craft.verify(SignedKind::Note, &object), Err(CraftError::Forged));
    }
}
