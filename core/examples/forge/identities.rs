//! Who a mail says it is from, against who signed it.

use crate::mail::{headers, headers_with, object, signed_by};
use crate::people::{Cast, Person};
use crate::signed::{CONTENT, Signed, attribute};
use crate::suite::{Required, Suite, says};

const TWIN: &str = "signed/good-detached.eml";

pub(crate) fn forge(cast: &Cast, suite: &mut Suite) {
    from_fields(cast, suite);
    protected(cast, suite);
    times(cast, suite);
}

fn from_fields(cast: &Cast, suite: &mut Suite) {
    let mallory = &cast.mallory;
    let good = headers_with("From: Mallory <mallory@example.org>\r\n") + &signed_by(mallory, CONTENT);
    suite.good("identity/good-mallory.eml", says("verified", "chain"), "mallory in her own name", good);
    let mut add = |name: &str, signer: &Person, required: Required, what: &str, fields: &str| {
        let mail = headers_with(fields) + &signed_by(signer, CONTENT);
        suite.attack(&format!("identity/{name}.eml"), required, TWIN, what, mail);
    };
    let mismatch = |reason| says("mismatch", reason);
    let alice = "From: Alice <alice@example.org>\r\n";
    let as_mallory = "From: Mallory <mallory@example.org>\r\n";
    add("other-from", mallory, mismatch("from-mismatch"), "mallory signs, From names alice", alice);
    add(
        "sender",
        mallory,
        mismatch("-"),
        "mallory signs and stands in Sender, From names alice",
        &format!("{alice}Sender: mallory@example.org\r\n"),
    );
    add(
        "resent-from",
        mallory,
        mismatch("from-mismatch"),
        "mallory signs and stands in Resent-From",
        &format!("Resent-From: mallory@example.org\r\n{alice}"),
    );
    add(
        "reply-to",
        mallory,
        mismatch("from-mismatch"),
        "mallory signs and stands in Reply-To",
        &format!("Reply-To: mallory@example.org\r\n{alice}"),
    );
    add(
        "two-from",
        mallory,
        mismatch("several-from"),
        "two From fields, mallory's last",
        &format!("{alice}{as_mallory}"),
    );
    add(
        "two-from-first",
        mallory,
        mismatch("several-from"),
        "two From fields, mallory's first",
        &format!("{as_mallory}{alice}"),
    );
    add(
        "two-mailboxes",
        mallory,
        mismatch("several-from"),
        "two mailboxes in From",
        "From: alice@example.org, mallory@example.org\r\n",
    );
    add(
        "two-mailboxes-last",
        mallory,
        mismatch("several-from"),
        "two mailboxes in From, mallory's first",
        "From: mallory@example.org, alice@example.org\r\n",
    );
    add(
        "same-twice",
        &cast.alice,
        mismatch("several-from"),
        "two From fields with the same address",
        &format!("{alice}{alice}"),
    );
    add("group", mallory, mismatch("-"), "a group", "From: Friends: mallory@example.org;\r\n");
    add("group-empty", mallory, mismatch("-"), "an empty group", "From: alice@example.org:;\r\n");
    add(
        "comment",
        mallory,
        mismatch("-").or("checked"),
        "alice stands in a comment",
        "From: (alice@example.org) mallory@example.org\r\n",
    );
    add(
        "comment-behind",
        mallory,
        mismatch("from-mismatch"),
        "mallory stands in a comment",
        "From: alice@example.org (mallory@example.org)\r\n",
    );
    add(
        "angles-twice",
        mallory,
        mismatch("-"),
        "two angle addresses",
        "From: <alice@example.org> <mallory@example.org>\r\n",
    );
    add(
        "address-then-angle",
        mallory,
        mismatch("-").or("checked"),
        "an address before the angle address",
        "From: alice@example.org <mallory@example.org>\r\n",
    );
    let warned = || says("checked", "display-name");
    add(
        "display-name",
        mallory,
        warned(),
        "the display name is alice's address",
        "From: \"alice@example.org\" <mallory@example.org>\r\n",
    );
    add(
        "display-name-encoded",
        mallory,
        warned(),
        "the display name is alice's address, encoded",
        "From: =?utf-8?q?alice=40example=2Eorg?= <mallory@example.org>\r\n",
    );
    add(
        "display-name-direction",
        mallory,
        warned(),
        "the display name turns the direction of writing",
        "From: =?utf-8?q?=E2=80=AEgro=2Eelpmaxe=40ecila?= <mallory@example.org>\r\n",
    );
    add(
        "homoglyph",
        mallory,
        mismatch("-"),
        "a Cyrillic letter for the first of alice",
        "From: Alice <\u{430}lice@example.org>\r\n",
    );
    add(
        "homoglyph-domain",
        &cast.alice,
        mismatch("-"),
        "a Cyrillic letter in the domain",
        "From: Alice <alice@ex\u{430}mple.org>\r\n",
    );
    add(
        "encoded-address",
        mallory,
        mismatch("-"),
        "the address is an encoded word",
        "From: =?utf-8?q?mallory=40example=2Eorg?=\r\n",
    );
    add(
        "carriage-return",
        mallory,
        mismatch("-").or("invalid").or_unreadable(),
        "a bare CR before alice's field",
        "From: mallory@example.org\rFrom: alice@example.org\r\n",
    );
    add(
        "nul",
        mallory,
        mismatch("-").or("invalid").or_unreadable(),
        "a NUL behind mallory's address",
        "From: mallory@example.org\0 <alice@example.org>\r\n",
    );
    add(
        "nul-inside",
        mallory,
        mismatch("-").or("invalid").or_unreadable(),
        "a NUL inside the address",
        "From: mall\0ory@example.org\r\n",
    );
    add("none", mallory, mismatch("no-from"), "no From field", "");
    add("empty", mallory, mismatch("no-from"), "an empty From field", "From:\r\n");
    add(
        "space-before-colon",
        mallory,
        mismatch("-"),
        "a second From field with a space before its colon",
        &format!("{alice}From : mallory@example.org\r\n"),
    );
    add("no-domain", mallory, mismatch("no-from"), "no domain", "From: mallory\r\n");
    add(
        "plus-tag",
        mallory,
        mismatch("from-mismatch"),
        "a tag is another address",
        "From: mallory+alice@example.org\r\n",
    );
}

