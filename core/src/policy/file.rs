//! `policy.toml` (`docs/formats/policy.md`): one file, read strictly. An unknown key is an error with
//! its line, because a word that is mistyped must not silently be no policy.

use std::fmt;
use std::net::SocketAddr;
use std::ops::Range;

use toml_edit::{Document, Item, Key, TableLike};

use super::pattern::{AddressPattern, mail_domain};
use super::sources::{HostRow, SmimeaSource, SourceRow, SourcesSection, is_directory_url};
use super::words::{Bundle, Encrypt, Mixed, Network, Revocation, Sign};
use crate::fingerprint::OpenPgpFingerprint;
use crate::limits;
use crate::lookup::UrlTemplate;
use crate::time::Time;
use crate::trust::{Level, Profile};

/// What one file says; nothing where it is silent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PolicyFile {
    /// Which mixture of evidence counts.
    pub profile: Option<Profile>,
    /// From how many points on a key is what.
    pub levels: LevelsSection,
    /// From which level on a signature has a positive mark.
    pub read_positive: Option<Level>,
    /// Whom to encrypt to; the first row that matches counts.
    pub send: Vec<SendRow>,
    /// Whether an address that was once encrypted to is never sent plaintext.
    pub sticky: Option<bool>,
    /// Whether a certificate that ended less than 30 days ago is still encrypted to.
    pub stale: Option<bool>,
    /// Which public roots count.
    pub bundle: Option<Bundle>,
    /// Single anchors.
    pub anchors: Vec<AnchorRow>,
    /// OpenPGP certificates that are relied upon.
    pub roots: Vec<RootRow>,
    /// The organisation's own mail domains.
    pub authoritative: Option<Vec<String>>,
    /// The least level for the addresses of a domain.
    pub require: Vec<(String, Level)>,
    /// Which sources count.
    pub sources: SourcesSection,
    /// What is done where revocation is not known.
    pub revocation: Option<Revocation>,
    /// Days after which an answer about revocation is asked for again.
    pub max_age_days: Option<u32>,
    /// Days for which the last good answer counts without a network.
    pub grace_offline_days: Option<u32>,
    /// Whether mails are counted.
    pub keep_history: Option<bool>,
    /// What files below this one may loosen.
    pub user_may_loosen: Vec<String>,
}

/// `[levels]`, in points.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LevelsSection {
    /// Checked.
    pub checked: Option<u32>,
    /// Verified.
    pub verified: Option<u32>,
    /// Strong.
    pub strong: Option<u32>,
    /// How far ahead of other keys.
    pub margin: Option<u32>,
}

/// One `[[send]]` row; what it does not say is left to other files and to what is built in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendRow {
    /// For whom.
    pub address: AddressPattern,
    /// Whether to encrypt.
    pub encrypt: Option<Encrypt>,
    /// The least level of a key.
    pub accept: Option<Level>,
    /// Whether to sign.
    pub sign: Option<Sign>,
    /// What to do where some recipients have keys and some have not.
    pub mixed: Option<Mixed>,
    /// The row holds from this moment on.
    pub after: Option<Time>,
}

/// One anchor in `[anchors]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnchorRow {
    /// SHA-256 of the certificate's SubjectPublicKeyInfo.
    pub key: [u8; 32],
    /// Points.
    pub amount: Option<u32>,
    /// Mail domains that it may speak for; all where none is named.
    pub domains: Vec<String>,
}

/// One OpenPGP certificate in `[roots]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RootRow {
    /// The certificate.
    pub certificate: OpenPgpFingerprint,
    /// How far it is relied upon, 1 to 120.
    pub amount: Option<u32>,
    /// Introducers in a row behind it.
    pub depth: Option<u32>,
    /// Mail domains that it may speak for; all where none is named.
    pub domains: Vec<String>,
}

/// Why a file is no policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub kind: PolicyErrorKind,
}

/// What is wrong with a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PolicyErrorKind {
    /// More than [`limits::POLICY_BYTES`].
    TooLarge,
    /// No TOML: what the parser says.
    Syntax(String),
    /// A key that has no meaning here; foreign text.
    UnknownKey(String),
    /// A row without a key that it needs.
    Missing(&'static str),
    /// A value that its key cannot have.
    BadValue {
        /// The key; foreign text.
        key: String,
        /// What it may be.
        expected: &'static str,
    },
}

