//! Each rule of path validation, with a chain that breaks it and a twin that does not.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bounds;
mod checks;
mod lists;
mod mint;
mod responses;

use counterseal_core::time::Time;
use counterseal_core::x509::Certificate;
use counterseal_core::x509::name_constraints::{NameConstraintFault, NameForm};
use counterseal_core::x509::path::{
    Anchor, BudgetKind, PathError, PathRequest, ProfileRule, Purpose, ValidPath, WeaknessKind, validate_with,
};
use counterseal_core::x509::revocation::{
    OcspError, OcspResponse, RevocationDemand, RevocationEvidence, RevocationList, RevocationListError,
    RevocationReason, RevocationStatus, UnknownBecause, UnusableList,
};
use mint::*;

const ROOT: u8 = 1;
const INTERMEDIATE: u8 = 2;
const LEAF: u8 = 3;
const OTHER: u8 = 4;

/// Root, intermediate CA and leaf, and everything else of a question.
struct Chain {
    root: Template,
    intermediate: Template,
    leaf: Template,
    more: Vec<Template>,
    lists: Vec<ListTemplate>,
    responses: Vec<ResponseTemplate>,
    demand: RevocationDemand,
    request: PathRequest,
    is_public: bool,
}

impl Chain {
    /// One that is in order.
    fn new() -> Self {
        Self {
            root: Template::authority("Root", ROOT, "Root", ROOT),
            intermediate: Template::authority("Intermediate", INTERMEDIATE, "Root", ROOT),
            leaf: Template::person("alice@example.org", LEAF, "Intermediate", INTERMEDIATE),
            more: Vec::new(),
            lists: Vec::new(),
            responses: Vec::new(),
            demand: RevocationDemand::BestEffort,
            request: PathRequest::new(Purpose::SignMail, day(2026, 6, 15)),
            is_public: false,
        }
    }

    fn with(change: impl FnOnce(&mut Self)) -> Self {
        let mut chain = Self::new();
        change(&mut chain);
        chain
    }

    fn validate(&self) -> Result<ValidPath, PathError> {
        let mut offered = vec![self.intermediate.mint()];
        offered.extend(self.more.iter().map(Template::mint));
        self.validate_offered(&self.leaf.mint(), &offered)
    }

    fn validate_offered(&self, leaf: &Certificate, offered: &[Certificate]) -> Result<ValidPath, PathError> {
        let root = self.root.mint();
        let anchor = if self.is_public { Anchor::public(root, None) } else { Anchor::private(root) };
        let lists = self.lists.iter().map(ListTemplate::mint).collect();
        let responses = self.responses.iter().map(ResponseTemplate::mint).collect();
        let evidence =
            RevocationEvidence { lists, responses, demand: self.demand, ..RevocationEvidence::default() };
        validate_with(leaf, offered, &[anchor], &evidence, &self.request)
    }
}

/// The error of a chain in which something was changed; unchanged it is valid.
fn error(change: impl FnOnce(&mut Chain)) -> PathError {
    Chain::new().validate().unwrap();
    Chain::with(change).validate().unwrap_err()
}

fn valid(change: impl FnOnce(&mut Chain)) -> ValidPath {
    Chain::with(change).validate().unwrap()
}

#[test]
fn a_chain_in_order_is_valid() {
    let path = valid(|_| {});
    let subjects: Vec<String> = path.certificates().iter().map(Certificate::subject).collect();
    assert_eq!(subjects, ["CN=alice@example.org", "CN=Intermediate", "CN=Root"]);
    assert_eq!(path.revocation(), vec![RevocationStatus::Unknown(UnknownBecause::NoList); 2]);
    assert!(path.require_strong().is_ok());
}

#[test]
fn every_certificate_must_be_valid_at_the_time() {
    let places: [fn(&mut Chain) -> &mut Template; 3] =
        [|chain| &mut chain.leaf, |chain| &mut chain.intermediate, |chain| &mut chain.root];
    for (depth, place) in places.into_iter().enumerate() {
        let at = day(2026, 6, 15);
        let expired = error(|chain| place(chain).not_after = at.plus_seconds(-1));
        let is_expected = matches!(&expired, PathError::Expired { which, at: asked, not_after }
            if which.depth == depth && *asked == at && *not_after == at.plus_seconds(-1));
        assert!(is_expected, "{expired:?}");
        valid(|chain| place(chain).not_after = at);
        let early = error(|chain| place(chain).not_before = at.plus_seconds(301));
        assert!(matches!(&early, PathError::NotYetValid { which, .. } if which.depth == depth), "{early:?}");
        // Clocks may differ by five minutes.
        valid(|chain| place(chain).not_before = at.plus_seconds(300));
    }
}

