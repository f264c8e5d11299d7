//! DER written by hand, right or wrong as the forger likes. Nothing here checks anything.

/// Universal tags as their octets.
pub(crate) mod tag {
    pub(crate) const BOOLEAN: u8 = 0x01;
    pub(crate) const INTEGER: u8 = 0x02;
    pub(crate) const BIT_STRING: u8 = 0x03;
    pub(crate) const OCTET_STRING: u8 = 0x04;
    pub(crate) const NULL: u8 = 0x05;
    pub(crate) const OBJECT_IDENTIFIER: u8 = 0x06;
    pub(crate) const UTF8_STRING: u8 = 0x0c;
    pub(crate) const IA5_STRING: u8 = 0x16;
    pub(crate) const UTC_TIME: u8 = 0x17;
    pub(crate) const SEQUENCE: u8 = 0x30;
    pub(crate) const SET: u8 = 0x31;
}

/// One element of these parts.
pub(crate) fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let mut element = vec![tag];
    match content.len() {
        length @ 0..=0x7f => element.push(length as u8),
        length @ 0x80..=0xff => element.extend([0x81, length as u8]),
        length @ 0x100..=0xffff => element.extend([0x82, (length >> 8) as u8, length as u8]),
        length => element.extend([0x83, (length >> 16) as u8, (length >> 8) as u8, length as u8]),
    }
    element.extend(content);
    element
}

/// SEQUENCE
pub(crate) fn seq(parts: &[&[u8]]) -> Vec<u8> {
    tlv(tag::SEQUENCE, parts)
}

/// SET, in the order given.
pub(crate) fn set(parts: &[&[u8]]) -> Vec<u8> {
    tlv(tag::SET, parts)
}

/// SET OF, sorted as DER wants.
pub(crate) fn set_of(mut parts: Vec<Vec<u8>>) -> Vec<u8> {
    parts.sort();
    tlv(tag::SET, &[&parts.concat()])
}

/// OCTET STRING
pub(crate) fn octets(content: &[u8]) -> Vec<u8> {
    tlv(tag::OCTET_STRING, &[content])
}

/// BIT STRING of whole octets.
pub(crate) fn bits(content: &[u8]) -> Vec<u8> {
    tlv(tag::BIT_STRING, &[&[0], content])
}

/// INTEGER, unsigned, from its octets.
pub(crate) fn integer(magnitude: &[u8]) -> Vec<u8> {
    let stripped: Vec<u8> = magnitude.iter().copied().skip_while(|octet| *octet == 0).collect();
    match stripped.first() {
        None => tlv(tag::INTEGER, &[&[0]]),
        Some(first) if *first >= 0x80 => tlv(tag::INTEGER, &[&[0], &stripped]),
        Some(_) => tlv(tag::INTEGER, &[&stripped]),
    }
}

/// INTEGER
pub(crate) fn number(value: u64) -> Vec<u8> {
    integer(&value.to_be_bytes())
}

/// NULL
pub(crate) fn null() -> Vec<u8> {
    tlv(tag::NULL, &[])
}

/// A context tag around a construction.
pub(crate) fn explicit(number: u8, content: &[u8]) -> Vec<u8> {
    tlv(0xa0 | number, &[content])
}

/// A primitive context tag.
pub(crate) fn implicit(number: u8, content: &[u8]) -> Vec<u8> {
    tlv(0x80 | number, &[content])
}

/// The same element under another tag.
pub(crate) fn retagged(mut element: Vec<u8>, tag: u8) -> Vec<u8> {
    element[0] = tag;
    element
}

/// OBJECT IDENTIFIER from its dotted form.
pub(crate) fn oid(dotted: &str) -> Vec<u8> {
    let arcs: Vec<u64> = dotted.split('.').map(|arc| arc.parse().expect("an arc")).collect();
    let mut content = base_128(arcs[0] * 40 + arcs[1]);
    arcs[2..].iter().for_each(|arc| content.extend(base_128(*arc)));
    tlv(tag::OBJECT_IDENTIFIER, &[&content])
}

fn base_128(mut value: u64) -> Vec<u8> {
    let mut octets = vec![(value & 0x7f) as u8];
    while value > 0x7f {
        value >>= 7;
        octets.insert(0, (value & 0x7f) as u8 | 0x80);
    }
    octets
}

/// AlgorithmIdentifier with these parameters.
pub(crate) fn algorithm(dotted: &str, parameters: &[u8]) -> Vec<u8> {
    seq(&[&oid(dotted), parameters])
}
