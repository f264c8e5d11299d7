//! Demands on keys that the author of a mail wrote into its address fields: `KID?alice@example.org`.
//!
//! They are for the program that encrypts the mail, and for nobody else: they are read here, and the
//! mail goes on without them.

use std::fmt;

use super::entity::OwnedField;
use super::field_writer::write_mailbox;
use super::mailbox::parse_strong_address_list;
use super::{AddressEntry, HeaderField, HeaderSection, MailError, Mailbox, RecipientsError};
use crate::address::{KeyDemand, NamedKey, StrongAddress};

/// The fields in which a demand counts.
const RECIPIENTS: [&str; 3] = ["To", "Cc", "Bcc"];
/// The other fields with addresses: a demand in them is taken out, and counts for nothing.
const OTHERS: [&str; 14] = [
    "From",
    "Sender",
    "Reply-To",
    "Followup-To",
    "Mail-Followup-To",
    "Mail-Reply-To",
    "Resent-From",
    "Resent-Sender",
    "Resent-To",
    "Resent-Cc",
    "Resent-Bcc",
    "Disposition-Notification-To",
    "Return-Receipt-To",
    "Errors-To",
];

/// A mail without demands, and the demands.
#[derive(Clone, Debug)]
pub struct Undemanded {
    /// The mail as it may go out; nothing where it had none and is to be taken as it is.
    pub mail: Option<Vec<u8>>,
    /// All addresses of To, Cc and Bcc with a demand.
    pub addresses: Vec<StrongAddress>,
    /// Who put them there, as far as that can be known.
    pub origin: DemandOrigin,
}

/// Who put a demand where it stands, as far as that can be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DemandOrigin {
    /// The person typed it for a command.
    Typed,
    /// It stands in a mail that answers none: most likely the person typed it.
    NewMail,
    /// It stands in an answer. Mail programs copy the addresses of the mail that is answered, so
    /// whoever wrote that one may have put it there.
    Answer,
}

/// Why demands cannot be taken out of a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DemandsError {
    /// The mail is malformed, or a field cannot be written.
    Mail(MailError),
    /// An address field cannot be read.
    Recipients(RecipientsError),
    /// The fingerprint of a demand stands in another field, which would be sent as it is.
    Elsewhere {
        /// The field's name.
        field: String,
    },
}

impl fmt::Display for DemandsError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mail(error) => error.fmt(formatter),
            Self::Recipients(error) => error.fmt(formatter),
            Self::Elsewhere { field } => write!(formatter, "{field} repeats the fingerprint of an address"),
        }
    }
}

impl std::error::Error for DemandsError {}

/// Takes the demands out of every address field of a mail. Display names that repeat one go too.
///
/// # Errors
/// [`DemandsError`]; nothing of the mail may be sent then.
pub fn without_demands(mail: &[u8]) -> Result<Undemanded, DemandsError> {
    let headers = HeaderSection::read(mail).map_err(DemandsError::Mail)?;
    let mut addresses = Vec::new();
    let mut rewritten = Vec::new();
    for field in headers.fields() {
        let Some(read) = read_field(&field)? else { continue };
        if RECIPIENTS.iter().any(|name| field.is(name)) {
            addresses.extend(read.demands());
        }
        rewritten.push((field.range(), read.to_field(&field)?));
    }
    if rewritten.is_empty() {
        return Ok(Undemanded { mail: None, addresses, origin: DemandOrigin::NewMail });
    }
    let origin = if answers(&headers) { DemandOrigin::Answer } else { DemandOrigin::NewMail };
    let mut output = Vec::with_capacity(mail.len());
    let mut copied = 0;
    for (range, field) in rewritten {
        output.extend_from_slice(mail.get(copied..range.start).unwrap_or_default());
        output.extend_from_slice(&field);
        copied = range.end;
    }
    output.extend_from_slice(mail.get(copied..).unwrap_or_default());
    require_gone(&output, &addresses)?;
    Ok(Undemanded { mail: Some(output), addresses, origin })
}

/// An address field with at least one demand.
struct StrongField {
    mailboxes: Vec<Mailbox>,
    strong: Vec<StrongAddress>,
}

impl StrongField {
    fn demands(&self) -> impl Iterator<Item = StrongAddress> {
        self.strong.iter().filter(|strong| strong.demand != KeyDemand::None).cloned()
    }

