//! Chains that break a rule of RFC 5280 or RFC 8550, and names that only look alike.

use crate::asn1::{algorithm, implicit, null, octets};
use crate::certificates::{
    Authority, CERTIFICATE_SIGN, DIGITAL_SIGNATURE, KEY_ENCIPHERMENT, SERVER_AUTH, Template,
    alternative_names, basic_constraints, extended_key_usage, extension, key_usage, name_constraints,
    name_with_address, rfc822, subject_key_identifier, uri,
};
use crate::keys::{Key, RSA_SHA1, RSA_SHA256, SHA1, digest_info};
use crate::mail;
use crate::people::{Cast, Person};
use crate::primitives::sha1;
use crate::signed::{CONTENT, Signed};
use crate::suite::{Required, Suite, either, says};

const GOOD: &str = "chain/good-intermediate.eml";
const NAMES: &str = "names/good-permitted.eml";

pub(crate) fn forge(cast: &Cast, suite: &mut Suite) {
    leaves(cast, suite);
    authorities(cast, suite);
    look_alikes(cast, suite);
    constraints(cast, suite);
    addresses(cast, suite);
}

fn no_chain(reason: &'static str) -> Required {
    says("unverified", reason)
}

/// Alice's signing certificate under the root.
fn leaf(cast: &Cast) -> Template {
    Template::leaf("Alice", "alice@example.org", &cast.alice.key, &cast.root, DIGITAL_SIGNATURE)
}

/// A mail by this person, with these certificates beside the signer's.
fn mail_by(person: &Person, above: &[&[u8]]) -> String {
    let mut signed = Signed::good(person, CONTENT.as_bytes());
    signed.certificates.extend(above.iter().map(|certificate| certificate.to_vec()));
    mail::opaque(&signed.build())
}

fn issued(cast: &Cast, template: Template) -> Person {
    Person::issued(template, cast.alice.key.clone(), &cast.root)
}

fn leaves(cast: &Cast, suite: &mut Suite) {
    let mut add = |name: &str, required: Required, what: &str, template: Template| {
        let mail = mail_by(&issued(cast, template), &[]);
        suite.attack(&format!("chain/{name}.eml"), required, "signed/good-opaque.eml", what, mail);
    };
    let expired = Template { not_after: "260101000000Z".into(), ..leaf(cast) };
    add("expired", no_chain("expired").or_with("checked"), "the certificate has expired", expired);
    let future = Template { not_before: "270101000000Z".into(), ..leaf(cast) };
    add("not-yet", no_chain("not-yet-valid"), "the certificate is not valid yet", future);
    let usage = || says("invalid", "certificate-usage");
    add(
        "eku-server",
        usage(),
        "extended key usage for servers only",
        leaf(cast).replacing(extended_key_usage(SERVER_AUTH)),
    );
    add(
        "ku-encipherment",
        usage(),
        "key usage for encryption only",
        leaf(cast).replacing(key_usage(KEY_ENCIPHERMENT)),
    );
    add(
        "ku-certificates",
        usage(),
        "key usage for certificates only",
        leaf(cast).replacing(key_usage(CERTIFICATE_SIGN)),
    );
    let critical = leaf(cast).with(extension("1.2.3.4", true, &null()));
    add("critical-extension", no_chain("bad-chain"), "an unknown critical extension", critical);
    let twice = leaf(cast).with(alternative_names(&[rfc822("carol@example.org")]));
    let required = either(&no_chain("-"), &says("unknown", "-"));
    add("extension-twice", required, "two subjectAltName extensions", twice);

    let mut tampered = issued(cast, leaf(cast));
    let at = find(&tampered.certificate, b"491231235959Z");
    tampered.certificate[at] = b'3';
    let mail = mail_by(&tampered, &[]);
    suite.attack(
        "chain/tampered.eml",
        no_chain("-"),
        "signed/good-opaque.eml",
        "the certificate was changed",
        mail,
    );
    let differing = Template { outer_algorithm: Some(algorithm(RSA_SHA256, &null())), ..leaf(cast) };
    let mail = mail_by(&issued(cast, differing), &[]);
    suite.attack(
        "chain/algorithms-differ.eml",
        either(&no_chain("-"), &says("unknown", "-")),
        "signed/good-opaque.eml",
        "the two algorithm fields of the certificate differ",
        mail,
    );
}

fn find(haystack: &[u8], needle: &[u8]) -> usize {
    haystack.windows(needle.len()).position(|window| window == needle).expect("it is there")
}

