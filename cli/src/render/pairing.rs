//! What people read on the two screens of a pairing.

use counterseal_core::address::EmailAddress;
use counterseal_core::time::Time;
use counterseal_keysync::file_mail::Letter;
use counterseal_keysync::pairing::{Ask, Peer, Show, Slip, Withheld};

use super::device;
use crate::pairing::Wording;
use crate::terminal::{self, SafeText};

/// What a mail carries to the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carried {
    /// The request of a new device.
    DeviceRequest,
    /// What a device of the account answers.
    DeviceAnswer,
    /// What one of two people begins with.
    MeetingRequest,
    /// What the other one answers.
    MeetingAnswer,
}

/// What the mail says beside it.
pub(crate) fn letter(what: Carried, from: EmailAddress, to: EmailAddress) -> Letter {
    let (subject, file_name, text) = match what {
        Carried::DeviceRequest => (
            "A new device asks for your keys",
            "request.ksr",
            "A new device asks to become one of yours. Save this mail as a file, and on a device of yours say\n\n    \
             cseal device add --file MAIL --answer ANSWER\n\nIf you did not ask for it, throw it away.\n"
                .to_owned(),
        ),
        Carried::DeviceAnswer => (
            "Your keys, for the new device",
            "answer.ksa",
            "Save this mail as a file, and on the new device say\n\n    cseal device join --answer MAIL\n\n\
             It asks for the words that the other device showed.\n"
                .to_owned(),
        ),
        Carried::MeetingRequest => (
            "Shall we compare our keys?",
            "request.ksr",
            format!(
                "Save this mail as a file, say\n\n    cseal trust meet {from} --reply-to MAIL --mail\n\n\
                 and have the sender read eight words to you.\n"
            ),
        ),
        Carried::MeetingAnswer => (
            "The answer to your key",
            "answer.ksa",
            format!(
                "Save this mail as a file, and say\n\n    cseal trust meet {from} --answer MAIL\n\n\
                 It asks for the words that the sender tells you.\n"
            ),
        ),
    };
    Letter { from, to, subject, text, file_name }
}

/// The lines for something that is shown.
pub(crate) fn show(show: &Show, (wording, there): (Wording, &str), pictures: bool) -> String {
    match show {
        Show::Code(code, until) => {
            let text = code.to_text();
            let picture =
                if pictures { terminal::qr_code(&text, "paste the text below") } else { String::new() };
            let command = match wording {
                Wording::New => "On your other device: cseal device add",
                Wording::Old => "On the new device: cseal device join --paste",
                Wording::Person => "The other one: cseal trust meet YOU --paste",
            };
            format!("{picture}{text}\n{command}{there}   (until {})", clock_of(*until))
        }
        Show::Spoken(words) => {
            let command = match wording {
                Wording::New | Wording::Old => "On your other device: cseal device add --typed",
                Wording::Person => "The other one: cseal trust meet YOU --typed",
            };
            format!("{command}{there}\nWords to type there:  {words}")
        }
        Show::CheckCode(code) => format!("Type on the other screen:  {}", code.to_text()),
        Show::CompareWords(words) => {
            format!("The other screen must show the same words:  {}", words.to_text())
        }
        Show::Fingerprint(words) => format!("Words of the request:  {}", words.to_text()),
        Show::AnswerWords(words) => format!(
            "Words that open the answer:  {}\nTell them by another way than the file's, face to face or by voice.",
            words.to_text()
        ),
        Show::Peer(peer) => about(peer, wording),
        Show::Slip(slip) => slip_sentence(slip),
        Show::TriesLeft(1) => "That was wrong. One try is left.".to_owned(),
        Show::TriesLeft(left) => format!("That was wrong. {left} tries are left."),
        Show::Withheld(withheld) => withheld_sentence(withheld),
        Show::HeldUntil(until) => {
            format!("The other device hands over its keys not before {}.", until.to_rfc3339())
        }
        Show::StillWaiting => "No answer yet. Is the other side still there?".to_owned(),
        Show::OtherFile => "This file is no answer to the request of this machine.".to_owned(),
    }
}

/// Why what was typed cannot be meant.
pub(crate) fn slip(slip: &Slip) -> String {
    match slip {
        Slip::Digits => "Six digits are needed".to_owned(),
        Slip::Words(error) => SafeText(&error.to_string()).to_string(),
        Slip::OtherNumber(number) => format!("The words begin with {number}, as before"),
    }
}

