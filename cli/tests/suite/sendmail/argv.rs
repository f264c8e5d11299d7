//! What real programs pass, recorded in front of a mail server: one row for each of them.

use super::{MARKER, Outbox, program};

/// How lines end on standard input.
#[derive(Clone, Copy, Debug)]
enum Ends {
    Lf,
    Crlf,
    /// The header with CRLF, the text with LF: PHP.
    Mixed,
    /// LF, and the last line has none.
    Open,
    /// CRLF, and the last line has none.
    CrlfOpen,
}

use Ends::{Crlf, CrlfOpen, Lf, Mixed, Open};

/// Those that speak SMTP (Symfony Mailer, nmh, swaks, alpine) are in `dialogue.rs`.
///
/// The program, its arguments, the line ends, whether Bcc stands in the mail, and which of From, Date and Message-ID do.
/// T, C and B are Bob in To, Carol in Cc, and Alice herself in Bcc.
#[rustfmt::skip]
const ROWS: &[(&str, &str, Ends, bool, &str)] = &[
    ("mutt", "-- T C B", Lf, false, "yyy"),
    ("mutt-8bit-dsn", "-oem -oi -B8BITMIME -f bounce@example.net -N failure,delay -R hdrs -- T C B", Lf, false, "yyy"),
    ("mutt-H", "-- T C B", Lf, false, "yyy"),
    ("mutt-bounce", "-- T", Lf, true, "yyy"),
    ("neomutt", "-- T C B", Lf, false, "yyy"),
    ("neomutt-8bit-dsn", "-oem -oi -B8BITMIME -f bounce@example.net -N failure,delay -R hdrs -- T C B", Lf, true, "yyy"),
    ("neomutt-H", "-- T C B", Lf, false, "yyy"),
    ("neomutt-bounce", "-- T", Lf, true, "yyy"),
    ("git-cmd", "-i T C B", Lf, false, "yyy"),
    ("git-smtpserver", "-f alice@example.org -i T C B", Lf, false, "yyy"),
    ("git-cmd-opts", "-oi -odi -f env@example.net -i T C B", Lf, false, "yyy"),
    ("git-series2", "-i T C B", Lf, false, "yyy"),
    ("s-nail", "-i -- T C B", Lf, false, "yyy"),
    ("s-nail-t-r", "-i -oem -F Bounce -f bounce@example.net -- T C B", Lf, false, "yyy"),
    ("s-nail-sendmail-var", "-i -- T", Lf, false, "yyy"),
    ("bsd-mailx", "-i -t", Lf, true, "nnn"),
    ("bsd-mailx-r", "-i -t -f bounce@example.net", Lf, false, "ynn"),
    ("mailutils", "-oi -f alice@host.example.net -t", Lf, true, "nyn"),
    ("mailutils-r", "-oi -f bounce@example.net -t", Lf, false, "nyn"),
    ("mail-default", "-i -t", Lf, false, "nnn"),
    ("php-mail", "-t -i", Mixed, true, "ynn"),
    ("php-mail-f", "-t -i -fbounce@example.net -F Bob", Crlf, false, "ynn"),
    ("phpmailer", "-t -i -oi -fbounce@example.net -t", Lf, true, "yyy"),
    ("symfony-t", "-oi -falice@example.org -- T C B", Open, false, "yyy"),
    ("py-t-oi", "-t -oi", Lf, true, "ynn"),
    ("py-crlf-oi-t", "-oi -t", Crlf, true, "ynn"),
    ("py-smtputf8", "-i -t", Crlf, true, "ynn"),
    ("py-rcpts-i-f", "-i -f bounce@example.net -- T B", Lf, true, "ynn"),
    ("nodemailer-unix", "-i -f alice@example.org T C B", Lf, true, "yyy"),
    ("nodemailer-win", "-i -f alice@example.org T C B", Crlf, true, "yyy"),
    ("nodemailer-args", "-i -f bounce@example.net T C B", Lf, true, "yyy"),
    ("perl-email-sender", "-i -f bounce@example.net -- T B", Lf, false, "ynn"),
    ("perl-mime-lite", "-t -oi -oem -falice@example.org", Lf, true, "yyn"),
    ("ruby-mail", "-i -f alice@example.org -- T C B", Lf, false, "yyy"),
    ("emacs-message", "-oi -f alice@example.org -t", Lf, true, "yyy"),
    ("emacs-msmtp-style", "-oi --read-envelope-from -t", Lf, true, "yyy"),
    ("emacs-noninteractive", "-oi -f alice@example.org -oem -odb -t", Lf, true, "yyy"),
    ("emacs-mail-mode", "-oi -oep -odi -t -N failure", Lf, true, "ynn"),
    ("nmh-pipe", "-t -i", Lf, false, "yyn"),
    ("alpine", "-oem -t -oi", Lf, false, "yyy"),
    ("aerc", "-oi T C B", Crlf, true, "yyy"),
    ("himalaya", "-t -oi", CrlfOpen, true, "ynn"),
    ("cron-debian", "-FCronDaemon -i -B8BITMIME -oem T", Lf, false, "ynn"),
    ("atd", "-i bob", Lf, false, "nnn"),
    ("anacron", "-FAnacron -odi T", Lf, false, "ynn"),
    ("systemd-cron", "-i -B 8BITMIME T", Lf, false, "yyn"),
    ("cronie", "-FCronDaemon -i -odi -oem -oi -t -f alice", Lf, false, "ynn"),
    ("logwatch", "-t", Lf, false, "ynn"),
    ("smartd", "-i -t", Lf, false, "nnn"),
    ("nagios", "-i -t", Lf, false, "nnn"),
    ("fail2ban", "-f fail2ban@example.net T", Open, false, "yyn"),
    ("apt-listchanges", "-oi -t", Open, false, "nnn"),
    ("unattended-upgrades", "-oi -t", Open, false, "ynn"),
    ("sudo", "-t", Lf, false, "ynn"),
    ("mdadm", "-t", Lf, false, "ynn"),
    ("dovecot", "-i -f alice@example.org -- T", Lf, false, "yyy"),
    ("cronie-master", "-FCronDaemon -odi -oem -oi -t", Lf, false, "ynn"),
    ("procmail", "-oi T", Lf, false, "yyy"),
    ("lettre", "-i -f alice@example.org -- T C B", Crlf, false, "yyy"),
    ("options-last", "T C -i -f alice@example.org -v B -oi", Lf, false, "yyy"),
];

