//! Certificates made to cost: a verdict within a second of CPU, and within a hundred megabytes.

use std::process::Command;
use std::time::Duration;

use counterseal_core::x509::CertificateError;

use super::*;

/// What a verdict may take of the processor; what others do on it meanwhile does not count.
const PATIENCE: Duration = Duration::from_secs(1);
/// KiB of address space; a third of it is the program of the tests itself.
const MEMORY: u32 = 100 << 10;

/// The time for which this thread had a processor.
fn spent() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(text.split_whitespace().next().unwrap().parse().unwrap())
}

/// The verdict on a leaf, in time.
fn verdict(leaf: &Certificate, offered: &[Certificate], anchors: &[Anchor]) -> Result<ValidPath, PathError> {
    let request = PathRequest::new(Purpose::SignMail, day(2026, 6, 15));
    let begin = spent();
    let verdict = validate_with(leaf, offered, anchors, &RevocationEvidence::default(), &request);
    let took = spent() - begin;
    assert!(took < PATIENCE, "{took:?}");
    verdict
}

fn names(count: u16) -> Vec<Vec<u8>> {
    (0..count).map(|number| rfc822(&format!("person{number}@example.org"))).collect()
}

#[test]
fn four_thousand_names_are_too_many_and_four_thousand_constraints_cost_their_budget() {
    let leaf = Template::person("alice@example.org", LEAF, "Root", ROOT);
    let begin = spent();
    let crowd = Certificate::from_der(&leaf.clone().with(alternative_names(&names(4000))).der());
    assert_eq!(crowd.unwrap_err(), CertificateError::TooManyNames);
    assert!(spent() - begin < PATIENCE);
    let root = |constraints| {
        let root = Template::authority("Root", ROOT, "Root", ROOT);
        [Anchor::private(root.with(name_constraints(&[], &names(constraints))).mint())]
    };
    let largest = leaf.clone().with(alternative_names(&names(499))).mint();
    let refused = verdict(&largest, &[], &root(4000));
    assert_eq!(refused, Err(PathError::Budget(BudgetKind::NameComparisons)));
    verdict(&leaf.mint(), &[], &root(4000)).unwrap();
}

#[test]
fn three_hundred_authorities_of_one_name_cost_their_budget() {
    let leaf = Template::person("alice@example.org", LEAF, "Authority", OTHER).mint();
    let keys = (1..=100).filter(|key| *key != OTHER);
    let authority = |key: u8, number: u8| {
        let template = Template::authority("Authority", key, "Root", ROOT);
        Template { serial_number: vec![1, key, number], ..template }.mint()
    };
    let crowd: Vec<Certificate> = keys
        .flat_map(|key| (1..=4).map(move |number| (key, number)))
        .map(|(key, number)| authority(key, number))
        .collect();
    let root = [Anchor::private(Template::authority("Root", ROOT, "Root", ROOT).mint())];
    let refused = verdict(&leaf, &crowd[..300], &root);
    assert_eq!(refused, Err(PathError::Budget(BudgetKind::Certificates)));
    // As many as are taken: none of them signed, and nobody asks more than a hundred times.
    let refused = verdict(&leaf, &crowd[..199], &root);
    assert_eq!(refused, Err(PathError::Budget(BudgetKind::Signatures)));
    // Anchors are not counted, but what they cost is.
    let anchors: Vec<Anchor> = crowd[..300].iter().cloned().map(Anchor::private).collect();
    let refused = verdict(&leaf, &[], &anchors);
    assert_eq!(refused, Err(PathError::Budget(BudgetKind::Signatures)));
    // The right one is found among many, where its identifier says so.
    let mut offered = crowd[..150].to_vec();
    let right = Template::authority("Authority", OTHER, "Root", ROOT).with(subject_key_identifier(b"right"));
    offered.push(right.mint());
    let leaf = Template::person("alice@example.org", LEAF, "Authority", OTHER)
        .with(authority_key_identifier(b"right"))
        .mint();
    verdict(&leaf, &offered, &root).unwrap();
}

#[test]
fn cross_certificates_with_exponentially_many_paths_cost_their_budget() {
    // Every CA of a layer is certified by both of the next: two to the power of the layers.
    let layers = 40;
    let subject = |layer: u8| format!("Layer {layer}");
    let mut offered = Vec::new();
    for layer in 0..layers {
        for (key, signer) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
            let (key, signer) = (10 + 2 * layer + key, 12 + 2 * layer + signer);
            let template = Template::authority(&subject(layer), key, &subject(layer + 1), signer);
            offered.push(Template { serial_number: vec![1, key, signer], ..template }.mint());
        }
    }
    let leaf = Template::person("alice@example.org", LEAF, &subject(0), 10).mint();
    let root = [Anchor::private(Template::authority("Root", ROOT, "Root", ROOT).mint())];
    let refused = verdict(&leaf, &offered, &root);
    assert!(matches!(refused, Err(PathError::Budget(_))), "{refused:?}");
    // All CAs certify one another.
    let mesh = (1..=14_u8).flat_map(|issuer| (1..=14).map(move |other| (issuer, other)));
    let mesh = mesh.filter(|(issuer, other)| issuer != other).map(|(issuer, other)| {
        let template = Template::authority(&subject(other), 10 + other, &subject(issuer), 10 + issuer);
        Template { serial_number: vec![1, issuer, other], ..template }.mint()
    });
    let leaf = Template::person("alice@example.org", LEAF, &subject(1), 11).mint();
    let refused = verdict(&leaf, &mesh.collect::<Vec<_>>(), &root);
    assert!(matches!(refused, Err(PathError::Budget(_))), "{refused:?}");
}

#[test]
fn none_of_them_takes_a_hundred_megabytes() {
    for test in [
        "four_thousand_names_are_too_many_and_four_thousand_constraints_cost_their_budget",
        "three_hundred_authorities_of_one_name_cost_their_budget",
        "cross_certificates_with_exponentially_many_paths_cost_their_budget",
    ] {
        let output = Command::new("sh")
            .args(["-c", &format!("ulimit -v {MEMORY}; exec \"$@\""), "sh"])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", &format!("path::bounds::{test}"), "--test-threads=1"])
            // Naming the functions of a stack would take more than what is left.
            .env("RUST_BACKTRACE", "0")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.contains("1 passed"), "{test}: {said}");
    }
}
