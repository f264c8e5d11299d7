//! A home of GnuPG: gpgsm keeps certificates in `pubring.kbx` and its agent keeps keys in
//! `private-keys-v1.d`; both hand out what they have.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use counterseal_core::fingerprint::Fingerprint;
use counterseal_core::keys::{Import, import};
use counterseal_core::secret::SecretBytes;
use counterseal_core::x509::{Certificate, pem};

use super::folder::Item;
use super::view::View;
use crate::failure::Failure;
use crate::randomness::random;
use crate::sources::KeyFiles;
use crate::tools::Tools;

pub(crate) const TOOLS: Tools = Tools {
    name: "the tools of GnuPG",
    missing: "gpgsm, which keeps S/MIME keys for GnuPG, is not installed",
    install: "install it: Debian calls it gpgsm",
};

const KEYBOX: &str = "pubring.kbx";
const KEYS: &str = "private-keys-v1.d";

/// Whether a folder is such a home.
pub(super) fn is_home(folder: &Path) -> bool {
    folder.join(KEYBOX).is_file() || folder.join(KEYS).is_dir()
}

/// Everything of S/MIME in a home: own keys with their certificates, and everybody's certificates.
pub(super) fn read(folder: &Path, key_files: &mut KeyFiles<'_>) -> Result<Vec<Item>, Failure> {
    let home = Home::of(folder)?;
    let mut items = Vec::new();
    let mut seen: Vec<String> = Vec::new();
    let mut kept_back: Vec<Fingerprint> = Vec::new();
    for own in home.own_keys()? {
        // One key may have several certificates, and comes out with any of them.
        if seen.contains(&own.grip) {
            continue;
        }
        let item = home.key(&own, key_files)?;
        if matches!(item, Item::Refused(..)) {
            // Whose key stays behind is nobody's contact: the certificate comes in with the key.
            kept_back.extend(home.certificates(Some(&own))?.iter().map(Certificate::fingerprint));
        }
        items.push(item);
        seen.push(own.grip);
    }
    for certificate in home.certificates(None)? {
        if !kept_back.contains(&certificate.fingerprint()) {
            let place = home.place(&name(&certificate));
            items.push(Item::Keys(place, Import { certificates: vec![certificate], ..Import::default() }));
        }
    }
    if items.is_empty() {
        items.push(Item::Refused(folder.to_owned(), NOTHING.to_owned()));
    }
    Ok(items)
}

const NOTHING: &str = "gpgsm has no certificate in it; for OpenPGP keys there is --openpgp";

/// A home as GnuPG sees it: without its settings, so what they would have it start is not started, and the agent
/// is ours to end.
struct Home<'a> {
    folder: &'a Path,
    view: View,
}

/// A key that the agent has, with one certificate of it.
#[derive(Debug, Default, PartialEq, Eq)]
struct OwnKey {
    is_rsa: bool,
    /// Of the certificate, in hexadecimal: what gpgsm calls it.
    fingerprint: String,
    /// Of the key: what the agent calls it.
    grip: String,
    /// The address, or the name where there is none.
    name: String,
}

impl<'a> Home<'a> {
    fn of(folder: &'a Path) -> Result<Self, Failure> {
        Ok(Self { folder, view: View::of(folder, &[KEYBOX, KEYS])? })
    }

    fn program(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        // What it says is compared, and quoted among English words.
        command.env("LC_ALL", "C").arg("--homedir").arg(self.view.path());
        command
    }

    fn gpgsm(&self) -> Command {
        let mut command = self.program("gpgsm");
        // The dirmngr would ask the network.
        command.args(["--batch", "--no-tty", "--disable-dirmngr", "--status-fd", "2"]);
        command
    }

    fn own_keys(&self) -> Result<Vec<OwnKey>, Failure> {
        let list = ["--with-colons", "--with-keygrip", "--list-secret-keys"];
        let listed = TOOLS.run(self.gpgsm().args(list), b"")?;
        if !listed.status.success() {
            return Err(self.failure(&listed));
        }
        Ok(own_keys(&String::from_utf8_lossy(&listed.stdout)))
    }

    /// All certificates, or that of one key.
    fn certificates(&self, of: Option<&OwnKey>) -> Result<Vec<Certificate>, Failure> {
        let mut export = self.gpgsm();
        export.args(["--armor", "--export"]).args(of.map(|own| &own.fingerprint));
        let exported = TOOLS.run(&mut export, b"")?;
        if !exported.status.success() {
            return Err(self.failure(&exported));
        }
        let blocks = pem::blocks(&exported.stdout);
        Ok(blocks.iter().filter_map(|(_, der)| Certificate::from_der(der.expose()).ok()).collect())
    }

