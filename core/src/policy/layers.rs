//! The policy in force: the system's file, the user's, and what was said for a contact. The strictest
//! wins, unless the administrator lets users loosen something.

use std::collections::BTreeMap;

use super::file::{AnchorRow, PolicyFile, RootRow, SendRow};
use super::pattern::common_domains;
use super::sources::{LookupSources, SourceRow};
use super::words::{Bundle, Encrypt, Mixed, Network, Revocation, Sign};
use crate::address::EmailAddress;
use crate::time::Time;
use crate::trust::points::Capacities;
use crate::trust::{Level, Profile, Rules, Sources, Thresholds};

/// Days before its date on which a row is announced.
const ANNOUNCED_DAYS: i64 = 30;

/// The policy in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// What evidence is worth.
    pub rules: Rules,
    /// From which level on a signature has a positive mark.
    pub read_positive: Level,
    /// Whether an address that was once encrypted to is never sent plaintext.
    pub sticky: bool,
    /// Whether a certificate that ended less than 30 days ago is still encrypted to.
    pub stale: bool,
    /// Which public roots count; all that are built in where nothing is said.
    pub bundle: Option<Bundle>,
    /// Single anchors.
    pub anchors: Vec<AnchorRow>,
    /// OpenPGP certificates that are relied upon.
    pub roots: Vec<RootRow>,
    /// Which sources are asked for keys, and how.
    pub lookups: LookupSources,
    /// Whether the network is asked.
    pub network: Network,
    /// What is done where revocation is not known.
    pub revocation: Revocation,
    /// Days after which an answer about revocation is asked for again.
    pub max_age_days: u32,
    /// Days for which the last good answer counts without a network.
    pub grace_offline_days: u32,
    /// Whether mails are counted: what is sent and received goes to the history.
    pub keep_history: bool,
    require: BTreeMap<String, Level>,
    /// The rows of each file, the system's first.
    send: Vec<Vec<SendRow>>,
    may_loosen: Vec<String>,
}

/// What holds for mail to one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SendRule {
    /// Whether to encrypt.
    pub encrypt: Encrypt,
    /// The least level of a key.
    pub accept: Level,
    /// Whether to sign.
    pub sign: Sign,
    /// What to do where some recipients have keys and some have not.
    pub mixed: Mixed,
}

impl Default for Policy {
    fn default() -> Self {
        Self::in_force(&[])
    }
}

impl Policy {
    /// From all files, the one that is furthest from the person first: system, user, contact.
    #[must_use]
    pub fn in_force(files: &[PolicyFile]) -> Self {
        let may_loosen = files.first().map(|file| file.user_may_loosen.clone()).unwrap_or_default();
        let layers = Layers { files, may_loosen: &may_loosen };
        let profile = layers.pick("profile", |file| file.profile, stricter_profile).unwrap_or_default();
        let rules = Rules {
            capacities: Capacities::of(profile),
            thresholds: layers.thresholds(),
            authoritative: layers.authoritative(),
            sources: layers.sources(),
        };
        let strictest = |key, value: fn(&PolicyFile) -> Option<bool>| layers.pick(key, value, |a, b| a & b);
        Self {
            rules,
            read_positive: layers
                .pick("read.positive", |file| file.read_positive, Ord::max)
                .unwrap_or(Level::Verified),
            sticky: layers.pick("sticky", |file| file.sticky, |a, b| a | b).unwrap_or(true),
            stale: strictest("stale", |file| file.stale).unwrap_or(false),
            bundle: layers.pick("anchors.bundle", |file| file.bundle.clone(), Bundle::stricter),
            anchors: layers.rows("anchors", |file| &file.anchors, |row| row.key, narrower_anchor),
            roots: layers.rows("roots", |file| &file.roots, |row| row.certificate, narrower_root),
            lookups: layers.lookups(),
            network: layers
                .pick("sources.network", |file| file.sources.network, Ord::max)
                .unwrap_or(Network::Ask),
            revocation: layers.pick("revocation", |file| file.revocation, Ord::max).unwrap_or(
                if profile == Profile::Hardened { Revocation::Require } else { Revocation::BestEffort },
            ),
            max_age_days: layers.pick("max_age_days", |file| file.max_age_days, Ord::min).unwrap_or(7),
            grace_offline_days: layers
                .pick("grace_offline_days", |file| file.grace_offline_days, Ord::min)
                .unwrap_or(30),
            keep_history: strictest("history.keep", |file| file.keep_history).unwrap_or(true),
            require: layers.require(),
            send: files.iter().map(|file| file.send.clone()).collect(),
            may_loosen,
        }
    }

