//! Servers of others on this machine: name servers, web servers, directories, OCSP responders. Each has
//! a port that was free, and ends with its test.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::peers::command;

/// How often another port is tried, where somebody took the first.
const ATTEMPTS: usize = 5;
/// How long a server may take to begin.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running server.
pub struct Server {
    process: Child,
    pub address: SocketAddr,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Server {
    /// Starts a server on a free port and waits until it answers there.
    fn start(mut command: impl FnMut(u16) -> Command) -> Self {
        for _ in 0..ATTEMPTS {
            let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
            let process = command(port)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            let mut server = Self { process, address };
            let started = Instant::now();
            while started.elapsed() < PATIENCE && server.process.try_wait().unwrap().is_none() {
                if TcpStream::connect(address).is_ok() {
                    return server;
                }
                thread::sleep(Duration::from_millis(20));
            }
        }
        panic!("a server does not start: {:?}", command(0));
    }
}

/// The path of a server program; nothing, said loudly, where it is missing.
pub fn program(name: &str) -> Option<PathBuf> {
    let usual = ["/usr/sbin", "/sbin"].map(|directory| Path::new(directory).join(name));
    let found = command::find(name).or_else(|| usual.into_iter().find(|path| path.is_file()));
    if found.is_none() {
        command::missing(name);
    }
    found
}

/// Runs a program that must succeed.
#[track_caller]
pub fn succeed(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}\n{}", String::from_utf8_lossy(&output.stderr));
}

/// A name server with its own root, and below it: `example.org`, signed; `example.net`, not signed;
/// `broken.org`, signed and then changed; `stripped.org`, signed but served without. The records are those of these domains.
pub struct NameServer {
    pub server: Server,
    /// Keys of the root.
    pub trust_anchor: PathBuf,
}

impl NameServer {
    pub fn start(directory: &Path, records: &[(&str, &str)]) -> Option<Self> {
        let (named, sign, make_key) =
            (program("named")?, program("dnssec-signzone")?, program("dnssec-keygen")?);
        fs::create_dir_all(directory).unwrap();
        let of = |zone: &str| records.iter().find(|(name, _)| *name == zone).map_or("", |(_, text)| *text);
        let zones = Zones { directory, sign: &sign, make_key: &make_key };
        let example = zones.signed("example.org.", of("example.org"));
        let broken = zones.signed("broken.org.", of("broken.org"));
        // Signed, says its parent; its records come without signatures.
        let stripped = zones.signed("stripped.org.", of("stripped.org"));
        let changed = fs::read_to_string(directory.join("broken.org.signed")).unwrap();
        // One digit of the record, under the signature of another.
        let changed = changed.replacen("ABCDEF", "ABCDEE", 1);
        fs::write(directory.join("broken.org.signed"), changed).unwrap();
        let below = [("example.org.", &example), ("broken.org.", &broken), ("stripped.org.", &stripped)];
        let below: String = below.iter().map(|(zone, ds)| delegated(zone, ds)).collect();
        let org = zones.signed("org.", &below);
        let net = zones.unsigned("net.", &delegated("example.net.", ""));
        zones.unsigned("example.net.", of("example.net"));
        assert!(net.is_empty());
        let root = format!("{}{}", delegated("org.", &org), delegated("net.", ""));
        zones.signed(".", &root);
        let trust_anchor = directory.join("anchor");
        let key = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
        let key = key.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("K.+"));
        let key = key
            .into_iter()
            .find(|path| path.extension().is_some_and(|extension| extension == "key"))
            .unwrap();
        let lines = fs::read_to_string(key).unwrap();
        let line = lines.lines().find(|line| !line.starts_with(';')).unwrap();
        fs::write(&trust_anchor, format!("{line}\n")).unwrap();
        let configuration = directory.join("named.conf");
        let server = Server::start(|port| {
            fs::write(&configuration, named_configuration(directory, port)).unwrap();
            let mut command = Command::new(&named);
            command.args(["-g", "-n", "1", "-c"]).arg(&configuration);
            command
        });
        Some(Self { server, trust_anchor })
    }

    /// `[sources.smimea]` for this server.
    pub fn policy(&self) -> String {
        format!(
            "[sources.smimea]\nresolver = \"{}\"\ntrust_anchor = \"{}\"\n",
            self.server.address,
            self.trust_anchor.display()
        )
    }
}

fn delegated(zone: &str, ds: &str) -> String {
    format!("{zone} IN NS ns.{zone}\nns.{zone} IN A 127.0.0.1\n{ds}")
}

