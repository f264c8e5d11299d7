//! `cseal filter`

use clap::Args;

use super::common::{At, History};

/// Say in a mail's header, or above its text, who wrote it; for programs that hand on mail
#[derive(Debug, Args)]
#[command(
    long_about = "Say in a mail's header, or above its text, who wrote it.\n\n\
        A mail on standard input goes to standard output byte for byte, with a field Counterseal-Verdict first \
        in its header. Every field by that name that the mail came with is taken out, so a rule can believe \
        what it says. Nothing is ever asked, and keys that are locked stay locked: a signature is judged without \
        them. What cannot be judged is handed on, and the field says why.\n\n\
        With --display the mail comes as text for a terminal: lines of ours start with [cseal], lines of the \
        mail are indented and steer no terminal. With --rendered the same is done to text that a mail program \
        made of a mail, as a display filter gets it.",
    after_long_help = "Examples:\n\
        \x20 In .procmailrc, for all that arrives (docs/recipes/receiving.md has more):\n\
        \x20     cseal filter < in.eml > out.eml\n\n\
        \x20 The same, and hand on decrypted what opens without a passphrase:\n\
        \x20     cseal filter --decrypt < in.eml > out.eml\n\n\
        \x20 Read a mail that a mail program pipes, a key of mutt, say:\n\
        \x20     cseal filter --display < in.eml\n\n\
        \x20 In muttrc: set display_filter=\"cseal filter --rendered\"\n\
        \x20     cseal filter --rendered < text\n\n\
        Exit codes:\n\
        \x20 0   the mail was handed on, whatever is to be said of it\n\
        \x20 2   wrong command line\n\
        \x20 75  nothing of use was written: keep the mail and try again\n\n\
        docs/formats/verdict.md says what the field says."
)]
pub(crate) struct Filter {
    /// Hand on decrypted what your keys open without a question
    ///
    /// A mail that anybody on the way could have changed, because it is encrypted without integrity and not
    /// signed, stays as it came.
    #[arg(long)]
    pub(crate) decrypt: bool,

    /// Write text for a terminal: the verdict, then the mail, decrypted where it can be
    #[arg(long, conflicts_with = "decrypt")]
    pub(crate) display: bool,

    /// The input is text that a mail program shows, not a mail
    #[arg(long, conflicts_with_all = ["decrypt", "display"])]
    pub(crate) rendered: bool,

    #[command(flatten)]
    pub(crate) history: History,

    #[command(flatten)]
    pub(crate) at: At,
}
