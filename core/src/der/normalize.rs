//! BER brought into DER, for structures small enough for memory.

use super::error::{DerError, DerErrorKind};
use super::tag::{Class, Tag};
use super::writer::encode;
use crate::limits;

/// The same value with definite, minimal lengths and with strings in one piece, so that readers of
/// DER take it. The order of sets stays as it is, and so does every content of a primitive.
///
/// An implicitly tagged string in pieces cannot be told from a construction and stays as it is.
///
/// # Errors
/// Encodings and nestings that are not allowed, and bytes after the element.
pub fn to_der(ber: &[u8]) -> Result<Vec<u8>, DerError> {
    let mut cursor = Cursor { bytes: ber, position: 0, nodes: 0 };
    let element = cursor.element(0)?;
    if cursor.position != ber.len() {
        return Err(cursor.error(DerErrorKind::TrailingData));
    }
    Ok(element)
}

struct Cursor<'b> {
    bytes: &'b [u8],
    position: usize,
    nodes: u32,
}

impl<'b> Cursor<'b> {
    fn error(&self, kind: DerErrorKind) -> DerError {
        DerError { offset: self.position as u64, kind }
    }

    fn element(&mut self, depth: usize) -> Result<Vec<u8>, DerError> {
        let (tag, constructed, length) = self.header(depth)?;
        if !constructed {
            let content = self.take(length.unwrap_or(0))?;
            return Ok(encode(tag, false, content));
        }
        let elements = self.elements(length, depth + 1)?;
        if is_string(tag) {
            let content = joined(tag, &elements).ok_or_else(|| self.error(DerErrorKind::BadString))?;
            return Ok(encode(tag, false, &content));
        }
        Ok(encode(tag, true, &elements.concat()))
    }

    fn elements(&mut self, length: Option<usize>, depth: usize) -> Result<Vec<Vec<u8>>, DerError> {
        let mut elements = Vec::new();
        let Some(length) = length else {
            while self.bytes.get(self.position..).is_none_or(|rest| !rest.starts_with(&[0, 0])) {
                elements.push(self.element(depth)?);
            }
            self.position += 2;
            return Ok(elements);
        };
        let end = self.position.checked_add(length).ok_or_else(|| self.error(DerErrorKind::BadLength))?;
        let outer = self.bytes;
        self.bytes = outer.get(..end).ok_or_else(|| self.error(DerErrorKind::Overrun))?;
        while self.position < end {
            elements.push(self.element(depth)?);
        }
        self.bytes = outer;
        Ok(elements)
    }

    fn header(&mut self, depth: usize) -> Result<(Tag, bool, Option<usize>), DerError> {
        self.nodes += 1;
        if self.nodes > limits::ASN1_NODES {
            return Err(self.error(DerErrorKind::TooMany));
        }
        if depth > limits::ASN1_DEPTH {
            return Err(self.error(DerErrorKind::TooDeep));
        }
        let (tag, constructed) =
            Tag::from_octet(self.octet()?).ok_or_else(|| self.error(DerErrorKind::BadTag))?;
        if tag == Tag::universal(0) {
            return Err(self.error(DerErrorKind::BadTag));
        }
        let length = match self.octet()? {
            short @ 0..=0x7f => Some(usize::from(short)),
            0x80 if constructed => None,
            long => Some(self.long_length(usize::from(long & 0x7f))?),
        };
        Ok((tag, constructed, length))
    }

    fn long_length(&mut self, octets: usize) -> Result<usize, DerError> {
        if octets == 0 || octets > limits::STRUCTURE_LENGTH_OCTETS {
            return Err(self.error(DerErrorKind::BadLength));
        }
        let mut length = 0_usize;
        for _ in 0..octets {
            length = length << 8 | usize::from(self.octet()?);
        }
        Ok(length)
    }

    fn octet(&mut self) -> Result<u8, DerError> {
        let octet = self.bytes.get(self.position).copied();
        self.position += 1;
        octet.ok_or_else(|| self.error(DerErrorKind::Truncated))
    }

    fn take(&mut self, length: usize) -> Result<&'b [u8], DerError> {
        let rest = self.bytes.get(self.position..).unwrap_or_default();
        let content = rest.get(..length).ok_or_else(|| self.error(DerErrorKind::Truncated))?;
        self.position += length;
        Ok(content)
    }
}

/// Whether a universal type is a string, and so may come in pieces (X.690, section 8.21).
fn is_string(tag: Tag) -> bool {
    tag.class == Class::Universal && matches!(tag.number, 3 | 4 | 12 | 18..=22 | 25..=28 | 30)
}

/// The content of a string in pieces; nothing where a piece is of another type.
fn joined(tag: Tag, pieces: &[Vec<u8>]) -> Option<Vec<u8>> {
    let mut content = Vec::new();
    for (index, piece) in pieces.iter().enumerate() {
        let (identifier, _) = piece.split_first()?;
        // Pieces are normalized already: primitive, and of the same type, or OCTET STRING.
        let piece_tag = Tag::from_octet(*identifier).filter(|(_, constructed)| !constructed)?.0;
        if piece_tag != tag && piece_tag != Tag::OCTET_STRING {
            return None;
        }
        let octets = content_of(piece)?;
        if tag == Tag::BIT_STRING {
            let (unused, bits) = octets.split_first()?;
            let last = index + 1 == pieces.len();
            if !last && *unused != 0 {
                return None;
            }
            if index == 0 {
                content.push(0);
            }
            if let (true, Some(first)) = (last, content.first_mut()) {
                *first = *unused;
            }
            content.extend_from_slice(bits);
        } else {
            content.extend_from_slice(octets);
        }
    }
    if tag == Tag::BIT_STRING && content.is_empty() {
        return None;
    }
    Some(content)
}

/// The content octets of a primitive element in DER.
fn content_of(element: &[u8]) -> Option<&[u8]> {
    let length = *element.get(1)?;
    let header = if length < 0x80 { 2 } else { 2 + usize::from(length & 0x7f) };
    element.get(header..)
}
