//! What client and server of a relay agree on: names, headers, JSON. `docs/formats/relay.md` is the page.

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use counterseal_core::secret::SecretBytes;
use counterseal_core::time::{DAY, Time};

use crate::transport::ObjectBox;

/// The header that shows a capability.
pub const CAPABILITY_HEADER: &str = "x-cap";
/// The header that shows work, where boxes are created for work.
pub const WORK_HEADER: &str = "x-work";
/// What is hashed before the rest of a proof of work, so that it is worth nothing elsewhere.
const WORK_PURPOSE: &str = "counterseal relay work";

/// What a capability allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// To list and fetch.
    Read,
    /// To put.
    Write,
    /// To remove.
    Admin,
}

/// What a box is for; its limits follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// Some messages within minutes.
    Pairing,
    /// The objects of a person's devices, for years.
    Account,
}

/// SHA-256 of a capability: all that a relay keeps of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CapabilityHash(pub [u8; 32]);

impl CapabilityHash {
    /// Of what opens a box.
    #[must_use]
    pub fn of(capability: &[u8]) -> Self {
        Self(Sha256::digest(capability).into())
    }
}

/// The body that creates a box.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Creation {
    /// What the box is for.
    pub class: Class,
    /// Hexadecimal SHA-256 of the capability to read.
    pub read: String,
    /// Hexadecimal SHA-256 of the capability to write.
    pub write: String,
    /// Hexadecimal SHA-256 of the capability to remove.
    pub admin: String,
}

impl Creation {
    /// What creates this box.
    #[must_use]
    pub fn of(object_box: &ObjectBox, class: Class) -> Self {
        let hash = |capability: &SecretBytes| hex(&CapabilityHash::of(capability.expose()).0);
        Self {
            class,
            read: hash(object_box.read_capability()),
            write: hash(object_box.write_capability()),
            admin: hash(object_box.admin_capability()),
        }
    }

    /// Its three hashes: read, write, admin. Nothing where one is none, or two are the same.
    #[must_use]
    pub fn hashes(&self) -> Option<[CapabilityHash; 3]> {
        let [read, write, admin] =
            [&self.read, &self.write, &self.admin].map(|digits| unhex::<32>(digits).map(CapabilityHash));
        let (read, write, admin) = (read?, write?, admin?);
        (read != write && write != admin && admin != read).then_some([read, write, admin])
    }
}

/// The answer to a creation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Created {
    /// 16 hexadecimal digits that another box will not have.
    pub epoch: String,
    /// When the box ends, in seconds since 1970.
    pub expires: i64,
}

/// How a box stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// As in [`Created`].
    pub epoch: String,
    /// The number of the newest object, 0 before the first.
    pub last: u64,
    /// Objects that are there.
    pub objects: u64,
    /// Their octets.
    pub bytes: u64,
    /// When the box ends, in seconds since 1970.
    pub expires: i64,
}

/// Objects of a box, in the order in which they came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// As in [`Created`].
    pub epoch: String,
    /// The number of the newest object.
    pub last: u64,
    /// The next ones.
    pub objects: Vec<Listed>,
}

/// One object of a page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// Its number.
    pub n: u64,
    /// Its name, hexadecimal.
    pub name: String,
    /// Its length.
    pub bytes: u64,
}

/// The answer to an object that was put.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Numbered {
    /// Its number.
    pub n: u64,
}

/// Who may create boxes, by its word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PolicyWord {
    /// Everyone.
    #[default]
    Open,
    /// Who shows a token.
    Invite,
    /// Who shows work.
    Work,
    /// Whom the proxy in front knows.
    Account,
}

/// A refusal. Fields beyond the word stand only where they say something.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// One of the words of the page.
    pub error: String,
    /// What an object may have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// Who may create boxes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyWord>,
    /// How much work that takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bits: Option<u8>,
}

/// The ETag of a head.
#[must_use]
pub fn etag(epoch: u64, last: u64) -> String {
    format!("\"{epoch:016x}-{last}\"")
}

/// Lower-case hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    HEXLOWER.encode(bytes)
}

/// So many bytes of lower-case hexadecimal, and nothing else.
#[must_use]
pub fn unhex<const LENGTH: usize>(digits: &str) -> Option<[u8; LENGTH]> {
    if digits.len() != LENGTH * 2 {
        return None;
    }
    HEXLOWER.decode(digits.as_bytes()).ok()?.try_into().ok()
}

/// The number of a day since 1970 (UTC).
#[must_use]
pub const fn day(now: Time) -> i64 {
    now.unix_seconds().div_euclid(DAY)
}

/// Whether this nonce is worth so many bits for this box on that day.
#[must_use]
pub fn is_work(day: i64, box_id: &[u8; 16], creation: &Creation, nonce: &str, bits: u8) -> bool {
    let Creation { read, write, admin, .. } = creation;
    let text = format!("{WORK_PURPOSE} {day} {} {read} {write} {admin} {nonce}", hex(box_id));
    leading_zeros(&Sha256::digest(text)) >= u32::from(bits)
}

/// Finds a nonce that is worth so many bits: `2^bits` hashes on average. Nothing where none of `nonces` does.
#[must_use]
pub fn work(
    day: i64,
    box_id: &[u8; 16],
    creation: &Creation,
    bits: u8,
    nonces: impl Iterator<Item = u64>,
) -> Option<String> {
    nonces
        .map(|nonce| nonce.to_string())
        .find(|nonce| is_work(day, box_id, creation, nonce, bits))
        .map(|nonce| format!("{day}:{nonce}"))
}

fn leading_zeros(digest: &[u8]) -> u32 {
    let whole = digest.iter().take_while(|byte| **byte == 0).count();
    let rest = digest.get(whole).map_or(0, |byte| byte.leading_zeros());
    u32::try_from(whole * 8).unwrap_or(u32::MAX).saturating_add(rest)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn creation() -> Creation {
        Creation::of(&ObjectBox::derive(&SecretBytes::copy_of(&[1; 32]), "test"), Class::Account)
    }

    #[test]
    fn a_creation_has_three_different_hashes_in_lower_case() {
        let good = creation();
        assert!(good.hashes().is_some());
        for bad in [
            Creation { read: good.write.clone(), ..good.clone() },
            Creation { read: good.read.to_uppercase(), ..good.clone() },
            Creation { admin: String::new(), ..good.clone() },
            Creation { write: format!("{}00", good.write), ..good },
        ] {
            assert_eq!(bad.hashes(), None, "{bad:?}");
        }
    }

    #[test]
    fn work_is_for_one_box_and_day() {
        let (creation, id) = (creation(), [7; 16]);
        let shown = work(20_000, &id, &creation, 8, 0..1 << 16).unwrap();
        let nonce = shown.strip_prefix("20000:").unwrap();
        assert!(is_work(20_000, &id, &creation, nonce, 8));
        let elsewhere = (0..8u8).filter(|byte| is_work(20_000, &[*byte; 16], &creation, nonce, 8)).count();
        let later = (20_001..20_009).filter(|day| is_work(*day, &id, &creation, nonce, 8)).count();
        assert!(elsewhere < 4 && later < 4, "work that counts everywhere");
        assert_eq!(work(20_000, &id, &creation, 60, 0..1000), None);
    }

    #[test]
    fn zeros_are_counted_over_bytes() {
        assert_eq!(leading_zeros(&[0, 0x10, 0xff]), 11);
        assert_eq!(leading_zeros(&[0x80]), 0);
        assert_eq!(leading_zeros(&[0, 0]), 16);
    }
}
