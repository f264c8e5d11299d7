//! What a person sees and answers during a pairing: sentences on a terminal, or an event on each line of standard
//! output, with one line of standard input for each question.

use std::io::{self, BufRead, Read};

use counterseal_core::time::Time;
use counterseal_core::x509::Certificate;
use counterseal_keysync::pairing::{Ask, Input, Peer, Show, Withheld};
use counterseal_keysync::words::Words;
use serde::Serialize;
use serde_json::{Value, json};

use super::picture::PictureFile;
use crate::args;
use crate::failure::Failure;
use crate::render::json::line;
use crate::render::pairing as words;
use crate::terminal::{self, SafeText, ask_shown};

/// Octets of one answered line.
const LINE_BYTES: u64 = 4096;

/// For whom the sentences are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wording {
    /// The new device.
    New,
    /// A device of the account.
    Old,
    /// One of two people.
    Person,
}

/// One screen.
pub(crate) struct Screen {
    wording: Wording,
    json: bool,
    /// Whether pictures are shown; who has them read aloud takes the text.
    pictures: bool,
    /// The file for the picture of a code.
    file: Option<PictureFile>,
}

impl Screen {
    /// A screen as the person wants it.
    ///
    /// # Errors
    /// The file for the picture of a code is no picture.
    pub(crate) fn new(wording: Wording, json: bool, shown: &args::Shown) -> Result<Self, Failure> {
        let file = shown.save_code.as_deref().map(PictureFile::of).transpose()?;
        Ok(Self { wording, json, pictures: !shown.no_pictures, file })
    }

    /// For whom its sentences are.
    pub(super) const fn wording(&self) -> Wording {
        self.wording
    }

    /// Says something that is no part of the pairing itself.
    pub(crate) fn say(&self, event: &str, fields: Value, sentence: &str) -> Result<(), Failure> {
        if self.json {
            return self.event(event, fields);
        }
        terminal::say(sentence);
        Ok(())
    }

    /// Shows it; `there` are the options that name our way to the other side.
    pub(super) fn show(&self, show: &Show, there: &str) -> Result<(), Failure> {
        if let (Show::Code(code, _), Some(file)) = (show, &self.file) {
            file.write(&code.to_text())?;
        }
        if self.json {
            let (event, fields) = shown(show);
            return self.event(event, fields);
        }
        words::show(show, (self.wording, there), self.pictures).lines().for_each(terminal::say);
        Ok(())
    }

    fn event(&self, event: &str, fields: Value) -> Result<(), Failure> {
        #[derive(Serialize)]
        struct Event<'a> {
            version: u32,
            event: &'a str,
            #[serde(flatten)]
            fields: Value,
        }
        let text = line(&Event { version: 1, event, fields }) + "\n";
        terminal::print(&text).map_err(|error| Failure::io("standard output", &error))
    }

    /// Asks; nothing where the answer is to wait.
    pub(super) fn ask(&self, ask: &Ask) -> Result<Option<Input>, Failure> {
        let (word, question) = words::question(ask, self.wording);
        Ok(match ask {
            Ask::CheckCode | Ask::AnswerWords | Ask::Words(_) => {
                Some(Input::Typed(self.answer(word, &question, Value::Null)?))
            }
            Ask::CompareWords | Ask::CompareFingerprint | Ask::ConfirmPeer | Ask::Approve => {
                Some(Input::Confirmed(self.yes(word, &question, Value::Null)?))
            }
            Ask::Pick(offers) => {
                let names: Vec<&str> = offers.iter().map(|(_, name)| name.as_str()).collect();
                if !self.json {
                    for (number, name) in (1..).zip(&names) {
                        terminal::say(&format!("  {number}  {}", SafeText(name)));
                    }
                }
                let typed = self.answer(word, &question, json!({ "names": names }))?;
                let number: Option<usize> = typed.trim().parse().ok();
                let offer = number.and_then(|number| offers.get(number.checked_sub(1)?));
                offer.map(|(hash, _)| Input::Picked(*hash))
            }
        })
    }

    /// Whether the person says yes; everything else is no.
    pub(crate) fn yes(&self, word: &str, question: &str, fields: Value) -> Result<bool, Failure> {
        let typed = self.answer(word, &format!("{question} [y/N]"), fields)?;
        Ok(matches!(typed.trim(), "y" | "Y" | "yes"))
    }

    /// Asks, and answers with what was typed.
    pub(crate) fn answer(&self, word: &str, question: &str, fields: Value) -> Result<String, Failure> {
        if self.json {
            let mut event = json!({ "ask": word });
            if let (Some(event), Value::Object(fields)) = (event.as_object_mut(), fields) {
                event.extend(fields);
            }
            self.event("ask", event)?;
            return read_line();
        }
        let typed = ask_shown(question).map_err(|error| Failure::io("the terminal", &error))?;
        typed.ok_or_else(|| {
            Failure::unknown("no-terminal", format!("{question}: there is no terminal to ask on"))
                .hint("with --json each question is a line, and so is each answer on standard input")
        })
    }
}

