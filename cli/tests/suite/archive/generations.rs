//! No key is ever lost: what any generation of keys could open still opens.

use super::*;
use crate::people::copy;

const MAILS: usize = 1000;
const FIRST_SCHEMA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../testdata/store/first-schema");

/// Bob's store with ten encryption keys, RSA and EC, renewed and imported; the certificates are files.
fn with_generations(place: &Place) -> Vec<String> {
    let mut certificates = Vec::new();
    for generation in 0..10 {
        let certificate = format!("generation{generation}.pem");
        match generation {
            0 => {}
            1..6 => {
                let algorithm = if generation % 2 == 0 { "rsa-2048" } else { "p-256" };
                let renew = ["keys", "renew", "bob@example.org", "--encryption", "--algorithm", algorithm];
                place.run("bob", &renew).exits(0);
            }
            _ => import(place, generation),
        }
        if generation < 6 {
            place
                .run("bob", &["keys", "export", "bob@example.org", "-o", "bundle.pem", "--overwrite"])
                .exits(0);
            // The newest encryption certificate stands first.
            openssl(place, &["x509", "-in", "bundle.pem", "-out", &certificate]);
        }
        certificates.push(certificate);
    }
    certificates
}

/// A key that came from elsewhere, as PKCS#12.
fn import(place: &Place, generation: usize) {
    let (key, certificate, file) = (
        format!("generation{generation}.key"),
        format!("generation{generation}.pem"),
        format!("generation{generation}.p12"),
    );
    let kind: &[&str] = if generation.is_multiple_of(2) {
        &["RSA", "-pkeyopt", "rsa_keygen_bits:2048"]
    } else {
        &["EC", "-pkeyopt", "ec_paramgen_curve:P-256"]
    };
    openssl(place, &[&["genpkey", "-algorithm"], kind, &["-out", &key]].concat());
    let usage = if generation.is_multiple_of(2) { "keyEncipherment" } else { "keyAgreement" };
    openssl(
        place,
        &[
            "req",
            "-x509",
            "-key",
            &key,
            "-out",
            &certificate,
            "-days",
            "3000",
            "-subj",
            "/CN=Bob before",
            "-addext",
            "subjectAltName=email:bob@example.org",
            "-addext",
            &format!("keyUsage=critical,{usage}"),
            "-addext",
            "basicConstraints=critical,CA:FALSE",
        ],
    );
    openssl(
        place,
        &["pkcs12", "-export", "-inkey", &key, "-in", &certificate, "-out", &file, "-passout", "pass:secret"],
    );
    place.write("passphrase", "secret\n");
    place.run("bob", &["keys", "import", &file, "--passphrase-file", "passphrase"]).exits(0);
}

fn mails(place: &Place, certificates: &[String]) -> Vec<String> {
    // Each generation has a few objects, and many mails around them.
    let objects: Vec<Vec<u8>> = certificates
        .iter()
        .flat_map(|certificate| (0..3).map(move |_| certificate))
        .enumerate()
        .map(|(number, certificate)| {
            place.write("entity", format!("Content-Type: text/plain\r\n\r\nObject {number}.\r\n"));
            let cipher = if number % 3 == 0 { "-aes-128-gcm" } else { "-aes-256-cbc" };
            openssl(
                place,
                &[
                    "cms",
                    "-encrypt",
                    "-binary",
                    cipher,
                    "-in",
                    "entity",
                    "-outform",
                    "DER",
                    "-out",
                    "sealed.der",
                    certificate,
                ],
            );
            place.read("sealed.der")
        })
        .collect();
    (0..MAILS).map(|number| mail(number, &objects[number % objects.len()])).collect()
}

/// The mails in an mbox and in a Maildir.
fn archives(place: &Place, mails: &[String]) {
    place.write("all.mbox", mbox(mails));
    maildir(place, "Maildir", mails);
}

