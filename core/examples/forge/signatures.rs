//! The signature itself: what is signed, by which algorithm, and with which attributes.

use crate::asn1::{algorithm, bits, explicit, null, number, octets, oid, retagged, seq, set, set_of};
use crate::certificates::{DIGITAL_SIGNATURE, Template};
use crate::keys::{ECDSA_SHA256, Key, MD5, RSA_MD5, RSA_SHA1, RSA_SHA256, SHA1, SHA256, digest_info};
use crate::mail::{self, headers, multipart_signed, object};
use crate::people::{Cast, Person};
use crate::primitives::{derived, hmac_sha256, sha1, sha256};
use crate::sealed::{DATA, SIGNED_DATA};
use crate::signed::{CONTENT, CONTENT_TYPE, MESSAGE_DIGEST, SIGNING_TIME, Signed, SignerInfo, attribute};
use crate::suite::{Suite, either, refuses, says, unreadable};

const OPAQUE: &str = "signed/good-opaque.eml";
const DETACHED: &str = "signed/good-detached.eml";
const RSA: &str = "signed/good-rsa.eml";
const PSS: &str = "signed/good-pss.eml";

pub(crate) fn forge(cast: &Cast, suite: &mut Suite) {
    good(cast, suite);
    contents(cast, suite);
    signers(cast, suite);
    attributes(&cast.alice, suite);
    rsa_signatures(cast, suite);
    pss_signatures(&cast.alice_rsa, suite);
    ecdsa_signatures(&cast.alice, suite);
    other_algorithms(cast, suite);
    weak(cast, suite);
}

fn signed(person: &Person) -> Signed {
    Signed::good(person, CONTENT.as_bytes())
}

fn opaque(signed: &Signed) -> String {
    mail::opaque(&signed.build())
}

/// With a changed signer.
fn with(person: &Person, change: impl FnOnce(&mut SignerInfo)) -> String {
    let mut signed = signed(person);
    change(&mut signed.signers[0]);
    opaque(&signed)
}

fn good(cast: &Cast, suite: &mut Suite) {
    let verified = || says("verified", "chain");
    suite.good(OPAQUE, verified(), "ECDSA, opaque", opaque(&signed(&cast.alice)));
    suite.good(DETACHED, verified(), "ECDSA, detached", headers() + &mail::signed_by(&cast.alice, CONTENT));
    suite.good(RSA, verified(), "RSA, opaque", opaque(&signed(&cast.alice_rsa)));
    let pss = pss_with(&cast.alice_rsa, 32, &number(32), sha256, SHA256, None);
    suite.good(PSS, verified(), "PSS, opaque", pss);
    let mut both = signed(&cast.alice);
    both.signers.push(SignerInfo::good(&cast.alice_rsa, CONTENT.as_bytes()));
    both.certificates.push(cast.alice_rsa.certificate.clone());
    suite.good("signed/good-two-signers.eml", verified(), "two signers", opaque(&both));
    let named =
        with(&cast.alice, |signer| signer.name = crate::asn1::implicit(0, &cast.alice.key.identifier()));
    suite.good("signed/good-key-identifier.eml", verified(), "named by its subjectKeyIdentifier", named);
}

