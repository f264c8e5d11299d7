//! The judgement over one SignerInfo.

use super::algorithms::{check_protection, fits_key, read_signature_algorithm, weakness};
use super::carried;
use super::digests::Digests;
use super::outcome::{SignatureFault, SignatureOutcome, Signer};
use super::signer_info::{SignerInfo, issuer_and_serial_number};
use super::signing_certificate::{self, SigningCertificate};
use crate::algorithm::{DigestAlgorithm, SignatureAlgorithm};
use crate::cms::attributes::{FurtherAttribute, SignedAttributes, check_unsigned, time_stamps};
use crate::cms::content_type::ContentType;
use crate::cms::elements::{self, SET, context, context_primitive};
use crate::limits;
use crate::ports::KeyName;
use crate::time::Time;
use crate::x509::{Certificate, SignatureInvalid};

/// Judges one signature over a content with these digests. The signer's certificate is looked for among
/// those of the object, and only where none of them has its name among those that are `known`.
pub(super) fn signer(
    info: &SignerInfo,
    content_type: &ContentType,
    digests: &Digests,
    certificates: &[Certificate],
    known: &[Certificate],
) -> Signer {
    let candidates = Candidates::of(&info.name, certificates, known);
    let mut signer = Signer {
        name: info.name.clone(),
        certificate: candidates.certificates.first().map(|certificate| (*certificate).clone()),
        outcome: SignatureOutcome::CertificateMissing,
        digest: info.digest,
        algorithm: None,
        message_digest: None,
        claimed_digest: None,
        signing_time: None,
        capabilities: None,
        encryption_key_preference: None,
        further_attributes: Vec::new(),
        signature: info.signature.clone(),
        time_stamps: info.unsigned_attributes.as_deref().map(time_stamps).unwrap_or_default(),
        carried_evidence: info.unsigned_attributes.as_deref().map(carried::read).unwrap_or_default(),
    };
    match claim(info, content_type, digests) {
        Err(fault) => {
            signer.outcome = SignatureOutcome::Bad(fault);
            signer.claimed_digest = claimed_digest(info).filter(|_| fault == SignatureFault::ContentChanged);
        }
        Ok(claim) => {
            signer.algorithm = Some(claim.algorithm);
            signer.message_digest = digests.get(claim.digest).map(<[u8]>::to_vec);
            judge(&mut signer, info, claim, &candidates);
        }
    }
    signer
}

fn claimed_digest(info: &SignerInfo) -> Option<Vec<u8>> {
    let content = elements::content_of(&info.signed_attributes.as_ref()?.normalized, SET).ok()?;
    SignedAttributes::read(content).ok()?.message_digest().ok().map(<[u8]>::to_vec)
}

/// What a SignerInfo says, before its signature is checked. It already fits the content.
struct Claim {
    digest: DigestAlgorithm,
    algorithm: SignatureAlgorithm,
    signed_forms: Vec<Vec<u8>>,
    signing_certificates: Vec<SigningCertificate>,
    signing_time: Option<Time>,
    capabilities: Option<Vec<u8>>,
    encryption_key_preference: Option<KeyName>,
    further_attributes: Vec<FurtherAttribute>,
}

/// Every rule that needs no certificate.
fn claim(info: &SignerInfo, content_type: &ContentType, digests: &Digests) -> Result<Claim, SignatureFault> {
    // RFC 5652 allows a signature without attributes over bare data. We do not: the same signature
    // would then also be one over a content that is the DER of attributes.
    let bytes = info.signed_attributes.as_ref().ok_or(SignatureFault::NoSignedAttributes)?;
    let content =
        elements::content_of(&bytes.normalized, SET).map_err(|_| SignatureFault::MalformedAttributes)?;
    let attributes = SignedAttributes::read(content)?;
    if let Some(unsigned) = &info.unsigned_attributes {
        check_unsigned(unsigned)?;
    }
    attributes.check_content_type(content_type)?;
    let digest = info.digest.ok_or(SignatureFault::UnknownAlgorithm)?;
    if digests.get(digest) != Some(attributes.message_digest()?) {
        return Err(SignatureFault::ContentChanged);
    }
    let algorithm = read_signature_algorithm(&info.signature_algorithm, digest)?;
    if let Some(protection) = attributes.algorithm_protection()? {
        check_protection(protection, &info.digest_algorithm, &info.signature_algorithm)?;
    }
    Ok(Claim {
        digest,
        algorithm,
        signed_forms: bytes.signed_forms().map_err(|_| SignatureFault::MalformedAttributes)?,
        signing_certificates: signing_certificate::read(&attributes)?,
        signing_time: attributes.signing_time()?,
        capabilities: attributes.capabilities()?.map(<[u8]>::to_vec),
        encryption_key_preference: attributes.encryption_key_preference()?.and_then(read_preference),
        further_attributes: attributes.further(),
    })
}

