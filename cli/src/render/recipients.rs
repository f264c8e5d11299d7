//! For whom a message was sealed, as far as its public bytes say.

use counterseal_core::cms::RecipientDescription;
use counterseal_core::message::EncryptionStatus;
use counterseal_core::ports::KeyName;
use counterseal_core::x509::name_to_text;

use super::json::hexadecimal;

/// Readers that an error or a status lists; a list can have thousands.
const SHOWN: usize = 20;

/// One line for each reader.
pub(crate) fn lines(status: &EncryptionStatus) -> Vec<String> {
    list(&status.recipients).into_iter().map(|line| format!("  for {line}")).collect()
}

/// The readers, and how many more there are.
pub(crate) fn list(recipients: &[RecipientDescription]) -> Vec<String> {
    let mut lines: Vec<String> = recipients.iter().take(SHOWN).map(line).collect();
    if recipients.len() > SHOWN {
        lines.push(format!("and {} more", recipients.len() - SHOWN));
    }
    lines
}

/// One reader.
pub(crate) fn line(recipient: &RecipientDescription) -> String {
    let name = match &recipient.name {
        Some(KeyName::IssuerAndSerialNumber { issuer: name, serial_number }) => {
            format!("serial number {} of {}", hexadecimal(serial_number), issuer(name))
        }
        Some(KeyName::KeyIdentifier(identifier)) => format!("key identifier {}", hexadecimal(identifier)),
        None => recipient.kind.name().to_owned(),
    };
    let ours = match (&recipient.ours, recipient.locked) {
        (Some(key), true) => format!(", which is your key {key}, locked"),
        (Some(key), false) => format!(", which is your key {key}"),
        (None, _) => String::new(),
    };
    format!("{name} ({}){ours}", recipient.algorithm)
}

/// An issuer's name as text (RFC 4514), or its octets where it cannot be read.
pub(crate) fn issuer(der: &[u8]) -> String {
    name_to_text(der).unwrap_or_else(|| hexadecimal(der))
}
