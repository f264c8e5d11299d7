//! Takes back what mailing lists and relays do to a signed part on the way, as far as it can be proven: by a form of
//! the part whose digest is the one that was signed.
//!
//! What comes out is what was signed, to the octet, and beside it what stood there too. Nothing is guessed to be
//! harmless: a form that does not match counts for nothing, and what was added is never shown as signed. The forms
//! that are tried are those of real lists (a footer at the end of the text, a further part, another transfer
//! encoding) and of old mail programs (`>From`, trimmed white space). Each costs a digest, so all of them together
//! have a budget.

use std::borrow::Cow;

use memchr::memmem::{find, find_iter};

use crate::algorithm::DigestAlgorithm;
use crate::limits::{
    LIST_ADDED_BYTES, LIST_BASE64_BYTES, LIST_FOOTER_LINES, LIST_HASHED_BYTES, LIST_PART_BYTES, LIST_TRIES,
};
use crate::mail::{
    BareCarriageReturn, Base64Encoder, Canonical, Filter, Part, QuotedPrintableEncoder, TransferEncoding,
};
use crate::x509::digest::Hasher;

/// What was done to a signed part, and was taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undone {
    /// What was changed in the part itself.
    pub repairs: Vec<Repair>,
    /// What was put beside it. Nobody signed it.
    pub added: Vec<Addition>,
}

impl Undone {
    /// What was done to a text that had this behind it. A line end is nothing; everything else is something, however
    /// little of it can be seen.
    fn of_text(mut repairs: Vec<Repair>, rest: &[u8]) -> Self {
        let mut added = Vec::new();
        if !rest.trim_ascii().is_empty() {
            added.push(Addition::new(Place::Text, rest));
        } else if !matches!(rest, b"" | b"\r\n") && !repairs.contains(&Repair::TrailingSpace) {
            repairs.push(Repair::TrailingSpace);
        }
        Self { repairs, added }
    }
}

/// A change that leaves the words as they were.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repair {
    /// `From ` at the start of a line became `>From `.
    FromLines,
    /// The line `-- ` before a signature block lost its space.
    Dashes,
    /// Lines got white space at their ends.
    TrailingSpace,
    /// Header fields of the part were folded in another way.
    Folding,
    /// The part was given another transfer encoding.
    TransferEncoding,
}

impl Repair {
    /// The stable word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::FromLines => "from-lines",
            Self::Dashes => "dashes",
            Self::TrailingSpace => "trailing-space",
            Self::Folding => "folding",
            Self::TransferEncoding => "transfer-encoding",
        }
    }
}

/// Something that stands in the mail and was not signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addition {
    /// Where it stands.
    pub place: Place,
    /// Its text, or the first [`LIST_ADDED_BYTES`] of it; nothing where it is none.
    pub text: String,
}

/// Where something was added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// At the end of a text that was signed.
    Text,
    /// As a part of its own.
    Part,
}

impl Place {
    /// The stable word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Part => "part",
        }
    }
}

impl Addition {
    pub(super) fn new(place: Place, text: &[u8]) -> Self {
        // White space in front must not take the room of the words.
        let text = String::from_utf8_lossy(text);
        let text = text.trim();
        let shown = text.get(..text.floor_char_boundary(LIST_ADDED_BYTES)).unwrap_or(text);
        Self { place, text: shown.trim_end().to_owned() }
    }

    /// A whole part: its text, where it is one.
    pub(super) fn of_part(part: &Part<'_>) -> Self {
        let text = if part.content_type().media_type() == "text" { part.text().ok() } else { None };
        let text = text.unwrap_or_else(|| part.content_type().name().to_owned());
        Self::new(Place::Part, text.as_bytes())
    }
}

/// Finds the form of a part, given in canonical form, that has this digest, and what was done to it. That the digest
/// was signed is for the caller to check, with that form.
#[must_use]
pub fn undo(content: &[u8], algorithm: DigestAlgorithm, wanted: &[u8]) -> Option<(Vec<u8>, Undone)> {
    if content.len() > LIST_PART_BYTES {
        return None;
    }
    let mut search = Search { algorithm, wanted, bytes: LIST_HASHED_BYTES, tries: LIST_TRIES };
    for (form, repairs) in forms(content) {
        if let Some((signed, rest)) = search.prefix(&form) {
            return Some((signed, Undone::of_text(repairs, &rest)));
        }
    }
    if let Some(found) = search.inside(content) {
        return Some(found);
    }
    search.base64(content)
}

