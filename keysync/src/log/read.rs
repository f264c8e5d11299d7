//! Entries from DER: strict, and written back the same, so that an entry has one encoding and one id.

use std::fmt;

use counterseal_core::der::tlv::{self, Elements, tag};
use counterseal_core::time::Time;

use super::entry::{
    AccountId, Admitted, Announced, Author, Body, Entry, EntryId, KeyId, PackageName, Policy, Purpose,
};
use super::write::ENUMERATED;
use crate::device::{DeviceId, Role};
use crate::limits;

/// Why bytes are no entry, or no note.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryError {
    /// More bytes than may be.
    TooLarge {
        /// Bytes that there are.
        bytes: usize,
        /// Bytes that may be.
        limit: usize,
    },
    /// More of one thing than may be.
    TooMany {
        /// How many may be.
        limit: usize,
    },
    /// Of a version that this program does not know.
    Version,
    /// Not the DER of an entry.
    Malformed,
    /// Something stands twice, or not in its order.
    Order,
    /// A device's name is empty, too long, or has control characters.
    Name,
    /// An entry that founds an account and has parents or an account, or another one that has not.
    Founding,
}

impl fmt::Display for EntryError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge { bytes, limit } => write!(formatter, "{bytes} bytes, {limit} may be"),
            Self::TooMany { limit } => write!(formatter, "more than {limit} of one thing"),
            Self::Version => formatter.write_str("of a newer version"),
            Self::Malformed => formatter.write_str("malformed"),
            Self::Order => formatter.write_str("not in order"),
            Self::Name => formatter.write_str("the name of a device cannot be shown"),
            Self::Founding => formatter.write_str("founds an account at the wrong place"),
        }
    }
}

impl std::error::Error for EntryError {}

impl Entry {
    /// Reads the content of an entry.
    ///
    /// # Errors
    /// [`EntryError`].
    pub fn read(der: &[u8]) -> Result<Self, EntryError> {
        if der.len() > limits::ENTRY_BYTES {
            return Err(EntryError::TooLarge { bytes: der.len(), limit: limits::ENTRY_BYTES });
        }
        let mut fields = Elements::new(tlv::only(der, tag::SEQUENCE).ok_or(EntryError::Malformed)?);
        if number(&mut fields)? != 1 {
            return Err(EntryError::Version);
        }
        let entry = Self {
            account: account(&mut fields)?,
            parents: ascending(hashes(&mut fields, limits::ENTRY_PARENTS)?)?
                .into_iter()
                .map(EntryId::from_bytes)
                .collect(),
            lamport: number(&mut fields)?,
            time: time(&mut fields)?,
            author: author(&mut fields)?,
            body: body(&mut fields)?,
        };
        end(&fields)?;
        entry.check_founding()?;
        // What the fields do not say was not in canonical form.
        if entry.to_der() == der { Ok(entry) } else { Err(EntryError::Malformed) }
    }

    fn check_founding(&self) -> Result<(), EntryError> {
        let founds = matches!(self.body, Body::Genesis { .. });
        let stands_first = self.account.is_none() && self.parents.is_empty();
        let stands_later = self.account.is_some() && !self.parents.is_empty();
        if (founds && stands_first) || (!founds && stands_later) { Ok(()) } else { Err(EntryError::Founding) }
    }
}

fn account(fields: &mut Elements<'_>) -> Result<Option<AccountId>, EntryError> {
    match string(fields)? {
        [] => Ok(None),
        bytes => Ok(Some(AccountId::from_bytes(hash(bytes)?))),
    }
}

fn author(fields: &mut Elements<'_>) -> Result<Author, EntryError> {
    let element = fields.any().ok_or(EntryError::Malformed)?;
    let id = DeviceId::from_bytes(hash(element.content)?);
    match element.tag {
        0x80 => Ok(Author::Device(id)),
        0x81 => Ok(Author::Root(id)),
        _ => Err(EntryError::Malformed),
    }
}

