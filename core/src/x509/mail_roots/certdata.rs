//! From the `certdata.txt` of NSS to our list.
//!
//! The file has objects of attributes. A certificate and what it is trusted for are two objects
//! with the same issuer and serial number.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use sha2::{Digest as _, Sha256};

use crate::time::Time;
use crate::x509::tlv::{self, Elements};
use crate::x509::{Certificate, asn1_time, name_to_text, pem};

const OPERATORS: &str = include_str!("operators.txt");
const WITHDRAWN: &str = include_str!("withdrawn.txt");

/// Why a file is no certdata.txt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CertdataError {
    /// A line that is not understood, by its number from 1.
    Line(usize),
    /// A certificate that is trusted for mail, and cannot be read: its label.
    Certificate(String),
    /// Not one certificate is trusted for mail.
    Empty,
}

impl fmt::Display for CertdataError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(number) => write!(formatter, "line {number} is not understood"),
            Self::Certificate(label) => write!(formatter, "the certificate {label} cannot be read"),
            Self::Empty => formatter.write_str("no certificate is trusted for mail"),
        }
    }
}

impl std::error::Error for CertdataError {}

/// The list of roots that a certdata.txt trusts for mail, as this library embeds it. `origin` says
/// in one line where the file is from, and of which day.
///
/// # Errors
/// [`CertdataError`].
pub fn from_certdata(text: &str, origin: &str) -> Result<String, CertdataError> {
    let objects = objects(text)?;
    let mut list = format!(
        "# Roots that Mozilla trusts for mail. Made by `cseal generate roots`, not by hand.\n\
         # From: {origin}\n\
         # The data are subject to the terms of the Mozilla Public License, v. 2.0. If a copy of the MPL was not\n\
         # distributed with this file, You can obtain one at https://mozilla.org/MPL/2.0/.\n"
    );
    let mut count = 0;
    for object in objects.iter().filter(|object| object.is("CKA_CLASS", "CKO_CERTIFICATE")) {
        let is_its = |trust: &&Object| {
            trust.is_trust() && trust.identity() == object.identity() && object.identity().is_some()
        };
        let is_trusted = objects.iter().filter(is_its).any(Object::is_trusted_for_mail);
        if is_trusted {
            let entry = entry(object).ok_or_else(|| CertdataError::Certificate(object.label()))?;
            list.push_str(&entry);
            count += 1;
        }
    }
    if count == 0 { Err(CertdataError::Empty) } else { Ok(list) }
}

/// The paragraph of one root; an empty one where it was withdrawn since.
fn entry(object: &Object) -> Option<String> {
    let certificate = Certificate::from_der(object.octets("CKA_VALUE")?).ok()?;
    let fingerprint: String =
        Sha256::digest(certificate.as_der()).iter().map(|octet| format!("{octet:02x}")).collect();
    if WITHDRAWN.lines().any(|line| line.starts_with(&fingerprint)) {
        return Some(String::new());
    }
    let mut entry = format!("\nsha256: {fingerprint}\nsubject: {}\n", certificate.subject());
    if let Some(organisation) = organisation(certificate.subject_der()) {
        writeln!(entry, "operator: {}", operator(&organisation)).ok()?;
    }
    if let Some(time) = object.octets("CKA_NSS_EMAIL_DISTRUST_AFTER") {
        let time = std::str::from_utf8(time).ok().filter(|time| utc_time(time).is_some())?;
        writeln!(entry, "distrust-after: {time}").ok()?;
    }
    entry.push_str(&pem::encode("CERTIFICATE", certificate.as_der()));
    Some(entry)
}

/// The time that a UTCTime of this text names, as NSS writes it: `240630000000Z`.
pub(super) fn utc_time(text: &str) -> Option<Time> {
    let der = tlv::encode(0x17, text.as_bytes());
    asn1_time::read(&Elements::new(&der).any()?)
}

/// The first organizationName of a Name.
fn organisation(name: &[u8]) -> Option<String> {
    let text = name_to_text(name)?;
    let start = text.find("O=").filter(|&start| {
        start == 0 || text.get(..start).is_some_and(|before| before.ends_with([',', '+']))
    })?;
    let mut organisation = String::new();
    let mut characters = text.get(start + 2..)?.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => organisation.extend(characters.next()),
            ',' | '+' => break,
            _ => organisation.push(character),
        }
    }
    Some(organisation)
}

/// Who operates the CAs of an organisation.
fn operator(organisation: &str) -> &str {
    let rows = OPERATORS.lines().filter(|line| !line.starts_with('#'));
    let named = rows.filter_map(|line| line.split_once(" = ")).find_map(|(operator, organisations)| {
        organisations.split(" | ").any(|name| name == organisation).then_some(operator)
    });
    named.unwrap_or(organisation)
}

/// One object: its attributes by name.
#[derive(Default)]
struct Object(BTreeMap<String, Value>);

enum Value {
    Word(String),
    Octets(Vec<u8>),
}

impl Object {
    fn is(&self, attribute: &str, word: &str) -> bool {
        matches!(self.0.get(attribute), Some(Value::Word(found)) if found == word)
    }

    fn octets(&self, attribute: &str) -> Option<&[u8]> {
        match self.0.get(attribute) {
            Some(Value::Octets(octets)) => Some(octets),
            _ => None,
        }
    }

    fn identity(&self) -> Option<(&[u8], &[u8])> {
        Some((self.octets("CKA_ISSUER")?, self.octets("CKA_SERIAL_NUMBER")?))
    }

    fn is_trust(&self) -> bool {
        self.is("CKA_CLASS", "CKO_NSS_TRUST") || self.is("CKA_CLASS", "CKO_TRUST")
    }

