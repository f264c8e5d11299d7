//! `cseal setup ADDRESS`: from an address to mail that is sent.

use counterseal_core::address::EmailAddress;
use counterseal_core::policy::Encrypt;
use counterseal_core::secret::SecretBytes;

use super::account::NewAccount;
use super::check::{self, Seen};
use super::clients;
use super::mailbox;
use super::password;
use super::server::{self, Named, Planned};
use super::settings;
use super::take_over;
use super::timer::{self, Installed};
use crate::account::{self, Account, Server};
use crate::args;
use crate::commands::init;
use crate::commands::parse_address;
use crate::commands::store::{self, Unlock};
use crate::config::Config;
use crate::failure::{Exit, Failure};
use crate::lookup::Finding;
use crate::passphrase;
use crate::policy;
use crate::render::setup as render;
use crate::terminal::ask_shown;

/// Whether there were keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keys {
    /// They are new.
    Made,
    /// They were there.
    There,
}

/// What was done, and what was there.
pub(crate) struct Report {
    pub(crate) address: EmailAddress,
    pub(crate) keys: Option<Keys>,
    /// The name of the account that sends the person's mail.
    pub(crate) account: String,
    /// Its server.
    pub(crate) server: String,
    /// Where the mailbox is, as config.toml says.
    pub(crate) imap: Option<String>,
    /// Who named the server; nothing where the account was there.
    pub(crate) named: Option<Named>,
    /// What the person should know of accounts that were taken over.
    pub(crate) notes: Vec<String>,
    /// What becomes of mail to people without a key.
    pub(crate) policy: Option<Encrypt>,
    /// Nothing where no mail was sent.
    pub(crate) seen: Option<Seen>,
    pub(crate) timer: Option<Installed>,
}

/// Sets up what is missing, or only sends the mail.
pub(super) fn run(arguments: &args::Setup) -> Result<Exit, Failure> {
    let typed = arguments.address.as_deref().ok_or_else(|| Failure::usage("whose mail? name the address"))?;
    let address = parse_address(typed)?;
    let json = arguments.report.json;
    let report = if arguments.check { only_check(arguments, address)? } else { all(arguments, address)? };
    render::done(&report, json)?;
    if !json && !arguments.check {
        clients::show(None)?;
    }
    Ok(Exit::Done)
}

fn only_check(arguments: &args::Setup, address: EmailAddress) -> Result<Report, Failure> {
    let config = Config::read()?;
    let account = account::choose(&config.accounts, None, Some(&address), None)?;
    let mut report = Report::of(address, account);
    report.seen = Some(check::check(&report.address, &Unlock::from_options(&arguments.passphrase))?);
    Ok(report)
}

fn all(arguments: &args::Setup, address: EmailAddress) -> Result<Report, Failure> {
    let json = arguments.report.json;
    // What cannot go on ends before anything is written.
    let config = Config::read()?;
    let encrypt = wanted_policy(arguments)?;
    let (mut accounts, mut report) = match account::choose(&config.accounts, None, Some(&address), None) {
        Ok(account) => (Vec::new(), there(arguments, &config, account, address)?),
        Err(_) => planned(arguments, &config, address)?,
    };
    let blocks: Vec<String> = accounts.iter().map(NewAccount::to_toml).collect();
    if !blocks.is_empty() {
        render::change("config.toml", &blocks.join("\n"), json)?;
    }
    render::notes(&report.notes, json)?;
    let mut known = passphrase::given(&arguments.passphrase)?;
    report.keys = Some(keys(arguments, &report.address, &mut known)?);
    if let Some(own) = accounts.iter_mut().find(|account| account.name == report.account) {
        let missing = password::into_keyring(own, server::asks(arguments));
        let closed = if arguments.no_check { None } else { mailbox::try_log_in(own) };
        report.imap.clone_from(&own.imap);
        let new: Vec<String> = missing.into_iter().chain(closed).collect();
        render::notes(&new, json)?;
        report.notes.extend(new);
    }
    if !accounts.is_empty() {
        settings::add_accounts(&accounts)?;
    }
    if let Some(encrypt) = encrypt {
        render::change("policy.toml", &settings::policy_row(encrypt), json)?;
        settings::add_policy(encrypt)?;
        report.policy = Some(encrypt);
    }
    if !arguments.no_check {
        let unlock = Unlock::from_options(&arguments.passphrase).with_known(known);
        report.seen = Some(check::check(&report.address, &unlock)?);
    }
    report.timer = Some(timer::install(arguments.timer)?);
    Ok(report)
}

/// Makes keys where there are none. A passphrase that is typed for them is known from then on.
fn keys(
    arguments: &args::Setup,
    address: &EmailAddress,
    known: &mut Option<SecretBytes>,
) -> Result<Keys, Failure> {
    match store::open_if_any()? {
        Some(store) if !store::own_keys(&store, address)?.is_empty() => return Ok(Keys::There),
        Some(_) => {}
        None if arguments.no_passphrase || known.is_some() => {}
        None => *known = Some(init::new_passphrase()?),
    }
    let json = arguments.report.json;
    let wanted = args::Init {
        address: address.to_string(),
        name: arguments.name.clone(),
        algorithm: args::Algorithm::Rsa3072,
        signing_algorithm: args::Algorithm::P256,
        no_passphrase: arguments.no_passphrase,
        passphrase: arguments.passphrase.clone(),
        no_recovery: false,
        report: args::Report { json, status: None },
    };
    let made = init::make(&wanted, known.as_ref())?;
    if !json {
        made.show(false)?;
    }
    Ok(Keys::Made)
}

