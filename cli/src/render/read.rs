//! Why a mail could not be read, in words.

use counterseal_core::cms::{OpenError, SignedError};
use counterseal_core::message::ReadError;

use super::recipients;
use crate::failure::Failure;

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        let word = error.word();
        match error {
            ReadError::Io(error) => Self::io("the message", &error),
            ReadError::NotEncrypted { nested: false } => {
                Self::unknown(word, "this is not encrypted").hint("check who signed it: `cseal verify`")
            }
            ReadError::NotEncrypted { nested: true } => Self::unknown(
                word,
                "an encrypted part stands inside another structure; it is not opened, because whoever put it there could read it out of your answer",
            ),
            ReadError::Open(error) => open(word, &error),
            ReadError::Malformed(error) => Self::unknown(word, format!("this cannot be read: {error}")),
            ReadError::Signed(SignedError::OtherContent(found)) => {
                Self::unknown(word, format!("this is not signed, but {found}"))
                    .hint("what is encrypted is opened with `cseal decrypt`")
            }
            ReadError::Signed(error) => Self::unknown(word, format!("this cannot be read: {error}")),
            ReadError::Compressed(error) => Self::unknown(word, format!("this cannot be read: {error}")),
            ReadError::TooManyLayers => {
                Self::unknown(word, "more layers inside each other than any honest mail has")
            }
        }
    }
}

fn open(word: &'static str, error: &OpenError) -> Failure {
    match error {
        OpenError::Io(error) => Failure::io("the message", error),
        OpenError::NotForUs { recipients } => {
            Failure::unknown(word, "none of your keys opens this; it was sealed for")
                .details(recipients::list(recipients))
                .hint(
                    "import the key that belongs to it: `cseal keys import FILE`, or name it with --key FILE",
                )
        }
        OpenError::Locked { recipients, .. } => {
            Failure::unknown(word, "your key for this is locked; it was sealed for")
                .details(recipients::list(recipients))
                .hint("give the passphrase of the store with --passphrase-file FILE or --passphrase-fd N")
        }
        // One sentence for every cause: which one it was would help an attacker only.
        OpenError::Failed { recipients } => Failure::unknown(word, "decryption failed; it was sealed for")
            .details(recipients::list(recipients)),
        OpenError::WeakCipher { cipher } => {
            Failure::unknown(word, format!("sealed with {}, which protects nothing any more", cipher.name()))
                .hint("open it all the same with --accept-weak-cipher")
        }
        OpenError::NotEnveloped { found } => {
            Failure::unknown(word, format!("this is not encrypted, but {found}"))
        }
        OpenError::Malformed(_) | OpenError::Unsound(_) => {
            Failure::unknown(word, format!("the encrypted object cannot be read: {error}"))
        }
        OpenError::Unsupported { what } => {
            Failure::unknown(word, format!("sealed with an algorithm that is not known here: {what}"))
        }
        OpenError::Limit { what } => {
            Failure::unknown(word, format!("more {what} than any honest message has"))
        }
    }
}
