//! S/MIME parts that are not the outermost layer, and what the parts of a mail are.
//!
//! A signed part with company around it signs itself and not the mail; an encrypted one is never
//! opened in place (EFAIL); a forwarded message has a verdict of its own, never its carrier's.

use std::io::Cursor;

use super::layers::{self, Layer, SignedLayer, UnwrapOptions};
use super::list;
use super::signers::{self, Claim};
use super::status::{PartStatus, SignerStatus, Verdict};
use super::undo::Undone;
use super::{Context, ReadError};
use crate::address::EmailAddress;
use crate::cms::OpenOptions;
use crate::limits;
use crate::mail::{self, HeaderSection, NestedCms, Part};
use crate::ports::Random;
use crate::x509::path::Allowance;

/// What was found among the parts of a mail.
#[derive(Default)]
pub(super) struct Structure {
    /// An encrypted part stands inside another structure.
    pub(super) nested_encryption: bool,
    /// Signatures of parts that sign themselves and not the mail, held against its author.
    pub(super) partial: Vec<SignerStatus>,
    /// There are more signed parts than are looked at.
    pub(super) unfinished: bool,
    /// Some place can be read in two ways.
    pub(super) ambiguous: bool,
    /// What was done on the way to the signed part, or around it.
    pub(super) undone: Vec<Undone>,
    /// The Subject that stands in the header section of the signed part, where that protects one.
    pub(super) subject: Option<String>,
    /// Every part that holds no further ones.
    pub(super) parts: Vec<PartStatus>,
}

/// Surveys the parts of what is inside of all layers.
///
/// # Errors
/// [`ReadError::Malformed`] where a limit is passed.
pub(super) fn survey(
    root: &Part<'_>,
    covered: Covered,
    author: Option<&EmailAddress>,
    context: &Context<'_>,
    allowance: &Allowance,
    random: &mut dyn Random,
) -> Result<Structure, ReadError> {
    let nested = mail::nested_cms(root).map_err(ReadError::Malformed)?;
    let mut structure = Structure {
        ambiguous: root.walk().iter().any(|(_, part)| !part.defects().is_empty()),
        ..Structure::default()
    };
    let mut verdicts = Vec::new();
    for (count, found) in nested.iter().enumerate() {
        if count >= limits::NESTED_OBJECTS {
            structure.unfinished = true;
            break;
        }
        let signed = open_signed(found, count < limits::LIST_PARTS, context, random)?;
        match signed {
            None => structure.nested_encryption = true,
            Some((layers, _)) if found.inside_message => {
                verdicts
                    .push((found.path.clone(), verdict_of_message(root, found, &layers, context, allowance)));
            }
            Some((layers, subject)) => {
                structure.subject = structure.subject.or(subject);
                structure.undone.extend(layers.iter().filter_map(|layer| layer.undone.clone()));
                structure.undone.extend(list::around(root, found));
                structure.partial.extend(judge(&layers, Claim::Author(author), context, allowance));
            }
        }
    }
    structure.parts = parts(root, covered, &nested, &verdicts);
    Ok(structure)
}

/// What the layers around a mail cover.
#[derive(Clone, Copy)]
pub(super) struct Covered {
    pub(super) signed: bool,
    pub(super) encrypted: bool,
}

/// The signed layers of a nested part, and the Subject in it; nothing where it is encrypted, which is never opened here.
fn open_signed(
    found: &NestedCms<'_, '_>,
    undo: bool,
    context: &Context<'_>,
    random: &mut dyn Random,
) -> Result<Option<(Vec<SignedLayer>, Option<String>)>, ReadError> {
    let open = OpenOptions::default();
    let options = UnwrapOptions { open: &open, keep_decrypted: false, open_encrypted: false, undo };
    let unwrapped = layers::unwrap(&mut Cursor::new(found.part.bytes()), context, random, &options)?;
    let header = &unwrapped.innermost;
    let is_protected = header.content_type.parameter("hp").is_some();
    let subject = header.headers.only("Subject").filter(|_| is_protected).map(|field| field.text());
    let signed: Vec<SignedLayer> = unwrapped
        .layers
        .into_iter()
        .filter_map(|layer| match layer {
            Layer::Signed(signed) => Some(signed),
            Layer::Encrypted(_) | Layer::Compressed => None,
        })
        .collect();
    Ok((!signed.is_empty()).then_some((signed, subject)))
}

fn judge(
    layers: &[SignedLayer],
    claim: Claim<'_>,
    context: &Context<'_>,
    allowance: &Allowance,
) -> Vec<SignerStatus> {
    layers.iter().flat_map(|layer| signers::judge_layer(layer, claim, context, allowance)).collect()
}

/// The verdict of a message that is carried, held against its own From field.
fn verdict_of_message(
    root: &Part<'_>,
    found: &NestedCms<'_, '_>,
    layers: &[SignedLayer],
    context: &Context<'_>,
    allowance: &Allowance,
) -> Verdict {
    let author = carrier(root, &found.path)
        .and_then(|headers| mail::author(headers).ok())
        .map(|mailbox| mailbox.address);
    judge(layers, Claim::Author(author.as_ref()), context, allowance)
        .into_iter()
        .map(|signer| signer.verdict)
        .max()
        .unwrap_or(Verdict::Unsigned)
}

/// The header section of the message that a nested part is the whole of; nothing where the part
/// is only a part of that message.
fn carrier<'r>(root: &'r Part<'_>, path: &[usize]) -> Option<&'r HeaderSection<'r>> {
    let (_, parent_path) = path.split_last()?;
    let walk = root.walk();
    let parent = walk.iter().find(|(way, _)| way == parent_path)?.1;
    if parent.content_type().media_type() != "message" {
        return None;
    }
    parent.children().first().map(Part::headers)
}

fn parts(
    root: &Part<'_>,
    covered: Covered,
    nested: &[NestedCms<'_, '_>],
    verdicts: &[(Vec<usize>, Verdict)],
) -> Vec<PartStatus> {
    root.walk()
        .into_iter()
        .filter(|(path, part)| !part.is_container() || nested.iter().any(|found| found.path == *path))
        .filter(|(path, _)| !nested.iter().any(|found| path.starts_with(&found.path) && *path != found.path))
        .map(|(path, part)| PartStatus {
            place: path.iter().map(usize::to_string).collect::<Vec<_>>().join("."),
            media_type: part.content_type().name().to_owned(),
            signed: covered.signed,
            encrypted: covered.encrypted,
            verdict: verdicts.iter().find(|(way, _)| *way == path).map(|(_, verdict)| *verdict),
        })
        .collect()
}
