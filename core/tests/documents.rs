//! Holds the documents to the tree: what they name exists.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn every_link_of_a_document_leads_to_a_file() {
    let mut dead = Vec::new();
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        for target in links(&text) {
            let path = target.split('#').next().unwrap_or_default();
            let outside = target.contains("://") || path.is_empty();
            if !outside && !document.parent().unwrap().join(path).exists() {
                dead.push(format!("{}: {target}", document.display()));
            }
        }
    }
    assert!(dead.is_empty(), "these lead nowhere:\n{}", dead.join("\n"));
}

#[test]
fn every_file_that_a_document_names_exists() {
    let mut missing = Vec::new();
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        for name in text.split('`').skip(1).step_by(2) {
            let in_tree = ["core/", "cli/", "keysync/", "docs/", "scripts/", "testdata/"];
            let plain = !name.contains([' ', '*', '{', '<', '\n']);
            if plain && in_tree.iter().any(|start| name.starts_with(start)) && !root().join(name).exists() {
                missing.push(format!("{}: {name}", document.display()));
            }
        }
    }
    assert!(missing.is_empty(), "these do not exist:\n{}", missing.join("\n"));
}

#[test]
fn every_test_that_the_table_of_standards_names_exists() {
    let text = fs::read_to_string(root().join("docs/standards.md")).unwrap();
    let mut missing = Vec::new();
    let mut rows = 0;
    let is_row = |line: &&str| ["| RFC", "| FIPS", "| Check"].iter().any(|start| line.starts_with(start));
    for row in text.lines().filter(is_row) {
        rows += 1;
        let cells: Vec<&str> = row.split(" | ").collect();
        let [.., file, test] = cells.as_slice() else { panic!("file and test: {row}") };
        let test = test.trim_matches([' ', '|', '`']);
        let declaration = format!("fn {test}(");
        let files = file.split('`').skip(1).step_by(2);
        let found = files
            .flat_map(|file| sources_beside(&root().join(file)))
            .any(|source| source.contains(&declaration));
        if !found {
            missing.push(format!("{file}: {test}"));
        }
    }
    assert!(rows > 20, "the table has {rows} rows");
    assert!(missing.is_empty(), "these tests do not exist:\n{}", missing.join("\n"));
}

#[test]
fn every_test_that_the_table_of_faults_names_exists() {
    let text = fs::read_to_string(root().join("docs/reliability.md")).unwrap();
    let tests = sources_beside(&root().join("cli/tests/suite.rs")).concat();
    let table = text.split("\n## The queue\n").nth(1).expect("the section").lines();
    let cells = table.filter(|line| line.starts_with("| ")).filter_map(|row| row.split(" | ").nth(2));
    let names: Vec<&str> = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect();
    assert!(names.len() > 20, "the table names {} tests", names.len());
    let missing: Vec<_> = names.iter().filter(|name| !tests.contains(&format!("fn {name}("))).collect();
    assert!(missing.is_empty(), "these tests do not exist: {missing:?}");
}

/// The file itself and, where it heads a folder of modules, all files below it.
fn sources_beside(file: &Path) -> Vec<String> {
    let mut files = vec![file.to_owned()];
    let mut directories = vec![file.with_extension("")];
    while let Some(directory) = directories.pop() {
        let Ok(entries) = fs::read_dir(directory) else { continue };
        let (below, beside): (Vec<PathBuf>, Vec<PathBuf>) =
            entries.map(|entry| entry.unwrap().path()).partition(|path| path.is_dir());
        directories.extend(below);
        files.extend(beside);
    }
    files.iter().filter_map(|file| fs::read_to_string(file).ok()).collect()
}

/// Targets of `[text](target)`.
fn links(text: &str) -> Vec<&str> {
    text.split("](").skip(1).filter_map(|rest| rest.split(')').next()).collect()
}

fn documents() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut directories = vec![root().join("docs"), root().join("testdata")];
    found.extend(markdown_of(&root()));
    while let Some(directory) = directories.pop() {
        found.extend(markdown_of(&directory));
        directories.extend(
            fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()),
        );
    }
    assert!(found.len() > 8);
    found
}

fn markdown_of(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.extension().is_some_and(|extension| extension == "md")).collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}
