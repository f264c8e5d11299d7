//! What sends the mail that waits, and the lines for other programs.

use super::{json, program, run, text};
use crate::people::{Place, Ran};

fn setup(place: &Place, timer: &str) -> Ran {
    let arguments =
        ["setup", "alice@example.org", "--no-check", "--json", "--server", "smtps://smtp.example.org"];
    run(place, "alice", &place.path("none"), &[&arguments[..], &["--timer", timer]].concat())
}

#[test]
fn a_timer_of_systemd_is_written_and_begun_where_somebody_is_logged_in() {
    for (code, word) in [(0, "enabled"), (1, "written")] {
        let place = Place::new();
        let calls = place.path("calls");
        program(&place, "systemctl", &format!("echo \"$*\" >> '{}'; exit {code}", calls.display()));
        assert_eq!(json(&setup(&place, "systemd").exits(0))["timer"], word);
        let service = text(&place, "xdg/systemd/user/counterseal-flush.service");
        let line = format!("ExecStart=\"{}\" queue flush --due\n", env!("CARGO_BIN_EXE_cseal"));
        assert!(service.contains(&line), "{service}");
        let timer = text(&place, "xdg/systemd/user/counterseal-flush.timer");
        assert!(
            timer.contains("OnUnitActiveSec=5min") && timer.contains("WantedBy=timers.target"),
            "{timer}"
        );
        let called = text(&place, "calls");
        if code == 0 {
            assert_eq!(called, "--user daemon-reload\n--user enable --now counterseal-flush.timer\n");
        }
        // What was written is a command line that is understood.
        place.run("alice", &["queue", "flush", "--due"]).exits(0);
    }
}

#[test]
fn a_crontab_gets_one_line_and_keeps_the_others() {
    let place = Place::new();
    let table = place.path("table");
    program(
        &place,
        "crontab",
        &format!(
            "case $1 in -l) cat '{0}' 2>/dev/null || {{ echo 'no crontab for alice' >&2; exit 1; }};; -) cat > '{0}';; esac",
            table.display()
        ),
    );
    for before in ["", "# mine\n0 4 * * * backup"] {
        if before.is_empty() {
            let _ = std::fs::remove_file(&table);
        } else {
            place.write("table", before);
        }
        for _ in 0..2 {
            assert_eq!(json(&setup(&place, "cron").exits(0))["timer"], "crontab");
        }
        let after = text(&place, "table");
        assert!(after.starts_with(before), "{after}");
        assert_eq!(after.matches("queue flush --due").count(), 1, "{after}");
    }
    // A crontab that cannot be read is not replaced.
    program(
        &place,
        "crontab",
        &format!("[ \"$1\" = - ] && cat > '{}'; echo 'you are not allowed' >&2; exit 1", table.display()),
    );
    let before = text(&place, "table");
    assert_eq!(setup(&place, "cron").exits(3).json()["error"], "timer");
    assert_eq!(text(&place, "table"), before);
}

#[test]
fn the_lines_for_other_programs_name_our_program() {
    let place = Place::new();
    let show = |names: &[&str]| {
        run(&place, "alice", &place.path("none"), &[&["setup", "--clients"], names].concat())
    };
    let all = show(&[]).exits(0).text();
    let ours = env!("CARGO_BIN_EXE_cseal-sendmail");
    assert!(all.contains(&format!("set sendmail=\"{ours}\"")), "{all}");
    for name in ["mutt", "neomutt", "git", "emacs", "aerc", "php", "cron"] {
        assert!(show(&[name]).exits(0).text().contains(ours), "{name}");
    }
    assert_eq!(show(&["outlook"]).code, 2);
    // What is printed for one is part of what is printed for all.
    assert!(all.contains(show(&["php"]).exits(0).text().trim_end()));
}

#[test]
fn a_folder_whose_name_is_two_lines_gets_no_timer() {
    let place = Place::new();
    let file = place.path("table");
    program(
        &place,
        "crontab",
        &format!("[ \"$1\" = - ] && cat > '{}'; echo 'no crontab for alice' >&2; exit 1", file.display()),
    );
    program(&place, "systemctl", "exit 0");
    let name = "two\n* * * * * touch ran";
    for timer in ["cron", "systemd"] {
        let arguments =
            ["setup", "alice@example.org", "--no-check", "--json", "--no-passphrase", "--timer", timer];
        let server = ["--server", "smtps://smtp.example.org"];
        let refused =
            run(&place, name, &place.path("none"), &[&arguments[..], &server].concat()).exits(3).json();
        assert_eq!(refused["error"], "timer", "{refused}");
    }
    assert!(!file.exists() && !place.path("xdg/systemd/user/counterseal-flush.service").exists());
}
