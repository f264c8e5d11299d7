//! Certificates and keys (RFC 5280, RFC 8550): reading, checking, using and issuing them.

pub(crate) mod algorithm_identifier;
pub(crate) mod asn1_time;
pub mod certificate;
mod curve;
mod diffie_hellman;
pub(crate) mod digest;
mod dsa;
pub mod issue;
mod key_holder;
pub mod mail_roots;
pub mod name_constraints;
mod name_text;
#[cfg_attr(any(target_family = "wasm", feature = "portable"), path = "x509/portable.rs")]
mod native;
pub mod path;
pub mod pem;
pub mod pkcs12;
mod post_quantum;
pub mod public_key;
mod random_adapter;
pub mod revocation;
pub(crate) mod rsa_padding;
pub mod secret_key;
pub mod signature;
mod subject_names;
mod token_key;
pub mod usage;

pub(crate) use crate::der::tlv;
pub use certificate::{Certificate, CertificateError};
pub use key_holder::SecretKeyHolder;
pub use public_key::PublicKey;
pub use secret_key::{KeyKind, SecretKey, SecretKeyError};
pub use signature::SignatureInvalid;
pub use token_key::{TokenKey, TokenOperations};
pub use usage::{ExtendedKeyUsage, KeyUsage, UsageError};

/// The text of a distinguished name (RFC 4514), given its DER, safe to look at. Nothing where it is
/// no Name.
#[must_use]
pub fn name_to_text(name: &[u8]) -> Option<String> {
    name_text::text(name)
}
