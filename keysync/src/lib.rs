//! A person's keys on all of a person's devices, trusting no server.
//!
//! Devices are paired by a code that a person carries (a picture, words, a file), keep a signed log of who belongs
//! to the account, and hand each other decryption keys as CMS objects. Whatever lies between them carries opaque
//! objects and is believed in nothing.
//!
//! ```text
//! limits                        every budget, with its name
//! identifiers                   object identifiers of ours
//! device                        who a device is, what it may do, its keys and certificates
//! root                          the keys that follow from the seed on paper
//! household                     how far network addresses tell people apart
//! transport                     boxes of opaque objects, and ways to them
//! log                           the signed log of who belongs to the account, and what it means
//! recovery                      a seed on paper, and shares of it
//! relay                         a server of such boxes
//! package                       a shared key, sealed for the devices that should have it
//! object                        what lies in a box, padded and sealed
//! craft                         signing, sealing and issuing with a device's own keys
//! grant                         what a new device gets at the end of its pairing
//! copy                          an account in one file, for the seed on paper
//! sync                          what to fetch, believe, open, repair and post
//! channel                       the cryptography of pairing: HPKE and CPace
//! qr                            QR codes, made and read
//! words, sas, code              what people carry from one device to the other
//! pairing                       the handshake of two devices, or two people
//! file_mail                     its two files as mails
//! ```

pub mod channel;
pub mod code;
pub mod copy;
pub mod craft;
pub mod device;
pub mod file_mail;
pub mod grant;
mod household;
pub mod identifiers;
pub mod limits;
pub mod log;
pub mod object;
pub mod package;
pub mod pairing;
pub mod qr;
mod random_adapter;
pub mod recovery;
pub mod relay;
pub mod root;
pub mod sas;
pub mod sync;
#[cfg(test)]
mod testing;
pub mod transport;
pub mod words;