#[test]
fn a_chain_without_anchor_names_the_issuer_that_is_missing() {
    let chain = Chain::new();
    let missing = chain.validate_offered(&chain.leaf.mint(), &[]).unwrap_err();
    assert!(matches!(&missing, PathError::NoAnchor { issuer, .. } if issuer == "CN=Intermediate"));
    let evidence = RevocationEvidence::default();
    let offered = [chain.intermediate.mint(), chain.root.mint()];
    let missing = validate_with(&chain.leaf.mint(), &offered, &[], &evidence, &chain.request).unwrap_err();
    assert!(
        matches!(&missing, PathError::NoAnchor { which, issuer } if which.depth == 2 && issuer == "CN=Root")
    );
}

#[test]
fn a_root_of_the_same_name_is_not_the_root() {
    let evil = error(|chain| {
        chain.root = Template::authority("Root", OTHER, "Root", OTHER);
    });
    assert!(matches!(evil, PathError::BadSignature { .. }), "{evil:?}");
    // Nor does it harm beside the real one, whatever identifier it borrows.
    let chain = Chain::with(|chain| {
        chain.root.set(subject_key_identifier(b"root"));
        chain.intermediate.set(authority_key_identifier(b"root"));
    });
    let evil = Template::authority("Root", OTHER, "Root", OTHER).with(subject_key_identifier(b"root"));
    let anchors = [Anchor::private(evil.mint()), Anchor::private(chain.root.mint())];
    let offered = [evil.mint(), chain.intermediate.mint()];
    let evidence = RevocationEvidence::default();
    let path = validate_with(&chain.leaf.mint(), &offered, &anchors, &evidence, &chain.request).unwrap();
    assert_eq!(path.anchor(), 1);
}

#[test]
fn key_identifiers_only_give_an_order() {
    valid(|chain| {
        chain.intermediate.set(subject_key_identifier(b"this"));
        chain.leaf.set(authority_key_identifier(b"that"));
    });
}

#[test]
fn only_authorities_issue() {
    // Without the bit for certificates, which only a CA may have.
    for change in [
        (|chain: &mut Chain| {
            chain.intermediate.set(basic_constraints(false, None));
            chain.intermediate.set(key_usage(CRL_SIGN));
        }) as fn(&mut Chain),
        |chain| {
            chain.intermediate.remove("2.5.29.19");
            chain.intermediate.remove("2.5.29.15");
        },
        |chain| {
            chain.root.set(basic_constraints(false, None));
            chain.root.set(key_usage(CRL_SIGN));
        },
    ] {
        let refused = error(change);
        assert!(matches!(refused, PathError::NotAuthority { .. }), "{refused:?}");
    }
    let leaf_as_authority = error(|chain| {
        chain.more.push(chain.leaf.clone());
        chain.leaf = Template::person("bob@example.org", OTHER, "alice@example.org", LEAF);
    });
    assert!(matches!(leaf_as_authority, PathError::NotAuthority { which } if which.depth == 1));
}

#[test]
fn version_1_is_enough_for_an_anchor_only() {
    let version_1 = |template: &mut Template| {
        template.version = 1;
        template.extensions.clear();
    };
    valid(|chain| version_1(&mut chain.root));
    let refused = error(|chain| version_1(&mut chain.intermediate));
    assert!(matches!(refused, PathError::NotAuthority { .. }), "{refused:?}");
}

#[test]
fn authorities_need_the_key_usage_for_certificates() {
    for place in
        [(|chain| &mut chain.intermediate) as fn(&mut Chain) -> &mut Template, |chain| &mut chain.root]
    {
        let refused = error(|chain| place(chain).set(key_usage(CRL_SIGN)));
        assert!(
            matches!(&refused, PathError::KeyUsage { found, .. } if found == &["cRLSign"]),
            "{refused:?}"
        );
        valid(|chain| place(chain).remove("2.5.29.15"));
    }
}

#[test]
fn path_lengths_hold() {
    let longer = |chain: &mut Chain, length| {
        chain.intermediate.set(basic_constraints(true, Some(length)));
        chain.more.push(Template::authority("Issuer", OTHER, "Intermediate", INTERMEDIATE));
        chain.leaf = Template::person("alice@example.org", LEAF, "Issuer", OTHER);
    };
    valid(|chain| chain.intermediate.set(basic_constraints(true, Some(0))));
    valid(|chain| longer(chain, 1));
    let refused = error(|chain| longer(chain, 0));
    assert!(
        matches!(&refused, PathError::PathLength { which, limit: 0, found: 1 } if which.depth == 2),
        "{refused:?}"
    );
    // A CA that changes its key issues itself a certificate, which does not count.
    valid(|chain| {
        chain.intermediate.set(basic_constraints(true, Some(0)));
        chain.more.push(Template::authority("Intermediate", OTHER, "Intermediate", INTERMEDIATE));
        chain.leaf = Template::person("alice@example.org", LEAF, "Intermediate", OTHER);
    });
}

