//! SMIMEA records (RFC 8162): certificates in the DNS, with the fields of TLSA (RFC 6698).

use std::fmt;

use sha2::{Digest as _, Sha256, Sha512};

use super::plain_local_part;
use crate::address::EmailAddress;
use crate::limits;
use crate::time::Time;
use crate::x509::Certificate;
use crate::x509::path::{Anchor, PathRequest, Purpose, validate_with};
use crate::x509::revocation::{RevocationDemand, RevocationEvidence};

/// Octets of the digest in an owner name (RFC 8162, section 3).
const NAME_OCTETS: usize = 28;
/// Hexadecimal digits of a line in a zone file.
const DIGITS_OF_A_LINE: usize = 56;

/// The owner name of an address's records, with the final dot (RFC 8162, section 3). The letter case of
/// the local part matters: only the domain knows whether it does not.
#[must_use]
pub fn smimea_name(address: &EmailAddress) -> String {
    let digest = Sha256::digest(plain_local_part(address).as_bytes());
    let label: String = digest.iter().take(NAME_OCTETS).map(|octet| format!("{octet:02x}")).collect();
    format!("{label}._smimecert.{}.", address.domain())
}

macro_rules! field {
    ($(#[doc = $doc:literal])+ $name:ident { $($(#[doc = $variant_doc:literal])+ $variant:ident = $number:literal,)+ }) => {
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[doc = $variant_doc])+ $variant,)+
        }

        impl $name {
            /// The number in the record.
            #[must_use]
            pub const fn number(self) -> u8 {
                match self {
                    $(Self::$variant => $number,)+
                }
            }

            /// What a number means.
            #[must_use]
            pub const fn from_number(number: u8) -> Option<Self> {
                match number {
                    $($number => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }
    };
}

field! {
    /// What a record says of the certificate that it names (RFC 6698, section 2.1.1).
    Usage {
        /// It is a CA of the chain, which must lead to an anchor that is accepted anyway.
        AuthorityConstraint = 0,
        /// It is the certificate, whose chain must lead to an anchor that is accepted anyway.
        CertificateConstraint = 1,
        /// It is a CA, and the anchor of the chain.
        AuthorityAssertion = 2,
        /// It is the certificate.
        CertificateAssertion = 3,
    }
}

field! {
    /// Of what a record speaks (RFC 6698, section 2.1.2).
    Selector {
        /// Of the whole certificate.
        Certificate = 0,
        /// Of its SubjectPublicKeyInfo.
        PublicKey = 1,
    }
}

field! {
    /// How a record names it (RFC 6698, section 2.1.3).
    Matching {
        /// By all its octets.
        Full = 0,
        /// By their SHA-256.
        Sha256 = 1,
        /// By their SHA-512.
        Sha512 = 2,
    }
}

/// One SMIMEA record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SmimeaRecord {
    usage: Usage,
    selector: Selector,
    matching: Matching,
    data: Vec<u8>,
}

/// Why a record says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmimeaError {
    /// Fewer octets than its fields, or a digest of another length.
    Malformed,
    /// More than [`limits::SMIMEA_BYTES`].
    TooLarge,
    /// A usage, selector or matching type that is not known here.
    Unknown,
}

impl fmt::Display for SmimeaError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Malformed => "the SMIMEA record is malformed",
            Self::TooLarge => "the SMIMEA record is too large",
            Self::Unknown => "the SMIMEA record is of a kind that is not known",
        })
    }
}

impl std::error::Error for SmimeaError {}

impl SmimeaRecord {
    /// Reads the RDATA of a record.
    ///
    /// # Errors
    /// [`SmimeaError`]; such a record is passed over as if it were not there.
    pub fn from_rdata(rdata: &[u8]) -> Result<Self, SmimeaError> {
        if rdata.len() > limits::SMIMEA_BYTES {
            return Err(SmimeaError::TooLarge);
        }
        let (&[usage, selector, matching], data) =
            rdata.split_first_chunk::<3>().ok_or(SmimeaError::Malformed)?;
        let record = Self {
            usage: Usage::from_number(usage).ok_or(SmimeaError::Unknown)?,
            selector: Selector::from_number(selector).ok_or(SmimeaError::Unknown)?,
            matching: Matching::from_number(matching).ok_or(SmimeaError::Unknown)?,
            data: data.to_vec(),
        };
        let length_is_right = match record.matching {
            Matching::Full => !data.is_empty(),
            Matching::Sha256 => data.len() == 32,
            Matching::Sha512 => data.len() == 64,
        };
        if length_is_right { Ok(record) } else { Err(SmimeaError::Malformed) }
    }

