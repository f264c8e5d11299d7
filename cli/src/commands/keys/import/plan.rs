//! What an import will do, decided before anything is written.

use counterseal_core::address::EmailAddress;
use counterseal_core::fingerprint::Fingerprint;
use counterseal_core::keys::Import;
use counterseal_core::openpgp::{SignedStatement, StatementKind};
use counterseal_core::trust::log::{Event, EventKind};
use counterseal_core::trust::{HISTORY, VERIFIED, bring, family_key};
use counterseal_core::x509::{Certificate, PublicKey, SecretKey};

use super::contradiction::{self, Ground, Replaced};
use super::mail::SignedMail;
use super::pin::Comparison;
use super::token::{FoundOnToken, TokenKey};
use crate::clock;
use crate::commands::keys::{is_or_is_under, lacks_personal_ca, stands_for};
use crate::commands::statements::KeptStatement;
use crate::commands::store;
use crate::commands::successions::{self, Successor};
use crate::failure::Failure;
use crate::policy;
use crate::render::keys::{ImportedKey, ToCompare};
use crate::store::{KeyUse, NewTrust, Store, StoreError, TrustKind, TrustRow, Writer};

/// Keys and certificates, and what each of them means here.
pub(super) struct Plan {
    keys: Vec<(KeyUse, SecretKey)>,
    /// The person's own keys that are on a token.
    on_token: Vec<(KeyUse, TokenKey)>,
    certificates: Vec<Certificate>,
    claims: Vec<Claim>,
    not_taken: Vec<String>,
    /// Whose earlier pins go.
    replaced: Vec<EmailAddress>,
    /// Keys that were known, and go.
    given_up: Vec<Replaced>,
    /// What came along with a mail, unproved.
    carried: Vec<Vec<u8>>,
    /// Keys that follow compared ones.
    successors: Vec<Successor>,
    /// The statements that say so.
    statements: Vec<KeptStatement>,
}

/// A key, and the address that it is for.
struct Claim {
    kind: TrustKind,
    address: EmailAddress,
    key: Fingerprint,
    source: &'static str,
    capabilities: Option<Vec<u8>>,
}

impl Plan {
    /// What a file of keys and certificates means: a key that comes with its secret half is the
    /// person's own, every other is a contact's.
    pub(super) fn of_file(found: Import, store: &Store) -> Result<Self, Failure> {
        Self::of(found, FoundOnToken::default(), store)
    }

    /// What the keys of a token and their certificates mean: they are the person's own.
    pub(super) fn of_token(mut found: FoundOnToken, store: &Store) -> Result<Self, Failure> {
        let certificates = std::mem::take(&mut found.certificates);
        Self::of(Import { certificates, ..Import::default() }, found, store)
    }

    fn of(found: Import, token: FoundOnToken, store: &Store) -> Result<Self, Failure> {
        let (known, stored) = (certificates(store)?, store.secret_keys()?);
        let held = |key: &Fingerprint| {
            found.keys.iter().any(|own| own.fingerprint() == *key)
                || token.keys.iter().any(|own| own.public_key.fingerprint() == *key)
                || stored.iter().any(|own| own.fingerprint == *key)
        };
        let mut claims = Vec::new();
        for certificate in
            found.certificates.iter().filter(|certificate| !certificate.is_certificate_authority())
        {
            let key = certificate.fingerprint();
            let (kind, key) = if held(&key) {
                (TrustKind::Own, issuer(certificate, &found.certificates, &known, &held).unwrap_or(key))
            } else {
                (TrustKind::Contact, key)
            };
            claims.extend(certificate.addresses().iter().map(|address| Claim {
                kind,
                address: address.clone(),
                key,
                source: "import",
                capabilities: None,
            }));
        }
        Ok(Self {
            keys: found
                .keys
                .into_iter()
                .map(|key| (key_use(&key.fingerprint(), &found.certificates), key))
                .collect(),
            on_token: token
                .keys
                .into_iter()
                .map(|key| (key_use(&key.public_key.fingerprint(), &found.certificates), key))
                .collect(),
            certificates: found.certificates,
            claims,
            not_taken: found
                .refused
                .iter()
                .map(|refused| refused.why.to_string())
                .chain(token.not_taken)
                .collect(),
            replaced: Vec::new(),
            given_up: Vec::new(),
            carried: Vec::new(),
            successors: Vec::new(),
            statements: Vec::new(),
        })
    }

