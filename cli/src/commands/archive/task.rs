//! What is done with one mail.

use std::io;

use counterseal_core::algorithm::ContentEncryption;
use counterseal_core::cms::{OpenError, OpenOptions};
use counterseal_core::message::{
    self, Accept, Context, Opening, ReadError, ReadOptions, RewrapError, RewrapRequest, Rewrapped,
};
use counterseal_core::policy::Accepted;
use counterseal_core::ports::Source;
use counterseal_core::time::Time;
use counterseal_core::trust::Knowledge;

use super::our_keys::ArchiveKeyring;
use super::outcome::{Outcome, Trouble};
use crate::failure::Failure;
use crate::randomness::SystemRandom;
use crate::spool::{EncryptedSpools, Growing, SpoolReader};

/// What is done with every mail of an archive. Threads share it.
pub(super) struct Task {
    pub(super) verb: Verb,
    pub(super) keys: ArchiveKeyring,
}

/// What is done.
pub(super) enum Verb {
    /// Take the encryption off.
    Decrypt,
    /// Look at the signatures.
    Verify { knowledge: Box<Knowledge>, at: Time, least: Accept },
    /// Give it to other readers.
    Rewrap {
        recipients: Vec<Accepted>,
        reseal: bool,
        /// Open what was written once more, because it will take the place of what was there.
        check: bool,
    },
}

/// What became of a mail, and the mail where it is another one now.
pub(super) struct Done {
    pub(super) outcome: Outcome,
    pub(super) mail: Option<SpoolReader>,
}

impl Done {
    pub(super) const fn unchanged(outcome: Outcome) -> Self {
        Self { outcome, mail: None }
    }
}

/// An archive is old mail, and of the person who asks: outdated ciphers are opened (and marked), and
/// keys are tried where a mail names none.
fn open_options() -> OpenOptions {
    OpenOptions { accept_weak_cipher: true, try_keys: true, ..OpenOptions::default() }
}

