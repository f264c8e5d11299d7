//! Every budget of this library, with its name and its source.

use std::time::Duration;

/// Bytes of one object in the box of an account.
pub const OBJECT_BYTES: usize = 4 << 20;
/// Bytes of one object in the box of a pairing: the largest is a device log with its key packages, and goes in parts.
pub const PAIRING_OBJECT_BYTES: usize = 64 << 10;
/// Characters of the text of a pairing code: 41 bytes and a relay in base32, behind `CSEAL:`.
pub const CODE_CHARACTERS: usize = 232;
/// Bytes of the relay in a pairing code; with more, the picture does not fit a terminal of 80x24.
pub const CODE_RELAY_BYTES: usize = 100;
/// Characters of typed words and passwords.
pub const TYPED_CHARACTERS: usize = 400;
/// Bytes of an offer file or answer file.
pub const PAIRING_FILE_BYTES: usize = 8 << 20;
/// Bytes of a mail with such a file: in base64 it is longer by a third and its line ends, and the rest is for the mail.
pub const PAIRING_MAIL_BYTES: usize = PAIRING_FILE_BYTES / 2 * 3;
/// Bytes of a GRANT in one object; the rest of [`PAIRING_OBJECT_BYTES`] is for what it is wrapped in.
pub const GRANT_PART_BYTES: usize = 60 << 10;
/// Parts of a GRANT.
pub const GRANT_PARTS: usize = 64;
/// Objects of one pairing that are remembered, so that a repeated one costs nothing.
pub const REMEMBERED_OBJECTS: usize = 1024;
/// Names in one listing of the box of a pairing, with more of which it ends: all that it needs is a tenth of it.
pub const PAIRING_LISTED_OBJECTS: usize = REMEMBERED_OBJECTS;
/// Certificates of one side of a pairing: its own, and what stands above it.
pub const IDENTITY_CERTIFICATES: usize = 4;
/// Bytes of one such certificate.
pub const IDENTITY_CERTIFICATE_BYTES: usize = 16 << 10;
/// Bytes of the name of a device or person on the other one's screen.
pub const NAME_BYTES: usize = 64;
/// Objects from strangers that an offer survives, less one.
pub const STRANGERS: u8 = 20;
/// Wrong codes, or wrong guesses at words, that burn an offer.
pub const WRONG_CODES: u8 = 3;
/// Times that a shown code is renewed by itself.
pub const RENEWALS: u8 = 5;
/// Seconds for which a code is shown; the one before it stays valid meanwhile.
pub const CODE_SECONDS: i64 = 120;
/// Seconds by which two clocks may differ where an expiry is read.
pub const CLOCK_SKEW_SECONDS: i64 = 300;
/// Seconds for which words stand.
pub const WORDS_SECONDS: i64 = 600;
/// Seconds for which an offer file stands: 14 days.
pub const FILE_SECONDS: i64 = 14 * 86_400;
/// Seconds until an answer to a hello.
pub const HELLO_SECONDS: i64 = 60;
/// Seconds for what a person types or confirms.
pub const GATE_SECONDS: i64 = 180;
/// Seconds for a grant, and for its acknowledgement.
pub const GRANT_SECONDS: i64 = 120;
/// Memory of Argon2id for answer words, in KiB. Their 66 bits are guessed only by who put his own offer in the other's place.
pub const ANSWER_MEMORY_KIB: u32 = 64 << 10;
/// Passes of Argon2id for answer words.
pub const ANSWER_PASSES: u32 = 3;
/// Names that one listing of a box may have.
pub const LISTED_OBJECTS: usize = 100_000;

