//! What the loop needs of others: a store, a craft that signs and seals, ways to the boxes.

use std::fmt;

use counterseal_core::secret::SecretBytes;
use counterseal_core::time::Time;

use super::Note;
use crate::device::DeviceId;
use crate::log::{AccountId, Entry, EntryId, KeyId, Purpose};
use crate::transport::{Cursor, ObjectBox, ObjectName, Transport, TransportError};

/// What a device keeps of its account. All of it is this device's own: what was verified once is not verified again.
pub trait Store {
    /// All that was committed, except secrets and bytes that are asked for one by one.
    ///
    /// # Errors
    /// [`StoreError`].
    fn load(&self) -> Result<Kept, StoreError>;

    /// Commits changes, all or none, in one transaction. They are durable when this returns: what depends on them is
    /// posted next. Committing what is there already changes nothing.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was changed then.
    fn commit(&mut self, changes: &[Change]) -> Result<(), StoreError>;

    /// An entry as it was signed, from [`Change::Entry`].
    ///
    /// # Errors
    /// [`StoreError`].
    fn signed_entry(&self, id: &EntryId) -> Result<Option<Vec<u8>>, StoreError>;

    /// A shared key that is held, from [`Change::Key`].
    ///
    /// # Errors
    /// [`StoreError`], [`StoreError::Locked`] among them.
    fn key(&self, id: &KeyId) -> Result<Option<SharedKey>, StoreError>;

    /// Which shared key that is held a mail means: `name` is [`super::wanted_name`] of one of the names of its
    /// certificates, or of the bare key.
    ///
    /// # Errors
    /// [`StoreError`].
    fn key_named(&self, name: &[u8; 32]) -> Result<Option<KeyId>, StoreError>;

    /// The bytes of an object that is to be posted, from [`Change::Post`].
    ///
    /// # Errors
    /// [`StoreError`].
    fn outgoing(&self, name: &ObjectName) -> Result<Option<Vec<u8>>, StoreError>;

    /// A package that could not be opened yet, from [`Change::Shelve`].
    ///
    /// # Errors
    /// [`StoreError`].
    fn shelved(&self, name: &ObjectName) -> Result<Option<Vec<u8>>, StoreError>;
}

/// What a store has, secrets and large bytes apart.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    /// Entries of the log, those with unknown parents among them, in any order.
    pub entries: Vec<(EntryId, Entry)>,
    /// Shared keys that are held.
    pub keys: Vec<(KeyId, Purpose)>,
    /// The newest note of each device, this one's own too.
    pub notes: Vec<Note>,
    /// What is to be posted yet.
    pub outgoing: Vec<Outgoing>,
    /// Packages that could not be opened yet.
    pub shelved: Vec<Shelved>,
    /// Objects that need not be fetched again.
    pub seen: Vec<ObjectName>,
    /// For a device and a key: the counter of the device's newest note when a package with the key was last known to
    /// be on its way to it.
    pub wrapped: Vec<(DeviceId, KeyId, u64)>,
    /// How far each box was listed: the place, the id of the log secret, the cursor.
    pub cursors: Vec<(String, KeyId, Cursor)>,
    /// The heads of the log when it was largest.
    pub pinned: Vec<EntryId>,
    /// Names of keys of mail that could not be opened, and when they were last asked for.
    pub wanted: Vec<([u8; 32], Option<Time>)>,
}

/// An object on its way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// Its name.
    pub name: ObjectName,
    /// The log secret by which it is sealed, and whose box it is for.
    pub secret: KeyId,
    /// Places that have it.
    pub posted: Vec<String>,
}

/// A package that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shelved {
    /// The name of the object that brought it.
    pub name: ObjectName,
    /// Its bytes: how many.
    pub bytes: u64,
}