    /// A key, as gpgsm seals it for us. There is one passphrase for both, the key's and the seal's; whoever
    /// has none for the key gets a seal that nobody knows.
    fn key(&self, own: &OwnKey, key_files: &mut KeyFiles<'_>) -> Result<Item, Failure> {
        let place = self.place(&own.name);
        let refused = |why: String| Ok(Item::Refused(place.clone(), why));
        // gpgsm takes 31 octets at most.
        let mut passphrase: SecretBytes = SecretBytes::new(hexadecimal(&random::<15>()));
        let mut exported = self.export(own, &passphrase)?;
        if is_wrong_passphrase(&exported) {
            let whose = place.display().to_string();
            passphrase = match key_files.passphrase(&whose) {
                Ok(passphrase) => passphrase,
                Err(failure) => return refused(failure.message),
            };
            exported = self.export(own, &passphrase)?;
        }
        if is_wrong_passphrase(&exported) {
            return refused(format!("{}: the passphrase does not open it", place.display()));
        }
        if !exported.status.success() || exported.stdout.is_empty() {
            return refused(why_not(own, &TOOLS.said(&exported)));
        }
        let found = import(&exported.stdout, Some(&passphrase));
        match found.refused.first() {
            Some(why) if found.keys.is_empty() => refused(why.why.to_string()),
            _ => Ok(Item::Keys(place, found)),
        }
    }

    fn export(&self, own: &OwnKey, passphrase: &SecretBytes) -> Result<Output, Failure> {
        let mut export = self.gpgsm();
        export.args(["--pinentry-mode", "loopback", "--passphrase-fd", "0"]);
        export.args(["--output", "-", "--export-secret-key-p12", &own.fingerprint]);
        let line = SecretBytes::new([passphrase.expose(), b"\n"].concat());
        TOOLS.run(&mut export, line.expose())
    }

    /// What is said of one thing in the home. A name that looks like a path is none.
    fn place(&self, name: &str) -> PathBuf {
        PathBuf::from(format!("{}/{name}", self.folder.display()))
    }

    fn failure(&self, output: &Output) -> Failure {
        Failure::unknown("io", format!("{}: {}", self.folder.display(), TOOLS.said(output)))
    }
}

impl Drop for Home<'_> {
    /// Ends the agent that gpgsm started, and takes away the folder of its sockets.
    fn drop(&mut self) {
        for step in [&["--kill", "gpg-agent"][..], &["--remove-socketdir"]] {
            let _ = TOOLS.run(self.program("gpgconf").args(step), b"");
        }
    }
}

/// gpgsm 2.2 ends with success here, and has written nothing.
fn is_wrong_passphrase(output: &Output) -> bool {
    let said = String::from_utf8_lossy(&output.stderr);
    said.lines().any(|line| line.starts_with("[GNUPG:] BAD_PASSPHRASE")) || said.contains("Bad passphrase")
}

/// What a person can do something with, of what gpgsm says.
fn why_not(own: &OwnKey, said: &str) -> String {
    match own.is_rsa {
        _ if said.contains("password too long") => {
            "gpgsm exports no key whose passphrase has more than 31 bytes; gpgsm --passwd sets another"
                .to_owned()
        }
        false => format!("this gpgsm exports RSA keys only, and this is another ({said})"),
        true => said.to_owned(),
    }
}

/// Reads the list that gpgsm makes for programs: one field a colon (doc/DETAILS of GnuPG).
fn own_keys(list: &str) -> Vec<OwnKey> {
    let mut keys: Vec<OwnKey> = Vec::new();
    for line in list.lines() {
        let fields: Vec<&str> = line.split(':').collect();
        let field = |place: usize| fields.get(place).copied().unwrap_or_default();
        if field(0) == "crs" {
            keys.push(OwnKey { is_rsa: field(3) == "1", ..OwnKey::default() });
        }
        let Some(key) = keys.last_mut() else { continue };
        let said = field(9);
        match field(0) {
            "fpr" if said.bytes().all(|digit| digit.is_ascii_hexdigit()) => key.fingerprint = said.to_owned(),
            "grp" => key.grip = said.to_owned(),
            "uid" if key.name.is_empty() => key.name = said.to_owned(),
            // Addresses stand in angle brackets, behind the name of the certificate.
            "uid" if said.starts_with('<') && key.name.contains('=') => {
                key.name = said.trim_matches(['<', '>']).to_owned();
            }
            _ => {}
        }
    }
    keys.retain(|key| !key.fingerprint.is_empty() && !key.grip.is_empty());
    keys
}

fn name(certificate: &Certificate) -> String {
    certificate.addresses().first().map_or_else(|| certificate.subject(), ToString::to_string)
}

fn hexadecimal(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().flat_map(|octet| format!("{octet:02x}").into_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_gpgsm_gives_each_key_its_address() {
        let list = "/home/alice/.gnupg/pubring.kbx\n------\n\
            crs:n:2048:1:58E2::::0EB3::CN=Alice::escESC::::::23:\n\
            fpr:::::::::F78D1C:::F78D1C:\nfp2:::::::::C856::::\ngrp:::::::::3064ED:\n\
            uid:n::::::::CN=Alice::\nuid:n::::::::<alice@example.org>::\n\
            crs::256:18:C1F4::::0D09::CN=Zed::esc:::::::\nfpr:::::::::3EBF:::F78D:\n\
            grp:::::::::C7BE:\nuid:::::::::CN=Zed::\n\
            crs::256:18:C1F4::::0D09::CN=Nobody::esc:::::::\nfpr:::::::::--output:::F78D:\n";
        let key = |is_rsa, fingerprint: &str, grip: &str, name: &str| OwnKey {
            is_rsa,
            fingerprint: fingerprint.to_owned(),
            grip: grip.to_owned(),
            name: name.to_owned(),
        };
        let expected =
            [key(true, "F78D1C", "3064ED", "alice@example.org"), key(false, "3EBF", "C7BE", "CN=Zed")];
        assert_eq!(own_keys(list), expected);
    }
}