/// What is no signed mail, whatever it says it is (Johnny, C1 to C4).
fn contents(cast: &Cast, suite: &mut Suite) {
    let inside_and_beside = headers() + &multipart_signed(CONTENT, &signed(&cast.alice).build());
    suite.attack(
        "content/twice.eml",
        says("invalid", "malformed"),
        DETACHED,
        "a detached signature with a content of its own",
        inside_and_beside,
    );
    let other = Signed::good(&cast.alice, b"Content-Type: text/plain\r\n\r\nAgreed.\r\n");
    let confused = headers() + &multipart_signed(CONTENT, &other.build());
    suite.attack(
        "content/confused.eml",
        says("invalid", "malformed"),
        DETACHED,
        "eContent confusion: a good signature of its own content beside another text",
        confused,
    );
    let missing = opaque(&signed(&cast.alice).detached());
    suite.attack(
        "content/missing.eml",
        says("invalid", "malformed"),
        OPAQUE,
        "an opaque signature without its content",
        missing,
    );

    let wrapped = signed(&cast.alice).build();
    let mut nested = Signed::good(&cast.alice, &wrapped);
    nested.content_type = SIGNED_DATA.into();
    nested.signers[0].attributes = Some(attributes_of(SIGNED_DATA, &wrapped));
    suite.attack(
        "content/nested-signed-data.eml",
        says("invalid", "not-mail-content"),
        OPAQUE,
        "a SignedData inside a SignedData",
        opaque(&nested),
    );
    let time_stamp = seq(&[&number(1), &oid("1.2.3.4"), &octets(&sha256(CONTENT.as_bytes()))]);
    let mut stamp = Signed::good(&cast.alice, &time_stamp);
    stamp.content_type = "1.2.840.113549.1.9.16.1.4".into();
    stamp.signers[0].attributes = Some(attributes_of("1.2.840.113549.1.9.16.1.4", &time_stamp));
    suite.attack(
        "content/time-stamp.eml",
        says("invalid", "not-mail-content"),
        OPAQUE,
        "a time-stamp passed off as a signed mail",
        opaque(&stamp),
    );
    let mut mislabelled = signed(&cast.alice);
    mislabelled.content_type = SIGNED_DATA.into();
    suite.attack(
        "content/type-replaced.eml",
        says("invalid", "-"),
        OPAQUE,
        "the type of the content is replaced",
        opaque(&mislabelled),
    );

    let encapsulated = seq(&[&oid(DATA), &explicit(0, &octets(CONTENT.as_bytes()))]);
    let digested =
        seq(&[&number(0), &algorithm(SHA256, &[]), &encapsulated, &octets(&sha256(CONTENT.as_bytes()))]);
    let digested = seq(&[&oid("1.2.840.113549.1.7.5"), &explicit(0, &digested)]);
    let required = either(&says("invalid", "-"), &says("unsigned", "-"));
    suite.attack(
        "content/digested-data.eml",
        required.clone(),
        OPAQUE,
        "a DigestedData labelled signed-data",
        mail::opaque(&digested),
    );
    let beside = headers() + &multipart_signed(CONTENT, &digested);
    suite.attack(
        "content/digested-data-detached.eml",
        required,
        DETACHED,
        "a DigestedData in the place of the signature",
        beside,
    );
    let labelled = headers() + &object("enveloped-data", &signed(&cast.alice).build());
    suite.attack(
        "content/label-enveloped.eml",
        refuses("not-encrypted"),
        "decrypt/good-gcm.eml",
        "a SignedData labelled enveloped-data",
        labelled,
    );
    let plain = mail::opaque(&seq(&[&oid(DATA), &explicit(0, &octets(CONTENT.as_bytes()))]));
    let required = either(&says("invalid", "-"), &says("unsigned", "-"));
    suite.attack("content/plain-data.eml", required, OPAQUE, "id-data labelled signed-data", plain);
    let sealed =
        crate::sealed::Sealed::gcm(vec![crate::sealed::pkcs1(&cast.bob, &crate::sealed::content_key(32))]);
    let labelled = mail::opaque(&sealed.build());
    suite.attack(
        "content/label-signed.eml",
        unreadable("not-for-us|locked"),
        OPAQUE,
        "a sealed object labelled signed-data, read without keys",
        labelled,
    );
}

fn attributes_of(content_type: &str, content: &[u8]) -> Vec<Vec<u8>> {
    vec![
        attribute(CONTENT_TYPE, &[&oid(content_type)]),
        attribute(MESSAGE_DIGEST, &[&octets(&sha256(content))]),
    ]
}

