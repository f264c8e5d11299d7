//! The search for a path: upwards from the leaf, likeliest issuers first.

use std::collections::HashMap;

use super::anchor::Anchor;
use super::budget::{Allowance, Budget};
use super::check::{Path, check, which};
use super::distinguished_name::DistinguishedName;
use super::error::{BudgetKind, PathError};
use super::revoked::statuses;
use super::{PathRequest, Purpose, ValidPath};
use crate::limits;
use crate::x509::revocation::{DistributionPoint, RevocationEvidence, distribution_points};
use crate::x509::{Certificate, PublicKey};

pub(super) fn find(
    leaf: &Certificate,
    offered: &[Certificate],
    anchors: &[Anchor],
    revocation: &RevocationEvidence,
    request: &PathRequest,
    allowance: &Allowance,
) -> Result<ValidPath, PathError> {
    if allowance.is_spent() {
        return Err(PathError::Budget(BudgetKind::Signatures));
    }
    let pool = Pool::new(leaf, offered, anchors, revocation)?;
    let mut search = Search {
        pool: &pool,
        revocation,
        budget: Budget::new(allowance),
        allowance,
        signed: HashMap::new(),
        lists_signed: HashMap::new(),
    };
    search.path_from(0, None, request, &mut Vec::new())
}

/// A certificate that may stand in a path.
pub(super) struct Node<'a> {
    pub(super) certificate: &'a Certificate,
    /// Its index among the anchors, if it is one.
    pub(super) anchor: Option<usize>,
}

/// The certificates that names lead to from the leaf upwards, those who issue revocation lists
/// included: the leaf first, then what was offered, then the anchors. Whole stores and root lists are offered, so most of them are not
/// looked at twice.
pub(super) struct Pool<'a> {
    pub(super) nodes: Vec<Node<'a>>,
    pub(super) offered: &'a [Certificate],
    pub(super) anchors: &'a [Anchor],
}

impl<'a> Pool<'a> {
    fn new(
        leaf: &'a Certificate,
        offered: &'a [Certificate],
        anchors: &'a [Anchor],
        revocation: &'a RevocationEvidence,
    ) -> Result<Self, PathError> {
        let is_anchor = |certificate| anchors.iter().any(|anchor| anchor.certificate() == certificate);
        let mut nodes = vec![Node { certificate: leaf, anchor: None }];
        let mut names = Vec::new();
        let mut next = 0;
        while let Some(certificate) = nodes.get(next).map(|node| node.certificate) {
            next += 1;
            for name in names_above(certificate, revocation) {
                if names.contains(&name) {
                    continue;
                }
                for certificate in offered.iter().filter(|offer| offer.subject_name() == Some(&name)) {
                    let is_known = nodes.iter().any(|node| node.certificate == certificate);
                    if !is_known && !is_anchor(certificate) {
                        nodes.push(Node { certificate, anchor: None });
                    }
                    if nodes.len() > 1 + limits::CERTIFICATES {
                        return Err(PathError::Budget(BudgetKind::Certificates));
                    }
                }
                names.push(name);
            }
        }
        let mut ends = Vec::new();
        for (index, anchor) in anchors.iter().enumerate() {
            let certificate = anchor.certificate();
            let is_wanted = certificate.subject_name().is_some_and(|name| names.contains(name));
            if certificate == leaf || is_wanted {
                ends.push(Node { certificate, anchor: Some(index) });
            }
        }
        nodes.extend(ends);
        Ok(Self { nodes, offered, anchors })
    }