fn named_configuration(directory: &Path, port: u16) -> String {
    let zone = |name: &str, file: &str| {
        format!("zone \"{name}\" {{ type primary; file \"{}\"; }};\n", directory.join(file).display())
    };
    let zones = [
        (".", "root.signed"),
        ("org", "org.signed"),
        ("net", "net"),
        ("example.org", "example.org.signed"),
        ("broken.org", "broken.org.signed"),
        ("stripped.org", "stripped.org"),
        ("example.net", "example.net"),
    ];
    format!(
        "options {{ directory \"{0}\"; listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }}; \
         recursion no; pid-file none; session-keyfile none; dnssec-validation no; notify no; \
         allow-transfer {{ none; }}; }};\ncontrols {{ }};\n{1}",
        directory.display(),
        zones.iter().map(|(name, file)| zone(name, file)).collect::<String>()
    )
}

struct Zones<'z> {
    directory: &'z Path,
    sign: &'z Path,
    make_key: &'z Path,
}

impl Zones<'_> {
    fn file(zone: &str) -> String {
        if zone == "." { "root".to_owned() } else { zone.trim_end_matches('.').to_owned() }
    }

    fn unsigned(&self, zone: &str, records: &str) -> String {
        let apex = if zone == "." { "ns.".to_owned() } else { format!("ns.{zone}") };
        let text = format!(
            "$TTL 3600\n{zone} IN SOA {apex} admin.{apex} 1 3600 600 86400 600\n{zone} IN NS {apex}\n\
             {apex} IN A 127.0.0.1\n{records}"
        );
        fs::write(self.directory.join(Self::file(zone)), text).unwrap();
        String::new()
    }

    /// Answers with the DS records of the zone.
    fn signed(&self, zone: &str, records: &str) -> String {
        self.unsigned(zone, records);
        succeed(
            Command::new(self.make_key)
                .args(["-q", "-a", "ECDSAP256SHA256", "-f", "KSK", "-K"])
                .arg(self.directory)
                .arg(zone),
        );
        succeed(
            Command::new(self.make_key)
                .args(["-q", "-a", "ECDSAP256SHA256", "-K"])
                .arg(self.directory)
                .arg(zone),
        );
        let file = Self::file(zone);
        succeed(Command::new(self.sign).current_dir(self.directory).args([
            "-S",
            "-K",
            ".",
            "-o",
            zone,
            "-f",
            &format!("{file}.signed"),
            &file,
        ]));
        fs::read_to_string(self.directory.join(format!("dsset-{zone}"))).unwrap()
    }
}

/// A CA for TLS, and a certificate of it for all names that tests use.
pub struct TlsNames {
    pub authority: PathBuf,
    pub certificate: PathBuf,
    pub key: PathBuf,
}

impl TlsNames {
    pub fn make(directory: &Path) -> Self {
        Self::make_for(
            directory,
            "DNS:ua-auto-config.example.org,DNS:autoconfig.example.org,DNS:autoconfig.thunderbird.net,DNS:mta-sts.example.org,DNS:openpgpkey.example.org,DNS:example.org,DNS:openpgpkey.example.net,DNS:example.net,DNS:localhost,IP:127.0.0.1",
        )
    }

    /// The same for a server of these names, as OpenSSL writes them.
    pub fn make_for(directory: &Path, names: &str) -> Self {
        fs::create_dir_all(directory).unwrap();
        let at = |name: &str| directory.join(name);
        let openssl = || Command::new("openssl");
        let names = &format!("subjectAltName={names}");
        let ec = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
        succeed(
            openssl()
                .args(["req", "-x509", "-subj", "/CN=Test CA"])
                .args(ec)
                .args(["-addext", "keyUsage=keyCertSign,cRLSign", "-keyout"])
                .arg(at("ca.key"))
                .arg("-out")
                .arg(at("ca.pem")),
        );
        succeed(
            openssl()
                .args(["req", "-x509", "-subj", "/CN=server", "-CA"])
                .arg(at("ca.pem"))
                .arg("-CAkey")
                .arg(at("ca.key"))
                .args(ec)
                .args(["-addext", names, "-addext", "basicConstraints=critical,CA:FALSE", "-keyout"])
                .arg(at("server.key"))
                .arg("-out")
                .arg(at("server.pem")),
        );
        Self { authority: at("ca.pem"), certificate: at("server.pem"), key: at("server.key") }
    }
}

