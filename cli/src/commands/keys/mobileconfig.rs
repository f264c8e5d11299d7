//! A configuration profile for iOS and macOS: certificates and a PKCS#12 file in one property list. The
//! device asks for the passphrase of the latter.

use counterseal_core::x509::Certificate;
use sha2::{Digest, Sha256};

use crate::armor;

/// The profile of an address: the personal CA as a root, and the keys, in one file or in several of one key each.
pub(crate) fn write(address: &str, pkcs12: &[Vec<u8>], certificates: &[Certificate]) -> String {
    let roots = certificates.iter().filter(|certificate| certificate.is_personal_authority());
    let mut payloads: String =
        roots.map(|root| payload("com.apple.security.root", "personal CA", root.as_der())).collect();
    payloads.extend(pkcs12.iter().map(|file| payload("com.apple.security.pkcs12", address, file)));
    let identifier = identifier(payloads.as_bytes());
    let name = escaped(address);
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \
         \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n\
         <plist version=\"1.0\">\n<dict>\n\
         <key>PayloadType</key><string>Configuration</string>\n\
         <key>PayloadVersion</key><integer>1</integer>\n\
         <key>PayloadIdentifier</key><string>counterseal.{identifier}</string>\n\
         <key>PayloadUUID</key><string>{identifier}</string>\n\
         <key>PayloadDisplayName</key><string>Encrypted mail of {name}</string>\n\
         <key>PayloadContent</key>\n<array>\n{payloads}</array>\n</dict>\n</plist>\n"
    )
}

fn payload(kind: &str, name: &str, content: &[u8]) -> String {
    let (identifier, name, content) = (identifier(content), escaped(name), armor::base64(content));
    format!(
        "<dict>\n<key>PayloadType</key><string>{kind}</string>\n\
         <key>PayloadVersion</key><integer>1</integer>\n\
         <key>PayloadIdentifier</key><string>counterseal.{identifier}</string>\n\
         <key>PayloadUUID</key><string>{identifier}</string>\n\
         <key>PayloadDisplayName</key><string>{name}</string>\n\
         <key>PayloadContent</key><data>{content}</data>\n</dict>\n"
    )
}

/// A UUID of what it identifies (RFC 9562, version 8), so that no two payloads share one.
fn identifier(content: &[u8]) -> String {
    let digest = Sha256::digest(content);
    let digits: Vec<String> = digest.iter().take(16).map(|octet| format!("{octet:02X}")).collect();
    let text = digits.concat();
    let part = |from: usize, length: usize| text.chars().skip(from).take(length).collect::<String>();
    format!("{}-{}-8{}-8{}-{}", part(0, 8), part(8, 4), part(12, 3), part(15, 3), part(18, 12))
}

/// Text as XML has it.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
