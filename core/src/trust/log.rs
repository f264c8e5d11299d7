//! History as a chain of digests (`docs/formats/history.md`): our own witness of what was seen when.

use std::collections::BTreeSet;

use super::evidence::Correspondence;
use crate::address::EmailAddress;
use crate::fingerprint::sha256;
use crate::time::Time;

const ENTRY_LABEL: &[u8] = b"counterseal history 1";
const HEAD_LABEL: &[u8] = b"counterseal history head 1";
const CONTENT_LABEL: &[u8] = b"counterseal history content 1";
/// Of what was taken over: both sides had been heard.
const TWO_WAY: u8 = 1;
/// Of what was taken over: the key had been taken in by hand.
const BY_HAND: u8 = 2;

/// SHA-256.
pub type LogDigest = [u8; 32];

/// One entry of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its place, from 0.
    pub number: u64,
    /// When it was written.
    pub at: Time,
    /// What happened.
    pub event: EventKind,
    /// SHA-256 of salt and content.
    pub commitment: LogDigest,
    /// The digest of the entry before.
    pub previous: LogDigest,
    /// What it was about; nothing once it was erased.
    pub content: Option<Content>,
}

/// What an entry is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// Random bytes, so that the commitment of an erased entry cannot be guessed.
    pub salt: [u8; 16],
    /// The address, as it is looked up.
    pub address: EmailAddress,
    /// SHA-256 of the key's SubjectPublicKeyInfo.
    pub key: [u8; 32],
    /// What happened.
    pub event: Event,
}

/// The kinds of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventKind {
    /// A signed mail brought the key for the first time.
    Seen,
    /// The person took the key in by hand.
    Imported,
    /// A mail was encrypted to the key.
    Sent,
    /// A mail with a signature of the key that holds.
    Received,
    /// The person compared the key.
    Pinned,
    /// The person took that back.
    Unpinned,
    /// The person took in another key in its place: what it was known for counts no more.
    Replaced,
    /// The key was at odds with another one.
    Conflict,
    /// A successor was accepted.
    Succession,
    /// The key was found to be revoked.
    Revoked,
    /// A mail was sent plaintext on the person's own word.
    Policy,
    /// The person took over what another store of theirs knew of the key.
    TakenOver,
}

impl EventKind {
    /// All kinds.
    pub const ALL: [Self; 12] = [
        Self::Seen,
        Self::Imported,
        Self::Sent,
        Self::Received,
        Self::Pinned,
        Self::Unpinned,
        Self::Replaced,
        Self::Conflict,
        Self::Succession,
        Self::Revoked,
        Self::Policy,
        Self::TakenOver,
    ];

    /// The stable word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Seen => "seen",
            Self::Imported => "imported",
            Self::Sent => "sent",
            Self::Received => "received",
            Self::Pinned => "pinned",
            Self::Unpinned => "unpinned",
            Self::Replaced => "replaced",
            Self::Conflict => "conflict",
            Self::Succession => "succession",
            Self::Revoked => "revoked",
            Self::Policy => "policy",
            Self::TakenOver => "taken-over",
        }
    }

    /// The kind of a word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// What happened, with what it needs beside address and key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// An event that needs nothing more.
    Plain(EventKind),
    /// A mail was encrypted to the key.
    Sent {
        /// SHA-256 of its Message-ID, by which an answer names it; nothing where it had none.
        message: Option<LogDigest>,
    },
    /// A mail with a signature of the key that holds.
    Received {
        /// The same for the same mail.
        message: LogDigest,
        /// Whether it answers a mail that we encrypted to the key.
        answers: bool,
    },
    /// The key follows an older one.
    Succession {
        /// SHA-256 of the older key's SubjectPublicKeyInfo.
        old: [u8; 32],
    },
    /// The person took over what another store of theirs knew of the key.
    TakenOver {
        /// What mail with the key came to there.
        sum: Correspondence,
    },
}

impl Event {
    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> EventKind {
        match self {
            Self::Plain(kind) => *kind,
            Self::Sent { .. } => EventKind::Sent,
            Self::Received { .. } => EventKind::Received,
            Self::Succession { .. } => EventKind::Succession,
            Self::TakenOver { .. } => EventKind::TakenOver,
        }
    }

