//! Values with parameters: `text/plain; charset=utf-8` (RFC 2045, section 5.1; RFC 2231).

use super::encoded_word::{decode_words, to_unicode, visible};
use super::transfer::quoted_printable::hexadecimal;
use super::{Defect, MailError};
use crate::limits::HEADER_PARAMETERS;

/// The value of a Content-Type or Content-Disposition, and its parameters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Parameterised {
    /// What stands before the first semicolon, without comments, in lower case.
    pub(crate) value: String,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) defects: Vec<Defect>,
}

/// One parameter, its pieces joined and its characters decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Parameter {
    /// In lower case.
    pub(crate) name: String,
    pub(crate) value: String,
    /// Whether it was written as RFC 2231 says: not every program reads that.
    pub(crate) extended: bool,
}

/// One parameter as it was written, perhaps a piece of one.
struct Piece {
    name: String,
    section: Option<u32>,
    encoded: bool,
    value: Vec<u8>,
}

impl Parameterised {
    /// Reads an unfolded field value.
    pub(crate) fn parse(field: &[u8]) -> Result<Self, MailError> {
        let mut reader = Reader { rest: field };
        let value = String::from_utf8_lossy(&reader.plain(b';')).trim().to_ascii_lowercase();
        let mut pieces = Vec::new();
        while reader.next_parameter() {
            let name = String::from_utf8_lossy(&reader.plain(b'=')).trim().to_ascii_lowercase();
            if pieces.len() >= HEADER_PARAMETERS {
                return Err(MailError::TooManyParameters);
            }
            if reader.rest.first() == Some(&b'=') {
                reader.rest = reader.rest.get(1..).unwrap_or_default();
                let value = reader.value();
                pieces.push(Piece::new(&name, value));
            }
        }
        let mut defects = Vec::new();
        let parameters = join(pieces, &mut defects);
        Ok(Self { value: visible(&value), parameters, defects })
    }

    pub(crate) fn parameter(&self, name: &str) -> Option<&Parameter> {
        self.parameters.iter().find(|parameter| parameter.name == name)
    }
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl Reader<'_> {
    /// Everything up to one of the separators, `stop` or a semicolon, without comments.
    fn plain(&mut self, stop: u8) -> Vec<u8> {
        let mut text = Vec::new();
        while let [byte, after @ ..] = self.rest {
            match byte {
                b';' => break,
                byte if *byte == stop => break,
                b'(' => self.comment(),
                byte => {
                    text.push(*byte);
                    self.rest = after;
                }
            }
        }
        text
    }

    /// Steps over a comment, which may hold others.
    fn comment(&mut self) {
        let mut depth = 0u32;
        while let [byte, after @ ..] = self.rest {
            self.rest = after;
            match byte {
                b'(' => depth += 1,
                b')' => depth -= 1,
                b'\\' => self.rest = self.rest.get(1..).unwrap_or_default(),
                _ => {}
            }
            if depth == 0 {
                return;
            }
        }
    }

    /// Steps over the semicolon that starts a parameter.
    fn next_parameter(&mut self) -> bool {
        while let [b';', after @ ..] = self.rest {
            self.rest = after.trim_ascii_start();
            if !matches!(self.rest, [] | [b';', ..]) {
                return true;
            }
        }
        false
    }

    /// A token or a quoted string.
    fn value(&mut self) -> Vec<u8> {
        self.rest = self.rest.trim_ascii_start();
        while self.rest.first() == Some(&b'(') {
            self.comment();
            self.rest = self.rest.trim_ascii_start();
        }
        match self.rest {
            [b'"', after @ ..] => {
                self.rest = after;
                let value = self.quoted();
                // Whatever follows the quotes belongs to no parameter.
                self.plain(b';');
                value
            }
            _ => self.plain(b';').trim_ascii().to_vec(),
        }
    }

    fn quoted(&mut self) -> Vec<u8> {
        let mut value = Vec::new();
        loop {
            match self.rest {
                [b'\\', byte, after @ ..] => {
                    value.push(*byte);
                    self.rest = after;
                }
                [b'"', after @ ..] => {
                    self.rest = after;
                    return value;
                }
                [byte, after @ ..] => {
                    value.push(*byte);
                    self.rest = after;
                }
                [] => return value,
            }
        }
    }
}

impl Piece {
    /// Takes `name*0*` apart (RFC 2231, section 4.1).
    fn new(name: &str, value: Vec<u8>) -> Self {
        let (stem, encoded) = match name.strip_suffix('*') {
            Some(stem) => (stem, true),
            None => (name, false),
        };
        match stem.split_once('*').map(|(stem, section)| (stem, section.parse())) {
            Some((stem, Ok(section))) => {
                Self { name: stem.to_owned(), section: Some(section), encoded, value }
            }
            _ => Self { name: stem.to_owned(), section: None, encoded, value },
        }
    }
}

