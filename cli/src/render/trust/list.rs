//! What the person compared and on whom they rely, in words and as JSON.

use counterseal_core::address::EmailAddress;
use counterseal_core::fingerprint::{Fingerprint, OpenPgpFingerprint};
use counterseal_core::openpgp::Root;
use counterseal_core::time::Time;
use counterseal_core::trust::points::Capacities;
use counterseal_core::trust::{Profile, VERIFIED};
use counterseal_core::x509::Certificate;
use serde::Serialize;

use super::change::Change;
use super::domains::day;
use crate::commands::{strong, successions};
use crate::failure::Failure;
use crate::render::json::{hexadecimal, line};
use crate::terminal::{self, SafeText, say};

/// A fingerprint that was compared.
#[derive(Serialize)]
pub(crate) struct PinObject {
    address: String,
    fingerprint: String,
    sha256: String,
    by: &'static str,
    points: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<String>,
}

impl PinObject {
    /// Of a key; `since` where it is not of this moment. `source` is how it came into the store.
    pub(crate) fn new(
        address: &str,
        key: &Fingerprint,
        points: u32,
        source: &str,
        since: Option<Time>,
    ) -> Self {
        let by = match source {
            strong::SOURCE => strong::SOURCE,
            successions::SOURCE => successions::SOURCE,
            _ if points >= VERIFIED => "in-person",
            _ => "video",
        };
        Self {
            address: address.to_owned(),
            fingerprint: key.to_string(),
            sha256: key.to_hex(),
            by,
            points,
            since: since.map(Time::to_rfc3339),
        }
    }

    fn words(&self) -> String {
        let how = match self.by {
            strong::SOURCE => "named by you with the address",
            successions::SOURCE => "follows the key that you compared",
            "video" => "compared by voice or video",
            _ => "compared in person",
        };
        let since = self.since.as_ref().map(|since| format!(", {}", day(since))).unwrap_or_default();
        format!("  {}  {}  {how}{since}, {} points\n", self.fingerprint, SafeText(&self.address), self.points)
    }
}

/// All that the person decided.
#[derive(Serialize)]
pub(crate) struct Decisions {
    pub(crate) version: u32,
    pub(crate) pins: Vec<PinObject>,
    #[serde(flatten)]
    pub(crate) reliances: Reliances,
}

/// On whom the person relies.
#[derive(Serialize)]
pub(crate) struct Reliances {
    pub(crate) authorities: Vec<AuthorityObject>,
    pub(crate) introducers: Vec<IntroducerObject>,
    pub(crate) contacts: Vec<ContactObject>,
}

impl Reliances {
    /// The same, each with what became of what was said of it `before`, and of what was `offered`.
    pub(crate) fn compared(mut self, before: &Self, offered: &[IntroducerObject]) -> Self {
        for authority in &mut self.authorities {
            let earlier = before.authorities.iter().find(|earlier| earlier.sha256 == authority.sha256);
            let earlier = earlier.map(AuthorityObject::limits);
            authority.change = Some(Change::of(&authority.limits(), earlier, None));
        }
        for introducer in &mut self.introducers {
            let of = |all: &[IntroducerObject]| {
                all.iter()
                    .find(|other| other.fingerprint == introducer.fingerprint)
                    .map(IntroducerObject::limits)
            };
            let (earlier, offered) = (of(&before.introducers), of(offered));
            introducer.change = Some(Change::of(&introducer.limits(), earlier, offered));
        }
        for contact in &mut self.contacts {
            let earlier = before.contacts.iter().find(|earlier| earlier.sha256 == contact.sha256);
            let earlier = earlier.map(ContactObject::limits);
            contact.change = Some(Change::of(&contact.limits(), earlier, None));
        }
        self
    }

    fn words(&self, profile: Profile) -> String {
        let authorities = self.authorities.iter().map(|one| one.words(profile));
        let introducers = self.introducers.iter().map(|one| one.words(profile));
        let contacts = self.contacts.iter().map(|one| one.words(profile));
        authorities.chain(introducers).chain(contacts).collect()
    }
}

