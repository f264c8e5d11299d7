//! `cseal trust pin` and `unpin`: what the person compared.

use counterseal_core::address::EmailAddress;
use counterseal_core::fingerprint::{Fingerprint, FingerprintPrefix, OpenPgpFingerprint};
use counterseal_core::trust::HISTORY;
use counterseal_core::trust::log::{Event, EventKind};
use counterseal_core::trust::points::Capacities;
use counterseal_core::trust::{Profile, VERIFIED, family_key};
use counterseal_core::x509::Certificate;

use super::meet;
use crate::args::{self, ComparedBy};
use crate::commands::history;
use crate::commands::keys::{is_or_is_under, lacks_personal_ca, stands_for};
use crate::commands::store::{self, Unlock};
use crate::commands::strong;
use crate::failure::{Exit, Failure};
use crate::render::trust::list::{self, PinObject};
use crate::sources;
use crate::store::{NewTrust, Store, StoreError, TrustKind, TrustRow, Writer};

/// Digits that two people compare.
const SAFETY_DIGITS: usize = 60;

/// Keeps that the person compared a key.
pub(super) fn pin(arguments: &args::TrustPin) -> Result<Exit, Failure> {
    let (address, named) = strong::with_key(&arguments.address)?;
    let typed = match (&named, &arguments.fingerprint) {
        (Some(_), Some(_)) => return Err(Failure::usage("two fingerprints: one of them with the address")),
        (Some(named), None) => Some(named.to_string()),
        (None, typed) => typed.clone(),
    };
    if typed.is_none() && arguments.certificate.is_none() {
        return Err(Failure::usage("nothing says what you compared")
            .hint("type the fingerprint, or name the file that you were handed with --certificate FILE"));
    }
    let mut store = store::open()?;
    let known = certificates(&store)?;
    let file: Vec<_> = arguments.certificate.iter().cloned().collect();
    let comparison = Comparison { address, given: sources::certificates(&file)?, known };
    let key = comparison.key(typed.as_deref())?;
    comparison.check_address(&key)?;
    if !arguments.replace {
        comparison.check_earlier(&key, &store.trust_rows()?)?;
    }
    store::unlock(&store, &Unlock::from_options(&arguments.passphrase))?;
    let (points, source) = match &named {
        Some(named) => (strong::points(named.bits()), strong::SOURCE),
        None => (points(arguments.by), "compared"),
    };
    let is_kept = history::is_kept()?;
    history::write(&mut store, |writer| {
        let events = comparison.write(writer, &key, (points, source), arguments.replace)?;
        events.iter().filter(|_| is_kept).try_for_each(|(key, event)| {
            writer.record(&comparison.address, key, Event::Plain(*event)).map(drop)
        })
    })?;
    let pin = PinObject::new(&comparison.address.to_string(), &key, points, source, None);
    list::pinned(&pin, arguments.report.json)?;
    if let Some(above) = comparison.above(&key) {
        list::only_one_key(&comparison.address, &above);
    }
    Ok(Exit::Done)
}

/// Keeps whom the person met, with two machines: certificates, and a pin of what stands for their owner.
pub(super) fn met(
    store: &mut Store,
    address: EmailAddress,
    certificates: Vec<Certificate>,
    by: ComparedBy,
    arguments: &args::TrustMeet,
) -> Result<(), Failure> {
    let known = self::certificates(store)?;
    let comparison = Comparison { address, given: certificates, known };
    let key = comparison.key(None)?;
    if !arguments.replace {
        comparison.check_earlier(&key, &store.trust_rows()?)?;
    }
    let (points, source) = (points(by), "compared");
    let is_kept = history::is_kept()?;
    history::write(store, |writer| {
        let events = comparison.write(writer, &key, (points, source), arguments.replace)?;
        events.iter().filter(|_| is_kept).try_for_each(|(key, event)| {
            writer.record(&comparison.address, key, Event::Plain(*event)).map(drop)
        })
    })?;
    let pin = PinObject::new(&comparison.address.to_string(), &key, points, source, None);
    list::pinned(&pin, arguments.report.json)
}

