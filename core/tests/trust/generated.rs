//! Evidence by chance, for the rules that hold for all of it.

use counterseal_core::trust::Claim;
use counterseal_core::trust::evidence::{
    Anchor, Binding, Chain, Comparison, Correspondence, Dossier, Endorsement, Endorser, Evidence, Introducer,
    IntroducerName, Kind, Operator, Succession, Validation, Vouching, Witness, Witnessed,
};
use proptest::prelude::*;

use super::case::{NOW, claim, key, openpgp};

/// The claim that is asked about.
pub fn asked() -> Claim {
    claim("key")
}

pub fn dossier(evidence: Vec<Evidence>) -> Dossier {
    Dossier { evidence, ..Dossier::default() }
}

/// Evidence of every kind, about a handful of keys of three people.
pub fn any_evidence() -> impl Strategy<Value = Evidence> {
    let kind = prop_oneof![outside_kind(), own_kind()];
    (any_claim(), kind).prop_map(|(claim, kind)| Evidence::new(claim, kind))
}

/// Evidence by others alone: no pins, own keys, own CA, nothing that rests on a secret key of the contact's.
pub fn outside_evidence() -> impl Strategy<Value = Evidence> {
    (any_claim(), outside_kind()).prop_map(|(claim, kind)| Evidence::new(claim, kind))
}

fn any_claim() -> impl Strategy<Value = Claim> {
    // The key that is asked about comes up most, or most evidence would be about nothing.
    let names = prop_oneof![
        4 => Just("key"),
        1 => Just("old"),
        1 => Just("personal"),
        1 => Just("bob of bob@example.org"),
        1 => Just("carol of carol@example.net"),
    ];
    names.prop_map(claim)
}

fn own_kind() -> impl Strategy<Value = Kind> {
    let key_name = prop_oneof![Just("key"), Just("old"), Just("personal")];
    prop_oneof![
        Just(Kind::Pinned(Comparison::InPerson)),
        Just(Kind::Pinned(Comparison::ByVideo)),
        Just(Kind::CertifiedByUser { root: openpgp("user"), binding: Binding::Twin }),
        Just(Kind::Chain(Chain {
            anchor: Anchor::Own { authority: key("authority"), amount: None },
            name: String::new(),
            validation: Validation::Mailbox,
            witnessed: None,
        })),
        (key_name.clone(), 0..40_i64).prop_map(|(name, days)| Kind::Succeeds(Succession {
            old: key(name),
            issued: NOW.plus_days(-days),
            old_ended: None,
        })),
        key_name.clone().prop_map(|name| Kind::IssuedBy { authority: key(name) }),
        key_name.prop_map(|name| Kind::NamedBy { signing_key: key(name) }),
    ]
}

fn outside_kind() -> impl Strategy<Value = Kind> {
    let signer = || prop_oneof![Just("bob of bob@example.org"), Just("carol of carol@example.net")];
    prop_oneof![
        3 => chain(),
        2 => vouching(),
        2 => history(),
        1 => any::<bool>().prop_map(|secure| Kind::DnsRecord { secure }),
        1 => Just(Kind::WebDirectory),
        1 => Just(Kind::Keyserver { name: "keys".to_owned() }),
        1 => signer().prop_map(|by| Kind::Gossip { by: claim(by) }),
        1 => (signer(), 1..=120_u32, 1..=120_u32, witnessed()).prop_map(|(by, trust, amount, witnessed)| {
            let endorser = Endorser::Contact { signer: claim(by), amount: trust };
            Kind::Endorsed(Endorsement { endorser, amount, witnessed })
        }),
        1 => (signer(), witnessed()).prop_map(|(by, witnessed)| Kind::Endorsed(Endorsement {
            endorser: Endorser::Correspondent { signer: claim(by) },
            amount: 120,
            witnessed,
        })),
    ]
}

/// Chains to the roots of three operators; one of them has two roots, and roots are cross-certified,
/// so that a path may end at either.
fn chain() -> impl Strategy<Value = Kind> {
    let operator = prop_oneof![
        Just(Operator::Named("X".to_owned())),
        Just(Operator::Named("Y".to_owned())),
        Just(Operator::Unknown),
    ];
    let validation =
        prop_oneof![Just(Validation::Mailbox), Just(Validation::Individual), Just(Validation::Organisation)];
    let root = prop_oneof![Just("root 1"), Just("root 2")];
    (operator, root, validation, witnessed()).prop_map(|(operator, root, validation, witnessed)| {
        let anchor = Anchor::Public { operator, amount: None };
        Kind::Chain(Chain { anchor, name: root.to_owned(), validation, witnessed })
    })
}

fn witnessed() -> impl Strategy<Value = Option<Witnessed>> {
    let witness = prop_oneof![
        Just(Witness::OwnHistory),
        Just(Witness::Independent("one".to_owned())),
        Just(Witness::Independent("two".to_owned())),
    ];
    proptest::option::of(
        (0..4000_i64, proptest::collection::vec(witness, 0..3))
            .prop_map(|(days, witnesses)| Witnessed { since: NOW.plus_days(-days), witnesses }),
    )
}

fn history() -> impl Strategy<Value = Kind> {
    (0..200_i64, 0..40_u32, any::<bool>()).prop_map(|(days, messages, two_way)| {
        Kind::History(Correspondence {
            first_seen: NOW.plus_days(-days),
            messages,
            two_way,
            taken_by_hand: false,
        })
    })
}

fn vouching() -> impl Strategy<Value = Kind> {
    let name = prop_oneof![Just("carol"), Just("dave"), Just("erin"), Just("frank")];
    let introducers = proptest::collection::vec((name, prop_oneof![Just(40_u32), Just(120)]), 1..4);
    (introducers, prop_oneof![Just(40_u32), Just(60), Just(120)]).prop_map(|(introducers, amount)| {
        let introducers = introducers
            .into_iter()
            .map(|(name, amount)| Introducer {
                name: IntroducerName::OpenPgp(openpgp(name)),
                amount,
                is_user: false,
            })
            .collect();
        Kind::Vouched(Vouching { introducers, amount, binding: Binding::Twin, carried: None })
    })
}
