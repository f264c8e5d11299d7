//! Autoconfig (draft-ietf-mailmaint-autoconfig): an XML document on a host of the domain, or in the ISPDB.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::{DiscoveryError, LogIn, MailServer, Security, domain_of, host_name, user_name};
use crate::address::EmailAddress;
use crate::limits::{DISCOVERY_BYTES, DISCOVERY_DEPTH, DISCOVERY_ELEMENTS, DISCOVERY_SERVERS};

/// Where the domain itself says it, in the order of asking. Nothing for an address literal.
#[must_use]
pub fn autoconfig_urls(address: &EmailAddress) -> Vec<String> {
    let Some(domain) = domain_of(address) else { return Vec::new() };
    // Which person asks is not said where the answer is a file for all of them.
    let who = crate::lookup::percent_encoded(&address.to_string());
    vec![
        format!("https://autoconfig.{domain}/mail/config-v1.1.xml?emailaddress={who}"),
        format!("https://{domain}/.well-known/autoconfig/mail/config-v1.1.xml"),
    ]
}

/// Where the list of Thunderbird says it: it learns of the domain, and nobody of the address.
#[must_use]
pub fn ispdb_url(address: &EmailAddress) -> Option<String> {
    domain_of(address).map(|domain| format!("https://autoconfig.thunderbird.net/v1.1/{domain}"))
}

/// What a document says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Autoconfig {
    /// The servers for handing mail in, in the order of the document, those in clear left out.
    pub servers: Vec<MailServer>,
    /// The servers of mailboxes that speak IMAP with TLS from the first octet, in the order of the document; there may
    /// be none.
    pub mailboxes: Vec<MailServer>,
}

impl Autoconfig {
    /// Reads a document for one address.
    ///
    /// No entity is expanded but the five of XML itself and numbers of characters, and a document with a DTD is
    /// refused: what is written elsewhere is no part of it.
    ///
    /// # Errors
    /// [`DiscoveryError`].
    pub fn read(document: &[u8], address: &EmailAddress) -> Result<Self, DiscoveryError> {
        if document.len() > DISCOVERY_BYTES {
            return Err(DiscoveryError::Limit("the document"));
        }
        let text = std::str::from_utf8(document).map_err(|_| DiscoveryError::Malformed("not UTF-8"))?;
        let mut walk = Walk::new(address);
        walk.through(text)?;
        match (walk.servers.is_empty(), walk.in_clear) {
            (false, _) => Ok(Self { servers: walk.servers, mailboxes: walk.mailboxes }),
            (true, true) => Err(DiscoveryError::OnlyClear),
            (true, false) => Err(DiscoveryError::NoServer),
        }
    }
}

/// One way through a document, which remembers where it is and nothing else.
struct Walk<'a> {
    address: &'a EmailAddress,
    path: Vec<String>,
    elements: usize,
    /// The server that is being read.
    server: Option<Raw>,
    /// The text of the element that is being read.
    text: String,
    servers: Vec<MailServer>,
    mailboxes: Vec<MailServer>,
    /// Whether a server for handing mail in was passed over because it has no TLS.
    in_clear: bool,
}

/// The elements of one server as they stand there; of several of a name the first one counts.
#[derive(Default)]
struct Raw {
    service: Service,
    host: Option<String>,
    port: Option<String>,
    socket: Option<String>,
    user: Option<String>,
    log_ins: Vec<String>,
}

/// What a server is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Service {
    /// Mail is handed in there.
    #[default]
    Submission,
    /// It has the mailbox.
    Mailbox,
}

const OUTGOING: [&str; 3] = ["clientConfig", "emailProvider", "outgoingServer"];
const INCOMING: [&str; 3] = ["clientConfig", "emailProvider", "incomingServer"];

impl<'a> Walk<'a> {
    fn new(address: &'a EmailAddress) -> Self {
        Self {
            address,
            path: Vec::new(),
            elements: 0,
            server: None,
            text: String::new(),
            servers: Vec::new(),
            mailboxes: Vec::new(),
            in_clear: false,
        }
    }

