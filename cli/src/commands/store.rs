//! What several commands do with the store: opening it, unlocking it, looking things up in it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use counterseal_core::address::EmailAddress;
use counterseal_core::fingerprint::Fingerprint;
use counterseal_core::secret::SecretBytes;
use counterseal_core::trust::evidence::{Comparison, Correspondence, Evidence, Kind, Period};
use counterseal_core::trust::log::Event;
use counterseal_core::trust::points::{LEAST_ADDRESS_BITS, STRONG_ADDRESS_BITS};
use counterseal_core::trust::{Claim, Knowledge, KnownKey, Pin, PublicRoots, VERIFIED};
use counterseal_core::x509::Certificate;

use super::agent;
use super::ages;
use super::introducers;
use super::looked_up;
use super::reliances::{self, Reliance};
use super::statements;
use super::strong;
use super::successions;
use super::witnesses;
use crate::agent::Agent;
use crate::args;
use crate::config::Config;
use crate::failure::Failure;
use crate::lookup::{self, KeptEvidence};
use crate::passphrase;
use crate::places;
use crate::store::{Opener, RecoveryCode, Store, StoreError, StoreKeys, TrustKind, TrustRow, UnlockStore};
use crate::terminal;
use crate::token::{PinSource, Tokens};

/// What unlocks the store, and where it comes from.
pub(crate) struct Unlock {
    options: args::Passphrase,
    typed: Option<SecretBytes>,
    pin: PinSource,
    asks: bool,
}

impl Unlock {
    /// By the options of a command.
    pub(crate) fn from_options(options: &args::Passphrase) -> Self {
        Self { options: options.clone(), typed: None, pin: PinSource::default(), asks: true }
    }

    /// By what is open already, and never by a question: whoever calls a `sendmail` does not look.
    pub(crate) fn without_asking() -> Self {
        Self { asks: false, pin: PinSource::silent(), ..Self::from_options(&args::Passphrase::default()) }
    }

    /// By what a person typed into another program.
    pub(crate) fn typed(passphrase: SecretBytes) -> Self {
        Self { typed: Some(passphrase), ..Self::without_asking() }
    }

    /// By a file, or by a question.
    pub(crate) fn from_file(file: Option<&PathBuf>) -> Self {
        Self::from_options(&args::Passphrase {
            passphrase_file: file.cloned(),
            ..args::Passphrase::default()
        })
    }

    /// The same, with what opens tokens.
    pub(crate) fn with_pin(mut self, options: &args::Pin) -> Self {
        self.pin = PinSource::from_options(options);
        self
    }

    /// The same, or by the recovery code that the options of a command name.
    pub(crate) fn or_recovery_code(mut self, options: &args::Passphrase) -> Self {
        self.options.recovery_code_file = options.recovery_code_file.clone();
        self
    }

    /// The same, with a passphrase that is known already: a descriptor is read only once, and nobody types twice.
    pub(crate) fn with_known(mut self, passphrase: Option<SecretBytes>) -> Self {
        self.typed = passphrase;
        self
    }

    /// Whether an option says where it comes from.
    pub(crate) const fn is_given(&self) -> bool {
        self.typed.is_some() || self.is_by_option()
    }

    const fn is_by_option(&self) -> bool {
        let options = &self.options;
        options.passphrase_file.is_some()
            || options.passphrase_fd.is_some()
            || options.recovery_code_file.is_some()
    }

    /// What it is: given by an option, or typed.
    pub(crate) fn given(&self) -> Result<Given, Failure> {
        if let Some(file) = &self.options.recovery_code_file {
            return passphrase::recovery_code(file).map(Given::RecoveryCode);
        }
        if let Some(typed) = &self.typed {
            return Ok(Given::Passphrase(typed.clone()));
        }
        match passphrase::given(&self.options)? {
            Some(passphrase) => Ok(Given::Passphrase(passphrase)),
            None => passphrase::ask(
                "Passphrase of your keys",
                "--passphrase-file FILE, --passphrase-fd N or --recovery-code-file FILE",
            )
            .map(Given::Passphrase),
        }
    }

    /// Gets it, and opens something with it.
    pub(crate) fn open<T>(
        &self,
        open: impl FnOnce(Opener<'_>) -> Result<T, StoreError>,
    ) -> Result<T, Failure> {
        Ok(open(self.given()?.opener())?)
    }
}

/// What a person gave to unlock a store with.
pub(crate) enum Given {
    /// The passphrase.
    Passphrase(SecretBytes),
    /// The recovery code.
    RecoveryCode(RecoveryCode),
}

impl Given {
    /// As what opens a store.
    pub(crate) const fn opener(&self) -> Opener<'_> {
        match self {
            Self::Passphrase(passphrase) => Opener::Passphrase(passphrase),
            Self::RecoveryCode(code) => Opener::RecoveryCode(code),
        }
    }
}

/// Opens the store that there must be.
pub(crate) fn open() -> Result<Store, Failure> {
    Ok(Store::open(&places::data()?)?)
}

