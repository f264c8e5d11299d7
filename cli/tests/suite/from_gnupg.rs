//! Keys that people have in GnuPG come in.

mod gpgsm;
mod init;
mod openpgp;