/// Every rule that needs the certificate, and the signature itself.
fn judge(signer: &mut Signer, info: &SignerInfo, claim: Claim, candidates: &Candidates<'_>) {
    match check_signature(info, &claim, candidates) {
        Ok(None) => signer.outcome = SignatureOutcome::CertificateMissing,
        Err(fault) => signer.outcome = SignatureOutcome::Bad(fault),
        Ok(Some(certificate)) => {
            let weakness = weakness(claim.algorithm, claim.digest, certificate.public_key().algorithm());
            signer.outcome = weakness.map_or(SignatureOutcome::Good, SignatureOutcome::Weak);
            signer.certificate = Some(certificate.clone());
            signer.signing_time = claim.signing_time;
            signer.capabilities = claim.capabilities;
            signer.encryption_key_preference = claim.encryption_key_preference;
            signer.further_attributes = claim.further_attributes;
        }
    }
}

/// The candidate whose key signed; nothing where there is no candidate.
fn check_signature<'c>(
    info: &SignerInfo,
    claim: &Claim,
    candidates: &Candidates<'c>,
) -> Result<Option<&'c Certificate>, SignatureFault> {
    if candidates.are_ambiguous {
        return Err(SignatureFault::AmbiguousCertificate);
    }
    let mut fault = None;
    for certificate in candidates.certificates.iter().take(limits::SIGNER_CANDIDATES) {
        match check_with(info, claim, certificate) {
            Ok(()) => return Ok(Some(certificate)),
            Err(found) => fault = Some(fault.unwrap_or(found).max(found)),
        }
    }
    fault.map_or(Ok(None), Err)
}

fn check_with(info: &SignerInfo, claim: &Claim, certificate: &Certificate) -> Result<(), SignatureFault> {
    if !claim.signing_certificates.iter().all(|named| named.is(certificate)) {
        return Err(SignatureFault::OtherCertificate);
    }
    let key = certificate.public_key();
    if !fits_key(&info.signature_algorithm, claim.algorithm, key.algorithm()) {
        return Err(SignatureFault::AlgorithmsDisagree);
    }
    let mut fault = SignatureFault::SignatureInvalid;
    for signed in &claim.signed_forms {
        match key.verify(claim.algorithm, signed, &info.signature) {
            Ok(()) => return Ok(()),
            Err(SignatureInvalid::Unsupported) => fault = SignatureFault::UnknownAlgorithm,
            Err(_) => {}
        }
    }
    Err(fault)
}

/// The certificates that may be the signer's.
struct Candidates<'c> {
    certificates: Vec<&'c Certificate>,
    are_ambiguous: bool,
}

impl<'c> Candidates<'c> {
    /// An issuer gives each serial number once (RFC 5280, section 4.1.2.2). Where two certificates of an
    /// object share both, one is forged, and which one is not for a signature to say.
    ///
    /// What is known does not make an object ambiguous: anybody can send a mail of their own whose
    /// certificate has the issuer and the serial number of somebody else's, and must not thereby damage
    /// every mail of theirs that comes later.
    fn of(name: &KeyName, certificates: &'c [Certificate], known: &'c [Certificate]) -> Self {
        let brought = named(name, certificates);
        let are_ambiguous = brought.len() > 1 && matches!(name, KeyName::IssuerAndSerialNumber { .. });
        let certificates = if brought.is_empty() { named(name, known) } else { brought };
        Self { certificates, are_ambiguous }
    }
}

/// The certificates of that name, each once.
fn named<'c>(name: &KeyName, certificates: &'c [Certificate]) -> Vec<&'c Certificate> {
    let mut found: Vec<&Certificate> = Vec::new();
    for certificate in certificates {
        if certificate.names().contains(name) && !found.contains(&certificate) {
            found.push(certificate);
        }
    }
    found
}

/// SMIMEEncryptionKeyPreference (RFC 8551, section 2.5.3); what cannot be read is no preference.
fn read_preference(preference: &[u8]) -> Option<KeyName> {
    let preference = elements::element(preference).ok()?;
    match preference.tag {
        tag if tag == context(0) => issuer_and_serial_number(preference.content).ok(),
        tag if tag == context(1) => {
            let parts = elements::elements(preference.content).ok()?;
            let identifier = parts.first()?.expect(elements::OCTET_STRING).ok()?;
            Some(KeyName::KeyIdentifier(identifier.to_vec()))
        }
        tag if tag == context_primitive(2) => Some(KeyName::KeyIdentifier(preference.content.to_vec())),
        _ => None,
    }
}
