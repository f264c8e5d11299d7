//! What the body of a part is (RFC 2045, section 5; RFC 2183).

use super::parameter::{Parameterised, file_name};
use super::{Defect, HeaderSection, MailError, TransferEncoding};
use crate::limits::BOUNDARY_BYTES;

/// The Content-Type of a part, or the one that holds where there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentType {
    inner: Parameterised,
    slash: usize,
}

impl ContentType {
    /// The Content-Type of a header section; without a readable one, `default`.
    ///
    /// # Errors
    /// [`MailError::TooManyParameters`].
    pub fn of(headers: &HeaderSection<'_>, default: &str) -> Result<(Self, Vec<Defect>), MailError> {
        let mut defects = Vec::new();
        if headers.count("Content-Type") > 1 {
            defects.push(Defect::RepeatedField);
        }
        let Some(field) = headers.first("Content-Type") else {
            return Ok((Self::named(default), defects));
        };
        let inner = Parameterised::parse(&field.unfolded())?;
        defects.extend(inner.defects.iter().copied());
        Ok(match Self::from_inner(inner) {
            Some(content_type) => (content_type, defects),
            None => {
                defects.push(Defect::MalformedContentType);
                (Self::named("text/plain"), defects)
            }
        })
    }

    /// That `type/subtype`, without parameters.
    fn named(name: &str) -> Self {
        let slash = name.find('/').unwrap_or(name.len());
        Self { inner: Parameterised { value: name.to_owned(), ..Parameterised::default() }, slash }
    }

    fn from_inner(inner: Parameterised) -> Option<Self> {
        let is_token = |text: &str| {
            !text.is_empty()
                && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?=".contains(&byte))
        };
        let (main, sub) = inner.value.split_once('/')?;
        (is_token(main) && is_token(sub)).then_some(main.len()).map(|slash| Self { slash, inner })
    }

    /// `type/subtype`, in lower case.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.inner.value
    }

    /// The part before the slash, in lower case.
    #[must_use]
    pub fn media_type(&self) -> &str {
        self.inner.value.get(..self.slash).unwrap_or_default()
    }

    /// The part behind the slash, in lower case.
    #[must_use]
    pub fn subtype(&self) -> &str {
        self.inner.value.get(self.slash + 1..).unwrap_or_default()
    }

    /// Whether this is that `type/subtype`, given in lower case.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        self.name() == name
    }

    /// Whether this is `application/NAME`, with or without the `x-` that old programs write.
    #[must_use]
    pub fn is_application(&self, name: &str) -> bool {
        self.media_type() == "application"
            && self.subtype().strip_prefix("x-").unwrap_or(self.subtype()) == name
    }

    /// A parameter by its name in lower case: decoded, without control characters.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.inner.parameter(name).map(|parameter| parameter.value.as_str())
    }

    /// The file name that old programs put here.
    #[must_use]
    pub fn file_name(&self) -> Option<String> {
        self.inner.parameter("name").map(file_name)
    }

    /// The boundary of a multipart.
    ///
    /// # Errors
    /// [`Defect::MalformedBoundary`] where there is none, where it is longer than
    /// [`BOUNDARY_BYTES`], where it has characters that end a line or ends with a space (RFC 2046,
    /// section 5.1.1), and where it is written as RFC 2231 says: no program of note does, and some
    /// do not read it.
    pub fn boundary(&self) -> Result<&str, Defect> {
        match self.inner.parameter("boundary") {
            Some(boundary)
                if !boundary.extended
                    && (1..=BOUNDARY_BYTES).contains(&boundary.value.len())
                    && boundary.value.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ')
                    && !boundary.value.ends_with(' ') =>
            {
                Ok(&boundary.value)
            }
            _ => Err(Defect::MalformedBoundary),
        }
    }
}

/// How a part wants to be shown (RFC 2183).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContentDisposition {
    /// `inline`, `attachment` or another word in lower case; empty where nothing is said.
    pub kind: String,
    /// The file name as the sender wrote it: text to show, never a path to open.
    pub file_name: Option<String>,
}

impl ContentDisposition {
    /// The Content-Disposition of a header section; of several the first.
    ///
    /// # Errors
    /// [`MailError::TooManyParameters`].
    pub fn of(headers: &HeaderSection<'_>) -> Result<Self, MailError> {
        let Some(field) = headers.first("Content-Disposition") else { return Ok(Self::default()) };
        let inner = Parameterised::parse(&field.unfolded())?;
        let file_name = inner.parameter("filename").map(file_name);
        Ok(Self { kind: inner.value, file_name })
    }
}

