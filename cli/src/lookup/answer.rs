//! What a source answered.

use counterseal_core::keys::import;
use counterseal_core::limits;
use counterseal_core::lookup::SmimeaRecord;
use counterseal_core::time::Time;
use counterseal_core::x509::Certificate;

use crate::socks::ProxyError;

/// Where certificates are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Smimea,
    Wkd,
    Ldap,
    Http,
    Command,
}

impl Source {
    /// The word on the command line and in JSON.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Smimea => "smimea",
            Self::Wkd => "wkd",
            Self::Ldap => "ldap",
            Self::Http => "http",
            Self::Command => "command",
        }
    }
}

/// One answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) source: Source,
    /// The name, URL or program that was asked.
    pub(crate) asked: String,
    pub(crate) outcome: Outcome,
    pub(crate) at: Time,
}

/// How it went.
#[derive(Debug)]
pub(crate) enum Outcome {
    Found(Found),
    /// It answered, and has nothing for the address.
    Nothing,
    Failed(Trouble),
}

/// Why a source could not be asked, or why its answer must not be used.
#[derive(Debug)]
pub(crate) struct Trouble {
    /// One of `docs/formats/reasons.md`.
    pub(crate) word: &'static str,
    /// In words; may hold foreign ones.
    pub(crate) message: String,
    /// Whether there may be no such host: a proxy does not tell that from a host that is away.
    pub(crate) may_have_no_host: bool,
}

impl Trouble {
    pub(crate) fn new(word: &'static str, message: impl Into<String>) -> Self {
        Self { word, message: message.into(), may_have_no_host: false }
    }

    /// The source could not be asked.
    pub(crate) fn unreachable(message: impl Into<String>) -> Self {
        Self::new("unreachable", message)
    }

    /// The proxy does not work, or not for this.
    pub(crate) fn of_proxy(error: &ProxyError) -> Self {
        let text = error.to_string();
        let trouble = if error.is_of_the_host() { Self::unreachable(text) } else { Self::new("proxy", text) };
        Self { may_have_no_host: error.may_mean_no_such_name(), ..trouble }
    }

    /// It answered what nobody can use.
    pub(crate) fn unusable(message: impl Into<String>) -> Self {
        Self::new("bad-answer", message)
    }
}

/// What was found.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) certificates: Vec<Certificate>,
    /// The records of the DNS.
    pub(crate) records: Vec<SmimeaRecord>,
    /// OpenPGP certificates as they came.
    pub(crate) openpgp: Option<Vec<u8>>,
    pub(crate) standing: Standing,
    /// Seconds for which the answer counts.
    pub(crate) lasts: i64,
}

/// Who stands behind an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// The DNS of the domain; whether DNSSEC proves it.
    Dns { secure: bool },
    /// The web server of the domain.
    Domain,
    /// Another server.
    Server(String),
    /// Nobody: a program of one's own may have it from anywhere.
    Nobody,
}

impl Found {
    /// Certificates that came as files do, in any form.
    pub(crate) fn of_files(files: &[Vec<u8>], standing: Standing) -> Result<Self, Trouble> {
        let mut certificates: Vec<Certificate> = Vec::new();
        for file in files {
            let found = import(file, None).certificates;
            if found.is_empty() {
                return Err(Trouble::unusable("what came is no certificate"));
            }
            certificates.extend(found);
        }
        certificates.truncate(limits::LOOKUP_CERTIFICATES);
        let lasts = limits::WEB_EVIDENCE_SECONDS;
        Ok(Self { certificates, records: Vec::new(), openpgp: None, standing, lasts })
    }
}

impl Answer {
    /// Of what was asked, and how it went.
    pub(crate) fn new(
        source: Source,
        asked: impl Into<String>,
        outcome: Result<Option<Found>, Trouble>,
    ) -> Self {
        let outcome = match outcome {
            Ok(Some(found)) => Outcome::Found(found),
            Ok(None) => Outcome::Nothing,
            Err(trouble) => Outcome::Failed(trouble),
        };
        Self { source, asked: asked.into(), outcome, at: Time::from_unix_seconds(0) }
    }

    /// The same, given at a moment.
    pub(super) fn at(mut self, at: Time) -> Self {
        self.at = at;
        self
    }

    /// What was found.
    pub(crate) const fn found(&self) -> Option<&Found> {
        match &self.outcome {
            Outcome::Found(found) => Some(found),
            Outcome::Nothing | Outcome::Failed(_) => None,
        }
    }
}
