//! What a path proves of a person, beyond being valid.

use counterseal_core::der::{Tag, encode_all};
use counterseal_core::trust::evidence::Validation;

use super::*;

/// certificatePolicies; 2.5.29.32.0 is any policy.
fn certificate_policies(list: &[&str]) -> Extension {
    let information = list.iter().map(|policy| encode_all(Tag::SEQUENCE, &[object_identifier(policy)]));
    ("2.5.29.32", false, encode_all(Tag::SEQUENCE, &information.collect::<Vec<_>>()))
}

const ANY: &str = "2.5.29.32.0";
const SPONSOR: &str = "2.23.140.1.5.3.2";
const MAILBOX: &str = "2.23.140.1.5.1.3";

#[test]
fn what_a_ca_says_to_have_checked_counts_where_the_whole_path_allows_it() {
    let says = |of_intermediate: &[&str], of_leaf: &[&str]| {
        let path = valid(|chain| {
            chain.is_public = true;
            chain.intermediate.set(certificate_policies(of_intermediate));
            chain.leaf.set(certificate_policies(of_leaf));
        });
        Validation::of_policies(path.policies())
    };
    assert_eq!(says(&[ANY], &[SPONSOR]), Validation::Organisation);
    assert_eq!(says(&[SPONSOR], &[SPONSOR, "1.2.3"]), Validation::Organisation);
    assert_eq!(says(&[ANY], &["2.23.140.1.5.4.1"]), Validation::Individual);
    assert_eq!(says(&[ANY], &[MAILBOX]), Validation::Mailbox);
    // A CA that may check mailboxes alone cannot say more, and any policy says nothing.
    assert_eq!(says(&[MAILBOX], &[SPONSOR]), Validation::Mailbox);
    assert_eq!(says(&[ANY], &[ANY]), Validation::Mailbox);
    let silent = valid(|chain| chain.leaf.set(certificate_policies(&[SPONSOR])));
    assert_eq!(Validation::of_policies(silent.policies()), Validation::Mailbox);
}

#[test]
fn a_certificate_without_an_address_is_valid_and_names_nobody() {
    let path = valid(|chain| {
        chain.leaf.remove("2.5.29.17");
        chain.leaf.subject = name("alice@example.org");
    });
    // The common name is no address, whatever it looks like.
    assert_eq!(path.leaf().unwrap().addresses(), []);
}

#[test]
fn a_key_in_two_certificates_is_two_people() {
    let [alice, bob] = ["alice@example.org", "bob@example.org"].map(|address| {
        let mut template = Template::person(address, LEAF, "Intermediate", INTERMEDIATE);
        template.serial_number = address.as_bytes()[..3].to_vec();
        template
    });
    for (person, other) in [(&alice, &bob), (&bob, &alice)] {
        let path = valid(|chain| {
            chain.leaf = person.clone();
            chain.more.push(other.clone());
        });
        let addresses = path.leaf().unwrap().addresses();
        assert_eq!(addresses.len(), 1);
        assert_eq!(Certificate::addresses(&person.mint()), addresses);
    }
    assert_eq!(alice.mint().fingerprint(), bob.mint().fingerprint());
}

#[test]
fn nobody_encrypts_to_a_certificate_that_is_revoked() {
    let encrypting = |lists: Vec<ListTemplate>| {
        Chain::with(|chain| {
            chain.request.purpose = Purpose::EncryptMail;
            chain.lists = lists;
        })
        .validate()
    };
    encrypting(Vec::new()).unwrap();
    let list = ListTemplate::new("Intermediate", INTERMEDIATE);
    encrypting(vec![list.clone()]).unwrap();
    let refused = encrypting(vec![list.revoking(LEAF, day(2026, 5, 1))]);
    assert!(matches!(refused, Err(PathError::Revoked { .. })), "{refused:?}");
}

#[test]
fn an_elliptic_key_that_does_not_say_that_it_agrees_is_no_target_of_encryption() {
    let encrypting = |change: fn(&mut Template)| {
        Chain::with(|chain| {
            chain.request.purpose = Purpose::EncryptMail;
            change(&mut chain.leaf);
        })
        .validate()
    };
    encrypting(|_| {}).unwrap();
    for change in [(|leaf: &mut Template| leaf.remove("2.5.29.15")) as fn(&mut Template), |leaf| {
        leaf.set(key_usage(DIGITAL_SIGNATURE))
    }] {
        let refused = encrypting(change);
        assert!(matches!(refused, Err(PathError::KeyUsage { .. })), "{refused:?}");
    }
}
