//! The certificates that the administrator put on the machine's shelf: what lies there is believed to belong to
//! the addresses that it names.

use std::fs;
use std::path::{Path, PathBuf};

use counterseal_core::address::EmailAddress;
use counterseal_core::fingerprint::Fingerprint;
use counterseal_core::keys::import;
use counterseal_core::limits::{SHELF_FILE_BYTES, SHELF_FILES};
use counterseal_core::trust::evidence::Comparison;
use counterseal_core::trust::{Knowledge, Pin, PublicRoots};
use counterseal_core::x509::Certificate;

use super::place::{check_directory, check_file};
use crate::commands::keys::stands_for;
use crate::failure::Failure;
use crate::files::read_file;

/// What the names of files with certificates end with.
const ENDINGS: [&str; 4] = ["pem", "crt", "cer", "der"];

/// The certificates of one folder.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    /// All of them, in the order of the files' names.
    pub(crate) certificates: Vec<Certificate>,
    /// Whose they are.
    owners: Vec<(EmailAddress, Fingerprint)>,
}

impl Shelf {
    /// Reads the folder, which must be root's, as must the files.
    ///
    /// # Errors
    /// `system-files` for what others can write, and for a file without a certificate.
    pub(crate) fn read(folder: &Path) -> Result<Self, Failure> {
        check_directory(folder).map_err(wrong)?;
        let mut shelf = Self::default();
        for path in files(folder)? {
            check_file(&path).map_err(wrong)?;
            let found = import(&read_file(&path, SHELF_FILE_BYTES)?, None).certificates;
            if found.is_empty() {
                return Err(wrong(format!("{} holds no certificate", path.display())));
            }
            shelf.add(found);
        }
        Ok(shelf)
    }

    fn add(&mut self, certificates: Vec<Certificate>) {
        for leaf in certificates.iter().filter(|own| !own.is_certificate_authority()) {
            let key = stands_for(leaf, &certificates);
            self.owners.extend(leaf.addresses().iter().map(|address| (address.clone(), key)));
        }
        self.certificates.extend(certificates);
    }

    /// The same as what is known of other people: the administrator compared these keys.
    pub(crate) fn knowledge(&self) -> Knowledge {
        let pin = |(address, fingerprint): &(EmailAddress, Fingerprint)| Pin {
            address: address.clone(),
            fingerprint: *fingerprint,
            how: Comparison::InPerson,
        };
        Knowledge {
            certificates: self.certificates.clone(),
            pins: self.owners.iter().map(pin).collect(),
            public_roots: Some(PublicRoots::default()),
            ..Knowledge::default()
        }
    }
}

/// The name of the file for an address: letters that mean something in a path are replaced.
pub(crate) fn file_name(address: &EmailAddress) -> String {
    let plain = |letter: char| {
        if letter.is_alphanumeric() || matches!(letter, '@' | '.' | '+' | '-' | '_') { letter } else { '_' }
    };
    let name: String = address.lookup_key().chars().map(plain).collect();
    format!("{}.pem", name.trim_start_matches('.'))
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let failed = |error: std::io::Error| Failure::io(folder.display().to_string(), &error);
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let ending = path.extension().and_then(|ending| ending.to_str());
        if ending.is_some_and(|ending| ENDINGS.contains(&ending)) {
            files.push(path);
        }
    }
    if files.len() > SHELF_FILES {
        return Err(wrong(format!("{} holds more than {SHELF_FILES} certificates", folder.display())));
    }
    files.sort();
    Ok(files)
}

fn wrong(what: String) -> Failure {
    Failure::unknown("system-files", what).hint("as root, see what is wrong: cseal doctor")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn no_address_names_a_file_elsewhere() {
        for (address, name) in [
            ("Bob@Example.org", "bob@example.org.pem"),
            ("\"../../etc/x\"@example.org", "_.._.._etc_x_@example.org.pem"),
            ("a+b@example.org", "a+b@example.org.pem"),
        ] {
            let found = file_name(&EmailAddress::parse(address).unwrap());
            assert!(!found.contains('/') && !found.starts_with('.'), "{found}");
            assert_eq!(found.to_lowercase(), name);
        }
    }
}