/// Forgets what the person compared.
pub(super) fn unpin(arguments: &args::TrustUnpin) -> Result<Exit, Failure> {
    let (address, named) = strong::with_key(&arguments.address)?;
    let typed = named.map(|named| named.to_string()).or_else(|| arguments.fingerprint.clone());
    let mut store = store::open()?;
    let known = certificates(&store)?;
    let lookup_key = address.lookup_key();
    let is_meant = |row: &TrustRow| {
        let mut holders = known.iter().filter(|holder| holder.fingerprint().sha256() == &row.key);
        row.kind == TrustKind::Pin
            && row.address == lookup_key
            && typed.as_ref().is_none_or(|typed| holders.any(|holder| strong::is_named(holder, typed)))
    };
    let keys: Vec<[u8; 32]> =
        store.trust_rows()?.iter().filter(|row| is_meant(row)).map(|row| row.key).collect();
    if keys.is_empty() {
        return Err(Failure::unknown("no-pin", format!("{address}: you compared no such fingerprint"))
            .hint("see what there is with `cseal trust list`"));
    }
    store::unlock(&store, &Unlock::from_options(&arguments.passphrase))?;
    let is_kept = history::is_kept()?;
    history::write(&mut store, |writer| {
        keys.iter().try_for_each(|key| {
            writer.remove_pin(&address, key)?;
            if is_kept {
                writer.record(&address, key, Event::Plain(EventKind::Unpinned))?;
            }
            Ok(())
        })
    })?;
    let removed: Vec<String> =
        keys.iter().filter_map(|key| fingerprint(&known, key)).map(|key| key.to_string()).collect();
    list::unpinned(&address.to_string(), &removed, arguments.report.json)?;
    Ok(Exit::Done)
}

/// What a comparison is worth: the same in every profile that counts it.
const fn points(by: ComparedBy) -> u32 {
    let table = Capacities::of(Profile::Blended);
    match by {
        ComparedBy::InPerson => table.pin_in_person,
        ComparedBy::Video => table.pin_by_video,
    }
}

fn certificates(store: &Store) -> Result<Vec<Certificate>, Failure> {
    Ok(store.certificates()?.iter().filter_map(|der| Certificate::from_der(der).ok()).collect())
}

fn fingerprint(certificates: &[Certificate], key: &[u8; 32]) -> Option<Fingerprint> {
    certificates.iter().map(Certificate::fingerprint).find(|fingerprint| fingerprint.sha256() == key)
}

/// A comparison that is to be kept.
struct Comparison {
    address: EmailAddress,
    /// Certificates of a file.
    given: Vec<Certificate>,
    /// Those of the store.
    known: Vec<Certificate>,
}

impl Comparison {
    fn all(&self) -> impl Iterator<Item = &Certificate> {
        self.given.iter().chain(&self.known)
    }

    /// The key that was compared: the one that was typed, else what stands for the owner of the file.
    fn key(&self, typed: Option<&str>) -> Result<Fingerprint, Failure> {
        let Some(typed) = typed else { return self.key_of_file() };
        self.check_form(typed)?;
        // A file is handed over with its fingerprint: another one in it is not the one that was compared.
        let searched = if self.given.is_empty() { &self.known } else { &self.given };
        let found = searched.iter().find(|certificate| strong::is_named(certificate, typed));
        found.map(Certificate::fingerprint).ok_or_else(|| {
            if self.given.is_empty() {
                return self.not_known(typed);
            }
            Failure::new(
                Exit::Contradiction,
                "not-the-pin",
                format!("you compared {typed}, this file brings"),
            )
            .details(self.given.iter().map(|one| one.fingerprint().to_string()).collect())
            .hint("nothing was taken in; ask its owner for the fingerprint once more, on another channel")
        })
    }

