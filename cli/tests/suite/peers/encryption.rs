//! Who opens what we seal, and whose sealed objects we open.

use std::fs;
use std::path::{Path, PathBuf};

use super::bouncy_castle::BouncyCastle;
use super::command::{Expectation, Outcome};
use super::cseal::{Cseal, has_indefinite_length};
use super::formats::{SEALINGS, Sealing};
use super::gpgsm::Gpgsm;
use super::nss::Nss;
use super::openssl::OpenSsl;
use super::people::People;
use super::python::Python;

/// A peer, as far as this table is concerned.
struct Peer<'a> {
    name: &'a str,
    opens: &'a dyn Fn(Sealing) -> Expectation,
    open: &'a dyn Fn(Sealing, &Path, &Path) -> Outcome,
    seals: &'a dyn Fn(Sealing) -> Expectation,
    seal: &'a dyn Fn(Sealing, &Path, &Path) -> Outcome,
}

#[test]
fn openssl_3_and_we_open_what_the_other_seals() {
    let Some(openssl) = OpenSsl::of_debian() else { return };
    exchange(&Peer {
        name: "openssl-3",
        opens: &|sealing| openssl.opens(sealing),
        open: &|sealing, sealed, content| openssl.open(sealing, sealed, content),
        seals: &|sealing| openssl.seals(sealing),
        seal: &|sealing, content, sealed| openssl.seal(sealing, content, sealed),
    });
}

#[test]
fn openssl_4_and_we_open_what_the_other_seals() {
    let Some(openssl) = OpenSsl::version_4() else { return };
    exchange(&Peer {
        name: "openssl-4",
        opens: &|sealing| openssl.opens(sealing),
        open: &|sealing, sealed, content| openssl.open(sealing, sealed, content),
        seals: &|sealing| openssl.seals(sealing),
        seal: &|sealing, content, sealed| openssl.seal(sealing, content, sealed),
    });
}

#[test]
fn gpgsm_and_we_open_what_the_other_seals() {
    let Some(gpgsm) = Gpgsm::of_debian() else { return };
    exchange(&Peer {
        name: "gpgsm",
        opens: &|sealing| gpgsm.opens(sealing),
        open: &|sealing, sealed, content| gpgsm.open(sealing, sealed, content),
        seals: &|sealing| gpgsm.seals(sealing),
        seal: &|sealing, content, sealed| gpgsm.seal(sealing, content, sealed),
    });
}

#[test]
fn nss_and_we_open_what_the_other_seals() {
    let Some(nss) = Nss::of_debian() else { return };
    exchange(&Peer {
        name: "nss",
        opens: &|sealing| nss.opens(sealing),
        open: &|_, sealed, content| nss.open(sealed, content),
        seals: &|sealing| nss.seals(sealing),
        seal: &|_, content, sealed| nss.seal(content, sealed),
    });
}

#[test]
fn bouncy_castle_and_we_open_what_the_other_seals() {
    let Some(bouncy_castle) = BouncyCastle::of_debian() else { return };
    exchange(&Peer {
        name: "bouncy-castle",
        opens: &|sealing| bouncy_castle.opens(sealing),
        open: &|sealing, sealed, content| bouncy_castle.open(sealing, sealed, content),
        seals: &|sealing| bouncy_castle.seals(sealing),
        seal: &|sealing, content, sealed| bouncy_castle.seal(sealing, content, sealed),
    });
}

#[test]
fn python_and_we_open_what_the_other_seals() {
    let Some(python) = Python::with_cryptography() else { return };
    exchange(&Peer {
        name: "python",
        opens: &|sealing| python.opens(sealing),
        open: &|sealing, sealed, content| python.open(sealing, sealed, content),
        seals: &|sealing| python.seals(sealing),
        seal: &|sealing, content, sealed| python.seal(sealing, content, sealed),
    });
}

/// Exchanges every row of the table both ways; all cells are tried before the first is complained about.
fn exchange(peer: &Peer) {
    let people = People::all().unwrap();
    let us = Cseal::new(people);
    let scratch = people.scratch(&format!("sealed-{}", peer.name));
    let content = scratch.join("content");
    // Longer than one piece of anybody's stream, no multiple of a block, every octet.
    fs::write(
        &content,
        (0..100_003_u32).map(|index| (index.wrapping_mul(2_654_435_761) >> 24) as u8).collect::<Vec<_>>(),
    )
    .unwrap();
    let ours = Peer {
        name: "cseal",
        opens: &|_| Expectation::Works,
        open: &|sealing, sealed, content| us.open(sealing, sealed, content),
        seals: &|sealing| us.seals(sealing),
        seal: &|sealing, content, sealed| us.seal(sealing, content, sealed),
    };
    let mut complaints = Vec::new();
    for &sealing in SEALINGS.iter().filter(|sealing| people.has(sealing.transport.reader())) {
        for (from, to) in [(&ours, peer), (peer, &ours)] {
            let cell = format!("{sealing}, {} to {}", from.name, to.name);
            match (one_way(from, to, sealing, &content, &scratch), (to.opens)(sealing)) {
                (Way::NotSealed | Way::Opened, Expectation::Works) => {}
                (Way::NotSealed | Way::NotOpened(_), Expectation::Fails(_) | Expectation::NoWay(_)) => {}
                (Way::Opened, Expectation::Fails(reason) | Expectation::NoWay(reason)) => {
                    complaints.push(format!("{cell}: opened, though {reason}"));
                }
                (Way::NotOpened(reason), Expectation::Works) => {
                    complaints.push(format!("{cell}: not opened: {reason}"))
                }
                (Way::Surprise(what), _) => complaints.push(format!("{cell}: {what}")),
            }
        }
    }
    assert!(complaints.is_empty(), "{} cells:\n{}", complaints.len(), complaints.join("\n"));
}

/// How far one cell came.
enum Way {
    /// As its writer's table says.
    NotSealed,
    Opened,
    NotOpened(String),
    Surprise(String),
}

fn one_way(from: &Peer, to: &Peer, sealing: Sealing, content: &Path, scratch: &Path) -> Way {
    let file = |end: &str| -> PathBuf {
        let path = scratch
            .join(format!("{sealing}.{}.{end}", from.name).replace(['/', ' ', '"', '(', ')', ','], "_"));
        let _ = fs::remove_file(&path);
        path
    };
    let (sealed, opened) = (file("p7m"), file("out"));
    match ((from.seals)(sealing), (from.seal)) {
        (Expectation::NoWay(_), _) => return Way::NotSealed,
        (Expectation::Fails(reason), seal) => {
            return match seal(sealing, content, &sealed) {
                Ok(()) => Way::Surprise(format!("sealed, though {reason}")),
                Err(_) => Way::NotSealed,
            };
        }
        (Expectation::Works, seal) => {
            if let Err(reason) = seal(sealing, content, &sealed) {
                return Way::Surprise(format!("not sealed: {reason}"));
            }
        }
    }
    if sealing.streamed && !has_indefinite_length(&sealed) {
        return Way::Surprise("not streamed".to_owned());
    }
    match (to.open)(sealing, &sealed, &opened) {
        Ok(()) if fs::read(&opened).ok() == fs::read(content).ok() => Way::Opened,
        Ok(()) => Way::NotOpened("exit code 0 with another content".to_owned()),
        Err(reason) => Way::NotOpened(reason),
    }
}