    /// What a signed mail means: its certificates are its author's.
    pub(super) fn of_mail(mail: SignedMail, store: &Store) -> Result<Self, Failure> {
        let stored = store.secret_keys()?;
        let claims = mail
            .certificates
            .iter()
            .filter(|certificate| !certificate.is_certificate_authority())
            .map(Certificate::fingerprint)
            .filter(|key| !stored.iter().any(|own| own.fingerprint == *key))
            .map(|key| Claim {
                kind: TrustKind::Contact,
                address: mail.author.clone(),
                key,
                source: "mail",
                capabilities: mail.capabilities.clone(),
            })
            .collect();
        Ok(Self {
            keys: Vec::new(),
            on_token: Vec::new(),
            certificates: mail.certificates,
            claims,
            not_taken: Vec::new(),
            replaced: Vec::new(),
            given_up: Vec::new(),
            carried: mail.carried,
            successors: Vec::new(),
            statements: Vec::new(),
        })
    }

    /// The same, with what the person compared, and without anything at odds with earlier comparisons.
    pub(super) fn decided(
        mut self,
        (comparison, replaces): (Option<&Comparison>, bool),
        store: &Store,
    ) -> Result<Self, Failure> {
        if let Some(comparison) = comparison {
            let known = certificates(store)?;
            let key = comparison.key(&self.certificates, &known)?;
            let with_known = [self.certificates.as_slice(), &issuers(&self.certificates, &known)].concat();
            for address in comparison.owners(&with_known, &key)? {
                if replaces {
                    self.replaced.push(address.clone());
                }
                self.claims.push(Claim {
                    kind: TrustKind::Pin,
                    address,
                    key,
                    source: "compared",
                    capabilities: None,
                });
            }
        }
        self.follow(store)?;
        let known = certificates(store)?;
        self.refuse_conflict(&known, &store.trust_rows()?)?;
        self.given_up = self.hold_against_known(&known, replaces, store)?;
        Ok(self)
    }

    /// What comes after a key that the person compared, by a statement of that key.
    fn follow(&mut self, store: &Store) -> Result<(), Failure> {
        let mut knowledge = store::knowledge(store)?;
        knowledge.certificates.extend(self.certificates.iter().cloned());
        let is_succession = |item: &&Vec<u8>| {
            let signed = SignedStatement::read(item, &[], &self.certificates);
            signed.is_ok_and(|signed| matches!(signed.statement.kind, StatementKind::Succession { .. }))
        };
        let items: Vec<Vec<u8>> = self.carried.iter().filter(is_succession).cloned().collect();
        let knowledge = bring(&knowledge, &items, &self.certificates).knowledge;
        self.successors = successions::of(store, &knowledge, clock::now())?;
        // Somebody else's successor did not come with this file.
        self.successors
            .retain(|successor| self.certificates.iter().any(|held| held.fingerprint() == successor.key));
        if !self.successors.is_empty() {
            let kept = |bytes| KeptStatement { bytes, keyring: Vec::new() };
            self.statements = items.into_iter().map(kept).collect();
        }
        Ok(())
    }

    /// Writes all of it, and tells the history where that is kept. Answers with the own keys and the
    /// contacts that came in.
    pub(super) fn write(
        &self,
        writer: &mut Writer<'_>,
        is_kept: bool,
    ) -> Result<(Vec<ImportedKey>, Vec<ImportedKey>), StoreError> {
        let mut keys = Vec::new();
        for (key_use, key) in &self.keys {
            let algorithm = key.algorithm().name();
            let new = writer.add_secret_key(
                *key_use,
                &algorithm,
                key.public_key().as_der(),
                &key.to_pkcs8_der(),
            )?;
            keys.push(self.own_key(key.public_key(), new));
        }
        for (key_use, TokenKey { public_key, place }) in &self.on_token {
            let algorithm = public_key.algorithm().name();
            let new = writer.add_token_key(*key_use, &algorithm, public_key.as_der(), place)?;
            keys.push(self.own_key(public_key, new));
        }
        // After the keys, so that the store knows which are the person's own.
        for certificate in &self.certificates {
            writer.add_certificate(certificate.as_der(), &certificate.fingerprint())?;
        }
        for address in &self.replaced {
            let removed = writer.remove_pins(address)?;
            for key in removed.iter().filter(|_| is_kept) {
                writer.record(address, key, Event::Plain(EventKind::Unpinned))?;
            }
        }
        self.given_up.iter().try_for_each(|replaced| replaced.write(writer))?;
        let mut contacts: Vec<ImportedKey> = Vec::new();
        for statement in &self.statements {
            statement.keep(writer)?;
        }
        for successor in &self.successors {
            let new = successor.keep(writer, is_kept)?;
            contacts.push(ImportedKey {
                address: successor.address.to_string(),
                fingerprint: successor.key.to_string(),
                new,
                pinned: true,
                follows: Some(successor.old.to_string()),
            });
        }
        for claim in &self.claims {
            let new = claim.write(writer)?;
            if let Some(event) = claim.event().filter(|_| is_kept && new) {
                let key = self.stands_for(&claim.key);
                writer.record(&claim.address, key.sha256(), event)?;
            }
            if claim.kind != TrustKind::Own {
                contacts.push(claim.report(new));
            }
        }
        Ok((keys, contacts))
    }

