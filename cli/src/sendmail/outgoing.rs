//! What becomes of a mail: by the policy of each recipient, and of the mail as a whole.

use std::io::Cursor;

use counterseal_core::address::{EmailAddress, KeyDemand};
use counterseal_core::limits::QUEUE_FILE_BYTES;
use counterseal_core::mail::{HeaderSection, author, message_identifiers};
use counterseal_core::message::{self, Recipient};
use counterseal_core::policy::{
    Accepted, Encrypt, Mixed, Refusal, Sending, Treatment, WholeMail, whole_mail,
};
use counterseal_core::submission::{self, Delivery, Invocation, ReturnWhat, Submission};
use counterseal_core::trust::Pin;

use super::house::House;
use super::rejection::{Code, Rejection};
use super::seal::{self, Copy};
use super::wanted::Envelope;
use crate::args;
use crate::commands::history::Sent;
use crate::commands::readers::Directory;
use crate::commands::signer::SigningIdentity;
use crate::commands::store::{self, Unlock};
use crate::failure::Failure;
use crate::queue::{self, Addressed, Held, Requires, Unit};
use crate::render::write::refusals;
use crate::sealed::is_sealed;
use crate::store::StoreKeys;

/// A mail, whom it is for, and what is wished of its delivery.
pub(super) struct Mail {
    pub(super) taken: Submission,
    pub(super) envelope: Envelope,
    pub(super) wishes: Wishes,
}

/// What is wished of the delivery.
#[derive(Clone, Debug, Default)]
pub(super) struct Wishes {
    pub(super) account: Option<String>,
    pub(super) return_what: Option<ReturnWhat>,
    pub(super) envelope_identifier: Option<String>,
    pub(super) require_tls: bool,
    pub(super) keeps_refused: bool,
    pub(super) delivery: Delivery,
    pub(super) verbose: bool,
}

impl Wishes {
    /// By the command line.
    pub(super) fn of(invocation: &Invocation) -> Self {
        let account = invocation.account.as_deref();
        Self {
            account: account.map(|name| String::from_utf8_lossy(name).into_owned()),
            return_what: invocation.return_what,
            envelope_identifier: invocation.envelope_identifier.clone(),
            require_tls: invocation.require_tls,
            keeps_refused: invocation.keeps_refused,
            delivery: invocation.delivery,
            verbose: invocation.verbose,
        }
    }
}

/// What becomes of a mail.
pub(super) enum Outcome {
    /// It is sent.
    Send(Ready),
    /// It waits for a key, and is ours.
    Hold(Held, Failure),
    /// It is not sent. A copy is kept where the sender has a key for it.
    Refuse(Option<Held>, Rejection),
}

/// The copies of a mail, ready to be sent.
pub(super) struct Ready {
    pub(super) copies: Vec<Addressed>,
    pub(super) sent: Vec<Sent>,
    pub(super) pins: Vec<Pin>,
    /// What a person wants to know who asks for it.
    pub(super) notes: Vec<String>,
}

/// Decides, and makes the copies.
pub(super) fn outcome(house: &mut House, mail: &Mail) -> Result<Outcome, Rejection> {
    house.look_up(&mail.envelope.wanted)?;
    let house = &*house;
    let answers_encrypted = answers_encrypted(house, &mail.taken.text)?;
    let directory = Directory { answers_encrypted, ..house.directory()? };
    let own = own(house, mail);
    let account =
        house.account(mail.wishes.account.as_deref(), mail.envelope.sender.as_ref(), own.as_ref())?;
    let job = Job { house, mail, directory: &directory, own, account };
    let mut sorted = match job.sorted() {
        Ok(sorted) => sorted,
        Err((refused, waits)) => return job.refused(*refused, waits),
    };
    match whole_mail(&sorted.rows, sorted.mixed.unwrap_or(Mixed::Refuse)) {
        WholeMail::Encrypt | WholeMail::Split => {}
        WholeMail::Plain => sorted.all_plain(),
        WholeMail::Hold => return job.refused(mixed(&sorted), !house.is_of_machine()),
        WholeMail::Refuse(_) => return job.refused(mixed(&sorted), false),
    }
    match job.ready(sorted) {
        Ok(ready) => Ok(Outcome::Send(ready)),
        // Whoever cannot sign now may be able to later: the mail is not lost.
        Err(rejection) if rejection.code == Code::Permission => job.refused(*rejection.failure, false),
        Err(rejection) => Err(rejection),
    }
}

