//! The spools of all users, which root sends from. Each is a process of its own, with the rights of the spool's owner:
//! whatever one of them holds stops no other.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::env;
use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use crate::children;
use crate::config::Config;
use crate::failure::{Exit, Failure};
use crate::lookup;
use crate::policy;
use crate::queue::{Flusher, Summary, Which};
use crate::render::queue as render;
use crate::system::{SPOOLS, spools};
use crate::terminal;

/// Spools that are worked on at the same time.
const AT_ONCE: usize = 4;
/// While one spool takes longer than this, the others are looked at again: new mail of theirs does not wait for it.
const ROUND: Duration = Duration::from_secs(15);
/// How often it is looked whether there is something to do.
const STEP: Duration = Duration::from_millis(20);
/// After so long no further mail of a spool is begun: the next run goes on with it.
const TIME: Duration = Duration::from_secs(300);
/// After so long a process is ended, wherever it hangs. Most mails are on their way in less than a second.
const PATIENCE: Duration = Duration::from_secs(1800);
/// Bytes of what such a process reports.
const REPORT_BYTES: usize = 1 << 20;

/// What became of one spool.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct SpoolReport {
    pub(crate) user: u32,
    pub(crate) sent: usize,
    pub(crate) queued: usize,
    pub(crate) failed: usize,
    /// What servers said that cannot be used just now.
    pub(crate) servers: Vec<String>,
    /// What is wrong with the spool itself, or with mails in it.
    pub(crate) wrong: Vec<String>,
}

/// Sends what all users handed in.
pub(super) fn flush_all(which: Which, json: bool) -> Result<Exit, Failure> {
    if !rustix::process::geteuid().is_root() {
        return Err(Failure::unknown("not-root", "only root sends what users handed in")
            .hint("a timer of root does it once in a minute; as root: cseal queue flush --system"));
    }
    let found = spools::all()?;
    // Nobody but root can open the folder to hold this lock.
    let folder = File::open(SPOOLS).map_err(|error| Failure::io(SPOOLS, &error))?;
    match which {
        // The run that has it does the same.
        Which::Due if flock(&folder, FlockOperation::NonBlockingLockExclusive).is_err() => {
            return Ok(Exit::Done);
        }
        Which::Due => {}
        Which::All => {
            flock(&folder, FlockOperation::LockExclusive)
                .map_err(|error| Failure::io(SPOOLS, &error.into()))?;
        }
    }
    let reports = each(found.users, which)?;
    let (others, more) = (found.others, found.more);
    let is_wrong = !others.is_empty() || reports.iter().any(|report| !report.wrong.is_empty());
    let waits = reports.iter().any(|report| report.queued + report.failed > 0);
    if which == Which::All || json || is_wrong {
        render::flushed_all(&reports, &others, more, json)?;
    }
    Ok(match which {
        _ if is_wrong => Exit::Unknown,
        Which::All if waits => Exit::No,
        Which::All | Which::Due => Exit::Done,
    })
}

/// A process for each user, some at a time.
fn each(users: Vec<u32>, which: Which) -> Result<Vec<SpoolReport>, Failure> {
    let program = env::current_exe().map_err(|error| Failure::io("this program", &error))?;
    let program = program.with_file_name("cseal");
    let run = Mutex::new(Run::of(users));
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let next = locked(&run).next(which);
                    match next {
                        Next::Spool(user) => {
                            let begun = Instant::now();
                            let report = by_process(&program, user, which);
                            locked(&run).end(report, begun.elapsed());
                        }
                        Next::Wait => thread::sleep(STEP),
                        Next::End => return,
                    }
                }
            });
        }
    });
    Ok(run.into_inner().unwrap_or_else(PoisonError::into_inner).reports.into_values().collect())
}

fn locked(run: &Mutex<Run>) -> MutexGuard<'_, Run> {
    run.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Who is sent for now, and who was.
struct Run {
    waiting: VecDeque<u32>,
    busy: BTreeSet<u32>,
    /// Those who took longer than others are to wait for. They had their turn.
    slow: BTreeSet<u32>,
    /// When all were looked for the last time.
    round: Instant,
    reports: BTreeMap<u32, SpoolReport>,
}