    /// What holds for mail to an address at a moment.
    #[must_use]
    pub fn for_address(&self, address: &EmailAddress, at: Time) -> SendRule {
        // In one file the first match wins, between files the strictest.
        let rows: Vec<Option<&SendRow>> = self
            .send
            .iter()
            .map(|rows| rows.iter().find(|row| is_in_force(row, at) && row.address.matches(address)))
            .collect();
        let pick = Picker { rows: &rows, may_loosen: &self.may_loosen };
        let rule = SendRule {
            encrypt: pick.strictest("send.encrypt", |row| row.encrypt).unwrap_or(Encrypt::Require),
            accept: pick.strictest("send.accept", |row| row.accept).unwrap_or(Level::Opportunistic),
            sign: pick.strictest("send.sign", |row| row.sign).unwrap_or(Sign::Yes),
            mixed: pick.strictest("send.mixed", |row| row.mixed).unwrap_or(Mixed::Refuse),
        };
        match self.require.get(address.domain()) {
            Some(least) => SendRule { encrypt: Encrypt::Require, accept: rule.accept.max(*least), ..rule },
            None => rule,
        }
    }

    /// The rows that are not yet in force and will be within 30 days, by their dates.
    #[must_use]
    pub fn announced(&self, at: Time) -> Vec<(Time, &SendRow)> {
        let rows = self.send.iter().flatten().filter_map(|row| Some((row.after?, row)));
        let mut soon: Vec<_> =
            rows.filter(|(after, _)| at < *after && *after <= at.plus_days(ANNOUNCED_DAYS)).collect();
        soon.sort_by_key(|(after, _)| *after);
        soon
    }
}

fn is_in_force(row: &SendRow, at: Time) -> bool {
    row.after.is_none_or(|after| after <= at)
}

/// Of two profiles the one that never gives a key more points; where neither does, the first.
fn stricter_profile(first: Profile, second: Profile) -> Profile {
    const fn rank(profile: Profile) -> u8 {
        match profile {
            Profile::Either | Profile::CaOnly | Profile::WotOnly => 0,
            Profile::Blended => 1,
            Profile::Hardened => 2,
            Profile::PinOnly => 3,
        }
    }
    if rank(second) > rank(first) { second } else { first }
}

/// Of an anchor that two files name: the smaller amount, and only domains that both allow.
fn narrower_anchor(first: AnchorRow, second: &AnchorRow) -> AnchorRow {
    AnchorRow {
        amount: lesser(first.amount, second.amount),
        domains: common_domains(first.domains, &second.domains),
        ..first
    }
}

fn narrower_root(first: RootRow, second: &RootRow) -> RootRow {
    RootRow {
        amount: lesser(first.amount, second.amount),
        depth: lesser(first.depth, second.depth),
        domains: common_domains(first.domains, &second.domains),
        ..first
    }
}

fn lesser(first: Option<u32>, second: Option<u32>) -> Option<u32> {
    match (first, second) {
        (Some(first), Some(second)) => Some(first.min(second)),
        (first, second) => first.or(second),
    }
}

/// The files, and what the first of them lets the others loosen.
struct Layers<'l> {
    files: &'l [PolicyFile],
    may_loosen: &'l [String],
}

