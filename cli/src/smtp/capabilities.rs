//! What a server offers (EHLO).

use super::reply::Reply;

/// The extensions that we use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Capabilities {
    /// STARTTLS (RFC 3207).
    pub(super) start_tls: bool,
    /// PIPELINING (RFC 2920).
    pub(super) pipelining: bool,
    /// The most bytes that a message may have (RFC 1870), and whether they may be announced.
    pub(super) size: Option<u64>,
    /// 8BITMIME (RFC 6152).
    pub(super) eight_bit_mime: bool,
    /// SMTPUTF8 (RFC 6531).
    pub(super) smtputf8: bool,
    /// DSN (RFC 3461).
    pub(super) dsn: bool,
    /// REQUIRETLS (RFC 8689).
    pub(super) require_tls: bool,
    /// The names of AUTH (RFC 4954), in upper case.
    pub(super) auth: Vec<String>,
}

impl Capabilities {
    /// Of the answer to EHLO or LHLO. What we do not know is passed over.
    pub(super) fn of(reply: &Reply) -> Self {
        let mut found = Self::default();
        for line in reply.lines.iter().skip(1) {
            let line = line.to_ascii_uppercase();
            // Some old servers write AUTH=LOGIN.
            let line = line.replacen("AUTH=", "AUTH ", 1);
            let mut words = line.split_ascii_whitespace();
            match words.next() {
                Some("STARTTLS") => found.start_tls = true,
                Some("PIPELINING") => found.pipelining = true,
                // Without a number, or with 0, there is no fixed limit (RFC 1870, section 4).
                Some("SIZE") => {
                    found.size = Some(words.next().and_then(|size| size.parse().ok()).unwrap_or(0))
                }
                Some("8BITMIME") => found.eight_bit_mime = true,
                Some("SMTPUTF8") => found.smtputf8 = true,
                Some("DSN") => found.dsn = true,
                Some("REQUIRETLS") => found.require_tls = true,
                Some("AUTH") => found.auth.extend(words.map(str::to_owned)),
                _ => {}
            }
        }
        found
    }

    /// Whether a message has more bytes than the server takes.
    pub(super) fn is_too_large(&self, bytes: u64) -> bool {
        self.size.is_some_and(|most| most > 0 && bytes > most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(lines: &[&str]) -> Capabilities {
        let lines =
            std::iter::once("mail.example.org").chain(lines.iter().copied()).map(str::to_owned).collect();
        Capabilities::of(&Reply { code: 250, lines })
    }

    #[test]
    fn extensions_are_known_in_any_letter_case() {
        let found =
            of(&["pipelining", "SIZE 1000", "8BITMIME", "AUTH PLAIN scram-sha-256", "AUTH=LOGIN", "X-NEW"]);
        assert!(found.pipelining && found.eight_bit_mime && !found.start_tls && !found.dsn);
        assert_eq!(found.auth, ["PLAIN", "SCRAM-SHA-256", "LOGIN"]);
        assert!(found.is_too_large(1001) && !found.is_too_large(1000));
    }

    #[test]
    fn a_size_without_a_number_is_no_limit() {
        assert!(!of(&["SIZE"]).is_too_large(u64::MAX));
        assert!(!of(&["SIZE 0"]).is_too_large(u64::MAX));
        assert!(!of(&["SIZE 99999999999999999999999"]).is_too_large(u64::MAX));
    }

    #[test]
    fn the_greeting_is_no_extension() {
        let reply = Reply { code: 250, lines: vec!["STARTTLS".to_owned()] };
        assert_eq!(Capabilities::of(&reply), Capabilities::default());
    }
}
