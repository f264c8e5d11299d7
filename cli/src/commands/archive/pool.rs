//! Work on all cores, with the results in the order of the jobs.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Mutex, mpsc};
use std::thread;

use crate::failure::Failure;

/// Jobs that are under way for each worker: enough that none waits, few enough that memory does not
/// grow with the archive.
const AHEAD: usize = 4;

/// Does every job on some core, and gives the results to `take` one after the other, in the order in which
/// the jobs came. The first failure of a job's making or of `take` ends it.
pub(super) fn in_order<J: Send, R: Send>(
    mut jobs: impl Iterator<Item = Result<J, Failure>>,
    work: impl Fn(J) -> R + Sync,
    mut take: impl FnMut(R) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let (give, given) = mpsc::sync_channel::<(u64, J)>(workers * AHEAD);
    let given = Mutex::new(given);
    let (answer, answers) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..workers {
            let (given, work, answer) = (&given, &work, answer.clone());
            scope.spawn(move || {
                loop {
                    let next = given.lock().map(|given| given.recv());
                    let Ok(Ok((number, job))) = next else { return };
                    // A panic is passed on to whoever waits for the result.
                    let result = catch_unwind(AssertUnwindSafe(|| work(job)));
                    if answer.send((number, result)).is_err() {
                        return;
                    }
                }
            });
        }
        // Dropped at the end, whatever the end is: then the workers go home.
        let give = give;
        let mut early = BTreeMap::new();
        let (mut made, mut taken) = (0_u64, 0_u64);
        loop {
            while made - taken < (workers * AHEAD) as u64 {
                let Some(job) = jobs.next().transpose()? else { break };
                if give.send((made, job)).is_err() {
                    return Ok(());
                }
                made += 1;
            }
            if taken == made {
                return Ok(());
            }
            let Ok((number, result)) = answers.recv() else { return Ok(()) };
            early.insert(number, result);
            while let Some(result) = early.remove(&taken) {
                taken += 1;
                take(result.unwrap_or_else(|panic| resume_unwind(panic)))?;
            }
        }
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_jobs_and_only_so_many_are_ahead() {
        let made = std::cell::Cell::new(0_u64);
        let mut taken = 0;
        let jobs = (0..500_u64).map(|number| {
            made.set(number + 1);
            Ok(number)
        });
        let slow = |number: u64| {
            thread::sleep(Duration::from_micros(number * 7919 % 300));
            number
        };
        let most = (thread::available_parallelism().unwrap().get() * AHEAD) as u64;
        in_order(jobs, slow, |number| {
            assert_eq!(number, taken);
            taken += 1;
            assert!(made.get() <= taken + most);
            Ok(())
        })
        .unwrap();
        assert_eq!(taken, 500);
    }

    #[test]
    fn a_failure_ends_it() {
        let mut taken = 0;
        let outcome = in_order(
            (0..100).map(Ok),
            |number| number,
            |_| {
                taken += 1;
                if taken == 3 { Err(Failure::usage("enough")) } else { Ok(()) }
            },
        );
        assert_eq!((outcome.unwrap_err().word, taken), ("usage", 3));
        let jobs = [Ok(1), Err(Failure::usage("no more"))].into_iter();
        assert!(in_order(jobs, |number| number, |_| Ok(())).is_err());
    }

    #[test]
    fn a_panic_in_a_job_ends_it_instead_of_waiting_for_ever() {
        let outcome = catch_unwind(|| {
            let work = |number: u32| if number == 50 { resume_unwind(Box::new("bug")) } else { number };
            in_order((0..100).map(Ok), work, |_| Ok(()))
        });
        assert!(outcome.is_err());
    }
}