/// A CA under the root, changed; with a mail by alice under it.
pub(crate) fn under(cast: &Cast, change: impl FnOnce(Template) -> Template) -> (Authority, String) {
    let key = Key::p256("intermediate");
    let template = change(Template::authority("Example Mail CA", &key, &cast.root));
    let authority = Authority::under(&cast.root, &template, key);
    let alice = Template::leaf("Alice", "alice@example.org", &cast.alice.key, &authority, DIGITAL_SIGNATURE);
    let mail = mail_by(&Person::issued(alice, cast.alice.key.clone(), &authority), &[&authority.certificate]);
    (authority, mail)
}

fn authorities(cast: &Cast, suite: &mut Suite) {
    let (intermediate, good) = under(cast, |template| template);
    suite.good(GOOD, says("verified", "chain"), "a CA between root and leaf", good);
    let mut add = |name: &str, required: Required, what: &str, mail: String| {
        suite.attack(&format!("chain/{name}.eml"), required, GOOD, what, mail);
    };
    let authority = |change: fn(Template) -> Template| under(cast, change).1;
    add(
        "ca-v1",
        no_chain("bad-chain"),
        "a CA with a certificate of version 1",
        authority(|template| Template { version: None, extensions: Vec::new(), ..template }),
    );
    add(
        "ca-not-a-ca",
        no_chain("-"),
        "an issuer that is no CA",
        authority(|template| template.replacing(basic_constraints(false, None))),
    );
    add(
        "ca-no-constraints",
        no_chain("-"),
        "an issuer without basicConstraints",
        authority(|template| Template { extensions: template.extensions[1..].to_vec(), ..template }),
    );
    add(
        "ca-key-usage",
        no_chain("-"),
        "a CA that may not sign certificates",
        authority(|template| template.replacing(key_usage(DIGITAL_SIGNATURE))),
    );
    add(
        "ca-expired",
        no_chain("expired"),
        "an expired CA",
        authority(|template| Template { not_after: "260101000000Z".into(), ..template }),
    );
    add(
        "ca-eku",
        no_chain("certificate-usage"),
        "a CA for servers only",
        authority(|template| template.with(extended_key_usage(SERVER_AUTH))),
    );
    add(
        "ca-critical",
        no_chain("bad-chain"),
        "an unknown critical extension in a CA",
        authority(|template| template.with(extension("1.2.3.4", true, &null()))),
    );

    let (limited, _) = under(cast, |template| template.replacing(basic_constraints(true, Some(0))));
    let key = Key::p256("second intermediate");
    let second = Authority::under(&limited, &Template::authority("Example Lower CA", &key, &limited), key);
    let alice = Template::leaf("Alice", "alice@example.org", &cast.alice.key, &second, DIGITAL_SIGNATURE);
    let person = Person::issued(alice, cast.alice.key.clone(), &second);
    let chain: [&[u8]; 2] = [&second.certificate, &limited.certificate];
    add("path-length", no_chain("bad-chain"), "a CA below a CA that allows none", mail_by(&person, &chain));

    let leaf_as_authority = Authority {
        name: cast.mallory.template.subject.clone(),
        key: cast.mallory.key.clone(),
        certificate: cast.mallory.certificate.clone(),
    };
    let alice = Template::leaf(
        "Alice",
        "alice@example.org",
        &Key::p256("false alice"),
        &leaf_as_authority,
        DIGITAL_SIGNATURE,
    );
    let person = Person::issued(alice, Key::p256("false alice"), &leaf_as_authority);
    add(
        "leaf-as-ca",
        no_chain("-"),
        "mallory's own certificate issues one for alice",
        mail_by(&person, &[&cast.mallory.certificate]),
    );

    let rsa = Key::rsa("weak intermediate", 1024, 65537);
    let weak = Authority::under(&cast.root, &Template::authority("Example Weak CA", &rsa, &cast.root), rsa);
    let alice = Template::leaf("Alice", "alice@example.org", &cast.alice.key, &weak, DIGITAL_SIGNATURE);
    let person = Person::issued(alice, cast.alice.key.clone(), &weak);
    let required = || either(&no_chain("-"), &says("weak", "-"));
    add(
        "ca-rsa-1024",
        required(),
        "a CA with an RSA key of 1024 bits",
        mail_by(&person, &[&weak.certificate]),
    );
    let rsa = Key::rsa("intermediate", 2048, 65537);
    let strong = Authority::under(&cast.root, &Template::authority("Example RSA CA", &rsa, &cast.root), rsa);
    let alice = Template::leaf("Alice", "alice@example.org", &cast.alice.key, &strong, DIGITAL_SIGNATURE);
    let certificate = alice.signed_with(&algorithm(RSA_SHA1, &null()), |message| {
        strong.key.sign_info(&digest_info(SHA1, &null(), &sha1(message)))
    });
    let person = Person::with(alice, cast.alice.key.clone(), certificate);
    add("sha1", required(), "a certificate signed with SHA-1", mail_by(&person, &[&strong.certificate]));
    let _ = intermediate;
}