#[test]
fn the_key_usage_of_the_leaf_decides_what_it_is_good_for() {
    let refused = error(|chain| chain.leaf.set(key_usage(KEY_AGREEMENT)));
    assert!(
        matches!(&refused, PathError::KeyUsage { which, found } if which.depth == 0 && found == &["keyAgreement"])
    );
    valid(|chain| chain.leaf.set(key_usage(NON_REPUDIATION)));
    valid(|chain| chain.leaf.remove("2.5.29.15"));
    let encrypt = |bits| {
        Chain::with(|chain| {
            chain.request.purpose = Purpose::EncryptMail;
            chain.leaf.set(key_usage(bits));
        })
    };
    assert!(matches!(encrypt(DIGITAL_SIGNATURE).validate(), Err(PathError::KeyUsage { .. })));
    encrypt(KEY_AGREEMENT).validate().unwrap();
}

#[test]
fn the_extended_key_usage_must_name_mail() {
    let server = || extended_key_usage(&[SERVER_AUTH]);
    let refused = error(|chain| chain.leaf.set(server()));
    assert!(
        matches!(&refused, PathError::ExtendedKeyUsage { which, found } if which.depth == 0 && found == &[SERVER_AUTH])
    );
    let refused = error(|chain| chain.intermediate.set(server()));
    assert!(matches!(&refused, PathError::ExtendedKeyUsage { which, .. } if which.depth == 1));
    valid(|chain| chain.intermediate.set(extended_key_usage(&[SERVER_AUTH, EMAIL_PROTECTION])));
    valid(|chain| chain.leaf.remove("2.5.29.37"));
    valid(|chain| chain.leaf.set(extended_key_usage(&["2.5.29.37.0"])));
}

#[test]
fn below_a_public_root_the_extended_key_usage_is_not_optional() {
    valid(|chain| chain.is_public = true);
    for change in [(|chain: &mut Chain| chain.leaf.remove("2.5.29.37")) as fn(&mut Chain), |chain| {
        chain.leaf.set(extended_key_usage(&["2.5.29.37.0"]))
    }] {
        let refused = error(|chain| {
            chain.is_public = true;
            change(chain);
        });
        assert!(matches!(refused, PathError::ExtendedKeyUsage { .. }), "{refused:?}");
    }
}

#[test]
fn what_a_public_root_issued_too_late_does_not_count() {
    let chain = Chain::new();
    let validate = |after| {
        let anchor = Anchor::public(chain.root.mint(), Some(after));
        let offered = [chain.intermediate.mint()];
        validate_with(&chain.leaf.mint(), &offered, &[anchor], &RevocationEvidence::default(), &chain.request)
    };
    let issued = chain.leaf.not_before;
    validate(issued).unwrap();
    let after = issued.plus_seconds(-1);
    assert_eq!(validate(after), Err(PathError::AnchorDistrusted { after, issued }));
}

#[test]
fn an_unknown_critical_extension_anywhere_is_refused() {
    for place in [
        (|chain| &mut chain.leaf) as fn(&mut Chain) -> &mut Template,
        |chain| &mut chain.intermediate,
        |chain| &mut chain.root,
    ] {
        let refused = error(|chain| place(chain).set(unknown_extension(true)));
        let is_expected = matches!(&refused, PathError::UnknownCriticalExtension { extension, .. } if extension == "2.25.4711");
        assert!(is_expected, "{refused:?}");
        valid(|chain| place(chain).set(unknown_extension(false)));
    }
}

#[test]
fn rules_for_what_authorities_issue_hold() {
    let rule = |change: fn(&mut Chain)| match error(change) {
        PathError::Profile { rule, .. } => rule,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        rule(|chain| chain.leaf.set(key_usage(DIGITAL_SIGNATURE | KEY_CERT_SIGN))),
        ProfileRule::OnlyAuthoritiesSignCertificates
    );
    assert_eq!(
        rule(|chain| chain.leaf.set(name_constraints(&[rfc822("example.org")], &[]))),
        ProfileRule::OnlyAuthoritiesConstrain
    );
    assert_eq!(
        rule(|chain| {
            chain.intermediate.subject = name("");
            chain.leaf.issuer = name("");
        }),
        ProfileRule::AuthorityHasName
    );
    assert_eq!(rule(|chain| chain.leaf.subject = name("")), ProfileRule::NamedSomewhere);
    valid(|chain| {
        chain.leaf.subject = name("");
        let (identifier, _, value) = alternative_names(&[rfc822("alice@example.org")]);
        chain.leaf.set((identifier, true, value));
    });
    assert_eq!(
        rule(|chain| {
            let (identifier, _, value) = subject_key_identifier(b"x");
            chain.leaf.set((identifier, true, value));
        }),
        ProfileRule::KeyIdentifierNotCritical
    );
}