impl fmt::Display for PolicyError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "line {}: ", self.line)?;
        match &self.kind {
            PolicyErrorKind::TooLarge => formatter.write_str("the file is too large"),
            PolicyErrorKind::Syntax(what) => formatter.write_str(what),
            PolicyErrorKind::UnknownKey(key) => write!(formatter, "unknown key {key:?}"),
            PolicyErrorKind::Missing(key) => write!(formatter, "{key} is missing"),
            PolicyErrorKind::BadValue { key, expected } => write!(formatter, "{key:?} must be {expected}"),
        }
    }
}

impl std::error::Error for PolicyError {}

impl PolicyFile {
    /// Reads a file.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        if text.len() > limits::POLICY_BYTES {
            return Err(PolicyError { line: 1, kind: PolicyErrorKind::TooLarge });
        }
        let document = Document::parse(text).map_err(|error| {
            let line = line_of(text, error.span().as_ref());
            PolicyError { line, kind: PolicyErrorKind::Syntax(error.message().to_owned()) }
        })?;
        let mut policy = Self::default();
        for entry in entries(text, document.as_table()) {
            policy.top(&entry)?;
        }
        Ok(policy)
    }

    fn top(&mut self, entry: &Entry<'_>) -> Result<(), PolicyError> {
        match entry.key() {
            "profile" => self.profile = Some(entry.word("the name of a profile", Profile::from_word)?),
            "sticky" => self.sticky = Some(entry.flag()?),
            "stale" => {
                let stale = |word: &str| match word {
                    "allow" => Some(true),
                    "refuse" => Some(false),
                    _ => None,
                };
                self.stale = Some(entry.word("allow or refuse", stale)?);
            }
            "revocation" => {
                self.revocation = Some(entry.word("off, best-effort or require", Revocation::from_word)?);
            }
            "max_age_days" => self.max_age_days = Some(entry.number()?),
            "grace_offline_days" => self.grace_offline_days = Some(entry.number()?),
            "user-may-loosen" => self.user_may_loosen = entry.texts()?,
            "levels" => entry.each(|entry| self.levels.entry(entry))?,
            "read" => entry.each(|entry| match entry.key() {
                "positive" => {
                    self.read_positive = Some(entry.word("checked, verified or strong", mark)?);
                    Ok(())
                }
                _ => Err(entry.unknown()),
            })?,
            "send" => {
                for row in entry.tables()? {
                    self.send.push(SendRow::read(entry, row.as_ref())?);
                }
            }
            "anchors" => entry.each(|entry| self.anchor(entry))?,
            "roots" => entry.each(|entry| {
                self.roots.push(RootRow::read(entry)?);
                Ok(())
            })?,
            "domains" => entry.each(|entry| self.domain(entry))?,
            "sources" => entry.each(|entry| self.sources.entry(entry))?,
            "history" => entry.each(|entry| match entry.key() {
                "keep" => {
                    self.keep_history = Some(entry.flag()?);
                    Ok(())
                }
                _ => Err(entry.unknown()),
            })?,
            _ => return Err(entry.unknown()),
        }
        Ok(())
    }

    fn anchor(&mut self, entry: &Entry<'_>) -> Result<(), PolicyError> {
        if entry.key() == "bundle" {
            self.bundle = Some(entry.word("nss-email, none or the path of a file", Bundle::from_word)?);
            return Ok(());
        }
        let key = entry.key().strip_prefix("sha256:").and_then(digest).ok_or_else(|| entry.unknown())?;
        let mut row = AnchorRow { key, amount: None, domains: Vec::new() };
        entry.each(|entry| {
            match entry.key() {
                "amount" => row.amount = Some(entry.number()?),
                "domains" => row.domains = entry.domains()?,
                _ => return Err(entry.unknown()),
            }
            Ok(())
        })?;
        self.anchors.push(row);
        Ok(())
    }

    fn domain(&mut self, entry: &Entry<'_>) -> Result<(), PolicyError> {
        match entry.key() {
            "authoritative" => {
                self.authoritative = Some(entry.domains()?);
                Ok(())
            }
            "require" => entry.each(|entry| {
                let domain = entry.key_as_domain()?;
                self.require.push((domain, entry.word("a level", accepted_level)?));
                Ok(())
            }),
            _ => Err(entry.unknown()),
        }
    }
}