    fn through(&mut self, text: &str) -> Result<(), DiscoveryError> {
        let mut reader = Reader::from_str(text);
        loop {
            match reader.read_event().map_err(|_| DiscoveryError::Malformed("no XML"))? {
                Event::Start(start) => self.begin(&start)?,
                Event::End(_) => self.end(),
                Event::Empty(start) => {
                    self.begin(&start)?;
                    self.end();
                }
                Event::Text(piece) => self.push(&piece),
                Event::CData(piece) => self.push(&piece),
                Event::GeneralRef(reference) => match reference.resolve_char_ref() {
                    Ok(Some(character)) => self.text.push(character),
                    Ok(None) => self.text.push(predefined(&reference)?),
                    Err(_) => return Err(DiscoveryError::Malformed("no character")),
                },
                Event::DocType(_) => return Err(DiscoveryError::Malformed("a DTD")),
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
                Event::Eof if self.path.is_empty() => return Ok(()),
                Event::Eof => return Err(DiscoveryError::Malformed("it ends too early")),
            }
        }
    }

    fn begin(&mut self, start: &BytesStart<'_>) -> Result<(), DiscoveryError> {
        self.elements += 1;
        if self.elements > DISCOVERY_ELEMENTS {
            return Err(DiscoveryError::Limit("its elements"));
        }
        if self.path.len() >= DISCOVERY_DEPTH {
            return Err(DiscoveryError::Limit("its depth"));
        }
        self.path.push(start.name().0.to_owned());
        self.text.clear();
        if let Some(service) = self.service() {
            let kind =
                start.try_get_attribute("type").map_err(|_| DiscoveryError::Malformed("an attribute"))?;
            let is_ours = match service {
                Service::Submission => kind.is_none_or(|kind| kind.value.as_ref() == "smtp"),
                // The others speak POP3, or nobody knows what.
                Service::Mailbox => kind.is_some_and(|kind| kind.value.as_ref() == "imap"),
            };
            self.server = is_ours.then(|| Raw { service, ..Raw::default() });
        }
        Ok(())
    }

    /// What the server is for whose element is the innermost one.
    fn service(&self) -> Option<Service> {
        if self.path == OUTGOING {
            Some(Service::Submission)
        } else if self.path == INCOMING {
            Some(Service::Mailbox)
        } else {
            None
        }
    }

    fn push(&mut self, piece: &str) {
        // Only what stands in an element of a server is looked at, so nothing else is kept.
        if self.server.is_some() && self.path.len() == OUTGOING.len() + 1 {
            self.text.push_str(piece);
        }
    }

    fn end(&mut self) {
        let is_server = self.service().is_some();
        let element = self.path.pop().unwrap_or_default();
        if is_server {
            if let Some(raw) = self.server.take() {
                self.add(&raw);
            }
        } else if self.service().is_some()
            && let Some(server) = &mut self.server
        {
            let text = std::mem::take(&mut self.text).trim().to_owned();
            match element.as_str() {
                "hostname" => server.host = server.host.take().or(Some(text)),
                "port" => server.port = server.port.take().or(Some(text)),
                "socketType" => server.socket = server.socket.take().or(Some(text)),
                "username" => server.user = server.user.take().or(Some(text)),
                "authentication" if server.log_ins.len() < DISCOVERY_SERVERS => server.log_ins.push(text),
                _ => {}
            }
        }
    }

    fn add(&mut self, raw: &Raw) {
        let security = match raw.socket.as_deref() {
            Some("SSL") => Security::Implicit,
            Some("STARTTLS") => Security::StartTls,
            // Whatever it is, it is not sent to.
            Some(_) | None => {
                self.in_clear |= raw.service == Service::Submission;
                return;
            }
        };
        let server = self.server(raw, security);
        let servers = match (raw.service, security) {
            (Service::Submission, _) => &mut self.servers,
            (Service::Mailbox, Security::Implicit) => &mut self.mailboxes,
            (Service::Mailbox, Security::StartTls) => return,
        };
        if servers.len() < DISCOVERY_SERVERS {
            servers.extend(server);
        }
    }

