//! Mail to Alice under one generation of her key after the other, and how much of it a device opens.

use std::fmt::Write as _;
use std::fs;

use super::machine::Machines;

/// Mails of each generation.
pub const MAILS: usize = 20;

/// Seals mail to the key that a device tells others to encrypt to now, into one more mailbox file.
#[track_caller]
pub fn seal(machines: &Machines, device: &str, generation: usize) {
    let certificate = format!("generation{generation}.pem");
    machines.run(device, &["keys", "export", "alice@example.org", "-o", &certificate]).exits(0);
    let mut mailbox = String::new();
    for number in 0..MAILS {
        let mail = format!(
            "From: Bob <bob@example.org>\r\nTo: Alice <alice@example.org>\r\nSubject: {number}\r\n\
             Message-ID: <{generation}.{number}@example.org>\r\n\r\nmail {number} of generation {generation}\r\n"
        );
        let sealed = ["encrypt", "--certificate", &certificate, "--no-sign"];
        let sealed = machines.place.pipe("stranger", &sealed, mail.as_bytes()).exits(0).text();
        write!(mailbox, "From bob@example.org Sun Nov 22 10:00:00 2026\n{sealed}\n").unwrap();
    }
    fs::write(machines.place.path(&format!("generation{generation}.mbox")), mailbox).unwrap();
}

/// The generations of which a device opens every mail; of each other it opens none.
#[track_caller]
pub fn opened(machines: &Machines, device: &str, generations: &[usize]) -> Vec<usize> {
    let whole = generations.iter().filter(|generation| {
        let mailbox = format!("generation{generation}.mbox");
        let plain = format!("{device}.plain");
        let ran = machines.run(device, &["archive", "decrypt", "--json", &mailbox, "-o", &plain]);
        let said = ran.text();
        let summary: serde_json::Value = serde_json::from_str(said.lines().last().unwrap_or_default())
            .unwrap_or_else(|error| panic!("{error}: {said}\n{}", ran.stderr));
        let text = fs::read_to_string(machines.place.path(&plain)).unwrap_or_default();
        let _ = fs::remove_file(machines.place.path(&plain));
        let opened = summary["outcomes"]["decrypted"].as_u64().unwrap_or_default() as usize;
        let readable = text.matches(&format!("of generation {generation}")).count();
        assert_eq!(opened, readable, "{summary}");
        assert_eq!(summary["mails"], MAILS, "{summary}");
        assert!(opened == 0 || opened == MAILS, "{device}: {summary}");
        opened == MAILS
    });
    whole.copied().collect()
}
