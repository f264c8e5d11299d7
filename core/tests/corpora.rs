//! Test material that others made, each with the result that they expect. It stays outside of this
//! repository: in the folder that `COUNTERSEAL_CORPORA` names, or in `../shared/corpora`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

mod bc_pqc_cms_sealed;
mod header_protection;
mod imaptest;
mod jsmime;
mod keys;
mod libksba_sealed;
mod libksba_signed;
mod limbo;
mod mails;
mod mboxes;
mod mime4j;
mod openssl_cms_sealed;
mod openssl_cms_signed;
mod pkits;
mod pqc_cms_sealed;
mod pqc_cms_signed;
mod rfc4134_signed;
mod rfc9216_sealed;
mod rfc9216_signed;
mod seals;
mod signatures;
mod thunderbird_smime;
mod wycheproof;

/// The folder of a corpus; nothing, and a loud word, where it is not at hand.
pub(super) fn folder(name: &str) -> Option<std::path::PathBuf> {
    let root = std::env::var_os("COUNTERSEAL_CORPORA").map_or_else(
        || std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpora"),
        std::path::PathBuf::from,
    );
    let folder = root.join(name);
    if !folder.is_dir() {
        eprintln!("SKIPPED: {} is not at hand; set COUNTERSEAL_CORPORA", folder.display());
        return None;
    }
    Some(folder)
}
