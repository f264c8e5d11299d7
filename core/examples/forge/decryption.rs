//! Oracles, gadgets and downgrades: what attackers do to the sealed object itself.

use crate::asn1::{algorithm, null, number, octets, oid, retagged, seq, set};
use crate::keys::pkcs1_block;
use crate::mail;
use crate::people::{Cast, Person};
use crate::primitives::{cbc, cfb, derived, des_cbc, ecb, gcm, hkdf, pad, pbkdf2, rc2_cbc, rc4};
use crate::sealed::{
    AES128_GCM, AES256_CBC, AES256_GCM, AES256_WRAP, Agreement, CEK_HKDF, DATA, Sealed, TEXT, content_key,
    gcm_parameters, nonce, oaep, oaep_identifier, passphrase, pkcs1, pkcs1_of, transport, wrap_block,
};
use crate::suite::{Suite, opens, refuses};

const GOOD_CBC: &str = "decrypt/good-cbc.eml";
const GOOD_GCM: &str = "decrypt/good-gcm.eml";
const GOOD_OAEP: &str = "decrypt/good-oaep.eml";
const GOOD_P256: &str = "decrypt/good-p256.eml";
const GOOD_X25519: &str = "decrypt/good-x25519.eml";

pub(crate) fn forge(cast: &Cast, suite: &mut Suite) {
    good(cast, suite);
    pkcs1_oracles(&cast.bob, suite);
    oaep_oracles(&cast.bob, suite);
    cbc_oracles(&cast.bob, suite);
    cbc_gadgets(&cast.bob, suite);
    authenticated(&cast.bob, suite);
    derived_keys(&cast.bob, suite);
    agreement(cast, suite);
    passphrases(cast, suite);
    floods(cast, suite);
    weak_ciphers(&cast.bob, suite);
}

fn good(cast: &Cast, suite: &mut Suite) {
    let key = content_key(32);
    let bob = &cast.bob;
    let mut add = |path, required, what, sealed: Sealed| {
        suite.good(path, required, what, mail::sealed(&sealed.build()));
    };
    add(GOOD_CBC, opens("unsigned", "no-integrity"), "RSA and CBC", Sealed::text_cbc(vec![pkcs1(bob, &key)]));
    add(GOOD_GCM, opens("unsigned", "!no-integrity"), "RSA and GCM", Sealed::gcm(vec![pkcs1(bob, &key)]));
    let recipient = oaep(bob, &key, |_| ());
    add(GOOD_OAEP, opens("unsigned", "!no-integrity"), "OAEP and GCM", Sealed::gcm(vec![recipient]));
    let recipient = Agreement::p256(&cast.bob_p256, &key).build();
    add(GOOD_P256, opens("unsigned", "!no-integrity"), "P-256 and GCM", Sealed::gcm(vec![recipient]));
    let recipient = Agreement::x25519(&cast.bob_x25519, &key, None).build();
    add(GOOD_X25519, opens("unsigned", "!no-integrity"), "X25519 and GCM", Sealed::gcm(vec![recipient]));
}