    /// What it needs beside address and key, as it is kept and committed to.
    #[must_use]
    pub fn own_bytes(&self) -> Vec<u8> {
        match self {
            Self::Plain(_) => Vec::new(),
            Self::Sent { message } => message.iter().flatten().copied().collect(),
            Self::Received { message, answers } => {
                message.iter().copied().chain([u8::from(*answers)]).collect()
            }
            Self::Succession { old } => old.to_vec(),
            Self::TakenOver { sum } => {
                let flags = u8::from(sum.two_way) * TWO_WAY + u8::from(sum.taken_by_hand) * BY_HAND;
                let first_seen = sum.first_seen.unix_seconds().to_be_bytes();
                [&first_seen[..], &sum.messages.to_be_bytes(), &[flags]].concat()
            }
        }
    }

    /// The event of a kind with these bytes of its own; nothing where they are not its.
    #[must_use]
    pub fn from_own_bytes(kind: EventKind, bytes: &[u8]) -> Option<Self> {
        match (kind, bytes) {
            (EventKind::Sent, []) => Some(Self::Sent { message: None }),
            (EventKind::Sent, message) => Some(Self::Sent { message: Some(message.try_into().ok()?) }),
            (EventKind::Received, [message @ .., answers @ (0 | 1)]) => {
                Some(Self::Received { message: message.try_into().ok()?, answers: *answers == 1 })
            }
            (EventKind::Succession, old) => Some(Self::Succession { old: old.try_into().ok()? }),
            (EventKind::TakenOver, bytes) => {
                let (first_seen, rest) = bytes.split_first_chunk()?;
                let (messages, flags) = rest.split_first_chunk()?;
                let [flags @ 0..=3] = *flags else { return None };
                let sum = Correspondence {
                    first_seen: Time::from_unix_seconds(i64::from_be_bytes(*first_seen)),
                    messages: u32::from_be_bytes(*messages),
                    two_way: flags & TWO_WAY != 0,
                    taken_by_hand: flags & BY_HAND != 0,
                };
                Some(Self::TakenOver { sum })
            }
            (EventKind::Received, _) => None,
            (
                EventKind::Seen
                | EventKind::Imported
                | EventKind::Pinned
                | EventKind::Unpinned
                | EventKind::Replaced
                | EventKind::Conflict
                | EventKind::Revoked
                | EventKind::Policy,
                bytes,
            ) => bytes.is_empty().then_some(Self::Plain(kind)),
        }
    }
}

/// The end of a log: whoever knows it notices every change before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// Entries.
    pub length: u64,
    /// The digest of the last one; zeros where there is none.
    pub digest: LogDigest,
}

/// What is wrong with a log; each with the number of the entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogError {
    /// An entry is missing, doubled or in the wrong place.
    OutOfOrder(u64),
    /// An entry is older than the one before.
    BackInTime(u64),
    /// An entry does not follow the one before it.
    Broken(u64),
    /// The content is not what was committed to.
    Content(u64),
    /// The log does not end as its head says.
    Head,
}

impl Head {
    /// What a time stamp of the head is about.
    #[must_use]
    pub fn stamped_bytes(&self) -> Vec<u8> {
        let mut encoding = Encoding::of(HEAD_LABEL);
        encoding.number(self.length);
        encoding.bytes(&self.digest);
        encoding.0
    }

    /// The entry that follows, and the head behind it. An earlier time than that of the entry before
    /// becomes its time: a clock that was set back must not break the chain.
    #[must_use]
    pub fn append(&self, last: Option<Time>, at: Time, content: Content) -> (Entry, Self) {
        let entry = Entry {
            number: self.length,
            at: last.map_or(at, |last| last.max(at)),
            event: content.event.kind(),
            commitment: content.commitment(),
            previous: self.digest,
            content: Some(content),
        };
        let head = Self { length: self.length.saturating_add(1), digest: entry.digest() };
        (entry, head)
    }

    /// Checks that these are all entries up to this head, in their order, and that whatever content
    /// is there is what was committed to.
    ///
    /// # Errors
    /// The first entry that is wrong.
    pub fn verify<'e>(&self, entries: impl IntoIterator<Item = &'e Entry>) -> Result<(), LogError> {
        let mut head = Self::default();
        let mut last = None;
        for entry in entries {
            if entry.number != head.length {
                return Err(LogError::OutOfOrder(head.length));
            }
            if entry.previous != head.digest {
                return Err(LogError::Broken(entry.number));
            }
            if last.is_some_and(|last| entry.at < last) {
                return Err(LogError::BackInTime(entry.number));
            }
            if entry.content.as_ref().is_some_and(|content| !entry.commits_to(content)) {
                return Err(LogError::Content(entry.number));
            }
            last = Some(entry.at);
            head = Self { length: head.length.saturating_add(1), digest: entry.digest() };
        }
        if head == *self { Ok(()) } else { Err(LogError::Head) }
    }
}

