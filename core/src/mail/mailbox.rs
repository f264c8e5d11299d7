//! Address lists of header fields, read strictly (RFC 5322, section 3.4; RFC 6532).

use std::fmt;

use super::encoded_word::decode_words;
use crate::address::{
    AddressError, EmailAddress, StrongAddress, StrongAddressError, is_atom_character, is_hidden,
};
use crate::limits::ADDRESSES;

/// Comments within comments that are read.
const COMMENT_DEPTH: usize = 20;

/// An address and the name that its sender put beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailbox {
    /// The address.
    pub address: EmailAddress,
    /// The name, decoded and without control characters. Anybody can write anything here.
    pub display_name: Option<String>,
    /// Whether a comment of the field looks like an address: some programs show comments.
    pub has_address_in_comment: bool,
}

/// Why a display name deserves distrust.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameWarning {
    /// It looks like a mail address, and not like the one it stands beside.
    LooksLikeAddress,
    /// It holds characters that are invisible or that turn the direction of text.
    HiddenCharacters,
}

impl Mailbox {
    /// Without any comment.
    const fn of(address: EmailAddress, display_name: Option<String>) -> Self {
        Self { address, display_name, has_address_in_comment: false }
    }

    /// What a reader should be warned of before the display name is shown.
    #[must_use]
    pub fn name_warnings(&self) -> Vec<NameWarning> {
        let mut warnings = Vec::new();
        if self.has_address_in_comment {
            warnings.push(NameWarning::LooksLikeAddress);
        }
        let Some(name) = &self.display_name else { return warnings };
        let is_own = EmailAddress::parse(name.trim()).is_ok_and(|named| named.matches(&self.address));
        if has_sign(name) && !is_own {
            warnings.push(NameWarning::LooksLikeAddress);
        }
        if name.chars().any(is_hidden) {
            warnings.push(NameWarning::HiddenCharacters);
        }
        warnings
    }
}

/// Whether an at sign stands in it, in its wide and small forms too.
fn has_sign(text: &str) -> bool {
    text.contains(['@', '\u{ff20}', '\u{fe6b}'])
}

/// One entry of an address list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AddressEntry {
    /// One mailbox.
    Mailbox(Mailbox),
    /// A named group, perhaps empty: `undisclosed-recipients:;`.
    Group(Vec<Mailbox>),
}

/// Why an address list cannot be read. Nothing is guessed: a field that two programs read
/// differently belongs to nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailboxError {
    /// It holds a NUL.
    Nul,
    /// It holds a carriage return that ends no line.
    BareCarriageReturn,
    /// It holds another control character.
    ControlCharacter,
    /// It is not UTF-8.
    NotUtf8,
    /// It is empty, or an entry of it is.
    Empty,
    /// An address has no domain.
    MissingDomain,
    /// An address holds an encoded word, which RFC 2047 forbids there.
    EncodedWordInAddress,
    /// An address is malformed.
    Address(AddressError),
    /// A demand on the key of an address is malformed.
    Demand(StrongAddressError),
    /// It follows no rule of RFC 5322.
    Malformed,
    /// It has more than [`ADDRESSES`] addresses.
    TooMany,
}

impl fmt::Display for MailboxError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Nul => "a NUL",
            Self::BareCarriageReturn => "a carriage return without a line feed",
            Self::ControlCharacter => "a control character",
            Self::NotUtf8 => "not UTF-8",
            Self::Empty => "no address",
            Self::MissingDomain => "an address without a domain",
            Self::EncodedWordInAddress => "an encoded word within an address",
            Self::Address(error) => return error.fmt(formatter),
            Self::Demand(error) => return error.fmt(formatter),
            Self::Malformed => "not an address list",
            Self::TooMany => "too many addresses",
        })
    }
}

impl std::error::Error for MailboxError {}

/// Reads an address list from a raw field value, folded or not.
///
/// # Errors
/// [`MailboxError`].
pub fn parse_address_list(value: &[u8]) -> Result<Vec<AddressEntry>, MailboxError> {
    let text = unfold(value)?;
    list(&mut Scanner::of(&text))
}

/// Reads an address list whose author may have put demands on keys into it. The addresses of the
/// entries are without them; beside the entries stand all addresses in their order, with them.
///
/// # Errors
/// [`MailboxError`].
pub(super) fn parse_strong_address_list(
    value: &[u8],
) -> Result<(Vec<AddressEntry>, Vec<StrongAddress>), MailboxError> {
    let text = unfold(value)?;
    let mut scanner = Scanner { strong: Some(Vec::new()), ..Scanner::of(&text) };
    let entries = list(&mut scanner)?;
    Ok((entries, scanner.strong.unwrap_or_default()))
}

