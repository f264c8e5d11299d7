//! cseal on one of the machines of a network, without a terminal.

use std::fs;
use std::process::Command;
use std::sync::mpsc::channel;
use std::thread;

use serde_json::Value;

use super::network::Network;
use crate::people::{Place, Ran};
use crate::relay::process::Relay;
use crate::servers::TlsNames;
use crate::talk::Talk;

/// Where a relay listens.
const PORT: u16 = 8443;
/// How many rounds each device may need until it is as it should be.
const ROUNDS: usize = 8;

/// A network, whose machines keep their homes in one folder.
pub struct Machines {
    pub network: Network,
    pub place: Place,
    tls: TlsNames,
}

impl Machines {
    /// With these machines, all of whom trust the CA of the relays.
    pub fn make(left: &[&str], right: &[&str], relays: &[&str]) -> Option<Self> {
        let network = Network::make(left, right)?;
        let place = Place::new();
        let names: Vec<String> = relays.iter().map(|host| format!("IP:{}", network.address(host))).collect();
        let names = if names.is_empty() { "DNS:localhost".to_owned() } else { names.join(",") };
        let tls = TlsNames::make_for(&place.path("tls"), &names);
        Some(Self { network, place, tls })
    }

    fn command(&self, host: &str, arguments: &[&str]) -> Command {
        let mut command = self.network.command(host, "setsid");
        command.args(["--wait", env!("CARGO_BIN_EXE_cseal")]).args(arguments);
        command
            .current_dir(self.place.path(""))
            .env("COUNTERSEAL_HOME", self.place.path(host))
            .env("SSL_CERT_FILE", &self.tls.authority)
            .env_remove("SSL_CERT_DIR");
        command
    }

    /// Runs cseal on a machine.
    pub fn run(&self, host: &str, arguments: &[&str]) -> Ran {
        let ran = self.command(host, arguments).output().unwrap();
        let stderr = String::from_utf8(ran.stderr).unwrap();
        Ran { code: ran.status.code().expect("ended by itself"), stdout: ran.stdout, stderr }
    }

    /// The same, for a command that answers with one JSON object.
    #[track_caller]
    pub fn ask(&self, host: &str, arguments: &[&str], exits: i32) -> Value {
        let ran = self.run(host, &[arguments, &["--json"]].concat()).exits(exits);
        serde_json::from_slice(&ran.stdout).unwrap()
    }

    /// Begins a command that asks.
    pub fn talk(&self, host: &str, arguments: &[&str]) -> Talk<'_> {
        Talk::of(&self.place, self.command(host, arguments))
    }

    /// A relay on a machine of its own; the same one, if it ran there before.
    pub fn relay(&self, host: &str) -> Relay {
        let home = self.place.path(host);
        fs::create_dir_all(&home).unwrap();
        let mut command = self.network.command(host, env!("CARGO_BIN_EXE_cseal"));
        command.args(["relay", "--json", "--store", "relay.db", "--listen"]);
        command.arg(format!("{}:{PORT}", self.network.address(host)));
        command.arg("--tls-certificate").arg(&self.tls.certificate).arg("--tls-key").arg(&self.tls.key);
        command.current_dir(&home).env("COUNTERSEAL_HOME", &home);
        Relay::begin(command).unwrap_or_else(|said| panic!("the relay does not start: {said}"))
    }

    pub fn url(&self, host: &str) -> String {
        format!("https://{}:{PORT}", self.network.address(host))
    }

    /// Tells a device where the others are met.
    pub fn meets_at(&self, host: &str, relays: &[&str]) {
        fs::create_dir_all(self.place.path(host)).unwrap();
        let places = relays.iter().map(|relay| format!("[[sync]]\nrelay = \"{}\"\n", self.url(relay)));
        fs::write(self.place.path(host).join("config.toml"), places.collect::<String>()).unwrap();
    }

    /// Rounds on each of the devices, all at once, until it is as it should be for each of them.
    #[track_caller]
    pub fn until(&self, hosts: &[&str], is_so: impl Fn(&str) -> bool) {
        for _ in 0..ROUNDS {
            self.round(hosts);
            if hosts.iter().all(|host| is_so(host)) {
                return;
            }
        }
        let left: Vec<_> = hosts.iter().filter(|host| !is_so(host)).collect();
        panic!("not after {ROUNDS} rounds: {left:?}");
    }

    #[track_caller]
    fn round(&self, hosts: &[&str]) {
        let (sender, reports) = channel();
        thread::scope(|scope| {
            for host in hosts {
                let sender = sender.clone();
                scope.spawn(move || sender.send(self.ask(host, &["device", "sync"], 0)));
            }
        });
        drop(sender);
        assert_eq!(reports.iter().count(), hosts.len(), "a round failed");
    }

    /// The keys to encrypt to that a device has, and those among them that it tells others of.
    #[track_caller]
    pub fn keys(&self, host: &str) -> (usize, Vec<String>) {
        let list = self.ask(host, &["keys", "list"], 0);
        let keys = list["keys"].as_array().unwrap().iter().filter(|key| key["use"] == "encryption");
        let current = keys.clone().filter(|key| key["retired"].is_null());
        let current = current.map(|key| key["fingerprint"].as_str().unwrap().to_owned());
        (keys.count(), current.collect())
    }
}
