//! `cseal trust rely`: CAs that count as the organisation's own, and people whose OpenPGP
//! certifications count.

use std::path::{Path, PathBuf};

use counterseal_core::address::EmailAddress;
use counterseal_core::fingerprint::OpenPgpFingerprint;
use counterseal_core::limits::OPENPGP_CERTIFICATES;
use counterseal_core::openpgp::{FULL, Root, read_ownertrust};
use counterseal_core::policy::mail_domain;
use counterseal_core::x509::Certificate;

use super::show::web;
use crate::args;
use crate::clock;
use crate::commands::introducers::{self, Introducer};
use crate::commands::parse_address;
use crate::commands::reliances::{self, Reliance};
use crate::commands::statements::{self, Contact};
use crate::commands::store::{self, Unlock};
use crate::failure::{Exit, Failure};
use crate::files::read_file;
use crate::render::trust::list::{self, Reliances};
use crate::sources;
use crate::store::{Store, StoreError, TrustKind, Writer};
use crate::terminal::say;

/// What `gpg --export-ownertrust` writes has 64 octets a line.
const OWNERTRUST_BYTES: usize = 64 * OPENPGP_CERTIFICATES;
/// As many as the store has room for beside one CA.
const MOST_DOMAINS: usize = 200;

/// Relies on somebody from now on, or not any more.
pub(super) fn run(arguments: &args::TrustRely) -> Result<Exit, Failure> {
    let mut store = store::open()?;
    let change = match (&arguments.gnupg_ownertrust, &arguments.on) {
        (Some(path), _) => of_gnupg(&store, path, &arguments.keyrings)?,
        (None, Some(typed)) if arguments.remove => kept(&store, typed)?,
        (None, Some(typed)) => given(&store, typed, arguments)?,
        (None, None) => return Err(Failure::usage("nothing says on whom")),
    };
    store::unlock(&store, &Unlock::from_options(&arguments.passphrase))?;
    store.write(clock::now(), |writer| change.write(writer, arguments.remove))?;
    let reliances = Reliances {
        authorities: change.authorities.iter().map(Reliance::object).collect(),
        introducers: change.introducers.iter().map(Introducer::object).collect(),
        contacts: change.contacts.iter().map(Contact::object).collect(),
    };
    list::relied_on(&reliances, arguments.remove, arguments.report.json)?;
    Ok(Exit::Done)
}

/// What is to be kept, or to be forgotten.
#[derive(Default)]
struct Change {
    authorities: Vec<Reliance>,
    introducers: Vec<Introducer>,
    contacts: Vec<Contact>,
    /// OpenPGP certificates that come along.
    web: introducers::Taken,
    /// Whether nobody is relied on in OpenPGP afterwards.
    is_last: bool,
}

impl Change {
    fn write(&self, writer: &mut Writer<'_>, removes: bool) -> Result<(), StoreError> {
        for reliance in &self.authorities {
            if removes {
                reliance.forget(writer)?
            } else {
                reliance.keep(writer)?
            };
        }
        for introducer in &self.introducers {
            if removes {
                introducer.forget(writer)?
            } else {
                introducer.keep(writer)?
            };
        }
        for contact in &self.contacts {
            if removes {
                contact.forget(writer)?
            } else {
                contact.keep(writer)?
            };
        }
        self.web.keep(writer)?;
        if self.is_last { introducers::forget_web(writer) } else { Ok(()) }
    }
}

fn given(store: &Store, typed: &str, arguments: &args::TrustRely) -> Result<Change, Failure> {
    let domains = domains(&arguments.domains)?;
    if let Some(certificate) = OpenPgpFingerprint::parse(typed) {
        let web = taken(store, &arguments.keyrings)?;
        if !web.knows(&certificate) {
            return Err(Failure::unknown("no-key", format!("{certificate}: no such OpenPGP certificate"))
                .hint("name a keyring that has it: --keyring FILE"));
        }
        let amount = arguments.amount.unwrap_or(FULL);
        let limits = Root { amount, depth: arguments.depth, domains };
        let introducer = Introducer { certificate, limits, is_own: arguments.own, once_certified: false };
        return Ok(Change { introducers: vec![introducer], web, ..Change::default() });
    }
    if arguments.own || arguments.depth.is_some() || !arguments.keyrings.is_empty() {
        return Err(Failure::usage(format!(
            "{typed}: no OpenPGP fingerprint (40 or 64 digits), which --keyring, --depth and --own ask for"
        )));
    }
    if !Path::new(typed).exists() && typed.contains('@') {
        let contact = contact(store, typed, arguments.amount.unwrap_or(FULL), domains)?;
        return Ok(Change { contacts: vec![contact], ..Change::default() });
    }
    let path = PathBuf::from(typed);
    let mut authorities = sources::certificates(std::slice::from_ref(&path))?;
    authorities.retain(Certificate::is_certificate_authority);
    if authorities.is_empty() {
        return Err(Failure::unknown("no-certificate", format!("{}: no CA in this file", path.display()))
            .hint("for a person's certificate, compare its fingerprint and use `cseal trust pin`"));
    }
    let reliance =
        |authority| Reliance { authority, amount: arguments.amount, domains: domains.clone(), since: None };
    Ok(Change { authorities: authorities.into_iter().map(reliance).collect(), ..Change::default() })
}

