//! The Markdown of `docs/formats` as a page of the manual: what those pages use of it, and no more.

use clap_mangen::roff::{Inline, Roff, bold, roman};

/// A page of Markdown behind the sections that `roff` has already. Its first heading is the page's name, and is left out.
pub(super) fn append(text: &str, roff: &mut Roff) {
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        if line.starts_with("# ") || line.is_empty() {
            continue;
        }
        if let Some(heading) = line.strip_prefix("## ") {
            roff.control("SH", [heading.to_uppercase().as_str()]);
        } else if line.starts_with("```") {
            let code: Vec<&str> = lines.by_ref().take_while(|line| !line.starts_with("```")).collect();
            verbatim(code.into_iter(), roff);
        } else if line.starts_with('|') {
            let mut rows = vec![cells(line)];
            while let Some(row) = lines.next_if(|line| line.starts_with('|')) {
                rows.push(cells(row));
            }
            table(&rows, roff);
        } else {
            let mut paragraph = line.to_owned();
            while let Some(more) = lines.next_if(|line| !line.is_empty() && !is_block(line)) {
                paragraph.push(' ');
                paragraph.push_str(more);
            }
            roff.control("PP", []);
            roff.text(inline(&paragraph));
        }
    }
}

/// Whether a line ends the paragraph before it.
fn is_block(line: &str) -> bool {
    ["#", "|", "```"].iter().any(|start| line.starts_with(start))
}

/// Lines that stay as they are.
pub(super) fn verbatim<'l>(lines: impl Iterator<Item = &'l str>, roff: &mut Roff) {
    roff.control("PP", []);
    roff.control("nf", []);
    lines.for_each(|line| {
        roff.text([roman(line)]);
    });
    roff.control("fi", []);
}

fn cells(row: &str) -> Vec<&str> {
    row.trim().trim_matches('|').split('|').map(str::trim).collect()
}

/// Each row by its first cell, and the others below it with their headings where there are several.
fn table(rows: &[Vec<&str>], roff: &mut Roff) {
    let Some((headings, rows)) = rows.split_first() else { return };
    for row in rows.iter().filter(|row| !row.iter().all(|cell| cell.chars().all(|one| "-: ".contains(one)))) {
        let mut cells = row.iter().zip(headings);
        let Some((name, _)) = cells.next() else { continue };
        roff.control("TP", []);
        roff.text(inline(name));
        for (index, (cell, heading)) in cells.enumerate() {
            if index > 0 {
                roff.control("br", []);
            }
            let labelled = if headings.len() > 2 { format!("{heading}: {cell}") } else { (*cell).to_owned() };
            roff.text(inline(&labelled));
        }
    }
}

/// Code and `**strong**` in bold; of a link its text.
fn inline(text: &str) -> Vec<Inline> {
    let text = without_targets(text);
    let mut inlines = Vec::new();
    for (index, piece) in text.split('`').enumerate() {
        if index % 2 == 1 {
            inlines.push(bold(piece));
            continue;
        }
        let strong = piece.split("**").enumerate();
        inlines.extend(strong.map(|(index, part)| if index % 2 == 1 { bold(part) } else { roman(part) }));
    }
    inlines
}

/// `[text](target)` as its text.
fn without_targets(text: &str) -> String {
    let mut read = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('[') {
        let link = behind.split_once("](").and_then(|(name, target)| Some((name, target.split_once(')')?.1)));
        match link {
            Some((name, after)) if !name.contains([']', '`']) => {
                read.push_str(before);
                read.push_str(name);
                rest = after;
            }
            _ => {
                read.push_str(before);
                read.push('[');
                rest = behind;
            }
        }
    }
    read + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(text: &str) -> String {
        let mut roff = Roff::default();
        append(text, &mut roff);
        roff.to_roff()
    }

    #[test]
    fn what_the_pages_use_of_markdown_is_set_for_the_manual() {
        let text = "# name\n\nOne `[code]`\n`and` [a link](other.md).\n\n## Then\n\n```toml\n.a = \"b\"\n  c\n```\n\
                    | key | what it is |\n| --- | --- |\n| `wkd` | a *directory* |\n";
        assert_eq!(
            page(text),
            ".PP\nOne \\fB[code]\\fR \\fBand\\fR a link.\n.SH THEN\n.PP\n.nf\n\\&.a = \"b\"\n  c\n.fi\n\
             .TP\n\\fBwkd\\fR\na *directory*\n"
        );
    }

    #[test]
    fn a_table_of_several_columns_names_them() {
        let read = page("| what | a | b |\n| --- | --- | --- |\n| x | y | z |\n");
        assert_eq!(read, ".TP\nx\na: y\n.br\nb: z\n");
    }
}
