//! Certificates: public, kept by their digest and by their key.

use counterseal_core::fingerprint::Fingerprint;
use counterseal_core::x509::Certificate;
use rusqlite::params;
use sha2::{Digest, Sha256};

use super::error::StoreError;
use super::evidence::EvidenceKind;
use super::{Store, Writer};

impl Store {
    /// DER of every certificate, newest first.
    pub(crate) fn certificates(&self) -> Result<Vec<Vec<u8>>, StoreError> {
        let mut statement =
            self.connection.prepare_cached("SELECT der FROM certificate ORDER BY added DESC, rowid DESC")?;
        let rows = statement.query_map([], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// DER of every certificate of one key, newest first.
    pub(crate) fn certificates_of(&self, key: &[u8; 32]) -> Result<Vec<Vec<u8>>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT der FROM certificate WHERE key = ?1 ORDER BY added DESC, rowid DESC")?;
        let rows = statement.query_map([key], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The CA certificates above one, from its issuer upwards, as far as the store has them.
    pub(crate) fn chain_above(&self, leaf: &Certificate) -> Result<Vec<Certificate>, StoreError> {
        let all: Vec<Certificate> =
            self.certificates()?.iter().filter_map(|der| Certificate::from_der(der).ok()).collect();
        let mut chain: Vec<Certificate> = Vec::new();
        let mut below = leaf;
        while !below.is_self_issued() {
            let above = all.iter().find(|other| {
                other.is_certificate_authority()
                    && other.subject_der() == below.issuer_der()
                    && !chain.contains(other)
                    && below.is_signed_by(other.public_key()).is_ok()
            });
            let Some(above) = above else { break };
            chain.push(above.clone());
            below = above;
        }
        Ok(chain)
    }
}

impl Writer<'_> {
    /// Adds a certificate of a key. Answers whether it is new.
    pub(crate) fn add_certificate(&mut self, der: &[u8], key: &Fingerprint) -> Result<bool, StoreError> {
        let digest: [u8; 32] = Sha256::digest(der).into();
        let added = self.transaction.execute(
            "INSERT OR IGNORE INTO certificate (digest, key, der, added) VALUES (?1, ?2, ?3, ?4)",
            params![digest, key.sha256(), der, self.now.unix_seconds()],
        )?;
        self.saw_certificate(der, key)?;
        Ok(added == 1)
    }

    /// Keeps when a certificate was seen first. The row of the certificate itself says it too, and nobody
    /// signed that. CAs and the owner's keys need no date.
    pub(crate) fn saw_certificate(&mut self, der: &[u8], key: &Fingerprint) -> Result<(), StoreError> {
        let is_authority = Certificate::from_der(der).map_or(true, |own| own.is_certificate_authority());
        if is_authority || self.holds_secret_key(key)? {
            return Ok(());
        }
        self.keep_first(EvidenceKind::CertificateSeen, &Sha256::digest(der), &[])
    }

    fn holds_secret_key(&self, key: &Fingerprint) -> Result<bool, StoreError> {
        let query = "SELECT EXISTS (SELECT 1 FROM secret_key WHERE fingerprint = ?1)";
        Ok(self.transaction.query_row(query, [key.sha256()], |row| row.get(0))?)
    }
}
