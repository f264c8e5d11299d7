//! What becomes of a mail to one recipient, and of the mail as a whole.
//!
//! No cell turns a wish for encryption into plaintext. Plaintext is sent only to whom a person's own
//! policy says that it may be, and never to whom was once encrypted.

use super::words::{Encrypt, Mixed};
use crate::trust::Level;

/// Days for which a certificate that ended may still be encrypted to, where policy allows it.
pub const STALE_DAYS: u32 = 30;

/// What is known of a recipient's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyState {
    /// There is none.
    Missing,
    /// The newest certificate has ended, for the key that was used before.
    Expired {
        /// Days ago.
        days: u32,
    },
    /// Another key is pinned or better known.
    Conflict,
    /// It is revoked.
    Revoked,
    /// It can be used, and this is how far it is believed.
    Usable(Level),
}

/// Whether a key is the one that an address names: `KID?alice@example.org`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Named {
    /// The address names none.
    No,
    /// It is that one.
    Matches,
    /// It is another one.
    Differs,
}

/// One recipient and what is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Situation {
    /// The key.
    pub key: KeyState,
    /// Whether policy or the command wants encryption.
    pub encrypt: Encrypt,
    /// The least level.
    pub accept: Level,
    /// Whether the address names a key.
    pub named: Named,
    /// Whether mail to this address was ever encrypted, and that counts.
    pub was_encrypted: bool,
    /// Whether this answers an encrypted mail and quotes it.
    pub quotes_encrypted: bool,
    /// Whether certificates that ended lately may be used.
    pub stale: bool,
}

/// What becomes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sending {
    /// It is encrypted.
    Encrypt,
    /// It is encrypted, with a warning that the certificate has ended.
    EncryptToExpired {
        /// Days ago.
        days: u32,
    },
    /// It is sent as it is, with a note.
    Plain,
    /// It is not sent.
    Refuse(SendRefusal),
}

/// Why a mail is not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SendRefusal {
    /// No key is known.
    NoKey,
    /// No usable key is known now, but mail was encrypted before.
    WasEncrypted,
    /// The certificate has ended.
    Expired,
    /// Nothing binds the key to the address. On a terminal the person may be asked.
    Unverified,
    /// The key is believed less than is required.
    BelowRequired,
    /// The key is not the one that the address names.
    NotThePin,
    /// Another key is pinned or better known.
    Conflict,
    /// The key is revoked.
    Revoked,
    /// There is no key, and the mail quotes one that was encrypted.
    WouldQuoteSecrets,
    /// Some recipients can be encrypted to and some cannot.
    Mixed,
}

impl SendRefusal {
    /// The stable word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::NoKey => "no-key",
            Self::WasEncrypted => "was-encrypted",
            Self::Expired => "expired",
            Self::Unverified => "unverified",
            Self::BelowRequired => "below-required",
            Self::NotThePin => "not-the-pin",
            Self::Conflict => "conflict",
            Self::Revoked => "revoked",
            Self::WouldQuoteSecrets => "would-quote-secrets",
            Self::Mixed => "mixed",
        }
    }
}

impl Situation {
    /// The cell of the table.
    #[must_use]
    pub fn sending(&self) -> Sending {
        // A list or a role address: the person said so, and no address that names a key is one.
        if self.encrypt == Encrypt::Never && self.named == Named::No {
            return Sending::Plain;
        }
        match self.key {
            KeyState::Revoked => Sending::Refuse(SendRefusal::Revoked),
            KeyState::Missing => self.without_key(),
            KeyState::Expired { days } => self.expired(days),
            KeyState::Conflict => match self.named {
                // The person names the key, and that decides between the two.
                Named::Matches => Sending::Encrypt,
                Named::No | Named::Differs => Sending::Refuse(SendRefusal::Conflict),
            },
            KeyState::Usable(level) => match self.named {
                Named::Matches => Sending::Encrypt,
                Named::Differs => Sending::Refuse(SendRefusal::NotThePin),
                Named::No => self.by_level(level),
            },
        }
    }

    fn without_key(&self) -> Sending {
        if self.was_encrypted {
            return Sending::Refuse(SendRefusal::WasEncrypted);
        }
        let may_be_plain = self.encrypt < Encrypt::Require && self.named == Named::No;
        if !may_be_plain {
            Sending::Refuse(SendRefusal::NoKey)
        } else if self.quotes_encrypted {
            Sending::Refuse(SendRefusal::WouldQuoteSecrets)
        } else {
            Sending::Plain
        }
    }

    fn expired(&self, days: u32) -> Sending {
        match self.named {
            Named::Differs => Sending::Refuse(SendRefusal::NotThePin),
            Named::Matches if days < STALE_DAYS => Sending::EncryptToExpired { days },
            Named::No if self.stale && days < STALE_DAYS && self.accept < Level::Verified => {
                Sending::EncryptToExpired { days }
            }
            Named::Matches | Named::No => Sending::Refuse(SendRefusal::Expired),
        }
    }

