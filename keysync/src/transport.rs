//! Boxes of opaque objects, and the ways to them: a folder, the local network, a relay, a mailbox.
//!
//! A transport is believed in nothing. It may lose, repeat, reorder and invent objects; whatever it gives is asked
//! for its name ([`ObjectName::of`]) before anything else looks at it, and what it lists may be a lie.

pub mod address;
pub mod folder;
pub mod imap;
pub mod lan;
pub mod memory;
pub mod relay;

use std::fmt;
use std::time::Duration;

use counterseal_core::secret::SecretBytes;
use hkdf::Hkdf;
use sha2::{Digest, Sha256};

/// The name of an object: SHA-256 of its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectName([u8; 32]);

impl ObjectName {
    /// The name of these bytes.
    #[must_use]
    pub fn of(object: &[u8]) -> Self {
        Self(Sha256::digest(object).into())
    }

    /// From its bytes, as a transport lists it.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// From lower-case hexadecimal, as [`fmt::Display`] writes it; anything else is no name.
    #[must_use]
    pub fn from_hexadecimal(text: &str) -> Option<Self> {
        data_encoding::HEXLOWER.decode(text.as_bytes()).ok()?.try_into().ok().map(Self)
    }

    /// Its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether these bytes have this name.
    ///
    /// # Errors
    /// [`TransportError::Forged`] where they have another.
    pub fn check(&self, object: &[u8]) -> Result<(), TransportError> {
        let found = Self::of(object);
        if found == *self {
            return Ok(());
        }
        Err(TransportError::Forged(format!("{self} was asked for, {found} came")))
    }
}

/// Lower-case hexadecimal, 64 digits: a file name, a part of a path.
impl fmt::Display for ObjectName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

/// A box, and what allows to read, fill and empty it. All of it follows from one secret, so that whoever has the
/// secret finds the box, and nobody else can name it.
#[derive(Clone)]
pub struct ObjectBox {
    id: [u8; 16],
    read: SecretBytes,
    write: SecretBytes,
    admin: SecretBytes,
}

impl ObjectBox {
    /// The box that follows from `secret` for one purpose (HKDF-SHA-256, RFC 5869, with the purpose in `info`).
    #[must_use]
    pub fn derive(secret: &SecretBytes, purpose: &str) -> Self {
        let expand = |part: &str, output: &mut [u8]| {
            let info = format!("counterseal-keysync/1 box {purpose} {part}");
            // The only error is an output above 8160 bytes.
            let _ = Hkdf::<Sha256>::new(None, secret.expose()).expand(info.as_bytes(), output);
        };
        let capability = |part: &str| {
            let mut bytes = vec![0; 32];
            expand(part, &mut bytes);
            SecretBytes::new(bytes)
        };
        let mut id = [0; 16];
        expand("id", &mut id);
        Self { id, read: capability("read"), write: capability("write"), admin: capability("admin") }
    }

    /// The name of the box, which its keeper sees.
    #[must_use]
    pub const fn id(&self) -> &[u8; 16] {
        &self.id
    }

    /// What allows to list and fetch, 32 bytes.
    #[must_use]
    pub const fn read_capability(&self) -> &SecretBytes {
        &self.read
    }

    /// What allows to put, 32 bytes.
    #[must_use]
    pub const fn write_capability(&self) -> &SecretBytes {
        &self.write
    }

    /// What allows to remove, 32 bytes.
    #[must_use]
    pub const fn admin_capability(&self) -> &SecretBytes {
        &self.admin
    }
}

impl fmt::Debug for ObjectBox {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ObjectBox(..)")
    }
}

/// Where a listing of a box ended; the next one goes on there. Its meaning is the transport's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cursor(pub Vec<u8>);

/// What is in a box beyond a cursor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// Names, in no order, known ones perhaps among them.
    pub names: Vec<ObjectName>,
    /// Where to go on.
    pub cursor: Cursor,
}

/// One way to one box. Calls block; none takes longer than its transport's time limit.
pub trait Transport: Send {
    /// The kind of way, in one word: `folder`, `lan`, `relay`, `imap`, `memory`.
    fn kind(&self) -> &'static str;

    /// Whether everybody who was reached by this way is on the local network, by their addresses; and somebody was.
    fn is_local(&self) -> bool {
        false
    }

    /// Lists what came since `cursor`; the default cursor lists everything.
    ///
    /// # Errors
    /// [`TransportError`].
    fn list(&mut self, cursor: &Cursor) -> Result<Listing, TransportError>;

