//! `cseal keys revoke`: the personal CA takes back what it issued.

use std::io::Write;

use counterseal_core::fingerprint::Fingerprint;
use counterseal_core::time::Time;
use counterseal_core::x509::issue::{Issuer, revocation_list};
use counterseal_core::x509::revocation::{Revocation, RevocationList, RevocationReason};
use counterseal_core::x509::{Certificate, pem};

use super::{is_or_is_under, unknown_own_key};
use crate::args::{self, RevokeReason};
use crate::clock;
use crate::commands::issuing::cannot_issue;
use crate::commands::store::{self, Unlock};
use crate::failure::{Exit, Failure};
use crate::files::{Content, Output};
use crate::render::renew as render;
use crate::store::{EvidenceKind, KeyUse, Store, StoreError, StoreKeys, StoredKey, Writer};

/// Signs the list, keeps it to go along with mail, retires the key, and says who is to be told.
pub(super) fn run(arguments: &args::Revoke) -> Result<Exit, Failure> {
    let now = clock::now();
    let mut store = store::open()?;
    let key = own_key(&store, &arguments.key)?;
    let revoked = {
        let keys = store::keys(&store, Unlock::from_options(&arguments.passphrase))?;
        revoke(&store, &keys, std::slice::from_ref(&key), reason(arguments.reason), now)?
    };
    let mut output = match &arguments.output {
        Some(file) => Some(Output::at(Some(file), arguments.overwrite, Content::Text)?),
        None => None,
    };
    store::unlock(&store, &Unlock::from_options(&arguments.passphrase))?;
    store.write(now, |writer| revoked.keep(writer))?;
    if let Some(output) = &mut output {
        let text = pem::encode("X509 CRL", revoked.list.as_der());
        output.write_all(text.as_bytes()).map_err(|error| Failure::io("the revocation list", &error))?;
    }
    if let Some(output) = output {
        output.commit()?;
    }
    let is_authority = key.key_use == KeyUse::PersonalCa;
    let file = arguments.output.as_deref();
    render::revoked(&key.fingerprint, (is_authority, revoked.serial_numbers), file, arguments.report.json)?;
    Ok(Exit::Done)
}

/// What a personal CA takes back: to be kept with what else changes.
pub(crate) struct Revoked {
    authority: Fingerprint,
    list: RevocationList,
    ended: Vec<Fingerprint>,
    serial_numbers: usize,
}

impl Revoked {
    /// Keeps the list, which goes along with mail from now on, and retires the keys.
    pub(crate) fn keep(&self, writer: &mut Writer<'_>) -> Result<(), StoreError> {
        writer.keep_evidence(EvidenceKind::RevocationList, self.authority.sha256(), self.list.as_der())?;
        self.ended.iter().try_for_each(|key| writer.retire(key).map(drop))
    }
}

/// Has the personal CA that issued the first of these keys' certificates take those of all of them back.
pub(crate) fn revoke(
    store: &Store,
    keys: &StoreKeys<'_>,
    of: &[StoredKey],
    reason: RevocationReason,
    now: Time,
) -> Result<Revoked, Failure> {
    let certificates = certificates(store)?;
    let first = of.first().ok_or_else(|| Failure::unknown("no-key", "no key is to be revoked"))?;
    let authority = authority_of(store, first, &certificates)?;
    let mut revoked = earlier(store, &authority, &certificates)?;
    let revocation = Revocation { when: now, reason };
    let mut all_ended = Vec::new();
    for key in of {
        all_ended.extend(ended(store, key, &authority, &certificates)?);
    }
    let of_keys = certificates.iter().filter(|own| all_ended.contains(&own.fingerprint()));
    for serial_number in of_keys.map(|own| own.serial_number().to_vec()) {
        if !revoked.iter().any(|(known, _)| *known == serial_number) {
            revoked.push((serial_number, revocation));
        }
    }
    let issuer = Issuer { certificate: &authority, keys };
    // Nobody asks for the next one: a list holds for as long as the CA does.
    let list = revocation_list(&issuer, &revoked, now, authority.not_after().max(now.plus_days(1)))
        .map_err(|error| keys.failure().unwrap_or_else(|| cannot_issue(error)))?;
    let authority = authority.fingerprint();
    Ok(Revoked { authority, list, ended: all_ended, serial_numbers: revoked.len() })
}