/// Bleichenbacher's oracle and its children: ten ways to break the padding, one answer.
fn pkcs1_oracles(bob: &Person, suite: &mut Suite) {
    let key = content_key(32);
    let good = pkcs1_block(256, &key);
    let changed = |at: usize, value: u8| {
        let mut block = good.clone();
        block[at] = value;
        block
    };
    let blocks: [(&str, &str, Vec<u8>); 10] = [
        ("first-octet", "the first octet is not zero", changed(0, 1)),
        ("block-type-1", "block type 1", changed(1, 1)),
        ("block-type-0", "block type 0", changed(1, 0)),
        ("no-separator", "no zero behind the padding", {
            let mut block: Vec<u8> = good.iter().map(|octet| (*octet).max(1)).collect();
            block[0] = 0;
            block
        }),
        ("early-zero", "a zero within the first eight octets of padding", changed(5, 0)),
        ("key-16", "a key of 16 octets for AES-256", pkcs1_block(256, &key[..16])),
        ("key-31", "a key one octet short", pkcs1_block(256, &key[..31])),
        ("key-33", "a key one octet long", pkcs1_block(256, &[&key[..], &[0]].concat())),
        ("key-empty", "no key at all", pkcs1_block(256, &[])),
        ("wrong-key", "good padding around another key", pkcs1_block(256, &derived("another", 32))),
    ];
    let what = |what: &str| format!("PKCS#1 v1.5 oracle: {what}");
    for (name, text, block) in blocks {
        let recipient = pkcs1_of(bob, &block);
        let cbc = mail::sealed(&Sealed::text_cbc(vec![recipient.clone()]).build());
        let gcm = mail::sealed(&Sealed::gcm(vec![recipient]).build());
        let required = refuses("decryption-failed");
        suite.attack(&format!("rsa15/{name}-cbc.eml"), required.clone(), GOOD_CBC, &what(text), cbc);
        suite.attack(&format!("rsa15/{name}-gcm.eml"), required, GOOD_GCM, &what(text), gcm);
    }
    let identifier = algorithm(crate::keys::RSA_ENCRYPTION, &null());
    let raw: [(&str, &str, Vec<u8>); 5] = [
        ("zero", "the encrypted key is zero", vec![0; 256]),
        ("above-modulus", "the encrypted key is above the modulus", vec![0xff; 256]),
        ("short", "the encrypted key is one octet short", vec![0x17; 255]),
        ("long", "the encrypted key is one octet long", vec![0x17; 257]),
        ("empty", "the encrypted key is empty", Vec::new()),
    ];
    for (name, text, encrypted) in raw {
        let object = Sealed::gcm(vec![transport(bob, &identifier, &encrypted)]).build();
        let required = refuses("decryption-failed");
        suite.attack(
            &format!("rsa15/{name}-gcm.eml"),
            required,
            GOOD_GCM,
            &what(text),
            mail::sealed(&object),
        );
    }
    let two = vec![pkcs1_of(bob, &changed(1, 1)), pkcs1(bob, &key)];
    suite.attack(
        "two-recipients/bad-first.eml",
        refuses("decryption-failed"),
        GOOD_CBC,
        "two boxes for bob, the first broken: falling through to the second would be an oracle (CVE-2019-1563)",
        mail::sealed(&Sealed::text_cbc(two).build()),
    );
}

/// Manger's oracle.
fn oaep_oracles(bob: &Person, suite: &mut Suite) {
    type Spoil = fn(&mut Vec<u8>);
    let cases: [(&str, &str, Spoil); 4] = [
        ("label-hash", "another label", |data| data[0] ^= 1),
        ("no-separator", "no 01 before the key", |data| {
            let at = data.len() - 33;
            data[at] = 0;
        }),
        ("padding", "an octet of padding is not zero", |data| data[40] = 2),
        ("wrong-key", "good padding around another key", |data| {
            let at = data.len() - 1;
            data[at] ^= 1;
        }),
    ];
    let mut add = |name: &str, text: &str, recipient: Vec<u8>| {
        let content = mail::sealed(&Sealed::gcm(vec![recipient]).build());
        let what = format!("OAEP oracle: {text}");
        suite.attack(&format!("oaep/{name}.eml"), refuses("decryption-failed"), GOOD_OAEP, &what, content);
    };
    for (name, text, spoil) in cases {
        add(name, text, oaep(bob, &content_key(32), spoil));
    }
    add("short-key", "a key of 31 octets", oaep(bob, &content_key(31), |_| ()));
    add("long-key", "a key of 33 octets", oaep(bob, &content_key(33), |_| ()));
    let mut block = crate::keys::oaep_block(256, &content_key(32), |_| ());
    block[0] = 1;
    let encrypted = bob.key.raw_public(&block);
    add(
        "first-octet",
        "the first octet is not zero (Manger)",
        transport(bob, &oaep_identifier(), &encrypted),
    );
    add("zero", "the encrypted key is zero", transport(bob, &oaep_identifier(), &[0; 256]));
    add(
        "above-modulus",
        "the encrypted key is above the modulus",
        transport(bob, &oaep_identifier(), &[0xff; 256]),
    );
    add("short", "the encrypted key is one octet short", transport(bob, &oaep_identifier(), &[0x17; 255]));
}