/// Whoever sends a mail decides how much work it is: not more than this.
struct Search<'w> {
    algorithm: DigestAlgorithm,
    wanted: &'w [u8],
    bytes: usize,
    tries: usize,
}

impl Search<'_> {
    /// Whether what went into a digest, and what follows, is what was signed.
    fn matches(&mut self, hasher: &Hasher, rest: &[u8]) -> bool {
        let Some((bytes, tries)) = self.bytes.checked_sub(rest.len()).zip(self.tries.checked_sub(1)) else {
            return false;
        };
        (self.bytes, self.tries) = (bytes, tries);
        let mut hasher = hasher.clone();
        hasher.update(rest);
        hasher.finish() == self.wanted
    }

    /// A form without some of its last lines, and with or without the last line end; and what was left out.
    fn prefix(&mut self, form: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
        self.bytes = self.bytes.checked_sub(form.len())?;
        let mut hasher = Hasher::new(self.algorithm);
        let mut taken = 0;
        for cut in cuts(form) {
            let line_end = cut.saturating_sub(2);
            for end in [line_end, cut] {
                if end < taken || (end == line_end && form.get(end..cut) != Some(b"\r\n")) {
                    continue;
                }
                hasher.update(form.get(taken..end).unwrap_or_default());
                taken = end;
                if self.matches(&hasher, b"") {
                    let (signed, rest) = form.split_at_checked(end)?;
                    return Some((signed.to_vec(), rest.to_vec()));
                }
            }
        }
        // The last line end, which belongs to the boundary, was taken for one too many.
        self.matches(&hasher, b"\r\n").then(|| ([form, b"\r\n"].concat(), Vec::new()))
    }

    /// A multipart without its last part, and with less at the end of its first text.
    fn inside(&mut self, content: &[u8]) -> Option<(Vec<u8>, Undone)> {
        let root = Part::read(content).ok()?;
        if root.content_type().media_type() != "multipart" {
            return None;
        }
        let last = root.children().len().checked_sub(1).filter(|last| *last > 0)?;
        if let [.., before, added] = root.children() {
            let end = before.range().end;
            let hasher = self.start(content.get(..end)?)?;
            if last > 0 && self.matches(&hasher, content.get(added.range().end..)?) {
                let signed = [content.get(..end)?, content.get(added.range().end..)?].concat();
                return Some((signed, Undone { repairs: Vec::new(), added: vec![Addition::of_part(added)] }));
            }
        }
        let leaves = root.walk();
        let (_, text) =
            leaves.iter().find(|(_, part)| part.content_type().is("text/plain") && !part.is_container())?;
        let body = text.body_range();
        let rest = content.get(body.end..)?;
        for cut in cuts(content.get(body.clone())?) {
            for end in [cut.saturating_sub(2), cut] {
                let end = body.start + end;
                let hasher = self.start(content.get(..end)?)?;
                if self.matches(&hasher, rest) {
                    let added = Addition::new(Place::Text, content.get(end..body.end)?);
                    let signed = [content.get(..end)?, rest].concat();
                    return Some((signed, Undone { repairs: Vec::new(), added: vec![added] }));
                }
            }
        }
        None
    }

    fn start(&mut self, bytes: &[u8]) -> Option<Hasher> {
        self.bytes = self.bytes.checked_sub(bytes.len())?;
        let mut hasher = Hasher::new(self.algorithm);
        hasher.update(bytes);
        Some(hasher)
    }

    /// A text that was base64: its lines show only when they are decoded.
    fn base64(&mut self, content: &[u8]) -> Option<(Vec<u8>, Undone)> {
        let part = Text::of(content)?;
        if part.decoded.len() > LIST_BASE64_BYTES {
            return None;
        }
        let header = part.header_with(Some("base64"));
        let repairs = if part.encoding == TransferEncoding::Base64 {
            Vec::new()
        } else {
            vec![Repair::TransferEncoding]
        };
        for cut in cuts(&part.decoded) {
            for end in [cut.saturating_sub(2), cut] {
                let text = part.decoded.get(..end)?;
                let body = Base64Encoder::default().apply(text).ok()?;
                let trimmed = body.strip_suffix(b"\r\n").unwrap_or(&body);
                for body in [body.as_slice(), trimmed] {
                    let form = [header.as_slice(), body].concat();
                    let hasher = self.start(&form)?;
                    if self.matches(&hasher, b"") {
                        return Some((form, Undone::of_text(repairs, part.decoded.get(end..)?)));
                    }
                }
            }
        }
        None
    }
}