/// Reads an address list as programs hand it to a `sendmail`: a name without a domain is one of
/// `local_domain`, and a route before an address (RFC 5322, section 4.4) is left out. Otherwise as
/// strict as every other list. Beside the entries stand all addresses in their order, with what is
/// demanded of their keys.
///
/// # Errors
/// [`MailboxError`].
pub fn parse_submitted_list(
    value: &[u8],
    local_domain: &str,
) -> Result<(Vec<AddressEntry>, Vec<StrongAddress>), MailboxError> {
    let text = unfold(value)?;
    let mut scanner =
        Scanner { strong: Some(Vec::new()), local_domain: Some(local_domain), ..Scanner::of(&text) };
    let entries = list(&mut scanner)?;
    Ok((entries, scanner.strong.unwrap_or_default()))
}

fn list(scanner: &mut Scanner<'_>) -> Result<Vec<AddressEntry>, MailboxError> {
    let mut entries = Vec::new();
    let mut count = 0;
    loop {
        let entry = scanner.entry()?;
        count += match &entry {
            AddressEntry::Mailbox(_) => 1,
            AddressEntry::Group(members) => members.len(),
        };
        if count > ADDRESSES {
            return Err(MailboxError::TooMany);
        }
        entries.push(entry);
        scanner.space()?;
        if scanner.rest.is_empty() {
            mark_comments(&mut entries, scanner.has_address_in_comment);
            return Ok(entries);
        }
        scanner.expect(',')?;
    }
}

/// Which mailbox a comment belongs to is anybody's guess, so it counts for all.
fn mark_comments(entries: &mut [AddressEntry], has_address_in_comment: bool) {
    for entry in entries {
        let mailboxes = match entry {
            AddressEntry::Mailbox(mailbox) => std::slice::from_mut(mailbox),
            AddressEntry::Group(members) => members.as_mut_slice(),
        };
        mailboxes.iter_mut().for_each(|mailbox| mailbox.has_address_in_comment = has_address_in_comment);
    }
}

/// Joins the lines, and refuses what no address list holds.
fn unfold(value: &[u8]) -> Result<String, MailboxError> {
    if value.contains(&0) {
        return Err(MailboxError::Nul);
    }
    let text = std::str::from_utf8(value).map_err(|_| MailboxError::NotUtf8)?;
    let text = text.replace("\r\n", "\n");
    if text.contains('\r') {
        return Err(MailboxError::BareCarriageReturn);
    }
    let text = text.replace('\n', "");
    if text.chars().any(|character| character.is_control() && character != '\t') {
        return Err(MailboxError::ControlCharacter);
    }
    Ok(text)
}

struct Scanner<'t> {
    rest: &'t str,
    has_address_in_comment: bool,
    /// Where demands on keys are read: the addresses so far, with theirs.
    strong: Option<Vec<StrongAddress>>,
    /// Where names without a domain are taken: theirs.
    local_domain: Option<&'t str>,
}

/// A word of a display name, or what may turn out to be a local part.
struct Word<'t> {
    raw: &'t str,
    text: String,
}

impl<'t> Scanner<'t> {
    const fn of(text: &'t str) -> Self {
        Self { rest: text, has_address_in_comment: false, strong: None, local_domain: None }
    }

    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn bump(&mut self) -> Option<char> {
        let mut characters = self.rest.chars();
        let first = characters.next();
        self.rest = characters.as_str();
        first
    }

    fn expect(&mut self, character: char) -> Result<(), MailboxError> {
        if self.bump() == Some(character) { Ok(()) } else { Err(MailboxError::Malformed) }
    }

    /// What was read since `before`.
    fn since(&self, before: &'t str) -> &'t str {
        before.get(..before.len() - self.rest.len()).unwrap_or_default()
    }

    /// Steps over white space and comments.
    fn space(&mut self) -> Result<(), MailboxError> {
        loop {
            self.rest = self.rest.trim_start_matches([' ', '\t']);
            if self.peek() != Some('(') {
                return Ok(());
            }
            self.comment()?;
        }
    }

    fn comment(&mut self) -> Result<(), MailboxError> {
        let before = self.rest;
        let mut depth = 0;
        while let Some(character) = self.bump() {
            match character {
                '(' => depth += 1,
                ')' => depth -= 1,
                '\\' => drop(self.bump()),
                _ => {}
            }
            if depth == 0 {
                // Words stand between parentheses as between spaces (RFC 2047, section 5 (2)).
                let text = self.since(before).replace(['(', ')'], " ");
                self.has_address_in_comment |= has_sign(&decode_words(text.as_bytes()));
                return Ok(());
            }
            if depth > COMMENT_DEPTH {
                break;
            }
        }
        Err(MailboxError::Malformed)
    }

    /// An atom, dots included, or a quoted string.
    fn word(&mut self) -> Result<Option<Word<'t>>, MailboxError> {
        let before = self.rest;
        if self.peek() == Some('"') {
            let text = self.quoted()?;
            return Ok(Some(Word { raw: self.since(before), text }));
        }
        self.rest = before.trim_start_matches(|character| is_atom_character(character) || character == '.');
        let raw = self.since(before);
        Ok((!raw.is_empty()).then(|| Word { raw, text: raw.to_owned() }))
    }

