//! What a forger would have to get past, in words.

use counterseal_core::trust::evidence::{IntroducerName, Operator};
use counterseal_core::trust::{Claim, Domain, PictureKind, PinKind};

use crate::terminal::SafeText;

/// A domain as something to get past.
pub(super) fn noun(domain: &Domain) -> String {
    match domain {
        Domain::Pin { how: PinKind::Own, .. } => "your own keys".to_owned(),
        Domain::Pin { how: PinKind::InPerson, .. } => "your own comparison".to_owned(),
        Domain::Pin { how: PinKind::ByVideo, .. } => "your comparison by voice or video".to_owned(),
        Domain::Pin { how: PinKind::StrongAddress, .. } => {
            "the fingerprint in the address you typed".to_owned()
        }
        Domain::OwnCertification { root, .. } => format!("your own OpenPGP key {root}"),
        Domain::OwnAuthority(key) => format!("your organisation's CA {key}"),
        Domain::Operator(operator) | Domain::Root { operator, .. } => operator_name(operator),
        Domain::Identity(operator) => format!("the identity check of {}", operator_name(operator)),
        Domain::Organisation(operator) => format!("the organisation check of {}", operator_name(operator)),
        Domain::Mailbox(address) => format!("the mailbox {}", safe(address)),
        Domain::EarlierMailbox { address, from } => {
            format!("the mailbox {}, as it was about {}", safe(address), day(&from.to_rfc3339()))
        }
        Domain::Provider(domain) => format!("whoever runs the mail of {}", SafeText(domain)),
        Domain::History(claim) => format!("the history of your mail with {}", who(claim)),
        Domain::Dnssec(domain) => format!("the DNSSEC keys of {}", SafeText(domain)),
        Domain::Dns(domain) => format!("the DNS of {}", SafeText(domain)),
        Domain::WebPki(domain) => format!("the web certificate of {}", SafeText(domain)),
        Domain::Keyserver(name) => format!("the key server {}", SafeText(name)),
        Domain::Introducer(name) => introducer(name),
        Domain::Introduction { by, of } => match by {
            Some(by) => format!("what {} trusts {} with", introducer(by), introducer(of)),
            None => format!("what you trust {} with", introducer(of)),
        },
        Domain::Reliance { on, amount } => {
            format!("the {amount} points that {} is trusted with", introducer(on))
        }
        Domain::Certification { by, .. } => format!("the certification by {}", introducer(by)),
        Domain::Web(_) => "the chain of OpenPGP certifications".to_owned(),
        Domain::Link { certificate, .. } => {
            format!("the OpenPGP certificate {certificate} that names the key")
        }
        Domain::Gossip { by, .. } => format!("the mail of {}", who(by)),
        Domain::AllGossip(_) => "everybody whose mail carried the key".to_owned(),
        Domain::Peer { by, .. } => format!("the statement of {}", who(by)),
        Domain::AllPeers(_) => "all correspondents who vouch for the key".to_owned(),
        Domain::Succession { old, .. } => format!("the secret half of the key before, {}", old.key()),
        Domain::Issued(claim) => format!("the personal CA {}", claim.key()),
        Domain::Named { by, .. } => format!("the signing key {}", by.key()),
    }
}

/// What a node of the picture stands for.
pub(super) fn node(kind: &PictureKind) -> String {
    match kind {
        PictureKind::You => "you".to_owned(),
        PictureKind::Claim(claim) => format!("{} has {}", claim.address(), claim.key()),
        PictureKind::Domain(domain) => noun(domain),
    }
}

/// An introducer by what they are known by.
pub(super) fn introducer(name: &IntroducerName) -> String {
    match name {
        IntroducerName::OpenPgp(certificate) => certificate.to_string(),
        IntroducerName::Key(key) => key.to_string(),
    }
}

fn operator_name(operator: &Operator) -> String {
    match operator {
        Operator::Named(name) => SafeText(name).to_string(),
        Operator::Unknown => "a CA of unknown owner".to_owned(),
    }
}

fn who(claim: &Claim) -> String {
    safe(claim.address())
}

fn safe(text: impl ToString) -> String {
    SafeText(&text.to_string()).to_string()
}

/// The date of a time in RFC 3339.
pub(super) fn day(time: &str) -> &str {
    time.split('T').next().unwrap_or(time)
}