fn body(fields: &mut Elements<'_>) -> Result<Body, EntryError> {
    let element = fields.any().ok_or(EntryError::Malformed)?;
    let mut fields = Elements::new(element.content);
    let fields = &mut fields;
    let body = match element.tag.checked_sub(tag::constructed(0)).ok_or(EntryError::Malformed)? {
        0 => Body::Genesis { first: admitted(fields)?, root: certificates(fields)? },
        1 => Body::Add(admitted(fields)?),
        2 => Body::Role { device: device(fields)?, role: role(fields)? },
        3 => Body::Revoke { device: device(fields)?, retired: keys(fields)? },
        4 => Body::Key(announced(fields)?),
        5 => Body::CertificateRequest(certificate(string(fields)?)?),
        6 => Body::CertificateAnswer {
            request: EntryId::from_bytes(hash(string(fields)?)?),
            certificates: certificates(fields)?,
        },
        7 => Body::KemRoll(certificates(fields)?),
        8 => Body::Snapshot(hash(string(fields)?)?),
        9 => Body::Recover { revoked: devices(fields)?, retired: keys(fields)?, added: added(fields)? },
        10 => Body::Policy(policy(fields)?),
        _ => return Err(EntryError::Malformed),
    };
    end(fields)?;
    Ok(body)
}

fn admitted(fields: &mut Elements<'_>) -> Result<Admitted, EntryError> {
    let element = fields.expect(tag::SEQUENCE).ok_or(EntryError::Malformed)?;
    let mut fields = Elements::new(element.content);
    let admitted = Admitted {
        device: device(&mut fields)?,
        role: role(&mut fields)?,
        name: name(&mut fields)?,
        certificates: certificates(&mut fields)?,
    };
    end(&fields)?;
    Ok(admitted)
}

fn added(fields: &mut Elements<'_>) -> Result<Vec<Admitted>, EntryError> {
    let element = fields.expect(tag::SEQUENCE).ok_or(EntryError::Malformed)?;
    let mut elements = Elements::new(element.content);
    let mut added = Vec::new();
    while !elements.is_empty() {
        check_room(&added, limits::RECIPIENTS)?;
        added.push(admitted(&mut elements)?);
    }
    Ok(added)
}

fn announced(fields: &mut Elements<'_>) -> Result<Announced, EntryError> {
    let key = KeyId::from_bytes(hash(string(fields)?)?);
    let purpose = match fields.expect(ENUMERATED).map(|element| element.content) {
        Some([number]) => Purpose::from_number(*number).ok_or(EntryError::Malformed)?,
        _ => return Err(EntryError::Malformed),
    };
    let certificate = match string(fields)? {
        [] => None,
        bytes => Some(hash(bytes)?),
    };
    let package = PackageName::from_bytes(hash(string(fields)?)?);
    let recipients = ascending(hashes(fields, limits::RECIPIENTS)?)?;
    let recipients = recipients.into_iter().map(DeviceId::from_bytes).collect();
    Ok(Announced { key, purpose, certificate, package, recipients })
}

fn policy(fields: &mut Elements<'_>) -> Result<Policy, EntryError> {
    let lan_only = match fields.expect(tag::BOOLEAN).map(|element| element.content) {
        Some([0]) => false,
        Some([0xff]) => true,
        _ => return Err(EntryError::Malformed),
    };
    let beacon_days = u16::try_from(number(fields)?).map_err(|_| EntryError::Malformed)?;
    Ok(Policy { lan_only, beacon_days })
}

fn role(fields: &mut Elements<'_>) -> Result<Role, EntryError> {
    let element = fields.any().ok_or(EntryError::Malformed)?;
    match (element.tag, element.content) {
        (0x80, []) => Ok(Role::Reader),
        (0x81, []) => Ok(Role::Writer),
        (0x82, []) => Ok(Role::Admin),
        (0x83, []) => Ok(Role::Courier),
        (0x84, content) => Ok(Role::Kiosk { since: moment(integer(content)?)? }),
        _ => Err(EntryError::Malformed),
    }
}

fn name(fields: &mut Elements<'_>) -> Result<String, EntryError> {
    let content = fields.expect(tag::UTF8_STRING).ok_or(EntryError::Malformed)?.content;
    let name = std::str::from_utf8(content).map_err(|_| EntryError::Name)?;
    if name.trim().is_empty() || name.len() > limits::DEVICE_NAME_BYTES || name.chars().any(char::is_control)
    {
        return Err(EntryError::Name);
    }
    Ok(name.to_owned())
}

fn device(fields: &mut Elements<'_>) -> Result<DeviceId, EntryError> {
    Ok(DeviceId::from_bytes(hash(string(fields)?)?))
}

