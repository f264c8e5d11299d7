//! Holds the library to the order of its storeys, and to the few rules that a compiler does not check.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Crates that only the named modules may use, each with the reason. Whoever is not listed here may be used everywhere.
///
/// The wall is there so that a change of a cryptographic library stays behind it.
const WALLED_CRATES: &[(&str, &[&str])] = &[
    // ASN.1 and its types: what they say leaves as our own types.
    ("der", &["der", "x509", "cms"]),
    ("cms", &["x509", "cms"]),
    ("x509_cert", &["x509", "cms"]),
    ("spki", &["x509", "cms"]),
    ("const_oid", &["der", "x509", "cms"]),
    ("pkcs1", &["x509", "cms"]),
    ("pkcs5", &["x509", "cms"]),
    ("pkcs8", &["x509"]),
    ("sec1", &["x509"]),
    // Public key operations, and the secret ones that aws-lc-rs cannot do.
    ("rsa", &["x509"]),
    ("crypto_bigint", &["x509"]),
    ("p256", &["x509"]),
    ("p384", &["x509"]),
    ("p521", &["x509"]),
    ("x25519_dalek", &["x509"]),
    ("ed25519_dalek", &["x509"]),
    ("ml_kem", &["x509"]),
    ("ml_dsa", &["x509"]),
    // Secret key operations: the native implementation of the port `SecretKeys`.
    ("aws_lc_rs", &["x509", "keys"]),
    // Ciphers, key derivation and wrapping.
    ("aes", &["x509", "cms"]),
    ("aes_gcm", &["cms"]),
    ("aes_kw", &["cms"]),
    ("ansi_x963_kdf", &["cms"]),
    ("cbc", &["x509", "cms"]),
    ("chacha20", &["cms"]),
    ("chacha20poly1305", &["cms"]),
    ("ctr", &["cms"]),
    ("des", &["x509", "cms"]),
    ("ghash", &["cms"]),
    ("hkdf", &["cms"]),
    ("hmac", &["x509", "cms"]),
    ("md5", &["x509", "cms"]),
    ("pbkdf2", &["x509", "cms"]),
    ("poly1305", &["cms"]),
    ("rc2", &["x509", "cms"]),
    ("sha1", &["x509", "cms", "openpgp", "lookup"]),
    ("flate2", &["cms"]),
    // A fingerprint is a SHA-256 digest, and its storey lies above x509.
    ("sha2", &["fingerprint", "x509", "cms", "openpgp", "lookup", "discovery"]),
    ("sha3", &["fingerprint", "x509", "cms"]),
    // OpenPGP.
    ("sequoia_openpgp", &["openpgp"]),
    ("toml_edit", &["policy"]),
    // Mail.
    ("mail_parser", &["mail"]),
    ("base64_simd", &["mail"]),
    ("base64ct", &["fingerprint", "mail", "x509", "cms", "discovery"]),
    // What domains say of their servers.
    ("quick_xml", &["discovery"]),
    ("serde_json", &["discovery"]),
];

/// What `core` must not reach for: the world comes in as arguments (see the first lines of `lib.rs`).
const OUTSIDE: &[&[&str]] = &[
    &["std", "fs"],
    &["std", "net", "TcpStream"],
    &["std", "net", "TcpListener"],
    &["std", "net", "UdpSocket"],
    &["std", "net", "ToSocketAddrs"],
    &["std", "env"],
    &["std", "process"],
    &["std", "thread", "sleep"],
    &["SystemTime", "now"],
    &["Instant", "now"],
    &["getrandom"],
];

#[test]
fn a_storey_uses_only_those_above_it() {
    let order = storeys();
    let rank = |module: &str| order.iter().position(|name| name == module);
    let mut offences = Vec::new();
    for file in library_files() {
        let source = Source::of_library(&file);
        let Some(own) = rank(&source.module) else { continue };
        for path in &source.paths {
            let Some(used) = path.top_module(source.depth).and_then(rank) else { continue };
            if used > own {
                offences.push(source.offence(path));
            }
        }
    }
    assert!(offences.is_empty(), "these use a storey below their own:\n{}", offences.join("\n"));
}

