//! Of whose key something is stated, and whether the person compared it.

use std::path::Path;

use counterseal_core::address::{EmailAddress, NamedKey};
use counterseal_core::fingerprint::Fingerprint;
use counterseal_core::openpgp::{Basis, FULL, StatementKind, TwinKey, Web, to_binary};
use counterseal_core::x509::Certificate;

use crate::args;
use crate::commands::keys::{is_or_is_under, stands_for};
use crate::commands::{statements, strong, successions};
use crate::failure::Failure;
use crate::sources;
use crate::store::{Store, TrustKind, TrustRow};

/// A key that is to be named in a statement.
pub(super) struct Subject {
    pub(super) address: EmailAddress,
    /// The certificate of the key that stands for them.
    pub(super) certificate: Certificate,
    /// The packets of the twin that its owner made, where they were named.
    pub(super) twin: Option<Twin>,
    /// Whether the address named the key.
    is_named: bool,
}

/// The OpenPGP twin of a subject's key.
pub(super) struct Twin {
    pub(super) packets: Vec<u8>,
    /// The user identifier with the subject's address.
    pub(super) user_id: String,
}

impl Subject {
    /// By an address, and what else was typed.
    pub(super) fn of(store: &Store, typed: &str, certificate: Option<&str>) -> Result<Self, Failure> {
        let (address, named) = strong::with_key(typed)?;
        let known: Vec<Certificate> =
            store.certificates()?.iter().filter_map(|der| Certificate::from_der(der).ok()).collect();
        let is_named = named.is_some();
        let Found { certificate, packets, beside } = find(&address, named, certificate, &known)?;
        if !names(&address, &certificate, &[known, beside].concat()) {
            return Err(Failure::unknown(
                "no-address",
                format!("no certificate of this key names {address}"),
            ));
        }
        let twin = packets.map(|packets| Twin::of(packets, &certificate, &address)).transpose()?;
        Ok(Self { address, certificate, twin, is_named })
    }

    /// Its fingerprint.
    pub(super) fn key(&self) -> Fingerprint {
        self.certificate.fingerprint()
    }

    /// How the person compared the key. Refuses what they did not: nobody vouches by mistake, and nobody says
    /// more than they did unless they ask for it.
    pub(super) fn comparison(&self, store: &Store, compared: Option<&str>) -> Result<Comparison, Failure> {
        let (key, lookup_key) = (self.key(), self.address.lookup_key());
        let rows = store.trust_rows()?;
        let pin = rows.iter().find(|row| {
            let is_comparison = matches!(row.kind, TrustKind::Pin | TrustKind::Own);
            is_comparison && row.address == lookup_key && row.key == *key.sha256()
        });
        if let Some(typed) = compared
            && !strong::is_named(&self.certificate, typed)
        {
            return Err(Failure::new(
                crate::failure::Exit::Contradiction,
                "not-the-pin",
                format!("you compared {typed}, and the key of {} is {key}", self.address),
            ));
        }
        if let Some(pin) = pin {
            return Ok(Comparison::of(pin));
        }
        if self.is_named || compared.is_some() {
            return Ok(Comparison { basis: Basis::InPerson, amount: FULL });
        }
        Err(Failure::no("not-compared", format!("you did not compare the fingerprint of {}: {key}", self.address))
            .hint(format!(
                "compare it with its owner, and run `cseal trust pin {} {key}`, or say so with --compared FINGERPRINT",
                self.address
            )))
    }
}

/// How the person compared a key, as a statement says it.
#[derive(Clone, Copy)]
pub(super) struct Comparison {
    basis: Basis,
    amount: u8,
}

impl Comparison {
    fn of(pin: &TrustRow) -> Self {
        if pin.kind == TrustKind::Own {
            return Self { basis: Basis::InPerson, amount: FULL };
        }
        let amount = u8::try_from(pin.points).unwrap_or(FULL).clamp(1, FULL);
        let basis = match pin.source.as_str() {
            // Nothing says how the fingerprint in the address came to be there, nor how the key before was
            // compared.
            strong::SOURCE | successions::SOURCE => Basis::Other,
            _ if amount < FULL => Basis::Video,
            _ => Basis::InPerson,
        };
        Self { basis, amount }
    }

