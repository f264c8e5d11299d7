//! gpg with a home of its own.

use std::os::unix::fs::DirBuilderExt;
use std::process::{Command, Output};

use crate::peers::command::missing;
use crate::people::Place;

/// One gpg, whose agent ends with it.
pub(crate) struct Gnupg<'p> {
    place: &'p Place,
}

impl<'p> Gnupg<'p> {
    /// Below a place; says loudly where gpg is missing.
    pub(crate) fn at(place: &'p Place) -> Option<Self> {
        if Command::new("gpg").arg("--version").output().is_err() {
            missing("gpg");
            return None;
        }
        std::fs::DirBuilder::new().mode(0o700).create(place.path("gnupg")).unwrap();
        Some(Self { place })
    }

    /// Runs gpg, which must succeed, and gives what it wrote.
    #[track_caller]
    pub(crate) fn run(&self, arguments: &[&str]) -> Vec<u8> {
        let quietly =
            ["--batch", "--yes", "--quiet", "--no-tty", "--pinentry-mode", "loopback", "--passphrase", ""];
        let ran = self.command("gpg").args(quietly).args(arguments).output().unwrap();
        assert!(ran.status.success(), "gpg {arguments:?}: {}", String::from_utf8_lossy(&ran.stderr));
        ran.stdout
    }

    /// Runs gpgsm on the same home, which must succeed, with a passphrase for everything.
    #[track_caller]
    pub(crate) fn gpgsm(&self, passphrase: &str, arguments: &[&str]) {
        let ran = self.try_gpgsm(passphrase, arguments);
        assert!(ran.status.success(), "gpgsm {arguments:?}: {}", String::from_utf8_lossy(&ran.stderr));
    }

    /// The same, which may fail.
    pub(crate) fn try_gpgsm(&self, passphrase: &str, arguments: &[&str]) -> Output {
        let quietly = ["--batch", "--quiet", "--no-tty", "--disable-dirmngr", "--pinentry-mode", "loopback"];
        let passphrase = self.place.write("gpgsm.passphrase", format!("{passphrase}\n"));
        let mut gpgsm = self.command("gpgsm");
        gpgsm.args(quietly).args(["--passphrase-fd", "0"]).args(arguments);
        gpgsm.stdin(std::fs::File::open(passphrase).unwrap());
        gpgsm.output().unwrap()
    }

    /// Ends what runs in the background.
    pub(crate) fn end(&self) {
        drop(self.command("gpgconf").args(["--kill", "all"]).status());
    }

    /// The fingerprint of the first certificate of somebody.
    pub(crate) fn fingerprint(&self, who: &str) -> String {
        let listed = String::from_utf8(self.run(&["--with-colons", "--list-keys", who])).unwrap();
        let line = listed.lines().find(|line| line.starts_with("fpr:")).unwrap();
        line.split(':').nth(9).unwrap().to_owned()
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env("GNUPGHOME", self.place.path("gnupg")).current_dir(self.place.path("."));
        command
    }
}

impl Drop for Gnupg<'_> {
    fn drop(&mut self) {
        self.end();
    }
}
