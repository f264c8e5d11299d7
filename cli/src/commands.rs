//! The commands: load, ask the library, render.

mod agent;
mod ages;
pub(crate) mod archive;
mod attachments;
mod backup;
mod decrypt;
pub(crate) mod device;
pub(crate) mod doctor;
mod encrypt;
pub(crate) mod expiry;
mod filter;
mod generate;
pub(crate) mod history;
mod init;
pub(crate) mod introducers;
mod issuing;
pub(crate) mod keys;
pub(crate) mod looked_up;
pub(crate) mod mails;
mod mutt;
mod passphrase;
pub(crate) mod queue;
pub(crate) mod readers;
mod reading;
mod relay;
pub(crate) mod reliances;
pub(crate) mod remember;
mod restore;
mod secrets;
pub(crate) mod setup;
mod sign;
pub(crate) mod signer;
pub(crate) mod statements;
pub(crate) mod store;
pub(crate) mod strong;
pub(crate) mod successions;
mod trust;
mod verify;
pub(crate) mod witnesses;

use counterseal_core::address::{EmailAddress, KeyDemand, StrongAddress};

use crate::args::{
    AgentCommand, ArchiveCommand, Cli, Command, DeviceCommand, KeysCommand, PolicyCommand, QueueCommand,
    RecoverCommand, Report, StatementCommand, TrustCommand, WitnessCommand,
};
use crate::failure::{Exit, Failure};
use crate::token;

/// Runs the command that was typed.
pub(crate) fn run(cli: &Cli) -> Result<Exit, Failure> {
    let verbose = cli.global.verbose > 0;
    match &cli.command {
        Command::Init(arguments) => init::run(arguments),
        Command::Setup(arguments) => setup::run(arguments),
        Command::Encrypt(arguments) => encrypt::run(arguments, verbose),
        Command::Decrypt(arguments) => decrypt::run(arguments, verbose),
        Command::Sign(arguments) => sign::run(arguments, verbose),
        Command::Verify(arguments) => verify::run(arguments, verbose),
        Command::Archive(arguments) => archive::run(arguments, verbose),
        Command::Keys(arguments) => keys::run(arguments),
        Command::Trust(arguments) => trust::run(arguments),
        Command::Device(arguments) => device::run(arguments),
        Command::Agent(arguments) => agent::run(arguments),
        // Where it is the first word, its arguments are read as `sendmail` has them, before any of this.
        Command::Sendmail(_) => Err(Failure::usage("nothing stands before the word sendmail")
            .hint("call it as `cseal sendmail` or `cseal-sendmail`, with its own options behind")),
        Command::Queue(arguments) => queue::run(arguments),
        Command::Relay(arguments) => relay::run(arguments),
        Command::Filter(arguments) => filter::run(arguments),
        Command::Mutt(arguments) => mutt::run(arguments),
        Command::Passphrase(arguments) => passphrase::run(arguments),
        Command::Backup(arguments) => backup::run(arguments),
        Command::Restore(arguments) => restore::run(arguments),
        Command::Doctor(arguments) => doctor::run(arguments),
        Command::Generate(arguments) => generate::run(arguments),
        Command::TokenHelper => token::serve(),
    }
}

