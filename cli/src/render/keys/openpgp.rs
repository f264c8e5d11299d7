//! What became of an OpenPGP key.

use counterseal_core::x509::Certificate;
use serde::Serialize;

use super::{day, line, print, words};
use crate::failure::Failure;
use crate::store::KeyUse;
use crate::terminal::SafeText;

/// An OpenPGP key that came in.
#[derive(Serialize)]
pub(crate) struct Adopted {
    /// Its fingerprint.
    pub(crate) openpgp: String,
    pub(crate) keys: Vec<AdoptedKey>,
    /// Addresses for which the OpenPGP key names the personal CA.
    pub(crate) linked: Vec<String>,
    /// Addresses for which it could not sign that here.
    pub(crate) to_link: Vec<String>,
    pub(crate) not_taken: Vec<String>,
}

/// A key of the owner, and the OpenPGP key that it also is.
#[derive(Clone, Serialize)]
pub(crate) struct AdoptedKey {
    fingerprint: String,
    #[serde(rename = "use")]
    key_use: &'static str,
    algorithm: String,
    addresses: Vec<String>,
    not_after: String,
    openpgp: Option<String>,
    new: bool,
}

impl AdoptedKey {
    /// A key with its certificate.
    pub(crate) fn of(
        key_use: KeyUse,
        certificate: &Certificate,
        openpgp: Option<&String>,
        new: bool,
    ) -> Self {
        Self {
            fingerprint: certificate.fingerprint().to_string(),
            key_use: key_use.word(),
            algorithm: certificate.public_key().algorithm().name(),
            addresses: certificate.addresses().iter().map(ToString::to_string).collect(),
            not_after: certificate.not_after().to_rfc3339(),
            openpgp: openpgp.cloned(),
            new,
        }
    }
}

#[derive(Serialize)]
struct Report<'a> {
    version: u32,
    #[serde(flatten)]
    adopted: &'a Adopted,
}

/// Says what was made and what was not.
pub(crate) fn adopted(adopted: &Adopted, json: bool) -> Result<(), Failure> {
    if json {
        return print(&format!("{}\n", line(&Report { version: 1, adopted })));
    }
    let mut text = format!("OpenPGP key {}\n", adopted.openpgp);
    for key in &adopted.keys {
        let state = match (&key.openpgp, key.new) {
            (Some(openpgp), true) => format!("the same key as {openpgp}"),
            (Some(_), false) => "known already".to_owned(),
            (None, _) => "new".to_owned(),
        };
        text.push_str(&format!(
            "  {}  {} {}, until {}\n    {state}\n",
            key.fingerprint,
            words(key.key_use),
            key.algorithm,
            day(&key.not_after)
        ));
    }
    for address in &adopted.linked {
        text.push_str(&format!(
            "  {}: your OpenPGP key signed that your personal CA is yours; it goes along with your mail\n",
            SafeText(address)
        ));
    }
    for address in &adopted.to_link {
        let address = SafeText(address);
        text.push_str(&format!(
            "  {address}: your OpenPGP key cannot sign here that your personal CA is yours; have gpg do it:\n    \
             cseal trust statement make --type link {address} --text -o link.txt\n    \
             gpg --local-user {0} --clearsign link.txt\n    \
             gpg --export {0} > openpgp.pgp\n    \
             cseal trust statement import link.txt.asc --keyring openpgp.pgp\n",
            adopted.openpgp
        ));
    }
    text.extend(adopted.not_taken.iter().map(|why| format!("  not taken over: {}\n", SafeText(why))));
    print(&text)
}
