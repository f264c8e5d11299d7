//! Reading the file: it is what a store wrote, to the last byte, or nothing of it is used.

use std::collections::BTreeSet;

use counterseal_core::limits::{TRUST_FILE_LINE_BYTES, TRUST_FILE_ROWS};
use counterseal_core::time::Time;
use counterseal_core::trust::log::Head;
use sha2::{Digest, Sha256};

use super::row::{base64, date, digits, octets};
use super::{FORMAT, Row, TrustFile, VERSION};
use crate::store::{DatedCertificate, EvidenceKind, Records, RecordsSignature, TrustKind};

/// How far a clock may be ahead of ours.
const CLOCK_SECONDS: i64 = 86_400;
/// How every such file begins.
pub(crate) const BEGINNING: &[u8] = b"{\"row\":\"begin\",";

/// What is wrong with a file; lines are counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It says that it is something else.
    Format,
    /// Another version of the format.
    Version(u32),
    /// More lines than a file may have.
    TooManyLines,
    /// A line is too long.
    TooLong(usize),
    /// A line is no row.
    Line(usize),
    /// A value of a line is none of its kind, or a date is to come.
    Value(usize),
    /// A row was there before.
    Twice(usize),
    /// The history is no whole chain.
    History,
    /// It does not end, or not with as many rows as it says.
    End,
    /// It is not what was signed.
    Signature,
}

/// Reads all of it.
///
/// # Errors
/// The first thing that is wrong; then nothing of it is to be used.
pub(crate) fn read(bytes: &[u8], now: Time) -> Result<TrustFile, Fault> {
    let text = std::str::from_utf8(bytes).map_err(|_| Fault::Format)?;
    let lines: Vec<&str> = text.split_inclusive('\n').take(TRUST_FILE_ROWS + 1).collect();
    if lines.len() > TRUST_FILE_ROWS {
        return Err(Fault::TooManyLines);
    }
    let [first, rows @ .., last] = lines.as_slice() else { return Err(Fault::End) };
    let mut reader = Reader::begin(&row(first, 1)?, now.plus_seconds(CLOCK_SECONDS))?;
    for (index, line) in rows.iter().enumerate() {
        let number = index + 2;
        reader.add(&row(line, number)?, number)?;
    }
    let signed = text.len() - last.len();
    let digest = Sha256::digest(bytes.get(..signed).unwrap_or_default()).into();
    reader.end(&row(last, lines.len())?, lines.len() - 1, &digest)
}

fn row(line: &str, number: usize) -> Result<Row, Fault> {
    if line.len() > TRUST_FILE_LINE_BYTES {
        return Err(Fault::TooLong(number));
    }
    let line = line.strip_suffix('\n').ok_or(Fault::End)?;
    serde_json::from_str(line).map_err(|_| Fault::Line(number))
}

struct Reader {
    store: Vec<u8>,
    file: TrustFile,
    /// No date is later.
    latest: Time,
    /// What there was: its kind, and what makes it another one than all others.
    seen: BTreeSet<(String, Vec<u8>)>,
}

impl Reader {
    fn begin(row: &Row, latest: Time) -> Result<Self, Fault> {
        let Row::Begin { format, version, store, made } = row else { return Err(Fault::Format) };
        if format != FORMAT {
            return Err(Fault::Format);
        }
        if *version != VERSION {
            return Err(Fault::Version(*version));
        }
        let file = TrustFile {
            made: date(*made, latest).ok_or(Fault::Value(1))?,
            key: [0; 32],
            records: Records::default(),
            unknown: Vec::new(),
        };
        let store = octets(store).ok_or(Fault::Value(1))?;
        Ok(Self { store, file, latest, seen: BTreeSet::new() })
    }

    fn add(&mut self, row: &Row, number: usize) -> Result<(), Fault> {
        self.add_row(row, number)?.then_some(()).ok_or(Fault::Twice(number))
    }

    /// Answers whether it is the first of its name.
    fn add_row(&mut self, row: &Row, number: usize) -> Result<bool, Fault> {
        let bad = Fault::Value(number);
        let records = &mut self.file.records;
        match row {
            Row::Begin { .. } | Row::End { .. } => Err(Fault::Line(number)),
            Row::Certificate { der, added } => {
                let der = base64(der).ok_or(bad)?;
                let name = Sha256::digest(&der).to_vec();
                let added = date(*added, self.latest).ok_or(bad)?;
                records.certificates.push(DatedCertificate { der, added });
                Ok(self.seen.insert(("certificate".to_owned(), name)))
            }
            Row::Contact(line) | Row::Pin(line) => {
                let is_pin = matches!(row, Row::Pin(_));
                let kind = if is_pin { TrustKind::Pin } else { TrustKind::Contact };
                let record = line.record(kind, self.latest).ok_or(bad)?;
                let name = [&record.key[..], record.address.as_bytes()].concat();
                records.trust.push(record);
                Ok(self.seen.insert((kind.word().to_owned(), name)))
            }
            Row::Evidence(line) => {
                let Some(kind) = EvidenceKind::of_others(&line.kind) else {
                    self.file.unknown.push(line.kind.clone());
                    return Ok(true);
                };
                let record = line.record(kind, self.latest).ok_or(bad)?;
                let name = record.item.name.clone();
                records.evidence.push(record);
                Ok(self.seen.insert((line.kind.clone(), name)))
            }
            Row::History(line) => {
                records.entries.push(line.entry(self.latest).ok_or(bad)?);
                Ok(true)
            }
        }
    }

    fn end(mut self, row: &Row, before: usize, digest: &[u8; 32]) -> Result<TrustFile, Fault> {
        let Row::End { rows, key, signature } = row else { return Err(Fault::End) };
        if usize::try_from(*rows) != Ok(before) {
            return Err(Fault::End);
        }
        let signature = RecordsSignature {
            key: digits(key).ok_or(Fault::Signature)?,
            signature: digits(signature).ok_or(Fault::Signature)?,
        };
        if !signature.holds(&self.store, digest) {
            return Err(Fault::Signature);
        }
        let entries = &self.file.records.entries;
        let head = entries.last().map_or_else(Head::default, |last| Head {
            length: last.number.saturating_add(1),
            digest: last.digest(),
        });
        head.verify(entries).map_err(|_| Fault::History)?;
        self.file.key = signature.key;
        Ok(self.file)
    }
}
