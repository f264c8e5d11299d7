//! One item of evidence, in words.

use counterseal_core::time::Time;
use counterseal_core::trust::Source;
use counterseal_core::trust::evidence::{
    Anchor, Binding, Chain, Comparison, Correspondence, Endorser, Introducer, Kind, Validation, Witness,
    Witnessed,
};

use super::domains::{day, introducer};
use crate::terminal::SafeText;

/// What speaks for a key; nothing for what only leads on to something else that is said too.
pub(super) fn sentence(source: &Source, issued: Time, is_pinned: bool) -> Option<String> {
    let claim = &source.evidence.claim;
    let text = match &source.evidence.kind {
        Kind::Pinned(Comparison::Own) => format!("it is your own, under {}", claim.key()),
        Kind::Pinned(Comparison::Succession) => {
            format!("{} counts as compared: the key that you compared named it", claim.key())
        }
        Kind::Pinned(how) => format!("you compared {}{}", claim.key(), comparison(*how)),
        Kind::Chain(chain) => checked(chain, issued),
        Kind::CertifiedByUser { root, binding } => {
            format!("you certified it with your OpenPGP key {root}{}", through(binding))
        }
        Kind::Vouched(vouching) => {
            format!("{}{}", vouched(&vouching.introducers), through(&vouching.binding))
        }
        Kind::Endorsed(endorsement) => match &endorsement.endorser {
            Endorser::OpenPgp(introducers) => vouched(introducers),
            Endorser::Contact { signer, .. } | Endorser::Correspondent { signer } => {
                format!("{} vouches for it", safe(signer.address()))
            }
        },
        Kind::History(history) => mail(history, is_pinned),
        Kind::DnsRecord { secure: true } => "it is in the DNS of its domain, signed".to_owned(),
        Kind::DnsRecord { secure: false } => "it is in the DNS of its domain, not signed".to_owned(),
        Kind::WebDirectory => "its domain serves it over HTTPS".to_owned(),
        Kind::Keyserver { name } => format!("the key server {} has it", SafeText(name)),
        Kind::Gossip { by } => format!("mail of {} carried it", safe(by.address())),
        Kind::Succeeds(succession) => {
            format!("the key before, {}, named it ({})", succession.old, date(succession.issued))
        }
        Kind::IssuedBy { .. } | Kind::NamedBy { .. } => return None,
    };
    Some(text + &source.evidence.kind.witnessed().map(witnessed).unwrap_or_default())
}

fn witnessed(witnessed: &Witnessed) -> String {
    let mut names: Vec<String> = witnessed
        .witnesses
        .iter()
        .map(|witness| match witness {
            Witness::OwnHistory => "your history".to_owned(),
            Witness::Independent(name) => SafeText(name).to_string(),
        })
        .collect();
    names.dedup();
    format!(", witnessed since {} by {}", date(witnessed.since), names.join(" and "))
}

/// How what was certified and the key hang together, where it is not the key itself.
fn through(binding: &Binding) -> String {
    match binding {
        Binding::Twin => String::new(),
        Binding::Linked(certificate) => format!(" (by {certificate}, which names it)"),
    }
}

const fn comparison(how: Comparison) -> &'static str {
    match how {
        Comparison::Own | Comparison::InPerson | Comparison::Succession => "",
        Comparison::ByVideo => " by voice or video",
        Comparison::StrongAddress { .. } => " as a part of the address",
    }
}

fn checked(chain: &Chain, issued: Time) -> String {
    let what = match (&chain.anchor, chain.validation) {
        (Anchor::Own { .. }, _) => "issued the certificate, and you rely on it",
        (Anchor::Public { .. }, Validation::Mailbox) => "checked the mailbox",
        (Anchor::Public { .. }, Validation::Individual) => "checked the mailbox and the person",
        (Anchor::Public { .. }, Validation::Organisation) => "checked the organisation",
    };
    format!("{} {what} ({})", SafeText(&chain.name), date(issued))
}

fn vouched(introducers: &[Introducer]) -> String {
    match introducers {
        [] => "somebody vouches for it".to_owned(),
        [one] => format!("{} vouches for it, and you rely on them", introducer(&one.name)),
        [first, .., last] => {
            format!("{} vouches for it, introduced by {}", introducer(&last.name), introducer(&first.name))
        }
    }
}

fn mail(history: &Correspondence, is_pinned: bool) -> String {
    let since = date(history.first_seen);
    if history.taken_by_hand && history.messages == 0 {
        let how = if is_pinned { "" } else { ", without comparing" };
        return format!("you took it in{how} ({since})");
    }
    let ways = if history.two_way { "both ways" } else { "one way" };
    match history.messages {
        0 => format!("a signed mail brought it ({since})"),
        1 => format!("one mail since {since}, {ways}"),
        count => format!("{count} mails since {since}, {ways}"),
    }
}

fn date(time: Time) -> String {
    day(&time.to_rfc3339()).to_owned()
}

fn safe(text: impl ToString) -> String {
    SafeText(&text.to_string()).to_string()
}
