//! Web key directories (draft-koch-openpgp-webkey-service, section 3.1): where a domain serves the
//! OpenPGP certificates of its addresses.

use sha1::{Digest as _, Sha1};

use super::{percent_encoded, plain_local_part};
use crate::address::EmailAddress;

/// Where a domain serves X.509 certificates beside them: a path of our own, made the same way.
pub const CERTIFICATES_TEMPLATE: &str = "https://{domain}/.well-known/counterseal/hu/{hash}?l={local}";

/// The 32 letters of z-base-32.
const LETTERS: [char; 32] = [
    'y', 'b', 'n', 'd', 'r', 'f', 'g', '8', 'e', 'j', 'k', 'm', 'c', 'p', 'q', 'x', 'o', 't', '1', 'u', 'w',
    'i', 's', 'z', 'a', '3', '4', '5', 'h', '7', '6', '9',
];

/// Where to ask, the second only if the host of the first does not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyDirectoryUrls {
    /// On the host `openpgpkey` of the domain.
    pub advanced: String,
    /// On the host of the domain itself.
    pub direct: String,
}

/// The name of an address in a web key directory: SHA-1 of the local part in small letters.
///
/// It only finds a file; nothing rests on SHA-1 here.
#[must_use]
pub fn web_key_directory_name(address: &EmailAddress) -> String {
    let local_part = plain_local_part(address).to_ascii_lowercase();
    z_base_32(&Sha1::digest(local_part.as_bytes()))
}

/// The URLs of an address.
#[must_use]
pub fn web_key_directory(address: &EmailAddress) -> KeyDirectoryUrls {
    let (name, domain) = (web_key_directory_name(address), address.domain());
    let local_part = percent_encoded(&plain_local_part(address));
    KeyDirectoryUrls {
        advanced: format!(
            "https://openpgpkey.{domain}/.well-known/openpgpkey/{domain}/hu/{name}?l={local_part}"
        ),
        direct: format!("https://{domain}/.well-known/openpgpkey/hu/{name}?l={local_part}"),
    }
}

/// RFC 6189, section 5.1.6: five bits a letter, from the left.
fn z_base_32(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(5) * 8);
    let (mut held, mut bits) = (0_u16, 0);
    for byte in bytes {
        held = held << 8 | u16::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.extend(LETTERS.get(usize::from(held >> bits) & 31));
            held &= (1 << bits) - 1;
        }
    }
    if bits > 0 {
        text.extend(LETTERS.get(usize::from(held << (5 - bits)) & 31));
    }
    text
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_draft_holds() {
        let urls = web_key_directory(&EmailAddress::parse("Joe.Doe@Example.ORG").unwrap());
        assert_eq!(
            urls.advanced,
            "https://openpgpkey.example.org/.well-known/openpgpkey/example.org/hu/\
             iy9q119eutrkn8s1mk4r39qejnbu3n5q?l=Joe.Doe"
        );
        assert_eq!(
            urls.direct,
            "https://example.org/.well-known/openpgpkey/hu/iy9q119eutrkn8s1mk4r39qejnbu3n5q?l=Joe.Doe"
        );
    }

    #[test]
    fn bits_that_fill_no_letter_are_padded() {
        assert_eq!(z_base_32(&[]), "");
        assert_eq!(z_base_32(&[0xff]), "9h");
        assert_eq!(z_base_32(&[0xf0, 0xbf, 0xc7]), "6n9hq");
    }
}
