//! Reading a SignedData of any size in one pass, or in two where its header says too little.

use std::io::Write;

use super::object::Object;
use super::outcome::{Signed, SignedError};
use super::verify;
use crate::ports::Source;
use crate::x509::Certificate;

/// Reads a SignedData and judges each of its signatures.
///
/// `input` is binary CMS from where it stands to its end. A content inside goes to `output`, from
/// where it must not be used before this function has returned. A detached content is read from
/// `detached`, in the canonical form that was signed (in mail with lines ended by CRLF, RFC 8551,
/// section 3.1.1). Signers are looked for among the certificates of the message, and in `extra` where
/// it has none of theirs.
///
/// No path is built, and nothing is said about dates, usages or addresses.
///
/// # Errors
/// [`SignedError`] where there is no readable SignedData, or its content is missing or there
/// twice. A signature that does not hold is no error but a [`super::Signer`] that says so.
pub fn read_signed(
    input: &mut dyn Source,
    detached: Option<&mut dyn Source>,
    extra: &[Certificate],
    output: &mut dyn Write,
) -> Result<Signed, SignedError> {
    let start = input.stream_position()?;
    let object = match detached {
        None => {
            let mut object = Object::read(input, None, output)?;
            digest_again(&mut object, input, start)?;
            object
        }
        Some(content) => {
            let content_start = content.stream_position()?;
            let mut object = Object::read(input, Some(content), output)?;
            digest_again(&mut object, content, content_start)?;
            object
        }
    };
    Ok(judge(object, extra))
}

fn digest_again(object: &mut Object, content: &mut dyn Source, start: u64) -> Result<(), SignedError> {
    match object.missing_digests() {
        missing if missing.is_empty() => Ok(()),
        missing => object.digest_again(content, start, &missing),
    }
}

fn judge(object: Object, extra: &[Certificate]) -> Signed {
    let signers = object.signer_infos.iter();
    Signed {
        signers: signers
            .map(|info| {
                let (content_type, digests) = (&object.content_type, &object.digests);
                verify::signer(info, content_type, digests, &object.certificates, extra)
            })
            .collect(),
        content_type: object.content_type,
        had_content: object.had_content,
        certificates: object.certificates,
        revocation_lists: object.revocations.lists,
        revocation_answers: object.revocations.answers,
    }
}
