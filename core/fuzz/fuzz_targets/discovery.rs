//! What domains say of their servers, and what msmtp was told: whatever stands there, a server has a host name, a port
//! and TLS, nothing of it is longer than a limit, and a password is not among what was read.
#![no_main]

use counterseal_core::address::EmailAddress;
use counterseal_core::discovery::{
    Autoconfig, MailServer, Msmtp, Pacc, ServiceRecord, Security, StsPolicy, best_service, tlsa_use,
};
use counterseal_core::limits;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let alice = EmailAddress::parse("alice@example.org").expect("an address");
    if let Ok(found) = Autoconfig::read(data, &alice) {
        assert!((1..=limits::DISCOVERY_SERVERS).contains(&found.servers.len()));
        found.servers.iter().for_each(checked);
        assert!(found.mailboxes.len() <= limits::DISCOVERY_SERVERS);
        found.mailboxes.iter().for_each(mailbox);
    }
    if let Ok(policy) = StsPolicy::parse(data) {
        assert!(policy.hosts.len() <= limits::STS_HOSTS);
        assert!(!policy.allows("evil host"));
    }
    if let [usage, selector, matching, rest @ ..] = data {
        let _ = tlsa_use(*usage, *selector, *matching, rest.len());
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    let _ = StsPolicy::is_announced(&[text.to_owned()]);
    // The digest is the caller's to find in the DNS: here it is made to fit, so that the document is read.
    let digest = counterseal_core::discovery::pacc_record(data);
    if let Ok(found) = Pacc::read(data, &[text.to_owned(), digest]) {
        checked(&found.server);
        found.mailbox.iter().for_each(mailbox);
    }
    let record = ServiceRecord { priority: 1, weight: 1, port: 465, target: text.to_owned() };
    if let Some(server) = best_service(&[record], Security::Implicit) {
        checked(&server);
    }
    if let Ok(file) = Msmtp::parse(text) {
        for account in &file.accounts {
            let is_here = account.host == "localhost"
                || account.host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
            assert!(account.security.is_some() || is_here, "nothing goes in clear to another machine");
            assert!(account.port != 0);
        }
    }
});

/// Nobody's password goes to a mailbox before TLS began.
fn mailbox(server: &MailServer) {
    assert_eq!(server.security, Security::Implicit);
    checked(server);
}

fn checked(server: &MailServer) {
    assert!(server.port != 0 && server.host.len() <= 253);
    assert!(server.host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_')));
    let user = server.user.as_deref().unwrap_or("x");
    assert!(user.len() <= limits::LOG_IN_NAME_BYTES && !user.chars().any(char::is_control));
}
