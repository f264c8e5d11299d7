//! What `gpg` and `sq` certify, sign and revoke on S/MIME keys is read back.

use counterseal_core::address::EmailAddress;
use counterseal_core::fingerprint::OpenPgpFingerprint;
use counterseal_core::keys::Keyring;
use counterseal_core::openpgp::{
    Basis, FULL, LINK_NOTATION, Link, LinkPurpose, Reliances, SignedStatement, Statement, StatementError,
    StatementKind, StatementSigner, TwinKey, Web, export_twin, read_ownertrust,
};
use counterseal_core::ports::Random;
use counterseal_core::time::Time;
use counterseal_core::x509::{KeyKind, SecretKey};

use super::programs::{Gpg, Sq, read};

pub(super) struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&mut self, bytes: &mut [u8]) {
        getrandom::fill(bytes).unwrap();
    }
}

/// The programs ask the clock; so do we.
fn now() -> Time {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Time::from_unix_seconds(i64::try_from(since.as_secs()).unwrap())
}

fn alice() -> EmailAddress {
    EmailAddress::parse("alice@example.org").unwrap()
}

/// An S/MIME key of alice with its twin.
struct Twin {
    key: SecretKey,
    armored: String,
    fingerprint: OpenPgpFingerprint,
}

impl Twin {
    fn new(kind: KeyKind) -> Self {
        let key = SecretKey::generate(kind, &mut SystemRandom).unwrap();
        let mut keys = Keyring::new();
        keys.add_key(key.clone());
        let made = now().plus_seconds(-60);
        let armored = export_twin(&keys, key.public_key(), "Alice", &[alice()], made).unwrap();
        let fingerprint = TwinKey::of(key.public_key()).unwrap().fingerprint();
        Self { key, armored, fingerprint }
    }

    /// What bob's word for it is worth to those who rely on bob.
    fn amount(&self, keyrings: &[&[u8]], bob: &str, at: Time) -> u32 {
        let mut web = Web::new();
        web.import(keyrings).unwrap();
        let twin = TwinKey::of(self.key.public_key()).unwrap();
        assert!(twin.is_primary_key_of(web.certificate(&self.fingerprint).unwrap()));
        let bob = OpenPgpFingerprint::parse(bob).unwrap();
        let network = web.network(&Reliances::new().with_root(bob, FULL), at);
        network.authenticate("Alice <alice@example.org>", &self.fingerprint, FULL.into()).amount
    }
}

#[test]
fn gpg_certifies_a_twin_and_takes_it_back() {
    let Some(gpg) = Gpg::new() else { return };
    let bob = gpg.fingerprint_of("bob@example.org");
    for kind in [KeyKind::P256, KeyKind::Ed25519, KeyKind::Rsa2048] {
        let twin = Twin::new(kind);
        let name = twin.fingerprint.to_string();
        gpg.run(&["--import"], twin.armored.as_bytes());
        assert_eq!(gpg.fingerprint_of(&name), name, "gpg computes the same fingerprint");
        assert_eq!(twin.amount(&[&gpg.export()], &bob, now()), 0);
        gpg.run(&["--cert-notation", "basis@counterseal.example=in-person", "--quick-sign-key", &name], b"");
        let certified = gpg.export();
        assert_eq!(twin.amount(&[&certified], &bob, now()), 120);
        assert_eq!(twin.amount(&[&certified], &bob, now().plus_days(-1)), 0, "not before it was made");

        // A revocation of the same second would not be later than what it revokes.
        std::thread::sleep(std::time::Duration::from_millis(1100));
        gpg.run(&["--quick-revoke-sig", &name, &bob], b"");
        assert_eq!(twin.amount(&[&gpg.export()], &bob, now()), 0);
        assert_eq!(
            twin.amount(&[&certified, &gpg.export()], &bob, now()),
            0,
            "the older copy changes nothing"
        );
        gpg.run(&["--delete-keys", &name], b"");
    }
}

