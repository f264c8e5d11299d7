//! The canonical encoding of a row of values, for associated data and signatures.

/// Values, one after the other. Two different rows never have the same encoding, because each value
/// says what it is and how long it is.
#[derive(Clone, Debug, Default)]
pub(super) struct Encoding(Vec<u8>);

impl Encoding {
    /// Begins with what the encoding is for.
    pub(super) fn of(purpose: &str) -> Self {
        Self::default().text(purpose)
    }

    /// Adds an integer.
    pub(super) fn integer(mut self, value: i64) -> Self {
        self.0.push(1);
        self.0.extend_from_slice(&value.to_be_bytes());
        self
    }

    /// Adds bytes.
    pub(super) fn bytes(self, value: &[u8]) -> Self {
        self.with_length(2, value)
    }

    /// Adds text.
    pub(super) fn text(self, value: &str) -> Self {
        self.with_length(3, value.as_bytes())
    }

    /// Adds bytes that may be missing, which is not the same as empty.
    pub(super) fn optional_bytes(mut self, value: Option<&[u8]>) -> Self {
        match value {
            Some(value) => self.bytes(value),
            None => {
                self.0.push(0);
                self
            }
        }
    }

    /// The octets.
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    fn with_length(mut self, tag: u8, value: &[u8]) -> Self {
        self.0.push(tag);
        self.0.extend_from_slice(&(value.len() as u64).to_be_bytes());
        self.0.extend_from_slice(value);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_rows_share_an_encoding() {
        let rows = [
            Encoding::of("a").text("bc"),
            Encoding::of("ab").text("c"),
            Encoding::of("a").bytes(b"bc"),
            Encoding::of("abc"),
            Encoding::of("a").optional_bytes(None),
            Encoding::of("a").optional_bytes(Some(b"")),
            Encoding::of("a").integer(1).integer(2),
            Encoding::of("a").integer(2).integer(1),
        ];
        for (index, row) in rows.iter().enumerate() {
            assert!(rows[..index].iter().all(|other| other.as_bytes() != row.as_bytes()));
        }
    }
}
