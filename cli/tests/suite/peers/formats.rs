//! The formats that are exchanged, each with the name that appears in a failure.

use std::fmt;

/// A content-encryption algorithm, named as `cseal encrypt --cipher` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cipher {
    TripleDes,
    Aes128Cbc,
    Aes192Cbc,
    Aes256Cbc,
    Aes128Gcm,
    Aes256Gcm,
    /// `aes-ICVlen` left out, so 12 octets of tag (RFC 5084, section 3.2).
    Aes256GcmTag12,
    /// `aes-ICVlen` 14.
    Aes256GcmTag14,
    Aes256Ccm,
    ChaCha20Poly1305,
}

impl Cipher {
    pub const fn name(self) -> &'static str {
        match self {
            Self::TripleDes => "des-ede3-cbc",
            Self::Aes128Cbc => "aes-128-cbc",
            Self::Aes192Cbc => "aes-192-cbc",
            Self::Aes256Cbc => "aes-256-cbc",
            Self::Aes128Gcm => "aes-128-gcm",
            Self::Aes256Gcm => "aes-256-gcm",
            Self::Aes256GcmTag12 => "aes-256-gcm/12",
            Self::Aes256GcmTag14 => "aes-256-gcm/14",
            Self::Aes256Ccm => "aes-256-ccm",
            Self::ChaCha20Poly1305 => "chacha20-poly1305",
        }
    }

    pub const fn is_cbc(self) -> bool {
        matches!(self, Self::TripleDes | Self::Aes128Cbc | Self::Aes192Cbc | Self::Aes256Cbc)
    }

    /// GCM with the full tag, as OpenSSL and we write it.
    pub const fn is_gcm(self) -> bool {
        matches!(self, Self::Aes128Gcm | Self::Aes256Gcm)
    }
}

/// How the content-encryption key reaches the reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    Pkcs1,
    OaepSha1,
    OaepSha256,
    /// ECDH with a key derivation function over this digest.
    Agreement(Curve, &'static str),
    X25519,
    MlKem512,
    MlKem768,
    MlKem1024,
    Passphrase,
    KeyEncryptionKey,
    /// An RSA and an EC recipient in one object, read with the RSA key.
    Pkcs1BesideAgreement,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Curve {
    P256,
    P384,
    P521,
}

impl Transport {
    /// The name of the reader's files; see `people.rs`.
    pub const fn reader(self) -> &'static str {
        match self {
            Self::Agreement(Curve::P256, _) => "bob-p256",
            Self::Agreement(Curve::P384, _) => "bob-p384",
            Self::Agreement(Curve::P521, _) => "bob-p521",
            Self::X25519 => "bob-x25519",
            Self::MlKem512 => "bob-mlkem512",
            Self::MlKem768 => "bob-mlkem768",
            Self::MlKem1024 => "bob-mlkem1024",
            Self::Pkcs1
            | Self::OaepSha1
            | Self::OaepSha256
            | Self::Passphrase
            | Self::KeyEncryptionKey
            | Self::Pkcs1BesideAgreement => "bob-rsa",
        }
    }

    pub const fn is_ml_kem(self) -> bool {
        matches!(self, Self::MlKem512 | Self::MlKem768 | Self::MlKem1024)
    }
}

/// The passphrase of [`Transport::Passphrase`].
pub const PASSPHRASE: &str = "correct horse battery staple";
/// Identifier and key of [`Transport::KeyEncryptionKey`], in hexadecimal.
pub const KEY_IDENTIFIER: &str = "c0ffee";
pub const KEY_ENCRYPTION_KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

/// One way to seal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sealing {
    pub cipher: Cipher,
    pub transport: Transport,
    /// BER with indefinite lengths and a content in pieces.
    pub streamed: bool,
}

impl fmt::Display for Sealing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} {:?}{}",
            self.cipher.name(),
            self.transport,
            if self.streamed { " streamed" } else { "" }
        )
    }
}

const fn sealing(cipher: Cipher, transport: Transport) -> Sealing {
    Sealing { cipher, transport, streamed: false }
}

const fn streamed(cipher: Cipher, transport: Transport) -> Sealing {
    Sealing { cipher, transport, streamed: true }
}

