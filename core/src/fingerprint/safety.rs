//! Safety digits: what two people read to each other to compare both of their keys at once.

use sha2::{Digest, Sha512};

use super::Fingerprint;

/// Digits of one person; both together make sixty.
const DIGITS: usize = 30;
/// Rounds of the digest: they make each guess at a key with nearly the same digits dearer.
const ROUNDS: usize = 5200;
/// What is digested says what it is for.
const LABEL: &[u8] = b"counterseal safety digits 1";

/// Sixty digits for two keys: the same on both sides, whoever asks. Thirty for each key, the smaller
/// ones first, in groups of five.
///
/// The thirty digits of a key are those of Signal's numeric fingerprints (5200 rounds of SHA-512,
/// five bytes modulo 100,000 six times), over our fingerprint.
#[must_use]
pub fn safety_digits(one: &Fingerprint, other: &Fingerprint) -> String {
    let mut both = [digits(one), digits(other)];
    both.sort();
    both.concat().join(" ")
}

/// Six groups of five digits.
fn digits(key: &Fingerprint) -> Vec<String> {
    let mut digest: [u8; 64] = Sha512::new().chain_update(LABEL).chain_update(key.udf).finalize().into();
    for _ in 1..ROUNDS {
        digest = Sha512::new().chain_update(digest).chain_update(key.udf).finalize().into();
    }
    let (groups, _) = digest.as_chunks::<5>();
    let numbers =
        groups.iter().map(|bytes| bytes.iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte)));
    numbers.take(DIGITS / 5).map(|number| format!("{:05}", number % 100_000)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_see_the_same_sixty_digits() {
        let (alice, bob) = (Fingerprint::of_public_key(b"alice"), Fingerprint::of_public_key(b"bob"));
        let digits = safety_digits(&alice, &bob);
        assert_eq!(digits, safety_digits(&bob, &alice));
        assert_eq!(digits.split(' ').count(), 12);
        assert!(
            digits
                .split(' ')
                .all(|group| group.len() == 5 && group.bytes().all(|byte| byte.is_ascii_digit()))
        );
    }

    #[test]
    fn another_key_changes_half_of_them() {
        let [alice, bob, eve] = [b"alice".as_slice(), b"bob", b"eve"].map(Fingerprint::of_public_key);
        let (right, wrong) = (safety_digits(&alice, &bob), safety_digits(&alice, &eve));
        let shared = right.split(' ').filter(|group| wrong.contains(group)).count();
        assert_eq!(shared, 6);
    }
}
