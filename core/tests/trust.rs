//! The trust engine held to its tables, to its theorem and to its limits.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod case;
mod generated;
mod limits;
mod properties;
mod theorem;
mod vectors;
