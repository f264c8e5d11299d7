//! The commands by which gpg and sq say what a vouch says.

use counterseal_core::openpgp::{BASIS_NOTATION, Statement, StatementKind, TwinKey};
use counterseal_core::time::Time;
use counterseal_core::trust::VERIFIED;
use counterseal_core::x509::Certificate;

use super::super::subject::Twin;
use crate::args::OpenPgpProgram;
use crate::failure::Failure;

/// What is to be said, and by which program.
pub(super) struct Request<'r> {
    pub(super) program: OpenPgpProgram,
    pub(super) statement: &'r Statement,
    /// The subject's twin; without one the statement is signed as a text.
    pub(super) twin: Option<(&'r Certificate, &'r Twin)>,
    /// The file of the twin.
    pub(super) file: &'r str,
    /// The file of the key that sq signs with.
    pub(super) sq_key: &'r str,
}

/// Lines for a shell, the way back as comments at the end.
pub(super) fn of(request: &Request<'_>) -> Result<String, Failure> {
    let StatementKind::Endorsement { basis, amount } = request.statement.kind else {
        return Ok(String::new());
    };
    let Some((certificate, twin)) = request.twin else { return Ok(as_text(request)) };
    let Some(key) = TwinKey::of(certificate.public_key()) else { return Ok(as_text(request)) };
    let (fingerprint, user_id) = (key.fingerprint().to_string(), quoted(&twin.user_id));
    let (file, notation) = (quoted(request.file), format!("{BASIS_NOTATION}={}", basis.word()));
    let certified = quoted(&format!("{}.certified.asc", request.statement.subject));
    let revoked = quoted(&format!("{}.revoked.asc", request.statement.subject));
    match request.program {
        OpenPgpProgram::Gpg if u32::from(amount) < VERIFIED => Err(Failure::usage(
            "gpg's certifications have no amounts",
        )
        .hint("be as sure as one is in person with --amount 120, or use sq, or leave --certificate out")),
        OpenPgpProgram::Gpg => {
            let expires = request.statement.expires.map_or_else(|| "5y".to_owned(), |at| at.to_date());
            Ok(format!(
                "gpg --import {file}\n\
                 gpg --cert-notation {notation} --default-cert-expire {expires} --quick-sign-key {fingerprint} {user_id}\n\
                 gpg --armor --output {certified} --export {fingerprint}\n\
                 # To take it back, YOURS being the fingerprint of your own key:\n\
                 # gpg --quick-revoke-sig {fingerprint} YOURS {user_id}\n\
                 # gpg --armor --output {revoked} --export {fingerprint}\n"
            ))
        }
        OpenPgpProgram::Sq => {
            let key = quoted(request.sq_key);
            let expires = request.statement.expires.map_or_else(|| "--expires-in 5y".to_owned(), until);
            let notation = format!("{BASIS_NOTATION} {}", basis.word());
            Ok(format!(
                "sq certify {key} {file} {user_id} --amount {amount} {expires} --notation {notation} -o {certified}\n\
                 # To take it back: a newer certification that says nothing takes its place.\n\
                 # sq certify {key} {file} {user_id} --amount 0 --expires-in never -o {revoked}\n"
            ))
        }
    }
}

fn until(at: Time) -> String {
    format!("--expires {}", at.to_rfc3339().trim_end_matches('Z'))
}

/// A statement as a text, which needs nothing of its subject.
fn as_text(request: &Request<'_>) -> String {
    let text = request.statement.to_text();
    let name = request.statement.subject.to_string();
    let (plain, signed) = (quoted(&format!("{name}.txt")), quoted(&format!("{name}.txt.asc")));
    let back = quoted(&format!("{name}.withdrawn.txt"));
    let signed_back = quoted(&format!("{name}.withdrawn.txt.asc"));
    let sign = |from: &str, to: &str| match request.program {
        OpenPgpProgram::Gpg => format!("gpg --output {to} --clearsign {from}"),
        OpenPgpProgram::Sq => {
            format!("sq sign --signer-key {} --cleartext-signature -o {to} {from}", quoted(request.sq_key))
        }
    };
    format!(
        "cat > {plain} <<'END'\n{text}END\n{}\n\
         # To take it back:\n\
         # cseal trust statement withdraw --text -o {back} {plain}\n\
         # {}\n",
        sign(&plain, &signed),
        sign(&back, &signed_back)
    )
}

/// For a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_name_ends_its_quotes() {
        assert_eq!(quoted("a'; rm -rf /; '"), r"'a'\''; rm -rf /; '\'''");
    }
}
