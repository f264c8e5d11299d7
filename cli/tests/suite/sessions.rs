//! Whole sessions as files, each with a home of its own: they run at the same time.

use std::path::Path;

#[test]
fn an_error_says_what_to_do() {
    goes_as_it_is_written("errors");
}

#[test]
fn the_first_run_makes_everything() {
    goes_as_it_is_written("init");
}

fn goes_as_it_is_written(session: &str) {
    let file = format!("tests/cmd/{session}.trycmd");
    assert!(Path::new(&file).is_file(), "{file} is missing");
    let home = tempfile::tempdir().unwrap();
    trycmd::TestCases::new()
        .register_bin("cseal", trycmd::cargo::cargo_bin!("cseal"))
        .env("COUNTERSEAL_HOME", home.path().join("store").to_string_lossy())
        .case(&file)
        .run();
}
