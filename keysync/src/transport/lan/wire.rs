//! What is asked and answered inside of the frames; `docs/formats/transports.md`.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::{Cursor, Listing, ObjectName, TransportError};
use super::name::Instance;
use crate::limits;

/// What one device asks of another's box.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Request {
    List(Cursor),
    Get(ObjectName),
    Put(Vec<u8>),
    Wait(Duration, Cursor),
    Remove(ObjectName),
}

/// What the other answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Done,
    Listed(Listing),
    Object(Vec<u8>),
    Came,
    NothingCame,
    Absent,
    TooLarge { bytes: u64, limit: u64 },
    Quota,
    Refused,
}

impl Request {
    pub(super) fn write(&self) -> Vec<u8> {
        match self {
            Self::List(cursor) => [&[1], cursor.0.as_slice()].concat(),
            Self::Get(name) => [&[2], name.as_bytes().as_slice()].concat(),
            Self::Put(object) => [&[3], object.as_slice()].concat(),
            Self::Wait(time, cursor) => {
                let milliseconds = u32::try_from(time.as_millis()).unwrap_or(u32::MAX);
                [&[4], milliseconds.to_be_bytes().as_slice(), &cursor.0].concat()
            }
            Self::Remove(name) => [&[5], name.as_bytes().as_slice()].concat(),
        }
    }

    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let (kind, rest) = bytes.split_first()?;
        Some(match kind {
            1 => Self::List(cursor(rest)?),
            2 => Self::Get(ObjectName::from_bytes(rest.try_into().ok()?)),
            3 => Self::Put(rest.to_vec()),
            4 => {
                let (milliseconds, rest) = rest.split_first_chunk()?;
                let time = Duration::from_millis(u32::from_be_bytes(*milliseconds).into());
                Self::Wait(time, cursor(rest)?)
            }
            5 => Self::Remove(ObjectName::from_bytes(rest.try_into().ok()?)),
            _ => return None,
        })
    }
}

impl Answer {
    pub(super) fn write(&self) -> Vec<u8> {
        match self {
            Self::Done => vec![0],
            Self::Listed(listing) => {
                let length = u16::try_from(listing.cursor.0.len()).unwrap_or_default();
                let mut bytes = [&[1], length.to_be_bytes().as_slice()].concat();
                bytes.extend(listing.cursor.0.iter().take(length.into()));
                listing.names.iter().for_each(|name| bytes.extend(name.as_bytes()));
                bytes
            }
            Self::Object(object) => [&[2], object.as_slice()].concat(),
            Self::Came => vec![3],
            Self::NothingCame => vec![4],
            Self::Absent => vec![16],
            Self::TooLarge { bytes, limit } => {
                [&[17], bytes.to_be_bytes().as_slice(), &limit.to_be_bytes()].concat()
            }
            Self::Quota => vec![18],
            Self::Refused => vec![19],
        }
    }

    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let (kind, rest) = bytes.split_first()?;
        Some(match (kind, rest.len()) {
            (0, 0) => Self::Done,
            (1, _) => {
                let (length, rest) = rest.split_first_chunk()?;
                let (before, names) = rest.split_at_checked(u16::from_be_bytes(*length).into())?;
                let (names, []) = names.as_chunks::<32>() else { return None };
                let names = names.iter().copied().map(ObjectName::from_bytes).collect();
                Self::Listed(Listing { names, cursor: cursor(before)? })
            }
            (2, _) => Self::Object(rest.to_vec()),
            (3, 0) => Self::Came,
            (4, 0) => Self::NothingCame,
            (16, 0) => Self::Absent,
            (17, 16) => {
                let (bytes, limit) = rest.split_first_chunk()?;
                Self::TooLarge {
                    bytes: u64::from_be_bytes(*bytes),
                    limit: u64::from_be_bytes(limit.try_into().ok()?),
                }
            }
            (18, 0) => Self::Quota,
            (19, 0) => Self::Refused,
            _ => return None,
        })
    }

    /// What a box said, as far as it concerns others.
    pub(super) fn refusal(error: TransportError) -> Self {
        match error {
            TransportError::Absent | TransportError::Forged(_) => Self::Absent,
            TransportError::TooLarge { bytes, limit } => Self::TooLarge { bytes, limit },
            TransportError::Quota => Self::Quota,
            TransportError::Unreachable(_) | TransportError::Refused(_) | TransportError::Io(_) => {
                Self::Refused
            }
        }
    }

    pub(super) fn listing(self) -> Result<Listing, TransportError> {
        match self {
            Self::Listed(listing) => Ok(listing),
            other => Err(other.error()),
        }
    }

    pub(super) fn object(self, name: &ObjectName) -> Result<Vec<u8>, TransportError> {
        match self {
            Self::Object(object) => name.check(&object).map(|()| object),
            other => Err(other.error()),
        }
    }

    pub(super) fn done(self) -> Result<(), TransportError> {
        match self {
            Self::Done => Ok(()),
            other => Err(other.error()),
        }
    }

    /// Why it is not what was asked for.
    fn error(self) -> TransportError {
        match self {
            Self::Absent => TransportError::Absent,
            Self::TooLarge { bytes, limit } => TransportError::TooLarge { bytes, limit },
            Self::Quota => TransportError::Quota,
            Self::Refused => TransportError::Refused("the other device cannot do it now".into()),
            Self::Done | Self::Listed(_) | Self::Object(_) | Self::Came | Self::NothingCame => {
                TransportError::Forged("an answer to another question".into())
            }
        }
    }
}

