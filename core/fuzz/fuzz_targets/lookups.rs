//! What the network is asked: no address gets out of its place in a name, a URL or a filter. What it
//! answers: a record keeps its octets, and names no certificate that it does not spell.
#![no_main]

use counterseal_core::address::EmailAddress;
use counterseal_core::limits;
use counterseal_core::lookup::{
    SmimeaRecord, UrlTemplate, mail_filter, smimea_name, web_key_directory, web_key_directory_name,
};
use counterseal_core::x509::revocation::RevocationAddresses;
use counterseal_fuzz::{certificates, now};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(record) = SmimeaRecord::from_rdata(data) {
        assert_eq!(record.to_rdata(), data);
        let text = record.to_zone_text("alice.example.org.");
        assert!(text.is_ascii() && text.lines().all(|line| line.len() < 200));
        for certificate in certificates() {
            let names = record.names(certificate);
            assert!(
                names || !record.speaks_for(certificate, &[], false, now()) || record.certificate().is_some()
            );
        }
        if let Some(certificate) = record.certificate() {
            assert!(record.names(&certificate));
            assert!(RevocationAddresses::of(&certificate).lists.len() <= limits::REVOCATION_ADDRESSES);
        }
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(address) = EmailAddress::parse(text) {
        asked(&address);
    }
    if let Ok(template) = UrlTemplate::parse(text) {
        let alice = EmailAddress::parse("alice@example.org").expect("an address");
        let url = template.url_for(&alice);
        assert!(url.starts_with("https://") && url.bytes().all(|byte| byte.is_ascii_graphic()));
    }
});

fn asked(address: &EmailAddress) {
    let domain = address.domain();
    let name = smimea_name(address);
    let label = name.strip_suffix(&format!("._smimecert.{domain}.")).expect("a name below the domain");
    assert!(label.len() == 56 && label.bytes().all(|digit| digit.is_ascii_hexdigit()));
    assert_eq!(web_key_directory_name(address).len(), 32);

    let filter = mail_filter(address);
    let value = filter.strip_prefix("(mail=").and_then(|rest| rest.strip_suffix(')')).expect("one condition");
    assert!(!value.contains(['(', ')', '*', '\0']));

    let template =
        UrlTemplate::parse("https://{domain}/{local}/{address}/{hash}?l={local}").expect("a template");
    let urls = web_key_directory(address);
    for url in [template.url_for(address), urls.direct] {
        let rest = url.strip_prefix(&format!("https://{domain}/")).expect("the host is the domain");
        assert!(rest.matches('?').count() == 1 && rest.bytes().all(|byte| byte.is_ascii_graphic()), "{url}");
    }
    assert!(
        urls.advanced
            .starts_with(&format!("https://openpgpkey.{domain}/.well-known/openpgpkey/{domain}/hu/"))
    );
}
