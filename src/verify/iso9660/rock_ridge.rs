//! System Use fields (IEEE P1281) and the Rock Ridge ones among them (IEEE P1282).

use super::{IsoReadError, both32, slice};

/// Continuation areas that are followed from one record: names need one.
const MAX_CONTINUATIONS: usize = 8;

/// One field: signature and data behind its four bytes of head.
type Field<'b> = ([u8; 2], &'b [u8]);

/// All fields of a record, those in continuation areas included.
fn fields<'b>(image: &'b [u8], system_use: &'b [u8]) -> Result<Vec<Field<'b>>, IsoReadError> {
    let mut all = Vec::new();
    let mut area = Some(system_use);
    let mut followed = 0;
    while let Some(mut rest) = area.take() {
        // A last odd byte is padding.
        while let [first, second, length, _, ..] = *rest {
            if first == 0 {
                break;
            }
            let length = usize::from(length);
            let Some((field, others)) = rest.split_at_checked(length).filter(|_| length >= 4) else {
                return Err(IsoReadError::Broken("a Rock Ridge field is longer than its record"));
            };
            let data = field.get(4..).unwrap_or_default();
            match &[first, second] {
                b"ST" => return Ok(all),
                b"CE" => {
                    let (sector, offset, size) = (both32(field, 4)?, both32(field, 12)?, both32(field, 20)?);
                    if offset.checked_add(size).is_none_or(|end| end > 2048) {
                        return Err(IsoReadError::Broken("a continuation area crosses a sector"));
                    }
                    area = Some(slice(image, sector, offset, size)?);
                }
                signature => all.push((*signature, data)),
            }
            rest = others;
        }
        followed += 1;
        if followed > MAX_CONTINUATIONS {
            return Err(IsoReadError::TooMany("continuation areas"));
        }
    }
    Ok(all)
}

/// Whether the root's own record says that Rock Ridge is in use: SP first, and ER with one of its names.
pub(super) fn is_used(image: &[u8], system_use: &[u8]) -> Result<bool, IsoReadError> {
    if !matches!(system_use, [b'S', b'P', 7, 1, 0xbe, 0xef, 0, ..]) {
        return Ok(false);
    }
    let known = |data: &[u8]| {
        let length = usize::from(data.first().copied().unwrap_or_default());
        matches!(data.get(4..4 + length), Some(b"RRIP_1991A" | b"IEEE_P1282" | b"IEEE_1282"))
    };
    Ok(fields(image, system_use)?.iter().any(|(signature, data)| signature == b"ER" && known(data)))
}

/// The name (NM) and `st_mode` (PX) of a record, where it has them.
pub(super) fn attributes(image: &[u8], system_use: &[u8]) -> Result<(Option<String>, Option<u32>), IsoReadError> {
    let mut name: Option<Vec<u8>> = None;
    let mut mode = None;
    let mut complete = true;
    for (signature, data) in fields(image, system_use)? {
        match &signature {
            b"NM" => {
                let [flags, part @ ..] = data else {
                    return Err(IsoReadError::Broken("a Rock Ridge name without flags"));
                };
                name.get_or_insert_default().extend_from_slice(part);
                complete = flags & 1 == 0;
            }
            b"PX" => mode = Some(both32(data, 0)?),
            _ => {}
        }
    }
    if !complete {
        return Err(IsoReadError::Broken("a Rock Ridge name without an end"));
    }
    Ok((name.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()), mode))
}
