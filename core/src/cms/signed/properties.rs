//! What holds for every content, every damage and every heap of bytes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::Cursor;
use std::sync::LazyLock;

use proptest::prelude::*;

use super::outcome::SignatureOutcome;
use super::testing::{Forged, Minted, Person, issuer_and_serial_number, only_outcome, read};
use super::{SignedInput, read_signed, write_signed};
use crate::cms::elements::{OCTET_STRING, context, encode};
use crate::cms::{Capabilities, certificates_only, content_type, decompress};
use crate::x509::KeyKind;

/// One signer for each algorithm; making their keys is what takes long.
static SIGNERS: LazyLock<Vec<Person>> = LazyLock::new(|| {
    [
        KeyKind::Rsa2048,
        KeyKind::P256,
        KeyKind::P384,
        KeyKind::P521,
        KeyKind::Ed25519,
        KeyKind::MlDsa44,
        KeyKind::MlDsa65,
        KeyKind::MlDsa87,
    ]
    .into_iter()
    .map(|kind| {
        Person::minted(kind, &Minted { common_name: "Alice", serial_number: 1, key_identifier: vec![1; 20] })
    })
    .collect()
});

fn signers() -> impl Strategy<Value = &'static Person> {
    (0..SIGNERS.len()).prop_map(|index| SIGNERS.get(index).unwrap())
}

fn contents() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(any::<u8>(), 0..300)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn what_anybody_signs_is_good_in_every_form(signer in signers(), content in contents(), form in 0..3) {
        let certificates = [signer.certificate.clone()];
        let request = signer.request(&certificates);
        let (mut object, mut source) = (Vec::new(), Cursor::new(&content));
        let input = match form {
            0 => SignedInput::Attached(&mut source),
            1 => SignedInput::AttachedStream(&mut source),
            _ => SignedInput::Detached(&mut source),
        };
        write_signed(input, &request, &mut object).unwrap();
        let mut inside = Vec::new();
        let mut beside = Cursor::new(&content);
        let beside = (form == 2).then_some(&mut beside as &mut dyn crate::ports::Source);
        let signed = read_signed(&mut Cursor::new(&object), beside, &[], &mut inside).unwrap();
        prop_assert_eq!(only_outcome(&signed), SignatureOutcome::Good);
        prop_assert_eq!(inside, if form == 2 { Vec::new() } else { content });
    }

    #[test]
    fn a_flipped_bit_is_never_good(signer in signers(), content in contents(), place in any::<usize>(), bit in 0_u32..8) {
        let object = Forged::good(signer, &content).build();
        // Behind the headers that no signature covers (version, digestAlgorithms): content,
        // certificate, attributes and signature. Those in front are tried one by one elsewhere.
        let start = object.windows(signer.certificate.as_der().len())
            .position(|window| window == signer.certificate.as_der()).unwrap() - content.len();
        let signer_info = [&[2, 1, 1][..], &issuer_and_serial_number(&signer.certificate)].concat();
        let version = object.windows(signer_info.len()).position(|window| window == signer_info).unwrap() + 2;
        let index = start + place % (object.len() - start);
        prop_assume!(index != version);
        let mut flipped = object;
        *flipped.get_mut(index).unwrap() ^= 1_u8 << bit;
        let mut inside = Vec::new();
        if let Ok(signed) = read_signed(&mut Cursor::new(&flipped), None, &[], &mut inside) {
            let is_good = signed.signers.iter().any(|signer| signer.outcome == SignatureOutcome::Good);
            prop_assert!(!is_good, "octet {} of {}", index, flipped.len());
        }
    }

    #[test]
    fn a_truncation_is_an_error(signer in signers(), content in contents(), place in any::<usize>()) {
        let mut object = Forged::good(signer, &content).build();
        object.truncate(place % object.len());
        prop_assert!(read(&object).is_err());
    }

    #[test]
    fn a_content_in_any_pieces_is_the_same_content(
        content in contents(),
        pieces in proptest::collection::vec((1_usize..40, any::<bool>()), 0..20),
    ) {
        let signer = SIGNERS.get(1).unwrap();
        let object = Forged::good(signer, &content).build();
        let whole = encode(context(0), &[&encode(OCTET_STRING, &[&content])]);
        let chunked = in_pieces(&content, &pieces);
        let ber = super::tests::framing::indefinite_around(&object, &whole, &chunked);
        let mut inside = Vec::new();
        let signed = read_signed(&mut Cursor::new(&ber), None, &[], &mut inside).unwrap();
        prop_assert_eq!(only_outcome(&signed), SignatureOutcome::Good);
        prop_assert_eq!(inside, content);
    }

    #[test]
    fn no_bytes_make_a_reader_fall_over(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(read(&bytes).is_err());
        let _ = certificates_only(&bytes);
        let _ = content_type(&mut Cursor::new(&bytes));
        let _ = decompress(&mut bytes.as_slice(), &mut std::io::sink());
        let _ = Capabilities::from_der(&bytes);
    }

    #[test]
    fn damage_makes_no_reader_fall_over(
        signer in signers(),
        damage in proptest::collection::vec((any::<usize>(), any::<u8>()), 1..8),
    ) {
        let mut object = Forged::good(signer, b"Hello").build();
        for (place, byte) in damage {
            let index = place % object.len();
            *object.get_mut(index).unwrap() = byte;
        }
        let _ = read(&object);
        let _ = certificates_only(&object);
    }
}

/// `[0]` around an OCTET STRING in pieces, some of them nested, all of indefinite length.
fn in_pieces(content: &[u8], pieces: &[(usize, bool)]) -> Vec<u8> {
    let mut chunked = vec![0xa0, 0x80, 0x24, 0x80];
    let mut rest = content;
    for (length, nested) in pieces {
        let (piece, after) = rest.split_at((*length).min(rest.len()));
        let piece = encode(OCTET_STRING, &[piece]);
        chunked.extend(if *nested { [&[0x24, 0x80][..], &piece, &[0, 0]].concat() } else { piece });
        rest = after;
    }
    chunked.extend(encode(OCTET_STRING, &[rest]));
    chunked.extend([0; 4]);
    chunked
}
