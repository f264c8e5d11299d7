//! Words and codes of recovery sheets, as anybody may type or show them. What is read is written and read again.
#![no_main]

use counterseal_keysync::recovery::{Paper, Seed, combine, misread};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match Paper::read(text) {
        Ok(Paper::Seed(seed)) => {
            let words: Vec<&str> = seed.words().iter().collect();
            assert_eq!(Seed::from_words(&words.join(" ")), Ok(seed.clone()));
            assert!(matches!(Paper::read(&seed.code()), Ok(Paper::Seed(again)) if again == seed));
        }
        Ok(Paper::Share(share)) => {
            let words: Vec<&str> = share.words().iter().collect();
            let Ok(Paper::Share(again)) = Paper::read(&words.join("\n")) else { panic!("a share is read again") };
            assert_eq!(*again.code(), *share.code());
            assert!(combine(&[share]).is_err(), "two are needed at least");
        }
        Err(_) => {}
    }
    let several: Vec<_> = text.split('|').take(16).map(Paper::read).collect();
    let shares = several.into_iter().flatten().filter_map(|paper| match paper {
        Paper::Share(share) => Some(share),
        Paper::Seed(_) => None,
    });
    let _ = combine(&shares.collect::<Vec<_>>());
    let _ = misread(text, |_| false);
});
