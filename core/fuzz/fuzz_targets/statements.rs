//! Statements: a text that is accepted is the only one that says this, and nobody's signature is never good.
#![no_main]

use counterseal_core::openpgp::{SignedStatement, Statement, StatementKind};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = SignedStatement::read(data, &[data], &[]);
    let Ok(text) = std::str::from_utf8(data) else { return };
    assert!(SignedStatement::from_clear_signed(text, &[]).is_err(), "without a certificate nobody signed");
    let Ok(statement) = Statement::parse(text) else { return };
    assert_eq!(statement.to_text(), text);
    assert!(text.lines().all(|line| line.trim() == line && !line.chars().any(char::is_control)));
    assert!(SignedStatement::from_detached(text, data, &[data]).is_err());
    if let StatementKind::Endorsement { amount, .. } = statement.kind {
        assert!((1..=120).contains(&amount));
    }
});
