//! The algorithms this library knows, by the standards' names, and which of them still protect.

/// What kind of key it is, and how strong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyAlgorithm {
    /// RSA with a modulus of that many bits (RFC 8017).
    Rsa {
        /// Length of the modulus.
        bits: u32,
    },
    /// NIST P-256 (RFC 5480).
    P256,
    /// NIST P-384 (RFC 5480).
    P384,
    /// NIST P-521 (RFC 5480).
    P521,
    /// X25519 (RFC 7748, RFC 8410).
    X25519,
    /// Ed25519 (RFC 8032, RFC 8410).
    Ed25519,
    /// ML-KEM-512 (FIPS 203).
    MlKem512,
    /// ML-KEM-768 (FIPS 203).
    MlKem768,
    /// ML-KEM-1024 (FIPS 203).
    MlKem1024,
    /// ML-DSA-44 (FIPS 204).
    MlDsa44,
    /// ML-DSA-65 (FIPS 204).
    MlDsa65,
    /// ML-DSA-87 (FIPS 204).
    MlDsa87,
    /// Known only to say that it is weak (FIPS 186-4).
    Dsa,
}

impl KeyAlgorithm {
    /// The name that people and JSON see: `rsa-3072`, `p-256`, `ml-kem-768`.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::Rsa { bits } => format!("rsa-{bits}"),
            Self::P256 => "p-256".into(),
            Self::P384 => "p-384".into(),
            Self::P521 => "p-521".into(),
            Self::X25519 => "x25519".into(),
            Self::Ed25519 => "ed25519".into(),
            Self::MlKem512 => "ml-kem-512".into(),
            Self::MlKem768 => "ml-kem-768".into(),
            Self::MlKem1024 => "ml-kem-1024".into(),
            Self::MlDsa44 => "ml-dsa-44".into(),
            Self::MlDsa65 => "ml-dsa-65".into(),
            Self::MlDsa87 => "ml-dsa-87".into(),
            Self::Dsa => "dsa".into(),
        }
    }
}

/// A digest algorithm. MD5 is here only so that it can be called weak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DigestAlgorithm {
    /// MD5 (RFC 1321).
    Md5,
    /// SHA-1 (FIPS 180-4).
    Sha1,
    /// SHA-224 (FIPS 180-4).
    Sha224,
    /// SHA-256 (FIPS 180-4).
    Sha256,
    /// SHA-384 (FIPS 180-4).
    Sha384,
    /// SHA-512 (FIPS 180-4).
    Sha512,
    /// SHA3-256 (FIPS 202).
    Sha3_256,
    /// SHA3-384 (FIPS 202).
    Sha3_384,
    /// SHA3-512 (FIPS 202).
    Sha3_512,
    /// SHAKE128 with 256 bits of output (RFC 8702).
    Shake128,
    /// SHAKE256 with 512 bits of output (RFC 8702).
    Shake256,
}

impl DigestAlgorithm {
    /// The name in `micalg` (RFC 8551, section 3.5.3.2) and in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Md5 => "md5",
            Self::Sha1 => "sha-1",
            Self::Sha224 => "sha-224",
            Self::Sha256 => "sha-256",
            Self::Sha384 => "sha-384",
            Self::Sha512 => "sha-512",
            Self::Sha3_256 => "sha3-256",
            Self::Sha3_384 => "sha3-384",
            Self::Sha3_512 => "sha3-512",
            Self::Shake128 => "shake128",
            Self::Shake256 => "shake256",
        }
    }

    /// Whether a signature over this digest proves nothing any more (RFC 8551, appendix B).
    #[must_use]
    pub const fn is_weak(self) -> bool {
        matches!(self, Self::Md5 | Self::Sha1)
    }
}