/// Joins the pieces of each parameter. Where a parameter is written both ways the extended form
/// counts, and the repetition is noted.
fn join(pieces: Vec<Piece>, defects: &mut Vec<Defect>) -> Vec<Parameter> {
    let mut parameters: Vec<Parameter> = Vec::new();
    let mut names: Vec<&str> = pieces.iter().map(|piece| piece.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        let mut plain = pieces.iter().filter(|piece| piece.name == name && !piece.is_extended());
        let mut whole =
            pieces.iter().filter(|piece| piece.name == name && piece.encoded && piece.section.is_none());
        let mut sections: Vec<&Piece> =
            pieces.iter().filter(|piece| piece.name == name && piece.section.is_some()).collect();
        sections.sort_by_key(|piece| piece.section);
        let gapless = sections.iter().zip(0..).all(|(piece, number)| piece.section == Some(number));
        let (first_plain, first_whole) = (plain.next(), whole.next());
        let forms = usize::from(first_plain.is_some())
            + usize::from(first_whole.is_some())
            + usize::from(!sections.is_empty());
        if forms > 1 || plain.next().is_some() || whole.next().is_some() || !gapless {
            defects.push(Defect::RepeatedParameter);
        }
        let value = match (first_whole, first_plain) {
            (Some(piece), _) => decode_pieces(&[piece]),
            (None, _) if gapless && !sections.is_empty() => decode_pieces(&sections),
            (None, Some(piece)) => visible(&String::from_utf8_lossy(&piece.value)),
            (None, None) => continue,
        };
        let extended = first_whole.is_some() || !sections.is_empty();
        parameters.push(Parameter { name: name.to_owned(), value, extended });
    }
    parameters
}

impl Piece {
    const fn is_extended(&self) -> bool {
        self.encoded || self.section.is_some()
    }
}

/// Joins pieces; the first encoded one names the character set (RFC 2231, section 4.1).
fn decode_pieces(pieces: &[&Piece]) -> String {
    let mut charset: &[u8] = b"utf-8";
    let mut bytes = Vec::new();
    for (index, piece) in pieces.iter().enumerate() {
        let mut value = piece.value.as_slice();
        if piece.encoded && index == 0 {
            let mut fields = value.splitn(3, |byte| *byte == b'\'');
            if let (Some(name), Some(_language), Some(text)) = (fields.next(), fields.next(), fields.next()) {
                charset = name;
                value = text;
            }
        }
        if piece.encoded { percent_decode(value, &mut bytes) } else { bytes.extend_from_slice(value) }
    }
    visible(&to_unicode(charset, &bytes))
}

fn percent_decode(text: &[u8], bytes: &mut Vec<u8>) {
    let mut rest = text;
    loop {
        rest = match rest {
            [b'%', high, low, after @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                bytes.push(hexadecimal(*high) << 4 | hexadecimal(*low));
                after
            }
            [byte, after @ ..] => {
                bytes.push(*byte);
                after
            }
            [] => return,
        };
    }
}

/// A file name as programs really write it: many use encoded words within quotes, which RFC 2047
/// forbids and everybody reads.
pub(crate) fn file_name(parameter: &Parameter) -> String {
    if parameter.extended { parameter.value.clone() } else { decode_words(parameter.value.as_bytes()) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Parameterised {
        Parameterised::parse(text.as_bytes()).unwrap()
    }

    fn value(text: &str, name: &str) -> Option<String> {
        parse(text).parameter(name).map(|parameter| parameter.value.clone())
    }

    #[test]
    fn tokens_quotes_and_comments_are_read() {
        let parsed = parse("Text/Plain (a; b); Charset=\"us-ascii\" (c); x = y ; z=\"a\\\"b;c\"");
        assert_eq!(parsed.value, "text/plain");
        let pairs: Vec<_> =
            parsed.parameters.iter().map(|parameter| (&*parameter.name, &*parameter.value)).collect();
        assert_eq!(pairs, [("charset", "us-ascii"), ("x", "y"), ("z", "a\"b;c")]);
        assert!(parsed.defects.is_empty());
        assert_eq!(parse("text/plain;;  ;").parameters, []);
    }

    #[test]
    fn the_examples_of_rfc_2231() {
        let joined = "message/external-body; access-type=URL; URL*0=\"ftp://\"; URL*1=\"cs.example/pub\"";
        assert_eq!(value(joined, "url").unwrap(), "ftp://cs.example/pub");
        let encoded = "application/x-stuff; title*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A";
        assert_eq!(value(encoded, "title").unwrap(), "This is ***fun***");
        let both = "application/x-stuff; title*0*=us-ascii'en'This%20is%20even%20more%20; \
                    title*1*=%2A%2A%2Afun%2A%2A%2A%20; title*2=\"isn't it!\"";
        assert_eq!(value(both, "title").unwrap(), "This is even more ***fun*** isn't it!");
        assert!(parse(both).parameter("title").unwrap().extended);
    }

    #[test]
    fn a_parameter_twice_is_a_defect() {
        for text in ["a/b; c=1; c=2", "a/b; c=1; C*=utf-8''2", "a/b; c*0=1; c*2=2"] {
            assert_eq!(parse(text).defects, [Defect::RepeatedParameter], "{text}");
        }
        assert_eq!(value("a/b; c=1; c=2", "c").unwrap(), "1");
        assert_eq!(value("a/b; c=1; c*=utf-8''2", "c").unwrap(), "2");
    }

    #[test]
    fn no_control_characters_come_out() {
        assert_eq!(value("a/b; c*=utf-8''%1B%0D%0A%00x", "c").unwrap(), "    x");
        assert_eq!(value("a/b; c=\"\x1b\"", "c").unwrap(), " ");
    }

    #[test]
    fn the_limit_is_50_parameters() {
        let many = |count: usize| {
            let parameters: String = (0..count).map(|number| format!("; p{number}=1")).collect();
            Parameterised::parse(format!("a/b{parameters}").as_bytes())
        };
        assert_eq!(many(HEADER_PARAMETERS).unwrap().parameters.len(), HEADER_PARAMETERS);
        assert_eq!(many(HEADER_PARAMETERS + 1), Err(MailError::TooManyParameters));
    }
}
