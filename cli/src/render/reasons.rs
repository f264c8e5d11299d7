//! A sentence for each reason. The words themselves are the library's, and stand in
//! `docs/formats/reasons.md`.

use counterseal_core::cms::{SignatureFault, Weakness};
use counterseal_core::message::Reason;

/// What a reason means, as a part of a sentence.
pub(crate) const fn sentence(reason: Reason) -> &'static str {
    match reason {
        Reason::Pinned => "you compared the fingerprint",
        Reason::Chain => "the certificate chains to a CA that you accept",
        Reason::Known => "the key is known from before",
        Reason::Vouched => "somebody you rely on vouches for the key",
        Reason::Succession => "the key before signed that this one follows",
        Reason::LookedUp => "the key was looked up at the address's domain or on a key server",
        Reason::Gossip => "the mail of others carried the key",
        Reason::NoEvidence => "nothing binds this key to the address",
        Reason::NoAnchor => "the certificate chains to no CA that you accept",
        Reason::Malformed => "the signed object cannot be read",
        Reason::NoSigners => "it looks signed, but nobody signed it",
        Reason::NotMailContent => "what is signed is no mail",
        Reason::CertificateMissing => "the signer's certificate is missing",
        Reason::CertificateUsage => "the certificate may not sign mail",
        Reason::Expired => "the certificate has expired",
        Reason::TimeProven => {
            "it was signed while its certificate was valid: a witness or your own history proves it"
        }
        Reason::NotYetValid => "the certificate is not valid yet",
        Reason::Revoked => "the certificate is revoked",
        Reason::StaleRevocation => "the revocation list at hand is out of date",
        Reason::RevocationNotChecked => "whether the certificate is revoked was not checked",
        Reason::BadChain => "the chain of certificates breaks a rule",
        Reason::WeakChain => "the chain of certificates holds only by an algorithm that can be forged",
        Reason::NameConstraint => "a CA of the chain may not certify this address",
        Reason::FromMismatch => "the signer's certificate does not name the From address",
        Reason::SenderOnly => "the signer is the Sender, not the author",
        Reason::SeveralFrom => "there are several From addresses",
        Reason::NoFrom => "there is no From address that can be read without guessing",
        Reason::FromDiffers => "the From field outside differs from the protected one",
        Reason::HeadersDiffer => "a protected header field was changed on the way",
        Reason::KeyOfOthers => "the same key is in a certificate for other addresses",
        Reason::LongValidity => "a public CA issued the certificate for longer than it may",
        Reason::DisplayName => "the name shown looks like another address",
        Reason::Partial => "only a part of the mail is signed",
        Reason::ListAdded => {
            "a mailing list, or somebody else on the way, added something that nobody signed"
        }
        Reason::ListRepaired => {
            "a mailing list, or somebody else on the way, changed its form, which was taken back"
        }
        Reason::NestedEncryption => "an encrypted part inside another structure was left closed",
        Reason::TimeDiffers => "it was signed at another time than its Date says",
        Reason::NotAddressedToReader => "the signed recipients do not include you",
        Reason::PinConflict => "you compared another key for this address",
        Reason::KeyChanged => "another key is known for this address",
        Reason::KeysDisagree => "another key for this address is as well supported",
        Reason::PinnedKeyEnded => "the key that you compared has ended, and this is another one",
        Reason::NoIntegrity => "it is encrypted without integrity protection",
        Reason::WeakCipher => "it is encrypted with a broken or outdated cipher",
        Reason::MisplacedCipher => "an authenticated cipher stands where its tag is not announced",
        Reason::NotSplit => {
            "the mail is too large, or has too many signed parts, to be looked into as a whole"
        }
        Reason::AmbiguousStructure => "mail programs show this structure in different ways",
        Reason::Unsigned => "it is not signed",
        Reason::UsuallySigned => "the author signed earlier mails",
        Reason::Fault(fault) => fault_sentence(fault),
        Reason::Weak(weakness) => weakness_sentence(weakness),
    }
}

const fn fault_sentence(fault: SignatureFault) -> &'static str {
    match fault {
        SignatureFault::NoSignedAttributes => {
            "the signature has no signed attributes, so it could be about something else"
        }
        SignatureFault::MalformedAttributes => "the signed attributes cannot be read",
        SignatureFault::UnsignedAttribute => {
            "an attribute that must be signed stands among those that are not"
        }
        SignatureFault::DuplicateAttribute => "a signed attribute stands there twice",
        SignatureFault::NotOneValue => "a signed attribute has not exactly one value",
        SignatureFault::NoContentType => "the signed attributes do not say what is signed",
        SignatureFault::OtherContentType => "the signature is about content of another type",
        SignatureFault::NoMessageDigest => "the signed attributes hold no digest",
        SignatureFault::ContentChanged => "message altered after it was signed",
        SignatureFault::UnknownAlgorithm => "the signature algorithm is unknown, or has forbidden parameters",
        SignatureFault::AlgorithmsDisagree => "digest and signature algorithm contradict each other",
        SignatureFault::AlgorithmsReplaced => "the algorithms were replaced after signing",
        SignatureFault::OtherCertificate => "the signature names another certificate",
        SignatureFault::AmbiguousCertificate => {
            "several certificates have the signer's issuer and serial number"
        }
        SignatureFault::SignatureInvalid => "message altered or signature damaged",
    }
}

const fn weakness_sentence(weakness: Weakness) -> &'static str {
    match weakness {
        Weakness::Md5 => "signed with MD5, which can be forged",
        Weakness::Sha1 => "signed with SHA-1, which can be forged",
        Weakness::ShortRsa { .. } => "signed with an RSA key that is too short",
        Weakness::Dsa => "signed with DSA, which is not accepted any more",
    }
}