#[test]
fn every_module_has_its_place_in_the_order() {
    let order = storeys();
    let declared: Vec<String> = fs::read_to_string(core().join("src/lib.rs"))
        .unwrap()
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';').map(str::to_owned))
        .collect();
    assert!(declared.len() > 10, "lib.rs declares its modules one a line");
    for module in &declared {
        assert!(order.contains(module), "{module} is missing in the order that lib.rs gives");
    }
    for module in &order {
        assert!(declared.contains(module), "{module} stands in the order of lib.rs and does not exist");
    }
}

#[test]
fn cryptographic_crates_stay_behind_their_wall() {
    let mut offences = Vec::new();
    for file in library_files() {
        let source = Source::of_library(&file);
        if source.module == "lib" {
            continue;
        }
        for path in &source.paths {
            let first = path.segments[0].as_str();
            let Some((_, allowed)) = WALLED_CRATES.iter().find(|(name, _)| *name == first) else { continue };
            if !allowed.contains(&source.module.as_str()) && !source.own_names.contains(first) {
                offences.push(source.offence(path));
            }
        }
    }
    assert!(
        offences.is_empty(),
        "these name a crate that their module must not know:\n{}",
        offences.join("\n")
    );
}

#[test]
fn the_library_opens_no_file_no_socket_and_no_clock() {
    let mut offences = Vec::new();
    for file in library_files() {
        let source = Source::of_library(&file);
        for path in &source.paths {
            let reaches_out = OUTSIDE
                .iter()
                .any(|outside| path.segments.windows(outside.len()).any(|window| window == *outside));
            if reaches_out {
                offences.push(source.offence(path));
            }
        }
    }
    assert!(offences.is_empty(), "these reach outside:\n{}", offences.join("\n"));
}

#[test]
fn no_place_is_left_unfinished() {
    let mut offences = Vec::new();
    for directory in ["core", "cli", "keysync"] {
        for file in source_files(&workspace().join(directory)) {
            let tokens = tokens(&fs::read_to_string(&file).unwrap());
            for pair in tokens.windows(2) {
                if matches!(pair[0].text.as_str(), "todo" | "unimplemented") && pair[1].text == "!" {
                    offences.push(format!("{}:{}: {}!", file.display(), pair[0].line, pair[0].text));
                }
            }
        }
    }
    assert!(offences.is_empty(), "unfinished:\n{}", offences.join("\n"));
}

#[test]
fn every_crate_forbids_unsafe_code() {
    let workspace_manifest = fs::read_to_string(workspace().join("Cargo.toml")).unwrap();
    assert!(workspace_manifest.contains("unsafe_code = \"forbid\""));
    for name in ["core", "cli", "keysync"] {
        let manifest = fs::read_to_string(workspace().join(name).join("Cargo.toml")).unwrap();
        assert!(manifest.contains("[lints]\nworkspace = true"), "{name} takes its lints from the workspace");
    }
}

#[test]
fn the_reader_of_paths_sees_what_the_rules_are_about() {
    let text = "use crate::{der, x509::{Certificate, path::Path as P}};\n\
                // crate::message is a comment\n\
                fn f() { super::super::trust::decide(\"crate::policy\") }\n\
                fn g<'a>(c: char) -> bool { c == '\"' || std::fs::exists(\"x\").is_ok() }";
    let paths: Vec<String> = paths(&tokens(text)).iter().map(|path| path.segments.join("::")).collect();
    for expected in [
        "crate::der",
        "crate::x509::Certificate",
        "crate::x509::path::Path",
        "super::super::trust::decide",
        "std::fs::exists",
    ] {
        assert!(paths.iter().any(|path| path == expected), "{expected} in {paths:?}");
    }
    assert!(!paths.iter().any(|path| path.contains("message") || path.contains("policy")), "{paths:?}");
}

