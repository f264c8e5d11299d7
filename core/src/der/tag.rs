//! Tags, as far as CMS and X.509 use them.

use std::fmt;

/// The class of a tag (X.690, section 8.1.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Types of ASN.1 itself.
    Universal,
    /// Types of an application; CMS uses none.
    Application,
    /// Fields of one structure: `[0]`, `[1]`.
    Context,
    /// Types of one organisation; CMS uses none.
    Private,
}

/// Class and number of a tag. Whether an element is constructed is a property of the element.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag {
    /// Class of the tag.
    pub class: Class,
    /// Number of the tag, at most 30: no structure of ours has a higher one.
    pub number: u8,
}

impl Tag {
    /// BOOLEAN.
    pub const BOOLEAN: Self = Self::universal(1);
    /// INTEGER.
    pub const INTEGER: Self = Self::universal(2);
    /// BIT STRING.
    pub const BIT_STRING: Self = Self::universal(3);
    /// OCTET STRING.
    pub const OCTET_STRING: Self = Self::universal(4);
    /// NULL.
    pub const NULL: Self = Self::universal(5);
    /// OBJECT IDENTIFIER.
    pub const OBJECT_IDENTIFIER: Self = Self::universal(6);
    /// SEQUENCE and SEQUENCE OF.
    pub const SEQUENCE: Self = Self::universal(16);
    /// SET and SET OF.
    pub const SET: Self = Self::universal(17);

    /// A type of ASN.1 itself.
    #[must_use]
    pub const fn universal(number: u8) -> Self {
        Self { class: Class::Universal, number }
    }

    /// A field of a structure: `[number]`.
    #[must_use]
    pub const fn context(number: u8) -> Self {
        Self { class: Class::Context, number }
    }

    /// The identifier octet (X.690, section 8.1.2).
    #[must_use]
    pub const fn to_octet(self, constructed: bool) -> u8 {
        let class = match self.class {
            Class::Universal => 0x00,
            Class::Application => 0x40,
            Class::Context => 0x80,
            Class::Private => 0xc0,
        };
        class | if constructed { 0x20 } else { 0 } | (self.number & 0x1f)
    }

    /// Tag and constructed bit of an identifier octet; nothing for the form with high numbers.
    #[must_use]
    pub const fn from_octet(octet: u8) -> Option<(Self, bool)> {
        let number = octet & 0x1f;
        if number == 0x1f {
            return None;
        }
        let class = match octet >> 6 {
            0 => Class::Universal,
            1 => Class::Application,
            2 => Class::Context,
            _ => Class::Private,
        };
        Some((Self { class, number }, octet & 0x20 != 0))
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.class, self.number) {
            (Class::Universal, 1) => formatter.write_str("BOOLEAN"),
            (Class::Universal, 2) => formatter.write_str("INTEGER"),
            (Class::Universal, 3) => formatter.write_str("BIT STRING"),
            (Class::Universal, 4) => formatter.write_str("OCTET STRING"),
            (Class::Universal, 5) => formatter.write_str("NULL"),
            (Class::Universal, 6) => formatter.write_str("OBJECT IDENTIFIER"),
            (Class::Universal, 16) => formatter.write_str("SEQUENCE"),
            (Class::Universal, 17) => formatter.write_str("SET"),
            (Class::Universal, number) => write!(formatter, "[UNIVERSAL {number}]"),
            (Class::Application, number) => write!(formatter, "[APPLICATION {number}]"),
            (Class::Context, number) => write!(formatter, "[{number}]"),
            (Class::Private, number) => write!(formatter, "[PRIVATE {number}]"),
        }
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}
