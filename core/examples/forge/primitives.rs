//! Ciphers and derivations from the plain block functions, because forging needs what no library
//! offers: short tags, wrong nonces, paddings with one wrong byte.

use aes::cipher::{BlockCipherEncrypt, KeyInit};
use sha2::{Digest, Sha256};

/// Octets that look random and are the same in every run.
pub(crate) struct Stream {
    label: String,
    counter: u64,
}

impl Stream {
    pub(crate) fn new(label: &str) -> Self {
        Self { label: label.to_owned(), counter: 0 }
    }

    pub(crate) fn fill(&mut self, output: &mut [u8]) {
        for piece in output.chunks_mut(32) {
            let block = Sha256::digest(format!("{} {}", self.label, self.counter));
            self.counter += 1;
            piece.copy_from_slice(&block[..piece.len()]);
        }
    }
}

impl rand_core::TryRng for Stream {
    type Error = std::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        self.try_next_u64().map(|value| value as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        let mut octets = [0; 8];
        self.fill(&mut octets);
        Ok(u64::from_be_bytes(octets))
    }

    fn try_fill_bytes(&mut self, output: &mut [u8]) -> Result<(), Self::Error> {
        self.fill(output);
        Ok(())
    }
}

impl rand_core::TryCryptoRng for Stream {}

/// So many octets for a label.
pub(crate) fn derived(label: &str, length: usize) -> Vec<u8> {
    let mut octets = vec![0; length];
    Stream::new(label).fill(&mut octets);
    octets
}

pub(crate) fn sha256(message: &[u8]) -> Vec<u8> {
    Sha256::digest(message).to_vec()
}

pub(crate) fn sha1(message: &[u8]) -> Vec<u8> {
    sha1::Sha1::digest(message).to_vec()
}

/// AES with a key of any of its three lengths.
fn aes_block(key: &[u8], block: [u8; 16]) -> [u8; 16] {
    let mut block = block.into();
    match key.len() {
        16 => aes::Aes128::new_from_slice(key).expect("a key").encrypt_block(&mut block),
        24 => aes::Aes192::new_from_slice(key).expect("a key").encrypt_block(&mut block),
        _ => aes::Aes256::new_from_slice(key).expect("a key").encrypt_block(&mut block),
    }
    block.into()
}

fn xor(left: [u8; 16], right: &[u8]) -> [u8; 16] {
    let mut out = left;
    out.iter_mut().zip(right).for_each(|(out, right)| *out ^= right);
    out
}

fn block_of(octets: &[u8]) -> [u8; 16] {
    xor([0; 16], octets)
}

/// CBC without any padding of its own: the plaintext brings what padding it likes.
pub(crate) fn cbc(key: &[u8], initial: &[u8], padded: &[u8]) -> Vec<u8> {
    let mut previous = block_of(initial);
    let mut ciphertext = Vec::new();
    for block in padded.chunks(16) {
        previous = aes_block(key, xor(previous, block));
        ciphertext.extend(previous);
    }
    ciphertext
}

/// The padding of RFC 5652, section 6.3.
pub(crate) fn pad(content: &[u8], block: usize) -> Vec<u8> {
    let count = block - content.len() % block;
    [content, &vec![count as u8; count]].concat()
}

/// ECB, which nobody should use.
pub(crate) fn ecb(key: &[u8], padded: &[u8]) -> Vec<u8> {
    padded.chunks(16).flat_map(|block| aes_block(key, block_of(block))).collect()
}

/// CFB with whole blocks.
pub(crate) fn cfb(key: &[u8], initial: &[u8], content: &[u8]) -> Vec<u8> {
    let mut previous = block_of(initial);
    let mut ciphertext = Vec::new();
    for block in content.chunks(16) {
        previous = xor(aes_block(key, previous), block);
        ciphertext.extend(&previous[..block.len()]);
    }
    ciphertext
}

/// DES in CBC, single or triple by the length of the key.
pub(crate) fn des_cbc(key: &[u8], initial: &[u8], padded: &[u8]) -> Vec<u8> {
    let mut previous = initial.to_vec();
    let mut ciphertext = Vec::new();
    for block in padded.chunks(8) {
        let mixed: Vec<u8> = previous.iter().zip(block).map(|(left, right)| left ^ right).collect();
        let mut block: [u8; 8] = mixed.try_into().expect("a block");
        let mut array = block.into();
        if key.len() == 8 {
            des::Des::new_from_slice(key).expect("a key").encrypt_block(&mut array);
        } else {
            des::TdesEde3::new_from_slice(key).expect("a key").encrypt_block(&mut array);
        }
        block = array.into();
        previous = block.to_vec();
        ciphertext.extend(block);
    }
    ciphertext
}

/// RC2 with 128 effective bits, in CBC.
pub(crate) fn rc2_cbc(key: &[u8], initial: &[u8], padded: &[u8]) -> Vec<u8> {
    let cipher = rc2::Rc2::new_with_eff_key_len(key, 128);
    let mut previous = initial.to_vec();
    let mut ciphertext = Vec::new();
    for block in padded.chunks(8) {
        let mixed: Vec<u8> = previous.iter().zip(block).map(|(left, right)| left ^ right).collect();
        let block: [u8; 8] = mixed.try_into().expect("a block");
        let mut array = block.into();
        cipher.encrypt_block(&mut array);
        let block: [u8; 8] = array.into();
        previous = block.to_vec();
        ciphertext.extend(block);
    }
    ciphertext
}

