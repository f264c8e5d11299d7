//! From evidence to the evidence graph (`docs/trust.md` has the table).
//!
//! Each item of evidence adds paths from the source to the claim that it is about; a claim on which
//! other evidence rests (the personal CA, the key before, an endorser) is a node in the middle.
//!
//! Every path must be a chain of statements that implies the claim at its end, or the score would
//! promise too much. So what is subverted for an address (its mailbox, its provider) has one copy
//! for each claim that rests on it: nothing may flow from the history of one key through a common
//! provider into another key. The copies are one purchase all the same: [`Network::score`] tries
//! what it costs to buy each of them, or not to.

use std::collections::{BTreeMap, BTreeSet};

use super::age::{aged, windows};
use super::claim::Claim;
use super::domain::{Cost, Domain};
use super::evidence::{
    Anchor, Binding, Chain, Comparison, Dossier, Endorsement, Endorser, Evidence, Introducer, IntroducerName,
    Kind, Operator, Succession, Validation, Vouching,
};
use super::graph::{Flow, Graph, NodeId};
use super::points::{LEAST_ADDRESS_BITS, Profile, SATURATED, STRONG_ADDRESS_BITS, UNLIMITED, VERIFIED};
use super::rules::Rules;
use crate::fingerprint::Fingerprint;
use crate::limits;
use crate::time::Time;

/// A dossier, sorted so that what belongs to a claim is found.
#[derive(Debug)]
pub(super) struct Index<'d> {
    pub(super) dossier: &'d Dossier,
    by_claim: BTreeMap<&'d Claim, Vec<&'d Evidence>>,
    /// The most that any evidence trusts an introducer with.
    introducers: BTreeMap<IntroducerName, u32>,
    /// The most that any root of an operator is worth; nothing for that of the profile.
    operators: BTreeMap<&'d Operator, BTreeSet<Option<u32>>>,
}

impl<'d> Index<'d> {
    pub(super) fn of(dossier: &'d Dossier) -> Self {
        let mut index = Self {
            dossier,
            by_claim: BTreeMap::new(),
            introducers: BTreeMap::new(),
            operators: BTreeMap::new(),
        };
        for evidence in dossier.evidence.iter().take(limits::EVIDENCE) {
            index.by_claim.entry(&evidence.claim).or_default().push(evidence);
            match &evidence.kind {
                Kind::Vouched(vouching) => index.add_introducers(&vouching.introducers),
                Kind::Endorsed(Endorsement { endorser: Endorser::OpenPgp(introducers), .. }) => {
                    index.add_introducers(introducers);
                }
                Kind::Endorsed(Endorsement { endorser: Endorser::Contact { signer, amount }, .. }) => {
                    index.add_introducer(IntroducerName::Key(*signer.key()), *amount);
                }
                Kind::Chain(Chain { anchor: Anchor::Public { operator, amount }, .. }) => {
                    index.operators.entry(operator).or_default().insert(*amount);
                }
                _ => {}
            }
        }
        index
    }

    fn add_introducers(&mut self, introducers: &[Introducer]) {
        for introducer in introducers.iter().take(limits::INTRODUCERS) {
            self.add_introducer(introducer.name, introducer.amount);
        }
    }

    fn add_introducer(&mut self, name: IntroducerName, amount: u32) {
        let most = self.introducers.entry(name).or_default();
        *most = (*most).max(amount.min(VERIFIED));
    }

    /// What speaks for a claim.
    pub(super) fn about(&self, claim: &Claim) -> &[&'d Evidence] {
        self.by_claim.get(claim).map_or(&[], Vec::as_slice)
    }

    /// All claims of one address that anything speaks for.
    pub(super) fn claims_like(&self, claim: &Claim) -> impl Iterator<Item = &'d Claim> {
        let address = claim.address().clone();
        self.by_claim.keys().copied().filter(move |other| *other.address() == address)
    }

    /// Whether the key is dead at a moment.
    pub(super) fn is_revoked(&self, key: &Fingerprint, at: Time) -> bool {
        let mut revocations = self.dossier.revocations.iter();
        revocations
            .any(|revocation| revocation.key == *key && revocation.since.is_none_or(|since| since <= at))
    }

    fn is_ever_revoked(&self, key: &Fingerprint) -> bool {
        self.dossier.revocations.iter().any(|revocation| revocation.key == *key)
    }
}

