//! System Use fields (IEEE P1281) and the Rock Ridge ones among them (IEEE P1282).

use super::{IsoReadError, SECTOR, Taken, both32, slice};

/// Continuation areas that are followed from one record: names need one.
const MAX_CONTINUATIONS: usize = 8;
/// Bytes of a name: Linux takes no more (`NAME_MAX`).
const MAX_NAME: usize = 255;

/// One field: signature and data behind its four bytes of head.
type Field<'b> = ([u8; 2], &'b [u8]);

/// All fields of a record, those in continuation areas included. No two records share an area, and none is read again.
fn fields<'b>((image, taken): (&'b [u8], &mut Taken), system_use: &'b [u8]) -> Result<Vec<Field<'b>>, IsoReadError> {
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
                    if area.replace(slice(image, sector, offset, size)?).is_some() {
                        return Err(IsoReadError::Broken("a record with two continuation areas"));
                    }
                    let start = u64::from(sector) * SECTOR as u64 + u64::from(offset);
                    taken.take(&(start..start + u64::from(size)))?;
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
pub(super) fn is_used(image: (&[u8], &mut Taken), system_use: &[u8]) -> Result<bool, IsoReadError> {
    if !matches!(system_use, [b'S', b'P', 7, 1, 0xbe, 0xef, 0, ..]) {
        return Ok(false);
    }
    let known = |data: &[u8]| {
        let length = usize::from(data.first().copied().unwrap_or_default());
        matches!(data.get(4..4 + length), Some(b"RRIP_1991A" | b"IEEE_P1282" | b"IEEE_1282"))
    };
    Ok(fields(image, system_use)?.iter().any(|(signature, data)| signature == b"ER" && known(data)))
}

/// The name (NM) and `st_mode` (PX) of a record, where it has them. Beside these our images have times (TF). Other fields make
/// something else of a file: a link (SL), one that is compressed (ZF), moved (CL, PL, RE) or sparse (SF); and `RR` may say that
/// there is no name.
pub(super) fn attributes(
    image: (&[u8], &mut Taken),
    system_use: &[u8],
) -> Result<(Option<String>, Option<u32>), IsoReadError> {
    let mut name: Option<Vec<u8>> = None;
    let mut mode = None;
    let mut complete = true;
    for (signature, data) in fields(image, system_use)? {
        match &signature {
            b"NM" => {
                let [flags, part @ ..] = data else {
                    return Err(IsoReadError::Broken("a Rock Ridge name without flags"));
                };
                // Linux does not take a name with another flag than that it goes on, nor one that goes on after its end.
                if !matches!(flags, 0 | 1) || (name.is_some() && complete) {
                    return Err(IsoReadError::Broken("a Rock Ridge name that hosts do not take"));
                }
                let name = name.get_or_insert_default();
                name.extend_from_slice(part);
                if name.len() > MAX_NAME {
                    return Err(IsoReadError::Broken("a Rock Ridge name of more than 255 bytes"));
                }
                complete = flags & 1 == 0;
            }
            b"PX" if mode.is_none() => mode = Some(both32(data, 0)?),
            b"TF" => {}
            _ => return Err(IsoReadError::Broken("a Rock Ridge field that cfy-seed does not write")),
        }
    }
    if !complete {
        return Err(IsoReadError::Broken("a Rock Ridge name without an end"));
    }
    Ok((name.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()), mode))
}