    /// Nodes that may have issued `child`: anchors before others, and among each those first whose
    /// key identifier is the one that the child names. Identifiers only order; they can be wrong
    /// in honest certificates and right in forged ones.
    fn issuers(&self, child: &Node<'_>) -> Vec<usize> {
        let Some(name) = child.certificate.issuer_name().filter(|_| child.anchor.is_none()) else {
            return Vec::new();
        };
        let wanted = child.certificate.authority_key_identifier();
        let mut issuers: Vec<(bool, u8, usize)> = self
            .nodes
            .iter()
            .enumerate()
            .filter(|(_, node)| node.certificate.subject_name() == Some(name))
            .map(|(index, node)| {
                let identifier = node.certificate.subject_key_identifier();
                (node.anchor.is_none(), key_identifier_distance(wanted, identifier), index)
            })
            .collect();
        issuers.sort_unstable();
        issuers.into_iter().map(|(_, _, index)| index).collect()
    }
}

/// Who issued the certificate, and who issues the lists at hand that speak of it.
fn names_above(certificate: &Certificate, revocation: &RevocationEvidence) -> Vec<DistinguishedName> {
    let points = distribution_points(certificate);
    let list_issuers = points.iter().flat_map(DistributionPoint::list_issuers);
    let list_issuers = list_issuers.filter(|name| revocation.lists.iter().any(|list| list.issuer() == *name));
    certificate.issuer_name().into_iter().chain(list_issuers).cloned().collect()
}

/// 0 where both identifiers are there and equal, 2 where they differ.
pub(super) fn key_identifier_distance(wanted: Option<&[u8]>, found: Option<&[u8]>) -> u8 {
    match (wanted, found) {
        (Some(wanted), Some(found)) if wanted == found => 0,
        (Some(_), Some(_)) => 2,
        _ => 1,
    }
}

pub(super) struct Search<'a> {
    pub(super) pool: &'a Pool<'a>,
    pub(super) revocation: &'a RevocationEvidence,
    pub(super) budget: Budget,
    allowance: &'a Allowance,
    /// Results of signature checks, so that none is paid for twice: child and issuer.
    signed: HashMap<(usize, usize), bool>,
    /// The same for revocation lists: list and signer.
    lists_signed: HashMap<(usize, usize), bool>,
}

/// The best of what was found so far.
struct Findings {
    valid: Option<ValidPath>,
    miss: PathError,
}

impl<'a> Search<'a> {
    /// A valid path from a node to an anchor: to that one, where it is given.
    ///
    /// `suspended` are nodes whose own status is being asked for, and which therefore cannot
    /// vouch for anything.
    pub(super) fn path_from(
        &mut self,
        start: usize,
        anchor: Option<usize>,
        request: &PathRequest,
        suspended: &mut Vec<usize>,
    ) -> Result<ValidPath, PathError> {
        let node = self.node(start)?;
        let no_anchor =
            PathError::NoAnchor { which: which(0, node.certificate), issuer: node.certificate.issuer() };
        let mut findings = Findings { valid: None, miss: no_anchor };
        // A certificate that is an anchor itself needs no other.
        let mut itself = self.pool.nodes.iter();
        let itself = itself.position(|other| other.anchor.is_some() && other.certificate == node.certificate);
        if let Some(itself) = itself {
            self.complete(&[itself], anchor, request, suspended, &mut findings);
        }
        if findings.valid.is_none() {
            self.extend(&mut vec![start], anchor, request, suspended, &mut findings);
        }
        findings.valid.ok_or(findings.miss)
    }

    /// Before a signature is checked.
    pub(super) fn spend_signature(&mut self) -> Result<(), PathError> {
        self.budget.spend_signature(self.allowance)
    }

    pub(super) fn node(&self, index: usize) -> Result<&'a Node<'a>, PathError> {
        // Indices come from the pool itself, so this never fails.
        self.pool.nodes.get(index).ok_or(PathError::Budget(BudgetKind::Certificates))
    }

