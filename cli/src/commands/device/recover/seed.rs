//! The seed, as it is typed or read from files.

use std::path::Path;

use counterseal_keysync::recovery::{
    CombineError, NotWords, Paper, PaperError, Seed, Share, combine, is_word,
};
use zeroize::Zeroizing;

use crate::args::SeedSource;
use crate::failure::Failure;
use crate::files::read_file;
use crate::scan;
use crate::terminal::{Question, ask_secret, say};

/// Bytes of a file with the words of a sheet.
const FILE_BYTES: usize = 4096;
const INSTEAD: &str = "--seed-file FILE";

/// The seed, whole or from shares.
pub(super) fn read(source: &SeedSource) -> Result<Seed, Failure> {
    let sheets = source.seed_file.len() + source.seed_image.len();
    if sheets == 0 {
        return typed();
    }
    let mut shares = Vec::new();
    let files = source.seed_file.iter().map(|file| (file, in_file(file)));
    let pictures = source.seed_image.iter().map(|file| (file, in_picture(file)));
    for (file, paper) in files.chain(pictures) {
        match paper? {
            Paper::Seed(seed) if sheets == 1 => return Ok(seed),
            Paper::Seed(_) => {
                return Err(Failure::usage(format!(
                    "{}: the whole seed, and no share of it",
                    file.display()
                )));
            }
            Paper::Share(share) => shares.push(share),
        }
    }
    combined(&shares)
}

fn in_file(file: &Path) -> Result<Paper, Failure> {
    let bytes = read_file(file, FILE_BYTES)?;
    let name = file.display().to_string();
    let text = std::str::from_utf8(&bytes).map_err(|_| unread(&name, &PaperError::Code))?;
    let words = numbered_words(text);
    let read = if words.is_empty() { Paper::read(text) } else { Paper::read(&words) };
    read.map_err(|error| unread(&name, &error))
}

/// The lines of a whole sheet in which nothing but numbers and words in turn stands.
fn numbered_words(text: &str) -> Zeroizing<String> {
    let is_number = |word: &str| word.bytes().all(|byte| byte.is_ascii_digit());
    let is_lower = |word: &str| word.bytes().all(|byte| byte.is_ascii_lowercase());
    let mut lines = Zeroizing::new(String::with_capacity(FILE_BYTES));
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let is_row = words.len() >= 2
            && words
                .chunks(2)
                .all(|pair| matches!(pair, [number, word] if is_number(number) && is_lower(word)));
        if is_row && lines.len() + line.len() < FILE_BYTES {
            lines.push_str(line);
            lines.push('\n');
        }
    }
    lines
}

/// The code in a picture. What else is in it is passed over.
fn in_picture(file: &Path) -> Result<Paper, Failure> {
    scan::from_picture(file, |text| Paper::read(text).ok())
}

/// Typed at the terminal: word by word, or all of a sheet at once.
fn typed() -> Result<Seed, Failure> {
    say(
        "Type the 24 words of your recovery sheet, or all 32 of a share; nothing is shown. All at once is fine, too.",
    );
    let mut shares: Vec<Share> = Vec::new();
    loop {
        match one_sheet(shares.len() + 1)? {
            Paper::Seed(seed) if shares.is_empty() => return Ok(seed),
            Paper::Seed(_) => return Err(Failure::usage("that was the whole seed, and no share of it")),
            Paper::Share(share) => {
                shares.push(share);
                match combine(&shares) {
                    Err(CombineError::TooFew { given, threshold }) => {
                        say(&format!("That is share {given} of the {threshold} that are needed. The next:"));
                    }
                    _ => return combined(&shares),
                }
            }
        }
    }
}

/// The words of one sheet. A word that is in no list is asked for again at once.
fn one_sheet(number: usize) -> Result<Paper, Failure> {
    let mut words = Zeroizing::new(String::with_capacity(FILE_BYTES));
    let mut count = 0;
    loop {
        let answer = ask(&format!("Word {}", count + 1))?;
        let answer = std::str::from_utf8(&answer).unwrap_or_default().trim();
        let is_all = answer.split_whitespace().nth(1).is_some() || answer.contains(':');
        if count == 0 && is_all {
            return Paper::read(answer).map_err(|error| unread("the words", &error));
        }
        // An empty answer ends: 24 words are a seed, 32 a share.
        if !answer.is_empty() && !is_word(answer) {
            say("That is no word of the list: type it again. Its first four letters are enough.");
            continue;
        }
        if !answer.is_empty() && words.len() + answer.len() < FILE_BYTES {
            words.push_str(answer);
            words.push(' ');
            count += 1;
        }
        let is_share = count == Share::WORDS;
        let is_seed = count == Seed::WORDS && number == 1 && Seed::from_words(&words).is_ok();
        if answer.is_empty() || is_share || is_seed {
            return Paper::read(&words).map_err(|error| unread("the words", &error));
        }
    }
}

fn ask(question: &str) -> Result<Zeroizing<Vec<u8>>, Failure> {
    match ask_secret(question) {
        Ok(Question::Answered(answer)) => Ok(Zeroizing::new(answer.expose().to_vec())),
        Ok(Question::Cancelled) => Err(Failure::unknown("cancelled", "cancelled")),
        Ok(Question::NoTerminal) => Err(Failure::unknown(
            "passphrase-needed",
            "the words of the sheet: there is no terminal to ask on",
        )
        .hint(format!("give them with {INSTEAD}"))),
        Err(error) => Err(Failure::io("the terminal", &error)),
    }
}

fn combined(shares: &[Share]) -> Result<Seed, Failure> {
    combine(shares).map_err(|error| {
        let why = match error {
            CombineError::TooFew { given, threshold } => {
                format!("{given} of the {threshold} shares that are needed")
            }
            CombineError::OtherSet { place, expected, found } => {
                format!("share {place} is of set {found}, the first one of set {expected}: they do not go together")
            }
            CombineError::Twice { index } => format!("share {index} was given twice"),
            CombineError::Forged => "one of the shares is forged: they do not fit together".to_owned(),
        };
        Failure::unknown("shares", why)
    })
}

/// Which word is wrong, by its position: what was typed is not said.
fn unread(what: &str, error: &PaperError) -> Failure {
    let why = match error {
        PaperError::Words(NotWords::TooLong) => "more than any sheet has".to_owned(),
        PaperError::Words(NotWords::Empty) => "there are no words".to_owned(),
        PaperError::Words(NotWords::Unknown { position }) => {
            format!("word {position} is not in the list of words")
        }
        PaperError::Words(NotWords::Missing { position, expected }) => {
            format!("word {position} of {expected} is missing")
        }
        PaperError::Words(NotWords::TooMany { expected }) => format!("more than {expected} words"),
        PaperError::Words(NotWords::Twice { position }) => format!("two words for number {position}"),
        PaperError::Checksum { suspects } if suspects.is_empty() => {
            "the words do not fit together: some are others than on the paper".to_owned()
        }
        PaperError::Checksum { suspects } => {
            let places: Vec<String> = suspects.iter().map(ToString::to_string).collect();
            format!("the words do not fit together: look at number {}", places.join(", "))
        }
        PaperError::Code => "neither words nor the whole text of a code".to_owned(),
        PaperError::Version(version) => format!("version {version}, which a newer cseal reads"),
    };
    Failure::unknown("not-a-recovery-sheet", format!("{what}: {why}"))
}
