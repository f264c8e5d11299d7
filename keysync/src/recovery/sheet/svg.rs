//! The page as an SVG file.

use std::fmt::Write;

use counterseal_core::secret::SecretBytes;
use zeroize::Zeroizing;

use super::page::{Font, HEIGHT, Page, WIDTH};

/// More bytes than a sheet needs, so that the buffer does not move and leave what it held behind.
const CAPACITY: usize = 256 << 10;

pub(super) fn draw(page: &Page) -> SecretBytes {
    let mut svg = Zeroizing::new(String::with_capacity(CAPACITY));
    // Writing into a string does not fail.
    let _ = write_page(&mut svg, page);
    SecretBytes::copy_of(svg.as_bytes())
}

fn write_page(svg: &mut String, page: &Page) -> std::fmt::Result {
    writeln!(svg, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    writeln!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"210mm\" height=\"297mm\" \
         viewBox=\"0 0 {WIDTH} {HEIGHT}\">"
    )?;
    writeln!(svg, "<rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#fff\"/>")?;
    for text in &page.texts {
        let (family, weight) = match text.font {
            Font::Plain => ("Helvetica,Arial,sans-serif", "normal"),
            Font::Bold => ("Helvetica,Arial,sans-serif", "bold"),
            Font::Typewriter => ("Courier,monospace", "normal"),
        };
        write!(svg, "<text x=\"{}\" y=\"{}\" font-size=\"{}\" ", text.x, text.y, text.size)?;
        write!(svg, "font-family=\"{family}\" font-weight=\"{weight}\" xml:space=\"preserve\">")?;
        escape(svg, &text.text);
        svg.push_str("</text>\n");
    }
    for square in &page.squares {
        let (x, y, width, height) = (square.x, square.y, square.width, square.height);
        writeln!(
            svg,
            "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" shape-rendering=\"crispEdges\"/>"
        )?;
    }
    writeln!(svg, "</svg>")
}

fn escape(svg: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '&' => svg.push_str("&amp;"),
            '<' => svg.push_str("&lt;"),
            '>' => svg.push_str("&gt;"),
            other => svg.push(other),
        }
    }
}