    fn quoted(&mut self) -> Result<String, MailboxError> {
        self.expect('"')?;
        let mut text = String::new();
        loop {
            match self.bump() {
                Some('"') => return Ok(text),
                Some('\\') => text.push(self.bump().ok_or(MailboxError::Malformed)?),
                Some(character) => text.push(character),
                None => return Err(MailboxError::Malformed),
            }
        }
    }

    /// A mailbox or a group.
    fn entry(&mut self) -> Result<AddressEntry, MailboxError> {
        self.space()?;
        let mut words = Vec::new();
        while let Some(word) = self.word()? {
            if self.peek() == Some('@') {
                // No display name may stand before an address that has no angle brackets.
                if !words.is_empty() {
                    return Err(MailboxError::Malformed);
                }
                let address = self.address(word.raw)?;
                return Ok(AddressEntry::Mailbox(Mailbox::of(address, None)));
            }
            words.push(word);
            self.space()?;
        }
        match self.peek() {
            Some('<') => self.angle(&words).map(AddressEntry::Mailbox),
            Some(':') if !words.is_empty() => self.group().map(AddressEntry::Group),
            Some(',' | ';') | None if words.is_empty() => Err(MailboxError::Empty),
            Some(',' | ';') | None => match words.as_slice() {
                [name] => {
                    self.local(name.raw).map(|address| AddressEntry::Mailbox(Mailbox::of(address, None)))
                }
                _ => Err(MailboxError::MissingDomain),
            },
            Some(_) => Err(MailboxError::Malformed),
        }
    }

    /// A name without a domain, where such names are taken.
    fn local(&mut self, name: &str) -> Result<EmailAddress, MailboxError> {
        match self.local_domain {
            Some(domain) => self.read(name, domain),
            None => Err(MailboxError::MissingDomain),
        }
    }

    /// `@a,@b:` before an address.
    fn route(&mut self) -> Result<(), MailboxError> {
        if self.local_domain.is_none() || self.peek() != Some('@') {
            return Ok(());
        }
        loop {
            self.expect('@')?;
            let domain = self.word()?.ok_or(MailboxError::Malformed)?;
            if domain.raw.starts_with('"') {
                return Err(MailboxError::Malformed);
            }
            self.space()?;
            match self.bump() {
                Some(':') => return self.space(),
                Some(',') => self.space()?,
                _ => return Err(MailboxError::Malformed),
            }
        }
    }

