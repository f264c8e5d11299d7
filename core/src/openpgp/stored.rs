//! A verified certificate as bytes, for a store that opens fast (`docs/formats/web.md`).

use super::certificate::{Certificate, Certification, Depth, KeyId, LinkNotation, Revocation, UserId};
use super::spans::{Span, Spans};
use crate::fingerprint::OpenPgpFingerprint;
use crate::time::Time;

/// The form of the bytes, and the rules by which signatures were found good enough. Bytes of
/// another version are not read: the certificate has to be imported again.
const VERSION: u8 = 1;

/// A time that is none.
const NEVER: i64 = i64::MAX;

impl Certificate {
    /// Its bytes, for a store that nobody else writes: they are not verified again.
    #[must_use]
    pub fn to_stored(&self) -> Vec<u8> {
        let mut writer = Writer(vec![VERSION]);
        writer.bytes(self.fingerprint.as_bytes());
        writer.bytes(&self.primary_key);
        writer.0.extend(self.own_digest);
        writer.spans(&self.valid);
        writer.spans(&self.live);
        writer.0.push(u8::from(self.revocation.hard));
        writer.spans(&self.revocation.soft);
        writer.list(&self.user_ids, |writer, user_id| {
            writer.bytes(user_id.text.as_bytes());
            writer.spans(&user_id.self_signed);
            writer.spans(&user_id.revoked);
            writer.links(&user_id.links);
        });
        writer.links(&self.links);
        writer.list(&self.certifications, Writer::certification);
        writer.list(&self.unknown_issuers, |writer, issuer| writer.0.extend(issuer.0));
        writer.0
    }

    /// Reads what [`Certificate::to_stored`] wrote; nothing where it is something else.
    #[must_use]
    pub fn from_stored(stored: &[u8]) -> Option<Self> {
        let mut reader = Reader(stored);
        if reader.octet()? != VERSION {
            return None;
        }
        let certificate = Self {
            fingerprint: reader.fingerprint()?,
            primary_key: reader.bytes()?.to_vec(),
            own_digest: reader.array()?,
            valid: reader.spans()?,
            live: reader.spans()?,
            revocation: Revocation { hard: reader.octet()? != 0, soft: reader.spans()? },
            user_ids: reader.list(|reader| {
                Some(UserId {
                    text: reader.text()?,
                    self_signed: reader.spans()?,
                    revoked: reader.spans()?,
                    links: reader.links()?,
                })
            })?,
            links: reader.links()?,
            certifications: reader.list(Reader::certification)?,
            unknown_issuers: reader.list(|reader| reader.array().map(KeyId))?,
        };
        reader.0.is_empty().then_some(certificate)
    }
}

struct Writer(Vec<u8>);

impl Writer {
    fn length(&mut self, length: usize) {
        self.0.extend(u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.length(bytes.len());
        self.0.extend_from_slice(bytes);
    }

    fn time(&mut self, time: Option<Time>) {
        self.0.extend(time.map_or(NEVER, Time::unix_seconds).to_le_bytes());
    }

    fn list<T>(&mut self, values: &[T], mut write: impl FnMut(&mut Self, &T)) {
        self.length(values.len());
        values.iter().for_each(|value| write(self, value));
    }

    fn spans(&mut self, spans: &Spans) {
        self.list(spans.as_slice(), |writer, span| {
            writer.time(Some(span.from));
            writer.time(span.until);
        });
    }

    fn links(&mut self, links: &[LinkNotation]) {
        self.list(links, |writer, link| {
            writer.bytes(link.value.as_bytes());
            writer.spans(&link.holds);
        });
    }

    fn certification(&mut self, certification: &Certification) {
        self.bytes(certification.issuer.as_bytes());
        self.length(certification.user_id);
        self.0.extend([certification.amount, certification.depth.to_octet()]);
        self.list(&certification.regular_expressions, |writer, expression| writer.bytes(expression));
        self.time(Some(certification.created));
        self.time(certification.expires);
        self.time(certification.revoked);
        self.0.extend(certification.digest);
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*array)
    }