/// None, many, and who they are.
fn signers(cast: &Cast, suite: &mut Suite) {
    let mut none = signed(&cast.alice);
    none.signers.clear();
    suite.attack(
        "signers/none.eml",
        says("unsigned", "no-signers"),
        OPAQUE,
        "no signers: never good over an empty loop (CVE-2026-59639)",
        opaque(&none),
    );
    let mut beside = none.clone().detached();
    let mail = headers() + &multipart_signed(CONTENT, &beside.build());
    suite.attack(
        "signers/none-detached.eml",
        says("unsigned", "no-signers"),
        DETACHED,
        "no signers in multipart/signed",
        mail,
    );
    beside.digest_algorithms.clear();
    let mail = headers() + &object("certs-only", &beside.build());
    let required = either(&says("unsigned", "-"), &says("invalid", "-"));
    suite.attack(
        "signers/certificates-only.eml",
        required,
        OPAQUE,
        "certificates only, with a From field",
        mail,
    );
    let mail = mail::opaque(&beside.build());
    let required = either(&says("unsigned", "-"), &says("invalid", "-"));
    suite.attack(
        "signers/certificates-as-signed.eml",
        required,
        OPAQUE,
        "certificates only, labelled signed-data",
        mail,
    );

    let mut many = signed(&cast.alice);
    many.signers = vec![many.signers[0].clone(); 11];
    suite.attack(
        "signers/eleven.eml",
        says("invalid", "-"),
        "signers/good-ten.eml",
        "eleven signers",
        opaque(&many),
    );
    many.signers.pop();
    suite.good("signers/good-ten.eml", says("verified", "chain"), "ten signers", opaque(&many));
    let mut one_bad = signed(&cast.alice);
    one_bad.signers.push(SignerInfo::good(&cast.alice_rsa, b"another content"));
    one_bad.certificates.push(cast.alice_rsa.certificate.clone());
    suite.attack(
        "signers/one-bad.eml",
        says("invalid", "content-changed"),
        "signed/good-two-signers.eml",
        "of two signers one is bad",
        opaque(&one_bad),
    );
    let mut stranger = signed(&cast.alice);
    stranger.signers.push(SignerInfo::good(&cast.mallory, CONTENT.as_bytes()));
    stranger.certificates.push(cast.mallory.certificate.clone());
    suite.attack(
        "signers/one-other.eml",
        says("mismatch", "from-mismatch"),
        "signed/good-two-signers.eml",
        "of two signers one is not the author",
        opaque(&stranger),
    );
    let mut unnamed = signed(&cast.alice);
    unnamed.certificates.clear();
    suite.attack(
        "signers/no-certificate.eml",
        says("unknown", "certificate-missing"),
        OPAQUE,
        "the certificate is missing",
        opaque(&unnamed),
    );
    let mut empty = signed(&cast.alice);
    empty.digest_algorithms.clear();
    let required = either(&says("verified", "-"), &says("invalid", "-"));
    suite.attack(
        "signers/no-digest-algorithms.eml",
        required,
        OPAQUE,
        "digestAlgorithms is empty: no crash (CVE-2026-45447)",
        opaque(&empty),
    );
    let mail = headers() + &multipart_signed(CONTENT, &empty.detached().build());
    let required = either(&says("verified", "-"), &says("invalid", "-"));
    suite.attack(
        "signers/no-digest-algorithms-detached.eml",
        required,
        DETACHED,
        "digestAlgorithms is empty, detached (CVE-2026-45447)",
        mail,
    );
}

