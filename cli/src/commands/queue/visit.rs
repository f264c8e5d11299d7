//! Whose mail a command looks at: one's own, and for root of a machine that sends for its users that of all of them.

use crate::failure::Failure;
use crate::queue::{Box, Id, Queue};
use crate::system::{Acting, Scope, spools};

/// A queue, and the rights of its owner, with which root looks into it. Only one is looked into at a time.
pub(super) struct Visit {
    pub(super) queue: Queue,
    _acting: Option<Acting>,
}

impl Visit {
    /// Whose queues there are to be looked into; nothing is the caller's own.
    pub(super) fn all() -> Result<Vec<Option<u32>>, Failure> {
        let is_root = rustix::process::geteuid().is_root();
        if Scope::of_caller()? == Scope::Person || !is_root {
            return Ok(vec![None]);
        }
        Ok(spools::all()?.users.into_iter().map(Some).collect())
    }

    /// Looks into one.
    ///
    /// # Errors
    /// `queue-unsafe` where it is not its owner's alone.
    pub(super) fn of(user: Option<u32>) -> Result<Self, Failure> {
        match user {
            None => Ok(Self { queue: Queue::of_user()?, _acting: None }),
            Some(user) => {
                let (queue, acting) = spools::enter(user)?;
                Ok(Self { queue, _acting: Some(acting) })
            }
        }
    }

    /// Where a mail is that a person typed the name of.
    ///
    /// # Errors
    /// `no-such-mail`.
    pub(super) fn to(typed: &str) -> Result<(Self, Id, Box), Failure> {
        let missing = || {
            Failure::no("no-such-mail", format!("{typed}: there is no such mail in the queue"))
                .hint("see what is there: cseal queue list")
        };
        let id = Id::parse(typed).ok_or_else(missing)?;
        for user in Self::all()? {
            match Self::of(user) {
                Ok(visit) => {
                    if let Some(place) = visit.queue.find(&id) {
                        return Ok((visit, id, place));
                    }
                }
                // What is wrong with the spool of one user keeps root from no other.
                Err(_) if user.is_some() => {}
                Err(failure) => return Err(failure),
            }
        }
        Err(missing())
    }
}