/// Vaudenay's oracle.
fn cbc_oracles(bob: &Person, suite: &mut Suite) {
    let text = &TEXT.as_bytes()[..96];
    let ended = |end: &[u8]| [&text[..96 - end.len()], end].concat();
    let cases: [(&str, &str, Vec<u8>); 6] = [
        ("zero", "a padding of zero", ended(&[0])),
        ("seventeen", "a padding of seventeen", ended(&[17; 17])),
        ("255", "a padding of 255", ended(&[255])),
        ("uneven", "a padding of unequal octets", ended(&[4, 3, 4, 4])),
        (
            "first-octet",
            "a whole block of padding, its first octet wrong",
            ended(&[&[15_u8][..], &[16; 15]].concat()),
        ),
        ("text", "no padding at all", ended(b"!")),
    ];
    let recipients = || vec![pkcs1(bob, &content_key(32))];
    let mut add = |name: &str, text: &str, sealed: Sealed| {
        let what = format!("CBC padding oracle: {text}");
        let content = mail::sealed(&sealed.build());
        suite.attack(&format!("cbc-fail/{name}.eml"), refuses("decryption-failed"), GOOD_CBC, &what, content);
    };
    for (name, text, padded) in cases {
        add(name, text, Sealed::cbc(recipients(), &padded));
    }
    let mut sealed = Sealed::text_cbc(recipients());
    sealed.ciphertext.pop();
    add("cut-octet", "the ciphertext is no multiple of the block", sealed.clone());
    sealed.ciphertext.truncate(32);
    add("cut-blocks", "the end of the ciphertext is missing", sealed.clone());
    sealed.ciphertext.clear();
    add("empty", "the ciphertext is empty", sealed);
}

/// CBC can be rewritten by anybody: readable, but never as if it were intact.
fn cbc_gadgets(bob: &Person, suite: &mut Suite) {
    let recipients = || vec![pkcs1(bob, &content_key(32))];
    let warned = || opens("unsigned", "no-integrity");
    let mut add = |name: &str, text: &str, sealed: Sealed| {
        suite.attack(
            &format!("cbc-gadget/{name}.eml"),
            warned(),
            GOOD_GCM,
            text,
            mail::sealed(&sealed.build()),
        );
    };
    let original = Sealed::text_cbc(recipients());

    let mut rewritten = original.clone();
    let mut initial = nonce(16);
    let known = b"Content-Type: te";
    let wanted = b"Content-Type:\tte";
    initial.iter_mut().zip(known.iter().zip(wanted)).for_each(|(octet, (old, new))| *octet ^= old ^ new);
    rewritten.cipher = algorithm(AES256_CBC, &octets(&initial));
    add("initial-vector", "EFAIL: the first block is rewritten through the initialization vector", rewritten);

    let mut doubled = original.clone();
    let block = doubled.ciphertext[48..64].to_vec();
    doubled.ciphertext.splice(64..64, block);
    add("duplicated-block", "EFAIL: a block of the ciphertext is there twice", doubled);

    let mut gadget = original;
    let first: Vec<u8> = nonce(16)
        .iter()
        .zip(known)
        .zip(b"\r\n<img src=\"//e/")
        .map(|((octet, old), new)| octet ^ old ^ new)
        .collect();
    let known_block = gadget.ciphertext[..16].to_vec();
    let insert = [first, known_block].concat();
    gadget.ciphertext.splice(64..64, insert);
    add("exfiltration", "EFAIL: a gadget of known plaintext opens an image inside the text", gadget);
}