enum Next {
    Spool(u32),
    Wait,
    End,
}

impl Run {
    fn of(users: Vec<u32>) -> Self {
        let (busy, slow, reports) = Default::default();
        Self { waiting: users.into(), busy, slow, round: Instant::now(), reports }
    }

    /// What a process is begun for. A timer begins no second run while the first one goes on, so the first one does that
    /// for those who are quick; whoever was slow waits for the next run, so that each run ends.
    fn next(&mut self, which: Which) -> Next {
        if self.waiting.is_empty()
            && which == Which::Due
            && !self.busy.is_empty()
            && self.round.elapsed() >= ROUND
        {
            self.round = Instant::now();
            let again = spools::all().map(|found| found.users).unwrap_or_default();
            self.waiting = again
                .into_iter()
                .filter(|user| !self.busy.contains(user) && !self.slow.contains(user))
                .collect();
        }
        match self.waiting.pop_front() {
            Some(user) => {
                self.busy.insert(user);
                Next::Spool(user)
            }
            None if which == Which::Due && !self.busy.is_empty() => Next::Wait,
            None => Next::End,
        }
    }

    fn end(&mut self, report: SpoolReport, took: Duration) {
        let user = report.user;
        self.busy.remove(&user);
        if took > ROUND {
            self.slow.insert(user);
        }
        let before = self.reports.remove(&user).unwrap_or_default();
        let (sent, failed) = (before.sent + report.sent, before.failed + report.failed);
        self.reports.insert(user, SpoolReport { sent, failed, ..report });
    }
}

fn by_process(program: &Path, user: u32, which: Which) -> SpoolReport {
    let wrong = |why: String| SpoolReport { user, wrong: vec![why], ..SpoolReport::default() };
    let mut command = Command::new(program);
    command.args(["queue", "flush", "--spool", &user.to_string()]);
    command.args((which == Which::Due).then_some("--due"));
    let child = command
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn();
    let output = match child {
        Ok(mut child) => children::output(&mut child, PATIENCE, REPORT_BYTES),
        Err(error) => return wrong(error.to_string()),
    };
    match output.map(|output| serde_json::from_slice::<SpoolReport>(&output)) {
        Ok(Ok(report)) => SpoolReport { user, ..report },
        Ok(Err(_)) => wrong("its process did not report".to_owned()),
        Err(error) => wrong(format!("its process {error}")),
    }
}

/// Such a process. It reports in any case.
pub(super) fn flush_one(user: u32, which: Which) -> Result<Exit, Failure> {
    let report = match summary(user, which) {
        Ok(summary) => SpoolReport::of(user, &summary),
        Err(failure) => SpoolReport { user, wrong: vec![failure.message], ..SpoolReport::default() },
    };
    let text = serde_json::to_string(&report).map_err(|error| Failure::unknown("io", error.to_string()))?;
    terminal::print(&text).map_err(|error| Failure::io("standard output", &error))?;
    Ok(Exit::Done)
}

fn summary(user: u32, which: Which) -> Result<Summary, Failure> {
    // As root, before anything of the user's is looked at.
    let (config, policy) = (Config::of_system()?, policy::of_administrator()?);
    lookup::go_by(&config);
    let (queue, _acting) = spools::enter(user)?;
    let mut flusher =
        Flusher::new(&queue, &config, which).for_somebody(&policy, Instant::now().checked_add(TIME));
    let summary = flusher.run();
    flusher.close();
    Ok(summary?)
}

impl SpoolReport {
    fn of(user: u32, summary: &Summary) -> Self {
        let Summary { sent, queued, failed, damaged, troubles } = summary;
        let (sent, queued, failed) = (*sent, *queued, *failed);
        let servers = troubles.iter().map(|(account, why)| format!("account {account}: {why}")).collect();
        // What a user writes in great numbers is not to become a report that nobody reads.
        let wrong = damaged.iter().take(100).map(|(id, why)| format!("{id}: {why}")).collect();
        Self { user, sent, queued, failed, servers, wrong }
    }
}
