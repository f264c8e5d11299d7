//! The status line: what a person reads of who wrote a mail, and whether it was protected.
//!
//! There is exactly one line about the author, the first that applies from the top of the table in
//! `docs/formats/reasons.md`; encryption is told apart from it, because it says nothing about the author.

use counterseal_core::message::{
    Accept, EncryptionStatus, ListChanges, Reason, SignerStatus, Status, Verdict,
};
use counterseal_core::trust::Source;
use counterseal_core::trust::evidence::{Comparison, Endorser, IntroducerName, Kind};

use super::reasons::sentence;
use crate::terminal::{Mark, SafeText, marked};

/// All lines about one mail, with a mark from `positive` on. With `verbose`, every reason and every reader.
pub(crate) fn lines(status: &Status, positive: Accept, verbose: bool) -> Vec<String> {
    let mut lines = vec![author(status, positive)];
    if let Some(encrypted) = &status.encrypted {
        lines.push(encryption(encrypted));
    }
    lines.extend(next(status));
    lines.extend(headers("changed on the way", &status.changed_headers));
    lines.extend(status.list.iter().flat_map(list));
    if verbose {
        lines.extend(status.signers.iter().map(signer));
        lines.extend(
            status.reasons.iter().map(|reason| format!("  {}: {}", reason.word(), sentence(*reason))),
        );
        lines.extend(headers("not protected", &status.unprotected_headers));
        lines.extend(status.encrypted.iter().flat_map(super::recipients::lines));
    }
    lines
}

/// The one line about the author.
fn author(status: &Status, positive: Accept) -> String {
    let mark = match status.verdict {
        Verdict::Verified | Verdict::Checked if status.satisfies(positive) => Mark::Positive,
        Verdict::Verified
        | Verdict::Checked
        | Verdict::Signed
        | Verdict::Unverified
        | Verdict::Unknown
        | Verdict::Unsigned => Mark::Neutral,
        Verdict::Weak | Verdict::Mismatch | Verdict::Conflict => Mark::Warning,
        Verdict::Invalid => Mark::Error,
    };
    let word = match status.verdict {
        Verdict::Unsigned => "NOT SIGNED".to_owned(),
        verdict => verdict.word().to_uppercase(),
    };
    format!("{}: {}{}", marked(mark, &word), about(status), suffixes(status))
}

fn about(status: &Status) -> String {
    let who = who(status);
    match status.verdict {
        Verdict::Verified | Verdict::Checked => format!("{who} ({})", evidence(status)),
        Verdict::Signed => format!("{who}, with a key that is known {}; identity not checked", since(status)),
        Verdict::Unverified => match first(status, &[Reason::Expired, Reason::NotYetValid, Reason::BadChain])
        {
            Some(reason) => format!("valid signature, but {}", sentence(reason)),
            None => "valid signature by an unknown key".to_owned(),
        },
        Verdict::Unknown => "signed, but the signer's certificate is missing".to_owned(),
        Verdict::Unsigned if status.reasons.contains(&Reason::UsuallySigned) => {
            format!("{who} signed earlier mails; nothing says who wrote this one")
        }
        Verdict::Unsigned => "nothing says who wrote this".to_owned(),
        Verdict::Weak | Verdict::Invalid => reason_or(status, "message altered or signature damaged"),
        Verdict::Conflict => format!("signed by a key that is not the one you know for {who}"),
        Verdict::Mismatch => mismatch(status, &who),
    }
}

/// What to do about the author, where that is not settled.
fn next(status: &Status) -> Vec<String> {
    let Some(address) = status.address.as_ref().map(safe) else { return Vec::new() };
    match status.verdict {
        Verdict::Conflict => {
            let both = status.signers.iter().find_map(|signer| signer.contradiction);
            let both = both
                .map(|both| [format!("  signed by  {}", both.new), format!("  you know   {}", both.known)]);
            let ask = "  ask them on another channel which one is theirs; do not answer before:";
            let mut lines: Vec<String> = both.into_iter().flatten().collect();
            lines.extend([ask.to_owned(), format!("  cseal trust show {address}")]);
            lines
        }
        Verdict::Signed => vec![format!("  to verify it: cseal trust meet {address}")],
        Verdict::Unverified => vec![format!("  what speaks for the key: cseal trust show {address}")],
        Verdict::Verified
        | Verdict::Checked
        | Verdict::Unknown
        | Verdict::Unsigned
        | Verdict::Weak
        | Verdict::Mismatch
        | Verdict::Invalid => Vec::new(),
    }
}

