//! A profile of Thunderbird or Firefox: NSS keeps keys in `key4.db` and certificates in `cert9.db`, and its
//! own programs `certutil` and `pk12util` hand them out.

use std::path::Path;
use std::process::Command;

use counterseal_core::keys::import;
use counterseal_core::secret::SecretBytes;

use super::folder::Item;
use super::view::View;
use crate::failure::Failure;
use crate::randomness::random;
use crate::tools::{SecretPipe, Tools};

pub(crate) const TOOLS: Tools = Tools {
    name: "the tools of NSS",
    missing: "certutil and pk12util are not installed",
    install: "install the tools of NSS: Debian calls them libnss3-tools",
};

/// Not `pkcs11.txt`, which names libraries that NSS loads.
pub(crate) const DATABASES: [&str; 2] = ["cert9.db", "key4.db"];

/// Whether a folder is a profile.
pub(crate) fn is_profile(folder: &Path) -> bool {
    DATABASES.iter().all(|name| folder.join(name).is_file())
}

/// Everything in a profile: own keys with their certificates and those above, and contacts' certificates. `primary`
/// opens the keys, where the profile has a primary password.
pub(crate) fn read(folder: &Path, primary: Option<&SecretBytes>) -> Result<Vec<Item>, Failure> {
    let profile = Profile { folder, view: View::of(folder, &DATABASES)?, primary };
    let listed = TOOLS.run(profile.program("certutil").arg("-L"), b"")?;
    if !listed.status.success() {
        return Err(Failure::unknown("io", format!("{}: {}", folder.display(), TOOLS.said(&listed))));
    }
    let list = String::from_utf8_lossy(&listed.stdout).into_owned();
    list.lines().filter_map(named).map(|(name, is_own)| profile.item(name, is_own)).collect()
}

struct Profile<'a> {
    folder: &'a Path,
    view: View,
    primary: Option<&'a SecretBytes>,
}

impl Profile<'_> {
    fn program(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.arg("-d").arg(format!("sql:{}", self.view.path().display()));
        command
    }

    fn item(&self, name: &str, is_own: bool) -> Result<Item, Failure> {
        let place = self.folder.join(name);
        let refused = |said: String| Ok(Item::Refused(place.clone(), said));
        if !is_own {
            let certificates = TOOLS.run(self.program("certutil").args(["-L", "-a", "-n", name]), b"")?;
            if !certificates.status.success() {
                return refused(TOOLS.said(&certificates));
            }
            return Ok(Item::Keys(place, import(&certificates.stdout, None)));
        }
        let directory = tempfile::tempdir().map_err(|error| Failure::io("a temporary directory", &error))?;
        let file = directory.path().join("key.p12");
        // On the way the key is sealed under a passphrase that is on no disk.
        let passphrase = one_time_passphrase();
        let mut export = self.program("pk12util");
        export.args(["-n", name, "-w", "/dev/stdin", "-o"]).arg(&file);
        let primary = self.primary.map(SecretPipe::with_line).transpose()?;
        if let Some(primary) = &primary {
            export.args(["-k", &primary.path()]);
        }
        let line = SecretBytes::new([passphrase.expose(), b"\n"].concat());
        let exported = TOOLS.run(&mut export, line.expose())?;
        if !exported.status.success() {
            return refused(TOOLS.said(&exported));
        }
        let bytes = std::fs::read(&file).map_err(|error| Failure::io(file.display().to_string(), &error))?;
        let found = import(&bytes, Some(&passphrase));
        match found.refused.first() {
            Some(why) if found.is_empty() => refused(why.why.to_string()),
            _ => Ok(Item::Keys(place, found)),
        }
    }
}

/// 256 random bits in hexadecimal, for a file that lives for a moment.
pub(crate) fn one_time_passphrase() -> SecretBytes {
    SecretBytes::new(random::<32>().iter().flat_map(|octet| format!("{octet:02x}").into_bytes()).collect())
}

/// The name in a line of `certutil -L`, and whether its key is there: the flags at the end say `u` then.
fn named(line: &str) -> Option<(&str, bool)> {
    let (name, flags) = line.trim_end().rsplit_once(char::is_whitespace)?;
    let is_flags = flags.matches(',').count() == 2
        && flags.chars().all(|letter| letter == ',' || letter.is_ascii_alphabetic());
    let name = name.trim();
    (is_flags && !name.is_empty()).then(|| (name, flags.contains('u')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_list_are_told_from_its_head() {
        assert_eq!(named("Alice Example of Org              u,u,u"), Some(("Alice Example of Org", true)));
        assert_eq!(named("A CA      CT,C,C"), Some(("A CA", false)));
        assert_eq!(named("bob@example.org    ,,"), Some(("bob@example.org", false)));
        assert_eq!(named("Certificate Nickname       Trust Attributes"), None);
        assert_eq!(named("            SSL,S/MIME,JAR/XPI"), None);
        assert_eq!(named("   u,u,u"), None);
    }
}
