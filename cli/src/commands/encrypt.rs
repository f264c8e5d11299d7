//! `cseal encrypt`

mod copies;
mod missing;
mod object;
mod reply;

use std::collections::BTreeSet;
use std::path::PathBuf;

use counterseal_core::address::EmailAddress;
use counterseal_core::algorithm::{ContentEncryption, DigestAlgorithm};
use counterseal_core::cms::KeyTransport;
use counterseal_core::limits::REVOCATION_SECONDS;
use counterseal_core::mail::protected::{HeaderConfidentiality, Reference};
use counterseal_core::message::{self, EncryptRequest, SignatureForm, Signer};
use counterseal_core::policy::Accepted;
use counterseal_core::policy::Policy;
use counterseal_core::ports::NoSecretKeys;
use counterseal_core::time::Time;
use counterseal_core::trust::{Knowledge, Pin};
use counterseal_core::x509::Certificate;

use super::expiry;
use super::history::{self, Sent};
use super::mails::{author, message_identifier, read_mail, recipients};
use super::readers::{Directory, Wanted, for_encryption};
use super::signer::SigningIdentity;
use super::statements;
use super::store::{self, Unlock};
use super::strong::{self, PlainMail};
use crate::args;
use crate::clock;
use crate::failure::{Exit, Failure};
use crate::policy;
use crate::randomness::SystemRandom;
use crate::render::written;
use crate::revocation;
use crate::sources;
use crate::store::Store;

/// Ciphers that `--cipher` can name.
const CIPHERS: [ContentEncryption; 10] = [
    ContentEncryption::Aes256Gcm,
    ContentEncryption::Aes192Gcm,
    ContentEncryption::Aes128Gcm,
    ContentEncryption::Aes256Cbc,
    ContentEncryption::Aes192Cbc,
    ContentEncryption::Aes128Cbc,
    ContentEncryption::Aes256Ccm,
    ContentEncryption::Aes192Ccm,
    ContentEncryption::Aes128Ccm,
    ContentEncryption::ChaCha20Poly1305,
];

/// Encrypts a mail for everyone it names, or any bytes.
pub(super) fn run(arguments: &args::Encrypt, verbose: bool) -> Result<Exit, Failure> {
    let job = Job {
        arguments,
        verbose,
        at: clock::at(arguments.at.at.as_deref())?,
        cipher: arguments.cipher.as_deref().map(cipher).transpose()?,
        key_transport: arguments.key_transport.map(key_transport),
        policy: policy::in_force()?,
    };
    let signing = &arguments.signing;
    let without_store = !arguments.certificates.is_empty()
        || !arguments.public_keys.is_empty()
        || arguments.message_secrets.message_passphrase_file.is_some()
        || arguments.message_secrets.message_key_file.is_some()
        || signing.key.is_some()
        || signing.signer.is_some();
    if without_store {
        job.with_files()?
    } else {
        job.with_store()?
    }
    Ok(Exit::Done)
}

/// What the command line says, read once.
struct Job<'a> {
    arguments: &'a args::Encrypt,
    verbose: bool,
    at: Time,
    cipher: Option<ContentEncryption>,
    key_transport: Option<KeyTransport>,
    policy: Policy,
}

/// What is ours in a message: who signs, where we want to read it too, and what is answered.
struct Ours<'a> {
    signer: Option<&'a Signer<'a>>,
    address: Option<&'a EmailAddress>,
    reference: Reference,
}

/// What came of a message that was written.
struct Written {
    /// What the person compared by naming keys.
    pins: Vec<Pin>,
    /// What the history is told.
    sent: Vec<Sent>,
}

