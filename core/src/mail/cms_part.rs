//! Which S/MIME wrapping the top level of a mail is, found in constant memory (RFC 8551, section
//! 3.2; RFC 1847, section 2.1).

use std::io::{self, Read, SeekFrom};
use std::ops::Range;

use super::boundary::{Delimiter, delimiter, line_end_length};
use super::content_type::transfer_encoding;
use super::lines::{Line, Lines};
use super::section::Section;
use super::transfer::canonical::{BareCarriageReturn, Canonical};
use super::transfer::filter::FilterReader;
use super::{
    ContentDisposition, ContentType, Defect, HeaderSection, MailError, TransferDecoder, TransferEncoding,
};
use crate::limits::{DETACHED_SIGNATURE_BYTES, HEADER_BYTES};
use crate::ports::Source;

/// The top level of a mail.
#[derive(Clone, Debug)]
pub struct CmsPart {
    /// Its header section.
    pub headers: HeaderSection<'static>,
    /// What the header section says the body is.
    pub content_type: ContentType,
    /// What the body is to us.
    pub wrapping: Wrapping,
    /// What is ambiguous about it.
    pub defects: Vec<Defect>,
}

/// What the body of a mail is to S/MIME.
#[derive(Clone, Debug)]
pub enum Wrapping {
    /// One CMS object: encrypted, signed, compressed, or certificates.
    Cms(CmsBody),
    /// A multipart/signed with a CMS signature.
    Signed(SignedParts),
    /// A multipart/signed that claims a CMS signature and is not formed as it must be.
    SignedMalformed(SignedFault),
    /// Another multipart, one signed with OpenPGP included.
    Multipart,
    /// Anything else.
    Plain,
}

/// The body of an application/pkcs7-mime mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CmsBody {
    /// Where the encoded body stands.
    pub range: Range<u64>,
    /// How it is encoded.
    pub encoding: TransferEncoding,
    /// The parameter `smime-type`, in lower case: a hint of the sender and nothing more.
    pub smime_type: Option<String>,
}

/// Reads a decoded CMS body; seeking back starts anew.
pub type CmsReader<'s> = FilterReader<Section<'s>, TransferDecoder>;

impl CmsBody {
    /// Whether the sender says that it is a signed object.
    #[must_use]
    pub fn is_announced_as_signed(&self) -> bool {
        self.smime_type.as_deref() == Some("signed-data")
    }

    /// The CMS object, decoded, from its first byte.
    ///
    /// # Errors
    /// What the source says; reading gives [`super::TransferError`] inside where the body is
    /// malformed.
    pub fn open<'s>(&self, source: &'s mut dyn Source) -> io::Result<CmsReader<'s>> {
        let section = Section::new(source, self.range.clone())?;
        Ok(FilterReader::new(section, TransferDecoder::of(self.encoding)))
    }
}

/// The two parts of a multipart/signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedParts {
    /// Where the signed part stands: its header section and body, without the line end that
    /// belongs to the boundary.
    pub content: Range<u64>,
    /// The decoded signature: a CMS object.
    pub signature: Vec<u8>,
    /// The parameter `micalg`, as it was written: advice, and never believed.
    pub micalg: Option<String>,
    /// Whether there is text before the first boundary other than the customary sentence for
    /// programs that do not know MIME. It is not signed.
    pub foreign_preamble: bool,
    /// Whether there is text behind the last boundary. It is not signed.
    pub epilogue: bool,
    /// Where a third part stands, behind the signature; only from [`signed_parts_with_trailer`].
    pub trailer: Option<Range<u64>>,
}

/// Reads what was signed, in canonical form; seeking back starts anew.
pub type SignedReader<'s> = FilterReader<Section<'s>, Canonical>;

impl SignedParts {
    /// What was signed, every line ended by CRLF.
    ///
    /// # Errors
    /// What the source says.
    pub fn open<'s>(&self, source: &'s mut dyn Source) -> io::Result<SignedReader<'s>> {
        let section = Section::new(source, self.content.clone())?;
        Ok(FilterReader::new(section, Canonical::new(BareCarriageReturn::Keep)))
    }
}

/// What is wrong with a multipart/signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignedFault {
    /// Its boundary is missing or malformed.
    Boundary,
    /// It has not exactly two parts.
    PartCount,
    /// It is not closed.
    Unterminated,
    /// Its second part is no application/pkcs7-signature.
    SignatureType,
    /// Its parameter `protocol` is missing or names another type than the second part has.
    Protocol,
    /// Its signature is longer than [`DETACHED_SIGNATURE_BYTES`].
    SignatureTooLong,
    /// Its signature cannot be decoded.
    SignatureEncoding,
}

