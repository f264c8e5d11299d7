//! `cseal setup --system`: sending for the whole machine. It may be run again: what is there stays.

mod files;
mod timer;

use std::path::{Path, PathBuf};

use counterseal_core::address::EmailAddress;
use counterseal_core::submission::Aliases;
use counterseal_core::x509::{Certificate, pem};

use crate::account::Server;
use crate::args;
use crate::commands::readers::{Directory, for_encryption};
use crate::commands::store;
use crate::failure::{Exit, Failure};
use crate::files::read_settings;
use crate::render::setup as render;
use crate::sources;
use crate::system::{CERTIFICATES, SETTINGS, SHARED_MODE, SPOOLS, SPOOLS_MODE, Shelf, file_name};
use crate::{clock, policy};
pub(crate) use files::Deed;
use files::Deeds;

/// Makes what is missing, and says what it wrote. All that can be refused is refused before anything is written.
pub(super) fn run(arguments: &args::Setup) -> Result<Exit, Failure> {
    if !rustix::process::geteuid().is_root() {
        return Err(Failure::unknown("not-root", "only root sets up the whole machine")
            .hint("begin it with sudo, or set up sending for yourself alone"));
    }
    let plan = Plan::of(arguments)?;
    let mut deeds = Deeds::default();
    deeds.directory(Path::new(SETTINGS), SHARED_MODE)?;
    deeds.directory(Path::new(CERTIFICATES), SHARED_MODE)?;
    deeds.directory(Path::new(SPOOLS), SPOOLS_MODE)?;
    deeds.spools()?;
    for (name, text) in &plan.certificates {
        deeds.file(&Path::new(CERTIFICATES).join(name), text, Deed::Replaced)?;
    }
    if let Some(aliases) = &plan.aliases {
        deeds.file(&aliases_path(), aliases, Deed::Replaced)?;
    }
    if plan.needs_password {
        deeds.secret(&password_path())?;
    }
    deeds.file(&Path::new(SETTINGS).join("policy.toml"), POLICY, Deed::Kept)?;
    // The last file: it is what makes `cseal-sendmail` look at all the others.
    deeds.file(&Path::new(SETTINGS).join("config.toml"), &plan.config, Deed::Kept)?;
    timer::install(&mut deeds, &plan.program)?;
    render::system(&deeds.done, &plan.notes, arguments.report.json)?;
    Ok(Exit::Done)
}

/// What is going to be written.
struct Plan {
    /// Files' names and PEM.
    certificates: Vec<(String, String)>,
    /// The whole file, where it changes.
    aliases: Option<String>,
    config: String,
    needs_password: bool,
    /// What the timer runs.
    program: String,
    /// What the administrator has to know of it.
    notes: Vec<String>,
}

impl Plan {
    fn of(arguments: &args::Setup) -> Result<Self, Failure> {
        let root_mail = arguments.root_mail.as_deref().map(super::super::parse_address).transpose()?;
        let before = read_settings(&aliases_path(), counterseal_core::limits::ALIAS_BYTES, "config")?;
        let before = before.unwrap_or_default();
        let known = Aliases::parse(&before)
            .map_err(|error| Failure::unknown("config", format!("{}: {error}", aliases_path().display())))?;
        let reader = match (&root_mail, known.get("root")) {
            (Some(address), _) => Some(address.clone()),
            (None, Some(target)) => EmailAddress::parse(target).ok(),
            (None, None) => {
                return Err(Failure::usage("nobody reads the mail of root yet")
                    .hint("say who does: --root-mail alice@example.org"));
            }
        };
        let (certificates, notes) = certificates(arguments, reader.as_ref())?;
        let needs_password = arguments.user.is_some();
        Ok(Self {
            certificates,
            aliases: root_mail.map(|address| with_root(&before, &address)),
            config: config(arguments)?,
            needs_password,
            program: timer::program()?,
            notes,
        })
    }
}

fn aliases_path() -> PathBuf {
    Path::new(SETTINGS).join("aliases")
}

fn password_path() -> PathBuf {
    Path::new(SETTINGS).join("password")
}

/// What goes on the shelf. Whoever reads root's mail must have a certificate there: without one nothing could be sent.
fn certificates(
    arguments: &args::Setup,
    reader: Option<&EmailAddress>,
) -> Result<(Vec<(String, String)>, Vec<String>), Failure> {
    let (mut files, mut notes) = (Vec::new(), Vec::new());
    let mut named = Vec::new();
    for path in &arguments.certificate {
        let all = sources::certificates(std::slice::from_ref(path))?;
        let leaf = for_encryption(all.clone());
        let Some(leaf) = leaf.first().filter(|leaf| leaf.may_receive_encrypted_mail().is_ok()) else {
            let what = format!("{}: no certificate that mail can be encrypted to", path.display());
            return Err(Failure::unknown("no-certificate", what));
        };
        named.extend(shelve(leaf, &all, &mut files, &mut notes)?);
    }
    let Some(reader) = reader else { return Ok((files, notes)) };
    let is_known = named.iter().any(|own| own.matches(reader)) || is_on_shelf(reader)?;
    if !is_known {
        let (leaf, all) = from_store(reader)?;
        shelve(&leaf, &all, &mut files, &mut notes)?;
    }
    Ok((files, notes))
}

