//! `cseal sign`

use counterseal_core::message::{self, SignRequest, SignatureForm, Signer, object};
use counterseal_core::time::Time;

use super::expiry;
use super::mails::{author, read_mail};
use super::signer::SigningIdentity;
use super::store::{self, Unlock};
use super::strong::PlainMail;
use crate::args;
use crate::armor::ObjectOutput;
use crate::clock;
use crate::failure::{Exit, Failure};
use crate::files::{Content, Output, open_input};
use crate::randomness::SystemRandom;
use crate::render::written;

/// Signs a mail, or any bytes.
pub(super) fn run(arguments: &args::Sign, verbose: bool) -> Result<Exit, Failure> {
    let at = clock::at(arguments.at.at.as_deref())?;
    // A signature alone is never a mail, so --detached is about bytes with or without --cms.
    let is_object = arguments.form.cms || arguments.detached;
    let mail = if is_object {
        None
    } else {
        Some(PlainMail::without_any(read_mail(arguments.input.input.as_deref())?)?)
    };
    let mail = mail.as_ref().map(|mail| mail.as_slice());
    if arguments.signing.key.is_some() || arguments.signing.signer.is_some() {
        let (identity, keys) = SigningIdentity::from_files(&arguments.signing, &arguments.passphrase)?;
        return sign(arguments, mail, &identity.signer(&keys), at, verbose);
    }
    let store = store::open()?;
    let keys = store::keys(&store, Unlock::from_options(&arguments.passphrase).with_pin(&arguments.pin))?;
    let author = mail.map(author).transpose()?;
    let identity = SigningIdentity::from_store(&store, &keys, &arguments.signing, author.as_ref(), at)?;
    let exit = sign(arguments, mail, &identity.signer(&keys), at, verbose)
        .map_err(|failure| keys.failure().unwrap_or(failure))?;
    expiry::note(&store, arguments.report.json);
    Ok(exit)
}

fn sign(
    arguments: &args::Sign,
    mail: Option<&[u8]>,
    signer: &Signer<'_>,
    at: Time,
    verbose: bool,
) -> Result<Exit, Failure> {
    match mail {
        Some(mail) => sign_mail(arguments, mail, signer, at)?,
        None => sign_object(arguments, signer, at)?,
    }
    written::signed(signer, &arguments.report, arguments.output.output.is_some(), verbose)?;
    Ok(Exit::Done)
}

fn sign_mail(arguments: &args::Sign, mail: &[u8], signer: &Signer<'_>, at: Time) -> Result<(), Failure> {
    let form = if arguments.opaque { SignatureForm::Opaque } else { SignatureForm::Detached };
    let signed = message::sign(mail, &SignRequest { signer, form, at }, &mut SystemRandom)?;
    let mut output = Output::open(&arguments.output, Content::Text)?;
    signed.write_to(&mut output).map_err(|error| Failure::io("the signed mail", &error))?;
    output.commit()
}

fn sign_object(arguments: &args::Sign, signer: &Signer<'_>, at: Time) -> Result<(), Failure> {
    let mut input = open_input(arguments.input.input.as_deref())?;
    let mut output = ObjectOutput::open(&arguments.output, &arguments.form)?;
    object::sign(input.as_mut(), signer, arguments.detached, at, &mut output)?;
    output.commit()
}