/// GCM as four CMS libraries got it wrong in one year.
fn authenticated(bob: &Person, suite: &mut Suite) {
    let key = content_key(32);
    let recipients = || vec![pkcs1(bob, &key)];
    let with = |nonce_length: usize, tag_length: usize| {
        Sealed::gcm_with(recipients(), &key, &nonce(nonce_length), &[], tag_length)
    };
    let icv12 = mail::sealed(&with(12, 12).build());
    suite.good(
        "aead/good-tag-12.eml",
        opens("unsigned", "!no-integrity"),
        "a tag of 12 octets, announced",
        icv12,
    );

    let mut add = |name: &str, words: &str, text: &str, sealed: Sealed| {
        let content = mail::sealed(&sealed.build());
        suite.attack(&format!("aead/{name}.eml"), refuses(words), GOOD_GCM, text, content);
    };
    for length in [0, 1, 4, 8, 11] {
        let text = format!("a tag of {length} octets, announced (CVE-2026-34182)");
        add(&format!("tag-{length}"), "tag-length|cipher-parameters", &text, with(12, length));
    }
    let mut long = with(12, 16);
    long.cipher = algorithm(AES256_GCM, &gcm_parameters(&nonce(12), Some(17)));
    long.tag.push(0);
    add("tag-17", "tag-length", "a tag of 17 octets, announced", long);
    for (name, announced, sent) in [
        ("short-tag-unannounced", 16, 12),
        ("one-octet-unannounced", 16, 1),
        ("long-tag-unannounced", 12, 16),
    ] {
        let mut sealed = with(12, sent);
        sealed.cipher = algorithm(AES256_GCM, &gcm_parameters(&nonce(12), Some(announced)));
        let text = format!("aes-ICVlen says {announced}, the tag has {sent} octets");
        add(name, "tag-length", &text, sealed);
    }
    for (length, words) in
        [(0, "nonce-length"), (1, "nonce-length"), (17, "nonce-length"), (1 << 16, "nonce-length")]
    {
        let text = format!("a nonce of {length} octets (CVE-2025-15467)");
        add(&format!("nonce-{length}"), words, &text, with(length, 16));
    }
    for (name, parameters) in [
        ("parameters-absent", Vec::new()),
        ("parameters-null", null()),
        ("parameters-octets", octets(&nonce(12))),
    ] {
        let mut sealed = with(12, 16);
        sealed.cipher = algorithm(AES256_GCM, &parameters);
        add(name, "cipher-parameters|malformed", "GCM parameters that are none", sealed);
    }
    let unauthenticated: [(&str, &str, &str, Vec<u8>); 4] = [
        ("cbc", AES256_CBC, "not-authenticated", cbc(&key, &nonce(16), &pad(TEXT.as_bytes(), 16))),
        (
            "cfb",
            "2.16.840.1.101.3.4.1.44",
            "not-authenticated|unsupported",
            cfb(&key, &nonce(16), TEXT.as_bytes()),
        ),
        (
            "ofb",
            "2.16.840.1.101.3.4.1.43",
            "not-authenticated|unsupported",
            cfb(&key, &nonce(16), &TEXT.as_bytes()[..16]),
        ),
        (
            "ecb",
            "2.16.840.1.101.3.4.1.41",
            "not-authenticated|unsupported",
            ecb(&key, &pad(TEXT.as_bytes(), 16)),
        ),
    ];
    for (name, dotted, words, ciphertext) in unauthenticated {
        let mut sealed = with(12, 16);
        sealed.cipher = algorithm(dotted, &octets(&nonce(16)));
        sealed.ciphertext = ciphertext;
        let text = format!("{name} inside AuthEnvelopedData (CVE-2026-34182)");
        add(&format!("{name}-in-auth-enveloped"), words, &text, sealed);
    }

    let mut flipped = with(12, 16);
    flipped.tag[0] ^= 1;
    add("tag-flipped", "decryption-failed", "one bit of the tag", flipped);
    let mut flipped = with(12, 16);
    flipped.ciphertext[60] ^= 1;
    add("content-flipped", "decryption-failed", "one bit of the content", flipped);

    let attribute = crate::signed::attribute("1.2.840.113549.1.9.3", &[&oid(DATA)]);
    let attributes = set(&[&attribute]);
    let bound = || Sealed::gcm_with(recipients(), &key, &nonce(12), &attributes, 16);
    let mut moved = bound();
    moved.tail = retagged(attributes.clone(), 0xa2);
    moved.attributes = Vec::new();
    add(
        "attributes-moved",
        "decryption-failed",
        "authenticated attributes moved to the unauthenticated ones",
        moved,
    );
    let mut removed = bound();
    removed.attributes = Vec::new();
    add("attributes-removed", "decryption-failed", "authenticated attributes taken away", removed);
    let mut added = with(12, 16);
    added.attributes = attributes.clone();
    add("attributes-added", "decryption-failed", "authenticated attributes that nobody authenticated", added);
    let other = crate::signed::attribute("1.2.840.113549.1.9.3", &[&oid("1.2.840.113549.1.7.2")]);
    let lying = Sealed::gcm_with(recipients(), &key, &nonce(12), &set(&[&other]), 16);
    add("content-type-lies", "decryption-failed", "the authenticated content type is another", lying);

    let mut mixed = with(12, 16);
    mixed.cipher = algorithm(AES128_GCM, &gcm_parameters(&nonce(12), Some(16)));
    add("key-32-for-aes-128", "decryption-failed", "a key of 32 octets for AES-128", mixed);
    let short = Sealed { recipients: vec![pkcs1(bob, &key[..16])], ..with(12, 16) };
    add("key-16-for-aes-256", "decryption-failed", "a key of 16 octets for AES-256", short);

    let bound_mail = mail::sealed(&bound().build());
    suite.good(
        "aead/good-attributes.eml",
        opens("unsigned", "!no-integrity"),
        "authenticated attributes",
        bound_mail,
    );
    let mut downgrade = Sealed::text_cbc(recipients());
    downgrade.ciphertext = cbc(&key, &nonce(16), &pad(TEXT.as_bytes(), 16));
    suite.attack(
        "downgrade/gcm-to-cbc.eml",
        opens("unsigned", "no-integrity"),
        GOOD_GCM,
        "the key box of a GCM mail before a CBC content (CVE-2026-34182, Strenzke)",
        mail::sealed(&downgrade.build()),
    );
}