impl LevelsSection {
    fn entry(&mut self, entry: &Entry<'_>) -> Result<(), PolicyError> {
        let points = Some(entry.number()?);
        match entry.key() {
            "checked" => self.checked = points,
            "verified" => self.verified = points,
            "strong" => self.strong = points,
            "margin" => self.margin = points,
            _ => return Err(entry.unknown()),
        }
        Ok(())
    }
}

impl SourcesSection {
    fn entry(&mut self, entry: &Entry<'_>) -> Result<(), PolicyError> {
        match entry.key() {
            "smimea" => self.smimea = Some(entry.source(SmimeaSource::default(), smimea)?),
            "wkd" => self.wkd = Some(entry.source((), |entry, ()| Err(entry.unknown()))?),
            "ldap" => {
                let expected = "false, or ldaps://host/base or ldap://host/base";
                let url = |text: &str| is_directory_url(text).then(|| text.to_owned());
                self.ldap = Some(entry.off_or(|entry| entry.word(expected, url))?);
            }
            "http" => {
                let expected = "false, or https://host/path with {domain}, {local}, {address} or {hash}";
                let template = |text: &str| UrlTemplate::parse(text).ok();
                self.http = Some(entry.off_or(|entry| entry.word(expected, template))?);
            }
            "finder" => {
                self.finder = Some(entry.off_or(|entry| {
                    let command = entry.texts()?;
                    let is_command = command.first().is_some_and(|program| !program.is_empty());
                    if is_command { Ok(command) } else { Err(entry.bad("a program and its arguments")) }
                })?);
            }
            "hosts" => entry.each(|entry| {
                let name = entry.key().to_ascii_lowercase();
                let at =
                    if entry.item.as_bool() == Some(false) { None } else { Some(entry.socket_address()?) };
                self.hosts.push(HostRow { name, at });
                Ok(())
            })?,
            "private_addresses" => self.private_addresses = Some(entry.flag()?),
            "keyserver" => self.keyserver = Some(entry.flag()?),
            "gossip" => self.gossip = Some(entry.flag()?),
            "peers" => self.peers = Some(entry.flag()?),
            "network" => self.network = Some(entry.word("never, ask or always", Network::from_word)?),
            _ => return Err(entry.unknown()),
        }
        Ok(())
    }
}

fn smimea(entry: &Entry<'_>, source: &mut SmimeaSource) -> Result<(), PolicyError> {
    match entry.key() {
        "resolver" => source.resolver = Some(entry.socket_address()?),
        "trust_anchor" => source.trust_anchor = Some(entry.text("the name of a file")?.to_owned()),
        _ => return Err(entry.unknown()),
    }
    Ok(())
}

impl SendRow {
    fn read(section: &Entry<'_>, table: &dyn TableLike) -> Result<Self, PolicyError> {
        let mut address = None;
        let mut row = Self {
            address: AddressPattern::Everybody,
            encrypt: None,
            accept: None,
            sign: None,
            mixed: None,
            after: None,
        };
        for entry in entries(section.text, table) {
            match entry.key() {
                "address" => {
                    let expected = "an address, *@domain, *@*.domain or *";
                    address = Some(entry.word(expected, AddressPattern::parse)?);
                }
                "encrypt" => {
                    row.encrypt = Some(entry.word("require, if-possible or never", Encrypt::from_word)?);
                }
                "accept" => row.accept = Some(entry.word("a level", accepted_level)?),
                "sign" => row.sign = Some(entry.word("yes or no", Sign::from_word)?),
                "mixed" => row.mixed = Some(entry.word("refuse, split or hold", Mixed::from_word)?),
                "after" => row.after = Some(entry.word("a date, 2027-01-01", date)?),
                _ => return Err(entry.unknown()),
            }
        }
        match address {
            Some(address) => Ok(Self { address, ..row }),
            None => Err(section.error(PolicyErrorKind::Missing("address"))),
        }
    }
}

