//! What goes along with a grant beside log and keys: the places where the devices meet, and what the old device knows of
//! others. The new device is one without it, too: what cannot be taken is said, and ends nothing.

use counterseal_core::secret::SecretBytes;
use counterseal_keysync::device::Role;
use counterseal_keysync::grant::Grant;
use counterseal_keysync::limits;
use counterseal_keysync::transport::address::Address;
use serde_json::json;

use crate::commands::history;
use crate::commands::keys::import::take_over;
use crate::config::{self, Config};
use crate::failure::Failure;
use crate::pairing::Screen;
use crate::store::Store;
use crate::sync_places::to_toml;
use crate::terminal::SafeText;
use crate::{clock, trust_file};

/// Bytes of a grant that goes in parts.
const GRANT: usize = limits::GRANT_PARTS * limits::GRANT_PART_BYTES;

/// What came along.
pub(in super::super) struct Along {
    places: Vec<String>,
    contacts: Vec<u8>,
}

impl Along {
    /// Of a grant that was taken.
    pub(in super::super) fn of(grant: Grant) -> Self {
        Self { places: grant.places, contacts: grant.contacts }
    }
}

/// Puts in what goes along, and makes the bytes. The store must be unlocked.
///
/// # Errors
/// What the store says.
pub(in super::super) fn add_along(
    mut grant: Grant,
    store: &mut Store,
    role: Role,
    places: &[Address],
    screen: &Screen,
) -> Result<SecretBytes, Failure> {
    let texts = places.iter().map(ToString::to_string).filter(|text| text.len() <= limits::PLACE_BYTES);
    grant.places = texts.take(limits::GRANTED_PLACES).collect();
    let without = grant.to_der();
    // A courier reads nothing, and a kiosk is for everybody who comes by.
    if !matches!(role, Role::Reader | Role::Writer | Role::Admin) {
        return Ok(SecretBytes::new(without));
    }
    grant.contacts = contacts(store)?;
    let with = grant.to_der();
    if grant.contacts.len() <= limits::GRANT_CONTACTS_BYTES && with.len() <= GRANT {
        return Ok(SecretBytes::new(with));
    }
    screen.say(
        "contacts-left",
        json!({ "bytes": grant.contacts.len() }),
        "What you know of others is too much to go along. Take it there by a folder: cseal keys export --contacts",
    )?;
    Ok(SecretBytes::new(without))
}

/// What is known of others; nothing where that is nothing.
fn contacts(store: &mut Store) -> Result<Vec<u8>, Failure> {
    // What waited while the store was locked is to go along.
    history::seal(store)?;
    let records = store.records()?;
    if records.trust.is_empty() && records.evidence.is_empty() && records.entries.is_empty() {
        return Ok(Vec::new());
    }
    Ok(trust_file::write(store, &records, clock::now())?.into_bytes())
}

/// Takes what came along, and says what came of it. The store must be unlocked.
///
/// # Errors
/// The screen cannot be written to.
pub(in super::super) fn take_along(store: &mut Store, along: Along, screen: &Screen) -> Result<(), Failure> {
    if !along.contacts.is_empty() {
        match take_over::from_device(store, &along.contacts) {
            Ok(contacts) => screen.say(
                "contacts",
                json!({ "contacts": contacts }),
                &format!("What your other device knows of others came along. Contacts: {contacts}."),
            )?,
            Err(failure) => screen.say(
                "contacts-left",
                json!({ "message": failure.message }),
                &format!(
                    "What your other device knows of others was not taken: {}",
                    SafeText(&failure.message)
                ),
            )?,
        }
    }
    take_places(&along.places, screen)
}

fn take_places(texts: &[String], screen: &Screen) -> Result<(), Failure> {
    let mut places: Vec<Address> = Vec::new();
    for place in texts.iter().filter_map(|text| Address::parse(text).ok()) {
        if !places.contains(&place) {
            places.push(place);
        }
    }
    // A file that cannot be read is left as it is.
    let config = Config::read().ok();
    places.retain(|place| config.as_ref().is_none_or(|config| !config.sync.contains(place)));
    let is_free = config.as_ref().is_some_and(|config| config.sync.is_empty());
    let is_usable = |place: &Address| match place {
        Address::Relay(_) | Address::Lan | Address::LanAt(_) => true,
        Address::Imap(name) => config.as_ref().is_some_and(|config| {
            config.accounts.iter().any(|account| account.name == *name && account.imap.is_some())
        }),
        // Whether the same folder is there, only the person knows.
        Address::Folder(_) => false,
    };
    let (mut added, mut hints): (Vec<_>, Vec<_>) =
        places.into_iter().partition(|place| is_free && is_usable(place));
    if !added.is_empty() && config::append(&tables(&added)).is_err() {
        hints.splice(0..0, added.drain(..));
    }
    say_places(&added, &hints, screen)
}

fn tables(places: &[Address]) -> String {
    places.iter().map(to_toml).collect::<Vec<_>>().join("\n")
}

fn say_places(added: &[Address], hints: &[Address], screen: &Screen) -> Result<(), Failure> {
    if added.is_empty() && hints.is_empty() {
        return Ok(());
    }
    let file = Config::path()?.display().to_string();
    let names = |places: &[Address]| places.iter().map(ToString::to_string).collect::<Vec<_>>();
    let mut sentences = Vec::new();
    if !added.is_empty() {
        sentences.push(format!("Where your devices meet is in {file} now:"));
        sentences.push(indented(&tables(added)));
    }
    if !hints.is_empty() {
        sentences.push(format!(
            "Your other device also meets others here; add to {file} what this one reaches, too:"
        ));
        sentences.push(indented(&tables(hints)));
    }
    let fields =
        json!({ "file": file, "added": names(added), "hints": names(hints), "lines": tables(hints) });
    screen.say("places", fields, sentences.join("\n").trim_end())
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {}\n", SafeText(line))).collect::<String>().trim_end().to_owned()
}