/// An account of the file takes the person's mail: it stays.
fn there(
    arguments: &args::Setup,
    config: &Config,
    account: &Account,
    address: EmailAddress,
) -> Result<Report, Failure> {
    if let Some(url) = &arguments.server
        && Server::parse(url).map_err(Failure::usage)? != account.server
    {
        let message = format!(
            "[account.{}] takes mail from {address} already, and hands it to {}",
            account.name, account.server
        );
        return Err(Failure::no("account-exists", message)
            .hint(format!("change its smtp in {}", Config::path()?.display())));
    }
    let mut report = Report::of(address, account);
    if let Some(file) = &arguments.from_msmtp {
        // Accounts whose names are free could still come in; what sends the person's mail would not change by that.
        let taken = take_over::accounts(file.as_ref(), &report.address)?;
        let has = |name: &str| config.accounts.iter().any(|account| account.name == name);
        report.notes = taken
            .accounts
            .iter()
            .map(|account| {
                let what = if has(&account.name) {
                    "is set up already"
                } else {
                    "was not taken over: your mail has an account"
                };
                format!("{}: {what}", account.name)
            })
            .collect();
    }
    Ok(report)
}

/// The accounts that are to be written; the first that takes the person's mail is theirs.
fn planned(
    arguments: &args::Setup,
    config: &Config,
    address: EmailAddress,
) -> Result<(Vec<NewAccount>, Report), Failure> {
    let (accounts, named, notes) = match &arguments.from_msmtp {
        Some(file) => {
            let taken = take_over::accounts(file.as_ref(), &address)?;
            (taken.accounts, Named::Msmtp, taken.notes)
        }
        None => {
            let json = arguments.report.json;
            let mut tell = |finding: &Finding| render::asked(finding, json);
            let Planned { account, named, note } =
                server::account(arguments, &address, &policy::in_force()?, &mut tell)?;
            (vec![account], named, Vec::from_iter(note))
        }
    };
    if let Some(taken) = accounts.iter().find(|new| config.accounts.iter().any(|old| old.name == new.name)) {
        return Err(Failure::no(
            "account-exists",
            format!("config.toml has an [account.{}] for somebody else", taken.name),
        )
        .hint("choose another name: --account NAME; of msmtp, change the name in its file"));
    }
    let text: String = accounts.iter().map(NewAccount::to_toml).collect::<Vec<_>>().join("\n");
    let written = Config::parse(&text).map_err(|what| Failure::unknown("config", what))?;
    let own = account::choose(&written.accounts, None, Some(&address), None).map_err(|failure| {
        failure.hint(format!("no account of the file says from {address}; add that line to one of them"))
    })?;
    let mut report = Report::of(address, own);
    (report.named, report.notes) = (Some(named), notes);
    Ok((accounts, report))
}

/// What is to be written into the policy; nothing where it says something already, or is as it is built in.
fn wanted_policy(arguments: &args::Setup) -> Result<Option<Encrypt>, Failure> {
    let wanted = arguments.policy.map(|policy| match policy {
        args::SendingPolicy::Require => Encrypt::Require,
        args::SendingPolicy::IfPossible => Encrypt::IfPossible,
    });
    match (settings::for_everybody()?, wanted) {
        (Some(there), Some(wanted)) if there != wanted => {
            Err(Failure::unknown("policy", "policy.toml says something else for \"*\" already")
                .hint(format!("change it there: {}", policy::path()?.display())))
        }
        (Some(_), _) => Ok(None),
        (None, Some(wanted)) => Ok(Some(wanted)),
        (None, None) if server::asks(arguments) => ask_policy().map(Some),
        (None, None) => Ok(None),
    }
}

fn ask_policy() -> Result<Encrypt, Failure> {
    const QUESTION: &str = "Mail to people whose key you do not have: 1 hold it and tell you (require), or 2 send it in clear \
                            (if-possible)? [1]";
    loop {
        let answer = ask_shown(QUESTION).map_err(|error| Failure::io("the terminal", &error))?;
        match answer.as_deref() {
            Some("" | "1" | "require") | None => return Ok(Encrypt::Require),
            Some("2" | "if-possible") => return Ok(Encrypt::IfPossible),
            Some(_) => {}
        }
    }
}

impl Report {
    fn of(address: EmailAddress, account: &Account) -> Self {
        Self {
            address,
            keys: None,
            account: account.name.clone(),
            server: account.server.to_string(),
            imap: account.imap.as_ref().map(ToString::to_string),
            named: None,
            notes: Vec::new(),
            policy: None,
            seen: None,
            timer: None,
        }
    }
}
