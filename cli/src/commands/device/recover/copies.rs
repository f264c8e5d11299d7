//! A copy of an account: a file of `cseal device export`, or a folder in which objects lie.

use std::fs;
use std::path::Path;

use counterseal_keysync::copy;
use counterseal_keysync::limits::{ACCOUNT_COPY_BYTES, LISTED_OBJECTS, OBJECT_BYTES};

use crate::failure::Failure;
use crate::files::read_file;

/// Folders below the one that was named: one for each box.
const DEPTH: usize = 2;

/// The objects of a file, or of whatever lies in a folder.
pub(super) fn at(path: &Path) -> Result<Vec<Vec<u8>>, Failure> {
    let mut objects = Vec::new();
    if path.is_dir() {
        collect(path, DEPTH, &mut objects)?;
        return Ok(objects);
    }
    of(&read_file(path, ACCOUNT_COPY_BYTES)?, &path.display().to_string())
}

/// The objects of a file that was read; `name` is what a person calls it.
pub(super) fn of(file: &[u8], name: &str) -> Result<Vec<Vec<u8>>, Failure> {
    let read = copy::read(file).map_err(|error| {
        Failure::unknown("not-a-copy", format!("{name}: {error}"))
            .hint("a copy is a file of `cseal device export`, or the folder where your devices meet")
    })?;
    Ok(read.into_iter().map(<[u8]>::to_vec).collect())
}

fn collect(folder: &Path, depth: usize, objects: &mut Vec<Vec<u8>>) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::io(folder.display().to_string(), &error);
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let kind = entry.file_type().map_err(failed)?;
        if kind.is_dir() && depth > 0 {
            collect(&entry.path(), depth - 1, objects)?;
        }
        let is_small = entry.metadata().is_ok_and(|found| found.len() <= OBJECT_BYTES as u64);
        if kind.is_file() && is_small && objects.len() < LISTED_OBJECTS {
            objects.push(fs::read(entry.path()).map_err(failed)?);
        }
    }
    Ok(())
}
