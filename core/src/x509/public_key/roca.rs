//! Moduli of the Infineon library that can be factored (ROCA, CVE-2017-15361).
//!
//! Its primes are powers of 65537 modulo a product of small primes, and so are their products:
//! "The Return of Coppersmith's Attack", Nemec and others, 2017, section 4. Of honest moduli one
//! in a hundred million looks like that.

/// The small primes of which 65537 does not reach every residue.
const PRIMES: [u32; 17] = [11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157];

/// Whether a modulus has the mark of the broken library.
pub(super) fn is_marked(modulus: &[u8]) -> bool {
    PRIMES.into_iter().all(|prime| is_power(remainder(modulus, prime), prime))
}

fn remainder(modulus: &[u8], prime: u32) -> u32 {
    modulus.iter().fold(0, |remainder, octet| ((remainder << 8) | u32::from(*octet)) % prime)
}

/// Whether a residue is a power of 65537.
fn is_power(residue: u32, prime: u32) -> bool {
    let base = 65_537 % prime;
    let mut power = 1;
    // The powers come back to 1 after fewer steps than the prime.
    for _ in 0..prime {
        if power == residue {
            return true;
        }
        power = power * base % prime;
    }
    false
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing)]
    use super::*;

    /// 65537 to the 64th has the mark by construction.
    #[test]
    fn a_power_of_65537_is_marked_and_its_neighbour_is_not() {
        let mut number = vec![1_u8];
        for _ in 0..64 {
            // Times 65537: itself, and itself moved by two octets.
            let mut sum = vec![0_u8; number.len() + 3];
            let mut carry = 0_u16;
            for (position, place) in sum.iter_mut().enumerate() {
                let digit = |shift: usize| position.checked_sub(shift).and_then(|at| number.get(at)).copied();
                carry += u16::from(digit(0).unwrap_or(0)) + u16::from(digit(2).unwrap_or(0));
                *place = carry as u8;
                carry >>= 8;
            }
            number = sum;
        }
        number.reverse();
        assert!(is_marked(&number));
        let last = number.len() - 1;
        number[last] = number[last].wrapping_add(2);
        assert!(!is_marked(&number));
    }
}