    /// The field without its demands, with the line ends that it had.
    fn to_field(&self, field: &HeaderField<'_>) -> Result<Vec<u8>, DemandsError> {
        let names: Vec<&NamedKey> = self.strong.iter().filter_map(named).collect();
        let plain = self.mailboxes.iter().map(|mailbox| {
            let repeats = |name: &String| {
                let is_strong = StrongAddress::parse(name.trim());
                is_strong.is_ok_and(|strong| strong.demand != KeyDemand::None)
                    || names.iter().any(|key| key.is_in(name))
            };
            let display_name = mailbox.display_name.clone().filter(|name| !repeats(name));
            write_mailbox(&Mailbox { display_name, ..mailbox.clone() })
        });
        let value = plain.collect::<Vec<_>>().join(", ");
        let mut raw = OwnedField::with_addresses(field.name(), &value).map_err(DemandsError::Mail)?.raw;
        if !field.raw().ends_with(b"\r\n") {
            raw.retain(|byte| *byte != b'\r');
        }
        Ok(raw)
    }
}

/// A field with demands; nothing where it has none, or where it is none for recipients and cannot be
/// read.
fn read_field(field: &HeaderField<'_>) -> Result<Option<StrongField>, DemandsError> {
    let recipients = RECIPIENTS.iter().find(|name| field.is(name));
    let is_other = OTHERS.iter().any(|name| field.is(name));
    if (recipients.is_none() && !is_other) || field.raw_value().trim_ascii().is_empty() {
        return Ok(None);
    }
    match (parse_strong_address_list(field.raw_value()), recipients) {
        (Ok((entries, strong)), _) if strong.iter().any(|strong| strong.demand != KeyDemand::None) => {
            let mailboxes = entries.into_iter().flat_map(|entry| match entry {
                AddressEntry::Mailbox(mailbox) => vec![mailbox],
                AddressEntry::Group(members) => members,
            });
            Ok(Some(StrongField { mailboxes: mailboxes.collect(), strong }))
        }
        (Ok(_), _) | (Err(_), None) => Ok(None),
        (Err(error), Some(name)) => Err(DemandsError::Recipients(RecipientsError { field: name, error })),
    }
}

fn named(strong: &StrongAddress) -> Option<&NamedKey> {
    match &strong.demand {
        KeyDemand::Key(named) | KeyDemand::Introducer(named) => Some(named),
        KeyDemand::None | KeyDemand::Verified => None,
    }
}

/// Whether a mail answers another one. The Subject is asked too: who wants to be answered without
/// being noticed leaves the Message-ID out.
fn answers(headers: &HeaderSection<'_>) -> bool {
    let has_prefix = |text: String| {
        // Chinese and Japanese programs write the colon of full width.
        let Some((prefix, _)) = text.split_once([':', '\u{ff1a}']) else { return false };
        let prefix = prefix.trim();
        !prefix.is_empty() && prefix.chars().count() <= 5 && !prefix.contains(' ')
    };
    ["In-Reply-To", "References"].iter().any(|name| headers.count(name) > 0)
        || headers.all("Subject").any(|field| has_prefix(field.text()))
}

