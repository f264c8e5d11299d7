//! `cseal keys export --contacts`: everything that is known of others, in one folder
//! (`docs/formats/take-along.md`).

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use counterseal_core::address::EmailAddress;
use counterseal_core::fingerprint::Fingerprint;
use counterseal_core::x509::{Certificate, pem};
use sha2::{Digest, Sha256};

use super::{is_or_is_under, vcard};
use crate::args;
use crate::clock;
use crate::commands::history;
use crate::commands::store::{self, Unlock};
use crate::failure::{Exit, Failure};
use crate::files::write_file;
use crate::render::json::hexadecimal;
use crate::render::take_over as render;
use crate::store::{Records, Store};
use crate::trust_file;

/// Letters of an address in the name of a file.
const NAME_LETTERS: usize = 64;
/// Octets of its digest there, where letters were replaced.
const NAME_DIGEST: usize = 4;

/// Writes the folder: all of it, or nothing.
pub(super) fn export(arguments: &args::Export, store: &mut Store) -> Result<Exit, Failure> {
    let folder = arguments.output.as_deref().unwrap_or(Path::new("-"));
    if folder.as_os_str() == "-" || folder.file_name().is_none() {
        return Err(Failure::usage("contacts are written into a new folder: name it with -o FOLDER"));
    }
    if folder.exists() {
        return Err(Failure::unknown("output-exists", format!("{} exists already", folder.display()))
            .hint("name another folder"));
    }
    store::unlock(store, &Unlock::from_options(&arguments.passphrase))?;
    // What waited while the store was locked is to go along.
    history::seal(store)?;
    let records = store.records()?;
    let trust = trust_file::write(store, &records, clock::now())?;
    let contacts = Contact::all(&records);
    write(folder, &contacts, &trust)?;
    let key = Fingerprint::of_public_key(&store.trust_key()?);
    render::exported(folder, contacts.len(), &key.to_string())?;
    Ok(Exit::Done)
}

/// Somebody else, with their certificates.
struct Contact {
    /// As their certificates have it, where they do.
    address: String,
    /// Theirs first, those of CAs behind.
    certificates: Vec<Certificate>,
}

impl Contact {
    /// Everybody of whom there is a certificate.
    fn all(records: &Records) -> Vec<Self> {
        let read = records.certificates.iter().filter_map(|dated| Certificate::from_der(&dated.der).ok());
        let certificates: Vec<Certificate> = read.collect();
        let mut keys: BTreeMap<&str, Vec<[u8; 32]>> = BTreeMap::new();
        for record in &records.trust {
            keys.entry(&record.address).or_default().push(record.key);
        }
        let contacts = keys.into_iter().map(|(address, keys)| Self::of(address, &keys, &certificates));
        contacts.filter(|contact| !contact.certificates.is_empty()).collect()
    }

    fn of(address: &str, keys: &[[u8; 32]], all: &[Certificate]) -> Self {
        let parsed = EmailAddress::parse(address).ok();
        let names = |own: &&Certificate| {
            own.addresses().iter().any(|named| parsed.as_ref().is_some_and(|it| named.matches(it)))
        };
        let of_keys: Vec<&Certificate> =
            all.iter().filter(|own| keys.contains(own.fingerprint().sha256())).collect();
        // Keys that stand for their owner may be those of a personal CA: what it issued for the address goes along.
        let is_theirs = |own: &&Certificate| of_keys.iter().any(|known| is_or_is_under(own, known));
        let leaves = all.iter().filter(|own| !own.is_certificate_authority()).filter(names);
        let mut certificates: Vec<Certificate> = leaves.filter(is_theirs).cloned().collect();
        // Newest first, as the address book and other programs take the first.
        certificates.sort_by_key(|own| std::cmp::Reverse(own.not_before()));
        let above = all.iter().filter(|other| {
            other.is_certificate_authority() && certificates.iter().any(|own| is_or_is_under(own, other))
        });
        let mut above: Vec<Certificate> = above.cloned().collect();
        let shown = certificates.iter().flat_map(Certificate::addresses);
        let mut shown = shown.filter(|named| parsed.as_ref().is_some_and(|it| named.matches(it)));
        let address = shown.next().map_or_else(|| address.to_owned(), ToString::to_string);
        certificates.append(&mut above);
        Self { address, certificates }
    }

    fn pem(&self) -> String {
        self.certificates.iter().map(|own| pem::encode("CERTIFICATE", own.as_der())).collect()
    }

    fn vcard(&self) -> String {
        let own: Vec<&Certificate> =
            self.certificates.iter().filter(|own| !own.is_certificate_authority()).collect();
        vcard::write(&self.address, &own)
    }
}

/// Writes the folder under another name, and gives it its own in the end.
fn write(folder: &Path, contacts: &[Contact], trust: &str) -> Result<(), Failure> {
    let failed = |error: &io::Error| Failure::io(folder.display().to_string(), error);
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut begin = OsString::from(".");
    begin.push(folder.file_name().unwrap_or_default());
    let new = tempfile::Builder::new().prefix(&begin).tempdir_in(parent).map_err(|error| failed(&error))?;
    let certificates = new.path().join("certificates");
    fs::DirBuilder::new().mode(0o700).create(&certificates).map_err(|error| failed(&error))?;
    for contact in contacts {
        let name = format!("{}.pem", file_name(&contact.address));
        write_file(&certificates.join(name), contact.pem().as_bytes(), false)?;
    }
    let vcards: String = contacts.iter().map(Contact::vcard).collect();
    write_file(&new.path().join(trust_file::VCARDS), vcards.as_bytes(), false)?;
    write_file(&new.path().join(trust_file::NAME), trust.as_bytes(), false)?;
    fs::rename(new.path(), folder).map_err(|error| failed(&error))?;
    // It has its name: nothing is left to be removed.
    let _ = new.keep();
    Ok(())
}

/// A name that is a file's wherever it is taken, and another one for another address.
fn file_name(address: &str) -> String {
    let is_plain = |letter: &char| letter.is_ascii_alphanumeric() || "@.-_+".contains(*letter);
    let begins_well = address.starts_with(|letter: char| letter.is_ascii_alphanumeric());
    if begins_well && address.len() <= NAME_LETTERS && address.chars().all(|letter| is_plain(&letter)) {
        // A file system that knows no capitals must not take two for one.
        return address.to_ascii_lowercase();
    }
    let plain: String = address
        .chars()
        .take(NAME_LETTERS)
        .map(|letter| if is_plain(&letter) { letter.to_ascii_lowercase() } else { '_' })
        .collect();
    let digest = Sha256::digest(address.as_bytes());
    format!("_{plain}-{}", hexadecimal(digest.get(..NAME_DIGEST).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_are_names_of_files() {
        assert_eq!(file_name("bob+list@example.org"), "bob+list@example.org");
        assert_eq!(file_name("\"../x\"@example.org").len(), "_\"../x\"@example.org-01234567".len());
        for hostile in
            ["../../x@example.org", "\"a/b\"@example.org", ".profile@example.org", "-rf@example.org"]
        {
            let name = file_name(hostile);
            assert!(!name.contains('/') && name.starts_with('_'), "{name}");
        }
        assert_ne!(file_name("é@example.org"), file_name("è@example.org"));
        assert!(file_name(&"a".repeat(300)).len() < 100);
    }
}
