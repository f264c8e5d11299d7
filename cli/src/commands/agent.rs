//! `cseal agent`: a process that keeps the store unlocked.

use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};

use counterseal_core::secret::SecretBytes;
use zeroize::Zeroizing;

use super::history;
use super::store::{self, Given, Unlock};
use crate::agent::{Agent, Bound, Limits, serve};
use crate::args::{self, AgentCommand};
use crate::config::Config;
use crate::failure::{Exit, Failure};
use crate::render::agent as render;
use crate::store::{RecoveryCode, Store};

/// Octets of a passphrase that a background process takes.
const PASSPHRASE_BYTES: usize = 64 << 10;
/// What a background process is told: that a passphrase follows, or a recovery code.
const PASSPHRASE: u8 = b'P';
const RECOVERY_CODE: u8 = b'R';
/// What a background process says when it serves.
const READY: &[u8] = b"ready\n";

/// Runs the sub-command that was typed.
pub(super) fn run(arguments: &args::Agent) -> Result<Exit, Failure> {
    match &arguments.command {
        AgentCommand::Start(arguments) if arguments.foreground => foreground(arguments),
        AgentCommand::Start(arguments) => start(arguments),
        AgentCommand::Status(arguments) => status(arguments.report.json),
        AgentCommand::Lock(arguments) => lock(arguments.report.json),
    }
}

fn start(arguments: &args::AgentStart) -> Result<Exit, Failure> {
    let store = store::open()?;
    if !store.needs_passphrase()? {
        return Err(Failure::no("no-passphrase", "your store has no passphrase, so nothing locks it"));
    }
    if Agent::of(store.id()).is_some() {
        return Err(running());
    }
    let given = Unlock::from_options(&arguments.passphrase).given()?;
    // A wrong one is said here, where somebody reads it.
    store.unlock(Some(given.opener()))?;
    let limits = limits(arguments)?;
    let mut child = spawn(&given, limits).map_err(|error| Failure::io("the agent", &error))?;
    let mut said = Vec::new();
    let ready = child.stdout.take().map(|output| output.take(READY.len() as u64).read_to_end(&mut said));
    if !matches!(ready, Some(Ok(_))) || said != READY {
        return Err(Failure::unknown("agent", "the agent did not begin")
            .hint("see why with `cseal agent start --foreground`"));
    }
    status(arguments.report.json)
}

fn limits(arguments: &args::AgentStart) -> Result<Limits, Failure> {
    let usual = Config::read()?.agent;
    Ok(Limits {
        idle: arguments.idle.unwrap_or(usual.idle),
        longest: arguments.longest.unwrap_or(usual.longest),
    })
}

/// Begins an agent in the background, where the person wants one. What keeps it from beginning keeps
/// nobody from anything.
pub(super) fn begin(store: &Store, given: &Given) {
    let Ok(config) = Config::read() else { return };
    if config.starts_agent && Agent::of(store.id()).is_none() {
        drop(spawn(given, config.agent));
    }
}

/// Our own program once more. What opens the store goes through a pipe, where nobody else can read it, behind one
/// octet that says what it is.
fn spawn(given: &Given, limits: Limits) -> std::io::Result<Child> {
    let seconds = |time: std::time::Duration| format!("{}s", time.as_secs());
    let mut child = Command::new(std::env::current_exe()?)
        .args(["agent", "start", "--foreground", "--child", "--idle", &seconds(limits.idle)])
        .args(["--longest", &seconds(limits.longest)])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    if let Some(mut input) = child.stdin.take() {
        match given {
            Given::Passphrase(passphrase) => {
                input.write_all(&[PASSPHRASE]).and_then(|()| input.write_all(passphrase.expose()))?;
            }
            Given::RecoveryCode(code) => {
                input.write_all(&[RECOVERY_CODE]).and_then(|()| input.write_all(code.to_paper().expose()))?;
            }
        }
    }
    Ok(child)
}

fn foreground(arguments: &args::AgentStart) -> Result<Exit, Failure> {
    let store = store::open()?;
    let bound = Bound::at(store.id())?;
    if arguments.child {
        // Whoever closes the terminal does not end it.
        let _ = rustix::process::setsid();
        let _ = std::env::set_current_dir("/");
        let given = piped().map_err(|error| Failure::io("the passphrase", &error))?;
        store.unlock(Some(given.opener()))?;
        let mut output = std::io::stdout().lock();
        let _ = output.write_all(READY).and_then(|()| output.flush());
    } else {
        store::unlock(&store, &Unlock::from_options(&arguments.passphrase))?;
    }
    serve(store, &bound, limits(arguments)?, history::seal)
        .map_err(|error| Failure::io("the agent's socket", &error))?;
    Ok(Exit::Done)
}

/// What [`spawn`] wrote.
fn piped() -> std::io::Result<Given> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(PASSPHRASE_BYTES));
    std::io::stdin().lock().take(PASSPHRASE_BYTES as u64).read_to_end(&mut bytes)?;
    let given = match bytes.split_first() {
        Some((&PASSPHRASE, passphrase)) => Some(Given::Passphrase(SecretBytes::copy_of(passphrase))),
        Some((&RECOVERY_CODE, code)) => {
            let code = std::str::from_utf8(code).ok().and_then(|code| RecoveryCode::parse(code).ok());
            code.map(Given::RecoveryCode)
        }
        _ => None,
    };
    given.ok_or_else(|| std::io::ErrorKind::InvalidData.into())
}

fn running() -> Failure {
    Failure::no("agent-running", "an agent for this store is running already")
        .hint("end it with `cseal agent lock`")
}

fn status(json: bool) -> Result<Exit, Failure> {
    let store = store::open()?;
    let state = Agent::of(store.id()).and_then(|agent| agent.state());
    render::status(state.as_ref(), json)?;
    Ok(if state.is_some() { Exit::Done } else { Exit::No })
}

fn lock(json: bool) -> Result<Exit, Failure> {
    let store = store::open()?;
    let was_running = Agent::of(store.id()).is_some_and(|agent| agent.lock());
    render::locked(was_running, json)?;
    Ok(if was_running { Exit::Done } else { Exit::No })
}