#[test]
fn name_constraints_hold_for_every_form_of_a_mail_address() {
    let mailbox = |address: &str| alternative_names(&[rfc822(address)]);
    let constrained = |permitted: &[&str], excluded: &[&str], names: Extension| {
        let list = |names: &[&str]| names.iter().map(|name| rfc822(name)).collect::<Vec<_>>();
        Chain::with(|chain| {
            chain.root.set(name_constraints(&list(permitted), &list(excluded)));
            chain.leaf.set(names);
        })
    };
    let fault = |chain: Chain| match chain.validate() {
        Ok(_) => None,
        Err(PathError::NameConstraint { which, by, form: NameForm::Mail, fault }) => {
            assert_eq!((which.depth, by.depth), (0, 2));
            Some(fault)
        }
        Err(other) => panic!("{other:?}"),
    };
    use NameConstraintFault::{Excluded, Incomparable, NotPermitted};
    for (permitted, excluded, address, expected) in [
        (&["example.org"][..], &[][..], "alice@example.org", None),
        (&["example.org"], &[], "alice@EXAMPLE.ORG", None),
        (&["example.org"], &[], "alice@mail.example.org", Some(NotPermitted)),
        (&[".example.org"], &[], "alice@mail.example.org", None),
        (&["example.org"], &[], "alice@example.net", Some(NotPermitted)),
        (&["alice@example.org"], &[], "alice@example.org", None),
        (&["alice@example.org"], &[], "bob@example.org", Some(NotPermitted)),
        (&[], &["example.org"], "alice@example.net", None),
        (&[], &["example.org"], "alice@example.org", Some(Excluded)),
        (&[], &["example.org"], "alice@EXAMPLE.org", Some(Excluded)),
        (&[], &["example.org"], "alice@example.org.", Some(Incomparable)),
        (&["example.org"], &["alice@example.org"], "alice@example.org", Some(Excluded)),
    ] {
        let chain = constrained(permitted, excluded, mailbox(address));
        assert_eq!(fault(chain), expected, "{permitted:?} {excluded:?} {address}");
    }
    let beyond_ascii = || alternative_names(&[other_name("1.3.6.1.5.5.7.8.9", "δοκιμή@example.org")]);
    assert_eq!(fault(constrained(&["example.org"], &[], beyond_ascii())), None);
    assert_eq!(fault(constrained(&[], &["example.org"], beyond_ascii())), Some(Excluded));
    // The address of the subject counts where subjectAltName has none.
    let in_subject = |permitted: &str| {
        let mut chain = constrained(&[permitted], &[], alternative_names(&[dns("example.org")]));
        chain.leaf.subject = attribute_name("1.2.840.113549.1.9.1", "alice@example.org");
        chain
    };
    assert_eq!(fault(in_subject("example.org")), None);
    assert_eq!(fault(in_subject("example.net")), Some(NotPermitted));
}

#[test]
fn name_constraints_hold_for_directory_names_and_whatever_is_unknown() {
    let base = name("alice@example.org");
    valid(|chain| chain.intermediate.set(name_constraints(&[directory(&base)], &[])));
    let refused = error(|chain| chain.intermediate.set(name_constraints(&[], &[directory(&base)])));
    assert!(matches!(
        &refused,
        PathError::NameConstraint { by, form: NameForm::Directory, fault: NameConstraintFault::Excluded, .. }
            if by.depth == 1
    ));
    let constrained = |names: &[Vec<u8>]| {
        Chain::with(|chain| {
            chain.root.set(name_constraints(&[], &[other_name("2.25.1", "x")]));
            chain.leaf.set(alternative_names(names));
        })
    };
    constrained(&[rfc822("alice@example.org")]).validate().unwrap();
    let refused = constrained(&[rfc822("alice@example.org"), other_name("2.25.2", "y")]).validate();
    assert!(matches!(
        refused,
        Err(PathError::NameConstraint {
            form: NameForm::Other(0),
            fault: NameConstraintFault::Incomparable,
            ..
        })
    ));
}

#[test]
fn constraints_that_are_not_critical_hold_all_the_same() {
    let refused = error(|chain| {
        let (identifier, _, value) = name_constraints(&[rfc822("example.net")], &[]);
        chain.root.set((identifier, false, value));
    });
    assert!(matches!(refused, PathError::NameConstraint { .. }), "{refused:?}");
}

