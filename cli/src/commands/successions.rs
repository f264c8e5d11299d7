//! Keys that follow others because those said so: our own, and those of contacts that were compared.

use counterseal_core::address::EmailAddress;
use counterseal_core::fingerprint::Fingerprint;
use counterseal_core::message::WriteError;
use counterseal_core::openpgp::{Reason, SignedStatement, Statement, StatementKind, StatementSigner};
use counterseal_core::ports::SecretKeys;
use counterseal_core::time::Time;
use counterseal_core::trust::evidence::Kind;
use counterseal_core::trust::log::Event;
use counterseal_core::trust::{Knowledge, Purpose, VERIFIED, decide};
use counterseal_core::x509::Certificate;
use counterseal_core::x509::path::Allowance;

use crate::failure::Failure;
use crate::store::{NewTrust, Store, StoreError, TrustKind, Writer};

/// A succession of one of our own keys, signed by the old one.
pub(crate) fn sign(
    keys: &dyn SecretKeys,
    (address, old): (&EmailAddress, &Certificate),
    new: &Fingerprint,
    reason: Reason,
    now: Time,
) -> Result<Vec<u8>, Failure> {
    let kind = StatementKind::Succession { old: Statement::name_of(&old.fingerprint()), reason };
    let statement = Statement::new(kind, address.clone(), new, now);
    Ok(statement.sign(keys, std::slice::from_ref(old)).map_err(WriteError::Sign)?)
}

/// How a pin came into the store that was copied from the key before.
pub(crate) const SOURCE: &str = "succession";

/// A key that counts as compared from now on.
pub(crate) struct Successor {
    pub(crate) address: EmailAddress,
    pub(crate) key: Fingerprint,
    /// The key before, which the person compared.
    pub(crate) old: Fingerprint,
}

impl Successor {
    /// Keeps it as compared, and tells the history where that is kept.
    pub(crate) fn keep(&self, writer: &mut Writer<'_>, is_told: bool) -> Result<bool, StoreError> {
        if is_told {
            let event = Event::Succession { old: *self.old.sha256() };
            writer.record(&self.address, self.key.sha256(), event)?;
        }
        writer.add_trust(&NewTrust {
            kind: TrustKind::Pin,
            address: &self.address,
            key: &self.key,
            points: VERIFIED.into(),
            source: SOURCE,
            capabilities: None,
            announced: None,
        })
    }
}

/// The successors of compared keys by the statements that are known, as far as their certificates are
/// at hand and nothing contradicts them. Those that are kept as compared already are left out.
pub(crate) fn of(store: &Store, knowledge: &Knowledge, at: Time) -> Result<Vec<Successor>, Failure> {
    let rows = store.trust_rows()?;
    let is_kept = |successor: &Successor| {
        let lookup_key = successor.address.lookup_key();
        rows.iter().any(|row| {
            let is_comparison = matches!(row.kind, TrustKind::Pin | TrustKind::Own);
            is_comparison && row.address == lookup_key && row.key == *successor.key.sha256()
        })
    };
    let named = knowledge.statements.iter().filter_map(|signed| successor(signed, knowledge, at));
    Ok(named.filter(|successor| !is_kept(successor)).collect())
}

fn successor(signed: &SignedStatement, knowledge: &Knowledge, at: Time) -> Option<Successor> {
    let (StatementKind::Succession { .. }, StatementSigner::Key(old)) =
        (&signed.statement.kind, &signed.signer)
    else {
        return None;
    };
    let is_about = |key: &Fingerprint| signed.statement.is_about(key);
    let certificate = knowledge.certificates.iter().find(|held| is_about(&held.fingerprint()))?;
    let (address, key) = (signed.statement.subject.clone(), certificate.fingerprint());
    // A comparison is copied from the very key that was compared.
    knowledge.pins.iter().find(|pin| pin.address.matches(&address) && pin.fingerprint == *old)?;
    let allowance = Allowance::of_message();
    let decision = decide(certificate, &address, &[], knowledge, Purpose::Sign, at, &allowance);
    let counts = decision.dossier.evidence.iter().any(|evidence| {
        *evidence.claim.key() == key
            && matches!(&evidence.kind, Kind::Succeeds(succession) if succession.old == *old)
    });
    let is_good = counts && decision.score > 0 && decision.evaluation.conflict.is_none();
    is_good.then_some(Successor { address, key, old: *old })
}
