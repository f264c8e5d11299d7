//! Whole mails, not bare objects: MIME around the CMS.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::bouncy_castle::BouncyCastle;
use super::command::{Outcome, repository, run};
use super::cseal::Cseal;
use super::openssl::OpenSsl;
use super::people::People;

/// Mails of `testdata/mail`, and a line of their text that must survive.
const MAILS: &[(&str, &str)] = &[
    ("plain.eml", "the usual place at half past twelve?"),
    ("plain-lf.eml", "its lines end in a line feed alone."),
    ("alternative.eml", "Dear Bob, the caf=C3=A9 is closed on Thursdays."),
    ("attachment.eml", "grcO7n8aUDm+8H7CNH8GbtCPXcdRJEfjQEMAAmtuVFWUoGVoXWTEmAu41FRKhyGpmgGtIZ61nPah"),
    ("no-mime.eml", "No MIME-Version, no Content-Type: still a mail."),
];

/// One of each generation of OpenSSL, as far as they are installed.
fn generations() -> Vec<(&'static str, OpenSsl)> {
    let both = [("openssl-3", OpenSsl::of_debian()), ("openssl-4", OpenSsl::version_4())];
    both.into_iter().filter_map(|(name, openssl)| Some((name, openssl?))).collect()
}

#[test]
fn openssl_opens_the_mail_that_we_encrypt() {
    for (generation, openssl) in generations() {
        let people = People::all().unwrap();
        let us = Cseal::new(people);
        let scratch = people.scratch(&format!("mail-to-{generation}"));
        for (mail, line) in MAILS {
            let (sealed, opened, verified) = (
                fresh(&scratch, mail, "sealed"),
                fresh(&scratch, mail, "opened"),
                fresh(&scratch, mail, "verified"),
            );
            let mut encrypt = us.command("encrypt");
            encrypt.args([
                "--certificate",
                &people.file("bob-rsa.pem"),
                "--key",
                &people.file("alice-p256.key.pem"),
            ]);
            encrypt.args(["--signer", &people.file("alice-p256.pem"), "-o"]).arg(&sealed).arg(testdata(mail));
            run(&mut encrypt).unwrap_or_else(|reason| panic!("{mail}: {reason}"));
            assert!(
                contains(&sealed, "\r\nMIME-Version: 1.0\r\n") || contains(&sealed, "\nMIME-Version: 1.0\n")
            );

            let mut decrypt = openssl.cms("-decrypt");
            decrypt.args(["-inform", "SMIME", "-recip", &people.file("bob-rsa.pem")]);
            decrypt
                .args(["-inkey", &people.file("bob-rsa.key.pem"), "-in"])
                .arg(&sealed)
                .arg("-out")
                .arg(&opened);
            run(&mut decrypt).unwrap_or_else(|reason| panic!("{mail}: {generation}: {reason}"));

            // Inside the encryption is the signed mail.
            let mut verify = openssl.cms_text("-verify");
            verify.args([
                "-inform",
                "SMIME",
                "-purpose",
                "smimesign",
                "-CAfile",
                &people.file("root.pem"),
                "-in",
            ]);
            run(verify.arg(&opened).arg("-out").arg(&verified))
                .unwrap_or_else(|reason| panic!("{mail}: {generation} on the signature: {reason}"));
            assert!(contains(&verified, line), "{mail}: {generation} shows {line:?}");
        }
    }
}