/// RFC 9709 binds the key to the cipher.
fn derived_keys(bob: &Person, suite: &mut Suite) {
    let key = content_key(32);
    let recipients = || vec![pkcs1(bob, &key)];
    let inner = algorithm(AES256_GCM, &gcm_parameters(&nonce(12), Some(16)));
    let wrapped = |inner: &[u8]| algorithm(CEK_HKDF, inner);
    let derived_key = |inner: &[u8], length| hkdf(&key, b"The Cryptographic Message Syntax", inner, length);
    let with = |cipher: Vec<u8>, key: &[u8], tag_length: usize| {
        let (ciphertext, mut tag) = gcm(key, &nonce(12), &[], TEXT.as_bytes());
        tag.truncate(tag_length);
        Sealed { cipher, ciphertext, tag, ..Sealed::gcm(recipients()) }
    };
    let good = mail::sealed(&with(wrapped(&inner), &derived_key(&inner, 32), 16).build());
    suite.good("derived/good.eml", opens("unsigned", "!no-integrity"), "RFC 9709", good);
    let mut add = |name: &str, words: &str, text: &str, sealed: Sealed| {
        let content = mail::sealed(&sealed.build());
        suite.attack(&format!("derived/{name}.eml"), refuses(words), "derived/good.eml", text, content);
    };
    add(
        "stripped",
        "decryption-failed",
        "the derivation of RFC 9709 is stripped",
        with(inner.clone(), &derived_key(&inner, 32), 16),
    );
    let mut stripped = Sealed::text_cbc(recipients());
    stripped.ciphertext = cbc(&derived_key(&inner, 32), &nonce(16), &pad(TEXT.as_bytes(), 16));
    add(
        "stripped-to-cbc",
        "decryption-failed",
        "the derivation is stripped and the cipher made CBC",
        stripped,
    );
    let nested = wrapped(&wrapped(&inner));
    add(
        "nested",
        "cipher-parameters|unsupported",
        "a derivation inside a derivation",
        with(nested, &derived_key(&inner, 32), 16),
    );
    let short = algorithm(AES256_GCM, &gcm_parameters(&nonce(12), Some(4)));
    add(
        "short-tag",
        "tag-length|cipher-parameters",
        "a short tag behind the derivation",
        with(wrapped(&short), &derived_key(&short, 32), 4),
    );
    let cbc_inner = algorithm(AES256_CBC, &octets(&nonce(16)));
    add(
        "cbc-in-auth-enveloped",
        "not-authenticated",
        "CBC behind the derivation, in AuthEnvelopedData",
        with(wrapped(&cbc_inner), &derived_key(&cbc_inner, 32), 16),
    );
    let des = algorithm("1.3.14.3.2.7", &octets(&nonce(8)));
    let broken = Sealed {
        cipher: wrapped(&des),
        ciphertext: des_cbc(&derived_key(&des, 8), &nonce(8), &pad(TEXT.as_bytes(), 8)),
        ..Sealed::text_cbc(vec![pkcs1(bob, &key[..8])])
    };
    add("des", "weak-cipher|cipher-parameters|unsupported", "single DES behind the derivation", broken);
}

