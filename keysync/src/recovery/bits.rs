//! Bytes as numbers of eleven bits, of which each is a word (BIP-39), and back.

use zeroize::Zeroizing;

/// Bits of a word: the list has 2048.
const WORD_BITS: usize = 11;

/// The numbers of these bytes, the first bit first. The bits must be a whole number of words.
pub(super) fn to_numbers(bytes: &[u8]) -> Zeroizing<Vec<u16>> {
    let mut numbers = Zeroizing::new(Vec::with_capacity(bytes.len() * 8 / WORD_BITS));
    let (mut held, mut bits) = (Zeroizing::new(0_u32), 0);
    for byte in bytes {
        *held = (*held << 8 | u32::from(*byte)) & 0x000F_FFFF;
        bits += 8;
        if bits >= WORD_BITS {
            bits -= WORD_BITS;
            numbers.push((*held >> bits & 0x7FF) as u16);
        }
    }
    numbers
}

/// The bytes of these numbers.
pub(super) fn to_bytes(numbers: &[u16]) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(numbers.len() * WORD_BITS / 8));
    let (mut held, mut bits) = (Zeroizing::new(0_u32), 0);
    for number in numbers {
        *held = (*held << WORD_BITS | u32::from(*number)) & 0x000F_FFFF;
        bits += WORD_BITS;
        while bits >= 8 {
            bits -= 8;
            bytes.push((*held >> bits & 0xFF) as u8);
        }
    }
    bytes
}
