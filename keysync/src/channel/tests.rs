//! Vectors of others for CPace and HPKE, and what the channel must refuse.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stderr)]

use std::path::PathBuf;

use serde_json::Value;

use super::*;
use crate::testing::SystemRandom;

/// Gives out the same bytes, then zeros.
struct Fixed(Vec<u8>);

impl Random for Fixed {
    fn fill(&mut self, bytes: &mut [u8]) {
        let rest = self.0.split_off(self.0.len().min(bytes.len()));
        bytes.fill(0);
        bytes[..self.0.len()].copy_from_slice(&self.0);
        self.0 = rest;
    }
}

fn hex(text: &str) -> Vec<u8> {
    data_encoding::HEXLOWER_PERMISSIVE.decode(text.as_bytes()).unwrap()
}

/// Appendix B.3 of draft-irtf-cfrg-cpace-21, group ristretto255.
mod draft {
    pub(super) const PRS: &str = "50617373776F7264";
    pub(super) const CI: &str = "0B415F696E69746961746F720B425F726573706F6E646572";
    pub(super) const SID: &str = "7E4B4791D6A8EF019B936C79FB7F2C57";
    pub(super) const SCALAR_A: &str = "DA3D23700A9E5699258AEF94DC060DFDA5EBB61F02A5EA77FAD53F4FF0976D08";
    pub(super) const SHARE_A: &str = "D6BAC480F2C386C394EFC7C47ADB9925DCD2630B64F240C50F8D0EEC482B9157";
    pub(super) const SCALAR_B: &str = "D2316B454718C35362D83D69DF6320F38578ED5984651435E2949762D900B80D";
    pub(super) const SHARE_B: &str = "3EA7E0B19560D7C0B0F5734F63B955286DFA8232B5EBE63324E2D9E7433F7258";
    pub(super) const ISK: &str = "B69EFFBF61B51D56401C0F65601ABE428DE8206FEAAF0E32198896DCAE7B35CD\
        2B38950A39DFD5D4A79164614C2984F7DAA460B588C1E80C3FA2068AF7900447";
    pub(super) const NO_POINT: &str = "2B3C6B8C4F3800E7AEF6864025B4ED79BD599117E427C41BD47D93D654B4A51C";
    pub(super) const NEUTRAL: &str = "0000000000000000000000000000000000000000000000000000000000000000";
}

#[test]
fn cpace_is_that_of_the_draft() {
    // The draft's example has associated data of the responder, which our door has not: hence the crate's calls here.
    let (mut a, mut b) = (Fixed(hex(draft::SCALAR_A)), Fixed(hex(draft::SCALAR_B)));
    let (prs, ci, sid) = (hex(draft::PRS), hex(draft::CI), hex(draft::SID));
    let (share_a, waiting) =
        CpaceInitiator::<CpaceRistretto255>::start(&prs, &ci, &sid, b"ADa", &mut RandomAdapter(&mut a))
            .unwrap();
    assert_eq!(share_a, hex(draft::SHARE_A));
    let mode = CpaceMode::InitiatorResponder;
    let (share_b, output_b) = CpaceResponder::<CpaceRistretto255>::respond(
        &share_a,
        &prs,
        &ci,
        &sid,
        b"ADa",
        b"ADb",
        mode,
        &mut RandomAdapter(&mut b),
    )
    .unwrap();
    assert_eq!(share_b, hex(draft::SHARE_B));
    let output_a = waiting.finish(&share_b, b"ADb", mode).unwrap();
    assert_eq!(output_a.isk.as_bytes(), hex(draft::ISK));
    assert_eq!(output_b.isk.as_bytes(), hex(draft::ISK));
}

