//! PKITS, the path validation tests of NIST.
//!
//! Every certificate must be known not to be revoked, as PKITS assumes, and weak algorithms are
//! allowed, because its certificates are from 2010.

use std::path::Path;

use counterseal_core::time::Time;
use counterseal_core::x509::Certificate;
use counterseal_core::x509::path::{Anchor, PathError, PathRequest, Purpose, validate_with};
use counterseal_core::x509::revocation::{RevocationDemand, RevocationEvidence, RevocationList};
use serde_json::Value;

#[test]
fn every_test_has_the_expected_result() {
    let Some(folder) = super::folder("pkits") else { return };
    let tests = std::fs::read_to_string(folder.join("expected.json")).unwrap();
    let tests: Vec<Value> = serde_json::from_str(&tests).unwrap();
    let mut wrong = Vec::new();
    for test in &tests {
        let name = test["name"].as_str().unwrap();
        let expected = test["should_validate"].as_bool().unwrap();
        let result = run(&folder, test);
        if result.is_ok() != expected {
            wrong.push(format!("{name}: expected {expected}, got {result:?}"));
        }
    }
    assert_eq!(tests.len(), 164);
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// Whoever may choose the parameters of a DSA key may sign for it (CVE-2020-0601 is the like of
/// it), so they come from the path, and from nowhere else.
#[test]
fn parameters_of_a_dsa_key_come_from_its_issuer_alone() {
    let Some(folder) = super::folder("pkits") else { return };
    let read = |name: &str| {
        Certificate::from_der(&std::fs::read(folder.join(format!("certs/{name}.crt"))).unwrap()).unwrap()
    };
    let leaf = read("ValidDSAParameterInheritanceTest5EE");
    let heir = read("DSAParametersInheritedCACert");
    let (parent, root) = (read("DSACACert"), read("TrustAnchorRootCertificate"));
    let evidence = RevocationEvidence::default();
    let validate = |offered: &[Certificate], anchor: &Certificate| {
        let anchors = [Anchor::private(anchor.clone())];
        validate_with(&leaf, offered, &anchors, &evidence, &request(&Value::Null))
    };
    let path = validate(&[heir.clone(), parent.clone()], &root).unwrap();
    assert_eq!(path.certificates().len(), 4);
    // The anchor itself has none to give.
    let refused = validate(&[parent], &heir);
    assert!(matches!(refused, Err(PathError::BadSignature { .. })), "{refused:?}");
}

/// Sections 4.13 to 4.16 (name constraints, distribution points, delta lists, unknown extensions)
/// have no list of results; the names of their leaves say what they are.
#[test]
fn every_leaf_is_what_its_name_says() {
    let Some(folder) = super::folder("pkits") else { return };
    let listed = std::fs::read_to_string(folder.join("expected.json")).unwrap();
    let certificates: Vec<(String, Certificate)> = files(&folder.join("certs"))
        .filter_map(|(name, der)| Some((name, Certificate::from_der(&der).ok()?)))
        .collect();
    let lists: Vec<RevocationList> =
        files(&folder.join("crls")).filter_map(|(_, der)| RevocationList::from_der(&der).ok()).collect();
    let evidence =
        RevocationEvidence { lists, demand: RevocationDemand::Required, ..RevocationEvidence::default() };
    let is_anchor = |(name, _): &&(String, Certificate)| name == "TrustAnchorRootCertificate";
    let anchors = [Anchor::private(certificates.iter().find(is_anchor).unwrap().1.clone())];
    let offered: Vec<Certificate> = certificates.iter().map(|(_, certificate)| certificate.clone()).collect();
    let request = request(&Value::Null);
    let (mut count, mut wrong) = (0, Vec::new());
    for (name, leaf) in &certificates {
        let is_leaf = name.ends_with("EE") && !listed.contains(&format!("\"{name}\""));
        if !is_leaf {
            continue;
        }
        count += 1;
        let expected = name.starts_with("Valid");
        let result = validate_with(leaf, &offered, &anchors, &evidence, &request);
        if result.is_ok() != expected {
            wrong.push(format!("{name}: expected {expected}, got {:?}", result.err()));
        }
    }
    assert_eq!(count, 85);
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// Name without its end, and content, of every file in a folder.
fn files(folder: &Path) -> impl Iterator<Item = (String, Vec<u8>)> {
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let name = |path: &Path| path.file_stem().unwrap().to_str().unwrap().to_owned();
    paths.into_iter().map(move |path| (name(&path), std::fs::read(path).unwrap()))
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
    let evidence =
        RevocationEvidence { lists, demand: RevocationDemand::Required, ..RevocationEvidence::default() };
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
