//! `cseal device join`: this machine becomes one of a person's devices.

use counterseal_core::secret::SecretBytes;
use counterseal_core::time::Time;
use counterseal_keysync::device::{DeviceKeys, Role};
use counterseal_keysync::grant::Grant;
use counterseal_keysync::pairing::{DevicePart, Devices, Opening, Pairing, Password, Profile};
use counterseal_keysync::words::SpokenCode;
use serde_json::json;

use super::account::{self, Membership};
use super::{found, grant, waiting};
use crate::args;
use crate::clock;
use crate::commands::parse_address;
use crate::commands::store::{self, Unlock};
use crate::failure::{Exit, Failure};
use crate::pairing::carrier::Carrier;
use crate::pairing::{self, Crank, Happening, Screen, Ways, Wording};
use crate::passphrase;
use crate::places;
use crate::randomness::SystemRandom;
use crate::render::pairing::Carried;
use crate::store::{Protection, Store, StoreError};
use crate::terminal::{SafeText, shell_word};

/// Joins, or makes the request for it.
pub(super) fn run(arguments: &args::DeviceJoin) -> Result<Exit, Failure> {
    let now = clock::now();
    let mut carrier = carrier(arguments)?;
    let by_file = carrier.is_some() || arguments.how.answer.is_some();
    let mut ways = if by_file { Ways::none() } else { Ways::from_options(&arguments.ways)? };
    let name = found::name(arguments.name.as_deref())?;
    let mut store = open_or_create(arguments.no_passphrase, &arguments.passphrase, now)?;
    check_is_empty(&store)?;
    let screen = Screen::new(Wording::New, arguments.report.json, &arguments.shown)?;
    let (keys, pairing) = match &arguments.how.answer {
        Some(_) => waiting::resume(&store)?,
        None => {
            let keys = waiting::keys(&store, &name, now)?;
            let profile = Profile {
                name,
                trust_scan: arguments.trust_scan,
                lan_only: arguments.ways.lan_only,
                relay: ways.relay_in_code(),
                ..Profile::default()
            };
            let opening =
                if by_file { Opening::OfferFile } else { opening(&arguments.how, &mut ways, &screen)? };
            let pairing = Pairing::<Devices>::new(opening, DevicePart::New, profile).map_err(both_new)?;
            (keys, pairing)
        }
    };
    let mut crank = Crank::new(pairing, &keys, &ways, screen);
    loop {
        match crank.next()? {
            Happening::Keep(state) if by_file => waiting::keep(&mut store, &keys, state.as_ref(), now)?,
            Happening::File(bytes) => carrier.take().map_or(Ok(()), |carrier| carrier.carry(&bytes))?,
            Happening::Pause => match &arguments.how.answer {
                Some(path) => crank.answer(path, "cseal device add --file FILE --answer ANSWER")?,
                None => {
                    say_next(arguments, crank.screen())?;
                    return Ok(Exit::Done);
                }
            },
            Happening::Import(payload) => {
                let joined = match take(&mut store, &keys, &payload, now) {
                    Ok(joined) => joined,
                    Err(failure) => {
                        crank.cancel();
                        return Err(failure);
                    }
                };
                crank.imported(Vec::new());
                joined.say(crank.screen())?;
                grant::take_along(&mut store, joined.along, crank.screen())?;
            }
            Happening::Done(_) => break,
            Happening::Keep(_) | Happening::Approve | Happening::Release(_) | Happening::Met(_) => {}
        }
    }
    waiting::forget(&mut store, now)?;
    Ok(Exit::Done)
}

/// What the person does with the request.
fn say_next(arguments: &args::DeviceJoin, screen: &Screen) -> Result<(), Failure> {
    let file = arguments.how.file.as_deref().filter(|_| arguments.mail.is_none());
    let (first, request) = match file {
        Some(path) => {
            let word = shell_word(&SafeText(&path.display().to_string()).to_string());
            (format!("Carry {word} to your other device"), word)
        }
        None => ("Save the mail on your other device".to_owned(), "MAIL".to_owned()),
    };
    let there = format!("cseal device add --file {request} --answer ANSWER");
    let here = "cseal device join --answer ANSWER";
    screen.say(
        "next",
        json!({ "there": there, "here": here }),
        &format!("{first}, and say there:\n    {there}\nCompare the words. Then carry ANSWER here, and say:\n    {here}"),
    )
}

