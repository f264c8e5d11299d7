//! What the other side shows, as it comes here: in a picture, before the camera, pasted or typed.

use std::path::Path;
use std::time::Duration;

use counterseal_keysync::code::PairingCode;
use counterseal_keysync::pairing::{AbortReason, Password};
use counterseal_keysync::words::SpokenCode;
use serde_json::{Value, json};

use super::ways::RelayOfCode;
use super::{Screen, Ways};
use crate::clock;
use crate::failure::Failure;
use crate::policy;
use crate::scan;
use crate::terminal::SafeText;

/// How often what was pasted or typed may be damaged.
const TRIES: usize = 3;
/// How long a code is waited for before the camera: as long as it is valid.
const CAMERA_TIME: Duration = Duration::from_secs(120);

/// The code that the other side shows: in a picture, before the camera, or pasted. The ways become those that it says.
pub(crate) fn scanned(
    image: Option<&Path>,
    camera: bool,
    ways: &mut Ways,
    screen: &Screen,
) -> Result<PairingCode, Failure> {
    let ours = |text: &str| PairingCode::parse(text).ok();
    let code = match image {
        Some(path) => scan::from_picture(path, ours),
        None if camera => scan::from_camera(CAMERA_TIME, ours),
        None => ask_until(screen, "code", "The other side's code (CSEAL:…)", read_code),
    }?;
    if code.has_expired(clock::now()) {
        let (hour, minute, _) = code.expires.clock();
        let what = format!("the code is too old: it was good until {hour:02}:{minute:02} UTC");
        return Err(Failure::unknown(AbortReason::Expired.word(), what)
            .hint("take the code that the other screen shows now; if it is that one, one of the two clocks is wrong"));
    }
    match ways.follow(&code, policy::in_force()?.network)? {
        Some(RelayOfCode::Taken(relay)) => {
            let said = format!("The code names a relay to meet at: {relay}");
            screen.say("relay", json!({ "relay": relay }), &said)?;
        }
        Some(RelayOfCode::NotAsked(relay, who)) => {
            let said = format!("The code names a relay, which is not asked ({who}): {relay}");
            screen.say("relay-not-asked", json!({ "relay": relay, "why": who }), &said)?;
        }
        None => {}
    }
    Ok(code)
}

/// Asks until what was typed can be read; a few times.
fn ask_until<T>(
    screen: &Screen,
    word: &str,
    question: &str,
    read: impl Fn(&str) -> Result<T, Failure>,
) -> Result<T, Failure> {
    for _ in 1..TRIES {
        match read(&screen.answer(word, question, Value::Null)?) {
            Ok(read) => return Ok(read),
            Err(failure) => {
                let why = SafeText(&failure.message).to_string();
                screen.say("slip", json!({ "why": why }), &format!("{why}. Once more."))?;
            }
        }
    }
    read(&screen.answer(word, question, Value::Null)?)
}

/// The words that the other side shows. They are asked for: what is an argument, every user of this machine can read.
pub(crate) fn typed(screen: &Screen) -> Result<Password, Failure> {
    ask_until(screen, "words", "The other side's words", |text| {
        let code = SpokenCode::parse(text).map_err(|error| Failure::usage(format!("the words: {error}")))?;
        Ok(Password::from(&code))
    })
}

/// What two machines recognise each other by is no argument: it would be known, and a proof of nothing.
pub(crate) fn refuse_argument(argument: Option<&str>) -> Result<(), Failure> {
    let Some(text) = argument else { return Ok(()) };
    let (what, hint) = if text.trim_start().starts_with("CSEAL:") {
        ("a code is", "say --paste, and paste it where it is asked for")
    } else {
        (
            "words are",
            "let the other side show new words, say --typed, and type them where they are asked for",
        )
    };
    let why = "not given as an argument, which every user of this machine can read";
    Err(Failure::usage(format!("{what} {why}")).hint(hint))
}

/// Reads a code.
fn read_code(text: &str) -> Result<PairingCode, Failure> {
    PairingCode::parse(text).map_err(|error| {
        Failure::unknown("no-code", error.to_string()).hint("take the whole line that begins with CSEAL:")
    })
}