#[test]
fn sq_certifies_a_twin_with_an_amount_and_an_end() {
    let Some(sq) = Sq::new() else { return };
    sq.generate("Bob <bob@example.org>", "bob.key");
    let bob = read(&sq.path("bob.key"));
    let mut web = Web::new();
    web.import(&[&bob]).unwrap();
    let bob_fingerprint = web.certificates().next().unwrap().fingerprint.to_string();
    for kind in [KeyKind::P256, KeyKind::Ed25519, KeyKind::Rsa2048] {
        let twin = Twin::new(kind);
        sq.file("alice.asc", twin.armored.as_bytes());
        let user_id = "Alice <alice@example.org>";
        sq.run(&[
            "--force",
            "certify",
            "bob.key",
            "alice.asc",
            user_id,
            "--amount",
            "60",
            "--expires-in",
            "1y",
            "-o",
            "out.pgp",
        ]);
        let certified = read(&sq.path("out.pgp"));
        assert_eq!(twin.amount(&[&bob, &certified], &bob_fingerprint, now()), 60);
        assert_eq!(twin.amount(&[&bob, &certified], &bob_fingerprint, now().plus_days(400)), 0);
    }
}

#[test]
fn a_link_notation_counts_while_it_is_in_the_newest_self_signature() {
    let Some(gpg) = Gpg::new() else { return };
    let key = SecretKey::generate(KeyKind::P256, &mut SystemRandom).unwrap();
    let key = key.fingerprint();
    let bob = EmailAddress::parse("bob@example.org").unwrap();
    let certificate = |keyring: &[u8]| {
        let mut web = Web::new();
        web.import(&[keyring]).unwrap();
        web.certificates().next().unwrap().clone()
    };
    assert_eq!(
        certificate(&gpg.export()).user_ids_linked_to(&key, &bob, LinkPurpose::Both, now()).count(),
        0
    );

    let notation = format!("{LINK_NOTATION}={}", Link::value_for(&key, &bob));
    std::thread::sleep(std::time::Duration::from_millis(1100));
    gpg.answer(&["--edit-key", "bob@example.org"], &format!("uid 1\nnotation\n{notation}\nsave\n"));
    let linked = certificate(&gpg.export());
    let user_ids: Vec<&str> = linked
        .user_ids_linked_to(&key, &bob, LinkPurpose::Both, now())
        .map(|user_id| user_id.text.as_str())
        .collect();
    assert_eq!(user_ids, ["Bob <bob@example.org>"]);
    assert_eq!(linked.user_ids_linked_to(&key, &alice(), LinkPurpose::Both, now()).count(), 0);

    std::thread::sleep(std::time::Duration::from_millis(1100));
    gpg.answer(&["--edit-key", "bob@example.org"], "uid 1\nnotation\nnone\ny\nsave\n");
    assert_eq!(
        certificate(&gpg.export()).user_ids_linked_to(&key, &bob, LinkPurpose::Both, now()).count(),
        0
    );
}

fn endorsement(issued: Time) -> Statement {
    let key = SecretKey::generate(KeyKind::P256, &mut SystemRandom).unwrap();
    let kind = StatementKind::Endorsement { basis: Basis::InPerson, amount: 120 };
    Statement::new(kind, alice(), &key.fingerprint(), issued)
}

fn is_by_bob(signed: &SignedStatement) -> bool {
    let bob = EmailAddress::parse("bob@example.org").unwrap();
    matches!(&signed.signer, StatementSigner::OpenPgp(signer) if signer.user_ids_of(&bob).count() == 1)
}