const TO: &str = "bob@example.org";
const CC: &str = "carol@example.org";
const BCC: &str = "alice@example.org";

fn mail(ends: Ends, has_bcc: bool, has: &str) -> Vec<u8> {
    let mut header = format!("To: Bob <{TO}>\nCc: {CC}\nSubject: plans {MARKER}\n");
    for (given, field) in has.bytes().zip([
        "From: Alice <alice@example.org>\n",
        "Date: Sat, 21 Nov 2026 12:00:00 +0000\n",
        "Message-ID: <fixed@example.org>\n",
    ]) {
        if given == b'y' {
            header.push_str(field);
        }
    }
    if has_bcc {
        header.push_str(&format!("Bcc: {BCC}\n"));
    }
    let body = format!("{MARKER}\n.\nafter the dot\n");
    let text = match ends {
        Lf => format!("{header}\n{body}"),
        Crlf => format!("{header}\n{body}").replace('\n', "\r\n"),
        Mixed => format!("{}{body}", format!("{header}\n").replace('\n', "\r\n")),
        Open => format!("{header}\n{}", body.trim_end()),
        CrlfOpen => format!("{header}\n{}", body.trim_end()).replace('\n', "\r\n"),
    };
    text.into_bytes()
}

#[test]
fn every_program_reaches_exactly_whom_it_names_and_nobody_reads_along() {
    let outbox = Outbox::new();
    for (name, argv, ends, has_bcc, has) in ROWS {
        outbox.clear();
        let arguments: Vec<&str> = argv
            .split(' ')
            .map(|word| match word {
                "T" => TO,
                "C" => CC,
                "B" => BCC,
                other => other,
            })
            .collect();
        let ran = outbox.send(&arguments, mail(*ends, *has_bcc, has));
        assert_eq!(ran.code, 0, "{name}: {}", ran.stderr);
        let is_verbose = arguments.contains(&"-v");
        assert!(ran.stdout.is_empty() && (is_verbose || ran.stderr.is_empty()), "{name}: {}", ran.stderr);
        let queued = outbox.only("new");
        let by_header = arguments.contains(&"-t");
        let named = argv.split(' ').filter_map(|word| match word {
            "T" | "bob" => Some(TO),
            "C" => Some(CC),
            "B" => Some(BCC),
            _ => None,
        });
        let mut expected: Vec<&str> = if by_header { vec![TO, CC] } else { named.collect() };
        expected.extend((by_header && *has_bcc).then_some(BCC));
        expected.sort_unstable();
        assert_eq!(queued.recipients(), expected, "{name}");
        for unit in &queued.units {
            if unit.recipients.contains(BCC) {
                assert_eq!(unit.recipients.len(), 1, "{name}: a Bcc copy is alone");
            }
            let identifier = unit.message.contains("Message-ID: <fixed@example.org>");
            assert_eq!(identifier, has.ends_with('y'), "{name}");
        }
        outbox.check_sealed(&queued, &format!("{MARKER}\n.\nafter the dot"));
    }
}

