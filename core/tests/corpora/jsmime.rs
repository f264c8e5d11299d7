//! Thunderbird's MIME tests: for each mail the lines in which the body of each part stands.

use counterseal_core::mail::Part;

#[test]
fn every_body_stands_in_its_lines() {
    let Some(folder) = super::folder("thunderbird-mime") else { return };
    let folder = folder.join("mailnews/mime/jsmime/test/unit");
    let script = std::fs::read_to_string(folder.join("test_mime_tree.js")).unwrap();
    let mut count = 0;
    let mut wrong = Vec::new();
    for (name, bodies) in body_tests(&script) {
        let lines = lines(&std::fs::read(folder.join("data").join(&name)).unwrap());
        let mail = lines.join("\r\n");
        let root = Part::read(mail.as_bytes()).unwrap();
        let parts = root.walk();
        for (number, start, end) in bodies {
            count += 1;
            // Thunderbird writes `2$.1` for the first part of the message that is part 2.
            let path: Vec<usize> =
                number.replace('$', ".1").split('.').filter_map(|piece| piece.parse().ok()).collect();
            let part = parts.iter().find(|(way, _)| *way == path);
            let expected = lines.get(start - 1..(end - 1).min(lines.len())).unwrap_or_default().join("\r\n");
            let found = part.map(|(_, part)| String::from_utf8_lossy(part.body()).trim_end().to_owned());
            let is_same = found.as_deref() == Some(expected.trim_end());
            if !is_same {
                wrong.push(format!("{name} {number}: {:?}", found.map(|found| found.len())));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {count} wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(count, 42);
}

fn lines(bytes: &[u8]) -> Vec<String> {
    let text: String = String::from_utf8_lossy(bytes).into_owned();
    text.replace("\r\n", "\n").replace('\r', "\n").split('\n').map(str::to_owned).collect()
}

/// `make_body_test("what", "file", {}, [["part", start, end], …])`, those without options.
fn body_tests(script: &str) -> Vec<(String, Vec<(String, usize, usize)>)> {
    let mut tests = Vec::new();
    for call in script.split("make_body_test(").skip(2) {
        let call = call.split("\n        ),").next().unwrap().split("]),").next().unwrap();
        let mut strings = call.split('"').skip(1).step_by(2);
        let (Some(_), Some(file)) = (strings.next(), strings.next()) else { continue };
        if !call.contains("{}") {
            continue;
        }
        let bodies = call.split('[').filter_map(body).collect::<Vec<_>>();
        tests.push((file.to_owned(), bodies));
    }
    tests
}

/// `"part", start, end]`.
fn body(text: &str) -> Option<(String, usize, usize)> {
    let mut fields = text.split(']').next()?.split(',').map(str::trim);
    let number = fields.next()?.strip_prefix('"')?.strip_suffix('"')?.to_owned();
    Some((number, fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}
