//! What each kind of device takes.

use counterseal_core::secret::SecretBytes;
use counterseal_core::x509::Certificate;
use counterseal_core::x509::pkcs12::Protection;

use super::super::wanted::{Generation, Wanted};
use super::takes_one;
use crate::args::ForeignKind;
use crate::commands::keys::mobileconfig;
use crate::commands::keys::sealed::{self, Bundle};
use crate::failure::Failure;
use crate::store::{StoreKeys, StoredKey};

const P12: (&str, &str) = ("keys.p12", "application/x-pkcs12");
const PROFILE: (&str, &str) = ("keys.mobileconfig", "application/x-apple-aspen-config");

/// A file, sealed, with what a browser is told of it.
pub(super) struct File {
    pub(super) name: &'static str,
    pub(super) content_type: &'static str,
    pub(super) bytes: Vec<u8>,
}

/// The files of a kind of device, that of the newest key first.
///
/// All are Triple DES and SHA-1 as PKCS#12 began, the one form that every system since reads; the password has 100
/// bits, so nothing rests on what its derivation costs.
pub(super) fn make(
    kind: ForeignKind,
    wanted: &Wanted,
    held: &StoreKeys<'_>,
    password: &SecretBytes,
) -> Result<Vec<File>, Failure> {
    let all: Vec<&Generation> = wanted.generations.iter().collect();
    let groups: Vec<&[&Generation]> =
        if takes_one(kind) { all.chunks(1).collect() } else { vec![all.as_slice()] };
    let seal = |group: &[&Generation]| p12(group, &wanted.authorities, held, password);
    let sealed = groups.into_iter().map(seal).collect::<Result<Vec<_>, _>>()?;
    if matches!(kind, ForeignKind::Apple | ForeignKind::Macos) {
        let name = wanted.generations.first().map(Generation::name).unwrap_or_default();
        let profile = mobileconfig::write(&name, &sealed, &wanted.authorities);
        let (name, content_type) = PROFILE;
        return Ok(vec![File { name, content_type, bytes: profile.into_bytes() }]);
    }
    let (name, content_type) = P12;
    Ok(sealed.into_iter().map(|bytes| File { name, content_type, bytes }).collect())
}

fn p12(
    group: &[&Generation],
    authorities: &[Certificate],
    held: &StoreKeys<'_>,
    password: &SecretBytes,
) -> Result<Vec<u8>, Failure> {
    let keys: Vec<&StoredKey> = group.iter().map(|generation| &generation.key).collect();
    let own = group.iter().flat_map(|generation| &generation.certificates);
    let certificates: Vec<Certificate> = own.chain(authorities).cloned().collect();
    let name = group.first().map(|generation| generation.name()).unwrap_or_default();
    let bundle = Bundle { name: &name, keys: &keys, certificates: &certificates };
    sealed::p12(&bundle, held, password, Protection::TripleDes)
}
