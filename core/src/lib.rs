//! S/MIME, and whom to believe.
//!
//! This library reads and writes CMS mail (S/MIME, RFC 8551) of any size and says how far its
//! signer can be trusted. It opens no file, no socket and no clock: time and randomness are
//! arguments, secret keys stand behind a port.
//!
//! The modules are storeys; each uses only those above it (`tests/layers.rs` holds them to it):
//!
//! ```text
//! time, secret, algorithm, limits, fingerprint, address    who, when, and which key
//! ports                                                    what the caller must bring
//! der, mail                                                what is inside these bytes
//! x509, cms, openpgp                                       what the cryptography says
//! lookup                                                   where certificates are published
//! discovery                                                which server takes the mail of an address
//! submission                                               what programs hand to a sendmail
//! keys                                                     which certificates and keys are there
//! trust                                                    does this key belong to this address
//! policy                                                   is that good enough to act on
//! message                                                  encrypt, decrypt, sign, verify
//! ```

pub mod address;
pub mod algorithm;
pub mod cms;
pub mod der;
pub mod discovery;
pub mod fingerprint;
pub mod keys;
pub mod limits;
pub mod lookup;
pub mod mail;
pub mod message;
pub mod openpgp;
pub mod policy;
pub mod ports;
pub mod secret;
pub mod submission;
#[cfg(test)]
mod testing;
pub mod time;
pub mod trust;
pub mod x509;