/// A node of the evidence graph.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Node {
    /// The person who asks.
    You,
    /// A claim, as of a moment: what follows a key carries over what it was worth then.
    Claim(Claim, Time),
    /// Something to subvert.
    Domain(Domain),
    /// The same, for one claim: see the first lines of this file.
    Copy(Domain, Claim, Time),
}

/// The evidence graph of one question.
pub(super) struct Network {
    pub(super) graph: Graph<Node>,
    source: NodeId,
    sink: NodeId,
    /// Copies of one domain, where there are several.
    shared: Vec<(Domain, Vec<NodeId>)>,
    /// Whether there was more evidence than fits.
    is_incomplete: bool,
}

/// What a graph is worth, and the cheapest way to make it say something false.
#[derive(Clone, Debug)]
pub(super) struct Score {
    pub(super) points: u32,
    /// Sorted.
    pub(super) cut: Vec<Cost>,
    /// How much flows through each node of the graph.
    pub(super) through: Vec<u32>,
    pub(super) is_incomplete: bool,
}

impl Network {
    /// The graph for a claim at a moment. The keys in `without` speak for nothing.
    pub(super) fn of(
        claim: &Claim,
        index: &Index<'_>,
        rules: &Rules,
        at: Time,
        without: &BTreeSet<Fingerprint>,
    ) -> Self {
        let evidence = |claim: &Claim| index.about(claim).to_vec();
        Builder::new(index, rules, at, without).build(claim, evidence)
    }

    /// The graph of one item of evidence alone, with whatever it rests on.
    pub(super) fn of_one(evidence: &Evidence, index: &Index<'_>, rules: &Rules, at: Time) -> Self {
        let nothing = BTreeSet::new();
        let only = |claim: &Claim| {
            if *claim == evidence.claim { vec![evidence] } else { index.about(claim).to_vec() }
        };
        Builder::new(index, rules, at, &nothing).build(&evidence.claim, only)
    }

    /// The cost of the cheapest attack: without shared copies the maximal flow, else the least over
    /// what is bought of them.
    pub(super) fn score(&self) -> Score {
        let decided = self.shared.len().min(limits::SHARED_CAUSES);
        let mut best: Option<Score> = None;
        for bought in 0..1_u32 << decided {
            let is_bought = |position: usize| bought >> position & 1 == 1;
            let price = (0..decided)
                .filter(|position| is_bought(*position))
                .fold(0, |sum: u32, position| sum.saturating_add(self.price(position)));
            if best.as_ref().is_some_and(|best| best.points <= price) {
                continue;
            }
            let capacities = self.capacities(decided, is_bought);
            let flow = self
                .graph
                .flow_with(self.source, self.sink, |id, own| capacities.get(&id).copied().unwrap_or(own));
            let score = self.score_of(&flow, price, decided, is_bought);
            if best.as_ref().is_none_or(|best| score.points < best.points) {
                best = Some(score);
            }
        }
        best.unwrap_or(Score { points: 0, cut: Vec::new(), through: Vec::new(), is_incomplete: true })
    }

    /// What a shared domain costs.
    fn price(&self, position: usize) -> u32 {
        let copies = self.shared.get(position).map(|(_, copies)| copies.as_slice()).unwrap_or_default();
        copies.iter().map(|copy| self.graph.capacity(*copy)).max().unwrap_or(0)
    }

    /// The capacities of copies: none where their domain is bought, unlimited where it is not. Of
    /// domains beyond the limit only the first copy carries anything, which under-reports.
    fn capacities(&self, decided: usize, is_bought: impl Fn(usize) -> bool) -> BTreeMap<NodeId, u32> {
        let mut capacities = BTreeMap::new();
        for (position, (_, copies)) in self.shared.iter().enumerate() {
            for (number, copy) in copies.iter().enumerate() {
                let capacity = if position >= decided {
                    if number == 0 { continue } else { 0 }
                } else if is_bought(position) {
                    0
                } else {
                    UNLIMITED
                };
                capacities.insert(*copy, capacity);
            }
        }
        capacities
    }

