//! Behind a proxy: whom it names is asked for, and whom it does not name is a stranger.

use axum::http::StatusCode;

use super::desk::Desk;
use crate::relay::asker::Network;
use crate::relay::visitors::VisitorLimits;

/// A relay that trusts a proxy on its own machine, where numbers are shown too.
fn behind_a_proxy(burst: f64) -> Desk {
    Desk::with(|chosen| {
        let proxies = vec![Network::parse("127.0.0.1").unwrap()];
        chosen.visitors = VisitorLimits { rate: 0.001, burst, proxies, ..VisitorLimits::default() };
    })
}

#[test]
fn numbers_are_shown_to_nobody_whom_a_proxy_does_not_name() {
    let desk = behind_a_proxy(100.0);
    for (header, value) in [
        ("x-forwarded-for", "203.0.113.9:4711"),
        ("x-forwarded-for", "[2001:db8::9]"),
        ("x-forwarded-for", "[2001:db8::9]:4711"),
        ("x-forwarded-for", "unknown"),
        ("x-forwarded-for", "127.0.0.1, unknown"),
        ("x-forwarded-for", ""),
        ("via", "1.1 proxy"),
        ("forwarded", "for=127.0.0.1"),
        ("accept", "*/*"),
    ] {
        let answer = desk.ask("GET", "/metrics", &[(header, value.to_owned())], b"");
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{header}: {value}");
    }
    // Whoever asks without the proxy, from an address that is not its own.
    assert_eq!(desk.ask_from("127.0.0.2", "GET", "/metrics", &[], b"").status, StatusCode::OK);
}

#[test]
fn visitors_are_told_apart_however_a_proxy_writes_them() {
    let desk = behind_a_proxy(1.0);
    let ask = |from: &str| {
        desk.ask("GET", "/healthz", &[("x-forwarded-for", from.to_owned())], b"").status.as_u16()
    };
    assert_eq!((ask("203.0.113.9:1"), ask("203.0.113.9:2"), ask("203.0.113.10:1")), (200, 429, 200));
    assert_eq!((ask("[2001:db8::1]"), ask("[2001:db8::2]:1"), ask("2001:db8:0:1::1")), (200, 429, 200));
    assert_eq!((ask("unknown"), ask("_hidden"), ask("")), (200, 429, 429), "all of them are one");
}