fn mismatch(status: &Status, who: &str) -> String {
    let signer = status.signers.iter().find_map(|signer| signer.address.as_ref());
    let signer = signer.map_or_else(|| "somebody without an address".to_owned(), safe);
    match first(status, &[Reason::SeveralFrom, Reason::NoFrom, Reason::FromMismatch]) {
        Some(Reason::SeveralFrom) => format!("several From addresses; the signature covers only {signer}"),
        Some(Reason::NoFrom) => format!("signed by {signer}, but the mail names no author"),
        Some(Reason::FromMismatch) => format!("signed by {signer}, but says it is from {who}"),
        _ => reason_or(status, "the signer is not the author"),
    }
}

/// Whose mail it says it is; without a mail, whose certificate signed.
fn who(status: &Status) -> String {
    if let Some(address) = &status.address {
        return safe(address);
    }
    let subject = status.signers.iter().find_map(|signer| {
        signer.address.as_ref().map(ToString::to_string).or_else(|| signer.subject.clone())
    });
    subject.map_or_else(|| "the signer".to_owned(), safe)
}

/// What the points come from, strongest first.
fn evidence(status: &Status) -> String {
    let words: Vec<String> = status
        .signers
        .first()
        .map(|signer| signer.evidence.iter().filter_map(one_source).collect())
        .unwrap_or_default();
    if words.is_empty() { "no evidence".to_owned() } else { words.join("; ") }
}

/// Since when the worst signer's key is known.
fn since(status: &Status) -> String {
    let sources = status.signers.iter().flat_map(|signer| &signer.evidence);
    let first_seen = sources.filter_map(|source| match &source.evidence.kind {
        Kind::History(correspondence) => Some(correspondence.first_seen),
        _ => None,
    });
    first_seen.min().map_or_else(|| "from before".to_owned(), |time| format!("since {}", time.to_date()))
}

/// One source in words; nothing for what only leads on to another one.
fn one_source(source: &Source) -> Option<String> {
    Some(match &source.evidence.kind {
        Kind::Pinned(Comparison::Own) => format!("your own key {}", source.evidence.claim.key()),
        Kind::Pinned(Comparison::Succession) => {
            format!("{} counts as compared: the key before named it", source.evidence.claim.key())
        }
        Kind::Pinned(_) => format!("you compared {}", source.evidence.claim.key()),
        Kind::Chain(chain) => SafeText(&chain.name).to_string(),
        Kind::History(_) => "known from before".to_owned(),
        Kind::CertifiedByUser { root, .. } => format!("you certified it with {root}"),
        Kind::Vouched(vouching) => {
            let last = vouching.introducers.last().map(|introducer| introducer.name);
            vouched(last)
        }
        Kind::Endorsed(endorsement) => match &endorsement.endorser {
            Endorser::OpenPgp(introducers) => vouched(introducers.last().map(|introducer| introducer.name)),
            Endorser::Contact { signer, .. } | Endorser::Correspondent { signer } => {
                format!("{} vouches for it", safe(signer.address()))
            }
        },
        Kind::DnsRecord { secure: true } => "in the DNS, signed".to_owned(),
        Kind::DnsRecord { secure: false } => "in the DNS".to_owned(),
        Kind::WebDirectory => "in the directory of its domain".to_owned(),
        Kind::Keyserver { name } => format!("on the key server {}", SafeText(name)),
        Kind::Gossip { by } => format!("mail of {} carried it", safe(by.address())),
        Kind::Succeeds(_) => "the key before named it".to_owned(),
        Kind::IssuedBy { .. } | Kind::NamedBy { .. } => return None,
    })
}

fn vouched(introducer: Option<IntroducerName>) -> String {
    match introducer {
        Some(IntroducerName::OpenPgp(certificate)) => format!("{certificate} vouches for it"),
        Some(IntroducerName::Key(key)) => format!("{key} vouches for it"),
        None => "somebody vouches for it".to_owned(),
    }
}