    fn by_level(&self, level: Level) -> Sending {
        match level {
            Level::Conflict => Sending::Refuse(SendRefusal::Conflict),
            Level::Invalid => Sending::Refuse(SendRefusal::Revoked),
            Level::None => self.without_key(),
            Level::Unverified | Level::Opportunistic | Level::Checked | Level::Verified | Level::Strong => {
                if level >= self.accept {
                    Sending::Encrypt
                } else if level == Level::Unverified && self.accept <= Level::Opportunistic {
                    Sending::Refuse(SendRefusal::Unverified)
                } else {
                    Sending::Refuse(SendRefusal::BelowRequired)
                }
            }
        }
    }
}

/// What becomes of a mail to several recipients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WholeMail {
    /// All recipients are encrypted to.
    Encrypt,
    /// None is: all of them may be sent plaintext, and none has been encrypted to before.
    Plain,
    /// Those that can be are encrypted to, the others get plaintext.
    Split,
    /// It waits.
    Hold,
    /// It is not sent.
    Refuse(SendRefusal),
}

/// The mail as a whole: the worst of its recipients. `encrypted_before` says for each whether mail to
/// them was ever encrypted; `mixed` is the strictest of their rules.
#[must_use]
pub fn whole_mail(recipients: &[(Sending, Encrypt, bool)], mixed: Mixed) -> WholeMail {
    let refused = recipients.iter().find_map(|(sending, ..)| match sending {
        Sending::Refuse(refusal) => Some(*refusal),
        Sending::Encrypt | Sending::EncryptToExpired { .. } | Sending::Plain => None,
    });
    if let Some(refusal) = refused {
        return WholeMail::Refuse(refusal);
    }
    let plain = recipients.iter().filter(|(sending, ..)| *sending == Sending::Plain).count();
    if plain == 0 {
        return WholeMail::Encrypt;
    }
    if plain == recipients.len() {
        return WholeMail::Plain;
    }
    // Nobody here asked for encryption: not by a rule, and not by having been encrypted to before.
    let nobody_minds =
        recipients.iter().all(|(_, encrypt, was_encrypted)| *encrypt < Encrypt::Require && !was_encrypted);
    match mixed {
        Mixed::Split => WholeMail::Split,
        Mixed::Hold => WholeMail::Hold,
        Mixed::Refuse if nobody_minds => WholeMail::Plain,
        Mixed::Refuse => WholeMail::Refuse(SendRefusal::Mixed),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key() -> impl Strategy<Value = KeyState> {
        prop_oneof![
            Just(KeyState::Missing),
            (0..60_u32).prop_map(|days| KeyState::Expired { days }),
            Just(KeyState::Conflict),
            Just(KeyState::Revoked),
            prop::sample::select(&Level::ALL[..]).prop_map(KeyState::Usable),
        ]
    }

    fn situation() -> impl Strategy<Value = Situation> {
        let encrypt = prop::sample::select(vec![Encrypt::Never, Encrypt::IfPossible, Encrypt::Require]);
        let accept = prop::sample::select(vec![
            Level::Unverified,
            Level::Opportunistic,
            Level::Checked,
            Level::Verified,
            Level::Strong,
        ]);
        let named = prop::sample::select(vec![Named::No, Named::Matches, Named::Differs]);
        (key(), encrypt, accept, named, any::<[bool; 3]>()).prop_map(
            |(key, encrypt, accept, named, [was_encrypted, quotes_encrypted, stale])| Situation {
                key,
                encrypt,
                accept,
                named,
                was_encrypted,
                quotes_encrypted,
                stale,
            },
        )
    }

    proptest! {
        #[test]
        fn a_wish_for_encryption_never_becomes_plaintext(situation in situation()) {
            if situation.encrypt == Encrypt::Require || situation.named != Named::No {
                prop_assert_ne!(situation.sending(), Sending::Plain);
            }
        }

        #[test]
        fn nobody_who_was_encrypted_to_gets_plaintext_unless_their_own_row_says_never(situation in situation()) {
            if situation.was_encrypted && situation.encrypt != Encrypt::Never {
                prop_assert_ne!(situation.sending(), Sending::Plain);
            }
        }

        #[test]
        fn a_revoked_key_and_another_one_than_is_named_are_never_used(situation in situation()) {
            let is_used = matches!(situation.sending(), Sending::Encrypt | Sending::EncryptToExpired { .. });
            prop_assert!(!is_used || situation.key != KeyState::Revoked);
            prop_assert!(!is_used || situation.named != Named::Differs);
        }

        #[test]
        fn whoever_asks_for_more_never_gets_less(situation in situation()) {
            let stricter = Situation { accept: Level::Strong, encrypt: Encrypt::Require, ..situation };
            if matches!(situation.sending(), Sending::Refuse(_)) {
                prop_assert!(matches!(stricter.sending(), Sending::Refuse(_)));
            }
        }
    }
}