fn cursor(bytes: &[u8]) -> Option<Cursor> {
    (bytes.len() <= limits::CURSOR_BYTES).then(|| Cursor(bytes.to_vec()))
}

/// The cursors of several devices in one; what cannot be read starts anew.
pub(super) fn read_cursors(cursor: &Cursor) -> BTreeMap<Instance, Cursor> {
    let mut cursors = BTreeMap::new();
    let mut rest = cursor.0.as_slice();
    while let Some((instance, after)) = rest.split_first_chunk() {
        let Some((length, after)) = after.split_first_chunk() else { break };
        let Some((one, after)) = after.split_at_checked(u16::from_be_bytes(*length).into()) else { break };
        cursors.insert(Instance(*instance), Cursor(one.to_vec()));
        rest = after;
    }
    cursors
}

/// As they are read again. Devices that were met long ago are forgotten first: they are listed anew, no more.
pub(super) fn write_cursors(cursors: &BTreeMap<Instance, Cursor>) -> Cursor {
    let mut bytes = Vec::new();
    for (instance, cursor) in cursors.iter().rev().take(limits::LAN_PEERS) {
        let Ok(length) = u16::try_from(cursor.0.len()) else { continue };
        bytes.extend(instance.0);
        bytes.extend(length.to_be_bytes());
        bytes.extend(&cursor.0);
    }
    Cursor(bytes)
}

/// Reads the bytes of a request and writes them again, for tests with hostile bytes.
#[must_use]
pub fn read_request_bytes(bytes: &[u8]) -> Option<Vec<u8>> {
    Request::read(bytes).map(|request| request.write())
}

/// Reads the bytes of an answer and writes them again, for tests with hostile bytes.
#[must_use]
pub fn read_answer_bytes(bytes: &[u8]) -> Option<Vec<u8>> {
    Answer::read(bytes).map(|answer| answer.write())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn requests_and_answers_are_read_as_they_were_written() {
        let name = ObjectName::of(b"x");
        let cursor = Cursor(vec![1, 2, 3]);
        for request in [
            Request::List(cursor.clone()),
            Request::Get(name),
            Request::Put(b"object".to_vec()),
            Request::Wait(Duration::from_millis(1500), cursor.clone()),
            Request::Remove(name),
        ] {
            assert_eq!(Request::read(&request.write()), Some(request));
        }
        for answer in [
            Answer::Done,
            Answer::Listed(Listing { names: vec![name, name], cursor: cursor.clone() }),
            Answer::Object(Vec::new()),
            Answer::Came,
            Answer::NothingCame,
            Answer::Absent,
            Answer::TooLarge { bytes: 5, limit: 4 },
            Answer::Quota,
            Answer::Refused,
        ] {
            assert_eq!(Answer::read(&answer.write()), Some(answer));
        }
        let both = BTreeMap::from([(Instance::FIXED, cursor), (Instance([7; 15]), Cursor::default())]);
        assert_eq!(read_cursors(&write_cursors(&both)), both);
    }

    #[test]
    fn what_is_longer_or_shorter_is_nothing() {
        let long = [&[1], vec![0; limits::CURSOR_BYTES + 1].as_slice()].concat();
        for bytes in [&[][..], &[9], &[2, 0], &[4, 0, 0], &long] {
            assert_eq!(Request::read(bytes), None);
        }
        for bytes in [&[][..], &[0, 0], &[1], &[1, 0, 5, 0], &[1, 0, 0, 7], &[17, 0], &[16, 1], &[99]] {
            assert_eq!(Answer::read(bytes), None);
        }
    }
}
