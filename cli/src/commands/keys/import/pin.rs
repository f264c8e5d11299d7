//! A fingerprint that the person compared, and whose it is.

use counterseal_core::address::EmailAddress;
use counterseal_core::fingerprint::Fingerprint;
use counterseal_core::x509::Certificate;

use crate::args;
use crate::commands::keys::is_or_is_under;
use crate::failure::{Exit, Failure};

/// What the person says about a fingerprint.
pub(super) struct Comparison {
    typed: String,
    /// Whose it is; where nobody is named, the certificates must leave no choice.
    owners: Vec<EmailAddress>,
}

impl Comparison {
    /// What the options say, if they say it.
    pub(super) fn of(arguments: &args::Import) -> Result<Option<Self>, Failure> {
        let Some(typed) = arguments.pin.clone() else { return Ok(None) };
        let owners = arguments.address.iter().map(|typed| {
            EmailAddress::parse(typed)
                .map_err(|error| Failure::usage(format!("{typed}: no mail address")).because(error))
        });
        Ok(Some(Self { typed, owners: owners.collect::<Result<_, _>>()? }))
    }

    /// The key that was compared: one of the certificates here has it, or a CA, here or known, that issued
    /// one.
    pub(super) fn key(
        &self,
        certificates: &[Certificate],
        known: &[Certificate],
    ) -> Result<Fingerprint, Failure> {
        let fingerprints = || certificates.iter().map(Certificate::fingerprint);
        let above = super::plan::issuers(certificates, known);
        let above = above.iter().map(Certificate::fingerprint);
        fingerprints().chain(above).find(|fingerprint| fingerprint.is_named_by(&self.typed)).ok_or_else(
            || {
                Failure::new(
                    Exit::Contradiction,
                    "not-the-pin",
                    format!("you compared {}, this file brings", self.typed),
                )
                .details(fingerprints().map(|fingerprint| fingerprint.to_string()).collect())
                .hint("nothing was taken in; ask its owner for the fingerprint once more, on another channel")
            },
        )
    }

    /// The addresses that the comparison is about. Whoever compares a fingerprint with Mallory must
    /// not thereby believe a certificate that Mallory's CA issued for somebody else.
    pub(super) fn owners(
        &self,
        certificates: &[Certificate],
        key: &Fingerprint,
    ) -> Result<Vec<EmailAddress>, Failure> {
        let named = named_under(certificates, key);
        if let Some(stranger) = self.owners.iter().find(|owner| !named.iter().any(|own| own.matches(owner))) {
            return Err(Failure::unknown(
                "no-address",
                format!("no certificate of this key names {stranger}"),
            ));
        }
        match (named.as_slice(), self.owners.is_empty()) {
            ([], _) => Err(Failure::unknown("no-address", "no certificate of this key names a mail address")),
            (_, false) => Ok(self.owners.clone()),
            ([_], true) => Ok(named),
            (_, true) => Err(Failure::new(
                Exit::Usage,
                "several-addresses",
                "the certificates of this key name several addresses",
            )
            .details(named.iter().map(ToString::to_string).collect())
            .hint("say whose fingerprint you compared: --address ADDRESS, which may be repeated")),
        }
    }
}

/// The addresses that certificates of this key name, or certificates that it issued, each once.
fn named_under(certificates: &[Certificate], key: &Fingerprint) -> Vec<EmailAddress> {
    let is_of_key = |certificate: &&Certificate| {
        let mut holders = certificates.iter().filter(|other| other.fingerprint() == *key);
        holders.any(|holder| is_or_is_under(certificate, holder))
    };
    let leaves = certificates.iter().filter(|certificate| !certificate.is_certificate_authority());
    let mut named: Vec<EmailAddress> = Vec::new();
    for address in leaves.filter(is_of_key).flat_map(Certificate::addresses) {
        if !named.iter().any(|own| own.lookup_key() == address.lookup_key()) {
            named.push(address.clone());
        }
    }
    named
}
