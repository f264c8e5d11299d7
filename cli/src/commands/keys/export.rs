//! `cseal keys export`: certificates for others, and secret keys for other programs, sealed.

use std::io::Write;

use counterseal_core::address::EmailAddress;
use counterseal_core::algorithm::KeyAlgorithm;
use counterseal_core::secret::SecretBytes;
use counterseal_core::x509::pkcs12::Protection;
use counterseal_core::x509::{Certificate, pem};

use super::sealed::{self, Bundle};
use super::{is_named, mobileconfig, unknown_key};
use crate::args::{self, KeyFormat, Program};
use crate::commands::store::{self, Unlock};
use crate::failure::{Exit, Failure};
use crate::files::{Content, Output};
use crate::passphrase;
use crate::store::{KeyUse, Store, StoreKeys, StoredKey};
use crate::terminal;

/// Bytes of a passphrase that gpgsm 2.2 reads for a file; it says "password too long" to more.
pub(crate) const GPGSM_PASSPHRASE: usize = 31;

/// Writes what was asked for.
pub(super) fn run(arguments: &args::Export) -> Result<Exit, Failure> {
    let mut store = store::open()?;
    if arguments.contacts {
        return super::contacts::export(arguments, &mut store);
    }
    let form = Form::of(arguments)?;
    let chosen = Chosen::find(&store, arguments.named())?;
    if arguments.program == Some(Program::Openpgp) {
        super::twin::write(arguments, &mut store, &chosen.certificates)?;
        return Ok(Exit::Done);
    }
    if arguments.secret { secret(arguments, &store, &chosen, form) } else { public(arguments, &chosen, form) }
}

/// How a file is written.
#[derive(Clone, Copy)]
struct Form {
    format: KeyFormat,
    /// Programs that import a chain from its top want the personal CA first; others take the first
    /// certificate of a file to be the one to encrypt to.
    authority_first: bool,
    /// gpgsm 2.2 takes one RSA key from a file, and crashes on an EC one.
    only_rsa: bool,
}

impl Form {
    fn of(arguments: &args::Export) -> Result<Self, Failure> {
        let default = if arguments.secret { KeyFormat::P12 } else { KeyFormat::Pem };
        let form = |format| Self { format, authority_first: false, only_rsa: false };
        let form = match arguments.program {
            None => form(arguments.format.unwrap_or(default)),
            Some(Program::Openpgp) if arguments.secret => {
                return Err(Failure::usage("an OpenPGP twin has no secret key of its own"));
            }
            Some(Program::Openpgp) => form(default),
            Some(Program::Thunderbird | Program::Mutt) => Self { authority_first: true, ..form(default) },
            Some(Program::Gpgsm) if arguments.secret => {
                Self { authority_first: true, only_rsa: true, ..form(KeyFormat::P12Legacy) }
            }
            Some(Program::Apple | Program::Outlook) if arguments.secret => form(KeyFormat::P12Legacy),
            Some(Program::Gpgsm | Program::Apple | Program::Outlook) => {
                Self { authority_first: true, ..form(default) }
            }
        };
        match (arguments.secret, form.format) {
            (true, KeyFormat::Pem | KeyFormat::Der) => {
                Err(Failure::usage("secret keys are exported as p12, p12-legacy, mobileconfig or pkcs8 only"))
            }
            (false, KeyFormat::P12 | KeyFormat::P12Legacy | KeyFormat::Mobileconfig | KeyFormat::Pkcs8) => {
                Err(Failure::usage("certificates are exported as pem or der only")
                    .hint("add --secret for the secret key too"))
            }
            _ => Ok(form),
        }
    }
}

/// The keys and certificates that were named.
struct Chosen {
    name: String,
    keys: Vec<StoredKey>,
    certificates: Vec<Certificate>,
}

impl Chosen {
    fn find(store: &Store, typed: &str) -> Result<Self, Failure> {
        let all: Vec<Certificate> =
            store.certificates()?.iter().filter_map(|der| Certificate::from_der(der).ok()).collect();
        let named: Vec<&Certificate> = all.iter().filter(|certificate| names(certificate, typed)).collect();
        let keys: Vec<StoredKey> = store
            .secret_keys()?
            .into_iter()
            .filter(|key| named.iter().any(|certificate| certificate.fingerprint() == key.fingerprint))
            .collect();
        let mut certificates: Vec<Certificate> =
            if keys.is_empty() { named.into_iter().cloned().collect() } else { newest(&keys, &named, typed) };
        let authorities = all.iter().filter(|other| other.is_certificate_authority());
        let above: Vec<Certificate> = authorities
            .filter(|other| certificates.iter().any(|own| own.issuer_der() == other.subject_der()))
            .filter(|other| !certificates.contains(other))
            .cloned()
            .collect();
        certificates.extend(above);
        if certificates.is_empty() {
            return Err(unknown_key(typed));
        }
        let name = certificates.iter().flat_map(Certificate::addresses).next().map(ToString::to_string);
        Ok(Self { name: name.unwrap_or_default(), keys, certificates })
    }
}

