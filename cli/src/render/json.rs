//! What machines read (`docs/formats/json.md`). Version 1; fields are only added.

use counterseal_core::cms::RecipientDescription;
use counterseal_core::message::{EncryptionStatus, ListChanges, PartStatus, Reason, SignerStatus, Status};
use counterseal_core::ports::KeyName;
use counterseal_core::trust::Source;
use counterseal_core::trust::evidence::{Endorser, Introducer, IntroducerName, Kind, Witness, Witnessed};
use serde::Serialize;

/// The object of `verify` and `decrypt`.
#[derive(Serialize)]
pub(crate) struct StatusObject {
    version: u32,
    verdict: &'static str,
    address: Option<String>,
    score: u32,
    level: &'static str,
    reasons: Vec<&'static str>,
    encrypted: Option<EncryptedObject>,
    signers: Vec<SignerObject>,
    parts: Vec<PartObject>,
    changed_headers: Vec<String>,
    unprotected_headers: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    list: Option<ListObject>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extracted: Option<Vec<String>>,
}

/// What a mailing list did to a signed mail.
#[derive(Serialize)]
struct ListObject {
    name: Option<String>,
    subject_tag: Option<String>,
    from: Option<String>,
    added: Vec<AddedObject>,
    undone: Vec<&'static str>,
}

#[derive(Serialize)]
struct AddedObject {
    place: &'static str,
    text: String,
}

#[derive(Serialize)]
struct EncryptedObject {
    by: &'static str,
    integrity: bool,
    opened_by: Option<String>,
    recipients: Vec<RecipientObject>,
}

/// One reader, as the public bytes of the message name them.
#[derive(Serialize)]
pub(crate) struct RecipientObject {
    kind: &'static str,
    algorithm: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    issuer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    serial_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_identifier: Option<String>,
    ours: Option<String>,
    locked: bool,
}

#[derive(Serialize)]
struct SignerObject {
    subject: Option<String>,
    fingerprint: Option<String>,
    address: Option<String>,
    verdict: &'static str,
    score: u32,
    level: &'static str,
    reasons: Vec<&'static str>,
    evidence: Vec<EvidenceObject>,
    signing_time: Option<String>,
    not_after: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    contradiction: Option<ContradictionObject>,
}

/// Two keys of one address, which are to be compared.
#[derive(Serialize)]
struct ContradictionObject {
    new: String,
    known: String,
}

/// One item of evidence.
#[derive(Serialize)]
pub(crate) struct EvidenceObject {
    kind: &'static str,
    points: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    fingerprint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    anchor: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    witnessed: Option<WitnessedObject>,
}

/// Since when an item was there to be noticed, and who proves it.
#[derive(Serialize)]
struct WitnessedObject {
    since: String,
    own_history: bool,
    authorities: Vec<String>,
}

#[derive(Serialize)]
struct PartObject {
    place: String,
    #[serde(rename = "type")]
    media_type: String,
    signed: bool,
    encrypted: bool,
    verdict: Option<&'static str>,
}

/// The object for a status, and for what was saved beside it.
pub(crate) fn status(status: &Status, extracted: Option<Vec<String>>) -> StatusObject {
    StatusObject {
        version: 1,
        verdict: status.verdict.word(),
        address: status.address.as_ref().map(ToString::to_string),
        score: status.score,
        level: status.level.word(),
        reasons: words(&status.reasons),
        encrypted: status.encrypted.as_ref().map(encrypted),
        signers: status.signers.iter().map(signer).collect(),
        parts: status.parts.iter().map(part).collect(),
        changed_headers: status.changed_headers.clone(),
        unprotected_headers: status.unprotected_headers.clone(),
        list: status.list.as_ref().map(list),
        extracted,
    }
}

fn list(list: &ListChanges) -> ListObject {
    let added = list.undone.added.iter();
    ListObject {
        name: list.list.clone(),
        subject_tag: list.subject_tag.clone(),
        from: list.from.as_ref().map(ToString::to_string),
        added: added.map(|one| AddedObject { place: one.place.word(), text: one.text.clone() }).collect(),
        undone: list.undone.repairs.iter().map(|repair| repair.word()).collect(),
    }
}

fn words(reasons: &[Reason]) -> Vec<&'static str> {
    reasons.iter().map(|reason| reason.word()).collect()
}

fn encrypted(status: &EncryptionStatus) -> EncryptedObject {
    EncryptedObject {
        by: status.cipher.name(),
        integrity: status.integrity,
        opened_by: status.opened_by.map(|key| key.to_string()),
        recipients: status.recipients.iter().map(recipient).collect(),
    }
}

