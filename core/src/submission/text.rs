//! A mail as a program hands it over, made into one that can be signed and sent.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use super::local::{LOCAL_DOMAIN, Local};
use super::{Gathered, SubmissionError, trigger};
use crate::address::{EmailAddress, KeyDemand, StrongAddress};
use crate::limits::SUBMITTED_RECIPIENTS;
use crate::mail::{
    AddressEntry, DemandOrigin, HeaderField, HeaderSection, Mailbox, MailboxError, author,
    parse_address_list, parse_submitted_list, without_demands, write_field, write_mailbox,
};

/// The fields that name recipients.
const RECIPIENTS: [&str; 3] = ["To", "Cc", "Bcc"];
/// The fields that name those whom an old mail is sent again to (RFC 5322, section 3.6.6).
const RESENT: [&str; 3] = ["Resent-To", "Resent-Cc", "Resent-Bcc"];
/// Fields that name the person who sends.
const OWN: [&str; 4] = ["From", "Sender", "Resent-From", "Resent-Sender"];
/// Other fields with addresses, in which programs put names without a domain.
const OTHERS: [&str; 2] = ["Reply-To", "Disposition-Notification-To"];
/// Fields that are never sent. The last two are for those who deliver and store a mail.
const DROPPED: [&str; 4] = ["Bcc", "Resent-Bcc", "Return-Path", "Content-Length"];

/// What is written into a mail that lacks it.
#[derive(Clone, Debug)]
pub struct Defaults {
    /// Who writes.
    pub from: Option<Mailbox>,
    /// When.
    pub date: String,
    /// The mail's name, without angle brackets.
    pub message_id: String,
}

/// A mail that was taken: its text, and whom the header names.
#[derive(Clone, Debug)]
pub struct Submission {
    /// As it may be signed: CRLF line ends, without Bcc, with Date, Message-ID and, where it is known,
    /// From; without the demands on keys.
    pub text: Zeroizing<Vec<u8>>,
    /// Everyone whom the header names as recipient, aliases followed.
    pub named: Vec<StrongAddress>,
    /// Those of them whom every reader sees.
    pub open: Vec<EmailAddress>,
    /// Who put demands into the header, as far as that can be known.
    pub origin: DemandOrigin,
    /// Whether the author asks for encryption within the mail.
    pub asks_for_encryption: bool,
    /// Who sends an old mail again, where this is one.
    pub resent_from: Option<EmailAddress>,
    /// The header with the demands and wishes of its author, and the empty line behind it.
    original_header: Zeroizing<Vec<u8>>,
    /// Bytes of the header of `text`, and the empty line.
    header_length: usize,
}

impl Submission {
    /// The mail with the demands and wishes of its author: for whoever keeps it, and sends it later.
    #[must_use]
    pub fn original(&self) -> Zeroizing<Vec<u8>> {
        let body = self.text.get(self.header_length..).unwrap_or_default();
        let mut original = Zeroizing::new(Vec::with_capacity(self.original_header.len() + body.len()));
        original.extend_from_slice(&self.original_header);
        original.extend_from_slice(body);
        original
    }
}

/// The recipients of the command line, aliases followed.
///
/// # Errors
/// [`SubmissionError`]: where one cannot be read, nobody gets the mail.
pub fn argument_recipients(
    arguments: &[Vec<u8>],
    local: &Local,
) -> Result<Vec<StrongAddress>, SubmissionError> {
    let mut found = Vec::new();
    for argument in arguments {
        // An argument has one line: what stands behind its end would be joined to the address.
        let read = if argument.contains(&b'\n') {
            Err(MailboxError::ControlCharacter)
        } else {
            parse_submitted_list(argument, LOCAL_DOMAIN)
        };
        let (_, addresses) = read.map_err(|error| SubmissionError::Argument {
            argument: String::from_utf8_lossy(argument).into_owned(),
            error,
        })?;
        for address in &addresses {
            local.resolve(address, &mut found)?;
        }
    }
    if found.len() > SUBMITTED_RECIPIENTS { Err(SubmissionError::TooManyRecipients) } else { Ok(found) }
}

