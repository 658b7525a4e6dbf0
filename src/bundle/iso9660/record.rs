//! Directory records (ECMA-119 9.1) and the Rock Ridge fields in them.

use super::SECTOR;
use super::field::both32;

/// The most bytes of a record: its length is one byte and must be even.
const MAX_RECORD: usize = 254;
/// Bytes of a continuation field (SUSP 5.1).
const CE: usize = 28;
/// Bytes of a name in one NM field; a longer name has several.
const NM_PART: usize = 100;

/// File flags (ECMA-119 9.1.6).
pub(super) const DIRECTORY: u8 = 0x02;
/// Set on every section of a file but the last.
pub(super) const MORE_SECTIONS: u8 = 0x80;

/// One directory record.
#[derive(Debug)]
pub(super) struct Record<'a> {
    pub sector: u32,
    pub size: u32,
    pub flags: u8,
    pub identifier: &'a [u8],
}

impl Record<'_> {
    /// Bytes before the System Use field, which starts at an even place.
    fn base(&self) -> usize {
        (33 + self.identifier.len()).next_multiple_of(2)
    }

    /// The record's bytes. Fields that find no room go to the continuation area.
    pub fn encode(&self, date: [u8; 7], fields: &[Vec<u8>], area: &mut Continuation) -> Vec<u8> {
        let system_use = fit(fields, MAX_RECORD - self.base(), area);
        let length = (self.base() + system_use.len()).next_multiple_of(2);
        let mut bytes = Vec::with_capacity(length);
        // Neither length can pass 255: identifiers have at most 128 bytes and `fit` keeps to its room.
        bytes.push(u8::try_from(length).unwrap_or(u8::MAX));
        bytes.push(0);
        bytes.extend(both32(self.sector));
        bytes.extend(both32(self.size));
        bytes.extend(date);
        bytes.extend([self.flags, 0, 0]);
        bytes.extend([1, 0, 0, 1]); // volume sequence number 1, in both orders
        bytes.push(u8::try_from(self.identifier.len()).unwrap_or(u8::MAX));
        bytes.extend(self.identifier);
        bytes.resize(self.base(), 0);
        bytes.extend(system_use);
        bytes.resize(length, 0);
        bytes
    }
}

/// Where fields go that find no room in their record. No piece crosses a sector: Linux reads one.
#[derive(Debug)]
pub(super) struct Continuation {
    /// The area's first sector.
    pub sector: u32,
    /// What is in it.
    pub bytes: Vec<u8>,
}

impl Continuation {
    fn place(&mut self, piece: &[u8]) -> [u8; CE] {
        if self.bytes.len() % SECTOR + piece.len() > SECTOR {
            self.bytes.resize(self.bytes.len().next_multiple_of(SECTOR), 0);
        }
        let at = self.bytes.len();
        let number = |value: usize| both32(u32::try_from(value).unwrap_or(u32::MAX));
        let mut field = [0; CE];
        field[..4].copy_from_slice(&[b'C', b'E', 28, 1]);
        field[4..12].copy_from_slice(&number(self.sector as usize + at / SECTOR));
        field[12..20].copy_from_slice(&number(at % SECTOR));
        field[20..].copy_from_slice(&number(piece.len()));
        self.bytes.extend(piece);
        field
    }
}

fn fit(fields: &[Vec<u8>], room: usize, area: &mut Continuation) -> Vec<u8> {
    let all = fields.concat();
    if all.len() <= room {
        return all;
    }
    let mut here = Vec::new();
    let mut rest = fields;
    while let [first, others @ ..] = rest
        && here.len() + first.len() + CE <= room
    {
        here.extend(first);
        rest = others;
    }
    here.extend(area.place(&rest.concat()));
    here
}

/// SP: SUSP is in use (SUSP 5.3). First field of the root's own record.
pub(super) fn sp() -> Vec<u8> {
    vec![b'S', b'P', 7, 1, 0xbe, 0xef, 0]
}

/// ER: which extension it is (SUSP 5.5). The texts are those of Rock Ridge 1.09 and of every mastering tool.
pub(super) fn er() -> Vec<u8> {
    const ID: &[u8] = b"RRIP_1991A";
    const ABOUT: &[u8] = b"THE ROCK RIDGE INTERCHANGE PROTOCOL PROVIDES SUPPORT FOR POSIX FILE SYSTEM SEMANTICS";
    const SOURCE: &[u8] = b"PLEASE CONTACT DISC PUBLISHER FOR SPECIFICATION SOURCE.  SEE PUBLISHER IDENTIFIER IN \
        PRIMARY VOLUME DESCRIPTOR FOR CONTACT INFORMATION.";
    let mut field = vec![b'E', b'R', 237, 1, 10, 84, 135, 1];
    field.extend([ID, ABOUT, SOURCE].concat());
    field
}

/// PX: type and permissions, links, owner 0, group 0 (RRIP 4.1.1).
pub(super) fn px(mode: u32, links: usize) -> Vec<u8> {
    let links = u32::try_from(links).unwrap_or(u32::MAX);
    let mut field = vec![b'P', b'X', 36, 1];
    for value in [mode, links, 0, 0] {
        field.extend(both32(value));
    }
    field
}

/// TF: modification, access and attribute change, all the same time (RRIP 4.1.6).
pub(super) fn tf(date: [u8; 7]) -> Vec<u8> {
    let mut field = vec![b'T', b'F', 26, 1, 0x02 | 0x04 | 0x08];
    for _ in 0..3 {
        field.extend(date);
    }
    field
}

/// NM: the real name, in several fields when it is long (RRIP 4.1.4).
pub(super) fn nm(name: &str) -> Vec<Vec<u8>> {
    let parts: Vec<&[u8]> = name.as_bytes().chunks(NM_PART).collect();
    let last = parts.len().saturating_sub(1);
    let field = |(index, part): (usize, &&[u8])| {
        let length = u8::try_from(5 + part.len()).unwrap_or(u8::MAX);
        let mut field = vec![b'N', b'M', length, 1, u8::from(index < last)];
        field.extend_from_slice(part);
        field
    };
    parts.iter().enumerate().map(field).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_have_the_lengths_they_say() {
        let mut fields = vec![sp(), er(), px(0o100_600, 1), tf([0; 7])];
        fields.extend(nm(&"n".repeat(253)));
        for field in fields {
            assert_eq!(usize::from(field[2]), field.len(), "{:?}", &field[..2]);
        }
    }

    #[test]
    fn what_finds_no_room_is_continued_inside_one_sector() {
        let mut area = Continuation { sector: 30, bytes: vec![0; SECTOR - 10] };
        let record = Record { sector: 1, size: 2, flags: 0, identifier: b"ABCDEFGH.IJK;1" };
        let mut fields = vec![px(0o100_600, 1), tf([0; 7])];
        fields.extend(nm(&"n".repeat(253)));
        let bytes = record.encode([0; 7], &fields, &mut area);
        assert!(bytes.len() <= MAX_RECORD && usize::from(bytes[0]) == bytes.len());
        let ce = bytes.windows(4).position(|w| w == b"CE\x1c\x01").expect("continued");
        assert_eq!(bytes[ce + 4], 31, "the next sector");
        assert_eq!(bytes[ce + 12], 0, "from its start");
        assert_eq!(usize::from(bytes[ce + 20]), area.bytes.len() - SECTOR);
    }
}
