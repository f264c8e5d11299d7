//! `cseal trust meet` with two machines: each ends with the other's certificates and a pin.

use counterseal_core::address::EmailAddress;
use counterseal_core::ports::{KeyError, SecretKeys};
use counterseal_core::secret::SecretBytes;
use counterseal_core::x509::Certificate;
use counterseal_core::x509::issue::signature_by;
use counterseal_keysync::pairing::{Met, Opening, Pairing, Password, People, Profile, Proof, Signer};
use counterseal_keysync::words::SpokenCode;
use sha2::{Digest, Sha256};
use std::path::Path;

use super::pin;
use crate::args::{self, ComparedBy};
use crate::clock;
use crate::commands::parse_address;
use crate::commands::signer;
use crate::commands::store::{self, Unlock};
use crate::failure::{Exit, Failure};
use crate::pairing::carrier::{self, Carrier};
use crate::pairing::{self, Crank, Happening, Screen, Ways, Wording};
use crate::passphrase;
use crate::randomness::SystemRandom;
use crate::render::pairing::Carried;
use crate::store::{Store, StoreKeys};

/// Largest number by which two with a password find each other.
const LAST_NAMEPLATE: u64 = 9999;

/// Whether the command asks two machines to meet.
pub(super) const fn is_asked(arguments: &args::TrustMeet) -> bool {
    let how = &arguments.how;
    how.show
        || how.paste
        || how.image.is_some()
        || how.camera
        || how.words
        || how.sas
        || how.typed
        || how.password_file.is_some()
        || arguments.argument.is_some()
        || by_file(&arguments.files)
}

const fn by_file(files: &args::MeetFiles) -> bool {
    files.mail || files.file.is_some() || files.reply_to.is_some() || files.answer.is_some()
}

/// Meets, takes in the other one's certificates, and pins.
pub(super) fn run(arguments: &args::TrustMeet) -> Result<Exit, Failure> {
    pairing::refuse_argument(arguments.argument.as_deref())?;
    let address = parse_address(&arguments.address)?;
    let by_file = by_file(&arguments.files);
    let mut ways = if by_file { Ways::none() } else { Ways::from_options(&arguments.ways)? };
    let mut store = store::open()?;
    let owner = store::owner(&store)?.ok_or_else(|| {
        Failure::unknown("no-key", "you have no key of your own to be met by")
            .hint("make one with `cseal init ADDRESS`")
    })?;
    refuse_own(&owner, &address)?;
    store::unlock(&store, &Unlock::from_options(&arguments.passphrase))?;
    let screen = Screen::new(Wording::Person, arguments.report.json, &arguments.shown)?;
    let mut carrier = carrier(&arguments.files, &owner, &address)?;
    let end = {
        let keys = store::keys(&store, Unlock::without_asking())?;
        let certificates = own_certificates(&store, &keys, &owner)?;
        let person = Person { keys: &keys, certificates };
        let pairing = match awaited(&arguments.files) {
            Some(_) => waiting(&store, &address)?,
            None => begun(arguments, (&owner, &address), &mut ways, &screen)?,
        };
        meet(Crank::new(pairing, &person, &ways, screen), &arguments.files, &mut carrier)?
    };
    match end {
        End::Asked { state, request } => {
            let sealed = store.seal_setting(&setting(&address), &state)?;
            store.write(clock::now(), |writer| writer.set_device_setting(&setting(&address), &sealed))?;
            carrier.take().map_or(Ok(()), |carrier| carrier.carry(&request))?;
        }
        End::Met(met) => {
            let certificates = checked(&met, &address)?;
            let setting = setting(&address);
            pin::met(&mut store, address, certificates, compared_by(met.proof()), arguments)?;
            if awaited(&arguments.files).is_some() {
                store.write(clock::now(), |writer| writer.remove_device_setting(&setting))?;
            }
        }
    }
    Ok(Exit::Done)
}

/// Nobody meets oneself.
pub(super) fn refuse_own(owner: &EmailAddress, address: &EmailAddress) -> Result<(), Failure> {
    if owner.matches(address) {
        return Err(Failure::usage(format!("{address} is your own address"))
            .hint("name the address of whom you meet: cseal trust meet ADDRESS"));
    }
    Ok(())
}

