//! Writing a SignedData with one signer.

use std::io::{self, Read, SeekFrom, Write};

use const_oid::ObjectIdentifier;
use der::Encode;
use spki::AlgorithmIdentifierOwned;

use super::algorithms::protection;
use super::carried;
use super::digests::{Digests, copy};
use super::outcome::SignedError;
use super::request::{SignError, SignedInput, SigningRequest, content_digest, default_signature_algorithm};
use super::signing_certificate;
use crate::algorithm::{DigestAlgorithm, SignatureAlgorithm};
use crate::cms::attributes::{FurtherAttribute, build};
use crate::cms::certificates_only::certificate_set;
use crate::cms::content_type::ContentType;
use crate::cms::elements::{INTEGER, OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE, SET, context, encode};
use crate::der::{Tag, Writer, header_length};
use crate::ports::Source;
use crate::x509::Certificate;
use crate::x509::algorithm_identifier::{digest_to, signature_to};

const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

/// What was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// How the signature was made.
    pub algorithm: SignatureAlgorithm,
    /// The digest of the content; its name is the `micalg` of multipart/signed.
    pub digest: DigestAlgorithm,
}

/// Signs a content and writes the SignedData.
///
/// The signed attributes are contentType, messageDigest, signingTime, signingCertificateV2,
/// cmsAlgorithmProtection, and, where the request has them, SMIMECapabilities,
/// SMIMEEncryptionKeyPreference and further ones.
///
/// # Errors
/// [`SignError`]. What is in `output` then is incomplete.
pub fn write_signed(
    input: SignedInput<'_>,
    request: &SigningRequest<'_>,
    output: &mut dyn Write,
) -> Result<Written, SignError> {
    let signer = Signing::prepare(request)?;
    match input {
        SignedInput::Attached(content) => signer.write_attached(content, output)?,
        SignedInput::AttachedStream(content) => signer.write_stream(content, output)?,
        SignedInput::Detached(content) => signer.write_detached(content, output)?,
    }
    Ok(Written { algorithm: signer.algorithm, digest: signer.digest })
}

/// Everything about a signature that is known before the content is read.
struct Signing<'a> {
    request: &'a SigningRequest<'a>,
    certificate: &'a Certificate,
    algorithm: SignatureAlgorithm,
    digest: DigestAlgorithm,
    /// DER of the AlgorithmIdentifiers.
    digest_algorithm: Vec<u8>,
    signature_algorithm: Vec<u8>,
}

impl<'a> Signing<'a> {
    fn prepare(request: &'a SigningRequest<'a>) -> Result<Self, SignError> {
        if !FurtherAttribute::can_be_signed(request.further_attributes) {
            return Err(SignError::Attribute);
        }
        let is_signers = |certificate: &&Certificate| certificate.fingerprint() == request.key;
        let certificate = request.certificates.iter().find(is_signers).ok_or(SignError::NoCertificate)?;
        let public_key = certificate.public_key();
        let key = public_key.algorithm();
        let unasked = || public_key.required_signature().or_else(|| default_signature_algorithm(key));
        let algorithm = request.algorithm.or_else(unasked).ok_or(SignError::Unsuitable)?;
        let digest = content_digest(algorithm);
        let mut signature_algorithm = signature_to(algorithm, key).ok_or(SignError::Unsuitable)?;
        if matches!(algorithm, SignatureAlgorithm::RsaPkcs1(_)) {
            // RFC 3370, section 3.2: the name that every reader knows; the digest stands beside it.
            signature_algorithm.oid = RSA_ENCRYPTION;
        }
        Ok(Self {
            request,
            certificate,
            algorithm,
            digest,
            digest_algorithm: algorithm_der(&digest_to(digest))?,
            signature_algorithm: algorithm_der(&signature_algorithm)?,
        })
    }

