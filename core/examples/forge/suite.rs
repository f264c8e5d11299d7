//! The table of cases and the files that belong to it.

use std::io;
use std::path::Path;

/// What is required of a reader.
#[derive(Clone)]
pub(crate) struct Required {
    command: &'static str,
    exit: &'static str,
    /// A verdict, or `error:` and a word; several with `|` where the requirement leaves a choice.
    result: String,
    /// A word that the JSON must contain; `-` for none, `!` before one that it must not contain.
    reason: &'static str,
}

/// `decrypt` opens it and says this.
pub(crate) fn opens(verdict: &str, reason: &'static str) -> Required {
    Required { command: "decrypt", exit: "0", result: verdict.into(), reason }
}

/// `decrypt` refuses with one of these words, and writes nothing.
pub(crate) fn refuses(words: &str) -> Required {
    let words: Vec<String> = words.split('|').map(|word| format!("error:{word}")).collect();
    Required { command: "decrypt", exit: "3", result: words.join("|"), reason: "-" }
}

/// `verify` says this.
pub(crate) fn says(verdict: &'static str, reason: &'static str) -> Required {
    let exit = match verdict {
        "verified" => "0",
        "conflict" => "4",
        _ => "1",
    };
    Required { command: "verify", exit, result: verdict.into(), reason }
}

/// `verify` cannot read it.
pub(crate) fn unreadable(words: &str) -> Required {
    Required { command: "verify", ..refuses(words) }
}

/// Either of two results of `verify`, where the requirement is only that it is no crash.
pub(crate) fn either(one: &Required, other: &Required) -> Required {
    let exit = if one.exit == other.exit { one.exit } else { "0|1" };
    Required { command: one.command, exit, result: format!("{}|{}", one.result, other.result), reason: "-" }
}

impl Required {
    /// The same results, of `verify`.
    pub(crate) fn for_verify(self, exit: &'static str) -> Self {
        Self { command: "verify", exit, ..self }
    }

    /// Another verdict with the same exit code and reason would do, too.
    pub(crate) fn or_with(self, verdict: &str) -> Self {
        Self { result: format!("{}|{verdict}", self.result), ..self }
    }

    /// Another verdict with the same exit code would do, too; then the reason is left open.
    pub(crate) fn or(self, verdict: &str) -> Self {
        Self { result: format!("{}|{verdict}", self.result), reason: "-", ..self }
    }
}

impl Required {
    /// Refusing it as unreadable is as good: the standard forbids what is in it.
    pub(crate) fn or_unreadable(self) -> Self {
        let exit = if self.exit == "0|1" { "0|1|3" } else { "1|3" };
        Self { result: format!("{}|error:malformed", self.result), exit, reason: "-", ..self }
    }
}

/// All cases.
#[derive(Default)]
pub(crate) struct Suite {
    files: Vec<(String, Vec<u8>)>,
    rows: Vec<String>,
}

impl Suite {
    /// A file that is no case.
    pub(crate) fn file(&mut self, path: &str, content: impl Into<Vec<u8>>) {
        self.files.push((path.to_owned(), content.into()));
    }

    /// A good twin: it must be accepted.
    pub(crate) fn good(&mut self, path: &str, required: Required, what: &str, content: impl Into<Vec<u8>>) {
        self.row(path, "", &required, "-", what, content.into());
    }

    /// An attack.
    pub(crate) fn attack(
        &mut self,
        path: &str,
        required: Required,
        twin: &str,
        what: &str,
        content: impl Into<Vec<u8>>,
    ) {
        self.row(path, "", &required, twin, what, content.into());
    }

    /// An attack that is read with further options.
    pub(crate) fn attack_with(
        &mut self,
        path: &str,
        options: &str,
        required: Required,
        twin: &str,
        what: &str,
        content: impl Into<Vec<u8>>,
    ) {
        self.row(path, options, &required, twin, what, content.into());
    }

    fn row(
        &mut self,
        path: &str,
        options: &str,
        required: &Required,
        twin: &str,
        what: &str,
        content: Vec<u8>,
    ) {
        let command = if options.is_empty() {
            required.command.to_owned()
        } else {
            format!("{} {options}", required.command)
        };
        let Required { exit, result, reason, .. } = required;
        self.rows.push(format!("{path}\t{command}\t{exit}\t{result}\t{reason}\t{twin}\t{what}\n"));
        self.files.push((path.to_owned(), content));
    }

    /// Writes all files and the table.
    pub(crate) fn write(self, folder: &Path) -> io::Result<()> {
        for (path, content) in &self.files {
            let path = folder.join(path);
            std::fs::create_dir_all(path.parent().unwrap_or(folder))?;
            std::fs::write(path, content)?;
        }
        let head = "file\tcommand\texit\tresult\treason\ttwin\tattack\n";
        std::fs::write(folder.join("expected.tsv"), head.to_owned() + &self.rows.concat())
    }
}
