//! CMS, the format of S/MIME's seals and signatures (RFC 5652, RFC 8551).

mod auth_enveloped;
pub mod capabilities;
mod content_cipher;
pub mod content_type;
pub(crate) mod elements;
mod enveloped;
mod key_derivation;
mod key_wrap;
pub mod open;
mod recipients;
pub mod seal;

pub use capabilities::{Capabilities, Capability, KeyWrap};
pub use content_type::ContentType;
pub use open::{Fault, OpenError, OpenOptions, Opened, Warning, open};
pub use recipients::{RecipientDescription, RecipientKind};
pub use seal::{KeyTransport, Recipient, SealError, SealOptions, seal};