/// Why the top level could not be read.
#[derive(Debug)]
pub enum CmsPartError {
    /// The mail is malformed or passes a limit.
    Mail(MailError),
    /// The source cannot be read.
    Io(io::Error),
}

impl From<MailError> for CmsPartError {
    fn from(error: MailError) -> Self {
        Self::Mail(error)
    }
}

impl From<io::Error> for CmsPartError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl std::fmt::Display for CmsPartError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Mail(error) => error.fmt(formatter),
            Self::Io(error) => error.fmt(formatter),
        }
    }
}

impl std::error::Error for CmsPartError {}

/// Finds out what the top level of a mail is. Only header sections and the signature are kept in
/// memory, so the mail may have any size.
///
/// # Errors
/// [`CmsPartError`]. What is a multipart/signed but malformed is no error but
/// [`Wrapping::SignedMalformed`], so that it can be shown as not signed.
pub fn cms_part(source: &mut dyn Source) -> Result<CmsPart, CmsPartError> {
    let length = source.seek(SeekFrom::End(0))?;
    let headers = read_header_section(source, 0..length)?;
    let body = headers.length() as u64..length;
    let (content_type, mut defects) = ContentType::of(&headers, "text/plain")?;
    defects.extend(headers.defects().iter().copied());
    let (encoding, encoding_defects) = transfer_encoding(&headers);
    defects.extend(encoding_defects);
    let wrapping = if is_cms(&content_type, &headers)? {
        let smime_type = content_type.parameter("smime-type").map(str::to_ascii_lowercase);
        Wrapping::Cms(CmsBody { range: body, encoding, smime_type })
    } else if content_type.is("multipart/signed") && !is_other_protocol(&content_type) {
        if !encoding.is_identity() {
            defects.push(Defect::EncodedStructure);
        }
        match signed_parts(source, body, &content_type, &mut defects, false)? {
            Ok(parts) => Wrapping::Signed(parts),
            Err(fault) => Wrapping::SignedMalformed(fault),
        }
    } else if content_type.media_type() == "multipart" {
        Wrapping::Multipart
    } else {
        Wrapping::Plain
    };
    Ok(CmsPart { headers, content_type, wrapping, defects })
}

/// The parts of a multipart/signed to which somebody on the way added a third one, behind the signature. It is not
/// signed, and the mail is not what RFC 1847 asks for; nothing where it is anything else.
///
/// # Errors
/// [`CmsPartError`].
pub(crate) fn signed_parts_with_trailer(
    source: &mut dyn Source,
) -> Result<Option<SignedParts>, CmsPartError> {
    let length = source.seek(SeekFrom::End(0))?;
    let headers = read_header_section(source, 0..length)?;
    let body = headers.length() as u64..length;
    let (content_type, _) = ContentType::of(&headers, "text/plain")?;
    Ok(signed_parts(source, body, &content_type, &mut Vec::new(), true)?.ok())
}

fn read_header_section(
    source: &mut dyn Source,
    range: Range<u64>,
) -> Result<HeaderSection<'static>, CmsPartError> {
    let limit = HEADER_BYTES as u64 + 1;
    let length = range.end.saturating_sub(range.start).min(limit);
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
    Section::new(source, range)?.take(limit).read_to_end(&mut bytes)?;
    Ok(HeaderSection::read(&bytes)?.into_owned())
}

/// RFC 8551, section 3.2.1: gateways lose the type and keep the file name.
pub(crate) fn is_cms(content_type: &ContentType, headers: &HeaderSection<'_>) -> Result<bool, MailError> {
    if content_type.is_application("pkcs7-mime") {
        return Ok(true);
    }
    if !content_type.is("application/octet-stream") {
        return Ok(false);
    }
    let names = [ContentDisposition::of(headers)?.file_name, content_type.file_name()];
    Ok(names.into_iter().flatten().any(|name| {
        let name = name.to_ascii_lowercase();
        [".p7m", ".p7z", ".p7c"].iter().any(|ending| name.ends_with(ending))
    }))
}

/// Whether a multipart/signed says that it is none of ours.
fn is_other_protocol(content_type: &ContentType) -> bool {
    content_type.parameter("protocol").is_some_and(|protocol| !is_signature_type(protocol))
}

