//! The queue and submission, against servers that behave and servers that do not: nothing is lost, nothing goes in
//! clear, and nobody who has a mail gets it twice.

pub mod certificates;
mod clocks;
mod delivery;
pub mod disks;
mod faults;
mod held;
pub mod home;
mod login;
mod queue;
pub mod servers;
pub mod sink;
mod through_postfix;
mod tls;
mod ways;