/// What the person writes into Subject and its like is their own; in other fields a mail program
/// may have repeated the addresses.
fn require_gone(mail: &[u8], addresses: &[StrongAddress]) -> Result<(), DemandsError> {
    let headers = HeaderSection::read(mail).map_err(DemandsError::Mail)?;
    let names: Vec<&NamedKey> = addresses.iter().filter_map(named).collect();
    let is_text =
        |field: &HeaderField<'_>| ["Subject", "Comments", "Keywords"].iter().any(|name| field.is(name));
    let repeating = headers.fields().filter(|field| !is_text(field)).find(|field| {
        let (raw, text) = (String::from_utf8_lossy(&field.unfolded()).into_owned(), field.text());
        names.iter().any(|key| key.is_in(&raw) || key.is_in(&text))
    });
    match repeating {
        Some(field) => Err(DemandsError::Elsewhere { field: field.name().to_owned() }),
        None => Ok(()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::address::StrongAddressError;
    use crate::mail::{MailboxError, recipients};

    const KID: &str = "MBJH-UVS2-Z2Q4-OF7C-MGP6-ZLO7-BJMY";

    fn undemanded(mail: &str) -> (String, Undemanded) {
        let read = without_demands(mail.as_bytes()).unwrap();
        let text = read.mail.clone().unwrap_or_else(|| mail.as_bytes().to_vec());
        (String::from_utf8(text).unwrap(), read)
    }

    #[test]
    fn a_mail_without_demands_stays_as_it_is() {
        let mail = b"From: a@example.org\nTo: A b <bob@example.org> (x), g: c@example.org;\n\n?\n";
        let read = without_demands(mail).unwrap();
        assert!(read.mail.is_none() && read.addresses.is_empty());
    }

    #[test]
    fn each_form_is_read_and_goes() {
        for (field, left) in [
            (format!("{KID}?alice@example.org"), "alice@example.org"),
            (format!("{KID}??alice@example.org"), "alice@example.org"),
            (format!("alice@example.org={}", KID.to_lowercase()), "alice@example.org"),
            ("?alice@example.org".to_owned(), "alice@example.org"),
            (format!("Alice <{KID}?alice@example.org>"), "Alice <alice@example.org>"),
            (format!("\"{KID}?alice@example.org\" <{KID}?alice@example.org>"), "alice@example.org"),
            ("\"?alice@example.org\" <?alice@example.org>".to_owned(), "alice@example.org"),
            (format!("Friends: {KID}?alice@example.org, b@example.org;"), "alice@example.org, b@example.org"),
            (format!("({KID})\r\n {KID}?alice@example.org"), "alice@example.org"),
        ] {
            let (text, read) = undemanded(&format!("To: {field}\r\nX: y\r\n\r\nHello {KID}\r\n"));
            assert_eq!(text, format!("To: {left}\r\nX: y\r\n\r\nHello {KID}\r\n"), "{field}");
            assert_eq!(read.addresses.len(), 1);
            assert_eq!(read.origin, DemandOrigin::NewMail);
            let headers = HeaderSection::read(text.as_bytes()).unwrap();
            assert_eq!(recipients(&headers).unwrap().to[0], read.addresses[0].address);
        }
    }

    #[test]
    fn line_ends_stay_and_other_address_fields_are_cleared_too() {
        let mail = format!("From: {KID}?a@example.org\nReply-To: ?b@example.org\nTo: c@example.org\n\nx\n");
        let (text, read) = undemanded(&mail);
        assert_eq!(text, "From: a@example.org\nReply-To: b@example.org\nTo: c@example.org\n\nx\n");
        assert!(read.addresses.is_empty(), "there a demand means nothing");
    }

    #[test]
    fn who_answers_may_not_have_typed_it() {
        for field in [
            "In-Reply-To: <1@example.org>",
            "References: <1@example.org>",
            "Subject: Re: x",
            "Subject: AW: x",
            "Subject: \u{56de}\u{590d}\u{ff1a}x",
        ] {
            let (_, read) = undemanded(&format!("{field}\nCc: {KID}?alice@example.org\n\nx\n"));
            assert_eq!(read.origin, DemandOrigin::Answer, "{field}");
        }
        let (_, read) = undemanded(&format!("Subject: plans\nCc: {KID}?alice@example.org\n\nx\n"));
        assert_eq!(read.origin, DemandOrigin::NewMail);
    }

    #[test]
    fn a_demand_that_is_mistyped_or_repeated_elsewhere_is_not_sent() {
        let error = without_demands(b"To: MBJH-UVS2?alice@example.org\n\n").unwrap_err();
        let expected = MailboxError::Demand(StrongAddressError::Fingerprint);
        assert_eq!(error, DemandsError::Recipients(RecipientsError { field: "To", error: expected }));
        let mail = format!(
            "To: {KID}?alice@example.org\nX-Original-To: <{}?alice@example.org>\n\n",
            KID.to_lowercase()
        );
        let encoded =
            format!("To: {KID}?alice@example.org\nX-Copy: =?utf-8?q?{}?=\n\n", KID.replace('-', "=2D"));
        assert!(without_demands(encoded.as_bytes()).is_err());
        let error = without_demands(mail.as_bytes()).unwrap_err();
        assert_eq!(error, DemandsError::Elsewhere { field: "X-Original-To".to_owned() });
    }
}
