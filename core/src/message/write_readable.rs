//! What a mail looks like when it was read.

use std::io::{self, Write};

use super::layers::Unwrapped;
use super::options::ReadOptions;
use crate::mail::{HeaderSection, LineEnds, is_structural};
use crate::ports::Source;

/// Writes the mail as it may be read: trace fields from outside, protected fields from inside,
/// the innermost content, line ends as the mail's first line has them. With
/// [`ReadOptions::keep_signature`] only encrypted layers are gone, and what was in them stands
/// there byte for byte.
///
/// # Errors
/// What source and output say.
pub(super) fn write_readable(
    mail: &mut dyn Source,
    unwrapped: Unwrapped,
    shown: Option<Vec<u8>>,
    options: &ReadOptions,
    output: &mut dyn Write,
) -> io::Result<()> {
    let lines = LineEnds::of(mail)?;
    if options.keep_signature {
        return write_kept(mail, unwrapped, output);
    }
    match (shown, unwrapped.inner) {
        (_, None) => copy(mail, output),
        (Some(shown), Some(_)) => lines.write(&shown, output),
        (None, Some(mut inner)) => {
            if unwrapped.innermost.content_type.parameter("hp").is_none() {
                write_outer_fields(&unwrapped.outer.headers, output)?;
            }
            copy(inner.as_mut(), output)
        }
    }
}

/// The fields of the mail as it came, but for those that describe its body, and then the content
/// of its innermost encrypted layer as it was.
fn write_kept(mail: &mut dyn Source, unwrapped: Unwrapped, output: &mut dyn Write) -> io::Result<()> {
    match unwrapped.decrypted {
        Some(mut decrypted) => {
            write_outer_fields(&unwrapped.outer.headers, output)?;
            copy(decrypted.as_mut(), output)
        }
        None => copy(mail, output),
    }
}

fn write_outer_fields(headers: &HeaderSection<'_>, output: &mut dyn Write) -> io::Result<()> {
    for field in headers.fields().filter(|field| !is_structural(field.name())) {
        output.write_all(field.raw())?;
        if !field.raw().ends_with(b"\n") {
            output.write_all(b"\r\n")?;
        }
    }
    Ok(())
}

fn copy(source: &mut dyn Source, output: &mut dyn Write) -> io::Result<()> {
    source.rewind()?;
    io::copy(source, output).map(drop)
}
