//! The file of `cseal relay --config` (`docs/formats/relay-config.md`). An unknown key is an error with its line.

use std::fs::File;
use std::io::Read;
use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use counterseal_core::secret::SecretBytes;
use counterseal_keysync::limits::WORK_BITS;
use counterseal_keysync::relay::protocol::unhex;
use counterseal_keysync::relay::{BoxLimits, Invite, Limits, Network, VisitorLimits};
use rustix::process::geteuid;
use toml_edit::{Document, Item, TableLike};
use zeroize::Zeroizing;

use crate::args::RelayPolicy;
use crate::failure::Failure;

/// Bytes of the file: thousands of invites.
const FILE_BYTES: u64 = 4 << 20;
/// Seconds of a day.
const DAY: i64 = 86_400;

type Said<T = ()> = Result<T, String>;

/// What the file says; the rest is built in.
#[derive(Debug)]
pub(crate) struct RelayConfig {
    pub(crate) listen: Vec<SocketAddr>,
    pub(crate) certificate: Option<PathBuf>,
    pub(crate) key: Option<PathBuf>,
    pub(crate) policy: RelayPolicy,
    pub(crate) bits: u8,
    pub(crate) account_header: String,
    pub(crate) account_boxes: u64,
    pub(crate) invites: Vec<Invite>,
    pub(crate) metrics_for: Vec<Network>,
    pub(crate) visitors: VisitorLimits,
    pub(crate) limits: Limits,
    pub(crate) log_requests: bool,
    pub(crate) log_addresses: bool,
    pub(crate) store: Option<String>,
    pub(crate) password: Option<SecretBytes>,
    pub(crate) store_ca: Option<PathBuf>,
    pub(crate) bodies: Option<String>,
    pub(crate) endpoint: Option<String>,
    pub(crate) region: Option<String>,
    pub(crate) key_id: Option<String>,
    pub(crate) secret_key: Option<SecretBytes>,
}

impl Default for RelayConfig {
    fn default() -> Self {
        Self {
            listen: Vec::new(),
            certificate: None,
            key: None,
            policy: RelayPolicy::Open,
            bits: 20,
            account_header: "x-remote-user".to_owned(),
            account_boxes: 20,
            invites: Vec::new(),
            metrics_for: ["127.0.0.0/8", "::1"].into_iter().filter_map(Network::parse).collect(),
            visitors: VisitorLimits::default(),
            limits: Limits::default(),
            log_requests: false,
            log_addresses: false,
            store: None,
            password: None,
            store_ca: None,
            bodies: None,
            endpoint: None,
            region: None,
            key_id: None,
            secret_key: None,
        }
    }
}