impl Entry {
    /// The digest that the next entry names. What the entry is about is in it by its commitment only.
    #[must_use]
    pub fn digest(&self) -> LogDigest {
        let mut encoding = Encoding::of(ENTRY_LABEL);
        encoding.number(self.number);
        encoding.bytes(&self.at.unix_seconds().to_be_bytes());
        encoding.bytes(self.event.word().as_bytes());
        encoding.bytes(&self.commitment);
        encoding.bytes(&self.previous);
        sha256(&encoding.0)
    }

    /// Takes out what the entry is about. The chain stays as it is.
    pub fn erase(&mut self) {
        self.content = None;
    }

    fn commits_to(&self, content: &Content) -> bool {
        self.event == content.event.kind() && self.commitment == content.commitment()
    }
}

impl Content {
    fn commitment(&self) -> LogDigest {
        let mut encoding = Encoding::of(CONTENT_LABEL);
        encoding.bytes(&self.salt);
        encoding.bytes(self.address.lookup_key().as_bytes());
        encoding.bytes(&self.key);
        encoding.bytes(&self.event.own_bytes());
        sha256(&encoding.0)
    }

    fn is_about(&self, address: &EmailAddress, key: &[u8; 32]) -> bool {
        self.key == *key && self.address.matches(address)
    }
}

/// What mail with a key came to, by the entries about it; nothing where none of them says that the
/// key was seen. The entries must have been verified. `key` is the SHA-256 of its SubjectPublicKeyInfo.
///
/// When the key was seen first is what our own clock said: no Date field and no signing time counts.
/// Whoever keeps old mails back and sends them all at once gains no day by it.
#[must_use]
pub fn correspondence<'e>(
    address: &EmailAddress,
    key: &[u8; 32],
    entries: impl IntoIterator<Item = &'e Entry>,
) -> Option<Correspondence> {
    let about = entries.into_iter().filter_map(|entry| {
        let content = entry.content.as_ref().filter(|content| content.is_about(address, key))?;
        Some((entry.at, content.event))
    });
    let mut found = None;
    let mut messages = BTreeSet::new();
    let mut was_sent = false;
    for (at, event) in about {
        let is_new = match event {
            Event::Received { message, .. } => messages.insert(message),
            Event::Plain(_) | Event::Sent { .. } | Event::Succession { .. } | Event::TakenOver { .. } => true,
        };
        found = after(found, at, &event, Before { is_new, was_sent });
        was_sent |= matches!(event, Event::Sent { .. });
    }
    found
}

/// What the entries before say about an event of the same key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Before {
    /// Whether the mail was not counted yet.
    pub is_new: bool,
    /// Whether a mail was encrypted to the key.
    pub was_sent: bool,
}

/// What mail with a key comes to after one more event: the sum goes on from what it was, so whoever keeps
/// the sum safe need not read the log again.
#[must_use]
pub fn after(sum: Option<Correspondence>, at: Time, event: &Event, before: Before) -> Option<Correspondence> {
    let known = || sum.unwrap_or_else(|| Correspondence::first_mail(at));
    match event {
        Event::Plain(EventKind::Seen) => Some(known()),
        Event::Plain(EventKind::Imported) => Some(Correspondence { taken_by_hand: true, ..known() }),
        Event::Plain(EventKind::Replaced) => None,
        Event::Received { answers, .. } => {
            let known = known();
            let messages = known.messages.saturating_add(u32::from(before.is_new));
            let two_way = known.two_way || (*answers && before.was_sent);
            Some(Correspondence { messages, two_way, ..known })
        }
        // Mails that both stores counted are not counted twice.
        Event::TakenOver { sum: theirs } => Some(sum.map_or(*theirs, |ours| Correspondence {
            first_seen: ours.first_seen.min(theirs.first_seen),
            messages: ours.messages.max(theirs.messages),
            two_way: ours.two_way || theirs.two_way,
            taken_by_hand: ours.taken_by_hand || theirs.taken_by_hand,
        })),
        // What was sent is half of an exchange; what the person compared is evidence of its own, and what is
        // at odds with other keys is none.
        Event::Plain(_) | Event::Sent { .. } | Event::Succession { .. } => sum,
    }
}

