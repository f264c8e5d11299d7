//! Foreign text, made safe to show.

use std::fmt;

/// Characters of foreign text that are shown; a mail can carry a subject of a hundred kilobytes.
const SHOWN: usize = 400;

/// Text from a mail, a certificate or another program, as it may reach the terminal: what would
/// steer the terminal, turn the reading direction, or not be seen at all, is shown as an escape.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SafeText<'a>(pub(crate) &'a str);

impl fmt::Display for SafeText<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, character) in self.0.chars().enumerate() {
            if index == SHOWN {
                return formatter.write_str("…");
            }
            match character {
                '\n' => formatter.write_str("\\n")?,
                '\r' => formatter.write_str("\\r")?,
                '\t' => formatter.write_str("\\t")?,
                _ if is_unsafe(character) => write!(formatter, "\\u{{{:x}}}", u32::from(character))?,
                _ => fmt::Write::write_char(formatter, character)?,
            }
        }
        Ok(())
    }
}

/// Whether a character must not reach a terminal or a file name as it is.
pub(crate) fn is_unsafe(character: char) -> bool {
    character.is_control() || turns_or_hides(character)
}

/// Characters that turn the reading direction, end a line, have no width, or stand for nothing
/// (Unicode's bidirectional controls, default ignorables, private use, and noncharacters).
fn turns_or_hides(character: char) -> bool {
    matches!(u32::from(character),
        0x00AD                     // soft hyphen
        | 0x034F                   // combining grapheme joiner
        | 0x061C                   // Arabic letter mark
        | 0x115F | 0x1160          // Hangul fillers
        | 0x17B4 | 0x17B5          // Khmer inherent vowels
        | 0x180B..=0x180F          // Mongolian selectors
        | 0x200B..=0x200F          // zero width, directional marks
        | 0x2028..=0x202E          // line ends, embeddings and overrides
        | 0x2060..=0x206F          // joiners, isolates
        | 0x2800                   // empty Braille
        | 0x3164 | 0xFFA0          // Hangul fillers
        | 0xE000..=0xF8FF          // private use
        | 0xFE00..=0xFE0F          // variation selectors
        | 0xFEFF                   // byte order mark
        | 0xFFF0..=0xFFFB          // annotations
        | 0xFFFE | 0xFFFF
        | 0x1BCA0..=0x1BCA3        // shorthand controls
        | 0x1D173..=0x1D17A        // musical controls
        | 0xE0000..=0x10FFFF       // tags, selectors, private planes
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_turns_or_hides_is_shown_as_an_escape() {
        let hostile = "a\u{1b}[2Jb\u{9b}31mc\u{202e}d\u{200b}e\u{7}\r\nf\u{2066}\u{e0041}\u{7f}";
        let shown = SafeText(hostile).to_string();
        assert_eq!(
            shown,
            "a\\u{1b}[2Jb\\u{9b}31mc\\u{202e}d\\u{200b}e\\u{7}\\r\\nf\\u{2066}\\u{e0041}\\u{7f}"
        );
    }

    #[test]
    fn names_of_people_pass_unchanged() {
        for name in ["Åsa Ångström", "李雷", "Ольга", "عليّ", "O'Brien <ob@example.org>", "🐦"]
        {
            assert_eq!(SafeText(name).to_string(), name);
        }
    }

    #[test]
    fn long_text_ends_with_an_ellipsis() {
        let shown = SafeText(&"x".repeat(100_000)).to_string();
        assert_eq!(shown.chars().count(), SHOWN + 1);
        assert!(shown.ends_with('…'));
    }
}
