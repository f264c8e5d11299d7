//! CMS, the format of S/MIME's seals and signatures (RFC 5652, RFC 8551).

pub(crate) mod attributes;
mod auth_enveloped;
pub mod capabilities;
pub mod certificates_only;
pub mod compressed;
mod content_cipher;
pub mod content_type;
pub(crate) mod elements;
mod enveloped;
mod key_derivation;
mod key_wrap;
pub mod open;
mod recipients;
pub mod rewrap;
pub mod seal;
pub mod signed;
#[cfg(test)]
mod test_keys;
pub mod time_stamp;
#[cfg(test)]
mod wycheproof;

pub use attributes::FurtherAttribute;
pub use capabilities::{Capabilities, Capability, KeyWrap};
pub use certificates_only::{certificates_only, write_certificates_only};
pub use compressed::{CompressedError, decompress};
pub use content_type::{ContentType, content_type};
pub use open::{Fault, OpenError, OpenOptions, Opened, Warning, open};
pub use recipients::{RecipientDescription, RecipientKind};
pub use rewrap::{Change, RewrapError, RewrapRequest, Rewrapped, content_digest, rewrap};
pub use seal::{KeyTransport, Recipient, SealError, SealOptions, seal};
pub use signed::{
    SignError, SignatureFault, SignatureOutcome, Signed, SignedError, SignedInput, Signer, SigningRequest,
    Weakness, Written, default_signature_algorithm, read_signed, write_signed,
};