/// Files of any kind that are looked at in a shared folder, before it is called no box.
pub const FOLDER_ENTRIES: usize = 2 * LISTED_OBJECTS;
/// Copies that a file synchroniser made of one object, of which each is looked at.
pub const FOLDER_COPIES: usize = 16;
/// How long a file in a shared folder has not changed, before it is remembered that it does not hold its object.
pub const FOLDER_SETTLED: Duration = Duration::from_secs(10);
/// Bytes of a picture that is searched for QR codes: a photograph of a telephone has five million.
pub const PICTURE_BYTES: usize = 32 << 20;
/// Pixels of such a picture: telephones make 12 million, and 50 million where one insists.
pub const PICTURE_PIXELS: u64 = 64_000_000;
/// Bytes that unpacking such a picture may take: each of its pixels in four channels.
pub const PICTURE_MEMORY: u64 = 4 * PICTURE_PIXELS;
/// How long such a picture is looked at.
pub const PICTURE_TIME: Duration = Duration::from_secs(15);
/// Codes that are read from one picture.
pub const PICTURE_CODES: usize = 16;
/// Bytes of a cursor of one device on the local network: those of our transports have 32 at most.
pub const CURSOR_BYTES: usize = 1024;
/// Bytes of a frame on the local network beyond its object: what is asked, a cursor, and the seal.
pub const LAN_FRAME_OVERHEAD: usize = CURSOR_BYTES + 64;
/// Devices of one box that are worked with at once.
pub const LAN_PEERS: usize = 16;
/// Addresses of one device that are tried.
pub const LAN_ADDRESSES: usize = 8;
/// Announcements that are looked at in one go.
pub const LAN_EVENTS: usize = 1000;
/// How often a device that was found may fail before it is left alone.
pub const LAN_PEER_FAILURES: u32 = 5;
/// Connections that a listener serves at once.
pub const LAN_CONNECTIONS: usize = 32;
/// How often one address may fail to prove that it holds the box, before it is not answered for [`LAN_FORGIVEN`].
pub const LAN_FAILURES: u32 = 20;
/// How long an address is not answered after it failed that often.
pub const LAN_FORGIVEN: Duration = Duration::from_secs(600);
/// Addresses of which a listener remembers how often they failed; beyond, it forgets the one that failed longest ago.
pub const LAN_STRANGERS: usize = 1000;
/// The same, of one IPv4 address or one /64 of IPv6, where a single machine has as many addresses as it likes.
pub const LAN_STRANGERS_OF_A_NETWORK: usize = 16;
/// How long the first device is looked for.
pub const LAN_SEARCH: Duration = Duration::from_secs(4);
/// How long one address has to take a connection.
pub const LAN_CONNECT: Duration = Duration::from_secs(3);
/// How long one message of the proofs may take.
pub const LAN_HANDSHAKE: Duration = Duration::from_secs(5);
/// How long one frame may take once it began.
pub const LAN_ANSWER: Duration = Duration::from_secs(20);
/// How long a connection may ask nothing.
pub const LAN_IDLE: Duration = Duration::from_secs(90);
/// How long one device is asked to wait, before the others are.
pub const LAN_TURN: Duration = Duration::from_secs(5);
/// How long a device that waits at its own box waits, before the others on the network are asked.
pub const KEPT_TURN: Duration = Duration::from_secs(2);
/// How long nobody is asked after nobody answered.
pub const LAN_PAUSE: Duration = Duration::from_secs(2);
/// Bytes that a mail server may send in answer to one question: a listing of all objects is the longest.
pub const IMAP_ANSWER_BYTES: usize = 64 << 20;
/// Bytes of the header of a mail, as far as it is looked at.
pub const IMAP_HEADER_BYTES: usize = 16 << 10;
/// Mails that say they hold the same object, of which each is looked at.
pub const IMAP_COPIES: usize = 8;
/// Bytes of one line of a mail server, literals apart: a listing has one line for each mail.
pub const IMAP_LINE_BYTES: usize = 64 << 10;
/// Bytes of its answer about what it can do, or where its folders are.
pub const IMAP_PLAIN_BYTES: usize = 16 << 10;
/// Bytes of what stands before the names of all folders of a person.
pub const IMAP_PREFIX_BYTES: usize = 128;
/// Characters of a mail server's refusal that are passed on.
pub const IMAP_WORDS: usize = 300;
/// Addresses of one mail server that are tried.
pub const IMAP_ADDRESSES: usize = 8;
/// How long one address of a mail server has to take a connection.
pub const IMAP_CONNECT: Duration = Duration::from_secs(10);
/// How long one question to a mail server may take.
pub const IMAP_TIME: Duration = Duration::from_secs(60);
/// How often a mail server is asked that does not tell of changes.
pub const IMAP_POLL: Duration = Duration::from_secs(15);
/// How long a mail server is listened to before it is told that we are still here (RFC 2177: 29 minutes at most).
pub const IMAP_IDLE: Duration = Duration::from_secs(20 * 60);