/// Points that are not on the curve, and wraps that are no wraps.
fn agreement(cast: &Cast, suite: &mut Suite) {
    let key = content_key(32);
    let good = || Agreement::p256(&cast.bob_p256, &key);
    let failed = "decryption-failed|not-for-us";
    let mut add = |name: &str, twin: &str, text: &str, agreement: &Agreement| {
        let content = mail::sealed(&Sealed::gcm(vec![agreement.build()]).build());
        suite.attack(&format!("agreement/{name}.eml"), refuses(failed), twin, text, content);
    };
    let with_point = |point: Vec<u8>| Agreement { point, ..good() };
    let mut off_curve = good().point;
    off_curve[64] ^= 1;
    add("off-curve", GOOD_P256, "a point that is not on the curve", &with_point(off_curve));
    add("infinity", GOOD_P256, "the point at infinity", &with_point(vec![0]));
    add("zero-point", GOOD_P256, "the coordinates are zero", &with_point([&[4_u8][..], &[0; 64]].concat()));
    add(
        "above-prime",
        GOOD_P256,
        "coordinates above the prime",
        &with_point([&[4_u8][..], &[0xff; 64]].concat()),
    );
    add("empty-point", GOOD_P256, "no point", &with_point(Vec::new()));
    add("short-point", GOOD_P256, "half a point", &with_point(good().point[..33].to_vec()));
    for (name, length) in
        [("wrap-empty", 0), ("wrap-8", 8), ("wrap-16", 16), ("wrap-odd", 39), ("wrap-long-odd", 41)]
    {
        let mut agreement = good();
        agreement.encrypted_key.resize(length, 0x17);
        add(name, GOOD_P256, &format!("a wrapped key of {length} octets"), &agreement);
    }
    let mut changed = good();
    changed.encrypted_key[7] ^= 1;
    add("wrap-changed", GOOD_P256, "one bit of the wrapped key", &changed);
    let scheme = |parameters: &[u8]| algorithm("1.3.132.1.11.1", parameters);
    add(
        "scheme-without-wrap",
        GOOD_P256,
        "no wrap in keyEncryptionAlgorithm (CVE-2026-28389)",
        &Agreement { scheme: scheme(&[]), ..good() },
    );
    add(
        "scheme-null",
        GOOD_P256,
        "NULL for the wrap (CVE-2026-28390)",
        &Agreement { scheme: scheme(&null()), ..good() },
    );
    let explicit_curve = algorithm("1.2.840.10045.2.1", &seq(&[&number(1)]));
    add(
        "explicit-curve",
        GOOD_P256,
        "a curve of the sender's choice (CVE-2020-0601)",
        &Agreement { originator_algorithm: explicit_curve, ..good() },
    );
    let unknown = algorithm("1.2.840.10045.2.1", &oid("1.3.132.0.10"));
    add(
        "other-curve",
        GOOD_P256,
        "the point is said to lie on secp256k1",
        &Agreement { originator_algorithm: unknown, ..good() },
    );
    let x25519 = |point: Vec<u8>| Agreement::x25519(&cast.bob_x25519, &key, Some(point));
    add(
        "x25519-zero",
        GOOD_X25519,
        "the X25519 point zero: the secret is known to all",
        &x25519(vec![0; 32]),
    );
    let one: Vec<u8> = std::iter::once(1).chain([0; 31]).collect();
    add("x25519-one", GOOD_X25519, "an X25519 point of order 4", &x25519(one));
    let order_8 = [
        0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4, 0x6a, 0xda,
        0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00,
    ];
    add("x25519-order-8", GOOD_X25519, "an X25519 point of order 8", &x25519(order_8.to_vec()));
    add("x25519-short", GOOD_X25519, "an X25519 point of 31 octets", &x25519(vec![9; 31]));

    let mut short = good();
    short.scheme = algorithm("1.3.132.1.11.1", &algorithm("2.16.840.1.101.3.4.1.5", &[]));
    add("wrap-algorithm-lies", GOOD_P256, "wrapped with AES-256, said to be AES-128", &short);
    add(
        "wrap-unknown",
        GOOD_P256,
        "an unknown wrap",
        &Agreement { scheme: scheme(&algorithm("1.2.3.4", &[])), ..good() },
    );
    let _ = AES256_WRAP;
}