    /// Nothing where it names no host or port, or only log-ins that we do not know.
    fn server(&self, raw: &Raw, security: Security) -> Option<MailServer> {
        let host = raw.host.as_deref().map(|host| self.filled(host)).and_then(|host| host_name(&host));
        let port = raw.port.as_deref().and_then(|port| port.parse().ok()).filter(|port| *port != 0);
        let (host, port) = (host?, port?);
        let user = raw.user.as_deref().map(|user| self.filled(user)).and_then(|user| user_name(&user));
        let of_kind = |kinds: &[&str]| raw.log_ins.iter().any(|log_in| kinds.contains(&log_in.as_str()));
        let log_in =
            if raw.log_ins.is_empty() || of_kind(&["password-cleartext", "password-encrypted", "plain"]) {
                LogIn::Password
            } else if of_kind(&["OAuth2"]) {
                LogIn::OAuth
            } else if of_kind(&["none", "client-IP-address"]) {
                LogIn::Nothing
            } else {
                // Kerberos, NTLM, a certificate: nothing that we can do.
                return None;
            };
        Some(MailServer { host, port, security, user, log_in })
    }

    /// With the address in the place of its placeholders.
    fn filled(&self, text: &str) -> String {
        text.replace("%EMAILADDRESS%", &self.address.to_string())
            .replace("%EMAILLOCALPART%", self.address.local_part())
            .replace("%EMAILDOMAIN%", self.address.domain())
    }
}

