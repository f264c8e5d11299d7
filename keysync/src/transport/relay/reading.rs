//! Reading what a relay answers, without believing it.

use crate::limits::PAGE_OBJECTS;
use crate::relay::protocol::{Head, Listed, Page, unhex};
use crate::transport::{Cursor, ObjectName, TransportError};

/// Letters of a word that a relay says, in what a person reads.
const WORD_LETTERS: usize = 20;

/// Up to where a box was read: the epoch and the number of the newest object, which is what a cursor has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Which box of this name.
    pub epoch: u64,
    /// The number of the newest object.
    pub last: u64,
}

impl Place {
    /// The place of a cursor; nothing where it is of another transport, or the first.
    #[must_use]
    pub fn of(cursor: &Cursor) -> Option<Self> {
        let (epoch, last) = cursor.0.split_first_chunk::<8>()?;
        let last: [u8; 8] = last.try_into().ok()?;
        Some(Self { epoch: u64::from_be_bytes(*epoch), last: u64::from_be_bytes(last) })
    }

    /// As a cursor.
    #[must_use]
    pub fn cursor(self) -> Cursor {
        Cursor([self.epoch.to_be_bytes(), self.last.to_be_bytes()].concat())
    }

    /// Where a page is from.
    ///
    /// # Errors
    /// [`TransportError::Forged`] where its epoch is none.
    pub(super) fn at(page: &Page) -> Result<Self, TransportError> {
        Ok(Self { epoch: epoch(&page.epoch)?, last: page.last })
    }

    /// Whether this place is of a box that is there no longer, going by a page of the one that is.
    pub(super) fn is_lost(self, page: &Page) -> Result<bool, TransportError> {
        let there = Self::at(page)?;
        Ok(self != Self::default() && (there.epoch != self.epoch || there.last < self.last))
    }
}

/// Reads a page that was asked for with `after`.
///
/// # Errors
/// [`TransportError::Forged`] where it cannot be read, or its numbers do not go on from there.
pub fn read_page(json: &[u8], after: u64) -> Result<Page, TransportError> {
    let page: Page = serde_json::from_slice(json).map_err(|error| cannot_read(&error))?;
    Place::at(&page)?;
    let mut before = after;
    for listed in &page.objects {
        name(listed)?;
        if listed.n <= before || listed.n > page.last {
            return Err(TransportError::Forged("the numbers of a listing do not go on".to_owned()));
        }
        before = listed.n;
    }
    if page.objects.len() as u64 > PAGE_OBJECTS {
        return Err(TransportError::Forged("more names than were asked for".to_owned()));
    }
    Ok(page)
}

/// Reads how a box stands.
///
/// # Errors
/// [`TransportError::Forged`] where it cannot be read.
pub fn read_head(json: &[u8]) -> Result<Head, TransportError> {
    let head: Head = serde_json::from_slice(json).map_err(|error| cannot_read(&error))?;
    epoch(&head.epoch)?;
    Ok(head)
}

pub(super) fn name(listed: &Listed) -> Result<ObjectName, TransportError> {
    let name = unhex(&listed.name).map(ObjectName::from_bytes);
    name.ok_or_else(|| TransportError::Forged("a name that is none".to_owned()))
}

pub(super) fn epoch(digits: &str) -> Result<u64, TransportError> {
    let epoch = unhex(digits).map(u64::from_be_bytes);
    epoch.ok_or_else(|| TransportError::Forged("an epoch that is none".to_owned()))
}

/// What a relay says, as far as it is a word.
pub(super) fn word(said: &str) -> String {
    let is_word = said.len() <= WORD_LETTERS && said.bytes().all(|byte| byte.is_ascii_lowercase());
    if is_word { said.to_owned() } else { String::new() }
}

fn cannot_read(error: &serde_json::Error) -> TransportError {
    // Line and column alone: the words of serde repeat what was read.
    TransportError::Forged(format!("JSON that is none, or another one, at column {}", error.column()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(objects: &str, last: u64) -> String {
        format!(r#"{{"epoch":"00000000000000ff","last":{last},"objects":[{objects}]}}"#)
    }

    fn listed(n: u64) -> String {
        format!(r#"{{"n":{n},"name":"{}","bytes":1}}"#, "ab".repeat(32))
    }

    #[test]
    fn numbers_of_a_page_go_on() {
        let good = page(&[listed(4), listed(9)].join(","), 9);
        assert!(read_page(good.as_bytes(), 3).is_ok());
        for (objects, after) in
            [([listed(4), listed(9)], 4), ([listed(4), listed(4)], 0), ([listed(9), listed(4)], 0)]
        {
            let bad = page(&objects.join(","), 9);
            assert!(matches!(read_page(bad.as_bytes(), after), Err(TransportError::Forged(_))), "{bad}");
        }
        assert!(read_page(page(&listed(10), 9).as_bytes(), 3).is_err(), "beyond the last");
    }

    #[test]
    fn what_is_no_page_is_refused_without_being_repeated() {
        let evil = r#"{"epoch":"\u001b[2Jevil","last":1,"objects":[]}"#;
        for json in ["", "[]", "{}", evil, &page("", 1).replace("ff", "FF"), &page("{}", 1)] {
            let error = read_page(json.as_bytes(), 0).map_err(|error| error.to_string());
            assert!(error.as_ref().is_err_and(|text| !text.contains("evil")), "{json}: {error:?}");
        }
    }

    #[test]
    fn a_place_of_another_epoch_or_beyond_the_last_is_lost() {
        let page = Page { epoch: "00000000000000ff".to_owned(), last: 5, objects: Vec::new() };
        let lost = |epoch, last| Place { epoch, last }.is_lost(&page);
        assert_eq!(lost(255, 5), Ok(false));
        assert_eq!(lost(255, 6), Ok(true));
        assert_eq!(lost(254, 2), Ok(true));
        assert_eq!(Place::default().is_lost(&page), Ok(false));
    }

    #[test]
    fn a_cursor_is_its_place() {
        let place = Place { epoch: 7, last: 9 };
        assert_eq!(Place::of(&place.cursor()), Some(place));
        assert_eq!(Place::of(&Cursor::default()), None);
        assert_eq!(Place::of(&Cursor(vec![1; 17])), None);
    }
}
