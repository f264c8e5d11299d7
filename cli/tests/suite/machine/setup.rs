//! `cseal setup --system`: what it writes, what it keeps, and what it does not begin.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use super::host::{Machine, SERVICE};

fn mode(machine: &Machine, path: &str) -> (u32, u32) {
    let found = fs::symlink_metadata(machine.path(path)).unwrap();
    (found.permissions().mode() & 0o7777, found.uid())
}

#[test]
fn what_is_made_belongs_to_root_and_is_readable_where_it_must_be() {
    let Some(machine) = Machine::bare() else { return };
    let certificate = machine.outbox.place.path("alice.pem");
    let reader = ["setup", "--system", "--root-mail", "alice@example.org", "--user", "alice"];
    let rest = ["--smtp", "smtps://smtp.example.org", "--certificate", certificate.to_str().unwrap()];
    // Whatever is masked for whoever calls.
    let program = machine.path("bin/cseal");
    let before = ["umask", "077;", "exec", program.to_str().unwrap()];
    let line = [&before[..], &reader, &rest].concat();
    let said = machine.shell(0, &line.join(" ")).exits(0).text();
    for (path, expected) in [
        ("etc/counterseal", 0o755),
        ("var/lib/counterseal", 0o755),
        ("var/spool/counterseal", 0o1733),
        ("etc/counterseal/config.toml", 0o644),
        ("etc/counterseal/policy.toml", 0o644),
        ("etc/counterseal/aliases", 0o644),
        ("etc/counterseal/password", 0o600),
        ("var/lib/counterseal/alice@example.org.pem", 0o644),
        ("etc/cron.d/counterseal", 0o644),
    ] {
        assert_eq!(mode(&machine, path), (expected, 0), "{path}");
        assert!(said.contains(&format!("made      /{path}\n")), "{said}");
    }
    assert_eq!(mode(&machine, "var/spool/counterseal/33"), (0o700, SERVICE));
    assert_eq!(fs::read(machine.path("etc/counterseal/password")).unwrap(), b"");
    assert!(said.contains("Write the password of the account into /etc/counterseal/password,"), "{said}");
    let missing = machine.cseal(0, &["doctor"]).exits(1).text();
    assert!(missing.contains("/etc/counterseal/password is empty"), "{missing}");
    assert!(said.contains("dpkg-divert") && said.contains("update-alternatives"), "{said}");
    let shelf = fs::read_to_string(machine.path("var/lib/counterseal/alice@example.org.pem")).unwrap();
    assert!(shelf.contains("BEGIN CERTIFICATE") && !shelf.contains("PRIVATE"));
    let fingerprint = machine.outbox.place.read("alice.fingerprint");
    assert!(said.contains(String::from_utf8_lossy(&fingerprint).trim()), "{said}");
}

#[test]
fn a_second_time_nothing_changes_but_what_is_named() {
    let Some(machine) = Machine::new(9) else { return };
    let settings = "[account.mine]\nsmtp = \"smtp://127.0.0.1:9\"\n";
    machine.write("etc/counterseal/config.toml", settings);
    machine.write("etc/counterseal/aliases", "www-data: root\nroot: alice@example.org\n");
    let again: serde_json::Value =
        serde_json::from_slice(&machine.cseal(0, &["setup", "--system", "--json"]).exits(0).stdout).unwrap();
    assert_eq!((&again["made"], &again["replaced"]), (&serde_json::json!([]), &serde_json::json!([])));
    let certificate = machine.outbox.place.path("bob.pem");
    let bob = [
        "setup",
        "--system",
        "--root-mail",
        "bob@example.org",
        "--certificate",
        certificate.to_str().unwrap(),
    ];
    machine.cseal(0, &bob).exits(0);
    assert_eq!(fs::read_to_string(machine.path("etc/counterseal/config.toml")).unwrap(), settings);
    let aliases = fs::read_to_string(machine.path("etc/counterseal/aliases")).unwrap();
    assert_eq!(aliases, "www-data: root\nroot: bob@example.org\n");
    machine.sendmail(SERVICE, &["-odq", "root", "carol@example.org"], "x\n").exits(77);
    machine.sendmail(SERVICE, &["-odq", "root", "alice@example.org"], "x\n").exits(0);
}

