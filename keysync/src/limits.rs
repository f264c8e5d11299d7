//! Every budget of this library, with its name and its source.

/// Bytes of one object in the box of an account.
pub const OBJECT_BYTES: usize = 4 << 20;
/// Bytes of one object in the box of a pairing: the largest is a device log with its key packages, and goes in parts.
pub const PAIRING_OBJECT_BYTES: usize = 64 << 10;
/// Names that one listing of a box may have.
pub const LISTED_OBJECTS: usize = 100_000;

/// Entries of a device log. A family with seven machines makes a few hundred in ten years.
pub const LOG_ENTRIES: usize = 100_000;
/// Entries about who belongs to the account (added, role changed, revoked, recovered): evaluating is quadratic in them.
pub const LOG_MEMBERSHIP_ENTRIES: usize = 4_096;
/// Bytes of the content of one entry.
pub const ENTRY_BYTES: usize = 64 << 10;
/// Bytes of an entry or a note with its signature and the signer's certificate.
pub const SIGNED_ENTRY_BYTES: usize = 96 << 10;
/// Parents of one entry: as many devices as write at the same moment.
pub const ENTRY_PARENTS: usize = 16;
/// Key ids in one entry, and in one note those that a device wants.
pub const ENTRY_KEYS: usize = 1_024;
/// Devices that one package is for.
pub const RECIPIENTS: usize = 256;
/// Certificates of one device, and of one answer.
pub const DEVICE_CERTIFICATES: usize = 8;
/// Bytes of one of these certificates: ML-KEM-768 has 1184 in its key alone.
pub const DEVICE_CERTIFICATE_BYTES: usize = 16 << 10;
/// Bytes of the name of a device.
pub const DEVICE_NAME_BYTES: usize = 64;
/// Keys that one device may say to hold: 32 bytes each in every note.
pub const HELD_KEYS: usize = 2_000;
/// Names of keys that one note may ask for.
pub const WANTED_KEYS: usize = 100;
/// Bytes of the words of a recovery sheet, or of the text of its code, as somebody typed them: 32 words with numbers
/// and a good deal of space are below 1,000.
pub const RECOVERY_TEXT_BYTES: usize = 4096;
/// Bytes of the three certificates of a device: ML-KEM-768 keys have 1184 bytes, and all of it together some 2.8 KiB.
pub const DEVICE_CERTIFICATES_BYTES: usize = 16 << 10;
/// Days after which a device makes a new ML-KEM-768 key.
pub const ENCAPSULATION_KEY_DAYS: i64 = 90;
/// 9999-12-31 23:59:59 UTC, which says that no end is known (RFC 5280, section 4.1.2.5).
pub const NO_EXPIRATION: i64 = 253_402_300_799;
