//! The queue, in words and as JSON.

use counterseal_core::address::EmailAddress;
use serde::Serialize;

use super::json::line;
use crate::clock;
use crate::commands::queue::SpoolReport;
use crate::failure::Failure;
use crate::queue::{Box, Delivery, Id, Mail, QueueError, Rest, Summary};
use crate::terminal::{self, SafeText};

/// The list of all mails as it grows. None of them stays open for it: there may be more than files can be open.
pub(crate) struct Listing {
    lines: Vec<String>,
    mails: Vec<MailObject>,
    json: bool,
}

impl Listing {
    /// An empty one.
    pub(crate) const fn new(json: bool) -> Self {
        Self { lines: Vec::new(), mails: Vec::new(), json }
    }

    /// Adds a mail, or why it cannot be read; with whose it is, where root looks at the mail of all users. How many
    /// recipients are listed of it.
    pub(crate) fn add(
        &mut self,
        id: &Id,
        place: Box,
        user: Option<u32>,
        found: &Result<Mail, QueueError>,
    ) -> usize {
        if self.json {
            self.mails.push(MailObject::of_found(id, place, user, found));
        } else {
            self.lines.extend(row(id, place, user, found));
        }
        let units = found.as_ref().map_or(&[][..], |mail| &mail.units);
        units.iter().map(|unit| unit.recipients.len()).sum()
    }
}

#[derive(Serialize)]
struct ListObject<'a> {
    version: u32,
    mails: &'a [MailObject],
    servers: Vec<ServerObject<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    wrong: Vec<WrongObject<'a>>,
}

/// A spool that cannot be looked into.
#[derive(Serialize)]
struct WrongObject<'a> {
    user: u32,
    message: &'a str,
}

#[derive(Serialize)]
struct ServerObject<'a> {
    account: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<u32>,
    message: &'a str,
}

#[derive(Serialize)]
struct MailObject {
    id: String,
    #[serde(rename = "box")]
    place: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    damaged: Option<String>,
    #[serde(flatten)]
    content: Option<ContentObject>,
}

#[derive(Serialize)]
struct ContentObject {
    committed: String,
    sender: String,
    account: String,
    message_id: String,
    bytes: u64,
    copies: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    waits: Option<bool>,
    recipients: Vec<RecipientObject>,
}

#[derive(Serialize)]
struct RecipientObject {
    address: String,
    state: &'static str,
    reply: String,
}

#[derive(Serialize)]
struct FlushedObject<'a> {
    version: u32,
    sent: usize,
    queued: usize,
    failed: usize,
    damaged: Vec<MailObject>,
    servers: Vec<ServerObject<'a>>,
}

#[derive(Serialize)]
struct IdsObject<'a> {
    version: u32,
    ids: Vec<&'a str>,
}

/// All mails, and servers that are left in peace.
pub(crate) fn list<'a>(
    Listing { lines, mails, json }: &Listing,
    servers: &'a [((String, Option<u32>), Rest)],
    wrong: &[(u32, String)],
) -> Result<(), Failure> {
    if *json {
        let server = |((account, user), rest): &'a ((String, Option<u32>), Rest)| ServerObject {
            account,
            user: *user,
            message: &rest.why,
        };
        let servers = servers.iter().map(server).collect();
        let wrong = wrong.iter().map(|(user, message)| WrongObject { user: *user, message }).collect();
        return print(&line(&ListObject { version: 1, mails, servers, wrong }));
    }
    if lines.is_empty() && wrong.is_empty() {
        return print("the queue is empty");
    }
    let mut lines = lines.clone();
    for ((account, user), rest) in servers {
        let whose = user.map(|user| format!("user {user}: ")).unwrap_or_default();
        lines.push(format!("{whose}account {account}: {}", SafeText(&rest.why)));
    }
    lines.extend(wrong.iter().map(|(user, why)| format!("user {user}: {}", SafeText(why))));
    print(&lines.join("\n"))
}

fn row(id: &Id, place: Box, user: Option<u32>, found: &Result<Mail, QueueError>) -> Vec<String> {
    let id = user.map_or_else(|| id.to_string(), |user| format!("{id}  user {user:<5}"));
    let mail = match found {
        Ok(mail) => mail,
        Err(error) => return vec![format!("{id}  damaged  {}", SafeText(&error.to_string()))],
    };
    let everybody: Vec<&EmailAddress> =
        mail.units.iter().flat_map(|unit| &unit.recipients).map(|recipient| &recipient.address).collect();
    let more = match everybody.len() {
        0 | 1 => String::new(),
        count => format!(" and {} more", count - 1),
    };
    let first = everybody.first().map(ToString::to_string).unwrap_or_default();
    let (age, size, word) = (age(mail), size(mail.bytes()), place.word());
    let mut lines =
        vec![format!("{id}  {word:<6}  {age:>6}  {size:>8}  {} to {}{more}", sender(mail), SafeText(&first))];
    if let Some(why) = why(mail) {
        lines.push(format!("    {}", SafeText(&why)));
    }
    lines
}

