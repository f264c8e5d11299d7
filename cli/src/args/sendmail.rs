//! `cseal sendmail`: the page about its options. What is typed is read by the library, as `sendmail` has it.

use std::ffi::OsString;

use clap::Args;

/// Take a mail as sendmail does, encrypt it for everyone, and send it
#[derive(Debug, Args)]
#[command(
    disable_help_flag = true,
    long_about = "Take a mail as sendmail does, encrypt it for everyone, and send it.\n\n\
        The same program is cseal-sendmail, and whatever link by the name of sendmail, mailq or newaliases leads to \
        it. It takes the mail on standard input to its end, whatever lines it has, encrypts it to each recipient by \
        policy.toml, puts it into the queue and tries to send it by an account of config.toml. To and Cc share a copy, \
        each Bcc reader has one of their own, and Bcc fields are never sent. It asks nothing and says nothing, unless \
        something is wrong.\n\n\
        Where nothing is configured, a mail that cannot be encrypted to somebody is not sent to anybody: it is held, \
        sealed to you, and cseal queue release sends it once the reason is gone. [encrypt] in the Subject, or the \
        field X-Counterseal-Encrypt, asks for encryption whatever the policy says.\n\n\
        Options may follow recipients, but not after --. Names without a domain are looked up in /etc/aliases, or \
        where config.toml says. What is not on this page is accepted where other programs of this name have it: -i, \
        -m, -n, -h N, -L TAG, -p PROTOCOL, -X FILE, -A, -G, -U, -d and their like mean nothing here.\n\n\
        A mail without From is from you; NAME and EMAIL in the environment, as -F, may say it otherwise, where you have keys \
        for that address. MAIL_CONFIG may name a folder whose config.toml is used, as by -C. Whoever has no account of \
        their own is sent for by the machine, where cseal setup --system set it up. Nothing runs set-user-ID.",
    after_long_help = "Examples:\n  \
        mutt and neomutt, in their muttrc:\n      \
        set sendmail=\"/usr/bin/cseal-sendmail\"\n\n  \
        git send-email:\n      \
        git config sendemail.sendmailCmd cseal-sendmail\n\n  \
        PHP, in php.ini:\n      \
        sendmail_path = \"/usr/bin/cseal-sendmail -t -i\"\n\
        \nExit codes:\n  \
        0   the mail is ours: it is on the disk, and will be sent or reported\n  \
        64  wrong command line, or no recipients\n  \
        65  the mail or an address cannot be read, or is too large\n  \
        69  the server refused all recipients for ever\n  \
        70  a bug in cseal\n  \
        74  input or output failed\n  \
        75  later it may work: no room in the queue, or the key store is busy\n  \
        77  the policy refuses: a key is missing, or the key store is locked\n  \
        78  settings, the key store or the queue's directory are not as they must be\n\n\
        Every code but 0 says that the mail will not be sent unless you do something."
)]
pub(crate) struct Sendmail {
    /// Send to everyone in To, Cc and Bcc, or where an old mail is sent again in Resent-To and its like
    #[arg(short = 't', long = "read-recipients")]
    pub(crate) header: bool,

    /// Who is told of failures, an address or <> for nobody; -r is the same
    #[arg(short = 'f', value_name = "ADDRESS")]
    pub(crate) sender: Option<OsString>,

    /// That is whom From names
    #[arg(long, hide_short_help = true)]
    pub(crate) read_envelope_from: bool,

    /// Your name, for a mail without From
    #[arg(short = 'F', value_name = "NAME")]
    pub(crate) name: Option<OsString>,

    /// bm: take a mail; bs: speak SMTP; bp: show the queue; bi: do nothing
    #[arg(short = 'b', value_name = "MODE")]
    pub(crate) mode: Option<OsString>,

    /// Try once what is due in the queue
    #[arg(short = 'q')]
    pub(crate) flush: bool,

    /// odi: wait for the first try; odb: for the queue; odq: do not try; oem, oep: keep what is refused, or do not
    #[arg(short = 'o', value_name = "OPTION")]
    pub(crate) option: Vec<OsString>,

    /// requiretls=yes: only by servers that promise TLS to the end (RFC 8689); others mean nothing here
    ///
    /// smtputf8=yes among them: SMTPUTF8 is asked for where the mail that is sent needs it, and not else.
    #[arg(short = 'O', value_name = "OPTION=VALUE", hide_short_help = true)]
    pub(crate) long_option: Vec<OsString>,

    /// Which reports are asked for: never, or some of success,failure,delay (RFC 3461)
    #[arg(short = 'N', value_name = "WHEN", hide_short_help = true)]
    pub(crate) notify: Option<OsString>,

    /// What a report brings back: full or hdrs
    #[arg(short = 'R', value_name = "WHAT", hide_short_help = true)]
    pub(crate) return_what: Option<OsString>,

    /// A name for this mail in reports
    #[arg(short = 'V', value_name = "ID", hide_short_help = true)]
    pub(crate) envelope_identifier: Option<OsString>,

    /// 7BIT or 8BITMIME; what is sent needs neither
    #[arg(short = 'B', value_name = "BODY", hide_short_help = true)]
    pub(crate) body: Option<OsString>,

    /// The account of config.toml that sends it
    #[arg(short = 'a', long, value_name = "NAME", hide_short_help = true)]
    pub(crate) account: Option<OsString>,

    /// The settings to send by, in the place of your config.toml; --file is the same
    ///
    /// What has to be tried again is sent later by the account of that name in your own config.toml. Where the machine
    /// sends for you (cseal setup --system), there is no such choice.
    #[arg(short = 'C', long = "config", value_name = "FILE", hide_short_help = true)]
    pub(crate) config: Option<OsString>,

    /// Say what would be sent, and send nothing
    #[arg(short = 'P', long, hide_short_help = true)]
    pub(crate) pretend: bool,

    /// Who gets it
    #[arg(value_name = "ADDRESS")]
    pub(crate) recipients: Vec<OsString>,
}

#[cfg(test)]
mod tests {
    use clap::{ArgAction, Command};
    use counterseal_core::submission::Invocation;

    use super::*;

    #[test]
    fn every_option_of_the_page_is_one_that_is_read() {
        let page = Sendmail::augment_args(Command::new("sendmail"));
        let mut count = 0;
        for argument in page.get_arguments().filter(|argument| !argument.is_positional()) {
            let value = !matches!(argument.get_action(), ArgAction::SetTrue);
            let names = argument.get_short().map(|letter| format!("-{letter}"));
            for name in names.into_iter().chain(argument.get_long().map(|long| format!("--{long}"))) {
                let mut arguments = vec![name.clone().into_bytes()];
                let word = match name.as_str() {
                    "-b" => "s",
                    "-B" => "7BIT",
                    _ => "x",
                };
                arguments.extend(value.then(|| word.as_bytes().to_vec()));
                assert!(Invocation::parse(b"sendmail", &arguments).is_ok(), "{name}");
                count += 1;
            }
        }
        assert!(count > 12);
    }
}
