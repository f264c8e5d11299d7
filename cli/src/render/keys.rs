//! Keys and contacts, in words and as JSON.

pub(crate) mod openpgp;

use std::path::Path;

use counterseal_core::time::Time;
use counterseal_core::x509::Certificate;
use serde::Serialize;

use super::counted;
use super::json::{hexadecimal, line};
use super::take_over::{self, TakenOver};
use crate::clock;
use crate::commands::expiry;
use crate::failure::Failure;
use crate::store::KeyUse;
use crate::terminal::{self, SafeText};

/// A key of the owner, with what is known of it.
#[derive(Serialize)]
pub(crate) struct OwnKey {
    pub(crate) fingerprint: String,
    pub(crate) sha256: String,
    #[serde(rename = "use")]
    pub(crate) key_use: &'static str,
    pub(crate) algorithm: String,
    pub(crate) addresses: Vec<String>,
    pub(crate) created: String,
    pub(crate) retired: Option<String>,
    pub(crate) certificates: Vec<CertificateObject>,
    /// Where its secret half is, if that is on a token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) token: Option<OnToken>,
}

/// A token that a key is on.
#[derive(Serialize)]
pub(crate) struct OnToken {
    pub(crate) label: String,
    pub(crate) serial_number: String,
    /// Whether it is there now.
    pub(crate) present: bool,
}

/// A contact's key.
#[derive(Serialize)]
pub(crate) struct ContactKey {
    pub(crate) address: String,
    pub(crate) fingerprint: String,
    pub(crate) sha256: String,
    /// Whether it is a personal CA, which stands for the contact.
    #[serde(rename = "personal_ca")]
    pub(crate) authority: bool,
    /// What stands for the contact and is compared; nothing where it is not at hand.
    pub(crate) compare: Option<String>,
    pub(crate) algorithm: String,
    pub(crate) points: i64,
    pub(crate) pinned: bool,
    pub(crate) source: String,
    pub(crate) since: String,
    pub(crate) certificates: Vec<CertificateObject>,
}

/// A certificate, in short.
#[derive(Serialize)]
pub(crate) struct CertificateObject {
    subject: String,
    issuer: String,
    serial_number: String,
    addresses: Vec<String>,
    not_before: String,
    not_after: String,
    #[serde(skip)]
    end: Time,
}

impl CertificateObject {
    /// Of a certificate.
    pub(crate) fn of(certificate: &Certificate) -> Self {
        Self {
            subject: certificate.subject(),
            issuer: certificate.issuer(),
            serial_number: hexadecimal(certificate.serial_number()),
            addresses: certificate.addresses().iter().map(ToString::to_string).collect(),
            not_before: certificate.not_before().to_rfc3339(),
            not_after: certificate.not_after().to_rfc3339(),
            end: certificate.not_after(),
        }
    }
}

/// What `keys list` and `keys show` say.
#[derive(Serialize)]
pub(crate) struct KeyList {
    pub(crate) version: u32,
    pub(crate) keys: Vec<OwnKey>,
    pub(crate) contacts: Vec<ContactKey>,
}

/// The list, one line for each key.
pub(crate) fn list(list: &KeyList, json: bool) -> Result<(), Failure> {
    if json {
        return print(&format!("{}\n", line(list)));
    }
    let mut text = String::new();
    if !list.keys.is_empty() {
        text.push_str("Yours\n");
        text.extend(list.keys.iter().map(own));
    }
    if !list.contacts.is_empty() {
        text.push_str("Contacts\n");
        for (position, key) in list.contacts.iter().enumerate() {
            text.push_str(&contact(key));
            let next = list.contacts.get(position.saturating_add(1));
            let goes_on = next.is_some_and(|next| next.address == key.address && next.compare == key.compare);
            let open = key.compare.as_ref().filter(|_| !key.pinned && !goes_on);
            text.extend(open.map(|compare| format!("      to compare: {compare}\n")));
        }
    }
    if text.is_empty() {
        text.push_str("No keys.\n");
    }
    print(&text)
}

