//! Text beyond ASCII in header fields (RFC 2047), and characters of any set as Unicode.

use base64_simd::{STANDARD, STANDARD_NO_PAD};
use mail_parser::decoders::charsets::map::charset_decoder;

use super::transfer::quoted_printable::hexadecimal;

/// Characters of an encoded word at most (RFC 2047, section 2).
const WORD_CHARACTERS: usize = 75;

/// A header value as people read it: encoded words decoded, UTF-8 kept, everything else that is
/// not ASCII replaced, and every control character a space.
#[must_use]
pub fn decode_words(value: &[u8]) -> String {
    let mut text = String::with_capacity(value.len());
    let mut rest = value;
    // Bytes of neighbouring words of one character set are joined before decoding, because
    // programs split within a character.
    let mut words: Option<(Vec<u8>, Vec<u8>)> = None;
    while !rest.is_empty() {
        let spaces = rest.len() - rest.trim_ascii_start().len();
        let (gap, tail) = rest.split_at_checked(spaces).unwrap_or_default();
        if let Some((charset, bytes, after)) = first_word(tail) {
            match &mut words {
                Some((last, collected)) if last.eq_ignore_ascii_case(charset) => collected.extend(bytes),
                Some((last, collected)) => {
                    text.push_str(&to_unicode(last, collected));
                    words = Some((charset.to_vec(), bytes));
                }
                None => {
                    push_plain(gap, &mut text);
                    words = Some((charset.to_vec(), bytes));
                }
            }
            rest = after;
            continue;
        }
        if let Some((charset, bytes)) = words.take() {
            text.push_str(&to_unicode(&charset, &bytes));
        }
        push_plain(gap, &mut text);
        // To the next white space, or to the next word that follows without any.
        let end = tail
            .iter()
            .enumerate()
            .skip(1)
            .find(|(at, byte)| {
                byte.is_ascii_whitespace() || tail.get(*at..).is_some_and(|tail| first_word(tail).is_some())
            })
            .map_or(tail.len(), |(at, _)| at);
        let (plain, after) = tail.split_at_checked(end).unwrap_or_default();
        push_plain(plain, &mut text);
        rest = after;
    }
    if let Some((charset, bytes)) = words {
        text.push_str(&to_unicode(&charset, &bytes));
    }
    visible(&text)
}

/// Bytes of a character set as Unicode. Of an unknown one, what is not UTF-8 is replaced.
#[must_use]
pub(crate) fn to_unicode(charset: &[u8], bytes: &[u8]) -> String {
    // UTF-8 by our own hand, because the standard library's replacement is the documented one.
    if charset.eq_ignore_ascii_case(b"utf-8") || charset.eq_ignore_ascii_case(b"utf8") {
        return String::from_utf8_lossy(bytes).into_owned();
    }
    match charset_decoder(charset) {
        Some(decode) => decode(bytes),
        None => String::from_utf8_lossy(bytes).into_owned(),
    }
}

/// Makes every control character a space: nothing that is read can drive a terminal or break a
/// line.
#[must_use]
pub(crate) fn visible(text: &str) -> String {
    text.chars()
        .map(|character| {
            let breaks = character.is_control() || matches!(character, '\u{2028}' | '\u{2029}');
            if breaks { ' ' } else { character }
        })
        .collect()
}

fn push_plain(bytes: &[u8], text: &mut String) {
    text.push_str(&String::from_utf8_lossy(bytes));
}

/// The encoded word at the start: its character set, its bytes, and what follows.
fn first_word(text: &[u8]) -> Option<(&[u8], Vec<u8>, &[u8])> {
    let inside = text.strip_prefix(b"=?")?;
    let (charset, inside) = split_at_mark(inside)?;
    let (encoding, inside) = split_at_mark(inside)?;
    let (content, after) = split_at_mark(inside)?;
    let after = after.strip_prefix(b"=")?;
    // RFC 2231, section 5: a language may follow the character set.
    let charset = charset.split(|byte| *byte == b'*').next()?;
    if charset.is_empty() {
        return None;
    }
    let bytes = match encoding {
        b"Q" | b"q" => decode_q(content),
        b"B" | b"b" => decode_b(content)?,
        _ => return None,
    };
    Some((charset, bytes, after))
}

/// What stands before the next question mark, without white space, and what follows it.
fn split_at_mark(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = memchr::memchr(b'?', text)?;
    let (before, after) = text.split_at_checked(end)?;
    Some((before, after.get(1..)?))
}

