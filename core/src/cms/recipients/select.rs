//! Which of our keys opens which box: by name where a name fits, else by trial within narrow
//! bounds, because every trial of RSA PKCS#1 v1.5 is a question that an attacker may have posed.

use std::rc::Rc;

use super::{KeyBox, Method, RecipientDescription, Unboxed};
use crate::algorithm::ContentEncryption;
use crate::fingerprint::Fingerprint;
use crate::limits;
use crate::ports::{HeldKey, KeyName, SecretKeys};
use crate::secret::SecretBytes;

use super::super::open::{OpenError, OpenOptions};

/// One box, and what of ours may open it.
pub(crate) struct Candidate<'k> {
    method: Rc<Method>,
    opener: Opener<'k>,
    /// Whether the message names this key, rather than that we try it.
    pub(crate) is_named: bool,
}

#[derive(Clone, Copy)]
enum Opener<'k> {
    Key(&'k HeldKey),
    Shared(&'k SecretBytes),
    Passphrase(&'k SecretBytes),
}

impl Candidate<'_> {
    /// Opens the box; nothing where that fails visibly. `length` as in [`Method::open`].
    pub(crate) fn open(&self, keys: &dyn SecretKeys, length: usize) -> Option<Unboxed> {
        match (&*self.method, self.opener) {
            (method, Opener::Key(key)) => method.open(&key.fingerprint, keys, length).ok(),
            (Method::KeyEncryptionKey(key_box), Opener::Shared(key)) => key_box.open(key).map(Unboxed::from),
            (Method::Passphrase(key_box), Opener::Passphrase(passphrase)) => {
                key_box.open(passphrase).map(Unboxed::from)
            }
            _ => None,
        }
    }

    /// Whether a wrong key is noticed before the content is decrypted.
    pub(crate) fn notices_wrong_key(&self) -> bool {
        self.method.notices_wrong_key()
    }

    /// The key of ours that is used; nothing for shared keys and passphrases.
    pub(crate) fn fingerprint(&self) -> Option<Fingerprint> {
        match self.opener {
            Opener::Key(key) => Some(key.fingerprint),
            Opener::Shared(_) | Opener::Passphrase(_) => None,
        }
    }
}

/// The readers of one message, seen from here.
pub(crate) struct Recipients<'k> {
    keys: &'k dyn SecretKeys,
    options: &'k OpenOptions,
    descriptions: Vec<RecipientDescription>,
    name_bytes: usize,
    locked: Vec<Fingerprint>,
    /// Named boxes by what is asked first: those where a wrong key is noticed, RSA PKCS#1 v1.5,
    /// passphrases.
    named: [Vec<Candidate<'k>>; 3],
    /// Boxes to be tried: agreement and encapsulation, RSA.
    tried: [Vec<Candidate<'k>>; 2],
}

impl<'k> Recipients<'k> {
    pub(crate) fn new(keys: &'k dyn SecretKeys, options: &'k OpenOptions) -> Self {
        Self {
            keys,
            options,
            descriptions: Vec::new(),
            name_bytes: 0,
            locked: Vec::new(),
            named: Default::default(),
            tried: Default::default(),
        }
    }

    /// Takes note of one box.
    ///
    /// # Errors
    /// [`OpenError::Limit`] for too many recipients, or too much of names.
    pub(crate) fn add(&mut self, key_box: KeyBox) -> Result<(), OpenError> {
        let KeyBox { kind, name, algorithm, method } = key_box;
        self.name_bytes += name.as_ref().map_or(0, bytes_of);
        if self.descriptions.len() >= limits::RECIPIENTS {
            return Err(OpenError::Limit { what: "recipients" });
        }
        if self.name_bytes > limits::RECIPIENT_NAME_BYTES {
            return Err(OpenError::Limit { what: "names of recipients" });
        }
        let ours = self.find(name.as_ref(), &method);
        let mut description = RecipientDescription { kind, name, ours: None, locked: false, algorithm };
        if let Some(key) = ours.iter().find(|key| !key.locked).or(ours.first()) {
            description.ours = Some(key.fingerprint);
            description.locked = key.locked;
        }
        self.sort_in(&Rc::new(method), &ours, description.name.as_ref());
        self.descriptions.push(description);
        Ok(())
    }

    fn find(&self, name: Option<&KeyName>, method: &Method) -> Vec<&'k HeldKey> {
        let mut named = name.map(|name| self.keys.named(name)).unwrap_or_default();
        // Names can be chosen to collide; a key of another kind is not meant.
        let is_unsupported = matches!(method, Method::Unsupported);
        named.retain(|key| is_unsupported || method.suits(key.algorithm));
        named
    }

    fn sort_in(&mut self, method: &Rc<Method>, ours: &[&'k HeldKey], name: Option<&KeyName>) {
        let rank = usize::from(!method.notices_wrong_key());
        for key in ours {
            if key.locked {
                self.locked.push(key.fingerprint);
            } else if !matches!(**method, Method::Unsupported) {
                self.add_named(rank, method, Opener::Key(key));
            }
        }
        match **method {
            Method::KeyEncryptionKey(_) => {
                for (identifier, key) in &self.options.key_encryption_keys {
                    if matches!(name, Some(KeyName::KeyIdentifier(named)) if named == identifier) {
                        self.add_named(0, method, Opener::Shared(key));
                    }
                }
            }
            Method::Passphrase(_) => {
                if let Some(passphrase) = &self.options.passphrase {
                    self.add_named(2, method, Opener::Passphrase(passphrase));
                }
            }
            // Where a key is named none is tried, and how many there are does not matter.
            _ if ours.is_empty() && self.named.iter().all(Vec::is_empty) => self.add_tried(method),
            _ => {}
        }
    }

    fn add_named(&mut self, rank: usize, method: &Rc<Method>, opener: Opener<'k>) {
        if let Some(list) = self.named.get_mut(rank)
            && list.len() < limits::KEY_OPERATIONS_MATCHED
        {
            list.push(Candidate { method: Rc::clone(method), opener, is_named: true });
        }
    }

    fn add_tried(&mut self, method: &Rc<Method>) {
        let rank = usize::from(matches!(**method, Method::Transport(_)));
        let Some(list) = self.tried.get_mut(rank) else { return };
        let may_be_tried = |key: &&HeldKey| !key.locked && !key.on_token && method.suits(key.algorithm);
        for key in self.keys.held().iter().filter(may_be_tried) {
            if list.len() < limits::KEY_OPERATIONS_TRIED {
                let method = Rc::clone(method);
                list.push(Candidate { method, opener: Opener::Key(key), is_named: false });
            }
        }
    }

    /// Everything that may be asked for this content, in order.
    ///
    /// # Errors
    /// [`OpenError::Locked`] and [`OpenError::NotForUs`].
    pub(crate) fn candidates(
        self,
        cipher: ContentEncryption,
    ) -> Result<(Vec<RecipientDescription>, Vec<Candidate<'k>>), OpenError> {
        let recipients = self.descriptions;
        let mut candidates: Vec<_> = self.named.into_iter().flatten().collect();
        candidates.truncate(limits::KEY_OPERATIONS_MATCHED);
        if candidates.is_empty() && !self.locked.is_empty() {
            return Err(OpenError::Locked { recipients, keys: self.locked });
        }
        if candidates.is_empty() {
            let [verified, transported] = self.tried;
            candidates = verified;
            if cipher.is_authenticated() || self.options.try_keys {
                candidates.extend(transported);
            }
            candidates.truncate(limits::KEY_OPERATIONS_TRIED);
        }
        if candidates.is_empty() {
            return Err(OpenError::NotForUs { recipients });
        }
        Ok((recipients, candidates))
    }
}

fn bytes_of(name: &KeyName) -> usize {
    match name {
        KeyName::IssuerAndSerialNumber { issuer, serial_number } => issuer.len() + serial_number.len(),
        KeyName::KeyIdentifier(identifier) => identifier.len(),
    }
}
