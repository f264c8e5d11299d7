//! What programs in other languages send mail with.

use super::{BODY, find, quoted, recipe};
use crate::sendmail::{MARKER, Outbox};

#[test]
fn php_mail() {
    let Some(php) = find("php") else { return };
    let outbox = Outbox::new();
    let script = format!(
        "<?php exit(mail('bob@example.org', '{MARKER}', str_replace('\\n', \"\\n\", '{}'), \
         \"From: alice@example.org\\r\\nCc: carol@example.org\\r\\nBcc: alice@example.org\") ? 0 : 9);",
        BODY.replace('\n', "\\n")
    );
    outbox.place.write("mail.php", script);
    let settings = outbox.place.write("php.ini", recipe("PHP"));
    let settings = settings.to_str().unwrap();
    outbox.client(&php, &["-c", settings, "mail.php"], "");
    outbox.reached_all(true);
    outbox.clear();
    let injected = "<?php exit(mail('bob@example.org', \"x\\r\\nBcc: carol@example.org\", 'x', 'From: alice@example.org') ? 0 : 9);";
    outbox.place.write("mail.php", injected);
    outbox.client_code(&php, &["-c", settings, "mail.php"], "");
    for mail in outbox.mails("new") {
        assert_eq!(mail.recipients(), ["bob@example.org"]);
    }
}

#[test]
fn python_and_perl() {
    if let Some(python) = find("python3") {
        let outbox = Outbox::new();
        let script = format!(
            "import subprocess, email.message\nmessage = m = email.message.EmailMessage()\nm['From'] = 'alice@example.org'\n\
             m['To'] = 'Bob <bob@example.org>'\nm['Cc'] = 'carol@example.org'\nm['Bcc'] = 'alice@example.org'\n\
             m['Subject'] = '{MARKER}'\nm.set_content('''{BODY}''')\n{}",
            recipe("Python")
        );
        outbox.place.write("mail.py", script);
        outbox.client(&python, &["-I", "mail.py"], "");
        outbox.reached_all(true);
    }
    if let Some(perl) = find("perl") {
        let outbox = Outbox::new();
        let script = format!(
            "use MIME::Lite;\nmy $message = MIME::Lite->new(From => 'alice@example.org', To => 'bob@example.org', \
             Cc => 'carol@example.org', Bcc => 'alice@example.org', Subject => '{MARKER}', Data => '{BODY}');\n\
             {}",
            recipe("Perl, with MIME::Lite").replace(");", ") or die;")
        );
        outbox.place.write("mail.pl", script);
        if outbox.client_code(&perl, &["-MMIME::Lite", "-e", "1"], "").0 == 0 {
            outbox.client(&perl, &["mail.pl"], "");
            outbox.reached_all(true);
        } else {
            eprintln!("SKIPPED: MIME::Lite is not installed (scripts/install-test-tools)");
        }
    }
}

/// A script, with what a language writes a line end as.
fn body(line_end: &str) -> String {
    BODY.replace('\n', line_end)
}

#[test]
fn phpmailer() {
    let Some(php) = find("php") else { return };
    let outbox = Outbox::new();
    let script = |recipe: &str| {
        format!(
            "<?php require '/usr/share/php/libphp-phpmailer/autoload.php';\n\
             $mailer = new PHPMailer\\PHPMailer\\PHPMailer(true);\n{recipe}\n$mailer->setFrom('alice@example.org');\n\
             $mailer->addAddress('bob@example.org', 'Bob'); $mailer->addCC('carol@example.org');\n\
             $mailer->addBCC('alice@example.org'); $mailer->Subject = '{MARKER}'; $mailer->Body = \"{}\"; $mailer->send();",
            body("\\n")
        )
    };
    if !has(&outbox, "php", &["-r", "require '/usr/share/php/libphp-phpmailer/autoload.php';"], "PHPMailer") {
        return;
    }
    outbox.place.write("mail.php", script(&recipe("PHPMailer")));
    outbox.client(&php, &["mail.php"], "");
    outbox.reached_all(true);
    outbox.clear();
    outbox
        .place
        .write("mail.php", script(&recipe("PHPMailer")).replace("bob@example.org", "erin@example.net"));
    let (code, said) = outbox.client_code(&php, &["mail.php"], "");
    assert_ne!(code, 0, "{said}");
    assert!(outbox.mails("new").is_empty());
}