/// Entries of a device log. A family with seven machines makes a few hundred in ten years.
pub const LOG_ENTRIES: usize = 100_000;
/// Entries that only the root can add when all others are full, and as many that only admins can.
pub const LOG_RESERVE: usize = 5_000;
/// Entries whose author no entry that is here made a device: so many wait for one that does.
pub const LOG_STRANGERS: usize = 2_000;
/// Entries about who belongs to the account (added, role changed, revoked, recovered): evaluating is quadratic in them.
pub const LOG_MEMBERSHIP_ENTRIES: usize = 2_048;
/// Bytes of the content of one entry.
pub const ENTRY_BYTES: usize = 64 << 10;
/// Bytes of an entry or a note with its signature and the signer's certificate.
pub const SIGNED_ENTRY_BYTES: usize = 96 << 10;
/// Parents of one entry: as many devices as write at the same moment.
pub const ENTRY_PARENTS: usize = 16;
/// Parents among them that are kept for what takes a right away without counting.
pub const RESTRICTING_PARENTS: usize = 4;
/// Key ids in one entry, and in one note those that a device wants.
pub const ENTRY_KEYS: usize = 1_024;
/// Devices that one package is for.
pub const RECIPIENTS: usize = 256;
/// Certificates of one device, and of one answer.
pub const DEVICE_CERTIFICATES: usize = 8;
/// Bytes of one of these certificates: ML-KEM-768 has 1184 in its key alone.
pub const DEVICE_CERTIFICATE_BYTES: usize = 16 << 10;
/// Bytes of the name of a device: what a pairing brings fits the log.
pub const DEVICE_NAME_BYTES: usize = NAME_BYTES;
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
/// Objects in the box of a pairing: a grant in [`GRANT_PARTS`], and the messages of one pairing, twice.
pub const PAIRING_OBJECTS: u64 = 80;
/// Bytes of the box of a pairing.
pub const PAIRING_BYTES: u64 = 5 << 20;
/// Seconds that the box of a pairing is there: a pairing ends sooner.
pub const PAIRING_SECONDS: i64 = 600;
/// Objects in the box of an account: as many as one listing may name.
pub const ACCOUNT_OBJECTS: u64 = LISTED_OBJECTS as u64;
/// Bytes of the box of an account: some thousand key packages of seven devices.
pub const ACCOUNT_BYTES: u64 = 64 << 20;
/// New objects of an account on one day: a rollover with seven devices makes ten.
pub const ACCOUNT_PUTS_A_DAY: u64 = 200;
/// Days after its last read that the box of an account is there: a machine that is switched on once a year.
pub const ACCOUNT_DAYS: i64 = 400;
/// Days between two notes of a relay that a box was read: a write for each read would be most of its work.
pub const READ_NOTE_DAYS: i64 = 7;

/// Objects on one page of a relay's listing.
pub const PAGE_OBJECTS: u64 = 1000;
/// Bytes of JSON that a client of a relay reads: a full page has 120 for each object.
pub const RELAY_JSON_BYTES: u64 = 512 << 10;
/// Bytes of the JSON that creates a box; what is sent has 260.
pub const CREATION_BYTES: usize = 1024;
/// Seconds that a client of a relay may ask to wait for something new, below the minute after which proxies give up.
pub const WAIT_SECONDS: u64 = 55;
/// The same, where the client does not say.
pub const WAIT_SECONDS_USUAL: u64 = 25;
/// Seconds that one request to a relay may take, besides waiting and besides its body.
pub const RELAY_SECONDS: u64 = 30;
/// Bytes a second that a body has to come or go with, on average: slower than any line in use.
pub const BODY_BYTES_A_SECOND: u64 = 16 << 10;
/// Bits of work that a client does for a box: seconds of a computer, and within [`WORK_TIME`] on a small one too.
pub const WORK_BITS: u8 = 22;
/// How long a client works for boxes at one relay, all of them together, within [`CREATION_MEMORY`].
pub const WORK_TIME: Duration = Duration::from_secs(60);
/// How long a client remembers that it created a box at a relay, or was refused, before it asks for this box again.
pub const CREATION_MEMORY: Duration = Duration::from_secs(3600);