fn is_signature_type(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name == "application/pkcs7-signature" || name == "application/x-pkcs7-signature"
}

/// Finds the two parts and decodes the second.
fn signed_parts(
    source: &mut dyn Source,
    body: Range<u64>,
    content_type: &ContentType,
    defects: &mut Vec<Defect>,
    trailer: bool,
) -> Result<Result<SignedParts, SignedFault>, CmsPartError> {
    let Ok(boundary) = content_type.boundary() else { return Ok(Err(SignedFault::Boundary)) };
    let layout = match Layout::read(Section::new(source, body.clone())?, boundary, trailer)? {
        Ok(layout) => layout,
        Err(fault) => return Ok(Err(fault)),
    };
    if layout.ambiguous {
        defects.push(Defect::AmbiguousBoundary);
    }
    let absolute = |range: &Range<u64>| body.start + range.start..body.start + range.end;
    let signature = match read_signature(source, absolute(&layout.second), defects)? {
        Ok(signature) => signature,
        Err(fault) => return Ok(Err(fault)),
    };
    // A type that contradicts was sorted out before; here it can only be missing.
    if content_type.parameter("protocol").is_none() {
        return Ok(Err(SignedFault::Protocol));
    }
    Ok(Ok(SignedParts {
        content: absolute(&layout.first),
        signature,
        micalg: content_type.parameter("micalg").map(str::to_owned),
        foreign_preamble: layout.foreign_preamble,
        epilogue: layout.epilogue,
        trailer: layout.third.as_ref().map(absolute),
    }))
}

/// Where the two parts of a multipart/signed stand in its body.
#[derive(Default)]
struct Layout {
    first: Range<u64>,
    second: Range<u64>,
    third: Option<Range<u64>>,
    foreign_preamble: bool,
    epilogue: bool,
    ambiguous: bool,
}

impl Layout {
    fn read(body: Section<'_>, boundary: &str, trailer: bool) -> io::Result<Result<Self, SignedFault>> {
        let parts = if trailer { 3 } else { 2 };
        let mut layout = Self::default();
        let mut part_starts = Vec::new();
        let mut closed = false;
        // Where the text before a delimiter ends: without the line end that belongs to it.
        let mut text_end = 0;
        let mut lines = Lines::new(body);
        while let Some(line) = lines.next()? {
            let found = delimiter(line.start, boundary);
            match (found, closed, part_starts.len()) {
                (Some(Delimiter::Ambiguous), _, _) => layout.ambiguous = true,
                (Some(Delimiter::Open), false, count) if count == parts => {
                    return Ok(Err(SignedFault::PartCount));
                }
                (Some(Delimiter::Open), false, count) => {
                    if count == 1 {
                        layout.first.end = text_end;
                    }
                    if count == 2 {
                        layout.second.end = text_end;
                    }
                    part_starts.push(line.range.end);
                }
                (Some(Delimiter::Close), false, count) if count == parts => {
                    if trailer {
                        layout.third = Some(0..text_end);
                    } else {
                        layout.second.end = text_end;
                    }
                    closed = true;
                }
                (Some(Delimiter::Close), false, _) => return Ok(Err(SignedFault::PartCount)),
                // A multipart that goes on behind its end is read differently by each program.
                (Some(_), true, _) => return Ok(Err(SignedFault::PartCount)),
                (None, true, _) => layout.epilogue |= !line.is_blank(),
                (None, false, 0) => layout.foreign_preamble |= !is_customary(&line),
                (None, false, _) => {}
            }
            text_end = line.range.end - line_end_length(line.end) as u64;
        }
        let [first, second, others @ ..] = part_starts.as_slice() else {
            return Ok(Err(SignedFault::PartCount));
        };
        if !closed {
            return Ok(Err(SignedFault::Unterminated));
        }
        // An empty part: the delimiter's line end is the one of the delimiter before it.
        layout.first = *first..layout.first.end.max(*first);
        layout.second = *second..layout.second.end.max(*second);
        layout.third = layout.third.zip(others.first()).map(|(third, start)| *start..third.end.max(*start));
        Ok(Ok(layout))
    }
}

/// Sentences that programs put before the first boundary for readers that do not know MIME.
const CUSTOMARY: [&str; 4] = [
    "This is an S/MIME signed message",
    "This is a cryptographically signed message in MIME format.",
    "This is a multi-part message in MIME format.",
    "This is a signed message in MIME format.",
];

