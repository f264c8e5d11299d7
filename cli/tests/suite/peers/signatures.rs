//! Who verifies what we sign, and whose signatures we verify.

use std::fs;
use std::path::Path;

use super::bouncy_castle::BouncyCastle;
use super::command::{Expectation, Outcome};
use super::cseal::Cseal;
use super::formats::Scheme;
use super::gpgsm::Gpgsm;
use super::nss::Nss;
use super::openssl::OpenSsl;
use super::people::People;
use super::python::Python;

/// Signs a content into a file; attached, or detached.
type Sign<'a> = dyn Fn(Scheme, bool, &Path, &Path) -> Outcome + 'a;
/// Verifies a file; what a detached signature covers; where the content of an attached one goes.
type Verify<'a> = dyn Fn(&Path, Option<&Path>, &Path) -> Outcome + 'a;

struct Peer<'a> {
    name: &'a str,
    /// Attached only where the peer's program of ours has no detached signatures.
    detached: bool,
    verifies: &'a dyn Fn(Scheme) -> Expectation,
    verify: &'a Verify<'a>,
    signs: &'a dyn Fn(Scheme) -> Expectation,
    sign: &'a Sign<'a>,
}

#[test]
fn openssl_3_and_we_verify_what_the_other_signs() {
    let Some(openssl) = OpenSsl::of_debian() else { return };
    exchange(&Peer {
        name: "openssl-3",
        detached: true,
        verifies: &|scheme| openssl.verifies(scheme),
        verify: &|signed, covered, content| openssl.verify(signed, covered, content),
        signs: &|scheme| openssl.signs(scheme),
        sign: &|scheme, detached, content, signed| openssl.sign(scheme, detached, content, signed),
    });
}

#[test]
fn openssl_4_and_we_verify_what_the_other_signs() {
    let Some(openssl) = OpenSsl::version_4() else { return };
    exchange(&Peer {
        name: "openssl-4",
        detached: true,
        verifies: &|scheme| openssl.verifies(scheme),
        verify: &|signed, covered, content| openssl.verify(signed, covered, content),
        signs: &|scheme| openssl.signs(scheme),
        sign: &|scheme, detached, content, signed| openssl.sign(scheme, detached, content, signed),
    });
}

#[test]
fn gpgsm_and_we_verify_what_the_other_signs() {
    let Some(gpgsm) = Gpgsm::of_debian() else { return };
    exchange(&Peer {
        name: "gpgsm",
        detached: true,
        verifies: &|scheme| gpgsm.verifies(scheme),
        verify: &|signed, covered, content| gpgsm.verify(signed, covered, content),
        signs: &|scheme| gpgsm.signs(scheme),
        sign: &|scheme, detached, content, signed| gpgsm.sign(scheme, detached, content, signed),
    });
}

#[test]
fn nss_and_we_verify_what_the_other_signs() {
    let Some(nss) = Nss::of_debian() else { return };
    exchange(&Peer {
        name: "nss",
        detached: true,
        verifies: &|scheme| nss.verifies(scheme),
        verify: &|signed, covered, content| nss.verify(signed, covered, content),
        signs: &|scheme| nss.signs(scheme),
        sign: &|scheme, detached, content, signed| nss.sign(scheme, detached, content, signed),
    });
}

#[test]
fn bouncy_castle_and_we_verify_what_the_other_signs() {
    let Some(bouncy_castle) = BouncyCastle::of_debian() else { return };
    exchange(&Peer {
        name: "bouncy-castle",
        detached: false,
        verifies: &|scheme| bouncy_castle.verifies(scheme),
        verify: &|signed, _, content| bouncy_castle.verify(signed, content),
        signs: &|scheme| bouncy_castle.verifies(scheme),
        sign: &|scheme, _, content, signed| bouncy_castle.sign(scheme, content, signed),
    });
}

