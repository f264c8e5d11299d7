//! The certificates that paths end at.

use crate::time::Time;
use crate::x509::Certificate;

/// A CA certificate (or a single person's) that somebody decided to accept.
///
/// RFC 5280 needs only its name and key. We hold its extensions and dates against it too, as
/// everybody does. An anchor of version 1 has no extensions, and is accepted without them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchor {
    certificate: Certificate,
    kind: AnchorKind,
}

/// Who decided to accept an anchor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnchorKind {
    /// The user or the organisation.
    Private,
    /// A public root list; the extended key usage must name mail then.
    Public {
        /// Certificates issued after this moment do not count.
        distrust_after: Option<Time>,
    },
}

impl Anchor {
    /// An anchor that the user or the organisation chose.
    #[must_use]
    pub const fn private(certificate: Certificate) -> Self {
        Self { certificate, kind: AnchorKind::Private }
    }

    /// An anchor of a public root list.
    #[must_use]
    pub const fn public(certificate: Certificate, distrust_after: Option<Time>) -> Self {
        Self { certificate, kind: AnchorKind::Public { distrust_after } }
    }

    /// The certificate.
    #[must_use]
    pub const fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// Who decided.
    #[must_use]
    pub const fn kind(&self) -> AnchorKind {
        self.kind
    }
}
