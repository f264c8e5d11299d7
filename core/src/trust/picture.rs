//! The evidence graph as a picture: who stands where, and where the cheapest attack cuts it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::claim::Claim;
use super::domain::Domain;
use super::network::{Network, Node};
use super::points::UNLIMITED;
use crate::limits;

/// An evidence graph with places for its nodes, from the person who asks on the left to the claim
/// on the right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// The nodes.
    pub nodes: Vec<PictureNode>,
    /// Pairs of positions in `nodes`.
    pub edges: Vec<(usize, usize)>,
    /// Whether there is more than is drawn.
    pub is_cropped: bool,
}

/// One node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PictureNode {
    /// What it is.
    pub kind: PictureKind,
    /// Its capacity in points; nothing where it has none.
    pub capacity: Option<u32>,
    /// How many points flow through it.
    pub flow: u32,
    /// Whether the cheapest attack subverts it.
    pub is_cut: bool,
    /// Column, from the left.
    pub column: usize,
    /// Row, from the top.
    pub row: usize,
}

/// What a node of a picture stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PictureKind {
    /// The person who asks.
    You,
    /// That a key belongs to an address.
    Claim(Claim),
    /// Something to subvert.
    Domain(Domain),
}

impl Picture {
    pub(super) fn of(network: &Network) -> Self {
        let score = network.score();
        let cut: BTreeSet<&Domain> = score.cut.iter().map(|cost| &cost.domain).collect();
        let columns = columns(network);
        let mut rows: BTreeMap<usize, usize> = BTreeMap::new();
        let mut nodes = Vec::new();
        for (id, node, capacity) in network.graph.nodes().take(limits::DRAWN_NODES) {
            let kind = match node {
                Node::You => PictureKind::You,
                Node::Claim(claim, _) => PictureKind::Claim(claim.clone()),
                Node::Domain(domain) | Node::Copy(domain, ..) => PictureKind::Domain(domain.clone()),
            };
            let column = columns.get(id.number()).copied().unwrap_or(0);
            let row = rows.entry(column).or_default();
            nodes.push(PictureNode {
                is_cut: matches!(&kind, PictureKind::Domain(domain) if cut.contains(domain)),
                capacity: Some(capacity).filter(|capacity| *capacity != UNLIMITED),
                flow: score.through.get(id.number()).copied().unwrap_or(0),
                kind,
                column,
                row: *row,
            });
            *row += 1;
        }
        let drawn = nodes.len();
        let all = network.graph.edges().map(|(from, to)| (from.number(), to.number()));
        let edges = all.filter(|(from, to)| *from < drawn && *to < drawn).collect();
        Self { nodes, edges, is_cropped: network.graph.nodes().count() > drawn }
    }

    /// The picture as SVG, with the words of `label` for each node. All text is escaped.
    #[must_use]
    pub fn to_svg(&self, label: impl Fn(&PictureNode) -> String) -> String {
        let columns = self.nodes.iter().map(|node| node.column + 1).max().unwrap_or(1);
        let rows = self.nodes.iter().map(|node| node.row + 1).max().unwrap_or(1);
        let (width, height) = (columns * COLUMN + MARGIN, rows * ROW + MARGIN);
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"12\">\n\
             <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
        );
        for (from, to) in &self.edges {
            if let (Some(from), Some(to)) = (self.nodes.get(*from), self.nodes.get(*to)) {
                edge(&mut svg, from, to);
            }
        }
        for node in &self.nodes {
            draw(&mut svg, node, &label(node));
        }
        svg.push_str("</svg>\n");
        svg
    }
}

/// The longest way from the source to each node that visits none twice in a row of columns: nodes
/// are moved to the right of those before them, as long as there are columns.
fn columns(network: &Network) -> Vec<usize> {
    let mut columns = vec![0_usize; network.graph.nodes().count()];
    let most = columns.len().min(DRAWN_COLUMNS);
    for _ in 0..most {
        let mut changed = false;
        for (from, to) in network.graph.edges() {
            let least = columns.get(from.number()).copied().unwrap_or(0) + 1;
            let column = columns.get_mut(to.number()).filter(|column| **column < least && least < most);
            if let Some(column) = column {
                *column = least;
                changed = true;
            }
        }
        if !changed {
            break;
        }
    }
    columns
}

