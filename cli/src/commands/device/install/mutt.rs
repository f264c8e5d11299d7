//! A folder of mutt's, as `smime_keys` makes it: `keys` and `certificates`, each with an index.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use counterseal_core::secret::SecretBytes;
use counterseal_core::x509::{Certificate, pem};

use super::super::wanted::{Generation, Present, Wanted, digest};
use super::gpgsm::absent;
use super::{Place, Program, passphrase_of};
use crate::commands::keys::sealed;
use crate::failure::Failure;
use crate::files::{read_file, write_file};
use crate::store::StoreKeys;

const KEYS: &str = "keys";
const CERTIFICATES: &str = "certificates";
const INDEX: &str = ".index";
/// Bytes of a certificate's file, and of an index.
const FILE_BYTES: usize = 1 << 20;

/// The folder that the settings of mutt call `smime_keys` and `smime_certificates` in.
pub(super) struct Folder<'a> {
    place: &'a Place,
    passphrase: Option<SecretBytes>,
}

impl<'a> Folder<'a> {
    pub(super) fn open(place: &'a Place) -> Result<Self, Failure> {
        if !place.place.is_dir() {
            return Err(absent(&place.place).hint("`smime_keys init` makes it"));
        }
        for name in [KEYS, CERTIFICATES] {
            let folder = place.place.join(name);
            let made = DirBuilder::new().recursive(true).mode(0o700).create(&folder);
            made.map_err(|error| Failure::io(folder.display().to_string(), &error))?;
        }
        Ok(Self { place, passphrase: None })
    }

    fn passphrase(&mut self) -> Result<SecretBytes, Failure> {
        if let Some(known) = &self.passphrase {
            return Ok(known.clone());
        }
        let typed = passphrase_of(self.place, "New passphrase that mutt asks for to open your keys")?;
        self.passphrase = Some(typed.clone());
        Ok(typed)
    }

    fn file(&self, folder: &str, name: &str) -> PathBuf {
        self.place.place.join(folder).join(name)
    }

    fn index(&self, folder: &str) -> Result<String, Failure> {
        let path = self.file(folder, INDEX);
        if !path.exists() {
            return Ok(String::new());
        }
        String::from_utf8(read_file(&path, FILE_BYTES)?.to_vec())
            .map_err(|_| Failure::unknown("not-installed", format!("{}: no text", path.display())))
    }

    /// Adds the lines that an index does not have.
    fn add_to_index(&self, folder: &str, lines: &[String]) -> Result<(), Failure> {
        let mut index = self.index(folder)?;
        if !index.is_empty() && !index.ends_with('\n') {
            index.push('\n');
        }
        let has = |index: &str, line: &str| index.lines().any(|other| same_entry(other, line));
        let missing: Vec<&String> = lines.iter().filter(|line| !has(&index, line)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        missing.iter().for_each(|line| index.extend([line.as_str(), "\n"]));
        write_file(&self.file(folder, INDEX), index.as_bytes(), true)
    }

    fn write_certificate(&self, certificate: &Certificate) -> Result<(), Failure> {
        let text = pem::encode("CERTIFICATE", certificate.as_der());
        write_file(&self.file(CERTIFICATES, &name(certificate)), text.as_bytes(), true)
    }
}

impl Program for Folder<'_> {
    fn takes(&self, _: &Generation) -> bool {
        true
    }

    fn present(&mut self) -> Result<Present, Failure> {
        let mut names: BTreeMap<String, usize> = BTreeMap::new();
        for folder in [KEYS, CERTIFICATES] {
            for name in self.index(folder)?.lines().filter_map(|line| line.split(' ').nth(1)) {
                if is_name(name) && self.file(folder, name).is_file() {
                    *names.entry(name.to_owned()).or_default() |= 1 << usize::from(folder == KEYS);
                }
            }
        }
        let both = names.into_iter().filter(|(_, found)| *found == 3).map(|(name, _)| name);
        Ok(Present(both.filter_map(|name| certificate_in(&self.file(CERTIFICATES, &name))).collect()))
    }

    fn put(&mut self, generation: &Generation, wanted: &Wanted, held: &StoreKeys<'_>) -> Result<(), Failure> {
        let passphrase = self.passphrase()?;
        let key = sealed::pkcs8(&[&generation.key], held, &passphrase)?;
        wanted.authorities.iter().try_for_each(|authority| self.write_certificate(authority))?;
        let above = wanted.authorities.first().map_or_else(|| "?".to_owned(), name);
        let mut lines = Vec::new();
        for certificate in &generation.certificates {
            let name = name(certificate);
            self.write_certificate(certificate)?;
            write_file(&self.file(KEYS, &name), &key, true)?;
            let addresses = certificate.addresses().iter().map(ToString::to_string);
            // A space ends a field of the index.
            let plain = addresses.filter(|address| !address.contains(char::is_whitespace));
            lines.extend(plain.map(|address| format!("{address} {name} cseal {above} t e")));
        }
        // The index last: a key that stands in it is there.
        self.add_to_index(CERTIFICATES, &lines)?;
        self.add_to_index(KEYS, &lines)
    }
}

/// Eight digits and a number, as the files of `smime_keys` are called.
fn name(certificate: &Certificate) -> String {
    let digest = digest(certificate);
    let start: String = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    format!("{start}.0")
}

/// Whether a name of an index is one of a file in the same folder.
fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'.') && name != ".."
}

/// Whether two lines are about the same address and file.
fn same_entry(one: &str, other: &str) -> bool {
    one.split(' ').take(2).eq(other.split(' ').take(2))
}

fn certificate_in(path: &Path) -> Option<[u8; 32]> {
    let bytes = fs::metadata(path).ok().filter(|found| found.len() <= FILE_BYTES as u64)?;
    let bytes = fs::read(path).ok().filter(|read| read.len() as u64 == bytes.len())?;
    let blocks = pem::blocks(&bytes);
    let (_, der) = blocks.iter().find(|(label, _)| label == "CERTIFICATE")?;
    Certificate::from_der(der.expose()).ok().as_ref().map(digest)
}
