//! Files: input that can be read twice, output that appears whole or not at all.

mod extract;
mod input;
mod output;

pub(crate) use extract::ExtractDirectory;
pub(crate) use input::{open_input, read_file};
pub(crate) use output::{Content, Output, exists, write_file};
