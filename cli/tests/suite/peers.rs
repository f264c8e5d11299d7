//! Mail and bare CMS objects are exchanged with other programs, both ways.
//!
//! Each peer is a program that people use: OpenSSL of two generations, gpgsm, NSS, Bouncy Castle and Python's
//! `cryptography`. `encryption.rs` and `signatures.rs` hold the tables of formats; each peer says in its own file which
//! of them it reads and writes, and why not. What a peer cannot read is tested too: the day it learns, a test tells us.
//!
//! A program that is missing is said loudly (`SKIPPED`); with `COUNTERSEAL_REQUIRE_PEERS=1` it is a failure.

mod bouncy_castle;
pub mod command;
mod cseal;
mod encryption;
mod evidence;
mod exported_keys;
mod formats;
mod gpgsm;
mod mail;
mod mutt;
mod nss;
mod openssl;
mod people;
mod python;
mod signatures;
