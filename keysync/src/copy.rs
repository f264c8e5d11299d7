//! A copy of an account in one file, from which the seed on paper brings it back: `cseal device export`
//! (`docs/formats/account-copy.md`).
//!
//! It holds what a box holds, objects that are padded and sealed, and all of them under the first secret of the log, which
//! follows from the seed.

use std::fmt;

use counterseal_core::secret::SecretBytes;

use crate::limits;
use crate::object;
use crate::sync::{CraftError, Parcel};

/// How the file begins.
const MARK: &[u8] = b"counterseal account copy 1\n";

/// The bytes are no copy of an account, or not a whole one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotACopy;

impl fmt::Display for NotACopy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("not a whole copy of an account")
    }
}

impl std::error::Error for NotACopy {}

/// Seals parcels as one file.
///
/// # Errors
/// [`CraftError::Failed`] for a parcel that is larger than an object may be.
pub fn write(secret: &SecretBytes, parcels: &[Parcel]) -> Result<Vec<u8>, CraftError> {
    let mut file = MARK.to_vec();
    for parcel in parcels {
        let object = object::seal(secret, parcel)?;
        let length = u32::try_from(object.len()).map_err(|_| CraftError::Failed("too large".to_owned()))?;
        file.extend_from_slice(&length.to_be_bytes());
        file.extend_from_slice(&object);
    }
    Ok(file)
}

/// The sealed objects of a file, as they would lie in a box.
///
/// # Errors
/// [`NotACopy`].
pub fn read(file: &[u8]) -> Result<Vec<&[u8]>, NotACopy> {
    if file.len() > limits::ACCOUNT_COPY_BYTES {
        return Err(NotACopy);
    }
    let mut rest = file.strip_prefix(MARK).ok_or(NotACopy)?;
    let mut objects = Vec::new();
    while !rest.is_empty() {
        let (length, behind) = rest.split_first_chunk::<4>().ok_or(NotACopy)?;
        let length = u32::from_be_bytes(*length) as usize;
        if length > limits::OBJECT_BYTES || objects.len() == limits::LISTED_OBJECTS {
            return Err(NotACopy);
        }
        let (object, behind) = behind.split_at_checked(length).ok_or(NotACopy)?;
        objects.push(object);
        rest = behind;
    }
    Ok(objects)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    #[test]
    fn a_copy_is_read_back_by_its_secret_and_nothing_of_it_may_be_missing() {
        let secret = SecretBytes::new(vec![7; 32]);
        let parcels = [Parcel::Entry(vec![1; 700]), Parcel::Package(vec![2; 9000])];
        let file = write(&secret, &parcels).unwrap();
        let objects = read(&file).unwrap();
        let opened: Vec<_> = objects.iter().map(|it| object::unseal(&secret, it).unwrap()).collect();
        assert_eq!(opened, parcels);
        let first = MARK.len() + 4 + objects[0].len();
        for length in (0..file.len()).filter(|length| ![MARK.len(), first].contains(length)) {
            assert_eq!(read(&file[..length]), Err(NotACopy));
        }
        let huge = [MARK, &[0xff; 4]].concat();
        assert_eq!(read(&huge), Err(NotACopy));
    }
}