/// Columns of a picture at most; circles are cut off there.
const DRAWN_COLUMNS: usize = 40;
/// Pixels.
const COLUMN: usize = 230;
const ROW: usize = 64;
const MARGIN: usize = 20;
const BOX_WIDTH: usize = 180;
const BOX_HEIGHT: usize = 44;
/// Characters of a line in a box.
const LINE_CHARACTERS: usize = 28;

fn place(node: &PictureNode) -> (usize, usize) {
    (node.column * COLUMN + MARGIN, node.row * ROW + MARGIN)
}

fn edge(svg: &mut String, from: &PictureNode, to: &PictureNode) {
    let ((from_x, from_y), (to_x, to_y)) = (place(from), place(to));
    let (x1, y1, y2) = (from_x + BOX_WIDTH, from_y + BOX_HEIGHT / 2, to_y + BOX_HEIGHT / 2);
    let bend = x1 + (COLUMN - BOX_WIDTH) / 2;
    // Writing to a String does not fail.
    let _ = writeln!(
        svg,
        "<path d=\"M{x1} {y1} C{bend} {y1} {bend} {y2} {to_x} {y2}\" fill=\"none\" stroke=\"#888888\"/>"
    );
}

fn draw(svg: &mut String, node: &PictureNode, label: &str) {
    let (x, y) = place(node);
    let (stroke, stroke_width, fill) =
        if node.is_cut { ("#b00020", 3, "#fde7ea") } else { ("#444444", 1, "#f5f5f5") };
    let dashes = if node.is_cut { " stroke-dasharray=\"6 3\"" } else { "" };
    let _ = writeln!(
        svg,
        "<rect x=\"{x}\" y=\"{y}\" width=\"{BOX_WIDTH}\" height=\"{BOX_HEIGHT}\" rx=\"6\" fill=\"{fill}\" \
         stroke=\"{stroke}\" stroke-width=\"{stroke_width}\"{dashes}/>"
    );
    let _ = writeln!(
        svg,
        "<text x=\"{}\" y=\"{}\"><title>{}</title>{}</text>",
        x + 8,
        y + 18,
        escaped(label),
        escaped(&shortened(label))
    );
    if let Some(capacity) = node.capacity {
        let mark = if node.is_cut { " \u{2702}" } else { "" };
        let _ = writeln!(
            svg,
            "<text x=\"{}\" y=\"{}\" fill=\"#555555\">{} / {capacity}{mark}</text>",
            x + 8,
            y + 36,
            node.flow
        );
    }
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= LINE_CHARACTERS {
        return text.to_owned();
    }
    text.chars().take(LINE_CHARACTERS - 1).chain(['\u{2026}']).collect()
}

/// Text as XML takes it: markup is escaped, and what controls a terminal or the direction of text
/// becomes a replacement character.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            '\u{fffe}' | '\u{ffff}' => safe.push('\u{fffd}'),
            hidden if crate::address::is_hidden(hidden) => safe.push('\u{fffd}'),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(kind: PictureKind, column: usize, is_cut: bool) -> PictureNode {
        PictureNode { kind, capacity: Some(40), flow: 40, is_cut, column, row: 0 }
    }

    fn picture() -> Picture {
        let provider = Domain::Provider("example.org".to_owned());
        let nodes = vec![node(PictureKind::You, 0, false), node(PictureKind::Domain(provider), 1, true)];
        Picture { nodes, edges: vec![(0, 1)], is_cropped: false }
    }

    #[test]
    fn foreign_text_cannot_leave_its_place() {
        let svg = picture().to_svg(|_| "</text><script>alert(\"1\")</script>&'\u{202e}\u{7}".to_owned());
        assert!(!svg.contains("<script") && !svg.contains('\u{202e}') && !svg.contains('\u{7}'));
        assert!(svg.contains("&lt;script&gt;"));
    }

    #[test]
    fn the_cut_is_marked_by_more_than_colour() {
        let svg = picture().to_svg(|node| format!("{:?}", node.column));
        assert_eq!(svg.matches("stroke-dasharray").count(), 1);
        assert_eq!(svg.matches('\u{2702}').count(), 1);
        assert_eq!(svg.matches("<path").count(), 1);
    }
}