#[test]
fn a_statement_that_gpg_signs_is_read() {
    let Some(gpg) = Gpg::new() else { return };
    let statement = endorsement(now());
    let text = statement.to_text();
    let keyring = gpg.export();
    let clear = String::from_utf8(gpg.run(&["--clearsign"], text.as_bytes())).unwrap();
    let signed = SignedStatement::from_clear_signed(&clear, &[&keyring]).unwrap();
    assert!(signed.statement == statement && is_by_bob(&signed));
    for arguments in [&["--detach-sign"][..], &["--detach-sign", "--armor"], &["--detach-sign", "--textmode"]]
    {
        let signature = gpg.run(arguments, text.as_bytes());
        let signed = SignedStatement::from_detached(&text, &signature, &[&keyring]).unwrap();
        assert!(signed.statement == statement && is_by_bob(&signed));
        let other = endorsement(now()).to_text();
        let forged = SignedStatement::from_detached(&other, &signature, &[&keyring]);
        assert_eq!(forged, Err(StatementError::BadSignature));
    }

    let forged = clear.replace("Amount: 120", "Amount: 119");
    assert_eq!(SignedStatement::from_clear_signed(&forged, &[&keyring]), Err(StatementError::BadSignature));
    assert_eq!(SignedStatement::from_clear_signed(&clear, &[]), Err(StatementError::SignerUnknown));
    let old = endorsement(now().plus_days(-2)).to_text();
    let old = String::from_utf8(gpg.run(&["--clearsign"], old.as_bytes())).unwrap();
    assert_eq!(SignedStatement::from_clear_signed(&old, &[&keyring]), Err(StatementError::WrongTime));
}

#[test]
fn a_statement_that_sq_signs_is_read() {
    let Some(sq) = Sq::new() else { return };
    sq.generate("Bob <bob@example.org>", "bob.key");
    let statement = endorsement(now());
    sq.file("statement", statement.to_text().as_bytes());
    let clear = sq.run(&["sign", "--cleartext-signature", "--signer-key", "bob.key", "statement"]);
    let keyring = read(&sq.path("bob.key"));
    let signed = SignedStatement::from_clear_signed(&String::from_utf8(clear).unwrap(), &[&keyring]).unwrap();
    assert!(signed.statement == statement && is_by_bob(&signed));
    let detached = sq.run(&["sign", "--detached", "--signer-key", "bob.key", "statement"]);
    assert!(SignedStatement::from_detached(&statement.to_text(), &detached, &[&keyring]).is_ok());
}

#[test]
fn a_twin_signs_no_statement() {
    let Some(gpg) = Gpg::new() else { return };
    let parameters = "%no-protection\nKey-Type: RSA\nKey-Length: 2048\nKey-Usage: sign\nName-Email: carol@example.org\n\
                      Creation-Date: seconds=1388534400\nExpire-Date: 0\n%commit\n";
    gpg.run(&["--generate-key"], parameters.as_bytes());
    let text = endorsement(now()).to_text();
    let clear = gpg.run(&["--clearsign", "--local-user", "carol@example.org"], text.as_bytes());
    let signed = SignedStatement::from_clear_signed(&String::from_utf8(clear).unwrap(), &[&gpg.export()]);
    assert_eq!(signed, Err(StatementError::SignerUnsuitable));
}

#[test]
fn whom_gnupg_trusts_is_relied_upon_as_it_does() {
    let Some(gpg) = Gpg::new() else { return };
    let bob = gpg.fingerprint_of("bob@example.org");
    let twin = Twin::new(KeyKind::P256);
    gpg.run(&["--import"], twin.armored.as_bytes());
    gpg.run(&["--import-ownertrust"], format!("{bob}:6:\n{}:4:\n", twin.fingerprint).as_bytes());
    let exported = String::from_utf8(gpg.run(&["--export-ownertrust"], b"")).unwrap();
    let reliances = read_ownertrust(&exported).unwrap();
    let root = reliances.root(&OpenPgpFingerprint::parse(&bob).unwrap());
    assert_eq!(root.map(|root| root.amount), Some(120));
    assert_eq!(reliances.introducer(&twin.fingerprint), Some(40));
}