/// Every mail of both opens for somebody, to what was written.
#[track_caller]
fn assert_all_open(place: &Place, person: &str, options: &[&str]) {
    let (mbox, maildir) = (format!("{person}.mbox"), format!("{person}.Maildir"));
    for (archive, plain) in [("all.mbox", &mbox), ("Maildir", &maildir)] {
        let ran = place
            .run(person, &[&["archive", "decrypt", "--json", archive, "-o", plain], options].concat())
            .exits(0);
        assert_eq!(outcomes(&ran), counted(&[("decrypted", MAILS as u64)]));
    }
    let plain = String::from_utf8(place.read(&mbox)).unwrap();
    let found: Vec<&str> = plain.split(SEPARATOR).skip(1).collect();
    assert_eq!(found.len(), MAILS);
    for (number, mail) in found.iter().enumerate() {
        assert!(mail.contains(&format!("\nMessage-ID: <{number}@example.org>\nX-Status: RO\n")), "{mail}");
        assert!(mail.ends_with(&format!("\r\n\r\nObject {}.\r\n\n", number % 30)), "{mail}");
    }
    assert_eq!(names(&place.path(&maildir)), names(&place.path("Maildir")), "names and flags stay");
    for number in 0..MAILS {
        let mail = fs::read_to_string(place.path(&maildir).join(maildir_name(number))).unwrap();
        assert!(mail.ends_with(&format!("\r\n\r\nObject {}.\r\n", number % 30)), "{mail}");
    }
}

fn names(root: &Path) -> Vec<PathBuf> {
    files_below(root).iter().map(|path| path.strip_prefix(root).unwrap().to_owned()).collect()
}

#[test]
fn a_thousand_mails_of_ten_generations_of_keys_all_open_in_mbox_and_maildir() {
    let place = Place::new();
    let certificates = with_generations(&place);
    archives(&place, &mails(&place, &certificates));
    assert_all_open(&place, "bob", &[]);

    // On an empty machine, from a backup.
    place.write("passphrase", "correct horse\n");
    place.run("bob", &["backup", "bob.backup", "--new-passphrase-file", "passphrase"]).exits(0);
    let open = ["--passphrase-file", "passphrase"];
    place.run("new-machine", &[&["restore", "bob.backup"][..], &open].concat()).exits(0);
    assert_all_open(&place, "new-machine", &open);

    // All of them under the newest key: the others are needed no more.
    place.run("bob", &["archive", "rewrap", "--in-place", "Maildir"]).exits(0);
    let newest = place.run("bob", &["archive", "rewrap", "--json", "--in-place", "Maildir"]).exits(0);
    assert_eq!(outcomes(&newest), counted(&[("already", MAILS as u64)]));
    let ran = place.run("bob", &["archive", "decrypt", "--json", "Maildir", "-o", "again"]).exits(0);
    assert_eq!(outcomes(&ran), counted(&[("decrypted", MAILS as u64)]));
    for number in 0..MAILS {
        let name = maildir_name(number);
        let before = fs::read(place.path("bob.Maildir").join(&name)).unwrap();
        assert_eq!(before, fs::read(place.path("again").join(&name)).unwrap());
    }
}

#[test]
fn a_thousand_mails_all_open_with_a_store_that_the_first_version_wrote() {
    let place = Place::new();
    copy(Path::new(FIRST_SCHEMA), &place.path(""));
    fs::create_dir(place.path("long-ago")).unwrap();
    fs::rename(place.path("store.sqlite3"), place.path("long-ago/store.sqlite3")).unwrap();
    let certificates: Vec<String> = (0..10).map(|generation| format!("generation{generation}.pem")).collect();
    archives(&place, &mails(&place, &certificates));
    assert_all_open(&place, "long-ago", &[]);
    place.run("long-ago", &["keys", "renew", "bob@example.org", "--algorithm", "p-256"]).exits(0);
    fs::remove_dir_all(place.path("long-ago.Maildir")).unwrap();
    fs::remove_file(place.path("long-ago.mbox")).unwrap();
    assert_all_open(&place, "long-ago", &[]);
}