    /// DER: the content is read once for its digest and once for being written.
    fn write_attached(&self, content: &mut dyn Source, output: &mut dyn Write) -> Result<(), SignError> {
        let start = content.stream_position()?;
        let length = content.seek(SeekFrom::End(0))?.saturating_sub(start);
        content.seek(SeekFrom::Start(start))?;
        let tail = self.tail(&self.digest_of(content)?)?;
        content.seek(SeekFrom::Start(start))?;
        let mut writer = Writer::new(output);
        self.begin(&mut writer, Some(Lengths::of(&self.head(), &self.content_type(), length, &tail)))?;
        writer.begin_string(Tag::OCTET_STRING, Some(length))?;
        copy(content, |bytes| writer.string_content(bytes)).map_err(sign_error)?;
        writer.end_string()?;
        end(writer, &tail)
    }

    /// BER: lengths follow nowhere, because nobody knows them yet.
    fn write_stream(&self, content: &mut dyn Read, output: &mut dyn Write) -> Result<(), SignError> {
        let mut writer = Writer::new(output);
        self.begin(&mut writer, None)?;
        writer.begin_string(Tag::OCTET_STRING, None)?;
        let mut pieces = Pieces(&mut writer);
        let digests = Digests::of(content, &[self.digest], &mut pieces).map_err(sign_error)?;
        writer.end_string()?;
        let tail = self.tail(digests.get(self.digest).unwrap_or_default())?;
        end(writer, &tail)
    }

    /// DER without the content.
    fn write_detached(&self, content: &mut dyn Read, output: &mut dyn Write) -> Result<(), SignError> {
        let tail = self.tail(&self.digest_of(content)?)?;
        let signed = encode(SEQUENCE, &[&self.head(), &encode(SEQUENCE, &[&self.content_type()]), &tail]);
        let object = encode(
            SEQUENCE,
            &[&object_identifier(&ContentType::SignedData), &encode(context(0), &[&signed])],
        );
        Ok(output.write_all(&object)?)
    }

    fn digest_of(&self, content: &mut dyn Read) -> Result<Vec<u8>, SignError> {
        let digests = Digests::of(content, &[self.digest], &mut io::sink()).map_err(sign_error)?;
        Ok(digests.get(self.digest).unwrap_or_default().to_vec())
    }

    /// Begins all that is around the content.
    fn begin<W: Write>(&self, writer: &mut Writer<W>, lengths: Option<Lengths>) -> io::Result<()> {
        writer.push(Tag::SEQUENCE, lengths.map(|lengths| lengths.content_info))?;
        writer.raw(&object_identifier(&ContentType::SignedData))?;
        writer.push(Tag::context(0), lengths.map(|lengths| lengths.explicit))?;
        writer.push(Tag::SEQUENCE, lengths.map(|lengths| lengths.signed_data))?;
        writer.raw(&self.head())?;
        writer.push(Tag::SEQUENCE, lengths.map(|lengths| lengths.encapsulated))?;
        writer.raw(&self.content_type())?;
        writer.push(Tag::context(0), lengths.map(|lengths| lengths.content))
    }

    /// Version and digestAlgorithms.
    fn head(&self) -> Vec<u8> {
        // RFC 5652, section 5.1.
        let version = if self.request.content_type == ContentType::Data { 1 } else { 3 };
        [encode(INTEGER, &[&[version]]), encode(SET, &[&self.digest_algorithm])].concat()
    }

    fn content_type(&self) -> Vec<u8> {
        object_identifier(&self.request.content_type)
    }

    /// Certificates, revocation lists, and the SignerInfo over a content with this digest.
    fn tail(&self, digest: &[u8]) -> Result<Vec<u8>, SignError> {
        let certificates = self.request.certificates.iter().chain(self.request.encryption_certificate);
        let signer_info = self.signer_info(digest)?;
        let lists = revocation_set(self.request.revocation_lists);
        Ok([certificate_set(certificates), lists, encode(SET, &[&signer_info])].concat())
    }

