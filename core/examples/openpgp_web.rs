//! Measures the OpenPGP web beside sequoia-wot, for `scripts/bench-web`. Prints one JSON object for each measurement.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::indexing_slicing, clippy::panic)]

use std::time::{Duration, Instant, UNIX_EPOCH};

use counterseal_core::fingerprint::OpenPgpFingerprint;
use counterseal_core::openpgp::{Certificate, FULL, Network, Reliances, Web};
use counterseal_core::time::Time;
use sequoia_openpgp::Fingerprint;
use sequoia_openpgp::policy::StandardPolicy;
use sequoia_wot as wot;

/// The day of the keyrings in Debian 12: 2022-12-24.
const AT: i64 = 1_671_840_000;
/// Steve McIntyre, who certified many.
const ROOT: &str = "CEBB52301D617E910390FE16587979573442684E";
/// A binding that many certified.
const TARGET_USER_ID: &str = "Enrico Zini <enrico@enricozini.org>";

/// How often a thing is measured.
const REPETITIONS: usize = 7;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (command, rest) = arguments.split_first().unwrap();
    match command.as_str() {
        "cold-ours" => cold_ours(rest),
        "cold-sequoia" => cold_sequoia(rest),
        "store" => store(&rest[0], &rest[1..]),
        "start" => start(&rest[0]),
        "warm" => warm(&rest[0], &rest[1..]),
        other => panic!("no such measurement: {other}"),
    }
}

/// Reads keyrings and verifies everything in them.
fn cold_ours(files: &[String]) {
    let web = import(files);
    let certifications: usize = web.certificates().map(|certificate| certificate.certifications.len()).sum();
    let certificates = web.certificates().len();
    println!("{{\"certificates\": {certificates}, \"certifications\": {certifications}, {}}}", used());
}

/// The same with sequoia-wot: all certifications on all certificates.
fn cold_sequoia(files: &[String]) {
    let bytes: Vec<u8> = files.iter().flat_map(|file| std::fs::read(file).unwrap()).collect();
    let policy = StandardPolicy::new();
    let roots: [Fingerprint; 1] = [ROOT.parse().unwrap()];
    let at = UNIX_EPOCH + Duration::from_secs(AT.unsigned_abs());
    let network = wot::Network::from_bytes(&bytes, &policy, at, &roots[..]).unwrap();
    network.preprocess();
    println!("{{{}}}", used());
}

/// Keeps what was verified, as a store would.
fn store(database: &str, files: &[String]) {
    let web = import(files);
    let mut connection = rusqlite::Connection::open(database).unwrap();
    connection
        .execute_batch("CREATE TABLE web (fingerprint BLOB PRIMARY KEY, verified BLOB NOT NULL)")
        .unwrap();
    let transaction = connection.transaction().unwrap();
    for certificate in web.certificates() {
        transaction
            .execute(
                "INSERT INTO web VALUES (?1, ?2)",
                (certificate.fingerprint.as_bytes(), certificate.to_stored()),
            )
            .unwrap();
    }
    transaction.commit().unwrap();
    println!("{{{}}}", used());
}

/// From the start of the program to the answer about one binding.
fn start(database: &str) {
    let web = open(database);
    let target = enrico(&web);
    let network = web.network(&reliances(), Time::from_unix_seconds(AT));
    let amount = network.authenticate(TARGET_USER_ID, &target, FULL.into()).amount;
    println!("{{\"amount\": {amount}, {}}}", used());
}

/// Many questions of one network, and what a change costs.
fn warm(database: &str, files: &[String]) {
    let mut web = open(database);
    let target = enrico(&web);
    let at = Time::from_unix_seconds(AT);
    let everybody = introducers(&web);
    let bindings: Vec<(OpenPgpFingerprint, String)> = web
        .certificates()
        .flat_map(|certificate| {
            certificate.user_ids.iter().map(|user_id| (certificate.fingerprint, user_id.text.clone()))
        })
        .collect();
    for (name, reliances) in [("openpgp", reliances()), ("everybody introduces", everybody)] {
        let (network, built) = timed(|| web.network(&reliances, at));
        let (found, slowest, all) = ask_all(&network, &bindings);
        let (amount, every_path) = timed(|| network.authenticate(TARGET_USER_ID, &target, u32::MAX).amount);
        println!(
            "{{\"semantics\": \"{name}\", \"bindings\": {}, \"found\": {found}, \"build_ms\": {built:.3}, \
             \"all_ms\": {all:.1}, \"slowest_ms\": {slowest:.3}, \"every_path\": {amount}, \
             \"every_path_ms\": {every_path:.3}}}",
            bindings.len(),
        );
    }
    let (amount, relied) = timed(|| {
        let changed = reliances().with_introducer(target, FULL);
        web.network(&changed, at).authenticate(TARGET_USER_ID, &target, FULL.into()).amount
    });
    println!("{{\"changed_introducer_ms\": {relied:.3}, \"amount\": {amount}}}");
    // The certificate of the target arrives again, each time with a certification more than was known.
    let packets = packets_of(&target, files);
    let mut known = web.certificate(&target).unwrap().clone();
    known.certifications.pop();
    let (amount, arrived) = timed(|| {
        web.insert(known.clone());
        web.import(&[&packets]).unwrap();
        web.network(&reliances(), at).authenticate(TARGET_USER_ID, &target, FULL.into()).amount
    });
    println!("{{\"new_certification_ms\": {arrived:.3}, \"amount\": {amount}, {}}}", used());
}