/// A web server for the files of a directory: over TLS where it has a name, else without.
pub fn web_server(directory: &Path, root: &Path, tls: Option<&TlsNames>, locations: &str) -> Option<Server> {
    let nginx = program("nginx")?;
    fs::create_dir_all(directory).unwrap();
    let configuration = directory.join("nginx.conf");
    let place = directory.display().to_string();
    let tls = tls.map(|tls| {
        format!("ssl_certificate {}; ssl_certificate_key {};", tls.certificate.display(), tls.key.display())
    });
    Some(Server::start(|port| {
        let ssl = if tls.is_some() { " ssl" } else { "" };
        let text = format!(
            "daemon off; master_process off; pid {place}/pid; error_log {place}/error.log;\nevents {{}}\n\
             http {{ access_log {place}/access.log; client_body_temp_path {place}/body; proxy_temp_path {place}/proxy; \
             fastcgi_temp_path {place}/fastcgi; uwsgi_temp_path {place}/uwsgi; scgi_temp_path {place}/scgi;\n\
             server {{ listen 127.0.0.1:{port}{ssl}; {}\nroot {}; {locations} }} }}\n",
            tls.as_deref().unwrap_or_default(),
            root.display(),
        );
        fs::write(&configuration, text).unwrap();
        let mut command = Command::new(&nginx);
        command.arg("-p").arg(directory).arg("-c").arg(&configuration);
        command
    }))
}

/// A directory server with these entries: `ldaps`, or `ldap`, where TLS may begin if it has a name.
pub fn directory_server(
    directory: &Path,
    scheme: &str,
    tls: Option<&TlsNames>,
    entries: &str,
) -> Option<Server> {
    let (slapd, slapadd) = (program("slapd")?, program("slapadd")?);
    fs::create_dir_all(directory.join("data")).unwrap();
    let (configuration, ldif) = (directory.join("slapd.conf"), directory.join("entries.ldif"));
    let place = directory.display();
    let tls = tls.map(|tls| {
        let [authority, certificate, key] =
            [&tls.authority, &tls.certificate, &tls.key].map(|path| path.display().to_string());
        format!("TLSCACertificateFile {authority}\nTLSCertificateFile {certificate}\nTLSCertificateKeyFile {key}\n")
    });
    let text = format!(
        "include /etc/ldap/schema/core.schema\ninclude /etc/ldap/schema/cosine.schema\n\
         include /etc/ldap/schema/inetorgperson.schema\nmodulepath /usr/lib/ldap\nmoduleload back_mdb\n\
         pidfile {place}/pid\n{}\
         database mdb\nsuffix \"dc=example,dc=org\"\ndirectory {place}/data\n",
        tls.unwrap_or_default()
    );
    fs::write(&configuration, text).unwrap();
    fs::write(&ldif, entries).unwrap();
    succeed(Command::new(slapadd).arg("-f").arg(&configuration).arg("-l").arg(&ldif));
    Some(Server::start(|port| {
        let mut command = Command::new(&slapd);
        command.args(["-d", "0", "-h", &format!("{scheme}://127.0.0.1:{port}/"), "-f"]).arg(&configuration);
        command
    }))
}

/// OpenSSL's responder for the CA in a directory, at an address that certificates of it name.
pub fn ocsp_responder(directory: &Path, address: SocketAddr) -> Server {
    let process = Command::new("openssl")
        .current_dir(directory)
        .args(["ocsp", "-index", "ca.index", "-CA", "ca.pem", "-rsigner", "ca.pem", "-rkey", "ca.key"])
        .args(["-ndays", "1", "-port", &address.port().to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let server = Server { process, address };
    let started = Instant::now();
    // A connection without a question would be the only one that it answers for a while.
    while started.elapsed() < PATIENCE && !is_listening(address) {
        thread::sleep(Duration::from_millis(20));
    }
    server
}

/// Whether somebody listens there, by what the system says of its sockets.
fn is_listening(address: SocketAddr) -> bool {
    let port = format!(":{:04X} ", address.port());
    let tables =
        ["/proc/net/tcp", "/proc/net/tcp6"].map(|table| fs::read_to_string(table).unwrap_or_default());
    tables.iter().flat_map(|table| table.lines()).any(|line| {
        line.split_whitespace().nth(1).is_some_and(|local| format!("{local} ").ends_with(&port))
            && line.split_whitespace().nth(3) == Some("0A")
    })
}
