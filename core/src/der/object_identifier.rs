//! Object identifiers as people write them (X.690, section 8.19).

/// An object identifier as people write it. Arcs above 128 bits do not occur outside attacks; such
/// an identifier is shown in hexadecimal.
pub(crate) fn dotted(octets: &[u8]) -> String {
    arcs(octets).unwrap_or_else(|| octets.iter().map(|octet| format!("{octet:02x}")).collect())
}

fn arcs(octets: &[u8]) -> Option<String> {
    let mut values: Vec<u128> = Vec::new();
    let mut value: u128 = 0;
    for octet in octets {
        value = value.checked_mul(128)?.checked_add(u128::from(octet & 0x7f))?;
        if octet & 0x80 == 0 {
            values.push(value);
            value = 0;
        }
    }
    let (first, rest) = values.split_first()?;
    let root = (*first / 40).min(2);
    let mut text = format!("{root}.{}", first - root * 40);
    for arc in rest {
        text.push_str(&format!(".{arc}"));
    }
    octets.last().is_some_and(|last| last & 0x80 == 0).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_with_a_wide_arc_is_written_out() {
        // 2.25 followed by an arc of 127 bits, as in RFC 9562's identifiers from UUIDs.
        let mut octets = vec![0x69];
        octets.extend([0x83, 0xff, 0xff, 0x7f]);
        assert_eq!(dotted(&octets), "2.25.8388607");
        assert_eq!(dotted(&[0x69, 0x83]), "6983");
    }
}
