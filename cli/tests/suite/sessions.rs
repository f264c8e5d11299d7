//! Whole sessions as files, the README's among them.

#[test]
fn sessions_go_as_they_are_written() {
    let home = tempfile::tempdir().unwrap();
    trycmd::TestCases::new()
        .register_bin("cseal", trycmd::cargo::cargo_bin!("cseal"))
        .env("COUNTERSEAL_HOME", home.path().join("store").to_string_lossy())
        .case("tests/cmd/*.trycmd");
}
