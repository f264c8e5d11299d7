//! SignedData (RFC 5652, section 5): who signed which bytes, and whether the signature holds.
//!
//! Whether the signer may be believed is not said here: that takes the certificate's path, its
//! address and the author of the mail. What is said here is mathematics and the rules that keep
//! it meaningful.

mod algorithms;
mod carried;
mod digests;
pub(super) mod object;
mod outcome;
mod read;
mod request;
mod signer_info;
mod signing_certificate;
mod verify;
mod write;

#[cfg(test)]
mod properties;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub use outcome::{SignatureFault, SignatureOutcome, Signed, SignedError, Signer, Weakness};
pub use read::read_signed;
pub use request::{SignError, SignedInput, SigningRequest, default_signature_algorithm};
pub use write::{Written, write_signed};
