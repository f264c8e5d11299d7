//! Which server takes the mail of an address: asked of the domain, or of the person.

use std::time::{Duration, Instant};

use counterseal_core::address::EmailAddress;
use counterseal_core::discovery::{LogIn, MailServer, guesses};
use counterseal_core::policy::{Network, Policy};

use super::account::{NewAccount, of_server, url};
use super::mailbox;
use crate::account::{Account, RequireTls, Server, Way};
use crate::args;
use crate::failure::Failure;
use crate::lookup::{self, Finding, Offer, Publisher};
use crate::smtp::{Patience, Submission};
use crate::terminal::{ask_shown, can_ask};

/// How long a server that is only guessed may take to show a certificate.
const GUESS: Duration = Duration::from_secs(8);

/// Who named the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Named {
    /// The person, by an option.
    Person,
    /// The settings of msmtp.
    Msmtp,
    /// The domain, or a list.
    Published(Publisher),
    /// Nobody: it has a usual name, and a certificate for it.
    Guessed,
}

impl Named {
    /// The word in JSON.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Person => "option",
            Self::Msmtp => "msmtp",
            Self::Published(publisher) => publisher.word(),
            Self::Guessed => "guess",
        }
    }
}

/// The account that is to be written, and how its servers came into it.
pub(super) struct Planned {
    pub(super) account: NewAccount,
    pub(super) named: Named,
    /// What the person should know of it.
    pub(super) note: Option<String>,
}

/// A server that may get the password.
pub(super) struct Taken {
    pub(super) server: MailServer,
    pub(super) named: Named,
    /// Where the mailbox is, if that was said too. Whether it may get the password is to be seen.
    pub(super) mailbox: Option<Offer>,
}

/// The account by `--server`, or by what the domain says. `tell` is told what was asked, and what came of it.
pub(super) fn account(
    arguments: &args::Setup,
    address: &EmailAddress,
    policy: &Policy,
    tell: &mut dyn FnMut(&Finding),
) -> Result<Planned, Failure> {
    let command = arguments.password_command.as_deref();
    let made = |url: String, log_in, user: Option<String>| {
        of_server(&arguments.account, address, url, log_in, arguments.user.clone().or(user), command)
    };
    if let Some(server) = &arguments.server {
        let account = made(server.clone(), LogIn::Password, None)?;
        return Ok(Planned { account, named: Named::Person, note: None });
    }
    let taken = found(arguments, address, policy, tell)?;
    let mut account = made(url(&taken.server), taken.server.log_in, taken.server.user.clone())?;
    let note = mailbox::add(arguments, address, &taken, &mut account)?;
    Ok(Planned { account, named: taken.named, note })
}

fn found(
    arguments: &args::Setup,
    address: &EmailAddress,
    policy: &Policy,
    tell: &mut dyn FnMut(&Finding),
) -> Result<Taken, Failure> {
    let offline = lookup::is_forbidden();
    if offline || policy.network == Network::Never {
        let who = if offline { "--offline" } else { "network = \"never\" in the policy" };
        return Err(Failure::unknown("offline", format!("nothing is asked of the network: {who}"))
            .hint("name the server: --server smtps://smtp.example.org"));
    }
    let mut inquiry = Inquiry { address, policy, tell, troubles: Vec::new() };
    for publisher in lookup::publishers(arguments.ispdb) {
        if let Some(offer) = inquiry.of(publisher) {
            let mut taken = taken(arguments, address, offer, Named::Published(publisher))?;
            if publisher == Publisher::Srv {
                taken.mailbox = inquiry.mailbox();
            }
            return Ok(taken);
        }
    }
    if asks(arguments) {
        let publisher = Publisher::Ispdb;
        if !arguments.ispdb
            && allows_ispdb(address)?
            && let Some(offer) = inquiry.of(publisher)
        {
            return taken(arguments, address, offer, Named::Published(publisher));
        }
        if let Some(server) = guesses(address).into_iter().find(answers) {
            let offer = Offer { server, mailbox: None, is_authenticated: false };
            return taken(arguments, address, offer, Named::Guessed);
        }
    }
    let message = format!("{} does not say which server takes your mail", address.domain());
    Err(Failure::unknown("no-server", message).details(inquiry.troubles).hint(format!(
        "your provider knows its name: cseal setup {address} --server smtps://smtp.example.org"
    )))
}

