//! `cseal generate`: man pages and completions, from the definitions of `args`.

mod manual;
mod markdown;

use std::fs;
use std::path::Path;

use clap::CommandFactory;
use counterseal_core::x509::mail_roots::from_certdata;

use crate::args::{Cli, Generate, GenerateCommand, Shell};
use crate::failure::{Exit, Failure};
use crate::files::read_file;
use crate::terminal;

/// Bytes of a certdata.txt; those of today have two million.
const CERTDATA_BYTES: usize = 32 << 20;

/// Writes what was asked for.
pub(crate) fn run(arguments: &Generate) -> Result<Exit, Failure> {
    match &arguments.command {
        GenerateCommand::Man { directory } => man(directory),
        GenerateCommand::Roots { file, origin } => roots(file, origin),
        GenerateCommand::Completions { shell } => completions(*shell),
    }
}

fn man(directory: &Path) -> Result<Exit, Failure> {
    let failed = |error: std::io::Error| Failure::io(directory.display().to_string(), &error);
    fs::create_dir_all(directory).map_err(failed)?;
    manual::write(directory).map_err(failed)?;
    Ok(Exit::Done)
}

fn roots(file: &Path, origin: &str) -> Result<Exit, Failure> {
    let bytes = read_file(file, CERTDATA_BYTES)?;
    let list = from_certdata(&String::from_utf8_lossy(&bytes), origin).map_err(|error| {
        Failure::unknown("malformed", format!("{}: no certdata.txt", file.display())).because(error)
    })?;
    terminal::print(&list).map_err(|error| Failure::io("standard output", &error))?;
    Ok(Exit::Done)
}

fn completions(shell: Shell) -> Result<Exit, Failure> {
    let shell = match shell {
        Shell::Bash => clap_complete::Shell::Bash,
        Shell::Zsh => clap_complete::Shell::Zsh,
        Shell::Fish => clap_complete::Shell::Fish,
    };
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "cseal", &mut script);
    terminal::print(&String::from_utf8_lossy(&script))
        .map_err(|error| Failure::io("standard output", &error))?;
    Ok(Exit::Done)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn the_definitions_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_man_pages_in_docs_are_those_of_today() {
        let committed = PathBuf::from(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("docs/man");
        let fresh = tempfile::tempdir().unwrap();
        man(fresh.path()).unwrap();
        let mut names: Vec<_> =
            fs::read_dir(fresh.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        let mut kept: Vec<_> =
            fs::read_dir(&committed).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        kept.retain(|name| name.to_string_lossy().ends_with(".1") || name.to_string_lossy().ends_with(".5"));
        kept.sort();
        assert_eq!(names, kept, "run `cseal generate man docs/man`");
        for name in names {
            let (new, old) =
                (fs::read(fresh.path().join(&name)).unwrap(), fs::read(committed.join(&name)).unwrap());
            assert!(new == old, "{}: run `cseal generate man docs/man`", name.display());
        }
    }
}