    /// The record that a certificate is published with.
    #[must_use]
    pub fn of(certificate: &Certificate, usage: Usage, selector: Selector, matching: Matching) -> Self {
        Self { usage, selector, matching, data: association(certificate, selector, matching) }
    }

    /// The RDATA.
    #[must_use]
    pub fn to_rdata(&self) -> Vec<u8> {
        let fields = [self.usage.number(), self.selector.number(), self.matching.number()];
        [&fields[..], &self.data].concat()
    }

    /// What the record says of the certificate that it names.
    #[must_use]
    pub const fn usage(&self) -> Usage {
        self.usage
    }

    /// The certificate that the record holds, where it holds one.
    #[must_use]
    pub fn certificate(&self) -> Option<Certificate> {
        let is_whole = self.selector == Selector::Certificate && self.matching == Matching::Full;
        is_whole.then(|| Certificate::from_der(&self.data).ok())?
    }

    /// Whether the record names this certificate.
    #[must_use]
    pub fn names(&self, certificate: &Certificate) -> bool {
        association(certificate, self.selector, self.matching) == self.data
    }

    /// Whether the record speaks for a certificate of the address, at a moment. Records about CAs speak
    /// for what has a valid path to them over the certificates `at_hand`; constraints speak only for
    /// what `has_chain` to an accepted anchor.
    #[must_use]
    pub fn speaks_for(&self, leaf: &Certificate, at_hand: &[Certificate], has_chain: bool, at: Time) -> bool {
        match self.usage {
            Usage::CertificateAssertion => self.names(leaf),
            Usage::CertificateConstraint => has_chain && self.names(leaf),
            Usage::AuthorityAssertion => self.is_above(leaf, at_hand, at),
            Usage::AuthorityConstraint => has_chain && self.is_above(leaf, at_hand, at),
        }
    }

    fn is_above(&self, leaf: &Certificate, at_hand: &[Certificate], at: Time) -> bool {
        let own = self.certificate();
        let named = at_hand.iter().chain(&own).filter(|other| {
            other.is_certificate_authority() && other.fingerprint() != leaf.fingerprint() && self.names(other)
        });
        let anchors: Vec<Anchor> = named.cloned().map(Anchor::private).collect();
        let revocation =
            RevocationEvidence { demand: RevocationDemand::Off, ..RevocationEvidence::default() };
        let purpose =
            if leaf.may_receive_encrypted_mail().is_ok() { Purpose::EncryptMail } else { Purpose::SignMail };
        let request = PathRequest::new(purpose, at);
        !anchors.is_empty()
            && validate_with(leaf, at_hand, &anchors, &revocation, &request)
                .and_then(crate::x509::path::ValidPath::require_strong)
                .is_ok()
    }

    /// The record for a zone file, with lines that every editor takes.
    #[must_use]
    pub fn to_zone_text(&self, owner: &str) -> String {
        let [usage, selector, matching] =
            [self.usage.number(), self.selector.number(), self.matching.number()];
        format!("{owner} IN SMIMEA {usage} {selector} {matching} {}", digits(&self.data))
    }

    /// The same for programs that do not know the type (RFC 3597, section 5).
    #[must_use]
    pub fn to_generic_zone_text(&self, owner: &str) -> String {
        let rdata = self.to_rdata();
        format!("{owner} IN TYPE53 \\# {} {}", rdata.len(), digits(&rdata))
    }
}

/// Certificate association data (RFC 6698, section 2.1.4).
fn association(certificate: &Certificate, selector: Selector, matching: Matching) -> Vec<u8> {
    let selected = match selector {
        Selector::Certificate => certificate.as_der(),
        Selector::PublicKey => certificate.public_key().as_der(),
    };
    match matching {
        Matching::Full => selected.to_vec(),
        Matching::Sha256 => Sha256::digest(selected).to_vec(),
        Matching::Sha512 => Sha512::digest(selected).to_vec(),
    }
}

