//! The web at a moment, for certain roots and introducers.

use super::certificate::{Certificate, Certification, Depth};
use super::reliance::Reliances;
use super::scope::Scope;
use super::search::{Edge, Found, Graph, Node, Question};
use super::{FULL, web::Web};
use crate::fingerprint::OpenPgpFingerprint;
use crate::limits;
use crate::time::Time;

/// Who certified whom at a moment, as far as the user relies on them.
///
/// The meaning of its answers is that of sequoia-wot, to the point: a pair of certificates carries
/// the largest amount of its certifications, whatever the user identifiers; of several
/// certifications of one user identifier by one issuer the newest counts; a revoked user identifier
/// has no points, and one without a self-signature can have some; a certificate introduces its own
/// other user identifiers without limit; regular expressions are held against the user identifier
/// that is asked about, and nothing else.
#[derive(Debug)]
pub struct Network<'w> {
    at: Time,
    certificates: Vec<&'w Certificate>,
    graph: Graph,
}

/// How far a user identifier belongs to a certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Authentication {
    /// What all paths carry together, in points; [`FULL`] for each path at most.
    pub amount: u32,
    /// The paths, the best first.
    pub paths: Vec<Path>,
}

/// A chain of certifications from a root to a user identifier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// Where it starts.
    pub root: OpenPgpFingerprint,
    /// What it carries.
    pub amount: u8,
    /// Its certifications; none where the root itself is asked about.
    pub steps: Vec<Step>,
    /// Whether the owner's own signature on the user identifier is its last step: the certificate
    /// was reached by another of its user identifiers.
    pub ends_in_self_signature: bool,
}

/// A certification of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Who certified.
    pub issuer: OpenPgpFingerprint,
    /// Whom.
    pub target: OpenPgpFingerprint,
    /// As whom. Foreign text.
    pub user_id: String,
    /// How far.
    pub amount: u8,
    /// When.
    pub created: Time,
}

impl<'w> Network<'w> {
    /// The web at a moment.
    pub(super) fn new(web: &'w Web, reliances: &Reliances, at: Time) -> Self {
        let certificates: Vec<&Certificate> =
            web.certificates().filter(|certificate| certificate.valid.contains(at)).collect();
        let root = |certificate: &&Certificate| reliances.root(&certificate.fingerprint).cloned();
        let roots = certificates.iter().map(root).collect();
        let mut network = Self { at, certificates, graph: Graph { incoming: Vec::new(), roots } };
        network.graph.incoming =
            network.certificates.iter().map(|target| network.edges_to(target, reliances)).collect();
        network
    }

    /// The moment for which it answers.
    #[must_use]
    pub const fn at(&self) -> Time {
        self.at
    }

    /// How far a user identifier belongs to a certificate. The search ends once paths carry
    /// `wanted` points: [`FULL`] to know whether they suffice, [`u32::MAX`] to know all.
    ///
    /// The certificate's own expiry and revocation are not asked here: what others said about it
    /// stays said. `sq pki authenticate` asks for both ([`Certificate::is_usable_at`]).
    #[must_use]
    pub fn authenticate(
        &self,
        user_id: &str,
        certificate: &OpenPgpFingerprint,
        wanted: u32,
    ) -> Authentication {
        let Some(target) = self.node(certificate) else { return Authentication::default() };
        let Some(question) = self.question(target, user_id) else { return Authentication::default() };
        let found = self.graph.paths(question, wanted, limits::OPENPGP_PATHS);
        Authentication {
            amount: found.iter().map(|path| u32::from(path.amount)).sum(),
            paths: found.iter().filter_map(|path| self.path(path)).collect(),
        }
    }

    fn question<'q>(&self, target: Node, text: &'q str) -> Option<Question<'q>> {
        let user_ids = &self.certificates.get(target)?.user_ids;
        let user_id = user_ids.iter().position(|user_id| user_id.text == text);
        let known = user_id.and_then(|place| user_ids.get(place));
        if known.is_some_and(|user_id| user_id.revoked.contains(self.at)) {
            return None;
        }
        let self_signed = known.is_some_and(|user_id| user_id.self_signed.contains(self.at));
        Some(Question { target, user_id, text, self_signed })
    }

    fn node(&self, fingerprint: &OpenPgpFingerprint) -> Option<Node> {
        self.certificates.binary_search_by(|certificate| certificate.fingerprint.cmp(fingerprint)).ok()
    }

    /// The active certifications of a certificate: of each issuer and user identifier the newest.
    fn edges_to(&self, target: &Certificate, reliances: &Reliances) -> Vec<Edge> {
        let same_binding = |a: &(usize, &Certification), b: &(usize, &Certification)| {
            (a.1.issuer, a.1.user_id) == (b.1.issuer, b.1.user_id)
        };
        let certifications: Vec<(usize, &Certification)> = target.certifications.iter().enumerate().collect();
        let mut edges = Vec::new();
        for group in certifications.chunk_by(same_binding) {
            let Some(issuer) = group.first().and_then(|(_, first)| self.node(&first.issuer)) else {
                continue;
            };
            let counts = |certification: &Certification| {
                let was_usable = |issuer: &&Certificate| issuer.is_usable_at(certification.created);
                certification.holds_at(self.at) && self.certificates.get(issuer).is_some_and(was_usable)
            };
            let active = || group.iter().filter(|(_, certification)| counts(certification));
            let Some(newest) = active().map(|(_, certification)| certification.created).max() else {
                continue;
            };
            let of_newest = active().filter(|(_, certification)| certification.created == newest);
            edges.extend(of_newest.map(|(place, certification)| {
                edge(issuer, *place, certification, &target.fingerprint, reliances)
            }));
        }
        edges
    }

    fn path(&self, found: &Found<'_>) -> Option<Path> {
        let steps = found.edges.iter().map(|(edge, target)| self.step(edge, *target));
        Some(Path {
            root: self.certificates.get(found.root)?.fingerprint,
            amount: found.amount,
            steps: steps.collect::<Option<_>>()?,
            ends_in_self_signature: found.ends_in_self_signature,
        })
    }

    fn step(&self, edge: &Edge, target: Node) -> Option<Step> {
        let target = self.certificates.get(target)?;
        let certification = target.certifications.get(edge.certification)?;
        Some(Step {
            issuer: certification.issuer,
            target: target.fingerprint,
            user_id: target.user_ids.get(certification.user_id)?.text.clone(),
            amount: edge.amount,
            created: certification.created,
        })
    }
}

/// A certification with what the user's reliances make of it.
fn edge(
    issuer: Node,
    place: usize,
    certification: &Certification,
    target: &OpenPgpFingerprint,
    reliances: &Reliances,
) -> Edge {
    let root = reliances.root(&certification.issuer).map(|root| root.amount);
    let introducer = reliances.introducer(&certification.issuer);
    // A root that is an introducer too was relied upon in two ways; the larger amount counts.
    let most = root.max(introducer).unwrap_or(FULL);
    let is_introducer = reliances.introducer(target).is_some();
    let depth = if is_introducer { Depth::Unlimited } else { certification.depth };
    let longest = reliances.longest_chain().map_or(Depth::Unlimited, |longest| {
        // So many introducers stand between the issuer and the target of a chain of that length.
        Depth::Limited(longest.saturating_sub(1))
    });
    Edge {
        issuer,
        user_id: certification.user_id,
        amount: certification.amount.min(most).min(FULL),
        depth: depth.min(longest),
        scope: if is_introducer { Scope::Everything } else { Scope::of(&certification.regular_expressions) },
        certification: place,
    }
}
