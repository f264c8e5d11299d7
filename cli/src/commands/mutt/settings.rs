//! The settings of mutt, and the directories in which it looks for keys.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use counterseal_core::address::EmailAddress;
use counterseal_core::time::Time;

use super::replace;
use crate::commands::readers::Directory;
use crate::commands::{reading, store};
use crate::failure::Failure;
use crate::store::{Store, TrustKind};
use crate::{args, policy, terminal};

/// Prints the settings, and writes the directories that they name. A file there holds an address; keys and
/// certificates stay in the store.
pub(super) fn write(directory: &Path, at: Time) -> Result<(), Failure> {
    let store = store::open()?;
    let policy = policy::in_force()?;
    let knowledge = reading::knowledge(&args::Evidence::default(), &[], Some(&store), &policy)?;
    let readers = Directory::of_store(&store, &knowledge, &policy, at)?;
    let (own, others) = addresses(&store)?;
    let mut names: BTreeMap<String, EmailAddress> = BTreeMap::new();
    let mut own_names: BTreeMap<String, EmailAddress> = BTreeMap::new();
    for (addresses, is_own) in [(&own, true), (&others, false)] {
        for address in addresses {
            let Ok(accepted) = readers.one(address) else { continue };
            let name = name(address, &accepted.public_key().fingerprint().to_hex());
            if is_own {
                own_names.insert(name.clone(), address.clone());
            }
            names.insert(name, address.clone());
        }
    }
    fill(&directory.join("certificates"), &names)?;
    fill(&directory.join("keys"), &own_names)?;
    let default = own_names.iter().find(|(_, address)| own.first().is_some_and(|own| own.matches(address)));
    terminal::print(&text(directory, default.map(|(name, _)| name.as_str()))?)
        .map_err(|error| Failure::io("standard output", &error))
}

/// Our addresses, and those of contacts.
fn addresses(store: &Store) -> Result<(Vec<EmailAddress>, Vec<EmailAddress>), Failure> {
    let (mut own, mut others): (Vec<EmailAddress>, Vec<EmailAddress>) = (Vec::new(), Vec::new());
    for row in store.trust_rows()? {
        let Ok(address) = EmailAddress::parse(&row.address) else { continue };
        let list = if row.kind == TrustKind::Own { &mut own } else { &mut others };
        // A space ends a field of mutt's index.
        if !list.iter().any(|other| other.matches(&address)) && !row.address.contains(char::is_whitespace) {
            list.push(address);
        }
    }
    others.retain(|other| !own.iter().any(|own| own.matches(other)));
    Ok((own, others))
}

/// Bytes of a name: of the key, a dot, and of the address.
const NAME_BYTES: usize = 16 + 1 + 8;

/// A name that a shell takes as it is, which is where mutt puts it: never an address.
fn name(address: &EmailAddress, key: &str) -> String {
    let of_address = counterseal_core::message::message_name(&address.lookup_key());
    let start: String = of_address.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    format!("{}.{start}", key.get(..16).unwrap_or(key))
}

/// What marks a line of an index as ours: label, issuer, trust and purpose.
const OURS: &str = " cseal ? t es";

/// Writes a directory of mutt's: a file for each, and an index (one line for each: address, file, label, issuer,
/// trust, purpose). What is not wanted any more goes; a directory of somebody else's stays as it is.
fn fill(directory: &Path, names: &BTreeMap<String, EmailAddress>) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::io(directory.display().to_string(), &error);
    DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(failed)?;
    let before = fs::read_to_string(directory.join(".index")).unwrap_or_default();
    if !before.lines().all(|line| line.ends_with(OURS)) {
        let what = format!("{}: these are certificates of another program", directory.display());
        return Err(Failure::usage(what).hint("name a directory that does not exist"));
    }
    let mut index = String::new();
    for (name, address) in names {
        replace(&directory.join(name), &format!("{address}\n"))?;
        // Writing to a string does not fail.
        let _ = writeln!(index, "{address} {name}{OURS}");
    }
    replace(&directory.join(".index"), &index)?;
    for stale in before.lines().filter_map(|line| line.split(' ').nth(1)) {
        let is_ours = stale.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'.');
        if is_ours && stale.len() == NAME_BYTES && !names.contains_key(stale) {
            // It may be gone already.
            let _ = fs::remove_file(directory.join(stale));
        }
    }
    Ok(())
}

fn text(directory: &Path, default: Option<&str>) -> Result<String, Failure> {
    let quoted = |path: &Path| {
        // mutt puts it into the command line of a shell as it is.
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._+@,:-".contains(&byte);
        let text = path.to_str().filter(|text| text.bytes().all(is_plain));
        text.map(str::to_owned).ok_or_else(|| {
            Failure::usage(format!("{}: muttrc cannot name this path", path.display()))
                .hint("take one of letters, digits and /._+@,:-")
        })
    };
    let directory = quoted(&std::path::absolute(directory).unwrap_or_else(|_| directory.to_owned()))?;
    let program = std::env::current_exe().map_err(|error| Failure::io("the name of this program", &error))?;
    let program = quoted(&program)?;
    let mut text = format!(
        "# Made by cseal mutt settings; read by muttrc each time mutt starts.\n\
         set crypt_use_gpgme=no\n\
         set smime_is_default=yes\n\
         set smime_ask_cert_label=no\n\
         set smime_certificates=\"{directory}/certificates\"\n\
         set smime_keys=\"{directory}/keys\"\n"
    );
    if let Some(default) = default {
        let _ = writeln!(text, "set smime_default_key=\"{default}\"");
        text.push_str("set smime_self_encrypt=yes\nset postpone_encrypt=yes\n");
    }
    text.push_str(
        "set smime_encrypt_with=\"aes256\"\nset smime_sign_digest_alg=\"sha256\"\nset fcc_clear=no\n",
    );
    for (name, command) in [
        ("decrypt", "mutt decrypt %f"),
        ("verify", "mutt verify %s %f"),
        ("verify_opaque", "mutt verify-opaque %s"),
        ("sign", "mutt sign %f %k"),
        ("encrypt", "mutt encrypt %f %c"),
        ("get_signer_cert", "mutt signer %f > %c"),
        ("get_cert_email", "mutt addresses %f"),
        ("import_cert", "keys import %f"),
    ] {
        let _ = writeln!(text, "set smime_{name}_command=\"{program} {command}\"");
    }
    // The mail itself goes from one to the next: `keys import` reads it, and believes nothing that is not signed.
    text.push_str("set smime_pk7out_command=\"cat %f\"\nset smime_get_cert_command=\"cat %f\"\n");
    Ok(text)
}