/// Each key with its certificates.
pub(crate) fn show(list: &KeyList, json: bool) -> Result<(), Failure> {
    if json {
        return print(&format!("{}\n", line(list)));
    }
    let mut text = String::new();
    for key in &list.keys {
        text.push_str(&own(key));
        text.push_str(&details(&key.sha256, &key.certificates));
    }
    for key in &list.contacts {
        text.push_str(&contact(key));
        text.push_str(&format!("      {} since {}, {} points\n", source(key), day(&key.since), key.points));
        text.push_str(&details(&key.sha256, &key.certificates));
    }
    print(&text)
}

fn own(key: &OwnKey) -> String {
    let address = key.addresses.first().map_or("", String::as_str);
    let retired = key.retired.as_ref().map(|since| format!(", retired {}", day(since)));
    let token = key.token.as_ref().map(|token| {
        let absent = if token.present { "" } else { " (not there)" };
        format!(", on token {}{absent}", SafeText(&token.label))
    });
    format!(
        "  {}  {}  {} {}{}{}{}\n",
        key.fingerprint,
        SafeText(address),
        words(key.key_use),
        key.algorithm,
        until(&key.certificates),
        retired.unwrap_or_default(),
        token.unwrap_or_default()
    )
}

fn contact(key: &ContactKey) -> String {
    format!(
        "  {}  {}  {}{}{}, {}\n",
        key.fingerprint,
        SafeText(&key.address),
        if key.authority { "personal CA " } else { "" },
        key.algorithm,
        until(&key.certificates),
        source(key)
    )
}

fn source(key: &ContactKey) -> &'static str {
    if key.pinned {
        return "compared by you";
    }
    match key.source.as_str() {
        "mail" => "from a signed mail",
        "lookup" => "looked up",
        _ => "imported, not compared",
    }
}

/// What people call a use.
pub(super) fn words(key_use: &str) -> &str {
    match key_use {
        "personal-ca" => "personal CA",
        other => other,
    }
}

fn until(certificates: &[CertificateObject]) -> String {
    let Some(first) = certificates.first() else { return ", waits for its certificate".to_owned() };
    let now = clock::now();
    let remark = match first.end {
        end if end < now => ", ended",
        end if end <= now.plus_days(expiry::DAYS) => ", ends soon",
        _ => "",
    };
    format!(", until {}{remark}", day(&first.not_after))
}

fn details(sha256: &str, certificates: &[CertificateObject]) -> String {
    let mut text = format!("      SHA-256 {sha256}\n");
    for certificate in certificates {
        text.push_str(&format!(
            "      certificate of {}\n        issued by {}\n        serial number {}, {} to {}\n",
            SafeText(&certificate.subject),
            SafeText(&certificate.issuer),
            certificate.serial_number,
            day(&certificate.not_before),
            day(&certificate.not_after)
        ));
    }
    text
}

/// The date of a time as JSON has it.
pub(super) fn day(time: &str) -> &str {
    time.split('T').next().unwrap_or(time)
}

#[derive(Serialize)]
struct Made<'a> {
    version: u32,
    keys: Vec<MadeKey<'a>>,
}

#[derive(Serialize)]
struct MadeKey<'a> {
    fingerprint: String,
    #[serde(rename = "use")]
    key_use: &'a str,
    algorithm: String,
    addresses: Vec<String>,
    not_after: String,
}

/// What was made: each key with its purpose.
pub(crate) fn made(keys: &[(KeyUse, &Certificate)], directory: &Path, json: bool) -> Result<(), Failure> {
    let made: Vec<MadeKey<'_>> =
        keys.iter().map(|(key_use, certificate)| made_key(*key_use, certificate)).collect();
    if json {
        return print(&format!("{}\n", line(&Made { version: 1, keys: made })));
    }
    let mut text = String::new();
    for key in &made {
        text.push_str(&format!(
            "  {}  {} {}, until {}\n",
            key.fingerprint,
            words(key.key_use),
            key.algorithm,
            day(&key.not_after)
        ));
    }
    let directory = directory.display().to_string();
    text.push_str(&format!("kept in {}\n", SafeText(&directory)));
    if keys.iter().any(|(key_use, _)| *key_use == KeyUse::PersonalCa) {
        text.push_str("\nThe first fingerprint stands for you: it is what others compare.\n");
    }
    print(&text)
}