/// How many bindings are found, the slowest question and all of them in milliseconds.
fn ask_all(network: &Network<'_>, bindings: &[(OpenPgpFingerprint, String)]) -> (usize, f64, f64) {
    let mut found = 0;
    let (mut slowest, mut all) = (0.0_f64, 0.0);
    for (fingerprint, user_id) in bindings {
        let (answer, took) = timed(|| network.authenticate(user_id, fingerprint, FULL.into()));
        found += usize::from(answer.amount >= FULL.into());
        slowest = slowest.max(took);
        all += took;
    }
    (found, slowest, all)
}

/// Does some work several times; what it gave, and the least milliseconds that it took. The others
/// are what the rest of the machine was doing.
fn timed<T>(mut work: impl FnMut() -> T) -> (T, f64) {
    let mut once = || {
        let start = Instant::now();
        let done = work();
        (done, start.elapsed().as_secs_f64() * 1000.0)
    };
    let (mut done, mut least) = once();
    for _ in 1..REPETITIONS {
        let (again, took) = once();
        (done, least) = (again, least.min(took));
    }
    (done, least)
}

fn import(files: &[String]) -> Web {
    let keyrings: Vec<Vec<u8>> = files.iter().map(|file| std::fs::read(file).unwrap()).collect();
    let keyrings: Vec<&[u8]> = keyrings.iter().map(Vec::as_slice).collect();
    let mut web = Web::new();
    web.import(&keyrings).unwrap();
    web
}

fn open(database: &str) -> Web {
    let connection = rusqlite::Connection::open(database).unwrap();
    let mut statement = connection.prepare("SELECT verified FROM web").unwrap();
    let mut rows = statement.query(()).unwrap();
    let mut web = Web::new();
    while let Some(row) = rows.next().unwrap() {
        web.insert(Certificate::from_stored(row.get_ref(0).unwrap().as_blob().unwrap()).unwrap());
    }
    web
}

fn reliances() -> Reliances {
    Reliances::new().with_root(OpenPgpFingerprint::parse(ROOT).unwrap(), FULL)
}

/// Whoever is certified introduces: the largest web that these certifications make.
fn introducers(web: &Web) -> Reliances {
    web.certificates()
        .fold(reliances(), |all, certificate| all.with_introducer(certificate.fingerprint, FULL))
}

fn enrico(web: &Web) -> OpenPgpFingerprint {
    let has = |certificate: &&Certificate| certificate.user_id(TARGET_USER_ID).is_some();
    web.certificates().find(has).unwrap().fingerprint
}

/// The packets of one certificate.
fn packets_of(fingerprint: &OpenPgpFingerprint, files: &[String]) -> Vec<u8> {
    use sequoia_openpgp::cert::raw::RawCertParser;
    use sequoia_openpgp::parse::Parse as _;
    let is_meant = |bytes: &[u8]| bytes == fingerprint.as_bytes();
    for file in files {
        let bytes = std::fs::read(file).unwrap();
        let found = RawCertParser::from_bytes(&bytes)
            .unwrap()
            .flatten()
            .find(|raw| is_meant(raw.fingerprint().as_bytes()));
        if let Some(raw) = found {
            return raw.as_bytes().to_vec();
        }
    }
    panic!("{fingerprint} is in none of the files");
}

/// What this process used so far, as members of a JSON object. Ticks are hundredths of a second.
fn used() -> String {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    let main_thread = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    let nanoseconds: u64 = main_thread.split(' ').next().and_then(|first| first.parse().ok()).unwrap_or(0);
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let kibibytes: u64 = peak.split_whitespace().next().unwrap().parse().unwrap();
    format!(
        "\"cpu_s\": {:.2}, \"main_thread_ms\": {:.1}, \"peak_mb\": {:.1}",
        ticks as f64 / 100.0,
        nanoseconds as f64 / 1e6,
        kibibytes as f64 / 1024.0
    )
}
