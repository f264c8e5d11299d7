//! Header protection: the header fields of a mail within its cryptography (RFC 9788).

mod compose;
mod field_value;
mod legacy_display;
mod reference;
mod render;

pub use compose::{Composed, HeaderConfidentiality, Protection, protect};
pub use reference::Reference;
pub use render::{Difference, HeaderProtection, Rendered, render};

/// The parameter of the payload's Content-Type that says its header fields are protected
/// (RFC 9788, section 2.1.1).
pub(crate) const PARAMETER: &str = "hp";
/// The parameter of a text part that starts with a Legacy Display Element (section 2.1.2).
const LEGACY_PARAMETER: &str = "hp-legacy-display";
/// The field that records, inside, a field as it was sent outside (section 2.2).
pub(crate) const OUTER_FIELD: &str = "HP-Outer";
/// What a hidden Subject says outside (section 3.2.1).
const HIDDEN_SUBJECT: &str = "[...]";