const PASSPHRASE_OPTION: &str = "--message-passphrase-file people/passphrase.txt";

fn passphrases(cast: &Cast, suite: &mut Suite) {
    suite.file("people/passphrase.txt", "correct horse battery staple\n");
    let key = content_key(32);
    let wrapping = pbkdf2(b"correct horse battery staple", b"salt of 16 bytes", 1000, 32);
    let sealed = |block: &[u8]| mail::sealed(&Sealed::gcm(vec![passphrase(1000, &wrapping, block)]).build());
    let twin = "passphrase/good.eml";
    suite.attack_with(
        twin,
        PASSPHRASE_OPTION,
        opens("unsigned", "!no-integrity"),
        "-",
        "a passphrase",
        sealed(&wrap_block(&key)),
    );
    let mut add = |name: &str, text: &str, content: String| {
        let required = refuses("decryption-failed|not-for-us|limit");
        suite.attack_with(
            &format!("passphrase/{name}.eml"),
            PASSPHRASE_OPTION,
            required,
            twin,
            text,
            content,
        );
    };
    for length in [0, 1, 8, 16, 17] {
        let text = format!("RFC 3211: a wrapped key of {length} octets (CVE-2025-9230)");
        add(&format!("wrap-{length}"), &text, sealed(&vec![0x42; length]));
    }
    let mut block = wrap_block(&key);
    block[0] = 255;
    add("wrap-length", "RFC 3211: the length octet is larger than the block (CVE-2025-9230)", sealed(&block));
    let mut block = wrap_block(&key);
    block[1] ^= 1;
    add("wrap-check", "RFC 3211: wrong check octets", sealed(&block));
    let bomb = passphrase(1 << 31, &wrapping, &wrap_block(&key));
    add("bomb", "PBKDF2 with 2^31 iterations", mail::sealed(&Sealed::gcm(vec![bomb.clone()]).build()));
    suite.attack(
        "flood/kdf-before-recipient.eml",
        opens("unsigned", "!no-integrity"),
        GOOD_GCM,
        "PBKDF2 with 2^31 iterations before bob's own box: no derivation without being asked",
        mail::sealed(&Sealed::gcm(vec![bomb, pkcs1(&cast.bob, &key)]).build()),
    );
}