#[test]
fn symfony_mailer_by_smtp_and_by_arguments() {
    let Some(php) = find("php") else { return };
    let outbox = Outbox::new();
    let load = "require '/usr/share/php/Symfony/Component/Mailer/autoload.php';";
    if !has(&outbox, "php", &["-r", load], "Symfony Mailer") {
        return;
    }
    let script = format!(
        "<?php {load}\nuse Symfony\\Component\\Mailer\\{{Mailer, Transport}}; use Symfony\\Component\\Mime\\Email;\n\
         $mailer = new Mailer(Transport::fromDsn($argv[1]));\n\
         $mailer->send((new Email())->from('alice@example.org')->to($argv[2])->cc('carol@example.org')\n\
         ->bcc('alice@example.org')->subject('{MARKER}')->text(\"{}\"));",
        body("\\n")
    );
    outbox.place.write("mail.php", script);
    let by_smtp = quoted(&recipe("Symfony Mailer, Laravel"));
    for dsn in [by_smtp.clone(), by_smtp.replace("%20-bs", "%20-oi%20-t")] {
        outbox.clear();
        outbox.client(&php, &["mail.php", &dsn, "bob@example.org"], "");
        outbox.reached_all(true);
        outbox.clear();
        let (code, said) = outbox.client_code(&php, &["mail.php", &dsn, "erin@example.net"], "");
        assert!(code != 0 && said.contains("5.7.10"), "{said}");
        assert!(outbox.mails("new").is_empty());
    }
}

#[test]
fn nodemailer() {
    let Some(node) = find("node") else { return };
    let outbox = Outbox::new();
    // Where Debian keeps what is written for node.
    let load = "const nodemailer = require('/usr/share/nodejs/nodemailer');";
    if !has(&outbox, "node", &["-e", load], "nodemailer") {
        return;
    }
    for line_ends in ["unix", "windows"] {
        outbox.clear();
        let settings = recipe("nodemailer")
            .replace("sendmail: true", &format!("sendmail: true, newline: '{line_ends}'"));
        let script = format!(
            "{load}\n{settings}\ntransport.sendMail({{ from: 'alice@example.org', to: 'Bob <bob@example.org>', cc: 'carol@example.org',\n\
             bcc: 'alice@example.org', subject: '{MARKER}', text: '{}' }}, (error) => {{ if (error) throw error; }});",
            body("\\n")
        );
        outbox.place.write("mail.js", script);
        outbox.client(&node, &["mail.js"], "");
        outbox.reached_all(true);
    }
}

#[test]
fn ruby_mail() {
    let Some(ruby) = find("ruby") else { return };
    let outbox = Outbox::new();
    if !has(&outbox, "ruby", &["-rmail", "-e", ""], "Mail of Ruby") {
        return;
    }
    let script = format!(
        "require 'mail'\n{}\nMail.deliver do\nfrom 'alice@example.org'\nto 'Bob <bob@example.org>'\ncc 'carol@example.org'\n\
         bcc 'alice@example.org'\nsubject '{MARKER}'\nbody \"{}\"\nend\n",
        recipe("Ruby, with Mail"),
        body("\\n")
    );
    outbox.place.write("mail.rb", script);
    outbox.client(&ruby, &["mail.rb"], "");
    outbox.reached_all(true);
}

#[test]
fn email_sender_of_perl() {
    let Some(perl) = find("perl") else { return };
    let outbox = Outbox::new();
    if !has(&outbox, "perl", &["-MEmail::Sender::Transport::Sendmail", "-e", "1"], "Email::Sender") {
        return;
    }
    let script = format!(
        "use Email::Sender::Transport::Sendmail; use Email::Sender::Simple qw(sendmail);\n{}\n\
         my $mail = \"From: alice\\@example.org\\nTo: bob\\@example.org\\nCc: carol\\@example.org\\nBcc: alice\\@example.org\\n\
         Subject: {MARKER}\\n\\n{}\";\n\
         sendmail($mail, {{ transport => $transport, from => 'bounce@example.net', to => [qw(bob@example.org carol@example.org alice@example.org)] }});\n",
        recipe("Perl, with Email::Sender"),
        body("\\n")
    );
    outbox.place.write("mail.pl", script);
    outbox.client(&perl, &["mail.pl"], "");
    assert_eq!(outbox.only("new").units[0].sender, "bounce@example.net");
    outbox.reached_all(true);
}

/// Whether a language has a library. A missing one is told, and is an error where the tests are to have all of them.
fn has(outbox: &Outbox, language: &str, arguments: &[&str], library: &str) -> bool {
    let has = find(language).is_some_and(|path| outbox.client_code(&path, arguments, "").0 == 0);
    if !has {
        crate::peers::command::missing(library);
    }
    has
}

#[test]
fn swaks_by_smtp_on_a_pipe() {
    let Some(swaks) = find("swaks") else { return };
    let outbox = Outbox::new();
    let pipe = quoted(&recipe("swaks, and others that speak SMTP on a pipe"));
    let people =
        ["--from", "alice@example.org", "--to", "bob@example.org,carol@example.org,alice@example.org"];
    let text = format!(
        "From: alice@example.org\nTo: bob@example.org\nCc: carol@example.org\nSubject: {MARKER}\n\n{BODY}"
    );
    let file = outbox.place.write("mail.txt", text);
    let data = format!("@{}", file.display());
    outbox.client(&swaks, &[&["--pipe", &pipe][..], &people, &["--data", &data]].concat(), "");
    outbox.reached_all(true);
}
