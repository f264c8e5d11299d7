//! GnuPG's ownertrust: `gpg --export-ownertrust`.

use std::fmt;

use super::reliance::Reliances;
use super::{FULL, MARGINAL};
use crate::fingerprint::OpenPgpFingerprint;
use crate::limits;

/// GnuPG's `--max-cert-depth` without any option.
const LONGEST_CHAIN: u8 = 5;

/// Why an ownertrust file was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnertrustError {
    /// A line that is not `FINGERPRINT:LEVEL:`; its number, from 1.
    Malformed(usize),
    /// More lines than [`limits::OPENPGP_CERTIFICATES`].
    TooLong,
}

impl fmt::Display for OwnertrustError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(line) => write!(formatter, "line {line} is no ownertrust"),
            Self::TooLong => formatter.write_str("there are too many lines"),
        }
    }
}

impl std::error::Error for OwnertrustError {}

/// Reads what `gpg --export-ownertrust` writes: an ultimate owner is a root of 120, a full one an
/// introducer of 120, a marginal one an introducer of 40, and five certifications make the longest
/// chain, as GnuPG has it without options. Other levels are no reliance; a disabled key (bit 7) is
/// none either.
///
/// # Errors
/// See [`OwnertrustError`].
pub fn read_ownertrust(text: &str) -> Result<Reliances, OwnertrustError> {
    let mut reliances = Reliances::new().with_longest_chain(LONGEST_CHAIN);
    for (index, line) in text.lines().enumerate() {
        if index >= limits::OPENPGP_CERTIFICATES {
            return Err(OwnertrustError::TooLong);
        }
        let line = line.trim_end();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (owner, level) = entry(line).ok_or(OwnertrustError::Malformed(index + 1))?;
        reliances = match level {
            6 => reliances.with_root(owner, FULL),
            5 => reliances.with_introducer(owner, FULL),
            4 => reliances.with_introducer(owner, MARGINAL),
            _ => reliances,
        };
    }
    Ok(reliances)
}

fn entry(line: &str) -> Option<(OpenPgpFingerprint, u8)> {
    let (fingerprint, rest) = line.split_once(':')?;
    let (level, _) = rest.split_once(':')?;
    Some((OpenPgpFingerprint::parse(fingerprint)?, level.parse().ok()?))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_levels_of_gnupg_become_roots_and_introducers() {
        let text = "# List of assigned trustvalues, created Sat Nov 21 2026\n\
                    # (Use \"gpg --import-ownertrust\" to restore them)\n\
                    69F94A59CD6AF56FE034979F40AE1D7E72C11D4A:6:\n\
                    18C402EEBDCFA1BB9306241DBC9B42FD28124C52:5:\n\
                    B24CBA7E0CCE6760B1CCF220788C7B95A31DDDDD:4:\n\
                    0000000000000000000000000000000000000001:3:\n\
                    0000000000000000000000000000000000000002:134:\n";
        let reliances = read_ownertrust(text).unwrap();
        let amounts: Vec<u8> = reliances.roots().map(|(_, root)| root.amount).collect();
        assert_eq!(amounts, [120]);
        let amounts: Vec<u8> = reliances.introducers().map(|(_, amount)| amount).collect();
        assert_eq!(amounts, [120, 40]);
        assert_eq!(reliances.longest_chain(), Some(5));
    }

    #[test]
    fn a_line_that_is_none_is_named() {
        assert_eq!(read_ownertrust("\n18C402EE:6:\n"), Err(OwnertrustError::Malformed(2)));
        assert_eq!(
            read_ownertrust("18C402EEBDCFA1BB9306241DBC9B42FD28124C52:x:"),
            Err(OwnertrustError::Malformed(1))
        );
    }
}