/// Takes out everything that the log holds about an address; answers with the number of entries.
pub fn erase_address(address: &EmailAddress, entries: &mut [Entry]) -> usize {
    let mut erased = 0;
    for entry in entries {
        if entry.content.as_ref().is_some_and(|content| content.address.matches(address)) {
            entry.erase();
            erased += 1;
        }
    }
    erased
}

/// Numbers in 8 bytes, text and bytes behind their length in 8 bytes.
struct Encoding(Vec<u8>);

impl Encoding {
    fn of(label: &[u8]) -> Self {
        let mut encoding = Self(Vec::new());
        encoding.bytes(label);
        encoding
    }

    fn number(&mut self, number: u64) {
        self.0.extend_from_slice(&number.to_be_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::super::claim::Claim;
    use super::*;
    use crate::fingerprint::Fingerprint;

    const NOW: Time = Time::from_unix_seconds(1_795_262_400);

    fn claim(name: &str) -> Claim {
        let address = EmailAddress::parse(&format!("{name}@example.org")).unwrap();
        Claim::new(&address, Fingerprint::of_public_key(name.as_bytes()))
    }

    fn content(name: &str, event: Event) -> Content {
        let claim = claim(name);
        Content { salt: [7; 16], address: claim.address().clone(), key: *claim.key().sha256(), event }
    }

    fn history(name: &str, entries: &[Entry]) -> Option<Correspondence> {
        let claim = claim(name);
        correspondence(claim.address(), claim.key().sha256(), entries)
    }

    fn received(number: u8, answers: bool) -> Event {
        Event::Received { message: [number; 32], answers }
    }

    /// A log of these events, a day apart.
    fn log(events: &[(&str, Event)]) -> (Vec<Entry>, Head) {
        let (mut entries, mut head): (Vec<Entry>, Head) = Default::default();
        for (day, (name, event)) in events.iter().enumerate() {
            let last = entries.last().map(|entry| entry.at);
            let (entry, next) = head.append(last, NOW.plus_days(day as i64), content(name, *event));
            entries.push(entry);
            head = next;
        }
        (entries, head)
    }

    fn some() -> (Vec<Entry>, Head) {
        log(&[
            ("alice", Event::Plain(EventKind::Seen)),
            ("bob", Event::Plain(EventKind::Imported)),
            ("alice", Event::Sent { message: None }),
            ("alice", received(1, true)),
            ("bob", received(2, true)),
        ])
    }

    #[test]
    fn a_log_that_nobody_touched_holds() {
        let (entries, head) = some();
        assert_eq!(head.verify(&entries), Ok(()));
        assert_eq!(Head::default().verify(&[]), Ok(()));
    }

    #[test]
    fn every_change_is_noticed() {
        let (entries, head) = some();
        let changed = |change: &dyn Fn(&mut Vec<Entry>)| {
            let mut other = entries.clone();
            change(&mut other);
            head.verify(&other)
        };
        assert_eq!(changed(&|log| log[1].at = NOW.plus_days(1).plus_seconds(1)), Err(LogError::Broken(2)));
        assert_eq!(changed(&|log| log[2].at = NOW), Err(LogError::BackInTime(2)));
        assert_eq!(changed(&|log| log[1].commitment = [0; 32]), Err(LogError::Content(1)));
        assert_eq!(changed(&|log| log[1].event = EventKind::Seen), Err(LogError::Content(1)));
        assert_eq!(
            changed(&|log| log[1].content.as_mut().unwrap().address = claim("eve").address().clone()),
            Err(LogError::Content(1))
        );
        assert_eq!(changed(&|log| drop(log.remove(1))), Err(LogError::OutOfOrder(1)));
        assert_eq!(changed(&|log| log.swap(1, 2)), Err(LogError::OutOfOrder(1)));
        assert_eq!(changed(&|log| drop(log.pop())), Err(LogError::Head));
        assert_eq!(changed(&|log| log[4].previous = [1; 32]), Err(LogError::Broken(4)));
    }

    #[test]
    fn an_erased_contact_leaves_the_chain_whole_and_counts_for_nothing() {
        let (mut entries, head) = some();
        assert_eq!(erase_address(claim("alice").address(), &mut entries), 3);
        assert_eq!(head.verify(&entries), Ok(()));
        assert_eq!(history("alice", &entries), None);
        assert!(history("bob", &entries).is_some());
    }

    #[test]
    fn the_same_event_with_another_salt_has_another_commitment() {
        let one = content("alice", Event::Plain(EventKind::Seen));
        let other = Content { salt: [8; 16], ..one.clone() };
        assert_ne!(one.commitment(), other.commitment());
    }

    #[test]
    fn a_clock_that_was_set_back_does_not_break_the_chain() {
        let (mut entries, head) = some();
        let (entry, next) = head.append(Some(NOW.plus_days(4)), NOW, content("alice", received(3, false)));
        assert_eq!(entry.at, NOW.plus_days(4));
        entries.push(entry);
        assert_eq!(next.verify(&entries), Ok(()));
    }

    #[test]
    fn both_sides_must_have_been_heard() {
        let (entries, _) = some();
        let alice = history("alice", &entries).unwrap();
        assert!(alice.two_way && !alice.taken_by_hand);
        assert_eq!((alice.first_seen, alice.messages), (NOW, 1));
        let bob = history("bob", &entries).unwrap();
        assert!(!bob.two_way && bob.taken_by_hand, "an answer to what was never sent is none");
    }

    #[test]
    fn the_same_mail_again_is_one_mail() {
        let (entries, _) = log(&[
            ("alice", Event::Plain(EventKind::Seen)),
            ("alice", received(1, false)),
            ("alice", received(1, false)),
            ("alice", received(2, false)),
        ]);
        assert_eq!(history("alice", &entries).unwrap().messages, 2);
    }

    #[test]
    fn what_was_taken_over_is_counted_once_and_goes_on() {
        let theirs =
            Correspondence { messages: 5, two_way: true, ..Correspondence::first_mail(NOW.plus_days(-90)) };
        let taken = ("alice", Event::TakenOver { sum: theirs });
        let (entries, head) =
            log(&[("alice", received(1, false)), taken, taken, ("alice", received(2, false))]);
        assert_eq!(head.verify(&entries), Ok(()));
        let expected = Correspondence { messages: 6, ..theirs };
        assert_eq!(history("alice", &entries), Some(expected));
    }

    #[test]
    fn every_kind_has_a_word_of_its_own() {
        for kind in EventKind::ALL {
            assert_eq!(EventKind::from_word(kind.word()), Some(kind));
        }
    }

    #[test]
    fn what_an_event_needs_is_read_as_it_was_written() {
        let events = [
            Event::Plain(EventKind::Pinned),
            Event::Sent { message: None },
            Event::Sent { message: Some([3; 32]) },
            received(4, true),
            Event::Succession { old: [5; 32] },
            Event::TakenOver {
                sum: Correspondence { messages: 7, two_way: true, ..Correspondence::by_hand(NOW) },
            },
        ];
        for event in events {
            assert_eq!(Event::from_own_bytes(event.kind(), &event.own_bytes()), Some(event));
        }
        for (kind, bytes) in [
            (EventKind::Seen, &[0][..]),
            (EventKind::Sent, &[0; 31]),
            (EventKind::Received, &[2; 33]),
            (EventKind::Received, &[]),
            (EventKind::Succession, &[0; 33]),
            (EventKind::TakenOver, &[0; 12]),
            (EventKind::TakenOver, &[4; 13]),
            (EventKind::TakenOver, &[0; 14]),
        ] {
            assert_eq!(Event::from_own_bytes(kind, bytes), None, "{kind:?}");
        }
    }

    #[test]
    fn twenty_mails_over_ninety_days_are_worth_forty_points_and_all_at_once_ten() {
        let mail = |number: u8| ("alice", received(number, number == 1));
        let daily: Vec<_> =
            [("alice", Event::Sent { message: None })].into_iter().chain((1..=20).map(mail)).collect();
        let (entries, _) = log(&daily);
        let history = history("alice", &entries).unwrap();
        // They came from the second day on.
        let points = |days: i64| history.points(NOW.plus_days(1 + days));
        assert_eq!([0, 30, 90, 1000].map(points), [10, 20, 40, 40]);
    }

    #[test]
    fn what_was_only_sent_or_contradicted_is_not_known() {
        for event in [Event::Sent { message: None }, Event::Plain(EventKind::Conflict)] {
            let (entries, _) = log(&[("alice", event), ("alice", Event::Plain(EventKind::Revoked))]);
            assert_eq!(history("alice", &entries), None, "{event:?}");
        }
    }
}