/// One reader.
pub(crate) fn recipient(recipient: &RecipientDescription) -> RecipientObject {
    let (issuer, serial_number, key_identifier) = match &recipient.name {
        Some(KeyName::IssuerAndSerialNumber { issuer, serial_number }) => {
            (Some(super::recipients::issuer(issuer)), Some(hexadecimal(serial_number)), None)
        }
        Some(KeyName::KeyIdentifier(identifier)) => (None, None, Some(hexadecimal(identifier))),
        None => (None, None, None),
    };
    RecipientObject {
        kind: recipient.kind.name(),
        algorithm: recipient.algorithm.clone(),
        issuer,
        serial_number,
        key_identifier,
        ours: recipient.ours.map(|key| key.to_string()),
        locked: recipient.locked,
    }
}

fn signer(signer: &SignerStatus) -> SignerObject {
    SignerObject {
        subject: signer.subject.clone(),
        fingerprint: signer.fingerprint.map(|key| key.to_string()),
        address: signer.address.as_ref().map(ToString::to_string),
        verdict: signer.verdict.word(),
        score: signer.score,
        level: signer.level.word(),
        reasons: words(&signer.reasons),
        evidence: signer.evidence.iter().map(evidence).collect(),
        signing_time: signer.signing_time.map(|time| time.to_rfc3339()),
        not_after: signer.not_after.map(|time| time.to_rfc3339()),
        contradiction: signer
            .contradiction
            .map(|both| ContradictionObject { new: both.new.to_string(), known: both.known.to_string() }),
    }
}

/// One item of evidence.
pub(crate) fn evidence(source: &Source) -> EvidenceObject {
    let own = || Some(source.evidence.claim.key().to_string());
    let (kind, fingerprint, anchor) = match &source.evidence.kind {
        Kind::Pinned(_) => ("pin", own(), None),
        Kind::Chain(chain) => ("chain", None, Some(chain.name.clone())),
        Kind::History(_) => ("history", None, None),
        Kind::CertifiedByUser { root, .. } => ("certified-by-user", Some(root.to_string()), None),
        Kind::Vouched(vouching) => ("vouched", introducer(&vouching.introducers), None),
        Kind::Endorsed(endorsement) => match &endorsement.endorser {
            Endorser::OpenPgp(introducers) => ("endorsed", introducer(introducers), None),
            Endorser::Contact { signer, .. } | Endorser::Correspondent { signer } => {
                ("endorsed", Some(signer.key().to_string()), None)
            }
        },
        Kind::DnsRecord { secure: true } => ("dnssec", None, None),
        Kind::DnsRecord { secure: false } => ("dns", None, None),
        Kind::WebDirectory => ("web-directory", None, None),
        Kind::Keyserver { .. } => ("keyserver", None, None),
        Kind::Gossip { by } => ("gossip", Some(by.key().to_string()), None),
        Kind::Succeeds(succession) => ("succession", Some(succession.old.to_string()), None),
        Kind::IssuedBy { authority } => ("issued-by", Some(authority.to_string()), None),
        Kind::NamedBy { signing_key } => ("named-by", Some(signing_key.to_string()), None),
    };
    let witnessed = source.evidence.kind.witnessed().map(witnessed);
    EvidenceObject { kind, points: source.points, fingerprint, anchor, witnessed }
}

fn witnessed(witnessed: &Witnessed) -> WitnessedObject {
    let authorities = witnessed.witnesses.iter().filter_map(|witness| match witness {
        Witness::Independent(name) => Some(name.clone()),
        Witness::OwnHistory => None,
    });
    WitnessedObject {
        since: witnessed.since.to_rfc3339(),
        own_history: witnessed.witnesses.contains(&Witness::OwnHistory),
        authorities: authorities.collect(),
    }
}

fn introducer(introducers: &[Introducer]) -> Option<String> {
    introducers.last().map(|introducer| match introducer.name {
        IntroducerName::OpenPgp(certificate) => certificate.to_string(),
        IntroducerName::Key(key) => key.to_string(),
    })
}

fn part(part: &PartStatus) -> PartObject {
    PartObject {
        place: part.place.clone(),
        media_type: part.media_type.clone(),
        signed: part.signed,
        encrypted: part.encrypted,
        verdict: part.verdict.map(|verdict| verdict.word()),
    }
}

/// Octets in lower-case hexadecimal.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// One line of JSON.
pub(crate) fn line(object: &impl Serialize) -> String {
    // Our objects have text keys only, so writing them cannot fail.
    serde_json::to_string(object).unwrap_or_else(|_| r#"{"version":1,"error":"bug"}"#.to_owned())
}
