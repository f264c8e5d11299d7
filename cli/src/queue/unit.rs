//! What is put into the queue.

use counterseal_core::address::EmailAddress;

use super::Message;

/// Where one message goes, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unit {
    /// The account of `config.toml` that sends it.
    pub(crate) account: String,
    /// The reverse-path; nothing for the null one.
    pub(crate) sender: Option<EmailAddress>,
    /// Who gets it. Local parts that name a key (strong addresses) were replaced before.
    pub(crate) recipients: Vec<Recipient>,
    /// The Message-ID, with the angle brackets.
    pub(crate) message_id: String,
    /// What the server must offer.
    pub(crate) requires: Requires,
    /// What a report of others is to hold (RET of RFC 3461).
    pub(crate) return_content: Option<ReturnContent>,
    /// ENVID of RFC 3461, in xtext.
    pub(crate) envelope_id: Option<String>,
}

/// A message with where it goes. Its line ends are CRLF, the last line has one too, and there are no dots added.
#[derive(Clone)]
pub(crate) struct Addressed {
    pub(crate) unit: Unit,
    pub(crate) message: Message,
}

/// Who gets a message, and what its sender wants to know of that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Recipient {
    /// The forward-path.
    pub(crate) address: EmailAddress,
    /// When a report is wanted (NOTIFY of RFC 3461); nothing said is the server's choice.
    pub(crate) notify: Option<Notify>,
    /// ORCPT of RFC 3461, with its type, in xtext.
    pub(crate) original: Option<String>,
}

impl Recipient {
    /// Without wishes.
    pub(crate) const fn new(address: EmailAddress) -> Self {
        Self { address, notify: None, original: None }
    }
}

/// When a report is wanted; none of the three is NEVER.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Notify {
    pub(crate) success: bool,
    pub(crate) failure: bool,
    pub(crate) delay: bool,
}

/// How much of the message a report is to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReturnContent {
    /// All of it.
    Full,
    /// Its header.
    Headers,
}

/// What a message needs of the server beside RFC 5321.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Requires {
    /// An address or a header field has characters beyond ASCII (RFC 6531).
    pub(crate) smtputf8: bool,
    /// The body has octets beyond ASCII (RFC 6152).
    pub(crate) eight_bit: bool,
    /// All servers on the way are to speak verified TLS (RFC 8689).
    pub(crate) tls: bool,
}

/// A mail that is not sent: the policy refused it, or a key is missing.
pub(crate) struct Held {
    /// The envelope as it was asked for; the message is the mail as it was given, sealed to its sender.
    pub(crate) mail: Addressed,
    /// Why, in words for a person.
    pub(crate) reason: String,
    /// Whether it is to be sent by itself once the key is found. Else only `cseal queue release` sends it.
    pub(crate) waits: bool,
}
