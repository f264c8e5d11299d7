//! The page as a PDF file.

use counterseal_core::secret::SecretBytes;
use pdf_writer::{Content, Name, Pdf, Rect, Ref, Str};
use zeroize::Zeroizing;

use super::page::{Font, HEIGHT, Page, WIDTH};

/// More bytes than a sheet needs, so that no buffer moves and leaves what it held behind.
const CAPACITY: usize = 256 << 10;

const FONTS: [(Font, Name<'static>, Name<'static>); 3] = [
    (Font::Plain, Name(b"F1"), Name(b"Helvetica")),
    (Font::Bold, Name(b"F2"), Name(b"Helvetica-Bold")),
    (Font::Typewriter, Name(b"F3"), Name(b"Courier")),
];

pub(super) fn draw(page: &Page) -> SecretBytes {
    let content = Zeroizing::new(content(page).finish().into_vec());
    let [catalog, pages, only, stream] = [1, 2, 3, 4].map(Ref::new);
    let fonts = || (5..).map(Ref::new).zip(FONTS);
    let mut pdf = Pdf::with_capacity(CAPACITY);
    pdf.catalog(catalog).pages(pages);
    pdf.pages(pages).kids([only]).count(1);
    let mut sheet = pdf.page(only);
    sheet.parent(pages).media_box(Rect::new(0.0, 0.0, WIDTH, HEIGHT)).contents(stream);
    let mut resources = sheet.resources();
    let mut dictionary = resources.fonts();
    for (reference, (_, name, _)) in fonts() {
        dictionary.pair(name, reference);
    }
    drop(dictionary);
    drop(resources);
    drop(sheet);
    for (reference, (_, _, base)) in fonts() {
        pdf.type1_font(reference).base_font(base);
    }
    pdf.stream(stream, &content);
    SecretBytes::new(pdf.finish())
}

/// PDF counts upwards from the lower edge.
fn content(page: &Page) -> Content {
    let mut content = Content::with_capacity(CAPACITY);
    for text in &page.texts {
        let name =
            FONTS.iter().find(|(font, ..)| *font == text.font).map_or(Name(b"F1"), |(_, name, _)| *name);
        content.begin_text().set_font(name, text.size);
        content.next_line(text.x, HEIGHT - text.y).show(Str(text.text.as_bytes())).end_text();
    }
    for square in &page.squares {
        content.rect(square.x, HEIGHT - square.y - square.height, square.width, square.height);
    }
    content.fill_nonzero();
    content
}
