//! `cseal trust rely`: CAs that count as the organisation's own, and people whose OpenPGP
//! certifications count.

use std::path::{Path, PathBuf};

use counterseal_core::address::EmailAddress;
use counterseal_core::fingerprint::OpenPgpFingerprint;
use counterseal_core::limits::{OPENPGP_CERTIFICATE_BYTES, OPENPGP_CERTIFICATES};
use counterseal_core::openpgp::{FULL, Root, certificate_in, read_ownertrust};
use counterseal_core::policy::mail_domain;
use counterseal_core::x509::Certificate;

use super::list as list_command;
use super::show::web;
use crate::args;
use crate::clock;
use crate::commands::introducers::{self, Introducer};
use crate::commands::keys::is_or_is_under;
use crate::commands::parse_address;
use crate::commands::reliances::{self, Reliance};
use crate::commands::statements::{self, Contact};
use crate::commands::store::{self, Unlock};
use crate::failure::{Exit, Failure};
use crate::files::read_file;
use crate::policy;
use crate::render::trust::list::{self, Reliances};
use crate::sources;
use crate::store::{EvidenceKind, Store, StoreError, TrustKind, Writer};
use crate::terminal::say;

/// What `gpg --export-ownertrust` writes has 64 octets a line.
const OWNERTRUST_BYTES: usize = 64 * OPENPGP_CERTIFICATES;
/// As many as the store has room for beside one CA.
const MOST_DOMAINS: usize = 200;

/// Relies on somebody from now on, or not any more.
pub(super) fn run(arguments: &args::TrustRely) -> Result<Exit, Failure> {
    let mut store = store::open()?;
    let change = match (&arguments.gnupg_ownertrust, whom(arguments)?) {
        (Some(path), _) => of_gnupg(&store, path, arguments)?,
        (None, Some(typed)) if arguments.remove => kept(&store, typed)?,
        (None, Some(typed)) => given(&store, typed, arguments)?,
        (None, None) => return Err(Failure::usage("nothing says on whom")),
    };
    let before = list_command::reliances(&store)?;
    store::unlock(&store, &Unlock::from_options(&arguments.passphrase))?;
    store.write(clock::now(), |writer| change.write(writer, arguments.remove))?;
    let reliances = Reliances {
        authorities: change.authorities.iter().map(Reliance::object).collect(),
        introducers: change.introducers.iter().map(Introducer::object).collect(),
        contacts: change.contacts.iter().map(Contact::object).collect(),
    };
    let offered: Vec<_> = change.offered.iter().map(Introducer::object).collect();
    let reliances = if arguments.remove { reliances } else { reliances.compared(&before, &offered) };
    let profile = policy::in_force()?.rules.capacities.profile;
    list::relied_on(&reliances, profile, arguments.remove, arguments.report.json)?;
    if !change.perhaps_own.is_empty() {
        note_perhaps_own(&change.perhaps_own);
    }
    Ok(Exit::Done)
}

/// Whom the command line names: `--own FINGERPRINT` names somebody, too.
fn whom(arguments: &args::TrustRely) -> Result<Option<&str>, Failure> {
    let own = arguments.own.iter().map(String::as_str).filter(|own| !own.is_empty());
    let named: Vec<&str> = arguments.on.as_deref().into_iter().chain(own).collect();
    match named.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(one)),
        _ if arguments.gnupg_ownertrust.is_some() => Ok(None),
        [one, others @ ..] if others.iter().all(|other| other == one) => Ok(Some(one)),
        _ => Err(Failure::usage("two certificates; rely on one after the other")),
    }
}

/// GnuPG trusts a key ultimately because its owner said so, which mostly means that it is theirs. It does
/// not say so, and what is believed of one's own key is more than what is believed of anybody else's.
fn note_perhaps_own(certificates: &[OpenPgpFingerprint]) {
    say("note: GnuPG trusts these ultimately. Where one is your own key, run this again with");
    for certificate in certificates {
        say(&format!("  --own {certificate}"));
    }
    say("What you certified yourself then counts in full.");
}

