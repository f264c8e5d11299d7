//! What `cseal setup ADDRESS` asked, changed and found, in words and as JSON.

use counterseal_core::policy::Encrypt;
use counterseal_keysync::transport::address::Address;
use serde::Serialize;

use crate::commands::setup::{Installed, Keys, Report, Seen};
use crate::failure::Failure;
use crate::lookup::Finding;
use crate::render::json::line;
use crate::sync_places;
use crate::terminal::{Mark, SafeText, marked, print, say};

#[derive(Serialize)]
struct Object<'a> {
    version: u32,
    address: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    keys: Option<&'a str>,
    account: &'a str,
    server: &'a str,
    imap: Option<&'a str>,
    found_by: Option<&'a str>,
    notes: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<&'a str>,
    check: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    timer: Option<&'a str>,
}

/// What was asked, and what came of it: on standard error, while it goes on.
pub(crate) fn asked(finding: &Finding, json: bool) {
    if json {
        return;
    }
    let what = match &finding.outcome {
        Ok(Some(offer)) => format!("{}:{}", offer.server.host, offer.server.port),
        Ok(None) => "nothing".to_owned(),
        Err(trouble) => format!("{}: {}", trouble.word, trouble.message),
    };
    say(&format!("asked {}: {}", SafeText(&finding.asked), SafeText(&what)));
}

/// What is about to be added to a file.
pub(crate) fn change(file: &str, text: &str, json: bool) -> Result<(), Failure> {
    if json {
        return Ok(());
    }
    let lines: String = text.lines().map(|line| format!("    {}\n", whole(line))).collect();
    show(&format!("into {file}:\n{lines}"))
}

/// A line to its end: what is cut off of a command line would be run unseen.
fn whole(line: &str) -> String {
    const PIECE: usize = 200;
    let letters: Vec<char> = line.chars().collect();
    letters.chunks(PIECE).map(|piece| SafeText(&piece.iter().collect::<String>()).to_string()).collect()
}

/// What a person should know of it.
pub(crate) fn notes(notes: &[String], json: bool) -> Result<(), Failure> {
    if json || notes.is_empty() {
        return Ok(());
    }
    show(&notes.iter().map(|note| format!("! {}\n", SafeText(note))).collect::<String>())
}

/// What was done, and what was there.
pub(crate) fn done(report: &Report, json: bool) -> Result<(), Failure> {
    if json {
        return show(&format!("{}\n", line(&object(report))));
    }
    show(&words(report))
}

fn show(text: &str) -> Result<(), Failure> {
    print(text).map_err(|error| Failure::io("standard output", &error))
}

fn object(report: &Report) -> Object<'_> {
    Object {
        version: 1,
        address: report.address.to_string(),
        keys: report.keys.map(|keys| match keys {
            Keys::Made => "made",
            Keys::There => "there",
        }),
        account: &report.account,
        server: &report.server,
        imap: report.imap.as_deref(),
        found_by: report.named.map(|named| named.word()),
        notes: &report.notes,
        policy: report.policy.map(policy_word),
        check: match &report.seen {
            Some(Seen::Delivered(_)) => "delivered",
            Some(Seen::AsSent | Seen::NotYet(_)) => "sent",
            None => "none",
        },
        timer: report.timer.as_ref().map(|timer| match timer {
            Installed::Enabled(_) => "enabled",
            Installed::Written(_) => "written",
            Installed::Crontab => "crontab",
            Installed::Line(_) | Installed::Nothing => "none",
        }),
    }
}

const fn policy_word(encrypt: Encrypt) -> &'static str {
    match encrypt {
        Encrypt::Never => "never",
        Encrypt::IfPossible => "if-possible",
        Encrypt::Require => "require",
    }
}

fn words(report: &Report) -> String {
    let mut lines = Vec::new();
    lines.extend(report.keys.map(|keys| match keys {
        Keys::Made => format!("keys for {} were made", report.address),
        Keys::There => format!("keys for {} are there already", report.address),
    }));
    let account = format!("[account.{}], by {}", report.account, report.server);
    lines.push(match report.named {
        Some(_) => format!("mail goes by {account}"),
        None => format!("mail goes by {account}, which was set up already"),
    });
    lines.extend(report.imap.as_ref().filter(|_| report.named.is_some()).map(|imap| {
        let place = sync_places::to_toml(&Address::Imap(report.account.clone()));
        let place = place.trim_end().replace('\n', " and ");
        format!("your mailbox is at {imap}; your devices meet in it by two lines of config.toml: {place}")
    }));
    lines.extend(report.policy.map(|policy| match policy {
        Encrypt::Require => "mail to people without a key is held for you".to_owned(),
        Encrypt::IfPossible => "mail to people without a key is sent in clear".to_owned(),
        Encrypt::Never => "mail is not encrypted".to_owned(),
    }));
    lines.extend(report.timer.as_ref().and_then(timer));
    let mut text: String = lines.iter().map(|line| format!("{}\n", SafeText(line))).collect();
    if let Some(seen) = &report.seen {
        let what = match seen {
            Seen::Delivered(maildir) => {
                format!("a mail to yourself came into {}, and opens", maildir.display())
            }
            Seen::AsSent => {
                "the server took a mail to yourself; what was sent opens, what arrives cseal cannot see"
                    .to_owned()
            }
            Seen::NotYet(maildir) => format!(
                "the server took a mail to yourself; what was sent opens, nothing has come into {} yet",
                maildir.display()
            ),
        };
        text.push_str(&format!("{}: {}\n", marked(Mark::Positive, "SENT"), SafeText(&what)));
    }
    if report.timer.is_some() {
        text.push_str(
            "\nTake in the keys of those you write to: cseal keys import FILE, with a signed mail of theirs.\n\
             Now tell your programs (again by `cseal setup --clients`).\n\n",
        );
    }
    text
}

fn timer(installed: &Installed) -> Option<String> {
    match installed {
        Installed::Enabled(path) => Some(format!("a timer sends what waits: {}", path.display())),
        Installed::Written(path) => Some(format!(
            "a timer is in {}; let it run, when you are logged in: systemctl --user enable --now counterseal-flush.timer",
            path.display()
        )),
        Installed::Crontab => Some("a line of your crontab sends what waits".to_owned()),
        Installed::Line(line) => {
            Some(format!("for your crontab (or --timer cron), so that what waits is sent: {line}"))
        }
        Installed::Nothing => None,
    }
}