impl RelayConfig {
    /// Reads the file. One with a password is the reader's, or root's, alone.
    ///
    /// # Errors
    /// `relay-config`.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let wrong = |what: String| {
            Failure::unknown("relay-config", format!("{}: {what}", path.display()))
                .hint("every key with its values: docs/formats/relay-config.md")
        };
        let io = |error: std::io::Error| Failure::io(path.display().to_string(), &error);
        let file = File::open(path).map_err(io)?;
        let found = file.metadata().map_err(io)?;
        if found.uid() != geteuid().as_raw() && found.uid() != 0 || found.mode() & 0o022 != 0 {
            return Err(wrong("others can write it, or it is somebody else's".to_owned()));
        }
        let mut text = Zeroizing::new(String::new());
        file.take(FILE_BYTES).read_to_string(&mut text).map_err(io)?;
        let config = Self::parse(&text).map_err(wrong)?;
        if config.has_secrets() && found.mode() & 0o077 != 0 {
            return Err(wrong("it holds passwords, and others can read it (chmod 600)".to_owned()));
        }
        Ok(config)
    }

    const fn has_secrets(&self) -> bool {
        self.password.is_some() || self.secret_key.is_some()
    }

    /// Reads a text.
    pub(crate) fn parse(text: &str) -> Said<Self> {
        let document = Document::parse(text).map_err(|error| at(text, error.span(), error.message()))?;
        let mut config = Self::default();
        for (key, item) in document.as_table() {
            let section = |config: &mut Self, take: fn(&mut Self, &str, &Item) -> Said| -> Said {
                let table = item.as_table_like().ok_or_else(|| at(text, item.span(), "not a section"))?;
                keys(text, table, |key, item| take(config, key, item))
            };
            match key {
                "store" => section(&mut config, Self::store_key)?,
                "bodies" => section(&mut config, Self::bodies_key)?,
                "pairing" => {
                    section(&mut config, |config, key, item| box_key(&mut config.limits.pairing, key, item))?
                }
                "account" => {
                    section(&mut config, |config, key, item| box_key(&mut config.limits.account, key, item))?
                }
                "invite" => {
                    let tables = item.as_array_of_tables();
                    for table in
                        tables.ok_or_else(|| at(text, item.span(), "invites are written as [[invite]]"))?
                    {
                        config.invites.push(invite(text, table)?);
                    }
                }
                _ => config.key(key, item).map_err(|what| at(text, item.span(), &what))?,
            }
        }
        Ok(config)
    }

    fn key(&mut self, key: &str, item: &Item) -> Said {
        match key {
            "listen" => self.listen = list(key, item, |typed| typed.parse().ok())?,
            "certificate" => self.certificate = Some(words(key, item)?.into()),
            "key" => self.key = Some(words(key, item)?.into()),
            "trusted_proxies" => self.visitors.proxies = list(key, item, Network::parse)?,
            "metrics_for" => self.metrics_for = list(key, item, Network::parse)?,
            "policy" => {
                self.policy = match words(key, item)? {
                    "open" => RelayPolicy::Open,
                    "invite" => RelayPolicy::Invite,
                    "work" => RelayPolicy::Work,
                    "account" => RelayPolicy::Account,
                    _ => return Err("\"policy\" must be open, invite, work or account".to_owned()),
                }
            }
            "bits" => {
                let bits =
                    u8::try_from(number(key, item)?).ok().filter(|bits| (1..=WORK_BITS).contains(bits));
                self.bits = bits.ok_or_else(|| format!("\"bits\" must be 1 to {WORK_BITS}"))?;
            }
            "account_header" => {
                let name = words(key, item)?.to_ascii_lowercase();
                let is_name =
                    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
                self.account_header =
                    is_name.then_some(name).ok_or("\"account_header\" must name a header field")?;
            }
            "account_boxes" => self.account_boxes = number(key, item)?,
            "rate" => self.visitors.rate = rate(key, item)?,
            "burst" => self.visitors.burst = rate(key, item)?,
            "connections" => self.visitors.connections = count(key, item)?,
            "connections_each" => self.visitors.connections_each = count(key, item)?,
            "total_bytes" => self.limits.total_bytes = Some(number(key, item)?),
            "log_requests" => self.log_requests = flag(key, item)?,
            "log_addresses" => self.log_addresses = flag(key, item)?,
            _ => return Err(format!("unknown key {key:?}")),
        }
        Ok(())
    }

    fn store_key(&mut self, key: &str, item: &Item) -> Said {
        match key {
            "url" => self.store = Some(words(key, item)?.to_owned()),
            "password" => self.password = Some(SecretBytes::copy_of(words(key, item)?.as_bytes())),
            "ca" => self.store_ca = Some(words(key, item)?.into()),
            _ => return Err(format!("unknown key {key:?}")),
        }
        Ok(())
    }

    fn bodies_key(&mut self, key: &str, item: &Item) -> Said {
        let value = words(key, item)?;
        match key {
            "url" => self.bodies = Some(value.to_owned()),
            "endpoint" => self.endpoint = Some(value.to_owned()),
            "region" => self.region = Some(value.to_owned()),
            "key_id" => self.key_id = Some(value.to_owned()),
            "secret_key" => self.secret_key = Some(SecretBytes::copy_of(value.as_bytes())),
            _ => return Err(format!("unknown key {key:?}")),
        }
        Ok(())
    }
}

fn keys(text: &str, table: &dyn TableLike, mut take: impl FnMut(&str, &Item) -> Said) -> Said {
    table.iter().try_for_each(|(key, item)| take(key, item).map_err(|what| at(text, item.span(), &what)))
}

fn box_key(limits: &mut BoxLimits, key: &str, item: &Item) -> Said {
    match key {
        "objects" => limits.objects = number(key, item)?,
        "object_bytes" => {
            // What clients ever send, and what is in memory at once.
            limits.object_bytes = number(key, item)?.min(counterseal_keysync::limits::OBJECT_BYTES as u64);
        }
        "bytes" => limits.bytes = number(key, item)?,
        "puts_a_day" => limits.puts_a_day = number(key, item)?,
        "seconds" => limits.seconds = seconds(key, item, 1)?,
        "days" => limits.seconds = seconds(key, item, DAY)?,
        _ => return Err(format!("unknown key {key:?}")),
    }
    Ok(())
}

fn invite(text: &str, table: &dyn TableLike) -> Said<Invite> {
    let (mut sha256, mut boxes) = (None, 10);
    keys(text, table, |key, item| {
        match key {
            "sha256" => {
                let digits = words(key, item)?;
                sha256 = Some(unhex(digits).ok_or("\"sha256\" must have 64 hexadecimal digits, lower-case")?);
            }
            "boxes" => boxes = number(key, item)?,
            _ => return Err(format!("unknown key {key:?}")),
        }
        Ok(())
    })?;
    Ok(Invite { sha256: sha256.ok_or("[[invite]] needs a \"sha256\"")?, boxes })
}