    /// What was typed names no key that is at hand. Where another key of the address is, the two differ, and
    /// that is what comparing is for.
    fn not_known(&self, typed: &str) -> Failure {
        let address = &self.address;
        let known: Vec<Certificate> =
            self.known.iter().filter(|own| self.names_owner(own)).cloned().collect();
        let mut keys: Vec<Fingerprint> = known.iter().map(|own| stands_for(own, &self.known)).collect();
        keys.sort_unstable();
        keys.dedup();
        let Some(key) = keys.first() else {
            return Failure::unknown("no-key", format!("{typed}: no certificate of this key is known"))
                .hint("name its certificate with --certificate FILE, or `cseal keys import` it first");
        };
        if known.iter().all(|own| lacks_personal_ca(own, &self.known)) {
            return meet::no_personal_ca(address);
        }
        Failure::new(
            Exit::Contradiction,
            "not-the-pin",
            format!("{typed} is NOT the key that you have for {address}"),
        )
        .details(keys.iter().map(|key| format!("you have   {key}")).collect())
        .hint(format!(
            "read it once more. If it still differs, one of you is being deceived: do not write to {address} \
             until you found out which key is right; nothing was kept for {key}"
        ))
    }

    /// Refuses what cannot be a whole fingerprint, with a word on what it is.
    fn check_form(&self, typed: &str) -> Result<(), Failure> {
        let compact: String = typed.chars().filter(|letter| letter.is_ascii_alphanumeric()).collect();
        let address = &self.address;
        if compact.len() == SAFETY_DIGITS && compact.chars().all(|letter| letter.is_ascii_digit()) {
            return Err(Failure::usage("these are the digits of two keys, not the fingerprint of one").hint(
                format!(
                    "compare the digits with what {address} sees, then type the line at the end of `cseal \
                     trust meet {address}`"
                ),
            ));
        }
        let is_whole =
            FingerprintPrefix::parse(typed).is_some() || OpenPgpFingerprint::parse(typed).is_some();
        if is_whole {
            return Ok(());
        }
        Err(Failure::usage(format!("{typed}: no fingerprint"))
            .hint("a fingerprint is groups of four like MBJH-UVS2-Z2Q4-OF7C-MGP6: type 5 of them or more"))
    }

    /// The personal CA of the file where it has one, else its only key.
    fn key_of_file(&self) -> Result<Fingerprint, Failure> {
        let mut keys: Vec<Fingerprint> = Vec::new();
        for leaf in self.given.iter().filter(|certificate| self.names_owner(certificate)) {
            let mut above = self.given.iter().filter(|other| other.is_certificate_authority());
            let stands_for_it = above.find(|authority| is_or_is_under(leaf, authority));
            keys.push(stands_for_it.map_or(leaf.fingerprint(), Certificate::fingerprint));
        }
        keys.sort_unstable();
        keys.dedup();
        match keys.as_slice() {
            [key] => Ok(*key),
            [] => Err(self.no_address()),
            several => Err(Failure::usage("the file has several keys; say which one you compared")
                .details(several.iter().map(ToString::to_string).collect())),
        }
    }

    fn names_owner(&self, certificate: &Certificate) -> bool {
        !certificate.is_certificate_authority()
            && certificate.addresses().iter().any(|own| own.matches(&self.address))
    }

    fn no_address(&self) -> Failure {
        Failure::unknown("no-address", format!("no certificate of this key names {}", self.address))
    }

    /// The certificates of a key, and those that it issued, for the address.
    fn under<'c>(&'c self, key: &'c Fingerprint) -> impl Iterator<Item = &'c Certificate> {
        self.all().filter(|certificate| self.names_owner(certificate)).filter(move |certificate| {
            let mut holders = self.all().filter(|holder| holder.fingerprint() == *key);
            holders.any(|holder| is_or_is_under(certificate, holder))
        })
    }

    /// Whoever compares a fingerprint must not thereby believe it of somebody else.
    fn check_address(&self, key: &Fingerprint) -> Result<(), Failure> {
        self.under(key).next().map(drop).ok_or_else(|| self.no_address())
    }