#[test]
fn a_serial_number_that_was_used_twice_is_no_proof() {
    let twin = || {
        let mut twin = Template::person("bob@example.org", OTHER, "Intermediate", INTERMEDIATE);
        twin.serial_number = vec![LEAF];
        twin
    };
    let refused = error(|chain| chain.more.push(twin()));
    assert!(matches!(refused, PathError::DuplicateSerialNumber { .. }), "{refused:?}");
    // A twin that somebody else signed does no harm.
    valid(|chain| chain.more.push(Template { signer: OTHER, ..twin() }));
}

#[test]
fn two_algorithm_fields_must_agree() {
    let refused = error(|chain| chain.leaf.outer_algorithm = Some("1.2.840.10045.4.3.3"));
    assert!(matches!(refused, PathError::BadSignature { .. }), "{refused:?}");
}

#[test]
fn the_error_is_that_of_the_nearest_path() {
    // An expired path and one that ends at a stranger: the expired one came nearer.
    let refused = error(|chain| {
        chain.leaf.not_after = day(2026, 2, 1);
        chain.more.push(Template::authority("Intermediate", OTHER, "Stranger", 9));
        chain.more.push(Template::authority("Intermediate", 5, "Root", ROOT));
    });
    assert!(matches!(refused, PathError::Expired { .. }), "{refused:?}");
}

#[test]
fn cross_certificates_are_walked_and_loops_are_not() {
    // Intermediate is also certified by Other, which Intermediate certifies in turn.
    let cross = || {
        [
            Template::authority("Intermediate", INTERMEDIATE, "Other", OTHER),
            Template::authority("Other", OTHER, "Intermediate", INTERMEDIATE),
        ]
    };
    valid(|chain| chain.more.extend(cross()));
    let chain = Chain::with(|chain| chain.more.extend(cross()));
    let evidence = RevocationEvidence::default();
    let offered: Vec<Certificate> = chain.more.iter().map(Template::mint).collect();
    let anchors = [Anchor::private(chain.root.mint())];
    let refused = validate_with(&chain.leaf.mint(), &offered, &anchors, &evidence, &chain.request);
    assert!(matches!(refused, Err(PathError::NoAnchor { .. })), "{refused:?}");
    // The other CA may be the anchor as well.
    let anchors = [Anchor::private(Template::authority("Other", OTHER, "Other", OTHER).mint())];
    validate_with(&chain.leaf.mint(), &offered, &anchors, &evidence, &chain.request).unwrap();
}

#[test]
fn a_certificate_may_be_its_own_anchor() {
    let chain = Chain::new();
    let leaf = Template::person("alice@example.org", LEAF, "alice@example.org", LEAF).mint();
    let validate = |anchors: &[Anchor]| {
        validate_with(&leaf, &[], anchors, &RevocationEvidence::default(), &chain.request)
    };
    validate(&[Anchor::private(leaf.clone())]).unwrap();
    assert!(matches!(validate(&[]), Err(PathError::NoAnchor { .. })));
}

#[test]
fn a_path_has_a_limited_depth() {
    let long = |authorities: u8| {
        Chain::with(|chain| {
            let subject = |number: u8| format!("CA {number}");
            chain.intermediate = Template::authority(&subject(1), 101, "Root", ROOT);
            for number in 2..=authorities {
                let signer = 99 + number;
                chain.more.push(Template::authority(
                    &subject(number),
                    100 + number,
                    &subject(number - 1),
                    signer,
                ));
            }
            chain.leaf =
                Template::person("alice@example.org", LEAF, &subject(authorities), 100 + authorities);
        })
    };
    assert_eq!(long(6).validate().unwrap().certificates().len(), 8);
    assert_eq!(long(7).validate().unwrap_err(), PathError::Budget(BudgetKind::Depth));
}

#[test]
fn only_so_many_certificates_are_taken() {
    let chain = Chain::new();
    let numbered =
        |number: u8| Template { serial_number: vec![1, number], ..chain.intermediate.clone() }.mint();
    let mut offered: Vec<Certificate> = (0..200).map(numbered).collect();
    chain.validate_offered(&chain.leaf.mint(), &offered).unwrap();
    offered.push(numbered(200));
    let refused = chain.validate_offered(&chain.leaf.mint(), &offered).unwrap_err();
    assert_eq!(refused, PathError::Budget(BudgetKind::Certificates));
    // What no name leads to does not count: a person may know many people.
    let strangers = (0..1000).map(|_| Template::person("bob@example.org", OTHER, "Elsewhere", OTHER).mint());
    let offered: Vec<Certificate> = strangers.chain([chain.intermediate.mint()]).collect();
    chain.validate_offered(&chain.leaf.mint(), &offered).unwrap();
}