#[test]
fn we_open_the_mail_that_openssl_encrypts() {
    for (generation, openssl) in generations() {
        let people = People::all().unwrap();
        let us = Cseal::new(people);
        let scratch = people.scratch(&format!("mail-from-{generation}"));
        for (mail, line) in MAILS {
            let sealed = fresh(&scratch, mail, "sealed");
            let opened = fresh(&scratch, mail, "opened");
            let headers =
                ["-from", "alice@example.org", "-to", "bob@example.org", "-subject", "from openssl"];
            let mut encrypt = openssl.cms("-encrypt");
            encrypt.args(["-aes-256-cbc", "-stream"]).args(headers);
            encrypt
                .arg("-in")
                .arg(entity(mail, &scratch))
                .arg("-out")
                .arg(&sealed)
                .arg(people.file("bob-rsa.pem"));
            run(&mut encrypt).unwrap_or_else(|reason| panic!("{mail}: {generation}: {reason}"));

            run(decrypt(&us, people).arg("-o").arg(&opened).arg(&sealed))
                .unwrap_or_else(|reason| panic!("{mail} from {generation}: {reason}"));
            assert!(contains(&opened, line), "{mail} from {generation} has {line:?}");
        }
    }
}

#[test]
fn we_open_the_mail_that_others_compress_and_openssl_encrypts() {
    let (Some(openssl), Some(bouncy_castle)) = (OpenSsl::version_4(), BouncyCastle::of_debian()) else {
        return;
    };
    let people = People::all().unwrap();
    let us = Cseal::new(people);
    let scratch = people.scratch("compressed-mail");
    let (mail, line) = MAILS[2];
    for compressor in ["openssl-4", "bouncy-castle"] {
        let [der, base64, mime, sealed, opened] =
            ["der", "base64", "mime", "sealed", "opened"].map(|end| fresh(&scratch, compressor, end));
        match compressor {
            "openssl-4" => openssl.compress(&entity(mail, &scratch), &der),
            _ => bouncy_castle.compress(&entity(mail, &scratch), &der),
        }
        .unwrap_or_else(|reason| panic!("{compressor}: {reason}"));
        run(Command::new("openssl").args(["base64", "-e", "-in"]).arg(&der).arg("-out").arg(&base64))
            .unwrap();
        let headers = "Content-Type: application/pkcs7-mime; smime-type=compressed-data; name=smime.p7z\n\
                       Content-Transfer-Encoding: base64\n\n";
        let text = headers.to_owned() + &fs::read_to_string(&base64).unwrap();
        fs::write(&mime, text.replace('\n', "\r\n")).unwrap();
        encrypt(&openssl, people, &mime, &sealed).unwrap_or_else(|reason| panic!("{compressor}: {reason}"));

        run(decrypt(&us, people).arg("-o").arg(&opened).arg(&sealed))
            .unwrap_or_else(|reason| panic!("{compressor}: {reason}"));
        assert!(contains(&opened, line), "what {compressor} compressed has {line:?}");
    }
}

#[test]
fn openssl_verifies_the_mail_that_we_sign() {
    for (generation, openssl) in generations() {
        let people = People::all().unwrap();
        let us = Cseal::new(people);
        let scratch = people.scratch(&format!("signed-mail-to-{generation}"));
        for (mail, line) in MAILS {
            for form in ["clear", "opaque"] {
                let signed = fresh(&scratch, mail, &format!("{form}.signed"));
                let verified = fresh(&scratch, mail, &format!("{form}.verified"));
                let mut sign = us.command("sign");
                sign.args([
                    "--key",
                    &people.file("alice-rsa.key.pem"),
                    "--signer",
                    &people.file("alice-rsa.pem"),
                ]);
                if form == "opaque" {
                    sign.arg("--opaque");
                }
                run(sign.arg("-o").arg(&signed).arg(testdata(mail)))
                    .unwrap_or_else(|reason| panic!("{mail}: {reason}"));

                let mut verify = openssl.cms_text("-verify");
                verify.args([
                    "-inform",
                    "SMIME",
                    "-purpose",
                    "smimesign",
                    "-CAfile",
                    &people.file("root.pem"),
                    "-in",
                ]);
                run(verify.arg(&signed).arg("-out").arg(&verified))
                    .unwrap_or_else(|reason| panic!("{mail}, {form}: {generation}: {reason}"));
                assert!(contains(&verified, line), "{mail}, {form}: {generation} shows {line:?}");
            }
        }
    }
}

