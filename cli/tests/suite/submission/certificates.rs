//! Certificates for servers: good ones, and each way to be bad.

use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use crate::servers::succeed;

/// Made once for all tests.
pub static CERTIFICATES: LazyLock<Certificates> = LazyLock::new(Certificates::make);

/// A CA, and what it and others certified.
pub struct Certificates {
    directory: tempfile::TempDir,
}

const CONFIGURATION: &str = "[ca]\ndefault_ca = x\n[x]\ndatabase = index\nserial = serial\nnew_certs_dir = .\n\
    certificate = ca.pem\nprivate_key = ca.key\ndefault_md = sha256\npolicy = p\ncopy_extensions = copy\n\
    unique_subject = no\n[p]\ncommonName = supplied\n";

impl Certificates {
    pub fn make() -> Self {
        let made = Self { directory: tempfile::tempdir().unwrap() };
        for (name, text) in [("ca.cnf", CONFIGURATION), ("index", ""), ("serial", "01\n")] {
            fs::write(made.path(name), text).unwrap();
        }
        for authority in ["ca", "other-ca"] {
            let files = format!("-keyout {authority}.key -out {authority}.pem");
            made.openssl(&format!(
                "req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN={authority} {files} -addext keyUsage=critical,keyCertSign"
            ));
        }
        made.openssl(
            "req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=own -keyout own.key -out own.pem -addext subjectAltName=IP:127.0.0.1",
        );
        made.certify("good", "IP:127.0.0.1,DNS:localhost,DNS:smtp.example.org", "-days 30");
        made.certify("elsewhere", "DNS:mail.example.net", "-days 30");
        made.certify("expired", "IP:127.0.0.1", "-startdate 20200101000000Z -enddate 20210101000000Z");
        made
    }

    fn certify(&self, name: &str, who: &str, when: &str) {
        self.openssl(&format!(
            "req -new -newkey rsa:2048 -nodes -subj /CN={name} -keyout {name}.key -out {name}.csr -addext subjectAltName={who}"
        ));
        self.openssl(&format!("ca -batch -config ca.cnf -notext {when} -in {name}.csr -out {name}.pem"));
    }

    fn openssl(&self, arguments: &str) {
        let mut command = std::process::Command::new("openssl");
        succeed(command.args(arguments.split(' ')).current_dir(self.directory.path()));
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The configuration of a server with one of them.
    pub fn tls(&self, name: &str) -> std::sync::Arc<rustls::ServerConfig> {
        super::sink::tls(&self.path(&format!("{name}.pem")), &self.path(&format!("{name}.key")))
    }

    /// What `tls_pin` says for one of them.
    pub fn pin(&self, name: &str) -> String {
        let script = format!(
            "openssl x509 -in {name}.pem -noout -pubkey | openssl pkey -pubin -outform DER | openssl dgst -sha256 -binary | base64"
        );
        let output = std::process::Command::new("sh")
            .args(["-c", &script])
            .current_dir(self.directory.path())
            .output();
        format!("sha256//{}", String::from_utf8(output.unwrap().stdout).unwrap().trim())
    }
}
