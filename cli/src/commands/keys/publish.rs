//! `cseal keys publish`: what others need to find the person's certificates. Nothing is sent anywhere.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use counterseal_core::address::EmailAddress;
use counterseal_core::cms::write_certificates_only;
use counterseal_core::limits::OPENPGP_CERTIFICATE_BYTES;
use counterseal_core::lookup::{
    Matching, Selector, SmimeaRecord, Usage, smimea_name, web_key_directory_name,
};
use counterseal_core::openpgp::{LinkPurpose, TwinKey, Web, public_certificate, twin_certificate};
use counterseal_core::x509::Certificate;

use super::is_or_is_under;
use crate::args;
use crate::clock;
use crate::commands::parse_address;
use crate::commands::store::{self, Unlock};
use crate::failure::{Exit, Failure};
use crate::files::{read_file, write_file};
use crate::render::publish as render;
use crate::store::{Store, TrustKind};

/// Prints records, writes files, or both.
pub(super) fn run(arguments: &args::Publish) -> Result<Exit, Failure> {
    let store = store::open()?;
    let own = own(&store, &arguments.addresses)?;
    let mut text = String::new();
    if arguments.smimea {
        text.push_str(&own.iter().map(|own| records(own, arguments)).collect::<String>());
        text.push_str(&render::after_records());
    }
    if let Some(directory) = &arguments.wkd {
        let directories = Directories::of(directory, &own)?;
        for own in &own {
            let openpgp = openpgp(own, arguments, &store)?;
            directories.write(own, &openpgp)?;
        }
        text.push_str(&render::after_files(directory, &directories.domains, directories.direct));
    }
    render::print(&text)?;
    Ok(Exit::Done)
}

/// An address of the owner, and what is published for it.
struct Own {
    address: EmailAddress,
    /// Those that are valid now: to encrypt to first, then to verify with.
    leaves: Vec<Certificate>,
    /// The CAs above them: the personal one.
    authorities: Vec<Certificate>,
}

fn own(store: &Store, typed: &[String]) -> Result<Vec<Own>, Failure> {
    let mut addresses: Vec<EmailAddress> = Vec::new();
    for text in typed {
        addresses.push(parse_address(text)?);
    }
    if addresses.is_empty() {
        let rows = store.trust_rows()?;
        for row in rows.iter().filter(|row| row.kind == TrustKind::Own) {
            let address = EmailAddress::parse(&row.address).ok();
            addresses.extend(address.filter(|address| !addresses.contains(address)));
        }
    }
    let stored = store.secret_keys()?;
    let held = |certificate: &Certificate| {
        stored.iter().any(|key| key.retired.is_none() && key.fingerprint == certificate.fingerprint())
    };
    let certificates: Vec<Certificate> =
        store.certificates()?.iter().filter_map(|der| Certificate::from_der(der).ok()).filter(held).collect();
    addresses.into_iter().map(|address| Own::of(address, &certificates)).collect()
}

impl Own {
    fn of(address: EmailAddress, certificates: &[Certificate]) -> Result<Self, Failure> {
        let at = clock::now();
        let mut leaves: Vec<Certificate> = certificates
            .iter()
            .filter(|own| !own.is_certificate_authority() && own.is_valid_at(at))
            .filter(|own| own.addresses().iter().any(|named| named.matches(&address)))
            .cloned()
            .collect();
        leaves.sort_by_key(|own| {
            (own.may_receive_encrypted_mail().is_err(), std::cmp::Reverse(own.not_before()))
        });
        let authorities = certificates
            .iter()
            .filter(|own| own.is_certificate_authority())
            .filter(|own| leaves.iter().any(|leaf| is_or_is_under(leaf, own)))
            .cloned()
            .collect();
        if leaves.is_empty() {
            return Err(super::unknown_key(&address.to_string()));
        }
        Ok(Self { address, leaves, authorities })
    }
}

/// The records of an address, ready for a zone file.
fn records(own: &Own, arguments: &args::Publish) -> String {
    let name = smimea_name(&own.address);
    let matching = match arguments.matching {
        args::Matching::Full => Matching::Full,
        args::Matching::Sha256 => Matching::Sha256,
        args::Matching::Sha512 => Matching::Sha512,
    };
    let selector = match arguments.selector {
        args::Selector::Certificate => Selector::Certificate,
        args::Selector::PublicKey => Selector::PublicKey,
    };
    let record = |certificate: &Certificate| {
        let usage = if certificate.is_certificate_authority() {
            Usage::AuthorityAssertion
        } else {
            Usage::CertificateAssertion
        };
        let record = SmimeaRecord::of(certificate, usage, selector, matching);
        let text =
            if arguments.generic { record.to_generic_zone_text(&name) } else { record.to_zone_text(&name) };
        format!("{text}\n")
    };
    // Whoever finds the leaves compares the personal CA: it is of use where it is there as a whole.
    let is_whole = matching == Matching::Full && selector == Selector::Certificate;
    let authorities = own.authorities.iter().filter(|_| is_whole);
    let records: String = own.leaves.iter().chain(authorities).map(record).collect();
    format!("; {}\n{records}", own.address)
}

