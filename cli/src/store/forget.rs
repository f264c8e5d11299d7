//! Forgetting a contact: what the store holds of an address is gone from the file.

use counterseal_core::address::EmailAddress;
use counterseal_core::x509::Certificate;
use rusqlite::params;

use super::error::StoreError;
use super::{Store, Writer, history};

/// How much was forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Forgotten {
    /// Entries of the history whose content was erased.
    pub(crate) entries: usize,
    /// Pins and contact rows.
    pub(crate) rows: usize,
    /// Certificates.
    pub(crate) certificates: usize,
}

impl Writer<'_> {
    /// Takes away what is known of an address. The places of its entries in the log stay, empty, so that
    /// the log is as whole as before.
    pub(crate) fn forget(&mut self, address: &EmailAddress) -> Result<Forgotten, StoreError> {
        let key = address.lookup_key();
        let entries = self.transaction.execute(
            "UPDATE history SET salt = NULL, address = NULL, key = NULL, own = NULL WHERE address = ?1",
            [&key],
        )?;
        self.transaction.execute("DELETE FROM correspondence WHERE address = ?1", [&key])?;
        self.transaction.execute("DELETE FROM pending WHERE address = ?1", [&key])?;
        let rows = self
            .transaction
            .execute("DELETE FROM trust WHERE address = ?1 AND kind IN ('contact', 'pin')", [&key])?;
        self.forget_evidence(address)?;
        Ok(Forgotten { entries, rows, certificates: self.forget_certificates(address)? })
    }

    /// What was looked up of the address, statements that name it with their time stamps, since when its keys
    /// are exposed, and that its owner is relied on.
    fn forget_evidence(&self, address: &EmailAddress) -> Result<(), StoreError> {
        // Before the address of a contact on whom the person relies stands an octet with the points.
        let mut statement = self.transaction.prepare(
            "SELECT id, name, CASE kind WHEN 'contact-introducer' THEN substr(content, 2) ELSE content END
             FROM evidence WHERE kind IN ('look-up', 'statement', 'contact-introducer', 'exposure')",
        )?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        let rows: Vec<(i64, Vec<u8>, Vec<u8>)> = rows.collect::<Result<_, _>>()?;
        let address = address.lookup_key().to_lowercase();
        for (id, name, _) in rows.iter().filter(|(_, _, content)| mentions(content, address.as_bytes())) {
            self.transaction.execute("DELETE FROM evidence WHERE id = ?1", [id])?;
            self.forget_dates(name)?;
        }
        Ok(())
    }

    /// When a certificate or a statement was seen, and its time stamps.
    fn forget_dates(&self, digest: &[u8]) -> Result<(), StoreError> {
        self.transaction.execute(
            "DELETE FROM evidence WHERE (kind = 'certificate-seen' AND name = ?1)
             OR (kind = 'evidence-time-stamp' AND substr(name, 33) = ?1)",
            [digest],
        )?;
        Ok(())
    }

    /// Certificates that name nobody else, and personal CAs that issued only such.
    fn forget_certificates(&self, address: &EmailAddress) -> Result<usize, StoreError> {
        let mut statement = self.transaction.prepare("SELECT digest, der FROM certificate")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let rows: Vec<([u8; 32], Vec<u8>)> = rows.collect::<Result<_, _>>()?;
        let all: Vec<([u8; 32], Certificate)> = rows
            .into_iter()
            .filter_map(|(digest, der)| Some((digest, Certificate::from_der(&der).ok()?)))
            .collect();
        let names_only_them = |certificate: &Certificate| {
            let addresses = certificate.addresses();
            !addresses.is_empty() && addresses.iter().all(|own| own.matches(address))
        };
        let (theirs, others): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|(_, certificate)| names_only_them(certificate));
        let issued = |authority: &Certificate, certificates: &[([u8; 32], Certificate)]| {
            certificates.iter().any(|(_, one)| {
                one.issuer_der() == authority.subject_der() && one.fingerprint() != authority.fingerprint()
            })
        };
        let orphans = others.iter().filter(|(_, authority)| {
            authority.is_personal_authority() && issued(authority, &theirs) && !issued(authority, &others)
        });
        let mut forgotten = 0;
        for (digest, _) in theirs.iter().chain(orphans) {
            forgotten +=
                self.transaction.execute("DELETE FROM certificate WHERE digest = ?1", params![digest])?;
            self.forget_dates(digest)?;
        }
        Ok(forgotten)
    }
}

/// Whether an address, in lower case, stands in some bytes, and not as a part of a longer one.
fn mentions(bytes: &[u8], address: &[u8]) -> bool {
    let bytes = bytes.to_ascii_lowercase();
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b".!#$%&'*+/=?^_`{|}~-".contains(byte);
    let mut places = bytes.windows(address.len()).enumerate().filter(|(_, window)| *window == address);
    places.any(|(at, _)| {
        let before = at.checked_sub(1).and_then(|before| bytes.get(before));
        let after = bytes.get(at + address.len());
        !before.is_some_and(is_part)
            && !after.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
    })
}

impl Store {
    /// Whether anything but certificates is known of an address.
    pub(crate) fn remembers(&self, address: &EmailAddress) -> Result<bool, StoreError> {
        let key = address.lookup_key();
        let has_rows = self.trust_rows()?.iter().any(|row| row.address == key);
        let waits = self.pending()?.iter().any(|pending| pending.address == key);
        Ok(has_rows || waits || history::knows(&self.connection, address)?)
    }

    /// Writes the file anew without anything that was taken out of it, and empties the log beside it.
    /// Answers whether nobody else kept the log from being emptied.
    pub(crate) fn wipe(&self) -> Result<bool, StoreError> {
        // Deleted content is overwritten in its place; what SQLite copied elsewhere while it moved rows
        // between pages goes with the pages.
        self.connection.execute_batch("VACUUM")?;
        let busy: i64 = self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
        Ok(busy == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_no_part_of_a_longer_one() {
        let mentions = |text: &str| mentions(text.as_bytes(), b"bob@example.org");
        assert!(mentions("{\"address\":\"Bob@Example.org\"}") && mentions("bob@example.org"));
        assert!(mentions("to <bob@example.org>.") && mentions("Subject: bob@example.org\n"));
        assert!(!mentions("{\"address\":\"jim-bob@example.org\"}") && !mentions("bob@example.organic"));
    }
}