/// Where the last lines of a text start, and its end, in order.
fn cuts(text: &[u8]) -> Vec<usize> {
    let starts: Vec<usize> = find_iter(text, b"\r\n").map(|at| at + 2).collect();
    let first = starts.len().saturating_sub(LIST_FOOTER_LINES);
    let mut cuts = starts.get(first..).unwrap_or_default().to_vec();
    if cuts.last() != Some(&text.len()) {
        cuts.push(text.len());
    }
    cuts
}

/// Every way in which the whole part may have been written before, the likeliest first.
fn forms(content: &[u8]) -> Vec<(Cow<'_, [u8]>, Vec<Repair>)> {
    let mut forms = vec![(Cow::Borrowed(content), Vec::new())];
    let (header, body) = split(content);
    let bodies = bodies(body);
    for (header, folding) in headers(header) {
        for (body, repairs) in &bodies {
            let all: Vec<Repair> = folding.into_iter().chain(repairs.iter().copied()).collect();
            if !all.is_empty() {
                forms.push((Cow::Owned([&header, body.as_ref()].concat()), all));
            }
        }
    }
    if let Some(text) = Text::of(content) {
        forms.extend(
            text.encoded_otherwise()
                .into_iter()
                .map(|form| (Cow::Owned(form), vec![Repair::TransferEncoding])),
        );
    }
    forms
}

/// A header section with its empty line, and the body.
fn split(content: &[u8]) -> (&[u8], &[u8]) {
    let end =
        if content.starts_with(b"\r\n") { Some(2) } else { find(content, b"\r\n\r\n").map(|at| at + 4) };
    content.split_at_checked(end.unwrap_or_default()).unwrap_or((&[], content))
}

fn headers(header: &[u8]) -> Vec<(Vec<u8>, Option<Repair>)> {
    let mut forms = vec![(header.to_vec(), None)];
    for (from, to) in
        [(&b"\r\n\t"[..], &b"\r\n "[..]), (b"\r\n ", b"\r\n\t"), (b"\r\n ", b" "), (b"\r\n\t", b" ")]
    {
        if find(header, from).is_some() {
            forms.push((replaced(header, from, to), Some(Repair::Folding)));
        }
    }
    forms
}

fn bodies(body: &[u8]) -> Vec<(Cow<'_, [u8]>, Vec<Repair>)> {
    let mut forms = vec![(Cow::Borrowed(body), Vec::new())];
    let changes: [(Repair, fn(&[u8]) -> Vec<u8>); 3] = [
        (Repair::FromLines, |body| {
            by_line(body, |line| {
                if line.starts_with(b">From ") { line.get(1..).unwrap_or(line).into() } else { line.into() }
            })
        }),
        (Repair::Dashes, |body| {
            by_line(body, |line| if line == b"--" { b"-- ".to_vec() } else { line.into() })
        }),
        (Repair::TrailingSpace, |body| by_line(body, |line| line.trim_ascii_end().to_vec())),
    ];
    for (repair, change) in changes {
        let more: Vec<(Cow<'_, [u8]>, Vec<Repair>)> = forms
            .iter()
            .filter_map(|(form, repairs)| {
                let changed = change(form);
                (changed != form.as_ref())
                    .then(|| (Cow::Owned(changed), [repairs.as_slice(), &[repair]].concat()))
            })
            .collect();
        forms.extend(more);
    }
    forms
}

fn by_line(body: &[u8], change: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let mut lines = Vec::with_capacity(body.len());
    let mut rest = body;
    while let Some(end) = find(rest, b"\r\n") {
        let (line, after) = rest.split_at_checked(end).unwrap_or_default();
        lines.extend(change(line));
        lines.extend_from_slice(b"\r\n");
        rest = after.get(2..).unwrap_or_default();
    }
    lines.extend(change(rest));
    lines
}

fn replaced(text: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut output = Vec::with_capacity(text.len());
    let mut taken = 0;
    for at in find_iter(text, from) {
        output.extend_from_slice(text.get(taken..at).unwrap_or_default());
        output.extend_from_slice(to);
        taken = at + from.len();
    }
    output.extend_from_slice(text.get(taken..).unwrap_or_default());
    output
}

/// A part that is one text.
struct Text<'c> {
    header: &'c [u8],
    encoding: TransferEncoding,
    decoded: Vec<u8>,
}