/// RC4
pub(crate) fn rc4(key: &[u8], content: &[u8]) -> Vec<u8> {
    let mut state: Vec<u8> = (0..=255).collect();
    let mut j = 0_usize;
    for i in 0..256 {
        j = (j + usize::from(state[i]) + usize::from(key[i % key.len()])) % 256;
        state.swap(i, j);
    }
    let (mut i, mut j) = (0_usize, 0_usize);
    let keystream = |octet: &u8| {
        i = (i + 1) % 256;
        j = (j + usize::from(state[i])) % 256;
        state.swap(i, j);
        octet ^ state[(usize::from(state[i]) + usize::from(state[j])) % 256]
    };
    content.iter().map(keystream).collect()
}

/// GCM (NIST SP 800-38D) with a nonce of any length; the tag has 16 octets.
pub(crate) fn gcm(key: &[u8], nonce: &[u8], associated: &[u8], content: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let hash_key = u128::from_be_bytes(aes_block(key, [0; 16]));
    let first = if nonce.len() == 12 {
        block_of(&[nonce, &[0, 0, 0, 1]].concat())
    } else {
        ghash(hash_key, &[], nonce)
    };
    let mut counter = u128::from_be_bytes(first);
    let mut ciphertext = Vec::new();
    for block in content.chunks(16) {
        counter = (counter & !0xffff_ffff) | u128::from((counter as u32).wrapping_add(1));
        let stream = aes_block(key, counter.to_be_bytes());
        ciphertext.extend(block.iter().zip(stream).map(|(octet, stream)| octet ^ stream));
    }
    let hash = ghash(hash_key, associated, &ciphertext);
    (ciphertext, xor(aes_block(key, first), &hash).to_vec())
}

fn ghash(key: u128, associated: &[u8], content: &[u8]) -> [u8; 16] {
    let mut state = 0_u128;
    for block in associated.chunks(16).chain(content.chunks(16)) {
        state = multiply(state ^ u128::from_be_bytes(block_of(block)), key);
    }
    let lengths = ((associated.len() as u128 * 8) << 64) | (content.len() as u128 * 8);
    multiply(state ^ lengths, key).to_be_bytes()
}

fn multiply(left: u128, right: u128) -> u128 {
    let (mut product, mut factor) = (0, right);
    for bit in 0..128 {
        if left >> (127 - bit) & 1 == 1 {
            product ^= factor;
        }
        let carry = factor & 1;
        factor >>= 1;
        if carry == 1 {
            factor ^= 0xe1 << 120;
        }
    }
    product
}

pub(crate) fn hmac_sha256(key: &[u8], message: &[u8]) -> Vec<u8> {
    let block = |pad: u8| -> Vec<u8> {
        (0..64).map(|index| key.get(index).copied().unwrap_or_default() ^ pad).collect()
    };
    let inner = sha256(&[&block(0x36)[..], message].concat());
    sha256(&[block(0x5c), inner].concat())
}

/// HKDF-SHA256 (RFC 5869) for at most 32 octets.
pub(crate) fn hkdf(secret: &[u8], salt: &[u8], info: &[u8], length: usize) -> Vec<u8> {
    let extracted = hmac_sha256(salt, secret);
    hmac_sha256(&extracted, &[info, &[1]].concat())[..length].to_vec()
}

/// The derivation of X9.63 with SHA-256 for at most 32 octets.
pub(crate) fn x963(secret: &[u8], info: &[u8], length: usize) -> Vec<u8> {
    sha256(&[secret, &[0, 0, 0, 1], info].concat())[..length].to_vec()
}

/// PBKDF2 with HMAC-SHA256 for at most 32 octets.
pub(crate) fn pbkdf2(passphrase: &[u8], salt: &[u8], iterations: u32, length: usize) -> Vec<u8> {
    let mut value = hmac_sha256(passphrase, &[salt, &[0, 0, 0, 1]].concat());
    let mut sum = value.clone();
    for _ in 1..iterations {
        value = hmac_sha256(passphrase, &value);
        sum.iter_mut().zip(&value).for_each(|(sum, octet)| *sum ^= octet);
    }
    sum.truncate(length);
    sum
}

/// AES key wrap (RFC 3394).
pub(crate) fn key_wrap(key: &[u8], content: &[u8]) -> Vec<u8> {
    let mut integrity = [0xa6_u8; 8];
    let mut pieces: Vec<[u8; 8]> =
        content.chunks(8).map(|piece| piece.try_into().expect("8 octets")).collect();
    let count = pieces.len() as u64;
    for round in 0..6 {
        for (index, piece) in pieces.iter_mut().enumerate() {
            let block = aes_block(key, block_of(&[integrity, *piece].concat()));
            let step = count * round + index as u64 + 1;
            let (left, right) = block.split_at(8);
            integrity = (u64::from_be_bytes(left.try_into().expect("8 octets")) ^ step).to_be_bytes();
            *piece = right.try_into().expect("8 octets");
        }
    }
    [integrity.to_vec(), pieces.concat()].concat()
}

/// MGF1 with SHA-256 or SHA-1 (RFC 8017, appendix B.2.1).
pub(crate) fn mgf1(digest: fn(&[u8]) -> Vec<u8>, seed: &[u8], length: usize) -> Vec<u8> {
    let blocks = (0_u32..).map(|counter| digest(&[seed, &counter.to_be_bytes()[..]].concat()));
    blocks.flatten().take(length).collect()
}