#[test]
fn whoever_is_not_root_or_brings_no_certificate_changes_nothing() {
    let Some(machine) = Machine::bare() else { return };
    let certificate = machine.write("home/alice.pem", "no certificate\n");
    for (user, arguments, code) in [
        (SERVICE, vec!["--root-mail", "alice@example.org"], 3),
        (0, vec![], 2),
        (0, vec!["--root-mail", "alice"], 2),
        (0, vec!["--root-mail", "alice@example.org"], 1),
        (0, vec!["--root-mail", "alice@example.org", "--certificate", certificate.to_str().unwrap()], 3),
    ] {
        machine.cseal(user, &[&["setup", "--system"], &arguments[..]].concat()).exits(code);
        assert!(!machine.path("etc/counterseal").exists() && !machine.path("var/spool/counterseal").exists());
    }
}

#[test]
fn the_certificate_comes_from_the_store_of_root_too() {
    let Some(machine) = Machine::bare() else { return };
    let store = "root/.local/share/counterseal";
    fs::create_dir_all(machine.path(store)).unwrap();
    crate::people::copy(&machine.outbox.place.path("bob"), &machine.path(store));
    machine.cseal(0, &["setup", "--system", "--root-mail", "alice@example.org"]).exits(0);
    assert!(machine.path("var/lib/counterseal/alice@example.org.pem").exists());
    machine.cseal(0, &["setup", "--system", "--root-mail", "carol@example.org"]).exits(1);
}

#[test]
fn a_certificate_that_nothing_is_encrypted_to_is_no_readers() {
    let Some(machine) = Machine::bare() else { return };
    // What OpenSSL makes where nobody says otherwise.
    let make = "cd /root && openssl req -x509 -days 31 -newkey rsa:2048 -nodes -keyout k.pem -out own.pem -subj /CN=Own \
                -addext subjectAltName=email:own@example.org -addext keyUsage=keyEncipherment";
    machine.shell(0, make).exits(0);
    let reader = ["setup", "--system", "--root-mail", "own@example.org", "--certificate", "/root/own.pem"];
    let said = machine.cseal(0, &reader).exits(3).stderr;
    assert!(said.contains("CA:TRUE") && !machine.path("etc/counterseal").exists(), "{said}");
    // Who puts it there by hand hears of it.
    let alice = machine.outbox.place.path("alice.pem");
    let reader = ["setup", "--system", "--root-mail", "alice@example.org", "--certificate"];
    machine.cseal(0, &[&reader[..], &[alice.to_str().unwrap()]].concat()).exits(0);
    machine.write("etc/counterseal/aliases", "root: own@example.org\n");
    machine.shell(0, "install -m 644 /root/own.pem /var/lib/counterseal/own.pem").exits(0);
    let doctor = machine.cseal(0, &["doctor"]).exits(3).text();
    assert!(doctor.contains("no certificate that mail can be encrypted to"), "{doctor}");
}

#[test]
fn a_certificate_that_has_ended_is_not_put_on_the_shelf() {
    let Some(machine) = Machine::bare() else { return };
    let make = "cd /root && TZ=UTC faketime '2020-01-01 00:00:00' openssl req -x509 -days 31 -newkey rsa:2048 -nodes -keyout k.pem -out old.pem -subj /CN=Old \
                -addext subjectAltName=email:old@example.org \
                -addext keyUsage=keyEncipherment 2>/dev/null || exit 9";
    if machine.shell(0, make).code == 9 {
        eprintln!("SKIPPED: a certificate of the past, because there is no faketime");
        return;
    }
    let reader = ["setup", "--system", "--root-mail", "old@example.org", "--certificate", "/root/old.pem"];
    let said = machine.cseal(0, &reader).exits(1).stderr;
    assert!(said.contains("ended on 2020-02-01") && !machine.path("etc/counterseal").exists(), "{said}");
}

