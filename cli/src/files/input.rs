//! Input: named files as they are, pipes through a spool.

use std::fs::{self, File};
use std::io::{self, Read, Seek, Write};
use std::path::Path;

use counterseal_core::ports::{Source, Spool, Spools};
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::spool::EncryptedSpools;

/// Opens what a command reads: a file, or standard input where `path` is missing or `-`. The
/// result can be read twice; what comes through a pipe is spooled first.
pub(crate) fn open_input(path: Option<&Path>) -> Result<Box<dyn Source>, Failure> {
    match path.filter(|path| path.as_os_str() != "-") {
        Some(path) => named(path).map_err(|error| Failure::io(path.display().to_string(), &error)),
        None => standard().map_err(|error| Failure::io("standard input", &error)),
    }
}

/// Input that is read once, where that is enough.
pub(crate) enum Input {
    /// A file, whose length is known.
    Source(Box<dyn Source>),
    /// A pipe.
    Stream(Box<dyn Read>),
}

impl Input {
    /// The same as a source: what comes through a pipe is spooled.
    pub(crate) fn into_source(self) -> Result<Self, Failure> {
        match self {
            Self::Source(source) => Ok(Self::Source(source)),
            Self::Stream(stream) => {
                spooled(stream).map(Self::Source).map_err(|error| Failure::io("the input", &error))
            }
        }
    }
}

/// Opens what a command reads, and leaves a pipe a pipe.
pub(crate) fn open_input_or_stream(path: Option<&Path>) -> Result<Input, Failure> {
    if path.is_none_or(|path| path.as_os_str() == "-") {
        let failed = |error: io::Error| Failure::io("standard input", &error);
        let file = rustix::io::dup(rustix::stdio::stdin()).map_err(|error| failed(error.into()))?;
        let file = File::from(file);
        if !file.metadata().map_err(failed)?.is_file() {
            return Ok(Input::Stream(Box::new(file)));
        }
    }
    open_input(path).map(Input::Source)
}

fn named(path: &Path) -> io::Result<Box<dyn Source>> {
    let file = File::open(path)?;
    let kind = file.metadata()?.file_type();
    if kind.is_dir() {
        return Err(io::Error::from(io::ErrorKind::IsADirectory));
    }
    if kind.is_file() { Ok(Box::new(file)) } else { spooled(file) }
}

/// A redirected file is read in place; but not from its middle, because a source begins at zero.
fn standard() -> io::Result<Box<dyn Source>> {
    let mut file = File::from(rustix::io::dup(rustix::stdio::stdin())?);
    if file.metadata()?.is_file() && file.stream_position()? == 0 {
        return Ok(Box::new(file));
    }
    spooled(file)
}

fn spooled(mut file: impl Read) -> io::Result<Box<dyn Source>> {
    let mut spool: Box<dyn Spool> = EncryptedSpools.create()?;
    let mut piece = Zeroizing::new(vec![0; 64 << 10]);
    loop {
        let count = match file.read(&mut piece) {
            Ok(0) => return spool.into_source(),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        spool.write_all(piece.get(..count).unwrap_or_default())?;
    }
}

/// Reads a file of settings, where there is one. `word` is the reason where it is none that could be read.
///
/// # Errors
/// What is wrong with it: no regular file, which might never end or never begin; larger than `limit`
/// octets; not UTF-8.
pub(crate) fn read_settings(
    path: &Path,
    limit: usize,
    word: &'static str,
) -> Result<Option<String>, Failure> {
    let wrong = |what: String| Failure::unknown(word, format!("{}: {what}", path.display()));
    match fs::metadata(path) {
        Ok(found) if !found.is_file() => return Err(wrong("not a file".to_owned())),
        Ok(found) if found.len() > limit as u64 => return Err(wrong(format!("larger than {limit} octets"))),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Failure::io(path.display().to_string(), &error)),
    }
    let bytes = read_file(path, limit)?;
    match std::str::from_utf8(&bytes) {
        Ok(text) => Ok(Some(text.to_owned())),
        Err(_) => Err(wrong("not UTF-8".to_owned())),
    }
}

/// Reads a small file (a key, a certificate, a list) whole; `-` is standard input. It may be secret,
/// so the buffer is erased when dropped.
///
/// # Errors
/// A [`Failure`] that names the file, where it cannot be read or has more than `limit` bytes.
pub(crate) fn read_file(path: &Path, limit: usize) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let failed = |error: io::Error| Failure::io(path.display().to_string(), &error);
    let (reader, length): (Box<dyn Read>, u64) = if path.as_os_str() == "-" {
        (Box::new(io::stdin().lock()), 0)
    } else {
        let file = File::open(path).map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        (Box::new(file), length)
    };
    // Room for all of it at once: a buffer that grows leaves copies of a secret behind.
    let room = usize::try_from(length).map_or(limit, |length| length.min(limit)) + 1;
    let mut bytes = Zeroizing::new(Vec::with_capacity(room));
    reader.take(limit as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() > limit {
        return Err(Failure::unknown("too-large", format!("{}: larger than {limit} bytes", path.display())));
    }
    Ok(bytes)
}
