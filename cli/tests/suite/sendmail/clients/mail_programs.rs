//! Programs that people write mail with.

use super::{BODY, find, quoted, recipe};
use crate::sendmail::{MARKER, Outbox};

#[test]
fn mutt_and_neomutt() {
    for name in ["mutt", "neomutt"] {
        let Some(mutt) = find(name) else { continue };
        let outbox = Outbox::new();
        let settings =
            recipe("mutt and neomutt") + "set from=alice@example.org\nset copy=no\nset use_from=yes\n";
        let muttrc = outbox.place.write("muttrc", settings);
        let muttrc = muttrc.to_str().unwrap();
        let to =
            ["-n", "-F", muttrc, "-s", MARKER, "-c", "carol@example.org", "-b", "alice@example.org", "--"];
        outbox.client(&mutt, &[&to[..], &["bob@example.org"]].concat(), BODY);
        outbox.reached_all(true);
        outbox.clear();
        let refused = ["-n", "-F", muttrc, "-s", "x", "--", "erin@example.net"];
        let (code, said) = outbox.client_code(&mutt, &refused, BODY);
        assert!(code != 0, "{name}: {said}");
        assert_eq!(outbox.only("held").recipients(), ["erin@example.net"]);
    }
}

#[test]
fn mailx_of_two_kinds() {
    if let Some(nail) = find("s-nail") {
        let outbox = Outbox::new();
        outbox.place.write(".mailrc", recipe("s-nail"));
        let settings = ["-S", "v15-compat", "-r", "alice@example.org", "-s", MARKER];
        let people = ["-c", "carol@example.org", "-b", "alice@example.org", "bob@example.org"];
        outbox.client(&nail, &[&settings[..], &people].concat(), BODY);
        outbox.reached_all(true);
    }
    if let Some(mail) = find("mail.mailutils") {
        let outbox = Outbox::new();
        let command = quoted(&recipe("mail of GNU Mailutils"));
        // The configuration of bsd-mailx for the whole machine says that a dot ends the mail.
        let settings = ["-n", "-r", "alice@example.org", "-s", MARKER, "--exec", &command];
        let header = ["-a", "Cc: carol@example.org", "-a", "Bcc: alice@example.org", "bob@example.org"];
        outbox.client(&mail, &[&settings[..], &header].concat(), BODY);
        outbox.reached_all(true);
    }
}
