//! Devices, in words and as JSON.

use counterseal_core::time::Time;
use counterseal_keysync::device::DeviceCertificates;
use serde::Serialize;

use super::counted;
use super::json::line;
use crate::commands::device::foreign::Listed;
use crate::commands::device::install::Recorded;
use crate::failure::Failure;
use crate::terminal::{self, SafeText};

#[derive(Serialize)]
struct ListObject<'a> {
    version: u32,
    devices: Vec<DeviceObject>,
    foreign: Vec<ForeignObject<'a>>,
    installed: Vec<InstalledObject<'a>>,
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
struct DeviceObject {
    id: String,
    name: String,
    this: bool,
}

/// The devices of the account.
pub(crate) fn list(
    own: Option<&DeviceCertificates>,
    foreign: &[Listed],
    installed: &[Recorded],
    json: bool,
) -> Result<(), Failure> {
    let text = if json {
        let devices = own.map(|own| DeviceObject { id: own.id().to_string(), name: own.name(), this: true });
        let foreign = foreign.iter().map(foreign_object).collect();
        let installed = installed.iter().map(installed_object).collect();
        line(&ListObject { version: 1, devices: devices.into_iter().collect(), foreign, installed })
    } else {
        let mut text = match own {
            Some(own) => format!("{}  this device\n", SafeText(&own.name())),
            None => "Your keys are on this machine alone: it has no other devices.\n".to_owned(),
        };
        foreign.iter().for_each(|reader| text.push_str(&foreign_line(reader)));
        installed.iter().for_each(|program| text.push_str(&installed_line(program)));
        text
    };
    terminal::print(&text).map_err(|error| Failure::io("standard output", &error))
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
