//! The pages of the manual: one for each command, from its definition, and those of file formats.

use std::fs;
use std::io;
use std::path::Path;

use clap::{Command, CommandFactory};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use super::markdown;
use crate::args::Cli;

/// What holds for every page.
const SOURCE: &str = concat!("cseal ", env!("CARGO_PKG_VERSION"));
const MANUAL: &str = "Counterseal";
/// The page about the settings.
const CONFIG: &str = include_str!("../../../../docs/formats/config.md");
/// The page about the policy file.
const POLICY: &str = include_str!("../../../../docs/formats/policy.md");

/// Where things are kept.
const FILES: [(&str, &str); 8] = [
    (
        "$XDG_DATA_HOME/counterseal/",
        "The key store and what contacts revoked, ~/.local/share/counterseal where the variable is not set.",
    ),
    (
        "$XDG_CONFIG_HOME/counterseal/policy.toml",
        "Your rules, in ~/.config/counterseal where the variable is not set.",
    ),
    (
        "$XDG_CONFIG_HOME/counterseal/contacts.toml",
        "What `cseal trust policy set` keeps for single contacts.",
    ),
    (
        "$XDG_CONFIG_HOME/counterseal/config.toml",
        "How long the agent runs, which libraries reach your tokens, and by which servers your mail is sent: \
         docs/formats/config.md.",
    ),
    (
        "$XDG_STATE_HOME/counterseal/queue/",
        "Mail that waits to be sent, ~/.local/state/counterseal/queue where the variable is not set.",
    ),
    (
        "$XDG_CACHE_HOME/counterseal/",
        "Revocation lists that were fetched, ~/.cache/counterseal where the variable is not set. Can be deleted.",
    ),
    (
        "$COUNTERSEAL_HOME/",
        "All of these in one folder, the cache in its folder cache, where the variable is set.",
    ),
    ("/etc/counterseal/policy.toml", "The administrator's rules; the strictest of both holds."),
];

/// Variables that are looked at.
const ENVIRONMENT: [(&str, &str); 4] = [
    ("COUNTERSEAL_HOME", "A folder for everything that is kept, in the place of those below."),
    (
        "XDG_DATA_HOME, XDG_CONFIG_HOME, XDG_STATE_HOME, XDG_CACHE_HOME",
        "Where the store, the rules, the queue and the cache are. They count where they are absolute. HOME is not asked.",
    ),
    ("NO_COLOR", "Where it is set and not empty, words are coloured only with --color always."),
    (
        "SSL_CERT_FILE, SSL_CERT_DIR",
        "The CAs that web servers and directories are held to, in the place of the system's.",
    ),
];

/// Writes all pages into a folder.
pub(super) fn write(directory: &Path) -> io::Result<()> {
    let mut program = Cli::command().disable_help_subcommand(true);
    program.build();
    commands(&program, directory)?;
    fs::write(directory.join("counterseal-config.5"), config())?;
    fs::write(directory.join("counterseal-policy.5"), policy())
}

fn commands(command: &Command, directory: &Path) -> io::Result<()> {
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        commands(below, directory)?;
    }
    let name = name(command);
    fs::write(directory.join(format!("{name}.1")), page(command)?)
}

fn name(command: &Command) -> &str {
    command.get_display_name().unwrap_or_else(|| command.get_name())
}

fn page(command: &Command) -> io::Result<Vec<u8>> {
    // What the short help leaves out for want of room belongs into the page.
    let shown = command.clone().mut_args(|argument| argument.hide_short_help(false));
    let man = Man::new(shown).source(SOURCE).manual(MANUAL);
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    if command.get_arguments().any(|argument| !argument.is_hide_set()) {
        man.render_options_section(&mut page)?;
    }
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    let mut roff = Roff::default();
    end(command, &mut roff);
    page.extend(roff.to_roff().into_bytes());
    Ok(page)
}

/// The end of the long help, with its headings as sections; then what all commands share.
fn end(command: &Command, roff: &mut Roff) {
    let help = command.get_after_long_help().map(ToString::to_string).unwrap_or_default();
    let (examples, codes) = help.split_once("\nExit codes:\n").unwrap_or((&help, ""));
    if let Some(examples) = examples.strip_prefix("Examples:\n") {
        roff.control("SH", ["EXAMPLES"]);
        markdown::verbatim(examples.lines().map(|line| line.strip_prefix("  ").unwrap_or(line)), roff);
    }
    let (codes, word) = codes.split_once("\n\n").unwrap_or((codes, ""));
    let codes: Vec<_> = codes.lines().filter_map(|line| line.trim_start().split_once(' ')).collect();
    if !codes.is_empty() {
        roff.control("SH", ["EXIT STATUS"]);
        entries(codes.iter().map(|(code, meaning)| (*code, meaning.trim_start())), roff);
        roff.control("PP", []);
        roff.text([roman(word.trim())]);
    }
    if !name(command).contains('-') {
        roff.control("SH", ["FILES"]);
        entries(FILES.into_iter(), roff);
        roff.control("SH", ["ENVIRONMENT"]);
        entries(ENVIRONMENT.into_iter(), roff);
    }
    roff.control("SH", ["SEE ALSO"]);
    roff.text([
        bold("cseal"),
        roman("(1), which names files and variables; "),
        bold("counterseal-policy"),
        roman("(5)"),
    ]);
}