    fn is_trusted_for_mail(&self) -> bool {
        // The second pair of names is that of PKCS #11 3.2, which newer files use.
        self.is("CKA_TRUST_EMAIL_PROTECTION", "CKT_NSS_TRUSTED_DELEGATOR")
            || self.is("CKA_PKCS_TRUST_EMAIL_PROTECTION", "CKT_TRUST_ANCHOR")
    }

    fn label(&self) -> String {
        match self.0.get("CKA_LABEL") {
            Some(Value::Word(label)) => label.clone(),
            _ => "without a label".to_owned(),
        }
    }
}

/// All objects of a file; each begins with its class.
fn objects(text: &str) -> Result<Vec<Object>, CertdataError> {
    let mut objects: Vec<Object> = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let wrong = CertdataError::Line(number + 1);
        let mut words = line.splitn(3, ' ');
        let (Some(name), kind, value) = (words.next(), words.next(), words.next()) else { continue };
        if line.trim().is_empty() || line.starts_with('#') || name == "BEGINDATA" {
            continue;
        }
        let value = match kind {
            Some("MULTILINE_OCTAL") => Value::Octets(octal(&mut lines)?),
            Some(_) => Value::Word(value.unwrap_or_default().trim_matches('"').to_owned()),
            None => return Err(wrong),
        };
        if name == "CKA_CLASS" {
            objects.push(Object::default());
        }
        let object = objects.last_mut().ok_or(wrong)?;
        object.0.insert(name.to_owned(), value);
    }
    Ok(objects)
}

/// Lines of octets like `\060\202` up to `END`.
fn octal<'l>(lines: &mut impl Iterator<Item = (usize, &'l str)>) -> Result<Vec<u8>, CertdataError> {
    let mut octets = Vec::new();
    let mut last = 0;
    for (number, line) in lines {
        last = number + 1;
        if line.trim() == "END" {
            return Ok(octets);
        }
        for digits in line.trim().split('\\').skip(1) {
            octets.push(u8::from_str_radix(digits, 8).map_err(|_| CertdataError::Line(last))?);
        }
    }
    Err(CertdataError::Line(last))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::x509::mail_roots;

    fn in_octal(octets: &[u8]) -> String {
        let text: String = octets.iter().map(|octet| format!("\\{octet:03o}")).collect();
        format!("MULTILINE_OCTAL\n{text}\nEND\n")
    }

    /// A file with one root of the list, trusted like this.
    fn file(attribute: &str, trust: &str, distrust: &str) -> String {
        let root = mail_roots::all().next().unwrap().certificate;
        let identity = format!(
            "CKA_ISSUER {}CKA_SERIAL_NUMBER {}",
            in_octal(root.issuer_der()),
            in_octal(root.serial_number())
        );
        format!(
            "# A comment\nBEGINDATA\nCKA_CLASS CK_OBJECT_CLASS CKO_CERTIFICATE\nCKA_LABEL UTF8 \"One\"\n{identity}\
             CKA_VALUE {}CKA_NSS_EMAIL_DISTRUST_AFTER {distrust}\nCKA_CLASS CK_OBJECT_CLASS CKO_NSS_TRUST\n\
             {identity}CKA_TRUST_SERVER_AUTH CK_TRUST CKT_NSS_TRUSTED_DELEGATOR\n{attribute} CK_TRUST {trust}\n",
            in_octal(root.as_der())
        )
    }

    const FOR_MAIL: &str = "CKA_TRUST_EMAIL_PROTECTION";

    #[test]
    fn what_is_trusted_for_mail_is_taken_and_nothing_else() {
        let list = from_certdata(&file(FOR_MAIL, "CKT_NSS_TRUSTED_DELEGATOR", "CK_BBOOL CK_FALSE"), "a test");
        let list = list.unwrap();
        assert!(list.contains("# From: a test\n") && list.contains("Mozilla Public License"));
        assert_eq!(list.matches("BEGIN CERTIFICATE").count(), 1);
        assert!(!list.contains("distrust-after"));
        let newer = file("CKA_PKCS_TRUST_EMAIL_PROTECTION", "CKT_TRUST_ANCHOR", "CK_BBOOL CK_FALSE");
        assert!(from_certdata(&newer, "").is_ok());
        for trust in ["CKT_NSS_MUST_VERIFY_TRUST", "CKT_NSS_NOT_TRUSTED"] {
            let other = file(FOR_MAIL, trust, "CK_BBOOL CK_FALSE");
            assert_eq!(from_certdata(&other, ""), Err(CertdataError::Empty), "{trust}");
        }
    }

    #[test]
    fn the_date_of_distrust_is_kept() {
        let distrust = in_octal(b"240630000000Z");
        let text = file(FOR_MAIL, "CKT_NSS_TRUSTED_DELEGATOR", distrust.trim_end());
        let list = from_certdata(&text, "").unwrap();
        assert!(list.contains("\ndistrust-after: 240630000000Z\n"), "{list}");
    }

    #[test]
    fn a_file_of_another_kind_is_refused() {
        assert_eq!(from_certdata("CKA_TOKEN CK_BBOOL CK_TRUE\n", ""), Err(CertdataError::Line(1)));
        let cut = "CKA_CLASS CK_OBJECT_CLASS CKO_CERTIFICATE\nCKA_VALUE MULTILINE_OCTAL\n\\060\n";
        assert_eq!(from_certdata(cut, ""), Err(CertdataError::Line(3)));
        assert_eq!(from_certdata("", ""), Err(CertdataError::Empty));
    }

    #[test]
    fn operators_have_several_names() {
        assert_eq!(operator("QuoVadis Limited"), "DigiCert");
        assert_eq!(operator("Somebody Ltd."), "Somebody Ltd.");
    }
}
