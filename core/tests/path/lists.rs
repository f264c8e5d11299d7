//! Revocation lists of the rarer kinds: of other issuers, for some reasons, and lists of changes.

use super::*;

const LIST_ISSUER: u8 = 5;
const WHEN: fn() -> Time = || day(2026, 5, 1);

fn of_leaf() -> ListTemplate {
    ListTemplate::new("Intermediate", INTERMEDIATE)
}

/// What is said of the leaf, where revocation need not be ruled out.
fn said(change: impl FnOnce(&mut Chain)) -> RevocationStatus {
    valid(change).revocation()[0].clone()
}

fn is_good(status: &RevocationStatus) -> bool {
    matches!(status, RevocationStatus::Good { .. })
}

fn is_revoked(change: impl FnOnce(&mut Chain)) -> bool {
    match Chain::with(change).validate() {
        Ok(_) => false,
        Err(PathError::Revoked { which, .. }) => which.depth == 0,
        Err(other) => panic!("{other:?}"),
    }
}

/// A leaf that names another issuer of lists, and that issuer's certificate.
fn indirect_chain(list: ListTemplate) -> impl FnOnce(&mut Chain) {
    |chain| {
        chain.leaf.set(lists_issued_by(&["Lists"]));
        chain.more.push(Template::new("Lists", LIST_ISSUER, "Root", ROOT).with(key_usage(CRL_SIGN)));
        chain.lists = vec![list];
    }
}

fn indirect_list() -> ListTemplate {
    ListTemplate::new("Lists", LIST_ISSUER).with(indirect())
}

#[test]
fn a_list_of_an_issuer_that_the_certificate_names_is_believed() {
    assert!(is_good(&said(indirect_chain(indirect_list()))));
    let names_leaf = indirect_list().revoking_of(name("Intermediate"), LEAF, WHEN());
    assert!(is_revoked(indirect_chain(names_leaf)));
    // The issuer of an entry is that of the next one too, and else that of the list.
    let after_another = indirect_list().revoking_of(name("Intermediate"), 99, WHEN()).revoking(LEAF, WHEN());
    assert!(is_revoked(indirect_chain(after_another)));
    for another in [
        indirect_list().revoking(LEAF, WHEN()),
        indirect_list().revoking_of(name("Intermediate"), 99, WHEN()).revoking_of(name("Root"), LEAF, WHEN()),
    ] {
        assert!(is_good(&said(indirect_chain(another))));
    }
}

#[test]
fn a_list_of_another_issuer_must_be_named_announced_and_signed() {
    let unnamed = said(|chain| {
        indirect_chain(indirect_list())(chain);
        chain.leaf.set(lists_issued_by(&["Somebody"]));
    });
    assert_eq!(unnamed, RevocationStatus::Unknown(UnknownBecause::NoList));
    let unannounced = said(indirect_chain(ListTemplate::new("Lists", LIST_ISSUER)));
    assert_eq!(unannounced, RevocationStatus::Unknown(UnknownBecause::NoList));
    let forged = said(indirect_chain(ListTemplate { signer: OTHER, ..indirect_list() }));
    assert_eq!(forged, RevocationStatus::Unknown(UnknownBecause::NotSigned));
    let stranger = said(|chain| {
        indirect_chain(indirect_list())(chain);
        chain.more[0].signer = OTHER;
    });
    assert_eq!(stranger, RevocationStatus::Unknown(UnknownBecause::NotSigned));
}

#[test]
fn lists_for_some_reasons_add_up() {
    let compromise = || of_leaf().with(only_some_reasons(&[5, 0x60]));
    let others = || of_leaf().with(only_some_reasons(&[7, 0x1f, 0x80]));
    let only_one = said(|chain| chain.lists = vec![compromise()]);
    assert_eq!(only_one, RevocationStatus::Unknown(UnknownBecause::OutOfScope));
    assert!(is_good(&said(|chain| chain.lists = vec![compromise(), others()])));
    assert!(is_revoked(|chain| chain.lists = vec![compromise().revoking(LEAF, WHEN()), others()]));
    // The whole is as old as its oldest part.
    let mut old = others();
    old.next_update = Some(day(2026, 6, 2));
    let whole = said(|chain| chain.lists = vec![compromise(), old]);
    assert!(matches!(whole, RevocationStatus::Stale { .. }), "{whole:?}");
}

/// A list of number 7, and a day later what has changed since.
fn complete_and_delta() -> [ListTemplate; 2] {
    let complete = of_leaf().with(list_number(7));
    let changes = of_leaf().with(list_number(8)).with(delta(7));
    [complete, ListTemplate { this_update: day(2026, 6, 2), ..changes }]
}

#[test]
fn a_delta_list_revokes_and_renews() {
    let [mut complete, changes] = complete_and_delta();
    complete.next_update = Some(day(2026, 6, 3));
    assert!(matches!(said(|chain| chain.lists = vec![complete.clone()]), RevocationStatus::Stale { .. }));
    assert!(is_good(&said(|chain| chain.lists = vec![complete.clone(), changes.clone()])));
    assert!(is_revoked(|chain| chain.lists = vec![complete, changes.revoking(LEAF, WHEN())]));
    // Changes to a list that is not at hand are no list.
    let [complete, mut changes] = complete_and_delta();
    changes.extensions = vec![list_number(9), delta(8)];
    let older = said(|chain| chain.lists = vec![complete, changes.clone()]);
    assert!(is_good(&older), "the complete list still holds");
    let alone = said(|chain| chain.lists = vec![changes]);
    assert_eq!(alone, RevocationStatus::Unknown(UnknownBecause::Unusable(UnusableList::Delta)));
}

#[test]
fn only_a_hold_ends() {
    const HOLD: u8 = 6;
    const REMOVE: u8 = 8;
    for (reason, ends) in [(HOLD, true), (1, false), (0, false)] {
        let [complete, changes] = complete_and_delta();
        let complete = complete.revoking_for(reason, LEAF, WHEN());
        let changes = changes.revoking_for(REMOVE, LEAF, day(2026, 6, 2));
        assert!(is_revoked(|chain| chain.lists = vec![complete.clone()]));
        assert_eq!(!is_revoked(|chain| chain.lists = vec![complete.clone(), changes]), ends, "{reason}");
        let newer = ListTemplate { this_update: day(2026, 6, 2), ..of_leaf() };
        assert_eq!(!is_revoked(|chain| chain.lists = vec![complete.clone(), newer]), ends, "{reason}");
        let older = ListTemplate { this_update: day(2026, 5, 2), ..of_leaf() };
        assert!(is_revoked(|chain| chain.lists = vec![complete, older]));
    }
}

#[test]
fn after_the_expiry_only_a_list_that_keeps_what_expired_speaks() {
    let late = |list: ListTemplate| {
        said(|chain| {
            chain.leaf.not_after = day(2026, 5, 1);
            chain.request.at = day(2026, 4, 1);
            chain.lists = vec![list];
        })
    };
    let since = |when| ("2.5.29.60", false, generalized_time(when));
    assert_eq!(late(of_leaf()), RevocationStatus::Unknown(UnknownBecause::TooLate));
    assert!(is_good(&late(of_leaf().with(since(day(2026, 5, 1))))));
    let too_late = late(of_leaf().with(since(day(2026, 5, 2))));
    assert_eq!(too_late, RevocationStatus::Unknown(UnknownBecause::TooLate));
}
