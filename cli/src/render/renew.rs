//! What followed what, in words and as JSON.

use std::path::Path;

use counterseal_core::address::EmailAddress;
use counterseal_core::fingerprint::Fingerprint;
use counterseal_core::x509::Certificate;
use serde::Serialize;

use super::json::line;
use super::keys::{day, print, words};
use crate::failure::Failure;
use crate::store::KeyUse;
use crate::terminal::SafeText;

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