/// A contact whose fingerprint the person compared.
fn contact(store: &Store, typed: &str, amount: u8, domains: Vec<String>) -> Result<Contact, Failure> {
    let address = parse_address(typed)?;
    let lookup_key = address.lookup_key();
    let rows = store.trust_rows()?;
    let mut pins = rows.iter().filter(|row| row.kind == TrustKind::Pin && row.address == lookup_key);
    match (pins.next(), pins.next()) {
        (Some(pin), None) => Ok(Contact { address, key: pin.key, amount, domains }),
        (None, _) => {
            Err(Failure::unknown("no-pin", format!("{address}: you did not compare the fingerprint"))
                .hint(format!("compare it, and run `cseal trust pin {address} FINGERPRINT`")))
        }
        (Some(_), Some(_)) => {
            Err(Failure::usage(format!("{address}: you compared several keys, and one person has one word"))
                .hint(format!("leave one of them: `cseal trust unpin {address} FINGERPRINT`")))
        }
    }
}

/// Everybody on whom GnuPG relies and whose certificates are at hand.
fn of_gnupg(store: &Store, path: &Path, keyrings: &[PathBuf]) -> Result<Change, Failure> {
    let bytes = read_file(path, OWNERTRUST_BYTES)?;
    let wrong = |what: String| Failure::unknown("ownertrust", format!("{}: {what}", path.display()));
    let text = std::str::from_utf8(&bytes).map_err(|_| wrong("not text".to_owned()))?;
    let reliances = read_ownertrust(text).map_err(|error| wrong(error.to_string()))?;
    let web = taken(store, keyrings)?;
    let depth = reliances.longest_chain().map(|longest| longest.saturating_sub(1));
    let roots = reliances.roots().map(|(certificate, root)| Introducer {
        certificate: *certificate,
        limits: Root { depth, ..root.clone() },
        is_own: false,
        once_certified: false,
    });
    let introducers = reliances.introducers().map(|(certificate, amount)| Introducer {
        certificate: *certificate,
        limits: Root::of(amount),
        is_own: false,
        once_certified: true,
    });
    let named: Vec<Introducer> = roots.chain(introducers).collect();
    let all = named.len();
    let known: Vec<Introducer> =
        named.into_iter().filter(|introducer| web.knows(&introducer.certificate)).collect();
    if known.is_empty() {
        let what = match all {
            0 => "it says that nobody is trusted".to_owned(),
            several => format!("{several} owners are trusted, and the certificate of none is at hand"),
        };
        return Err(wrong(what).hint("name the keyring that has them: --keyring FILE, from `gpg --export`"));
    }
    let missing = all - known.len();
    if missing > 0 {
        say(&format!("cseal: {missing} of {all} trusted owners left out: no keyring has their certificates"));
    }
    Ok(Change { introducers: known, web, ..Change::default() })
}

/// The OpenPGP certificates of keyring files, with those of the store.
fn taken(store: &Store, keyrings: &[PathBuf]) -> Result<introducers::Taken, Failure> {
    let files = web::read_files(keyrings)?;
    let files: Vec<&[u8]> = files.iter().map(|file| file.as_slice()).collect();
    introducers::Taken::of(store, &files)
}

/// Mail domains as addresses have them.
fn domains(typed: &[String]) -> Result<Vec<String>, Failure> {
    let read = typed.iter().map(|typed| {
        mail_domain(typed).ok_or_else(|| Failure::usage(format!("--domain {typed}: no mail domain")))
    });
    let mut domains: Vec<String> = read.collect::<Result<_, _>>()?;
    domains.sort_unstable();
    domains.dedup();
    if domains.len() > MOST_DOMAINS {
        return Err(Failure::usage(format!("more than {MOST_DOMAINS} mail domains")));
    }
    Ok(domains)
}

/// Whom a fingerprint names of those who are relied on, or which CAs are in a file.
fn kept(store: &Store, typed: &str) -> Result<Change, Failure> {
    let in_file =
        if Path::new(typed).is_file() { sources::certificates(&[typed.into()])? } else { Vec::new() };
    let mut authorities = reliances::anchors(store)?;
    authorities.retain(|reliance| {
        let key = reliance.authority.fingerprint();
        key.is_named_by(typed) || in_file.iter().any(|given| given.fingerprint() == key)
    });
    let named = OpenPgpFingerprint::parse(typed);
    let (named, others): (Vec<_>, Vec<_>) =
        introducers::all(store)?.into_iter().partition(|introducer| Some(introducer.certificate) == named);
    let mut contacts = statements::contacts(store)?;
    let address = EmailAddress::parse(typed).ok();
    contacts.retain(|contact| address.as_ref().is_some_and(|address| contact.address.matches(address)));
    if authorities.is_empty() && named.is_empty() && contacts.is_empty() {
        return Err(Failure::unknown("no-key", format!("{typed}: you do not rely on it"))
            .hint("see what there is with `cseal trust list`"));
    }
    let is_last = !named.is_empty() && others.is_empty();
    Ok(Change { authorities, introducers: named, contacts, is_last, ..Change::default() })
}
