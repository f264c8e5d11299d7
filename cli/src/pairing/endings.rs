//! Why a pairing ended, in a person's words.

use counterseal_keysync::pairing::{AbortReason, Method};

use super::Wording;
use crate::failure::{Exit, Failure};

/// Why it ended. Where a request was compared, nothing was scanned.
pub(super) fn given_up(reason: AbortReason, method: Method, wording: Wording) -> Failure {
    if (reason, method) != (AbortReason::NotTheDevice, Method::File) {
        return failure(reason);
    }
    let (what, whose) = match wording {
        Wording::Person => ("met", "from the other one"),
        Wording::New | Wording::Old => ("added", "from the new device"),
    };
    Failure::new(Exit::Contradiction, reason.word(), format!("not {what}: the words differ"))
        .hint(format!("take the file again {whose}; if they differ again, somebody changed it on its way"))
}

/// The same, for what happens in every way.
pub(super) fn failure(reason: AbortReason) -> Failure {
    let (exit, message, hint) = match reason {
        AbortReason::Expired => (Exit::Unknown, "the time was over", "begin anew on both sides"),
        AbortReason::Cancelled => (Exit::Unknown, "it was cancelled", "begin anew on both sides"),
        AbortReason::CodeMismatch => (
            Exit::Contradiction,
            "what the two screens show is not the same, or it was mistyped three times",
            "if you did not mistype, somebody is between the two: use another network, or files",
        ),
        AbortReason::WordsMismatch => (
            Exit::No,
            "the words were wrong three times",
            "begin anew: the next words are others, and nobody had more than three guesses",
        ),
        AbortReason::NotTheDevice => (
            Exit::Contradiction,
            "what answered is not what you scanned",
            "begin anew; if it happens again, somebody is between the two",
        ),
        AbortReason::PolicyRefused => {
            (Exit::No, "what has to be fulfilled before keys leave is not", "no key left the device")
        }
        AbortReason::VersionTooOld => {
            (Exit::Unknown, "the other side speaks a later version", "update this program")
        }
        AbortReason::WrongIntent => (
            Exit::Unknown,
            "the two sides want different things of each other",
            "one says `cseal device join` and the other `cseal device add`; or both `cseal trust meet`",
        ),
        AbortReason::Damaged => {
            (Exit::Unknown, "what came was damaged on its way", "begin anew on both sides")
        }
        AbortReason::TooManyStrangers => {
            (Exit::Unknown, "too much came that is no part of this", "begin anew, by another way")
        }
    };
    Failure::new(exit, reason.word(), message).hint(hint)
}
