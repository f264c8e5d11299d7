//! What is shown against programs of others, and between devices.

#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

mod dovecot;
mod hostile_mailbox;
mod mailbox;
mod packages;
mod relay_load;
mod sheets;
