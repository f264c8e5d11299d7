//! What two people compare, in words, as JSON, and as a QR code.

use counterseal_core::address::EmailAddress;
use counterseal_core::fingerprint::Fingerprint;
use serde::Serialize;

use crate::failure::Failure;
use crate::render::json::line;
use crate::terminal::{self, SafeText};

/// Two keys side by side.
#[derive(Serialize)]
pub(crate) struct Meeting {
    version: u32,
    address: String,
    digits: String,
    theirs: String,
    own: String,
    uri: String,
}

impl Meeting {
    /// Of a contact and the owner.
    pub(crate) fn new(
        address: &EmailAddress,
        theirs: &Fingerprint,
        owner: &EmailAddress,
        own: &Fingerprint,
        digits: String,
    ) -> Self {
        let uri = format!("udf:{own}?addr={}", percent_encoded(&owner.to_string()));
        Self {
            version: 1,
            address: address.to_string(),
            digits,
            theirs: theirs.to_string(),
            own: own.to_string(),
            uri,
        }
    }
}

/// Shows what is to be compared.
pub(crate) fn show(meeting: &Meeting, json: bool) -> Result<(), Failure> {
    let text = if json { format!("{}\n", line(meeting)) } else { words(meeting) };
    terminal::print(&text).map_err(|error| Failure::io("standard output", &error))
}

fn words(meeting: &Meeting) -> String {
    let groups: Vec<&str> = meeting.digits.split(' ').collect();
    let (first, second) = groups.split_at(groups.len() / 2);
    let address = SafeText(&meeting.address);
    let code = terminal::qr_code(&meeting.uri, "the digits below say the same");
    format!(
        "{code}\nRead to {address}, face to face or where you know the voice; both of you must see the same:\n\n\
         \x20   {}\n    {}\n\n  yours   {}\n  theirs  {}\n\nOnce it agrees:\n    \
         cseal trust pin {address} {}\n",
        first.join(" "),
        second.join(" "),
        meeting.own,
        meeting.theirs,
        meeting.theirs
    )
}

/// Everything but unreserved characters as `%` and two digits (RFC 3986, section 2.1).
fn percent_encoded(text: &str) -> String {
    let mut encoded = String::new();
    for octet in text.bytes() {
        if octet.is_ascii_alphanumeric() || b"-._~".contains(&octet) {
            encoded.push(char::from(octet));
        } else {
            encoded.push_str(&format!("%{octet:02X}"));
        }
    }
    encoded
}
