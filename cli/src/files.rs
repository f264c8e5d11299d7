//! Files: input that can be read twice, output that appears whole or not at all.

mod blocks;
mod extract;
mod input;
mod output;
mod staged;
mod temporary;

pub(crate) use extract::ExtractDirectory;
pub(crate) use input::{Input, open_input, open_input_or_stream, read_file, read_settings};
pub(crate) use output::{Content, Output, exists, numbered, sync_directory, write_file};
pub(crate) use staged::Staged;
pub(crate) use temporary::Temporary;