/// Opens the store if there is one.
pub(crate) fn open_if_any() -> Result<Option<Store>, Failure> {
    let directory = places::data()?;
    if Store::exists(&directory) { Ok(Some(Store::open(&directory)?)) } else { Ok(None) }
}

/// Unlocks a store now, for writing.
pub(crate) fn unlock(store: &Store, how: &Unlock) -> Result<(), Failure> {
    if store.needs_passphrase()? {
        return how.open(|opener| store.unlock(Some(opener)));
    }
    Ok(store.unlock(None)?)
}

/// Unlocks a store now, and lets an agent keep it open for other programs where the passphrase was typed.
pub(crate) fn unlock_for_others(store: &Store, how: &Unlock) -> Result<(), Failure> {
    if !store.needs_passphrase()? {
        return Ok(store.unlock(None)?);
    }
    let given = how.given()?;
    store.unlock(Some(given.opener()))?;
    if !how.is_by_option() {
        agent::begin(store, &given);
    }
    Ok(())
}

/// The store's keys; a passphrase is asked for when the first one is used. Without an option and
/// without a terminal nobody can be asked, and the keys count as locked.
pub(crate) fn keys<'a>(store: &'a Store, how: Unlock) -> Result<StoreKeys<'a>, Failure> {
    let (is_given, pin) = (how.is_given(), how.pin.clone());
    // Whoever gives a passphrase wants to know whether it is the right one.
    let agent = if !is_given && store.needs_passphrase()? { Agent::of(store.id()) } else { None };
    let can_ask = is_given || how.asks && terminal::can_ask();
    let unlock = move |store: &Store| {
        if !store.needs_passphrase()? {
            return Ok(store.unlock(None)?);
        }
        let given = how.given()?;
        store.unlock(Some(given.opener()))?;
        if !is_given {
            // Whoever typed it once need not type it for the next mail.
            agent::begin(store, &given);
        }
        Ok(())
    };
    let unlock: Option<UnlockStore<'a>> = can_ask.then(|| Box::new(unlock) as _);
    let keys = StoreKeys::new(store, unlock, agent)?;
    if !keys.has_tokens() {
        return Ok(keys);
    }
    let configured = Config::read()?.tokens;
    Ok(keys.with_tokens(Tokens::new(configured, pin)))
}

/// The fingerprints that stand for the owner under this address.
pub(crate) fn own_keys(store: &Store, address: &EmailAddress) -> Result<Vec<[u8; 32]>, Failure> {
    let key = address.lookup_key();
    let rows = store.trust_rows()?;
    Ok(rows
        .iter()
        .filter(|row| row.kind == TrustKind::Own && row.address == key)
        .map(|row| row.key)
        .collect())
}

/// What the store knows of other people, and of the owner.
pub(crate) fn knowledge(store: &Store) -> Result<Knowledge, Failure> {
    let certificates: Vec<Certificate> =
        store.certificates()?.iter().filter_map(|der| Certificate::from_der(der).ok()).collect();
    let mut knowledge = Knowledge::default();
    let looked_up = looked_up::all(store)?;
    let mut known = Known::of(store, &certificates)?;
    for row in store.trust_rows()? {
        let named = known.at_hand.fingerprint(&row.key).zip(EmailAddress::parse(&row.address).ok());
        // A row whose certificate is gone says nothing that could be checked.
        let Some((fingerprint, address)) = named else { continue };
        match row.kind {
            TrustKind::Own => knowledge.pins.push(Pin { address, fingerprint, how: Comparison::Own }),
            TrustKind::Pin => knowledge.pins.push(pin(&row, address, fingerprint)),
            TrustKind::Contact if row.source == looked_up::SOURCE => {
                // Where there was mail with the key, that is what counts.
                if !known.has(&address, &fingerprint) {
                    let evidence = looked_up_before(&row, &address, fingerprint, &looked_up);
                    knowledge.dossier.evidence.push(evidence);
                }
            }
            TrustKind::Contact => known.add_contact(&row, address, fingerprint),
        }
    }
    knowledge.known = known.keys;
    knowledge.certificates = certificates;
    lookup::add_to(&mut knowledge, &looked_up);
    knowledge.public_roots = Some(PublicRoots::default());
    knowledge.openpgp = introducers::knowledge(store)?;
    knowledge.anchors = reliances::anchors(store)?.iter().map(Reliance::anchor).collect();
    knowledge.proof.authorities = witnesses::anchors(store)?;
    knowledge.ages = Arc::new(ages::all(store)?);
    statements::add_stored(store, &mut knowledge)?;
    Ok(knowledge)
}

/// A contact that was looked up counts as one that is known only when what the network said of it counts
/// no more: else a server would make the key worth more than its own word is.
fn looked_up_before(
    row: &TrustRow,
    address: &EmailAddress,
    key: Fingerprint,
    looked_up: &[KeptEvidence],
) -> Evidence {
    let kind = Kind::History(Correspondence::first_mail(row.created));
    let until = looked_up::counts_until(looked_up, &row.address, &key.to_hex());
    let from = until.map(|until| until.plus_seconds(1));
    Evidence::new(Claim::new(address, key), kind).during(Period { from, until: None })
}

