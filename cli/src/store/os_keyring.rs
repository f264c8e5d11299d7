//! The keyring of the desktop (Secret Service), through `secret-tool` of libsecret: it asks and unlocks as the
//! person's desktop does, and no D-Bus library has to be part of this program.

use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use counterseal_core::secret::SecretBytes;
use zeroize::Zeroizing;

use super::ID_BYTES;
use super::hexadecimal::{hexadecimal, secret_octets};
use super::sealed::{KEY_BYTES, SealingKey};

const PROGRAM: &str = "secret-tool";
/// How long the keyring has: it may ask the person to unlock it.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often it is asked whether it is done.
const PAUSE: Duration = Duration::from_millis(5);
/// Bytes that an item of ours may have.
const ITEM_BYTES: usize = 256;

/// What an item holds.
#[derive(Clone, Copy)]
enum Item {
    Key,
    Epoch,
}

impl Item {
    const fn word(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Epoch => "epoch",
        }
    }
}

/// Makes a key for a store and keeps it; nothing where there is no keyring that keeps it.
pub(super) fn make_key(store: &[u8; ID_BYTES]) -> Option<SealingKey> {
    let key = SealingKey::generate();
    let text = Zeroizing::new(hexadecimal(key.expose()));
    keep(store, Item::Key, text.as_bytes())?;
    // What it says it keeps is asked for before anything depends on it.
    self::key(store).filter(|kept| kept.expose() == key.expose())
}

/// The key of a store.
pub(super) fn key(store: &[u8; ID_BYTES]) -> Option<SealingKey> {
    let text = look_up(store, Item::Key)?;
    let octets = secret_octets(text.expose())?;
    let key: [u8; KEY_BYTES] = octets.as_slice().try_into().ok()?;
    Some(SealingKey::new(Zeroizing::new(key)))
}

/// The highest epoch of a store that the keyring was told of.
pub(super) fn epoch(store: &[u8; ID_BYTES]) -> Option<i64> {
    std::str::from_utf8(look_up(store, Item::Epoch)?.expose()).ok()?.parse().ok()
}

/// Tells the keyring of an epoch. It is a second look-out; that it cannot be told keeps nobody from writing.
pub(super) fn keep_epoch(store: &[u8; ID_BYTES], epoch: i64) {
    let _ = keep(store, Item::Epoch, epoch.to_string().as_bytes());
}

/// Takes away what is kept for a store.
pub(super) fn forget(store: &[u8; ID_BYTES]) {
    for item in [Item::Key, Item::Epoch] {
        let _ = run(&["clear"], store, item, &[]);
    }
}

fn keep(store: &[u8; ID_BYTES], item: Item, secret: &[u8]) -> Option<()> {
    let label = format!("Counterseal key store ({})", item.word());
    run(&["store", "--label", &label], store, item, secret).map(drop)
}

fn look_up(store: &[u8; ID_BYTES], item: Item) -> Option<SecretBytes> {
    run(&["lookup"], store, item, &[]).filter(|found| !found.is_empty())
}

/// Runs it with a secret on its standard input, never as an argument. Nothing where it fails.
fn run(verb: &[&str], store: &[u8; ID_BYTES], item: Item, input: &[u8]) -> Option<SecretBytes> {
    let mut child = Command::new(PROGRAM)
        .args(verb)
        .args(["application", "counterseal", "store", &hexadecimal(store), "holds", item.word()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    // It reads to the end, so the end must come. Both directions are far below what a pipe holds.
    child.stdin.take()?.write_all(input).ok()?;
    if !ended_well(&mut child) {
        return None;
    }
    let mut output = Zeroizing::new(Vec::with_capacity(ITEM_BYTES));
    child.stdout.take()?.take(ITEM_BYTES as u64).read_to_end(&mut output).ok()?;
    Some(SecretBytes::copy_of(output.trim_ascii_end()))
}

fn ended_well(child: &mut Child) -> bool {
    let start = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return status.success(),
            Ok(None) if start.elapsed() < PATIENCE => thread::sleep(PAUSE),
            _ => {
                let _ = child.kill();
                let _ = child.wait();
                return false;
            }
        }
    }
}