/// Every row of the table.
pub const SEALINGS: &[Sealing] = &[
    sealing(Cipher::TripleDes, Transport::Pkcs1),
    sealing(Cipher::Aes128Cbc, Transport::Pkcs1),
    sealing(Cipher::Aes192Cbc, Transport::Pkcs1),
    sealing(Cipher::Aes256Cbc, Transport::Pkcs1),
    streamed(Cipher::Aes128Cbc, Transport::Pkcs1),
    streamed(Cipher::Aes256Cbc, Transport::Pkcs1),
    sealing(Cipher::Aes256Cbc, Transport::OaepSha1),
    sealing(Cipher::Aes256Cbc, Transport::OaepSha256),
    sealing(Cipher::Aes256Cbc, Transport::Agreement(Curve::P256, "sha256")),
    sealing(Cipher::Aes256Cbc, Transport::Agreement(Curve::P384, "sha256")),
    sealing(Cipher::Aes256Cbc, Transport::Agreement(Curve::P521, "sha256")),
    sealing(Cipher::Aes256Cbc, Transport::Agreement(Curve::P256, "sha1")),
    sealing(Cipher::Aes256Cbc, Transport::Agreement(Curve::P384, "sha384")),
    sealing(Cipher::Aes256Cbc, Transport::Agreement(Curve::P521, "sha512")),
    sealing(Cipher::Aes256Cbc, Transport::Pkcs1BesideAgreement),
    sealing(Cipher::Aes128Gcm, Transport::Pkcs1),
    sealing(Cipher::Aes256Gcm, Transport::Pkcs1),
    streamed(Cipher::Aes256Gcm, Transport::Pkcs1),
    sealing(Cipher::Aes256Gcm, Transport::OaepSha256),
    sealing(Cipher::Aes256Gcm, Transport::Agreement(Curve::P256, "sha256")),
    sealing(Cipher::Aes256GcmTag12, Transport::Pkcs1),
    sealing(Cipher::Aes256GcmTag14, Transport::Pkcs1),
    sealing(Cipher::Aes256Ccm, Transport::Pkcs1),
    sealing(Cipher::ChaCha20Poly1305, Transport::Pkcs1),
    sealing(Cipher::Aes256Cbc, Transport::MlKem768),
    sealing(Cipher::Aes256Cbc, Transport::MlKem1024),
    sealing(Cipher::Aes256Gcm, Transport::MlKem512),
    sealing(Cipher::Aes256Gcm, Transport::MlKem768),
    sealing(Cipher::Aes256Gcm, Transport::MlKem1024),
    sealing(Cipher::Aes256Cbc, Transport::X25519),
    sealing(Cipher::Aes256Cbc, Transport::Passphrase),
    sealing(Cipher::Aes256Cbc, Transport::KeyEncryptionKey),
];

/// One way to sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    RsaSha256,
    RsaSha512,
    /// Salt of 32 octets.
    PssSha256,
    EcdsaP256Sha256,
    EcdsaP384Sha384,
    EcdsaP521Sha512,
    Ed25519,
    MlDsa44,
    MlDsa65,
    MlDsa87,
}

impl Scheme {
    pub const ALL: &[Self] = &[
        Self::RsaSha256,
        Self::RsaSha512,
        Self::PssSha256,
        Self::EcdsaP256Sha256,
        Self::EcdsaP384Sha384,
        Self::EcdsaP521Sha512,
        Self::Ed25519,
        Self::MlDsa44,
        Self::MlDsa65,
        Self::MlDsa87,
    ];

    /// The name that the Bouncy Castle and Python peers take.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RsaSha256 => "rsa-sha256",
            Self::RsaSha512 => "rsa-sha512",
            Self::PssSha256 => "pss-sha256",
            Self::EcdsaP256Sha256 => "ecdsa-sha256",
            Self::EcdsaP384Sha384 => "ecdsa-sha384",
            Self::EcdsaP521Sha512 => "ecdsa-sha512",
            Self::Ed25519 => "ed25519",
            Self::MlDsa44 => "ml-dsa-44",
            Self::MlDsa65 => "ml-dsa-65",
            Self::MlDsa87 => "ml-dsa-87",
        }
    }

    /// The name of the signer's files; see `people.rs`.
    pub const fn signer(self) -> &'static str {
        match self {
            Self::RsaSha256 | Self::RsaSha512 | Self::PssSha256 => "alice-rsa",
            Self::EcdsaP256Sha256 => "alice-p256",
            Self::EcdsaP384Sha384 => "alice-p384",
            Self::EcdsaP521Sha512 => "alice-p521",
            Self::Ed25519 => "alice-ed25519",
            Self::MlDsa44 => "alice-mldsa44",
            Self::MlDsa65 => "alice-mldsa65",
            Self::MlDsa87 => "alice-mldsa87",
        }
    }

    /// The digest of the content, without a hyphen; RFC 8419 and RFC 9882 fix SHA-512 for the last four.
    pub const fn digest(self) -> &'static str {
        match self {
            Self::RsaSha256 | Self::PssSha256 | Self::EcdsaP256Sha256 => "sha256",
            Self::EcdsaP384Sha384 => "sha384",
            Self::RsaSha512
            | Self::EcdsaP521Sha512
            | Self::Ed25519
            | Self::MlDsa44
            | Self::MlDsa65
            | Self::MlDsa87 => "sha512",
        }
    }

    pub const fn is_ml_dsa(self) -> bool {
        matches!(self, Self::MlDsa44 | Self::MlDsa65 | Self::MlDsa87)
    }

    pub const fn is_ecdsa(self) -> bool {
        matches!(self, Self::EcdsaP256Sha256 | Self::EcdsaP384Sha384 | Self::EcdsaP521Sha512)
    }
}