fn slip_sentence(why: &Slip) -> String {
    format!("{}. That was no try.", slip(why))
}

fn clock_of(time: Time) -> String {
    let (hour, minute, second) = time.clock();
    format!("{hour:02}:{minute:02}:{second:02} UTC")
}

fn about(peer: &Peer, wording: Wording) -> String {
    let name = SafeText(peer.name());
    match wording {
        Wording::New => match peer.account() {
            Some(account) => {
                let account = device::account(&account.map(|byte| format!("{byte:02x}")).concat());
                format!("Old device: {name}, account {account}")
            }
            None => format!("Old device: {name}"),
        },
        Wording::Old => format!("New device: {name}"),
        Wording::Person => {
            let leaf = peer.certificates().first();
            let addresses: Vec<String> =
                leaf.map_or_else(Vec::new, |leaf| leaf.addresses().iter().map(ToString::to_string).collect());
            format!("The other one: {}", SafeText(&addresses.join(", ")))
        }
    }
}

fn withheld_sentence(withheld: &Withheld) -> String {
    match withheld {
        Withheld::Approvals { have, need } => {
            format!("{have} of {need} further admin devices agreed so far.")
        }
        Withheld::Until(time) => format!("Keys leave not before {}.", time.to_rfc3339()),
        Withheld::NotOnLocalNetwork => "The new device is not on this local network.".to_owned(),
        Withheld::NotReauthenticated => "The passphrase was not given again.".to_owned(),
        Withheld::NotConfirmed => "You did not confirm the device.".to_owned(),
        Withheld::Meeting | Withheld::NotOurs | Withheld::Unproved(_) | Withheld::NotReady => {
            "Nothing is handed over yet.".to_owned()
        }
    }
}

/// The word of a question, and the question.
pub(crate) fn question(ask: &Ask, wording: Wording) -> (&'static str, String) {
    let (word, question) = match ask {
        Ask::Words(1) => {
            return ("words", "An earlier guess was wrong (1 try left). Type the words".to_owned());
        }
        Ask::Words(left) => {
            return ("words", format!("An earlier guess was wrong ({left} tries left). Type the words"));
        }
        Ask::CheckCode => ("digits", "Digits on the other screen"),
        Ask::CompareWords => ("compare", "Does the other screen show the same words?"),
        Ask::CompareFingerprint => ("fingerprint", "Does the other side read the same words to you?"),
        Ask::ConfirmPeer if wording == Wording::Person => ("confirm", "Is this the one you meet?"),
        Ask::ConfirmPeer => ("confirm", "Is this your old device, and your account?"),
        Ask::Approve => ("approve", "Are you looking at this device right now?"),
        Ask::AnswerWords => ("answer-words", "Words that open the answer"),
        Ask::Pick(_) => ("pick", "Which one? Its number, or nothing to wait"),
    };
    (word, question.to_owned())
}

#[cfg(test)]
mod tests {
    use counterseal_keysync::code::{Intent, PairingCode};

    use super::*;
    use counterseal_core::secret::SecretBytes;

    #[test]
    fn a_code_and_the_command_for_the_other_side_fit_a_small_terminal() {
        let expires = Time::from_unix_seconds(1_800_000_000);
        let (offer, secret) = ([0xa5; 16], SecretBytes::new(vec![0x5a; 16]));
        for (intent, wording) in [
            (Intent::NewShows, Wording::New),
            (Intent::OldShows, Wording::Old),
            (Intent::Meet, Wording::Person),
        ] {
            let secret = secret.clone();
            let code = PairingCode { intent, lan_only: false, offer, secret, expires, relay: None };
            let said = show(&Show::Code(code, expires), (wording, " --folder DIR"), true);
            let rows: usize = said.lines().map(|line| line.chars().count().div_ceil(80)).sum();
            assert!(said.contains('█') && rows < 24, "{rows} rows:\n{said}");
            assert!(
                said.lines().all(|line| line.starts_with("CSEAL:") || line.chars().count() <= 80),
                "{said}"
            );
            assert!(said.contains("cseal ") && said.contains(" --folder DIR"), "{said}");
        }
    }
}