impl Layers<'_> {
    /// One setting: the stricter of two, or the nearer to the person where they may loosen it.
    fn pick<T>(
        &self,
        key: &str,
        value: impl Fn(&PolicyFile) -> Option<T>,
        stricter: impl Fn(T, T) -> T,
    ) -> Option<T> {
        let mut values = self.files.iter().filter_map(value);
        if self.may_loosen.iter().any(|own| own == key) {
            values.next_back()
        } else {
            values.reduce(stricter)
        }
    }

    /// Rows that add something to rely on. Files below the first that has any can only narrow them.
    fn rows<R: Clone, K: PartialEq>(
        &self,
        key: &str,
        rows: impl Fn(&PolicyFile) -> &[R],
        name: impl Fn(&R) -> K,
        narrower: impl Fn(R, &R) -> R,
    ) -> Vec<R> {
        let may_add = self.may_loosen.iter().any(|own| own == key);
        let mut merged: Vec<R> = Vec::new();
        let mut is_first = true;
        for own in self.files.iter().map(&rows).filter(|rows| !rows.is_empty()) {
            for row in own {
                match merged.iter_mut().find(|known| name(known) == name(row)) {
                    Some(known) => *known = narrower(known.clone(), row),
                    None if is_first || may_add => merged.push(row.clone()),
                    None => {}
                }
            }
            is_first = false;
        }
        merged
    }

    fn thresholds(&self) -> Thresholds {
        let built_in = Thresholds::default();
        let pick = |key, value: fn(&PolicyFile) -> Option<u32>| self.pick(key, value, Ord::max);
        Thresholds {
            checked: pick("levels.checked", |file| file.levels.checked).unwrap_or(built_in.checked),
            verified: pick("levels.verified", |file| file.levels.verified).unwrap_or(built_in.verified),
            strong: pick("levels.strong", |file| file.levels.strong).unwrap_or(built_in.strong),
            margin: pick("levels.margin", |file| file.levels.margin).unwrap_or(built_in.margin),
        }
    }

    fn sources(&self) -> Sources {
        let built_in = Sources::default();
        let pick = |key, value: fn(&PolicyFile) -> Option<bool>| self.pick(key, value, |a, b| a & b);
        let (smimea, wkd) = (
            self.source("sources.smimea", |file| file.sources.smimea.clone()),
            self.source("sources.wkd", |file| file.sources.wkd.clone()),
        );
        Sources {
            smimea: smimea.map_or(built_in.smimea, |row| matches!(row, SourceRow::On(_))),
            wkd: wkd.map_or(built_in.wkd, |row| matches!(row, SourceRow::On(_))),
            keyserver: pick("sources.keyserver", |file| file.sources.keyserver).unwrap_or(built_in.keyserver),
            gossip: pick("sources.gossip", |file| file.sources.gossip).unwrap_or(built_in.gossip),
            peers: pick("sources.peers", |file| file.sources.peers).unwrap_or(built_in.peers),
        }
    }

    fn source<T>(
        &self,
        key: &str,
        row: impl Fn(&PolicyFile) -> Option<SourceRow<T>>,
    ) -> Option<SourceRow<T>> {
        self.pick(key, row, SourceRow::stricter)
    }

    /// What is asked: only what a file names.
    fn lookups(&self) -> LookupSources {
        fn on<T>(row: Option<SourceRow<T>>) -> Option<T> {
            row.and_then(SourceRow::into_source)
        }
        LookupSources {
            smimea: on(self.source("sources.smimea", |file| file.sources.smimea.clone())),
            wkd: on(self.source("sources.wkd", |file| file.sources.wkd.clone())).is_some(),
            ldap: on(self.source("sources.ldap", |file| file.sources.ldap.clone())),
            http: on(self.source("sources.http", |file| file.sources.http.clone())),
            finder: on(self.source("sources.finder", |file| file.sources.finder.clone())),
            private_addresses: self
                .pick("sources.private_addresses", |file| file.sources.private_addresses, |a, b| a & b)
                .unwrap_or(false),
            hosts: self.files.iter().flat_map(|file| file.sources.hosts.clone()).collect(),
        }
    }

    /// A domain is the organisation's own only where every file that names any names it.
    fn authoritative(&self) -> Vec<String> {
        let both = |first: Vec<String>, second: Vec<String>| {
            first.into_iter().filter(|domain| second.contains(domain)).collect()
        };
        self.pick("domains.authoritative", |file| file.authoritative.clone(), both).unwrap_or_default()
    }

    fn require(&self) -> BTreeMap<String, Level> {
        let mut merged = BTreeMap::new();
        for (domain, level) in self.files.iter().flat_map(|file| &file.require) {
            let least = merged.entry(domain.clone()).or_insert(*level);
            *least = (*least).max(*level);
        }
        merged
    }
}

/// The row that matches in each file.
struct Picker<'p> {
    rows: &'p [Option<&'p SendRow>],
    may_loosen: &'p [String],
}

