//! What a round over the places came to, in words and as JSON.

use std::collections::BTreeMap;

use counterseal_keysync::device::DeviceId;
use counterseal_keysync::sync::{Alarm, Report};
use serde::Serialize;

use super::json::line;
use crate::commands::device::sync::Installed;
use crate::failure::Failure;
use crate::terminal::{self, SafeText};

#[derive(Serialize)]
struct RoundObject<'a> {
    version: u32,
    entries: usize,
    imported: Vec<String>,
    repaired: Vec<RepairObject>,
    issued: usize,
    refused: usize,
    posted: usize,
    waiting: usize,
    incomplete: usize,
    troubles: Vec<TroubleObject<'a>>,
    alarms: Vec<AlarmObject>,
}

#[derive(Serialize)]
struct RepairObject {
    device: String,
    key: String,
}

#[derive(Serialize)]
struct TroubleObject<'a> {
    place: &'a str,
    message: String,
}

#[derive(Serialize)]
struct AlarmObject {
    alarm: &'static str,
    device: Option<String>,
}

#[derive(Serialize)]
struct FailureObject<'a> {
    version: u32,
    error: &'static str,
    message: &'a str,
}

/// Whether an alarm says that something is at odds with what was seen before.
pub(crate) const fn is_contradiction(alarm: &Alarm) -> bool {
    match alarm {
        Alarm::Cloned(_)
        | Alarm::WentBack(_)
        | Alarm::HeldBack { .. }
        | Alarm::LogShrank
        | Alarm::Disputed { .. }
        | Alarm::Intruder(_) => true,
        Alarm::Missing { .. } | Alarm::PutOut | Alarm::NoKey | Alarm::LogFull => false,
    }
}

/// The places where nothing could be left: not reached, or full.
pub(crate) fn closed(report: &Report) -> usize {
    report.closed.unreached.union(&report.closed.full).count()
}

fn reached_any(report: &Report, places: usize) -> bool {
    report.closed.unreached.len() < places
}

/// What the person calls each device.
pub(crate) type Names = BTreeMap<DeviceId, String>;

/// What a round came to.
pub(crate) fn round(report: &Report, names: &Names, places: usize, json: bool) -> Result<(), Failure> {
    let text = if json { object(report) } else { words(report, names, places) };
    terminal::print(&text).map_err(|error| Failure::io("standard output", &error))
}

/// The same, where it is one of many: nothing where nothing happened.
pub(crate) fn news(report: &Report, names: &Names, places: usize, json: bool) -> Result<(), Failure> {
    let is_news = !report.imported.is_empty()
        || report.entries > 0
        || !report.repaired.is_empty()
        || !report.alarms.is_empty()
        || !report.answered.is_empty();
    if is_news { round(report, names, places, json) } else { Ok(()) }
}

/// A round that went wrong, after which the next one is tried.
pub(crate) fn failed(failure: &Failure, json: bool) -> Result<(), Failure> {
    if json {
        let text = line(&FailureObject { version: 1, error: failure.word, message: &failure.message });
        return terminal::print(&format!("{text}\n")).map_err(|error| Failure::io("standard output", &error));
    }
    terminal::say(&format!("{}", SafeText(&failure.message)));
    Ok(())
}

/// The service that was installed.
pub(crate) fn installed(installed: &Installed) -> Result<(), Failure> {
    let what = if installed.runs {
        "Your keys are kept up to date from now on"
    } else {
        "The service is there; it begins with your next log-in under systemd"
    };
    let text = format!("{what}: {}\n", SafeText(&installed.unit.display().to_string()));
    terminal::print(&text).map_err(|error| Failure::io("standard output", &error))
}

fn object(report: &Report) -> String {
    let object = RoundObject {
        version: 1,
        entries: report.entries,
        imported: report.imported.iter().map(ToString::to_string).collect(),
        repaired: report
            .repaired
            .iter()
            .map(|(device, key)| RepairObject { device: device.to_string(), key: key.to_string() })
            .collect(),
        issued: report.answered.len(),
        refused: report.refused,
        posted: report.posted,
        waiting: report.waiting,
        incomplete: report.incomplete,
        troubles: report
            .troubles
            .iter()
            .map(|(place, error)| TroubleObject { place, message: error.to_string() })
            .collect(),
        alarms: report
            .alarms
            .iter()
            .map(|alarm| AlarmObject {
                alarm: alarm.word(),
                device: alarm.device().map(|device| device.to_string()),
            })
            .collect(),
    };
    format!("{}\n", line(&object))
}

fn words(report: &Report, names: &Names, places: usize) -> String {
    let mut lines = vec![summary(report, places)];
    for (place, error) in &report.troubles {
        lines.push(format!("{}: {}", SafeText(place), SafeText(&error.to_string())));
    }
    if report.refused > 0 {
        lines.push(format!(
            "{} passed over: not of your devices, or damaged.",
            counted(report.refused, "object")
        ));
    }
    if report.waiting > 0 && reached_any(report, places) {
        lines.push(format!(
            "{} to be posted, to places that were not reached or are full.",
            counted(report.waiting, "object")
        ));
    }
    if report.incomplete > 0 {
        lines.push(format!(
            "{} not read yet: others before them did not come. Sync on your other devices, and here again.",
            if report.incomplete == 1 {
                "1 log entry is".to_owned()
            } else {
                format!("{} log entries are", report.incomplete)
            }
        ));
    }
    lines.extend(report.alarms.iter().map(|it| alarm(it, names)));
    lines.iter().map(|line| format!("{line}\n")).collect()
}