    /// How many certificates came in.
    pub(super) fn certificates(&self) -> usize {
        self.certificates.len()
    }

    /// What was there and could not be taken.
    pub(super) fn not_taken(&self) -> &[String] {
        &self.not_taken
    }

    /// What is to be compared of the contacts whom the person did not compare, once all is written.
    pub(super) fn to_compare(&self, store: &Store) -> Result<Vec<ToCompare>, Failure> {
        let (known, rows) = (certificates(store)?, store.trust_rows()?);
        let mut all: Vec<ToCompare> = Vec::new();
        for claim in self.claims.iter().filter(|claim| claim.kind == TrustKind::Contact) {
            let address = claim.address.lookup_key();
            let mut pins = rows.iter().filter(|row| row.kind == TrustKind::Pin && row.address == address);
            let mut of_key = self.certificates.iter().filter(|own| own.fingerprint() == claim.key);
            let Some(leaf) =
                of_key.next().filter(|_| !pins.any(|pin| self.is_covered(claim, &pin.key, &known)))
            else {
                continue;
            };
            let fingerprint =
                (!lacks_personal_ca(leaf, &known)).then(|| stands_for(leaf, &known).to_string());
            let one = ToCompare { address: claim.address.to_string(), fingerprint };
            if !all.contains(&one) {
                all.push(one);
            }
        }
        Ok(all)
    }

    /// The key that stands for the owner of another.
    fn stands_for(&self, key: &Fingerprint) -> Fingerprint {
        let mut own = self.certificates.iter().filter(|certificate| certificate.fingerprint() == *key);
        own.next().map_or(*key, |own| family_key(own, &self.certificates))
    }

    fn own_key(&self, key: &PublicKey, new: bool) -> ImportedKey {
        ImportedKey {
            address: self.address_of(key),
            fingerprint: key.fingerprint().to_string(),
            new,
            pinned: false,
            follows: None,
        }
    }

    fn address_of(&self, key: &PublicKey) -> String {
        let of_key =
            self.certificates.iter().filter(|certificate| certificate.fingerprint() == key.fingerprint());
        of_key.flat_map(Certificate::addresses).next().map(ToString::to_string).unwrap_or_default()
    }

    /// A new key must not slip in beside one that the person compared: neither a contact's, nor one that
    /// counts as the person's own because its secret half came along, which anybody can send.
    fn refuse_conflict(&self, known: &[Certificate], rows: &[TrustRow]) -> Result<(), Failure> {
        for claim in &self.claims {
            let address = claim.address.lookup_key();
            if self.replaced.iter().any(|replaced| replaced.lookup_key() == address) {
                continue;
            }
            let pins: Vec<&TrustRow> =
                rows.iter().filter(|row| row.kind == TrustKind::Pin && row.address == address).collect();
            let follows = self.successors.iter().any(|successor| {
                successor.address.lookup_key() == address
                    && self.is_covered(claim, successor.key.sha256(), known)
            });
            let is_compared = pins.iter().any(|pin| {
                self.is_covered(claim, &pin.key, known) || self.is_of_one_owner(claim, &pin.key, known)
            });
            if let Some(pin) = pins.first().filter(|_| !follows && !is_compared) {
                return Err(self.conflict(claim, &pin.key, known));
            }
        }
        Ok(())
    }

    /// A contact's new key must not slip in beside another one that is known. What the person compares, or
    /// what a compared key names as its successor, needs nobody's leave. Answers with what goes.
    fn hold_against_known(
        &self,
        known: &[Certificate],
        replaces: bool,
        store: &Store,
    ) -> Result<Vec<Replaced>, Failure> {
        let compared = |claim: &Claim| {
            let address = claim.address.lookup_key();
            let pins = self.claims.iter().filter(|other| other.kind == TrustKind::Pin);
            let pins = pins.map(|pin| (pin.address.lookup_key(), *pin.key.sha256()));
            let successors = self.successors.iter();
            let successors = successors.map(|one| (one.address.lookup_key(), *one.key.sha256()));
            pins.chain(successors).any(|(of, key)| of == address && self.is_covered(claim, &key, known))
        };
        let contacts = self.claims.iter().filter(|claim| claim.kind == TrustKind::Contact);
        let open: Vec<&Claim> = contacts.filter(|claim| !compared(claim)).collect();
        let mut given_up = Vec::new();
        if open.is_empty() {
            return Ok(given_up);
        }
        let mut knowledge = store::knowledge(store)?;
        policy::apply(&policy::in_force()?, &mut knowledge)?;
        let ground = Ground { knowledge, offered: &self.certificates, at: clock::now() };
        for claim in open {
            let more = ground.check(&claim.address, &claim.key, replaces)?;
            given_up.extend(more.into_iter().filter(|one| !given_up.contains(one)).collect::<Vec<_>>());
        }
        Ok(given_up)
    }