/// Asking one after the other.
struct Inquiry<'a> {
    address: &'a EmailAddress,
    policy: &'a Policy,
    tell: &'a mut dyn FnMut(&Finding),
    /// Who could not be asked, or answered what nobody can use.
    troubles: Vec<String>,
}

impl Inquiry<'_> {
    fn of(&mut self, publisher: Publisher) -> Option<Offer> {
        let mut named = None;
        for finding in publisher.ask(self.address, &self.policy.lookups) {
            (self.tell)(&finding);
            match finding.outcome {
                Ok(offer) => named = named.or(offer),
                Err(trouble) => {
                    self.troubles.push(format!("{}   {}: {}", finding.asked, trouble.word, trouble.message));
                }
            }
        }
        named
    }

    /// Who sends by what the DNS says has a mailbox by it too. It is none of the troubles where it has not.
    fn mailbox(&mut self) -> Option<Offer> {
        let finding = lookup::mailbox_by_service(self.address, &self.policy.lookups)?;
        (self.tell)(&finding);
        finding.outcome.ok().flatten()
    }
}

/// The list is somebody else's, and learns the domain.
fn allows_ispdb(address: &EmailAddress) -> Result<bool, Failure> {
    let domain = address.domain();
    let question = format!(
        "{domain} does not say which server takes your mail. May the list of Thunderbird be asked? It learns that you \
         use {domain} (yes or no)"
    );
    let answer = ask_shown(&question).map_err(|error| Failure::io("the terminal", &error))?;
    Ok(matches!(answer.as_deref(), Some("yes" | "y")))
}

/// A server that is proven to be the domain's own word and its own host is taken; about every other one the person decides.
fn taken(
    arguments: &args::Setup,
    address: &EmailAddress,
    offer: Offer,
    named: Named,
) -> Result<Taken, Failure> {
    let why = doubt(&offer, address, named);
    let Offer { server, mailbox, is_authenticated } = offer;
    let shown = url(&server);
    let mailbox = mailbox.map(|server| Offer { server, mailbox: None, is_authenticated });
    let taken = Taken { server, named, mailbox };
    let Some(why) = why else { return Ok(taken) };
    let message = format!("{shown} was found by {}, and {why}", named.word());
    if !asks(arguments) {
        return Err(Failure::unknown("server-unproven", message)
            .hint(format!("if it is your server: cseal setup {address} --server {shown}")));
    }
    let question = format!("{message}.\nIt would get your password. Is it your server? (yes or no)");
    match ask_shown(&question).map_err(|error| Failure::io("the terminal", &error))?.as_deref() {
        Some("yes" | "y") => Ok(taken),
        _ => Err(Failure::unknown("cancelled", "not your server: nothing was written")
            .hint(format!("name it: cseal setup {address} --server smtps://smtp.example.org"))),
    }
}

/// Why it is not known that a server is the domain's own word and its own host; nothing where it is.
pub(super) fn doubt(offer: &Offer, address: &EmailAddress, named: Named) -> Option<String> {
    match named {
        _ if offer.is_authenticated && offer.server.is_of(address.domain()) => None,
        _ if offer.is_authenticated => Some(format!("it is no host of {}", address.domain())),
        Named::Guessed => Some("nobody says that it is yours".to_owned()),
        _ => Some(format!("nothing proves that {} says so", address.domain())),
    }
}

/// Whether the person can be asked, and wants to be.
pub(super) fn asks(arguments: &args::Setup) -> bool {
    !arguments.yes && !arguments.report.json && can_ask()
}

/// Whether a server is there, with a certificate for its name. We do not log in.
fn answers(server: &MailServer) -> bool {
    let (Ok(parsed), Ok(proxy)) = (Server::parse(&url(server)), lookup::proxy()) else { return false };
    let account = Account {
        name: "guess".to_owned(),
        from: Vec::new(),
        server: parsed,
        user: None,
        secret: None,
        tls_pin: None,
        require_tls: RequireTls::Unasked,
        imap: None,
        way: proxy.map_or(Way::Direct, |proxy| Way::Proxy(proxy.clone())),
    };
    let patience = Patience { answer: GUESS, piece: GUESS, until: Instant::now().checked_add(GUESS) };
    match Submission::open(&account, patience) {
        Ok(submission) => {
            submission.close();
            true
        }
        Err(_) => false,
    }
}
