//! Holds `docs/formats/reasons.md` to the code: every word that can be said stands there, and no other.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use counterseal_core::message::Reason;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The words in the first column of the tables, but those of the verdicts, which are an enum's.
fn documented() -> BTreeSet<String> {
    let text = fs::read_to_string(root().join("docs/formats/reasons.md")).unwrap();
    let (_, tables) = text.split_once("## Reasons of a verdict").unwrap();
    tables.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next().map(str::to_owned)).collect()
}

/// Words in quotes behind `marker`, in all sources below a directory.
fn in_sources(directory: &Path, markers: &[&str], words: &mut BTreeSet<String>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            in_sources(&path, markers, words);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let source: String = fs::read_to_string(&path).unwrap().split_whitespace().collect();
            let code = source.split("#[cfg(test)]").next().unwrap();
            for marker in markers {
                words.extend(code.split(marker).skip(1).filter_map(word));
            }
        }
    }
}

/// The word that a text begins with, after the exit code where one stands before it.
fn word(text: &str) -> Option<String> {
    let has_exit_code = text.starts_with("Exit::") || text.starts_with("exit,");
    let text = if has_exit_code { text.split_once(',').map_or(text, |(_, rest)| rest) } else { text };
    let word = text.strip_prefix('"')?.split('"').next()?;
    word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-').then(|| word.to_owned())
}

#[test]
fn every_word_is_documented_and_every_documented_word_is_said() {
    let mut said: BTreeSet<String> = Reason::all_words().into_iter().map(str::to_owned).collect();
    let markers = [
        "Failure::new(",
        "Failure::unknown(",
        "Failure::no(",
        "Trouble::new(",
        "Finding::note(",
        "Finding::warning(",
        "Finding::broken(",
        "Self::new(",
        "Self::unknown(",
        "Self::no(",
    ];
    in_sources(&root().join("cli/src"), &markers, &mut said);
    said.extend(["no-key", "no-certificate"].map(str::to_owned));
    for (file, before) in
        [("message/error.rs", "=>"), ("cms/open/result.rs", "=>"), ("policy/accept.rs", "=>")]
    {
        let source: String =
            fs::read_to_string(root().join("core/src").join(file)).unwrap().split_whitespace().collect();
        said.extend(source.split(before).skip(1).filter_map(word));
    }
    said.extend(counterseal_keysync::pairing::AbortReason::ALL.map(|reason| reason.word().to_owned()));
    // The library's word for what becomes `io` here.
    said.remove("input-output");
    let documented = documented();
    let missing: Vec<_> = said.difference(&documented).collect();
    let stale: Vec<_> = documented.difference(&said).collect();
    assert!(missing.is_empty(), "not in docs/formats/reasons.md: {missing:?}");
    assert!(stale.is_empty(), "nobody says these any more: {stale:?}");
}