impl<'c> Text<'c> {
    fn of(content: &'c [u8]) -> Option<Self> {
        let part = Part::read(content).ok()?;
        if part.content_type().media_type() != "text" {
            return None;
        }
        let decoded = Canonical::new(BareCarriageReturn::Keep).apply(&part.decoded().ok()?).ok()?;
        Some(Self { header: split(content).0, encoding: part.encoding(), decoded })
    }

    /// The same text in every other encoding that its lines can be seen in.
    fn encoded_otherwise(&self) -> Vec<Vec<u8>> {
        let mut forms = Vec::new();
        if self.encoding != TransferEncoding::QuotedPrintable
            && let Ok(body) = QuotedPrintableEncoder::default().apply(&self.decoded)
        {
            forms.push([self.header_with(Some("quoted-printable")), body].concat());
        }
        if !self.encoding.is_identity() {
            for name in [None, Some("7bit"), Some("8bit")] {
                forms.push([self.header_with(name).as_slice(), &self.decoded].concat());
            }
        }
        forms
    }

    /// The header section with another Content-Transfer-Encoding in the place of the one it has.
    fn header_with(&self, encoding: Option<&str>) -> Vec<u8> {
        const NAME: &[u8] = b"content-transfer-encoding:";
        let new = encoding.map(|name| format!("Content-Transfer-Encoding: {name}")).unwrap_or_default();
        let fields = self.header.strip_suffix(b"\r\n").unwrap_or(self.header);
        let mut header = Vec::with_capacity(self.header.len() + new.len());
        let mut is_there = false;
        for line in fields.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            if line.get(..NAME.len()).is_some_and(|name| name.eq_ignore_ascii_case(NAME)) {
                is_there = true;
                if encoding.is_some() {
                    header.extend_from_slice(new.as_bytes());
                    header.extend_from_slice(b"\r\n");
                }
            } else {
                header.extend_from_slice(line);
                header.push(b'\n');
            }
        }
        if !is_there && encoding.is_some() {
            header.extend_from_slice(new.as_bytes());
            header.extend_from_slice(b"\r\n");
        }
        header.extend_from_slice(b"\r\n");
        header
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;
    use crate::fingerprint::sha256;

    const HEADER: &str = "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n";
    const FOOTER: &str =
        "_______________________________________________\r\nDev mailing list\r\ndev@example.org\r\n";

    /// What came of a part that was signed as `signed` and arrived as `arrived`.
    #[track_caller]
    fn undone(signed: &str, arrived: &str) -> Option<Undone> {
        let found = undo(arrived.as_bytes(), DigestAlgorithm::Sha256, &sha256(signed.as_bytes()));
        found.map(|(content, undone)| {
            assert_eq!(String::from_utf8_lossy(&content), signed);
            undone
        })
    }

    #[test]
    fn a_footer_is_named_and_what_stands_above_it_is_as_signed() {
        for body in ["Grüße\r\n", "Grüße", "", "a\r\n\r\n", "-- \r\nBob\r\n"] {
            for between in ["", "\r\n", "\r\n\r\n"] {
                if between.is_empty() && body == "Grüße" {
                    continue; // A footer begins a line.
                }
                let signed = format!("{HEADER}{body}");
                let arrived = format!("{signed}{between}{FOOTER}");
                let found = undone(&signed, &arrived).unwrap();
                assert!(found.repairs.is_empty());
                assert_eq!(found.added[0].place, Place::Text);
                assert_eq!(found.added[0].text, FOOTER.trim(), "{body:?} {between:?}");
            }
        }
    }

    #[test]
    fn white_space_hides_nothing_that_was_added() {
        let signed = format!("{HEADER}a\r\n");
        for space in [" ", "\u{a0}", "\u{3000}", "\r\n"] {
            let space = space.repeat(if space == "\r\n" { 50 } else { LIST_ADDED_BYTES });
            let found = undone(&signed, &format!("{signed}{space}send money\r\n")).unwrap();
            assert_eq!(found.added[0].text, "send money");
            let found = undone(&signed, &format!("{signed}{space}")).unwrap();
            assert_eq!(found.added.len() + found.repairs.len(), 1, "{space:?}");
        }
        let found = undone(&signed, &format!("{signed}\r\n")).unwrap();
        assert!(found.added.is_empty() && found.repairs.is_empty());
    }

