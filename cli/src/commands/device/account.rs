//! The account of a store: this device's own keys, what the log means, and the loop over both.

use counterseal_core::fingerprint::Fingerprint;
use counterseal_core::keys::Keyring;
use counterseal_core::secret::SecretBytes;
use counterseal_core::time::Time;
use counterseal_core::x509::issue::{Subject, certification_request};
use counterseal_core::x509::{Certificate, KeyKind, SecretKey};
use counterseal_keysync::craft::DeviceCraft;
use counterseal_keysync::device::{DeviceCertificates, DeviceKeyUse, DeviceKeys};
use counterseal_keysync::log::{AccountId, Evaluation, KeyId, Log, Purpose};
use counterseal_keysync::sync::{self, Alarm, Note, SharedKey, Store as _, Sync, SyncError};

use crate::commands;
use crate::commands::issuing::{cannot_issue, generate};
use crate::failure::Failure;
use crate::randomness::SystemRandom;
use crate::render::{self, device_sync::Names};
use crate::store::{DeviceSecretKind, KeptAlarm, KeyUse, SharedStore, Store, StoreError, Writer};

/// Days for which a key to encapsulate to is kept: its certificate ends after 180, and devices sleep.
const KEPT_ENCAPSULATION_DAYS: i64 = 365;
/// The setting that holds the account's id.
const ACCOUNT: &str = "account";
/// The setting that holds this device's certificates.
const CERTIFICATES: &str = "certificates";

/// Which account a store belongs to, as far as it says without being unlocked.
pub(crate) struct Membership {
    /// The account.
    pub(crate) account: AccountId,
    /// This device.
    pub(crate) device: DeviceCertificates,
}

impl Membership {
    /// What the store says. A founding that was cut off before the first entry was kept is none.
    ///
    /// # Errors
    /// What is wrong with the store.
    pub(crate) fn of(store: &Store) -> Result<Option<Self>, Failure> {
        let Some(account) = store.device_setting(ACCOUNT)? else { return Ok(None) };
        let account = account.try_into().map_err(|_| StoreError::Tampered("device_setting"))?;
        if store.signed_log_entry(&account)?.is_none() {
            return Ok(None);
        }
        let device = store.device_setting(CERTIFICATES)?.unwrap_or_default();
        let device = DeviceCertificates::from_der(&device)
            .map_err(|error| Failure::from(StoreError::Tampered("device_setting")).because(error))?;
        Ok(Some(Self { account: AccountId::from_bytes(account), device }))
    }

    /// The same, for a command that needs an account.
    ///
    /// # Errors
    /// `no-account` where there is none.
    pub(crate) fn expect(store: &Store) -> Result<Self, Failure> {
        Self::of(store)?.ok_or_else(|| {
            Failure::no("no-account", "your keys are on this machine alone: it has no other devices")
        })
    }

    /// This device's own keys. The store must be unlocked.
    ///
    /// # Errors
    /// [`StoreError::Locked`], and what is wrong with the store.
    pub(crate) fn keys(&self, store: &Store) -> Result<DeviceKeys, Failure> {
        let own = store.device_secrets()?;
        let own = own.iter().filter(|secret| secret.kind != DeviceSecretKind::LogSecret);
        let own: Vec<SecretBytes> =
            own.map(|secret| store.open_device_secret(secret)).collect::<Result<_, _>>()?;
        DeviceKeys::from_pkcs8(self.device.clone(), own)
            .map_err(|error| Failure::from(StoreError::Tampered("device_secret")).because(error))
    }
}

/// What the log means, and what each device said last: without unlocking anything.
///
/// # Errors
/// What is wrong with the store or its log.
pub(crate) fn told(
    store: &mut Store,
    account: &AccountId,
    now: Time,
) -> Result<(Evaluation, Vec<Note>), Failure> {
    let kept = SharedStore::new(store, now).load().map_err(|error| failed(SyncError::Store(error)))?;
    let evaluation = Log::from_kept(*account, kept.entries).evaluate();
    Ok((evaluation.map_err(|error| failed(SyncError::Log(error)))?, kept.notes))
}