#[test]
fn we_verify_what_python_signs() {
    let Some(python) = Python::with_cryptography() else { return };
    exchange(&Peer {
        name: "python",
        detached: false,
        verifies: &|_| Expectation::NoWay("it does not verify CMS"),
        verify: &|_, _, _| Err("it does not verify CMS".to_owned()),
        signs: &|scheme| python.signs(scheme),
        sign: &|scheme, _, content, signed| python.sign(scheme, content, signed),
    });
}

/// Exchanges every scheme both ways, attached and detached.
fn exchange(peer: &Peer) {
    let people = People::all().unwrap();
    let us = Cseal::new(people);
    let scratch = people.scratch(&format!("signed-{}", peer.name));
    let content = scratch.join("content");
    fs::write(&content, "What is signed stays as it is.\r\nTo the last octet.\n".repeat(1000)).unwrap();
    let ours = Peer {
        name: "cseal",
        detached: true,
        verifies: &|_| Expectation::Works,
        verify: &|signed, covered, content| us.verify(signed, covered, content),
        signs: &|_| Expectation::Works,
        sign: &|scheme, detached, content, signed| us.sign(scheme, detached, content, signed),
    };
    let mut complaints = Vec::new();
    for &scheme in Scheme::ALL.iter().filter(|scheme| people.has(scheme.signer())) {
        for detached in [false, true] {
            if detached && !peer.detached {
                continue;
            }
            for (from, to) in [(&ours, peer), (peer, &ours)] {
                if let Err(complaint) = one_way(from, to, scheme, detached, &content, &scratch) {
                    let form = if detached { "detached" } else { "attached" };
                    complaints.push(format!("{scheme:?} {form}, {} to {}: {complaint}", from.name, to.name));
                }
            }
        }
    }
    assert!(complaints.is_empty(), "{} cells:\n{}", complaints.len(), complaints.join("\n"));
}

fn one_way(
    from: &Peer,
    to: &Peer,
    scheme: Scheme,
    detached: bool,
    content: &Path,
    scratch: &Path,
) -> Outcome {
    let file = |end: &str| {
        let path = scratch.join(format!("{}.{}.{detached}.{end}", scheme.name(), from.name));
        let _ = fs::remove_file(&path);
        path
    };
    let (signed, forged, verified) = (file("p7m"), file("forged"), file("out"));
    match ((from.signs)(scheme), (from.sign)) {
        (Expectation::NoWay(_), _) => return Ok(()),
        (Expectation::Fails(reason), sign) => {
            return match sign(scheme, detached, content, &signed) {
                Ok(()) => Err(format!("signed, though {reason}")),
                Err(_) => Ok(()),
            };
        }
        (Expectation::Works, sign) => sign(scheme, detached, content, &signed)?,
    }
    let covered = detached.then_some(content);
    let outcome = (to.verify)(&signed, covered, &verified);
    match (outcome, (to.verifies)(scheme)) {
        (Ok(()), Expectation::Works) if detached || fs::read(&verified).ok() == fs::read(content).ok() => {}
        (Ok(()), Expectation::Works) => return Err("verified with another content".to_owned()),
        (Ok(()), Expectation::Fails(reason) | Expectation::NoWay(reason)) => {
            return Err(format!("verified, though {reason}"));
        }
        (Err(reason), Expectation::Works) => return Err(format!("not verified: {reason}")),
        (Err(_), _) => return Ok(()),
    }
    // The twin: the same signature over one bit less of truth is refused.
    let mut bytes = fs::read(if detached { content } else { &signed }).unwrap();
    let place = bytes.windows(6).position(|window| window == b"signed").unwrap();
    bytes[place] ^= 1;
    fs::write(&forged, bytes).unwrap();
    let outcome = match detached {
        true => (to.verify)(&signed, Some(&forged), &verified),
        false => (to.verify)(&forged, None, &verified),
    };
    if outcome.is_ok() { Err("a forged content was verified".to_owned()) } else { Ok(()) }
}
