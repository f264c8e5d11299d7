//! A signed mail: its certificates become its author's.

use std::io;

use counterseal_core::address::EmailAddress;
use counterseal_core::message::{self, AuthorSignature, Context, ReadOptions, Readable, Verdict};
use counterseal_core::policy::Policy;
use counterseal_core::x509::Certificate;

use crate::clock;
use crate::commands::reading::OurKeys;
use crate::commands::store::{self, Unlock};
use crate::failure::{Exit, Failure};
use crate::policy;
use crate::randomness::SystemRandom;
use crate::revocation;
use crate::spool::EncryptedSpools;
use crate::store::Store;

/// Whether bytes begin like a mail: a header field, and a field that only mails have.
pub(super) fn is_mail(bytes: &[u8]) -> bool {
    let head = bytes.get(..bytes.len().min(64 << 10)).unwrap_or_default();
    let mut lines = head.split(|byte| *byte == b'\n').take_while(|line| !line.trim_ascii_end().is_empty());
    let is_field = |line: &[u8]| {
        let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
        name.len() < line.len() && !name.is_empty() && name.iter().all(|byte| (b'!'..=b'~').contains(byte))
    };
    let known = |line: &[u8]| {
        let lower = line.to_ascii_lowercase();
        lower.starts_with(b"from:")
            || lower.starts_with(b"content-type:")
            || lower.starts_with(b"mime-version:")
    };
    lines.clone().next().is_some_and(|line| is_field(line) || line.starts_with(b"From ")) && lines.any(known)
}

/// Who wrote a mail, the chain of its signer and other keys under the same personal CA, and what the author's
/// program announced that it can read.
pub(super) struct SignedMail {
    pub(super) author: EmailAddress,
    pub(super) certificates: Vec<Certificate>,
    pub(super) capabilities: Option<Vec<u8>>,
    /// What came along with the signature, unproved.
    pub(super) carried: Vec<Vec<u8>>,
}

/// Reads a mail whose signature must be good and its author's own.
pub(super) fn read(store: &Store, bytes: &[u8]) -> Result<SignedMail, Failure> {
    let keys = OurKeys::from_store(Some(store), Unlock::from_file(None))?;
    let mut knowledge = store::knowledge(store)?;
    let policy = policy::in_force()?;
    policy::apply(&policy, &mut knowledge)?;
    let context =
        Context { keys: keys.port(), knowledge: &knowledge, at: clock::now(), spools: &EncryptedSpools };
    let readable = message::verify(
        &mut io::Cursor::new(bytes),
        &context,
        &mut SystemRandom,
        &ReadOptions::default(),
        &mut io::sink(),
    )
    .map_err(|error| keys.explain(error))?;
    author_of(readable, &policy)
}

fn author_of(readable: Readable, policy: &Policy) -> Result<SignedMail, Failure> {
    let status = readable.status;
    match (status.verdict, readable.author_signature) {
        (Verdict::Verified | Verdict::Checked | Verdict::Signed | Verdict::Unverified, Some(own)) => {
            // Whoever takes the author in by hand wants to know which of the author's keys are revoked.
            revocation::keep(&own, policy, |_| true);
            // Nobody signed what else came along.
            let AuthorSignature { address: author, certificates, capabilities, .. } = own;
            Ok(SignedMail { author, certificates, capabilities, carried: readable.carried })
        }
        (Verdict::Conflict, _) => {
            let both = status.signers.iter().find_map(|signer| signer.contradiction);
            let both = both
                .map(|both| vec![format!("signed by  {}", both.new), format!("you know   {}", both.known)]);
            let why = "it is signed by a key that is not the one you know";
            Err(refused(Exit::Contradiction, why).details(both.unwrap_or_default()).hint(
                "ask its author on another channel which key is theirs; where it is the new one, import the file \
                 that their `cseal keys export` writes, with --pin FINGERPRINT --replace",
            ))
        }
        (Verdict::Unsigned, _) => Err(refused(Exit::No, "it is not signed")),
        (Verdict::Mismatch, _) | (_, None) => Err(refused(Exit::No, "it is not signed by its author")),
        (Verdict::Unknown, _) => Err(refused(Exit::No, "the signer's certificate is missing")),
        (Verdict::Weak | Verdict::Invalid, _) => Err(refused(Exit::No, "its signature does not hold")),
    }
}

fn refused(exit: Exit, why: &str) -> Failure {
    Failure::new(exit, "not-signed-by-author", format!("no certificate was taken from this mail: {why}"))
        .hint("see more with `cseal verify -v`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mails_are_told_from_pem_and_der() {
        assert!(is_mail(b"Return-Path: <a@example.org>\r\nFrom: a@example.org\r\n\r\ntext"));
        assert!(is_mail(b"From a@example.org Sat Nov 21 12:00:00 2026\nMIME-Version: 1.0\n\n"));
        assert!(!is_mail(b"-----BEGIN CERTIFICATE-----\nMII=\n-----END CERTIFICATE-----\n"));
        assert!(!is_mail(b"Bag Attributes\n    friendlyName: alice\nsubject=CN = alice\n"));
        assert!(!is_mail(&[0x30, 0x82, 1, 2, b'\n', b'F']));
        assert!(!is_mail(b""));
    }
}