impl Job<'_> {
    fn with_files(&self) -> Result<(), Failure> {
        let arguments = self.arguments;
        let signing = &arguments.signing;
        if signing.key.is_none() && signing.signer.is_none() && !arguments.no_sign {
            return Err(Failure::usage("nothing says who signs")
                .hint("sign with --key FILE --signer FILE, or leave the signature out with --no-sign"));
        }
        let given = given(&arguments.certificates)?;
        // A reader may be named by the CA in the same file.
        let at_hand = sources::certificates(&arguments.certificates)?;
        let mut knowledge = sources::knowledge(&arguments.evidence, &at_hand)?;
        let policy = &self.policy;
        policy::apply(policy, &mut knowledge)?;
        knowledge.revocation.source = revocation::source(policy, REVOCATION_SECONDS);
        let directory = Directory {
            given,
            knowledge: &knowledge,
            policy,
            contacts: None,
            encrypted_to: BTreeSet::new(),
            answers_encrypted: false,
            at: self.at,
        };
        let mail = self.mail()?;
        let mail = mail.as_ref();
        if arguments.no_sign {
            let reference = reply::reference(arguments, &NoSecretKeys, self.at)?;
            return self.encrypt(mail, &directory, Ours { signer: None, address: None, reference }).map(drop);
        }
        let (identity, keys) = SigningIdentity::from_files(signing, &arguments.passphrase)?;
        let reference = reply::reference(arguments, &keys, self.at)?;
        let signer = identity.signer(&keys);
        self.encrypt(mail, &directory, Ours { signer: Some(&signer), address: None, reference }).map(drop)
    }

    fn with_store(&self) -> Result<(), Failure> {
        let mut store = store::open()?;
        let mail = self.mail()?;
        missing::look_up(self, mail.as_ref(), &mut store)?;
        let knowledge = store::knowledge(&store)?;
        let at_hand = knowledge.certificates.clone();
        let written = self.encrypt_from(&store, knowledge, mail.as_ref())?;
        expiry::note(&store, self.arguments.report.json);
        strong::keep(&mut store, &Unlock::from_options(&self.arguments.passphrase), &written.pins)?;
        if !self.arguments.history.no_history && self.policy.keep_history {
            history::sent(&mut store, &written.sent, &at_hand, self.arguments.report.json);
        }
        Ok(())
    }

    fn encrypt_from(
        &self,
        store: &Store,
        mut knowledge: Knowledge,
        mail: Option<&PlainMail>,
    ) -> Result<Written, Failure> {
        let arguments = self.arguments;
        let extra = sources::knowledge(&arguments.evidence, &[])?;
        knowledge.anchors.extend(extra.anchors);
        knowledge.revocation = extra.revocation;
        statements::add_files(&arguments.evidence.statements, &mut knowledge)?;
        let policy = &self.policy;
        policy::apply(policy, &mut knowledge)?;
        knowledge.revocation.source = revocation::source(policy, REVOCATION_SECONDS);
        let directory = Directory::of_store(store, &knowledge, policy, self.at)?;
        let author = match mail {
            Some(mail) => Some(author(&mail.text)?),
            None => store::owner(store)?,
        };
        let keys = store::keys(store, Unlock::from_options(&arguments.passphrase).with_pin(&arguments.pin))?;
        let failed = |failure| keys.failure().unwrap_or(failure);
        let reference = reply::reference(arguments, &keys, self.at).map_err(failed)?;
        let address = author.as_ref();
        if arguments.no_sign {
            return self.encrypt(mail, &directory, Ours { signer: None, address, reference });
        }
        let identity = SigningIdentity::from_store(store, &keys, &arguments.signing, address, self.at)
            .map_err(or_unsigned)?;
        let signer = identity.signer(&keys);
        self.encrypt(mail, &directory, Ours { signer: Some(&signer), address, reference }).map_err(failed)
    }

    fn mail(&self) -> Result<Option<PlainMail>, Failure> {
        if self.arguments.form.cms {
            return Ok(None);
        }
        let mail = PlainMail::of(read_mail(self.arguments.input.input.as_deref())?)?;
        Ok(Some(if self.arguments.in_reply_to.is_some() { mail.answering() } else { mail }))
    }

    fn encrypt(
        &self,
        mail: Option<&PlainMail>,
        directory: &Directory<'_>,
        ours: Ours<'_>,
    ) -> Result<Written, Failure> {
        match mail {
            Some(mail) => self.encrypt_mail(mail, directory, ours),
            None => object::encrypt(self, directory, ours.signer, ours.address),
        }
    }

    fn encrypt_mail(
        &self,
        mail: &PlainMail,
        directory: &Directory<'_>,
        ours: Ours<'_>,
    ) -> Result<Written, Failure> {
        let arguments = self.arguments;
        let found = directory.all(self.wanted(mail)?)?;
        let recipients = found.recipients;
        // Who has no key to read it later writes it all the same.
        let own = ours.address.and_then(|own| directory.one(own).ok());
        let request = EncryptRequest {
            recipients: &recipients,
            signer: ours
                .signer
                .filter(|_| directory.wants_signature(recipients.iter().map(|reader| &reader.address))),
            form: SignatureForm::Detached,
            own: own.as_ref(),
            cipher: self.cipher,
            key_transport: self.key_transport.clone(),
            single_copy: arguments.single_copy,
            hide_recipients: arguments.hide_recipients,
            confidentiality: if arguments.clear_subject {
                HeaderConfidentiality::None
            } else {
                HeaderConfidentiality::Baseline
            },
            reference: ours.reference,
            at: self.at,
        };
        let outgoing = message::encrypt(&mail.text, &request, &mut SystemRandom)?;
        copies::write(arguments, &outgoing, self.verbose)?;
        written::ended(&found.ended);
        let message = message_identifier(&mail.text)?.map(|identifier| message::message_name(&identifier));
        let others = recipients.into_iter().filter(|one| !own.iter().any(|own| is_same(own, &one.accepted)));
        let sent = others.filter_map(|one| {
            let certificate = one.accepted.certificate()?.clone();
            Some(Sent { address: one.address, certificate, message })
        });
        Ok(Written { pins: found.pins, sent: sent.collect() })
    }

    /// Everyone in To, Cc, Bcc and the options of these names, each once. Who is named openly is not
    /// blind.
    fn wanted(&self, mail: &PlainMail) -> Result<Vec<Wanted>, Failure> {
        let named = recipients(&mail.text)?;
        mail.check()?;
        let mut wanted: Vec<Wanted> = Vec::new();
        for address in named.to.into_iter().chain(named.cc) {
            strong::add(&mut wanted, mail.wanted(address, false))?;
        }
        for address in self.arguments.to.iter().chain(&self.arguments.cc) {
            strong::add(&mut wanted, strong::typed(address, false)?)?;
        }
        for address in named.bcc {
            strong::add(&mut wanted, mail.wanted(address, true))?;
        }
        for address in &self.arguments.bcc {
            strong::add(&mut wanted, strong::typed(address, true)?)?;
        }
        Ok(wanted)
    }
}