impl fmt::Display for SendRow {
    /// As it stands in a file.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut field = |name: &str, value: Option<&str>| match value {
            Some(value) => writeln!(formatter, "{name} = {}", toml_edit::Value::from(value)),
            None => Ok(()),
        };
        field("address", Some(&self.address.to_string()))?;
        field("encrypt", self.encrypt.map(Encrypt::word))?;
        field("accept", self.accept.map(Level::word))?;
        field("sign", self.sign.map(Sign::word))?;
        field("mixed", self.mixed.map(Mixed::word))?;
        field("after", self.after.map(Time::to_date).as_deref())
    }
}

impl RootRow {
    fn read(entry: &Entry<'_>) -> Result<Self, PolicyError> {
        let certificate = OpenPgpFingerprint::parse(entry.key()).ok_or_else(|| entry.unknown())?;
        let mut row = Self { certificate, amount: None, depth: None, domains: Vec::new() };
        entry.each(|entry| {
            match entry.key() {
                "amount" => row.amount = Some(entry.number()?),
                "depth" => row.depth = Some(entry.number()?),
                "domains" => row.domains = entry.domains()?,
                _ => return Err(entry.unknown()),
            }
            Ok(())
        })?;
        Ok(row)
    }
}

/// A key, its value, and the text where both stand.
struct Entry<'e> {
    text: &'e str,
    key: &'e Key,
    item: &'e Item,
}

/// The entries of a table in the order of their keys.
fn entries<'e>(text: &'e str, table: &'e dyn TableLike) -> Vec<Entry<'e>> {
    let keys = table.iter().map(|(key, _)| key);
    keys.filter_map(|key| table.get_key_value(key)).map(|(key, item)| Entry { text, key, item }).collect()
}