/// One thing to keep.
#[derive(Clone, Debug)]
pub enum Change {
    /// An entry whose signature was verified, and how it was signed.
    Entry {
        /// Its id.
        id: EntryId,
        /// What it says.
        entry: Entry,
        /// The SignedData.
        signed: Vec<u8>,
    },
    /// A shared key. Where it is there already, nothing changes.
    Key(SharedKey),
    /// The newest note of its device; an older one gives way.
    Note(Note),
    /// An object to post.
    Post {
        /// Its name.
        name: ObjectName,
        /// Its bytes, sealed.
        object: Vec<u8>,
        /// The log secret whose box it is for.
        secret: KeyId,
    },
    /// An object was posted there.
    Posted {
        /// Which one.
        name: ObjectName,
        /// Where.
        place: String,
    },
    /// An object needs no posting any more.
    Done(ObjectName),
    /// A package with the key is on its way to the device, whose newest note has this counter.
    Wrapped {
        /// For whom.
        device: DeviceId,
        /// Which key.
        key: KeyId,
        /// The counter of the newest note of the device; 0 where there is none.
        counter: u64,
    },
    /// An object need not be fetched again.
    Seen(ObjectName),
    /// A package that cannot be opened before more is known.
    Shelve {
        /// The name of the object that brought it.
        name: ObjectName,
        /// The package, unsealed from the box.
        package: Vec<u8>,
    },
    /// A package is shelved no longer.
    Unshelve(ObjectName),
    /// A box was listed up to there.
    Listed {
        /// The place.
        place: String,
        /// The log secret of the box.
        secret: KeyId,
        /// How far.
        cursor: Cursor,
    },
    /// The heads of the log, which never become fewer again.
    Pin(Vec<EntryId>),
    /// Mail could not be opened for want of this key, which was asked for first at that time.
    Want {
        /// The key by its name in the mail.
        name: [u8; 32],
        /// When it was asked for first.
        asked: Option<Time>,
    },
    /// A key that was wanted has come, or is wanted no more.
    Unwant([u8; 32]),
}

/// Why a store did not do it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreError {
    /// Secrets are locked; everything else goes on.
    Locked,
    /// There is no room. Nothing is lost, and nothing was taken in.
    Full,
    /// What it says does not fit together.
    Damaged(String),
    /// The system could not read or write.
    Io(String),
}

impl fmt::Display for StoreError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Locked => formatter.write_str("the store is locked"),
            Self::Full => formatter.write_str("there is no room left"),
            Self::Damaged(reason) => write!(formatter, "the store is damaged: {reason}"),
            Self::Io(reason) => formatter.write_str(reason),
        }
    }
}

impl std::error::Error for StoreError {}

/// What is signed by a device on its own, outside of packages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SignedKind {
    /// An entry of the log.
    Entry,
    /// A note.
    Note,
}

/// What a signature was verified over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// The content, DER.
    pub content: Vec<u8>,
    /// SHA-256 of the SubjectPublicKeyInfo of the key that signed.
    pub signer: DeviceId,
}

/// What is in a box, unsealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parcel {
    /// A signed entry.
    Entry(Vec<u8>),
    /// A key package.
    Package(Vec<u8>),
    /// A signed note.
    Note(Vec<u8>),
}

/// A key that devices share, with its secret.
#[derive(Clone, Debug)]
pub struct SharedKey {
    /// Its id, which follows from the secret.
    pub id: KeyId,
    /// What it is for.
    pub purpose: Purpose,
    /// PKCS#8 of a key, the 32 bytes of a log secret.
    pub secret: SecretBytes,
    /// DER of its certificates, newest first; a log secret has none.
    pub certificates: Vec<Vec<u8>>,
}

/// What is signed with a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heading {
    /// The account.
    pub account: AccountId,
    /// Whom the package is for, ascending.
    pub recipients: Vec<DeviceId>,
    /// Heads of the author's log.
    pub heads: Vec<EntryId>,
}