#[test]
fn where_systemd_runs_the_machine_its_timer_sends() {
    let Some(machine) = Machine::new(9) else { return };
    let systemctl = machine.write("home/bin/systemctl", "#!/bin/sh\necho \"$@\" >> /root/systemctl.log\n");
    fs::set_permissions(&systemctl, fs::Permissions::from_mode(0o755)).unwrap();
    let program = machine.path("bin/cseal").display().to_string();
    let line = format!(
        "mkdir -p /run/systemd/system && PATH=/home/bin:$PATH {program} setup --system; \
         systemd-analyze verify /etc/systemd/system/counterseal-flush.service /etc/systemd/system/counterseal-flush.timer 2>&1 || true"
    );
    let said = machine.shell(0, &format!("mount -t tmpfs tmpfs /run && {line}")).exits(0).text();
    let log = fs::read_to_string(machine.path("root/systemctl.log")).unwrap();
    assert_eq!(log, "daemon-reload\nenable --now counterseal-flush.timer\n");
    let service = fs::read_to_string(machine.path("etc/systemd/system/counterseal-flush.service")).unwrap();
    assert!(service.contains(&format!("ExecStart={program} queue flush --due --system\n")), "{service}");
    assert!(!said.contains("Unknown") && !said.contains("ignoring"), "{said}");
    // One that cannot be begun is said, with what to type.
    fs::write(&systemctl, "#!/bin/sh\nexit 1\n").unwrap();
    let said = machine.shell(0, &format!("mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/system && PATH=/home/bin:$PATH {program} setup --system"));
    assert!(said.exits(3).stderr.contains("systemctl daemon-reload"));
}

#[test]
fn root_runs_no_program_that_others_can_exchange() {
    let Some(machine) = Machine::bare() else { return };
    let certificate = machine.outbox.place.path("alice.pem");
    let arguments =
        format!("setup --system --root-mail alice@example.org --certificate {}", certificate.display());
    let copy = "cp \"$(dirname \"$1\")\"/cseal* /home/mallory/bin/";
    let program = machine.path("bin/cseal").display().to_string();
    for change in [
        "chown mallory /home/mallory/bin/cseal",
        "chown root /home/mallory/bin/cseal; chmod 777 /home/mallory/bin/cseal",
        // The file is root's, and the folder is not.
        "true",
    ] {
        let line =
            format!("mkdir -p /home/mallory/bin; {copy}; {change}; exec /home/mallory/bin/cseal {arguments}");
        let refused = machine.as_user(0, "sh", &["-c", &line, "sh", &program], b"").exits(3).stderr;
        assert!(refused.contains("root's timer does not run it"), "{change}: {refused}");
        for path in ["etc/counterseal", "etc/cron.d/counterseal", "var/spool/counterseal"] {
            assert!(!machine.path(path).exists(), "{change}: {path}");
        }
    }
    machine.shell(0, &format!("exec {program} {arguments}")).exits(0);
}

#[test]
fn root_makes_no_folder_in_the_home_of_whoever_began_sudo() {
    let Some(machine) = Machine::bare() else { return };
    let program = machine.path("bin/cseal");
    let line = format!(
        "export XDG_CONFIG_HOME=/home/mallory/new/config XDG_DATA_HOME=/home/mallory/data; exec {} setup alice@example.org \
         --no-passphrase --no-check --timer none --yes --server smtps://smtp.example.org",
        program.display()
    );
    machine.shell(0, &line).exits(0);
    assert_eq!(fs::read_dir(machine.path("home/mallory")).unwrap().count(), 0);
    assert!(machine.path("root/.config/counterseal/config.toml").exists());
}