    #[test]
    fn changes_that_keep_the_words_are_taken_back() {
        let signed = format!("{HEADER}From here on\r\n-- \r\nBob\r\n");
        for (arrived, repairs) in [
            (signed.replace("From here", ">From here"), vec![Repair::FromLines]),
            (signed.replace("-- \r\n", "--\r\n"), vec![Repair::Dashes]),
            (
                signed.replace("From here", ">From here").replace("-- \r\n", "--\r\n"),
                vec![Repair::FromLines, Repair::Dashes],
            ),
            (signed.replace("; charset", ";\r\n\tcharset"), vec![Repair::Folding]),
        ] {
            assert_eq!(undone(&signed, &arrived).unwrap().repairs, repairs);
            let with_footer = undone(&signed, &format!("{arrived}\r\n{FOOTER}")).unwrap();
            assert_eq!((with_footer.repairs, with_footer.added.len()), (repairs, 1));
        }
        let signed = format!("{HEADER}a\r\nb\r\n");
        assert_eq!(
            undone(&signed, &signed.replace("a\r\n", "a  \r\n")).unwrap().repairs,
            [Repair::TrailingSpace]
        );
    }

    #[test]
    fn another_transfer_encoding_is_taken_back_with_a_footer_in_it() {
        let text = format!("Grüße, {}\r\nund mehr\r\n", "weit ".repeat(20));
        let encoded = |encoding: &str, text: &str| -> String {
            let header = HEADER.replace("8bit", encoding);
            let body = match encoding {
                "base64" => Base64Encoder::default().apply(text.as_bytes()).unwrap(),
                "quoted-printable" => QuotedPrintableEncoder::default().apply(text.as_bytes()).unwrap(),
                _ => text.as_bytes().to_vec(),
            };
            header + &String::from_utf8(body).unwrap()
        };
        for before in ["8bit", "quoted-printable", "base64"] {
            for after in ["8bit", "quoted-printable", "base64"] {
                for footer in ["", FOOTER] {
                    let arrived = encoded(after, &format!("{text}{footer}"));
                    if before == after && footer.is_empty() {
                        continue;
                    }
                    let found = undone(&encoded(before, &text), &arrived);
                    let found = found.unwrap_or_else(|| panic!("{before} {after} {footer:?}"));
                    assert_eq!(found.added.len(), usize::from(!footer.is_empty()), "{before} {after}");
                    assert_eq!(found.repairs.is_empty(), before == after, "{before} {after}");
                }
            }
        }
    }

    #[test]
    fn a_part_in_a_multipart_and_a_footer_in_its_text_are_named() {
        let part = |text: &str, more: &str| {
            format!(
                "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n{text}\r\n--b\r\n\
                 Content-Type: image/png\r\n\r\nx\r\n{more}--b--\r\n"
            )
        };
        let signed = part("Hello\r\n", "");
        let with_part = part("Hello\r\n", &format!("--b\r\nContent-Type: text/plain\r\n\r\n{FOOTER}\r\n"));
        let found = undone(&signed, &with_part).unwrap();
        assert_eq!(found.added, [Addition { place: Place::Part, text: FOOTER.trim().to_owned() }]);
        let found = undone(&signed, &part(&format!("Hello\r\n{FOOTER}"), "")).unwrap();
        assert_eq!(found.added, [Addition { place: Place::Text, text: FOOTER.trim().to_owned() }]);
    }

    #[test]
    fn whatever_else_was_changed_stays_broken() {
        let signed = format!("{HEADER}Pay ten.\r\nBob\r\n");
        for arrived in [
            signed.replace("ten", "one hundred"),
            signed.replace("Pay ten.\r\n", ""),
            signed.replace("Bob\r\n", ""),
            format!("Content-Type: text/plain\r\n\r\n{FOOTER}Pay ten.\r\nBob\r\n"),
            signed.replace("Pay", "Do not\r\nPay"),
            format!("{signed}{}", "x\r\n".repeat(LIST_FOOTER_LINES + 1)),
            format!("{signed}{}", "x".repeat(LIST_PART_BYTES)),
            String::new(),
        ] {
            assert_eq!(undone(&signed, &arrived), None, "{arrived:.100}");
        }
    }

    #[test]
    fn the_work_has_a_limit() {
        let hostile = format!("{HEADER}{}", ">From \u{e9} -- \t\r\n--\r\n".repeat(LIST_PART_BYTES / 30));
        let started = std::time::Instant::now();
        assert_eq!(undone("other", &hostile), None);
        assert!(started.elapsed().as_secs() < 20);
    }
}
