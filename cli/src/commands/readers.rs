//! Whom a message is encrypted for: by certificates that were named, or by what the store knows.

use std::collections::BTreeSet;

use counterseal_core::address::{EmailAddress, KeyDemand};
use counterseal_core::mail::DemandOrigin;
use counterseal_core::message::Recipient;
use counterseal_core::policy::{self, Accepted, Encrypt, Met, Policy, Refusal, Sign, Terms, Treatment};
use counterseal_core::time::Time;
use counterseal_core::trust::{Knowledge, Pin};
use counterseal_core::x509::Certificate;

use crate::failure::Failure;
use crate::render::write::refusals;
use crate::store::{Store, TrustRow};

/// What is known of possible readers.
pub(crate) struct Directory<'k> {
    /// Certificates of the command line; they are the person's own choice.
    pub(crate) given: Vec<Certificate>,
    /// What is known beside them.
    pub(crate) knowledge: &'k Knowledge,
    /// What is good enough.
    pub(crate) policy: &'k Policy,
    /// The store's contacts, for what their programs announced. Without a store there are none, and
    /// only certificates that were given are used.
    pub(crate) contacts: Option<Vec<TrustRow>>,
    /// The addresses to which mail was ever encrypted, as they are looked up.
    pub(crate) encrypted_to: BTreeSet<String>,
    /// Whether the mail answers one that was encrypted, and so may quote it.
    pub(crate) answers_encrypted: bool,
    /// As of when.
    pub(crate) at: Time,
}

/// An address, whether the other readers must not know, and what its key must be.
pub(crate) struct Wanted {
    pub(crate) address: EmailAddress,
    pub(crate) blind: bool,
    pub(crate) demand: KeyDemand,
    pub(crate) origin: DemandOrigin,
}

/// Keys for everybody.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) recipients: Vec<Recipient>,
    /// What the person compared by naming a key.
    pub(crate) pins: Vec<Pin>,
    /// Who is written to although the certificate ended, days ago.
    pub(crate) ended: Vec<(EmailAddress, u32)>,
}

impl<'k> Directory<'k> {
    /// By what a store knows.
    pub(crate) fn of_store(
        store: &Store,
        knowledge: &'k Knowledge,
        policy: &'k Policy,
        at: Time,
    ) -> Result<Self, Failure> {
        let (contacts, encrypted_to) = (Some(store.trust_rows()?), store.encrypted_to()?);
        Ok(Self {
            given: Vec::new(),
            knowledge,
            policy,
            contacts,
            encrypted_to,
            answers_encrypted: false,
            at,
        })
    }

    /// By what is known without a store.
    pub(crate) fn of_knowledge(knowledge: &'k Knowledge, policy: &'k Policy, at: Time) -> Self {
        let (contacts, encrypted_to) = (Some(Vec::new()), BTreeSet::new());
        Self { given: Vec::new(), knowledge, policy, contacts, encrypted_to, answers_encrypted: false, at }
    }

    /// A key for every address, or the refusals of all that have none.
    pub(crate) fn all(&self, wanted: Vec<Wanted>) -> Result<Found, Failure> {
        let (mut found, mut refused) = (Found::default(), Vec::new());
        for Wanted { address, blind, demand, origin } in wanted {
            match self.meeting(&address, &demand, origin) {
                Ok(Met { accepted, pin, ended_days }) => {
                    found.pins.extend(pin);
                    found.ended.extend(ended_days.map(|days| (address.clone(), days)));
                    found.recipients.push(Recipient { address, accepted, blind });
                }
                Err(refusal) => refused.push((address.to_string(), refusal)),
            }
        }
        refused.extend(self.unused(&found.recipients));
        if refused.is_empty() { Ok(found) } else { Err(refusals(&refused)) }
    }