    fn signer_info(&self, digest: &[u8]) -> Result<Vec<u8>, SignError> {
        let attributes = self.attributes(digest);
        let signature = self.request.keys.sign(&self.request.key, self.algorithm, &attributes)?;
        // A key that answers with nonsense, by a fault or by design, must not get its answer out.
        let verified = self.certificate.public_key().verify(self.algorithm, &attributes, &signature);
        verified.map_err(|_| SignError::Failed)?;
        let mut signed_attributes = attributes;
        if let Some(tag) = signed_attributes.first_mut() {
            *tag = context(0);
        }
        Ok(encode(
            SEQUENCE,
            &[
                &encode(INTEGER, &[&[1]]),
                &encode(SEQUENCE, &[&issuer_and_serial_number(self.certificate)]),
                &self.digest_algorithm,
                &signed_attributes,
                &self.signature_algorithm,
                &encode(OCTET_STRING, &[&signature]),
                &carried::write(self.request.carried_evidence),
            ],
        ))
    }

    fn attributes(&self, digest: &[u8]) -> Vec<u8> {
        let mut attributes = vec![
            build::content_type(&self.request.content_type),
            build::message_digest(digest),
            build::signing_time(self.request.signing_time),
            build::signing_certificate_v2(&signing_certificate::write(self.certificate)),
            build::algorithm_protection(&protection(&self.digest_algorithm, &self.signature_algorithm)),
        ];
        attributes.extend(self.request.capabilities.map(|list| build::capabilities(&list.to_der())));
        attributes.extend(self.request.encryption_certificate.map(|certificate| {
            let preference = encode(context(0), &[&issuer_and_serial_number(certificate)]);
            build::encryption_key_preference(&preference)
        }));
        attributes.extend(self.request.further_attributes.iter().map(build::further));
        build::set(attributes)
    }
}

/// Ends all that is around the content.
fn end<W: Write>(mut writer: Writer<W>, tail: &[u8]) -> Result<(), SignError> {
    writer.pop()?;
    writer.pop()?;
    writer.raw(tail)?;
    for _ in 0..3 {
        writer.pop()?;
    }
    writer.finish()?;
    Ok(())
}

/// Lengths of the constructions around an attached content, from the inside.
#[derive(Clone, Copy)]
struct Lengths {
    content: u64,
    encapsulated: u64,
    signed_data: u64,
    explicit: u64,
    content_info: u64,
}

impl Lengths {
    fn of(head: &[u8], content_type: &[u8], content: u64, tail: &[u8]) -> Self {
        let around = |length: u64| header_length(length) + length;
        let content = around(content);
        let encapsulated = content_type.len() as u64 + around(content);
        let signed_data = head.len() as u64 + around(encapsulated) + tail.len() as u64;
        let explicit = around(signed_data);
        let outer_type = object_identifier(&ContentType::SignedData).len() as u64;
        Self { content, encapsulated, signed_data, explicit, content_info: outer_type + around(explicit) }
    }
}

/// Hands what is written on as content of the string at hand.
struct Pieces<'w, W>(&'w mut Writer<W>);

impl<W: Write> Write for Pieces<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.string_content(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn object_identifier(content_type: &ContentType) -> Vec<u8> {
    encode(OBJECT_IDENTIFIER, &[&content_type.object_identifier()])
}

/// RevocationInfoChoices (RFC 5652, section 10.2.1), in the order of DER; nothing where there are none.
fn revocation_set(lists: &[Vec<u8>]) -> Vec<u8> {
    let mut lists: Vec<&[u8]> = lists.iter().map(Vec::as_slice).collect();
    lists.sort_unstable();
    lists.dedup();
    if lists.is_empty() { Vec::new() } else { encode(context(1), &lists) }
}

/// The content of an IssuerAndSerialNumber.
fn issuer_and_serial_number(certificate: &Certificate) -> Vec<u8> {
    [certificate.issuer_der(), &encode(INTEGER, &[certificate.serial_number()])].concat()
}

fn algorithm_der(algorithm: &AlgorithmIdentifierOwned) -> Result<Vec<u8>, SignError> {
    algorithm.to_der().map_err(|_| SignError::Unsuitable)
}

fn sign_error(error: SignedError) -> SignError {
    match error {
        SignedError::Io(kind) => SignError::Io(kind),
        _ => SignError::Io(io::ErrorKind::InvalidData),
    }
}
