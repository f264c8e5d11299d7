//! Text that is meant for the terminal, and bytes that are meant for the next program.

use crate::asn1::{explicit, octets, oid, seq};
use crate::certificates::{DIGITAL_SIGNATURE, Template};
use crate::mail::{headers, headers_with, object, opaque, sealed, signed_by};
use crate::people::{Cast, Person};
use crate::sealed::{ENVELOPED_DATA, Sealed, content_key, pkcs1};
use crate::signed::{CONTENT, Signed};
use crate::suite::{Suite, opens, refuses, says, unreadable};

const ESCAPES: &str = "\u{1b}[2J\u{1b}[1;32mVERIFIED\u{1b}]0;title\u{7}\r\u{9b}31m";
const SIGNED: &str = "signed/good-detached.eml";
const SEALED: &str = "decrypt/good-gcm.eml";

pub(crate) fn forge(cast: &Cast, suite: &mut Suite) {
    terminal(cast, suite);
    lines(cast, suite);
    encodings(cast, suite);
}

fn terminal(cast: &Cast, suite: &mut Suite) {
    let key = cast.alice.key.clone();
    let template =
        Template::leaf(&format!("Alice{ESCAPES}"), "alice@example.org", &key, &cast.root, DIGITAL_SIGNATURE);
    let person = Person::issued(template, key.clone(), &cast.root);
    let mail = headers() + &signed_by(&person, CONTENT);
    suite.attack(
        "terminal/common-name.eml",
        says("verified", "chain"),
        SIGNED,
        "terminal escapes in the common name",
        mail,
    );
    let template =
        Template::leaf("Alice", &format!("alice{ESCAPES}@example.org"), &key, &cast.root, DIGITAL_SIGNATURE);
    let person = Person::issued(template, key, &cast.root);
    let mail = headers() + &signed_by(&person, CONTENT);
    suite.attack(
        "terminal/alternative-name.eml",
        says("mismatch", "from-mismatch"),
        SIGNED,
        "terminal escapes in the address of the certificate",
        mail,
    );
    let name = format!("From: \"{}\" <alice@example.org>\r\n", ESCAPES.replace('\r', ""));
    let mail = headers_with(&name) + &signed_by(&cast.alice, CONTENT);
    let required = says("checked", "-").or("verified").for_verify("0|1");
    let refusable = required.clone().or_with("mismatch").or_unreadable();
    suite.attack(
        "terminal/display-name.eml",
        refusable,
        SIGNED,
        "terminal escapes in the display name",
        mail,
    );
    let encoded = "From: =?utf-8?b?G1sySlZFUklGSUVE?= <alice@example.org>\r\n";
    let mail = headers_with(encoded) + &signed_by(&cast.alice, CONTENT);
    suite.attack(
        "terminal/display-name-encoded.eml",
        required.clone(),
        SIGNED,
        "terminal escapes in an encoded display name",
        mail,
    );
    let mail = headers().replace("Subject: Monday", &format!("Subject: {}", ESCAPES.replace('\r', "")))
        + &signed_by(&cast.alice, CONTENT);
    suite.attack("terminal/subject.eml", required, SIGNED, "terminal escapes in the Subject", mail);
    let banner = format!("Content-Type: text/plain\r\n\r\nverified: alice@example.org\r\n{ESCAPES}\r\n");
    suite.attack(
        "terminal/banner.eml",
        says("unsigned", "not-signed"),
        SIGNED,
        "the body plays our verdict",
        headers() + &banner,
    );
    let name = format!("Content-Type: text/{}; name=\"{}\"\r\n\r\nx\r\n", "plain", ESCAPES.replace('\r', ""));
    suite.attack(
        "terminal/file-name.eml",
        says("unsigned", "not-signed"),
        SIGNED,
        "terminal escapes in a file name",
        headers() + &name,
    );
    let evil = crate::certificates::Authority::root(ESCAPES, crate::keys::Key::p256("evil root"));
    let reader = Person::issued(
        Template::leaf("Bob", "bob@example.org", &cast.bob.key, &evil, crate::certificates::KEY_ENCIPHERMENT),
        cast.bob.key.clone(),
        &evil,
    );
    let mail = sealed(&Sealed::text_cbc(vec![pkcs1(&reader, &content_key(32))]).build());
    suite.attack(
        "terminal/recipient.eml",
        refuses("not-for-us"),
        SEALED,
        "terminal escapes in a recipient's name, which the error lists",
        mail,
    );
}

/// Line ends and fields that a carrier might read in two ways.
fn lines(cast: &Cast, suite: &mut Suite) {
    let smuggled = "Content-Type: text/plain\r\n\r\nHello\n.\nMAIL FROM:<mallory@example.org>\r\n";
    let mail = headers() + &signed_by(&cast.alice, smuggled.trim_end());
    let required = || says("verified", "-").or("invalid").for_verify("0|1");
    suite.attack(
        "smuggling/line-feeds.eml",
        required(),
        SIGNED,
        "a lone dot between bare line feeds, in a signed text",
        mail,
    );
    let bare = smuggled.replace("\n.\n", "\r.\r");
    let mail = headers() + &signed_by(&cast.alice, bare.trim_end());
    suite.attack(
        "smuggling/carriage-returns.eml",
        required(),
        SIGNED,
        "a lone dot between bare carriage returns",
        mail,
    );
    let injected =
        headers().replace("Subject: Monday", "Subject: =?utf-8?q?Monday=0D=0ABcc:_mallory=40example=2Eorg?=");
    let mail = injected + &signed_by(&cast.alice, CONTENT);
    suite.attack(
        "smuggling/encoded-line-end.eml",
        required(),
        SIGNED,
        "a line end in an encoded word of the Subject",
        mail,
    );
    let injected = "From: =?utf-8?q?Alice=0D=0AFrom:_mallory=40example=2Eorg?= <alice@example.org>\r\n";
    let mail = headers_with(injected) + &signed_by(&cast.alice, CONTENT);
    let required = says("mismatch", "-").or("checked");
    suite.attack(
        "smuggling/encoded-from.eml",
        required,
        SIGNED,
        "a line end in an encoded word of From",
        mail,
    );
}