/// Exactly one contentType, exactly one messageDigest, each with exactly one value of its type.
fn attributes(alice: &Person, suite: &mut Suite) {
    let digest = || octets(&sha256(CONTENT.as_bytes()));
    let content_type = || attribute(CONTENT_TYPE, &[&oid(DATA)]);
    let message_digest = || attribute(MESSAGE_DIGEST, &[&digest()]);
    let other_digest = attribute(MESSAGE_DIGEST, &[&octets(&sha256(b"another"))]);
    let time = || attribute(SIGNING_TIME, &[&crate::keys::utc_time("261121120000Z")]);
    let cases: Vec<(&str, &'static str, &str, Vec<Vec<u8>>)> = vec![
        ("no-content-type", "no-content-type", "no contentType", vec![time(), message_digest()]),
        ("no-message-digest", "no-message-digest", "no messageDigest", vec![content_type(), time()]),
        ("empty", "-", "no attribute at all", vec![]),
        (
            "content-type-twice",
            "duplicate-attribute",
            "two contentType",
            vec![content_type(), attribute(CONTENT_TYPE, &[&oid(SIGNED_DATA)]), message_digest()],
        ),
        (
            "message-digest-twice",
            "duplicate-attribute",
            "two messageDigest, the right one first or last",
            vec![content_type(), message_digest(), other_digest],
        ),
        (
            "signing-time-twice",
            "duplicate-attribute",
            "two signingTime",
            vec![
                content_type(),
                message_digest(),
                time(),
                attribute(SIGNING_TIME, &[&crate::keys::utc_time("200101000000Z")]),
            ],
        ),
        (
            "two-values",
            "attribute-not-single",
            "messageDigest with two values",
            vec![content_type(), attribute(MESSAGE_DIGEST, &[&octets(&sha256(b"another")), &digest()])],
        ),
        (
            "content-type-two-values",
            "attribute-not-single",
            "contentType with two values",
            vec![attribute(CONTENT_TYPE, &[&oid(DATA), &oid(SIGNED_DATA)]), message_digest()],
        ),
        (
            "no-value",
            "attribute-not-single",
            "messageDigest without a value",
            vec![content_type(), attribute(MESSAGE_DIGEST, &[])],
        ),
        (
            "content-type-no-value",
            "attribute-not-single",
            "contentType without a value",
            vec![attribute(CONTENT_TYPE, &[]), message_digest()],
        ),
        (
            "truncated-digest",
            "-",
            "messageDigest cut to four octets",
            vec![content_type(), attribute(MESSAGE_DIGEST, &[&octets(&sha256(CONTENT.as_bytes())[..4])])],
        ),
        (
            "empty-digest",
            "-",
            "messageDigest of no octets",
            vec![content_type(), attribute(MESSAGE_DIGEST, &[&octets(&[])])],
        ),
        (
            "wrong-type",
            "malformed-attributes",
            "messageDigest is a BIT STRING",
            vec![content_type(), attribute(MESSAGE_DIGEST, &[&bits(&sha256(CONTENT.as_bytes()))])],
        ),
        (
            "content-type-wrong-type",
            "malformed-attributes",
            "contentType is an OCTET STRING",
            vec![attribute(CONTENT_TYPE, &[&octets(b"data")]), message_digest()],
        ),
        (
            "other-content-type",
            "content-type-mismatch",
            "contentType names another type",
            vec![attribute(CONTENT_TYPE, &[&oid(SIGNED_DATA)]), message_digest()],
        ),
        (
            "wrong-digest",
            "content-changed",
            "messageDigest of another content",
            vec![content_type(), attribute(MESSAGE_DIGEST, &[&octets(&sha256(b"another"))])],
        ),
        (
            "trailing",
            "malformed-attributes",
            "octets behind an attribute's values",
            vec![
                content_type(),
                message_digest(),
                seq(&[&oid(SIGNING_TIME), &set(&[&crate::keys::utc_time("261121120000Z")]), &null()]),
            ],
        ),
    ];
    for (name, reason, what, attributes) in cases {
        let mail = with(alice, |signer| signer.attributes = Some(attributes));
        suite.attack(&format!("attributes/{name}.eml"), says("invalid", reason), OPAQUE, what, mail);
    }
    let unsigned = with(alice, |signer| {
        signer.attributes = Some(vec![content_type(), time()]);
        signer.unsigned = vec![message_digest()];
    });
    suite.attack(
        "attributes/unsigned.eml",
        says("invalid", "-"),
        OPAQUE,
        "messageDigest stands among the unsigned attributes",
        unsigned,
    );
    let unsigned = with(alice, |signer| signer.unsigned = vec![time()]);
    suite.attack(
        "attributes/unsigned-time.eml",
        says("invalid", "unsigned-attribute"),
        OPAQUE,
        "signingTime stands among the unsigned attributes",
        unsigned,
    );
    let implicit = with(alice, |signer| signer.signed_as_sent = true);
    suite.attack(
        "attributes/signed-implicit.eml",
        says("invalid", "signature-invalid"),
        OPAQUE,
        "the signature is over the attributes with tag [0]",
        implicit,
    );
    let none = with(alice, |signer| signer.attributes = None);
    suite.attack(
        "attributes/none.eml",
        says("invalid", "no-signed-attributes"),
        OPAQUE,
        "no signed attributes",
        none,
    );

    // The signature of a good mail, taken for one over the DER of its attributes.
    let good = SignerInfo::good(alice, CONTENT.as_bytes());
    let content = set_of(good.attributes.clone().unwrap_or_default());
    let mut stripped = Signed::good(alice, &content);
    stripped.signers[0].attributes = None;
    stripped.signers[0].signature = Some(alice.key.sign(&content));
    suite.attack(
        "attributes/stripped.eml",
        says("invalid", "no-signed-attributes"),
        OPAQUE,
        "the attributes are stripped and become the content (EUF-CMA)",
        opaque(&stripped),
    );
    let body = stripped.detached().build();
    let text = String::from_utf8_lossy(&content).into_owned();
    suite.attack(
        "attributes/stripped-detached.eml",
        says("invalid", "-"),
        DETACHED,
        "the same, detached",
        headers() + &multipart_signed(&text, &body),
    );
}

