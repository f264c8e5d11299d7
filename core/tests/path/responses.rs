//! OCSP responses, each rule with one that breaks it (RFC 6960, sections 3.2 and 4.2.2).

use super::*;

const DELEGATE: u8 = 6;

fn about_leaf() -> ResponseTemplate {
    ResponseTemplate::new("Intermediate", INTERMEDIATE, LEAF)
}

/// Whom the issuer certified to answer for it.
fn delegate() -> Template {
    Template::new("Responder", DELEGATE, "Intermediate", INTERMEDIATE)
        .with(extended_key_usage(&[OCSP_SIGNING]))
        .with(key_usage(DIGITAL_SIGNATURE))
}

fn of_leaf(change: impl FnOnce(&mut Chain)) -> RevocationStatus {
    valid(change).revocation()[0].clone()
}

fn says(response: ResponseTemplate) -> RevocationStatus {
    of_leaf(|chain| chain.responses = vec![response])
}

fn is_good(status: &RevocationStatus) -> bool {
    matches!(status, RevocationStatus::Good { .. })
}

fn unknown(because: UnknownBecause) -> RevocationStatus {
    RevocationStatus::Unknown(because)
}

#[test]
fn an_answer_of_the_issuer_or_its_delegate_is_believed() {
    for response in [
        about_leaf(),
        ResponseTemplate { responder: None, ..about_leaf() },
        ResponseTemplate { sha256: true, ..about_leaf() },
        about_leaf().by(&delegate()),
        ResponseTemplate { responder: None, ..about_leaf().by(&delegate()) },
    ] {
        assert!(is_good(&says(response.clone())));
        let revoked = response.revoked(day(2026, 5, 1), Some(1));
        let refused = error(|chain| chain.responses = vec![revoked]);
        assert!(matches!(
            refused,
            PathError::Revoked { when, reason: RevocationReason::KeyCompromise, .. } if when == day(2026, 5, 1)
        ));
    }
    // Its certificate may come along otherwise.
    let bare = ResponseTemplate { certificates: Vec::new(), ..about_leaf().by(&delegate()) };
    assert_eq!(says(bare.clone()), unknown(UnknownBecause::NotSigned));
    let status = of_leaf(|chain| {
        chain.responses = vec![bare];
        chain.more.push(delegate());
    });
    assert!(is_good(&status));
}

#[test]
fn an_answer_of_anybody_else_is_not() {
    let with = |change: fn(&mut Template)| {
        let mut delegate = delegate();
        change(&mut delegate);
        about_leaf().by(&delegate)
    };
    for (what, response) in [
        ("another key under the issuer's name", ResponseTemplate { signer: OTHER, ..about_leaf() }),
        ("another name", ResponseTemplate { responder: Some(name("Somebody")), ..about_leaf() }),
        ("no usage for it", with(|delegate| delegate.remove("2.5.29.37"))),
        ("mail instead", with(|delegate| delegate.set(extended_key_usage(&[EMAIL_PROTECTION])))),
        ("any usage", with(|delegate| delegate.set(extended_key_usage(&["2.5.29.37.0"])))),
        ("certificates, not signatures", with(|delegate| delegate.set(key_usage(KEY_AGREEMENT)))),
        ("an unknown critical extension", with(|delegate| delegate.set(unknown_extension(true)))),
        ("expired", with(|delegate| delegate.not_after = day(2026, 6, 14))),
        ("not valid when it answered", with(|delegate| delegate.not_before = day(2026, 6, 16))),
        ("certified by another key", with(|delegate| delegate.signer = OTHER)),
        (
            "a delegate of the root",
            with(|delegate| {
                delegate.issuer = name("Root");
                delegate.signer = ROOT;
            }),
        ),
        ("SHA-1", ResponseTemplate { algorithm: ECDSA_SHA1, ..about_leaf() }),
    ] {
        assert_eq!(says(response.clone()), unknown(UnknownBecause::NotSigned), "{what}");
        let revoked = response.revoked(day(2026, 5, 1), None);
        assert_eq!(says(revoked), unknown(UnknownBecause::NotSigned), "{what}");
    }
}