fn pin(row: &TrustRow, address: EmailAddress, fingerprint: Fingerprint) -> Pin {
    let is_whole = row.points >= i64::from(VERIFIED);
    let how = match (row.source.as_str(), is_whole) {
        (strong::SOURCE, true) => Comparison::StrongAddress { bits: STRONG_ADDRESS_BITS },
        (strong::SOURCE, false) => Comparison::StrongAddress { bits: LEAST_ADDRESS_BITS },
        (successions::SOURCE, _) => Comparison::Succession,
        (_, true) => Comparison::InPerson,
        (_, false) => Comparison::ByVideo,
    };
    Pin { address, fingerprint, how }
}

/// Certificates by their keys, and who stands above them.
struct AtHand<'c> {
    of_key: BTreeMap<[u8; 32], Vec<&'c Certificate>>,
    /// Keys of personal CAs, by the CAs' names.
    personal: BTreeMap<&'c [u8], Vec<Fingerprint>>,
}

impl<'c> AtHand<'c> {
    fn of(certificates: &'c [Certificate]) -> Self {
        let mut at_hand = Self { of_key: BTreeMap::new(), personal: BTreeMap::new() };
        for certificate in certificates {
            let key = certificate.fingerprint();
            at_hand.of_key.entry(*key.sha256()).or_default().push(certificate);
            if certificate.is_personal_authority() {
                at_hand.personal.entry(certificate.subject_der()).or_default().push(key);
            }
        }
        at_hand
    }

    /// The whole fingerprint of a key, from one of its certificates.
    fn fingerprint(&self, key: &[u8; 32]) -> Option<Fingerprint> {
        self.of_key.get(key)?.first().map(|certificate| certificate.fingerprint())
    }

    /// A key, and those of the personal CAs that its certificates name as their issuer. That they really
    /// issued them is checked where what they vouch for is counted.
    fn family(&self, key: &Fingerprint) -> Vec<Fingerprint> {
        let own = self.of_key.get(key.sha256()).into_iter().flatten();
        let issuers = own.filter_map(|own| self.personal.get(own.issuer_der())).flatten().copied();
        std::iter::once(*key).chain(issuers).collect()
    }
}

/// The keys of other people, with what mail with them came to.
struct Known<'c> {
    at_hand: AtHand<'c>,
    keys: Vec<KnownKey>,
}

impl<'c> Known<'c> {
    /// What the history says, and what was seen while the store was locked: that is a first mail.
    fn of(store: &Store, certificates: &'c [Certificate]) -> Result<Self, Failure> {
        let mut known = Self { at_hand: AtHand::of(certificates), keys: Vec::new() };
        for kept in store.correspondence()? {
            known.add(&kept.address, &kept.key, kept.correspondence);
        }
        for pending in store.pending()? {
            if matches!(pending.event(), Some(Event::Received { .. })) {
                known.add(&pending.address, &pending.key, Correspondence::first_mail(pending.at));
            }
        }
        Ok(known)
    }

    fn add(&mut self, address: &str, key: &[u8; 32], history: Correspondence) {
        let named = self.at_hand.fingerprint(key).zip(EmailAddress::parse(address).ok());
        let Some((fingerprint, address)) = named else { return };
        let is_there = |other: &KnownKey| other.fingerprint == fingerprint && other.address.matches(&address);
        if !self.keys.iter().any(is_there) {
            self.keys.push(KnownKey { address, fingerprint, history });
        }
    }

    /// Whether mail with a key, or with the personal CA above it, is counted.
    fn has(&self, address: &EmailAddress, key: &Fingerprint) -> bool {
        let family = self.at_hand.family(key);
        let mut known = self.keys.iter();
        known.any(|known| family.contains(&known.fingerprint) && known.address.matches(address))
    }

    /// A contact's key. Where history knows it, or the personal CA above it, mail with it is counted there
    /// and not a second time.
    fn add_contact(&mut self, row: &TrustRow, address: EmailAddress, fingerprint: Fingerprint) {
        let history = history(row);
        let family = self.at_hand.family(&fingerprint);
        let mut counted = self
            .keys
            .iter_mut()
            .filter(|known| family.contains(&known.fingerprint) && known.address.matches(&address));
        match counted.next() {
            Some(known) => {
                known.history.first_seen = known.history.first_seen.min(history.first_seen);
                known.history.taken_by_hand |= history.taken_by_hand;
            }
            None => self.keys.push(KnownKey { address, fingerprint, history }),
        }
    }
}

/// What the store knows of mail with a contact. Keys that came in by hand stand beside those before.
fn history(row: &TrustRow) -> Correspondence {
    if row.source == "mail" {
        Correspondence::first_mail(row.created)
    } else {
        Correspondence::by_hand(row.created)
    }
}

/// The owner's address: the first that the store was made for.
pub(crate) fn owner(store: &Store) -> Result<Option<EmailAddress>, Failure> {
    let rows = store.trust_rows()?;
    let own = rows.iter().find(|row| row.kind == TrustKind::Own);
    Ok(own.and_then(|row| EmailAddress::parse(&row.address).ok()))
}