fn devices(fields: &mut Elements<'_>) -> Result<Vec<DeviceId>, EntryError> {
    let devices = ascending(hashes(fields, limits::ENTRY_KEYS)?)?;
    Ok(devices.into_iter().map(DeviceId::from_bytes).collect())
}

fn keys(fields: &mut Elements<'_>) -> Result<Vec<KeyId>, EntryError> {
    let keys = ascending(hashes(fields, limits::ENTRY_KEYS)?)?;
    Ok(keys.into_iter().map(KeyId::from_bytes).collect())
}

fn certificates(fields: &mut Elements<'_>) -> Result<Vec<Vec<u8>>, EntryError> {
    let element = fields.expect(tag::SEQUENCE).ok_or(EntryError::Malformed)?;
    let mut elements = Elements::new(element.content);
    let mut certificates = Vec::new();
    while !elements.is_empty() {
        check_room(&certificates, limits::DEVICE_CERTIFICATES)?;
        certificates.push(certificate(string(&mut elements)?)?);
    }
    Ok(certificates)
}

fn certificate(der: &[u8]) -> Result<Vec<u8>, EntryError> {
    if der.len() > limits::DEVICE_CERTIFICATE_BYTES {
        return Err(EntryError::TooLarge { bytes: der.len(), limit: limits::DEVICE_CERTIFICATE_BYTES });
    }
    Ok(der.to_vec())
}

/// The hashes of a SEQUENCE OF OCTET STRING, in the order in which they stand.
pub(crate) fn hashes(fields: &mut Elements<'_>, limit: usize) -> Result<Vec<[u8; 32]>, EntryError> {
    let element = fields.expect(tag::SEQUENCE).ok_or(EntryError::Malformed)?;
    hashes_in(element.content, limit)
}

/// The hashes that are the content of a SEQUENCE OF OCTET STRING.
pub(crate) fn hashes_in(content: &[u8], limit: usize) -> Result<Vec<[u8; 32]>, EntryError> {
    let mut elements = Elements::new(content);
    let mut hashes = Vec::new();
    while !elements.is_empty() {
        check_room(&hashes, limit)?;
        hashes.push(hash(string(&mut elements)?)?);
    }
    Ok(hashes)
}

/// The same hashes, which must ascend.
pub(crate) fn ascending(hashes: Vec<[u8; 32]>) -> Result<Vec<[u8; 32]>, EntryError> {
    let ascends = hashes.iter().zip(hashes.iter().skip(1)).all(|(first, second)| first < second);
    if ascends { Ok(hashes) } else { Err(EntryError::Order) }
}

/// The content of the OCTET STRING that comes next.
pub(crate) fn string<'a>(fields: &mut Elements<'a>) -> Result<&'a [u8], EntryError> {
    Ok(fields.expect(tag::OCTET_STRING).ok_or(EntryError::Malformed)?.content)
}

/// 32 bytes.
pub(crate) fn hash(bytes: &[u8]) -> Result<[u8; 32], EntryError> {
    bytes.try_into().map_err(|_| EntryError::Malformed)
}

/// The INTEGER that comes next.
pub(crate) fn number(fields: &mut Elements<'_>) -> Result<u64, EntryError> {
    integer(fields.expect(tag::INTEGER).ok_or(EntryError::Malformed)?.content)
}

/// The INTEGER that comes next, as a moment.
pub(crate) fn time(fields: &mut Elements<'_>) -> Result<Time, EntryError> {
    moment(number(fields)?)
}

/// Nothing may follow.
pub(crate) fn end(fields: &Elements<'_>) -> Result<(), EntryError> {
    if fields.is_empty() { Ok(()) } else { Err(EntryError::Malformed) }
}

fn moment(seconds: u64) -> Result<Time, EntryError> {
    i64::try_from(seconds).map(Time::from_unix_seconds).map_err(|_| EntryError::Malformed)
}

fn integer(content: &[u8]) -> Result<u64, EntryError> {
    let magnitude = tlv::unsigned(content).ok_or(EntryError::Malformed)?;
    if magnitude.len() > 8 {
        return Err(EntryError::Malformed);
    }
    Ok(magnitude.iter().fold(0, |value, byte| (value << 8) | u64::from(*byte)))
}

fn check_room<T>(items: &[T], limit: usize) -> Result<(), EntryError> {
    if items.len() < limit { Ok(()) } else { Err(EntryError::TooMany { limit }) }
}

#[cfg(test)]
mod tests;
