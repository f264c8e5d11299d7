//! A slice of the load that `scripts/long/relay-load` makes: that it is answered, not how fast.

#[path = "../../examples/relay_load/load.rs"]
#[allow(dead_code)]
mod load;

use std::net::SocketAddr;
use std::sync::Arc;

use counterseal_core::time::Time;
use counterseal_keysync::relay::{
    CreationPolicy, Journal, Limits, Settings, StoreSettings, VisitorLimits, start,
};

#[test]
fn every_poll_and_put_of_a_short_load_is_answered() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("relay.db");
    load::fill(&path, 2000).unwrap();
    let settings = Settings {
        listen: vec![SocketAddr::from(([127, 0, 0, 1], 0))],
        tls: None,
        store: StoreSettings::Sqlite(path),
        policy: CreationPolicy::Open,
        limits: Limits::default(),
        visitors: VisitorLimits { rate: 0.0, ..VisitorLimits::default() },
        metrics_for: Vec::new(),
    };
    let clock = Arc::new(|| Time::from_unix_seconds(1_800_000_000));
    let relay = start(settings, clock, Journal::silent(), false).unwrap();
    let load = load::Load {
        address: relay.addresses[0],
        boxes: 2000,
        polls: 200,
        puts: 30,
        seconds: 2,
        connections: 8,
        first: 0,
    };
    let report = load.run().unwrap();
    assert_eq!((report.polls.good, report.polls.bad), (400, 0), "{}", report.to_json());
    assert_eq!((report.puts.good, report.puts.bad), (60, 0), "{}", report.to_json());
}
