#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use counterseal_core::time::Time;
use proptest::prelude::*;

use super::*;

/// Numbers that look random and are the same in every run.
struct Counted(u64);

impl counterseal_core::ports::Random for Counted {
    fn fill(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *byte = (self.0 >> 56) as u8;
        }
    }
}

fn seed() -> Seed {
    Seed::generate(&mut Counted(1))
}

fn joined(words: &SecretWords) -> String {
    words.iter().collect::<Vec<_>>().join(" ")
}

fn shares(threshold: u8, count: u8) -> Vec<Share> {
    split(&seed(), threshold, count, &mut Counted(2)).unwrap()
}

#[test]
fn the_words_are_those_of_the_published_vectors() {
    let repeated = |word: &str, last: &str| format!("{}{last}", format!("{word} ").repeat(23));
    let winner = "legal winner thank year wave sausage worth useful ".repeat(3);
    let advice = "letter advice cage absurd amount doctor acoustic avoid ".repeat(3);
    let vectors = [
        (0x00, repeated("abandon", "art")),
        (0x7f, winner.trim_end().strip_suffix("useful").unwrap().to_owned() + "title"),
        (0x80, advice.trim_end().strip_suffix("avoid").unwrap().to_owned() + "bless"),
        (0xff, repeated("zoo", "vote")),
    ];
    for (byte, words) in vectors {
        let seed = Seed::from_bytes(&[byte; 32]).unwrap();
        assert_eq!(joined(&seed.words()), words);
        assert_eq!(Seed::from_words(&words).unwrap(), seed);
    }
}

#[test]
fn words_are_read_as_people_type_them() {
    let words: Vec<&str> = seed().words().iter().collect();
    let first_four = words.iter().map(|word| word.get(..4).unwrap_or(word)).collect::<Vec<_>>().join("  ");
    let numbered = words
        .iter()
        .enumerate()
        .map(|(index, word)| format!("{}. {word}\r\n", index + 1))
        .collect::<String>();
    let dense =
        words.iter().enumerate().map(|(index, word)| format!("{}){word},", index + 1)).collect::<String>();
    let glued =
        words.iter().enumerate().map(|(index, word)| format!("{}{word} ", index + 1)).collect::<String>();
    // Line by line across the four columns of the sheet.
    let across = (0..6)
        .flat_map(|row| (0..4).map(move |column| column * 6 + row))
        .map(|index| format!("{} {}\t", index + 1, words[index]))
        .collect::<String>();
    for text in [words.join("\n").to_uppercase(), first_four, numbered, dense, glued, across] {
        assert_eq!(Seed::from_words(&text), Ok(seed()), "{text}");
    }
}

#[test]
fn the_sheet_as_text_has_the_words_as_they_are_read() {
    let sheet = Sheet::of_seed(&seed(), "MABC-DEFG", Time::from_unix_seconds(0)).unwrap();
    let text = sheet.to_text();
    let table = text.split("\n\n").find(|part| part.trim_start().starts_with("1 ")).unwrap();
    assert_eq!(Seed::from_words(table), Ok(seed()));
    assert!(text.lines().all(|line| line.len() <= 80));
}

#[test]
fn each_fault_of_the_words_says_where_it_is() {
    let words: Vec<String> = seed().words().iter().map(str::to_owned).collect();
    let with = |index: usize, word: &str| {
        let mut changed = words.clone();
        word.clone_into(&mut changed[index]);
        changed.join(" ")
    };
    let wrong = |text: &str| Seed::from_words(text).unwrap_err();
    assert_eq!(wrong(""), PaperError::Words(NotWords::Empty));
    assert_eq!(wrong("1. 2. 3."), PaperError::Words(NotWords::Empty));
    assert_eq!(wrong(&with(6, "qqqq")), PaperError::Words(NotWords::Unknown { position: 7 }));
    assert_eq!(wrong(&with(6, "z\u{f6}o")), PaperError::Words(NotWords::Unknown { position: 7 }));
    assert_eq!(wrong(&with(6, "aba")), PaperError::Words(NotWords::Unknown { position: 7 }));
    let short = words[..23].join(" ");
    assert_eq!(wrong(&short), PaperError::Words(NotWords::Missing { position: 24, expected: 24 }));
    let long = format!("{} zoo", words.join(" "));
    assert_eq!(wrong(&long), PaperError::Words(NotWords::TooMany { expected: 24 }));
    let twice = format!("{} 5 {}", words.join(" "), words[4]);
    assert_eq!(wrong(&twice), PaperError::Words(NotWords::Twice { position: 5 }));
    let numbered = words.iter().enumerate().filter(|(index, _)| *index != 8);
    let gap = numbered.map(|(index, word)| format!("{} {word} ", index + 1)).collect::<String>();
    assert_eq!(wrong(&gap), PaperError::Words(NotWords::Missing { position: 9, expected: 24 }));
    let far = format!("99999999999999999999999 {}", words.join(" "));
    assert_eq!(wrong(&far), PaperError::Words(NotWords::TooMany { expected: 24 }));
    assert_eq!(wrong(&"zoo ".repeat(2000)), PaperError::Words(NotWords::TooLong));
}

