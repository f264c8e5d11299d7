//! Secret keys that we export, in the programs that they are for.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use super::command::{find, missing};
use super::gpgsm::Gpgsm;
use super::openssl;
use super::people::P12_PASSPHRASE;
use crate::people::Place;

/// Exports Alice's keys with these options.
fn export(place: &Place, options: &[&str], file: &str) {
    place.write("passphrase", format!("{P12_PASSPHRASE}\n"));
    let fixed = ["keys", "export", "alice@example.org", "--secret", "--new-passphrase-file", "passphrase"];
    place.run("alice", &[&fixed[..], options, &["-o", file, "--overwrite"]].concat()).exits(0);
}

/// What `openssl ARGUMENTS` says, or nothing where it fails.
fn openssl(program: &Path, arguments: &[&str], file: &Path) -> Option<String> {
    let output = Command::new(program).args(arguments).arg("-in").arg(file).output().unwrap();
    output.status.success().then(|| String::from_utf8(output.stdout).unwrap())
}

#[test]
fn openssl_reads_exported_pkcs8_with_its_passphrase_alone() {
    let programs: Vec<_> = [find("openssl"), openssl::program_4()].into_iter().flatten().collect();
    if programs.is_empty() {
        return missing("openssl");
    }
    let place = Place::new();
    export(&place, &["--format", "pkcs8"], "alice.key");
    let file = place.path("alice.key");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read_to_string(&file).unwrap().matches("-----BEGIN ENCRYPTED PRIVATE KEY").count(), 2);
    for program in programs {
        let public = openssl(&program, &["pkey", "-pubout", "-passin", "pass:p12"], &file).unwrap();
        // The first key is the one to encrypt to, as it is in the file of certificates.
        let certified = openssl(&program, &["x509", "-noout", "-pubkey"], &place.path("alice.pem"));
        assert_eq!(Some(public), certified);
        assert_eq!(openssl(&program, &["pkey", "-pubout", "-passin", "pass:P12"], &file), None);
        let structure = openssl(&program, &["asn1parse"], &file).unwrap();
        for name in ["PBES2", "PBKDF2", "hmacWithSHA256", "aes-256-cbc"] {
            assert!(structure.contains(&format!(":{name}\n")), "{name}: {structure}");
        }
    }
}

#[test]
fn gpgsm_takes_every_file_that_is_exported_for_it() {
    let Some(gpgsm) = Gpgsm::of_debian() else { return };
    let place = Place::new();
    for number in 0..6 {
        export(&place, &["--for", "gpgsm"], "alice.p12");
        gpgsm.takes(&place.path("alice.p12")).unwrap_or_else(|reason| panic!("file {number}: {reason}"));
    }
    // A file that it must refuse: the test would notice.
    place.write("broken.p12", &place.read("alice.p12")[..200]);
    assert!(gpgsm.takes(&place.path("broken.p12")).is_err());
}

#[test]
fn a_passphrase_that_gpgsm_does_not_read_is_refused() {
    let place = Place::new();
    let export = |length: usize| {
        place.write("passphrase", "x".repeat(length));
        let fixed =
            ["keys", "export", "alice@example.org", "--secret", "--new-passphrase-file", "passphrase"];
        place.run("alice", &[&fixed[..], &["--for", "gpgsm", "-o", "alice.p12"]].concat())
    };
    assert!(export(32).exits(2).stderr.contains("at most 31 bytes"));
    assert!(!place.path("alice.p12").exists());
    export(31).exits(0);
}