    fn extend(
        &mut self,
        path: &mut Vec<usize>,
        anchor: Option<usize>,
        request: &PathRequest,
        suspended: &mut Vec<usize>,
        findings: &mut Findings,
    ) {
        let Some(&child) = path.last() else { return };
        let Some(node) = self.pool.nodes.get(child) else { return };
        let depth = path.len() - 1;
        let mut issuers = self.pool.issuers(node);
        issuers.retain(|&issuer| !self.is_on_path(path, issuer));
        if issuers.is_empty() {
            let issuer = node.certificate.issuer();
            findings.miss(PathError::NoAnchor { which: which(depth, node.certificate), issuer });
        }
        for issuer in issuers {
            if findings.is_perfect() {
                return;
            }
            match self.budget.spend_step().and_then(|()| self.is_signed(child, issuer)) {
                Ok(true) => {}
                Ok(false) => {
                    findings.miss(PathError::BadSignature { which: which(depth, node.certificate) });
                    continue;
                }
                Err(error) => return findings.miss(error),
            }
            path.push(issuer);
            let is_anchor = self.pool.nodes.get(issuer).is_some_and(|node| node.anchor.is_some());
            if path.len() + usize::from(!is_anchor) > request.depth {
                findings.miss(PathError::Budget(BudgetKind::Depth));
            } else if is_anchor {
                self.complete(path, anchor, request, suspended, findings);
            } else {
                self.extend(path, anchor, request, suspended, findings);
            }
            path.pop();
        }
    }

    /// Whether the certificate, or another one for its name and key, is on the path already: such a
    /// path would be a loop (RFC 4158, section 5.2).
    fn is_on_path(&self, path: &[usize], issuer: usize) -> bool {
        let Some(issuer) = self.pool.nodes.get(issuer) else { return true };
        path.iter().filter_map(|&index| self.pool.nodes.get(index)).any(|node| {
            node.certificate == issuer.certificate
                || issuer.anchor.is_none()
                    && node.certificate.subject_name() == issuer.certificate.subject_name()
                    && node.certificate.public_key().as_der() == issuer.certificate.public_key().as_der()
        })
    }

    /// Whether one certificate is signed with the key of another; where that key lacks its domain,
    /// only a whole path can say.
    fn is_signed(&mut self, child: usize, issuer: usize) -> Result<bool, PathError> {
        if let Some(&known) = self.signed.get(&(child, issuer)) {
            return Ok(known);
        }
        let key = self.node(issuer)?.certificate.public_key();
        if key.lacks_domain() {
            return Ok(true);
        }
        self.spend_signature()?;
        let signed = self.node(child)?.certificate.is_signed_by(key).is_ok();
        self.signed.insert((child, issuer), signed);
        Ok(signed)
    }

    /// The key of the first certificate of a path, or of the rest of one: a DSA key without
    /// parameters has those of the issuer that this path leads to, and of no other, because whoever
    /// may choose them may sign for the key.
    pub(super) fn working_key(&self, path: &[usize]) -> Option<PublicKey> {
        let (first, above) = path.split_first()?;
        let key = self.pool.nodes.get(*first)?.certificate.public_key();
        if key.lacks_domain() { key.in_domain_of(&self.working_key(above)?) } else { Some(key.clone()) }
    }

    /// The signatures that [`Search::is_signed`] could not check without the whole path.
    fn check_inherited(&mut self, path: &[usize]) -> Result<(), PathError> {
        for (depth, &child) in path.iter().enumerate() {
            let above = path.get(depth + 1..).unwrap_or_default();
            let Some(&issuer) = above.first() else { break };
            if !self.node(issuer)?.certificate.public_key().lacks_domain() {
                continue;
            }
            self.spend_signature()?;
            let child = self.node(child)?.certificate;
            if self.working_key(above).is_none_or(|key| child.is_signed_by(&key).is_err()) {
                return Err(PathError::BadSignature { which: which(depth, child) });
            }
        }
        Ok(())
    }