/// Why it is still there, on one line: what is wrong with the first recipient says more than how many cannot be written to.
fn why(mail: &Mail) -> Option<String> {
    let reason =
        mail.reason.as_ref().and_then(|reason| reason.lines().nth(1).or_else(|| reason.lines().next()));
    let reason = reason.map(str::to_owned);
    let said = mail.refused().into_iter().chain(mail.waiting()).map(|(_, reply)| reply);
    reason.or_else(|| said.into_iter().find(|reply| !reply.is_empty()))
}

fn sender(mail: &Mail) -> String {
    let sender = mail.units.first().and_then(|unit| unit.sender.as_ref());
    sender.map_or_else(|| "<>".to_owned(), |sender| SafeText(&sender.to_string()).to_string())
}

fn age(mail: &Mail) -> String {
    let seconds = clock::now().unix_seconds().saturating_sub(mail.committed.unix_seconds()).max(0);
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7199 => format!("{} min", seconds / 60),
        7200..=172_799 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

fn size(bytes: u64) -> String {
    match bytes {
        0..=9999 => format!("{bytes} B"),
        10_000..=9_999_999 => format!("{} kB", bytes / 1000),
        _ => format!("{} MB", bytes / 1_000_000),
    }
}

/// One mail.
pub(crate) fn show(mail: &Mail, is_of_machine: bool, json: bool) -> Result<(), Failure> {
    if json {
        #[derive(Serialize)]
        struct Object {
            version: u32,
            #[serde(flatten)]
            mail: MailObject,
        }
        return print(&line(&Object { version: 1, mail: MailObject::of_mail(mail) }));
    }
    let unit = mail.units.first();
    let mut lines = vec![
        format!("{}  {}", mail.id, mail.place.word()),
        format!("  accepted   {}", mail.committed.to_rfc3339()),
        format!("  sender     {}", sender(mail)),
        format!("  message    {}", SafeText(unit.map_or("", |unit| unit.message_id.as_str()))),
        format!("  account    {}", SafeText(unit.map_or("", |unit| unit.account.as_str()))),
        format!("  size       {} in {}", size(mail.bytes()), copies(mail.units.len())),
    ];
    let reason = mail.reason.iter().flat_map(|reason| reason.lines());
    lines.extend(reason.map(|reason| format!("  held       {}", SafeText(reason))));
    for recipient in recipients(mail) {
        let address = SafeText(&recipient.address).to_string();
        lines.push(
            format!("  {:<10} {address}   {}", recipient.state, SafeText(&recipient.reply))
                .trim_end()
                .to_owned(),
        );
    }
    if mail.place == Box::Held {
        // What the machine holds is sealed to the reader of root's mail, and only they can open it.
        let to = if is_of_machine { " (to who reads the mail of root)" } else { "" };
        lines.push(format!("  next       cseal queue release {0}{to}, or cseal queue drop {0}", mail.id));
    }
    print(&lines.join("\n"))
}

fn copies(count: usize) -> String {
    if count == 1 { "1 copy".to_owned() } else { format!("{count} copies") }
}

fn recipients(mail: &Mail) -> Vec<RecipientObject> {
    let groups = [("sent", mail.accepted()), ("waiting", mail.waiting()), ("refused", mail.refused())];
    let objects = groups.into_iter().flat_map(|(state, people)| {
        people.into_iter().map(move |(address, reply)| RecipientObject {
            address: address.to_string(),
            state,
            reply,
        })
    });
    objects.collect()
}

/// What a run did.
pub(crate) fn flushed(summary: &Summary, json: bool) -> Result<(), Failure> {
    if json {
        let damaged = summary.damaged.iter().map(|(id, why)| MailObject {
            id: id.to_string(),
            place: Box::New.word(),
            user: None,
            damaged: Some(why.clone()),
            content: None,
        });
        let servers = summary
            .troubles
            .iter()
            .map(|(account, message)| ServerObject { account, user: None, message })
            .collect();
        let Summary { sent, queued, failed, .. } = *summary;
        return print(&line(&FlushedObject {
            version: 1,
            sent,
            queued,
            failed,
            damaged: damaged.collect(),
            servers,
        }));
    }
    let mut lines =
        vec![format!("{} sent, {} waiting, {} failed", summary.sent, summary.queued, summary.failed)];
    let troubles =
        summary.troubles.iter().map(|(account, why)| format!("account {account}: {}", SafeText(why)));
    lines.extend(troubles);
    lines.extend(summary.damaged.iter().map(|(id, why)| format!("{id}  damaged  {}", SafeText(why))));
    print(&lines.join("\n"))
}

#[derive(Serialize)]
struct FlushedAllObject<'a> {
    version: u32,
    sent: usize,
    queued: usize,
    failed: usize,
    spools: &'a [SpoolReport],
    others: &'a [String],
    #[serde(skip_serializing_if = "is_nothing")]
    more: usize,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde passes a reference
const fn is_nothing(number: &usize) -> bool {
    *number == 0
}

/// What a run over the spools of all users did.
pub(crate) fn flushed_all(
    spools: &[SpoolReport],
    others: &[String],
    more: usize,
    json: bool,
) -> Result<(), Failure> {
    let sum = |count: fn(&SpoolReport) -> usize| spools.iter().map(count).sum::<usize>();
    let (sent, queued, failed) =
        (sum(|spool| spool.sent), sum(|spool| spool.queued), sum(|spool| spool.failed));
    if json {
        return print(&line(&FlushedAllObject { version: 1, sent, queued, failed, spools, others, more }));
    }
    let mut lines = vec![format!("{sent} sent, {queued} waiting, {failed} failed")];
    for spool in spools {
        let said = spool.servers.iter().chain(&spool.wrong);
        lines.extend(said.map(|what| format!("user {}: {}", spool.user, SafeText(what))));
    }
    lines.extend(others.iter().map(|name| format!("{}: no spool of anybody's", SafeText(name))));
    lines.extend((more > 0).then(|| format!("{more} more lie there, and were not looked at")));
    print(&lines.join("\n"))
}

/// What was thrown away.
pub(crate) fn dropped(ids: &[Id], json: bool) -> Result<(), Failure> {
    if json {
        return print(&line(&IdsObject { version: 1, ids: ids.iter().map(Id::as_str).collect() }));
    }
    print(&ids.iter().map(|id| format!("dropped {id}")).collect::<Vec<_>>().join("\n"))
}

/// A mail that was held, and is held no more.
pub(crate) struct Released {
    /// Its new name.
    pub(crate) id: Id,
    /// What the first try came to, where there was one.
    pub(crate) delivery: Option<Delivery>,
}

impl Released {
    /// The word in JSON, and what was said.
    fn outcome(&self) -> (&'static str, String) {
        match &self.delivery {
            Some(Delivery::Sent) => ("sent", String::new()),
            Some(Delivery::Failed { refused, .. }) => {
                let said = refused.iter().map(|(address, said)| format!("{address} {said}"));
                ("failed", said.collect::<Vec<_>>().join("; "))
            }
            Some(Delivery::Queued(why)) => ("waiting", why.clone()),
            None => ("waiting", String::new()),
        }
    }

    fn words(&self) -> String {
        let (word, said) = self.outcome();
        let state = match word {
            "waiting" => "waits to be sent",
            "failed" => "refused by the server",
            sent => sent,
        };
        let said = if said.is_empty() { said } else { format!(": {}", SafeText(&said)) };
        format!("released as {}  {state}{said}", self.id)
    }
}

#[derive(Serialize)]
struct ReleasedObject<'a> {
    version: u32,
    ids: Vec<&'a str>,
    mails: Vec<OutcomeObject<'a>>,
}