fn is_same(one: &Accepted, other: &Accepted) -> bool {
    one.public_key().fingerprint() == other.public_key().fingerprint()
}

/// One certificate to encrypt to from each file.
fn given(paths: &[PathBuf]) -> Result<Vec<Certificate>, Failure> {
    let mut given = Vec::new();
    for path in paths {
        given.extend(for_encryption(sources::certificates(std::slice::from_ref(path))?));
    }
    Ok(given)
}

fn cipher(typed: &str) -> Result<ContentEncryption, Failure> {
    let found = CIPHERS.iter().find(|cipher| cipher.name() == typed.to_ascii_lowercase());
    found.copied().ok_or_else(|| {
        let names: Vec<&str> = CIPHERS.iter().map(|cipher| cipher.name()).collect();
        Failure::usage(format!("--cipher {typed}: no such cipher, or none that is written any more"))
            .hint(format!("take one of {}", names.join(", ")))
    })
}

const fn key_transport(how: args::KeyTransport) -> KeyTransport {
    match how {
        args::KeyTransport::Pkcs1 => KeyTransport::Pkcs1,
        args::KeyTransport::OaepSha256 => KeyTransport::oaep(DigestAlgorithm::Sha256),
    }
}

/// Here nobody has to sign.
fn or_unsigned(failure: Failure) -> Failure {
    match (failure.word, failure.hint.clone()) {
        ("no-signing-key", Some(hint)) => {
            failure.hint(format!("{hint}, or leave the signature out with --no-sign"))
        }
        _ => failure,
    }
}
