//! The part before the `@`: a dot-atom or a quoted string (RFC 5322, section 3.4.1), with
//! characters beyond ASCII (RFC 6532, section 3.2).

use super::AddressError;
use crate::limits::LOCAL_PART_BYTES;

/// The one text of a local part: quoted only where it must be.
pub(super) fn normalise(text: &str) -> Result<String, AddressError> {
    let normal = match text.strip_prefix('"') {
        Some(rest) => {
            let content = unquote(rest)?;
            if is_dot_atom(&content) { content } else { quote(&content) }
        }
        None if is_dot_atom(text) => text.to_owned(),
        None => return Err(AddressError::LocalPart),
    };
    if normal.len() > LOCAL_PART_BYTES { Err(AddressError::LocalPartTooLong) } else { Ok(normal) }
}

/// Whether a text is a dot-atom: atoms divided by single dots.
fn is_dot_atom(text: &str) -> bool {
    text.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_atom_character))
}

/// Whether a character may stand in an atom without quotes.
pub(crate) fn is_atom_character(character: char) -> bool {
    character.is_ascii_alphanumeric()
        || !character.is_ascii()
        || matches!(
            character,
            '!' | '#'
                | '$'
                | '%'
                | '&'
                | '\''
                | '*'
                | '+'
                | '-'
                | '/'
                | '='
                | '?'
                | '^'
                | '_'
                | '`'
                | '{'
                | '|'
                | '}'
                | '~'
        )
}

/// The content of a quoted string, given what follows its opening quote.
fn unquote(rest: &str) -> Result<String, AddressError> {
    let mut content = String::new();
    let mut characters = rest.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => content.push(characters.next().ok_or(AddressError::LocalPart)?),
            '"' if content.is_empty() || !characters.as_str().is_empty() => {
                return Err(AddressError::LocalPart);
            }
            '"' => return Ok(content),
            _ => content.push(character),
        }
    }
    Err(AddressError::LocalPart)
}

fn quote(content: &str) -> String {
    let mut quoted = String::from("\"");
    for character in content.chars() {
        if matches!(character, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_stay_where_they_are_needed() {
        assert_eq!(normalise("\"alice smith\"").as_deref(), Ok("\"alice smith\""));
        assert_eq!(normalise("\"a@b\"").as_deref(), Ok("\"a@b\""));
        assert_eq!(normalise("\"a..b\"").as_deref(), Ok("\"a..b\""));
        assert_eq!(normalise("\"a.b\"").as_deref(), Ok("a.b"));
    }

    #[test]
    fn a_dot_stands_between_atoms_only() {
        for text in [".alice", "alice.", "a..b", "."] {
            assert_eq!(normalise(text), Err(AddressError::LocalPart), "{text}");
        }
        assert!(normalise("a.b.c").is_ok());
    }

    #[test]
    fn a_quoted_string_ends_once() {
        for text in ["\"", "\"\"", "\"alice", "\"alice\\\"", "\"alice\"bob", "\"alice\".bob", "a\"b\""] {
            assert_eq!(normalise(text), Err(AddressError::LocalPart), "{text}");
        }
    }

    #[test]
    fn the_limit_is_64_bytes() {
        assert!(normalise(&"a".repeat(64)).is_ok());
        assert_eq!(normalise(&"a".repeat(65)), Err(AddressError::LocalPartTooLong));
        assert_eq!(normalise(&"é".repeat(33)), Err(AddressError::LocalPartTooLong));
    }
}
