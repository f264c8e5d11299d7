//! Servers by the DNS alone: SRV records (RFC 6186, RFC 8314), and names that many domains use.

use super::{LogIn, MailServer, Security, domain_of, host_name};
use crate::address::EmailAddress;

/// One SRV record (RFC 2782).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceRecord {
    /// The smallest one comes first.
    pub priority: u16,
    /// Among equals, the share of each.
    pub weight: u16,
    /// The port.
    pub port: u16,
    /// The host; `.` says that the domain has no such service.
    pub target: String,
}

/// The names under which they stand, with how TLS begins there. The first that has any counts (RFC 8314, section 5.1).
#[must_use]
pub fn service_names(address: &EmailAddress) -> Vec<(String, Security)> {
    let Some(domain) = domain_of(address) else { return Vec::new() };
    vec![
        (format!("_submissions._tcp.{domain}."), Security::Implicit),
        (format!("_submission._tcp.{domain}."), Security::StartTls),
    ]
}

/// The name under which the server of the mailbox stands, with TLS from the first octet (RFC 6186, section 3.2). That of
/// servers with STARTTLS is not asked for.
#[must_use]
pub fn mailbox_service_name(address: &EmailAddress) -> Option<String> {
    domain_of(address).map(|domain| format!("_imaps._tcp.{domain}."))
}

/// The server of the records under one name: of the smallest priority the one with the largest weight, so that the
/// same records always give the same server.
#[must_use]
pub fn best_service(records: &[ServiceRecord], security: Security) -> Option<MailServer> {
    let mut usable: Vec<(&ServiceRecord, String)> = records
        .iter()
        .filter(|record| record.port != 0)
        .filter_map(|record| Some((record, host_name(&record.target)?)))
        .collect();
    usable.sort_by_key(|(record, host)| (record.priority, u16::MAX - record.weight, host.clone()));
    let (record, host) = usable.into_iter().next()?;
    Some(MailServer { host, port: record.port, security, user: None, log_in: LogIn::Password })
}

/// What servers are called where nothing is published: to be tried, and never to be taken unasked.
#[must_use]
pub fn guesses(address: &EmailAddress) -> Vec<MailServer> {
    let Some(domain) = domain_of(address) else { return Vec::new() };
    let ways = [(465, Security::Implicit), (587, Security::StartTls)];
    let names = ["smtp", "mail"].map(|label| host_name(&format!("{label}.{domain}")));
    let servers = names.into_iter().flatten().flat_map(|host| {
        ways.map(|(port, security)| MailServer {
            host: host.clone(),
            port,
            security,
            user: None,
            log_in: LogIn::Password,
        })
    });
    servers.collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn record(priority: u16, weight: u16, port: u16, target: &str) -> ServiceRecord {
        ServiceRecord { priority, weight, port, target: target.to_owned() }
    }

    #[test]
    fn the_smallest_priority_and_then_the_largest_weight_count() {
        let records = [
            record(10, 100, 465, "c.example.org."),
            record(5, 1, 465, "a.example.org."),
            record(5, 9, 2465, "B.example.org."),
        ];
        let best = best_service(&records, Security::Implicit).unwrap();
        assert_eq!((best.host.as_str(), best.port), ("b.example.org", 2465));
    }

    #[test]
    fn a_domain_can_say_that_it_has_none() {
        assert_eq!(best_service(&[record(0, 0, 0, ".")], Security::Implicit), None);
        assert_eq!(best_service(&[record(0, 0, 465, ".")], Security::Implicit), None);
        assert_eq!(best_service(&[record(0, 0, 465, "192.0.2.1")], Security::Implicit), None);
        assert_eq!(best_service(&[], Security::StartTls), None);
    }

    #[test]
    fn names_are_below_the_domain() {
        let alice = EmailAddress::parse("alice@example.org").unwrap();
        assert_eq!(service_names(&alice)[0].0, "_submissions._tcp.example.org.");
        assert_eq!(mailbox_service_name(&alice).unwrap(), "_imaps._tcp.example.org.");
        let hosts: Vec<String> =
            guesses(&alice).into_iter().map(|one| format!("{}:{}", one.host, one.port)).collect();
        assert_eq!(
            hosts,
            ["smtp.example.org:465", "smtp.example.org:587", "mail.example.org:465", "mail.example.org:587"]
        );
        let literal = EmailAddress::parse("alice@[192.0.2.1]").unwrap();
        assert!(service_names(&literal).is_empty() && guesses(&literal).is_empty());
        assert_eq!(mailbox_service_name(&literal), None);
    }
}