#[test]
fn names_and_constraints_are_compared_within_a_budget() {
    let names = |number: usize| (0..number).map(|_| rfc822("alice@example.org")).collect::<Vec<_>>();
    let chain = |constraints| {
        Chain::with(|chain| {
            chain.root.set(name_constraints(&names(constraints), &[]));
            chain.leaf.set(alternative_names(&names(499)));
        })
    };
    // 499 names and the subject; the intermediate has one more.
    chain(499).validate().unwrap();
    assert_eq!(chain(501).validate().unwrap_err(), PathError::Budget(BudgetKind::NameComparisons));
}

#[test]
fn a_certificate_has_a_limited_number_of_policies() {
    let chain = |number: u8| {
        Chain::with(|chain| chain.leaf.set(policies((0..number).map(|policy| policy.to_string()))))
    };
    chain(100).validate().unwrap();
    assert_eq!(chain(101).validate().unwrap_err(), PathError::Budget(BudgetKind::Policies));
}

#[test]
fn weak_signatures_are_reported_and_avoided_where_there_is_a_choice() {
    let weak = valid(|chain| chain.leaf.algorithm = ECDSA_SHA1);
    assert!(matches!(weak.weaknesses(), [weakness] if matches!(weakness.kind, WeaknessKind::Signature(_))));
    assert!(matches!(weak.require_strong(), Err(PathError::WeakAlgorithm(_))));
    let strong = valid(|chain| {
        let weak = Template { algorithm: ECDSA_SHA1, serial_number: vec![9], ..chain.intermediate.clone() };
        chain.more.push(std::mem::replace(&mut chain.intermediate, weak));
    });
    assert_eq!(strong.weaknesses(), []);
}

#[test]
fn an_explicit_policy_must_hold() {
    let policy = |number: &str| policies([number.to_owned()].into_iter());
    let chain = |of_leaf: &str| {
        Chain::with(|chain| {
            chain.request.policies.explicit = true;
            chain.intermediate.set(policy("1"));
            chain.leaf.set(policy(of_leaf));
        })
    };
    assert_eq!(chain("1").validate().unwrap().policies(), ["2.25.1"]);
    assert_eq!(chain("2").validate().unwrap_err(), PathError::Policy);
}

mod revocation {
    use super::*;

    /// What is said of leaf and intermediate.
    fn said(change: impl FnOnce(&mut Chain)) -> [RevocationStatus; 2] {
        valid(change).revocation().to_vec().try_into().unwrap()
    }

    fn unknown(because: UnknownBecause) -> RevocationStatus {
        RevocationStatus::Unknown(because)
    }

    fn of_leaf() -> ListTemplate {
        ListTemplate::new("Intermediate", INTERMEDIATE)
    }

    fn of_intermediate() -> ListTemplate {
        ListTemplate::new("Root", ROOT)
    }

    #[test]
    fn every_certificate_of_the_path_is_asked_about() {
        let [leaf, intermediate] = said(|chain| chain.lists = vec![of_leaf(), of_intermediate()]);
        assert!(matches!(leaf, RevocationStatus::Good { .. }));
        assert!(matches!(intermediate, RevocationStatus::Good { .. }));
        let when = day(2026, 5, 1);
        for (depth, list) in [of_leaf().revoking(LEAF, when), of_intermediate().revoking(INTERMEDIATE, when)]
            .into_iter()
            .enumerate()
        {
            let refused = error(|chain| chain.lists = vec![list]);
            let is_expected = matches!(&refused, PathError::Revoked { which, when: since, reason: RevocationReason::Unspecified }
                if which.depth == depth && *since == when);
            assert!(is_expected, "{refused:?}");
        }
        // Another number is another certificate.
        said(|chain| chain.lists = vec![of_leaf().revoking(OTHER, when)]);
    }

    #[test]
    fn reasons_and_dates_of_invalidity_are_read() {
        let reason = ("2.5.29.21", false, vec![0x0a, 1, 1]);
        let since = ("2.5.29.24", false, generalized_time(day(2026, 4, 1)));
        let mut list = of_leaf();
        list.entries.push((vec![LEAF], day(2026, 5, 1), vec![reason, since]));
        let refused = error(|chain| chain.lists = vec![list.clone()]);
        assert!(matches!(
            refused,
            PathError::Revoked { when, reason: RevocationReason::KeyCompromise, .. } if when == day(2026, 4, 1)
        ));
        // Before that it was good.
        valid(|chain| {
            chain.lists = vec![list];
            chain.request.at = day(2026, 3, 1);
        });
    }

    #[test]
    fn a_list_that_is_overdue_is_a_warning_or_an_error() {
        let stale = |chain: &mut Chain| {
            chain.lists = vec![of_leaf(), of_intermediate()];
            chain.lists[0].next_update = Some(day(2026, 6, 2));
        };
        let [leaf, _] = said(stale);
        assert!(
            matches!(leaf, RevocationStatus::Stale { next_update: Some(due), .. } if due == day(2026, 6, 2))
        );
        let refused = error(|chain| {
            stale(chain);
            chain.demand = RevocationDemand::Required;
        });
        assert!(matches!(refused, PathError::RevocationStale { .. }), "{refused:?}");
        // What it names is revoked all the same.
        let refused = error(|chain| {
            stale(chain);
            chain.lists[0] = chain.lists[0].clone().revoking(LEAF, day(2026, 5, 1));
        });
        assert!(matches!(refused, PathError::Revoked { .. }), "{refused:?}");
    }