/// A key of ours by its fingerprint.
pub(super) fn own_key(store: &Store, typed: &str) -> Result<StoredKey, Failure> {
    let mut keys = store.secret_keys()?.into_iter();
    keys.find(|key| key.fingerprint.is_named_by(typed)).ok_or_else(|| unknown_own_key(store, typed))
}

fn certificates(store: &Store) -> Result<Vec<Certificate>, Failure> {
    Ok(store.certificates()?.iter().filter_map(|der| Certificate::from_der(der).ok()).collect())
}

/// The personal CA of ours that issued a key's certificates: only an issuer takes back.
fn authority_of(
    store: &Store,
    key: &StoredKey,
    certificates: &[Certificate],
) -> Result<Certificate, Failure> {
    let own: Vec<_> = store.secret_keys()?.iter().map(|own| own.fingerprint).collect();
    let issued = |authority: &&Certificate| {
        let mut of_key = certificates.iter().filter(|own| own.fingerprint() == key.fingerprint);
        authority.is_personal_authority()
            && own.contains(&authority.fingerprint())
            && of_key.any(|own| is_or_is_under(own, authority))
    };
    certificates.iter().find(issued).cloned().ok_or_else(|| {
        Failure::unknown("no-personal-ca", "your personal CA did not issue a certificate of this key")
            .hint("ask the CA that issued it to revoke it; `cseal keys renew` makes the key that follows")
    })
}

/// The keys that end: the one that was named, and with a CA what it issued.
fn ended(
    store: &Store,
    key: &StoredKey,
    authority: &Certificate,
    certificates: &[Certificate],
) -> Result<Vec<Fingerprint>, Failure> {
    if key.key_use != KeyUse::PersonalCa {
        return Ok(vec![key.fingerprint]);
    }
    let is_issued = |own: &StoredKey| {
        let mut of_key = certificates.iter().filter(|other| other.fingerprint() == own.fingerprint);
        of_key.any(|other| is_or_is_under(other, authority))
    };
    let own = store.secret_keys()?;
    Ok(own.iter().filter(|own| is_issued(own)).map(|own| own.fingerprint).collect())
}

/// What the CA revoked before: a list is complete.
fn earlier(
    store: &Store,
    authority: &Certificate,
    certificates: &[Certificate],
) -> Result<Vec<(Vec<u8>, Revocation)>, Failure> {
    let kept = store.evidence(EvidenceKind::RevocationList)?;
    let of_authority = kept.iter().filter(|kept| kept.name == authority.fingerprint().sha256());
    let lists = of_authority.filter_map(|kept| RevocationList::from_der(&kept.content).ok());
    let entries = lists.flat_map(|list| {
        let issued = certificates.iter().filter(|own| own.issuer_der() == authority.subject_der());
        let revoked = issued.filter_map(|own| Some((own.serial_number().to_vec(), list.entry(own)?)));
        revoked.collect::<Vec<_>>()
    });
    Ok(entries.collect())
}

const fn reason(typed: RevokeReason) -> RevocationReason {
    match typed {
        RevokeReason::Compromised | RevokeReason::Lost => RevocationReason::KeyCompromise,
        RevokeReason::Superseded => RevocationReason::Superseded,
        RevokeReason::Retired => RevocationReason::CessationOfOperation,
    }
}

/// The lists that go along with our signatures, while they hold.
pub(crate) fn carried(store: &Store, at: Time) -> Result<Vec<Vec<u8>>, Failure> {
    let kept = store.evidence(EvidenceKind::RevocationList)?;
    let holds = |der: &Vec<u8>| {
        let list = RevocationList::from_der(der);
        list.is_ok_and(|list| list.next_update().is_none_or(|next| at <= next))
    };
    Ok(kept.into_iter().map(|kept| kept.content).filter(holds).collect())
}
