//! Header fields are pieces of the mail, and an address that was accepted is accepted again as it is printed.
#![no_main]

use counterseal_core::address::EmailAddress;
use counterseal_core::mail::{HeaderSection, author, parse_address_list, recipients, without_demands};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = std::str::from_utf8(data)
        && let Ok(address) = EmailAddress::parse(text)
    {
        let printed = address.to_string();
        let again = EmailAddress::parse(&printed).expect("what is printed can be read");
        assert!(again.matches(&address), "{printed:?} is another address");
        assert!(!printed.chars().any(char::is_control), "a control character in an address");
    }
    if let Ok(entries) = parse_address_list(data) {
        drop(entries);
    }
    if let Ok(plain) = without_demands(data) {
        let sent = plain.mail.as_deref().unwrap_or(data);
        let again = without_demands(sent).expect("what goes out can be read");
        assert!(again.mail.is_none() && again.addresses.is_empty(), "a demand on a key goes out");
    }
    let Ok(headers) = HeaderSection::read(data) else { return };
    let mut end = 0;
    for field in headers.fields() {
        assert_eq!(headers.bytes().get(field.range()), Some(field.raw()));
        assert!(field.range().start >= end, "fields overlap");
        end = field.range().end;
        assert!(!field.name().contains([':', '\r', '\n']));
    }
    if let Ok(author) = author(&headers) {
        assert_eq!(headers.count("From"), 1, "an author of several From fields: {author:?}");
    }
    let _ = recipients(&headers);
});
