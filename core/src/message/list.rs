//! What a mailing list did to a mail whose signature holds: what it put into the header section, around the signed
//! part, and into it. Nothing of this makes a verdict better.

use super::layers::{Layer, SignedLayer, Unwrapped};
use super::status::ListChanges;
use super::undo::{Addition, Undone};
use crate::address::EmailAddress;
use crate::limits::LIST_NAME_CHARACTERS;
use crate::mail::{NestedCms, Part};

/// What is known of the header fields that people are shown.
pub(super) struct Fields {
    /// The Subject that was signed.
    pub(super) subject: Option<String>,
    /// The author of the outer header section, where that is another one than was signed.
    pub(super) from: Option<EmailAddress>,
}

/// All that was done to a mail; nothing where nothing was.
pub(super) fn changes(unwrapped: &Unwrapped, around: &[Undone], fields: Fields) -> Option<ListChanges> {
    let layers = unwrapped.layers.iter().filter_map(|layer| match layer {
        Layer::Signed(signed) => signed.undone.as_ref(),
        Layer::Encrypted(_) | Layer::Compressed => None,
    });
    let mut undone = Undone { repairs: Vec::new(), added: Vec::new() };
    for one in layers.chain(around) {
        undone.repairs.extend(&one.repairs);
        undone.added.extend(one.added.iter().cloned());
    }
    let shown = unwrapped.outer.headers.only("Subject").map(|field| field.text());
    let subject_tag = shown.zip(fields.subject).and_then(|(shown, signed)| tag(&shown, &signed));
    let is_nothing = undone.repairs.is_empty()
        && undone.added.is_empty()
        && subject_tag.is_none()
        && fields.from.is_none();
    (!is_nothing).then(|| ListChanges { list: name(unwrapped), subject_tag, from: fields.from, undone })
}

fn name(unwrapped: &Unwrapped) -> Option<String> {
    let field = unwrapped.outer.headers.only("List-Id")?;
    Some(field.text().chars().take(LIST_NAME_CHARACTERS).collect())
}

/// The part that was put behind a signature, which makes it count for nothing.
pub(super) fn trailer(unwrapped: &Unwrapped) -> Option<ListChanges> {
    let undone = unwrapped.layers.iter().find_map(|layer| match layer {
        Layer::Signed(SignedLayer { signed: None, undone, .. }) => undone.clone(),
        Layer::Signed(_) | Layer::Encrypted(_) | Layer::Compressed => None,
    })?;
    Some(ListChanges { list: name(unwrapped), subject_tag: None, from: None, undone })
}

/// The parts that stand beside the only signed one of a multipart/mixed: lists put their footers there.
pub(super) fn around(root: &Part<'_>, signed: &NestedCms<'_, '_>) -> Option<Undone> {
    if !root.content_type().is("multipart/mixed") || signed.path.len() != 1 {
        return None;
    }
    let number = signed.path.first()?.checked_sub(1)?;
    let others = root.children().iter().enumerate().filter(|(place, _)| *place != number);
    let added: Vec<Addition> = others
        .filter(|(_, part)| !part.body().trim_ascii().is_empty())
        .map(|(_, part)| Addition::of_part(part))
        .collect();
    (!added.is_empty()).then_some(Undone { repairs: Vec::new(), added })
}

/// What stands in brackets in a Subject, where it is the signed one without that.
fn tag(shown: &str, signed: &str) -> Option<String> {
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<String>>();
    let signed = words(signed);
    let (mut start, mut rest) = (0, shown);
    while let Some(open) = rest.find('[') {
        let tail = rest.get(open..)?;
        let length = tail.find(']')? + 1;
        let found = tail.get(..length)?;
        let before = shown.get(..start + open)?;
        let after = tail.get(length..)?;
        if words(&format!("{before} {after}")) == signed {
            return Some(found.to_owned());
        }
        start += open + length;
        rest = after;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_what_is_left() {
        for (shown, signed, expected) in [
            ("[dev] Plans", "Plans", Some("[dev]")),
            ("Re: [dev] Plans", "Re: Plans", Some("[dev]")),
            ("[PATCH] [dev] Plans", "[PATCH] Plans", Some("[dev]")),
            ("[dev]  Long\tplans", "Long plans", Some("[dev]")),
            ("Plans", "Plans", None),
            ("[dev] Other plans", "Plans", None),
            ("[...]", "Plans", None),
            ("[dev", "Plans", None),
            ("]é [é] x", "]é x", Some("[é]")),
            ("[[é] x", "[ x", None),
        ] {
            assert_eq!(tag(shown, signed).as_deref(), expected, "{shown}");
        }
    }
}
