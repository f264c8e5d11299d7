//! x509-limbo, its file of December 2023: the cases on RFC 5280 and on path lengths, as paths for
//! the purpose serverAuth. Nobody compares the name of a server here.

use counterseal_core::time::Time;
use counterseal_core::x509::Certificate;
use counterseal_core::x509::path::{Anchor, PathRequest, Purpose, validate_with};
use counterseal_core::x509::pem;
use counterseal_core::x509::revocation::RevocationEvidence;
use serde_json::Value;

/// Cases whose result differs, and why.
const DIFFERENT: [(&str, &str); 10] = [
    ("pathlen::max-chain-depth-1-self-issued", "our limit of certificates counts self-issued ones too"),
    ("rfc5280::aki::leaf-missing-aki", ABSENT_IDENTIFIER),
    ("rfc5280::aki::intermediate-missing-aki", ABSENT_IDENTIFIER),
    ("rfc5280::aki::cross-signed-root-missing-aki", ABSENT_IDENTIFIER),
    ("rfc5280::ski::root-missing-ski", ABSENT_IDENTIFIER),
    ("rfc5280::ski::intermediate-missing-ski", ABSENT_IDENTIFIER),
    ("rfc5280::nc::permitted-dns-match-noncritical", "gpgsm refuses critical ones; they hold all the same"),
    ("rfc5280::serial::zero", "old roots have it; it identifies as well as any number"),
    ("rfc5280::serial::negative", "PKITS test 4.4.14 wants it accepted"),
    ("rfc5280::root-non-critical-basic-constraints", "PKITS test 4.6.4 wants it accepted"),
];
const ABSENT_IDENTIFIER: &str = "identifiers only help to find issuers; signatures decide";

#[test]
fn every_case_has_the_expected_result() {
    let Some(folder) = super::folder("x509-limbo") else { return };
    let cases = std::fs::read_to_string(folder.join("limbo-2023-12-02-official.json")).unwrap();
    let cases: Value = serde_json::from_str(&cases).unwrap();
    let cases = cases["testcases"].as_array().unwrap().iter();
    let is_ours = |id: &str| id.starts_with("rfc5280::") || id.starts_with("pathlen::");
    let cases: Vec<&Value> = cases.filter(|case| is_ours(case["id"].as_str().unwrap())).collect();
    let mut wrong = Vec::new();
    for case in &cases {
        let id = case["id"].as_str().unwrap();
        let is_different = DIFFERENT.iter().any(|(different, _)| *different == id);
        let expected = (case["expected_result"] == "SUCCESS") != is_different;
        let result = run(case);
        if result.is_ok() != expected {
            wrong.push(format!("{id}: expected {expected}, got {result:?}"));
        }
    }
    assert_eq!(cases.len(), 82);
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

fn run(case: &Value) -> Result<(), String> {
    let list = |key: &str| -> Result<Vec<Certificate>, String> {
        case[key].as_array().unwrap().iter().map(certificate).collect()
    };
    let leaf = certificate(&case["peer_certificate"])?;
    let anchors: Vec<Anchor> = list("trusted_certs")?.into_iter().map(Anchor::private).collect();
    let at = case["validation_time"].as_str().map_or("2023-12-02", |time| &time[..10]);
    let field = |range: std::ops::Range<usize>| at[range].parse::<i64>().unwrap();
    let at = Time::from_civil(field(0..4), field(5..7) as u8, field(8..10) as u8, 0, 0, 0).unwrap();
    let mut request = PathRequest::new(Purpose::Other("1.3.6.1.5.5.7.3.1"), at);
    if let Some(intermediates) = case["max_chain_depth"].as_u64() {
        request.depth = 2 + usize::try_from(intermediates).unwrap();
    }
    let offered = list("untrusted_intermediates")?;
    validate_with(&leaf, &offered, &anchors, &RevocationEvidence::default(), &request)
        .map(|_| ())
        .map_err(|error| format!("{error:?}"))
}

fn certificate(text: &Value) -> Result<Certificate, String> {
    let blocks = pem::blocks(text.as_str().unwrap().as_bytes());
    let der = blocks.first().expect("a PEM block").1.expose().to_vec();
    Certificate::from_der(&der).map_err(|error| error.to_string())
}