/// Whether a mail answers one that was encrypted here. Answers quote, so nothing of it goes out in clear.
fn answers_encrypted(house: &House, text: &[u8]) -> Result<bool, Failure> {
    let (Some(store), Ok(header)) = (&house.store, HeaderSection::read(text)) else { return Ok(false) };
    let named = ["In-Reply-To", "References"].map(|field| message_identifiers(&header, field));
    let names: Vec<[u8; 32]> = named.iter().flatten().map(|name| message::message_name(name)).collect();
    Ok(store.was_encrypted(&names)?)
}

/// Whose mail it is: the author's, or of one who sends an old mail again.
fn own(house: &House, mail: &Mail) -> Option<EmailAddress> {
    let header = HeaderSection::read(&mail.taken.text).ok()?;
    let author = author(&header).ok().map(|author| author.address);
    author.into_iter().chain(mail.taken.resent_from.clone()).find(|address| house.is_own(address))
}

struct Job<'a> {
    house: &'a House,
    mail: &'a Mail,
    directory: &'a Directory<'a>,
    own: Option<EmailAddress>,
    /// The account that sends it.
    account: String,
}

/// Recipients by what becomes of their mail.
#[derive(Default)]
struct Sorted {
    sealed: Vec<Recipient>,
    plain: Vec<(EmailAddress, bool)>,
    pins: Vec<Pin>,
    notes: Vec<String>,
    rows: Vec<(Sending, Encrypt, bool)>,
    mixed: Option<Mixed>,
}

impl Sorted {
    /// Nobody asked for encryption, and not everybody has a key: one mail, which all of them can read.
    fn all_plain(&mut self) {
        for Recipient { address, blind, .. } in self.sealed.drain(..) {
            self.notes.push(format!("plain: {address} (others have no key)"));
            self.plain.push((address, blind));
        }
    }
}

fn no_signing_key() -> Failure {
    Failure::no("no-signing-key", "the policy asks for a signature, and this machine has no key")
        .hint("write sign = \"no\" into the policy, or send with keys of your own")
}

fn mixed(sorted: &Sorted) -> Failure {
    let details =
        sorted.plain.iter().map(|(address, _)| format!("{address}   no-key: no certificate is known"));
    Failure::no("mixed", "some recipients can be encrypted to, and some cannot")
        .details(details.collect())
        .hint("get their keys: `cseal keys find ADDRESS`, or `cseal keys import` of a signed mail of theirs")
}