impl Entry<'_> {
    fn key(&self) -> &str {
        self.key.get()
    }

    fn error(&self, kind: PolicyErrorKind) -> PolicyError {
        let span = self.key.span().or_else(|| self.item.span());
        PolicyError { line: line_of(self.text, span.as_ref()), kind }
    }

    fn unknown(&self) -> PolicyError {
        self.error(PolicyErrorKind::UnknownKey(self.key().to_owned()))
    }

    fn bad(&self, expected: &'static str) -> PolicyError {
        self.error(PolicyErrorKind::BadValue { key: self.key().to_owned(), expected })
    }

    fn flag(&self) -> Result<bool, PolicyError> {
        self.item.as_bool().ok_or_else(|| self.bad("true or false"))
    }

    fn number(&self) -> Result<u32, PolicyError> {
        let number = self.item.as_integer().and_then(|number| u32::try_from(number).ok());
        number.ok_or_else(|| self.bad("a whole number"))
    }

    fn text(&self, expected: &'static str) -> Result<&str, PolicyError> {
        self.item.as_str().ok_or_else(|| self.bad(expected))
    }

    fn word<T>(&self, expected: &'static str, read: impl Fn(&str) -> Option<T>) -> Result<T, PolicyError> {
        read(self.text(expected)?).ok_or_else(|| self.bad(expected))
    }

    fn texts(&self) -> Result<Vec<String>, PolicyError> {
        let array = self.item.as_array().ok_or_else(|| self.bad("a list of texts"))?;
        let texts = array.iter().map(|value| value.as_str().map(str::to_owned));
        texts.collect::<Option<_>>().ok_or_else(|| self.bad("a list of texts"))
    }

    fn domains(&self) -> Result<Vec<String>, PolicyError> {
        let domains = self.texts()?.into_iter().map(|domain| mail_domain(&domain));
        domains.collect::<Option<_>>().ok_or_else(|| self.bad("a list of mail domains"))
    }

    fn key_as_domain(&self) -> Result<String, PolicyError> {
        mail_domain(self.key()).ok_or_else(|| self.unknown())
    }

    fn socket_address(&self) -> Result<SocketAddr, PolicyError> {
        self.word("an IP address and a port, 127.0.0.1:53", |text| text.parse().ok())
    }

    /// `false`, or a value.
    fn off_or<T>(&self, read: impl Fn(&Self) -> Result<T, PolicyError>) -> Result<SourceRow<T>, PolicyError> {
        if self.item.as_bool() == Some(false) { Ok(SourceRow::Off) } else { read(self).map(SourceRow::On) }
    }

    /// `true`, `false`, or a section that says how.
    fn source<T>(
        &self,
        usual: T,
        read: impl Fn(&Entry<'_>, &mut T) -> Result<(), PolicyError>,
    ) -> Result<SourceRow<T>, PolicyError> {
        if self.item.is_bool() {
            return Ok(if self.flag()? { SourceRow::On(usual) } else { SourceRow::Off });
        }
        if self.item.as_table_like().is_none() {
            return Err(self.bad("true or false, or a section"));
        }
        let mut source = usual;
        self.each(|entry| read(entry, &mut source))?;
        Ok(SourceRow::On(source))
    }

    /// The entries of a section or an inline table.
    fn each(&self, mut read: impl FnMut(&Entry<'_>) -> Result<(), PolicyError>) -> Result<(), PolicyError> {
        let table = self.item.as_table_like().ok_or_else(|| self.bad("a section"))?;
        entries(self.text, table).iter().try_for_each(&mut read)
    }

    /// The rows of `[[send]]`, or of a list of inline tables.
    fn tables(&self) -> Result<Vec<Box<dyn TableLike>>, PolicyError> {
        if let Some(rows) = self.item.as_array_of_tables() {
            return Ok(rows.iter().map(|row| Box::new(row.clone()) as Box<dyn TableLike>).collect());
        }
        let rows = self.item.as_array().into_iter().flatten();
        let rows: Option<Vec<_>> =
            rows.map(|row| Some(Box::new(row.as_inline_table()?.clone()) as Box<dyn TableLike>)).collect();
        rows.filter(|rows| !rows.is_empty()).ok_or_else(|| self.bad("rows, [[send]]"))
    }
}

/// The line of the first byte of a span.
fn line_of(text: &str, span: Option<&Range<usize>>) -> usize {
    let start = span.map_or(0, |span| span.start);
    1 + text.bytes().take(start).filter(|byte| *byte == b'\n').count()
}

/// Levels that a key may be accepted from.
fn accepted_level(word: &str) -> Option<Level> {
    let levels = [Level::Unverified, Level::Opportunistic, Level::Checked, Level::Verified, Level::Strong];
    levels.into_iter().find(|level| level.word() == word)
}

/// Levels that a positive mark may begin at.
fn mark(word: &str) -> Option<Level> {
    accepted_level(word).filter(|level| *level >= Level::Checked)
}

fn digest(text: &str) -> Option<[u8; 32]> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    let digits = digits?;
    let (pairs, rest) = digits.as_chunks::<2>();
    let bytes: Vec<u8> = pairs.iter().map(|[high, low]| high << 4 | low).collect();
    bytes.try_into().ok().filter(|_| rest.is_empty())
}

fn date(text: &str) -> Option<Time> {
    let mut parts = text.split('-');
    let mut next = |digits: usize| {
        let part = parts.next().filter(|part| part.len() == digits)?;
        part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse::<u16>().ok())?
    };
    let (year, month, day) = (next(4)?, next(2)?, next(2)?);
    if parts.next().is_some() {
        return None;
    }
    Time::from_civil(year.into(), u8::try_from(month).ok()?, u8::try_from(day).ok()?, 0, 0, 0)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const FULL: &str = r#"
profile = "hardened"
sticky = true
stale = "allow"
revocation = "require"
max_age_days = 7
grace_offline_days = 30
user-may-loosen = ["profile"]

[levels]
checked = 50
verified = 140
strong = 300
margin = 70

[read]
positive = "verified"

[[send]]
address = "*@bank.example"
encrypt = "require"
accept = "verified"
after = "2027-01-01"

[[send]]
address = "*"
encrypt = "if-possible"
sign = "no"
mixed = "hold"

[anchors]
bundle = "nss-email"
"sha256:7ef775acac987a2dd3dd2a0c3c5d9509f899faf170a6bbe1ce5a7c56d765d98a" = { amount = 80, domains = ["Corp.Example"] }

[roots]
"CEBB52301D617E910390FE16587979573442684E" = { amount = 120, depth = 2, domains = [] }

[domains]
authoritative = ["corp.example"]
require = { "bank.example" = "verified" }