/// The modules in the order that the table in `lib.rs` gives: from the top storey down, left to right.
fn storeys() -> Vec<String> {
    let library = fs::read_to_string(core().join("src/lib.rs")).unwrap();
    library
        .lines()
        .skip_while(|line| !line.starts_with("//! ```text"))
        .skip(1)
        .take_while(|line| !line.starts_with("//! ```"))
        .filter_map(|line| line.trim_start_matches("//! ").split("  ").next())
        .flat_map(|names| names.split(", ").map(str::to_owned).collect::<Vec<_>>())
        .collect()
}

/// One file of the library, without its tests.
struct Source {
    file: PathBuf,
    /// The module directly below the crate root that the file belongs to.
    module: String,
    /// How many `super::` lead from this file to the crate root.
    depth: usize,
    paths: Vec<UsedPath>,
    /// Names that the file imports from the library itself: `der::` then means our own module.
    own_names: BTreeSet<String>,
}

impl Source {
    fn of_library(file: &Path) -> Self {
        let text = fs::read_to_string(file).unwrap();
        let code = without_tests(&text);
        let relative = file.strip_prefix(core().join("src")).unwrap().with_extension("");
        let parts: Vec<String> = relative.iter().map(|part| part.to_string_lossy().into_owned()).collect();
        let paths = paths(&tokens(code));
        let own_names = paths
            .iter()
            .filter(|path| matches!(path.segments[0].as_str(), "crate" | "super" | "self"))
            .flat_map(|path| path.segments.iter().skip(1).cloned())
            .collect();
        Self { file: file.to_owned(), module: parts[0].clone(), depth: parts.len(), paths, own_names }
    }

    fn offence(&self, path: &UsedPath) -> String {
        format!("{}:{}: {}", self.file.display(), path.line, path.segments.join("::"))
    }
}

/// A path with at least two segments, from a `use` or from an expression or type.
struct UsedPath {
    line: usize,
    segments: Vec<String>,
}

impl UsedPath {
    /// The module below the crate root that this path enters, when it starts there.
    fn top_module(&self, depth: usize) -> Option<&str> {
        let supers = self.segments.iter().take_while(|segment| *segment == "super").count();
        let start = match self.segments.first().map(String::as_str) {
            Some("crate") => 1,
            Some("super") if supers >= depth => supers,
            _ => return None,
        };
        self.segments.get(start).map(String::as_str)
    }
}

/// All paths of a file; the groups of `use` are spelled out.
fn paths(tokens: &[Token]) -> Vec<UsedPath> {
    let mut found = Vec::new();
    let mut position = 0;
    while position < tokens.len() {
        let follows_path = position > 0 && tokens[position - 1].text == "::";
        if tokens[position].is_name() && !follows_path {
            position = path_tree(tokens, position, &[], &mut found);
        } else {
            position += 1;
        }
    }
    found
}

/// Reads one path, and the group at its end if it has one; returns the position behind it.
fn path_tree(tokens: &[Token], mut position: usize, prefix: &[String], found: &mut Vec<UsedPath>) -> usize {
    let line = tokens[position].line;
    let mut segments = prefix.to_vec();
    while let Some(token) = tokens.get(position).filter(|token| token.is_name()) {
        segments.push(token.text.clone());
        position += 1;
        if tokens.get(position).is_none_or(|token| token.text != "::") {
            break;
        }
        position += 1;
    }
    if tokens.get(position).is_some_and(|token| token.text == "{") && tokens[position - 1].text == "::" {
        position += 1;
        while let Some(token) = tokens.get(position).filter(|token| token.text != "}") {
            position =
                if token.is_name() { path_tree(tokens, position, &segments, found) } else { position + 1 };
        }
        return position + 1;
    }
    if tokens.get(position).is_some_and(|token| token.text == "as") {
        position += 2;
    }
    if segments.len() > 1 {
        found.push(UsedPath { line, segments });
    }
    position
}

