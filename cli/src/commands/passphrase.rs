//! `cseal passphrase`: what opens the store is changed.

use counterseal_core::secret::SecretBytes;

use super::store::{self, Unlock};
use crate::agent::Agent;
use crate::args;
use crate::clock;
use crate::failure::{Exit, Failure};
use crate::files::{Content, Output};
use crate::passphrase;
use crate::render::protection::{self, Changed};
use crate::store::{Protection, RecoveryCode, SlotKind, Store};
use crate::terminal;

const INSTEAD: &str = "--new-passphrase-file FILE, or do without one by --none";

/// Changes what the options name, and says what opens the store now.
pub(crate) fn run(arguments: &args::ChangePassphrase) -> Result<Exit, Failure> {
    let mut store = store::open()?;
    // Where the code goes is found out before anything is changed.
    let paper = arguments.recovery_code.then(|| Paper::prepare(arguments)).transpose()?;
    store::unlock(&store, &Unlock::from_options(&arguments.passphrase))?;
    // An agent that was started with the old passphrase would go on with it.
    let _ = Agent::of(store.id()).is_some_and(|agent| agent.lock());
    let mut is_clean = true;
    if changes_passphrase(arguments) {
        let new = new_protection(arguments)?;
        is_clean &= if arguments.suspected {
            store.renew_master_key(&new, clock::now())?
        } else {
            replace(&mut store, &new)?
        };
    }
    for (is_asked, kind) in
        [(arguments.no_recovery_code, SlotKind::RecoveryCode), (arguments.no_keyring, SlotKind::Keyring)]
    {
        if is_asked {
            is_clean &= store.remove_protection(kind, clock::now())?;
        }
    }
    if let Some(paper) = paper {
        is_clean &= make_recovery_code(&mut store, paper)?;
    }
    if arguments.keyring {
        let key = store.make_keyring_key()?;
        is_clean &= replace(&mut store, &key)?;
    }
    if !is_clean {
        return Err(protection::not_clean());
    }
    let backup = store.last_backup()?.map(|note| note.made);
    let changed = Changed { slots: store.slot_kinds()?, suspected: arguments.suspected, backup };
    protection::changed(&changed, arguments.report.json)?;
    Ok(Exit::Done)
}

/// Options that are about something else alone leave the passphrase as it is.
const fn changes_passphrase(arguments: &args::ChangePassphrase) -> bool {
    let is_about_others =
        arguments.recovery_code || arguments.no_recovery_code || arguments.keyring || arguments.no_keyring;
    arguments.suspected || arguments.none || arguments.new_passphrase_file.is_some() || !is_about_others
}

fn new_protection(arguments: &args::ChangePassphrase) -> Result<Protection, Failure> {
    if arguments.none {
        return Ok(Protection::None);
    }
    let passphrase = match &arguments.new_passphrase_file {
        Some(file) => passphrase::from_file(file)?,
        None => passphrase::ask_new("New passphrase for your keys", INSTEAD)?,
    };
    if passphrase.is_empty() {
        Err(passphrase::empty(INSTEAD))
    } else {
        Ok(Protection::Passphrase(passphrase))
    }
}

fn replace(store: &mut Store, new: &Protection) -> Result<bool, Failure> {
    let added = store.add_protection(new, clock::now())?;
    Ok(store.replace_protection(&added, clock::now())?)
}

/// The earlier code goes when the new one is on paper.
fn make_recovery_code(store: &mut Store, paper: Paper) -> Result<bool, Failure> {
    let code = RecoveryCode::generate();
    let text = code.to_paper();
    let added = store.add_protection(&Protection::RecoveryCode(code), clock::now())?;
    paper.write(&text)?;
    Ok(store.replace_protection(&added, clock::now())?)
}

/// Where a recovery code is written.
enum Paper {
    File(Output),
    Terminal,
}

impl Paper {
    fn prepare(arguments: &args::ChangePassphrase) -> Result<Self, Failure> {
        match &arguments.recovery_file {
            Some(path) => Output::at(Some(path), false, Content::Text).map(Self::File),
            None if terminal::can_ask() => Ok(Self::Terminal),
            None => Err(Failure::unknown("no-terminal", "there is no terminal to show the recovery code on")
                .hint("name a file with --recovery-file FILE; copy it to paper, then delete it")),
        }
    }

    fn write(self, code: &SecretBytes) -> Result<(), Failure> {
        use std::io::Write;

        match self {
            Self::File(mut output) => {
                let failed = |error: std::io::Error| Failure::io("the file of the recovery code", &error);
                output.write_all(code.expose()).and_then(|()| output.write_all(b"\n")).map_err(failed)?;
                output.commit()
            }
            Self::Terminal => protection::show_code(code),
        }
    }
}
