//! Every budget of this library, with its name and its source.

/// Bytes of one object in the box of an account.
pub const OBJECT_BYTES: usize = 4 << 20;
/// Bytes of one object in the box of a pairing: the largest is a device log with its key packages, and goes in parts.
pub const PAIRING_OBJECT_BYTES: usize = 64 << 10;
/// Names that one listing of a box may have.
pub const LISTED_OBJECTS: usize = 100_000;