    /// Whether what goes to these readers is signed: unless the policy says `sign = "no"` for each of them.
    /// Whoever names a key to sign with wants it to.
    pub(crate) fn wants_signature<'r>(&self, readers: impl IntoIterator<Item = &'r EmailAddress>) -> bool {
        let signs = |reader: &EmailAddress| self.policy.for_address(reader, self.at).sign;
        let mut signs = readers.into_iter().map(signs).peekable();
        self.contacts.is_none() || signs.peek().is_none() || signs.any(|sign| sign == Sign::Yes)
    }

    /// A key for one address.
    pub(crate) fn one(&self, address: &EmailAddress) -> Result<Accepted, Refusal> {
        Ok(self.meeting(address, &KeyDemand::None, DemandOrigin::Typed)?.accepted)
    }

    /// A key for one address that meets a demand.
    fn meeting(
        &self,
        address: &EmailAddress,
        demand: &KeyDemand,
        origin: DemandOrigin,
    ) -> Result<Met, Refusal> {
        let Some(contacts) = &self.contacts else {
            return self.by_given(address, demand).map(Met::from);
        };
        // Whatever policy says of mail that leaves by itself: who calls `encrypt` wants it.
        match self.treatment(contacts, (address, demand, origin), Encrypt::Require)? {
            Treatment::Encrypt(met) => Ok(*met),
            Treatment::Plain => Err(Refusal::NoKey),
        }
    }

    /// What becomes of mail to somebody by the policy, where it leaves without being looked at. `encrypt`
    /// is the least that is wanted.
    pub(crate) fn sending(&self, wanted: &Wanted, encrypt: Encrypt) -> Result<Treatment, Refusal> {
        let Wanted { address, demand, origin, .. } = wanted;
        let encrypt = self.policy.for_address(address, self.at).encrypt.max(encrypt);
        self.treatment(self.contacts.as_deref().unwrap_or_default(), (address, demand, *origin), encrypt)
    }

    /// Whether mail to an address was ever encrypted, and that counts.
    pub(crate) fn was_encrypted(&self, address: &EmailAddress) -> bool {
        self.policy.sticky && self.encrypted_to.contains(&address.lookup_key())
    }

    fn treatment(
        &self,
        contacts: &[TrustRow],
        (address, demand, origin): (&EmailAddress, &KeyDemand, DemandOrigin),
        encrypt: Encrypt,
    ) -> Result<Treatment, Refusal> {
        let terms = Terms {
            encrypt,
            accept: self.policy.for_address(address, self.at).accept,
            stale: self.policy.stale,
            was_encrypted: self.was_encrypted(address),
            quotes_encrypted: self.answers_encrypted,
        };
        match policy::treat(address, (demand, origin), &terms, self.knowledge, self.at)? {
            Treatment::Encrypt(met) => {
                let key = *met.accepted.public_key().fingerprint().sha256();
                let announced = contacts.iter().find(|row| row.key == key && row.capabilities.is_some());
                let announced = announced.and_then(|row| row.capabilities.clone());
                let accepted = met.accepted.with_capabilities(announced);
                Ok(Treatment::Encrypt(Box::new(Met { accepted, ..*met })))
            }
            Treatment::Plain => Ok(Treatment::Plain),
        }
    }

    /// Certificates of the command line as they are, whomever they are for: for bytes without a mail.
    pub(crate) fn given(&self) -> Result<Vec<Accepted>, Failure> {
        let (mut accepted, mut refused) = (Vec::new(), Vec::new());
        for certificate in &self.given {
            match policy::accept_given(certificate, None, self.knowledge, self.at) {
                Ok(key) => accepted.push(key),
                Err(refusal) => refused.push((certificate.subject(), refusal)),
            }
        }
        if refused.is_empty() { Ok(accepted) } else { Err(refusals(&refused)) }
    }

    fn by_given(&self, address: &EmailAddress, demand: &KeyDemand) -> Result<Accepted, Refusal> {
        let mut refusal = Refusal::NoKey;
        for certificate in self.given.iter().filter(|certificate| names(certificate, address)) {
            match policy::accept_given_demanded(certificate, address, demand, self.knowledge, self.at) {
                Ok(accepted) => return Ok(accepted),
                Err(error) => refusal = error,
            }
        }
        Err(refusal)
    }

    /// A certificate that was named for somebody the mail does not name is a mistake to be told.
    fn unused(&self, accepted: &[Recipient]) -> Vec<(String, Refusal)> {
        let used = |certificate: &&Certificate| {
            !accepted.iter().any(|recipient| names(certificate, &recipient.address))
        };
        let unused = self.given.iter().filter(used);
        unused
            .map(|certificate| {
                let addresses = certificate.addresses().to_vec();
                (certificate.subject(), Refusal::OtherAddress { addresses })
            })
            .collect()
    }
}

fn names(certificate: &Certificate, address: &EmailAddress) -> bool {
    certificate.addresses().iter().any(|own| own.matches(address))
}

/// Of the certificates of one file, those to encrypt to: a file may hold a chain, and a person's
/// signing certificate too. Where none is for encryption, the first says why not.
pub(crate) fn for_encryption(mut file: Vec<Certificate>) -> Vec<Certificate> {
    file.retain(|certificate| !certificate.is_certificate_authority() || certificate.is_self_issued());
    let suits = |certificate: &Certificate| {
        !certificate.is_certificate_authority() && certificate.may_receive_encrypted_mail().is_ok()
    };
    if file.iter().any(suits) {
        file.retain(suits);
    } else {
        file.sort_by_key(Certificate::is_certificate_authority);
    }
    file.truncate(1);
    file
}
