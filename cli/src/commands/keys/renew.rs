//! `cseal keys renew`: new keys follow the old ones, which stay for old mail.

mod answer;
mod ask;
mod own;
mod succeed;

use counterseal_core::address::EmailAddress;
use counterseal_core::algorithm::KeyAlgorithm;
use counterseal_core::keys::Keyring;
use counterseal_core::time::Time;
use counterseal_core::x509::KeyKind;
use counterseal_core::x509::issue::Issuer;

use self::own::InUse;
use self::succeed::Renewal;
use super::generate::name;
use crate::args;
use crate::clock;
use crate::commands::device::account::{Membership, announce_own};
use crate::commands::issuing::{authority_certificate, further, generate, kind, self_signed};
use crate::commands::store::{self, Unlock};
use crate::failure::{Exit, Failure};
use crate::render::renew as render;
use crate::store::{KeyUse, Store, StoreKeys};

/// RSA keys that are made anew have at least so many bits.
const LEAST_RSA_BITS: u32 = 3072;

/// Makes what follows, keeps it as one change, and says what others have to be told.
pub(super) fn run(arguments: &args::Renew) -> Result<Exit, Failure> {
    let now = clock::now();
    let mut store = store::open()?;
    if let Some(file) = &arguments.answer {
        return answer::take(arguments, &mut store, file, now);
    }
    let address = own::address(&store, arguments.address.as_deref())?;
    let in_use = own::in_use(&store, &address)?;
    if let Some(file) = &arguments.csr {
        return ask::run(arguments, &mut store, (&address, &in_use), file, now);
    }
    let renewal = {
        let keys = store::keys(&store, Unlock::from_options(&arguments.passphrase))?;
        let job = Job { arguments, store: &store, keys: &keys, address: &address, in_use: &in_use, now };
        job.renewal().map_err(|failure| keys.failure().unwrap_or(failure))?
    };
    let Some(renewal) = renewal else {
        render::nothing_to_do(&address, arguments.report.json)?;
        return Ok(Exit::Done);
    };
    store::unlock(&store, &Unlock::from_options(&arguments.passphrase))?;
    store.write(now, |writer| renewal.keep(writer))?;
    // The other devices of the person get it with the next sync.
    if let Some(membership) = Membership::of(&store)? {
        announce_own(&mut store, &membership, now)?;
    }
    render::renewed(&renewal.report(), arguments.report.json)?;
    if !arguments.report.json {
        let places = store.token_keys()?;
        let left = in_use.iter().filter(|own| renewal.is_retired(&own.key.fingerprint));
        let left = left.filter_map(|own| Some((own.key.key_use, places.get(own.key.fingerprint.sha256())?)));
        render::left_a_token(&address, left.map(|(key_use, place)| (key_use, place.label.as_str())));
    }
    Ok(Exit::Done)
}

/// What there is, and what was asked for.
struct Job<'a> {
    arguments: &'a args::Renew,
    store: &'a Store,
    keys: &'a StoreKeys<'a>,
    address: &'a EmailAddress,
    in_use: &'a [InUse],
    now: Time,
}