/// Objects that are cut, too long, or not what they say.
fn encodings(cast: &Cast, suite: &mut Suite) {
    let good = Sealed::gcm(vec![pkcs1(&cast.bob, &content_key(32))]).build();
    let mut add = |name: &str, words: &str, what: &str, object: &[u8]| {
        suite.attack(&format!("encoding/{name}.eml"), refuses(words), SEALED, what, sealed(object));
    };
    add(
        "trailing-zero",
        "malformed|decryption-failed",
        "an octet behind the object",
        &[&good[..], &[0]].concat(),
    );
    add(
        "trailing-object",
        "malformed|decryption-failed",
        "a second object behind the first",
        &[&good[..], &good].concat(),
    );
    add("empty", "malformed|not-encrypted", "no object at all", &[]);
    add("cut", "malformed", "half of the object", &good[..good.len() / 2]);
    add(
        "length-huge",
        "malformed|limit|not-encrypted",
        "a length of 2^63",
        &[0x30, 0x88, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 6, 0],
    );
    add(
        "length-octets",
        "malformed|limit",
        "a length in 126 octets",
        &[&[0x30, 0xfe][..], &[0; 126]].concat(),
    );
    add(
        "length-4-gigabytes",
        "malformed|limit",
        "an allocation of 4 GiB is asked for (CVE-2026-14682)",
        &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 6, 0x84, 0xff, 0xff, 0xff, 0xff],
    );
    let long_oid = seq(&[&crate::asn1::tlv(6, &[&[0x2a], &[0x81; 70], &[1]]), &explicit(0, &[])]);
    add(
        "oid-long",
        "malformed|limit|not-encrypted|unsupported",
        "an object identifier of 72 octets",
        &long_oid,
    );
    let high_tag = seq(&[&[0x1f, 0x81, 0x81, 0x01, 0]]);
    add("high-tag", "malformed|not-encrypted", "a tag above 30", &high_tag);
    for depth in [39, 41, 10_000] {
        let mut nested = Vec::new();
        for _ in 0..depth.min(41) {
            nested = seq(&[&nested]);
        }
        let endless = [vec![[0x30, 0x80]; depth].concat(), vec![0; depth * 2]].concat();
        let nested = if depth > 41 { endless } else { nested };
        let object = seq(&[&oid(ENVELOPED_DATA), &explicit(0, &nested)]);
        let text = format!("{depth} SEQUENCEs inside each other");
        add(&format!("depth-{depth}"), "malformed|limit|not-encrypted", &text, &object);
    }
    let cut = opaque(&Signed::good(&cast.alice, CONTENT.as_bytes()).build());
    let cut = cut[..cut.len() / 2].trim_end().to_owned() + "\r\n";
    suite.attack(
        "encoding/signed-cut.eml",
        says("invalid", "malformed"),
        SIGNED,
        "half of a signed object",
        cut,
    );
    let junk = headers() + &object("signed-data", b"hello");
    suite.attack(
        "encoding/signed-text.eml",
        says("invalid", "malformed"),
        SIGNED,
        "a signed object that is text",
        junk,
    );
    let base64 = headers() + &object("signed-data", b"hello").replace("aGVsbG8=", "!!!!");
    suite.attack(
        "encoding/signed-no-base64.eml",
        says("invalid", "malformed"),
        SIGNED,
        "a body that is no base64",
        base64,
    );
    let mut parts = String::from("Content-Type: text/plain\r\n\r\nx\r\n");
    for level in 0..200 {
        parts = format!(
            "Content-Type: multipart/mixed; boundary=\"b{level}\"\r\n\r\n--b{level}\r\n{parts}\r\n--b{level}--\r\n"
        );
    }
    suite.attack(
        "encoding/mime-depth.eml",
        unreadable("malformed|limit"),
        SIGNED,
        "200 levels of multipart",
        headers() + &parts,
    );
    let many: String = "--outer\r\n\r\nx\r\n".repeat(501);
    let many = format!("Content-Type: multipart/mixed; boundary=\"outer\"\r\n\r\n{many}--outer--\r\n");
    suite.attack(
        "encoding/mime-parts.eml",
        unreadable("malformed|limit"),
        SIGNED,
        "501 parts",
        headers() + &many,
    );
    let lines = "X-Line: x\r\n".repeat(1001);
    suite.attack(
        "encoding/header-lines.eml",
        unreadable("malformed|limit"),
        SIGNED,
        "1001 more header lines",
        headers() + &lines + "\r\nx\r\n",
    );
    let _ = (octets, opens);
}