#[test]
fn our_door_gives_the_shares_of_the_draft() {
    let (ci, sid) = (hex(draft::CI), hex(draft::SID));
    let context = ExchangeContext { session: &sid, channel: &ci, initiator: b"ADa" };
    let password = SecretBytes::new(hex(draft::PRS));
    let (share_a, waiting) = Cpace::begin(&password, &context, &mut Fixed(hex(draft::SCALAR_A))).unwrap();
    let (share_b, secret_b) =
        Cpace::answer(&password, &context, &share_a, &mut Fixed(hex(draft::SCALAR_B))).unwrap();
    assert_eq!((share_a, share_b.clone()), (hex(draft::SHARE_A), hex(draft::SHARE_B)));
    assert_eq!(Cpace::end(waiting, &share_b).unwrap().expose(), secret_b.expose());
}

#[test]
fn points_that_the_draft_calls_invalid_are_refused_on_both_sides() {
    let context = ExchangeContext { session: b"", channel: b"", initiator: b"" };
    let password = SecretBytes::copy_of(b"password");
    for invalid in [draft::NO_POINT, draft::NEUTRAL, "00"] {
        let answer = Cpace::answer(&password, &context, &hex(invalid), &mut SystemRandom);
        assert_eq!(answer.unwrap_err(), ChannelError::BadKey);
        let (_, waiting) = Cpace::begin(&password, &context, &mut SystemRandom).unwrap();
        assert_eq!(Cpace::end(waiting, &hex(invalid)).unwrap_err(), ChannelError::BadKey);
    }
}

#[test]
fn other_words_give_another_secret() {
    let context = ExchangeContext { session: b"s", channel: b"c", initiator: b"a" };
    let words = |text: &[u8]| SecretBytes::copy_of(text);
    let (share, waiting) = Cpace::begin(&words(b"acid"), &context, &mut SystemRandom).unwrap();
    let (answer, theirs) = Cpace::answer(&words(b"barn"), &context, &share, &mut SystemRandom).unwrap();
    assert_ne!(Cpace::end(waiting, &answer).unwrap().expose(), theirs.expose());
}

/// The vectors of RFC 9180 for our KDF and AEAD. They have no X-Wing, which came later: the KEM is X25519 there.
#[test]
fn the_key_schedule_is_that_of_rfc_9180() {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpora");
    let root = std::env::var_os("COUNTERSEAL_CORPORA").map_or(beside, PathBuf::from);
    let file = root.join("hpke-vectors/test-vectors.json");
    let Ok(text) = std::fs::read_to_string(&file) else {
        eprintln!("SKIPPED: {} is not at hand; set COUNTERSEAL_CORPORA", file.display());
        return;
    };
    let vectors: Vec<Value> = serde_json::from_str(&text).unwrap();
    let ours = |vector: &&Value| vector["kem_id"] == 0x20 && vector["kdf_id"] == 1 && vector["aead_id"] == 3;
    let checked: usize = vectors.iter().filter(ours).map(check_vector).sum();
    assert_eq!(checked, 2, "modes base and PSK");
}

fn check_vector(vector: &Value) -> usize {
    use hpke::kem::X25519HkdfSha256 as Kem;
    let field = |name: &str| hex(vector[name].as_str().unwrap());
    let (psk, id) = if vector["mode"] == 1 { (field("psk"), field("psk_id")) } else { Default::default() };
    let mode = match vector["mode"].as_u64().unwrap() {
        0 => OpModeR::Base,
        1 => OpModeR::Psk(PskBundle::new(&psk, &id).unwrap()),
        _ => return 0,
    };
    let key = <Kem as KemTrait>::PrivateKey::from_bytes(&field("skRm")).unwrap();
    let encapsulated = <Kem as KemTrait>::EncappedKey::from_bytes(&field("enc")).unwrap();
    let mut context =
        hpke::setup_receiver::<ChaCha20Poly1305, HkdfSha256, Kem>(&mode, &key, &encapsulated, &field("info"))
            .unwrap();
    for encryption in vector["encryptions"].as_array().unwrap() {
        let [aad, ciphertext, plaintext] =
            ["aad", "ct", "pt"].map(|name| hex(encryption[name].as_str().unwrap()));
        assert_eq!(context.open(&ciphertext, &aad).unwrap(), plaintext);
    }
    for export in vector["exports"].as_array().unwrap() {
        let mut value = vec![0; export["L"].as_u64().unwrap() as usize];
        context.export(&hex(export["exporter_context"].as_str().unwrap()), &mut value).unwrap();
        assert_eq!(value, hex(export["exported_value"].as_str().unwrap()));
    }
    1
}

