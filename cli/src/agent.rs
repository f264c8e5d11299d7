//! The agent: a process that holds an unlocked store, and does with its secret keys what it is asked to.
//! No key ever leaves it, and nothing is parsed in it but small messages of our own (`docs/formats/agent.md`).

mod client;
mod limits;
mod protocol;
mod server;
mod socket;

pub(crate) use client::{Agent, AgentError};
pub(crate) use limits::Limits;
pub(crate) use protocol::State;
pub(crate) use server::serve;
pub(crate) use socket::Bound;
