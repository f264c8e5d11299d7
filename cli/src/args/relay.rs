//! `cseal relay`

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::common::{Report, help_end};

/// Keep boxes for devices that are rarely awake at the same time
#[derive(Debug, Args)]
#[command(
    long_about = "Keep boxes for devices that are rarely awake at the same time: yours, or everyone's.\n\n\
        A relay holds sealed objects and can open none of them. It learns network addresses, times and lengths, and \
        writes none of these down unless it is told to. It runs until it is stopped; SIGTERM and SIGINT end it after \
        the requests that are going on, SIGHUP has it read its certificate again.\n\n\
        What is typed here goes before what stands in the file of --config. Passwords and keys stand only there, and \
        then nobody else may read it. docs/relay.md says how a relay is run, and how large it has to be.",
    after_long_help = help_end!(
        "  At home, behind a web server that speaks TLS on the same machine:\n",
        "      cseal relay --listen 127.0.0.1:8790 --trusted-proxy 127.0.0.1\n",
        "  With a certificate, for whoever asks:\n",
        "      cseal relay --listen '[::]:443' --tls-certificate fullchain.pem \\\n",
        "          --tls-key privkey.pem --policy work\n",
        "  One of several processes, with a database and an object store:\n",
        "      cseal relay --config relay.toml --listen 10.0.0.5:8790 \\\n",
        "          --trusted-proxy 10.0.0.1\n"
    )
)]
pub(crate) struct Relay {
    /// Read what is not typed here from FILE, docs/formats/relay-config.md
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// Listen there; may be repeated [default: 127.0.0.1:8790]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) listen: Vec<SocketAddr>,

    /// The certificate and those above it, PEM
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_certificate: Option<PathBuf>,

    /// Its secret key, PEM
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    pub(crate) tls_key: Option<PathBuf>,

    /// Keep boxes in FILE, or at postgres://USER@HOST/DATABASE
    #[arg(long, value_name = "FILE|URL")]
    pub(crate) store: Option<String>,

    /// Keep large objects at s3://BUCKET/PREFIX, beside PostgreSQL
    #[arg(long, value_name = "URL", hide_short_help = true)]
    pub(crate) bodies: Option<String>,

    /// Whom to let create boxes [default: open]
    #[arg(long, value_name = "WHO")]
    pub(crate) policy: Option<RelayPolicy>,

    /// Believe this proxy for whom it asks; an address or 10.0.0.0/8
    #[arg(long, value_name = "NETWORK")]
    pub(crate) trusted_proxy: Vec<String>,

    /// Let one network address ask so often a second [default: 50]
    #[arg(long, value_name = "N", hide_short_help = true)]
    pub(crate) rate: Option<f64>,

    /// Write a line for each request: kind, status, time
    #[arg(long, hide_short_help = true)]
    pub(crate) log_requests: bool,

    /// Write network addresses into these lines
    #[arg(long, hide_short_help = true, requires = "log_requests")]
    pub(crate) log_addresses: bool,

    #[command(flatten)]
    pub(crate) report: Report,
}

/// Who may create boxes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RelayPolicy {
    /// Everyone
    Open,
    /// Who has a token of the file
    Invite,
    /// Who does a second of work for it
    Work,
    /// Whom the proxy in front knows
    Account,
}
