//! Debian's keyrings (package `debian-keyring`): webs that people made. Here the smaller two; `scripts/bench-web`
//! compares all of them.

use std::collections::BTreeMap;

use counterseal_core::fingerprint::OpenPgpFingerprint;
use counterseal_core::openpgp::{FULL, Reliances, Web};
use sequoia_openpgp::Fingerprint;
use sequoia_openpgp::packet::UserID;
use sequoia_openpgp::policy::StandardPolicy;
use sequoia_wot as wot;

const FILES: [&str; 2] =
    ["/usr/share/keyrings/debian-maintainers.gpg", "/usr/share/keyrings/debian-nonupload.gpg"];
/// The day of the package in Debian 12.
const DAY: &str = "2022-12-24";

#[test]
fn the_web_of_debian_has_the_amounts_of_sequoia_wot() {
    let Ok(files) = FILES.iter().map(std::fs::read).collect::<Result<Vec<_>, _>>() else {
        eprintln!("SKIPPED: the package debian-keyring is not installed");
        return;
    };
    let mut web = Web::new();
    let imported = web.import(&[&files[0], &files[1]]).unwrap();
    assert!(imported.refused.is_empty() && imported.skipped == 0, "{imported:?}");

    let roots: Vec<OpenPgpFingerprint> = busiest(&web).into_iter().take(3).collect();
    let reliances = roots.iter().fold(Reliances::new(), |all, root| all.with_root(*root, FULL));
    let network = web.network(&reliances, super::day(DAY));
    let policy = StandardPolicy::new();
    let joined = files.concat();
    let their_roots: Vec<Fingerprint> = roots.iter().map(theirs).collect();
    let at = super::system_time(super::day(DAY));
    let their_network = wot::Network::from_bytes(&joined, &policy, at, &their_roots[..]).unwrap();

    let mut found = 0;
    for certificate in web.certificates() {
        for user_id in &certificate.user_ids {
            let target = theirs(&certificate.fingerprint);
            let expected =
                their_network.authenticate(UserID::from(user_id.text.as_str()), target, 240).amount();
            let amount = network.authenticate(&user_id.text, &certificate.fingerprint, 240).amount;
            assert_eq!(amount as usize, expected, "{} {}", certificate.fingerprint, user_id.text);
            found += usize::from(amount > 0);
        }
    }
    assert!(found > 10, "{found} bindings are found");
}

/// The certificates by how many others they certified, the busiest first.
fn busiest(web: &Web) -> Vec<OpenPgpFingerprint> {
    let mut counts: BTreeMap<OpenPgpFingerprint, usize> = BTreeMap::new();
    for certification in web.certificates().flat_map(|certificate| &certificate.certifications) {
        *counts.entry(certification.issuer).or_default() += 1;
    }
    let mut busiest: Vec<_> = counts.into_iter().collect();
    busiest.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    busiest.into_iter().map(|(issuer, _)| issuer).collect()
}

fn theirs(fingerprint: &OpenPgpFingerprint) -> Fingerprint {
    fingerprint.to_string().parse().unwrap()
}
