//! A code as terminal text, PNG and SVG.

use std::fmt::Write;

use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder};

use super::{Code, QUIET_ZONE, QrError};

/// Black on white, by the colours of the 256 that themes leave alone: readers do not read a light code on a dark
/// ground, which is what a dark theme makes of characters without colours.
const BLACK_ON_WHITE: &str = "\u{1b}[38;5;16;48;5;231m";
const AS_BEFORE: &str = "\u{1b}[0m";

/// The quiet zone where there is room (ISO/IEC 18004, section 5.3.8).
const WIDE_QUIET_ZONE: usize = 4;

impl Code {
    /// The code as lines of half blocks, each with both colours and a line feed; nothing where it is larger than
    /// `columns` and `rows` of characters, which would tear it.
    #[must_use]
    pub fn terminal_text(&self, columns: usize, rows: usize) -> Option<String> {
        let side = self.width() + 2 * QUIET_ZONE;
        if side > columns || side.div_ceil(2) > rows {
            return None;
        }
        let mut text = String::new();
        for row in (0..side).step_by(2) {
            text.push_str(BLACK_ON_WHITE);
            for column in 0..side {
                let upper = self.is_dark_within(QUIET_ZONE, column, row);
                let lower = self.is_dark_within(QUIET_ZONE, column, row + 1);
                text.push(match (upper, lower) {
                    (true, true) => '█',
                    (true, false) => '▀',
                    (false, true) => '▄',
                    (false, false) => ' ',
                });
            }
            text.push_str(AS_BEFORE);
            text.push('\n');
        }
        Some(text)
    }

    /// Columns and rows of characters that [`Self::terminal_text`] needs.
    #[must_use]
    pub const fn terminal_size(&self) -> (usize, usize) {
        let side = self.width() + 2 * QUIET_ZONE;
        (side, side.div_ceil(2))
    }

    /// The code as a picture in PNG, with this many pixels to a module.
    ///
    /// # Errors
    /// [`QrError::NotAPicture`] where the encoder fails.
    pub fn png(&self, pixels: u16) -> Result<Vec<u8>, QrError> {
        let pixels = usize::from(pixels.max(1));
        let side = (self.width() + 2 * WIDE_QUIET_ZONE) * pixels;
        let dark =
            |index: usize| self.is_dark_within(WIDE_QUIET_ZONE, index % side / pixels, index / side / pixels);
        let grey: Vec<u8> = (0..side * side).map(|index| if dark(index) { 0 } else { 255 }).collect();
        let length = u32::try_from(side).map_err(|_| QrError::TextTooLong)?;
        let mut png = Vec::new();
        PngEncoder::new(&mut png)
            .write_image(&grey, length, length, ExtendedColorType::L8)
            .map_err(|error| QrError::NotAPicture(error.to_string()))?;
        Ok(png)
    }

    /// The code as a picture in SVG, one unit to a module, with its own white ground.
    #[must_use]
    pub fn svg(&self) -> String {
        let side = self.width() + 2 * WIDE_QUIET_ZONE;
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" version=\"1.1\" \
             viewBox=\"0 0 {side} {side}\" shape-rendering=\"crispEdges\">\n<rect width=\"{side}\" height=\"{side}\" \
             fill=\"#fff\"/>\n<path fill=\"#000\" d=\"{}\"/>\n</svg>\n",
            self.path()
        )
    }

    /// The dark modules as the data of an SVG path: one rectangle for each run.
    fn path(&self) -> String {
        let mut path = String::new();
        for (column, row, run) in self.runs() {
            // Writing into a string does not fail.
            let _ = write!(path, "M{},{}h{run}v1h-{run}z", column + WIDE_QUIET_ZONE, row + WIDE_QUIET_ZONE);
        }
        path
    }
}
