//! The table of attackers (`docs/trust.md`), with real certificates and signatures: what each of them
//! makes `cseal verify` say of a mail that Alice never wrote.

use std::collections::BTreeMap;
use std::path::Path;

use crate::gnupg::Gnupg;
use crate::people::{Place, copy};

/// The profiles, in the order of the columns.
const PROFILES: [&str; 6] = ["ca-only", "wot-only", "pin-only", "either", "blended", "hardened"];

/// What an attacker brings about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Item {
    /// A certificate of a CA operator for the wrong key.
    Certificate(&'static str, &'static str),
    /// An introducer of this amount who certifies the wrong key.
    Introducer(&'static str, &'static str),
}
use Item::{Certificate, Introducer};

/// Policies of the CA/Browser Forum's S/MIME Baseline Requirements (section 7.1.6.1).
const SPONSOR: &str = "2.23.140.1.5.3.2";

/// The rows that need no mail of ninety days, no name server and no stolen key.
const ROWS: [(&str, &[Item]); 5] = [
    ("full-introducer", &[Introducer("dave", "120")]),
    ("two-full-introducers", &[Introducer("dave", "120"), Introducer("erin", "120")]),
    ("operator-misissues", &[Certificate("X", SPONSOR)]),
    ("operator-and-full-introducer", &[Certificate("X", SPONSOR), Introducer("dave", "120")]),
    ("two-operators", &[Certificate("X", SPONSOR), Certificate("Y", SPONSOR)]),
];

/// Another home with the same store.
fn copy_home(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    copy(from, to);
}

/// The table as the library's own test has it, by row and profile.
fn table() -> BTreeMap<String, BTreeMap<String, u32>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/trust/table-attackers.toml");
    let text = std::fs::read_to_string(path).unwrap();
    let value = |line: &str, name: &str| {
        let rest = line.strip_prefix(name)?.trim_start().strip_prefix('=')?.trim();
        Some(rest.trim_matches('"').to_owned())
    };
    let rows = text.split("[[case]]").filter_map(|case| {
        let name = case.lines().find_map(|line| value(line, "name"))?;
        let scores = case.lines().find_map(|line| value(line, "scores"))?;
        let scores = scores.trim_matches(['{', '}', ' ']).split(',').map(|score| {
            let (profile, score) = score.split_once('=').unwrap();
            (profile.trim().to_owned(), score.trim().parse().unwrap())
        });
        Some((name, scores.collect()))
    });
    rows.collect()
}

/// Mallory has a key of her own for Alice's address, and Bob never heard of Alice.
struct Stage<'p> {
    place: &'p Place,
    gnupg: Option<Gnupg<'p>>,
}

impl<'p> Stage<'p> {
    fn new(place: &'p Place) -> Self {
        for (home, address) in [("mallory", "mallory@example.net"), ("bob-new", "bob@example.org")] {
            place.run(home, &["init", address, "--no-passphrase", "--algorithm", "rsa-2048"]).exits(0);
        }
        let new = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=Alice"];
        let names =
            ["-addext", "subjectAltName=email:alice@example.org", "-addext", "keyUsage=digitalSignature"];
        let no_authority = ["-addext", "basicConstraints=critical,CA:FALSE"];
        let files = ["-keyout", "forged.key", "-out", "forged.pem"];
        place.openssl(&[&new[..], &names, &no_authority, &files].concat());
        place.openssl(&["x509", "-in", "forged.pem", "-noout", "-pubkey", "-out", "forged.pub"]);
        Self { place, gnupg: Gnupg::at(place) }
    }

    /// A root that counts as one of the public list, of an operator of its own.
    fn root(&self, operator: &str) -> String {
        let (key, root) = (format!("root-{operator}.key"), format!("root-{operator}.pem"));
        let subject = format!("/O=Operator {operator}/CN=Root {operator}");
        let new =
            ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30"];
        let usage = ["-addext", "keyUsage=critical,keyCertSign,cRLSign"];
        self.place
            .openssl(&[&new[..], &["-keyout", &key, "-out", &root, "-subj", &subject], &usage].concat());
        format!("operator: Operator {operator}\n{}", String::from_utf8(self.place.read(&root)).unwrap())
    }