/// Does something with the loop of this device. The store must be unlocked.
///
/// # Errors
/// What the loop says, and what is wrong with the store.
pub(crate) fn with_sync<T>(
    store: &mut Store,
    membership: &Membership,
    now: Time,
    act: impl FnOnce(&mut Sync<'_>) -> Result<T, SyncError>,
) -> Result<T, Failure> {
    let keys = membership.keys(store)?;
    let mut random = SystemRandom;
    let mut craft = DeviceCraft::new(keys.secret_keys(), keys.certificates(), &mut random);
    let mut shared = SharedStore::new(store, now);
    let opened = Sync::open(&mut shared, &mut craft, membership.account, membership.device.id());
    opened.and_then(|mut sync| act(&mut sync)).map_err(failed)
}

/// Announces keys of the store that the log does not know yet, the oldest first, so that the newest is the one that
/// is advertised. A key without a certificate waits for one; a device that does not sign announces nothing.
///
/// # Errors
/// As [`with_sync`].
pub(crate) fn announce_own(
    store: &mut Store,
    membership: &Membership,
    now: Time,
) -> Result<Vec<KeyId>, Failure> {
    let (told, _) = told(store, &membership.account, now)?;
    let role = told.live(&membership.device.id()).map(|device| device.role);
    let may = |purpose: Purpose| match purpose {
        Purpose::Decryption | Purpose::SigningAndDecryption => role.is_some_and(|role| role.signs()),
        Purpose::PersonalAuthority => role.is_some_and(|role| role.administers()),
        Purpose::LogSecret => false,
    };
    let mut stored = store.secret_keys()?;
    stored.reverse();
    let mut announced = Vec::new();
    for stored in stored {
        let id = KeyId::from_bytes(*stored.fingerprint.sha256());
        if told.key(&id).is_some()
            || stored.key_use == KeyUse::Signing
            || is_on_token(store, &stored.fingerprint)?
        {
            continue;
        }
        let key = SharedStore::new(store, now).key(&id).map_err(|error| failed(SyncError::Store(error)))?;
        let Some(key) = key.filter(|key| may(key.purpose) && is_certified(key)) else { continue };
        let done = with_sync(store, membership, now, |sync| or_later(sync.announce(key, now)))?;
        announced.extend(done.map(|_| id));
    }
    Ok(announced)
}

/// A key without a certificate stays where it is until it has one.
fn is_certified(key: &SharedKey) -> bool {
    let mut certificates = key.certificates.iter().filter_map(|der| Certificate::from_der(der).ok());
    certificates.any(|certificate| certificate.fingerprint().sha256() == key.id.as_bytes())
}

fn is_on_token(store: &Store, key: &Fingerprint) -> Result<bool, Failure> {
    Ok(store.token_keys()?.contains_key(key.sha256()))
}

/// Does in the store what the log says of keys: those that are retired, and those beside the one that is advertised,
/// are for old mail alone. Where none is advertised, none is.
///
/// # Errors
/// As [`with_sync`].
pub(crate) fn retire_as_told(store: &mut Store, membership: &Membership, now: Time) -> Result<(), Failure> {
    let (advertised, known) = with_sync(store, membership, now, |sync| {
        let keys = sync.told().keys.iter().map(|key| (key.announced.key, key.announced.purpose, key.retired));
        Ok((sync.advertised(), keys.collect::<Vec<_>>()))
    })?;
    let is_over = |fingerprint: &Fingerprint| {
        let id = KeyId::from_bytes(*fingerprint.sha256());
        known.iter().any(|(known, purpose, retired)| {
            *known == id && (*retired || (*purpose == Purpose::Decryption && advertised != Some(id)))
        })
    };
    let over: Vec<Fingerprint> = store
        .secret_keys()?
        .iter()
        .filter(|key| key.retired.is_none() && is_over(&key.fingerprint))
        .map(|key| key.fingerprint)
        .collect();
    if over.is_empty() {
        return Ok(());
    }
    Ok(store.write(now, |writer| over.iter().try_for_each(|key| writer.retire(key).map(drop)))?)
}

/// Makes the mail signing key of a device that is to sign and has none, and asks the admin devices to certify it. The
/// answer comes with a later round. Where there is no personal CA, nobody could: such a person signs by the key that
/// a public CA certified, which every device that signs gets.
///
/// # Errors
/// As [`with_sync`].
pub(crate) fn ask_for_certificate(
    store: &mut Store,
    membership: &Membership,
    now: Time,
) -> Result<(), Failure> {
    let (told, _) = told(store, &membership.account, now)?;
    let me = membership.device.id();
    let signs = told.live(&me).is_some_and(|device| device.role.signs());
    let has_asked = told.requests.iter().any(|request| request.device == me);
    let is_due = signs && !has_asked && told.current(Purpose::PersonalAuthority).is_some();
    let Some(address) = commands::store::owner(store)?.filter(|_| is_due) else { return Ok(()) };
    let mut own = None;
    for stored in store.secret_keys()?.iter().filter(|key| key.key_use == KeyUse::Signing) {
        if !store.certificates_of(stored.fingerprint.sha256())?.is_empty() {
            return Ok(());
        }
        own = Some(store.open_secret_key(stored)?);
    }
    let key = match own {
        // Made by a start that was cut off before it asked.
        Some(pkcs8) => SecretKey::from_pkcs8_der(pkcs8.expose())
            .map_err(|error| Failure::from(StoreError::Tampered("secret_key")).because(error))?,
        None => generate(KeyKind::P256)?,
    };
    let name = own_name(store)?.unwrap_or_else(|| address.to_string());
    let subject =
        Subject { name: &name, addresses: std::slice::from_ref(&address), public_key: key.public_key() };
    let request = certification_request(&Keyring::from(key.clone()), &subject).map_err(cannot_issue)?;
    let (algorithm, public_key) = (key.algorithm().name(), key.public_key().as_der());
    store.write(now, |writer| {
        writer.add_secret_key(KeyUse::Signing, &algorithm, public_key, &key.to_pkcs8_der())
    })?;
    with_sync(store, membership, now, |sync| or_later(sync.request_certificate(request, now)).map(drop))
}

/// What does not count while another admin takes this device's right away is for a later round: the others have to be
/// heard first.
fn or_later<T>(done: Result<T, SyncError>) -> Result<Option<T>, SyncError> {
    match done {
        Err(SyncError::InVain) => Ok(None),
        done => done.map(Some),
    }
}

/// The name in the certificates that others know.
fn own_name(store: &Store) -> Result<Option<String>, Failure> {
    for key in store.secret_keys()? {
        let certificates = store.certificates_of(key.fingerprint.sha256())?;
        let mut names = certificates.iter().filter_map(|der| Certificate::from_der(der).ok()?.common_name());
        if let Some(name) = names.next() {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

/// Gives this device a new ML-KEM-768 key when the one it has is due, tells the others, and erases those for which
/// nothing can be on its way any more. The key is kept before anybody hears of it.
///
/// # Errors
/// As [`with_sync`].
pub(crate) fn roll_keys(store: &mut Store, membership: &Membership, now: Time) -> Result<(), Failure> {
    let mut keys = membership.keys(store)?;
    if keys.wants_new_encapsulation(now) {
        keys.renew_encapsulation(now, &mut SystemRandom).map_err(cannot_issue)?;
        store.write(now, |writer| {
            keep(writer, &membership.account, &keys)?;
            let newest = keys.certificate(DeviceKeyUse::Encapsulation).fingerprint();
            let since = now.plus_days(-KEPT_ENCAPSULATION_DAYS);
            writer.forget_encapsulation_keys(since, newest.sha256()).map(drop)
        })?;
    }
    let fresh = Membership::expect(store)?;
    let (told, _) = told(store, &fresh.account, now)?;
    let list = fresh.device.to_list();
    // Also where the last start was cut off in between.
    if told.live(&fresh.device.id()).is_some_and(|device| device.certificates != list) {
        with_sync(store, &fresh, now, |sync| or_later(sync.roll_keys(list, now)))?;
    }
    Ok(())
}

/// Keeps what the owner should look at, for `cseal device list`.
///
/// # Errors
/// What is wrong with the store.
pub(crate) fn keep_alarms(
    store: &mut Store,
    alarms: &[Alarm],
    names: &Names,
    now: Time,
) -> Result<(), Failure> {
    if alarms.is_empty() {
        return Ok(());
    }
    let kept = alarms.iter().map(|alarm| KeptAlarm {
        at: now,
        kind: alarm.word().to_owned(),
        device: alarm.device().map(|device| *device.as_bytes()),
        detail: render::device_sync::alarm(alarm, names),
    });
    let kept: Vec<_> = kept.collect();
    Ok(store.write(now, |writer| kept.iter().try_for_each(|alarm| writer.keep_device_alarm(alarm)))?)
}

/// The loop's refusal, as a command says it.
pub(crate) fn failed(error: SyncError) -> Failure {
    match error {
        SyncError::Store(sync::StoreError::Locked) => StoreError::Locked.into(),
        SyncError::Store(sync::StoreError::Full) => StoreError::Full.into(),
        SyncError::NoRight => Failure::no("no-right", "this device may not do that")
            .hint("an admin device can: see `cseal device list`"),
        SyncError::UnknownDevice => Failure::no("unknown-device", "no such device is among yours"),
        SyncError::InVain => Failure::no(
            "in-vain",
            "this does not count: another admin device takes the right to it away at the same time",
        )
        .hint("see who by `cseal device list`; put that device out first: `cseal device revoke NAME`"),
        SyncError::WasPutOut => Failure::no("was-put-out", "that device was put out, and this is for ever")
            .hint("on it, let it begin anew: COUNTERSEAL_HOME=DIR cseal device join"),
        SyncError::OnlyHolder(keys) => {
            let lost = keys.iter().map(ToString::to_string).collect();
            let count =
                if keys.len() == 1 { "1 key is".to_owned() } else { format!("{} keys are", keys.len()) };
            Failure::no("only-holder", format!("{count} on this device and on no other that stays"))
                .details(lost)
                .hint(
                    "fetch them first, with `cseal device sync` there and here; or give them up by --anyway",
                )
        }
        SyncError::Entry(error) => {
            Failure::unknown("device-log", "this cannot stand in the log of your devices").because(error)
        }
        other => Failure::unknown("device-log", format!("the log of your devices: {other}")),
    }
}

/// Keeps the keys of this device, sealed, and to which account they belong.
pub(crate) fn keep(
    writer: &mut Writer<'_>,
    account: &AccountId,
    keys: &DeviceKeys,
) -> Result<(), StoreError> {
    for (key_use, kind) in [
        (DeviceKeyUse::Signing, DeviceSecretKind::Signing),
        (DeviceKeyUse::Agreement, DeviceSecretKind::Agreement),
        (DeviceKeyUse::Encapsulation, DeviceSecretKind::Encapsulation),
    ] {
        let secret = keys.to_pkcs8(key_use).ok_or(StoreError::Tampered("device_secret"))?;
        let name = keys.certificate(key_use).fingerprint();
        writer.add_device_secret(kind, name.sha256(), &secret)?;
    }
    writer.set_device_setting(ACCOUNT, account.as_bytes())?;
    writer.set_device_setting(CERTIFICATES, &keys.certificates().to_der())
}
