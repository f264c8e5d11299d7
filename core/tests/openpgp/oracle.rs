//! What `sq pki authenticate` answered about the keyrings of sequoia-wot's own tests.

use std::collections::{BTreeMap, BTreeSet};

use counterseal_core::fingerprint::OpenPgpFingerprint;
use counterseal_core::openpgp::{FULL, Reliances, Web};

/// Keyring, day and root of a question.
type Asked = (String, String, OpenPgpFingerprint);
/// The amounts that are not 0.
type Amounts = BTreeMap<(OpenPgpFingerprint, String), u32>;

#[test]
fn every_amount_is_that_of_sq() {
    let Some(folder) = crate::corpora::folder("sequoia-wot") else { return };
    let answers = answers(&std::fs::read_to_string(folder.join("sq_oracle.tsv")).unwrap());
    let mut compared = 0;
    for ((keyring, day, root), expected) in &answers {
        let mut web = Web::new();
        web.import(&[&std::fs::read(folder.join(keyring)).unwrap()]).unwrap();
        let reliances = Reliances::new().with_root(*root, FULL);
        let network = web.network(&reliances, super::day(day));
        let mut listed: BTreeSet<_> = expected.keys().collect();
        // What a root says of itself was not asked.
        for certificate in web.certificates().filter(|certificate| certificate.fingerprint != *root) {
            for user_id in &certificate.user_ids {
                let binding = (certificate.fingerprint, user_id.text.clone());
                let found = network.authenticate(&user_id.text, &certificate.fingerprint, FULL.into());
                let is_usable = certificate.is_usable_at(network.at());
                let amount = if is_usable { found.amount.min(FULL.into()) } else { 0 };
                let expected = expected.get(&binding).copied().unwrap_or(0);
                assert_eq!(amount, expected, "{keyring} on {day} from {root}: {binding:?}");
                listed.remove(&binding);
                compared += 1;
            }
        }
        assert!(listed.is_empty(), "{keyring}: not in the keyring: {listed:?}");
    }
    assert!(compared > 300, "{compared} bindings");
}

fn answers(table: &str) -> BTreeMap<Asked, Amounts> {
    let mut answers: BTreeMap<Asked, Amounts> = BTreeMap::new();
    for line in table.lines().filter(|line| !line.starts_with('#')) {
        let [keyring, day, root, target, amount, user_id] =
            line.split('\t').collect::<Vec<_>>().try_into().unwrap();
        let fingerprint = |text: &str| OpenPgpFingerprint::parse(text).unwrap();
        let asked = (keyring.to_owned(), day.to_owned(), fingerprint(root));
        let binding = (fingerprint(target), user_id.to_owned());
        answers.entry(asked).or_default().insert(binding, amount.parse().unwrap());
    }
    answers
}
