//! Certificates that were seen long ago, and that their owner could have noticed. Skipped, loudly, where
//! there is no `faketime` or no `openssl`.

use std::process::{Command, Stdio};

use crate::people::Place;
use crate::witness::Authority;

/// Two and four years, as the formula counts them.
const TWO_YEARS: i64 = 731;
const FOUR_YEARS: i64 = 1461;
const EXTENSIONS: &str = "subjectAltName=email:dave@example.org\nkeyUsage=critical,digitalSignature,keyEncipherment\n\
    extendedKeyUsage=emailProtection\nbasicConstraints=critical,CA:FALSE\n\
    certificatePolicies=2.23.140.1.5.1.2\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n";
/// Everything that is made is valid long enough.
const DAYS: &str = "9000";

/// Bob, and Dave, for whose address a public CA has certified a key.
struct Stage(Place);

impl Stage {
    /// The root and Bob are so old.
    fn new(profile: &str, days_ago: i64) -> Option<Self> {
        for program in ["faketime", "openssl"] {
            let version = if program == "openssl" { "version" } else { "--version" };
            if Command::new(program).arg(version).stdout(Stdio::null()).status().is_err() {
                eprintln!("SKIPPED: {program} is not installed");
                return None;
            }
        }
        let stage = Self(Place::new());
        let before = days_ago + 2;
        let key = ["req", "-x509", "-nodes", "-days", DAYS, "-newkey", "rsa:2048"];
        let root = ["-subj", "/O=Operator/CN=Root", "-addext", "keyUsage=critical,keyCertSign,cRLSign"];
        stage.openssl(before, &[&key[..], &root, &["-keyout", "root.key", "-out", "root.pem"]].concat());
        let own = ["-subj", "/CN=Dave", "-addext", "subjectAltName=email:dave@example.org"];
        let own = [&own[..], &["-addext", "basicConstraints=critical,CA:FALSE"]].concat();
        stage.openssl(before, &[&key[..], &own, &["-keyout", "dave.key", "-out", "self.pem"]].concat());
        stage.cseal(
            before,
            "bob-new",
            &["init", "bob@example.org", "--no-passphrase", "--algorithm", "rsa-2048"],
        );
        let root = String::from_utf8(stage.0.read("root.pem")).unwrap();
        let bundle = stage.0.write("roots", format!("operator: Operator\n{root}"));
        let policy = format!(
            "profile = \"{profile}\"\nrevocation = \"off\"\n[anchors]\nbundle = \"{}\"\n",
            bundle.display()
        );
        stage.0.write("bob-new/policy.toml", policy);
        Some(stage)
    }

