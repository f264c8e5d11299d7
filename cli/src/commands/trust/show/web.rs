//! OpenPGP certificates and addresses, by the certifications of keyrings.

use std::collections::BTreeMap;
use std::path::PathBuf;

use counterseal_core::address::EmailAddress;
use counterseal_core::fingerprint::OpenPgpFingerprint;
use counterseal_core::limits::OPENPGP_KEYRING_BYTES;
use counterseal_core::openpgp::{Authentication, FULL, Network, Reliances, Web, address_of_user_id};
use counterseal_core::time::Time;
use counterseal_core::trust::WebOfTrust;
use counterseal_core::trust::evidence::Dossier;
use counterseal_core::x509::Certificate;
use zeroize::Zeroizing;

use super::super::{import_failure, with_amount};
use crate::failure::Failure;
use crate::files::read_file;
use crate::render::trust::openpgp::Answer;

/// Whether an OpenPGP certificate belongs to an address, at a moment.
pub(super) struct Binding {
    address: EmailAddress,
    certificate: OpenPgpFingerprint,
    user_id: Option<String>,
    at: Time,
}

impl Binding {
    /// By what was typed.
    pub(super) fn of(
        address: EmailAddress,
        fingerprint: &str,
        user_id: Option<String>,
        at: Time,
    ) -> Result<Self, Failure> {
        Ok(Self { address, certificate: parse(fingerprint)?, user_id, at })
    }
}

/// The web of some keyring files.
pub(super) fn read(paths: &[PathBuf]) -> Result<Web, Failure> {
    let mut web = Web::new();
    let files = read_files(paths)?;
    let files: Vec<&[u8]> = files.iter().map(|file| file.as_slice()).collect();
    web.import(&files).map_err(import_failure)?;
    Ok(web)
}

/// The bytes of keyring files.
pub(in crate::commands::trust) fn read_files(paths: &[PathBuf]) -> Result<Vec<Zeroizing<Vec<u8>>>, Failure> {
    paths.iter().map(|path| read_file(path, OPENPGP_KEYRING_BYTES)).collect()
}

/// On whom the person relies, by what was typed.
pub(super) fn reliances(typed: &[String]) -> Result<Reliances, Failure> {
    typed.iter().try_fold(Reliances::new(), |reliances, typed| {
        let (fingerprint, amount) = with_amount(typed)?;
        let amount = amount.map_or(FULL, |amount| u8::try_from(amount).unwrap_or(FULL));
        Ok(reliances.with_root(parse(fingerprint)?, amount))
    })
}

fn parse(fingerprint: &str) -> Result<OpenPgpFingerprint, Failure> {
    OpenPgpFingerprint::parse(fingerprint)
        .ok_or_else(|| Failure::usage(format!("{fingerprint}: no OpenPGP fingerprint (40 or 64 digits)")))
}

/// Answers questions about one web. The network of a moment is kept for the next question.
pub(super) struct Asked<'w> {
    web: &'w Web,
    reliances: &'w Reliances,
    network: Option<Network<'w>>,
}

impl<'w> Asked<'w> {
    /// Without any question yet.
    pub(super) const fn new(web: &'w Web, reliances: &'w Reliances) -> Self {
        Self { web, reliances, network: None }
    }

    /// How far the certificate belongs to the address.
    pub(super) fn answer(&mut self, binding: &Binding) -> Result<Answer, Failure> {
        let Binding { address, certificate: fingerprint, user_id, at } = binding;
        let Some(certificate) = self.web.certificate(fingerprint) else {
            return Err(Failure::unknown("no-key", format!("{fingerprint} is in none of the keyrings")));
        };
        let named = certificate.user_ids.iter().map(|user_id| user_id.text.as_str());
        let user_ids: Vec<&str> = match user_id {
            // Whoever names a user identifier with another address asks about another address.
            Some(typed) if address_of_user_id(typed).is_some_and(|other| !other.matches(address)) => {
                Vec::new()
            }
            Some(typed) => vec![typed],
            None => named
                .filter(|text| address_of_user_id(text).is_some_and(|own| own.matches(address)))
                .collect(),
        };
        let names_address = !user_ids.is_empty();
        let network = self.network(*at);
        let best = user_ids
            .into_iter()
            .map(|user_id| (user_id.to_owned(), network.authenticate(user_id, fingerprint, u32::MAX)))
            .max_by_key(|(_, found)| found.amount);
        let (user_id, found) = best.unwrap_or_else(|| (String::new(), Authentication::default()));
        Ok(Answer::of(address, certificate, Some(user_id).filter(|_| names_address), found, *at))
    }

    /// Adds what the web says of the keys of certificates, as keys of the address.
    pub(super) fn add_to(
        &mut self,
        dossier: &mut Dossier,
        address: &EmailAddress,
        certificates: &[Certificate],
        at: Time,
    ) {
        // Without a keyring there is nothing to look through.
        if self.web.certificates().len() > 0 {
            let (web, reliances) = (self.web, self.reliances);
            let network = self.network(at);
            let aliases = &BTreeMap::new();
            let trust = WebOfTrust { web, reliances, network, own: &[], links: &[], aliases, purpose: None };
            trust.add_to(dossier, address, certificates);
        }
    }

    fn network(&mut self, at: Time) -> &Network<'w> {
        let network = match self.network.take() {
            Some(network) if network.at() == at => network,
            _ => self.web.network(self.reliances, at),
        };
        self.network.insert(network)
    }
}
