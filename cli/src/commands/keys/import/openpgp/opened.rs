//! The keys of the file.

use std::path::Path;

use counterseal_core::openpgp::{SecretCertificate, SecretPart, SecretState, Validity};
use counterseal_core::x509::{SecretKey, SecretKeyError};

use crate::failure::Failure;
use crate::sources::KeyFiles;

/// What was taken out of the file.
pub(super) struct Opened<'r> {
    pub(super) read: &'r SecretCertificate,
    /// With the OpenPGP key that each is.
    pub(super) encryption: Option<(SecretKey, String)>,
    pub(super) signing: Option<(SecretKey, String)>,
    /// What signs links: the key, and its OpenPGP form.
    pub(super) linking: Option<(SecretKey, Vec<u8>)>,
    pub(super) not_taken: Vec<String>,
}

impl<'r> Opened<'r> {
    /// Takes the keys out; the passphrase is asked for where it is needed.
    pub(super) fn of(
        file: &Path,
        read: &'r SecretCertificate,
        mut key_files: KeyFiles<'_>,
        only_link: bool,
    ) -> Result<Self, Failure> {
        let mut not_taken: Vec<String> = read.parts().filter_map(why_not).collect();
        let usable = || read.parts().filter(|part| part.validity == Validity::Good && is_in_file(part));
        if !only_link && usable().next().is_none() {
            let failure = format!("{}: no secret key in it can be used", file.display());
            return Err(Failure::unknown("openpgp-key", failure)
                .details(not_taken)
                .hint("new keys and the text of a link to them: the same command with --new-key"));
        }
        let mut unlock = |part: &SecretPart| unlocked(file, read, part, &mut key_files);
        let name = |part: &SecretPart| part.fingerprint.to_string();
        // The primary key comes first, and whoever has subkeys uses those.
        let newest = |suits: fn(&SecretPart) -> bool| {
            let subkeys = usable().filter(|part| part.fingerprint != read.fingerprint());
            subkeys
                .chain(usable().filter(|part| part.fingerprint == read.fingerprint()))
                .find(|part| suits(part))
        };
        let encryption = newest(|part| part.purpose.encrypts && part.fits_smime).filter(|_| !only_link);
        let signing = newest(|part| part.purpose.signs && part.fits_smime).filter(|_| !only_link);
        // A key of both purposes is encrypted to, and a new one signs.
        let signing = signing.filter(|part| encryption != Some(*part));
        let taken = |part: Option<&SecretPart>,
                     unlock: &mut dyn FnMut(&SecretPart) -> Result<SecretKey, Failure>| {
            part.map(|part| Ok::<_, Failure>((unlock(part)?, name(part)))).transpose()
        };
        let encryption = taken(encryption, &mut unlock)?;
        let signing = taken(signing, &mut unlock)?;
        let linking = match newest(|part| part.purpose.signs) {
            Some(part) => match unlock(part) {
                Ok(key) => read.packet_body(&part.fingerprint).map(|body| (key, body)),
                Err(failure) if failure.word == "wrong-passphrase" => return Err(failure),
                Err(failure) => {
                    not_taken.push(failure.message);
                    None
                }
            },
            None => None,
        };
        Ok(Self { read, encryption, signing, linking, not_taken })
    }
}

fn is_in_file(part: &SecretPart) -> bool {
    matches!(part.secret, SecretState::Open | SecretState::Protected)
}

/// What a person wants to know of a key that is not taken over.
fn why_not(part: &SecretPart) -> Option<String> {
    let name = format!("{} {}", part.algorithm, part.fingerprint);
    let purpose = part.purpose;
    if !purpose.signs && !purpose.encrypts {
        return None;
    }
    let why = match (part.validity, part.secret) {
        (Validity::Expired, _) => "it has expired",
        (Validity::Revoked, _) => "it is revoked",
        (_, SecretState::OnCard) => "its secret half is on a smart card",
        (_, SecretState::LeftOut) => "its secret half was left out of the file",
        (_, SecretState::Absent) => "only its public half is in the file",
        _ if !part.fits_smime => "readers of S/MIME do not know such keys, so there is a new one",
        _ => return None,
    };
    Some(format!("{name}: {why}"))
}

/// What a passphrase is asked for: a pipe has no name.
fn whose(file: &Path) -> String {
    if file.as_os_str() == "-" {
        "your OpenPGP key, as gpg asks for it".to_owned()
    } else {
        format!("the OpenPGP key in {}", file.display())
    }
}

fn unlocked(
    file: &Path,
    read: &SecretCertificate,
    part: &SecretPart,
    key_files: &mut KeyFiles<'_>,
) -> Result<SecretKey, Failure> {
    let passphrase = match part.secret {
        SecretState::Protected => Some(key_files.passphrase(&whose(file))?),
        _ => None,
    };
    read.unlock(&part.fingerprint, passphrase.as_ref()).map_err(|error| match error {
        SecretKeyError::WrongPassphrase => Failure::unknown(
            "wrong-passphrase",
            format!("{}: the passphrase does not open it, or it is damaged", file.display()),
        ),
        error => Failure::unknown("openpgp-key", format!("{} {}: {error}", part.algorithm, part.fingerprint)),
    })
}