/// What takes something away from the line.
fn suffixes(status: &Status) -> String {
    let mut suffixes = String::new();
    let ended = ended(status);
    for reason in &status.reasons {
        suffixes.push_str(match reason {
            Reason::Partial => "; PARTIAL: only a part of it is signed",
            Reason::RevocationNotChecked => " (revocation not checked)",
            Reason::StaleRevocation => " (revocation list out of date)",
            Reason::Expired if status.verdict != Verdict::Unverified => &ended,
            // Where From differs, that is what the line is about.
            Reason::HeadersDiffer => "; header fields were changed on the way",
            Reason::TimeDiffers => "; signed at another time than its Date says",
            Reason::NotAddressedToReader => "; it was not addressed to you",
            Reason::DisplayName => "; the name shown looks like another address",
            Reason::NestedEncryption => "; an encrypted part inside was left closed",
            _ => "",
        });
    }
    suffixes
}

/// When the first of the signers' certificates ended.
fn ended(status: &Status) -> String {
    let ended = status.signers.iter().filter_map(|signer| signer.not_after).min();
    let date = ended.map(|ended| format!(" {}", ended.to_date())).unwrap_or_default();
    format!(" (certificate expired{date})")
}

/// The line about how it was encrypted.
pub(crate) fn encryption(encrypted: &EncryptionStatus) -> String {
    let cipher = encrypted.cipher.name();
    if !encrypted.integrity {
        return format!(
            "{}: {cipher}, not integrity protected: who carried it could have changed it",
            marked(Mark::Warning, "ENCRYPTED")
        );
    }
    format!("ENCRYPTED: {cipher}; encryption does not say who wrote it")
}

/// Lines of an addition that are shown.
const ADDED_LINES: usize = 4;

/// What a mailing list did. Nothing of what it added is signed.
fn list(list: &ListChanges) -> Vec<String> {
    let mut lines = Vec::new();
    let name = list.list.as_ref().map(|name| format!(" ({})", SafeText(name))).unwrap_or_default();
    lines.extend(
        list.subject_tag
            .as_ref()
            .map(|tag| format!("  the list{name} put into the Subject: {}", SafeText(tag))),
    );
    lines.extend(
        list.from.as_ref().map(|from| format!("  the list{name} put itself into From: {}", safe(from))),
    );
    for addition in &list.undone.added {
        lines.push(format!("  added on the way{name}, and not signed:"));
        let text: Vec<&str> = addition.text.lines().filter(|line| !line.trim().is_empty()).collect();
        lines.extend(text.iter().take(ADDED_LINES).map(|line| format!("    | {}", SafeText(line))));
        if text.len() > ADDED_LINES {
            lines.push(format!("    | … and {} more lines", text.len() - ADDED_LINES));
        }
    }
    if !list.undone.repairs.is_empty() {
        let words: Vec<&str> = list.undone.repairs.iter().map(|repair| repair.word()).collect();
        lines.push(format!("  changed on the way{name} and taken back: {}", words.join(", ")));
    }
    lines
}

fn signer(signer: &SignerStatus) -> String {
    let subject = signer.subject.as_deref().unwrap_or("(no certificate)");
    let key = signer.fingerprint.map(|key| format!("  {key}")).unwrap_or_default();
    format!("  signer: {} {}{key}", signer.verdict.word(), SafeText(subject))
}

fn headers(what: &str, names: &[String]) -> Option<String> {
    let names: Vec<String> = names.iter().map(|name| SafeText(name).to_string()).collect();
    (!names.is_empty()).then(|| format!("  header fields {what}: {}", names.join(", ")))
}

fn first(status: &Status, wanted: &[Reason]) -> Option<Reason> {
    wanted.iter().find(|reason| status.reasons.contains(reason)).copied()
}

fn reason_or(status: &Status, otherwise: &str) -> String {
    status.reasons.first().map_or_else(|| otherwise.to_owned(), |reason| sentence(*reason).to_owned())
}

fn safe(text: impl ToString) -> String {
    SafeText(&text.to_string()).to_string()
}

/// An attachment that was saved.
pub(crate) fn saved(path: &str) -> String {
    format!("saved {}", SafeText(path))
}