/// Takes a mail.
///
/// `header_counts` says whether the recipients of the header are written to; they must be readable in
/// any case, because every reader sees them.
///
/// # Errors
/// [`SubmissionError`]; then nothing of it is sent to anybody.
pub fn read(
    mail: Gathered,
    local: &Local,
    header_counts: bool,
    defaults: &Defaults,
) -> Result<Submission, SubmissionError> {
    let mail = mail.into_canonical()?;
    // All that is changed is the header; the body may be large.
    let length = HeaderSection::read(&mail).map_err(SubmissionError::Header)?.length();
    let header = Zeroizing::new(mail.get(..length).unwrap_or_default().to_vec());
    let given = HeaderSection::read(&header).map_err(SubmissionError::Header)?;
    let qualified = qualified(&header, &given, local, defaults.from.as_ref())?;
    let undemanded = without_demands(&qualified).map_err(SubmissionError::Demand)?;
    let original_header = completed(&qualified, defaults, Wishes::Stay)?;
    let plain = undemanded.mail.map_or(qualified, Zeroizing::new);
    let header = HeaderSection::read(&plain).map_err(SubmissionError::Header)?;
    let own_header = completed(&plain, defaults, Wishes::Go)?;
    let mut submission = Submission {
        text: with_header(mail, length, &own_header),
        original_header,
        header_length: own_header.len(),
        named: Vec::new(),
        open: Vec::new(),
        origin: undemanded.origin,
        asks_for_encryption: header.fields().any(|field| trigger::asks(&field)),
        resent_from: resent_from(&header),
    };
    let is_resent = RESENT.iter().any(|name| given.count(name) > 0);
    let fields = if is_resent { RESENT } else { RECIPIENTS };
    for name in fields {
        let is_open = !name.ends_with("Bcc");
        for address in named_in(&given, name)? {
            let mut people = Vec::new();
            match local.resolve(&address, &mut people) {
                // `To: undisclosed-recipients`, where the command line says who they are.
                Err(SubmissionError::NoDomain(_)) if !header_counts => {}
                resolved => resolved?,
            }
            if is_open {
                submission.open.extend(people.iter().map(|strong| strong.address.clone()));
            }
            submission.named.extend(people);
            if submission.named.len() > SUBMITTED_RECIPIENTS {
                return Err(SubmissionError::TooManyRecipients);
            }
        }
    }
    Ok(submission)
}

/// The mail with a domain at every name of its address fields.
fn qualified(
    mail: &[u8],
    header: &HeaderSection<'_>,
    local: &Local,
    own: Option<&Mailbox>,
) -> Result<Zeroizing<Vec<u8>>, SubmissionError> {
    let mut rewritten: BTreeMap<usize, (usize, Vec<u8>)> = BTreeMap::new();
    for field in header.fields() {
        let counts = RECIPIENTS.iter().chain(&RESENT).any(|name| field.is(name));
        let is_own = OWN.iter().any(|name| field.is(name));
        let is_empty = field.raw_value().trim_ascii().is_empty();
        if is_empty || !(counts || is_own || OTHERS.iter().any(|name| field.is(name))) {
            continue;
        }
        let (entries, addresses) = match parse_submitted_list(field.raw_value(), LOCAL_DOMAIN) {
            Ok(read) => read,
            Err(error) if counts => return Err(in_field(&field, error)),
            Err(_) => continue,
        };
        // What is complete stays as it was written.
        let is_complete = parse_address_list(field.raw_value()).is_ok()
            && !(is_own && addresses.iter().any(|strong| local.is_local(&strong.address)));
        if is_complete {
            continue;
        }
        if addresses.iter().any(|strong| strong.demand != KeyDemand::None) {
            return Err(in_field(&field, MailboxError::MissingDomain));
        }
        let own = own.filter(|_| is_own);
        let bytes = written(&field, &entries, local, own);
        let bytes = bytes.ok_or_else(|| in_field(&field, MailboxError::Malformed))?;
        rewritten.insert(field.range().start, (field.range().end, bytes));
    }
    Ok(spliced(mail, rewritten))
}

fn in_field(field: &HeaderField<'_>, error: MailboxError) -> SubmissionError {
    SubmissionError::Field { field: field.name().to_owned(), error }
}

/// The mail with other bytes in the place of some fields.
fn spliced(mail: &[u8], fields: BTreeMap<usize, (usize, Vec<u8>)>) -> Zeroizing<Vec<u8>> {
    let growth: usize = fields.values().map(|(_, field)| field.len()).sum();
    let mut text = Zeroizing::new(Vec::with_capacity(mail.len() + growth));
    let mut copied = 0;
    for (start, (end, field)) in fields {
        text.extend_from_slice(mail.get(copied..start).unwrap_or_default());
        text.extend_from_slice(&field);
        copied = end;
    }
    text.extend_from_slice(mail.get(copied..).unwrap_or_default());
    text
}