/// How much of an introducer's amount a profile counts, where that is less.
fn counted(amount: u8, profile: Profile) -> String {
    let most = match profile {
        Profile::CaOnly | Profile::PinOnly => 0,
        other => Capacities::of(other).introducer,
    };
    if u32::from(amount) <= most {
        return String::new();
    }
    format!("; {} counts {most}", profile.word())
}

/// The line below an entry, where it says what changed.
fn change_words(change: Option<&Change>) -> String {
    change.map(Change::words).unwrap_or_default()
}

/// A contact whose statements count.
#[derive(Serialize)]
pub(crate) struct ContactObject {
    address: String,
    sha256: String,
    amount: u8,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    domains: Vec<String>,
    #[serde(flatten)]
    change: Option<Change>,
}

impl ContactObject {
    /// Of a contact, by the key that stands for them.
    pub(crate) fn new(address: &EmailAddress, key: &[u8; 32], amount: u8, domains: &[String]) -> Self {
        let sha256 = hexadecimal(key);
        Self { address: address.to_string(), sha256, amount, domains: domains.to_vec(), change: None }
    }

    fn limits(&self) -> String {
        format!("{} points{}", self.amount, within(&self.domains))
    }

    fn words(&self, profile: Profile) -> String {
        let (address, limits) = (SafeText(&self.address), self.limits());
        let (counted, change) = (counted(self.amount, profile), change_words(self.change.as_ref()));
        format!("  {address}  signed statements\n    {limits}{counted}\n{change}")
    }
}

/// Somebody whose OpenPGP certifications count.
#[derive(Serialize)]
pub(crate) struct IntroducerObject {
    fingerprint: String,
    amount: u8,
    own: bool,
    once_certified: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    depth: Option<u8>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    domains: Vec<String>,
    #[serde(flatten)]
    change: Option<Change>,
}

impl IntroducerObject {
    /// Of an OpenPGP certificate.
    pub(crate) fn new(
        certificate: &OpenPgpFingerprint,
        limits: &Root,
        own: bool,
        once_certified: bool,
    ) -> Self {
        let Root { amount, depth, domains } = limits.clone();
        Self {
            fingerprint: certificate.to_string(),
            amount,
            own,
            once_certified,
            depth,
            domains,
            change: None,
        }
    }

    fn limits(&self) -> String {
        let whose = if self.own { "your own, " } else { "" };
        let once_certified = if self.once_certified { " once it is certified" } else { "" };
        let depth = self.depth.map(depth).unwrap_or_default();
        format!("{whose}{} points{once_certified}{depth}{}", self.amount, within(&self.domains))
    }

    fn words(&self, profile: Profile) -> String {
        let (fingerprint, limits) = (&self.fingerprint, self.limits());
        // What the person's own certificate says is no introducer's word.
        let counted = if self.own { String::new() } else { counted(self.amount, profile) };
        let change = change_words(self.change.as_ref());
        format!("  {fingerprint}  OpenPGP certifications\n    {limits}{counted}\n{change}")
    }
}

/// A CA that is relied on.
#[derive(Serialize)]
pub(crate) struct AuthorityObject {
    subject: String,
    fingerprint: String,
    sha256: String,
    amount: Option<u8>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    domains: Vec<String>,
    not_after: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<String>,
    #[serde(flatten)]
    change: Option<Change>,
}

impl AuthorityObject {
    /// Of a CA; its amount is the profile's where none is given.
    pub(crate) fn new(
        authority: &Certificate,
        amount: Option<u8>,
        domains: &[String],
        since: Option<Time>,
    ) -> Self {
        let key = authority.fingerprint();
        Self {
            subject: authority.subject(),
            fingerprint: key.to_string(),
            sha256: key.to_hex(),
            amount,
            domains: domains.to_vec(),
            not_after: authority.not_after().to_rfc3339(),
            since: since.map(Time::to_rfc3339),
            change: None,
        }
    }

    fn limits(&self) -> String {
        let amount = self
            .amount
            .map_or_else(|| "points of the profile".to_owned(), |amount| format!("{amount} points"));
        format!("{amount}{}", within(&self.domains))
    }