/// A certificate with those above it, under the name of its first address.
fn shelve(
    leaf: &Certificate,
    all: &[Certificate],
    files: &mut Vec<(String, String)>,
    notes: &mut Vec<String>,
) -> Result<Vec<EmailAddress>, Failure> {
    if leaf.not_after() < clock::now() {
        let what = format!("the certificate of {} ended on {}", leaf.subject(), leaf.not_after().to_date());
        return Err(Failure::no("expired", what).hint("ask its owner for the new one"));
    }
    // Nothing is ever encrypted to one: the setup would look right, and every mail would be refused.
    if leaf.is_certificate_authority() {
        let what = format!("the certificate of {} is that of an authority (CA:TRUE)", leaf.subject());
        return Err(Failure::unknown("no-certificate", what)
            .hint("its owner makes another one; with OpenSSL: -addext basicConstraints=critical,CA:FALSE"));
    }
    let named = leaf.addresses().to_vec();
    let Some(first) = named.first() else {
        return Err(Failure::unknown("no-address", "the certificate names no mail address"));
    };
    let above = all.iter().filter(|other| other.is_certificate_authority());
    let text: String =
        std::iter::once(leaf).chain(above).map(|one| pem::encode("CERTIFICATE", one.as_der())).collect();
    let stands_for = crate::commands::keys::stands_for(leaf, all);
    notes.push(format!("{first}: {stands_for}, until {}", leaf.not_after().to_date()));
    files.push((file_name(first), text));
    Ok(named)
}

fn is_on_shelf(reader: &EmailAddress) -> Result<bool, Failure> {
    if !Path::new(CERTIFICATES).exists() {
        return Ok(false);
    }
    let shelf = Shelf::read(Path::new(CERTIFICATES))?;
    Ok(shelf.certificates.iter().any(|one| one.addresses().iter().any(|own| own.matches(reader))))
}

/// What root's own key store accepts for the reader.
fn from_store(reader: &EmailAddress) -> Result<(Certificate, Vec<Certificate>), Failure> {
    let nothing = || {
        Failure::no(
            "no-key",
            format!("no certificate of {reader} is at hand, so root's mail cannot be encrypted"),
        )
        .hint("name a file: --certificate FILE; `cseal keys export ADDRESS` writes one where the keys are")
    };
    let Some(store) = store::open_if_any()? else { return Err(nothing()) };
    let policy = policy::in_force()?;
    let knowledge = store::knowledge(&store)?;
    let directory = Directory::of_store(&store, &knowledge, &policy, clock::now())?;
    let accepted = directory.one(reader).map_err(|_| nothing())?;
    let leaf = accepted.certificate().cloned().ok_or_else(nothing)?;
    let above = |other: &&Certificate| {
        leaf.issuer_der() == other.subject_der() && leaf.is_signed_by(other.public_key()).is_ok()
    };
    let all = knowledge.certificates.iter().filter(above).cloned().collect();
    Ok((leaf, all))
}

/// The table with another reader for root; all other rows stay as they are.
fn with_root(before: &str, reader: &EmailAddress) -> String {
    let row = format!("root: {reader}");
    let is_root = |line: &str| {
        line.split_once(':')
            .is_some_and(|(name, _)| name.trim().trim_matches('"').eq_ignore_ascii_case("root"))
    };
    if before.is_empty() {
        return format!(
            "# Who reads what is sent to a name without a domain. /etc/aliases is read after this file.\n{row}\n"
        );
    }
    let mut lines: Vec<String> = Vec::new();
    let mut is_old = false;
    for line in before.lines() {
        // What is folded below the old row belongs to it.
        is_old = is_root(line) || is_old && line.starts_with([' ', '\t']);
        if !is_old {
            lines.push(line.to_owned());
        }
    }
    lines.push(row);
    lines.join("\n") + "\n"
}

/// The settings, where there are none yet.
fn config(arguments: &args::Setup) -> Result<String, Failure> {
    let mut text =
        "# How mail of this machine is sent. Everybody may read this file: no password stands in it.\n\n"
            .to_owned();
    let Some(server) = &arguments.server else {
        return Ok(text
            + "# [account.system]\n# smtp = \"smtps://smtp.example.org\"\n# user = \"alice\"\n\
               # password = { command = [\"/usr/bin/cat\", \"/etc/counterseal/password\"] }\n");
    };
    Server::parse(server).map_err(|what| Failure::usage(format!("--server: {what}")))?;
    let quoted = |value: &str| toml_edit::Value::from(value).to_string();
    text.push_str(&format!("[account.system]\nsmtp = {}\n", quoted(server).trim()));
    if let Some(user) = &arguments.user {
        let path = password_path();
        text.push_str(&format!(
            "user = {}\npassword = {{ command = [\"/usr/bin/cat\", \"{}\"] }}\n",
            quoted(user).trim(),
            path.display()
        ));
    }
    Ok(text)
}

const POLICY: &str = "\
# What must hold for mail of everybody on this machine: man counterseal-policy.
# Where nothing is said, every mail is encrypted, and one that cannot be is not sent.
";

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_alias_of_root_is_replaced_and_all_others_stay() {
        let alice = EmailAddress::parse("alice@example.org").unwrap();
        let fresh = with_root("", &alice);
        assert_eq!(Aliases::parse(&fresh).unwrap().get("root"), Some("alice@example.org"));
        let before = "# mine\nRoot : bob@example.org,\n  carol@example.org\nwww-data: root\n";
        let after = with_root(before, &alice);
        assert_eq!(after, "# mine\nwww-data: root\nroot: alice@example.org\n");
        assert_eq!(with_root(&after, &alice), after);
    }
}