#[test]
fn a_delegate_that_is_revoked_answers_no_more() {
    let status = |list: ListTemplate| {
        of_leaf(|chain| {
            chain.responses = vec![about_leaf().by(&delegate())];
            chain.lists = vec![ListTemplate { next_update: Some(day(2026, 6, 2)), ..list }];
        })
    };
    let list = ListTemplate::new("Intermediate", INTERMEDIATE);
    assert!(is_good(&status(list.clone())));
    let revoked = status(list.revoking(DELEGATE, day(2026, 5, 1)));
    assert!(matches!(revoked, RevocationStatus::Stale { .. }), "{revoked:?}");
}

#[test]
fn an_answer_about_another_certificate_is_none() {
    let nothing = unknown(UnknownBecause::NoList);
    for response in [
        ResponseTemplate { serial_number: OTHER, ..about_leaf() },
        ResponseTemplate { issuer_key: OTHER, ..about_leaf() },
        ResponseTemplate { issuer: name("Somebody"), ..about_leaf() },
    ] {
        assert_eq!(says(response.clone()), nothing);
        assert_eq!(says(response.revoked(day(2026, 5, 1), None)), nothing);
    }
    assert_eq!(says(about_leaf().unknown()), unknown(UnknownBecause::NotKnownToResponder));
}

#[test]
fn an_answer_is_good_until_the_next_is_due() {
    let stale = ResponseTemplate { next_update: Some(day(2026, 6, 14)), ..about_leaf() };
    assert!(matches!(says(stale.clone()), RevocationStatus::Stale { .. }));
    let timeless = ResponseTemplate { next_update: None, ..about_leaf() };
    assert!(matches!(says(timeless), RevocationStatus::Stale { next_update: None, .. }));
    let required = |response: ResponseTemplate| {
        Chain::with(|chain| {
            chain.demand = RevocationDemand::Required;
            chain.lists = vec![ListTemplate::new("Root", ROOT)];
            chain.responses = vec![response];
        })
        .validate()
    };
    assert!(matches!(required(stale), Err(PathError::RevocationStale { .. })));
    assert!(matches!(required(about_leaf().unknown()), Err(PathError::RevocationUnknown { .. })));
    required(about_leaf()).unwrap();
    // Revoked is revoked, however old the answer.
    let old = ResponseTemplate { next_update: Some(day(2026, 5, 3)), ..about_leaf() };
    let refused = required(old.revoked(day(2026, 5, 1), None));
    assert!(matches!(refused, Err(PathError::Revoked { .. })));
}

#[test]
fn critical_extensions_that_nobody_knows_make_an_answer_useless() {
    for (critical, expected) in
        [(true, Some(UnusableList::CriticalExtension("2.25.4711".into()))), (false, None)]
    {
        let outer = ResponseTemplate { extensions: vec![unknown_extension(critical)], ..about_leaf() };
        let single =
            ResponseTemplate { single_extensions: vec![unknown_extension(critical)], ..about_leaf() };
        for response in [outer, single] {
            match (says(response), &expected) {
                (RevocationStatus::Unknown(UnknownBecause::Unusable(found)), Some(expected)) => {
                    assert_eq!(found, *expected);
                }
                (status, None) => assert!(is_good(&status), "{status:?}"),
                (status, _) => panic!("{status:?}"),
            }
        }
    }
}

#[test]
fn the_date_of_invalidity_counts_from_a_response_too() {
    let since = ("2.5.29.24", false, generalized_time(day(2026, 4, 1)));
    let response = ResponseTemplate { single_extensions: vec![since], ..about_leaf() };
    let response = response.revoked(day(2026, 5, 1), Some(1));
    let refused = error(|chain| chain.responses = vec![response.clone()]);
    assert!(matches!(refused, PathError::Revoked { when, .. } if when == day(2026, 4, 1)));
    valid(|chain| {
        chain.responses = vec![response];
        chain.request.at = day(2026, 3, 1);
    });
}

