//! OpenPGP certificates as evidence (RFC 9580): who certified whom, and what follows from it for
//! the people whom the user relies on.
//!
//! A keyring is read and verified once ([`Web::import`]); what is left are plain values
//! ([`Certificate`], [`Certification`]) that a store can keep, so that the next start verifies
//! nothing. [`Web::network`] is the web at a moment, for certain [`Reliances`], and answers
//! whether a user identifier belongs to a certificate.
//!
//! Only this module names Sequoia, which parses packets and checks signatures. Its types appear
//! in no signature of ours.
//!
//! An OpenPGP certification speaks for an S/MIME key where the certificate is its twin
//! ([`TwinKey`]), where it names the key in a link notation ([`Link`]), or where its owner signs a
//! [`Statement`].

#![cfg_attr(not(test), forbid(clippy::indexing_slicing, clippy::string_slice))]

mod certificate;
mod fast_key;
mod import;
mod issuers;
mod keyring;
mod link;
mod network;
mod ownertrust;
mod parts;
mod public;
mod reader;
mod reliance;
mod scope;
mod search;
mod secret;
mod signing;
mod spans;
mod statement;
mod stored;
mod twin;
mod web;

pub use certificate::{Certificate, Certification, Depth, KeyId, LinkNotation, Revocation, UserId};
pub use import::{ImportError, Imported, Refused};
pub use keyring::certificate_in;
pub use link::{LINK_NOTATION, Link, LinkPurpose, address_of_user_id};
pub use network::{Authentication, Network, Path, Step};
pub use ownertrust::{OwnertrustError, read_ownertrust};
pub use public::public_certificate;
pub use reader::CertificateRefused;
pub use reliance::{Reliances, Root};
pub use secret::{Purpose, SecretCertificate, SecretFileError, SecretPart, SecretState, Validity};
pub use spans::{Span, Spans};
pub use statement::{
    Basis, OpenPgpSigner, Reason, SignedStatement, Statement, StatementError, StatementKind, StatementSigner,
};
pub use twin::{
    BASIS_NOTATION, NewCertification, TWIN_CREATED, TwinError, TwinKey, certify_twin, export_twin, to_armor,
    twin_certificate,
};
pub use web::Web;

/// The packets of a certificate, out of their armor where they have one; nothing where it is damaged.
#[must_use]
pub fn to_binary(certificate: &[u8]) -> Option<Vec<u8>> {
    match certificate.first() {
        Some(first) if first & 0x80 != 0 => Some(certificate.to_vec()),
        Some(_) => keyring::dearmored(certificate),
        None => None,
    }
}

/// Full reliance, on the scale of OpenPGP's trust amounts (RFC 9580, section 5.2.3.21).
pub const FULL: u8 = 120;
/// What GnuPG calls marginal: three of them make [`FULL`].
pub const MARGINAL: u8 = 40;
