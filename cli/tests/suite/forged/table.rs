//! The table of required results.

use std::path::PathBuf;

use super::reading::Reading;

/// One file, and what is required of whoever reads it.
pub(super) struct Row {
    pub(super) file: String,
    /// `decrypt` or `verify`, with further options.
    pub(super) command: Vec<String>,
    /// Exit codes, separated by `|`.
    pub(super) exit: String,
    /// Verdicts, or `error:` with a word, separated by `|`.
    result: String,
    /// What the JSON must contain; `!` before what it must not contain, `-` for nothing.
    reason: String,
    pub(super) twin: String,
    pub(super) attack: String,
}

/// The folder of forged files.
pub(super) fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../testdata/forged")
}

/// Every row.
pub(super) fn rows() -> Vec<Row> {
    let text = std::fs::read_to_string(folder().join("expected.tsv")).unwrap();
    text.lines().skip(1).map(row).collect()
}

fn row(line: &str) -> Row {
    let columns: Vec<String> = line.split('\t').map(str::to_owned).collect();
    let [file, command, exit, result, reason, twin, attack] = <[String; 7]>::try_from(columns).unwrap();
    let command = command.split(' ').map(str::to_owned).collect();
    Row { file, command, exit, result, reason, twin, attack }
}

impl Row {
    /// What of a reading is not as required.
    pub(super) fn objection(&self, reading: &Reading) -> Option<String> {
        let result = reading.result();
        let json = &reading.status;
        let reason_holds = match (self.reason.as_str(), self.reason.strip_prefix('!')) {
            ("-", _) => true,
            (_, Some(absent)) => !json.contains(&format!("\"{absent}\"")),
            (present, None) => json.contains(&format!("\"{present}\"")),
        };
        let complaints = [
            (!self.exit.split('|').any(|exit| exit == reading.exit.to_string()), "exit code"),
            (!self.result.split('|').any(|required| required == result), "result"),
            (!reason_holds, "reason"),
            (result.starts_with("error:") && reading.written.is_some(), "output in spite of the error"),
            (!reading.stdout.is_empty(), "standard output in spite of -o"),
            (reading.has_control_octets(), "control octets on standard error"),
        ];
        let wrong: Vec<&str> =
            complaints.iter().filter(|(applies, _)| *applies).map(|(_, what)| *what).collect();
        (!wrong.is_empty()).then(|| {
            let required = format!("{} {} {}", self.exit, self.result, self.reason);
            format!(
                "{}: required {required}, found {} {result}; {}",
                wrong.join(", "),
                reading.exit,
                json.trim()
            )
        })
    }
}
