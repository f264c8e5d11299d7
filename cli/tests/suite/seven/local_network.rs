//! Two machines on one local network find each other by multicast DNS, and need nobody else.

use super::machine::Machines;
use super::pair::by_words;

#[test]
fn two_machines_on_one_local_network_pair_without_being_told_where_they_are() {
    let Some(machines) = Machines::make(&["alice"], &["laptop"], &[]) else { return };
    let found = ["device", "export", "--store", "copy", "--recovery-file", "sheet.txt"];
    machines.run("alice", &[&found[..], &["--this-device", "desk"]].concat()).exits(0);
    by_words(&machines, "alice", "laptop", "reader", &["--lan-only"]);
    let list = machines.run("laptop", &["device", "list"]).exits(0).text();
    assert!(list.contains("desk") && list.contains("laptop"), "{list}");
}