#[derive(Serialize)]
struct OutcomeObject<'a> {
    id: &'a str,
    state: &'static str,
    message: String,
}

/// Under which names mails that were held are sent, and what came of it.
pub(crate) fn released(mails: &[Released], json: bool) -> Result<(), Failure> {
    if json {
        let ids = mails.iter().map(|mail| mail.id.as_str()).collect();
        let outcomes = mails.iter().map(|mail| {
            let (state, message) = mail.outcome();
            OutcomeObject { id: mail.id.as_str(), state, message }
        });
        return print(&line(&ReleasedObject { version: 1, ids, mails: outcomes.collect() }));
    }
    print(&mails.iter().map(Released::words).collect::<Vec<_>>().join("\n"))
}

impl MailObject {
    fn of_found(id: &Id, place: Box, user: Option<u32>, found: &Result<Mail, QueueError>) -> Self {
        match found {
            Ok(mail) => Self { user, ..Self::of_mail(mail) },
            Err(error) => {
                let (id, place) = (id.to_string(), place.word());
                Self { id, place, user, damaged: Some(error.to_string()), content: None }
            }
        }
    }

    fn of_mail(mail: &Mail) -> Self {
        let unit = mail.units.first();
        let content = ContentObject {
            committed: mail.committed.to_rfc3339(),
            sender: unit.and_then(|unit| unit.sender.as_ref()).map(ToString::to_string).unwrap_or_default(),
            account: unit.map(|unit| unit.account.clone()).unwrap_or_default(),
            message_id: unit.map(|unit| unit.message_id.clone()).unwrap_or_default(),
            bytes: mail.bytes(),
            copies: mail.units.len(),
            reason: mail.reason.clone(),
            waits: (mail.place == Box::Held).then_some(mail.waits),
            recipients: recipients(mail),
        };
        let (id, place) = (mail.id.to_string(), mail.place.word());
        Self { id, place, user: None, damaged: None, content: Some(content) }
    }
}

fn print(text: &str) -> Result<(), Failure> {
    terminal::print(&format!("{text}\n")).map_err(|error| Failure::io("standard output", &error))
}
