//! The ways to a box that the person named.

use std::path::PathBuf;

use counterseal_keysync::transport::folder::FolderTransport;
use counterseal_keysync::transport::{ObjectBox, Transport};

use crate::args;
use crate::failure::Failure;

/// Folders, a relay.
#[derive(Clone, Debug)]
pub(crate) struct Ways {
    folders: Vec<PathBuf>,
}

impl Ways {
    /// By the options of a command.
    ///
    /// # Errors
    /// None is named, or a folder is none.
    pub(crate) fn from_options(options: &args::Ways) -> Result<Self, Failure> {
        for folder in &options.folder {
            let kind = std::fs::metadata(folder)
                .map_err(|error| Failure::io(folder.display().to_string(), &error))?;
            if !kind.is_dir() {
                return Err(Failure::usage(format!("{}: not a folder", folder.display())));
            }
        }
        if options.folder.is_empty() {
            return Err(Failure::usage("nothing says how the two sides reach each other")
                .hint("name a folder that both see: --folder DIR; or use files: --file FILE"));
        }
        Ok(Self { folders: options.folder.clone() })
    }

    /// No way at all: two files go between the two sides.
    pub(crate) const fn none() -> Self {
        Self { folders: Vec::new() }
    }

    /// Every way to one box.
    ///
    /// # Errors
    /// A way cannot be prepared.
    pub(super) fn open(&self, object_box: &ObjectBox) -> Result<Vec<Box<dyn Transport>>, Failure> {
        let folders = self.folders.iter();
        Ok(folders
            .map(|folder| Box::new(FolderTransport::new(folder, object_box)) as Box<dyn Transport>)
            .collect())
    }
}