/// Seconds in which a client has to send the head of a request, and to shake hands.
pub const HEAD_SECONDS: u64 = 10;
/// Bytes of the head of a request: ours have 400.
pub const HEAD_BYTES: usize = 16 << 10;
/// Header fields of a request.
pub const HEAD_FIELDS: usize = 64;
/// Seconds after which a relay ends a connection on which nothing happens.
pub const IDLE_SECONDS: u64 = 75;
/// Seconds after which a relay ends a connection whatever happens: nobody holds one by reading slowly.
pub const CONNECTION_SECONDS: u64 = 900;
/// Requests at once on one connection of HTTP/2.
pub const STREAMS: u32 = 32;
/// Bytes of bodies that a relay has in memory, all connections together.
pub const BODIES_IN_MEMORY: usize = 256 << 20;
/// The part of [`BODIES_IN_MEMORY`] in which bodies up to [`SMALL_BODY_BYTES`] are: large ones never use it up.
pub const SMALL_BODIES_IN_MEMORY: usize = 64 << 20;
/// Bytes of a small body: beacons, events, and all of a pairing.
pub const SMALL_BODY_BYTES: usize = 64 << 10;
/// The part of each of the two that one visitor may hold, as a divisor: three of the largest objects.
pub const VISITOR_PART: usize = 16;
/// Seconds after which a body, in or out, has to go with [`BODY_BYTES_A_SECOND`] on average.
pub const BODY_SECONDS: u64 = 10;
/// Bytes that wait on one stream of HTTP/2, or on one connection, in each direction.
pub const STREAM_BYTES: u32 = 64 << 10;
/// Visitors that a relay remembers; those beyond share what one may do.
pub const VISITORS: usize = 200_000;
/// Requests that wait for something new, all boxes together.
pub const WAITERS: usize = 50_000;
/// Bytes on disk that a box counts for: about what it takes in the embedded store.
pub const BOX_OVERHEAD: u64 = 400;
/// Bytes on disk that an object counts for beside its body: about what it takes in the embedded store.
pub const OBJECT_OVERHEAD: u64 = 700;
/// The part of its disk that an embedded store fills where nobody says how much, as a divisor.
pub const DISK_PART: u64 = 2;
/// Bytes that it fills where the system does not say how much there is.
pub const DISK_BYTES: u64 = 16 << 30;
/// Bytes in memory of one object of a listing, as a row and as JSON.
pub const LISTED_BYTES: usize = 320;
/// Seconds that requests have to end when a relay is stopped.
pub const SHUTDOWN_SECONDS: u64 = 20;
/// Seconds between two searches for boxes that have ended.
pub const SWEEP_SECONDS: u64 = 60;
/// Boxes that one transaction of such a search removes.
pub const SWEEP_BOXES: u64 = 200;
/// Objects that one transaction of such a search removes.
pub const SWEEP_OBJECTS: u64 = 2000;
/// Seconds after which a process reads anew what it and others keep in PostgreSQL.
pub const SUM_SECONDS: u64 = 5;
/// Rows of changes in PostgreSQL with more of which they are made one.
pub const SUM_ROWS: u64 = 1000;
/// Writes that are made durable together.
pub const COMMIT_GROUP: usize = 256;
/// Bytes of an object above which PostgreSQL hands it to the object store: smaller ones cost less in a table.
pub const INLINE_BYTES: usize = 8 << 10;
/// Seconds after which a body is removed to which no object came to belong.
pub const STRAY_SECONDS: i64 = 86_400;
/// Bytes of the content of one note.
pub const NOTE_BYTES: usize = 128 << 10;
/// Heads that a note or a package names.
pub const NOTE_HEADS: usize = 64;
/// Bytes of a key package: 256 recipients have 1.3 KiB each in the two layers, and a key with its certificates some 20 KiB.
pub const PACKAGE_BYTES: usize = 512 << 10;
/// Certificates that come with one key: each renewal adds one.
pub const KEY_CERTIFICATES: usize = 64;
/// Bytes to which what lies in a box is padded, so that sizes tell little; above the last in steps of it.
pub const PADDED_BYTES: [usize; 3] = [4 << 10, 16 << 10, 64 << 10];
/// Bytes of what a new device gets: a log of some thousand entries, a hundred keys, and what is known of others.
pub const GRANT_BYTES: usize = 16 << 20;
/// Places where devices meet that a new device gets.
pub const GRANTED_PLACES: usize = 16;
/// Bytes of the text of one of them.
pub const PLACE_BYTES: usize = 1024;
/// Bytes of what a new device gets to know of others: some hundred contacts. More is taken along by a file.
pub const GRANT_CONTACTS_BYTES: usize = 2 << 20;
/// Days for which a writer's certificate to sign mail is issued, as `cseal init` does.
pub const SIGNING_CERTIFICATE_DAYS: i64 = 3 * 365;
/// Bytes of packages that wait for the entry that announces their key.
pub const SHELVED_BYTES: u64 = 64 << 20;
/// Log secrets whose boxes are read: a device that sleeps through that many revocations is paired again.
pub const READ_BOXES: usize = 8;
/// Days after which a box that was replaced, and that every device has left, may stay without what it has no room for.
pub const LEFT_BOX_DAYS: i64 = 30;
/// Bytes of a copy of an account: a log of thousands of entries, padded, and a hundred keys.
pub const ACCOUNT_COPY_BYTES: usize = 256 << 20;
/// Secrets of the log that a recovery tries: each revocation makes one.
pub const RECOVERED_SECRETS: usize = 256;
/// Devices that one entry of a recovery puts out; further ones go into further entries.
pub const RECOVERED_DEVICES: usize = 256;
