//! The lines by which other programs send through `cseal-sendmail`: those of `docs/recipes/sending.md`.

use std::env;

use crate::failure::{Exit, Failure};
use crate::terminal::print;

/// Where the page has the program.
const USUAL: &str = "/usr/bin/cseal-sendmail";

/// One program: its words on the command line, its heading and its lines in the page.
struct Client {
    names: &'static [&'static str],
    heading: &'static str,
    file: &'static str,
    lines: &'static str,
}

const CLIENTS: &[Client] = &[
    Client {
        names: &["mutt", "neomutt"],
        heading: "mutt and neomutt",
        file: "muttrc",
        lines: "set sendmail=\"/usr/bin/cseal-sendmail\"\n",
    },
    Client {
        names: &["git"],
        heading: "git send-email",
        file: "~/.gitconfig",
        lines: "[sendemail]\n\tsendmailCmd = /usr/bin/cseal-sendmail\n",
    },
    Client {
        names: &["emacs"],
        heading: "Emacs",
        file: "~/.emacs",
        lines: "(setq send-mail-function 'sendmail-send-it\n      \
                message-send-mail-function 'message-send-mail-with-sendmail\n      \
                sendmail-program \"/usr/bin/cseal-sendmail\"\n      \
                mail-specify-envelope-from t\n      \
                mail-envelope-from 'header)\n",
    },
    Client {
        names: &["aerc"],
        heading: "aerc",
        file: "accounts.conf, in the section of your account",
        lines: "outgoing = /usr/bin/cseal-sendmail\n",
    },
    Client {
        names: &["php"],
        heading: "PHP",
        file: "php.ini",
        lines: "sendmail_path = \"/usr/bin/cseal-sendmail -t -i\"\n",
    },
    Client {
        names: &["cron", "at"],
        heading: "cron and at",
        file: "a machine without a mail server of its own, as root",
        lines: "ln -s /usr/bin/cseal-sendmail /usr/sbin/sendmail\n",
    },
];

/// Prints those of one program, or of all.
pub(super) fn show(program: Option<&str>) -> Result<Exit, Failure> {
    let chosen = |client: &&Client| program.is_none_or(|program| client.names.contains(&program));
    let found: Vec<&Client> = CLIENTS.iter().filter(chosen).collect();
    if found.is_empty() {
        let names: Vec<&str> = CLIENTS.iter().flat_map(|client| client.names).copied().collect();
        return Err(Failure::usage(format!("there is nothing for {:?} here", program.unwrap_or_default()))
            .hint(format!("one of {}; docs/recipes/sending.md has more", names.join(", "))));
    }
    let ours = ours();
    let texts = found.iter().map(|client| {
        let lines = client.lines.replace(USUAL, &ours);
        format!("{} ({}):\n\n{lines}", client.heading, client.file)
    });
    let text = texts.collect::<Vec<_>>().join("\n");
    print(&text).map_err(|error| Failure::io("standard output", &error))?;
    Ok(Exit::Done)
}

/// Where the program is: beside this one.
fn ours() -> String {
    let beside = env::current_exe().ok().map(|own| own.with_file_name("cseal-sendmail"));
    let beside = beside.filter(|path| path.is_file()).and_then(|path| path.to_str().map(str::to_owned));
    beside.unwrap_or_else(|| USUAL.to_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_are_those_of_the_page() {
        let page = include_str!("../../../../docs/recipes/sending.md");
        for client in CLIENTS {
            let section = page.split(&format!("\n## {}\n", client.heading)).nth(1).unwrap_or_default();
            let section = section.split("\n## ").next().unwrap();
            let block = section.split("```\n").nth(1).unwrap_or_default();
            assert_eq!(block, client.lines, "{}", client.heading);
        }
    }
}