    /// Fetches one object. Bytes that do not hash to the name are [`TransportError::Forged`].
    ///
    /// # Errors
    /// [`TransportError`].
    fn get(&mut self, name: &ObjectName) -> Result<Vec<u8>, TransportError>;

    /// Puts one object. When this returns, the object is as durable as the transport can make it; putting what is
    /// there already succeeds.
    ///
    /// # Errors
    /// [`TransportError`].
    fn put(&mut self, object: &[u8]) -> Result<ObjectName, TransportError>;

    /// Waits until something may have come, or the time is over.
    ///
    /// # Errors
    /// [`TransportError`].
    fn wait(&mut self, cursor: &Cursor, limit: Duration) -> Result<(), TransportError>;

    /// Removes one object; one that is not there is removed.
    ///
    /// # Errors
    /// [`TransportError`].
    fn remove(&mut self, name: &ObjectName) -> Result<(), TransportError>;
}

/// Why a transport did not do it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransportError {
    /// The other side was not reached, or did not answer in time. Another time may do.
    Unreachable(String),
    /// No such object, or no such box, or no right to it: which of them is not told.
    Absent,
    /// The object is larger than this transport carries.
    TooLarge {
        /// Bytes of the object.
        bytes: u64,
        /// Bytes that may be.
        limit: u64,
    },
    /// The box is full, or too much was asked for in a short time.
    Quota,
    /// What came is not what was asked for: other bytes, an answer that cannot be read.
    Forged(String),
    /// The keeper refused for another reason.
    Refused(String),
    /// The system could not read or write.
    Io(String),
}

impl fmt::Display for TransportError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(reason) => write!(formatter, "not reached: {reason}"),
            Self::Absent => formatter.write_str("not there, or not for us"),
            Self::TooLarge { bytes, limit } => write!(formatter, "{bytes} bytes, {limit} are carried"),
            Self::Quota => formatter.write_str("the box is full, or asked too often"),
            Self::Forged(reason) => write!(formatter, "not what was asked for: {reason}"),
            Self::Refused(reason) => write!(formatter, "refused: {reason}"),
            Self::Io(reason) => formatter.write_str(reason),
        }
    }
}

impl std::error::Error for TransportError {}

/// Whether an object of this length is carried.
fn fits(bytes: u64, limit: usize) -> Result<(), TransportError> {
    let limit = limit as u64;
    if bytes > limit { Err(TransportError::TooLarge { bytes, limit }) } else { Ok(()) }
}

fn hexadecimal(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// What every transport does, shown on two ways to one empty box.
    pub(super) fn keeps_the_contract(one: &mut dyn Transport, other: &mut dyn Transport) {
        let empty = one.list(&Cursor::default()).unwrap();
        assert!(empty.names.is_empty());
        assert_eq!(one.get(&ObjectName::of(b"none")), Err(TransportError::Absent));
        one.remove(&ObjectName::of(b"none")).unwrap();

        let first = one.put(b"first").unwrap();
        assert_eq!(first, ObjectName::of(b"first"));
        assert_eq!(other.put(b"first").unwrap(), first);
        other.wait(&empty.cursor, Duration::from_secs(20)).unwrap();
        let listing = other.list(&Cursor::default()).unwrap();
        assert_eq!(listing.names, [first]);
        assert!(other.list(&listing.cursor).unwrap().names.is_empty());
        assert_eq!(other.get(&first).unwrap(), b"first");

        let second = other.put(&[0; 20_000]).unwrap();
        one.wait(&listing.cursor, Duration::from_secs(20)).unwrap();
        assert!(one.list(&listing.cursor).unwrap().names.contains(&second));
        assert_eq!(one.get(&second).unwrap(), [0; 20_000]);
        let seen = one.list(&Cursor::default()).unwrap().cursor;
        one.wait(&seen, Duration::from_millis(20)).unwrap();

        one.remove(&first).unwrap();
        one.remove(&first).unwrap();
        assert_eq!(other.get(&first), Err(TransportError::Absent));
        assert_eq!(other.list(&Cursor::default()).unwrap().names, [second]);
    }

    #[test]
    fn everything_of_a_box_follows_from_its_secret_and_purpose() {
        let secret = SecretBytes::copy_of(&[7; 32]);
        let [one, same, other] =
            ["pairing", "pairing", "account"].map(|purpose| ObjectBox::derive(&secret, purpose));
        assert_eq!(one.id(), same.id());
        assert_eq!(one.write_capability().expose(), same.write_capability().expose());
        assert_ne!(one.id(), other.id());
        assert_ne!(one.read_capability().expose(), one.write_capability().expose());
    }
}
