//! `cseal init` says that an OpenPGP key can be taken over, and leaves it where it is.

use std::fs;

use crate::gnupg::Gnupg;
use crate::people::Place;

#[test]
fn init_without_a_terminal_says_in_one_line_what_can_be_taken_over_and_exports_nothing() {
    let place = Place::new();
    let Some(gnupg) = Gnupg::at(&place) else { return };
    gnupg.run(&["--quick-gen-key", "Dora <dora@example.org>", "nistp256", "sign,cert", "0"]);
    let fingerprint = gnupg.fingerprint("dora@example.org");
    gnupg.end();
    let init = |home: &str, address: &str, gnupg: &str| {
        let arguments = ["init", address, "--no-passphrase", "--algorithm", "p-256"];
        place.run_with(("GNUPGHOME", &place.path(gnupg)), home, &arguments).exits(0)
    };
    let said = init("first", "dora@example.org", "gnupg").stderr;
    assert!(said.contains(&format!("gpg --export-secret-keys {fingerprint} | cseal keys import")), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(!place.path("gnupg/S.gpg-agent").exists(), "an agent was started");
    let keys = place.run("first", &["keys", "list"]).exits(0).text();
    assert_eq!(keys.lines().count(), 4, "{keys}");

    // Somebody else's key, and a home that is not there, are no matter.
    assert_eq!(init("second", "erin@example.org", "gnupg").stderr, "");
    assert_eq!(init("third", "dora@example.org", "missing").stderr, "");
    assert!(!place.path("missing").exists());
    // Only the public half.
    fs::remove_dir_all(place.path("gnupg/private-keys-v1.d")).unwrap();
    fs::create_dir(place.path("gnupg/private-keys-v1.d")).unwrap();
    assert_eq!(init("fourth", "dora@example.org", "gnupg").stderr, "");
}
