//! Keys, certificates and lists from files that the command line names.

use std::path::{Path, PathBuf};

use counterseal_core::keys::{Import, ImportError, import};
use counterseal_core::limits::{PKCS12_BYTES, REVOCATION_LIST_BYTES};
use counterseal_core::secret::SecretBytes;
use counterseal_core::trust::{Anchor, Knowledge};
use counterseal_core::x509::revocation::{
    OcspResponse, RevocationDemand, RevocationEvidence, RevocationList,
};
use counterseal_core::x509::{Certificate, PublicKey, SecretKey, pem};

use crate::args;
use crate::failure::Failure;
use crate::files::read_file;
use crate::passphrase;

/// Opens key files, with one passphrase for all of them, asked for at most once and only where a
/// file needs it.
pub(crate) struct KeyFiles<'a> {
    options: &'a args::Passphrase,
    passphrase: Option<SecretBytes>,
}

impl<'a> KeyFiles<'a> {
    /// With the passphrase options of a command.
    pub(crate) const fn new(options: &'a args::Passphrase) -> Self {
        Self { options, passphrase: None }
    }

    /// Everything that a file holds.
    pub(crate) fn read(&mut self, path: &Path) -> Result<Import, Failure> {
        let bytes = read_file(path, PKCS12_BYTES)?;
        self.open(path, &bytes)
    }

    /// Everything that these bytes of a file hold.
    pub(crate) fn open(&mut self, path: &Path, bytes: &[u8]) -> Result<Import, Failure> {
        let mut found = import(bytes, self.passphrase.as_ref());
        if self.passphrase.is_none() && found.needs_passphrase() {
            let passphrase = self.passphrase(&path.display().to_string())?;
            found = import(bytes, Some(&passphrase));
        }
        if found.refused.iter().any(|refused| refused.why == ImportError::WrongPassphrase) {
            return Err(Failure::unknown(
                "wrong-passphrase",
                format!("{}: the passphrase does not open it", path.display()),
            ));
        }
        Ok(found)
    }

    /// The passphrase of all files, which is asked for as that of `whose` where nobody gave it yet.
    pub(crate) fn passphrase(&mut self, whose: &str) -> Result<SecretBytes, Failure> {
        if let Some(known) = &self.passphrase {
            return Ok(known.clone());
        }
        let passphrase = match passphrase::given(self.options)? {
            Some(passphrase) => passphrase,
            None => passphrase::ask(&format!("Passphrase of {whose}"), "--passphrase-file FILE")?,
        };
        self.passphrase = Some(passphrase.clone());
        Ok(passphrase)
    }

    /// The secret keys of a file, with the certificates that stand beside them.
    pub(crate) fn keys(&mut self, path: &Path) -> Result<(Vec<SecretKey>, Vec<Certificate>), Failure> {
        let found = self.read(path)?;
        if found.keys.is_empty() {
            return Err(nothing("no-key", path, "no secret key", &found));
        }
        Ok((found.keys, found.certificates))
    }
}

/// The certificates of files; each must hold at least one.
pub(crate) fn certificates(paths: &[PathBuf]) -> Result<Vec<Certificate>, Failure> {
    let mut all = Vec::new();
    for path in paths {
        let found = import(&read_file(path, PKCS12_BYTES)?, None);
        if found.certificates.is_empty() {
            return Err(nothing("no-certificate", path, "no certificate", &found));
        }
        all.extend(found.certificates);
    }
    Ok(all)
}

/// The bare public keys of files; each must hold at least one.
pub(crate) fn public_keys(paths: &[PathBuf]) -> Result<Vec<PublicKey>, Failure> {
    let mut all = Vec::new();
    for path in paths {
        let found = import(&read_file(path, PKCS12_BYTES)?, None);
        if found.public_keys.is_empty() {
            return Err(nothing("no-key", path, "no public key", &found));
        }
        all.extend(found.public_keys);
    }
    Ok(all)
}

/// What files say of other people's keys: the anchors count as the organisation's own CA.
pub(crate) fn knowledge(evidence: &args::Evidence, extra: &[Certificate]) -> Result<Knowledge, Failure> {
    Ok(Knowledge {
        anchors: anchors(&evidence.anchors, None)?,
        certificates: extra.to_vec(),
        revocation: revocation(&evidence.revocation_lists, evidence.revocation)?,
        ..Knowledge::default()
    })
}

/// The CAs of files, each as the organisation's own; the profile says what they are worth where no
/// amount is given.
pub(crate) fn anchors(paths: &[PathBuf], amount: Option<u32>) -> Result<Vec<Anchor>, Failure> {
    let mut found = certificates(paths)?;
    // A file with a whole chain is named for its CA; a self-signed certificate is named for itself.
    if found.iter().any(Certificate::is_certificate_authority) {
        found.retain(Certificate::is_certificate_authority);
    }
    Ok(found.into_iter().map(|certificate| Anchor::own(certificate, amount)).collect())
}

/// What files say of revocation: lists in DER or PEM, OCSP responses in DER.
pub(crate) fn revocation(paths: &[PathBuf], demand: args::Revocation) -> Result<RevocationEvidence, Failure> {
    let demand = match demand {
        args::Revocation::Off => RevocationDemand::Off,
        args::Revocation::BestEffort => RevocationDemand::BestEffort,
        args::Revocation::Require => RevocationDemand::Required,
    };
    let mut found = RevocationEvidence { demand, ..RevocationEvidence::default() };
    for path in paths {
        let bytes = read_file(path, REVOCATION_LIST_BYTES)?;
        let malformed = || {
            Failure::unknown(
                "malformed",
                format!("{}: no revocation list and no OCSP response", path.display()),
            )
        };
        let mut lists = pem::blocks(&bytes);
        lists.retain(|(label, _)| label == "X509 CRL");
        if lists.is_empty() {
            if let Ok(response) = OcspResponse::from_der(&bytes) {
                found.responses.push(response);
            } else {
                let list = RevocationList::from_der(&bytes).map_err(|error| malformed().because(error))?;
                found.lists.push(list);
            }
        }
        for (_, der) in lists {
            let list = RevocationList::from_der(der.expose()).map_err(|error| malformed().because(error))?;
            found.lists.push(list);
        }
    }
    Ok(found)
}

/// A file that holds nothing of what it was named for, and what is wrong with what it holds.
fn nothing(word: &'static str, path: &Path, what: &str, found: &Import) -> Failure {
    let failure = Failure::unknown(word, format!("{}: {what} in this file", path.display()));
    let refused = found.refused.iter().map(|refused| refused.why.to_string()).collect::<Vec<_>>();
    failure.details(refused)
}