fn decode_q(content: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(content.len());
    let mut rest = content;
    loop {
        rest = match rest {
            [b'=', high, low, after @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                bytes.push(hexadecimal(*high) << 4 | hexadecimal(*low));
                after
            }
            [b'_', after @ ..] => {
                bytes.push(b' ');
                after
            }
            [byte, after @ ..] => {
                bytes.push(*byte);
                after
            }
            [] => return bytes,
        };
    }
}

fn decode_b(content: &[u8]) -> Option<Vec<u8>> {
    let characters: Vec<u8> = content.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    STANDARD.decode_to_vec(&characters).or_else(|_| STANDARD_NO_PAD.decode_to_vec(&characters)).ok()
}

/// A text for an unstructured field or a display name: as it is where it is ASCII, else encoded
/// words of UTF-8 divided by spaces, none over 75 characters.
///
/// Control characters become spaces, so a text cannot end its header field.
#[must_use]
pub fn encode_words(text: &str) -> String {
    let text = visible(text);
    if text.is_ascii() && !text.contains("=?") {
        return text;
    }
    const FRAME: &str = "=?utf-8?b??=";
    let bytes_at_most = (WORD_CHARACTERS - FRAME.len()) / 4 * 3;
    let mut words = Vec::new();
    let mut piece = String::new();
    for character in text.chars() {
        if piece.len() + character.len_utf8() > bytes_at_most {
            words.push(encode_word(&piece));
            piece.clear();
        }
        piece.push(character);
    }
    words.push(encode_word(&piece));
    words.join(" ")
}

fn encode_word(piece: &str) -> String {
    format!("=?utf-8?b?{}?=", STANDARD.encode_to_string(piece))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decode(text: &str) -> String {
        decode_words(text.as_bytes())
    }

    #[test]
    fn the_examples_of_rfc_2047_section_8() {
        for (encoded, decoded) in [
            ("=?ISO-8859-1?Q?a?=", "a"),
            ("=?ISO-8859-1?Q?a?= b", "a b"),
            ("=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=", "ab"),
            ("=?ISO-8859-1?Q?a?=  =?ISO-8859-1?Q?b?=", "ab"),
            ("=?ISO-8859-1?Q?a_b?=", "a b"),
            ("=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=", "a b"),
            ("=?US-ASCII?Q?Keith_Moore?=", "Keith Moore"),
            ("=?ISO-8859-1?Q?Keld_J=F8rn_Simonsen?=", "Keld Jørn Simonsen"),
            ("=?ISO-8859-1?Q?Andr=E9?= Pirard", "André Pirard"),
            (
                "=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?=\r\n =?ISO-8859-2?B?dSB1bmRlcnN0YW5kIHRoZSBleGFtcGxlLg==?=",
                "If you can read this you understand the example.",
            ),
        ] {
            assert_eq!(decode(encoded), decoded);
        }
    }

    #[test]
    fn a_character_may_be_split_between_words() {
        assert_eq!(decode("=?utf-8?Q?caf=C3?= =?utf-8?q?=A9?="), "café");
        assert_eq!(decode("=?iso-2022-jp?B?GyRCRnxLXBsoQg==?="), "日本");
    }

    #[test]
    fn what_is_no_word_stays() {
        for text in ["=?utf-8?x?abc?=", "=?utf-8?q?abc", "a =? b ?=", "=?utf-8?b?*?="] {
            assert_eq!(decode(text), text);
        }
        assert_eq!(decode("a=?utf-8?q?b?=c"), "abc");
    }

    #[test]
    fn nothing_decoded_controls_a_terminal() {
        assert_eq!(decode("=?utf-8?q?a=1B[2J=0D=0AFrom:_b=00=C2=9B?="), "a [2J  From: b  ");
    }

    #[test]
    fn ascii_is_not_encoded() {
        assert_eq!(encode_words("Quarterly figures"), "Quarterly figures");
        assert_eq!(encode_words("a\r\nBcc: bob@example.org"), "a  Bcc: bob@example.org");
        assert_eq!(decode(&encode_words("=?utf-8?q?b?=")), "=?utf-8?q?b?=");
    }

    proptest! {
        #[test]
        fn what_was_encoded_comes_back(text in "\\PC{0,80}") {
            let encoded = encode_words(&text);
            prop_assert!(encoded.is_ascii());
            if encoded.starts_with("=?") {
                prop_assert!(encoded.split(' ').all(|word| word.len() <= WORD_CHARACTERS));
            }
            prop_assert_eq!(decode(&encoded), visible(&text));
        }

        #[test]
        fn no_bytes_give_control_characters(value: Vec<u8>) {
            prop_assert!(!decode_words(&value).chars().any(char::is_control));
        }
    }
}