/// A package that was opened. The craft verified its signature, that this device is among the recipients that were
/// signed, and that the key's id follows from its secret.
#[derive(Clone, Debug)]
pub struct Unpacked {
    /// Who signed.
    pub author: DeviceId,
    /// What was signed with it.
    pub heading: Heading,
    /// The key.
    pub key: SharedKey,
}

/// What a device can do with its own keys, and everybody with public ones.
pub trait Craft {
    /// Whether these are certificates of that device that a key can be packed for. A log may say anything.
    fn can_pack_for(&self, device: &DeviceId, certificates: &[Vec<u8>]) -> bool;

    /// Signs a content with this device's signing key: a SignedData with the certificate inside.
    ///
    /// # Errors
    /// [`CraftError`].
    fn sign(&mut self, kind: SignedKind, content: &[u8], now: Time) -> Result<Vec<u8>, CraftError>;

    /// Verifies what a device or the root signed, by the certificate inside. Whose that is, is not its business.
    ///
    /// # Errors
    /// [`CraftError::Forged`].
    fn verify(&self, kind: SignedKind, object: &[u8]) -> Result<Signed, CraftError>;

    /// Seals for the box of this log secret. The same parcel gives the same object, so that devices that post the
    /// same thing post it once.
    ///
    /// # Errors
    /// [`CraftError`].
    fn seal(&self, secret: &SecretBytes, parcel: &Parcel) -> Result<Vec<u8>, CraftError>;

    /// Opens what [`Craft::seal`] made.
    ///
    /// # Errors
    /// [`CraftError::Forged`].
    fn unseal(&self, secret: &SecretBytes, object: &[u8]) -> Result<Parcel, CraftError>;

    /// Packs a key for the devices (and the root) whose certificates these are, in the order of the recipients of
    /// the heading.
    ///
    /// # Errors
    /// [`CraftError`].
    fn pack(
        &mut self,
        key: &SharedKey,
        heading: &Heading,
        certificates: &[&[Vec<u8>]],
        now: Time,
    ) -> Result<Vec<u8>, CraftError>;

    /// Opens a package.
    ///
    /// # Errors
    /// [`CraftError::NotForUs`] where this device is no recipient, which is nothing unusual; other [`CraftError`]s.
    fn unpack(&mut self, package: &[u8]) -> Result<Unpacked, CraftError>;

    /// A new log secret, 32 bytes.
    fn new_log_secret(&mut self) -> SecretBytes;

    /// Issues certificates for the request of a writer, with the personal CA that this device holds.
    ///
    /// # Errors
    /// [`CraftError::Refused`] where the request is not one to be granted.
    fn issue(&mut self, authority: &SharedKey, request: &[u8], now: Time)
    -> Result<Vec<Vec<u8>>, CraftError>;
}

/// Why something was not signed, sealed or opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CraftError {
    /// Not what it should be, or somebody changed it.
    Forged,
    /// Sealed for others.
    NotForUs,
    /// The device's own keys are locked.
    Locked,
    /// Asked for something that is not granted: the reason.
    Refused(String),
    /// It could not be done: the reason.
    Failed(String),
}

impl fmt::Display for CraftError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Forged => formatter.write_str("not what it should be, or somebody changed it"),
            Self::NotForUs => formatter.write_str("sealed for others"),
            Self::Locked => formatter.write_str("the keys of this device are locked"),
            Self::Refused(reason) | Self::Failed(reason) => formatter.write_str(reason),
        }
    }
}

impl std::error::Error for CraftError {}

/// Ways to the boxes: one for each transport that a person configured.
pub trait Ways {
    /// The places, by names that stay: `folder:/media/stick`, `relay:relay.example.org`.
    fn places(&self) -> Vec<String>;

    /// The box at this place.
    ///
    /// # Errors
    /// [`TransportError`].
    fn open(&mut self, place: &str, object_box: &ObjectBox) -> Result<Box<dyn Transport>, TransportError>;
}