fn words<'i>(key: &str, item: &'i Item) -> Said<&'i str> {
    item.as_str().ok_or_else(|| format!("{key:?} must be a text"))
}

fn number(key: &str, item: &Item) -> Said<u64> {
    let number = item.as_integer().and_then(|number| u64::try_from(number).ok());
    number.ok_or_else(|| format!("{key:?} must be a number, not below 0"))
}

fn count(key: &str, item: &Item) -> Said<usize> {
    let count = usize::try_from(number(key, item)?).ok().filter(|count| (1..=1_000_000).contains(count));
    count.ok_or_else(|| format!("{key:?} must be 1 to 1000000"))
}

fn seconds(key: &str, item: &Item, unit: i64) -> Said<i64> {
    let number = i64::try_from(number(key, item)?).ok().and_then(|number| number.checked_mul(unit));
    number
        .filter(|seconds| (1..=100_000 * DAY).contains(seconds))
        .ok_or_else(|| format!("{key:?} is too long, or nothing"))
}

/// A rate is a number of either kind.
#[allow(clippy::cast_precision_loss)] // nobody is exact about 2^53 requests a second
fn rate(key: &str, item: &Item) -> Said<f64> {
    let rate = item.as_float().or_else(|| item.as_integer().map(|number| number as f64));
    rate.filter(|rate| rate.is_finite() && *rate >= 0.0)
        .ok_or_else(|| format!("{key:?} must be a number, not below 0"))
}

fn flag(key: &str, item: &Item) -> Said<bool> {
    item.as_bool().ok_or_else(|| format!("{key:?} must be true or false"))
}

fn list<T>(key: &str, item: &Item, parse: impl Fn(&str) -> Option<T>) -> Said<Vec<T>> {
    let array = item.as_array().ok_or_else(|| format!("{key:?} must be a list of texts"))?;
    let parse = |typed: &str| parse(typed).ok_or_else(|| format!("{key:?}: {typed:?} is no address"));
    array
        .iter()
        .map(|value| value.as_str().ok_or_else(|| format!("{key:?} must be a list of texts")).and_then(parse))
        .collect()
}

fn at(text: &str, span: Option<std::ops::Range<usize>>, what: &str) -> String {
    let before = span.and_then(|span| text.get(..span.start)).unwrap_or_default();
    format!("line {}: {what}", before.matches('\n').count() + 1)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn every_key_of_the_page_is_taken() {
        let page = include_str!("../../docs/formats/relay-config.md");
        let text = page.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
        let config = RelayConfig::parse(text).unwrap();
        assert_eq!(config.listen.len(), 2);
        // What the page shows as built in is built in.
        let built_in = RelayConfig::default();
        assert_eq!(
            (config.limits.account, config.limits.pairing),
            (built_in.limits.account, built_in.limits.pairing)
        );
        assert_eq!((config.policy, config.bits), (built_in.policy, built_in.bits));
        assert_eq!(config.metrics_for, built_in.metrics_for);
        assert_eq!(VisitorLimits { proxies: Vec::new(), ..config.visitors.clone() }, built_in.visitors);
        assert_eq!(config.invites.len(), 1);
        assert!(config.has_secrets());
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        for (text, expected) in [
            ("\nlisten = \"x\"", "line 2: \"listen\" must be a list"),
            ("listen = [\"example.org:443\"]", "line 1: \"listen\": \"example.org:443\" is no address"),
            ("polcy = \"open\"", "line 1: unknown key \"polcy\""),
            ("policy = \"all\"", "line 1: \"policy\" must be"),
            ("bits = 60", "line 1: \"bits\" must be 1 to 22"),
            ("[account]\nbytes = -1", "line 2: \"bytes\" must be a number"),
            ("[account]\ndays = 9223372036854775807", "line 2: \"days\" is too long"),
            ("[[invite]]\nsha256 = \"00\"", "line 2: \"sha256\" must have 64"),
            ("[[invite]]\nboxes = 1", "[[invite]] needs"),
            ("invite = 1", "line 1: invites are written"),
            ("store = 1", "line 1: not a section"),
            ("rate = nan", "line 1: \"rate\" must be a number"),
            ("connections = 0", "line 1: \"connections\" must be 1"),
        ] {
            let said = RelayConfig::parse(text).unwrap_err();
            assert!(said.starts_with(expected), "{text}: {said}");
        }
    }

    #[test]
    fn a_file_with_a_password_is_read_by_nobody_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("relay.toml");
        let check = |text: &str, mode: u32| {
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            RelayConfig::read(&path).is_ok()
        };
        assert!(check("[store]\npassword = \"x\"", 0o600));
        assert!(!check("[store]\npassword = \"x\"", 0o640));
        assert!(!check("[bodies]\nsecret_key = \"x\"", 0o604));
        assert!(check("policy = \"open\"", 0o644));
        assert!(!check("policy = \"open\"", 0o664));
    }
}