/// Certificates that share what should tell them apart.
fn look_alikes(cast: &Cast, suite: &mut Suite) {
    let twin = "signed/good-opaque.eml";
    let evil = Authority::root("Example Root CA", Key::p256("evil root"));
    let false_alice = Key::p256("false alice");
    let template = Template::leaf("Alice", "alice@example.org", &false_alice, &evil, DIGITAL_SIGNATURE);
    let person = Person::issued(template, false_alice.clone(), &evil);
    let mail = mail_by(&person, &[&evil.certificate]);
    suite.attack(
        "chain/same-name-root.eml",
        no_chain("-"),
        twin,
        "a root with the name of the right one",
        mail,
    );
    let template = Template::leaf("Alice", "alice@example.org", &false_alice, &cast.root, DIGITAL_SIGNATURE);
    let person = Person::issued(template, false_alice.clone(), &evil);
    suite.attack(
        "chain/signed-by-other.eml",
        no_chain("-"),
        twin,
        "the certificate says the right issuer, another key signed it",
        mail_by(&person, &[]),
    );

    let cloned = Template { serial: cast.alice.template.serial.clone(), ..person.template.clone() };
    let person = Person::issued(cloned, false_alice.clone(), &evil);
    let mail = mail_by(&person, &[&cast.alice.certificate]);
    suite.attack(
        "chain/same-serial.eml",
        says("invalid", "ambiguous-certificate").or("unverified"),
        twin,
        "two certificates with the same issuer and serial number",
        mail,
    );

    let own = Authority {
        name: crate::certificates::common_name("Alice"),
        key: false_alice.clone(),
        certificate: Vec::new(),
    };
    let template = Template::leaf("Alice", "alice@example.org", &false_alice, &own, DIGITAL_SIGNATURE)
        .replacing(subject_key_identifier(&cast.alice.key.identifier()));
    let person = Person::issued(template, false_alice.clone(), &own);
    let mut signed = Signed::good(&person, CONTENT.as_bytes());
    signed.signers[0].name = implicit(0, &cast.alice.key.identifier());
    signed.certificates.push(cast.alice.certificate.clone());
    let required = || no_chain("-").or("invalid");
    suite.attack(
        "chain/cloned-identifier.eml",
        required(),
        "signed/good-key-identifier.eml",
        "alice's subjectKeyIdentifier in a certificate that mallory made",
        mail::opaque(&signed.build()),
    );
    signed.certificates.reverse();
    suite.attack(
        "chain/cloned-identifier-last.eml",
        required(),
        "signed/good-key-identifier.eml",
        "the same, alice's certificate first",
        mail::opaque(&signed.build()),
    );
    let person = Person::issued(person.template.clone(), false_alice, &own);
    suite.attack(
        "chain/self-signed.eml",
        no_chain("no-anchor"),
        twin,
        "a certificate that mallory signed herself",
        mail_by(&person, &[]),
    );
}