impl Job<'_> {
    /// Everybody by what becomes of their mail, or why it is not sent, and whether it waits for keys then.
    fn sorted(&self) -> Result<Sorted, (Box<Failure>, bool)> {
        let Self { directory, mail, .. } = self;
        let mut sorted = Sorted::default();
        let mut refused = Vec::new();
        let least = if mail.taken.asks_for_encryption { Encrypt::Require } else { Encrypt::Never };
        for wanted in &mail.envelope.wanted {
            let rule = self.house.policy.for_address(&wanted.address, self.house.at);
            sorted.mixed = Some(sorted.mixed.map_or(rule.mixed, |mixed| mixed.max(rule.mixed)));
            let address = wanted.address.clone();
            let sending = match directory.sending(wanted, least) {
                Ok(Treatment::Plain) => {
                    sorted.notes.push(format!("plain: {address} (no key)"));
                    sorted.plain.push((address.clone(), wanted.blind));
                    Sending::Plain
                }
                Ok(Treatment::Encrypt(met)) => {
                    sorted.pins.extend(met.pin);
                    let accepted = met.accepted;
                    let address = address.clone();
                    sorted.sealed.push(Recipient { address, accepted, blind: wanted.blind });
                    met.ended_days.map_or(Sending::Encrypt, |days| Sending::EncryptToExpired { days })
                }
                Err(refusal) => {
                    refused.push((address.to_string(), refusal));
                    continue;
                }
            };
            sorted.rows.push((sending, rule.encrypt.max(least), directory.was_encrypted(&address)));
        }
        if refused.is_empty() {
            return Ok(sorted);
        }
        let is_missing = |(_, refusal): &(String, Refusal)| {
            matches!(refusal, Refusal::NoKey | Refusal::WasEncrypted | Refusal::Expired { .. })
        };
        // What the machine keeps, it cannot open again: nothing of it waits for a key.
        let can_wait = !self.house.is_of_machine();
        let waits = can_wait && sorted.mixed == Some(Mixed::Hold) && refused.iter().all(is_missing);
        Err((Box::new(refusals(&refused)), waits))
    }

    fn ready(&self, sorted: Sorted) -> Result<Ready, Rejection> {
        let (house, text) = (self.house, &self.mail.taken.text);
        if is_sealed(&mut Cursor::new(text.as_slice())) {
            return self.as_it_is(sorted);
        }
        let copies = sorted.sealed.iter().filter(|one| one.blind).count() as u64 + 2;
        if copies.saturating_mul(text.len() as u64) > QUEUE_FILE_BYTES {
            return Err(Rejection::new(
                Code::Data,
                Failure::unknown("limit", "the mail is too large for so many Bcc recipients"),
            ));
        }
        let keys =
            house.store.as_ref().map(|store| store::keys(store, Unlock::without_asking())).transpose()?;
        let everybody = sorted.sealed.iter().map(|one| &one.address);
        let everybody = everybody.chain(sorted.plain.iter().map(|(address, _)| address));
        let identity = if self.directory.wants_signature(everybody) && !self.is_of_somebody_else() {
            let signing = args::Signing::default();
            let author = self.author();
            let (Some(store), Some(keys)) = (&house.store, &keys) else {
                return Err(no_signing_key().into());
            };
            Some(SigningIdentity::from_store(store, keys, &signing, author.as_ref(), house.at)?)
        } else {
            None
        };
        let signer = identity.as_ref().zip(keys.as_ref()).map(|(identity, keys)| identity.signer(keys));
        let failed = |rejection: Rejection| match keys.as_ref().and_then(StoreKeys::failure) {
            Some(failure) => Rejection::new(Code::Permission, failure),
            None => rejection,
        };
        let own = self.own_key();
        let mut ready =
            Ready { copies: Vec::new(), sent: Vec::new(), pins: sorted.pins, notes: sorted.notes };
        if !sorted.sealed.is_empty() {
            let copies = seal::sealed(text, &sorted.sealed, signer.as_ref(), own.as_ref(), house.at);
            ready.copies.extend(copies.map_err(failed)?.into_iter().map(|copy| self.addressed(copy)));
        }
        if !sorted.plain.is_empty() {
            let message = seal::plain(text, signer.as_ref(), house.at).map_err(failed)?;
            let blind = |is_blind: bool| {
                sorted.plain.iter().filter(move |(_, blind)| *blind == is_blind).map(|(one, _)| one.clone())
            };
            let open: Vec<EmailAddress> = blind(false).collect();
            let groups =
                (!open.is_empty()).then_some(open).into_iter().chain(blind(true).map(|one| vec![one]));
            for recipients in groups {
                let smtputf8 = needs_utf8(&message, &recipients);
                ready.copies.push(self.addressed(Copy { message: message.clone(), recipients, smtputf8 }));
            }
        }
        let name = self.message_id().map(|identifier| message::message_name(&identifier));
        let others =
            sorted.sealed.into_iter().filter(|one| !self.own.iter().any(|own| own.matches(&one.address)));
        ready.sent.extend(others.filter_map(|one| {
            let certificate = one.accepted.certificate()?.clone();
            Some(Sent { address: one.address, certificate, message: name })
        }));
        Ok(ready)
    }

    /// A mail that a program sealed for its readers, whose keys were found good enough: nothing is added to it.
    fn as_it_is(&self, sorted: Sorted) -> Result<Ready, Rejection> {
        let message = seal::plain(&self.mail.taken.text, None, self.house.at)?;
        let readers = sorted.sealed.into_iter().map(|one| (one.address, one.blind));
        let (blind, open): (Vec<_>, Vec<_>) = readers.chain(sorted.plain).partition(|(_, blind)| *blind);
        let open: Vec<EmailAddress> = open.into_iter().map(|(address, _)| address).collect();
        let groups = std::iter::once(open).chain(blind.into_iter().map(|(address, _)| vec![address]));
        let copies = groups.filter(|group| !group.is_empty()).map(|recipients| {
            let smtputf8 = needs_utf8(&message, &recipients);
            self.addressed(Copy { message: message.clone(), recipients, smtputf8 })
        });
        let notes = vec!["the mail is sealed already, and goes as it is".to_owned()];
        Ok(Ready { copies: copies.collect(), sent: Vec::new(), pins: sorted.pins, notes })
    }

    /// Whether an old mail of somebody else is sent again: what its author signed stays, and nobody can
    /// sign it for them.
    fn is_of_somebody_else(&self) -> bool {
        self.mail.taken.resent_from.is_some() && self.own != self.author()
    }

    fn author(&self) -> Option<EmailAddress> {
        let header = HeaderSection::read(&self.mail.taken.text).ok()?;
        author(&header).ok().map(|author| author.address)
    }

    /// The sender's own key. Who has none writes all the same, but cannot read it later.
    fn own_key(&self) -> Option<Accepted> {
        self.own.as_ref().and_then(|own| self.directory.one(own).ok())
    }

    fn message_id(&self) -> Option<String> {
        let header = HeaderSection::read(&self.mail.taken.text).ok()?;
        message_identifiers(&header, "Message-ID").into_iter().next()
    }

    fn addressed(&self, copy: Copy) -> Addressed {
        let Self { mail: Mail { envelope, wishes, .. }, .. } = self;
        let recipients = copy.recipients.into_iter().map(|address| {
            let wish = envelope.notify.iter().find(|(other, _)| *other == address).map(|(_, wish)| *wish);
            queue::Recipient { notify: wish.map(notify), ..queue::Recipient::new(address) }
        });
        let message_id = self.message_id().map(|identifier| format!("<{identifier}>")).unwrap_or_default();
        let return_content = wishes.return_what.map(|what| match what {
            ReturnWhat::Full => queue::ReturnContent::Full,
            ReturnWhat::Headers => queue::ReturnContent::Headers,
        });
        let eight_bit = !copy.message.is_ascii();
        let unit = Unit {
            account: self.account.clone(),
            sender: envelope.sender.clone(),
            recipients: recipients.collect(),
            message_id,
            requires: Requires { smtputf8: copy.smtputf8, eight_bit, tls: wishes.require_tls },
            return_content,
            envelope_id: wishes.envelope_identifier.as_deref().map(xtext),
        };
        Addressed { unit, message: copy.message }
    }

    /// A mail that is not sent, with its reason: kept, sealed to its sender, who need not unlock anything
    /// for that.
    fn refused(&self, failure: Failure, waits: bool) -> Result<Outcome, Rejection> {
        let failure = if self.house.is_of_machine() {
            failure.hint("the administrator adds a certificate: cseal setup --system --certificate FILE")
        } else {
            failure
        };
        let keeps = (waits || self.mail.wishes.keeps_refused) && self.is_whole();
        let held = match self.keeper().filter(|_| keeps) {
            Some(keeper) => {
                let reason = std::iter::once(&failure.message).chain(&failure.details);
                let reason = reason.map(String::as_str).collect::<Vec<_>>().join("\n");
                Some(Held { mail: self.kept(keeper)?, reason, waits })
            }
            None => None,
        };
        Ok(match held {
            Some(held) if waits => Outcome::Hold(held, failure),
            held => Outcome::Refuse(held, needed(failure)),
        })
    }

    /// Whether the mail says of itself what was demanded of keys. What only the command line said would be
    /// forgotten by a copy.
    fn is_whole(&self) -> bool {
        let mut demanded = self.mail.envelope.wanted.iter().filter(|one| one.demand != KeyDemand::None);
        let named = &self.mail.taken.named;
        demanded.all(|one| {
            named.iter().any(|other| other.address.matches(&one.address) && other.demand == one.demand)
        })
    }

    /// Who can read a mail that is kept: its author, or the owner of the store.
    fn keeper(&self) -> Option<Recipient> {
        let people = self.own.iter().chain(&self.house.owner);
        people.into_iter().find_map(|address| {
            let accepted = self.directory.one(address).ok()?;
            Some(Recipient { address: address.clone(), accepted, blind: false })
        })
    }

    fn kept(&self, keeper: Recipient) -> Result<Addressed, Rejection> {
        let copies = seal::sealed(&self.mail.taken.original(), &[keeper], None, None, self.house.at)?;
        let sealed =
            copies.into_iter().next().ok_or(message::WriteError::NoRecipients).map_err(Failure::from)?;
        let recipients = self.mail.envelope.wanted.iter().map(|wanted| wanted.address.clone()).collect();
        Ok(self.addressed(Copy { recipients, smtputf8: false, ..sealed }))
    }
}

/// The words by which programs know why.
fn needed(failure: Failure) -> Rejection {
    let message = format!("5.7.10 Encryption needed: {}", failure.message);
    Rejection::new(Code::Permission, Failure { message, ..failure })
}

const fn notify(wish: submission::Notify) -> queue::Notify {
    queue::Notify { success: wish.success, failure: wish.failure, delay: wish.delay }
}

fn needs_utf8(message: &queue::Message, recipients: &[EmailAddress]) -> bool {
    !message.has_ascii_header() || recipients.iter().any(|address| !address.local_part().is_ascii())
}

/// RFC 3461, section 4.
fn xtext(text: &str) -> String {
    let character = |byte: u8| match byte {
        b'+' | b'=' => format!("+{byte:02X}"),
        byte => char::from(byte).to_string(),
    };
    text.bytes().map(character).collect()
}