fn made_key(key_use: KeyUse, certificate: &Certificate) -> MadeKey<'static> {
    MadeKey {
        fingerprint: certificate.fingerprint().to_string(),
        key_use: key_use.word(),
        algorithm: certificate.public_key().algorithm().name(),
        addresses: certificate.addresses().iter().map(ToString::to_string).collect(),
        not_after: certificate.not_after().to_rfc3339(),
    }
}

/// What came in from one file.
#[derive(Serialize)]
pub(crate) struct Imported {
    pub(crate) file: String,
    pub(crate) keys: Vec<ImportedKey>,
    pub(crate) contacts: Vec<ImportedKey>,
    pub(crate) certificates: usize,
    pub(crate) not_taken: Vec<String>,
    /// Of the contacts whom nobody compared yet.
    pub(crate) compare: Vec<ToCompare>,
}

/// What stands for a contact, and is to be compared with them.
#[derive(Serialize, PartialEq, Eq)]
pub(crate) struct ToCompare {
    pub(crate) address: String,
    /// Nothing where it is a personal CA that is not at hand.
    pub(crate) fingerprint: Option<String>,
}

impl Imported {
    /// Whether nothing of the file is in the store.
    pub(crate) const fn is_nothing(&self) -> bool {
        self.keys.is_empty() && self.contacts.is_empty() && self.certificates == 0
    }

    /// Nothing came in.
    pub(crate) fn refused(file: &Path, why: String) -> Self {
        Self {
            file: file.display().to_string(),
            keys: Vec::new(),
            contacts: Vec::new(),
            certificates: 0,
            not_taken: vec![why],
            compare: Vec::new(),
        }
    }
}

/// One key that came in.
#[derive(Serialize)]
pub(crate) struct ImportedKey {
    pub(crate) address: String,
    pub(crate) fingerprint: String,
    pub(crate) new: bool,
    pub(crate) pinned: bool,
    /// The key before, which was compared, and which says that this one follows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) follows: Option<String>,
}

#[derive(Serialize)]
struct ImportReport<'a> {
    version: u32,
    files: &'a [Imported],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    trust: &'a [TakenOver],
}

/// What came in from all files.
pub(crate) fn imported(files: &[Imported], trust: &[TakenOver], json: bool) -> Result<(), Failure> {
    if json {
        return print(&format!("{}\n", line(&ImportReport { version: 1, files, trust })));
    }
    let mut text: String = trust.iter().map(take_over::words).collect();
    for file in files {
        text.push_str(&format!("{}\n", SafeText(&file.file)));
        text.extend(file.keys.iter().map(|key| came_in("your key", key)));
        text.extend(file.contacts.iter().map(|key| came_in("contact", key)));
        let is_empty = file.keys.is_empty() && file.contacts.is_empty();
        if is_empty && (file.certificates > 0 || file.not_taken.is_empty()) {
            let certificates = counted(file.certificates, "certificate");
            text.push_str(&format!("  {certificates}, none of a person\n"));
        }
        text.extend(file.compare.iter().map(to_compare));
        text.extend(file.not_taken.iter().map(|why| format!("  not taken: {}\n", SafeText(why))));
    }
    print(&text)
}

fn to_compare(what: &ToCompare) -> String {
    let address = SafeText(&what.address);
    match &what.fingerprint {
        Some(key) => {
            format!("  to compare with {address}:\n    {key}\n    cseal trust meet {address}\n")
        }
        None => format!(
            "  to compare with {address}: their personal CA, which this file lacks;\n    ask for a signed \
             mail, or: cseal keys find {address} --source http --import\n"
        ),
    }
}

fn came_in(what: &str, key: &ImportedKey) -> String {
    if let Some(old) = &key.follows {
        let address = SafeText(&key.address);
        return format!(
            "  {address} changed keys: {old}, which you compared, says that it is followed by\n  {}\n",
            key.fingerprint
        );
    }
    let state = match (key.pinned, key.new) {
        (true, _) => "compared by you",
        (false, true) => "new",
        (false, false) => "known already",
    };
    format!("  {what} {}  {}  {state}\n", SafeText(&key.address), key.fingerprint)
}

/// Writes to standard output.
pub(super) fn print(text: &str) -> Result<(), Failure> {
    terminal::print(text).map_err(|error| Failure::io("standard output", &error))
}

/// A time as JSON has it.
pub(crate) fn time(time: Time) -> String {
    time.to_rfc3339()
}