/// Octets as digits, in parentheses where they need several lines.
fn digits(octets: &[u8]) -> String {
    let all: String = octets.iter().map(|octet| format!("{octet:02x}")).collect();
    let mut lines: Vec<String> = Vec::new();
    for digit in all.chars() {
        match lines.last_mut().filter(|line| line.len() < DIGITS_OF_A_LINE) {
            Some(line) => line.push(digit),
            None => lines.push(digit.to_string()),
        }
    }
    match lines.as_slice() {
        [one] => one.clone(),
        several => format!("(\n    {}\n    )", several.join("\n    ")),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::testing::{NOW, Person};

    fn name(address: &str) -> String {
        smimea_name(&EmailAddress::parse(address).unwrap())
    }

    #[test]
    fn the_name_is_the_cut_digest_of_the_local_part() {
        // The digest of RFC 7929, section 3, which RFC 8162 makes the same way.
        const HUGH: &str = "c93f1e400f26708f98cb19d936620da35eec8f72e57f9eec01c1afd6";
        assert_eq!(name("hugh@Example.COM"), format!("{HUGH}._smimecert.example.com."));
        assert_eq!(name("\"hugh\"@example.com"), name("hugh@example.com"));
        assert_ne!(name("Hugh@example.com"), name("hugh@example.com"));
    }

    #[test]
    fn a_record_names_its_certificate_in_every_form_and_no_other() {
        let (alice, bob) = (Person::new("alice@example.org"), Person::new("bob@example.org"));
        for selector in [Selector::Certificate, Selector::PublicKey] {
            for matching in [Matching::Full, Matching::Sha256, Matching::Sha512] {
                let record =
                    SmimeaRecord::of(&alice.encryption, Usage::CertificateAssertion, selector, matching);
                assert_eq!(SmimeaRecord::from_rdata(&record.to_rdata()), Ok(record.clone()));
                assert!(record.names(&alice.encryption) && !record.names(&alice.signing));
                assert!(record.speaks_for(&alice.encryption, &[], false, NOW));
                assert!(!record.speaks_for(&bob.encryption, &[], true, NOW));
                let is_whole = (selector, matching) == (Selector::Certificate, Matching::Full);
                assert_eq!(record.certificate().is_some(), is_whole);
            }
        }
    }

    #[test]
    fn a_record_about_a_ca_speaks_for_what_it_issued() {
        let (alice, bob) = (Person::new("alice@example.org"), Person::new("bob@example.org"));
        let record = |matching| {
            SmimeaRecord::of(&alice.authority, Usage::AuthorityAssertion, Selector::Certificate, matching)
        };
        assert!(record(Matching::Full).speaks_for(&alice.encryption, &[], false, NOW));
        let at_hand = [alice.authority.clone()];
        assert!(record(Matching::Sha256).speaks_for(&alice.encryption, &at_hand, false, NOW));
        assert!(
            !record(Matching::Sha256).speaks_for(&alice.encryption, &[], false, NOW),
            "it is not at hand"
        );
        assert!(!record(Matching::Full).speaks_for(
            &bob.encryption,
            std::slice::from_ref(&bob.authority),
            true,
            NOW
        ));
        assert!(!record(Matching::Full).speaks_for(&alice.encryption, &[], false, NOW.plus_days(10_000)));
    }

    #[test]
    fn a_constraint_asks_for_an_accepted_chain_too() {
        let alice = Person::new("alice@example.org");
        let of =
            |usage, certificate| SmimeaRecord::of(certificate, usage, Selector::Certificate, Matching::Full);
        for record in [
            of(Usage::CertificateConstraint, &alice.encryption),
            of(Usage::AuthorityConstraint, &alice.authority),
        ] {
            assert!(!record.speaks_for(&alice.encryption, &[], false, NOW));
            assert!(record.speaks_for(&alice.encryption, &[], true, NOW));
        }
    }

    #[test]
    fn what_is_no_record_is_refused() {
        for (rdata, error) in [
            (&[3, 0][..], SmimeaError::Malformed),
            (&[3, 0, 0], SmimeaError::Malformed),
            (&[3, 0, 1, 7], SmimeaError::Malformed),
            (&[4, 0, 0, 7], SmimeaError::Unknown),
            (&[3, 2, 0, 7], SmimeaError::Unknown),
            (&[3, 0, 3, 7], SmimeaError::Unknown),
        ] {
            assert_eq!(SmimeaRecord::from_rdata(rdata), Err(error), "{rdata:?}");
        }
        let large = [&[3, 0, 0][..], &[0; limits::SMIMEA_BYTES]].concat();
        assert_eq!(SmimeaRecord::from_rdata(&large), Err(SmimeaError::TooLarge));
        assert!(SmimeaRecord::from_rdata(&[3, 0, 0, 7]).unwrap().certificate().is_none());
    }

    #[test]
    fn zone_files_get_lines_that_they_can_hold() {
        let record = SmimeaRecord::from_rdata(&[&[3, 0, 1][..], &[0xab; 32]].concat()).unwrap();
        let line = "ab".repeat(28);
        assert_eq!(
            record.to_zone_text("x.example.org."),
            format!("x.example.org. IN SMIMEA 3 0 1 (\n    {line}\n    abababab\n    )")
        );
        let generic = record.to_generic_zone_text("x.example.org.");
        assert!(generic.starts_with("x.example.org. IN TYPE53 \\# 35 (\n    030001abab"), "{generic}");
    }
}