/// What is to be kept, or to be forgotten.
#[derive(Default)]
struct Change {
    authorities: Vec<Reliance>,
    introducers: Vec<Introducer>,
    contacts: Vec<Contact>,
    /// OpenPGP certificates that come along.
    web: introducers::Taken,
    /// The packets of their certificates: what they sign is checked by these, now and later.
    signers: Vec<(OpenPgpFingerprint, Vec<u8>)>,
    /// What GnuPG says, where the person may have said something else.
    offered: Vec<Introducer>,
    /// Those of them that GnuPG trusts ultimately, and of which nobody said whether they are the person's own.
    perhaps_own: Vec<OpenPgpFingerprint>,
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
        for (certificate, packets) in &self.signers {
            writer.keep_evidence(EvidenceKind::Signer, certificate.as_bytes(), packets)?;
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
        let (web, keyrings) = taken(store, &arguments.keyrings)?;
        if !web.knows(&certificate) {
            return Err(Failure::unknown("no-key", format!("{certificate}: no such OpenPGP certificate"))
                .hint("name a keyring that has it: --keyring FILE"));
        }
        let before = introducers::all(store)?.into_iter().find(|known| known.certificate == certificate);
        let introducer = introducer(certificate, before, domains, arguments);
        let signers = signers(std::slice::from_ref(&introducer), &keyrings);
        return Ok(Change { introducers: vec![introducer], signers, web, ..Change::default() });
    }
    if !arguments.own.is_empty() || arguments.depth.is_some() || !arguments.keyrings.is_empty() {
        return Err(Failure::usage(format!(
            "{typed}: no OpenPGP fingerprint (40 or 64 digits), which --keyring, --depth and --own ask for"
        )));
    }
    if !Path::new(typed).exists() && typed.contains('@') {
        let contact = contact(store, typed, arguments.amount, domains)?;
        return Ok(Change { contacts: vec![contact], ..Change::default() });
    }
    let path = PathBuf::from(typed);
    let mut authorities = sources::certificates(std::slice::from_ref(&path))?;
    authorities.retain(Certificate::is_certificate_authority);
    if authorities.is_empty() {
        return Err(Failure::unknown("no-certificate", format!("{}: no CA in this file", path.display()))
            .hint("for a person's certificate, compare its fingerprint and use `cseal trust pin`"));
    }
    authorities.iter().try_for_each(|authority| refuse_personal(authority, &path))?;
    let before = reliances::anchors(store)?;
    let reliance = |authority: Certificate| {
        let key = authority.fingerprint();
        let before = before.iter().find(|before| before.authority.fingerprint() == key);
        let amount = arguments.amount.or_else(|| before.and_then(|before| before.amount));
        let domains = named_or(domains.clone(), before.map(|before| before.domains.as_slice()));
        Reliance { authority, amount, domains, since: None }
    };
    Ok(Change { authorities: authorities.into_iter().map(reliance).collect(), ..Change::default() })
}

/// Somebody whose OpenPGP certifications count: what is not said anew stays as it was.
fn introducer(
    certificate: OpenPgpFingerprint,
    before: Option<Introducer>,
    domains: Vec<String>,
    arguments: &args::TrustRely,
) -> Introducer {
    if !arguments.own.is_empty() {
        return Introducer { certificate, limits: Root::of(FULL), is_own: true, once_certified: false };
    }
    let is_own = before.as_ref().is_some_and(|before| before.is_own);
    let before = before.map(|before| before.limits);
    let limits = Root {
        amount: arguments.amount.or(before.as_ref().map(|before| before.amount)).unwrap_or(FULL),
        depth: arguments.depth.or(before.as_ref().and_then(|before| before.depth)),
        domains: named_or(domains, before.as_ref().map(|before| before.domains.as_slice())),
    };
    Introducer { certificate, limits, is_own, once_certified: false }
}

/// The mail domains that were named, else those of before.
fn named_or(domains: Vec<String>, before: Option<&[String]>) -> Vec<String> {
    if domains.is_empty() { before.unwrap_or_default().to_vec() } else { domains }
}

/// A CA that certifies one person's mailboxes is that person: to rely on it as on an organisation would be to
/// take their own word for who they are.
fn refuse_personal(authority: &Certificate, path: &Path) -> Result<(), Failure> {
    if !authority.is_personal_authority() {
        return Ok(());
    }
    let owner = sources::certificates(&[path.to_path_buf()])?
        .iter()
        .filter(|leaf| is_or_is_under(leaf, authority))
        .flat_map(|leaf| leaf.addresses().first().map(ToString::to_string))
        .next();
    let (whose, address) = match &owner {
        Some(address) => (format!("{address}'s"), address.as_str()),
        None => ("somebody's".to_owned(), "ADDRESS"),
    };
    let fingerprint = authority.fingerprint();
    Err(Failure::no("personal-ca", format!("{}: this is {whose} personal CA", path.display()))
        .details(vec![
            fingerprint.to_string(),
            "Compare this with its owner, then say so; if their word is to count, rely on them:".to_owned(),
            format!("cseal trust pin {address} {fingerprint}"),
            format!("cseal trust rely {address}"),
        ])
        .hint("an organisation's CA certifies many people; that is what a FILE is for"))
}

