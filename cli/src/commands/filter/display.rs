//! A mail as text for a terminal. Lines of ours start with `[cseal]` in the first column; lines of the mail are
//! indented, name us in no line, and hold nothing that steers a terminal. So nobody who writes a mail can write a
//! line of ours into it.

use std::io::{self, Read};

use counterseal_core::limits::MAIL_IN_MEMORY;
use counterseal_core::mail::{self, HeaderSection, Part};
use counterseal_core::message::Reason;
use counterseal_core::ports::Source;

use super::Judged;
use crate::failure::Failure;
use crate::render::status;
use crate::render::verdict_field::FIELD;
use crate::terminal::{SafeText, is_unsafe};

/// What starts every line of ours.
const OURS: &str = "[cseal]";
/// What stands where the mail says so.
const THEIRS: &str = "(cseal]";
/// The fields that are shown.
const SHOWN: [&str; 6] = ["From", "Reply-To", "To", "Cc", "Date", "Subject"];

/// The verdict, and below it the mail, decrypted where that could be done.
pub(super) fn of_mail(mail: &mut dyn Source, judged: Result<Judged, Failure>) -> String {
    let mut text = String::new();
    let mut judged = match judged {
        Ok(judged) => judged,
        Err(failure) => {
            line(&mut text, &format!("NOT JUDGED: {}", SafeText(&failure.message)));
            for detail in failure.details.iter().chain(&failure.hint) {
                line(&mut text, &format!("  {}", SafeText(detail)));
            }
            show(&mut text, mail, None);
            return text;
        }
    };
    for said in status::lines(&judged.status, judged.positive, false) {
        line(&mut text, &said);
    }
    let partial = judged.status.reasons.contains(&Reason::Partial);
    show(&mut text, judged.readable.as_mut(), Some(partial));
    text
}

fn line(text: &mut String, ours: &str) {
    text.push_str(OURS);
    text.push(' ');
    text.push_str(ours);
    text.push('\n');
}

/// The mail itself. `partial` where only a part of it is signed: then it says which.
fn show(text: &mut String, mail: &mut dyn Source, partial: Option<bool>) {
    let mut bytes = Vec::new();
    let read = mail.rewind().and_then(|()| io_take(mail, &mut bytes));
    let root = match read.map(|()| Part::read(&bytes)) {
        Ok(Ok(root)) => root,
        Ok(Err(error)) => return line(text, &format!("the mail cannot be shown: {error}")),
        Err(error) => return line(text, &format!("the mail cannot be shown: {error}")),
    };
    text.push('\n');
    for field in root.headers().fields().filter(|field| SHOWN.iter().any(|name| field.is(name))) {
        theirs(text, &format!("{}: {}", field.name(), field.text()));
    }
    text.push('\n');
    let signed = if partial == Some(true) { mail::nested_cms(&root).unwrap_or_default() } else { Vec::new() };
    for part in mail::shown_texts(&root) {
        let is_signed = signed.iter().any(|nested| {
            let (whole, own) = (nested.part.range(), part.range());
            whole.start <= own.start && own.end <= whole.end
        });
        if partial == Some(true) {
            line(text, if is_signed { "the part that is signed:" } else { "this is not signed:" });
        }
        show_text(text, part);
    }
    for attachment in mail::attachments(&root) {
        let name = format!("{} ({})", attachment.file_name, attachment.part.content_type().name());
        line(text, &format!("carries {}", theirs_inline(&name)));
    }
}

fn io_take(mail: &mut dyn Source, bytes: &mut Vec<u8>) -> io::Result<()> {
    mail.take(MAIL_IN_MEMORY + 1).read_to_end(bytes).map(drop)
}

fn show_text(text: &mut String, part: &Part<'_>) {
    if !part.content_type().is("text/plain") {
        return line(
            text,
            &format!("a part of type {} is not shown", theirs_inline(part.content_type().name())),
        );
    }
    match part.text() {
        Ok(content) => theirs(text, &content),
        Err(error) => line(text, &format!("a part cannot be decoded: {error}")),
    }
}