fn is_customary(line: &Line<'_>) -> bool {
    let is_whole = line.range.end - line.range.start <= line.start.len() as u64;
    line.is_blank()
        || is_whole && CUSTOMARY.iter().any(|sentence| line.start.trim_ascii() == sentence.as_bytes())
}

fn read_signature(
    source: &mut dyn Source,
    range: Range<u64>,
    defects: &mut Vec<Defect>,
) -> Result<Result<Vec<u8>, SignedFault>, CmsPartError> {
    let headers = read_header_section(source, range.clone())?;
    let (content_type, type_defects) = ContentType::of(&headers, "text/plain")?;
    if !is_signature_type(content_type.name()) {
        return Ok(Err(SignedFault::SignatureType));
    }
    let (encoding, encoding_defects) = transfer_encoding(&headers);
    // Nobody signed this header section: a program that reads it in another way shows a text here.
    defects.extend([headers.defects(), &type_defects, &encoding_defects].concat());
    let body = range.start + headers.length() as u64..range.end;
    let limit = DETACHED_SIGNATURE_BYTES as u64;
    if body.end.saturating_sub(body.start) > 2 * limit {
        return Ok(Err(SignedFault::SignatureTooLong));
    }
    let reader = FilterReader::new(Section::new(source, body)?, TransferDecoder::of(encoding));
    let mut signature = Vec::new();
    match reader.take(limit + 1).read_to_end(&mut signature) {
        Ok(_) if signature.len() > DETACHED_SIGNATURE_BYTES => Ok(Err(SignedFault::SignatureTooLong)),
        Ok(_) => Ok(Ok(signature)),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Ok(Err(SignedFault::SignatureEncoding)),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;
    use std::io::Cursor;

    const SIGNED: &str = "From: alice@example.org\r\nContent-Type: multipart/signed; \
        protocol=\"application/pkcs7-signature\";\r\n micalg=sha-256; boundary=b\r\n\r\n\
        This is an S/MIME signed message\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nHello\r\n\r\n--b\r\n\
        Content-Type: application/pkcs7-signature; name=smime.p7s\r\nContent-Transfer-Encoding: base64\r\n\r\n\
        MAMC\r\nAQU=\r\n\r\n--b--\r\n";

    fn part(mail: &str) -> CmsPart {
        cms_part(&mut Cursor::new(mail)).unwrap()
    }

    fn signed(mail: &str) -> SignedParts {
        match part(mail).wrapping {
            Wrapping::Signed(parts) => parts,
            other => panic!("{other:?}"),
        }
    }

    fn fault(mail: &str) -> SignedFault {
        match part(mail).wrapping {
            Wrapping::SignedMalformed(fault) => fault,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_signed_part_is_known_to_the_byte() {
        let parts = signed(SIGNED);
        let range = parts.content.start as usize..parts.content.end as usize;
        assert_eq!(&SIGNED[range], "Content-Type: text/plain\r\n\r\nHello\r\n");
        assert_eq!(parts.signature, [0x30, 0x03, 0x02, 0x01, 0x05]);
        assert_eq!(parts.micalg.as_deref(), Some("sha-256"));
        assert!(!parts.foreign_preamble && !parts.epilogue);
        assert!(part(SIGNED).defects.is_empty());
    }

    #[test]
    fn what_was_signed_is_the_same_with_other_line_ends() {
        let unix = SIGNED.replace('\r', "");
        let mut source = Cursor::new(unix.as_str());
        let mut text = String::new();
        signed(&unix).open(&mut source).unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "Content-Type: text/plain\r\n\r\nHello\r\n");
    }

    #[test]
    fn text_around_the_parts_is_reported() {
        assert!(signed(&SIGNED.replace("This is an", "Pay at once. This is an")).foreign_preamble);
        assert!(signed(&format!("{SIGNED}\r\nPay at once.\r\n")).epilogue);
        assert!(!signed(&format!("{SIGNED}\r\n \r\n")).epilogue);
        for length in [1024, 200_000] {
            let sentence = format!("{}{}Pay at once.\r\n--b\r\n", CUSTOMARY[2], " ".repeat(length));
            let mail = SIGNED.replacen("--b\r\n", &sentence, 1);
            assert!(signed(&mail).foreign_preamble, "{length}");
        }
    }

    #[test]
    fn the_header_of_the_signature_is_read_in_one_way() {
        let field = "Content-Type: application/pkcs7-signature; name=smime.p7s\r\n";
        assert!(SIGNED.contains(field));
        for more in [
            "Content-Type: text/html\r\n",
            "Content-Type : text/html\r\n",
            "X: a\rContent-Type: text/html\r\n",
        ] {
            let mail = SIGNED.replace(field, &format!("{field}{more}"));
            assert!(!part(&mail).defects.is_empty(), "{more:?}");
        }
    }

    #[test]
    fn there_are_exactly_two_parts() {
        let extra = "--b\r\nContent-Type: text/plain\r\n\r\nPay at once.\r\n\r\n--b\r\n";
        assert_eq!(fault(&SIGNED.replacen("--b\r\n", extra, 1)), SignedFault::PartCount);
        assert_eq!(fault(&SIGNED.replace("--b--", extra)), SignedFault::PartCount);
        assert_eq!(fault(&format!("{SIGNED}{extra}")), SignedFault::PartCount);
        let first = SIGNED.find("--b\r\n").unwrap();
        assert_eq!(fault(&format!("{}--b--\r\n", &SIGNED[..first])), SignedFault::PartCount);
    }

    #[test]
    fn what_is_not_closed_is_not_signed() {
        assert_eq!(fault(&SIGNED.replace("--b--", "")), SignedFault::Unterminated);
    }

    #[test]
    fn the_second_part_is_the_signature() {
        let text = SIGNED.replace("application/pkcs7-signature; name", "application/pdf; name");
        assert_eq!(fault(&text), SignedFault::SignatureType);
        assert_eq!(fault(&SIGNED.replace("MAMC", "M*MC")), SignedFault::SignatureEncoding);
        assert_eq!(
            fault(&SIGNED.replace("protocol=\"application/pkcs7-signature\";\r\n", "")),
            SignedFault::Protocol
        );
        assert_eq!(fault(&SIGNED.replace("boundary=b", "boundary=")), SignedFault::Boundary);
    }

    #[test]
    fn a_signature_of_openpgp_is_not_ours() {
        let mail = SIGNED.replace("pkcs7-signature", "pgp-signature");
        assert!(matches!(part(&mail).wrapping, Wrapping::Multipart));
    }

    #[test]
    fn a_boundary_that_goes_on_is_noted() {
        let mail = SIGNED.replace("Hello\r\n", "Hello\r\n--b2\r\n");
        assert_eq!(part(&mail).defects, [Defect::AmbiguousBoundary]);
        assert!(matches!(part(&mail).wrapping, Wrapping::Signed(_)));
    }

    #[test]
    fn two_content_types_are_noted() {
        let mail = SIGNED.replacen("From:", "Content-Type: text/plain\r\nFrom:", 1);
        assert_eq!(part(&mail).defects, [Defect::RepeatedField]);
    }

    #[test]
    fn a_cms_body_is_decoded_and_can_be_read_twice() {
        for content_type in [
            "application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m",
            "application/x-pkcs7-mime",
            "application/octet-stream; name=\"SMIME.P7M\"",
            "application/octet-stream\nContent-Disposition: attachment; filename=smime.p7m",
        ] {
            let mail =
                format!("Content-Type: {content_type}\nContent-Transfer-Encoding: base64\n\nQWxp\nY2U=\n");
            let Wrapping::Cms(body) = part(&mail).wrapping else { panic!("{content_type}") };
            let mut source = Cursor::new(mail.as_str());
            let mut reader = body.open(&mut source).unwrap();
            let mut text = String::new();
            reader.read_to_string(&mut text).unwrap();
            io::Seek::rewind(&mut reader).unwrap();
            reader.read_to_string(&mut text).unwrap();
            assert_eq!(text, "AliceAlice");
        }
    }

    #[test]
    fn other_mails_are_plain() {
        for mail in ["", "Subject: x\n\nbody", "Content-Type: application/octet-stream; name=a.pdf\n\n"] {
            assert!(matches!(part(mail).wrapping, Wrapping::Plain), "{mail}");
        }
        assert!(matches!(part("Content-Type: multipart/mixed\n\n").wrapping, Wrapping::Multipart));
    }

    #[test]
    fn an_endless_header_is_refused() {
        let mail = "a".repeat(HEADER_BYTES + 10);
        assert!(matches!(
            cms_part(&mut Cursor::new(mail)),
            Err(CmsPartError::Mail(MailError::HeaderTooLong))
        ));
    }
}