/// Everything that a lax reader of PKCS#1 v1.5 takes.
fn rsa_signatures(cast: &Cast, suite: &mut Suite) {
    let person = &cast.alice_rsa;
    let message = SignerInfo::good(person, CONTENT.as_bytes()).message(CONTENT.as_bytes());
    let value = sha256(&message);
    let info = digest_info(SHA256, &null(), &value);
    let block = |info: &[u8], padding: usize, tail: usize| {
        let padding = vec![0xff; padding];
        let rest = vec![0x17; tail];
        [&[0, 1][..], &padding, &[0], info, &rest].concat()
    };
    let room = 256 - 3 - info.len();
    let raw = |block: Vec<u8>| person.key.raw_secret(&block);
    let mut changed = block(&info, room, 0);
    changed[100] = 0xfe;
    let mut type_2 = block(&info, room, 0);
    type_2[1] = 2;
    let long_length = {
        let algorithm = algorithm(SHA256, &null());
        let content = [algorithm, octets(&value)].concat();
        [&[0x30, 0x81, content.len() as u8][..], &content].concat()
    };
    let unnull = |info: &[u8]| block(info, 256 - 3 - info.len(), 0);
    let cases: Vec<(&str, &str, Vec<u8>)> = vec![
        ("tail", "octets behind the DigestInfo (Bleichenbacher 2006)", raw(block(&info, 8, room - 8))),
        ("short-padding", "one octet of padding, the rest behind", raw(block(&info, 1, room - 1))),
        ("no-padding", "no padding at all", raw(block(&info, 0, room))),
        ("padding-changed", "an octet of padding is not ff", raw(changed)),
        ("block-type-2", "block type 2", raw(type_2)),
        (
            "parameters",
            "octets in the parameters of the digest",
            person.key.sign_info(&digest_info(SHA256, &octets(&[0x17; 32]), &value)),
        ),
        (
            "null-tail",
            "no NULL, and a tail (CVE-2026-12860)",
            raw(block(
                &digest_info(SHA256, &[], &value),
                8,
                256 - 3 - 8 - digest_info(SHA256, &[], &value).len(),
            )),
        ),
        ("null-not-empty", "a NULL with content", raw(unnull(&digest_info(SHA256, &[5, 1, 0], &value)))),
        ("ber-length", "a DigestInfo in BER", raw(unnull(&long_length))),
        ("bare-digest", "the digest without a DigestInfo", person.key.sign_info(&value)),
        (
            "other-digest-name",
            "the DigestInfo names SHA-1",
            person.key.sign_info(&digest_info(SHA1, &null(), &value)),
        ),
        ("zero", "the signature is zero", vec![0; 256]),
        ("one", "the signature is one", [vec![0; 255], vec![1]].concat()),
        ("empty", "the signature is empty", Vec::new()),
        ("leading-zero", "a zero before the signature", [vec![0], person.key.sign(&message)].concat()),
        ("cut", "the last octet is missing", person.key.sign(&message)[..255].to_vec()),
        (
            "plus-modulus",
            "the modulus is added to the signature",
            plus_modulus(person, &person.key.sign(&message)),
        ),
    ];
    for (name, what, signature) in cases {
        let mail = with(person, |signer| signer.signature = Some(signature));
        suite.attack(
            &format!("rsa-signature/{name}.eml"),
            says("invalid", "signature-invalid"),
            RSA,
            what,
            mail,
        );
    }

    let key = Key::rsa("alice with exponent 3", 2048, 3);
    let template =
        Template::leaf("Alice (exponent 3)", "alice@example.org", &key, &cast.root, DIGITAL_SIGNATURE);
    let small = Person::issued(template, key, &cast.root);
    let message = SignerInfo::good(&small, CONTENT.as_bytes()).message(CONTENT.as_bytes());
    let info = digest_info(SHA256, &null(), &sha256(&message));
    let forged = small.key.raw_secret(&block(&info, 8, room - 8));
    let mail = with(&small, |signer| signer.signature = Some(forged));
    suite.attack(
        "rsa-signature/exponent-3-tail.eml",
        says("invalid", "signature-invalid"),
        RSA,
        "Bleichenbacher 2006 with exponent 3",
        mail,
    );
}