#[test]
fn the_names_of_other_programs_are_those_of_ours() {
    let outbox = Outbox::new();
    for name in ["sendmail", "newaliases"] {
        let link = outbox.place.path(name);
        for target in [program(), std::path::Path::new(env!("CARGO_BIN_EXE_cseal"))] {
            let _ = std::fs::remove_file(&link);
            std::os::unix::fs::symlink(target, &link).unwrap();
            let arguments: &[&str] = if name == "sendmail" { &[TO] } else { &[] };
            outbox.run_as(&link, arguments, b"x\n").exits(0);
        }
    }
    outbox
        .run_as(std::path::Path::new(env!("CARGO_BIN_EXE_cseal")), &["sendmail", "-i", "--", TO], b"x\n")
        .exits(0);
    assert_eq!(outbox.mails("new").len(), 3);
    for silent in [&["-bi"][..], &["-I"]] {
        assert_eq!(outbox.send(silent, "").exits(0).text(), "");
    }
    assert!(outbox.send(&["--version"], "").exits(0).text().starts_with("cseal-sendmail "));
}

#[test]
fn a_wrong_command_line_is_refused_before_anything_is_read() {
    let outbox = Outbox::new();
    for arguments in [
        &["-Z", TO][..],
        &["--encrypt", TO],
        &["-bv", TO],
        &["-bd"],
        &["-bt"],
        &["-f"],
        &["-B", "BINARY", TO],
        &["-"],
        &[],
        &["-i", "-oi"],
    ] {
        // Standard input stays open: whoever read it would never end.
        let mut child = outbox.command(program(), arguments).spawn().unwrap();
        let input = child.stdin.take().unwrap();
        let status = child.wait().unwrap();
        drop(input);
        assert_eq!(status.code(), Some(64), "{arguments:?}");
    }
    assert_eq!(outbox.send(&["-t"], "Subject: nobody\n\nx\n").exits(64).text(), "");
    outbox.holds_nothing();
}

#[test]
fn no_option_hides_in_a_recipient_and_no_recipient_reaches_a_shell() {
    let outbox = Outbox::new();
    outbox.place.write("alice/policy.toml", "[[send]]\naddress = \"*\"\nencrypt = \"if-possible\"\n");
    let strange =
        ["-weird@example.org", "-oQ/tmp@example.org", "*@example.org", "`id`@example.org", "|id@example.org"];
    let arguments = [&["-oi", "--"][..], &strange].concat();
    let queued = outbox.queued(&arguments, "Subject: x\n\nx\n");
    let mut expected: Vec<String> = strange.iter().map(|one| (*one).to_owned()).collect();
    expected.sort();
    assert_eq!(queued.recipients(), expected);
    outbox.clear();
    for wrong in [
        "$(id)@example.org",
        "a@example.org\nBcc: b@example.org",
        "a@example.org\r\nDATA",
        "<a@example.org",
        "",
    ] {
        outbox.send(&["-i", "--", wrong], "Subject: x\n\nx\n").exits(65);
    }
    // Where a mail server would write a log, nothing is opened.
    outbox.queued(&["-X", "trace", "-oQ/tmp", TO], "Subject: x\n\nx\n");
    assert!(!outbox.place.path("trace").exists());
}

#[test]
fn who_is_told_of_failures_is_whom_the_caller_names() {
    let outbox = Outbox::new();
    let mail = "From: alice@example.org\nTo: bob@example.org\n\nx\n";
    for (arguments, sender) in [
        (&["-t"][..], "alice@example.org"),
        (&["-t", "-f", "bounce@example.net"], "bounce@example.net"),
        (&["-t", "-r", "Bounce <bounce@example.net>"], "bounce@example.net"),
        (&["-t", "-f", ""], ""),
        (&["-t", "-f", "<>"], ""),
        (&["-t", "-f", "bounce@example.net", "--read-envelope-from"], "alice@example.org"),
    ] {
        outbox.clear();
        assert_eq!(outbox.queued(arguments, mail).units[0].sender, sender, "{arguments:?}");
    }
    outbox.clear();
    for wrong in ["a@@b", "a@example.org, b@example.org", "<a", "?alice@example.org"] {
        outbox.send(&["-t", "-f", wrong], mail).exits(65);
    }
    outbox.holds_nothing();
    let notified = outbox.queued(&["-N", "failure,delay", "-R", "hdrs", "-V", "a+b=c", "-t"], mail);
    let unit = &notified.units[0].envelope;
    assert_eq!(unit["recipients"][0]["notify"], serde_json::json!(["failure", "delay"]));
    assert_eq!((unit["return"].as_str(), unit["envelope_id"].as_str()), (Some("headers"), Some("a+2Bb+3Dc")));
}