impl Task {
    /// The verb as a word, for what is kept between two runs.
    pub(super) const fn word(&self) -> &'static str {
        match self.verb {
            Verb::Decrypt => "decrypt",
            Verb::Verify { .. } => "verify",
            Verb::Rewrap { .. } => "rewrap",
        }
    }

    /// Does it. A mail that cannot be opened is an outcome; a failure is one of this machine.
    ///
    /// # Errors
    /// What the system says of spools.
    pub(super) fn run(&self, mail: &mut dyn Source) -> Result<Done, Failure> {
        match &self.verb {
            Verb::Decrypt => self.decrypt(mail),
            Verb::Verify { knowledge, at, least } => self.verify(mail, knowledge, *at, *least),
            Verb::Rewrap { recipients, reseal, check } => self.rewrap(mail, recipients, *reseal, *check),
        }
    }

    /// Whether a mail that an earlier run wrote is what it should be.
    pub(super) fn is_done(&self, written: &mut dyn Source) -> bool {
        let is_sealed =
            |mail: &mut dyn Source| !matches!(message::is_sealed(mail, &EncryptedSpools), Ok(false));
        match &self.verb {
            Verb::Decrypt => !is_sealed(written),
            Verb::Verify { .. } => false,
            Verb::Rewrap { recipients, reseal, check: _ } => {
                match self.rewrap(written, recipients, *reseal, false) {
                    Ok(done) => matches!(done.outcome, Outcome::Already | Outcome::NotEncrypted),
                    Err(_) => false,
                }
            }
        }
    }

    fn decrypt(&self, mail: &mut dyn Source) -> Result<Done, Failure> {
        let options = open_options();
        let mut output = Growing::empty();
        match message::unseal(mail, &self.opening(&options), &mut SystemRandom, &mut output) {
            Ok(opened) => {
                Ok(Done { outcome: Outcome::Decrypted(opened.warnings), mail: Some(reader(output)?) })
            }
            Err(error) => self.not_read(error).map(Done::unchanged),
        }
    }

    fn verify(
        &self,
        mail: &mut dyn Source,
        knowledge: &Knowledge,
        at: Time,
        least: Accept,
    ) -> Result<Done, Failure> {
        let context = Context { keys: &self.keys, knowledge, at, spools: &EncryptedSpools };
        let options = ReadOptions { open: open_options(), keep_signature: false };
        let read = message::verify(mail, &context, &mut SystemRandom, &options, &mut io::sink());
        let outcome = match read {
            Ok(readable) => Outcome::Judged(Box::new(readable.status), least),
            Err(error) => self.not_read(error)?,
        };
        Ok(Done::unchanged(outcome))
    }

    fn rewrap(
        &self,
        mail: &mut dyn Source,
        recipients: &[Accepted],
        reseal: bool,
        check: bool,
    ) -> Result<Done, Failure> {
        let options = open_options();
        let reseal = reseal.then_some(ContentEncryption::Aes256Gcm);
        let request = RewrapRequest { recipients, key_transport: None, reseal };
        let mut output = Growing::empty();
        let opening = self.opening(&options);
        let done = match message::rewrap(mail, &request, &opening, &mut SystemRandom, &mut output) {
            Ok(done) => done,
            Err(error) => return self.not_rewrapped(error).map(Done::unchanged),
        };
        let (outcome, digest) = match done {
            Rewrapped::Already => return Ok(Done::unchanged(Outcome::Already)),
            Rewrapped::Replaced(change) => (Outcome::Rewrapped(change.opened.warnings), change.digest),
            Rewrapped::Resealed(change) => (Outcome::Resealed(change.opened.warnings), change.digest),
        };
        let mut written = reader(output)?;
        if check {
            let found = message::content_digest(&mut written, &opening, &mut SystemRandom).ok();
            if found.is_none_or(|found| found != digest) {
                return Ok(Done::unchanged(Outcome::Trouble(Trouble::from(Failure::unknown(
                    "not-reopened",
                    "what was written does not open to the same content; the mail stays as it was",
                )))));
            }
        }
        Ok(Done { outcome, mail: Some(written) })
    }

    /// What it means that a mail could not be read: a token that was not there says more than that.
    fn not_read(&self, error: ReadError) -> Result<Outcome, Failure> {
        match self.keys.failure() {
            Some(failure) => {
                Ok(Outcome::Trouble(Trouble { failure, recipients: error.recipients().to_vec() }))
            }
            None => not_read(error),
        }
    }

    fn not_rewrapped(&self, error: RewrapError) -> Result<Outcome, Failure> {
        match error {
            RewrapError::Read(error) => self.not_read(error),
            error => not_rewrapped(error),
        }
    }

    fn opening<'o>(&'o self, options: &'o OpenOptions) -> Opening<'o> {
        Opening { keys: &self.keys, options, spools: &EncryptedSpools }
    }
}

fn reader(output: Growing) -> Result<SpoolReader, Failure> {
    output.into_reader().map_err(|error| Failure::io("a temporary file", &error))
}

/// What it means that a mail could not be read: nothing, where it is not encrypted.
fn not_read(error: ReadError) -> Result<Outcome, Failure> {
    match error {
        ReadError::NotEncrypted { nested: false } => Ok(Outcome::NotEncrypted),
        // A body that cannot be decoded is the mail's fault, not the disk's.
        ReadError::Io(error) | ReadError::Open(OpenError::Io(error))
            if error.kind() == io::ErrorKind::InvalidData =>
        {
            Ok(Outcome::Trouble(
                Failure::unknown("malformed", format!("this cannot be read: {error}")).into(),
            ))
        }
        ReadError::Io(error) => Err(Failure::io("the archive", &error)),
        error => {
            let recipients = error.recipients().to_vec();
            let nested = matches!(error, ReadError::NotEncrypted { .. });
            let failure = if nested {
                Failure::unknown(
                    "nested-encryption",
                    "an encrypted part inside another structure is left closed",
                )
            } else {
                Failure::from(error)
            };
            Ok(Outcome::Trouble(Trouble { failure, recipients }))
        }
    }
}

fn not_rewrapped(error: RewrapError) -> Result<Outcome, Failure> {
    let failure = match error {
        RewrapError::Read(error) => return not_read(error),
        RewrapError::Seal(error) => message::WriteError::Seal(error).into(),
        RewrapError::SignedOutside => {
            Failure::unknown("signed-outside", "a signature around the encryption would break")
        }
        RewrapError::Encoding => Failure::unknown(
            "transfer-encoding",
            "the body is quoted-printable or in an unknown encoding, which is not written",
        ),
    };
    if failure.word == "io" { Err(failure) } else { Ok(Outcome::Trouble(failure.into())) }
}
