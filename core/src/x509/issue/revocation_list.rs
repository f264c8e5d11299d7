//! Revocation lists of a personal CA (RFC 5280, section 5).

use der::Encode as _;

use super::{IssueError, Issuer, signature_by, time, tlv};
use crate::ports::KeyError;
use crate::time::Time;
use crate::x509::algorithm_identifier::signature_to;
use crate::x509::revocation::{Revocation, RevocationList};
use crate::x509::tlv::tag;

/// Content octets of 2.5.29.35, 2.5.29.20 and 2.5.29.21.
const AUTHORITY_KEY_IDENTIFIER: &[u8] = &[0x55, 0x1d, 35];
const LIST_NUMBER: &[u8] = &[0x55, 0x1d, 20];
const REASON: &[u8] = &[0x55, 0x1d, 21];
/// Universal tag of an ENUMERATED.
const ENUMERATED: u8 = 0x0a;

/// The complete list of what a CA revoked: serial numbers, as certificates have them, each with its
/// date and reason. The number of the list is its time, so that a later one has a greater number.
///
/// # Errors
/// [`IssueError`].
pub fn revocation_list(
    issuer: &Issuer<'_>,
    revoked: &[(Vec<u8>, Revocation)],
    this_update: Time,
    next_update: Time,
) -> Result<RevocationList, IssueError> {
    let signer = issuer.certificate.public_key();
    let key = signer.algorithm();
    let signature = signature_by(key).ok_or(IssueError::UnsuitableKey(key))?;
    let algorithm = signature_to(signature, key).and_then(|algorithm| algorithm.to_der().ok());
    let algorithm = algorithm.ok_or(IssueError::UnsuitableKey(key))?;
    let entries = revoked.iter().map(entry).collect::<Result<Vec<_>, _>>()?.concat();
    // RFC 5280, section 5.1.2.6: without entries the field is left out.
    let entries = if entries.is_empty() { Vec::new() } else { tlv::encode(tag::SEQUENCE, &entries) };
    let to_be_signed = tlv::sequence(&[
        &tlv::integer(&[1]),
        &algorithm,
        issuer.certificate.subject_der(),
        &time(this_update)?,
        &time(next_update)?,
        &entries,
        &tlv::encode(tag::constructed(0), &extensions(issuer, this_update)),
    ]);
    let value = issuer.keys.sign(&signer.fingerprint(), signature, &to_be_signed).map_err(IssueError::Key)?;
    let der = tlv::sequence(&[&to_be_signed, &algorithm, &tlv::bit_string(&value)]);
    // What we issue must pass what we check, signature included.
    let list = RevocationList::from_der(&der).map_err(|_| IssueError::Key(KeyError::Failed))?;
    list.is_signed_by(signer).map_err(|_| IssueError::Key(KeyError::Failed))?;
    Ok(list)
}

/// An entry of revokedCertificates.
fn entry((serial_number, revocation): &(Vec<u8>, Revocation)) -> Result<Vec<u8>, IssueError> {
    let mut fields = vec![tlv::encode(tag::INTEGER, serial_number), time(revocation.when)?];
    // RFC 5280, section 5.3.1: no reason is better than one that says nothing.
    if let Some(code) = revocation.reason.code() {
        let reason = extension(REASON, &tlv::encode(ENUMERATED, &[code]));
        fields.push(tlv::sequence(&[&reason]));
    }
    Ok(tlv::encode(tag::SEQUENCE, &fields.concat()))
}

/// Extensions of the list: whose key signs, and its number.
fn extensions(issuer: &Issuer<'_>, this_update: Time) -> Vec<u8> {
    let computed = issuer.certificate.public_key().key_identifier();
    let identifier = issuer.certificate.subject_key_identifier().unwrap_or(&computed);
    let identifier = tlv::sequence(&[&tlv::encode(tag::primitive(0), identifier)]);
    let number = tlv::integer(&this_update.unix_seconds().max(0).to_be_bytes());
    tlv::sequence(&[&extension(AUTHORITY_KEY_IDENTIFIER, &identifier), &extension(LIST_NUMBER, &number)])
}

fn extension(kind: &[u8], value: &[u8]) -> Vec<u8> {
    tlv::sequence(&[&tlv::encode(tag::OBJECT_IDENTIFIER, kind), &tlv::encode(tag::OCTET_STRING, value)])
}