struct Token {
    line: usize,
    text: String,
}

impl Token {
    fn is_name(&self) -> bool {
        self.text.starts_with(|first: char| first.is_alphabetic() || first == '_') && self.text != "as"
    }
}

/// Names, `::` and single marks, without comments, strings and characters.
fn tokens(text: &str) -> Vec<Token> {
    let characters: Vec<char> = text.chars().collect();
    let at = |index: usize| characters.get(index).copied().unwrap_or('\0');
    let mut tokens = Vec::new();
    let mut line = 1;
    let mut index = 0;
    while index < characters.len() {
        let start = index;
        match at(index) {
            '/' if at(index + 1) == '/' => {
                while index < characters.len() && at(index) != '\n' {
                    index += 1;
                }
            }
            '/' if at(index + 1) == '*' => {
                while index < characters.len() && !(at(index) == '*' && at(index + 1) == '/') {
                    index += 1;
                }
                index += 2;
            }
            'r' if at(index + 1) == '#' && at(index + 2) == '"' => {
                index += 3;
                while index < characters.len() && !(at(index) == '"' && at(index + 1) == '#') {
                    index += 1;
                }
                index += 2;
            }
            '"' => {
                index += 1;
                while index < characters.len() && at(index) != '"' {
                    index += if at(index) == '\\' { 2 } else { 1 };
                }
                index += 1;
            }
            // A character, not a lifetime.
            '\'' if at(index + 1) == '\\' => {
                index += 3;
                while index < characters.len() && at(index) != '\'' {
                    index += 1;
                }
                index += 1;
            }
            '\'' if at(index + 2) == '\'' => index += 3,
            ':' if at(index + 1) == ':' => {
                index += 2;
                tokens.push(Token { line, text: "::".to_owned() });
            }
            first if first.is_alphabetic() || first == '_' => {
                while at(index).is_alphanumeric() || at(index) == '_' {
                    index += 1;
                }
                tokens.push(Token { line, text: characters[start..index].iter().collect() });
            }
            other => {
                index += 1;
                if !other.is_whitespace() {
                    tokens.push(Token { line, text: other.to_string() });
                }
            }
        }
        let end = index.min(characters.len());
        line += characters[start..end].iter().filter(|character| **character == '\n').count();
    }
    tokens
}

fn core() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn workspace() -> PathBuf {
    core().parent().unwrap().to_owned()
}

/// A file up to the tests that stand at its end, which may use everything.
fn without_tests(text: &str) -> &str {
    let tests = text.match_indices("\n#[cfg(test)]\n").map(|(place, _)| place);
    // Attributes may stand between; a file of its own begins with no brace.
    let inline = |place: &usize| {
        let mut item = text[*place..].lines().skip(1).skip_while(|line| line.starts_with("#["));
        item.next().is_some_and(|line| line.ends_with('{'))
    };
    tests.into_iter().find(inline).map_or(text, |place| &text[..place])
}

/// The files of the library that are not there for tests alone.
fn library_files() -> Vec<PathBuf> {
    let files = source_files(&core().join("src"));
    let for_tests: BTreeSet<PathBuf> = files.iter().flat_map(|file| test_modules(file)).collect();
    files.into_iter().filter(|file| !for_tests.contains(file)).collect()
}

/// The files that a module declares behind `#[cfg(test)]`.
fn test_modules(file: &Path) -> Vec<PathBuf> {
    let text = fs::read_to_string(file).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let is_root = file.file_name().is_some_and(|name| name == "lib.rs");
    let below = if is_root { file.parent().unwrap().to_owned() } else { file.with_extension("") };
    let declared = lines.windows(2).filter(|pair| pair[0] == "#[cfg(test)]").filter_map(|pair| {
        let (_, name) = pair[1].strip_suffix(';')?.rsplit_once("mod ")?;
        Some(below.join(name).with_extension("rs"))
    });
    declared.collect()
}

/// All Rust files below a directory, build results left out.
fn source_files(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut directories = vec![directory.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}