/// One line of standard input, byte by byte: what follows belongs to the next question.
fn read_line() -> Result<String, Failure> {
    let mut typed = Vec::new();
    let mut input = io::stdin().lock();
    input
        .by_ref()
        .take(LINE_BYTES)
        .read_until(b'\n', &mut typed)
        .map_err(|error| Failure::io("standard input", &error))?;
    if typed.is_empty() {
        return Err(Failure::unknown("cancelled", "there is no answer on standard input"));
    }
    Ok(String::from_utf8_lossy(&typed).trim().to_owned())
}

/// What a program reads of it.
fn shown(show: &Show) -> (&'static str, Value) {
    let text = |words: &Words| words.to_text();
    let time = |time: &Time| time.to_rfc3339();
    match show {
        Show::Code(code, until) => ("code", json!({ "code": code.to_text(), "until": time(until) })),
        Show::Spoken(words) => ("words", json!({ "words": words })),
        Show::CheckCode(code) => ("digits", json!({ "digits": code.to_text() })),
        Show::CompareWords(words) => ("compare", json!({ "words": text(words) })),
        Show::Fingerprint(words) => ("fingerprint", json!({ "words": text(words) })),
        Show::AnswerWords(words) => ("answer-words", json!({ "words": text(words) })),
        Show::Peer(peer) => ("peer", about(peer)),
        Show::Slip(slip) => ("slip", json!({ "why": words::slip(slip) })),
        Show::TriesLeft(left) => ("wrong", json!({ "left": left })),
        Show::Withheld(withheld) => ("withheld", json!({ "why": withheld_word(withheld) })),
        Show::HeldUntil(until) => ("held", json!({ "until": time(until) })),
        Show::StillWaiting => ("waiting", json!({})),
        Show::OtherFile => ("other-file", json!({})),
    }
}

fn about(peer: &Peer) -> Value {
    let addresses: Vec<String> = addresses(peer);
    json!({
        "name": peer.name(),
        "fingerprint": peer.fingerprint().map(|key| key.to_string()),
        "role": peer.role().map(|role| role.word()),
        "addresses": addresses,
    })
}

/// The addresses that the other side's certificates name.
fn addresses(peer: &Peer) -> Vec<String> {
    let leaf = peer.certificates().first();
    leaf.map(Certificate::addresses).unwrap_or_default().iter().map(ToString::to_string).collect()
}

const fn withheld_word(withheld: &Withheld) -> &'static str {
    match withheld {
        Withheld::Meeting => "meeting",
        Withheld::NotOurs => "not-ours",
        Withheld::Unproved(_) => "unproved",
        Withheld::NotReady => "not-ready",
        Withheld::NotReauthenticated => "not-reauthenticated",
        Withheld::NotConfirmed => "not-confirmed",
        Withheld::NotOnLocalNetwork => "not-on-local-network",
        Withheld::Approvals { .. } => "approvals",
        Withheld::Until(_) => "held",
    }
}
