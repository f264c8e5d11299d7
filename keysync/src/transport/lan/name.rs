//! The name under which a listener is found.
//!
//! It is a random number and what follows from it and the box (HKDF-SHA-256, RFC 5869). Holders of the box recognise
//! it; to anybody else it is new each time, so that a person is not followed from network to network by it.

use hkdf::Hkdf;
use sha2::Sha256;
use subtle::ConstantTimeEq;

use super::super::ObjectBox;

/// The kind of service (RFC 6763, section 7).
pub(super) const SERVICE: &str = "_cseal._tcp.local.";

const RANDOM: usize = 5;
const DERIVED: usize = 10;

/// One listener, while it listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Instance(pub(super) [u8; RANDOM + DERIVED]);

impl Instance {
    /// The one at an address that the person named.
    pub(super) const FIXED: Self = Self([0; RANDOM + DERIVED]);

    /// A new one of this box.
    pub(super) fn new(target: &ObjectBox, random: [u8; RANDOM]) -> Self {
        let mut bytes = [0; RANDOM + DERIVED];
        let (left, right) = bytes.split_at_mut(RANDOM);
        left.copy_from_slice(&random);
        let info = [b"counterseal-keysync/1 lan instance".as_slice(), &random].concat();
        // The only error is an output above 8160 bytes.
        let _ = Hkdf::<Sha256>::new(None, target.read_capability().expose()).expand(&info, right);
        Self(bytes)
    }

    /// Reads a name that was found, where it is one of this box.
    pub(super) fn recognise(target: &ObjectBox, name: &str) -> Option<Self> {
        let label = name.split('.').next()?.to_ascii_lowercase();
        let bytes: [u8; RANDOM + DERIVED] = data_encoding::BASE32_NOPAD
            .decode(label.to_ascii_uppercase().as_bytes())
            .ok()?
            .try_into()
            .ok()?;
        let random: [u8; RANDOM] = bytes.first_chunk().copied()?;
        let expected = Self::new(target, random);
        bool::from(expected.0.ct_eq(&bytes)).then_some(expected)
    }

    /// The label: 24 letters and digits.
    pub(super) fn label(&self) -> String {
        data_encoding::BASE32_NOPAD.encode(&self.0).to_ascii_lowercase()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use counterseal_core::secret::SecretBytes;

    use super::*;

    #[test]
    fn only_holders_of_the_box_recognise_its_name_and_it_is_new_each_time() {
        let [ours, others] =
            [1, 2].map(|byte| ObjectBox::derive(&SecretBytes::copy_of(&[byte; 32]), "account"));
        let [one, two] = [[1; RANDOM], [2; RANDOM]].map(|random| Instance::new(&ours, random));
        let full = format!("{}.{SERVICE}", one.label().to_ascii_uppercase());
        assert_eq!(Instance::recognise(&ours, &full), Some(one));
        assert_eq!(Instance::recognise(&others, &full), None);
        assert_eq!(one.label().len(), 24);
        assert_ne!(one.0[RANDOM..], two.0[RANDOM..]);
        for foreign in ["", ".", "printer._cseal._tcp.local.", "é._cseal._tcp.local.", &"a".repeat(24)] {
            assert_eq!(Instance::recognise(&ours, foreign), None, "{foreign:?}");
        }
    }
}
