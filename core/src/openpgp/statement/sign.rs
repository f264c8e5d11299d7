//! Signing statements in CMS.

use std::io::Cursor;

use super::{Statement, StatementError};
use crate::cms::ContentType;
use crate::cms::signed::{SignError, SignedInput, SigningRequest, write_signed};
use crate::ports::SecretKeys;
use crate::x509::Certificate;

impl Statement {
    /// Signs the statement in a SignedData, its text inside (`docs/formats/statement.md`), at the
    /// moment that it names. `certificates` are sent along, that of the signing key first.
    ///
    /// # Errors
    /// [`SignError`]; [`SignError::Unsuitable`] too where nobody could read the statement.
    pub fn sign(&self, keys: &dyn SecretKeys, certificates: &[Certificate]) -> Result<Vec<u8>, SignError> {
        let text = self.to_text();
        let own = certificates.first().ok_or(SignError::NoCertificate)?;
        if Self::parse(&text).as_ref().map_err(|error: &StatementError| *error) != Ok(self) {
            return Err(SignError::Unsuitable);
        }
        let request = SigningRequest {
            keys,
            key: own.fingerprint(),
            certificates,
            algorithm: None,
            signing_time: self.issued,
            encryption_certificate: None,
            capabilities: None,
            content_type: ContentType::Data,
            carried_evidence: &[],
            revocation_lists: &[],
            further_attributes: &[],
        };
        let mut object = Vec::new();
        write_signed(SignedInput::Attached(&mut Cursor::new(text)), &request, &mut object)?;
        Ok(object)
    }
}