/// The answer that came to an earlier request.
fn awaited(files: &args::MeetFiles) -> Option<&Path> {
    files.answer.as_deref().filter(|_| files.reply_to.is_none())
}

/// The way of the request, or of the answer to one; none where an answer is read.
fn carrier(
    files: &args::MeetFiles,
    owner: &EmailAddress,
    other: &EmailAddress,
) -> Result<Option<Carrier>, Failure> {
    let mail = files.mail.then(|| (owner.clone(), other.clone()));
    if files.reply_to.is_some() {
        return Carrier::prepare(Carried::MeetingAnswer, files.answer.as_deref(), mail).map(Some);
    }
    if files.answer.is_some() || !by_file(files) {
        return Ok(None);
    }
    Carrier::prepare(Carried::MeetingRequest, files.file.as_deref(), mail).map(Some)
}

/// Where a request waits for its answer.
fn setting(address: &EmailAddress) -> String {
    format!("meeting-state {}", address.lookup_key())
}

/// The request that waits.
fn waiting(store: &Store, address: &EmailAddress) -> Result<Pairing<People>, Failure> {
    let none = || {
        Failure::unknown("no-request", format!("no request to {address} waits for an answer"))
            .hint(format!("make one with `cseal trust meet {address} --file FILE`"))
    };
    let state = store.sealed_setting(&setting(address))?.ok_or_else(none)?;
    Pairing::restore(&state).map_err(|error| none().because(error))
}

fn begun(
    arguments: &args::TrustMeet,
    (owner, address): (&EmailAddress, &EmailAddress),
    ways: &mut Ways,
    screen: &Screen,
) -> Result<Pairing<People>, Failure> {
    let opening = match &arguments.files.reply_to {
        Some(path) => Opening::AnswerFile(carrier::meeting_request(path)?),
        None if by_file(&arguments.files) => Opening::OfferFile,
        None => opening(&arguments.how, (owner, address), ways, screen)?,
    };
    let profile = Profile {
        name: owner.to_string(),
        lan_only: ways.is_lan_only(),
        relay: ways.relay_in_code(),
        ..Profile::default()
    };
    Pairing::new(opening, (), profile).map_err(|_| {
        Failure::usage("this code is for two devices, not for two people")
            .hint("take it with `cseal device add --paste` or `cseal device join --paste`")
    })
}

/// What came of it, for now.
enum End {
    /// The two have met.
    Met(Met),
    /// A request is to go to the other one, after its state is kept.
    Asked { state: SecretBytes, request: Vec<u8> },
}

fn meet(
    mut crank: Crank<'_, People>,
    files: &args::MeetFiles,
    carrier: &mut Option<Carrier>,
) -> Result<End, Failure> {
    let (mut result, mut kept, mut request) = (None, None, None);
    loop {
        match crank.next()? {
            Happening::Met(met) => result = Some(End::Met(met)),
            Happening::Done(_) => break,
            // Of those who are there at the same time nothing has to survive.
            Happening::Keep(state) => kept = state,
            Happening::File(file) if files.reply_to.is_some() => {
                carrier.take().map_or(Ok(()), |carrier| carrier.carry(&file))?;
            }
            Happening::File(file) => request = Some(file),
            Happening::Pause => match awaited(files) {
                Some(path) => {
                    crank.answer(path, "cseal trust meet ADDRESS --reply-to FILE --answer ANSWER")?
                }
                None => {
                    result = kept.zip(request).map(|(state, request)| End::Asked { state, request });
                    break;
                }
            },
            Happening::Approve | Happening::Release(_) | Happening::Import(_) => {}
        }
    }
    result.ok_or_else(|| Failure::unknown("not-met", "the two did not meet").hint("begin anew on both sides"))
}

/// Who scans the other's code stands before it; words travel by voice.
const fn compared_by(proof: Proof) -> ComparedBy {
    match proof {
        Proof::OfferScanned | Proof::CodeTyped => ComparedBy::InPerson,
        Proof::WordsCompared | Proof::FingerprintCompared | Proof::PasswordKnown => ComparedBy::Video,
    }
}