/// The OpenPGP certificate of an address: the one that was named, else the twin of the personal CA.
fn openpgp(own: &Own, arguments: &args::Publish, store: &Store) -> Result<Vec<u8>, Failure> {
    let key = own.authorities.first().or(own.leaves.last()).ok_or_else(|| super::unknown_key(""))?;
    if let Some(path) = &arguments.openpgp {
        let failed = |what: &str| Failure::unknown("cannot-publish", format!("{}: {what}", path.display()));
        let file = public_certificate(&read_file(path, OPENPGP_CERTIFICATE_BYTES)?)
            .ok_or_else(|| failed("no OpenPGP certificate"))?;
        if !speaks_for(&file, own) {
            return Err(failed("it neither has your key nor names it for this address").hint(
                "name your key in a notation of its user identifier (docs/formats/link.md), or leave --openpgp out",
            ));
        }
        return Ok(file);
    }
    let keys = store::keys(store, Unlock::from_options(&arguments.passphrase))?;
    let address = std::slice::from_ref(&own.address);
    twin_certificate(&keys, key.public_key(), "", address, clock::now()).map_err(|error| {
        let failure = || Failure::unknown("cannot-publish", format!("no OpenPGP twin was made: {error}"));
        keys.failure().unwrap_or_else(failure)
    })
}

/// Whether others will find one of the person's keys by it.
fn speaks_for(file: &[u8], own: &Own) -> bool {
    let mut web = Web::new();
    if web.import(&[file]).is_err() {
        return false;
    }
    let at = clock::now();
    own.leaves.iter().chain(&own.authorities).any(|certificate| {
        let twin = TwinKey::of(certificate.public_key());
        web.certificates().any(|openpgp| {
            let is_twin = twin.as_ref().is_some_and(|twin| twin.is_primary_key_of(openpgp));
            let key = certificate.fingerprint();
            is_twin || openpgp.user_ids_linked_to(&key, &own.address, LinkPurpose::Both, at).next().is_some()
        })
    })
}

/// Where files go.
struct Directories {
    base: PathBuf,
    domains: Vec<String>,
    /// The direct layout has no place for a domain, so it is for one alone.
    direct: bool,
}

impl Directories {
    fn of(base: &Path, own: &[Own]) -> Result<Self, Failure> {
        let mut domains: Vec<String> = own.iter().map(|own| own.address.domain().to_owned()).collect();
        domains.sort();
        domains.dedup();
        // The name of a directory: an address literal has no web server of its own.
        if let Some(bad) = domains.iter().find(|domain| domain.starts_with('[')) {
            return Err(Failure::unknown("cannot-publish", format!("{bad} is no domain with a web server")));
        }
        let direct = domains.len() == 1;
        Ok(Self { base: base.to_owned(), domains, direct })
    }

    /// The files of one address, in each layout.
    fn write(&self, own: &Own, openpgp: &[u8]) -> Result<(), Failure> {
        let name = web_key_directory_name(&own.address);
        let certificates: Vec<Certificate> = own.leaves.iter().chain(&own.authorities).cloned().collect();
        let certificates = write_certificates_only(&certificates);
        let well_known = self.base.join(".well-known");
        let advanced = well_known.join("openpgpkey").join(own.address.domain());
        put(&advanced.join("hu").join(&name), openpgp)?;
        put(&advanced.join("policy"), b"")?;
        if self.direct {
            put(&well_known.join("openpgpkey").join("hu").join(&name), openpgp)?;
            put(&well_known.join("openpgpkey").join("policy"), b"")?;
            put(&well_known.join("counterseal").join("hu").join(&name), &certificates)?;
        }
        Ok(())
    }
}

/// Writes a file that everybody may read, and the directories above it.
fn put(path: &Path, content: &[u8]) -> Result<(), Failure> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(|error| Failure::io(parent.display().to_string(), &error))?;
    }
    write_file(path, content, true)?;
    let public = Permissions::from_mode(0o644);
    fs::set_permissions(path, public).map_err(|error| Failure::io(path.display().to_string(), &error))
}
