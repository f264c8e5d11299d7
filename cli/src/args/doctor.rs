//! `cseal doctor`

use clap::Args;

use super::common::{Passphrase, Report, help_end};

/// Check that everything of yours is in order, and say what to do
#[derive(Debug, Args)]
#[command(
    long_about = "Check that everything of yours is in order, and say what to do.\n\n\
        Looks at the files and who may read them, at every page of the key store, at its signatures and its log, \
        at keys that end soon, at backups, at the clock, the policy files and the cache. Every sealed key is \
        opened where the store opens without a question, or where an option says how. Nothing is changed. With \
        --domain, and with network = \"always\" in the policy for the domains of your contacts, it asks whether servers must \
        use TLS on the way to them: MTA-STS and DANE. \
        0: nothing is to be done; 1: something is; 3: something is broken, or the key store cannot be used.",
    after_long_help = help_end!(
        "  Look at everything that can be seen without the passphrase:\n",
        "      cseal doctor\n\n",
        "  Open every key, too:\n",
        "      cseal doctor --passphrase-file alice.passphrase\n\n",
        "  Whether mail to a domain must have TLS between servers:\n",
        "      cseal doctor --domain example.org\n\n",
        "  Every week, in a script:\n",
        "      cseal doctor --json || mail -s 'cseal doctor' root\n"
    )
)]
pub(crate) struct Doctor {
    /// Ask how a domain wants to be delivered to; may be repeated
    #[arg(long, value_name = "DOMAIN")]
    pub(crate) domain: Vec<String>,

    #[command(flatten)]
    pub(crate) passphrase: Passphrase,

    #[command(flatten)]
    pub(crate) report: Report,
}