fn summary(report: &Report, places: usize) -> String {
    let mut parts = Vec::new();
    let mut add = |number: usize, one: &str, what: &str| {
        if number > 0 {
            parts.push(format!("{} {what}", counted(number, one)));
        }
    };
    add(report.imported.len(), "key", "came");
    add(report.entries, "log entry", "came");
    add(report.repaired.len(), "key", "packed for a device that has not said that it holds them");
    add(report.answered.len(), "certificate", "issued for another device");
    add(report.posted, "object", "posted");
    if !parts.is_empty() {
        return format!("{}.", parts.join(", "));
    }
    if reached_any(report, places) { "Nothing new.".to_owned() } else { "No place was reached.".to_owned() }
}

fn counted(number: usize, one: &str) -> String {
    match (number, one.strip_suffix("entry")) {
        (1, _) => format!("1 {one}"),
        (_, Some(stem)) => format!("{number} {stem}entries"),
        (_, None) => format!("{number} {one}s"),
    }
}

/// What a person should look at.
pub(crate) fn alarm(alarm: &Alarm, names: &Names) -> String {
    let called = |device: &DeviceId| match names.get(device) {
        Some(name) => SafeText(name).to_string(),
        None => device.to_string().chars().take(12).collect(),
    };
    let device = alarm.device().map(|device| called(&device)).unwrap_or_default();
    match alarm {
        Alarm::Missing { since, .. } => {
            format!("Device {device} has said nothing since {}. Is it still yours?", since.to_date())
        }
        Alarm::Cloned(_) => format!(
            "Device {device} speaks with two voices: its disk was copied, or put back to an earlier state. If you did \
             not do that, put it out: cseal device revoke"
        ),
        Alarm::WentBack(_) => {
            format!("Device {device} knows less than it did: it was put back, or shown another log.")
        }
        Alarm::HeldBack { entries, .. } => format!(
            "Device {device} speaks of {} that no place has shown here for a day: somebody holds back what your devices \
             say to each other.",
            counted(*entries, "log entry")
        ),
        Alarm::LogShrank => {
            "This device's own log lacks entries that it had: its store was put back.".to_owned()
        }
        Alarm::Intruder(_) => format!(
            "Device {device}, which you put out, still writes to your log. What it writes does not count; a stolen \
             device is at work."
        ),
        Alarm::Disputed { by, .. } => format!(
            "Device {device} was put out by {by}, which is out itself and wrote that beside its own end. If {by} is the \
             stolen one, the recovery sheet puts that right: cseal device recover account",
            by = called(by)
        ),
        Alarm::PutOut => {
            "This device was put out by another one: it gets no new keys, and keeps those that it has."
                .to_owned()
        }
        Alarm::NoKey => {
            "No key is advertised for your mail: an admin device makes a new one with cseal keys renew."
                .to_owned()
        }
        Alarm::LogFull => "The log of your devices is full; the seed on paper ends that.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use counterseal_keysync::transport::TransportError;

    use super::*;

    #[test]
    fn a_round_says_what_it_did_in_few_words() {
        let report = Report { entries: 2, posted: 1, ..Report::default() };
        assert_eq!(words(&report, &Names::new(), 1), "2 log entries came, 1 object posted.\n");
        assert_eq!(words(&Report::default(), &Names::new(), 1), "Nothing new.\n");
        let away = TransportError::Unreachable("the stick is not there".to_owned());
        let mut report = Report { troubles: vec![("folder:/a".to_owned(), away)], ..Report::default() };
        report.closed.unreached.insert("folder:/a".to_owned());
        assert_eq!(
            words(&report, &Names::new(), 1),
            "No place was reached.\nfolder:/a: not reached: the stick is not there\n"
        );
    }

    #[test]
    fn a_place_that_has_no_room_in_an_old_box_alone_is_open() {
        let full = vec![("relay:x".to_owned(), TransportError::Quota)];
        let mut report = Report { troubles: full, waiting: 2, ..Report::default() };
        assert_eq!(closed(&report), 0);
        let said = words(&report, &Names::new(), 1);
        assert!(
            said.starts_with("Nothing new.\nrelay:x: the box is full") && said.contains("2 objects"),
            "{said}"
        );
        report.closed.full.insert("relay:x".to_owned());
        assert_eq!(closed(&report), 1);
        report.closed.unreached.extend(["relay:x".to_owned(), "folder:/a".to_owned()]);
        assert_eq!(closed(&report), 2);
    }

    #[test]
    fn a_device_is_called_by_its_name_and_no_name_steers_the_terminal() {
        let [device, other] = [1, 2].map(|byte| DeviceId::from_bytes([byte; 32]));
        let names = Names::from([(device, "desk\u{1b}[2J".to_owned())]);
        let said = alarm(&Alarm::Disputed { device, by: other }, &names);
        assert!(
            said.contains("desk") && said.contains("020202020202,") && !said.contains('\u{1b}'),
            "{said}"
        );
    }

    #[test]
    fn what_a_place_says_does_not_steer_the_terminal() {
        let error = TransportError::Refused("\u{1b}[2Jall is well".to_owned());
        let report = Report { troubles: vec![("relay:x".to_owned(), error)], ..Report::default() };
        assert!(!words(&report, &Names::new(), 1).contains('\u{1b}'));
    }
}
