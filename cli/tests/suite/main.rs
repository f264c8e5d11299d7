//! The program `cseal` as a person or a script runs it: exit codes, streams, files, whole exchanges of
//! mail with itself and with other programs, and the attack suite.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

mod agent;
mod aging;
mod archive;
mod attacks;
mod backup;
mod comparing;
mod copies;
mod desktop_keyring;
mod doctor;
mod exchange;
mod files;
mod filter;
mod foreign;
mod forged;
mod from_gnupg;
mod gnupg;
mod history;
mod installing;
mod internationalised;
mod keys;
mod lists;
mod machine;
mod manners;
mod moving;
mod network;
mod passphrase;
mod peers;
mod people;
mod reading;
mod readme;
mod renew;
mod sendmail;
mod servers;
mod sessions;
mod setup;
mod socks;
mod storeless;
mod strong;
mod submission;
mod taking_along;
mod token;
mod trust;
mod vouch;
mod witness;
