//! What another store of the same person knew of others is taken over, on their word that it is theirs
//! (`docs/formats/take-along.md`).

mod check;
mod odds;

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use counterseal_core::fingerprint::Fingerprint;
use counterseal_core::limits::TRUST_FILE_BYTES;
use counterseal_core::x509::Certificate;

use self::odds::Odds;
use crate::args;
use crate::clock;
use crate::commands::history;
use crate::failure::Failure;
use crate::files::read_file;
use crate::render::take_over::{self as render, Counts, Group, Left, TakenOver, Why};
use crate::store::{
    DatedCertificate, EvidenceKind, EvidenceRecord, Index, Records, Standing, Store, StoreError, Takeover,
    TrustKind, TrustRecord, Writer,
};
use crate::trust_file;

/// The file of trust that a path names: itself, or the one in a folder.
pub(super) fn find(path: &Path) -> Option<PathBuf> {
    if path.is_dir() {
        return Some(path.join(trust_file::NAME)).filter(|file| file.is_file());
    }
    let mut beginning = Vec::new();
    let is_file = fs::metadata(path).is_ok_and(|found| found.is_file());
    let file = is_file.then(|| fs::File::open(path).ok()).flatten()?;
    file.take(trust_file::BEGINNING.len() as u64).read_to_end(&mut beginning).ok()?;
    (beginning == trust_file::BEGINNING).then(|| path.to_owned())
}

/// A path without such a file.
pub(super) fn missing(path: &Path) -> Failure {
    Failure::unknown("trust-file", format!("{}: there is no {} in it", path.display(), trust_file::NAME))
        .hint("write it in the other store: `cseal keys export --contacts -o FOLDER`")
}

/// Reads a file of trust, and takes over what it holds where the person says that it is theirs. Else it is
/// only said what that would be.
pub(super) fn run(arguments: &args::Import, store: &mut Store, path: &Path) -> Result<TakenOver, Failure> {
    let bytes = read_file(path, TRUST_FILE_BYTES)?;
    let file = trust_file::read(&bytes, clock::now()).map_err(|fault| render::not_read(path, fault))?;
    let is_believed = arguments.take_over_my_trust;
    if is_believed {
        super::unlock(arguments, store)?;
        // What waits came before, and must not stand between the two logs.
        history::seal(store)?;
    }
    let mut plan = Plan::of(file.records, store, history::is_kept()?)?;
    plan.left.extend(file.unknown.into_iter().map(|kind| Left { what: kind, why: Why::UnknownKind }));
    if is_believed {
        store.write(clock::now(), |writer| plan.write(writer))?;
    }
    Ok(TakenOver {
        file: path.display().to_string(),
        made: file.made.to_rfc3339(),
        key: Fingerprint::of_public_key(&file.key).to_string(),
        taken_over: is_believed,
        groups: plan.groups,
        left: plan.left,
    })
}

/// Takes over what another device of the person handed over when this one was added: that the person confirmed on both
/// screens. The store must be unlocked. Says of how many addresses something was taken.
///
/// # Errors
/// As for a file; nothing was taken over then.
pub(crate) fn from_device(store: &mut Store, bytes: &[u8]) -> Result<usize, Failure> {
    let device = Path::new("the other device");
    let file = trust_file::read(bytes, clock::now()).map_err(|fault| render::not_read(device, fault))?;
    history::seal(store)?;
    let plan = Plan::of(file.records, store, history::is_kept()?)?;
    store.write(clock::now(), |writer| plan.write(writer))?;
    let addresses: BTreeSet<&str> = plan.trust.iter().map(|record| record.address.as_str()).collect();
    Ok(addresses.len())
}

/// What is taken over, and what is not.
struct Plan {
    certificates: Vec<(Fingerprint, DatedCertificate)>,
    trust: Vec<TrustRecord>,
    evidence: Vec<EvidenceRecord>,
    history: Option<Takeover>,
    groups: Vec<(Group, Counts)>,
    left: Vec<Left>,
}

