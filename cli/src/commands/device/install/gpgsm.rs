//! gpgsm: certificates in `pubring.kbx`, keys with the agent.

use std::path::Path;
use std::process::{Command, Output};

use counterseal_core::algorithm::KeyAlgorithm;
use counterseal_core::secret::SecretBytes;
use counterseal_core::x509::pem;
use counterseal_core::x509::pkcs12::Protection;

use super::super::wanted::{Generation, Present, Wanted};
use super::{Place, Program, passphrase_of};
use crate::commands::keys::export::GPGSM_PASSPHRASE;
use crate::commands::keys::import::gpgsm::TOOLS;
use crate::commands::keys::sealed::{self, Bundle};
use crate::failure::Failure;
use crate::store::StoreKeys;
use crate::tools::SecretPipe;

/// A home of GnuPG. Its own settings and its own agent are used: the keys are for them.
pub(super) struct Home<'a> {
    place: &'a Place,
    passphrase: Option<SecretBytes>,
}

impl<'a> Home<'a> {
    pub(super) fn open(place: &'a Place) -> Result<Self, Failure> {
        if !place.place.is_dir() {
            return Err(absent(&place.place).hint("gpgsm makes its home the first time it is used"));
        }
        Ok(Self { place, passphrase: None })
    }

    fn gpgsm(&self) -> Command {
        let mut command = Command::new("gpgsm");
        command.env("LC_ALL", "C").arg("--homedir").arg(&self.place.place);
        // The dirmngr would ask the network.
        command.args(["--batch", "--no-tty", "--disable-dirmngr", "--status-fd", "2"]);
        command
    }

    /// GnuPG keeps a key under the passphrase of the file that it came in.
    fn passphrase(&mut self) -> Result<SecretBytes, Failure> {
        if let Some(known) = &self.passphrase {
            return Ok(known.clone());
        }
        let typed = passphrase_of(self.place, "New passphrase under which GnuPG keeps your keys")?;
        if typed.len() > GPGSM_PASSPHRASE {
            return Err(Failure::usage(format!(
                "gpgsm reads passphrases of at most {GPGSM_PASSPHRASE} bytes"
            )));
        }
        self.passphrase = Some(typed.clone());
        Ok(typed)
    }

    fn done(&self, output: &Output) -> Result<(), Failure> {
        if output.status.success() {
            return Ok(());
        }
        let said = TOOLS.said(output);
        Err(Failure::unknown("not-installed", format!("{}: {said}", self.place.place.display())))
    }
}

impl Program for Home<'_> {
    /// gpgsm 2.2 crashes on a file with an EC key.
    fn takes(&self, generation: &Generation) -> bool {
        let certificate = generation.certificates.first();
        certificate.is_some_and(|one| matches!(one.public_key().algorithm(), KeyAlgorithm::Rsa { .. }))
    }

    fn present(&mut self) -> Result<Present, Failure> {
        let listed = TOOLS.run(self.gpgsm().args(["--with-colons", "--list-secret-keys"]), b"")?;
        self.done(&listed)?;
        Ok(present(&String::from_utf8_lossy(&listed.stdout)))
    }

    fn put(&mut self, generation: &Generation, wanted: &Wanted, held: &StoreKeys<'_>) -> Result<(), Failure> {
        let passphrase = self.passphrase()?;
        let newest = generation.certificates.first().into_iter();
        let certificates: Vec<_> = newest.chain(&wanted.authorities).cloned().collect();
        let bundle =
            Bundle { name: &generation.name(), keys: &[&generation.key], certificates: &certificates };
        let file = sealed::p12(&bundle, held, &passphrase, Protection::TripleDes)?;
        let pipe = SecretPipe::with_line(&passphrase)?;
        let mut import = self.gpgsm();
        import.args(["--pinentry-mode", "loopback", "--passphrase-fd", &pipe.number(), "--import"]);
        self.done(&TOOLS.run(&mut import, &file)?)?;
        let older = generation.certificates.iter().skip(1);
        let older: String = older.map(|one| pem::encode("CERTIFICATE", one.as_der())).collect();
        if older.is_empty() {
            return Ok(());
        }
        self.done(&TOOLS.run(self.gpgsm().arg("--import"), older.as_bytes())?)
    }
}

/// Nothing is where the settings say that something is.
pub(super) fn absent(place: &Path) -> Failure {
    Failure::unknown("no-place", format!("{}: there is no such folder", place.display()))
}

/// SHA-256 of each certificate, which gpgsm lists for programs as `fp2` (doc/DETAILS of GnuPG).
fn present(list: &str) -> Present {
    let fields = list.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let second = fields.filter(|fields| fields.first() == Some(&"fp2"));
    let digests = second.filter_map(|fields| {
        let digits = fields.get(9)?;
        let bytes: Option<Vec<u8>> = (0..32)
            .map(|index| digits.get(2 * index..2 * index + 2))
            .map(|pair| u8::from_str_radix(pair?, 16).ok())
            .collect();
        bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok())
    });
    Present(digests.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_fingerprint_of_a_list_is_read() {
        let digits = "490AD6DD714D1E9FB708B5CDAF02E35ADAA40A82B9C15500C898CA6126AC2EBB";
        let list =
            format!("crs::3072:1:53D9::::::CN=al\nfpr:::::::::828F:::D08F:\nfp2:::::::::{digits}::::\n");
        let found = present(&list).0;
        assert!(found.len() == 1 && found.iter().all(|one| one.starts_with(&[0x49, 0x0a, 0xd6])));
        assert!(present("fp2:::::::::49:\nfp2:\nfp2:::::::::zz\u{e9}").0.is_empty());
    }
}
