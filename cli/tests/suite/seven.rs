//! Machines in networks of their own, joined by wires that are cut, as seven devices of one person are.

mod local_network;
mod machine;
mod mails;
mod network;
pub mod pair;
mod story;
