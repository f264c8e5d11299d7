//! Machines that know nothing of each other but by wire: network namespaces, two bridges, and a wire between these that
//! can be cut. Only root may make them.

use std::process::Command;

/// The addresses of all of it.
const NET: &str = "10.77.0.";

/// A network of two halves; gone with its test.
pub struct Network {
    /// What the names of its namespaces begin with: several tests run at once.
    prefix: String,
    hosts: Vec<String>,
}

impl Network {
    /// Machines at the two bridges, by name. Nothing, loudly, where this machine does not permit it.
    pub fn make(left: &[&str], right: &[&str]) -> Option<Self> {
        static MADE: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
        let number = MADE.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let prefix = format!("cseal-{}-{number}-", std::process::id());
        if !try_ip(&["netns", "add", &format!("{prefix}middle")]) {
            eprintln!("SKIPPED: no network namespace can be made (it needs root and iproute2)");
            return None;
        }
        let mut network = Self { prefix, hosts: vec!["middle".to_owned()] };
        let middle = network.namespace("middle");
        for bridge in ["left", "right"] {
            ip(&["-n", &middle, "link", "add", bridge, "type", "bridge"]);
            ip(&["-n", &middle, "link", "set", bridge, "up"]);
        }
        ip(&["-n", &middle, "link", "add", "wire-l", "type", "veth", "peer", "name", "wire-r"]);
        for (end, bridge) in [("wire-l", "left"), ("wire-r", "right")] {
            ip(&["-n", &middle, "link", "set", end, "master", bridge, "up"]);
        }
        left.iter().for_each(|host| network.plug_in(host, "left"));
        right.iter().for_each(|host| network.plug_in(host, "right"));
        Some(network)
    }

    fn plug_in(&mut self, host: &str, bridge: &str) {
        self.hosts.push(host.to_owned());
        let (own, middle, port) =
            (self.namespace(host), self.namespace("middle"), format!("port{}", self.hosts.len()));
        ip(&["netns", "add", &own]);
        ip(&["-n", &own, "link", "add", "eth0", "type", "veth", "peer", "name", &port, "netns", &middle]);
        ip(&["-n", &middle, "link", "set", &port, "master", bridge, "up"]);
        ip(&["-n", &own, "address", "add", &format!("{}/24", self.address(host)), "dev", "eth0"]);
        ip(&["-n", &own, "link", "set", "lo", "up"]);
        ip(&["-n", &own, "link", "set", "eth0", "up"]);
        // A machine that is not there is known not to be there after a moment.
        let impatient =
            "cd /proc/sys/net/ipv4/neigh/eth0 && echo 1 > mcast_solicit && echo 200 > retrans_time_ms";
        let set = self.command(host, "sh").args(["-c", impatient]).status();
        assert!(set.unwrap().success());
    }

    fn namespace(&self, host: &str) -> String {
        format!("{}{host}", self.prefix)
    }

    /// A machine's address.
    pub fn address(&self, host: &str) -> String {
        let index = self.hosts.iter().position(|other| other == host);
        format!("{NET}{}", index.unwrap_or_else(|| panic!("there is no {host}")))
    }

    /// A program on a machine.
    pub fn command(&self, host: &str, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.namespace(host), program]);
        command
    }

    /// Cuts the wire between the two halves.
    pub fn cut(&self) {
        ip(&["-n", &self.namespace("middle"), "link", "set", "wire-l", "down"]);
    }

    /// Mends it.
    pub fn mend(&self) {
        ip(&["-n", &self.namespace("middle"), "link", "set", "wire-l", "up"]);
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for host in &self.hosts {
            try_ip(&["netns", "del", &self.namespace(host)]);
        }
    }
}

#[track_caller]
fn ip(arguments: &[&str]) {
    let ran = Command::new("ip").args(arguments).output().unwrap();
    assert!(ran.status.success(), "ip {arguments:?}: {}", String::from_utf8_lossy(&ran.stderr));
}

fn try_ip(arguments: &[&str]) -> bool {
    Command::new("ip").args(arguments).output().is_ok_and(|ran| ran.status.success())
}