    fn score_of(&self, flow: &Flow, price: u32, decided: usize, is_bought: impl Fn(usize) -> bool) -> Score {
        let points = flow.value.saturating_add(price).min(SATURATED);
        let mut cut = BTreeMap::new();
        if points < SATURATED && !flow.is_incomplete {
            for (position, (domain, _)) in self.shared.iter().enumerate().take(decided) {
                if is_bought(position) {
                    cut.insert(domain.clone(), self.price(position));
                }
            }
            for id in &flow.cut {
                if let Some(Node::Domain(domain) | Node::Copy(domain, ..)) = self.graph.name(*id) {
                    cut.insert(domain.clone(), self.graph.capacity(*id));
                }
            }
        }
        let cut = cut.into_iter().map(|(domain, points)| Cost { domain, points }).collect();
        let is_incomplete = self.is_incomplete || flow.is_incomplete || self.shared.len() > decided;
        Score { points, cut, through: flow.through.clone(), is_incomplete }
    }
}

struct Builder<'b, 'd> {
    index: &'b Index<'d>,
    rules: &'b Rules,
    at: Time,
    without: &'b BTreeSet<Fingerprint>,
    graph: Graph<Node>,
    source: NodeId,
    /// Claims whose evidence is not yet in the graph.
    open: Vec<(Claim, Time)>,
    /// Items of evidence that are in the graph; one may be there for several moments.
    added: usize,
}

/// A claim whose evidence is being added.
struct Place<'p> {
    claim: &'p Claim,
    at: Time,
    node: NodeId,
}

impl<'b, 'd> Builder<'b, 'd> {
    fn new(index: &'b Index<'d>, rules: &'b Rules, at: Time, without: &'b BTreeSet<Fingerprint>) -> Self {
        let mut graph = Graph::new();
        let source = graph.node(Node::You, UNLIMITED);
        Self { index, rules, at, without, graph, source, open: Vec::new(), added: 0 }
    }

