//! Devices, in words and as JSON.

use counterseal_core::time::Time;
use counterseal_keysync::device::DeviceId;
use serde::Serialize;

use super::counted;
use super::json::line;
use crate::commands::device::foreign::Listed;
use crate::commands::device::install::Recorded;
use crate::commands::device::list::Known;
use crate::failure::Failure;
use crate::store::KeptAlarm;
use crate::terminal::{self, Mark, SafeText};

/// What a person reads of an account's id, whose hexadecimal digits these are: enough to tell accounts apart.
pub(crate) fn account(digits: &str) -> String {
    let digits: Vec<char> = digits.chars().take(16).collect();
    let groups: Vec<String> = digits.chunks(4).map(|group| group.iter().collect()).collect();
    groups.join("-")
}

/// Everything that is listed.
pub(crate) struct List<'a> {
    pub(crate) devices: &'a [Known],
    pub(crate) foreign: &'a [Listed],
    pub(crate) installed: &'a [Recorded],
    pub(crate) alarms: &'a [KeptAlarm],
}

#[derive(Serialize)]
struct ListObject<'a> {
    version: u32,
    devices: Vec<DeviceObject<'a>>,
    foreign: Vec<ForeignObject<'a>>,
    installed: Vec<InstalledObject<'a>>,
    alarms: Vec<AlarmObject<'a>>,
}

/// What the owner should look at.
#[derive(Serialize)]
struct AlarmObject<'a> {
    at: String,
    kind: &'a str,
    device: Option<String>,
    detail: &'a str,
}

/// A device that cannot run cseal.
#[derive(Serialize)]
struct ForeignObject<'a> {
    name: &'a str,
    kind: &'a str,
    at: String,
    keys: usize,
    of: usize,
    behind: bool,
}

/// What is in another program of this machine.
#[derive(Serialize)]
struct InstalledObject<'a> {
    program: &'a str,
    place: String,
    keys: usize,
    of: usize,
    at: String,
    problem: Option<&'a str>,
}

#[derive(Serialize)]
struct DeviceObject<'a> {
    id: String,
    name: &'a str,
    this: bool,
    role: &'static str,
    since: String,
    revoked: Option<String>,
    heard: Option<String>,
    behind: Option<usize>,
}

/// The devices of the account.
pub(crate) fn list(list: &List<'_>, json: bool) -> Result<(), Failure> {
    let text = if json {
        line(&ListObject {
            version: 1,
            devices: list.devices.iter().map(device_object).collect(),
            foreign: list.foreign.iter().map(foreign_object).collect(),
            installed: list.installed.iter().map(installed_object).collect(),
            alarms: list.alarms.iter().map(alarm_object).collect(),
        }) + "\n"
    } else {
        let mut text: String = list.devices.iter().map(device_line).collect();
        if list.devices.is_empty() {
            text.push_str("Your keys are on this machine alone: it has no other devices.\n");
        }
        list.foreign.iter().for_each(|reader| text.push_str(&foreign_line(reader)));
        list.installed.iter().for_each(|program| text.push_str(&installed_line(program)));
        list.alarms.iter().for_each(|alarm| text.push_str(&alarm_line(alarm)));
        text
    };
    terminal::print(&text).map_err(|error| Failure::io("standard output", &error))
}

fn device_object(device: &Known) -> DeviceObject<'_> {
    DeviceObject {
        id: device.id.to_string(),
        name: &device.name,
        this: device.this,
        role: device.role.word(),
        since: device.since.to_rfc3339(),
        revoked: device.out.map(Time::to_rfc3339),
        heard: device.heard.map(Time::to_rfc3339),
        behind: device.behind,
    }
}

/// `thinkpad-7  reader since 2026-11-22, heard 2026-11-22, behind by 1 key`
fn device_line(device: &Known) -> String {
    let (name, role, since) = (SafeText(&device.name), device.role.word(), device.since.to_date());
    if let Some(out) = device.out {
        return format!("{name}  revoked {}; before that {role}, since {since}\n", out.to_date());
    }
    let heard = match (device.this, device.heard) {
        (true, _) => ", this device".to_owned(),
        (false, Some(at)) => format!(", heard {}", at.to_date()),
        (false, None) => ", not heard yet".to_owned(),
    };
    let behind = match device.behind {
        Some(keys) if keys > 0 => format!(", behind by {}", counted(keys, "key")),
        _ => String::new(),
    };
    let id: String = device.id.to_string().chars().take(8).collect();
    format!("{name}  {role} since {since}{heard}{behind}  ({id})\n")
}

fn alarm_object(alarm: &KeptAlarm) -> AlarmObject<'_> {
    let device = alarm.device.map(|device| DeviceId::from_bytes(device).to_string());
    AlarmObject { at: alarm.at.to_rfc3339(), kind: &alarm.kind, device, detail: &alarm.detail }
}

fn alarm_line(alarm: &KeptAlarm) -> String {
    let word = terminal::marked(Mark::Warning, "alarm");
    format!("{word}  {} {}: {}\n", alarm.at.to_date(), SafeText(&alarm.kind), SafeText(&alarm.detail))
}

fn foreign_object(reader: &Listed) -> ForeignObject<'_> {
    let (keys, of) = (reader.keys, reader.of);
    let at = reader.at.to_rfc3339();
    ForeignObject { name: &reader.name, kind: &reader.kind, at, keys, of, behind: keys < of }
}

/// `phone  reader, cannot run cseal (apple): has 2 of 3 keys since 2026-11-22; behind: add it again`
fn foreign_line(reader: &Listed) -> String {
    let (name, kind, keys, of) = (SafeText(&reader.name), SafeText(&reader.kind), reader.keys, reader.of);
    let behind = if keys < of { "; behind: add it again" } else { "" };
    let (of, date) = (counted(of, "key"), reader.at.to_date());
    format!("{name}  reader that cannot run cseal ({kind}): has {keys} of {of} since {date}{behind}\n")
}

fn installed_object(program: &Recorded) -> InstalledObject<'_> {
    InstalledObject {
        program: &program.program,
        place: program.place.display().to_string(),
        keys: program.keys,
        of: program.of,
        at: Time::from_unix_seconds(program.at).to_rfc3339(),
        problem: program.problem.as_deref(),
    }
}

/// `installed in: gpgsm (5 of 5 keys)`
fn installed_line(program: &Recorded) -> String {
    let problem = program.problem.as_ref().map(|word| format!(", {word}")).unwrap_or_default();
    let (name, problem) = (SafeText(&program.program), SafeText(&problem));
    format!("installed in: {name} ({} of {}{problem})\n", program.keys, counted(program.of, "key"))
}
