//! Time stamps (RFC 3161): somebody else's word that some bytes existed at a moment.
//!
//! A signing time is the signer's own word, and proves nothing. A time stamp of a signature proves
//! that it was made while its certificate was valid, even when that has expired since.

mod info;
mod request;

use std::fmt;
use std::io::Cursor;

use self::info::Info;
use super::{ContentType, SignatureOutcome, Signed, SignedError, Signer, Weakness, read_signed};
use crate::limits;
use crate::time::Time;
use crate::x509::Certificate;
use crate::x509::digest::digest;
use crate::x509::path::{Allowance, Anchor, PathError, PathRequest, Purpose, ValidPath, validate};
use crate::x509::revocation::{RevocationEvidence, RevocationReason};
use crate::x509::tlv::{Elements, only, tag};

pub use request::TimeStampRequest;

/// id-kp-timeStamping (RFC 3161, section 2.3).
const TIME_STAMPING: &str = "1.3.6.1.5.5.7.3.8";

/// A time stamp. Its form is checked, and that its signature holds; whether its authority may be
/// believed is a question for [`TimeStamp::verify`].
#[derive(Clone, Debug)]
pub struct TimeStamp {
    info: Info,
    signer: Certificate,
    certificates: Vec<Certificate>,
    revocation_lists: Vec<Vec<u8>>,
    revocation_answers: Vec<Vec<u8>>,
}

/// What a time stamp proves once it is verified.
#[derive(Clone, Debug)]
pub struct Proven {
    /// The bytes existed at this moment: the authority's time, at its latest.
    pub by: Time,
    /// The path of the authority's certificate.
    pub path: ValidPath,
}

/// Why a time stamp proves nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TimeStampError {
    /// No TimeStampToken.
    Malformed,
    /// Larger than [`limits::TIME_STAMP_BYTES`].
    TooLarge,
    /// The authority refused: its PKIStatus (RFC 3161, section 2.4.2).
    Refused(u8),
    /// There is not exactly one signature.
    SignerCount(usize),
    /// The signature does not hold, or its certificate is missing.
    Signature(SignatureOutcome),
    /// It is about other bytes.
    OtherData,
    /// The bytes are digested by an algorithm that can be forged.
    WeakDigest,
    /// The authority's certificate is not for time stamps alone, or does not say so critically
    /// (RFC 3161, section 2.3).
    Usage,
    /// The authority's certificate has no valid path.
    Path(PathError),
}

impl fmt::Display for TimeStampError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => formatter.write_str("not a time stamp"),
            Self::TooLarge => formatter.write_str("the time stamp is too large"),
            Self::Refused(status) => {
                write!(formatter, "the time stamping authority refused: status {status}")
            }
            Self::SignerCount(count) => write!(formatter, "the time stamp has {count} signatures"),
            Self::Signature(outcome) => {
                write!(formatter, "the time stamp's signature does not hold: {outcome:?}")
            }
            Self::OtherData => formatter.write_str("the time stamp is about something else"),
            Self::WeakDigest => formatter.write_str("the time stamp's digest can be forged"),
            Self::Usage => formatter.write_str("the certificate is not one for time stamps"),
            Self::Path(error) => write!(formatter, "the time stamp's certificate: {error}"),
        }
    }
}

impl std::error::Error for TimeStampError {}

impl TimeStamp {
    /// Reads a TimeStampToken, or the TimeStampResp that brings one, with nothing after it.
    /// `offered` are certificates of authorities that leave theirs out.
    ///
    /// # Errors
    /// [`TimeStampError`].
    pub fn from_der(der: &[u8], offered: &[Certificate]) -> Result<Self, TimeStampError> {
        if der.len() > limits::TIME_STAMP_BYTES {
            return Err(TimeStampError::TooLarge);
        }
        let mut content = Vec::new();
        let token = token(der)?;
        let signed = read_signed(&mut Cursor::new(token), None, offered, &mut content);
        let signed = signed.map_err(|error: SignedError| match error {
            SignedError::Limit(_) => TimeStampError::TooLarge,
            _ => TimeStampError::Malformed,
        })?;
        if signed.content_type != ContentType::TimeStampInfo || !signed.had_content {
            return Err(TimeStampError::Malformed);
        }
        let signer = only_signer(&signed)?;
        let info = Info::read(&content).ok_or(TimeStampError::Malformed)?;
        let Signed { certificates, revocation_lists, revocation_answers, .. } = signed;
        Ok(Self { info, signer, certificates, revocation_lists, revocation_answers })
    }

    /// The moment that it names, at its latest: with the accuracy that it claims. Nobody vouches
    /// for it before [`TimeStamp::verify`].
    #[must_use]
    pub const fn claimed_time(&self) -> Time {
        self.info.latest
    }