impl Job<'_> {
    /// What will be written; nothing where every key is young enough.
    fn renewal(&self) -> Result<Option<Renewal>, Failure> {
        // Whoever revoked all of it begins anew.
        let begins_anew =
            self.arguments.personal_ca && !store::own_keys(self.store, self.address)?.is_empty();
        if self.in_use.is_empty() && !begins_anew {
            return Err(own::nobody(self.address));
        }
        let authority = own::authority(self.in_use);
        match authority {
            _ if self.arguments.personal_ca => self.new_authority(authority),
            Some(authority) => self.under(authority),
            None => self.by_themselves(),
        }
    }

    /// New keys under the personal CA: whoever knows that needs no word of the old ones.
    fn under(&self, authority: &InUse) -> Result<Option<Renewal>, Failure> {
        if !authority.certificate.is_valid_at(self.now) {
            return Err(Failure::no(
                "no-personal-ca",
                format!("your personal CA for {} ended", self.address),
            )
            .hint(format!("make a new one with `cseal keys renew {} --personal-ca`", self.address)));
        }
        let mut renewal = Renewal::of(self.address, self.now);
        let issuer = Issuer { certificate: &authority.certificate, keys: self.keys };
        let name = name(self.store, &authority.certificate, self.address);
        for key_use in self.uses() {
            let made = further(
                (key_use, self.algorithm(key_use)),
                &issuer,
                &name,
                &self.addresses(key_use),
                self.now,
            )?;
            renewal.makes(key_use, made);
            renewal.retires(self.in_use, key_use);
        }
        Ok(renewal.if_any())
    }

    /// A new personal CA with new keys under it. What stood for the person before says that it follows.
    fn new_authority(&self, old: Option<&InUse>) -> Result<Option<Renewal>, Failure> {
        if old.is_some_and(|old| !self.is_old(old)) {
            return Ok(None);
        }
        let name = old.map_or_else(
            || own::name(self.in_use, self.address),
            |old| name(self.store, &old.certificate, self.address),
        );
        let mut renewal = Renewal::of(self.address, self.now);
        let key = generate(KeyKind::P256)?;
        let addresses = self.addresses(KeyUse::PersonalCa);
        let certificate = authority_certificate(&key, &name, &addresses, self.now)?;
        let keys = Keyring::from(key.clone());
        let issuer = Issuer { certificate: &certificate, keys: &keys };
        renewal.stands_for_its_owner(key.fingerprint(), &addresses);
        renewal.follows(self.keys, own::standing(self.in_use), &key.fingerprint(), &addresses)?;
        if let Some(old) = own::standing(self.in_use) {
            renewal.carries_twin(self.store, old, &key, &addresses)?;
        }
        for key_use in [KeyUse::Encryption, KeyUse::Signing] {
            let kind = (key_use, self.algorithm(key_use));
            let made = further(kind, &issuer, &name, &self.addresses(key_use), self.now)?;
            renewal.makes(key_use, made);
        }
        renewal.makes(KeyUse::PersonalCa, (key, certificate));
        for key_use in [KeyUse::PersonalCa, KeyUse::Encryption, KeyUse::Signing] {
            renewal.retires(self.in_use, key_use);
        }
        Ok(Some(renewal))
    }

    /// Self-signed keys, each of which the one before speaks for.
    fn by_themselves(&self) -> Result<Option<Renewal>, Failure> {
        if let Some(certified) = self.in_use.iter().find(|own| !own.certificate.is_self_issued()) {
            let issuer = certified.certificate.issuer();
            return Err(Failure::usage(format!(
                "{issuer} issued your certificate, and has to issue the next"
            ))
            .hint(format!(
                "write a request with `cseal keys renew {0} --csr FILE`, or be your own CA from now \
                     on: `cseal keys renew {0} --personal-ca`",
                self.address
            )));
        }
        let mut renewal = Renewal::of(self.address, self.now);
        let mut unnamed = None;
        for key_use in self.uses() {
            let Some(old) = own::newest(self.in_use, key_use) else { continue };
            let key = generate(kind(self.algorithm(key_use)))?;
            let name = own::name(self.in_use, self.address);
            let (addresses, old) = (self.addresses(key_use), own::standing(std::slice::from_ref(old)));
            let certificate = self_signed(&key, &name, &addresses, self.now)?;
            renewal.stands_for_its_owner(key.fingerprint(), &addresses);
            renewal.follows(self.keys, old, &key.fingerprint(), &addresses)?;
            if old.is_none() {
                unnamed = Some((key.fingerprint(), addresses));
            }
            renewal.makes(key_use, (key, certificate));
            renewal.retires(self.in_use, key_use);
        }
        if let Some((key, addresses)) = unnamed {
            renewal.names_encryption_key(self.keys, self.in_use, &key, &addresses)?;
        }
        Ok(renewal.if_any())
    }

    /// What is renewed: what was named, else both; but nothing that is young enough.
    fn uses(&self) -> Vec<KeyUse> {
        let (encryption, signing) = (self.arguments.encryption, self.arguments.signing);
        let is_wanted = |key_use| match key_use {
            KeyUse::Encryption => encryption || !signing,
            KeyUse::Signing => signing || !encryption,
            KeyUse::PersonalCa => false,
        };
        [KeyUse::Encryption, KeyUse::Signing]
            .into_iter()
            .filter(|key_use| is_wanted(*key_use))
            .filter(|key_use| own::newest(self.in_use, *key_use).is_none_or(|own| self.is_old(own)))
            .collect()
    }

    fn is_old(&self, own: &InUse) -> bool {
        let days = i64::from(self.arguments.if_older.unwrap_or_default());
        self.arguments.if_older.is_none() || own.certificate.not_before().plus_days(days) <= self.now
    }

    /// The kind that was asked for, else that of the key before.
    fn algorithm(&self, key_use: KeyUse) -> args::Algorithm {
        let is_asked_for =
            key_use == KeyUse::Encryption || !self.arguments.encryption && self.arguments.signing;
        let before = own::newest(self.in_use, key_use);
        let before = before.map(|own| own.certificate.public_key().algorithm());
        self.arguments.algorithm.filter(|_| is_asked_for).unwrap_or_else(|| like(before, key_use))
    }

    /// The addresses of the certificate before.
    fn addresses(&self, key_use: KeyUse) -> Vec<EmailAddress> {
        own::addresses(self.in_use, key_use, self.address)
    }
}

/// A kind of key like the one before, and not weaker than what `init` makes.
pub(crate) fn like(before: Option<KeyAlgorithm>, key_use: KeyUse) -> args::Algorithm {
    match before {
        Some(KeyAlgorithm::Rsa { bits }) if bits > LEAST_RSA_BITS => args::Algorithm::Rsa4096,
        Some(KeyAlgorithm::Rsa { .. }) => args::Algorithm::Rsa3072,
        Some(KeyAlgorithm::P256) => args::Algorithm::P256,
        Some(KeyAlgorithm::P384) => args::Algorithm::P384,
        Some(KeyAlgorithm::P521) => args::Algorithm::P521,
        Some(KeyAlgorithm::X25519) => args::Algorithm::X25519,
        Some(KeyAlgorithm::Ed25519) => args::Algorithm::Ed25519,
        Some(KeyAlgorithm::MlKem512) => args::Algorithm::MlKem512,
        Some(KeyAlgorithm::MlKem768) => args::Algorithm::MlKem768,
        Some(KeyAlgorithm::MlKem1024) => args::Algorithm::MlKem1024,
        Some(KeyAlgorithm::MlDsa44) => args::Algorithm::MlDsa44,
        Some(KeyAlgorithm::MlDsa65) => args::Algorithm::MlDsa65,
        Some(KeyAlgorithm::MlDsa87) => args::Algorithm::MlDsa87,
        Some(KeyAlgorithm::Dsa) | None => match key_use {
            KeyUse::Encryption => args::Algorithm::Rsa3072,
            KeyUse::Signing | KeyUse::PersonalCa => args::Algorithm::P256,
        },
    }
}