impl Picker<'_> {
    fn strictest<T: Ord>(&self, key: &str, value: impl Fn(&SendRow) -> Option<T>) -> Option<T> {
        let values = self.rows.iter().flatten().filter_map(|row| value(row));
        if self.may_loosen.iter().any(|own| own == key) { values.last() } else { values.max() }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const NOW: Time = Time::from_unix_seconds(1_795_262_400);

    fn policy(files: &[&str]) -> Policy {
        let files: Vec<PolicyFile> = files.iter().map(|text| PolicyFile::parse(text).unwrap()).collect();
        Policy::in_force(&files)
    }

    fn rule(policy: &Policy, address: &str) -> SendRule {
        policy.for_address(&EmailAddress::parse(address).unwrap(), NOW)
    }

    #[test]
    fn what_is_built_in_holds_without_any_file() {
        let policy = Policy::default();
        assert_eq!(policy.rules, Rules::default());
        let built_in = SendRule {
            encrypt: Encrypt::Require,
            accept: Level::Opportunistic,
            sign: Sign::Yes,
            mixed: Mixed::Refuse,
        };
        assert_eq!(rule(&policy, "alice@example.org"), built_in);
        assert!(policy.sticky && !policy.stale);
    }

    #[test]
    fn in_one_file_the_first_match_wins() {
        let policy = policy(&["[[send]]\naddress = \"list@example.org\"\nencrypt = \"never\"\n\
             [[send]]\naddress = \"*\"\nencrypt = \"require\"\naccept = \"verified\""]);
        assert_eq!(rule(&policy, "list@example.org").encrypt, Encrypt::Never);
        assert_eq!(rule(&policy, "alice@example.org").accept, Level::Verified);
    }

    #[test]
    fn between_files_the_strictest_wins() {
        let system = "profile = \"hardened\"\n[levels]\nverified = 130\n[sources]\nwkd = false\n\
             [[send]]\naddress = \"*@bank.example\"\nencrypt = \"require\"\naccept = \"verified\"";
        let user = "profile = \"either\"\n[levels]\nverified = 100\nmargin = 80\n[sources]\nwkd = true\npeers = true\n\
             [[send]]\naddress = \"*\"\nencrypt = \"if-possible\"\naccept = \"unverified\"\nmixed = \"split\"";
        for files in [[system, user], [user, system]] {
            let policy = policy(&files);
            assert_eq!(policy.rules.capacities.profile, Profile::Hardened);
            assert_eq!((policy.rules.thresholds.verified, policy.rules.thresholds.margin), (130, 80));
            assert!(!policy.rules.sources.wkd && policy.rules.sources.peers);
            let bank = rule(&policy, "alice@bank.example");
            assert_eq!((bank.encrypt, bank.accept), (Encrypt::Require, Level::Verified));
            let other = rule(&policy, "alice@example.org");
            assert_eq!((other.encrypt, other.mixed), (Encrypt::IfPossible, Mixed::Split));
        }
    }

    #[test]
    fn what_the_administrator_lets_users_loosen_they_may() {
        let system = "user-may-loosen = [\"profile\", \"send.encrypt\"]\nprofile = \"hardened\"\n\
             [[send]]\naddress = \"*\"\nencrypt = \"require\"\naccept = \"checked\"";
        let user = "profile = \"either\"\n\
             [[send]]\naddress = \"*\"\nencrypt = \"if-possible\"\naccept = \"unverified\"";
        let policy = policy(&[system, user]);
        assert_eq!(policy.rules.capacities.profile, Profile::Either);
        let rule = rule(&policy, "alice@example.org");
        assert_eq!((rule.encrypt, rule.accept), (Encrypt::IfPossible, Level::Checked));
    }

    #[test]
    fn users_cannot_give_themselves_leave() {
        let policy =
            policy(&["profile = \"hardened\"", "user-may-loosen = [\"profile\"]\nprofile = \"either\""]);
        assert_eq!(policy.rules.capacities.profile, Profile::Hardened);
    }

    #[test]
    fn users_can_narrow_what_the_administrator_relies_on_and_add_nothing() {
        const ROOT: &str = "CEBB52301D617E910390FE16587979573442684E";
        const OTHER: &str = "69F94A59CD6AF56FE034979F40AE1D7E72C11D4A";
        let system =
            format!("[roots]\n{ROOT} = {{ amount = 120, domains = [\"a.example\", \"b.example\"] }}");
        let user = format!(
            "[roots]\n{ROOT} = {{ amount = 60, domains = [\"b.example\"] }}\n{OTHER} = {{ amount = 120 }}"
        );
        let both = policy(&[&system, &user]);
        assert_eq!(both.roots.len(), 1);
        assert_eq!(
            (both.roots[0].amount, both.roots[0].domains.as_slice()),
            (Some(60), &["b.example".to_owned()][..])
        );
        assert_eq!(policy(&["", &user]).roots.len(), 2);
        let loosened = format!("user-may-loosen = [\"roots\"]\n{system}");
        assert_eq!(policy(&[&loosened, &user]).roots.len(), 2);
    }

    #[test]
    fn a_domain_that_is_required_is_required_whatever_a_row_says() {
        let policy = policy(&["[domains]\nrequire = { \"bank.example\" = \"verified\" }\n\
             [[send]]\naddress = \"*\"\nencrypt = \"never\""]);
        let bank = rule(&policy, "alice@bank.example");
        assert_eq!((bank.encrypt, bank.accept), (Encrypt::Require, Level::Verified));
        assert_eq!(rule(&policy, "alice@example.org").encrypt, Encrypt::Never);
    }

    #[test]
    fn a_source_is_asked_where_a_file_names_it_and_no_file_switches_it_off() {
        assert_eq!(Policy::default().lookups, LookupSources::default());
        assert!(Policy::default().rules.sources.smimea, "what is known from the DNS counts all the same");
        let system = "[sources]\nsmimea = { resolver = \"127.0.0.1:5353\" }\n\
             http = \"https://certificates.example.com/{address}\"\nldap = false";
        let user = "[sources]\nwkd = true\nldap = \"ldaps://example.com/dc=example\"\nfinder = [\"find\", \"-v\"]\n\
             smimea = { resolver = \"127.0.0.1:1\", trust_anchor = \"mine\" }\nprivate_addresses = true\n\
             hosts = { \"openpgpkey.example.org\" = false, \"Example.ORG\" = \"127.0.0.1:8443\" }";
        let both = policy(&[system, user]).lookups;
        let smimea = both.smimea.unwrap();
        assert_eq!(smimea.resolver, Some("127.0.0.1:5353".parse().unwrap()));
        assert_eq!(smimea.trust_anchor, None, "the system's file says whom to trust");
        assert_eq!(both.http.unwrap().as_str(), "https://certificates.example.com/{address}");
        assert!(both.wkd && both.ldap.is_none() && both.finder.unwrap().len() == 2);
        assert!(both.private_addresses);
        let hosts: Vec<_> = both.hosts.iter().map(|host| (host.name.as_str(), host.at.is_some())).collect();
        assert_eq!(hosts, [("openpgpkey.example.org", false), ("example.org", true)]);
        assert!(!policy(&["[sources]\nsmimea = true", "[sources]\nsmimea = false"]).rules.sources.smimea);
    }

    #[test]
    fn a_source_that_cannot_be_asked_that_way_is_an_error() {
        for row in [
            "http = true",
            "http = \"http://example.com/{address}\"",
            "ldap = \"https://example.com\"",
            "finder = []",
            "finder = \"find\"",
            "smimea = { resolver = \"example.com\" }",
            "wkd = { resolver = \"127.0.0.1:5353\" }",
            "hosts = { \"example.org\" = true }",
        ] {
            assert!(PolicyFile::parse(&format!("[sources]\n{row}")).is_err(), "{row}");
        }
    }

    #[test]
    fn a_row_with_a_date_holds_from_then_on_and_is_announced() {
        let policy = policy(&[
            "[[send]]\naddress = \"*\"\nencrypt = \"require\"\naccept = \"verified\"\nafter = \"2026-12-01\"\n\
             [[send]]\naddress = \"*\"\nencrypt = \"if-possible\"",
        ]);
        assert_eq!(rule(&policy, "alice@example.org").encrypt, Encrypt::IfPossible);
        assert_eq!(policy.announced(NOW).len(), 1);
        assert!(policy.announced(NOW.plus_days(-60)).is_empty());
        let later = NOW.plus_days(20);
        let alice = EmailAddress::parse("alice@example.org").unwrap();
        assert_eq!(policy.for_address(&alice, later).accept, Level::Verified);
        assert!(policy.announced(later).is_empty());
    }
}
