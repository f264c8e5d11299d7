//! The MIME entities around CMS objects (RFC 8551, section 3).

use std::io::{self, Write};

use super::{Signer, WriteError};
use crate::algorithm::ContentEncryption;
use crate::cms::{self, ContentType, Recipient, SignedInput};
use crate::mail::{Base64Encoder, FilterWriter, Pieces};
use crate::ports::Random;
use crate::time::Time;

/// How a signature is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SignatureForm {
    /// multipart/signed: every mail program shows the text.
    #[default]
    Detached,
    /// application/pkcs7-mime: the text is inside, and survives gateways that change mail.
    Opaque,
}

/// Signs an entity in canonical form: the result is an entity with its own MIME header fields.
///
/// # Errors
/// [`WriteError::Sign`].
pub(super) fn signed_entity<'m>(
    entity: Pieces<'m>,
    signer: &Signer<'_>,
    form: SignatureForm,
    at: Time,
    random: &mut dyn Random,
) -> Result<Pieces<'m>, WriteError> {
    let request = signer.request(at);
    let mut object = Vec::new();
    match form {
        SignatureForm::Detached => {
            let written =
                cms::write_signed(SignedInput::Detached(&mut entity.reader()), &request, &mut object)
                    .map_err(WriteError::Sign)?;
            multipart_signed(entity, &object, written.digest.name(), random).map_err(WriteError::Io)
        }
        SignatureForm::Opaque => {
            let mut entity = io::Cursor::new(entity.into_bytes());
            cms::write_signed(SignedInput::Attached(&mut entity), &request, &mut object)
                .map_err(WriteError::Sign)?;
            opaque(&object).map(Pieces::from).map_err(WriteError::Io)
        }
    }
}

/// RFC 8551, section 3.5.3.
fn multipart_signed<'m>(
    entity: Pieces<'m>,
    signature: &[u8],
    micalg: &str,
    random: &mut dyn Random,
) -> io::Result<Pieces<'m>> {
    let boundary = boundary(random);
    let head = format!(
        "Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\";\r\n \
         micalg={micalg}; boundary=\"{boundary}\"\r\n\r\n\
         --{boundary}\r\n"
    );
    let mut tail = Vec::with_capacity(signature.len() * 2 + 512);
    write!(
        tail,
        "\r\n--{boundary}\r\n\
         Content-Type: application/pkcs7-signature; name=\"smime.p7s\"\r\n\
         Content-Transfer-Encoding: base64\r\n\
         Content-Disposition: attachment; filename=\"smime.p7s\"\r\n\r\n"
    )?;
    let mut encoder = FilterWriter::new(&mut tail, Base64Encoder::default());
    encoder.write_all(signature)?;
    encoder.finish()?;
    write!(tail, "\r\n--{boundary}--\r\n")?;
    let mut mail = Pieces::from(head.into_bytes());
    mail.append(entity);
    mail.push(tail);
    Ok(mail)
}

/// RFC 8551, section 3.5.2.
fn opaque(object: &[u8]) -> io::Result<Vec<u8>> {
    let mut mail = Vec::with_capacity(object.len() * 3 / 2);
    mail.extend_from_slice(object_header(Some("signed-data")).as_bytes());
    let mut encoder = FilterWriter::new(&mut mail, Base64Encoder::default());
    encoder.write_all(object)?;
    encoder.finish()?;
    Ok(mail)
}

/// Seals an entity and writes it as the body of a mail with these header fields.
///
/// # Errors
/// [`WriteError::Seal`] and [`WriteError::Io`].
pub(super) fn write_sealed(
    outer_fields: &[u8],
    entity: &Pieces<'_>,
    recipients: &[Recipient],
    cipher: ContentEncryption,
    random: &mut dyn Random,
    output: &mut dyn Write,
) -> Result<(), WriteError> {
    // RFC 8551 asks for smime-type=authEnveloped-data, with which Thunderbird 153 shows a blank
    // page; the parameter is optional, so it is left out.
    let smime_type = (!cipher.is_authenticated()).then_some("enveloped-data");
    let header = [outer_fields, object_header(smime_type).as_bytes()].concat();
    let mut encoder = FilterWriter::new(Headed { header, output }, Base64Encoder::default());
    let (mut input, length) = (entity.reader(), Some(entity.length()));
    cms::seal(&mut input, length, &ContentType::Data, recipients, cipher, random, &mut encoder)
        .map_err(WriteError::Seal)?;
    encoder.finish().map(drop).map_err(WriteError::Io)
}

/// Writes the header before the first bytes of the body: where there is no body, because a key
/// cannot be used, there is no header either.
pub(super) struct Headed<'o> {
    pub(super) header: Vec<u8>,
    pub(super) output: &'o mut dyn Write,
}

impl Write for Headed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.header.is_empty() {
            self.output.write_all(&std::mem::take(&mut self.header))?;
        }
        self.output.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}

fn object_header(smime_type: Option<&str>) -> String {
    let smime_type = smime_type.map(|word| format!(" smime-type={word};")).unwrap_or_default();
    format!(
        "Content-Type: application/pkcs7-mime;{smime_type} name=\"smime.p7m\"\r\n\
         Content-Transfer-Encoding: base64\r\n\
         Content-Disposition: attachment; filename=\"smime.p7m\"\r\n\r\n"
    )
}

/// A boundary that occurs nowhere: 120 random bits, and `=_`, which quoted-printable cannot make.
fn boundary(random: &mut dyn Random) -> String {
    let mut bits = [0; 15];
    random.fill(&mut bits);
    let digits: String = bits.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("=_{digits}")
}
