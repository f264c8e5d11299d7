//! A stranger learns nothing: one answer, and the same work behind it.

use super::desk::{Desk, Said, cap, id, name};
use crate::relay::protocol::Class;

/// What a stranger may show instead of the capability that is asked for.
fn wrong_capabilities(desk: &Desk, right: &str) -> Vec<(&'static str, Option<String>)> {
    let (alice, bob) = (desk.object_box("alice"), desk.object_box("bob"));
    let of_alice = [
        ("read", cap(alice.read_capability())),
        ("write", cap(alice.write_capability())),
        ("admin", cap(alice.admin_capability())),
    ];
    let mut wrong: Vec<_> =
        of_alice.into_iter().filter(|(of, _)| *of != right).map(|(of, digits)| (of, Some(digits))).collect();
    wrong.extend([
        ("another box's", Some(cap(bob.read_capability()))),
        ("none", None),
        ("empty", Some(String::new())),
        ("no digits", Some("x".repeat(64))),
        ("upper case", Some(cap(alice.read_capability()).to_uppercase())),
        ("too long", Some("0".repeat(4000))),
    ]);
    wrong
}

#[test]
fn absent_box_wrong_capability_and_absent_object_are_one_answer_by_one_way() {
    let desk = Desk::new();
    let (alice, nobody) = (desk.object_box("alice"), desk.object_box("nobody"));
    desk.create(&alice, Class::Account);
    desk.put(&alice, b"there");
    let object = |which: &[u8]| format!("/o/{}", name(which));
    let requests = [
        ("GET", "/head".to_owned(), "read"),
        ("GET", "/head?wait=50".to_owned(), "read"),
        ("GET", "/o?after=0".to_owned(), "read"),
        ("GET", object(b"there"), "read"),
        ("HEAD", object(b"there"), "read"),
        ("GET", object(b"not there"), "read"),
        ("PUT", object(b"there"), "write"),
        ("PUT", object(b"not there"), "write"),
        ("DELETE", object(b"there"), "admin"),
        ("DELETE", String::new(), "admin"),
    ];
    let ask = |method: &str, path: &str, shown: Option<&String>| -> (Said, Vec<&'static str>) {
        desk.asked.lock().unwrap().clear();
        let mut headers = vec![("if-none-match", "\"0000000000000000-0\"".to_owned())];
        headers.extend(shown.map(|digits| ("x-cap", digits.clone())));
        let said = desk.ask(method, path, &headers, b"there");
        (said, desk.asked.lock().unwrap().clone())
    };
    for (method, rest, right) in requests {
        let here = format!("/v1/box/{}{rest}", id(&alice));
        let elsewhere = format!("/v1/box/{}{rest}", id(&nobody));
        let expected = ask(method, &elsewhere, Some(&cap(nobody.read_capability())));
        assert_eq!(expected.0.status, 404);
        for (what, shown) in wrong_capabilities(&desk, right) {
            assert_eq!(ask(method, &here, shown.as_ref()), expected, "{method} {rest} with {what}");
            assert_eq!(
                ask(method, &elsewhere, shown.as_ref()),
                expected,
                "{method} {rest}, absent, with {what}"
            );
        }
    }
    // Also for those who may read: an object that is not there.
    let missing = object(b"not there");
    let expected = ask("GET", &format!("/v1/box/{}{missing}", id(&nobody)), None);
    let allowed = cap(alice.read_capability());
    assert_eq!(ask("GET", &format!("/v1/box/{}{missing}", id(&alice)), Some(&allowed)), expected);
    assert_eq!(desk.names(&alice, 0), [name(b"there")], "and nothing was done");
}

#[test]
fn a_page_that_is_none_answers_like_a_box_that_is_none() {
    let desk = Desk::new();
    let expected = desk.ask("GET", &format!("/v1/box/{}/head", "0".repeat(32)), &[], b"");
    for path in [
        "/",
        "/v1",
        "/v1/box",
        "/v1/box/",
        "/v1/box/0/head",
        "/v1/box/%00%ff/head",
        "/v1/box/../info",
        "/v1/box/00000000000000000000000000000000/o/0",
        "/v1/box/00000000000000000000000000000000/o/%2e%2e",
        "/v1/box//o/",
        "/admin",
        "//",
    ] {
        assert_eq!(desk.ask("GET", path, &[], b""), expected, "{path}");
    }
}