    fn build<'e>(mut self, claim: &Claim, about: impl Fn(&Claim) -> Vec<&'e Evidence>) -> Network {
        let sink = self.claim(claim, self.at);
        while let Some((claim, at)) = self.open.pop() {
            let node = self.graph.node(Node::Claim(claim.clone(), at), UNLIMITED);
            let place = Place { claim: &claim, at, node };
            if self.index.is_revoked(claim.key(), at) {
                continue;
            }
            for evidence in about(&claim) {
                let counts = evidence.period.contains(at) && self.rules.admits(&evidence.kind);
                if counts && self.added < limits::EVIDENCE {
                    self.added += 1;
                    self.add(&place, &evidence.kind);
                }
            }
        }
        let shared = self.shared();
        let is_incomplete = self.added >= limits::EVIDENCE;
        Network { graph: self.graph, source: self.source, sink, shared, is_incomplete }
    }

    fn shared(&self) -> Vec<(Domain, Vec<NodeId>)> {
        let mut copies: BTreeMap<Domain, Vec<NodeId>> = BTreeMap::new();
        for (id, node, capacity) in self.graph.nodes() {
            if let (Node::Copy(domain, ..), true) = (node, capacity != UNLIMITED) {
                copies.entry(domain.clone()).or_default().push(id);
            }
        }
        copies.into_iter().filter(|(_, copies)| copies.len() > 1).collect()
    }

    /// The node of a claim; its evidence is added when its turn comes.
    fn claim(&mut self, claim: &Claim, at: Time) -> NodeId {
        let name = Node::Claim(claim.clone(), at);
        if let Some(found) = self.graph.find(&name) {
            return found;
        }
        if !self.without.contains(claim.key()) {
            self.open.push((claim.clone(), at));
        }
        self.graph.node(name, UNLIMITED)
    }

    fn domain(&mut self, domain: Domain, capacity: u32) -> NodeId {
        self.graph.node(Node::Domain(domain), capacity)
    }

    /// A domain right behind another node; answers with its node.
    fn after(&mut self, before: NodeId, domain: Domain, capacity: u32) -> NodeId {
        let node = self.domain(domain, capacity);
        self.graph.connect(before, node);
        node
    }

    fn copy_after(&mut self, before: NodeId, domain: Domain, capacity: u32, place: &Place<'_>) -> NodeId {
        let node = self.graph.node(Node::Copy(domain, place.claim.clone(), place.at), capacity);
        self.graph.connect(before, node);
        node
    }

    fn add(&mut self, place: &Place<'_>, kind: &Kind) {
        let capacities = &self.rules.capacities;
        let mail_domain = || place.claim.address().domain().to_owned();
        match kind {
            Kind::Pinned(how) => self.pin(place, *how),
            Kind::Chain(chain) => self.chain(place, chain),
            Kind::CertifiedByUser { root, binding } => {
                let domain = Domain::OwnCertification { root: *root, claim: place.claim.clone() };
                let own = self.after(self.source, domain, capacities.own_certification);
                self.bind(place, own, *binding);
            }
            Kind::Vouched(vouching) => self.vouching(place, vouching),
            Kind::Endorsed(endorsement) => self.endorsement(place, endorsement),
            Kind::History(correspondence) => {
                let points = correspondence.points(place.at);
                let history = self.after(self.source, Domain::History(place.claim.clone()), points);
                self.by_provider(place, history);
            }
            Kind::DnsRecord { secure } => {
                let (domain, capacity) = if *secure {
                    (Domain::Dnssec(mail_domain()), capacities.dnssec)
                } else {
                    (Domain::Dns(mail_domain()), capacities.dns)
                };
                let record = self.after(self.source, domain, capacity);
                self.by_provider(place, record);
            }
            Kind::WebDirectory => {
                let web = self.after(self.source, Domain::WebPki(mail_domain()), capacities.web_pki);
                self.by_provider(place, web);
            }
            Kind::Keyserver { name } => {
                let server = self.after(self.source, Domain::Keyserver(name.clone()), capacities.keyserver);
                self.by_mailbox(place, server);
            }
            Kind::Gossip { by } => self.gossip(place, by),
            Kind::Succeeds(succession) => self.succession(place, succession),
            Kind::IssuedBy { authority } => {
                let authority = place.claim.with_key(*authority);
                let base = self.claim(&authority, place.at);
                let issued = self.after(base, Domain::Issued(authority), capacities.issued);
                self.graph.connect(issued, place.node);
            }
            Kind::NamedBy { signing_key } => {
                let by = place.claim.with_key(*signing_key);
                let base = self.claim(&by, place.at);
                let named = Domain::Named { by, key: *place.claim.key() };
                let named = self.after(base, named, capacities.named);
                self.graph.connect(named, place.node);
            }
        }
    }

    fn pin(&mut self, place: &Place<'_>, how: Comparison) {
        let capacities = &self.rules.capacities;
        let capacity = match how {
            Comparison::Own | Comparison::InPerson | Comparison::Succession => capacities.pin_in_person,
            Comparison::ByVideo => capacities.pin_by_video,
            Comparison::StrongAddress { bits: STRONG_ADDRESS_BITS.. } => capacities.pin_strong_address,
            Comparison::StrongAddress { bits: LEAST_ADDRESS_BITS.. } => capacities.pin_short_address,
            Comparison::StrongAddress { .. } => return,
        };
        let domain = Domain::Pin { claim: place.claim.clone(), how: how.into() };
        let pin = self.after(self.source, domain, capacity);
        self.graph.connect(pin, place.node);
    }

    fn chain(&mut self, place: &Place<'_>, chain: &Chain) {
        let capacities = &self.rules.capacities;
        match &chain.anchor {
            Anchor::Own { authority, amount } => {
                let capacity = amount.unwrap_or(capacities.own_authority);
                let own = self.after(self.source, Domain::OwnAuthority(*authority), capacity);
                self.graph.connect(own, place.node);
            }
            Anchor::Public { operator, amount } => {
                let root = self.root(operator, *amount);
                match chain.validation {
                    Validation::Mailbox => self.mailbox_check(place, root, chain),
                    Validation::Individual => {
                        self.mailbox_check(place, root, chain);
                        let identity = Domain::Identity(operator.clone());
                        let identity = self.after(root, identity, capacities.identity);
                        self.graph.connect(identity, place.node);
                    }
                    Validation::Organisation => {
                        self.by_provider(place, root);
                        let organisation = Domain::Organisation(operator.clone());
                        let organisation = self.after(root, organisation, capacities.organisation);
                        self.graph.connect(organisation, place.node);
                    }
                }
            }
        }
    }

    /// The operator of a root, and behind it the root where it is worth less than others of theirs.
    fn root(&mut self, operator: &Operator, amount: Option<u32>) -> NodeId {
        let usual = self.rules.capacities.operator;
        let amounts = self.index.operators.get(operator).into_iter().flatten();
        let most = amounts.map(|amount| amount.unwrap_or(usual)).max().unwrap_or(usual);
        let amount = amount.unwrap_or(usual);
        let node = self.after(self.source, Domain::Operator(operator.clone()), most);
        if amount >= most {
            return node;
        }
        self.after(node, Domain::Root { operator: operator.clone(), amount }, amount)
    }

    /// What a CA's mail to the address proves, now or when it was witnessed.
    fn mailbox_check(&mut self, place: &Place<'_>, root: NodeId, chain: &Chain) {
        let capacities = &self.rules.capacities;
        let windows = chain.witnessed.as_ref().and_then(|witnessed| windows(witnessed.since, self.at));
        let Some(windows) = windows else { return self.by_mailbox(place, root) };
        let capacity = aged(capacities.mailbox, chain.witnessed.as_ref(), self.at, capacities);
        let mut before = root;
        for from in windows {
            let address = place.claim.address().clone();
            before = self.copy_after(before, Domain::EarlierMailbox { address, from }, capacity, place);
        }
        self.by_provider(place, before);
    }

    fn by_mailbox(&mut self, place: &Place<'_>, before: NodeId) {
        let capacity = self.rules.capacities.mailbox;
        let domain = Domain::Mailbox(place.claim.address().clone());
        let mailbox = self.copy_after(before, domain, capacity, place);
        self.by_provider(place, mailbox);
    }

    fn by_provider(&mut self, place: &Place<'_>, before: NodeId) {
        let domain = place.claim.address().domain();
        let capacity = self.rules.provider(domain);
        let provider = self.copy_after(before, Domain::Provider(domain.to_owned()), capacity, place);
        self.graph.connect(provider, place.node);
    }

    fn vouching(&mut self, place: &Place<'_>, vouching: &Vouching) {
        let Some((last, by)) = self.introducers(&vouching.introducers) else { return };
        let certification = Domain::Certification { by, claim: place.claim.clone() };
        let mut before = self.after(last, certification, vouching.amount.min(VERIFIED));
        if let Some(carried) = vouching.carried {
            before = self.after(before, Domain::Web(place.claim.clone()), carried);
        }
        self.bind(place, before, vouching.binding);
    }

    fn bind(&mut self, place: &Place<'_>, before: NodeId, binding: Binding) {
        let before = match binding {
            Binding::Twin => before,
            Binding::Linked(certificate) => {
                let link = Domain::Link { certificate, claim: place.claim.clone() };
                self.after(before, link, self.rules.capacities.link)
            }
        };
        self.graph.connect(before, place.node);
    }

    /// A path of introducers: the node of the last, and its name.
    fn introducers(&mut self, introducers: &[Introducer]) -> Option<(NodeId, IntroducerName)> {
        if introducers.len() > limits::INTRODUCERS {
            return None;
        }
        let mut before = (self.source, None);
        for introducer in introducers {
            let node = if introducer.is_user {
                self.after(before.0, Domain::Introducer(introducer.name), UNLIMITED)
            } else {
                self.introducer(before.0, before.1, introducer.name, introducer.amount)
            };
            before = (node, Some(introducer.name));
        }
        before.1.map(|name| (before.0, name))
    }

    /// An introducer whom somebody relies on with an amount.
    fn introducer(
        &mut self,
        before: NodeId,
        by: Option<IntroducerName>,
        name: IntroducerName,
        amount: u32,
    ) -> NodeId {
        let amount = amount.min(VERIFIED);
        let most = match self.rules.capacities.profile {
            // As OpenPGP has it: certifications have amounts, people have none.
            Profile::WotOnly => UNLIMITED,
            Profile::Blended | Profile::Hardened | Profile::Either | Profile::CaOnly | Profile::PinOnly => {
                let most = self.index.introducers.get(&name).copied().unwrap_or(amount);
                most.min(self.rules.capacities.introducer)
            }
        };
        let is_root_of_openpgp = by.is_none() && amount >= VERIFIED;
        let before = if amount >= most || (most == UNLIMITED && is_root_of_openpgp) {
            before
        } else {
            self.after(before, Domain::Introduction { by, of: name }, amount)
        };
        let introducer = self.after(before, Domain::Introducer(name), most);
        if amount >= most || most == UNLIMITED {
            return introducer;
        }
        // All evidence meets in the introducer: what comes in by a wider way must not go on by this one.
        self.after(introducer, Domain::Reliance { on: name, amount }, amount)
    }

    fn endorsement(&mut self, place: &Place<'_>, endorsement: &Endorsement) {
        let capacities = &self.rules.capacities;
        let stated = endorsement.amount.min(VERIFIED);
        let amount = aged(stated, endorsement.witnessed.as_ref(), self.at, capacities);
        let (before, by) = match &endorsement.endorser {
            Endorser::OpenPgp(introducers) => match self.introducers(introducers) {
                Some(last) => last,
                None => return,
            },
            Endorser::Contact { signer, amount } => {
                let base = self.claim(signer, place.at);
                let name = IntroducerName::Key(*signer.key());
                (self.introducer(base, None, name, *amount), name)
            }
            Endorser::Correspondent { signer } => return self.peer(place, signer, amount),
        };
        let domain = Domain::Certification { by, claim: place.claim.clone() };
        let certification = self.after(before, domain, amount);
        self.graph.connect(certification, place.node);
    }

    fn peer(&mut self, place: &Place<'_>, signer: &Claim, amount: u32) {
        let base = self.claim(signer, place.at);
        let domain = Domain::Peer { by: signer.clone(), claim: place.claim.clone() };
        let peer = self.after(base, domain, amount);
        let all = Domain::AllPeers(place.claim.clone());
        let all = self.after(peer, all, self.rules.capacities.peers);
        self.graph.connect(all, place.node);
    }

    fn gossip(&mut self, place: &Place<'_>, by: &Claim) {
        let capacities = &self.rules.capacities;
        let base = self.claim(by, place.at);
        let domain = Domain::Gossip { by: by.clone(), claim: place.claim.clone() };
        let gossip = self.after(base, domain, capacities.gossip);
        let all = self.after(gossip, Domain::AllGossip(place.claim.clone()), capacities.all_gossip);
        self.graph.connect(all, place.node);
    }

    /// What the key before was worth when it named its successor. A statement of a key that is
    /// revoked, that had ended, or that names itself, says nothing.
    fn succession(&mut self, place: &Place<'_>, succession: &Succession) {
        let is_late = succession.old_ended.is_some_and(|ended| succession.issued > ended);
        let is_own = succession.old == *place.claim.key();
        if is_own || is_late || succession.issued > place.at || self.index.is_ever_revoked(&succession.old) {
            return;
        }
        let old = place.claim.with_key(succession.old);
        let base = self.claim(&old, succession.issued);
        let domain = Domain::Succession { old, new: *place.claim.key() };
        let succession = self.after(base, domain, self.rules.capacities.succession);
        self.graph.connect(succession, place.node);
    }
}
