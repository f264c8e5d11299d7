//! Who may create boxes.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use sha2::{Digest, Sha256};

use counterseal_core::time::Time;

use super::protocol::{Creation, PolicyWord, WORK_HEADER, day, is_work};
use super::store::Permission;

/// What is asked of whoever creates a box.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum CreationPolicy {
    /// Nothing.
    #[default]
    Open,
    /// A token that the administrator gave.
    Invite(Vec<Invite>),
    /// So many bits of work.
    Work(u8),
    /// An account that the proxy in front knows, named in a header.
    Account {
        /// The header, which the proxy takes out of what others send.
        header: String,
        /// Boxes of one account.
        boxes: u64,
    },
}

/// One token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invite {
    /// SHA-256 of the token.
    pub sha256: [u8; 32],
    /// How many boxes it is good for.
    pub boxes: u64,
}

impl CreationPolicy {
    /// Its word.
    #[must_use]
    pub const fn word(&self) -> PolicyWord {
        match self {
            Self::Open => PolicyWord::Open,
            Self::Invite(_) => PolicyWord::Invite,
            Self::Work(_) => PolicyWord::Work,
            Self::Account { .. } => PolicyWord::Account,
        }
    }

    /// How much work it asks for.
    #[must_use]
    pub const fn bits(&self) -> Option<u8> {
        match self {
            Self::Work(bits) => Some(*bits),
            _ => None,
        }
    }

    /// Whether this request may create this box. `is_proxy`: a trusted proxy brings it.
    pub(crate) fn permits(
        &self,
        id: &[u8; 16],
        creation: &Creation,
        headers: &HeaderMap,
        is_proxy: bool,
        now: Time,
    ) -> Permission {
        let shown = match self {
            Self::Open => return Permission::Free,
            Self::Invite(invites) => token(headers).and_then(|token| invited(invites, token)),
            Self::Work(bits) => worked(id, creation, headers, *bits, now),
            Self::Account { header, boxes } if is_proxy => {
                let account = headers.get(header).filter(|name| !name.is_empty());
                account.map(|name| Permission::Counted {
                    grant: Sha256::digest(name.as_bytes()).into(),
                    boxes: *boxes,
                })
            }
            Self::Account { .. } => None,
        };
        shown.unwrap_or(Permission::Denied)
    }
}

fn token(headers: &HeaderMap) -> Option<&str> {
    headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

/// Hashes are compared: how long that takes says nothing of the token.
fn invited(invites: &[Invite], token: &str) -> Option<Permission> {
    let shown: [u8; 32] = Sha256::digest(token).into();
    let invite = invites.iter().find(|invite| invite.sha256 == shown)?;
    Some(Permission::Counted { grant: shown, boxes: invite.boxes })
}

fn worked(
    id: &[u8; 16],
    creation: &Creation,
    headers: &HeaderMap,
    bits: u8,
    now: Time,
) -> Option<Permission> {
    let (on, nonce) = headers.get(WORK_HEADER)?.to_str().ok()?.split_once(':')?;
    let on: i64 = on.parse().ok()?;
    // Clocks differ by hours; work that is days old was done in store.
    let is_fresh = on.abs_diff(day(now)) <= 1;
    (is_fresh && is_work(on, id, creation, nonce, bits)).then_some(Permission::Free)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use axum::http::HeaderName;
    use counterseal_core::secret::SecretBytes;

    use super::*;
    use crate::relay::protocol::{Class, work};
    use crate::transport::ObjectBox;

    const NOW: Time = Time::from_unix_seconds(20_000 * 86_400);

    fn permits(policy: &CreationPolicy, header: (&'static str, &str), is_proxy: bool) -> Permission {
        let creation = creation();
        let headers = HeaderMap::from_iter([(HeaderName::from_static(header.0), header.1.parse().unwrap())]);
        policy.permits(&[1; 16], &creation, &headers, is_proxy, NOW)
    }

    fn creation() -> Creation {
        Creation::of(&ObjectBox::derive(&SecretBytes::copy_of(&[1; 32]), "test"), Class::Account)
    }

    #[test]
    fn an_invite_is_its_token_and_counts() {
        let sha256: [u8; 32] = Sha256::digest("let me in").into();
        let policy = CreationPolicy::Invite(vec![Invite { sha256, boxes: 3 }]);
        let counted = Permission::Counted { grant: sha256, boxes: 3 };
        assert_eq!(permits(&policy, ("authorization", "Bearer let me in"), false), counted);
        for wrong in ["Bearer let me", "Bearer ", "let me in", "Basic let me in"] {
            assert_eq!(permits(&policy, ("authorization", wrong), false), Permission::Denied, "{wrong}");
        }
    }

    #[test]
    fn work_counts_for_its_box_around_its_day() {
        let policy = CreationPolicy::Work(10);
        for on in [19_999, 20_000, 20_001] {
            let shown = work(on, &[1; 16], &creation(), 10, 0..1 << 20).unwrap();
            assert_eq!(permits(&policy, ("x-work", &shown), false), Permission::Free);
        }
        for on in [19_998, 20_002] {
            let stale = work(on, &[1; 16], &creation(), 10, 0..1 << 20).unwrap();
            assert_eq!(permits(&policy, ("x-work", &stale), false), Permission::Denied);
        }
        let of_another_box = work(20_000, &[2; 16], &creation(), 10, 0..1 << 20).unwrap();
        assert_eq!(permits(&policy, ("x-work", &of_another_box), false), Permission::Denied);
        for wrong in ["", ":", "20000:", "x:1", "9223372036854775807:1", "-9223372036854775808:1"] {
            assert_eq!(permits(&policy, ("x-work", wrong), false), Permission::Denied, "{wrong}");
        }
    }

    #[test]
    fn an_account_is_named_by_a_trusted_proxy_alone() {
        let policy = CreationPolicy::Account { header: "x-remote-user".to_owned(), boxes: 5 };
        let named = ("x-remote-user", "alice");
        assert!(matches!(permits(&policy, named, true), Permission::Counted { boxes: 5, .. }));
        assert_eq!(permits(&policy, named, false), Permission::Denied);
        assert_eq!(permits(&policy, ("x-remote-user", ""), true), Permission::Denied);
        assert_eq!(permits(&policy, ("x-other", "alice"), true), Permission::Denied);
    }
}