#[test]
fn we_verify_the_mail_that_openssl_signs() {
    for (generation, openssl) in generations() {
        let people = People::all().unwrap();
        let us = Cseal::new(people);
        let scratch = people.scratch(&format!("signed-mail-from-{generation}"));
        for (mail, _) in MAILS {
            for form in ["clear", "opaque"] {
                let signed = fresh(&scratch, mail, &format!("{form}.signed"));
                let mut sign = openssl.cms("-sign");
                sign.args([
                    "-md",
                    "sha256",
                    "-from",
                    "Alice Archer <alice@example.org>",
                    "-to",
                    "bob@example.org",
                ]);
                sign.args([
                    "-signer",
                    &people.file("alice-rsa.pem"),
                    "-inkey",
                    &people.file("alice-rsa.key.pem"),
                ]);
                if form == "opaque" {
                    sign.arg("-nodetach");
                }
                sign.arg("-in").arg(entity(mail, &scratch)).arg("-out").arg(&signed);
                run(&mut sign).unwrap_or_else(|reason| panic!("{mail}: {generation}: {reason}"));

                let mut verify = us.command("verify");
                run(verify.args(["--anchor", &people.file("root.pem")]).arg(&signed))
                    .unwrap_or_else(|reason| panic!("{mail}, {form}, from {generation}: {reason}"));

                // The twin: another From address over the same good signature is not alice's mail.
                let forged = fresh(&scratch, mail, &format!("{form}.forged"));
                let text = fs::read(&signed).unwrap();
                fs::write(&forged, replace(&text, b"<alice@example.org>", b"<mallory@example.org>")).unwrap();
                let mut verify = us.command("verify");
                let outcome = run(verify.args(["--anchor", &people.file("root.pem")]).arg(&forged));
                assert!(
                    outcome.is_err_and(|reason| reason.contains("exit status: 1")),
                    "{mail}, {form}: mallory"
                );
            }
        }
    }
}

/// As OpenSSL encrypts a mail: headers of its own, the entity inside.
fn encrypt(openssl: &OpenSsl, people: &People, entity: &Path, sealed: &Path) -> Outcome {
    let mut command = openssl.cms("-encrypt");
    command.args(["-aes-256-cbc", "-stream", "-from", "alice@example.org", "-to", "bob@example.org"]);
    command.args(["-subject", "from openssl", "-in"]).arg(entity).arg("-out").arg(sealed);
    run(command.arg(people.file("bob-rsa.pem")))
}

fn decrypt(us: &Cseal, people: &People) -> Command {
    let mut decrypt = us.command("decrypt");
    decrypt.args(["--key", &people.file("bob-rsa.key.pem"), "--certificate", &people.file("bob-rsa.pem")]);
    decrypt
}

fn testdata(mail: &str) -> std::path::PathBuf {
    repository().join("testdata/mail").join(mail)
}

/// The MIME entity of a mail: its MIME headers and its body, which is what goes below a signature or an encryption.
fn entity(mail: &str, scratch: &Path) -> std::path::PathBuf {
    let text = fs::read_to_string(testdata(mail)).unwrap().replace("\r\n", "\n");
    let (headers, body) = text.split_once("\n\n").unwrap();
    let kept: Vec<&str> = headers.lines().filter(|line| line.starts_with("Content-")).collect();
    let headers = if kept.is_empty() { "Content-Type: text/plain".to_owned() } else { kept.join("\n") };
    let file = fresh(scratch, mail, "entity");
    fs::write(&file, format!("{headers}\n\n{body}").replace('\n', "\r\n")).unwrap();
    file
}

fn fresh(scratch: &Path, mail: &str, end: &str) -> std::path::PathBuf {
    let path = scratch.join(format!("{mail}.{end}"));
    let _ = fs::remove_file(&path);
    path
}

fn contains(file: &Path, line: &str) -> bool {
    fs::read(file).unwrap().windows(line.len()).any(|window| window == line.as_bytes())
}

fn replace(text: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    let place = text.windows(old.len()).position(|window| window == old).unwrap();
    [&text[..place], new, &text[place + old.len()..]].concat()
}