/// How a signature is made, with all its parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SignatureAlgorithm {
    /// RSASSA-PKCS1-v1_5 (RFC 8017, section 8.2).
    RsaPkcs1(DigestAlgorithm),
    /// RSASSA-PSS (RFC 8017, section 8.1; RFC 4056).
    RsaPss {
        /// Digest of the message.
        digest: DigestAlgorithm,
        /// Digest of the mask generation function MGF1.
        mask_digest: DigestAlgorithm,
        /// Length of the salt in bytes.
        salt_length: u32,
    },
    /// ECDSA (RFC 5753, RFC 5758); the curve is the key's.
    Ecdsa(DigestAlgorithm),
    /// Pure Ed25519 (RFC 8419).
    Ed25519,
    /// Pure ML-DSA with an empty context (RFC 9882); the parameter set is the key's.
    MlDsa,
    /// DSA, known only to say that it is weak.
    Dsa(DigestAlgorithm),
}

impl SignatureAlgorithm {
    /// Whether a signature of that kind proves nothing any more (RFC 8550, section 4).
    #[must_use]
    pub const fn is_weak(self) -> bool {
        match self {
            Self::RsaPkcs1(digest) | Self::Ecdsa(digest) | Self::RsaPss { digest, .. } => digest.is_weak(),
            Self::Ed25519 | Self::MlDsa => false,
            Self::Dsa(_) => true,
        }
    }
}

/// A content-encryption algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ContentEncryption {
    /// AES-128-CBC (RFC 3565).
    Aes128Cbc,
    /// AES-192-CBC (RFC 3565).
    Aes192Cbc,
    /// AES-256-CBC (RFC 3565).
    Aes256Cbc,
    /// AES-128-GCM (RFC 5084).
    Aes128Gcm,
    /// AES-192-GCM (RFC 5084).
    Aes192Gcm,
    /// AES-256-GCM (RFC 5084).
    Aes256Gcm,
    /// AES-128-CCM (RFC 5084).
    Aes128Ccm,
    /// AES-192-CCM (RFC 5084).
    Aes192Ccm,
    /// AES-256-CCM (RFC 5084).
    Aes256Ccm,
    /// ChaCha20-Poly1305 (RFC 8103).
    ChaCha20Poly1305,
    /// Triple DES in CBC mode, three or two keys: old mail.
    TripleDesCbc,
    /// Single DES in CBC mode: refused, or opened from an archive as weak.
    DesCbc,
    /// RC2 in CBC mode (RFC 2268) with that many effective key bits: old archives only.
    Rc2Cbc {
        /// Effective key bits: 40, 64 or 128.
        effective_bits: u32,
    },
    /// RC4: named, so that it can be refused by name.
    Rc4,
}

impl ContentEncryption {
    /// The name on the command line and in JSON: `aes-256-gcm`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Aes128Cbc => "aes-128-cbc",
            Self::Aes192Cbc => "aes-192-cbc",
            Self::Aes256Cbc => "aes-256-cbc",
            Self::Aes128Gcm => "aes-128-gcm",
            Self::Aes192Gcm => "aes-192-gcm",
            Self::Aes256Gcm => "aes-256-gcm",
            Self::Aes128Ccm => "aes-128-ccm",
            Self::Aes192Ccm => "aes-192-ccm",
            Self::Aes256Ccm => "aes-256-ccm",
            Self::ChaCha20Poly1305 => "chacha20-poly1305",
            Self::TripleDesCbc => "3des-cbc",
            Self::DesCbc => "des-cbc",
            Self::Rc2Cbc { .. } => "rc2-cbc",
            Self::Rc4 => "rc4",
        }
    }

    /// Whether a changed ciphertext is noticed.
    #[must_use]
    pub const fn is_authenticated(self) -> bool {
        matches!(
            self,
            Self::Aes128Gcm
                | Self::Aes192Gcm
                | Self::Aes256Gcm
                | Self::Aes128Ccm
                | Self::Aes192Ccm
                | Self::Aes256Ccm
                | Self::ChaCha20Poly1305
        )
    }

    /// Whether the cipher is broken: opened only where the person says so (RFC 8551, appendix B).
    #[must_use]
    pub const fn is_broken(self) -> bool {
        matches!(self, Self::DesCbc | Self::Rc2Cbc { .. } | Self::Rc4)
    }

    /// Whether the cipher is outdated: opened, with a warning.
    #[must_use]
    pub const fn is_outdated(self) -> bool {
        matches!(self, Self::TripleDesCbc)
    }
}
