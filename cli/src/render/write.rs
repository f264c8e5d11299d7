//! Why a mail could not be written, in words.

use counterseal_core::address::EmailAddress;
use counterseal_core::cms::SealError;
use counterseal_core::message::WriteError;
use counterseal_core::policy::Refusal;
use counterseal_core::trust::Conflict;

use crate::failure::{Exit, Failure};

impl From<WriteError> for Failure {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Malformed(error) => {
                Self::unknown("malformed", format!("this mail cannot be sent as it is: {error}"))
            }
            WriteError::NoRecipients => Self::no("no-recipients", "the mail names no recipient")
                .hint("add To, Cc or Bcc, or --to ADDRESS"),
            WriteError::Refused(refused) => {
                let named: Vec<_> =
                    refused.into_iter().map(|(address, refusal)| (address.to_string(), refusal)).collect();
                refusals(&named)
            }
            WriteError::NotTheSigner { author, addresses } => not_the_signer(author.as_ref(), &addresses),
            WriteError::Sign(error) => {
                Self::unknown("cannot-sign", format!("the signature could not be made: {error}"))
            }
            WriteError::Seal(SealError::Input(error)) => Self::io("the input", &error),
            WriteError::Seal(SealError::Output(error)) => Self::io("the output", &error),
            WriteError::Seal(error) => {
                Self::unknown("cannot-seal", format!("the message could not be sealed: {error}"))
            }
            WriteError::Io(error) => Self::io("the message", &error),
        }
    }
}

/// All recipients that cannot be written to, at once.
pub(crate) fn refusals(refused: &[(String, Refusal)]) -> Failure {
    let conflict = refused.iter().any(|(_, refusal)| matches!(refusal, Refusal::Conflict(_)));
    let message = match refused {
        [_] => "one recipient cannot be written to".to_owned(),
        many => format!("{} recipients cannot be written to", many.len()),
    };
    let word = refused.first().map_or("no-key", |(_, refusal)| refusal.word());
    let exit = if conflict { Exit::Contradiction } else { Exit::No };
    let word = if conflict { "conflict" } else { word };
    let details = refused.iter().map(|(who, refusal)| line(who, refusal)).collect();
    let failure = Failure::new(exit, word, message).details(details);
    match refused.iter().find(|(_, refusal)| matches!(refusal, Refusal::NoKey)) {
        Some((who, _)) => failure.hint(format!(
            "ask {who} for a signed mail, then `cseal keys import mail.eml`; or look on the network: `cseal keys find {who} --source smimea --source wkd`"
        )),
        None => Failure { hint: next(refused), ..failure },
    }
}

/// What to do about the first that more evidence would help.
fn next(refused: &[(String, Refusal)]) -> Option<String> {
    refused.iter().find_map(|(who, refusal)| match refusal {
        Refusal::Conflict(_) => Some(format!(
            "ask {who} on another channel which key is theirs, and see `cseal trust show {who}`"
        )),
        Refusal::BelowRequired { .. } | Refusal::Unverified | Refusal::PinnedKeyEnded { .. } => {
            Some(format!("compare: `cseal trust meet {who}`; see why: `cseal trust show {who}`"))
        }
        _ => None,
    })
}

/// One recipient, the word, and the reason.
fn line(who: &str, refusal: &Refusal) -> String {
    format!("{who}  {}: {}", refusal.word(), reason(refusal))
}

fn reason(refusal: &Refusal) -> String {
    match refusal {
        Refusal::NoKey => "no certificate is known for this address".to_owned(),
        Refusal::Expired { not_after, .. } => format!("the certificate ended on {}", not_after.to_date()),
        Refusal::NotYetValid { not_before, .. } => {
            format!("the certificate begins only on {}", not_before.to_date())
        }
        Refusal::Usage(error) => format!("the certificate is not for encrypted mail ({error})"),
        Refusal::KeyKind(algorithm) => format!("a key of kind {} cannot be encrypted to", algorithm.name()),
        Refusal::OtherAddress { addresses } => {
            format!("the certificate is for {}", all(addresses, "no address at all"))
        }
        Refusal::Revoked => "the key is revoked".to_owned(),
        Refusal::WasEncrypted => {
            "mail to this address was encrypted before, and no certificate of it can be used now".to_owned()
        }
        Refusal::WouldQuoteSecrets => {
            "no certificate is known for this address, and the mail answers one that was encrypted".to_owned()
        }
        Refusal::Chain(error) => format!("the chain of certificates does not hold ({error})"),
        Refusal::Unverified => "nothing binds the key to this address".to_owned(),
        Refusal::BelowRequired { level, score, least } => {
            format!("the key is {} ({score} points), and your policy asks for {}", level.word(), least.word())
        }
        Refusal::Conflict(conflict) => conflict_reason(conflict),
        Refusal::NotThePin => "no key that is known for this address is the one that you named".to_owned(),
        Refusal::PinnedKeyEnded { pinned } => {
            format!("the key that you compared, {pinned}, has ended; compare the new one")
        }
    }
}

fn conflict_reason(conflict: &Conflict) -> String {
    match conflict {
        Conflict::Pin { pinned, .. } => format!("you compared another key for this address, {pinned}"),
        Conflict::Supported { other, .. } => {
            format!("another key for this address is as well supported, {other}")
        }
        Conflict::UnverifiedChange { known, .. } => {
            format!("another key is known for this address, {known}")
        }
        Conflict::SecondSuccession { other, .. } => {
            format!("the key before named another successor too, {other}")
        }
    }
}

fn not_the_signer(author: Option<&EmailAddress>, addresses: &[EmailAddress]) -> Failure {
    let author = author.map_or_else(|| "nobody".to_owned(), ToString::to_string);
    Failure::no(
        "not-the-signer",
        format!(
            "the mail is from {author}, but the signing certificate is for {}",
            all(addresses, "no address at all")
        ),
    )
    .hint("sign with the author's own key, or correct From")
}

fn all(addresses: &[EmailAddress], none: &str) -> String {
    let texts: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    if texts.is_empty() { none.to_owned() } else { texts.join(", ") }
}