impl Plan {
    fn of(theirs: Records, store: &Store, keeps_history: bool) -> Result<Self, Failure> {
        let ours = store.records()?;
        let (good, bad): (Vec<_>, Vec<_>) = theirs
            .certificates
            .into_iter()
            .map(|dated| (Certificate::from_der(&dated.der).ok(), dated))
            .partition(|(read, _)| read.is_some());
        let read: Vec<Certificate> = good.iter().filter_map(|(read, _)| read.clone()).collect();
        let (index, odds) = (Index::of(&ours), Odds::of(store, &ours, &theirs.trust, &read)?);
        let mut plan = Self {
            certificates: Vec::new(),
            trust: Vec::new(),
            evidence: Vec::new(),
            history: None,
            groups: Vec::new(),
            left: bad.iter().map(|_| Left { what: "certificate".to_owned(), why: Why::Unreadable }).collect(),
        };
        for (certificate, dated) in read.iter().zip(good.into_iter().map(|(_, dated)| dated)) {
            plan.add_certificate(&index, &odds, certificate, dated);
        }
        theirs.trust.into_iter().for_each(|record| plan.add_trust(&index, &odds, record));
        theirs.evidence.into_iter().for_each(|record| plan.add_evidence(&index, &odds, record));
        if keeps_history {
            let takeover = ours
                .takeover(&theirs.entries, &|address, key| odds.about(&address.lookup_key(), key).is_none());
            let new = takeover.count();
            let group =
                if matches!(takeover, Takeover::Entries { .. }) { Group::History } else { Group::Summary };
            plan.groups.push((group, Counts { new, ..Counts::default() }));
            plan.history = Some(takeover);
        }
        plan.groups.sort_by_key(|(group, _)| *group);
        Ok(plan)
    }

    fn add_certificate(&mut self, ours: &Index, odds: &Odds, read: &Certificate, dated: DatedCertificate) {
        let key = read.fingerprint();
        if odds.is_own_key(key.sha256()) {
            return self.left.push(Left { what: format!("certificate {key}"), why: Why::Yourself });
        }
        self.count(Group::Certificates, ours.certificate(&dated));
        self.certificates.push((key, dated));
    }

    fn add_trust(&mut self, ours: &Index, odds: &Odds, record: TrustRecord) {
        let (group, what) = match record.kind {
            TrustKind::Pin => (Group::Pins, "pin"),
            TrustKind::Contact | TrustKind::Own => (Group::Contacts, "contact"),
        };
        let standing = ours.trust(&record);
        if let Some(why) = odds.about(&record.address, &record.key).filter(|_| standing == Standing::New) {
            return self.left.push(Left { what: format!("{what} {}", record.address), why });
        }
        self.count(group, standing);
        self.trust.push(record);
    }

    fn add_evidence(&mut self, ours: &Index, odds: &Odds, record: EvidenceRecord) {
        let what = || record.kind.word().to_owned();
        let Some(about) = check::good(&record) else {
            return self.left.push(Left { what: what(), why: Why::Unreadable });
        };
        let at_odds = about.and_then(|(address, key)| {
            odds.about(&address, &key).map(|why| (format!("{} {address}", what()), why))
        });
        if let Some((what, why)) = at_odds {
            return self.left.push(Left { what, why });
        }
        let standing = ours.evidence(&record);
        // What was looked up, or verified, at another time is no contradiction.
        let is_choice = matches!(
            record.kind,
            EvidenceKind::Anchor | EvidenceKind::Introducer | EvidenceKind::Contact | EvidenceKind::Witness
        );
        if standing == Standing::Differs && is_choice {
            return self.left.push(Left { what: what(), why: Why::OtherLimits });
        }
        self.count(Group::of(record.kind), standing);
        self.evidence.push(record);
    }

    fn count(&mut self, group: Group, standing: Standing) {
        if self.groups.iter().all(|(other, _)| *other != group) {
            self.groups.push((group, Counts::default()));
        }
        let Some((_, counts)) = self.groups.iter_mut().find(|(other, _)| *other == group) else { return };
        match standing {
            Standing::New => counts.new += 1,
            Standing::Earlier => counts.earlier += 1,
            Standing::Known | Standing::Differs => counts.known += 1,
        }
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), StoreError> {
        for (key, certificate) in &self.certificates {
            writer.take_certificate(key.sha256(), certificate)?;
        }
        self.trust.iter().try_for_each(|record| writer.take_trust(record))?;
        self.evidence.iter().try_for_each(|record| writer.take_evidence(record))?;
        self.history.iter().try_for_each(|takeover| writer.take_history(takeover))
    }
}
