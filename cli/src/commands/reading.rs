//! What `decrypt` and `verify` have in common: keys, knowledge, and saying how it went.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use counterseal_core::cms::{OpenError, OpenOptions};
use counterseal_core::keys::Keyring;
use counterseal_core::message::{Accept, AuthorSignature, ReadError, Status, Verdict};
use counterseal_core::policy::Policy;
use counterseal_core::ports::{NoSecretKeys, SecretKeys};
use counterseal_core::trust::{Knowledge, PublicRoots};
use counterseal_core::x509::Certificate;

use super::secrets;
use super::statements;
use super::store::{self, Unlock};
use crate::args;
use crate::failure::{Exit, Failure};
use crate::files::write_file;
use crate::policy;
use crate::render::{json, status};
use crate::revocation;
use crate::sources::{self, KeyFiles};
use crate::store::{Store, StoreKeys};
use crate::terminal::say;

/// Our secret keys, wherever they are.
pub(super) enum OurKeys<'a> {
    /// None at all.
    None(NoSecretKeys),
    /// From files.
    Files(Keyring),
    /// The store's.
    Store(Box<StoreKeys<'a>>),
}

impl<'a> OurKeys<'a> {
    /// None at all.
    pub(super) const fn none() -> Self {
        Self::None(NoSecretKeys)
    }

    /// The keys of files, with certificates that may be theirs.
    pub(super) fn from_files(
        keys: &[PathBuf],
        certificates: &[Certificate],
        options: &args::Passphrase,
    ) -> Result<Self, Failure> {
        let mut key_files = KeyFiles::new(options);
        let mut keyring = Keyring::new();
        for certificate in certificates {
            keyring.add_certificate(certificate.clone());
        }
        for path in keys {
            let (keys, certificates) = key_files.keys(path)?;
            keys.into_iter().for_each(|key| keyring.add_key(key));
            certificates.into_iter().for_each(|certificate| {
                keyring.add_certificate(certificate);
            });
        }
        Ok(Self::Files(keyring))
    }

    /// The keys of a store, where there is one.
    pub(super) fn from_store(store: Option<&'a Store>, unlock: Unlock) -> Result<Self, Failure> {
        store.map_or(Ok(Self::none()), |store| store::keys(store, unlock).map(Box::new).map(Self::Store))
    }

    /// The library's port.
    pub(super) fn port(&self) -> &dyn SecretKeys {
        match self {
            Self::None(keys) => keys,
            Self::Files(keys) => keys,
            Self::Store(keys) => &**keys,
        }
    }

    /// What went wrong, in words: a wrong passphrase says more than a locked key. A key that is not here is asked for
    /// with the next sync, where there are other devices.
    pub(super) fn explain(&self, error: ReadError) -> Failure {
        match self {
            Self::Store(keys) => keys.failure().unwrap_or_else(|| not_read(keys, error)),
            Self::None(_) | Self::Files(_) => error.into(),
        }
    }
}

fn not_read(keys: &StoreKeys<'_>, error: ReadError) -> Failure {
    // That it cannot be kept, on a full disk say, is no reason to say less of the mail.
    let is_missed = matches!(error, ReadError::Open(OpenError::NotForUs { .. }))
        && keys.miss(error.recipients()).unwrap_or(false);
    let failure = Failure::from(error);
    if !is_missed {
        return failure;
    }
    failure.hint("another device of yours may have the key: `cseal device sync` asks for it, here and there")
}

/// What is known: from files, where some are named; from the store, where there is one; from both
/// where the store is used and files add to it.
pub(super) fn knowledge(
    evidence: &args::Evidence,
    certificates: &[Certificate],
    store: Option<&Store>,
    policy: &Policy,
) -> Result<Knowledge, Failure> {
    let mut knowledge = sources::knowledge(evidence, certificates)?;
    if let Some(store) = store {
        let stored = store::knowledge(store)?;
        knowledge = Knowledge {
            anchors: [knowledge.anchors, stored.anchors].concat(),
            certificates: [knowledge.certificates, stored.certificates].concat(),
            revocation: knowledge.revocation,
            ..stored
        };
    } else if evidence.anchors.is_empty() {
        // Whoever names anchors asks about these alone.
        knowledge.public_roots = Some(PublicRoots::default());
    }
    statements::add_files(&evidence.statements, &mut knowledge)?;
    policy::apply(policy, &mut knowledge)?;
    Ok(knowledge)
}

/// Remembers of a mail that was read what its author revoked, and that it came.
pub(super) fn remember(
    store: &mut Store,
    signature: &AuthorSignature,
    policy: &Policy,
    (history, report): (&args::History, &args::Report),
) {
    revocation::keep(signature, policy, |authority| {
        let known = store.certificates_of(authority.fingerprint().sha256());
        known.is_ok_and(|known| !known.is_empty())
    });
    if policy.keep_history && !history.no_history {
        super::history::received(store, signature, report.json);
    }
}

/// How encrypted layers are opened.
pub(super) fn open_options(arguments: &args::Decrypt) -> Result<OpenOptions, Failure> {
    let passphrase = secrets::passphrase(&arguments.message_secrets)?;
    let key_encryption_keys = secrets::key(&arguments.message_secrets)?.into_iter().collect();
    Ok(OpenOptions {
        accept_weak_cipher: arguments.accept_weak_cipher,
        try_keys: arguments.try_keys,
        passphrase,
        key_encryption_keys,
    })
}

/// The library's word for what a person accepts.
pub(super) const fn accept(accept: args::Accept) -> Accept {
    match accept {
        args::Accept::Strong => Accept::Strong,
        args::Accept::Verified => Accept::Verified,
        args::Accept::Checked => Accept::Checked,
        args::Accept::Signed => Accept::Signed,
    }
}

/// The exit code of a question about a signature.
pub(super) fn exit(status: &Status, least: Accept) -> Exit {
    match status.verdict {
        Verdict::Conflict => Exit::Contradiction,
        _ if status.satisfies(least) => Exit::Done,
        _ => Exit::No,
    }
}

/// Says how it went: in words, as one JSON object, or both where the object goes to a file. From
/// `positive` on it has a mark.
pub(super) fn report(
    read: &Status,
    positive: Accept,
    extracted: Option<Vec<String>>,
    report: &args::Report,
    verbose: bool,
) -> Result<(), Failure> {
    let object = || json::line(&json::status(read, extracted.clone()));
    if let Some(path) = &report.status {
        write_file(path, format!("{}\n", object()).as_bytes(), true)?;
    } else if report.json {
        say(&object());
    }
    if !report.json {
        status::lines(read, positive, verbose).iter().for_each(|line| say(line));
        extracted.iter().flatten().for_each(|path| say(&status::saved(path)));
    }
    Ok(())
}

/// What is no single mail, but many, is for another command.
pub(super) fn or_archive(path: Option<&Path>, failure: Failure, command: &str) -> Failure {
    let Some(path) = path.filter(|_| failure.hint.is_none()) else { return failure };
    let start = || -> Option<[u8; 5]> {
        let mut start = [0; 5];
        File::open(path).and_then(|mut file| file.read_exact(&mut start)).ok().map(|()| start)
    };
    if path.is_dir() || start() == Some(*b"From ") {
        let command = command.replace("IN", &path.display().to_string());
        return failure.hint(format!("for many mails at once: `cseal archive {command}`"));
    }
    failure
}
