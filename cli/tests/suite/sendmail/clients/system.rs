//! What a machine sends mail with on its own.

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use super::{BODY, find, own_machine, recipe, wrapper};
use crate::sendmail::{MARKER, Outbox, program};
use crate::submission::servers::wait_until;

/// Runs a script that ends by itself, and waits for as many mails.
#[track_caller]
fn run(outbox: &Outbox, mut machine: Command, input: &str, mails: usize) {
    let mut child = machine.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let said = child.wait_with_output().unwrap().stderr;
    let said = String::from_utf8_lossy(&said).into_owned();
    wait_until(&said, || outbox.mails("new").len() >= mails);
}

/// The text as a job prints it.
fn job() -> String {
    format!("printf '{}'", BODY.replace('\n', "\\n"))
}

#[test]
fn the_real_cron_mails_what_a_job_says() {
    if find("cron").is_none() {
        return;
    }
    let outbox = Outbox::new();
    let people = "bob@example.org,carol@example.org";
    let table = outbox.place.write("crontab", format!("MAILTO={people}\n@reboot {}\n", job()));
    let script = format!(
        "mount -t tmpfs none /run\nmount -t tmpfs none /var/spool/cron\nmkdir /var/spool/cron/crontabs\n\
         install -m 600 {} /var/spool/cron/crontabs/root\ntimeout 3 cron -f || true",
        table.display()
    );
    let Some(machine) = own_machine(&outbox, &script) else { return };
    run(&outbox, machine, "", 1);
    outbox.reached_all(false);
}

#[test]
fn the_real_at_mails_what_a_job_says_to_whom_the_aliases_name() {
    if find("atd").is_none() {
        return;
    }
    let outbox = Outbox::new();
    let script = "mount -t tmpfs none /run\nmount -t tmpfs none /var/spool/cron\ncd /var/spool/cron\n\
                  mkdir atjobs atspool\ntouch atjobs/.SEQ\nchown -R daemon:daemon atjobs atspool\n\
                  at now 2>/dev/null\ntimeout 3 atd -f -b 1 || true";
    let Some(machine) = own_machine(&outbox, script) else { return };
    run(&outbox, machine, &job(), 1);
    outbox.reached_all(false);
}

#[test]
fn sudo_tells_of_what_was_run_and_of_a_wrong_password() {
    if find("sudo").is_none() {
        return;
    }
    let outbox = Outbox::new();
    let settings = recipe("sudo").replace(program().to_str().unwrap(), wrapper(&outbox).to_str().unwrap());
    let more =
        "Defaults mail_badpass, passwd_tries=1, !lecture\nroot ALL = NOPASSWD: ALL\nnobody ALL = ALL\n";
    let file = outbox.place.write("sudoers", format!("{settings}{more}"));
    let script = |rest: &str| {
        format!(
            "install -o root -g root -m 440 {0} {0}.own\nmount --bind {0}.own /etc/sudoers\n{rest}",
            file.display()
        )
    };
    let always = script("sudo -n sh -c ': the-usual-place-at-half-past-twelve'");
    let Some(machine) = own_machine(&outbox, &always) else { return };
    run(&outbox, machine, "", 2);
    outbox.reached(&["bob carol", "bob carol"], MARKER);
    outbox.clear();
    // sudo mails as who called it: here somebody else than root, to whom the store belongs now.
    let mut own = Command::new("chown");
    assert!(own.args(["-R", "nobody"]).arg(outbox.place.path("")).status().unwrap().success());
    let wrong = script("setpriv --reuid=nobody --regid=nogroup --clear-groups sudo -S -k true || true");
    run(&outbox, own_machine(&outbox, &wrong).unwrap(), "wrong\n", 1);
    outbox.check_sealed(&outbox.mails("new")[0], "incorrect password attempt");
}

#[test]
fn logwatch() {
    if find("logwatch").is_none() {
        return;
    }
    let outbox = Outbox::new();
    let folders = ["conf", "logs"].map(|name| outbox.place.path(name));
    for folder in &folders {
        fs::create_dir(folder).unwrap();
    }
    let settings =
        recipe("logwatch").replace(program().to_str().unwrap(), wrapper(&outbox).to_str().unwrap());
    fs::write(folders[0].join("logwatch.conf"), settings).unwrap();
    let line = jiff::Zoned::now()
        .strftime(&format!("%b %e %H:%M:%S host CRON[1]: (root) CMD ({MARKER})\n"))
        .to_string();
    for name in ["syslog", "cron.log"] {
        fs::write(folders[1].join(name), &line).unwrap();
    }
    let script = format!(
        "mount --bind {} /etc/logwatch/conf\nlogwatch --output mail --mailto bob@example.org --logdir {} --service cron \
         --range all --detail high",
        folders[0].display(),
        folders[1].display()
    );
    let Some(machine) = own_machine(&outbox, &script) else { return };
    run(&outbox, machine, "", 1);
    outbox.reached(&["bob"], MARKER);
}

#[test]
fn what_cron_and_at_run_is_sealed_for_whom_the_aliases_name() {
    let Some(shell) = find("sh") else { return };
    let outbox = Outbox::new();
    let link = outbox.place.path("sendmail");
    std::os::unix::fs::symlink(program(), &link).unwrap();
    let mail = format!("From: root (Cron Daemon)\nTo: root\nSubject: Cron <root@host> job\n\n{BODY}");
    fs::write(outbox.place.path("mail.txt"), mail).unwrap();
    // The stock command lines of Debian's cron, of cronie and of at.
    for line in
        ["-FCronDaemon -i -B8BITMIME -oem root", "-FCronDaemon -i -odi -oem -oi -t -f root", "-i root"]
    {
        outbox.clear();
        outbox.client(&shell, &["-c", &format!("./sendmail {line} < mail.txt")], "");
        assert!(outbox.only("new").units[0].message.contains("From: alice@example.org\r\n"));
        outbox.reached_all(false);
    }
}