/// s + n, in as many octets as it needs.
fn plus_modulus(person: &Person, signature: &[u8]) -> Vec<u8> {
    use rsa::traits::PublicKeyParts as _;
    let modulus = person.key.rsa_key().n().to_be_bytes();
    let mut sum = Vec::new();
    let mut carry = 0_u16;
    for (left, right) in signature.iter().rev().zip(modulus.iter().rev()) {
        let octet = u16::from(*left) + u16::from(*right) + carry;
        sum.insert(0, octet as u8);
        carry = octet >> 8;
    }
    if carry == 1 {
        sum.insert(0, 1);
    }
    sum
}

/// A PSS signature whose parameters may differ from what was done.
fn pss_with(
    person: &Person,
    salt: usize,
    announced_salt: &[u8],
    mask: fn(&[u8]) -> Vec<u8>,
    announced_mask: &str,
    trailer: Option<u64>,
) -> String {
    let digest = algorithm(SHA256, &[]);
    let mask_identifier = algorithm("1.2.840.113549.1.1.8", &algorithm(announced_mask, &[]));
    let parameters = seq(&[
        &explicit(0, &digest),
        &explicit(1, &mask_identifier),
        &explicit(2, announced_salt),
        &trailer.map(|trailer| explicit(3, &number(trailer))).unwrap_or_default(),
    ]);
    with(person, |signer| {
        signer.signature_algorithm = algorithm("1.2.840.113549.1.1.10", &parameters);
        let message = signer.message(CONTENT.as_bytes());
        signer.signature = Some(person.key.sign_pss(mask, &message, salt));
    })
}

fn pss_signatures(person: &Person, suite: &mut Suite) {
    let mut add = |name: &str, what: &str, mail: String| {
        suite.attack(&format!("pss-signature/{name}.eml"), says("invalid", "-"), PSS, what, mail);
    };
    add(
        "salt-lies",
        "the salt is said to be longer than it is",
        pss_with(person, 20, &number(32), sha256, SHA256, None),
    );
    add(
        "salt-lies-shorter",
        "the salt is said to be shorter than it is",
        pss_with(person, 32, &number(20), sha256, SHA256, None),
    );
    add(
        "salt-huge",
        "the salt is said to be of 2^31 octets",
        pss_with(person, 32, &number(1 << 31), sha256, SHA256, None),
    );
    add(
        "salt-negative",
        "the salt is said to be of -1 octets",
        pss_with(person, 32, &[2, 1, 0xff], sha256, SHA256, None),
    );
    add(
        "mask-lies",
        "the mask is said to be of another digest",
        pss_with(person, 32, &number(32), sha1, SHA256, None),
    );
    add("trailer", "the trailer field is 2", pss_with(person, 32, &number(32), sha256, SHA256, Some(2)));
    let plain = with(person, |signer| {
        let message = signer.message(CONTENT.as_bytes());
        signer.signature = Some(person.key.sign_pss(sha256, &message, 32));
    });
    add("as-pkcs1", "a PSS signature announced as PKCS#1 v1.5", plain);
    let nothing = with(person, |signer| {
        signer.signature_algorithm = algorithm("1.2.840.113549.1.1.10", &[]);
        let message = signer.message(CONTENT.as_bytes());
        signer.signature = Some(person.key.sign_pss(sha256, &message, 32));
    });
    add("no-parameters", "PSS without parameters means SHA-1, which contradicts the digest", nothing);
}