#[test]
fn a_swap_of_neighbours_is_suspected() {
    let mut words: Vec<&str> = seed().words().iter().collect();
    words.swap(3, 4);
    match Seed::from_words(&words.join(" ")) {
        Err(PaperError::Checksum { suspects }) => {
            assert!(suspects.contains(&4) && suspects.contains(&5), "{suspects:?}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn whoever_knows_the_account_finds_the_wrong_word_of_a_seed() {
    let mut words: Vec<&str> = seed().words().iter().collect();
    for wrong in ["zoo", "abandon"] {
        words[11] = wrong;
        let text = words.join(" ");
        if matches!(Seed::from_words(&text), Err(PaperError::Checksum { .. })) {
            assert_eq!(misread(&text, |candidate| *candidate == seed()), [12]);
        }
    }
    words[2] = "zone";
    assert!(misread(&words.join(" "), |candidate| *candidate == seed()).is_empty());
}

#[test]
fn the_wrong_word_of_a_share_is_named() {
    let share = &shares(2, 3)[1];
    let words: Vec<&str> = share.words().iter().collect();
    assert_eq!(words.len(), Share::WORDS);
    let mut changed = words.clone();
    changed[18] = if words[18] == "zoo" { "abandon" } else { "zoo" };
    let wrong = Share::from_words(&changed.join(" ")).unwrap_err();
    assert_eq!(wrong, PaperError::Checksum { suspects: vec![19] });
}

#[test]
fn any_shares_that_are_enough_give_the_seed() {
    let all = shares(3, 5);
    for omitted in 0..5 {
        for other in 0..omitted {
            let kept = all.iter().enumerate().filter(|(index, _)| *index != omitted && *index != other);
            let kept: Vec<Share> = kept.map(|(_, share)| share.clone()).collect();
            assert_eq!(combine(&kept), Ok(seed()));
        }
    }
    assert_eq!(combine(&all), Ok(seed()));
}

#[test]
fn shares_come_back_from_words_and_codes() {
    for share in shares(16, 16) {
        for text in [joined(&share.words()), share.code().to_string(), share.code().to_lowercase()] {
            match Paper::read(&text) {
                Ok(Paper::Share(read)) => {
                    assert_eq!((read.index(), read.threshold()), (share.index(), 16));
                    assert_eq!(joined(&read.words()), joined(&share.words()));
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

#[test]
fn shares_that_do_not_belong_together_are_named() {
    let one = shares(3, 5);
    let other = split(&seed(), 3, 5, &mut Counted(9)).unwrap();
    let few = combine(&one[..2]).unwrap_err();
    assert_eq!(few, CombineError::TooFew { given: 2, threshold: 3 });
    assert_eq!(combine(&[]).unwrap_err(), CombineError::TooFew { given: 0, threshold: 2 });
    let mixed = combine(&[one[0].clone(), one[1].clone(), other[2].clone()]).unwrap_err();
    assert_eq!(mixed, CombineError::OtherSet { place: 3, expected: one[0].set(), found: other[2].set() });
    let repeated = combine(&[one[3].clone(), one[1].clone(), one[3].clone()]).unwrap_err();
    assert_eq!(repeated, CombineError::Twice { index: 4 });
}

#[test]
fn a_forged_share_of_the_right_set_is_noticed() {
    let all = shares(2, 2);
    let mut sealed = all[1].sealed_for_tests();
    sealed[20] ^= 1;
    let forged = Share::resealed_for_tests(&sealed);
    assert_eq!(combine(&[all[0].clone(), forged]).unwrap_err(), CombineError::Forged);
}

#[test]
fn a_seed_is_not_split_where_that_would_not_protect_it() {
    let attempt = |threshold, count| split(&seed(), threshold, count, &mut Counted(2)).unwrap_err();
    assert_eq!(attempt(0, 3), SplitError::Threshold);
    assert_eq!(attempt(1, 3), SplitError::Threshold);
    assert_eq!(attempt(3, 2), SplitError::Count);
    assert_eq!(attempt(2, 17), SplitError::Count);
}

#[test]
fn fewer_shares_than_needed_fit_any_seed() {
    // With one share of two, each other seed has a share that goes with it: nothing is learned from the one.
    let one = &shares(2, 2)[0];
    let other = Seed::from_bytes(&[0x55; 32]).unwrap();
    let mut secret = other.secret().expose().to_vec();
    secret.extend_from_slice(&other.digest());
    // The line through (0, secret) and (1, share 1), read at 2: in GF(256) that is secret + 2 (share + secret).
    let double = |byte: u8| if byte & 0x80 == 0 { byte << 1 } else { byte << 1 ^ 0x1d };
    let mut second = one.sealed_for_tests();
    second[1] = second[1] & 0x0f | 0x10;
    for (index, byte) in secret.iter().enumerate() {
        second[4 + index] = byte ^ double(second[4 + index] ^ byte);
    }
    assert_eq!(combine(&[one.clone(), Share::resealed_for_tests(&second)]), Ok(other));
}

#[test]
fn a_code_of_a_seed_is_read_and_no_damaged_one() {
    let code = seed().code();
    assert!(matches!(Paper::read(&code), Ok(Paper::Seed(read)) if read == seed()));
    assert!(matches!(Paper::read(&format!(" {}\n", code.to_lowercase())), Ok(Paper::Seed(_))));
    for end in [code.len() - 1, 20, 12, 11] {
        assert_eq!(Paper::read(&code[..end]).unwrap_err(), PaperError::Code);
    }
    for place in 11..code.len() {
        let mut flipped = code.to_string();
        let other = if flipped.as_bytes()[place] == b'Z' { "Y" } else { "Z" };
        flipped.replace_range(place..=place, other);
        assert_eq!(Paper::read(&flipped).unwrap_err(), PaperError::Code, "{flipped}");
    }
}

#[test]
fn secrets_do_not_print() {
    let share = &shares(2, 2)[0];
    assert_eq!(format!("{:?} {:?}", seed(), seed().words()), "Seed(..) SecretWords(..)");
    assert_eq!(format!("{share:?}"), format!("Share(1 of set {}, ..)", share.set()));
}

#[test]
fn an_account_that_does_not_fit_its_line_is_refused() {
    for account in ["", "a\nb", "\u{e9}", &"x".repeat(73)] {
        let sheet = Sheet::of_seed(&seed(), account, Time::from_unix_seconds(0));
        assert_eq!(sheet.err(), Some(SheetError::Account), "{account:?}");
    }
}

proptest! {
    #[test]
    fn any_seed_comes_back_from_its_words_as_another_program_writes_them(bytes in any::<[u8; 32]>()) {
        let seed = Seed::from_bytes(&bytes).unwrap();
        let theirs = bip39::Mnemonic::from_entropy_in(bip39::Language::English, &bytes).unwrap();
        prop_assert_eq!(joined(&seed.words()), theirs.to_string());
        prop_assert_eq!(Seed::from_words(&theirs.to_string()).unwrap(), seed);
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,300}") {
        let _ = Paper::read(&text);
    }

    #[test]
    fn any_words_of_the_list_are_read_or_refused(numbers in proptest::collection::vec(0_u16..2048, 1..40)) {
        let words = SecretWords(numbers.clone().into());
        match Paper::read(&joined(&words)) {
            Ok(_) => prop_assert!(numbers.len() == Seed::WORDS || numbers.len() == Share::WORDS),
            Err(PaperError::Checksum { .. } | PaperError::Version(_)) => {
                prop_assert!(numbers.len() == Seed::WORDS || numbers.len() == Share::WORDS);
            }
            Err(_) => prop_assert!(numbers.len() != Seed::WORDS && numbers.len() != Share::WORDS),
        }
    }
}
