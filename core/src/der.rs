//! Streaming BER and DER (ITU-T X.690): contents of any size in constant memory.
//!
//! [`Reader`] pulls elements, [`Writer`] pushes them. Definite and indefinite lengths, strings in
//! pieces and nested pieces are all read; whatever a limit of [`crate::limits`] forbids is an
//! error that says where. Small structures are read whole with [`Reader::element`], brought into
//! DER by [`to_der`], and go to the `der`, `cms` and `x509-cert` crates from there; contents
//! never do.

mod error;
mod normalize;
mod object_identifier;
mod reader;
mod tag;
pub mod tlv;
mod writer;

pub use error::{DerError, DerErrorKind};
pub use normalize::to_der;
pub(crate) use object_identifier::dotted;
pub use reader::{Header, Reader, StringReader};
pub use tag::{Class, Tag};
pub use writer::{Writer, encode, encode_all, header, header_length};
