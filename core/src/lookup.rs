//! Where the certificates of an address are published, and what is found there: names in the DNS
//! (RFC 8162), addresses on the web, filters for directories (RFC 4515).
//!
//! Nothing is asked here. The caller brings what was answered, and how it was secured.

#![cfg_attr(not(test), forbid(clippy::indexing_slicing, clippy::string_slice))]

mod filter;
mod network_address;
mod smimea;
mod template;
mod web_key_directory;

pub use filter::mail_filter;
pub use network_address::is_public;
pub use smimea::{Matching, Selector, SmimeaError, SmimeaRecord, Usage, smimea_name};
pub use template::{TemplateError, UrlTemplate};
pub use web_key_directory::{
    CERTIFICATES_TEMPLATE, KeyDirectoryUrls, web_key_directory, web_key_directory_name,
};

use crate::address::EmailAddress;

/// The local part as people mean it: without the quotes and backslashes that mail needs around some.
fn plain_local_part(address: &EmailAddress) -> String {
    let quoted = address.local_part();
    let Some(content) = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return quoted.to_owned();
    };
    let mut plain = String::with_capacity(content.len());
    let mut characters = content.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => plain.extend(characters.next()),
            other => plain.push(other),
        }
    }
    plain
}

/// Octets of a text that are not unreserved are written as `%` and two digits (RFC 3986, section 2.1).
pub(crate) fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}
