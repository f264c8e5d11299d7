//! The recovery sheet, printed and read by programs of others: `scripts/install-test-tools` has them.

use std::fs;
use std::path::Path;
use std::process::Command;

use counterseal_core::ports::Random;
use counterseal_core::time::Time;
use counterseal_keysync::recovery::{Paper, Seed, Sheet, combine, split};

struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&mut self, bytes: &mut [u8]) {
        getrandom::fill(bytes).unwrap();
    }
}

const ACCOUNT: &str = "MBJH-UVS2-Z2Q4-OF7C-MGP6-ZLO7-BJMY";
const MADE: Time = Time::from_unix_seconds(1_795_262_400);

fn run(program: &str, arguments: &[&str], directory: &Path) -> String {
    let output = Command::new(program).args(arguments).current_dir(directory).output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}; scripts/install-test-tools"));
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The words and the code of a sheet, as a printer's PDF and a browser's SVG show them.
fn printed(sheet: &Sheet) -> Vec<String> {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    fs::write(here.join("sheet.pdf"), sheet.to_pdf().expose()).unwrap();
    fs::write(here.join("sheet.svg"), sheet.to_svg().expose()).unwrap();
    run("pdftoppm", &["-r", "150", "-png", "sheet.pdf", "from-pdf"], here);
    run("rsvg-convert", &["-o", "from-svg.png", "sheet.svg"], here);
    let text = run("pdftotext", &["-layout", "sheet.pdf", "-"], here);
    assert!(text.contains(ACCOUNT) && text.contains("2026-11-21") && text.contains("cseal device recover"));
    let numbered = |line: &&str| line.trim_start().starts_with(|first: char| first.is_ascii_digit());
    let rows = text.lines().filter(numbered).filter(|line| !line.contains('.'));
    let mut read = vec![rows.collect::<Vec<_>>().join("\n")];
    for picture in ["from-pdf-1.png", "from-svg.png"] {
        read.push(run("zbarimg", &["--quiet", "--raw", "-Sbinary", picture], here));
    }
    read
}

#[test]
fn a_printed_sheet_gives_the_seed_back_by_words_and_by_code() {
    let seed = Seed::generate(&mut SystemRandom);
    for text in printed(&Sheet::of_seed(&seed, ACCOUNT, MADE).unwrap()) {
        match Paper::read(&text) {
            Ok(Paper::Seed(read)) => assert_eq!(read, seed),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn printed_shares_give_the_seed_back() {
    let seed = Seed::generate(&mut SystemRandom);
    let shares = split(&seed, 2, 3, &mut SystemRandom).unwrap();
    let sheets = shares.iter().map(|share| printed(&Sheet::of_share(share, ACCOUNT, MADE).unwrap()));
    let read = |text: &str| match Paper::read(text) {
        Ok(Paper::Share(share)) => share,
        other => panic!("{other:?}"),
    };
    let sheets: Vec<Vec<String>> = sheets.collect();
    for way in 0..3 {
        let shares = sheets.iter().skip(1).filter_map(|texts| texts.get(way)).map(|text| read(text));
        assert_eq!(combine(&shares.collect::<Vec<_>>()), Ok(seed.clone()));
    }
}