    #[track_caller]
    fn run(&self, days_ago: i64, program: &str, home: &str, arguments: &[&str]) -> i32 {
        let mut command = Command::new("faketime");
        command.args(["-f", &format!("-{days_ago}d"), program]).args(arguments);
        let command = command.current_dir(self.0.path(".")).env("COUNTERSEAL_HOME", self.0.path(home));
        let ran = command.stdin(Stdio::null()).output().unwrap();
        let said = String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.code().is_some_and(|code| code <= 1), "{arguments:?}: {said}");
        ran.status.code().unwrap()
    }

    #[track_caller]
    fn cseal(&self, days_ago: i64, home: &str, arguments: &[&str]) {
        assert_eq!(self.run(days_ago, env!("CARGO_BIN_EXE_cseal"), home, arguments), 0, "{arguments:?}");
    }

    #[track_caller]
    fn openssl(&self, days_ago: i64, arguments: &[&str]) {
        assert_eq!(self.run(days_ago, "openssl", "nobody", arguments), 0, "{arguments:?}");
    }

    /// The CA certifies Dave's key.
    fn certify(&self, days_ago: i64, name: &str) {
        self.0.write("extensions", EXTENSIONS);
        self.openssl(days_ago, &["req", "-new", "-key", "dave.key", "-subj", "/CN=Dave", "-out", "request"]);
        let issue =
            ["x509", "-req", "-in", "request", "-days", DAYS, "-CA", "root.pem", "-CAkey", "root.key"];
        let serial = ["-set_serial", &format!("{}", 1 + days_ago), "-extfile", "extensions", "-out", name];
        self.openssl(days_ago, &[&issue[..], &serial].concat());
    }

    /// Bob reads a mail that Dave signed with his key and this certificate.
    fn read(&self, days_ago: i64, certificate: &str, more: &str) {
        let date = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(24 * days_ago);
        let text = format!(
            "From: dave@example.org\r\nTo: bob@example.org\r\nSubject: Plans\r\nDate: {}\r\n\
             Message-ID: <{days_ago}-{certificate}-{}@example.org>\r\n{more}MIME-Version: 1.0\r\n\
             Content-Type: text/plain\r\n\r\nHello Bob.\r\n",
            date.strftime("%a, %d %b %Y %H:%M:%S +0000"),
            more.len()
        );
        self.0.write("draft.eml", text);
        let sign = [
            "sign",
            "draft.eml",
            "-o",
            "in.eml",
            "--overwrite",
            "--key",
            "dave.key",
            "--signer",
            certificate,
        ];
        self.cseal(days_ago, "nobody", &sign);
        self.run(days_ago, env!("CARGO_BIN_EXE_cseal"), "bob-new", &["verify", "in.eml", "-o", "/dev/null"]);
    }

    /// Bob writes to Dave, who answers.
    fn correspond(&self, days_ago: i64, certificate: &str) {
        let question = "From: bob@example.org\r\nTo: dave@example.org\r\n\
            Message-ID: <question@example.org>\r\n\r\nIs it you?\r\n";
        self.0.write("question.eml", question);
        let encrypt = ["encrypt", "question.eml", "-o", "sealed.eml", "--overwrite", "--no-sign"];
        self.cseal(days_ago, "bob-new", &encrypt);
        self.read(days_ago, certificate, "In-Reply-To: <question@example.org>\r\n");
    }

    /// What the chains to the root are worth, and the age of each.
    #[track_caller]
    fn chains(&self) -> Vec<(u64, serde_json::Value)> {
        let shown = self.0.run("bob-new", &["trust", "show", "dave@example.org", "--json"]);
        let object: serde_json::Value = serde_json::from_slice(&shown.stdout)
            .unwrap_or_else(|error| panic!("{error}: {} {}", shown.text(), shown.stderr));
        let evidence = object["evidence"].as_array().unwrap().iter();
        let chains = evidence.filter(|item| item["kind"] == "chain");
        chains.map(|item| (item["points"].as_u64().unwrap(), item["witnessed"].clone())).collect()
    }

    fn change_store(&self, sql: &str) {
        rusqlite::Connection::open(self.0.path("bob-new/store.sqlite3")).unwrap().execute_batch(sql).unwrap();
    }

    fn dates(&self, kinds: &str) -> i64 {
        let file = rusqlite::Connection::open(self.0.path("bob-new/store.sqlite3")).unwrap();
        let query = format!("SELECT count(*) FROM evidence WHERE kind IN ({kinds})");
        file.query_row(&query, [], |row| row.get(0)).unwrap()
    }
}

#[test]
fn a_certificate_that_was_in_two_way_mail_for_two_years_is_worth_twice_as_much() {
    let Some(stage) = Stage::new("blended", TWO_YEARS) else { return };
    stage.certify(TWO_YEARS + 1, "old.pem");
    stage.read(TWO_YEARS, "old.pem", "");
    // Nobody else could have noticed it so far.
    assert_eq!(stage.chains(), [(40, serde_json::Value::Null)]);
    stage.correspond(TWO_YEARS, "old.pem");
    let chains = stage.chains();
    assert_eq!((chains.len(), chains[0].0, &chains[0].1["own_history"]), (1, 80, &true.into()), "{chains:?}");
    let words = stage.0.run("bob-new", &["trust", "show", "dave@example.org"]).text();
    assert!(words.contains("witnessed since") && words.contains("by your history"), "{words}");
    // A later mail with it does not make it younger.
    stage.read(0, "old.pem", "");
    assert_eq!(stage.chains()[0].0, 80);
    // Dates are signed, and each belongs to its certificate.
    let copy = stage.0.read("bob-new/store.sqlite3");
    for attack in ["added = added - 1", "name = zeroblob(32)", "kind = 'exposure'"] {
        stage.change_store(&format!("UPDATE evidence SET {attack} WHERE kind = 'certificate-seen'"));
        stage.0.run("bob-new", &["trust", "show", "dave@example.org"]).exits(4);
        std::fs::remove_file(stage.0.path("bob-new/store.sqlite3-wal")).ok();
        std::fs::remove_file(stage.0.path("bob-new/store.sqlite3-shm")).ok();
        stage.0.write("bob-new/store.sqlite3", &copy);
    }
    assert_eq!(stage.chains()[0].0, 80);
    stage.0.run("bob-new", &["trust", "forget", "dave@example.org"]).exits(0);
    assert_eq!(stage.dates("'certificate-seen', 'exposure'"), 0);
}

