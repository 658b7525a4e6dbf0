//! Headers of RPMs, before anybody interprets them.
//!
//! The crate `rpm` allocates what a header says and slices where it points to. Here a header is read only as far as it is
//! small, and every entry of its index is checked to lie within its data, as rpm itself does (`hdrblobVerifyInfo` in
//! lib/header.c). What passes can be given to the crate.

use std::io::{self, Read};

use super::RpmError;

/// Size of the lead, which has said nothing of worth since rpm 3.
pub(super) const LEAD: usize = 96;
const LEAD_MAGIC: [u8; 4] = [0xed, 0xab, 0xee, 0xdb];
const MAGIC: [u8; 4] = [0x8e, 0xad, 0xe8, 0x01];
/// Magic, four reserved bytes, number of entries, size of the data.
const INTRODUCTION: usize = 16;
const ENTRY: usize = 16;
/// As in rpm (`HEADER_TAGS_MAX`).
const MAX_ENTRIES: u32 = 0xffff;
/// As in rpm of EL 7 (`hdrchkData`): a package with more cannot be installed there. The largest one known has 10 MiB.
const MAX_DATA: u32 = 0x00ff_ffff;
/// Strings of one array: files, mostly.
const MAX_STRINGS: u32 = 1 << 18;

/// The three parts before the payload, as they stand in the file.
pub(super) struct Headers {
    /// Lead, signature header with its padding, and header, one after the other.
    pub bytes: Vec<u8>,
    /// Where the header begins.
    pub header: usize,
}

impl Headers {
    /// The header, which is what digests and signatures are made over.
    pub fn header(&self) -> &[u8] {
        self.bytes.get(self.header..).unwrap_or_default()
    }
}

/// Reads up to the payload.
pub(super) fn headers(reader: &mut impl Read) -> Result<Headers, RpmError> {
    let mut bytes = vec![0; LEAD];
    match exact(reader, &mut bytes, "lead") {
        Err(RpmError::CutOff(_)) if !bytes.starts_with(&LEAD_MAGIC) => return Err(RpmError::NotAnRpm),
        other => other?,
    }
    if !bytes.starts_with(&LEAD_MAGIC) {
        return Err(RpmError::NotAnRpm);
    }
    // Major version 3 stands in every RPM since 1997, 4 in those of rpm 6; earlier ones have no signature header.
    if !matches!(bytes.get(4), Some(3 | 4)) {
        return Err(malformed("lead", "of a version that is not known"));
    }
    if bytes.get(6..8) == Some(&[0, 1]) {
        return Err(RpmError::Source);
    }
    append(reader, &mut bytes, "signature header")?;
    let padding = bytes.len().next_multiple_of(8) - bytes.len();
    let mut pad = [0; 8];
    exact(reader, pad.get_mut(..padding).unwrap_or_default(), "signature header")?;
    bytes.extend_from_slice(pad.get(..padding).unwrap_or_default());
    let header = bytes.len();
    append(reader, &mut bytes, "header")?;
    Ok(Headers { bytes, header })
}

/// Reads one header, and checks it.
fn append(reader: &mut impl Read, bytes: &mut Vec<u8>, part: &'static str) -> Result<(), RpmError> {
    let mut introduction = [0; INTRODUCTION];
    exact(reader, &mut introduction, part)?;
    if !introduction.starts_with(&MAGIC) {
        return Err(malformed(part, "it does not begin like one"));
    }
    let (entries, data) = (number(&introduction, 8), number(&introduction, 12));
    if entries > MAX_ENTRIES {
        return Err(RpmError::TooMuch { part, unit: "entries", found: entries.into(), limit: MAX_ENTRIES.into() });
    }
    if data > MAX_DATA {
        return Err(RpmError::TooMuch { part, unit: "bytes", found: data.into(), limit: MAX_DATA.into() });
    }
    let (index, size) = (entries as usize * ENTRY, data as usize);
    bytes.extend_from_slice(&introduction);
    let start = bytes.len();
    // Grows with what is really there: a file of a hundred bytes that promises 16 MiB costs a hundred bytes.
    let read = reader.take((index + size) as u64).read_to_end(bytes).map_err(RpmError::Machine)?;
    if read < index + size {
        return Err(RpmError::CutOff(part));
    }
    let (index, data) = bytes.get(start..).unwrap_or_default().split_at_checked(index).unwrap_or_default();
    check(index, data).map_err(|why| malformed(part, why))
}

/// Checks that all entries lie in the data, and together are not more than it.
fn check(index: &[u8], data: &[u8]) -> Result<(), &'static str> {
    if index.is_empty() {
        return Err("it has no entry");
    }
    let mut total = 0;
    for entry in index.chunks_exact(ENTRY) {
        total += extent(number(entry, 4), number(entry, 8), number(entry, 12), data)?;
        // Entries do not share data; a header whose entries all point to the same bytes would be many times its size.
        if total > data.len() {
            return Err("its entries overlap");
        }
    }
    Ok(())
}

/// The bytes that an entry takes.
fn extent(kind: u32, offset: u32, count: u32, data: &[u8]) -> Result<usize, &'static str> {
    let rest = data.get(offset as usize..).ok_or("an entry lies outside of its data")?;
    let (size, count) = (width(kind).ok_or("an entry has an unknown type")?, count as usize);
    if count == 0 {
        return Err("an entry is empty");
    }
    if size > 0 {
        if !(offset as usize).is_multiple_of(size) {
            return Err("an entry is not aligned");
        }
        let bytes = size.checked_mul(count).filter(|bytes| *bytes <= rest.len());
        return bytes.ok_or("an entry is larger than the data");
    }
    if kind == 6 && count != 1 {
        return Err("a single text is several");
    }
    if count > MAX_STRINGS as usize {
        return Err("an entry has more than 262144 texts");
    }
    let mut ends = rest.iter().enumerate().filter(|(_, byte)| **byte == 0).map(|(at, _)| at + 1);
    ends.nth(count - 1).ok_or("a text has no end")
}

/// Bytes of an element of this type, by `rpmTagType_e` in rpmtag.h: 0 for texts, which end with a NUL.
const fn width(kind: u32) -> Option<usize> {
    match kind {
        1 | 2 | 7 => Some(1),
        3 => Some(2),
        4 => Some(4),
        5 => Some(8),
        6 | 8 | 9 => Some(0),
        _ => None,
    }
}

/// The big-endian number at this place.
fn number(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|four| four.try_into().ok()).map_or(0, u32::from_be_bytes)
}

pub(super) fn malformed(part: &'static str, why: impl Into<String>) -> RpmError {
    RpmError::Malformed { part, why: why.into() }
}

fn exact(reader: &mut impl Read, into: &mut [u8], part: &'static str) -> Result<(), RpmError> {
    reader.read_exact(into).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => RpmError::CutOff(part),
        _ => RpmError::Machine(error),
    })
}