fn ecdsa_signatures(alice: &Person, suite: &mut Suite) {
    let message = SignerInfo::good(alice, CONTENT.as_bytes()).message(CONTENT.as_bytes());
    let good = alice.key.sign(&message);
    let order = [
        0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa,
        0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
    ];
    let one = number(1);
    let order = crate::asn1::integer(&order);
    let body = good[2..].to_vec();
    let halves = (&good[4..4 + usize::from(good[3])], &good[4 + usize::from(good[3]) + 2..]);
    let padded = seq(&[&crate::asn1::tlv(2, &[&[0, 0], halves.0]), &crate::asn1::tlv(2, &[halves.1])]);
    let fixed = |half: &[u8]| {
        let mut fixed = vec![0; 32];
        let half = &half[half.len().saturating_sub(32)..];
        fixed[32 - half.len()..].copy_from_slice(half);
        fixed
    };
    let cases: Vec<(&str, &str, Vec<u8>)> = vec![
        ("zero", "r = s = 0 (CVE-2022-21449)", seq(&[&number(0), &number(0)])),
        ("r-zero", "r = 0", seq(&[&number(0), &one])),
        ("s-zero", "s = 0", seq(&[&one, &number(0)])),
        ("order", "r = s = n", seq(&[&order, &order])),
        ("one", "r = s = 1", seq(&[&one, &one])),
        ("negative", "r is negative", seq(&[&[2, 1, 0xff], &one])),
        ("trailing", "octets behind the signature (CVE-2016-1000342)", [&good[..], &[0]].concat()),
        (
            "trailing-inside",
            "octets inside the SEQUENCE",
            [&[0x30, body.len() as u8 + 2][..], &body, &null()].concat(),
        ),
        ("ber-length", "a length in BER", [&[0x30, 0x81, body.len() as u8][..], &body].concat()),
        ("padded", "r with needless zeroes", padded),
        ("plain", "r and s without DER", [fixed(halves.0), fixed(halves.1)].concat()),
        ("empty", "no signature", Vec::new()),
        ("one-integer", "r alone", seq(&[&one])),
    ];
    for (name, what, signature) in cases {
        let mail = with(alice, |signer| signer.signature = Some(signature));
        suite.attack(
            &format!("ecdsa-signature/{name}.eml"),
            says("invalid", "signature-invalid"),
            OPAQUE,
            what,
            mail,
        );
    }
}

fn other_algorithms(cast: &Cast, suite: &mut Suite) {
    let alice = &cast.alice;
    let mut add = |name: &str, what: &str, mail: String| {
        suite.attack(&format!("algorithm/{name}.eml"), says("invalid", "-"), OPAQUE, what, mail);
    };
    let none = with(alice, |signer| {
        signer.signature_algorithm = algorithm("1.3.6.1.5.5.7.6.2", &null());
        signer.signature = Some(sha256(&signer.message(CONTENT.as_bytes())));
    });
    add("no-signature", "id-alg-noSignature: a digest for a signature", none);
    let mac = with(alice, |signer| {
        signer.signature_algorithm = algorithm("1.2.840.113549.2.9", &null());
        signer.signature = Some(hmac_sha256(&alice.key.public(), &signer.message(CONTENT.as_bytes())));
    });
    add("hmac", "an HMAC under the public key for a signature", mac);
    add(
        "unknown",
        "an unknown signature algorithm",
        with(alice, |signer| signer.signature_algorithm = algorithm("1.2.3.4", &[])),
    );
    add(
        "unknown-digest",
        "an unknown digest",
        with(alice, |signer| signer.digest_algorithm = algorithm("1.2.3.4", &[])),
    );
    add(
        "rsa-for-ec",
        "RSA said of a key on P-256",
        with(alice, |signer| signer.signature_algorithm = algorithm(RSA_SHA256, &null())),
    );
    add(
        "digest-differs",
        "digestAlgorithm SHA-512 beside ECDSA with SHA-256",
        with(alice, |signer| signer.digest_algorithm = algorithm("2.16.840.1.101.3.4.2.3", &[])),
    );
    let parameters =
        with(alice, |signer| signer.signature_algorithm = algorithm(ECDSA_SHA256, &octets(b"?")));
    add("parameters", "parameters where there must be none", parameters);
    let protected = with(alice, |signer| {
        let value =
            seq(&[&algorithm("2.16.840.1.101.3.4.2.3", &[]), &retagged(algorithm(ECDSA_SHA256, &[]), 0xa1)]);
        signer.attributes.get_or_insert_default().push(attribute("1.2.840.113549.1.9.52", &[&value]));
    });
    add("replaced", "cmsAlgorithmProtection names another digest (RFC 6211)", protected);
    let named = with(alice, |signer| {
        let hash = octets(&sha256(&cast.mallory.certificate));
        let value = seq(&[&seq(&[&seq(&[&hash])])]);
        signer.attributes.get_or_insert_default().push(attribute("1.2.840.113549.1.9.16.2.47", &[&value]));
    });
    add("other-certificate", "signingCertificateV2 names another certificate (RFC 5035)", named);
}