    /// `<local-part@domain>` behind a display name.
    fn angle(&mut self, words: &[Word<'_>]) -> Result<Mailbox, MailboxError> {
        self.expect('<')?;
        self.space()?;
        self.route()?;
        let local_part = self.word()?.ok_or(MailboxError::Malformed)?;
        let address = if self.peek() == Some('>') {
            self.local(local_part.raw)?
        } else {
            self.address(local_part.raw)?
        };
        self.space()?;
        self.expect('>')?;
        Ok(Mailbox::of(address, display_name(words)))
    }

    /// `@domain` behind a local part.
    fn address(&mut self, local_part: &str) -> Result<EmailAddress, MailboxError> {
        self.expect('@')?;
        let before = self.rest;
        if self.peek() == Some('[') {
            self.rest = before.trim_start_matches(|character| character != ']');
            self.expect(']')?;
        } else {
            self.rest =
                before.trim_start_matches(|character| is_atom_character(character) || character == '.');
        }
        let domain = self.since(before);
        if domain.is_empty() {
            return Err(MailboxError::MissingDomain);
        }
        self.read(local_part, domain)
    }

    /// An address of both its halves.
    fn read(&mut self, local_part: &str, domain: &str) -> Result<EmailAddress, MailboxError> {
        if is_encoded_word(local_part) || is_encoded_word(domain) {
            return Err(MailboxError::EncodedWordInAddress);
        }
        let text = format!("{local_part}@{domain}");
        let Some(strong) = &mut self.strong else {
            return EmailAddress::parse(&text).map_err(MailboxError::Address);
        };
        let read = StrongAddress::parse(&text).map_err(|error| match error {
            StrongAddressError::Address(error) => MailboxError::Address(error),
            StrongAddressError::Fingerprint | StrongAddressError::TwoDemands => MailboxError::Demand(error),
        })?;
        strong.push(read.clone());
        Ok(read.address)
    }

    /// `: members ;` behind a name.
    fn group(&mut self) -> Result<Vec<Mailbox>, MailboxError> {
        self.expect(':')?;
        let mut members = Vec::new();
        loop {
            self.space()?;
            if members.is_empty() && self.peek() == Some(';') {
                break;
            }
            match self.entry()? {
                AddressEntry::Mailbox(mailbox) => members.push(mailbox),
                AddressEntry::Group(_) => return Err(MailboxError::Malformed),
            }
            if members.len() > ADDRESSES {
                return Err(MailboxError::TooMany);
            }
            self.space()?;
            match self.peek() {
                Some(',') => drop(self.bump()),
                _ => break,
            }
        }
        self.expect(';')?;
        Ok(members)
    }
}

/// An encoded word's characters are all atom characters, so it would pass for a local part.
fn is_encoded_word(text: &str) -> bool {
    text.split_once("=?").is_some_and(|(_, rest)| rest.contains("?="))
}

fn display_name(words: &[Word<'_>]) -> Option<String> {
    let joined = words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ");
    (!joined.is_empty()).then(|| decode_words(joined.as_bytes()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn an_address_in_a_comment_is_warned_of() {
        for (field, warns) in [
            ("(bob@example.org) carol@example.org", true),
            ("carol@example.org (bob@example.org)", true),
            ("carol@example.org (=?utf-8?q?bob=40example.org?=)", true),
            ("carol@example.org (at home)", false),
        ] {
            let entries = parse_address_list(field.as_bytes()).unwrap();
            let [AddressEntry::Mailbox(mailbox)] = entries.as_slice() else { panic!("{entries:?}") };
            assert_eq!(mailbox.name_warnings().contains(&NameWarning::LooksLikeAddress), warns, "{field}");
        }
    }
    use proptest::prelude::*;

    fn mailbox(text: &str) -> Result<Mailbox, MailboxError> {
        let mut entries = parse_address_list(text.as_bytes())?;
        match (entries.pop(), entries.is_empty()) {
            (Some(AddressEntry::Mailbox(mailbox)), true) => Ok(mailbox),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_form_of_a_mailbox_is_read() {
        for text in [
            "alice@example.org",
            " alice@example.org ",
            "<alice@example.org>",
            "Alice <alice@example.org>",
            "\"Alice\" <alice@example.org>",
            "Alice\r\n <alice@example.org>",
            "alice@example.org (Alice (at work))",
            "(a) Alice (b) < alice@example.org > (c)",
            "\"alice\"@example.org",
        ] {
            assert_eq!(mailbox(text).unwrap().address.to_string(), "alice@example.org", "{text}");
        }
        assert_eq!(mailbox("a@[192.0.2.1]").unwrap().address.domain(), "[192.0.2.1]");
    }

    #[test]
    fn what_programs_submit_may_have_names_without_a_domain_and_routes() {
        let read = |text: &str| {
            let (_, addresses) = parse_submitted_list(text.as_bytes(), "localhost")?;
            Ok(addresses.iter().map(|strong| strong.address.to_string()).collect::<Vec<_>>().join(" "))
        };
        for (text, addresses) in [
            ("bob", "bob@localhost"),
            ("bob (Bob), Carol <carol>", "bob@localhost carol@localhost"),
            ("<@a.example,@b.example:t@d.example>", "t@d.example"),
            ("\"john doe\"@d, \"x,y\"@d", "\"john doe\"@d \"x,y\"@d"),
            ("\"john doe\"", "\"john doe\"@localhost"),
            ("F: a@b, c;", "a@b c@localhost"),
            ("undisclosed-recipients:;", ""),
        ] {
            assert_eq!(read(text).as_deref(), Ok(addresses), "{text}");
        }
        for (text, error) in [
            ("a, bad@@d", MailboxError::MissingDomain),
            ("<broken", MailboxError::Malformed),
            ("a b", MailboxError::MissingDomain),
            ("<@a:>", MailboxError::Malformed),
            ("<@a b@c>", MailboxError::Malformed),
            ("<>", MailboxError::Malformed),
        ] {
            assert_eq!(read(text), Err(error), "{text}");
        }
    }

    #[test]
    fn display_names_are_decoded() {
        let name = |text: &str| mailbox(text).unwrap().display_name;
        assert_eq!(name("Alice Q. Smith <a@b>").unwrap(), "Alice Q. Smith");
        assert_eq!(name("\"Smith, Alice\" <a@b>").unwrap(), "Smith, Alice");
        assert_eq!(name("=?utf-8?q?=C3=89lise?= =?utf-8?q?_M?= <a@b>").unwrap(), "Élise M");
        assert_eq!(name("Élise <a@b>").unwrap(), "Élise");
        assert_eq!(name("<a@b>"), None);
    }

    #[test]
    fn lists_and_groups_are_read() {
        let entries = parse_address_list(b"a@b, C <c@d>,\r\n friends: e@f, g@h;, none:;").unwrap();
        let counts: Vec<usize> = entries
            .iter()
            .map(|entry| match entry {
                AddressEntry::Mailbox(_) => 10,
                AddressEntry::Group(members) => members.len(),
            })
            .collect();
        assert_eq!(counts, [10, 10, 2, 0]);
    }

    #[test]
    fn nothing_is_repaired() {
        for (text, error) in [
            ("", MailboxError::Empty),
            ("a@b,", MailboxError::Empty),
            ("a@b,,c@d", MailboxError::Empty),
            ("alice", MailboxError::MissingDomain),
            ("Alice <alice>", MailboxError::MissingDomain),
            ("alice@", MailboxError::MissingDomain),
            ("a@b c@d", MailboxError::Malformed),
            ("<a@b> <c@d>", MailboxError::Malformed),
            ("a@b <c@d>", MailboxError::Malformed),
            ("Alice a@b", MailboxError::Malformed),
            ("a @b", MailboxError::Malformed),
            ("a@ b", MailboxError::MissingDomain),
            ("<@x,@y:a@b>", MailboxError::Malformed),
            ("a@b;", MailboxError::Malformed),
            ("g: h: a@b;;", MailboxError::Malformed),
            ("\"a@b", MailboxError::Malformed),
            ("(a@b", MailboxError::Malformed),
            ("<a@b", MailboxError::Malformed),
            ("a@b@c", MailboxError::Malformed),
            ("\"a\".b@c", MailboxError::Malformed),
            ("=?utf-8?q?alice?=@example.org", MailboxError::EncodedWordInAddress),
            ("<alice@=?utf-8?q?example.org?=>", MailboxError::EncodedWordInAddress),
            ("a@b\0", MailboxError::Nul),
            ("a@b\rBcc: c@d", MailboxError::BareCarriageReturn),
            ("\x1b[2Ja@b", MailboxError::ControlCharacter),
            ("a@b..c", MailboxError::Address(AddressError::Domain)),
        ] {
            assert_eq!(parse_address_list(text.as_bytes()), Err(error), "{text:?}");
        }
        assert_eq!(parse_address_list(b"\xffa@b"), Err(MailboxError::NotUtf8));
        let deep = format!("{}a@b", "(".repeat(100_000));
        assert_eq!(parse_address_list(deep.as_bytes()), Err(MailboxError::Malformed));
    }

    #[test]
    fn a_name_that_looks_like_an_address_is_warned_of() {
        let warnings = |text: &str| mailbox(text).unwrap().name_warnings();
        assert_eq!(warnings("\"ceo@bank.example\" <x@evil.example>"), [NameWarning::LooksLikeAddress]);
        assert_eq!(warnings("\"ceo＠bank.example\" <x@evil.example>"), [NameWarning::LooksLikeAddress]);
        assert_eq!(warnings("=?utf-8?q?ceo=40bank?= <x@evil.example>"), [NameWarning::LooksLikeAddress]);
        assert_eq!(warnings("\"a\u{202e}b\" <x@y>"), [NameWarning::HiddenCharacters]);
        assert_eq!(warnings("\"alice@example.org\" <Alice@example.org>"), []);
        assert_eq!(warnings("Alice <alice@example.org>"), []);
    }

    proptest! {
        #[test]
        fn any_bytes_end_in_an_answer(value: Vec<u8>) {
            let _ = parse_address_list(&value);
        }

        #[test]
        fn what_looks_like_a_list_gives_addresses_of_it(text in "[ab@.<>\",:;() ]{0,24}") {
            for entry in parse_address_list(text.as_bytes()).unwrap_or_default() {
                let members = match entry {
                    AddressEntry::Mailbox(mailbox) => vec![mailbox],
                    AddressEntry::Group(members) => members,
                };
                for member in members {
                    prop_assert!(text.contains(member.address.domain()));
                }
            }
        }
    }
}
