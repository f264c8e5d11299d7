//! A profile of Thunderbird, through the tools of NSS.

use std::fs::{self, File, OpenOptions};
use std::path::Path;
use std::process::{Command, Output};

use counterseal_core::secret::SecretBytes;
use counterseal_core::x509::pkcs12::Protection;
use counterseal_core::x509::{Certificate, pem};
use rustix::fs::{FlockOperation, fcntl_lock};
use rustix::process::{Pid, test_kill_process};

use super::super::wanted::{Generation, Present, Wanted, digest};
use super::gpgsm::absent;
use super::{Place, Program};
use crate::commands::keys::import::folder::Item;
use crate::commands::keys::import::nss::{self, DATABASES, TOOLS, one_time_passphrase};
use crate::commands::keys::import::view::View;
use crate::commands::keys::sealed::{self, Bundle};
use crate::failure::Failure;
use crate::passphrase;
use crate::store::StoreKeys;
use crate::tools::SecretPipe;

/// What Thunderbird keeps locked while it runs.
const LOCK: &str = ".parentlock";
/// A link that it makes beside: it points to an address and a process.
const LINK: &str = "lock";

/// A profile that Thunderbird does not use now; it does not begin while this value lives.
pub(super) struct Profile<'a> {
    place: &'a Place,
    /// The databases without the settings beside them, which name libraries that NSS would load.
    view: View,
    primary: Option<SecretBytes>,
    _lock: Option<File>,
}

impl<'a> Profile<'a> {
    pub(super) fn open(place: &'a Place) -> Result<Self, Failure> {
        let folder = &place.place;
        if !folder.is_dir() {
            return Err(absent(folder).hint("Thunderbird shows it in Help, Troubleshooting Information"));
        }
        if !nss::is_profile(folder) {
            let message = format!("{}: no profile: it has no cert9.db and key4.db", folder.display());
            return Err(Failure::unknown("no-place", message).hint("start Thunderbird once: it makes them"));
        }
        let lock = lock(folder)?;
        let primary = place.passphrase_file.as_deref().map(passphrase::from_file).transpose()?;
        Ok(Self { place, view: View::of(folder, &DATABASES)?, primary, _lock: lock })
    }

    /// Runs one of the tools, with what opens the keys; an empty one is said, or it would ask at the terminal.
    fn run(&self, program: &str, more: &[&str], option: &str, input: &[u8]) -> Result<Output, Failure> {
        let empty = SecretBytes::new(Vec::new());
        let pipe = SecretPipe::with_line(self.primary.as_ref().unwrap_or(&empty))?;
        let mut command = Command::new(program);
        command.arg("-d").arg(format!("sql:{}", self.view.path().display()));
        TOOLS.run(command.args(more).args([option, &pipe.path()]), input)
    }

    fn done(&self, output: &Output) -> Result<(), Failure> {
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let place = self.place.place.display();
        if said.contains("BAD_PASSWORD") || said.contains("ncorrect password") {
            let message = format!("{place}: the primary password is another");
            return Err(Failure::unknown("wrong-passphrase", message)
                .hint("name a file with it: passphrase_file = \"FILE\" in its [[install]]"));
        }
        Err(Failure::unknown("not-installed", format!("{place}: {}", TOOLS.said(output))))
    }

    /// Puts a personal CA in: Thunderbird relies on a CA for mail only where it is told to.
    fn authority(&self, authority: &Certificate) -> Result<(), Failure> {
        let name = format!("personal CA {}", authority.fingerprint());
        let text = pem::encode("CERTIFICATE", authority.as_der());
        self.done(&self.run("certutil", &["-A", "-a", "-n", &name, "-t", ",C,"], "-f", text.as_bytes())?)
    }
}

impl Program for Profile<'_> {
    fn takes(&self, _: &Generation) -> bool {
        true
    }

    fn present(&mut self) -> Result<Present, Failure> {
        let mut present = Present::default();
        for item in nss::read(&self.place.place, self.primary.as_ref())? {
            let Item::Keys(_, found) = item else { continue };
            let has_key = |key| found.keys.iter().any(|other| other.fingerprint() == key);
            let own = found.certificates.iter().filter(|one| has_key(one.fingerprint()));
            present.0.extend(own.map(digest));
        }
        Ok(present)
    }

    fn put(&mut self, generation: &Generation, wanted: &Wanted, held: &StoreKeys<'_>) -> Result<(), Failure> {
        wanted.authorities.iter().try_for_each(|authority| self.authority(authority))?;
        let name = generation.name();
        let bundle = Bundle { name: &name, keys: &[&generation.key], certificates: &generation.certificates };
        let passphrase = one_time_passphrase();
        let file = sealed::p12(&bundle, held, &passphrase, Protection::Modern)?;
        let directory = tempfile::tempdir().map_err(|error| Failure::io("a temporary directory", &error))?;
        let path = directory.path().join("key.p12");
        fs::write(&path, file).map_err(|error| Failure::io("a temporary file", &error))?;
        let path = path.display().to_string();
        let line = SecretBytes::new([passphrase.expose(), b"\n"].concat());
        let options = ["-i", &path, "-w", "/dev/stdin"];
        self.done(&self.run("pk12util", &options, "-k", line.expose())?)
    }
}

/// Takes the lock that Thunderbird would take.
fn lock(folder: &Path) -> Result<Option<File>, Failure> {
    let running = || {
        let message = format!("{}: Thunderbird is running", folder.display());
        Failure::unknown("program-running", message).hint(
            "end it, then run `cseal device install thunderbird`; after the next sync it is tried again",
        )
    };
    // The link says `127.0.0.1:+1234`, and stays behind after a crash.
    let link = fs::read_link(folder.join(LINK)).ok();
    let process = link.as_ref().and_then(|link| link.to_str()?.rsplit_once('+')?.1.parse().ok());
    if process.and_then(Pid::from_raw).is_some_and(|process| test_kill_process(process).is_ok()) {
        return Err(running());
    }
    match OpenOptions::new().read(true).write(true).open(folder.join(LOCK)) {
        Err(_) => Ok(None),
        Ok(file) => match fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(file)),
            Err(_) => Err(running()),
        },
    }
}