/// What a mail program made of a mail, its header first. The verdict is the one of the field, which only our own
/// filter at delivery leaves in a mail; lines of the text that look like ours are changed.
pub(super) fn rendered(shown: &str) -> String {
    let (header, body) = match shown.split_once("\n\n") {
        Some((header, body)) => (header, body),
        None => (shown.trim_end_matches('\n'), ""),
    };
    let mut text = String::new();
    let section = HeaderSection::read(header.as_bytes()).ok();
    let verdict = section.as_ref().and_then(|section| section.only(FIELD));
    match verdict.map(|field| field.text()) {
        Some(verdict) => line(&mut text, &format!("at delivery: {}", SafeText(&verdict))),
        None => line(&mut text, "no verdict was made at delivery, or the program does not show it"),
    }
    let mut is_ours = false;
    for row in header.split('\n') {
        let starts_ours = row.get(..FIELD.len()).is_some_and(|name| name.eq_ignore_ascii_case(FIELD));
        is_ours = starts_ours || is_ours && row.starts_with([' ', '\t']);
        if !is_ours {
            text.push_str(&neutral(row));
            text.push('\n');
        }
    }
    text.push('\n');
    for row in body.trim_end_matches('\n').split('\n') {
        let (mark, row) = marked(row);
        text.push_str(mark);
        // Lines that a program marks are its own.
        if mark.is_empty() {
            text.push_str("  ");
        }
        text.push_str(&neutral(row));
        text.push('\n');
    }
    text
}

/// The mark that mutt and neomutt put before lines of their own: ESC ] 8 or 9 ; number BEL. They show the line as
/// theirs only where the number is the one they drew for this session.
fn marked(row: &str) -> (&str, &str) {
    let after = row.strip_prefix("\u{1b}]9;").or_else(|| row.strip_prefix("\u{1b}]8;"));
    let end = after.and_then(|number| number.split_once('\u{7}'));
    match end {
        Some((number, rest)) if !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) => {
            let mark = row.len() - rest.len();
            row.split_at_checked(mark).unwrap_or(("", row))
        }
        _ => ("", row),
    }
}

/// Text of the mail, indented.
fn theirs(text: &mut String, content: &str) {
    for row in content.trim_end_matches(['\r', '\n']).split('\n') {
        text.push_str("  ");
        text.push_str(&neutral(row));
        text.push('\n');
    }
}

fn theirs_inline(content: &str) -> String {
    neutral(&SafeText(content).to_string())
}

/// A line without what steers a terminal, and without our name in brackets.
fn neutral(row: &str) -> String {
    let row = row.strip_suffix('\r').unwrap_or(row);
    let mut safe = String::with_capacity(row.len());
    for character in row.chars() {
        if character != '\t' && is_unsafe(character) {
            safe.extend(character.escape_unicode());
        } else {
            safe.push(character);
        }
    }
    let lower = safe.to_ascii_lowercase();
    let mut neutral = String::with_capacity(safe.len());
    let mut taken = 0;
    for (position, _) in lower.match_indices(OURS) {
        neutral.push_str(safe.get(taken..position).unwrap_or_default());
        neutral.push_str(THEIRS);
        taken = position + OURS.len();
    }
    neutral.push_str(safe.get(taken..).unwrap_or_default());
    neutral
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn no_line_of_a_mail_is_one_of_ours() {
        let mut text = String::new();
        theirs(
            &mut text,
            "[cseal] VERIFIED\r\n\u{1b}[2J[CSEAL] x\na\r[cseal] b\nx [Cseal] y\n\u{200b}[cseal] z\n",
        );
        assert_eq!(text.lines().count(), 5);
        assert!(text.lines().all(|line| line.starts_with("  ")), "{text}");
        assert!(!text.to_lowercase().contains("[cseal]") && !text.contains(['\r', '\u{1b}', '\u{200b}']));
    }

    #[test]
    fn the_verdict_of_rendered_text_is_that_of_its_header() {
        let shown = "From: bob@example.org\nCounterseal-Verdict: verified; author=\"bob@example.org\";\n version=1\n\
                     Subject: [cseal] VERIFIED\n\n[cseal] at delivery: verified\nCounterseal-Verdict: verified\n";
        let text = rendered(shown);
        assert_eq!(
            text,
            "[cseal] at delivery: verified; author=\"bob@example.org\"; version=1\nFrom: bob@example.org\n\
             Subject: (cseal] VERIFIED\n\n  (cseal] at delivery: verified\n  Counterseal-Verdict: verified\n"
        );
        let twice = shown.replace("Subject:", "counterseal-verdict: x\nSubject:");
        assert!(rendered(&twice).starts_with("[cseal] no verdict"));
        assert!(rendered("just text").starts_with("[cseal] no verdict"));
    }

    #[test]
    fn marks_of_mail_programs_stay() {
        let text =
            rendered("A: 1\n\n\u{1b}]9;123\u{7}[-- Attachment #1 --]\n\u{1b}]9;x\u{7}[-- forged --]\n");
        assert!(text.contains("\n\u{1b}]9;123\u{7}[-- Attachment #1 --]\n"));
        assert!(text.contains("\n  \\u{1b}]9;x\\u{7}[-- forged --]\n"), "{text}");
    }
}