    #[test]
    fn where_revocation_must_be_ruled_out_silence_is_an_error() {
        let refused = error(|chain| {
            chain.demand = RevocationDemand::Required;
            chain.lists = vec![of_intermediate()];
        });
        let because = UnknownBecause::NoList;
        assert!(
            matches!(&refused, PathError::RevocationUnknown { which, because: found } if which.depth == 0 && *found == because)
        );
        valid(|chain| {
            chain.demand = RevocationDemand::Required;
            chain.lists = vec![of_intermediate(), of_leaf()];
        });
    }

    #[test]
    fn a_list_of_somebody_else_says_nothing() {
        let forged = ListTemplate { signer: OTHER, ..of_leaf() }.revoking(LEAF, day(2026, 5, 1));
        let [leaf, _] = said(|chain| chain.lists = vec![forged]);
        assert_eq!(leaf, unknown(UnknownBecause::NotSigned));
        let [leaf, _] = said(|chain| {
            chain.intermediate.set(key_usage(KEY_CERT_SIGN));
            chain.lists = vec![of_leaf().revoking(LEAF, day(2026, 5, 1))];
        });
        assert_eq!(leaf, unknown(UnknownBecause::NotSigned));
    }

    #[test]
    fn a_ca_may_sign_its_lists_with_a_key_of_its_own() {
        let signer = Template::new("Intermediate", OTHER, "Root", ROOT).with(key_usage(CRL_SIGN));
        let chain = |signer: Template| {
            Chain::with(|chain| {
                chain.more.push(signer);
                chain.lists = vec![
                    ListTemplate::new("Intermediate", OTHER).revoking(LEAF, day(2026, 5, 1)),
                    of_intermediate(),
                ];
            })
        };
        assert!(matches!(chain(signer.clone()).validate(), Err(PathError::Revoked { .. })));
        // Not one that has no path, and not one that is itself revoked.
        let stranger = Template { signer: 9, ..signer.clone() };
        assert_eq!(chain(stranger).validate().unwrap().revocation()[0], unknown(UnknownBecause::NotSigned));
        let mut revoked = chain(signer);
        revoked.lists[1] = of_intermediate().revoking(OTHER, day(2026, 5, 1));
        assert_eq!(revoked.validate().unwrap().revocation()[0], unknown(UnknownBecause::NotSigned));
    }

    #[test]
    fn a_leaf_that_borrows_a_name_cannot_vouch_for_its_issuer() {
        let chain = |signer| {
            Chain::with(|chain| {
                chain.demand = RevocationDemand::Required;
                chain.leaf.subject = name("Root");
                chain.leaf.remove("2.5.29.15");
                chain.lists = vec![of_leaf(), ListTemplate::new("Root", signer)];
            })
        };
        chain(ROOT).validate().unwrap();
        let refused = chain(LEAF).validate().unwrap_err();
        assert!(
            matches!(&refused, PathError::RevocationUnknown { which, because: UnknownBecause::NotSigned }
                if which.depth == 1),
            "{refused:?}"
        );
    }

    #[test]
    fn a_list_has_a_limited_size() {
        let large = vec![0x30; (10 << 20) + 1];
        assert_eq!(RevocationList::from_der(&large), Err(RevocationListError::TooLarge));
        assert_eq!(RevocationList::from_der(&large[1..]), Err(RevocationListError::Malformed));
    }

    #[test]
    fn lists_of_a_kind_that_we_do_not_use_are_told_apart() {
        let unusable = |extension: Extension| {
            let [leaf, _] = said(|chain| chain.lists = vec![of_leaf().with(extension)]);
            leaf
        };
        let expected = |list| unknown(UnknownBecause::Unusable(list));
        assert_eq!(unusable(("2.5.29.27", true, vec![2, 1, 1])), expected(UnusableList::Delta));
        let foreign = of_leaf().revoking_of(name("Root"), OTHER, day(2026, 5, 1));
        let [leaf, _] = said(|chain| chain.lists = vec![foreign]);
        assert_eq!(leaf, expected(UnusableList::ForeignEntries));
        let unknown_extension = unusable(unknown_extension(true));
        assert_eq!(unknown_extension, expected(UnusableList::CriticalExtension("2.25.4711".into())));
        assert!(matches!(unusable(mint::unknown_extension(false)), RevocationStatus::Good { .. }));
    }