/// The Content-Transfer-Encoding of a header section, and what is wrong with it.
pub(crate) fn transfer_encoding(headers: &HeaderSection<'_>) -> (TransferEncoding, Vec<Defect>) {
    let mut defects = Vec::new();
    let encoding = headers.first("Content-Transfer-Encoding").map_or(TransferEncoding::SevenBit, |field| {
        // Comments may stand there as in every structured field.
        let value = Parameterised::parse(&field.unfolded()).map(|inner| inner.value).unwrap_or_default();
        TransferEncoding::from_name(&value)
    });
    if headers.count("Content-Transfer-Encoding") > 1 {
        defects.push(Defect::RepeatedField);
    }
    if encoding == TransferEncoding::Unknown {
        defects.push(Defect::UnknownEncoding);
    }
    (encoding, defects)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn content_type(header: &str) -> (ContentType, Vec<Defect>) {
        ContentType::of(&HeaderSection::read(header.as_bytes()).unwrap(), "text/plain").unwrap()
    }

    #[test]
    fn a_type_is_read_without_letter_case() {
        let (found, defects) =
            content_type("Content-Type: Application/X-PKCS7-MIME; SMIME-Type=Signed-Data\n\n");
        assert!(found.is("application/x-pkcs7-mime") && found.is_application("pkcs7-mime"));
        assert_eq!(found.parameter("smime-type"), Some("Signed-Data"));
        assert!(defects.is_empty());
        assert_eq!((found.media_type(), found.subtype()), ("application", "x-pkcs7-mime"));
    }

    #[test]
    fn without_a_readable_type_it_is_text() {
        assert!(content_type("Subject: x\n\n").0.is("text/plain"));
        for header in ["Content-Type: text\n\n", "Content-Type:\n\n", "Content-Type: a/b/c\n\n"] {
            let (found, defects) = content_type(header);
            assert!(found.is("text/plain"));
            assert_eq!(defects, [Defect::MalformedContentType], "{header}");
        }
    }

    #[test]
    fn a_type_twice_is_a_defect() {
        let (found, defects) = content_type("Content-Type: text/html\nContent-Type: text/plain\n\n");
        assert!(found.is("text/html"));
        assert_eq!(defects, [Defect::RepeatedField]);
    }

    #[test]
    fn a_boundary_has_1_to_70_characters() {
        let boundary = |value: &str| {
            let (found, _) =
                content_type(&format!("Content-Type: multipart/mixed; boundary=\"{value}\"\n\n"));
            found.boundary().map(str::to_owned)
        };
        assert_eq!(boundary(&"b".repeat(70)).unwrap().len(), 70);
        assert_eq!(boundary("a b").unwrap(), "a b");
        for wrong in ["", "a ", "é", &"b".repeat(71)] {
            assert_eq!(boundary(wrong), Err(Defect::MalformedBoundary), "{wrong}");
        }
        let (extended, _) = content_type("Content-Type: multipart/mixed; boundary*=us-ascii''b\n\n");
        assert_eq!(extended.boundary(), Err(Defect::MalformedBoundary));
    }

    #[test]
    fn file_names_are_decoded() {
        let of = |header: &str| {
            ContentDisposition::of(&HeaderSection::read(header.as_bytes()).unwrap()).unwrap().file_name
        };
        assert_eq!(
            of("Content-Disposition: attachment; filename*=utf-8''caf%C3%A9.pdf\n\n").unwrap(),
            "café.pdf"
        );
        assert_eq!(
            of("Content-Disposition: attachment; filename=\"=?utf-8?q?caf=C3=A9.pdf?=\"\n\n").unwrap(),
            "café.pdf"
        );
        assert_eq!(of("Content-Disposition: inline\n\n"), None);
    }

    #[test]
    fn an_encoding_may_have_comments() {
        let of = |header: &str| transfer_encoding(&HeaderSection::read(header.as_bytes()).unwrap());
        assert_eq!(of("Content-Transfer-Encoding: base64 (x)\n\n"), (TransferEncoding::Base64, vec![]));
        assert_eq!(
            of("Content-Transfer-Encoding: uuencode\n\n"),
            (TransferEncoding::Unknown, vec![Defect::UnknownEncoding])
        );
    }
}
