//! Folders of lists and responses: those that can be fetched again, and those that came with mail. Nothing in them is
//! believed before it is checked.

use std::fs::{self, DirBuilder, File};
use std::io::Read;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use counterseal_core::limits;
use sha2::{Digest, Sha256};

use crate::files::write_file;

/// A directory of files. That it cannot be read or written only means that nothing is cached.
#[derive(Debug)]
pub(super) struct Cache {
    directory: PathBuf,
}

impl Cache {
    pub(super) const fn at(directory: PathBuf) -> Self {
        Self { directory }
    }

    /// The name of a file: what it is, and a digest of what it is about, which is foreign text.
    pub(super) fn name(kind: &str, about: &[&[u8]]) -> String {
        let mut digest = Sha256::new();
        for part in about {
            digest.update(Sha256::digest(part));
        }
        let digits: String = digest.finalize().iter().map(|octet| format!("{octet:02x}")).collect();
        format!("{digits}.{kind}")
    }

    /// A file.
    pub(super) fn read(&self, name: &str) -> Option<Vec<u8>> {
        let most = u64::try_from(limits::REVOCATION_LIST_BYTES).unwrap_or(u64::MAX);
        let mut content = Vec::new();
        File::open(self.directory.join(name)).ok()?.take(most).read_to_end(&mut content).ok()?;
        Some(content)
    }

    /// All files of a kind, the newest first, as many as are kept of those that were fetched.
    pub(super) fn all(&self, kind: &str) -> Vec<Vec<u8>> {
        let end = format!(".{kind}");
        let Ok(entries) = fs::read_dir(&self.directory) else { return Vec::new() };
        let names = entries.flatten().filter_map(|entry| {
            let name = entry.file_name().into_string().ok().filter(|name| name.ends_with(&end))?;
            Some((entry.metadata().and_then(|file| file.modified()).ok()?, name))
        });
        let mut names: Vec<_> = names.collect();
        names.sort_by_key(|(written, _)| std::cmp::Reverse(*written));
        names.iter().take(limits::REVOCATION_CACHE_FILES).filter_map(|(_, name)| self.read(name)).collect()
    }

    /// Whether a file was fetched less than that ago. One from the future is as good as old.
    pub(super) fn is_younger(&self, name: &str, age: Duration) -> bool {
        let fetched = fs::metadata(self.directory.join(name)).and_then(|file| file.modified());
        fetched.is_ok_and(|fetched| SystemTime::now().duration_since(fetched).is_ok_and(|past| past < age))
    }

    /// Replaces a file, and makes room for it.
    pub(super) fn write(&self, name: &str, content: &[u8]) {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&self.directory);
        if made.and_then(|()| self.make_room()).is_ok() {
            // Next time it is fetched again.
            let _ = write_file(&self.directory.join(name), content, true);
        }
    }

    /// Takes the oldest files away where there are too many, or too much in them.
    fn make_room(&self) -> std::io::Result<()> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.directory)? {
            let entry = entry?;
            let (name, file) = (entry.file_name(), entry.metadata()?);
            let is_ours = [".list", ".response"].iter().any(|end| name.to_string_lossy().ends_with(end));
            if is_ours && file.is_file() {
                files.push((file.modified()?, file.len(), entry.path()));
            }
        }
        files.sort_by_key(|(fetched, _, _)| std::cmp::Reverse(*fetched));
        let most = u64::try_from(limits::REVOCATION_CACHE_BYTES).unwrap_or(u64::MAX);
        let mut bytes = 0;
        for (number, (_, length, path)) in files.iter().enumerate() {
            bytes += length;
            if number + 1 >= limits::REVOCATION_CACHE_FILES || bytes > most {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_files_make_room_and_others_stay() {
        let directory = tempfile::tempdir().unwrap();
        let cache = Cache::at(directory.path().join("cache"));
        let name = |number: usize| Cache::name("list", &[&number.to_be_bytes()]);
        let aged = |name: &str, days: u64| {
            let file = File::options().write(true).open(directory.path().join("cache").join(name)).unwrap();
            file.set_modified(SystemTime::now() - Duration::from_secs(days * 86_400)).unwrap();
        };
        cache.write(&name(0), b"oldest");
        aged(&name(0), 9);
        fs::write(directory.path().join("cache/notes.txt"), "mine").unwrap();
        for number in 1..=limits::REVOCATION_CACHE_FILES {
            cache.write(&name(number), b"newer");
        }
        assert_eq!(cache.read(&name(0)), None);
        assert_eq!(cache.read(&name(limits::REVOCATION_CACHE_FILES)).unwrap(), b"newer");
        assert!(directory.path().join("cache/notes.txt").exists());
        assert!(cache.is_younger(&name(5), Duration::from_secs(60)));
        aged(&name(5), 2);
        assert!(!cache.is_younger(&name(5), Duration::from_secs(86_400)));
        assert!(!cache.is_younger("nothing", Duration::MAX));
    }

    #[test]
    fn names_tell_their_parts_apart_and_are_names_of_files() {
        assert_ne!(Cache::name("list", &[b"ab", b"c"]), Cache::name("list", &[b"a", b"bc"]));
        assert_eq!(Cache::name("list", &[b"../../x"]).len(), 64 + 5);
    }
}