#[test]
fn lists_and_responses_are_taken_together() {
    let list = || ListTemplate::new("Intermediate", INTERMEDIATE);
    let when = day(2026, 5, 1);
    for (list, response) in [
        (list().revoking(LEAF, when), about_leaf()),
        (list(), about_leaf().revoked(when, None)),
        (list(), ResponseTemplate { this_update: day(2026, 5, 2), ..about_leaf().revoked(when, Some(1)) }),
    ] {
        let refused = error(|chain| {
            chain.lists = vec![list];
            chain.responses = vec![response];
        });
        assert!(matches!(refused, PathError::Revoked { .. }), "{refused:?}");
    }
    // A hold ends with a newer word, of whichever kind.
    let held = list().revoking_for(6, LEAF, when);
    valid(|chain| {
        chain.lists = vec![held.clone()];
        chain.responses = vec![about_leaf()];
    });
    let refused = error(|chain| {
        chain.lists = vec![held];
        chain.responses = vec![ResponseTemplate { this_update: day(2026, 5, 30), ..about_leaf() }];
    });
    assert!(matches!(refused, PathError::Revoked { reason: RevocationReason::CertificateHold, .. }));
}

#[test]
fn after_the_expiry_only_an_archive_answers() {
    let late = |extensions| {
        of_leaf(|chain| {
            chain.leaf.not_after = day(2026, 5, 1);
            chain.request.at = day(2026, 4, 1);
            chain.responses = vec![ResponseTemplate { single_extensions: extensions, ..about_leaf() }];
        })
    };
    assert_eq!(late(Vec::new()), unknown(UnknownBecause::TooLate));
    let archive = ("1.3.6.1.5.5.7.48.1.6", false, generalized_time(day(2020, 1, 1)));
    let status = late(vec![archive]);
    assert!(is_good(&status), "{status:?}");
}

#[test]
fn nobody_asks_where_revocation_is_off() {
    let path = valid(|chain| {
        chain.demand = RevocationDemand::Off;
        chain.lists = vec![ListTemplate::new("Intermediate", INTERMEDIATE).revoking(LEAF, day(2026, 5, 1))];
        chain.responses = vec![about_leaf().revoked(day(2026, 5, 1), None)];
    });
    assert_eq!(path.revocation(), vec![unknown(UnknownBecause::NotAsked); 2]);
}

#[test]
fn a_response_that_is_refused_or_too_large_is_no_answer() {
    let refusal = |status| OcspResponse::from_der(&[0x30, 3, 10, 1, status]);
    assert_eq!(refusal(6), Err(OcspError::Refused(6)));
    assert_eq!(refusal(0), Err(OcspError::Malformed));
    assert_eq!(OcspResponse::from_der(&vec![0x30; (256 << 10) + 1]), Err(OcspError::TooLarge));
    let many = ResponseTemplate { certificates: vec![delegate().der(); 11], ..about_leaf() };
    assert_eq!(OcspResponse::from_der(&many.der()), Err(OcspError::TooLarge));
}

#[test]
fn a_changed_or_cut_response_is_refused_or_says_nothing() {
    let response = about_leaf().by(&delegate()).der();
    let chain = Chain::new();
    let (leaf, offered) = (chain.leaf.mint(), [chain.intermediate.mint()]);
    let anchors = [Anchor::private(chain.root.mint())];
    let status = |der: &[u8]| {
        let responses = vec![OcspResponse::from_der(der).ok()?];
        let evidence = RevocationEvidence { responses, ..RevocationEvidence::default() };
        let path = validate_with(&leaf, &offered, &anchors, &evidence, &chain.request).unwrap();
        Some(path.revocation()[0].clone())
    };
    assert!(is_good(&status(&response).unwrap()));
    for length in 0..response.len() {
        assert_eq!(status(&response[..length]), None);
    }
    for bit in 0..8 * response.len() {
        let mut changed = response.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let said = status(&changed);
        assert!(matches!(said, None | Some(RevocationStatus::Unknown(_))), "bit {bit}: {said:?}");
    }
}