    /// A second key beside one that was compared needs a word, unless the two do different things.
    fn check_earlier(&self, key: &Fingerprint, rows: &[TrustRow]) -> Result<(), Failure> {
        let lookup_key = self.address.lookup_key();
        let pins = rows.iter().filter(|row| row.kind == TrustKind::Pin && row.address == lookup_key);
        let mut rivals = pins.filter(|row| {
            row.key != *key.sha256()
                && self.does_the_same(key, &row.key)
                && !self.is_of_one_owner(key, &row.key)
        });
        let Some(rival) = rivals.next() else { return Ok(()) };
        let rival = fingerprint(&self.known, &rival.key).map(|key| key.to_string()).unwrap_or_default();
        let address = &self.address;
        Err(Failure::new(
            Exit::Contradiction,
            "pin-conflict",
            format!("{address} changed keys: you compared {rival}, and now {key}"),
        )
        .hint(format!(
            "ask {address} on another channel, then run `cseal trust pin {address} {key} --replace`"
        )))
    }

    /// Whether one personal CA issued all that is known of both keys, or is one of them. One certificate is
    /// not enough: anybody can certify a key of somebody else.
    fn is_of_one_owner(&self, key: &Fingerprint, earlier: &[u8; 32]) -> bool {
        let mut new = self.all().filter(|own| own.fingerprint() == *key);
        let Some(owner) = new.next().map(|own| family_key(own, self.all())) else { return false };
        let mut held = self.known.iter().filter(|own| own.fingerprint().sha256() == earlier).peekable();
        held.peek().is_some() && held.all(|own| family_key(own, self.all()) == owner)
    }

    /// The personal CA that people compare where the person compared a key below it.
    fn above(&self, key: &Fingerprint) -> Option<Fingerprint> {
        let all: Vec<Certificate> = self.all().cloned().collect();
        let mut above = all.iter().filter(|own| own.fingerprint() == *key).map(|own| stands_for(own, &all));
        above.find(|above| above != key)
    }

    fn does_the_same(&self, key: &Fingerprint, earlier: &[u8; 32]) -> bool {
        let Some(earlier) = fingerprint(&self.known, earlier) else { return true };
        let signs = |key: &Fingerprint| self.under(key).any(|one| one.may_sign_mail().is_ok());
        let receives =
            |key: &Fingerprint| self.under(key).any(|one| one.may_receive_encrypted_mail().is_ok());
        (signs(key) && signs(&earlier)) || (receives(key) && receives(&earlier))
    }

    /// Keeps it. Answers with what the history is told.
    fn write(
        &self,
        writer: &mut Writer<'_>,
        key: &Fingerprint,
        (points, source): (u32, &str),
        replaces: bool,
    ) -> Result<Vec<([u8; 32], EventKind)>, StoreError> {
        let mut events = Vec::new();
        for certificate in &self.given {
            writer.add_certificate(certificate.as_der(), &certificate.fingerprint())?;
        }
        for certificate in self.under(key) {
            let contact = certificate.fingerprint();
            if writer.add_trust(&self.row(TrustKind::Contact, &contact, HISTORY, "import"))? {
                events.push((*key.sha256(), EventKind::Imported));
            }
        }
        if replaces {
            let removed = writer.remove_pins(&self.address)?;
            events.extend(removed.into_iter().map(|key| (key, EventKind::Unpinned)));
        }
        // The same key compared in another way is worth what the later comparison is.
        writer.remove_pin(&self.address, key.sha256())?;
        writer.add_trust(&self.row(TrustKind::Pin, key, points, source))?;
        events.push((*key.sha256(), EventKind::Pinned));
        Ok(events)
    }

    fn row<'r>(
        &'r self,
        kind: TrustKind,
        key: &'r Fingerprint,
        points: u32,
        source: &'r str,
    ) -> NewTrust<'r> {
        let points = i64::from(points.min(VERIFIED));
        NewTrust { kind, address: &self.address, key, points, source, capabilities: None, announced: None }
    }
}