    /// What is said of it, unless the person says otherwise.
    pub(super) fn endorsement(self, basis: Option<args::Basis>, amount: Option<u8>) -> StatementKind {
        let basis = basis.map_or(self.basis, super::statement::basis);
        StatementKind::Endorsement { basis, amount: amount.unwrap_or(self.amount) }
    }
}

impl Twin {
    fn of(packets: Vec<u8>, certificate: &Certificate, address: &EmailAddress) -> Result<Self, Failure> {
        let mut web = Web::new();
        web.import(&[&packets]).map_err(super::import_failure)?;
        let key = TwinKey::of(certificate.public_key());
        let twin = key.as_ref().and_then(|key| web.certificate(&key.fingerprint()));
        let twin = twin.filter(|twin| key.as_ref().is_some_and(|key| key.is_primary_key_of(twin)));
        let user_id = twin.and_then(|twin| {
            twin.user_ids.iter().find(|user_id| user_id.address().is_some_and(|own| own.matches(address)))
        });
        let user_id = user_id.map(|user_id| user_id.text.clone());
        let user_id = user_id.ok_or_else(|| {
            Failure::unknown("no-twin", format!("this is not the OpenPGP twin of the key of {address}"))
                .hint("its owner makes it with `cseal keys export --for openpgp`")
        })?;
        Ok(Self { packets, user_id })
    }
}

struct Found {
    certificate: Certificate,
    packets: Option<Vec<u8>>,
    /// Those of the file, where it holds any.
    beside: Vec<Certificate>,
}

/// Whether a certificate of the key, or one that it issued, is for the address: who compared a
/// fingerprint must not thereby vouch for somebody else.
fn names(address: &EmailAddress, holder: &Certificate, certificates: &[Certificate]) -> bool {
    let mut leaves = certificates.iter().filter(|leaf| !leaf.is_certificate_authority());
    leaves.any(|leaf| leaf.addresses().iter().any(|own| own.matches(address)) && is_or_is_under(leaf, holder))
}

fn find(
    address: &EmailAddress,
    named: Option<NamedKey>,
    typed: Option<&str>,
    known: &[Certificate],
) -> Result<Found, Failure> {
    let by_name = |typed: &str| known.iter().find(|held| strong::is_named(held, typed)).cloned();
    let of_address = |held: &[Certificate]| {
        let names = |leaf: &&Certificate| {
            !leaf.is_certificate_authority() && leaf.addresses().iter().any(|own| own.matches(address))
        };
        let leaf = held.iter().find(names)?;
        let key = stands_for(leaf, held);
        held.iter().find(|holder| holder.fingerprint() == key).cloned()
    };
    let missing = || {
        Failure::unknown("no-key", format!("{address}: no certificate of it is known"))
            .hint("take one in with `cseal keys import FILE`, or name one with --certificate FILE")
    };
    let file = typed.map(Path::new).filter(|path| path.exists());
    let (certificate, packets, beside) = match (file, typed, &named) {
        (Some(path), ..) => {
            let bytes = statements::read(path)?;
            let certificates = sources::certificates(&[path.to_path_buf()]);
            match certificates {
                Ok(certificates) => (of_address(&certificates), None, certificates),
                Err(_) => (of_twin(&bytes, known), to_binary(&bytes), Vec::new()),
            }
        }
        (None, Some(typed), _) => (by_name(typed), None, Vec::new()),
        (None, None, Some(named)) => (by_name(&named.to_string()), None, Vec::new()),
        (None, None, None) => (of_address(known), None, Vec::new()),
    };
    let certificate = certificate.ok_or_else(missing)?;
    if let Some(named) = named.filter(|named| !strong::is_named(&certificate, &named.to_string())) {
        return Err(Failure::no("not-the-pin", format!("the key of {address} is not {named}")));
    }
    Ok(Found { certificate, packets, beside })
}

/// The certificate whose key an OpenPGP certificate is the twin of.
fn of_twin(bytes: &[u8], known: &[Certificate]) -> Option<Certificate> {
    let mut web = Web::new();
    web.import(&[bytes]).ok()?;
    let is_twin = |held: &&Certificate| {
        TwinKey::of(held.public_key()).is_some_and(|key| web.certificate(&key.fingerprint()).is_some())
    };
    known.iter().find(is_twin).cloned()
}
