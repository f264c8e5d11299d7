//! The table of capacities: what it costs a forger, at the least, to subvert each thing that
//! evidence rests on.
//!
//! This is the only file with such numbers. They are reasoned, not calibrated; whoever changes one
//! raises [`TABLE_VERSION`], which every explanation prints. The scale is that of OpenPGP: 120
//! points are a key that counts as authenticated.

/// Version of the numbers in this file.
pub const TABLE_VERSION: u32 = 1;

/// A score does not rise above this.
pub const SATURATED: u32 = 1200;
/// The capacity of what no forger gets past.
pub const UNLIMITED: u32 = u32::MAX;

/// Points from which a key is strong, where they rest on two things at least.
pub const STRONG: u32 = 240;
/// Points from which a key is verified.
pub const VERIFIED: u32 = 120;
/// Points from which a key is checked.
pub const CHECKED: u32 = 40;
/// Points of a key that was imported by hand or came with a signed mail.
pub const HISTORY: u32 = 10;
/// Points that a verified key must be ahead of every other key of its address.
pub const MARGIN: u32 = 60;
/// Points by which a new key must be better supported to take the place of one that is only known
/// from mail.
pub const REPLACES: u32 = 40;

/// Bits of a fingerprint in a strong address from which typing it is worth a whole comparison.
pub const STRONG_ADDRESS_BITS: u32 = 120;
/// Bits below which a fingerprint in a strong address is refused.
pub const LEAST_ADDRESS_BITS: u32 = 100;

/// Days for which history grows.
pub const HISTORY_DAYS: u32 = 90;
/// Messages for which history grows.
pub const HISTORY_MESSAGES: u32 = 20;
/// What history can grow by.
pub const HISTORY_GROWTH: u32 = 30;

/// Seconds in which witnessed evidence doubles: two years of 365.25 days.
pub const DOUBLING_SECONDS: i64 = 2 * 31_557_600;
/// How often it may double: it never becomes worth more than four times what it was.
pub const DOUBLINGS: u32 = 2;
/// Days of a window: mailbox evidence of one window is one purchase.
pub const WINDOW_DAYS: i64 = 30;

/// Which mixture of evidence counts, and how much one source can do alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Profile {
    /// No single outside authority verifies anything: the default.
    #[default]
    Blended,
    /// As blended, with less for each source.
    Hardened,
    /// The union: any one source suffices, as in other mail programs.
    Either,
    /// Chains of certificates alone.
    CaOnly,
    /// OpenPGP certifications alone.
    WotOnly,
    /// Comparisons by the person alone.
    PinOnly,
}

impl Profile {
    /// All profiles, in the order of the comparison table.
    pub const ALL: [Self; 6] =
        [Self::CaOnly, Self::WotOnly, Self::PinOnly, Self::Either, Self::Blended, Self::Hardened];

    /// The word in policies and in JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Blended => "blended",
            Self::Hardened => "hardened",
            Self::Either => "either",
            Self::CaOnly => "ca-only",
            Self::WotOnly => "wot-only",
            Self::PinOnly => "pin-only",
        }
    }

    /// The profile of a word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|profile| profile.word() == word)
    }
}

/// The capacities of one profile, in points.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capacities {
    /// The profile; it also says which kinds of evidence count at all.
    pub profile: Profile,
    /// One CA operator of the public list, unless the administrator gave it another amount.
    pub operator: u32,
    /// The most that one introducer is worth, whatever amount was given.
    pub introducer: u32,
    /// The old key of a succession.
    pub succession: u32,
    /// The organisation's own CA, unless it was configured.
    pub own_authority: u32,
    /// Reading and answering mail at an address, once.
    pub mailbox: u32,
    /// Operating the mail domain.
    pub provider: u32,
    /// A CA's check of a person's identity.
    pub identity: u32,
    /// A CA's check of an organisation.
    pub organisation: u32,
    /// A record signed with DNSSEC.
    pub dnssec: u32,
    /// A record without.
    pub dns: u32,
    /// The CAs of the web, for one domain.
    pub web_pki: u32,
    /// A key server that checks addresses by mail.
    pub keyserver: u32,
    /// One person whose mail carried somebody else's key.
    pub gossip: u32,
    /// All such persons together.
    pub all_gossip: u32,
    /// All endorsements together by correspondents who are no introducers.
    pub peers: u32,
    /// A comparison in person.
    pub pin_in_person: u32,
    /// A comparison over video or voice.
    pub pin_by_video: u32,
    /// A strong address of [`STRONG_ADDRESS_BITS`], typed or clicked.
    pub pin_strong_address: u32,
    /// A strong address of [`LEAST_ADDRESS_BITS`].
    pub pin_short_address: u32,
    /// The user's own OpenPGP certification.
    pub own_certification: u32,
    /// The OpenPGP certificate that names an S/MIME key.
    pub link: u32,
    /// The personal CA that issued a key's certificate.
    pub issued: u32,
    /// The signing key that names an encryption key.
    pub named: u32,
    /// One independent witness: a time stamping authority, a log, a notary.
    pub witness: u32,
}

impl Capacities {
    /// The table of a profile.
    #[must_use]
    pub const fn of(profile: Profile) -> Self {
        let (operator, introducer, succession) = match profile {
            Profile::Blended => (80, 80, 120),
            Profile::Hardened => (60, 60, 100),
            Profile::Either | Profile::CaOnly | Profile::PinOnly => (120, UNLIMITED, 120),
            Profile::WotOnly => (0, UNLIMITED, 0),
        };
        let own_authority = match profile {
            Profile::Blended | Profile::Hardened | Profile::Either | Profile::CaOnly => 120,
            Profile::WotOnly | Profile::PinOnly => 0,
        };
        // A chain that holds is all that is asked for in this profile, whoever checked what.
        let (mailbox, provider, proof) = match profile {
            Profile::CaOnly => (UNLIMITED, UNLIMITED, UNLIMITED),
            Profile::Blended | Profile::Hardened | Profile::Either | Profile::WotOnly | Profile::PinOnly => {
                (40, 100, 60)
            }
        };
        Self {
            profile,
            operator,
            introducer,
            succession,
            own_authority,
            mailbox,
            provider,
            identity: proof,
            organisation: proof,
            dnssec: 80,
            dns: 5,
            web_pki: 60,
            keyserver: 40,
            gossip: 10,
            all_gossip: 20,
            peers: 40,
            pin_in_person: 120,
            pin_by_video: 90,
            pin_strong_address: 120,
            pin_short_address: 90,
            own_certification: 120,
            link: 120,
            issued: 120,
            named: 120,
            witness: 60,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_profile_has_a_word_of_its_own() {
        for profile in Profile::ALL {
            assert_eq!(Profile::from_word(profile.word()), Some(profile));
        }
        assert_eq!(Profile::from_word("Blended"), None);
    }

    #[test]
    fn no_outside_authority_verifies_alone_in_the_default_profile() {
        let table = Capacities::of(Profile::default());
        for outside in [table.operator, table.introducer, table.provider, table.dnssec, table.web_pki] {
            assert!(outside < VERIFIED);
        }
    }
}
