//! PKITS, the path validation tests of NIST.
//!
//! Every certificate must be known not to be revoked, as PKITS assumes, and weak algorithms are
//! allowed, because its certificates are from 2010.

use std::path::Path;

use counterseal_core::time::Time;
use counterseal_core::x509::Certificate;
use counterseal_core::x509::path::{Anchor, PathRequest, Purpose, validate_with};
use counterseal_core::x509::revocation::{RevocationDemand, RevocationEvidence, RevocationList};
use serde_json::Value;

/// Valid paths that we refuse, and why.
const REFUSED: [(&str, &str); 2] = [
    ("Section1ValidDSAParameterInheritanceTest5", "a DSA key without a domain of its own verifies nothing"),
    ("Section2Validpre2000UTCnotBeforeDateTest3", "dates before 1970 are not read"),
];

#[test]
fn every_test_has_the_expected_result() {
    let Some(folder) = super::folder("pkits") else { return };
    let tests = std::fs::read_to_string(folder.join("expected.json")).unwrap();
    let tests: Vec<Value> = serde_json::from_str(&tests).unwrap();
    let mut wrong = Vec::new();
    for test in &tests {
        let name = test["name"].as_str().unwrap();
        let is_refused = REFUSED.iter().any(|(refused, _)| *refused == name);
        let expected = test["should_validate"].as_bool().unwrap() && !is_refused;
        let result = run(&folder, test);
        if result.is_ok() != expected {
            wrong.push(format!("{name}: expected {expected}, got {result:?}"));
        }
    }
    assert_eq!(tests.len(), 164);
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

fn run(folder: &Path, test: &Value) -> Result<(), String> {
    let names = |key: &str| -> Vec<String> {
        let names = test[key].as_array().unwrap();
        names.iter().map(|name| name.as_str().unwrap().to_owned()).collect()
    };
    let certificates = names("certs").into_iter().map(|name| {
        let der = std::fs::read(folder.join(format!("certs/{name}.crt"))).unwrap();
        Certificate::from_der(&der).map_err(|error| format!("{name}: {error}"))
    });
    let certificates = certificates.collect::<Result<Vec<_>, _>>()?;
    let [anchor, offered @ .., leaf] = certificates.as_slice() else { panic!("no path") };
    let lists = names("crls").into_iter().map(|name| {
        let der = std::fs::read(folder.join(format!("crls/{name}.crl"))).unwrap();
        RevocationList::from_der(&der).map_err(|error| format!("{name}: {error}"))
    });
    let lists = lists.collect::<Result<Vec<_>, _>>()?;
    let evidence = RevocationEvidence { lists, demand: RevocationDemand::Required };
    let anchors = [Anchor::private(anchor.clone())];
    validate_with(leaf, offered, &anchors, &evidence, &request(test))
        .map(|_| ())
        .map_err(|error| format!("{error:?}"))
}

fn request(test: &Value) -> PathRequest {
    let is_set = |key: &str| test[key].as_str() == Some("true");
    let mut request = PathRequest::new(Purpose::Any, Time::from_civil(2026, 11, 21, 12, 0, 0).unwrap());
    request.policies.explicit = is_set("SetInitialExplicitPolicy");
    request.policies.inhibit_mapping = is_set("SetInitialPolicyMappingInhibit");
    request.policies.inhibit_any = is_set("SetInitialInhibitAnyPolicy");
    if let Some(policies) = test["SetInitialPolicySet"].as_str() {
        let number = |name: &str| name.strip_prefix("NIST-test-policy-").unwrap().to_owned();
        let policies = policies.split(',').map(|name| format!("2.16.840.1.101.3.2.1.48.{}", number(name)));
        request.policies.acceptable = policies.collect();
    }
    request
}