[sources]
smimea = true
wkd = false
network = "ask"
"#;

    #[test]
    fn a_full_file_is_read() {
        let policy = PolicyFile::parse(FULL).unwrap();
        assert_eq!(policy.profile, Some(Profile::Hardened));
        assert_eq!((policy.levels.margin, policy.stale), (Some(70), Some(true)));
        assert_eq!(policy.send.len(), 2);
        assert_eq!(policy.send[0].after.map(Time::to_date), Some("2027-01-01".to_owned()));
        assert_eq!(policy.send[1].mixed, Some(Mixed::Hold));
        assert_eq!(policy.anchors[0].domains, ["corp.example"]);
        assert_eq!(policy.anchors[0].key[..2], [0x7e, 0xf7]);
        assert_eq!(policy.roots[0].depth, Some(2));
        assert_eq!(policy.require, [("bank.example".to_owned(), Level::Verified)]);
        assert_eq!((policy.sources.wkd, policy.sources.gossip), (Some(SourceRow::Off), None));
        assert_eq!(PolicyFile::parse("").unwrap(), PolicyFile::default());
    }

    #[test]
    fn what_is_not_understood_is_an_error_with_its_line() {
        for (text, line, message) in [
            ("profle = \"blended\"", 1, "unknown key"),
            ("\n\nprofile = \"strict\"", 3, "must be the name of a profile"),
            ("profile = 3", 1, "must be"),
            ("[levels]\nchecked = 40\nverifed = 120", 3, "unknown key"),
            ("[levels]\nchecked = -1", 2, "whole number"),
            ("[[send]]\nencrypt = \"require\"", 1, "address is missing"),
            ("[[send]]\naddress = \"*\"\n[[send]]\naddress = \"*\"\nencript = \"require\"", 5, "unknown key"),
            ("[[send]]\naddress = \"a b@example.org\"", 2, "must be an address"),
            ("[[send]]\naddress = \"*\"\nafter = \"2027-02-30\"", 3, "must be a date"),
            ("[[send]]\naddress = \"*\"\nafter = \"2027-1-1\"", 3, "must be a date"),
            ("[send]\naddress = \"*\"", 1, "rows"),
            ("[anchors]\n\"sha256:77\" = { amount = 80 }", 2, "unknown key"),
            (
                "[anchors]\n\"sha256:7ef775acac987a2dd3dd2a0c3c5d9509f899faf170a6bbe1ce5a7c56d765d98a\" = { amont = 8 }",
                2,
                "unknown key",
            ),
            ("[roots]\nCEBB = { amount = 120 }", 2, "unknown key"),
            ("[sources]\nsmimea = \"yes\"", 2, "true or false"),
            ("[domains]\nrequire = { \"bank.example\" = \"conflict\" }", 2, "a level"),
            ("[read]\npositive = \"opportunistic\"", 2, "must be checked"),
            ("profile = \"blended\"\nprofile = \"either\"", 2, ""),
            ("profile = ", 1, ""),
        ] {
            let error = PolicyFile::parse(text).unwrap_err();
            assert_eq!(error.line, line, "{text}: {error}");
            assert!(error.to_string().contains(message), "{text}: {error}");
        }
    }

    #[test]
    fn a_file_without_end_is_refused() {
        let text = "#".repeat(limits::POLICY_BYTES + 1);
        assert_eq!(PolicyFile::parse(&text).unwrap_err().kind, PolicyErrorKind::TooLarge);
        assert!(PolicyFile::parse(&"[".repeat(10_000)).is_err());
        assert!(PolicyFile::parse(&format!("profile = {}", "[".repeat(10_000))).is_err());
    }

    #[test]
    fn a_row_that_is_written_is_read_again() {
        let rows = PolicyFile::parse(FULL).unwrap().send;
        let text: String = rows.iter().map(|row| format!("[[send]]\n{row}\n")).collect();
        assert_eq!(PolicyFile::parse(&text).unwrap().send, rows);
        let odd = "[[send]]\naddress = '\"a\\\\\\\"b\"@example.org'\n";
        let row = PolicyFile::parse(odd).unwrap().send.remove(0);
        assert_eq!(PolicyFile::parse(&format!("[[send]]\n{row}")).unwrap().send, [row]);
    }
}