    fn octet(&mut self) -> Option<u8> {
        self.array().map(|[octet]| octet)
    }

    fn length(&mut self) -> Option<usize> {
        self.array().and_then(|bytes| usize::try_from(u32::from_le_bytes(bytes)).ok())
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = self.length()?;
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }

    fn text(&mut self) -> Option<String> {
        std::str::from_utf8(self.bytes()?).ok().map(str::to_owned)
    }

    fn fingerprint(&mut self) -> Option<OpenPgpFingerprint> {
        OpenPgpFingerprint::from_bytes(self.bytes()?)
    }

    fn time(&mut self) -> Option<Option<Time>> {
        let seconds = i64::from_le_bytes(self.array()?);
        Some((seconds != NEVER).then_some(Time::from_unix_seconds(seconds)))
    }

    fn list<T>(&mut self, mut read: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let length = self.length()?;
        // No value is shorter than an octet, so a length beyond the bytes is a lie.
        if length > self.0.len() {
            return None;
        }
        (0..length).map(|_| read(self)).collect()
    }

    fn spans(&mut self) -> Option<Spans> {
        let spans = self.list(|reader| Some(Span { from: reader.time()??, until: reader.time()? }))?;
        Some(Spans::new(spans))
    }

    fn links(&mut self) -> Option<Vec<LinkNotation>> {
        self.list(|reader| Some(LinkNotation { value: reader.text()?, holds: reader.spans()? }))
    }

    fn certification(&mut self) -> Option<Certification> {
        Some(Certification {
            issuer: self.fingerprint()?,
            user_id: self.length()?,
            amount: self.octet()?,
            depth: Depth::from_octet(self.octet()?),
            regular_expressions: self.list(|reader| reader.bytes().map(<[u8]>::to_vec))?,
            created: self.time()??,
            expires: self.time()?,
            revoked: self.time()?,
            digest: self.array()?,
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn certificate() -> Certificate {
        let at = |seconds| Time::from_unix_seconds(seconds);
        let spans =
            |from, until: Option<i64>| Spans::new(vec![Span { from: at(from), until: until.map(at) }]);
        let fingerprint = OpenPgpFingerprint::Version4([7; 20]);
        Certificate {
            fingerprint,
            primary_key: vec![4, 1, 2],
            own_digest: [5; 32],
            valid: spans(10, None),
            live: spans(10, Some(90)),
            revocation: Revocation { hard: false, soft: spans(50, Some(60)) },
            user_ids: vec![UserId {
                text: "Alice <alice@example.org>".to_owned(),
                self_signed: spans(10, None),
                revoked: Spans::default(),
                links: vec![LinkNotation { value: "sha256:00".to_owned(), holds: spans(11, None) }],
            }],
            links: Vec::new(),
            certifications: vec![Certification {
                issuer: OpenPgpFingerprint::Version6([9; 32]),
                user_id: 0,
                amount: 60,
                depth: Depth::Unlimited,
                regular_expressions: vec![b"x".to_vec()],
                created: at(20),
                expires: Some(at(30)),
                revoked: None,
                digest: [3; 32],
            }],
            unknown_issuers: vec![KeyId([1; 8])],
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let certificate = certificate();
        assert_eq!(Certificate::from_stored(&certificate.to_stored()), Some(certificate));
    }

    #[test]
    fn what_is_cut_or_longer_or_of_another_version_is_nothing() {
        let stored = certificate().to_stored();
        for length in 0..stored.len() {
            assert_eq!(Certificate::from_stored(&stored[..length]), None);
        }
        assert_eq!(Certificate::from_stored(&[&stored[..], &[0]].concat()), None);
        let mut other = stored;
        other[0] = VERSION + 1;
        assert_eq!(Certificate::from_stored(&other), None);
    }
}