    fn conflict(&self, claim: &Claim, pinned: &[u8; 32], known: &[Certificate]) -> Failure {
        let all: Vec<Certificate> = self.certificates.iter().chain(known).cloned().collect();
        let of = |key: &[u8; 32]| all.iter().find(|own| own.fingerprint().sha256() == key);
        let pinned = of(pinned).map_or(claim.key, Certificate::fingerprint);
        let new = of(claim.key.sha256()).map_or(claim.key, |own| stands_for(own, &all));
        contradiction::refused(&claim.address, (&pinned, true), &new)
    }

    /// Whether all that is known of a pinned key is under the personal CA that the claimed one is, or is
    /// under.
    fn is_of_one_owner(&self, claim: &Claim, pinned: &[u8; 32], known: &[Certificate]) -> bool {
        let all = || self.certificates.iter().chain(known);
        let mut new = self.certificates.iter().filter(|own| own.fingerprint() == claim.key);
        let Some(owner) = new.next().map(|own| family_key(own, all())) else { return false };
        let mut held = known.iter().filter(|own| own.fingerprint().sha256() == pinned).peekable();
        held.peek().is_some() && held.all(|own| family_key(own, all()) == owner)
    }

    /// Whether a pinned key is the claimed one, or the CA that issued its certificate.
    fn is_covered(&self, claim: &Claim, pinned: &[u8; 32], known: &[Certificate]) -> bool {
        let all = || self.certificates.iter().chain(known);
        claim.key.sha256() == pinned
            || all().filter(|authority| authority.fingerprint().sha256() == pinned).any(|authority| {
                all().filter(|own| own.fingerprint() == claim.key).any(|own| is_or_is_under(own, authority))
            })
    }
}

impl Claim {
    fn write(&self, writer: &mut Writer<'_>) -> Result<bool, StoreError> {
        let points = match self.kind {
            TrustKind::Own | TrustKind::Pin => VERIFIED,
            TrustKind::Contact => HISTORY,
        };
        writer.add_trust(&NewTrust {
            kind: self.kind,
            address: &self.address,
            key: &self.key,
            points: points.into(),
            source: self.source,
            capabilities: self.capabilities.as_deref(),
            announced: None,
        })
    }

    /// What the history is told where it is new.
    fn event(&self) -> Option<Event> {
        match (self.kind, self.source) {
            (TrustKind::Own, _) => None,
            (TrustKind::Pin, _) => Some(Event::Plain(EventKind::Pinned)),
            (TrustKind::Contact, "mail") => Some(Event::Plain(EventKind::Seen)),
            (TrustKind::Contact, _) => Some(Event::Plain(EventKind::Imported)),
        }
    }

    fn report(&self, new: bool) -> ImportedKey {
        ImportedKey {
            address: self.address.to_string(),
            fingerprint: self.key.to_string(),
            new,
            pinned: self.kind == TrustKind::Pin,
            follows: None,
        }
    }
}

fn certificates(store: &Store) -> Result<Vec<Certificate>, Failure> {
    Ok(store.certificates()?.iter().filter_map(|der| Certificate::from_der(der).ok()).collect())
}

/// The CAs of the store that issued certificates of a file.
pub(super) fn issuers(certificates: &[Certificate], known: &[Certificate]) -> Vec<Certificate> {
    let is_above = |authority: &&Certificate| {
        authority.is_certificate_authority() && certificates.iter().any(|own| is_or_is_under(own, authority))
    };
    known.iter().filter(is_above).cloned().collect()
}

/// The held CA key that issued a certificate: the person's personal CA.
fn issuer(
    certificate: &Certificate,
    beside: &[Certificate],
    known: &[Certificate],
    held: &dyn Fn(&Fingerprint) -> bool,
) -> Option<Fingerprint> {
    let mut authorities = beside.iter().chain(known).filter(|other| other.is_certificate_authority());
    let own = authorities.find(|other| held(&other.fingerprint()) && is_or_is_under(certificate, other));
    own.map(Certificate::fingerprint)
}

/// What a key is for, by its certificates. A key without any opens old mail.
fn key_use(key: &Fingerprint, certificates: &[Certificate]) -> KeyUse {
    let mut of_key = certificates.iter().filter(|certificate| certificate.fingerprint() == *key);
    if of_key.clone().any(Certificate::is_certificate_authority) {
        return KeyUse::PersonalCa;
    }
    let only_signs = of_key.clone().count() > 0
        && of_key.all(|certificate| certificate.may_receive_encrypted_mail().is_err());
    if only_signs { KeyUse::Signing } else { KeyUse::Encryption }
}