fn entries<'e>(entries: impl Iterator<Item = (&'e str, &'e str)>, roff: &mut Roff) {
    for (name, meaning) in entries {
        roff.control("TP", []);
        roff.text([bold(name)]);
        roff.text([roman(meaning)]);
    }
}

/// The page about the settings, from the page in docs.
fn config() -> String {
    let mut roff =
        file("counterseal-config", "how mail is sent, and how the programs work: config.toml", CONFIG);
    roff.text([
        bold("cseal"),
        roman("(1), "),
        bold("cseal-setup"),
        roman("(1), "),
        bold("counterseal-policy"),
        roman("(5)"),
    ]);
    roff.to_roff()
}

/// The page about the policy file, from the page in docs.
fn policy() -> String {
    let what = "whom to encrypt to, and what evidence is worth: policy.toml";
    let mut roff = file("counterseal-policy", what, POLICY);
    roff.text([bold("cseal"), roman("(1), "), bold("cseal-trust-policy"), roman("(1)")]);
    roff.to_roff()
}

/// A page about a file, up to what else there is to see.
fn file(name: &str, what: &str, page: &str) -> Roff {
    let mut roff = Roff::default();
    roff.control("TH", [name, "5", "", SOURCE, MANUAL]);
    roff.control("SH", ["NAME"]);
    roff.text([roman(format!("{name} - {what}"))]);
    roff.control("SH", ["DESCRIPTION"]);
    markdown::append(page, &mut roff);
    roff.control("SH", ["SEE ALSO"]);
    roff
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use clap::Parser;

    use super::*;

    #[test]
    fn every_option_of_every_page_says_what_it_does_and_examples_stay_as_they_are() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path()).unwrap();
        let rely = fs::read_to_string(folder.path().join("cseal-trust-rely.1")).unwrap();
        let examples = rely.split(".SH EXAMPLES").nth(1).unwrap();
        assert!(
            examples.contains(".nf\n") && examples.contains("\n    cseal trust rely employer\\-ca.pem\n")
        );
        for page in fs::read_dir(folder.path()).unwrap() {
            let path = page.unwrap().path();
            let text = fs::read_to_string(&path).unwrap();
            assert!(!text.contains(".SH EXTRA"), "{}", path.display());
            let options = text.split(".SH OPTIONS").nth(1).unwrap_or_default().split("\n.SH").next().unwrap();
            for option in options.split(".TP\n").skip(1) {
                let (option, text) = option.split_once('\n').unwrap();
                assert!(
                    !text.trim_start_matches(['\n', '.']).starts_with("br") && !text.trim().is_empty(),
                    "{}: {option}",
                    path.display()
                );
            }
        }
        let program = fs::read_to_string(folder.path().join("cseal.1")).unwrap();
        assert!(program.contains("COUNTERSEAL_HOME") && program.contains("policy.toml"));
        let policy = fs::read_to_string(folder.path().join("counterseal-policy.5")).unwrap();
        assert!(policy.contains("profile = \"blended\"") && policy.contains(".SH SOURCES"));
        let config = fs::read_to_string(folder.path().join("counterseal-config.5")).unwrap();
        assert!(config.contains("smtp = \"smtps://smtp.example.org\""), "{config}");
    }

    #[test]
    fn no_line_of_an_example_is_broken_by_a_terminal_of_80_columns() {
        fn check(command: &Command) {
            let help = command.get_after_long_help().map(ToString::to_string).unwrap_or_default();
            let examples = help.split("\nExit codes:").next().unwrap_or_default();
            for line in examples.lines() {
                assert!(line.chars().count() < 80, "{}: {line}", name(command));
            }
            command.get_subcommands().for_each(check);
        }
        let mut program = Cli::command();
        program.build();
        check(&program);
    }

    /// The command lines of ours in the examples of a command: what stands before a pipe or a redirection.
    fn examples(command: &Command) -> Vec<Vec<String>> {
        let help = command.get_after_long_help().map(ToString::to_string).unwrap_or_default();
        let examples = help.split("\nExit codes:").next().unwrap_or_default().replace("\\\n", " ");
        let lines = examples.lines().flat_map(|line| line.split(['|', ';', '(', ')', '&']));
        let own = lines.filter_map(|part| part.trim().strip_prefix("cseal "));
        own.map(|line| {
            let line = line.split(['<', '>']).next().unwrap_or_default();
            let words = line.split_whitespace().map(|word| word.trim_matches(['\'', '"']).to_owned());
            std::iter::once("cseal".to_owned()).chain(words).collect()
        })
        .collect()
    }

    #[test]
    fn every_example_is_a_command_line_that_is_understood() {
        fn check(command: &Command, seen: &mut usize) {
            for words in examples(command) {
                let parsed = Cli::try_parse_from(&words);
                assert!(parsed.is_ok(), "{}: {words:?}: {}", name(command), parsed.unwrap_err());
                *seen += 1;
            }
            command.get_subcommands().for_each(|command| check(command, seen));
        }
        let mut program = Cli::command();
        program.build();
        let mut seen = 0;
        check(&program, &mut seen);
        assert!(seen > 60, "{seen} examples");
    }
}
