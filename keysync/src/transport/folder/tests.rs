#![allow(clippy::unwrap_used, clippy::print_stderr, clippy::panic)]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;

use counterseal_core::secret::SecretBytes;

use super::*;
use crate::transport::tests::keeps_the_contract;

struct Folder {
    directory: tempfile::TempDir,
    target: ObjectBox,
}

impl Folder {
    fn new() -> Self {
        let target = ObjectBox::derive(&SecretBytes::copy_of(&[1; 32]), "test");
        Self { directory: tempfile::tempdir().unwrap(), target }
    }

    fn way(&self) -> FolderTransport {
        FolderTransport::new(self.directory.path(), &self.target)
    }

    /// The box's directory, made by the first put.
    fn inside(&self) -> PathBuf {
        self.way().put(b"first").unwrap();
        self.directory.path().join(super::super::hexadecimal(self.target.id()))
    }
}

#[test]
fn it_keeps_the_contract_of_transports() {
    let folder = Folder::new();
    keeps_the_contract(&mut folder.way(), &mut folder.way());
}

#[test]
fn an_object_is_one_private_file_named_by_its_hash() {
    let folder = Folder::new();
    let inside = folder.inside();
    let files: Vec<_> = fs::read_dir(&inside).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files, [inside.join(file_name(&ObjectName::of(b"first")))]);
    assert_eq!(fs::metadata(&files[0]).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(&inside).unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn a_mount_point_without_its_stick_is_not_filled() {
    let folder = Folder::new();
    let mut way = FolderTransport::new(&folder.directory.path().join("stick"), &folder.target);
    for result in [way.put(b"x").map(drop), way.list(&Cursor::default()).map(drop)] {
        assert!(
            matches!(&result, Err(TransportError::Unreachable(reason)) if reason.contains("stick")),
            "{result:?}"
        );
    }
    assert!(!folder.directory.path().join("stick").exists());
}

#[test]
fn copies_of_a_synchroniser_are_the_same_object_and_heal_it() {
    let folder = Folder::new();
    let inside = folder.inside();
    let name = ObjectName::of(b"first");
    let file = inside.join(file_name(&name));
    fs::copy(&file, inside.join(format!("{name} (bob's conflicted copy 2026-11-22).p7m"))).unwrap();
    fs::copy(&file, inside.join(format!("{name}.sync-conflict-20261122-040000-ABCDEF.p7m"))).unwrap();
    assert_eq!(folder.way().list(&Cursor::default()).unwrap().names, [name]);
    fs::write(&file, b"half").unwrap();
    assert_eq!(folder.way().get(&name).unwrap(), b"first");
    folder.way().put(b"first").unwrap();
    assert_eq!(fs::read(&file).unwrap(), b"first");
    folder.way().remove(&name).unwrap();
    assert_eq!(fs::read_dir(&inside).unwrap().count(), 0);
}

#[test]
fn foreign_files_are_left_alone() {
    let folder = Folder::new();
    let inside = folder.inside();
    let foreign = ["desktop.ini", ".DS_Store", "short.p7m", &format!("{}.p7m", "Z".repeat(64)), "é"];
    for file in foreign {
        fs::write(inside.join(file), b"theirs").unwrap();
    }
    assert_eq!(folder.way().list(&Cursor::default()).unwrap().names, [ObjectName::of(b"first")]);
    folder.way().remove(&ObjectName::of(b"first")).unwrap();
    for file in foreign {
        assert_eq!(fs::read(inside.join(file)).unwrap(), b"theirs");
    }
}

#[test]
fn nothing_leads_out_of_the_folder_and_no_pipe_blocks() {
    let folder = Folder::new();
    let inside = folder.inside();
    let outside = folder.directory.path().join("outside");
    fs::write(&outside, b"linked").unwrap();
    let linked = ObjectName::of(b"linked");
    symlink(&outside, inside.join(file_name(&linked))).unwrap();
    let pipe = ObjectName::of(b"pipe");
    assert!(Command::new("mkfifo").arg(inside.join(file_name(&pipe))).status().unwrap().success());

    for name in [linked, pipe] {
        assert_eq!(folder.way().get(&name), Err(TransportError::Absent));
    }
    assert_eq!(folder.way().list(&Cursor::default()).unwrap().names, [ObjectName::of(b"first")]);
    // The object replaces them, and what the link names stays as it was.
    fs::write(&outside, b"theirs").unwrap();
    folder.way().put(b"linked").unwrap();
    folder.way().put(b"pipe").unwrap();
    assert_eq!(fs::read(&outside).unwrap(), b"theirs");
    assert_eq!(folder.way().get(&linked).unwrap(), b"linked");
    assert_eq!(folder.way().get(&pipe).unwrap(), b"pipe");
}

#[test]
fn a_box_that_is_a_link_is_refused() {
    let folder = Folder::new();
    let inside = folder.inside();
    let elsewhere = folder.directory.path().join("elsewhere");
    fs::rename(&inside, &elsewhere).unwrap();
    symlink(&elsewhere, &inside).unwrap();
    for result in [folder.way().put(b"x").map(drop), folder.way().list(&Cursor::default()).map(drop)] {
        assert!(matches!(result, Err(TransportError::Refused(_))), "{result:?}");
    }
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 1);
}