/// Who of two begins, where nothing else says it: the one whose address comes first.
fn is_first(owner: &EmailAddress, other: &EmailAddress) -> bool {
    owner.lookup_key() < other.lookup_key()
}

fn opening(
    how: &args::MeetHow,
    (owner, other): (&EmailAddress, &EmailAddress),
    ways: &mut Ways,
    screen: &Screen,
) -> Result<Opening, Failure> {
    if how.show {
        return Ok(Opening::ShowCode);
    }
    if how.words {
        return Ok(Opening::ShowPassword(Password::from(&SpokenCode::random(&mut SystemRandom))));
    }
    if how.typed {
        return pairing::typed(screen).map(Opening::TypePassword);
    }
    if let Some(file) = &how.password_file {
        let password = agreed(owner, other, passphrase::from_file(file)?)?;
        let first = is_first(owner, other);
        return Ok(if first { Opening::ShowPassword(password) } else { Opening::TypePassword(password) });
    }
    if how.sas {
        return Ok(if is_first(owner, other) { Opening::ShowName } else { Opening::PickName });
    }
    pairing::scanned(how.image.as_deref(), how.camera, ways, screen).map(Opening::ScanCode)
}

/// A password that was agreed on: the number to find each other by follows from both addresses.
fn agreed(owner: &EmailAddress, other: &EmailAddress, secret: SecretBytes) -> Result<Password, Failure> {
    let text = String::from_utf8_lossy(secret.expose()).trim().to_owned();
    if text.is_empty() {
        return Err(passphrase::empty("--password-file FILE"));
    }
    let mut both = [owner.lookup_key(), other.lookup_key()];
    both.sort();
    let digest = Sha256::digest(both.join("\0"));
    let number = digest.first_chunk::<8>().map_or(0, |bytes| u64::from_be_bytes(*bytes));
    // It is below 10^4.
    let nameplate = u16::try_from(number % LAST_NAMEPLATE + 1).unwrap_or(1);
    Ok(Password { nameplate, secret: SecretBytes::new(text.into_bytes()), shown: None })
}

/// The signing certificate, the one to encrypt to, and those above: what a signed mail would bring.
fn own_certificates(
    store: &Store,
    keys: &StoreKeys<'_>,
    owner: &EmailAddress,
) -> Result<Vec<Certificate>, Failure> {
    let now = clock::now();
    let mut certificates = signer::signing_chain(store, keys, Some(owner), now)?;
    let encryption = signer::encryption_of(store, keys, owner, now);
    certificates.extend(encryption.filter(|one| !certificates.contains(one)));
    certificates.truncate(counterseal_keysync::limits::IDENTITY_CERTIFICATES);
    Ok(certificates)
}

/// One of two people.
struct Person<'a> {
    keys: &'a dyn SecretKeys,
    certificates: Vec<Certificate>,
}

impl Signer for Person<'_> {
    fn certificates(&self) -> Vec<Vec<u8>> {
        self.certificates.iter().map(|certificate| certificate.as_der().to_vec()).collect()
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let own = self.certificates.first().ok_or(KeyError::Absent)?;
        let algorithm = signature_by(own.public_key().algorithm()).ok_or(KeyError::Unsuitable)?;
        self.keys.sign(&own.fingerprint(), algorithm, message)
    }
}

/// The certificates of whom one met, if it is whom one wanted to meet.
fn checked(met: &Met, address: &EmailAddress) -> Result<Vec<Certificate>, Failure> {
    let certificates = met.peer().certificates().to_vec();
    let named = certificates.first().map(Certificate::addresses).unwrap_or_default();
    if named.iter().any(|named| named.matches(address)) {
        return Ok(certificates);
    }
    let others: Vec<String> = named.iter().map(ToString::to_string).collect();
    Err(Failure::new(
        Exit::Contradiction,
        "not-the-address",
        format!("the other one's certificate is not for {address}, but for {}", others.join(", ")),
    )
    .hint("nothing was kept; ask the other one for the address, and begin anew"))
}