#[test]
fn four_years_are_worth_all_that_the_mail_provider_is() {
    let Some(stage) = Stage::new("either", FOUR_YEARS) else { return };
    stage.certify(FOUR_YEARS + 1, "old.pem");
    stage.read(FOUR_YEARS, "old.pem", "");
    stage.correspond(FOUR_YEARS, "old.pem");
    assert_eq!(stage.chains()[0].0, 100);
}

#[test]
fn age_begins_when_both_sides_have_been_heard() {
    let Some(stage) = Stage::new("blended", FOUR_YEARS) else { return };
    stage.certify(FOUR_YEARS + 1, "old.pem");
    stage.read(FOUR_YEARS, "old.pem", "");
    // A forger who waited in silence has waited for nothing.
    stage.read(1, "old.pem", "");
    stage.correspond(1, "old.pem");
    assert_eq!(stage.chains(), [(40, serde_json::Value::Null)]);
}

#[test]
fn a_certificate_that_is_issued_anew_for_an_old_key_is_new_unless_a_believed_authority_stamped_it() {
    let Some(stage) = Stage::new("either", FOUR_YEARS) else { return };
    stage.read(FOUR_YEARS, "self.pem", "");
    stage.correspond(FOUR_YEARS, "self.pem");
    stage.certify(FOUR_YEARS, "issued.pem");
    stage.read(0, "issued.pem", "");
    assert_eq!(stage.chains(), [(40, serde_json::Value::Null)]);

    let Some(authority) = Authority::of_days_ago(&stage.0, "tsa", FOUR_YEARS) else { return };
    let Some(other) = Authority::of_days_ago(&stage.0, "other", FOUR_YEARS) else { return };
    stage.openssl(0, &["x509", "-in", "issued.pem", "-outform", "DER", "-out", "tsa/issued.der"]);
    authority.openssl("ts -query -data issued.der -sha256 -cert -out issued.tsq");
    let question = stage.0.read("tsa/issued.tsq");
    stage.0.write("issued.tsr", authority.reply(&question));
    stage.0.write("other.tsr", other.reply(&question));
    let stamp = |name: &str| {
        stage.0.run("bob-new", &["trust", "witness", "stamp", "dave@example.org", "--response", name])
    };
    // Nobody believes either of them.
    stamp("issued.tsr").exits(3);
    let add = ["trust", "witness", "add", "--certificate", &authority.certificate()];
    stage.0.run("bob-new", &add).exits(0);
    stamp("other.tsr").exits(3);
    assert_eq!(stage.chains()[0].0, 40);
    stamp("issued.tsr").exits(0);
    let chains = stage.chains();
    assert_eq!((chains[0].0, &chains[0].1["own_history"]), (100, &false.into()), "{chains:?}");
    assert_eq!(chains[0].1["authorities"].as_array().unwrap().len(), 1, "{chains:?}");
    // A later stamp of the same is not taken in its place.
    let late = Authority::of_days_ago(&stage.0, "late", 0).unwrap();
    for name in ["ca.pem", "tsa.key", "tsa.pem"] {
        stage.0.write(&format!("late/{name}"), stage.0.read(&format!("tsa/{name}")));
    }
    stage.0.write("late.tsr", late.reply(&question));
    stamp("late.tsr").exits(0);
    assert_eq!(stage.chains()[0].0, 100);
    stage.0.run("bob-new", &["trust", "witness", "remove", authority_name(&stage)]).exits(0);
    assert_eq!(stage.chains(), [(40, serde_json::Value::Null)]);
    assert_eq!(stage.dates("'evidence-time-stamp'"), 0);
}

/// The fingerprint of the one witness.
fn authority_name(stage: &Stage) -> &'static str {
    let listed = stage.0.run("bob-new", &["trust", "witness", "list", "--json"]).exits(0);
    let object: serde_json::Value = serde_json::from_slice(&listed.stdout).unwrap();
    object["witnesses"][0]["fingerprint"].as_str().unwrap().to_owned().leak()
}
