//! Object identifiers of ours, all below 2.25.141656435858741282469383383261167732817.

/// Content octets of the identifier with this number behind the common beginning.
///
/// 1 is the evidence that mail carries, 2 the purpose of device certificates (both in `core`), 10 and 11 are the
/// entries and notes of a device log; the rest is below.
#[must_use]
pub const fn ours(number: u8) -> [u8; 21] {
    [
        0x69, 0x81, 0xd5, 0x92, 0x84, 0xe0, 0xf1, 0xcf, 0x82, 0xa7, 0xef, 0xb9, 0xaf, 0xd4, 0xd2, 0xbb, 0x91,
        0xbf, 0x90, 0x51, number,
    ]
}

/// Signed attribute of a key package: the account that it belongs to.
pub const ACCOUNT: [u8; 21] = ours(20);
/// Signed attribute of a key package: whom it is for.
pub const RECIPIENTS: [u8; 21] = ours(21);
/// Signed attribute of a key package: the heads of the log as its author knew it.
pub const LOG_HEADS: [u8; 21] = ours(22);
/// Algorithm of a key in a package that is no key pair: the secret of a log.
pub const LOG_SECRET: [u8; 21] = ours(23);
/// Attribute of a key in a package: what it is for.
pub const KEY_PURPOSE: [u8; 21] = ours(24);
/// id-ct-KP-aKeyPackage, 2.16.840.1.101.2.1.2.78.5 (RFC 5958, section 2).
pub const KEY_PACKAGE: [u8; 10] = [0x60, 0x86, 0x48, 0x01, 0x65, 0x02, 0x01, 0x02, 0x4e, 0x05];
