//! OpenPGP certificates and addresses, by the certifications of keyrings.

use std::path::PathBuf;

use counterseal_core::address::EmailAddress;
use counterseal_core::fingerprint::OpenPgpFingerprint;
use counterseal_core::limits::OPENPGP_KEYRING_BYTES;
use counterseal_core::openpgp::{Authentication, FULL, ImportError, Network, Reliances, Web};
use counterseal_core::time::Time;

use super::super::with_amount;
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
    let files = paths.iter().map(|path| read_file(path, OPENPGP_KEYRING_BYTES));
    let files = files.collect::<Result<Vec<_>, _>>()?;
    let files: Vec<&[u8]> = files.iter().map(|file| file.as_slice()).collect();
    web.import(&files).map_err(|error| match error {
        ImportError::NoKeyring => Failure::unknown("malformed", error.to_string()),
        ImportError::TooLarge | ImportError::TooManyCertificates => {
            Failure::unknown("limit", error.to_string())
        }
    })?;
    Ok(web)
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
            Some(typed) if address_of(typed).is_some_and(|other| !other.matches(address)) => Vec::new(),
            Some(typed) => vec![typed],
            None => named.filter(|text| address_of(text).is_some_and(|own| own.matches(address))).collect(),
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

    fn network(&mut self, at: Time) -> &Network<'w> {
        let network = match self.network.take() {
            Some(network) if network.at() == at => network,
            _ => self.web.network(self.reliances, at),
        };
        self.network.insert(network)
    }
}

/// The address in a user identifier: the whole of it, or what stands in its angle brackets.
fn address_of(user_id: &str) -> Option<EmailAddress> {
    let inner = user_id.rsplit_once('<').and_then(|(_, rest)| rest.strip_suffix('>'));
    EmailAddress::parse(inner.unwrap_or(user_id).trim()).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_a_user_identifier_stands_in_its_last_brackets() {
        let address = |text: &str| address_of(text).map(|address| address.to_string());
        assert_eq!(address("Alice <alice@example.org>").unwrap(), "alice@example.org");
        assert_eq!(address("alice@example.org").unwrap(), "alice@example.org");
        assert_eq!(address("bob@example.org <alice@example.org>").unwrap(), "alice@example.org");
        assert_eq!(address("Alice"), None);
        assert_eq!(address("Alice <alice@example.org> (work)"), None);
    }
}
