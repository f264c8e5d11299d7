//! What was done about devices, in words and as JSON.

use std::path::Path;

use counterseal_core::fingerprint::Fingerprint;
use counterseal_keysync::device::{DeviceId, Role};
use counterseal_keysync::log::Device;
use serde::Serialize;

use super::counted;
use super::json::line;
use crate::failure::Failure;
use crate::terminal::{self, SafeText};

/// A device that was put out.
pub(crate) struct PutOut {
    pub(crate) device: DeviceId,
    pub(crate) name: String,
    /// Keys that it had, and that are advertised no more.
    pub(crate) retired: usize,
    /// The key that others encrypt to from now on.
    pub(crate) new_key: Option<Fingerprint>,
    /// Keys whose certificates were revoked.
    pub(crate) revoked: usize,
    /// Keys that another CA than the personal one certified.
    pub(crate) certified_elsewhere: usize,
    /// Keys that were announced to the devices that stay.
    pub(crate) announced: usize,
    /// Whether it held the personal CA.
    pub(crate) authority: bool,
    /// People who may use the old certificate.
    pub(crate) contacts: usize,
    /// Whether no certificate is advertised now.
    pub(crate) key_is_missing: bool,
}

#[derive(Serialize)]
struct PutOutObject<'a> {
    version: u32,
    device: String,
    name: &'a str,
    retired: usize,
    new_key: Option<String>,
    revoked: usize,
    certified_elsewhere: usize,
    announced: usize,
    held_personal_ca: bool,
    contacts: usize,
    no_key: bool,
}

/// What was done, and what is left to the person.
pub(crate) fn put_out(what: &PutOut, json: bool) -> Result<(), Failure> {
    if json {
        return print_line(&line(&PutOutObject {
            version: 1,
            device: what.device.to_string(),
            name: &what.name,
            retired: what.retired,
            new_key: what.new_key.as_ref().map(Fingerprint::to_string),
            revoked: what.revoked,
            certified_elsewhere: what.certified_elsewhere,
            announced: what.announced,
            held_personal_ca: what.authority,
            contacts: what.contacts,
            no_key: what.key_is_missing,
        }));
    }
    let mut text = format!("{} is out: nothing new is sealed for it.\n", SafeText(&what.name));
    text.push_str(&format!(
        "{} that it may have: nobody is told to use them any more.\n",
        counted(what.retired, "key")
    ));
    if let Some(key) = &what.new_key {
        text.push_str(&format!(
            "New key to encrypt to: {key}. The old certificate is revoked; your next signed mails say both.\n"
        ));
    }
    if what.certified_elsewhere > 0 {
        text.push_str(&certified_elsewhere(what.certified_elsewhere));
        text.push('\n');
    }
    if what.contacts > 0 && what.retired > 0 {
        text.push_str(&format!(
            "{} may use the old certificate until they see mail signed by you.\n",
            counted(what.contacts, "contact")
        ));
    }
    if what.authority {
        text.push_str(
            "It held your personal CA, and can issue certificates in your name: make a new one with \
             `cseal keys renew --personal-ca`.\n",
        );
    }
    if what.key_is_missing {
        text.push_str("No key is advertised any more: make one with `cseal keys renew`.\n");
    }
    text.push_str("It keeps the keys and the mail that it has. Tell the others: `cseal device sync`.\n");
    print(&text)
}

/// What is to be done about keys that the personal CA cannot revoke.
pub(crate) fn certified_elsewhere(keys: usize) -> String {
    format!(
        "{} certified by another CA: have it revoke the certificate and issue a new one, then `cseal keys import`.",
        if keys == 1 { "1 key was".to_owned() } else { format!("{keys} keys were") }
    )
}

#[derive(Serialize)]
struct RoleObject<'a> {
    version: u32,
    device: String,
    name: &'a str,
    role: &'static str,
}

/// What a device is for now.
pub(crate) fn role(known: Option<&Device>, device: &DeviceId, role: Role, json: bool) -> Result<(), Failure> {
    let name = known.map(|known| known.name.as_str()).unwrap_or_default();
    if json {
        return print_line(&line(&RoleObject {
            version: 1,
            device: device.to_string(),
            name,
            role: role.word(),
        }));
    }
    print(&format!(
        "{} is {} {} from now on. Tell the others: `cseal device sync`.\n",
        SafeText(name),
        if role.administers() { "an" } else { "a" },
        role.word()
    ))
}

#[derive(Serialize)]
struct ExportedObject {
    version: u32,
    file: String,
    entries: usize,
    keys: usize,
}

/// What is in a copy of the account.
pub(crate) fn exported(file: &Path, (entries, keys): (usize, usize), json: bool) -> Result<(), Failure> {
    let file = file.display().to_string();
    if json {
        return print_line(&line(&ExportedObject { version: 1, file, entries, keys }));
    }
    print(&format!(
        "{}: {} of the log, {}. The recovery sheet opens it, and nothing else does.\n",
        SafeText(&file),
        if entries == 1 { "1 entry".to_owned() } else { format!("{entries} entries") },
        counted(keys, "key")
    ))
}

fn print_line(line: &str) -> Result<(), Failure> {
    print(&format!("{line}\n"))
}

fn print(text: &str) -> Result<(), Failure> {
    terminal::print(text).map_err(|error| Failure::io("standard output", &error))
}
