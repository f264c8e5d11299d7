//! QR codes (ISO/IEC 18004): made for terminals, screens and paper, read from pictures.
//!
//! A code that is read is text that somebody held before a camera, and nothing more.

mod draw;
mod read;

use std::fmt;

use qrcode::{Color, EcLevel, QrCode};
use zeroize::Zeroizing;

pub use read::{Frame, read_frame, read_picture};

/// Light modules around a code. Four are the standard's; readers need two, and the screen has no room for more.
const QUIET_ZONE: usize = 2;

/// How much of a code may be hidden before it is not read any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Correction {
    /// A sixth: for screens.
    Medium,
    /// A quarter: for paper that is folded and kept for years.
    Quartile,
}

/// A QR code.
#[derive(Clone)]
pub struct Code {
    dark: Zeroizing<Vec<bool>>,
    width: usize,
}

impl Code {
    /// The smallest code that holds `text`. Upper-case letters and digits need the least room.
    ///
    /// # Errors
    /// [`QrError::TextTooLong`] above 2331 bytes, or 1663 with [`Correction::Quartile`].
    pub fn of(text: &str, correction: Correction) -> Result<Self, QrError> {
        let level = match correction {
            Correction::Medium => EcLevel::M,
            Correction::Quartile => EcLevel::Q,
        };
        let code = QrCode::with_error_correction_level(text, level).map_err(|_| QrError::TextTooLong)?;
        let width = code.width();
        let dark = code.into_colors().into_iter().map(|color| color == Color::Dark).collect();
        Ok(Self { dark: Zeroizing::new(dark), width })
    }

    /// Modules on each side, without the quiet zone.
    #[must_use]
    pub const fn width(&self) -> usize {
        self.width
    }

    /// Whether a module is dark; outside of the code all are light.
    #[must_use]
    pub fn is_dark(&self, column: usize, row: usize) -> bool {
        column < self.width && self.dark.get(row * self.width + column).copied().unwrap_or_default()
    }

    /// Runs of dark modules: column, row, length.
    #[must_use]
    pub fn runs(&self) -> Vec<(usize, usize, usize)> {
        let mut runs: Vec<(usize, usize, usize)> = Vec::new();
        for (row, modules) in self.dark.chunks(self.width).enumerate() {
            for (column, _) in modules.iter().enumerate().filter(|(_, dark)| **dark) {
                match runs.last_mut() {
                    Some((start, of, length)) if *of == row && *start + *length == column => *length += 1,
                    _ => runs.push((column, row, 1)),
                }
            }
        }
        runs
    }

    /// Whether a module is dark, counted from the corner of the quiet zone.
    fn is_dark_within(&self, quiet_zone: usize, column: usize, row: usize) -> bool {
        match (column.checked_sub(quiet_zone), row.checked_sub(quiet_zone)) {
            (Some(column), Some(row)) => self.is_dark(column, row),
            _ => false,
        }
    }
}

/// A code may hold a secret.
impl fmt::Debug for Code {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Code({} modules wide)", self.width)
    }
}

/// Why there is no code, or why a picture is not looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QrError {
    /// The text does not fit into a code.
    TextTooLong,
    /// The file is larger than pictures are read.
    TooManyBytes {
        /// Bytes of the file.
        bytes: usize,
        /// Bytes that may be.
        limit: usize,
    },
    /// The picture is larger than pictures are read.
    TooManyPixels {
        /// Pixels from left to right.
        width: u32,
        /// Pixels from top to bottom.
        height: u32,
        /// Pixels that may be, in all.
        limit: u64,
    },
    /// Neither PNG nor JPEG, or a damaged one; with what was wrong.
    NotAPicture(String),
    /// The picture took too long to look at.
    TooSlow,
}

impl fmt::Display for QrError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TextTooLong => formatter.write_str("the text does not fit into a QR code"),
            Self::TooManyBytes { bytes, limit } => {
                write!(formatter, "the picture has {bytes} bytes; at most {limit} are read")
            }
            Self::TooManyPixels { width, height, limit } => {
                write!(formatter, "the picture has {width} x {height} pixels; at most {limit} are looked at")
            }
            Self::NotAPicture(reason) => write!(formatter, "not a PNG or JPEG picture: {reason}"),
            Self::TooSlow => formatter.write_str("the picture takes too long to look at"),
        }
    }
}

impl std::error::Error for QrError {}

#[cfg(test)]
mod tests;
