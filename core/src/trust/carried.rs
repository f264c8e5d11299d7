//! Evidence that others bring along: in a signed mail, in files.
//!
//! Each item proves itself or is nothing. It is only added: what is known is neither forgotten nor
//! replaced because somebody brings another copy of it.

use std::sync::Arc;

use super::knowledge::Knowledge;
use crate::limits;
use crate::openpgp::{SignedStatement, StatementError};
use crate::x509::Certificate;

/// What an item is.
#[derive(Clone, Debug)]
pub enum Item {
    /// OpenPGP certificates, in binary form or armored.
    OpenPgp,
    /// A statement whose signature holds.
    Statement(Box<SignedStatement>),
    /// Neither, or a statement whose signature does not hold.
    Refused(StatementError),
}

/// What is known with the items, and what each of them is.
#[derive(Clone, Debug)]
pub struct Brought {
    /// What is known with them.
    pub knowledge: Knowledge,
    /// What each is, in their order.
    pub items: Vec<Item>,
}

/// Adds items to what is known. `certificates` came along, and may be the signers'.
#[must_use]
pub fn bring(knowledge: &Knowledge, items: &[Vec<u8>], certificates: &[Certificate]) -> Brought {
    let keyrings: Vec<&[u8]> = items.iter().map(Vec::as_slice).filter(|item| is_keyring(item)).collect();
    let signers: Vec<Certificate> = certificates.iter().chain(&knowledge.certificates).cloned().collect();
    let read = |item: &Vec<u8>| match SignedStatement::read(item, &keyrings, &signers) {
        _ if is_keyring(item) => Item::OpenPgp,
        Ok(statement) => Item::Statement(Box::new(statement)),
        Err(error) => Item::Refused(error),
    };
    let items: Vec<Item> = items.iter().map(read).collect();
    let mut knowledge = knowledge.clone();
    for item in &items {
        let is_new = |statement: &&SignedStatement| !knowledge.statements.contains(statement);
        let Item::Statement(statement) = item else { continue };
        if knowledge.statements.len() < limits::STATEMENTS && is_new(&statement.as_ref()) {
            knowledge.statements.push((**statement).clone());
        }
    }
    if !keyrings.is_empty() {
        let mut openpgp = knowledge.openpgp.as_deref().cloned().unwrap_or_default();
        if openpgp.web.add(&keyrings).is_err() {
            // One that cannot be read must not take the others with it.
            for keyring in keyrings {
                let _ = openpgp.web.add(&[keyring]);
            }
        }
        knowledge.openpgp = Some(Arc::new(openpgp));
    }
    Brought { knowledge, items }
}

/// Whether it begins as packets or as their armor do (RFC 9580, sections 4.2 and 6.2).
fn is_keyring(item: &[u8]) -> bool {
    item.first().is_some_and(|first| first & 0x80 != 0)
        || item.starts_with(b"-----BEGIN PGP PUBLIC KEY BLOCK-----")
}