/// The five entities of XML itself.
fn predefined(name: &str) -> Result<char, DiscoveryError> {
    match name {
        "amp" => Ok('&'),
        "lt" => Ok('<'),
        "gt" => Ok('>'),
        "quot" => Ok('"'),
        "apos" => Ok('\''),
        _ => Err(DiscoveryError::Malformed("an entity")),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn read(document: &str) -> Result<Autoconfig, DiscoveryError> {
        Autoconfig::read(document.as_bytes(), &EmailAddress::parse("alice@example.org").unwrap())
    }

    fn with(servers: &str) -> String {
        format!(
            "<?xml version=\"1.0\"?><clientConfig version=\"1.1\"><emailProvider id=\"example.org\">\
             <incomingServer type=\"imap\"><hostname>imap.example.org</hostname></incomingServer>{servers}\
             </emailProvider></clientConfig>"
        )
    }

    fn server(host: &str, port: &str, socket: &str, more: &str) -> String {
        format!(
            "<outgoingServer type=\"smtp\"><hostname>{host}</hostname><port>{port}</port>\
             <socketType>{socket}</socketType>{more}</outgoingServer>"
        )
    }

    #[test]
    fn servers_with_tls_are_read_in_their_order() {
        let user = "<username>%EMAILLOCALPART%&amp;&#x31;</username><authentication>password-cleartext</authentication>";
        let servers = [
            server("%EMAILDOMAIN%", "25", "plain", ""),
            server("SMTP.%EMAILDOMAIN%", "465", "SSL", user),
            server("smtp2.example.org", "587", "STARTTLS", "<authentication>OAuth2</authentication>"),
            server("k.example.org", "587", "STARTTLS", "<authentication>GSSAPI</authentication>"),
        ];
        let found = read(&with(&servers.concat())).unwrap().servers;
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].host.as_str(), found[0].port), ("smtp.example.org", 465));
        assert_eq!((found[0].user.as_deref(), found[0].log_in), (Some("alice&1"), LogIn::Password));
        assert_eq!((found[1].security, found[1].log_in), (Security::StartTls, LogIn::OAuth));
    }

    fn mailbox(kind: &str, host: &str, port: &str, socket: &str, more: &str) -> String {
        let outgoing = server(host, port, socket, more).replace("type=\"smtp\"", kind);
        outgoing.replace("outgoingServer", "incomingServer")
    }

    #[test]
    fn a_mailbox_has_tls_from_the_first_octet_and_speaks_imap() {
        let smtp = server("smtp.example.org", "465", "SSL", "");
        let user = "<username>%EMAILADDRESS%</username><authentication>password-cleartext</authentication>";
        let mailboxes = [
            mailbox("type=\"pop3\"", "pop.example.org", "995", "SSL", ""),
            mailbox("", "nobody-knows.example.org", "993", "SSL", ""),
            mailbox("type=\"imap\"", "clear.example.org", "143", "plain", ""),
            mailbox("type=\"imap\"", "later.example.org", "143", "STARTTLS", ""),
            mailbox("type=\"imap\"", "zero.example.org", "0", "SSL", ""),
            mailbox("type=\"imap\"", "large.example.org", "99999", "SSL", ""),
            mailbox("type=\"imap\"", "192.0.2.1", "993", "SSL", ""),
            mailbox(
                "type=\"imap\"",
                "gssapi.example.org",
                "993",
                "SSL",
                "<authentication>GSSAPI</authentication>",
            ),
            mailbox("type=\"imap\"", "IMAP.%EMAILDOMAIN%", "993", "SSL", user),
        ];
        let found = read(&with(&[mailboxes.concat(), smtp.clone()].concat())).unwrap();
        assert_eq!(found.servers.len(), 1);
        let hosts: Vec<&str> = found.mailboxes.iter().map(|mailbox| mailbox.host.as_str()).collect();
        assert_eq!(hosts, ["imap.example.org"]);
        assert_eq!((found.mailboxes[0].port, found.mailboxes[0].security), (993, Security::Implicit));
        assert_eq!(found.mailboxes[0].user.as_deref(), Some("alice@example.org"));
        let many = mailboxes[8].repeat(40);
        assert_eq!(read(&with(&[many, smtp].concat())).unwrap().mailboxes.len(), DISCOVERY_SERVERS);
        // A mailbox alone sends nothing, and one in clear says nothing of sending.
        assert_eq!(read(&with(&mailboxes.concat())), Err(DiscoveryError::NoServer));
    }

    #[test]
    fn nothing_is_sent_in_clear_because_a_document_says_so() {
        let plain = server("smtp.example.org", "25", "plain", "");
        assert_eq!(read(&with(&plain)), Err(DiscoveryError::OnlyClear));
        let unnamed = "<outgoingServer><hostname>a.example.org</hostname><port>25</port></outgoingServer>";
        assert_eq!(read(&with(unnamed)), Err(DiscoveryError::OnlyClear));
    }

    #[test]
    fn no_entity_is_expanded_and_no_dtd_read() {
        let bomb = "<!DOCTYPE x [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]>";
        let host = server("&b;.example.org", "465", "SSL", "");
        let document = with(&host).replace("<clientConfig", &format!("{bomb}<clientConfig"));
        assert_eq!(read(&document), Err(DiscoveryError::Malformed("a DTD")));
        assert_eq!(read(&with(&host)), Err(DiscoveryError::Malformed("an entity")));
    }

    #[test]
    fn what_is_deep_or_large_is_refused() {
        let deep = with(&"<a>".repeat(10_000));
        assert_eq!(read(&deep), Err(DiscoveryError::Limit("its depth")));
        let wide = with(&"<a/>".repeat(DISCOVERY_ELEMENTS + 1));
        assert_eq!(read(&wide), Err(DiscoveryError::Limit("its elements")));
        let large = format!("{}{}", with(""), " ".repeat(DISCOVERY_BYTES));
        assert_eq!(read(&large), Err(DiscoveryError::Limit("the document")));
        let many = with(&server("smtp.example.org", "465", "SSL", "").repeat(40));
        assert_eq!(read(&many).unwrap().servers.len(), DISCOVERY_SERVERS);
    }

    #[test]
    fn what_is_no_document_names_no_server() {
        for (document, error) in [
            ("", DiscoveryError::NoServer),
            ("<html><body>not found</body></html>", DiscoveryError::NoServer),
            ("<clientConfig><emailProvider>", DiscoveryError::Malformed("it ends too early")),
            ("<a></b>", DiscoveryError::Malformed("no XML")),
        ] {
            assert_eq!(read(document), Err(error), "{document}");
        }
        for (host, port) in
            [("a b", "465"), ("smtp.example.org", "0"), ("smtp.example.org", "99999"), ("", "1")]
        {
            let document = with(&server(host, port, "SSL", ""));
            assert_eq!(read(&document), Err(DiscoveryError::NoServer), "{host} {port}");
        }
        let outside = format!("<x>{}</x>", server("smtp.example.org", "465", "SSL", ""));
        assert_eq!(read(&outside), Err(DiscoveryError::NoServer));
    }

    #[test]
    fn the_address_stands_in_the_url_as_text() {
        let urls = autoconfig_urls(&EmailAddress::parse("a&b=c@example.org").unwrap());
        assert_eq!(
            urls[0],
            "https://autoconfig.example.org/mail/config-v1.1.xml?emailaddress=a%26b%3Dc%40example.org"
        );
        assert_eq!(urls[1], "https://example.org/.well-known/autoconfig/mail/config-v1.1.xml");
        assert!(autoconfig_urls(&EmailAddress::parse("a@[192.0.2.1]").unwrap()).is_empty());
    }
}