fn constraints(cast: &Cast, suite: &mut Suite) {
    let constrained = |permitted: &[&str], excluded: &[&str], subject: Option<Vec<u8>>, address: &str| {
        let key = Key::p256("constrained");
        let template = Template::authority("Example Constrained CA", &key, &cast.root);
        let template = template.with(name_constraints(permitted, excluded));
        let authority = Authority::under(&cast.root, &template, key);
        let mut alice = Template::leaf("Alice", address, &cast.alice.key, &authority, DIGITAL_SIGNATURE);
        if let Some(subject) = subject {
            alice.subject = subject;
            alice.extensions.remove(2);
        }
        let person = Person::issued(alice, cast.alice.key.clone(), &authority);
        let mut signed = Signed::good(&person, CONTENT.as_bytes());
        signed.certificates.push(authority.certificate);
        let from = format!("From: Alice <{}>\r\n", address.trim_end_matches('.'));
        mail::headers_with(&from) + &mail::object("signed-data", &signed.build())
    };
    let alice = "alice@example.org";
    suite.good(
        NAMES,
        says("verified", "chain"),
        "the address is permitted",
        constrained(&["example.org"], &[], None, alice),
    );
    let mut add = |name: &str, required: Required, what: &str, mail: String| {
        suite.attack(&format!("names/{name}.eml"), required, NAMES, what, mail);
    };
    let broken = || no_chain("name-constraint");
    add(
        "not-permitted",
        broken(),
        "the address is not among the permitted ones",
        constrained(&["example.com"], &[], None, alice),
    );
    add("excluded", broken(), "the address is excluded", constrained(&[], &["example.org"], None, alice));
    add("excluded-mailbox", broken(), "this mailbox is excluded", constrained(&[], &[alice], None, alice));
    add(
        "excluded-within",
        broken(),
        "excluded beats permitted",
        constrained(&["example.org"], &[alice], None, alice),
    );
    add(
        "excluded-case",
        broken(),
        "excluded in capital letters",
        constrained(&[], &["EXAMPLE.ORG"], None, alice),
    );
    add(
        "address-case",
        broken(),
        "the address in capital letters, excluded in small ones",
        constrained(&[], &["example.org"], None, "alice@EXAMPLE.ORG"),
    );
    add(
        "subdomain-only",
        broken(),
        ".example.org permits subdomains only",
        constrained(&[".example.org"], &[], None, alice),
    );
    add(
        "subdomain",
        broken(),
        "example.org permits no subdomain",
        constrained(&["example.org"], &[], None, "alice@mail.example.org"),
    );
    add(
        "suffix",
        broken(),
        "example.org does not permit notexample.org",
        constrained(&["example.org"], &[], None, "alice@notexample.org"),
    );
    let dotted = || no_chain("-").or("mismatch");
    add(
        "trailing-dot",
        dotted(),
        "a dot behind the address evades the exclusion (CVE-2026-8763)",
        constrained(&[], &["example.org"], None, "alice@example.org."),
    );
    add(
        "trailing-dot-excluded",
        no_chain("-"),
        "a dot behind the excluded name evades the exclusion",
        constrained(&[], &["example.org."], None, alice),
    );
    let subject = name_with_address("Alice", alice);
    add(
        "name-address",
        broken(),
        "the address stands in the name only, and is excluded",
        constrained(&[], &["example.org"], Some(subject), alice),
    );
}

/// What is no address of the certificate, however it looks.
fn addresses(cast: &Cast, suite: &mut Suite) {
    let mut add = |name: &str, what: &str, change: fn(Template) -> Template| {
        let mail = mail_by(&issued(cast, change(leaf(cast))), &[]);
        suite.attack(
            &format!("address/{name}.eml"),
            says("mismatch", "from-mismatch"),
            "signed/good-opaque.eml",
            what,
            mail,
        );
    };
    add("nul", "a NUL behind the address", |template| {
        template.replacing(alternative_names(&[rfc822("alice@example.org\0.example.com")]))
    });
    add("nul-before", "a NUL inside the address", |template| {
        template.replacing(alternative_names(&[rfc822("alice\0@example.org")]))
    });
    add("wildcard", "a wildcard", |template| {
        template.replacing(alternative_names(&[rfc822("*@example.org")]))
    });
    add("domain", "the bare domain", |template| {
        template.replacing(alternative_names(&[rfc822("example.org")]))
    });
    add("dot-domain", "a domain with a dot before it", |template| {
        template.replacing(alternative_names(&[rfc822("@example.org")]))
    });
    add("uri", "a mailto URI", |template| {
        template.replacing(alternative_names(&[uri("mailto:alice@example.org")]))
    });
    add("common-name", "the address in the common name", |template| Template {
        subject: crate::certificates::common_name("alice@example.org"),
        ..template.replacing(alternative_names(&[rfc822("mallory@example.org")]))
    });
    add("name-against-alternative", "emailAddress in the name, another subjectAltName", |template| {
        Template {
            subject: name_with_address("Alice", "alice@example.org"),
            ..template.replacing(alternative_names(&[rfc822("mallory@example.org")]))
        }
    });
    add("line-end", "a line end in the address", |template| {
        template.replacing(alternative_names(&[rfc822("alice@example.org\r\n")]))
    });
    add("display-form", "an address in angle brackets", |template| {
        template.replacing(alternative_names(&[rfc822("<alice@example.org>")]))
    });
    add("prefix", "an address that only begins so", |template| {
        template.replacing(alternative_names(&[rfc822("alice@example.org.example.com")]))
    });
    add("other-type", "the address as a dNSName", |template| {
        template.replacing(alternative_names(&[implicit(2, b"alice@example.org")]))
    });
    let _ = octets;
}