/// A contact whose fingerprint the person compared.
fn contact(store: &Store, typed: &str, amount: Option<u8>, domains: Vec<String>) -> Result<Contact, Failure> {
    let address = parse_address(typed)?;
    let lookup_key = address.lookup_key();
    let rows = store.trust_rows()?;
    let mut pins = rows.iter().filter(|row| row.kind == TrustKind::Pin && row.address == lookup_key);
    match (pins.next(), pins.next()) {
        (Some(pin), None) => {
            let before = statements::contacts(store)?.into_iter().find(|before| before.key == pin.key);
            let amount = amount.or(before.as_ref().map(|before| before.amount)).unwrap_or(FULL);
            let domains = named_or(domains, before.as_ref().map(|before| before.domains.as_slice()));
            Ok(Contact { address, key: pin.key, amount, domains })
        }
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
fn of_gnupg(store: &Store, path: &Path, arguments: &args::TrustRely) -> Result<Change, Failure> {
    let own = own(&arguments.own)?;
    let bytes = read_file(path, OWNERTRUST_BYTES)?;
    let wrong = |what: String| Failure::unknown("ownertrust", format!("{}: {what}", path.display()));
    let text = std::str::from_utf8(&bytes).map_err(|_| wrong("not text".to_owned()))?;
    let reliances = read_ownertrust(text).map_err(|error| wrong(error.to_string()))?;
    let (web, keyrings) = taken(store, &arguments.keyrings)?;
    let depth = reliances.longest_chain().map(|longest| longest.saturating_sub(1));
    let roots = reliances.roots().map(|(certificate, root)| Introducer {
        certificate: *certificate,
        limits: Root { depth, ..root.clone() },
        is_own: own.contains(certificate),
        once_certified: false,
    });
    if let Some(other) = own.iter().find(|own| reliances.root(own).is_none()) {
        return Err(wrong(format!("it does not trust {other} ultimately"))
            .hint("your own key has ultimate trust in GnuPG; is this the right file?"));
    }
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
    let kept = introducers::all(store)?;
    let perhaps_own = known.iter().filter(|offered| !offered.is_own && !offered.once_certified);
    let perhaps_own = perhaps_own.map(|offered| offered.certificate);
    let perhaps_own =
        perhaps_own.filter(|one| !kept.iter().any(|kept| kept.certificate == *one && kept.is_own)).collect();
    // What the person set by hand, GnuPG does not take away. What they say of their own key now, holds.
    let introducers = known.iter().map(|offered| {
        let before = kept.iter().find(|kept| kept.certificate == offered.certificate);
        before.filter(|_| !offered.is_own).unwrap_or(offered).clone()
    });
    let introducers: Vec<Introducer> = introducers.collect();
    let signers = signers(&introducers, &keyrings);
    Ok(Change { introducers, signers, offered: known, perhaps_own, web, ..Change::default() })
}

/// The certificates that are the person's own.
fn own(typed: &[String]) -> Result<Vec<OpenPgpFingerprint>, Failure> {
    let read = typed.iter().map(|typed| {
        OpenPgpFingerprint::parse(typed)
            .ok_or_else(|| Failure::usage("with --gnupg-ownertrust, --own needs the fingerprint of your key"))
    });
    read.collect()
}

/// The OpenPGP certificates of keyring files, with those of the store.
fn taken(store: &Store, keyrings: &[PathBuf]) -> Result<(introducers::Taken, Vec<Vec<u8>>), Failure> {
    let files: Vec<Vec<u8>> = web::read_files(keyrings)?.iter().map(|file| file.to_vec()).collect();
    let slices: Vec<&[u8]> = files.iter().map(Vec::as_slice).collect();
    Ok((introducers::Taken::of(store, &slices)?, files))
}

/// The packets of whom the keyrings have.
fn signers(introducers: &[Introducer], keyrings: &[Vec<u8>]) -> Vec<(OpenPgpFingerprint, Vec<u8>)> {
    let packets = |certificate: &OpenPgpFingerprint| {
        let mut found = keyrings.iter().filter_map(|keyring| certificate_in(keyring, certificate));
        found.find(|packets| packets.len() <= OPENPGP_CERTIFICATE_BYTES)
    };
    let known = introducers.iter().filter_map(|one| Some((one.certificate, packets(&one.certificate)?)));
    known.collect()
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