    /// What the operator certifies: that the wrong key is Alice's.
    fn certify(&self, operator: &str, policy: &str) -> String {
        let extensions = format!(
            "subjectAltName=email:alice@example.org\nkeyUsage=critical,digitalSignature\n\
             extendedKeyUsage=emailProtection\nbasicConstraints=critical,CA:FALSE\ncertificatePolicies={policy}\n\
             subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
        );
        self.place.write("extensions", extensions);
        let (root, key) = (format!("root-{operator}.pem"), format!("root-{operator}.key"));
        let request =
            ["req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", "/dev/null", "-subj", "/CN=Alice"];
        self.place.openssl(&[&request[..], &["-out", "request.pem"]].concat());
        let issue = ["x509", "-req", "-in", "request.pem", "-force_pubkey", "forged.pub", "-days", "20"];
        let by = ["-CA", &root, "-CAkey", &key, "-extfile", "extensions", "-out", "issued.pem"];
        self.place.openssl(&[&issue[..], &by].concat());
        String::from_utf8(self.place.read("issued.pem")).unwrap()
    }

    /// Somebody whom Bob relies on certifies the twin of the wrong key.
    fn introduce(&self, gnupg: &Gnupg<'_>, victim: &str, name: &str, amount: &str) {
        let friend = format!("{name}@example.org");
        gnupg.run(&["--quick-generate-key", &friend, "ed25519", "default", "never"]);
        if !self.place.path("twin.asc").exists() {
            self.place.write("passphrase", "secret\n");
            let pack =
                ["pkcs12", "-export", "-inkey", "forged.key", "-in", "forged.pem", "-out", "forged.p12"];
            self.place.openssl(&[&pack[..], &["-passout", "file:passphrase"]].concat());
            let import = ["keys", "import", "forged.p12", "--passphrase-file", "passphrase"];
            self.place.run("mallory", &import).exits(0);
            let export = ["keys", "export", "alice@example.org", "--for", "openpgp", "-o", "twin.asc"];
            self.place.run("mallory", &export).exits(0);
        }
        gnupg.run(&["--import", "twin.asc"]);
        let twin = gnupg.fingerprint("alice@example.org");
        gnupg.run(&["--local-user", &friend, "--quick-sign-key", &twin]);
        let friend = gnupg.fingerprint(&friend);
        self.place.write("keyring.pgp", gnupg.run(&["--export", &twin, &friend]));
        let rely = ["trust", "rely", &friend, "--amount", amount, "--keyring", "keyring.pgp"];
        self.place.run(victim, &rely).exits(0);
    }

    /// The scores of a row, in the order of the profiles; nothing where a program for it is missing.
    fn play(&self, row: &str, items: &[Item]) -> Option<Vec<u64>> {
        let victim = format!("bob-{row}");
        copy_home(&self.place.path("bob-new"), &self.place.path(&victim));
        let mut roots = String::new();
        let mut issued = String::new();
        for item in items {
            match item {
                Certificate(operator, policy) => {
                    roots.push_str(&self.root(operator));
                    issued.push_str(&self.certify(operator, policy));
                }
                Introducer(name, amount) => self.introduce(self.gnupg.as_ref()?, &victim, name, amount),
            }
        }
        self.sign(&issued);
        let bundle = if roots.is_empty() {
            "none".to_owned()
        } else {
            self.place.write(&format!("{row}.roots"), roots).to_str().unwrap().to_owned()
        };
        let scores = PROFILES.map(|profile| {
            let home = format!("{victim}-{profile}");
            copy_home(&self.place.path(&victim), &self.place.path(&home));
            let policy =
                format!("profile = \"{profile}\"\nrevocation = \"off\"\n[anchors]\nbundle = \"{bundle}\"\n");
            self.place.write(&format!("{home}/policy.toml"), policy);
            let read = self.place.run(&home, &["verify", "--json", "forged.eml"]).json();
            let verified = read["verdict"] == "verified";
            let score = read["score"].as_u64().unwrap();
            assert_eq!(verified, score >= 120, "{row} {profile}: {read}");
            score
        });
        Some(scores.to_vec())
    }

    /// Mallory's mail, with the certificates that CAs gave her.
    fn sign(&self, issued: &str) {
        let own = String::from_utf8(self.place.read("forged.pem")).unwrap();
        self.place.write("signer.pem", own + issued);
        let sign = ["sign", "mail.eml", "-o", "forged.eml", "--overwrite"];
        let by = ["--key", "forged.key", "--signer", "signer.pem"];
        self.place.run("mallory", &[&sign[..], &by].concat()).exits(0);
    }
}

#[test]
fn each_attacker_gets_as_far_as_the_table_says() {
    let place = Place::new();
    let stage = Stage::new(&place);
    let table = table();
    let wrong = ROWS.iter().filter_map(|(row, items)| {
        let scores = stage.play(row, items)?;
        let expected: Vec<u64> = PROFILES.iter().map(|profile| table[*row][*profile].into()).collect();
        (scores != expected).then(|| format!("{row}: {scores:?}, not {expected:?}\n"))
    });
    let wrong: String = wrong.collect();
    assert!(wrong.is_empty(), "{wrong}");
}
