//! The table of attackers (`docs/trust.md`), with real certificates, signatures, records and mails: what
//! each of them makes `cseal verify` say of a mail that Alice never wrote.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::gnupg::Gnupg;
use crate::people::{Place, copy};
use crate::servers::{NameServer, Server, TlsNames, web_server};

/// The profiles, in the order of the columns.
const PROFILES: [&str; 6] = ["ca-only", "wot-only", "pin-only", "either", "blended", "hardened"];

/// What an attacker brings about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Item {
    /// A mail with the wrong key, which makes it known.
    FirstMail,
    /// Twenty mails over ninety days, in answer to one that was encrypted to the wrong key.
    NinetyDays,
    /// A certificate of a CA operator for the wrong key.
    Certificate(&'static str, &'static str),
    /// An introducer of this amount who certifies the wrong key.
    Introducer(&'static str, &'static str),
    /// Records in the DNS.
    Dns,
    /// The domain's web directory.
    WebDirectory,
    /// A statement of the key that the victim compared, that the wrong key follows it.
    StolenKey,
}
use Item::{Certificate, Dns, FirstMail, Introducer, NinetyDays, StolenKey, WebDirectory};

/// Policies of the CA/Browser Forum's S/MIME Baseline Requirements (section 7.1.6.1).
const MAILBOX: &str = "2.23.140.1.5.1.2";
const SPONSOR: &str = "2.23.140.1.5.3.2";
const ONE_MAILBOX: Item = Certificate("X", MAILBOX);
const ONE_SPONSOR: Item = Certificate("X", SPONSOR);
const FULL: Item = Introducer("dave", "120");
const MARGINAL: Item = Introducer("erin", "40");

/// All attackers of the table.
const ROWS: [(&str, &[Item]); 14] = [
    ("spoofed-from", &[FirstMail]),
    (
        "mailbox-for-an-hour",
        &[
            Certificate("1", MAILBOX),
            Certificate("2", MAILBOX),
            Certificate("3", MAILBOX),
            Certificate("4", MAILBOX),
            Certificate("5", MAILBOX),
            Certificate("6", MAILBOX),
            Certificate("7", MAILBOX),
            Certificate("8", MAILBOX),
            Certificate("9", MAILBOX),
            FirstMail,
        ],
    ),
    ("mailbox-for-90-days", &[ONE_MAILBOX, NinetyDays]),
    ("dns-hijack", &[ONE_MAILBOX, FirstMail, WebDirectory, Dns]),
    ("mail-provider", &[ONE_MAILBOX, NinetyDays, WebDirectory, Dns]),
    ("mail-provider-and-marginal-introducer", &[ONE_MAILBOX, NinetyDays, WebDirectory, Dns, MARGINAL]),
    ("mail-provider-and-full-introducer", &[ONE_MAILBOX, NinetyDays, WebDirectory, Dns, FULL]),
    ("full-introducer", &[FULL]),
    ("two-full-introducers", &[FULL, Introducer("frank", "120")]),
    ("operator-misissues", &[ONE_SPONSOR]),
    ("operator-misissues-and-90-days", &[ONE_SPONSOR, NinetyDays]),
    ("operator-and-full-introducer", &[ONE_SPONSOR, FULL]),
    ("two-operators", &[ONE_SPONSOR, Certificate("Y", SPONSOR)]),
    ("stolen-key-of-pinned-contact", &[StolenKey]),
];

/// Everything begins so many days ago, and nothing ends before so many days from now.
const DAYS_BEFORE: i64 = 91;
const VALID_DAYS: &str = "400";

