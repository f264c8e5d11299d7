//! Root works in the directories of others with the rights of those others, and with no more (setfsuid(2)).
//!
//! A link, a hard link, or a file that is exchanged between two looks can then give nothing that its owner could not
//! take without us. The process itself stays root's: its owner cannot look into it, nor stop it.

use std::io;

use nix::unistd::{Gid, Uid, getegid, geteuid, setfsgid, setfsuid};

/// File access of this thread by the rights of somebody else, until it is dropped.
#[derive(Debug)]
pub(crate) struct Acting {
    before: (Uid, Gid),
}

impl Acting {
    /// With the rights of a user.
    ///
    /// # Errors
    /// Where the system does not let us: then nothing has changed.
    pub(crate) fn of(user: u32, group: u32) -> io::Result<Self> {
        Self::with(Uid::from_raw(user), Gid::from_raw(group))
    }

    /// With our own rights again, for what is read on behalf of the machine: settings, passwords, sockets.
    ///
    /// # Errors
    /// As [`Acting::of`]. Where nobody acts for others, it changes nothing.
    pub(crate) fn ourselves() -> io::Result<Self> {
        Self::with(geteuid(), getegid())
    }

    fn with(user: Uid, group: Gid) -> io::Result<Self> {
        // The calls report no error, but each says who was before.
        let acting = Self { before: (setfsuid(user), setfsgid(group)) };
        if (setfsuid(user), setfsgid(group)) == (user, group) {
            return Ok(acting);
        }
        drop(acting);
        Err(io::ErrorKind::PermissionDenied.into())
    }
}

impl Drop for Acting {
    fn drop(&mut self) {
        setfsuid(self.before.0);
        setfsgid(self.before.1);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::print_stderr)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    use super::*;

    #[test]
    fn root_acts_with_the_rights_of_others_and_then_with_its_own_again() {
        let directory = tempfile::tempdir().unwrap();
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o777)).unwrap();
        let secret = directory.path().join("secret");
        fs::write(&secret, "s").unwrap();
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
        assert!(Acting::ourselves().is_ok());
        if !geteuid().is_root() {
            eprintln!("SKIPPED: only root can act for others");
            return;
        }
        {
            let _acting = Acting::of(33, 33).unwrap();
            assert!(fs::read(&secret).is_err());
            fs::write(directory.path().join("theirs"), "t").unwrap();
            {
                let _ourselves = Acting::ourselves().unwrap();
                assert_eq!(fs::read(&secret).unwrap(), b"s");
            }
            assert!(fs::read(&secret).is_err());
        }
        assert_eq!(fs::metadata(directory.path().join("theirs")).unwrap().uid(), 33);
        assert!(fs::read(&secret).is_ok());
    }
}
