//! Revocation of every certificate of a path: lists and OCSP responses beside the mail, and inside.

use crate::asn1::{algorithm, bits, explicit, implicit, integer, octets, oid, seq, tlv};
use crate::certificates::{Authority, DIGITAL_SIGNATURE, Template, revocation_list};
use crate::chains::under;
use crate::keys::{Key, SHA1};
use crate::mail;
use crate::people::{Cast, Person};
use crate::primitives::sha1;
use crate::signed::{CONTENT, Signed};
use crate::suite::{Required, Suite, says};

const GOOD: &str = "revocation/good.eml";

pub(crate) fn forge(cast: &Cast, suite: &mut Suite) {
    let (intermediate, good) = under(cast, |template| template);
    let alice =
        Template::leaf("Alice", "alice@example.org", &cast.alice.key, &intermediate, DIGITAL_SIGNATURE);
    beside(cast, &intermediate, &alice, good, suite);
    inside(cast, &intermediate, &alice, suite);
}

fn beside(cast: &Cast, intermediate: &Authority, alice: &Template, good: String, suite: &mut Suite) {
    let authority = Template::authority("Example Mail CA", &intermediate.key, &cast.root);
    let lists = [
        ("root", revocation_list(&cast.root, "491231235959Z", &[&[1, 2, 3]])),
        ("intermediate", revocation_list(intermediate, "491231235959Z", &[&[1, 2, 3]])),
        ("leaf-revoked", revocation_list(intermediate, "491231235959Z", &[&alice.serial])),
        ("ca-revoked", revocation_list(&cast.root, "491231235959Z", &[&authority.serial])),
        ("stale", revocation_list(intermediate, "260801000000Z", &[&[1, 2, 3]])),
    ];
    for (name, list) in lists {
        suite.file(&format!("people/{name}.crl"), crate::keys::pem("X509 CRL", &list));
    }
    let twin = GOOD;
    let options = |lists: [&str; 2]| lists.map(|list| format!("--crl people/{list}.crl")).join(" ");
    let current = options(["root", "intermediate"]);
    suite.attack_with(
        twin,
        &current,
        says("verified", "!revocation-not-checked"),
        "-",
        "current lists that name nobody of us",
        good.clone(),
    );
    let mut add = |name: &str, lists, required: Required, what: &str| {
        suite.attack_with(
            &format!("revocation/{name}.eml"),
            &options(lists),
            required,
            twin,
            what,
            good.clone(),
        );
    };
    add("leaf", ["root", "leaf-revoked"], says("invalid", "revoked"), "the certificate is revoked");
    add("authority", ["ca-revoked", "intermediate"], says("invalid", "revoked"), "the CA above is revoked");
    add(
        "stale",
        ["root", "stale"],
        says("checked", "stale-revocation"),
        "the list is older than its own date for the next one",
    );
    suite.file("people/alice-revoked.ocsp", response(intermediate, alice, &intermediate.key, true));
    let mut add = |name: &str, options: &str, required: Required, what: &str| {
        suite.attack_with(&format!("revocation/{name}.eml"), options, required, twin, what, good.clone());
    };
    add(
        "response",
        "--crl people/root.crl --crl people/alice-revoked.ocsp",
        says("invalid", "revoked"),
        "an OCSP response says revoked",
    );
    add(
        "required",
        "--revocation require --crl people/root.crl",
        says("unverified", "revocation-not-checked"),
        "revocation must be ruled out, and is not",
    );
    add(
        "required-good",
        &format!("--revocation require {current}"),
        says("verified", "!revocation-not-checked"),
        "revocation must be ruled out, and is",
    );
    add(
        "off",
        "--revocation off --crl people/leaf-revoked.crl",
        says("verified", "revocation-not-checked"),
        "nobody asks about revocation",
    );
}

/// What the SignedData itself brings, put there by anybody.
fn inside(cast: &Cast, intermediate: &Authority, alice: &Template, suite: &mut Suite) {
    let person = Person::issued(alice.clone(), cast.alice.key.clone(), intermediate);
    let mail = |revocations: Vec<Vec<u8>>| {
        let mut signed = Signed::good(&person, CONTENT.as_bytes());
        signed.certificates.push(intermediate.certificate.clone());
        signed.revocation_lists = revocations;
        mail::opaque(&signed.build())
    };
    let root = || revocation_list(&cast.root, "491231235959Z", &[&[1, 2, 3]]);
    let list = |serial: &[u8]| revocation_list(intermediate, "491231235959Z", &[serial]);
    let answer = |key: &Key, revoked| response_in_cms(&response(intermediate, alice, key, revoked));
    let mallory = Key::p256("mallory's lists");
    let forged = Authority { name: intermediate.name.clone(), key: mallory.clone(), certificate: Vec::new() };
    let forged_list = revocation_list(&forged, "491231235959Z", &[&alice.serial]);
    let checked = || says("verified", "!revocation-not-checked");
    let unchecked = || says("verified", "revocation-not-checked");
    let revoked = || says("invalid", "revoked");
    let mut add = |name: &str, options: &str, required: Required, what: &str, inside: Vec<Vec<u8>>| {
        suite.attack_with(&format!("revocation/{name}.eml"), options, required, GOOD, what, mail(inside));
    };
    add("inside", "", checked(), "current lists come along", vec![root(), list(&[1])]);
    add(
        "inside-revoked",
        "",
        revoked(),
        "a list that comes along revokes",
        vec![root(), list(&alice.serial)],
    );
    add("inside-forged", "", unchecked(), "mallory's list revokes", vec![root(), forged_list]);
    add(
        "inside-hides",
        "--crl people/leaf-revoked.crl",
        revoked(),
        "a list that comes along knows of nothing",
        vec![root(), list(&[1])],
    );
    let good = answer(&intermediate.key, false);
    add("inside-response", "", checked(), "an OCSP response comes along", vec![root(), good]);
    let bad = answer(&intermediate.key, true);
    add("inside-response-revoked", "", revoked(), "an OCSP response that comes along revokes", vec![bad]);
    let forged = answer(&mallory, true);
    add("inside-response-forged", "", unchecked(), "mallory's OCSP response revokes", vec![root(), forged]);
}

/// An OCSP response about one certificate, under the issuer's name.
fn response(issuer: &Authority, subject: &Template, key: &Key, revoked: bool) -> Vec<u8> {
    let time = |text: &str| tlv(0x18, &[text.as_bytes()]);
    let identifier = seq(&[
        &algorithm(SHA1, &[]),
        &octets(&sha1(&issuer.name)),
        &octets(&issuer.key.identifier()),
        &integer(&subject.serial),
    ]);
    let status = match revoked {
        true => explicit(1, &time("20260601000000Z")),
        false => implicit(0, &[]),
    };
    let next_update = explicit(0, &time("20491231235959Z"));
    let single = seq(&[&identifier, &status, &time("20260701000000Z"), &next_update]);
    let data = seq(&[&explicit(1, &issuer.name), &time("20260701000000Z"), &seq(&[&single])]);
    let usual = key.usual();
    let basic = seq(&[&data, &usual, &bits(&key.sign(&data))]);
    let bytes = seq(&[&oid("1.3.6.1.5.5.7.48.1.1"), &octets(&basic)]);
    seq(&[&tlv(0x0a, &[&[0]]), &explicit(0, &bytes)])
}

/// OtherRevocationInfoFormat (RFC 5940, section 2.1).
fn response_in_cms(response: &[u8]) -> Vec<u8> {
    explicit(1, &[&oid("1.3.6.1.5.5.7.16.2")[..], response].concat())
}