/// The table as the library's own test has it, by row and profile.
fn table() -> BTreeMap<String, BTreeMap<String, u64>> {
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

/// Another home with the same store.
fn copy_home(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    copy(from, to);
}

/// Mallory has a key of her own for Alice's address, and Bob never heard of Alice.
struct Stage {
    place: Place,
    address: String,
}

/// What a row needs while it is played.
#[derive(Default)]
struct Props {
    roots: String,
    issued: String,
    policy: String,
    servers: Vec<Server>,
}

impl Stage {
    /// Alice has her mail at this domain. Nothing where a program is missing.
    fn new(domain: &str) -> Option<Self> {
        if Command::new("faketime").arg("--version").stdout(Stdio::null()).status().is_err() {
            eprintln!("SKIPPED: faketime is not installed");
            return None;
        }
        let stage = Self { place: Place::new(), address: format!("alice@{domain}") };
        for (home, address) in [("mallory", "mallory@example.com"), ("bob-new", "bob@example.org")] {
            stage.cseal(DAYS_BEFORE, home, &["init", address, "--no-passphrase", "--algorithm", "rsa-2048"]);
        }
        stage.new_key("forged");
        let public = ["x509", "-in", "forged.pem", "-noout", "-pubkey", "-out", "forged.pub"];
        stage.run(0, "openssl", "nobody", &public);
        Some(stage)
    }

    /// Runs a program as if it were some days ago.
    #[track_caller]
    fn run(&self, days_ago: i64, program: &str, home: &str, arguments: &[&str]) -> (i32, String) {
        let ran = Command::new("faketime")
            .args(["-f", &format!("-{days_ago}d"), program])
            .args(arguments)
            .current_dir(self.place.path("."))
            .env("COUNTERSEAL_HOME", self.place.path(home))
            .stdin(Stdio::null())
            .output()
            .unwrap();
        (ran.status.code().unwrap(), String::from_utf8_lossy(&ran.stderr).into_owned())
    }

    #[track_caller]
    fn cseal(&self, days_ago: i64, home: &str, arguments: &[&str]) {
        let (code, said) = self.run(days_ago, env!("CARGO_BIN_EXE_cseal"), home, arguments);
        assert_eq!(code, 0, "{arguments:?}: {said}");
    }

    #[track_caller]
    fn openssl(&self, days_ago: i64, arguments: &[&str]) {
        let (code, said) = self.run(days_ago, "openssl", "nobody", arguments);
        assert_eq!(code, 0, "{arguments:?}: {said}");
    }

    /// A key for Alice's address with a certificate that nobody issued, in files of this name.
    fn new_key(&self, name: &str) {
        let new =
            ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", VALID_DAYS, "-subj", "/CN=Alice"];
        let names = format!("subjectAltName=email:{}", self.address);
        let usage = "keyUsage=digitalSignature,keyEncipherment";
        let extensions =
            ["-addext", &names, "-addext", usage, "-addext", "basicConstraints=critical,CA:FALSE"];
        let files = ["-keyout", &format!("{name}.key"), "-out", &format!("{name}.pem")];
        self.openssl(DAYS_BEFORE, &[&new[..], &extensions, &files].concat());
    }

    /// A root that counts as one of the public list, of an operator of its own.
    fn root(&self, operator: &str) -> String {
        let (key, root) = (format!("root-{operator}.key"), format!("root-{operator}.pem"));
        let subject = format!("/O=Operator {operator}/CN=Root {operator}");
        let new = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
        let rest = ["-days", VALID_DAYS, "-addext", "keyUsage=critical,keyCertSign,cRLSign"];
        let files = ["-keyout", &key, "-out", &root, "-subj", &subject];
        self.openssl(DAYS_BEFORE, &[&new[..], &rest, &files].concat());
        format!("operator: Operator {operator}\n{}", self.text(&root))
    }

    fn text(&self, name: &str) -> String {
        String::from_utf8(self.place.read(name)).unwrap()
    }

    /// What the operator certifies: that the wrong key is Alice's.
    fn certify(&self, operator: &str, policy: &str) -> String {
        let extensions = format!(
            "subjectAltName=email:{}\nkeyUsage=critical,digitalSignature,keyEncipherment\n\
             extendedKeyUsage=emailProtection\nbasicConstraints=critical,CA:FALSE\n\
             certificatePolicies={policy}\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n",
            self.address
        );
        self.place.write("extensions", extensions);
        let (root, key) = (format!("root-{operator}.pem"), format!("root-{operator}.key"));
        let request = ["req", "-new", "-key", "forged.key", "-subj", "/CN=Alice", "-out", "request.pem"];
        self.openssl(DAYS_BEFORE, &request);
        let issue = ["x509", "-req", "-in", "request.pem", "-days", VALID_DAYS, "-CA", &root, "-CAkey", &key];
        let files = ["-extfile", "extensions", "-out", "issued.pem"];
        self.openssl(DAYS_BEFORE, &[&issue[..], &files].concat());
        self.text("issued.pem")
    }

    /// Mallory's store has the wrong key, as one would have a key that a CA certified.
    fn own(&self, name: &str) {
        self.place.write("passphrase", "secret\n");
        let (key, certificate, packed) =
            (format!("{name}.key"), format!("{name}.pem"), format!("{name}.p12"));
        let pack = ["pkcs12", "-export", "-inkey", &key, "-in", &certificate, "-out", &packed];
        self.openssl(0, &[&pack[..], &["-passout", "file:passphrase"]].concat());
        self.cseal(0, "mallory", &["keys", "import", &packed, "--passphrase-file", "passphrase"]);
    }

    fn write_twin(&self) {
        if !self.place.path("twin.asc").exists() {
            self.own("forged");
            let export = ["keys", "export", &self.address, "--for", "openpgp", "-o", "twin.asc"];
            self.cseal(0, "mallory", &export);
        }
    }

    /// Somebody whom Bob relies on certifies the twin of the wrong key.
    fn introduce(&self, victim: &str, name: &str, amount: &str) -> Option<()> {
        self.write_twin();
        let gnupg = Gnupg::at(&self.place)?;
        let friend = format!("{name}@example.org");
        gnupg.run(&["--quick-generate-key", &friend, "ed25519", "default", "never"]);
        gnupg.run(&["--import", "twin.asc"]);
        let twin = gnupg.fingerprint(&self.address);
        gnupg.run(&["--local-user", &friend, "--quick-sign-key", &twin]);
        let friend = gnupg.fingerprint(&friend);
        self.place.write("keyring.pgp", gnupg.run(&["--export", &twin, &friend]));
        drop(gnupg);
        std::fs::remove_dir_all(self.place.path("gnupg")).unwrap();
        self.cseal(0, victim, &["trust", "rely", &friend, "--amount", amount, "--keyring", "keyring.pgp"]);
        Some(())
    }

    /// A mail that says to be Alice's.
    fn draft(&self, name: &str, days_ago: i64, more: &str) {
        let date = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(24 * days_ago);
        let text = format!(
            "From: {}\r\nTo: bob@example.org\r\nSubject: Plans\r\nDate: {}\r\nMessage-ID: <{name}@example.org>\r\n\
             {more}MIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\nHello Bob, this is {name}.\r\n",
            self.address,
            date.strftime("%a, %d %b %Y %H:%M:%S +0000")
        );
        self.place.write("draft.eml", text);
    }

    /// Mallory signs it, with the certificates that CAs gave her.
    fn sign(&self, issued: &str, days_ago: i64, name: &str) {
        self.place.write("signer.pem", self.text("forged.pem") + issued);
        let sign =
            ["sign", "draft.eml", "-o", name, "--overwrite", "--key", "forged.key", "--signer", "signer.pem"];
        self.cseal(days_ago, "mallory", &sign);
    }

    /// Bob reads a mail some days ago, whatever he makes of it.
    fn read(&self, victim: &str, days_ago: i64) {
        let program = env!("CARGO_BIN_EXE_cseal");
        let (code, said) = self.run(days_ago, program, victim, &["verify", "in.eml", "-o", "/dev/null"]);
        assert!(code <= 1, "{said}");
    }

    /// A mail makes the key known; Bob answers, and gets twenty mails over ninety days. What CAs certified is
    /// first seen in the last of them, because certificates of the table are new: `aging` has older ones.
    fn correspond(&self, victim: &str, issued: &str) {
        self.draft("first", DAYS_BEFORE - 1, "");
        self.sign("", DAYS_BEFORE - 1, "in.eml");
        self.read(victim, DAYS_BEFORE - 1);
        let question = format!(
            "From: bob@example.org\r\nTo: {}\r\nMessage-ID: <question@example.org>\r\n\r\nIs it you?\r\n",
            self.address
        );
        self.place.write("question.eml", question);
        let encrypt = ["encrypt", "question.eml", "-o", "sealed.eml", "--overwrite"];
        self.cseal(DAYS_BEFORE - 1, victim, &encrypt);
        for number in 0..20 {
            let days_ago = (DAYS_BEFORE - 1) * (19 - number) / 19;
            self.draft(&format!("n{number}"), days_ago, "In-Reply-To: <question@example.org>\r\n");
            self.sign(if days_ago == 0 { issued } else { "" }, days_ago, "in.eml");
            self.read(victim, days_ago);
        }
    }

    /// The domain publishes the wrong key in the DNS.
    fn publish_records(&self, victim: &str, props: &mut Props) -> Option<()> {
        self.write_twin();
        let records =
            self.place.run("mallory", &["keys", "publish", "--smimea", &self.address]).exits(0).text();
        let zone = self.address.rsplit('@').next().unwrap();
        let server = NameServer::start(&self.place.path(&format!("{victim}-dns")), &[(zone, &records)])?;
        props.policy.push_str(&server.policy());
        props.servers.push(server.server);
        self.look_up(victim, &props.policy, "smimea", None);
        Some(())
    }

    /// The domain publishes the wrong key in its web directory.
    fn publish_directory(&self, victim: &str, props: &mut Props) -> Option<()> {
        self.write_twin();
        let root = format!("{victim}-www");
        self.place.run("mallory", &["keys", "publish", "--wkd", &root, &self.address]).exits(0);
        let tls = TlsNames::make(&self.place.path(&format!("{victim}-tls")));
        let nginx = self.place.path(&format!("{victim}-nginx"));
        let server = web_server(&nginx, &self.place.path(&root), Some(&tls), "")?;
        let domain = self.address.rsplit('@').next().unwrap();
        let hosts = [format!("openpgpkey.{domain}"), domain.to_owned()]
            .map(|name| format!("\"{name}\" = \"{}\"\n", server.address));
        props.policy = format!("[sources.hosts]\n{}{}", hosts.concat(), props.policy);
        props.servers.push(server);
        self.look_up(victim, &props.policy, "http", Some(&tls));
        Some(())
    }

    fn look_up(&self, victim: &str, policy: &str, source: &str, tls: Option<&TlsNames>) {
        self.place.write(&format!("{victim}/policy.toml"), policy);
        let find = ["keys", "find", &self.address, "--source", source, "--import"];
        let roots = tls.map_or(Path::new("/dev/null"), |tls| tls.authority.as_path());
        self.place.run_with(("SSL_CERT_FILE", roots), victim, &find).exits(0);
        std::fs::remove_file(self.place.path(&format!("{victim}/policy.toml"))).unwrap();
    }

    /// Bob compared Alice's key, and Mallory has stolen it.
    fn steal(&self, victim: &str) {
        self.new_key("stolen");
        self.own("stolen");
        self.own("forged");
        let pin = ["trust", "pin", &self.address, "--certificate", "stolen.pem"];
        self.cseal(0, victim, &pin);
        let listed = self.place.run(victim, &["trust", "list", "--json"]).exits(0).text();
        let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
        let old = listed["pins"][0]["fingerprint"].as_str().unwrap().to_owned();
        let make = ["trust", "statement", "make", "--type", "succession", &self.address, "-o", "next.pem"];
        self.cseal(0, "mallory", &[&make[..], &["--certificate", "forged.pem", "--old", &old]].concat());
        self.cseal(0, victim, &["trust", "statement", "import", "next.pem"]);
    }

    /// The scores of a row, in the order of the profiles; nothing where a program for it is missing.
    fn play(&self, row: &str, items: &[Item]) -> Option<Vec<u64>> {
        let victim = format!("bob-{row}");
        copy_home(&self.place.path("bob-new"), &self.place.path(&victim));
        let mut props = Props::default();
        for item in items {
            match item {
                Certificate(operator, policy) => {
                    props.roots.push_str(&self.root(operator));
                    props.issued.push_str(&self.certify(operator, policy));
                }
                FirstMail => {
                    self.draft("first", 0, "");
                    self.sign(&props.issued, 0, "in.eml");
                    self.read(&victim, 0);
                }
                NinetyDays => self.correspond(&victim, &props.issued),
                Introducer(name, amount) => self.introduce(&victim, name, amount)?,
                Dns => self.publish_records(&victim, &mut props)?,
                WebDirectory => self.publish_directory(&victim, &mut props)?,
                StolenKey => self.steal(&victim),
            }
        }
        self.draft("last", 0, "");
        self.sign(&props.issued, 0, "forged.eml");
        Some(PROFILES.map(|profile| self.score(row, &victim, profile, &props.roots)).to_vec())
    }

    /// What the mail gets by a profile.
    fn score(&self, row: &str, victim: &str, profile: &str, roots: &str) -> u64 {
        let bundle = if roots.is_empty() {
            "none".to_owned()
        } else {
            self.place.write(&format!("{row}.roots"), roots).to_str().unwrap().to_owned()
        };
        let home = format!("{victim}-{profile}");
        copy_home(&self.place.path(victim), &self.place.path(&home));
        let policy =
            format!("profile = \"{profile}\"\nrevocation = \"off\"\n[anchors]\nbundle = \"{bundle}\"\n");
        self.place.write(&format!("{home}/policy.toml"), policy);
        let read = self.place.run(&home, &["verify", "--json", "--no-history", "forged.eml"]).json();
        let score = read["score"].as_u64().unwrap();
        assert_eq!(read["verdict"] == "verified", score >= 120, "{row} {profile}: {read}");
        score
    }
}

#[test]
fn each_attacker_gets_as_far_as_the_table_says() {
    let table = table();
    let Some(stage) = Stage::new("example.org") else { return };
    // A domain whose records are not signed.
    let Some(unsigned) = Stage::new("example.net") else { return };
    let attackers: Vec<&str> = ROWS.iter().map(|(row, _)| *row).collect();
    assert!(table.keys().all(|row| attackers.contains(&row.as_str())));
    let wrong = ROWS.iter().filter_map(|(row, items)| {
        let stage = if *row == "dns-hijack" { &unsigned } else { &stage };
        let scores = stage.play(row, items)?;
        let expected: Vec<u64> = PROFILES.iter().map(|profile| table[*row][*profile]).collect();
        (scores != expected).then(|| format!("{row}: {scores:?}, not {expected:?}\n"))
    });
    let wrong: String = wrong.collect();
    assert!(wrong.is_empty(), "{wrong}");
}
