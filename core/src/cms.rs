//! CMS, the format of S/MIME's seals and signatures (RFC 5652, RFC 8551).

pub mod capabilities;
pub mod content_type;
pub(crate) mod elements;

pub use capabilities::{Capabilities, Capability, KeyWrap};
pub use content_type::ContentType;