/// The way of the request to the other device, where nothing connects the two.
fn carrier(arguments: &args::DeviceJoin) -> Result<Option<Carrier>, Failure> {
    let mail = arguments.mail.as_deref().map(parse_address).transpose()?;
    if arguments.how.file.is_none() && mail.is_none() {
        return Ok(None);
    }
    let to_oneself = mail.map(|own| (own.clone(), own));
    Carrier::prepare(Carried::DeviceRequest, arguments.how.file.as_deref(), to_oneself).map(Some)
}

fn both_new(_: counterseal_keysync::pairing::AbortReason) -> Failure {
    Failure::usage("this code was shown by a new device, too, or is for two people")
        .hint("one says `cseal device join` and the other `cseal device add`; or both `cseal trust meet`")
}

fn opening(how: &args::JoinHow, ways: &mut Ways, screen: &Screen) -> Result<Opening, Failure> {
    Ok(match how {
        args::JoinHow { words: true, .. } => {
            Opening::ShowPassword(Password::from(&SpokenCode::random(&mut SystemRandom)))
        }
        args::JoinHow { scan, camera, image, .. } if *scan || *camera || image.is_some() => {
            Opening::ScanCode(pairing::scanned(image.as_deref(), *camera, ways, screen)?)
        }
        args::JoinHow { sas: true, .. } => Opening::ShowName,
        args::JoinHow { .. } => Opening::ShowCode,
    })
}

/// An account comes into a store that has none, and no keys of its own.
pub(super) fn check_is_empty(store: &Store) -> Result<(), Failure> {
    if Membership::of(store)?.is_some() {
        return Err(Failure::no("account-exists", "this machine is one of your devices already")
            .hint("see them with `cseal device list`"));
    }
    if store::owner(store)?.is_some() {
        return Err(Failure::no(
            "address-exists",
            "this store has keys of its own, which are not those of the account",
        )
        .hint("take a new store: COUNTERSEAL_HOME=DIR cseal device join"));
    }
    Ok(())
}

/// The store of this machine, which is made where there is none.
pub(super) fn open_or_create(
    no_passphrase: bool,
    options: &args::Passphrase,
    now: Time,
) -> Result<Store, Failure> {
    let directory = places::data()?;
    match Store::open(&directory) {
        Ok(store) => {
            store::unlock(&store, &Unlock::from_options(options))?;
            Ok(store)
        }
        Err(StoreError::Missing) => {
            let protection = match (no_passphrase, passphrase::given(options)?) {
                (true, _) => Protection::None,
                (false, Some(given)) if given.is_empty() => {
                    return Err(passphrase::empty("--passphrase-file FILE"));
                }
                (false, Some(given)) => Protection::Passphrase(given),
                (false, None) => Protection::Passphrase(passphrase::ask_new(
                    "New passphrase for your keys",
                    "--passphrase-file FILE, or do without one by --no-passphrase",
                )?),
            };
            Ok(Store::create(&directory, &protection, now)?)
        }
        Err(error) => Err(error.into()),
    }
}

/// What came of it.
struct Joined {
    role: Role,
    account: String,
    keys: usize,
    along: grant::Along,
}

impl Joined {
    fn say(&self, screen: &Screen) -> Result<(), Failure> {
        let Self { role, account, keys, .. } = self;
        let signs = if role.signs() { "" } else { ", without a signing key" };
        screen.say(
            "joined",
            json!({ "role": role.word(), "account": account, "keys": keys }),
            &format!(
                "This machine is one of your devices now: {}{signs}. Keys that came: {keys}.",
                role.word()
            ),
        )
    }
}

/// Takes in what was granted, if it makes this machine a device of that account.
fn take(store: &mut Store, keys: &DeviceKeys, payload: &SecretBytes, now: Time) -> Result<Joined, Failure> {
    let grant = Grant::read(payload.expose()).map_err(|error| grant::unsound(&error))?;
    let taken = grant::take(store, keys, &grant, now)?;
    account::ask_for_certificate(store, &taken.membership, now)?;
    let account = found::shown(&grant.account);
    Ok(Joined { role: taken.role, account, keys: taken.keys, along: grant::Along::of(grant) })
}
