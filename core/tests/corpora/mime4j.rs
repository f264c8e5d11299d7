//! The test messages of Apache James mime4j, with the trees that its parser is expected to find.
//! Its `.xml` files hold header fields and bodies as they stand; the files that `_decoded.xml`
//! names hold the decoded contents.

use std::path::Path;

use counterseal_core::mail::Part;

/// Files for which we find another tree, and why.
const DIFFERENT: [(&str, &str); 15] = [
    ("bad-newlines-multiple-parts-base64", ENCODED),
    ("multi-2gifs-base64", ENCODED),
    ("base64encoded-rfc822message", ENCODED),
    ("base64encoded-rfc822message-nested", ENCODED),
    ("ending-boundaries", "text behind a boundary makes it ambiguous; we do not divide there, and say so"),
    ("basic-plain-with-bad-header-separator", BODY),
    ("malformedHeader-nocrlfcrlf", BODY),
    ("malformedHeader-noheader", BODY),
    ("malformedHeaderStartsBody-nocrlfcrlf", BODY),
    ("malformedHeaderStartsBody-noheader", BODY),
    ("obsolete", BODY),
    ("hdr-fakeout", BODY),
    ("very-long-boundary", BOUNDARY),
    ("very-very-long-boundary", BOUNDARY),
    ("weird-boundary", BOUNDARY),
];
const ENCODED: &str =
    "RFC 2045 and 2046 forbid to encode messages and multiparts; programs differ in whether they look inside";
const BODY: &str = "a line that is no field starts the body, nothing of which is left out";
const BOUNDARY: &str = "RFC 2046: at most 70 characters, and no space at the end";

/// Files of which a content differs once decoded, and why.
const DIFFERENT_CONTENT: [(&str, &str); 3] = [
    ("frag_decoded_1_2_1_2_1_2_1_2", GARBAGE),
    ("multi-frag_decoded_1_3_2", GARBAGE),
    ("x-gzip64_decoded_1", "an encoding that nobody knows is not taken for none"),
];
const GARBAGE: &str = "text behind the base64 is an error; we do not guess where the content ends";

#[test]
fn every_message_has_the_expected_tree() {
    let Some(folder) = super::folder("james-mime4j-testmsgs") else { return };
    let mut wrong = Vec::new();
    let mut count = 0;
    for_each_message(&folder, |name, message, stem| {
        count += 1;
        let text = ascii(&std::fs::read(stem.with_extension("xml")).unwrap());
        let expected = expected_lines(&text);
        let found = found_lines(&Part::read(message).unwrap());
        let is_different = DIFFERENT.iter().any(|(different, _)| *different == name);
        if (expected == found) == is_different {
            let first = expected.iter().zip(&found).find(|(expected, found)| expected != found);
            wrong.push(format!("{name}: {first:?} of {} and {} lines", expected.len(), found.len()));
        }
    });
    assert_eq!(count, 80);
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_content_is_decoded_as_expected() {
    let Some(folder) = super::folder("james-mime4j-testmsgs") else { return };
    let mut wrong = Vec::new();
    let mut count = 0;
    for_each_message(&folder, |name, message, stem| {
        if DIFFERENT.iter().any(|(different, _)| *different == name) {
            return;
        }
        let list =
            stem.with_file_name(format!("{}_decoded.xml", stem.file_name().unwrap().to_string_lossy()));
        let list = ascii(&std::fs::read(list).unwrap());
        let root = Part::read(message).unwrap();
        let leaves: Vec<_> =
            root.walk().into_iter().map(|(_, part)| part).filter(|part| !is_container(part)).collect();
        let names = list.split("-body name=\"").skip(1).map(|rest| rest.split('"').next().unwrap());
        for (file, leaf) in names.zip(&leaves) {
            count += 1;
            let expected = std::fs::read(stem.with_file_name(file)).unwrap();
            let is_different = DIFFERENT_CONTENT.iter().any(|(different, _)| file.starts_with(different));
            // mime4j writes the line ends of text anew.
            let content = |bytes: &[u8]| {
                let is_kept = |byte: &u8| !file.ends_with(".txt") || !matches!(byte, b'\r');
                bytes.iter().copied().filter(is_kept).collect::<Vec<u8>>()
            };
            let decoded = leaf.decoded();
            let is_same = decoded.as_ref().is_ok_and(|decoded| content(decoded) == content(&expected));
            if is_same == is_different {
                wrong.push(format!("{name}: {file} {:?}", decoded.map(|decoded| decoded.len())));
            }
        }
    });
    assert_eq!(count, 144);
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

fn for_each_message(folder: &Path, mut check: impl FnMut(&str, &[u8], &Path)) {
    for group in ["testmsgs", "mimetools-testmsgs"] {
        let group = folder.join("core/src/test/resources").join(group);
        let mut files: Vec<_> =
            std::fs::read_dir(group).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        for file in files.iter().filter(|file| file.extension().is_some_and(|ending| ending == "msg")) {
            let name = file.file_stem().unwrap().to_string_lossy().into_owned();
            check(&name, &std::fs::read(file).unwrap(), &file.with_extension(""));
        }
    }
}

fn is_container(part: &Part<'_>) -> bool {
    part.content_type().media_type() == "multipart" || part.is_container()
}

/// Our tree in the words of the `.xml` files.
fn found_lines(part: &Part<'_>) -> Vec<String> {
    let mut lines = vec!["header".to_owned()];
    lines.extend(part.headers().fields().map(|field| format!("field {}", text(field.raw()))));
    if part.content_type().media_type() == "multipart" {
        lines.push("multipart".to_owned());
        lines.extend(surroundings("preamble", part.preamble()));
        lines.extend(part.children().iter().flat_map(found_lines));
        lines.extend(surroundings("epilogue", part.epilogue()));
    } else if part.is_container() {
        lines.extend(part.children().iter().flat_map(found_lines));
    } else {
        lines.push(format!("body {}", text(part.body())));
    }
    lines
}

fn surroundings(name: &str, bytes: &[u8]) -> Option<String> {
    let text = text(bytes);
    (!text.is_empty()).then(|| format!("{name} {text}"))
}

/// The tree of an `.xml` file in the same words.
fn expected_lines(xml: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for piece in xml.split('<').skip(1) {
        let (tag, content) = piece.split_once('>').unwrap();
        let content =
            content.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&");
        let content =
            text(content.strip_prefix("\r\n").or(content.strip_prefix('\n')).unwrap_or(&content).as_bytes());
        match tag {
            "header" | "multipart" => lines.push(tag.to_owned()),
            "field" | "body" => lines.push(format!("{tag} {content}")),
            "preamble" | "epilogue" if !content.is_empty() => lines.push(format!("{tag} {content}")),
            _ => {}
        }
    }
    lines
}

/// Without the difference of line ends.
fn text(bytes: &[u8]) -> String {
    ascii(bytes).replace('\r', "").trim_matches('\n').to_owned()
}

/// Without what is not ASCII: the `.xml` files hold it in a form of their own.
fn ascii(bytes: &[u8]) -> String {
    bytes.iter().filter(|byte| byte.is_ascii()).map(|byte| char::from(*byte)).collect()
}
