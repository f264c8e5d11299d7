//! What the person compared and on whom they rely, in words and as JSON.

use counterseal_core::address::EmailAddress;
use counterseal_core::fingerprint::{Fingerprint, OpenPgpFingerprint};
use counterseal_core::openpgp::Root;
use counterseal_core::time::Time;
use counterseal_core::trust::VERIFIED;
use counterseal_core::x509::Certificate;
use serde::Serialize;

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
    fn words(&self) -> String {
        let authorities = self.authorities.iter().map(AuthorityObject::words);
        let introducers = self.introducers.iter().map(IntroducerObject::words);
        authorities.chain(introducers).chain(self.contacts.iter().map(ContactObject::words)).collect()
    }
}

/// A contact whose statements count.
#[derive(Serialize)]
pub(crate) struct ContactObject {
    address: String,
    sha256: String,
    amount: u8,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    domains: Vec<String>,
}

impl ContactObject {
    /// Of a contact, by the key that stands for them.
    pub(crate) fn new(address: &EmailAddress, key: &[u8; 32], amount: u8, domains: &[String]) -> Self {
        let sha256 = hexadecimal(key);
        Self { address: address.to_string(), sha256, amount, domains: domains.to_vec() }
    }

    fn words(&self) -> String {
        let within = within(&self.domains);
        format!("  {}  signed statements, {} points{within}\n", SafeText(&self.address), self.amount)
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
        Self { fingerprint: certificate.to_string(), amount, own, once_certified, depth, domains }
    }

    fn words(&self) -> String {
        let whose = if self.own { "your own OpenPGP certificate" } else { "OpenPGP certifications" };
        let once_certified = if self.once_certified { " once it is certified" } else { "" };
        let depth = self.depth.map(depth).unwrap_or_default();
        let within = within(&self.domains);
        let amount = self.amount;
        format!("  {}  {whose}{once_certified}, {amount} points{depth}{within}\n", self.fingerprint)
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
        }
    }

    fn words(&self) -> String {
        let amount = self
            .amount
            .map_or_else(|| "points of the profile".to_owned(), |amount| format!("{amount} points"));
        let until = day(&self.not_after);
        let within = within(&self.domains);
        format!("  {}  {}, until {until}, {amount}{within}\n", self.fingerprint, SafeText(&self.subject))
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
pub(crate) fn decisions(decisions: &Decisions, json: bool) -> Result<(), Failure> {
    if json {
        return print(&format!("{}\n", line(decisions)));
    }
    let mut text = String::new();
    if !decisions.pins.is_empty() {
        text.push_str("Compared\n");
        text.extend(decisions.pins.iter().map(PinObject::words));
    }
    let reliances = decisions.reliances.words();
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
pub(crate) fn relied_on(reliances: &Reliances, removed: bool, json: bool) -> Result<(), Failure> {
    if json {
        return print(&format!("{}\n", line(&Relied { version: 1, removed, reliances })));
    }
    let heading = if removed { "You do not rely any more on" } else { "You rely on" };
    print(&format!("{heading}\n{}", reliances.words()))
}

fn print(text: &str) -> Result<(), Failure> {
    terminal::print(text).map_err(|error| Failure::io("standard output", &error))
}