fn weak(cast: &Cast, suite: &mut Suite) {
    let rsa = &cast.alice_rsa;
    let weakly = |digest: &'static str, signature: &'static str, hash: fn(&[u8]) -> Vec<u8>| {
        with(rsa, |signer| {
            signer.digest_algorithm = algorithm(digest, &null());
            signer.attributes = Some(vec![
                attribute(CONTENT_TYPE, &[&oid(DATA)]),
                attribute(MESSAGE_DIGEST, &[&octets(&hash(CONTENT.as_bytes()))]),
            ]);
            signer.signature_algorithm = algorithm(signature, &null());
            let message = signer.message(CONTENT.as_bytes());
            signer.signature = Some(rsa.key.sign_info(&digest_info(digest, &null(), &hash(&message))));
        })
    };
    suite.attack(
        "weak/sha1.eml",
        says("weak", "weak-sha1"),
        RSA,
        "a signature with SHA-1",
        weakly(SHA1, RSA_SHA1, sha1),
    );
    suite.attack(
        "weak/md5.eml",
        says("weak", "weak-md5"),
        RSA,
        "a signature with MD5",
        weakly(MD5, RSA_MD5, md5),
    );
    let key = Key::rsa("alice with 1024 bits", 1024, 65537);
    let template = Template::leaf("Alice (1024)", "alice@example.org", &key, &cast.root, DIGITAL_SIGNATURE);
    let short = Person::issued(template, key, &cast.root);
    suite.attack(
        "weak/rsa-1024.eml",
        says("weak", "weak-rsa"),
        RSA,
        "an RSA key of 1024 bits",
        opaque(&signed(&short)),
    );
    suite.attack("weak/dsa.eml", dsa_required(), OPAQUE, "DSA: the signature is not even checked", dsa(cast));
}

fn dsa_required() -> crate::suite::Required {
    says("weak", "-").or("invalid")
}

/// A DSA key that is none: whatever a reader makes of it, it is no positive verdict.
fn dsa(cast: &Cast) -> String {
    let number = |label: &str, length: usize| {
        crate::asn1::integer(&[&[0x40], &derived(label, length - 1)[..]].concat())
    };
    let parameters = seq(&[&number("p", 128), &number("q", 20), &number("g", 128)]);
    let key = seq(&[&algorithm("1.2.840.10040.4.1", &parameters), &bits(&number("y", 128))]);
    let template = Template { public_key_info: key, ..cast.alice.template.clone() };
    let person = Person::issued(template, cast.alice.key.clone(), &cast.root);
    with(&person, |signer| {
        signer.signature_algorithm = algorithm("2.16.840.1.101.3.4.3.2", &[]);
        signer.signature = Some(seq(&[&number("r", 20), &number("s", 20)]));
    })
}

fn md5(message: &[u8]) -> Vec<u8> {
    use md5::Digest as _;
    md5::Md5::digest(message).to_vec()
}
