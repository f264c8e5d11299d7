//! What `cseal setup` did.

mod person;

use std::path::PathBuf;

use serde::Serialize;

use super::json::line;
use crate::commands::setup::Deed;
use crate::failure::Failure;
use crate::terminal::{self, SafeText};

pub(crate) use person::{asked, change, done, notes};

/// How `/usr/sbin/sendmail` becomes ours, so that no package of another mail system takes it back.
const HOW_TO_BE_SENDMAIL: &str = "\
Let the programs of this machine find it:
  dpkg-divert --local --rename --add /usr/sbin/sendmail
  ln -s /usr/bin/cseal-sendmail /usr/sbin/sendmail
Where /usr/sbin/sendmail is one of several alternatives already:
  update-alternatives --install /usr/sbin/sendmail mta-sendmail /usr/bin/cseal-sendmail 90";

#[derive(Serialize)]
struct SystemObject<'a> {
    version: u32,
    made: Vec<String>,
    replaced: Vec<String>,
    kept: Vec<String>,
    certificates: &'a [String],
}

/// Every file and directory, what became of it, and what is left to do.
pub(crate) fn system(done: &[(Deed, PathBuf)], certificates: &[String], json: bool) -> Result<(), Failure> {
    let with = |deed: Deed| {
        done.iter().filter(move |(other, _)| *other == deed).map(|(_, path)| path.display().to_string())
    };
    let text = if json {
        let (made, replaced, kept) = (with(Deed::Made), with(Deed::Replaced), with(Deed::Kept));
        let (made, replaced, kept) = (made.collect(), replaced.collect(), kept.collect());
        line(&SystemObject { version: 1, made, replaced, kept, certificates })
    } else {
        let mut lines: Vec<String> = Vec::new();
        for (deed, word) in [(Deed::Made, "made"), (Deed::Replaced, "replaced"), (Deed::Kept, "kept")] {
            lines.extend(with(deed).map(|path| format!("{word:<9} {}", SafeText(&path))));
        }
        if !certificates.is_empty() {
            lines.push("\nMail is encrypted to these keys. Compare them with their owners:".to_owned());
            lines.extend(certificates.iter().map(|one| format!("  {}", SafeText(one))));
        }
        if let Some(path) = with(Deed::Made).find(|path| path.ends_with("/password")) {
            lines.push(format!("\nWrite the password of the account into {path}, which only root reads."));
        }
        lines.push(format!("\n{HOW_TO_BE_SENDMAIL}"));
        lines.push("\nWhat is still missing: cseal doctor".to_owned());
        lines.join("\n")
    };
    terminal::print(&format!("{text}\n")).map_err(|error| Failure::io("standard output", &error))
}