/// A field with a domain at every name. In From a name of this machine is the person who calls.
fn written(
    field: &HeaderField<'_>,
    entries: &[AddressEntry],
    local: &Local,
    own: Option<&Mailbox>,
) -> Option<Vec<u8>> {
    let complete = |mailbox: &Mailbox| {
        let address = match own {
            _ if !local.is_local(&mailbox.address) => mailbox.address.clone(),
            Some(own) => own.address.clone(),
            None => match &local.domain {
                Some(domain) => {
                    EmailAddress::parse(&format!("{}@{domain}", mailbox.address.local_part())).ok()?
                }
                None => mailbox.address.clone(),
            },
        };
        Some(write_mailbox(&Mailbox { address, ..mailbox.clone() }))
    };
    let mut texts = Vec::new();
    for entry in entries {
        match entry {
            AddressEntry::Mailbox(mailbox) => texts.push(complete(mailbox)?),
            AddressEntry::Group(members) if members.is_empty() => {
                texts.push("undisclosed-recipients:;".to_owned())
            }
            AddressEntry::Group(members) => {
                for member in members {
                    texts.push(complete(member)?);
                }
            }
        }
    }
    let value = texts.join(", ");
    write_field(field.name(), &value).ok()
}

/// The addresses of every field of a name, with what is demanded of their keys.
fn named_in(header: &HeaderSection<'_>, name: &str) -> Result<Vec<StrongAddress>, SubmissionError> {
    let mut named = Vec::new();
    for field in header.all(name).filter(|field| !field.raw_value().trim_ascii().is_empty()) {
        let read = parse_submitted_list(field.raw_value(), LOCAL_DOMAIN);
        named.extend(read.map_err(|error| in_field(&field, error))?.1);
    }
    Ok(named)
}

fn resent_from(header: &HeaderSection<'_>) -> Option<EmailAddress> {
    // The newest block stands first (RFC 5322, section 3.6.6).
    let field = header.first("Resent-From")?;
    match parse_address_list(field.raw_value()).ok()?.into_iter().next()? {
        AddressEntry::Mailbox(mailbox) => Some(mailbox.address),
        AddressEntry::Group(_) => None,
    }
}

/// What becomes of the author's wish for encryption.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wishes {
    Stay,
    Go,
}

/// The mail with another header in the place of so many bytes.
fn with_header(mut mail: Zeroizing<Vec<u8>>, length: usize, header: &[u8]) -> Zeroizing<Vec<u8>> {
    let body = mail.len() - length;
    if mail.capacity() >= header.len() + body {
        mail.splice(..length, header.iter().copied());
        return mail;
    }
    // Vec would grow by leaving a copy behind.
    let mut larger = Zeroizing::new(Vec::with_capacity(header.len() + body));
    larger.extend_from_slice(header);
    larger.extend_from_slice(mail.get(length..).unwrap_or_default());
    larger
}

/// A header with what is missing, without what is not sent, and with the empty line behind it.
fn completed(
    mail: &[u8],
    defaults: &Defaults,
    wishes: Wishes,
) -> Result<Zeroizing<Vec<u8>>, SubmissionError> {
    let header = HeaderSection::read(mail).map_err(SubmissionError::Header)?;
    let mut text = Zeroizing::new(Vec::with_capacity(mail.len() + 512));
    match (header.count("From"), &defaults.from) {
        (0, Some(from)) => {
            let field = write_field("From", &write_mailbox(from));
            text.extend_from_slice(&field.map_err(SubmissionError::Header)?);
        }
        (0 | 1, _) => {}
        _ => return Err(SubmissionError::SeveralFrom),
    }
    if header.count("From") == 1 && author(&header).is_err() {
        return Err(SubmissionError::From);
    }
    if header.count("Date") == 0 {
        text.extend_from_slice(format!("Date: {}\r\n", defaults.date).as_bytes());
    }
    if header.count("Message-ID") == 0 {
        text.extend_from_slice(format!("Message-ID: <{}>\r\n", defaults.message_id).as_bytes());
    }
    for field in header.fields().filter(|field| !DROPPED.iter().any(|name| field.is(name))) {
        if wishes == Wishes::Go && trigger::asks(&field) {
            text.extend_from_slice(&trigger::without(&field).unwrap_or_default());
        } else {
            text.extend_from_slice(field.raw());
        }
    }
    // A text without a header, and one that starts in the middle of it, get the empty line.
    text.extend_from_slice(b"\r\n");
    Ok(text)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
