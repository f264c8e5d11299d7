//! What to do with what was written for others.

use std::path::Path;

use crate::failure::Failure;
use crate::terminal::{self, SafeText};

/// After records: as a comment, so that all of it can go into a zone file.
pub(crate) fn after_records() -> String {
    "; Put these into the zone, sign it with DNSSEC, and ask for them with `cseal keys find ADDRESS --source smimea`.\n"
        .to_owned()
}

/// After files.
pub(crate) fn after_files(directory: &Path, domains: &[String], direct: bool) -> String {
    let directory = directory.display().to_string();
    let mut text = format!("written below {}\n\n", SafeText(&format!("{directory}/.well-known")));
    for domain in domains {
        let domain = SafeText(domain);
        text.push_str(&format!(
            "Let a web server answer over HTTPS with these files for openpgpkey.{domain}{}, or if there is no such host for {domain}.\n",
            if direct { " (OpenPGP)" } else { "" }
        ));
        if direct {
            text.push_str(&format!("Let {domain} answer with .well-known/counterseal (certificates).\n"));
        }
        text.push_str(&format!("Then ask: cseal keys find ADDRESS@{domain} --source wkd --source http\n"));
    }
    if !direct {
        text.push_str("The paths of a domain's own host are for one domain: publish each below a directory of its own.\n");
    }
    text
}

/// Prints it.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    terminal::print(text).map_err(|error| Failure::io("standard output", &error))
}
