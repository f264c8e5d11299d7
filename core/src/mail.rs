//! What is inside these bytes: header sections, MIME parts, the wrapping of S/MIME, and header
//! protection (RFC 5322, RFC 2045 to 2047, RFC 2231, RFC 8551, RFC 9788).
//!
//! Structure is read by our own code, because what is signed has to be known to the byte and
//! because a forger chooses which of two readings a lenient parser takes. Whatever two programs
//! could read in two ways is a [`Defect`] that travels with the part. Character sets are
//! `mail-parser`'s.

#![cfg_attr(not(test), forbid(clippy::indexing_slicing, clippy::string_slice))]

mod attachment;
mod author;
mod boundary;
mod cms_part;
mod content_type;
mod date;
mod defect;
mod demands;
mod encoded_word;
mod entity;
mod field_writer;
mod header;
mod line_ends;
mod lines;
mod mailbox;
pub mod mbox;
mod message_id;
mod nested;
mod parameter;
mod part;
mod pieces;
pub mod protected;
mod replace_field;
mod section;
mod sendable;
mod transfer;

pub use attachment::{Attachment, attachments, main_body_parts, shown_texts};
pub use author::{AuthorError, Recipients, RecipientsError, addresses, author, recipients};
pub(crate) use cms_part::signed_parts_with_trailer;
pub use cms_part::{
    CmsBody, CmsPart, CmsPartError, CmsReader, SignedFault, SignedParts, SignedReader, Wrapping, cms_part,
};
pub use content_type::{ContentDisposition, ContentType};
pub use date::{date, write_date};
pub use defect::{Defect, MailError};
pub use demands::{DemandOrigin, DemandsError, Undemanded, without_demands};
pub use encoded_word::{decode_words, encode_words};
pub(crate) use entity::is_structural;
pub use field_writer::{write_field, write_mailbox};
pub use header::{HeaderField, HeaderSection};
pub(crate) use line_ends::LineEnds;
pub use mailbox::{
    AddressEntry, Mailbox, MailboxError, NameWarning, parse_address_list, parse_submitted_list,
};
pub use message_id::message_identifiers;
pub use nested::{NestedCms, NestedKind, nested_cms};
pub use part::Part;
pub use pieces::Pieces;
pub use replace_field::replace_field;
pub use section::Section;
pub use sendable::sendable;
pub use transfer::base64::{Base64Decoder, Base64Encoder};
pub use transfer::canonical::{BareCarriageReturn, Canonical};
pub use transfer::filter::{Filter, FilterReader, FilterWriter};
pub use transfer::quoted_printable::{QuotedPrintableDecoder, QuotedPrintableEncoder};
pub use transfer::{TransferDecoder, TransferEncoding, TransferError};
