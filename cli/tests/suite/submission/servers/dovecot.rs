//! Dovecot: passwords and tokens (SASL), mailboxes (LMTP), and who reads them (IMAP).

use std::fs;
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Daemon, free_port, wait_until, write};
use crate::servers::succeed;
use crate::submission::certificates::CERTIFICATES;

/// Of everybody; with a blank, and with what SASLprep maps.
pub const PASSWORD: &str = "ge heim";
/// What signs tokens.
const TOKEN_KEY: &str = "secret-key-of-the-tests";
/// Fetches a whole INBOX, with a zero octet behind each mail.
const FETCH: &str = "\
import imaplib, ssl, sys
port, roots, user, password = sys.argv[1:]
imap = imaplib.IMAP4_SSL('127.0.0.1', int(port), ssl_context=ssl.create_default_context(cafile=roots))
imap.login(user, password)
imap.select()
for number in imap.search(None, 'ALL')[1][0].split():
    sys.stdout.buffer.write(imap.fetch(number, '(BODY.PEEK[])')[1][0][1] + b'\\0')
imap.logout()
";

pub struct Dovecot {
    directory: PathBuf,
    port: u16,
    _daemon: Daemon,
}

impl Dovecot {
    pub(super) fn start(directory: &Path, program: &Path) -> Self {
        fs::create_dir_all(directory.join("mail")).unwrap();
        let at = directory.display();
        let users: String = ["alice", "bob", "carol"]
            .iter()
            .map(|user| format!("{user}:{{PLAIN}}{PASSWORD}:65534:65534::{at}/mail/{user}\n"))
            .collect();
        write(directory, "users", &users);
        let key = <base64ct::Base64 as base64ct::Encoding>::encode_string(TOKEN_KEY.as_bytes());
        write(directory, "keys/default/HS256/default", &key);
        let oauth = format!(
            "introspection_mode = local\nlocal_validation_key_dict = fs:posix:prefix={at}/keys/\nusername_attribute = sub\n"
        );
        write(directory, "oauth2.conf", &oauth);
        let port = free_port();
        let configuration = write(directory, "dovecot.conf", &configuration(directory, port));
        succeed(Command::new("chown").arg("65534:65534").arg(directory.join("mail")));
        let daemon = Daemon::start(program, &["-F", "-c", configuration.to_str().unwrap()]);
        wait_until("Dovecot answers", || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok());
        Self { directory: directory.to_owned(), port, _daemon: daemon }
    }

    /// Where it takes mail for its mailboxes.
    pub fn lmtp(&self) -> PathBuf {
        self.directory.join("run/lmtp")
    }

    /// Where it answers who may log in.
    pub fn sasl(&self) -> PathBuf {
        self.directory.join("run/sasl")
    }

    /// What lies in somebody's INBOX, as Python's IMAP client gets it.
    pub fn inbox(&self, person: &str) -> Vec<String> {
        let python = crate::servers::program("python3").expect("Python");
        let roots = CERTIFICATES.path("ca.pem");
        let mut command = Command::new(python);
        command.args(["-I", "-c", FETCH, &self.port.to_string()]).arg(roots).args([person, PASSWORD]);
        let ran = command.output().unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        let mails = ran.stdout.split(|octet| *octet == 0).filter(|mail| !mail.is_empty());
        mails.map(|mail| String::from_utf8(mail.to_vec()).unwrap()).collect()
    }

    /// Waits for the one mail of somebody's.
    #[track_caller]
    pub fn one_mail(&self, person: &str) -> String {
        wait_until("a mail arrives", || !self.inbox(person).is_empty());
        let mut mails = self.inbox(person);
        assert_eq!(mails.len(), 1, "one mail");
        mails.remove(0)
    }

    /// A token for Alice: a JWT, signed with HMAC-SHA-256 (RFC 7519).
    pub fn token() -> String {
        let expires = jiff::Timestamp::now().as_second() + 3600;
        let script = format!(
            "b64() {{ openssl base64 -A | tr '+/' '-_' | tr -d =; }}
             head=$(printf '{{\"alg\":\"HS256\",\"typ\":\"JWT\"}}' | b64)
             body=$(printf '{{\"sub\":\"alice\",\"exp\":{expires}}}' | b64)
             printf '%s.%s.' $head $body
             printf '%s.%s' $head $body | openssl dgst -sha256 -hmac {TOKEN_KEY} -binary | b64"
        );
        let ran = Command::new("sh").args(["-c", &script]).output().unwrap();
        String::from_utf8(ran.stdout).unwrap()
    }
}

fn configuration(directory: &Path, port: u16) -> String {
    let at = directory.display();
    let (certificate, key) = (CERTIFICATES.path("good.pem"), CERTIFICATES.path("good.key"));
    let (certificate, key) = (certificate.display(), key.display());
    format!(
        "base_dir = {at}/run
state_dir = {at}/state
log_path = {at}/log
protocols = imap lmtp
listen = 127.0.0.1
ssl = required
ssl_cert = <{certificate}
ssl_key = <{key}
auth_mechanisms = plain login scram-sha-256 oauthbearer xoauth2
auth_username_format = %Ln
auth_failure_delay = 0
first_valid_uid = 1
mail_location = maildir:~/Maildir
passdb {{
  driver = passwd-file
  args = username_format=%n {at}/users
}}
passdb {{
  driver = oauth2
  mechanisms = oauthbearer xoauth2
  args = {at}/oauth2.conf
}}
userdb {{
  driver = passwd-file
  args = username_format=%n {at}/users
}}
service imap-login {{
  inet_listener imap {{
    port = 0
  }}
  inet_listener imaps {{
    port = {port}
    ssl = yes
  }}
}}
service lmtp {{
  unix_listener lmtp {{
    mode = 0666
  }}
}}
service auth {{
  unix_listener sasl {{
    mode = 0666
  }}
}}
"
    )
}
