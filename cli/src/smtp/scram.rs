//! SCRAM-SHA-256 (RFC 5802, RFC 7677): the server gets no password, and proves that it knows it too.

use base64ct::{Base64, Encoding};
use counterseal_core::secret::SecretBytes;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::randomness::random;

/// Without channel binding (RFC 5802, section 7): rustls hands out no `tls-server-end-point`.
const HEADER: &str = "n,,";
/// The same in base64.
const BINDING: &str = "biws";
/// Rounds of PBKDF2: RFC 7677 wants 4096 at least; a server that wants millions wants our time.
const ROUNDS: std::ops::RangeInclusive<u32> = 4096..=2_000_000;

/// Our side.
pub(super) struct Scram {
    /// `n=USER,r=NONCE`.
    bare: String,
    nonce: String,
}

/// The last message, and what it is to be answered with.
pub(super) struct Last {
    pub(super) message: Zeroizing<String>,
    server_signature: [u8; 32],
}

impl Scram {
    /// With a new nonce.
    pub(super) fn new(user: &str) -> Self {
        Self::with_nonce(user, Base64::encode_string(&random::<18>()))
    }

    fn with_nonce(user: &str, nonce: String) -> Self {
        let user = user.replace('=', "=3D").replace(',', "=2C");
        Self { bare: format!("n={user},r={nonce}"), nonce }
    }

    /// The first message.
    pub(super) fn first(&self) -> String {
        format!("{HEADER}{}", self.bare)
    }

    /// The second one.
    ///
    /// # Errors
    /// What is wrong with the server's message.
    pub(super) fn last(&self, server_first: &[u8], password: &SecretBytes) -> Result<Last, &'static str> {
        let server_first = std::str::from_utf8(server_first).map_err(|_| "a challenge is no text")?;
        let mut fields = server_first.split(',');
        let nonce =
            fields.next().and_then(|field| field.strip_prefix("r=")).ok_or("a challenge has no nonce")?;
        if !nonce.starts_with(&self.nonce) || nonce.len() == self.nonce.len() {
            return Err("a challenge is for somebody else");
        }
        let salt =
            fields.next().and_then(|field| field.strip_prefix("s=")).ok_or("a challenge has no salt")?;
        let salt = Base64::decode_vec(salt).map_err(|_| "a challenge has no salt")?;
        let rounds =
            fields.next().and_then(|field| field.strip_prefix("i=")).and_then(|field| field.parse().ok());
        let rounds = rounds
            .filter(|rounds| ROUNDS.contains(rounds))
            .ok_or("a challenge wants too few or too many rounds")?;
        let mut salted = Zeroizing::new([0_u8; 32]);
        pbkdf2::pbkdf2_hmac::<Sha256>(password.expose(), &salt, rounds, &mut *salted);
        let client_key = Zeroizing::new(mac(&*salted, b"Client Key"));
        let without_proof = format!("c={BINDING},r={nonce}");
        let message = format!("{},{server_first},{without_proof}", self.bare);
        let signature = mac(&Sha256::digest(*client_key), message.as_bytes());
        let proof: Vec<u8> =
            client_key.iter().zip(signature).map(|(key, signature)| key ^ signature).collect();
        let server_key = Zeroizing::new(mac(&*salted, b"Server Key"));
        Ok(Last {
            message: Zeroizing::new(format!("{without_proof},p={}", Base64::encode_string(&proof))),
            server_signature: mac(&*server_key, message.as_bytes()),
        })
    }
}

impl Last {
    /// Whether the server knows the password.
    pub(super) fn is_proved_by(&self, server_last: &[u8]) -> bool {
        let expected = format!("v={}", Base64::encode_string(&self.server_signature));
        let given = server_last.split(|byte| *byte == b',').next().unwrap_or_default();
        given == expected.as_bytes()
    }
}

fn mac(key: &[u8], message: &[u8]) -> [u8; 32] {
    // HMAC takes keys of any length.
    match Hmac::<Sha256>::new_from_slice(key) {
        Ok(mut mac) => {
            mac.update(message);
            mac.finalize().into_bytes().into()
        }
        Err(_) => [0; 32],
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// The example of RFC 7677, section 3.
    const SERVER_FIRST: &[u8] =
        b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";

    fn example() -> Scram {
        Scram::with_nonce("user", "rOprNGfwEbeRWgbNEkqO".to_owned())
    }

    #[test]
    fn the_example_of_the_rfc_is_computed() {
        let scram = example();
        assert_eq!(scram.first(), "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
        let last = scram.last(SERVER_FIRST, &SecretBytes::copy_of(b"pencil")).unwrap();
        assert_eq!(
            *last.message,
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
             p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
        );
        assert!(last.is_proved_by(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="));
        assert!(!last.is_proved_by(b"v=AAAATRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="));
        assert!(!last.is_proved_by(b""));
    }

    #[test]
    fn a_challenge_that_is_weak_or_not_for_us_is_refused() {
        let password = SecretBytes::copy_of(b"pencil");
        for challenge in [
            &b""[..],
            b"r=somebody,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
            b"r=rOprNGfwEbeRWgbNEkqO,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
            b"r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=1",
            b"r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4000000000",
            b"r=rOprNGfwEbeRWgbNEkqOx,s=%%,i=4096",
            b"m=ext,r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
            b"r=\xff",
        ] {
            assert!(example().last(challenge, &password).is_err(), "{challenge:?}");
        }
    }

    #[test]
    fn a_name_with_a_comma_stays_one_field() {
        assert_eq!(Scram::with_nonce("a,b=c", "x".to_owned()).first(), "n,,n=a=2Cb=3Dc,r=x");
    }
}