    /// The nonce of the request that it answers, as the magnitude of an integer.
    #[must_use]
    pub fn nonce(&self) -> Option<&[u8]> {
        self.info.nonce.as_deref()
    }

    /// The certificate of the authority.
    #[must_use]
    pub const fn authority(&self) -> &Certificate {
        &self.signer
    }

    /// Checks that it is about these bytes (for the stamp of a signature: the signature's octets),
    /// and that its authority was to be believed when it was made, and is still at `at`.
    ///
    /// An authority that was revoked later for a reason that leaves its key safe is believed for
    /// what it said before (RFC 3161, section 4). One whose certificate expired is not: whoever
    /// finds its key can make old dates.
    ///
    /// # Errors
    /// [`TimeStampError`].
    pub fn verify(
        &self,
        data: &[u8],
        anchors: &[Anchor],
        revocation: &RevocationEvidence,
        at: Time,
        allowance: &Allowance,
    ) -> Result<Proven, TimeStampError> {
        let (algorithm, imprint) = &self.info.imprint;
        if algorithm.is_weak() {
            return Err(TimeStampError::WeakDigest);
        }
        if digest(*algorithm, data) != *imprint {
            return Err(TimeStampError::OtherData);
        }
        self.check_usage()?;
        let by = self.info.latest;
        let revocation = revocation.with(&self.revocation_lists, &self.revocation_answers);
        let path = |at| {
            let request = PathRequest::new(Purpose::Other(TIME_STAMPING), at);
            validate(&self.signer, &self.certificates, anchors, &revocation, &request, allowance)
                .and_then(ValidPath::require_strong)
        };
        let then = path(by).map_err(TimeStampError::Path)?;
        match path(at) {
            Err(PathError::Revoked { which, when, reason })
                if which.depth == 0 && when > by && leaves_key_safe(reason) => {}
            Err(error) => return Err(TimeStampError::Path(error)),
            Ok(_) => {}
        }
        Ok(Proven { by, path: then })
    }

    /// RFC 3161, section 2.3: the one purpose, and critical.
    fn check_usage(&self) -> Result<(), TimeStampError> {
        let identifier = const_oid::db::rfc5280::ID_CE_EXT_KEY_USAGE;
        let is_critical = self.signer.extension(identifier).is_some_and(|(critical, _)| critical);
        let purposes = self.signer.extended_key_usage().map(|usage| usage.purposes()).unwrap_or_default();
        let key_usage = self.signer.key_usage();
        let may_sign = key_usage.is_none_or(|usage| usage.digital_signature() || usage.non_repudiation());
        if is_critical && purposes == [TIME_STAMPING] && may_sign {
            Ok(())
        } else {
            Err(TimeStampError::Usage)
        }
    }
}

/// RFC 3161, section 4 (1): the others, or none, mean that somebody else may have the key.
const fn leaves_key_safe(reason: RevocationReason) -> bool {
    matches!(
        reason,
        RevocationReason::AffiliationChanged
            | RevocationReason::Superseded
            | RevocationReason::CessationOfOperation
    )
}

/// The token in a TimeStampResp (RFC 3161, section 2.4.2), or the input, where it is one itself.
fn token(der: &[u8]) -> Result<&[u8], TimeStampError> {
    let mut fields = Elements::new(only(der, tag::SEQUENCE).ok_or(TimeStampError::Malformed)?);
    if fields.peek() == Some(tag::OBJECT_IDENTIFIER) {
        return Ok(der);
    }
    let status = fields.expect(tag::SEQUENCE).ok_or(TimeStampError::Malformed)?;
    match Elements::new(status.content).expect(tag::INTEGER).map(|status| status.content) {
        // granted, grantedWithMods.
        Some([0 | 1]) => {}
        Some([status]) => return Err(TimeStampError::Refused(*status)),
        _ => return Err(TimeStampError::Malformed),
    }
    let token = fields.expect(tag::SEQUENCE).filter(|_| fields.is_empty());
    token.map(|token| token.whole).ok_or(TimeStampError::Malformed)
}

/// The certificate of the one signer, whose signature holds.
fn only_signer(signed: &Signed) -> Result<Certificate, TimeStampError> {
    let [signer] = signed.signers.as_slice() else {
        return Err(TimeStampError::SignerCount(signed.signers.len()));
    };
    match signer {
        Signer { outcome: SignatureOutcome::Good, certificate: Some(certificate), .. } => {
            Ok(certificate.clone())
        }
        // A short key is the path's to refuse.
        Signer {
            outcome: SignatureOutcome::Weak(Weakness::ShortRsa { .. }),
            certificate: Some(certificate),
            ..
        } => Ok(certificate.clone()),
        _ => Err(TimeStampError::Signature(signer.outcome)),
    }
}
