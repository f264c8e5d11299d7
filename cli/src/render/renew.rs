//! What followed what, in words and as JSON.

use std::path::Path;

use counterseal_core::address::EmailAddress;
use counterseal_core::fingerprint::Fingerprint;
use counterseal_core::time::Time;
use counterseal_core::x509::Certificate;
use serde::Serialize;

use super::json::line;
use super::keys::{day, print, words};
use crate::failure::Failure;
use crate::store::KeyUse;
use crate::terminal::{SafeText, say};

/// New keys and retired ones.
#[derive(Serialize)]
pub(crate) struct Renewed {
    pub(crate) version: u32,
    pub(crate) address: String,
    pub(crate) keys: Vec<RenewedKey>,
    pub(crate) retired: Vec<String>,
    /// Whether the key before says that this one follows.
    pub(crate) succession: bool,
    /// Whether what others compare is another key now.
    pub(crate) compared_anew: bool,
}

/// A new key.
#[derive(Serialize)]
pub(crate) struct RenewedKey {
    fingerprint: String,
    #[serde(rename = "use")]
    key_use: &'static str,
    algorithm: String,
    not_after: String,
}

impl RenewedKey {
    /// By its certificate.
    pub(crate) fn of(key_use: KeyUse, certificate: &Certificate) -> Self {
        Self {
            fingerprint: certificate.fingerprint().to_string(),
            key_use: key_use.word(),
            algorithm: certificate.public_key().algorithm().name(),
            not_after: certificate.not_after().to_rfc3339(),
        }
    }
}

/// What was made, and what others are told.
pub(crate) fn renewed(renewed: &Renewed, json: bool) -> Result<(), Failure> {
    if json {
        return print(&format!("{}\n", line(renewed)));
    }
    let mut text = String::new();
    for key in &renewed.keys {
        let (name, until) = (words(key.key_use), day(&key.not_after));
        text.push_str(&format!("  {}  {name} {}, until {until}\n", key.fingerprint, key.algorithm));
    }
    for old in &renewed.retired {
        text.push_str(&format!("  {old}  retired; it stays here for old mail\n"));
    }
    text.push('\n');
    text.push_str(match (renewed.compared_anew, renewed.succession) {
        (false, _) => "Your next signed mail brings it to others; nobody has to compare anything.\n",
        (true, true) => {
            "The key before says that this one follows. Your signed mails carry that for a year; who\n\
             compared the old key needs not compare again.\n"
        }
        (true, false) => {
            "The key before could not sign that this one follows: others have to compare the new\n\
             fingerprint.\n"
        }
    });
    text.push_str(&format!(
        "Where your certificate is published, publish it again: cseal keys publish {}\n",
        SafeText(&renewed.address)
    ));
    print(&text)
}

/// Says that what was on a token is in the key store from now on, and how it comes onto the token.
pub(crate) fn left_a_token<'t>(address: &EmailAddress, left: impl Iterator<Item = (KeyUse, &'t str)>) {
    for (key_use, label) in left {
        say(&format!(
            "The old {0} key is on the token {1}, the new one is NOT: it is in the key store. One on the token:\n    \
             cseal keys generate {address} --use {0} --token {1}",
            key_use.word(),
            SafeText(label)
        ));
    }
}

#[derive(Serialize)]
struct Nothing<'a> {
    version: u32,
    address: &'a str,
    keys: [(); 0],
    retired: [(); 0],
    succession: bool,
    compared_anew: bool,
}

/// Every key is young enough.
pub(crate) fn nothing_to_do(address: &EmailAddress, json: bool) -> Result<(), Failure> {
    let address = address.to_string();
    if json {
        let nothing = Nothing {
            version: 1,
            address: &address,
            keys: [],
            retired: [],
            succession: false,
            compared_anew: false,
        };
        return print(&format!("{}\n", line(&nothing)));
    }
    print(&format!("{}: every key is younger than that; nothing was done\n", SafeText(&address)))
}

#[derive(Serialize)]
struct Asked<'a> {
    version: u32,
    address: &'a str,
    fingerprint: String,
    request: String,
}