fn sealed_hello(key: &EphemeralKey, shared: &SharedSecret, binding: &Binding<'_>) -> Hello {
    hello::<ChannelError>(key.public(), shared, binding, &mut SystemRandom, |_| {
        Ok(SecretBytes::copy_of(b"who I am"))
    })
    .unwrap()
}

#[test]
fn a_hello_opens_with_the_same_secret_offer_and_place_only() {
    let key = EphemeralKey::generate(&mut SystemRandom);
    let known = |byte| SharedSecret::Known(SecretBytes::copy_of(&[byte; 32]), "code");
    let binding = Binding { offer: &[1; 32], place: b"box" };
    let sent = sealed_hello(&key, &known(7), &binding);
    assert_eq!((sent.encapsulated.len(), key.public().len()), (ENCAPSULATED_BYTES, PUBLIC_KEY_BYTES));
    let open = |key: &EphemeralKey, shared: &SharedSecret, binding: &Binding<'_>| {
        open_hello(key, shared, binding, &sent.encapsulated, &sent.sealed)
    };
    let kept = EphemeralKey::restore(key.secret()).unwrap();
    let (plaintext, root) = open(&kept, &known(7), &binding).unwrap();
    assert_eq!((plaintext.expose(), root.expose()), (&b"who I am"[..], sent.root.expose()));
    let not_opened = |result: Result<_, ChannelError>| result.unwrap_err() == ChannelError::NotOpened;
    assert!(not_opened(open(&key, &known(8), &binding)));
    assert!(not_opened(open(&key, &SharedSecret::Nothing, &binding)));
    assert!(not_opened(open(&key, &known(7), &Binding { offer: &[2; 32], ..binding })));
    assert!(not_opened(open(&key, &known(7), &Binding { place: b"other", ..binding })));
    assert!(not_opened(open(&EphemeralKey::generate(&mut SystemRandom), &known(7), &binding)));
}

#[test]
fn a_response_opens_with_the_same_secret_salt_and_context_only() {
    let secret = SecretBytes::copy_of(&[3; 32]);
    let response = seal_response(&secret, b"salt", b"context", b"content", &mut SystemRandom).unwrap();
    let again = seal_response(&secret, b"salt", b"context", b"content", &mut SystemRandom).unwrap();
    assert_ne!(response, again, "each has a nonce of its own");
    assert_eq!(open_response(&secret, b"salt", b"context", &response).unwrap().expose(), b"content");
    assert!(open_response(&secret, b"other", b"context", &response).is_err());
    assert!(open_response(&secret, b"salt", b"other", &response).is_err());
    assert!(open_response(&SecretBytes::copy_of(&[4; 32]), b"salt", b"context", &response).is_err());
    assert!(open_response(&secret, b"salt", b"context", &response[..31]).is_err());
    assert!(open_response(&secret, b"salt", b"context", &[]).is_err());
}

#[test]
fn parts_of_a_derivation_do_not_run_into_each_other() {
    let secret = SecretBytes::copy_of(&[5; 32]);
    let of = |label: &str, parts: &[&[u8]]| expand(&secret, label, parts).expose().to_vec();
    assert_ne!(of("a", &[b"bc", b"d"]), of("a", &[b"b", b"cd"]));
    assert_ne!(of("a", &[b"b"]), of("b", &[b"b"]));
    assert_eq!(of("a", &[b"b"]), of("a", &[b"b"]));
}