    /// Whether a list, by its index in the evidence, is signed with the key of a node, given the
    /// path above that, where it is known.
    pub(super) fn is_list_signed(
        &mut self,
        list: usize,
        signer: usize,
        above: &[usize],
    ) -> Result<bool, PathError> {
        if let Some(&known) = self.lists_signed.get(&(list, signer)) {
            return Ok(known);
        }
        self.spend_signature()?;
        let path = [&[signer], above].concat();
        let list_of = |list| self.revocation.lists.get(list);
        let Some((key, found)) = self.working_key(&path).zip(list_of(list)) else { return Ok(false) };
        let signed = found.is_signed_by(&key).is_ok();
        if !self.node(signer)?.certificate.public_key().lacks_domain() {
            self.lists_signed.insert((list, signer), signed);
        }
        Ok(signed)
    }

    /// Judges a path that ends at an anchor.
    fn complete(
        &mut self,
        path: &[usize],
        wanted: Option<usize>,
        request: &PathRequest,
        suspended: &mut Vec<usize>,
        findings: &mut Findings,
    ) {
        let end = path.last().and_then(|&index| self.pool.nodes.get(index)).and_then(|node| node.anchor);
        let Some((index, anchor)) = end.and_then(|index| Some((index, self.pool.anchors.get(index)?))) else {
            return;
        };
        if wanted.is_some_and(|wanted| wanted != index) {
            return;
        }
        match self.judge(path, index, anchor, request, suspended) {
            Ok(valid) => findings.valid(valid),
            Err(error) => findings.miss(error),
        }
    }

    fn judge(
        &mut self,
        path: &[usize],
        index: usize,
        anchor: &Anchor,
        request: &PathRequest,
        suspended: &mut Vec<usize>,
    ) -> Result<ValidPath, PathError> {
        let nodes = path.iter().map(|&index| self.node(index)).collect::<Result<Vec<_>, _>>()?;
        let certificates: Vec<&Certificate> = nodes.iter().map(|node| node.certificate).collect();
        self.check_inherited(path)?;
        self.check_serial_numbers(path)?;
        let checked = check(&Path { certificates: &certificates, anchor }, request, &mut self.budget)?;
        let revocation = statuses(self, path, index, request, suspended)?;
        Ok(ValidPath {
            certificates: certificates.into_iter().cloned().collect(),
            anchor: index,
            revocation,
            weaknesses: checked.weaknesses,
            policies: checked.policies,
            at: request.at,
        })
    }

    /// An issuer that signed two certificates with one serial number cannot revoke one of them, so
    /// neither counts. A forged twin is not signed, and does no harm.
    fn check_serial_numbers(&mut self, path: &[usize]) -> Result<(), PathError> {
        for (depth, pair) in path.windows(2).enumerate() {
            let &[child, _] = pair else { continue };
            let certificate = self.node(child)?.certificate;
            let Some(key) = self.working_key(path.get(depth + 1..).unwrap_or_default()) else { continue };
            let is_twin = |other: &&Certificate| {
                other.serial_number() == certificate.serial_number()
                    && other.issuer_name() == certificate.issuer_name()
                    && *other != certificate
            };
            for twin in self.pool.offered.iter().filter(is_twin) {
                self.spend_signature()?;
                if twin.is_signed_by(&key).is_ok() {
                    return Err(PathError::DuplicateSerialNumber { which: which(depth, certificate) });
                }
            }
        }
        Ok(())
    }
}

impl Findings {
    fn miss(&mut self, error: PathError) {
        let miss = self.miss.clone();
        self.miss = miss.nearer(error);
    }

    /// Strong paths before weak ones, and the first before others.
    fn valid(&mut self, path: ValidPath) {
        if self.valid.as_ref().is_none_or(|best| !best.weaknesses.is_empty() && path.weaknesses.is_empty()) {
            self.valid = Some(path);
        }
    }

    /// Whether nothing better can be found.
    fn is_perfect(&self) -> bool {
        self.valid.as_ref().is_some_and(|path| path.weaknesses.is_empty())
    }
}

/// The request for the path of whoever signs a revocation list.
pub(super) fn signer_request(request: &PathRequest) -> PathRequest {
    PathRequest { depth: request.depth, ..PathRequest::new(Purpose::IssueRevocationLists, request.at) }
}