/// Of an owner's certificates, the newest for each use, the one to encrypt to first. The store gives
/// the last one first, and so it stays for two of the same second. A retired key is found only by its fingerprint.
fn newest(keys: &[StoredKey], named: &[&Certificate], typed: &str) -> Vec<Certificate> {
    let is_fingerprint = EmailAddress::parse(typed).is_err();
    let mut chosen = Vec::new();
    for key_use in [KeyUse::Encryption, KeyUse::Signing, KeyUse::PersonalCa] {
        let of_use =
            keys.iter().filter(|key| key.key_use == key_use && (is_fingerprint || key.retired.is_none()));
        let certificate = of_use
            .flat_map(|key| {
                named.iter().filter(move |certificate| certificate.fingerprint() == key.fingerprint)
            })
            .min_by_key(|certificate| std::cmp::Reverse(certificate.not_before()));
        chosen.extend(certificate.map(|certificate| (*certificate).clone()));
    }
    chosen
}

fn names(certificate: &Certificate, typed: &str) -> bool {
    let addresses: Vec<String> = certificate.addresses().iter().map(ToString::to_string).collect();
    is_named(typed, &certificate.fingerprint(), &addresses)
}

fn public(arguments: &args::Export, chosen: &Chosen, form: Form) -> Result<Exit, Failure> {
    let mut certificates: Vec<&Certificate> = chosen.certificates.iter().collect();
    if form.authority_first {
        certificates.sort_by_key(|certificate| !certificate.is_certificate_authority());
    }
    let content = if form.format == KeyFormat::Der { Content::Binary } else { Content::Text };
    let mut output = Output::at(arguments.output.as_deref(), arguments.overwrite, content)?;
    let bytes = match (form.format, certificates.first()) {
        (KeyFormat::Der, Some(first)) => first.as_der().to_vec(),
        _ => certificates
            .iter()
            .map(|certificate| pem::encode("CERTIFICATE", certificate.as_der()))
            .collect::<String>()
            .into_bytes(),
    };
    finish(&mut output, &bytes)?;
    output.commit()?;
    Ok(Exit::Done)
}

fn secret(arguments: &args::Export, store: &Store, chosen: &Chosen, form: Form) -> Result<Exit, Failure> {
    refuse_terminal(arguments)?;
    let keys: Vec<&StoredKey> = chosen.keys.iter().filter(|key| is_exported(key, chosen, form)).collect();
    if keys.is_empty() {
        return Err(Failure::unknown(
            "no-key",
            format!("there is no secret key of {} to export", arguments.named()),
        )
        .hint("the personal CA's key stays in the store; gpgsm takes RSA keys only"));
    }
    let passphrase = new_passphrase(arguments)?;
    let held = store::keys(store, Unlock::from_options(&arguments.passphrase))?;
    let file = seal(chosen, &keys, &held, &passphrase, form)?;
    let mut output = Output::at(arguments.output.as_deref(), arguments.overwrite, Content::Binary)?;
    finish(&mut output, &file)?;
    output.commit()?;
    Ok(Exit::Done)
}

/// `-o -` writes binary data to a terminal elsewhere; secret keys do not go there at all.
fn refuse_terminal(arguments: &args::Export) -> Result<(), Failure> {
    let to_stdout = arguments.output.as_ref().is_none_or(|path| path.as_os_str() == "-");
    if to_stdout && terminal::output_is_terminal() {
        return Err(Failure::new(
            Exit::Usage,
            "secret-to-terminal",
            "secret keys are not written to a terminal",
        )
        .hint("name a file with -o FILE"));
    }
    Ok(())
}

/// The personal CA's key is not for other programs, and stays.
fn is_exported(key: &StoredKey, chosen: &Chosen, form: Form) -> bool {
    let certificate =
        chosen.certificates.iter().find(|certificate| certificate.fingerprint() == key.fingerprint);
    let suits = certificate.is_some_and(|certificate| {
        !form.only_rsa || matches!(certificate.public_key().algorithm(), KeyAlgorithm::Rsa { .. })
    });
    suits && key.key_use != KeyUse::PersonalCa
}

fn new_passphrase(arguments: &args::Export) -> Result<SecretBytes, Failure> {
    const INSTEAD: &str = "--new-passphrase-file FILE";
    let passphrase = match &arguments.new_passphrase_file {
        Some(file) => passphrase::from_file(file)?,
        None => passphrase::ask_new("New passphrase for the exported file", INSTEAD)?,
    };
    if passphrase.is_empty() {
        return Err(passphrase::empty(INSTEAD));
    }
    if arguments.program == Some(Program::Gpgsm) && passphrase.len() > GPGSM_PASSPHRASE {
        return Err(Failure::usage(format!("gpgsm reads passphrases of at most {GPGSM_PASSPHRASE} bytes")));
    }
    Ok(passphrase)
}

fn seal(
    chosen: &Chosen,
    keys: &[&StoredKey],
    held: &StoreKeys<'_>,
    passphrase: &SecretBytes,
    form: Form,
) -> Result<Vec<u8>, Failure> {
    let bundle = Bundle { name: &chosen.name, keys, certificates: &chosen.certificates };
    match form.format {
        KeyFormat::Pkcs8 => sealed::pkcs8(keys, held, passphrase),
        KeyFormat::Mobileconfig => {
            let p12 = sealed::p12(&bundle, held, passphrase, Protection::TripleDes)?;
            Ok(mobileconfig::write(&chosen.name, &[p12], &chosen.certificates).into_bytes())
        }
        KeyFormat::P12Legacy => sealed::p12(&bundle, held, passphrase, Protection::TripleDes),
        KeyFormat::P12 | KeyFormat::Pem | KeyFormat::Der => {
            sealed::p12(&bundle, held, passphrase, Protection::Modern)
        }
    }
}

fn finish(output: &mut Output, bytes: &[u8]) -> Result<(), Failure> {
    output.write_all(bytes).map_err(|error| Failure::io("the exported file", &error))
}
