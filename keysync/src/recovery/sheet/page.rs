//! Where everything stands on the page, in points from its upper left corner.

use super::Sheet;

/// A4.
pub(super) const WIDTH: f32 = 595.0;
/// A4.
pub(super) const HEIGHT: f32 = 842.0;
/// Letters of an account's fingerprint that fit beside its label.
pub(super) const ACCOUNT_LETTERS: usize = 72;

const LEFT: f32 = 56.0;
/// Words stand in this many columns, numbered downwards.
pub(super) const COLUMNS: usize = 4;
const COLUMN_WIDTH: f32 = 121.0;
const ROW_HEIGHT: f32 = 24.0;
/// Points of the code, without the white around it.
const CODE: f32 = 185.0;

/// A page as what has to be drawn.
pub(super) struct Page {
    pub(super) texts: Vec<Text>,
    pub(super) squares: Vec<Rectangle>,
}

/// A line of printable ASCII; `y` is its base line.
pub(super) struct Text {
    pub(super) x: f32,
    pub(super) y: f32,
    pub(super) size: f32,
    pub(super) font: Font,
    pub(super) text: zeroize::Zeroizing<String>,
}

/// Fonts that every program has.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Font {
    Plain,
    Bold,
    Typewriter,
}

/// A black rectangle; `x` and `y` are its upper left corner.
pub(super) struct Rectangle {
    pub(super) x: f32,
    pub(super) y: f32,
    pub(super) width: f32,
    pub(super) height: f32,
}

/// The page of a sheet.
pub(super) fn layout(sheet: &Sheet) -> Page {
    let mut page = Page { texts: Vec::new(), squares: Vec::new() };
    let mut y = 70.0;
    page.line(LEFT, y, 15.0, Font::Bold, &sheet.title());
    y += 26.0;
    for line in sheet.warning() {
        page.line(LEFT, y, 10.5, Font::Plain, line);
        y += 15.0;
    }
    y += 14.0;
    for (label, value) in sheet.belongs_to() {
        page.line(LEFT, y, 10.5, Font::Plain, label);
        page.line(LEFT + 58.0, y, 9.5, Font::Typewriter, &value);
        y += 16.0;
    }
    y += 20.0;
    y = page.words(sheet, y);
    page.code(sheet, y);
    y += CODE + 42.0;
    for line in Sheet::steps() {
        page.line(LEFT, y, 10.5, Font::Plain, line);
        y += 15.0;
    }
    page
}

impl Page {
    fn line(&mut self, x: f32, y: f32, size: f32, font: Font, text: &str) {
        let text = zeroize::Zeroizing::new(text.to_owned());
        self.texts.push(Text { x, y, size, font, text });
    }

    /// The numbered words; what comes next stands at the result.
    fn words(&mut self, sheet: &Sheet, top: f32) -> f32 {
        let rows = sheet.words.iter().count().div_ceil(COLUMNS);
        for (index, word) in sheet.words.iter().enumerate() {
            let (column, row) = ((index / rows) as f32, (index % rows) as f32);
            let (x, y) = (LEFT + column * COLUMN_WIDTH, top + row * ROW_HEIGHT);
            self.line(x, y, 9.0, Font::Plain, &format!("{:>2}", index + 1));
            self.line(x + 18.0, y, 13.0, Font::Typewriter, word);
        }
        top + rows as f32 * ROW_HEIGHT
    }

    fn code(&mut self, sheet: &Sheet, top: f32) {
        let module = CODE / sheet.code.width() as f32;
        let left = (WIDTH - CODE) / 2.0;
        for (column, row, length) in sheet.code.runs() {
            self.squares.push(Rectangle {
                x: left + column as f32 * module,
                y: top + row as f32 * module,
                width: length as f32 * module,
                height: module,
            });
        }
    }
}
