//! The table of reading, cell by cell (`testdata/policy/reading.toml`).

use toml_edit::{Document, Table};

use super::*;
use crate::trust::evidence::{
    Binding, Dossier, Evidence, Introducer, IntroducerName, Kind, Operator, Vouching,
};
use crate::trust::{Anchor, Claim};

const CASES: &str = include_str!("../../../../testdata/policy/reading.toml");

#[test]
fn every_case_of_the_reading_table_holds() {
    let (alice, other) = (alice(), alice());
    let document = Document::parse(CASES).unwrap();
    let mut wrong = Vec::new();
    for case in document["case"].as_array_of_tables().unwrap() {
        let text = |name: &str| case[name].as_str().unwrap();
        let status = verified(mail(text("mail"), &alice).as_bytes(), &knowledge(case, &alice, &other));
        let first = status.reasons.first().map(|reason| reason.word());
        if status.verdict.word() != text("verdict") || first != Some(text("reason")) {
            wrong.push(format!("{}: {} {:?}", text("name"), status.verdict.word(), status.reasons));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn mail(kind: &str, alice: &Person) -> String {
    let signed = || String::from_utf8(sign_as(alice, MAIL, SignatureForm::Detached)).unwrap();
    match kind {
        "signed" => signed(),
        "altered" => signed().replace("at noon?", "at nine?"),
        "two-from" => format!("From: mallory@example.org\r\n{}", signed()),
        "footer" => format!("{}List footer\r\n", signed()),
        "unsigned" => MAIL.to_owned(),
        other => panic!("{other}"),
    }
}

fn knowledge(case: &Table, alice: &Person, other: &Person) -> Knowledge {
    let mut knowledge = Knowledge::default();
    for item in case["known"].as_array().unwrap() {
        add(item.as_str().unwrap(), &mut knowledge, alice, other);
    }
    knowledge
}

fn add(item: &str, knowledge: &mut Knowledge, alice: &Person, other: &Person) {
    let long =
        Correspondence { messages: 20, two_way: true, ..Correspondence::first_mail(NOW.plus_days(-90)) };
    let known = |person: &Person, history| KnownKey {
        address: person.address.clone(),
        fingerprint: person.fingerprint(),
        history,
    };
    let claim = Claim::new(&alice.address, alice.fingerprint());
    let spoken = |dossier: &mut Dossier, kind| dossier.evidence.push(Evidence::new(claim.clone(), kind));
    match item {
        "pinned" => knowledge.pins.extend(pinning(alice).pins),
        "other-pinned" => knowledge.pins.extend(pinning(other).pins),
        "first-mail" => knowledge.known.push(known(alice, Correspondence::first_mail(NOW))),
        "by-hand" => knowledge.known.push(known(alice, Correspondence::by_hand(NOW))),
        "90-days" => knowledge.known.push(known(alice, long)),
        "other-90-days" => knowledge.known.push(known(other, long)),
        "other-known" => {
            knowledge.known.push(known(other, Correspondence::first_mail(NOW.plus_days(-9))));
        }
        "own-authority" => knowledge.anchors.push(Anchor::own(alice.authority.clone(), None)),
        "mailbox-certificate" => {
            let operator = Operator::Named("X".to_owned());
            knowledge.anchors.push(Anchor::public(alice.authority.clone(), None, operator, None));
        }
        "introducer" => {
            let name = IntroducerName::Key(other.fingerprint());
            let carol = Introducer { name, amount: 120, is_user: false };
            let binding = Binding::Twin;
            let vouching = Vouching { introducers: vec![carol], amount: 120, binding, carried: None };
            spoken(&mut knowledge.dossier, Kind::Vouched(vouching));
        }
        "dnssec" => spoken(&mut knowledge.dossier, Kind::DnsRecord { secure: true }),
        "dns" => spoken(&mut knowledge.dossier, Kind::DnsRecord { secure: false }),
        unknown => panic!("{unknown}"),
    }
}