    fn words(&self, profile: Profile) -> String {
        let (until, limits) = (day(&self.not_after), self.limits());
        let counted = match (self.amount, Capacities::of(profile).own_authority) {
            (Some(_), 1..) => String::new(),
            (_, points) => format!("; {} counts {points}", profile.word()),
        };
        let (fingerprint, subject) = (&self.fingerprint, SafeText(&self.subject));
        let change = change_words(self.change.as_ref());
        format!("  {fingerprint}  CA, until {until}\n    {subject}\n    {limits}{counted}\n{change}")
    }
}

fn depth(depth: u8) -> String {
    match depth {
        0 => ", nobody behind it".to_owned(),
        1 => ", one introducer behind it".to_owned(),
        more => format!(", {more} introducers in a row behind it"),
    }
}

fn within(domains: &[String]) -> String {
    if domains.is_empty() { String::new() } else { format!(", for {}", domains.join(", ")) }
}

/// Says that a comparison was not kept.
pub(crate) fn not_kept(address: &EmailAddress) {
    let address = address.to_string();
    say(&format!(
        "note: that you named the key of {} counted for this mail; to keep it, give your passphrase",
        SafeText(&address)
    ));
}

/// Lists all of it.
pub(crate) fn decisions(decisions: &Decisions, profile: Profile, json: bool) -> Result<(), Failure> {
    if json {
        return print(&format!("{}\n", line(decisions)));
    }
    let mut text = String::new();
    if !decisions.pins.is_empty() {
        text.push_str("Compared\n");
        text.extend(decisions.pins.iter().map(PinObject::words));
    }
    let reliances = decisions.reliances.words(profile);
    if !reliances.is_empty() {
        text.push_str(&format!("You rely on\n{reliances}"));
    }
    if text.is_empty() {
        text.push_str("You compared nobody's fingerprint yet, and rely on nobody.\n");
    }
    print(&text)
}

#[derive(Serialize)]
struct Pinned<'a> {
    version: u32,
    #[serde(flatten)]
    pin: &'a PinObject,
}

/// A comparison that is kept from now on.
pub(crate) fn pinned(pin: &PinObject, json: bool) -> Result<(), Failure> {
    print(&if json { format!("{}\n", line(&Pinned { version: 1, pin })) } else { pin.words() })
}

/// A key below a personal CA was compared: it alone counts.
pub(crate) fn only_one_key(address: &EmailAddress, above: &Fingerprint) {
    say(&format!(
        "note: that is one key of {0} alone. What stands for {0} is\n      {above}: compare that, then\n      \
         cseal trust pin {0} {above}",
        SafeText(&address.to_string())
    ));
}

#[derive(Serialize)]
struct Unpinned<'a> {
    version: u32,
    address: &'a str,
    removed: &'a [String],
}

/// Comparisons that do not count any more.
pub(crate) fn unpinned(address: &str, removed: &[String], json: bool) -> Result<(), Failure> {
    if json {
        return print(&format!("{}\n", line(&Unpinned { version: 1, address, removed })));
    }
    let line = |key: &String| format!("  {key}  {}  not compared any more\n", SafeText(address));
    print(&removed.iter().map(line).collect::<String>())
}

#[derive(Serialize)]
struct Relied<'a> {
    version: u32,
    removed: bool,
    #[serde(flatten)]
    reliances: &'a Reliances,
}

/// Whoever counts from now on, or not any more.
pub(crate) fn relied_on(
    reliances: &Reliances,
    profile: Profile,
    removed: bool,
    json: bool,
) -> Result<(), Failure> {
    if json {
        return print(&format!("{}\n", line(&Relied { version: 1, removed, reliances })));
    }
    let heading = if removed { "You do not rely any more on" } else { "You rely on" };
    print(&format!("{heading}\n{}", reliances.words(profile)))
}

fn print(text: &str) -> Result<(), Failure> {
    terminal::print(text).map_err(|error| Failure::io("standard output", &error))
}