    #[test]
    fn a_list_speaks_only_of_what_lies_in_its_scope() {
        let scope = |number: u8| ("2.5.29.28", true, vec![0x30, 3, 0x80 | number, 1, 0xff]);
        let only_users = |chain: &mut Chain| chain.lists = vec![of_leaf().with(scope(1))];
        assert!(matches!(said(only_users)[0], RevocationStatus::Good { .. }));
        let only_authorities = |chain: &mut Chain| chain.lists = vec![of_leaf().with(scope(2))];
        assert_eq!(said(only_authorities)[0], unknown(UnknownBecause::OutOfScope));
    }

    #[test]
    fn a_list_from_after_the_expiry_may_have_dropped_the_certificate() {
        let [leaf, _] = said(|chain| {
            chain.lists = vec![of_leaf()];
            chain.leaf.not_after = day(2026, 5, 1);
            chain.request.at = day(2026, 4, 1);
        });
        assert_eq!(leaf, unknown(UnknownBecause::TooLate));
    }

    #[test]
    fn one_more_list_never_makes_a_path_valid() {
        let mut unsigned = of_leaf().revoking(LEAF, day(2026, 5, 1));
        unsigned.signer = OTHER;
        let mut old = of_leaf();
        old.this_update = day(2026, 2, 1);
        old.next_update = Some(day(2026, 3, 1));
        let pool = [
            of_leaf(),
            of_leaf().revoking(LEAF, day(2026, 5, 1)),
            of_intermediate(),
            of_intermediate().revoking(INTERMEDIATE, day(2026, 5, 1)),
            unsigned,
            old,
            of_leaf().with(("2.5.29.27", true, vec![2, 1, 1])),
            of_leaf().with(unknown_extension(true)),
        ];
        let is_valid: Vec<bool> = (0..1_usize << pool.len())
            .map(|set| {
                let chosen = pool.iter().enumerate().filter(|(bit, _)| set & 1 << bit != 0);
                Chain::with(|chain| chain.lists = chosen.map(|(_, list)| list.clone()).collect())
                    .validate()
                    .is_ok()
            })
            .collect();
        for set in 0..is_valid.len() {
            for bit in 0..pool.len() {
                assert!(is_valid[set] || !is_valid[set | 1 << bit], "{set:b} and list {bit}");
            }
        }
    }

    #[test]
    fn a_changed_or_cut_list_is_refused_or_says_nothing() {
        let list = of_leaf().der();
        let chain = Chain::new();
        let (leaf, offered) = (chain.leaf.mint(), [chain.intermediate.mint()]);
        let anchors = [Anchor::private(chain.root.mint())];
        let status = |der: &[u8]| {
            let lists = vec![RevocationList::from_der(der).ok()?];
            let evidence = RevocationEvidence { lists, ..RevocationEvidence::default() };
            let path = validate_with(&leaf, &offered, &anchors, &evidence, &chain.request).unwrap();
            Some(path.revocation()[0].clone())
        };
        assert!(matches!(status(&list), Some(RevocationStatus::Good { .. })));
        for length in 0..list.len() {
            assert_eq!(status(&list[..length]), None);
        }
        for bit in 0..8 * list.len() {
            let mut changed = list.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            let said = status(&changed);
            assert!(matches!(said, None | Some(RevocationStatus::Unknown(_))), "bit {bit}: {said:?}");
        }
    }
}

#[test]
fn no_certificate_with_one_bit_changed_validates() {
    let chain = Chain::new();
    let (leaf, intermediate) = (chain.leaf.der(), chain.intermediate.der());
    for bit in 0..8 * leaf.len() {
        if let Some(changed) = flipped(&leaf, bit) {
            assert!(
                chain.validate_offered(&changed, &[chain.intermediate.mint()]).is_err(),
                "leaf, bit {bit}"
            );
        }
    }
    for bit in 0..8 * intermediate.len() {
        if let Some(changed) = flipped(&intermediate, bit) {
            assert!(
                chain.validate_offered(&chain.leaf.mint(), &[changed]).is_err(),
                "intermediate, bit {bit}"
            );
        }
    }
}

fn flipped(der: &[u8], bit: usize) -> Option<Certificate> {
    let mut changed = der.to_vec();
    changed[bit / 8] ^= 1 << (bit % 8);
    Certificate::from_der(&changed).ok()
}

#[test]
fn dates_are_asked_for_not_read_from_a_clock() {
    let at = |at: Time| {
        let mut chain = Chain::new();
        chain.request.at = at;
        chain.validate()
    };
    assert!(at(day(2026, 1, 1)).is_ok() && at(day(2027, 1, 1)).is_ok());
    assert!(at(day(2025, 12, 31)).is_err() && at(day(2027, 1, 2)).is_err());
}