/// Fields within the signature, against those outside.
fn protected(cast: &Cast, suite: &mut Suite) {
    let inside = headers().replace("MIME-Version: 1.0\r\n", "");
    let entity = format!("{inside}Content-Type: text/plain; hp=\"clear\"\r\n\r\nSee you on Monday.\r\n");
    let entity = entity.trim_end();
    let good = signed_by(&cast.alice, entity);
    let twin = "protected/good-signed.eml";
    suite.good(twin, says("verified", "chain"), "signed with protected fields", headers() + &good);
    let mut add = |name: &str, required: Required, what: &str, fields: String| {
        suite.attack(&format!("protected/{name}.eml"), required, twin, what, fields + &good);
    };
    let differ = || says("checked", "headers-differ");
    add("subject", differ(), "the Subject outside is another", headers().replace("Monday", "Tuesday"));
    add("to", differ(), "the To field outside is another", headers().replace("To: bob", "To: carol"));
    add("date", differ(), "the Date outside is another", headers().replace("21 Nov", "20 Nov"));
    let from = headers_with("From: Mallory <mallory@example.org>\r\n");
    add("from", says("mismatch", "from-differs"), "the From field outside is another", from);
    let opaque = object("signed-data", &Signed::good(&cast.alice, entity.as_bytes()).build());
    let fields = headers().replace("Monday", "Tuesday");
    suite.attack(
        "protected/subject-opaque.eml",
        differ(),
        twin,
        "the Subject outside is another, opaque",
        fields + &opaque,
    );
}

/// The signing time is the signer's claim.
fn times(cast: &Cast, suite: &mut Suite) {
    let at = |time: &str| {
        let mut signed = Signed::good(&cast.alice, CONTENT.as_bytes());
        let attributes = signed.signers[0].attributes.get_or_insert_default();
        attributes[1] = attribute("1.2.840.113549.1.9.5", &[&crate::keys::utc_time(time)]);
        headers() + &object("signed-data", &signed.build())
    };
    let differs = || says("checked", "time-differs");
    suite.attack(
        "time/early.eml",
        differs(),
        "signed/good-opaque.eml",
        "signed two days before its Date (CVE-2023-50761)",
        at("261119110000Z"),
    );
    suite.attack(
        "time/late.eml",
        differs(),
        "signed/good-opaque.eml",
        "signed two days after its Date",
        at("261123130000Z"),
    );
    let mut expired = cast.alice.template.clone();
    expired.not_after = "260101000000Z".into();
    let person = Person::issued(expired, cast.alice.key.clone(), &cast.root);
    let mut signed = Signed::good(&person, CONTENT.as_bytes());
    let attributes = signed.signers[0].attributes.get_or_insert_default();
    attributes[1] = attribute("1.2.840.113549.1.9.5", &[&crate::keys::utc_time("251201120000Z")]);
    let mail = headers().replace("Nov 2026", "Dec 2025") + &object("signed-data", &signed.build());
    let required = says("unverified", "expired").or_with("checked");
    suite.attack(
        "time/backdated.eml",
        required,
        "signed/good-opaque.eml",
        "an expired certificate, signed when it was valid by its own word (CVE-2026-59641)",
        mail,
    );
}
