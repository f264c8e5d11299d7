//! What can be typed: the clap types and the help texts, without any logic.
//!
//! `--help`, the man pages and the completions come from these definitions.

mod account;
mod agent;
mod archive;
mod backup;
mod common;
mod decrypt;
mod device;
mod doctor;
mod encrypt;
mod filter;
mod find;
mod foreign;
mod generate;
mod history;
mod init;
mod install;
mod join;
mod keys;
mod mutt;
mod passphrase;
mod publish;
mod queue;
mod recover;
mod relay;
mod renew;
mod revoke;
mod sendmail;
mod setup;
mod sign;
mod statement;
mod trust;
mod verify;
mod vouch;
mod ways;
mod witness;

use clap::{Parser, Subcommand};

pub(crate) use account::{DeviceExport, DeviceRevoke, DeviceRole, NewAccount, RoleName};
pub(crate) use agent::{Agent, AgentCommand, AgentStart, duration};
pub(crate) use archive::{
    Archive, ArchiveCommand, ArchiveDecrypt, ArchiveKeys, ArchivePlace, ArchiveRewrap, ArchiveVerify,
    MboxDialect,
};
pub(crate) use backup::{Backup, Restore};
pub(crate) use common::{
    Accept, Algorithm, Color, Evidence, Form, Global, History, MessageSecrets, Output, Passphrase, Pin,
    Report, Revocation,
};
pub(crate) use decrypt::Decrypt;
pub(crate) use device::{Device, DeviceAdd, DeviceCommand, DeviceList, DeviceSync};
pub(crate) use doctor::Doctor;
pub(crate) use encrypt::{Encrypt, KeyTransport};
pub(crate) use filter::Filter;
pub(crate) use find::{Find, Source};
pub(crate) use foreign::{Foreign, ForeignKind};
pub(crate) use generate::{Generate, GenerateCommand, Shell};
pub(crate) use history::{TrustForget, TrustHistory};
pub(crate) use init::Init;
pub(crate) use install::{DeviceInstall, InstallProgram};
pub(crate) use join::{AddHow, DeviceJoin, JoinHow};
pub(crate) use keys::{
    Export, Import, KeyFormat, KeyUse, Keys, KeysCommand, KeysGenerate, List, Program, Show,
};
pub(crate) use mutt::{Mutt, MuttCommand};
pub(crate) use passphrase::ChangePassphrase;
pub(crate) use publish::{Matching, Publish, Selector};
pub(crate) use queue::{Queue, QueueCommand, QueueDrop, QueueFlush, QueueRelease, QueueShow};
pub(crate) use recover::{
    DeviceRecover, RecoverAccount, RecoverCommand, RecoverDrill, RecoverShares, RecoverSheet, SeedSource,
};
pub(crate) use relay::{Relay, RelayPolicy};
pub(crate) use renew::Renew;
pub(crate) use revoke::{Remove, Revoke, RevokeReason};
pub(crate) use sendmail::Sendmail;
pub(crate) use setup::{SendingPolicy, Setup, Timer};
pub(crate) use sign::{Digest, Sign, SignatureScheme, Signing};
pub(crate) use statement::{
    Reason, Statement, StatementCheck, StatementCommand, StatementImport, StatementList, StatementMake,
    StatementType, StatementWithdraw,
};
pub(crate) use trust::{
    ComparedBy, MeetFiles, MeetHow, PolicyCheck, PolicyCommand, PolicySet, PolicyShow, Profile, Trust,
    TrustCommand, TrustList, TrustMeet, TrustPin, TrustRely, TrustShow, TrustUnpin,
};
pub(crate) use verify::Verify;
pub(crate) use vouch::{Basis, OpenPgpProgram, TrustVouch};
pub(crate) use ways::{Shown, Ways};
pub(crate) use witness::{Witness, WitnessAdd, WitnessCommand, WitnessRemove, WitnessStamp};

/// Encrypted mail that is as easy as mail.
#[derive(Debug, Parser)]
#[command(
    name = "cseal",
    version,
    arg_required_else_help = true,
    max_term_width = 80,
    long_about = "Encrypted mail that is as easy as mail.\n\n\
        cseal writes and reads S/MIME, the format that mail programs already know, and says how far the \
        author of a mail can be trusted. A mail goes in, a mail comes out: standard input and output \
        unless files are named; data on standard output, words on standard error.",
    after_long_help = common::help_end!(
        "  Once: make your keys, and take in a contact's certificate or signed mail:\n",
        "      cseal init alice@example.org\n",
        "      cseal keys import bob.pem\n\n",
        "  Then: a mail in, a mail out:\n",
        "      cseal encrypt < draft.eml > out.eml\n",
        "      cseal decrypt < in.eml\n"
    ),
    after_help = "One screen for each command: cseal COMMAND -h. The whole page with examples: --help."
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,

    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Init(Init),
    Setup(Box<Setup>),
    Encrypt(Box<Encrypt>),
    Decrypt(Box<Decrypt>),
    Sign(Box<Sign>),
    Verify(Box<Verify>),
    Archive(Box<Archive>),
    Keys(Keys),
    Trust(Trust),
    Device(Device),
    Agent(Agent),
    Sendmail(Sendmail),
    Queue(Queue),
    Relay(Box<Relay>),
    Filter(Filter),
    Mutt(Mutt),
    Passphrase(ChangePassphrase),
    Backup(Backup),
    Restore(Restore),
    Doctor(Doctor),
    Generate(Generate),

    /// Loads the library of a token, for the other commands
    #[command(hide = true)]
    TokenHelper,
}
