//! What goes into the machine, and what it says: its whole conversation with whoever turns its crank.

use counterseal_core::ports::Random;
use counterseal_core::secret::SecretBytes;
use counterseal_core::time::Time;

use super::AbortReason;
use super::gate::{Circumstances, Met, Released, Withheld};
use super::identity::{Peer, Signer};
use super::session::BoxId;
use crate::code::PairingCode;
use crate::sas::CheckCode;
use crate::transport::ObjectBox;
use crate::words::{Words, WordsError};

/// What every call needs.
pub struct Ports<'a> {
    /// The moment.
    pub now: Time,
    /// Randomness.
    pub random: &'a mut dyn Random,
    /// Our key.
    pub signer: &'a dyn Signer,
}

/// What happened.
#[derive(Clone, Debug)]
pub enum Input {
    /// Something lies in a box.
    Object {
        /// The box.
        place: BoxId,
        /// The object.
        bytes: Vec<u8>,
    },
    /// The answer file came.
    File(Vec<u8>),
    /// The digits, the words or the answer words were typed.
    Typed(String),
    /// A question was answered with yes or no.
    Confirmed(bool),
    /// One of the offers was chosen.
    Picked([u8; 32]),
    /// An old device looks whether it may release.
    Circumstances(Circumstances),
    /// What was granted is imported, and durable; with the beacon of the new device.
    Imported(Vec<u8>),
    /// More lies in a box than in that of any pairing.
    Crowded,
    /// Time went by.
    Tick,
    /// A person ended it.
    Cancel,
}

/// What the caller does next.
#[derive(Debug)]
pub enum Step {
    /// Looks into this box from now on.
    Listen(ObjectBox),
    /// Looks into it no more; what is there may be removed.
    Close(BoxId),
    /// Puts an object.
    Send {
        /// The box.
        place: BoxId,
        /// The object.
        object: Vec<u8>,
    },
    /// Writes a file for the other side.
    File(Vec<u8>),
    /// Shows something.
    Show(Show),
    /// Asks the person something.
    Ask(Ask),
    /// Builds the grant, and gives it to [`Pairing::grant`].
    Release(Released),
    /// Imports what was granted, then says [`Input::Imported`].
    Import(SecretBytes),
    /// The two have met.
    Met(Met),
    /// Done. An old device gets what the new one acknowledged with, if it did.
    Done(Option<Vec<u8>>),
    /// Given up.
    Aborted(AbortReason),
}

/// What a screen shows.
#[derive(Clone, Debug)]
pub enum Show {
    /// A code, as a picture or a text, until this moment.
    Code(PairingCode, Time),
    /// Words to be typed on the other side.
    Spoken(String),
    /// Digits to be typed on the other side.
    CheckCode(CheckCode),
    /// Words that the other screen shows alike.
    CompareWords(Words),
    /// Words of the offer file.
    Fingerprint(Words),
    /// Words that open the answer file; only over another way than the file's.
    AnswerWords(Words),
    /// Who is at the other end, as far as it is known.
    Peer(Peer),
    /// What was typed cannot be meant, and was no try.
    Slip(Slip),
    /// That was wrong; so many tries are left.
    TriesLeft(u8),
    /// Nothing is released yet.
    Withheld(Withheld),
    /// The other side waits with its keys until then.
    HeldUntil(Time),
    /// No answer came yet.
    StillWaiting,
    /// The file is no answer to our offer.
    OtherFile,
}

/// Why what was typed cannot be meant.
#[derive(Clone, Debug)]
pub enum Slip {
    /// They are not six digits.
    Digits,
    /// They are not words of the list, or not so many as are needed.
    Words(WordsError),
    /// They begin with another number than this, by which the two found each other.
    OtherNumber(u16),
}

/// What a person is asked.
#[derive(Clone, Debug)]
pub enum Ask {
    /// The digits on the other screen ([`Input::Typed`]).
    CheckCode,
    /// Whether both screens show the same words ([`Input::Confirmed`]).
    CompareWords,
    /// Whether the other screen shows the same words for the offer ([`Input::Confirmed`]).
    CompareFingerprint,
    /// Whether this is the account, or the person, that is meant ([`Input::Confirmed`]).
    ConfirmPeer,
    /// Whether to release: the passphrase again, and whether this is the device in front of the person
    /// ([`Input::Circumstances`]).
    Approve,
    /// The words that open the answer file ([`Input::Typed`]).
    AnswerWords,
    /// The words again ([`Input::Typed`]): a guess at them was wrong, here, in an earlier run, or somebody else's. So many
    /// are left, if the other side counts as we do.
    Words(u8),
    /// Which of these offers ([`Input::Picked`]); names are foreign text.
    Pick(Vec<([u8; 32], String)>),
}