/// How a command was asked to report, for the errors that end it.
pub(crate) fn report(command: &Command) -> Option<&Report> {
    match command {
        Command::Init(arguments) => Some(&arguments.report),
        Command::Setup(arguments) => Some(&arguments.report),
        Command::Encrypt(arguments) => Some(&arguments.report),
        Command::Decrypt(arguments) => Some(&arguments.report),
        Command::Sign(arguments) => Some(&arguments.report),
        Command::Verify(arguments) => Some(&arguments.report),
        Command::Archive(archive) => match &archive.command {
            ArchiveCommand::Decrypt(arguments) => Some(&arguments.report),
            ArchiveCommand::Verify(arguments) => Some(&arguments.report),
            ArchiveCommand::Rewrap(arguments) => Some(&arguments.report),
        },
        Command::Keys(keys) => match &keys.command {
            KeysCommand::List(arguments) => Some(&arguments.report),
            KeysCommand::Show(arguments) => Some(&arguments.report),
            KeysCommand::Generate(arguments) => Some(&arguments.report),
            KeysCommand::Renew(arguments) => Some(&arguments.report),
            KeysCommand::Revoke(arguments) => Some(&arguments.report),
            KeysCommand::Remove(arguments) => Some(&arguments.report),
            KeysCommand::Import(arguments) => Some(&arguments.report),
            KeysCommand::Find(arguments) => Some(&arguments.report),
            KeysCommand::Export(_) | KeysCommand::Publish(_) => None,
        },
        Command::Trust(trust) => match &trust.command {
            TrustCommand::Show(arguments) => Some(&arguments.report),
            TrustCommand::Pin(arguments) => Some(&arguments.report),
            TrustCommand::Unpin(arguments) => Some(&arguments.report),
            TrustCommand::List(arguments) => Some(&arguments.report),
            TrustCommand::Witness(witness) => match &witness.command {
                WitnessCommand::Add(arguments) => Some(&arguments.report),
                WitnessCommand::List(arguments) => Some(&arguments.report),
                WitnessCommand::Remove(arguments) => Some(&arguments.report),
                WitnessCommand::Stamp(arguments) => Some(&arguments.report),
            },
            TrustCommand::History(arguments) => Some(&arguments.report),
            TrustCommand::Forget(arguments) => Some(&arguments.report),
            TrustCommand::Meet(arguments) => Some(&arguments.report),
            TrustCommand::Rely(arguments) => Some(&arguments.report),
            TrustCommand::Vouch(arguments) => Some(&arguments.report),
            TrustCommand::Statement(statement) => match &statement.command {
                StatementCommand::Make(arguments) => Some(&arguments.report),
                StatementCommand::Check(arguments) => Some(&arguments.report),
                StatementCommand::Import(arguments) => Some(&arguments.report),
                StatementCommand::Withdraw(arguments) => Some(&arguments.report),
                StatementCommand::List(arguments) => Some(&arguments.report),
            },
            TrustCommand::Policy(policy) => match &policy.command {
                PolicyCommand::Check(arguments) => Some(&arguments.report),
                PolicyCommand::Show(arguments) => Some(&arguments.report),
                PolicyCommand::Set(arguments) => Some(&arguments.report),
            },
        },
        Command::Device(device) => match &device.command {
            DeviceCommand::Join(arguments) => Some(&arguments.report),
            DeviceCommand::Add(arguments) => Some(&arguments.report),
            DeviceCommand::List(arguments) => Some(&arguments.report),
            DeviceCommand::Revoke(arguments) => Some(&arguments.report),
            DeviceCommand::Role(arguments) => Some(&arguments.report),
            DeviceCommand::Export(arguments) => Some(&arguments.report),
            DeviceCommand::Install(arguments) => Some(&arguments.report),
            DeviceCommand::Recover(recover) => match &recover.command {
                RecoverCommand::Account(arguments) => Some(&arguments.report),
                RecoverCommand::Sheet(arguments) => Some(&arguments.report),
                RecoverCommand::Shares(arguments) => Some(&arguments.report),
                RecoverCommand::Drill(arguments) => Some(&arguments.report),
            },
            DeviceCommand::Sync(arguments) => Some(&arguments.report),
        },
        Command::Agent(agent) => match &agent.command {
            AgentCommand::Start(arguments) => Some(&arguments.report),
            AgentCommand::Status(arguments) => Some(&arguments.report),
            AgentCommand::Lock(arguments) => Some(&arguments.report),
        },
        Command::Queue(queue) => match &queue.command {
            QueueCommand::List(arguments) => Some(&arguments.report),
            QueueCommand::Show(arguments) => Some(&arguments.report),
            QueueCommand::Flush(arguments) => Some(&arguments.report),
            QueueCommand::Drop(arguments) => Some(&arguments.report),
            QueueCommand::Release(arguments) => Some(&arguments.report),
        },
        Command::Relay(arguments) => Some(&arguments.report),
        Command::Passphrase(arguments) => Some(&arguments.report),
        Command::Backup(arguments) => Some(&arguments.report),
        Command::Restore(arguments) => Some(&arguments.report),
        Command::Doctor(arguments) => Some(&arguments.report),
        Command::Sendmail(_)
        | Command::Filter(_)
        | Command::Mutt(_)
        | Command::Generate(_)
        | Command::TokenHelper => None,
    }
}

/// An address that a person typed where it can demand nothing of its key.
fn parse_address(typed: &str) -> Result<EmailAddress, Failure> {
    let StrongAddress { address, demand } = strong::parse(typed)?;
    if demand == KeyDemand::None {
        return Ok(address);
    }
    Err(Failure::usage(format!("{typed}: here an address cannot name a key"))
        .hint(format!("leave everything but the address out: {address}")))
}