#[test]
fn a_huge_file_is_refused_before_it_is_read() {
    let folder = Folder::new();
    let inside = folder.inside();
    let name = ObjectName::of(b"huge");
    // Four gigabytes, of which the disk keeps none.
    File::create(inside.join(file_name(&name))).unwrap().set_len(4 << 30).unwrap();
    let limit = limits::OBJECT_BYTES as u64;
    assert_eq!(folder.way().get(&name), Err(TransportError::TooLarge { bytes: 4 << 30, limit }));
    let large = vec![0; limits::OBJECT_BYTES + 1];
    assert_eq!(folder.way().put(&large), Err(TransportError::TooLarge { bytes: limit + 1, limit }));
}

#[test]
fn no_object_of_a_pairing_is_large() {
    let folder = Folder::new();
    let inside = folder.inside();
    let (large, limit) = (vec![7; limits::PAIRING_OBJECT_BYTES + 1], limits::PAIRING_OBJECT_BYTES as u64);
    let name = ObjectName::of(&large);
    fs::write(inside.join(file_name(&name)), &large).unwrap();
    assert!(folder.way().get(&name).is_ok());
    let mut pairing = FolderTransport::for_pairing(folder.directory.path(), &folder.target);
    let refused = TransportError::TooLarge { bytes: limit + 1, limit };
    assert_eq!(pairing.get(&name), Err(refused.clone()));
    assert_eq!(pairing.put(&large), Err(refused));
}

#[test]
fn the_directory_is_looked_at_once_for_all_objects() {
    let folder = Folder::new();
    let inside = folder.inside();
    let name = ObjectName::of(b"second");
    fs::write(inside.join(file_name(&name)), b"forged").unwrap();
    let mut way = folder.way();
    assert_eq!(way.list(&Cursor::default()).unwrap().names.len(), 2);
    fs::write(inside.join(format!("{name} (copy).p7m")), b"second").unwrap();
    assert!(matches!(way.get(&name), Err(TransportError::Forged(_))), "copies are those of the last look");
    way.list(&Cursor::default()).unwrap();
    assert_eq!(way.get(&name).unwrap(), b"second");
}

#[test]
fn a_file_that_is_not_its_object_is_not_read_again_before_it_changes() {
    let folder = Folder::new();
    let inside = folder.inside();
    let name = ObjectName::of(b"second");
    let path = inside.join(file_name(&name));
    fs::write(&path, b"forged").unwrap();
    let mut way = folder.way();
    let said = |way: &mut FolderTransport| match way.get(&name) {
        Err(TransportError::Forged(said)) => said,
        other => panic!("{other:?}"),
    };
    said(&mut way);
    assert!(!said(&mut way).contains("still"), "it is perhaps being written");
    let old = SystemTime::now() - 2 * limits::FOLDER_SETTLED;
    File::options().write(true).open(&path).unwrap().set_modified(old).unwrap();
    said(&mut way);
    assert!(said(&mut way).contains("still"));
    fs::write(&path, b"second").unwrap();
    assert_eq!(way.get(&name).unwrap(), b"second");
    fs::write(&path, b"forged").unwrap();
    File::options().write(true).open(&path).unwrap().set_modified(old).unwrap();
    said(&mut way);
    fs::remove_file(&path).unwrap();
    way.list(&Cursor::default()).unwrap();
    assert!(way.forged.is_empty(), "what is gone needs no memory");
}

#[test]
fn a_directory_in_an_objects_place_is_told() {
    let folder = Folder::new();
    let inside = folder.inside();
    let name = ObjectName::of(b"taken");
    fs::create_dir(inside.join(file_name(&name))).unwrap();
    assert!(matches!(folder.way().put(b"taken"), Err(TransportError::Refused(_))));
    assert!(matches!(folder.way().remove(&name), Err(TransportError::Refused(_))));
    assert_eq!(fs::read_dir(&inside).unwrap().count(), 2, "nothing unfinished is left");
}

#[test]
fn what_was_left_unfinished_is_removed_a_day_later() {
    let folder = Folder::new();
    let inside = folder.inside();
    for (file, age) in [(".cseal-old", 2), (".cseal-new", 0)] {
        let file = File::create(inside.join(file)).unwrap();
        file.set_modified(SystemTime::now() - ABANDONED * age).unwrap();
    }
    folder.way().list(&Cursor::default()).unwrap();
    assert!(!inside.join(".cseal-old").exists());
    assert!(inside.join(".cseal-new").exists());
}

#[test]
fn a_full_stick_is_told_and_keeps_nothing_by_halves() {
    let folder = Folder::new();
    let stick = folder.directory.path().join("stick");
    fs::create_dir(&stick).unwrap();
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=64k", "tmpfs"])
        .arg(&stick)
        .output()
        .is_ok_and(|output| output.status.success());
    if !mounted {
        eprintln!("SKIPPED: a full stick: this test mounts one, which only root may");
        return;
    }
    let mut way = FolderTransport::new(&stick, &folder.target);
    let small = way.put(b"small").unwrap();
    let result = way.put(&vec![7; 128 << 10]);
    let names = way.list(&Cursor::default()).unwrap().names;
    let files = fs::read_dir(stick.join(super::super::hexadecimal(folder.target.id()))).unwrap().count();
    let small = way.get(&small);
    // Pulled out while it is in use.
    assert!(Command::new("umount").arg("--lazy").arg(&stick).status().unwrap().success());
    assert_eq!(result, Err(TransportError::Quota));
    assert_eq!((names.len(), files), (1, 1));
    assert_eq!(small.unwrap(), b"small");
    assert_eq!(way.get(&names[0]), Err(TransportError::Absent));
}