/// At most four secret operations for one message.
fn floods(cast: &Cast, suite: &mut Suite) {
    let key = content_key(32);
    let broken = || {
        let mut agreement = Agreement::p256(&cast.bob_p256, &key);
        agreement.encrypted_key[0] ^= 1;
        agreement.build()
    };
    let after = |count: usize| {
        let mut recipients: Vec<Vec<u8>> = std::iter::repeat_with(broken).take(count).collect();
        recipients.push(Agreement::p256(&cast.bob_p256, &key).build());
        mail::sealed(&Sealed::gcm(recipients).build())
    };
    suite.good(
        "flood/good-fourth.eml",
        opens("unsigned", "!no-integrity"),
        "bob's fourth box is the good one",
        after(3),
    );
    let text = "bob's fifth box would be the good one: at most four are tried";
    suite.attack("flood/fifth.eml", refuses("decryption-failed"), "flood/good-fourth.eml", text, after(4));
    let text = "two hundred boxes for bob";
    suite.attack(
        "flood/two-hundred.eml",
        refuses("decryption-failed"),
        "flood/good-fourth.eml",
        text,
        after(200),
    );
}

fn weak_ciphers(bob: &Person, suite: &mut Suite) {
    let text = TEXT.as_bytes();
    let key = |length: usize| content_key(length);
    let with = |length: usize, cipher: Vec<u8>, ciphertext: Vec<u8>| {
        let sealed = Sealed { cipher, ciphertext, ..Sealed::text_cbc(vec![pkcs1(bob, &key(length))]) };
        mail::sealed(&sealed.build())
    };
    let des =
        with(8, algorithm("1.3.14.3.2.7", &octets(&nonce(8))), des_cbc(&key(8), &nonce(8), &pad(text, 8)));
    let rc2 = with(
        16,
        algorithm("1.2.840.113549.3.2", &seq(&[&number(58), &octets(&nonce(8))])),
        rc2_cbc(&key(16), &nonce(8), &pad(text, 8)),
    );
    let rc4 = with(16, algorithm("1.2.840.113549.3.4", &null()), rc4(&key(16), text));
    for (name, what, content) in [("des", "single DES", des), ("rc2", "RC2", rc2), ("rc4", "RC4", rc4)] {
        suite.attack(&format!("weak-cipher/{name}.eml"), refuses("weak-cipher"), GOOD_CBC, what, content);
    }
    let triple = algorithm("1.2.840.113549.3.7", &octets(&nonce(8)));
    let old = with(24, triple.clone(), des_cbc(&key(24), &nonce(8), &pad(text, 8)));
    suite.attack(
        "weak-cipher/triple-des.eml",
        opens("unsigned", "weak-cipher"),
        GOOD_CBC,
        "3DES: old archives have it",
        old,
    );
    let same = key(8).repeat(3);
    let degenerate = Sealed {
        cipher: triple,
        ciphertext: des_cbc(&same, &nonce(8), &pad(text, 8)),
        ..Sealed::text_cbc(vec![pkcs1(bob, &same)])
    };
    suite.attack(
        "weak-cipher/triple-des-equal-keys.eml",
        refuses("decryption-failed|weak-cipher"),
        GOOD_CBC,
        "3DES with three equal keys is single DES",
        mail::sealed(&degenerate.build()),
    );
    let ecb_content = with(32, algorithm("2.16.840.1.101.3.4.1.41", &[]), ecb(&key(32), &pad(text, 16)));
    suite.attack("weak-cipher/ecb.eml", refuses("unsupported|weak-cipher"), GOOD_CBC, "ECB", ecb_content);
    let clear = with(32, algorithm(DATA, &[]), text.to_vec());
    suite.attack(
        "weak-cipher/none.eml",
        refuses("unsupported|weak-cipher"),
        GOOD_CBC,
        "no cipher: the content is in clear",
        clear,
    );
}
