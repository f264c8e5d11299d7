//! What opens the store, in words and as JSON.

use counterseal_core::secret::SecretBytes;
use counterseal_core::time::Time;
use serde::Serialize;

use super::json::line;
use crate::failure::Failure;
use crate::store::SlotKind;
use crate::terminal::{print, say};

/// What came of `cseal passphrase`.
pub(crate) struct Changed {
    /// What opens the store now.
    pub(crate) slots: Vec<SlotKind>,
    /// Whether the key of the store was changed, too.
    pub(crate) suspected: bool,
    /// When the last backup was made, if there is one.
    pub(crate) backup: Option<Time>,
}

#[derive(Serialize)]
struct ChangedObject {
    version: u32,
    slots: Vec<&'static str>,
    new_store_key: bool,
}

/// What a kind of slot is for a person.
pub(crate) const fn words(kind: SlotKind) -> &'static str {
    match kind {
        SlotKind::Passphrase => "your passphrase",
        SlotKind::None => "nothing: whoever reads the file has the keys",
        SlotKind::RecoveryCode => "your recovery code",
        SlotKind::Keyring => "the keyring of this desktop",
    }
}

/// Says what opens the store now, and what the change does not help against.
pub(crate) fn changed(changed: &Changed, json: bool) -> Result<(), Failure> {
    if json {
        let slots = changed.slots.iter().map(|kind| kind.word()).collect();
        let object = ChangedObject { version: 1, slots, new_store_key: changed.suspected };
        return printed(&format!("{}\n", line(&object)));
    }
    let slots: Vec<&str> = changed.slots.iter().map(|kind| words(*kind)).collect();
    say(&format!("Your key store is opened by {}.", slots.join(", or by ")));
    if let Some(made) = changed.backup.filter(|_| !changed.suspected) {
        say(&format!(
            "The backup of {} opens with what opened the store then. A new one: cseal backup FILE",
            made.to_date()
        ));
    }
    if changed.suspected {
        say("\nThe key of the store is new, and everything in it is wrapped under the new one.\n\
             This does not help against somebody who has a copy of the store or a backup and knows the old\n\
             passphrase: the copy opens with it as before, and your keys are in it. If that may be, make new keys\n\
             and have the old ones revoked. Delete backups that you made before, and make a new one:\n\
             cseal backup FILE");
    }
    Ok(())
}

/// Shows a recovery code to be copied to paper.
pub(crate) fn show_code(code: &SecretBytes) -> Result<(), Failure> {
    say("Your recovery code. Copy it to paper, and keep it where you keep your passport:\n");
    let text = zeroize::Zeroizing::new(format!("    {}\n\n", String::from_utf8_lossy(code.expose())));
    printed(&text)
}

/// The change is made, but the log or free pages may hold what opened the store before.
pub(crate) fn not_clean() -> Failure {
    Failure::unknown(
        "store-busy",
        "the change is made, but another program keeps old pages of the key store, where the old way in may stand",
    )
    .hint("end the other cseal and run the command once more")
}

fn printed(text: &str) -> Result<(), Failure> {
    print(text).map_err(|error| Failure::io("standard output", &error))
}