/// A request was written.
pub(crate) fn asked(
    address: &EmailAddress,
    key: &Fingerprint,
    file: &Path,
    json: bool,
) -> Result<(), Failure> {
    let (address, file) = (address.to_string(), file.display().to_string());
    if json {
        let asked = Asked { version: 1, address: &address, fingerprint: key.to_string(), request: file };
        return print(&format!("{}\n", line(&asked)));
    }
    let (shown, named) = (SafeText(&address), SafeText(&file));
    print(&format!(
        "  {key}  new key for {shown}, kept\n\n\
         {named} is the request for its certificate: send it to your CA, and take the answer in with\n\
         cseal keys renew {shown} --answer FILE\n\
         Until then everything stays as it is.\n"
    ))
}

#[derive(Serialize)]
struct Revoked<'a> {
    version: u32,
    fingerprint: &'a str,
    revoked: usize,
    file: Option<String>,
}

/// A key was revoked, and who is to be told. `revoked` counts the entries of the list.
pub(crate) fn revoked(
    key: &Fingerprint,
    (is_authority, revoked): (bool, usize),
    file: Option<&Path>,
    json: bool,
) -> Result<(), Failure> {
    let (fingerprint, file) = (key.to_string(), file.map(|file| file.display().to_string()));
    if json {
        let object = Revoked { version: 1, fingerprint: &fingerprint, revoked, file };
        return print(&format!("{}\n", line(&object)));
    }
    let mut text = format!("  {fingerprint}  revoked and retired; it stays here for old mail\n\n");
    text.push_str(if is_authority {
        "This key stands for you. No list reaches everybody who compared it: tell them yourself, and\n\
         have them run: cseal trust unpin ADDRESS. Then make new keys: cseal keys renew --personal-ca\n"
    } else {
        "The list goes along with your signed mails from now on: write to whom it concerns. Make the key\n\
         that follows, if you have none: cseal keys renew\n"
    });
    match &file {
        Some(file) => text.push_str(&format!(
            "{} is for everybody else: they look at it with --crl FILE, openssl with -CRLfile.\n",
            SafeText(file)
        )),
        None => text.push_str("With -o FILE the list is written for other programs, too.\n"),
    }
    print(&text)
}

/// What is lost with a key.
#[derive(Serialize)]
pub(crate) struct Loss {
    pub(crate) opens_mail: bool,
    pub(crate) from: String,
    pub(crate) until: String,
    /// Mails that the history counts in this time.
    pub(crate) mails: usize,
}

impl Loss {
    /// What a person reads before they decide.
    pub(crate) fn warning(&self, key: &Fingerprint) -> String {
        let Self { from, until, mails, .. } = self;
        if !self.opens_mail {
            return format!("{key} opens no mail. It is gone for ever once it is removed.");
        }
        format!(
            "Mail that was encrypted to {key} will never open again: what others sent you, and you kept \
             of your own,\nfrom {from} until {until}. The history counts {mails} signed mails that came \
             in this time."
        )
    }
}

#[derive(Serialize)]
struct Removed<'a> {
    version: u32,
    fingerprint: &'a str,
    lost: &'a Loss,
}

/// A key is gone.
pub(crate) fn removed(key: &Fingerprint, loss: &Loss, json: bool) -> Result<(), Failure> {
    let fingerprint = key.to_string();
    if json {
        let object = Removed { version: 1, fingerprint: &fingerprint, lost: loss };
        return print(&format!("{}\n", line(&object)));
    }
    print(&format!("  {fingerprint}  removed; backups and other devices may still have it\n"))
}

/// A certificate of our own ends soon, or has ended.
pub(crate) fn ends_soon(key_use: KeyUse, certificate: &Certificate, now: Time) -> String {
    let address = certificate.addresses().first().map(ToString::to_string).unwrap_or_default();
    let (end, what) = (certificate.not_after(), words(key_use.word()));
    let ends = if end < now { "ended" } else { "ends" };
    let more = match key_use {
        KeyUse::PersonalCa => " --personal-ca",
        KeyUse::Encryption | KeyUse::Signing => "",
    };
    let space = if address.is_empty() { "" } else { " " };
    format!(
        "note: the certificate of your {what} key {ends} on {}; make the next with `cseal keys \
         renew{space}{}{more}`",
        end.to_date(),
        SafeText(&address)
    )
}
