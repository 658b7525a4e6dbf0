//! Names for readers that know neither Rock Ridge nor long names, each unique in its directory.

use std::collections::{BTreeMap, BTreeSet};

/// Characters of a Joliet name; genisoimage and xorriso keep to the same 64.
const JOLIET_NAME: usize = 64;
/// Characters of a Joliet name's end that are kept when it is cut, so that `.rpm` stays `.rpm`.
const JOLIET_TAIL: usize = 8;

/// The short names of one directory: ISO 9660 level 1, eight characters and three of `A-Z 0-9 _`.
#[derive(Debug, Default)]
pub(super) struct ShortNames {
    taken: BTreeSet<(String, String)>,
    /// The next number to try for a name, because trying from 0 would be quadratic for thousands of alike names.
    next: BTreeMap<(String, String), u32>,
}

impl ShortNames {
    /// The identifier of a directory (ECMA-119 7.6.3).
    pub fn directory(&mut self, name: &str) -> Vec<u8> {
        self.unique(dchars(name, 8), String::new()).0.into_bytes()
    }

    /// The identifier of a file (ECMA-119 7.5.1): name, dot, extension, version 1.
    pub fn file(&mut self, name: &str) -> Vec<u8> {
        let (stem, extension) = match name.rsplit_once('.') {
            Some((stem, extension)) if !stem.is_empty() => (stem, extension),
            _ => (name, ""),
        };
        let (stem, extension) = self.unique(dchars(stem, 8), dchars(extension, 3));
        format!("{stem}.{extension};1").into_bytes()
    }

    fn unique(&mut self, stem: String, extension: String) -> (String, String) {
        let wanted = (stem, extension);
        if self.taken.insert(wanted.clone()) {
            return wanted;
        }
        let next = self.next.entry(wanted.clone()).or_default();
        loop {
            let number = next.to_string();
            *next += 1;
            let keep = 8_usize.saturating_sub(number.len()).min(wanted.0.len());
            let name = (format!("{}{number}", &wanted.0[..keep]), wanted.1.clone());
            if self.taken.insert(name.clone()) {
                return name;
            }
        }
    }
}

/// At most `most` d-characters (ECMA-119 7.4.1) made from a name, at least one where the name has one.
fn dchars(name: &str, most: usize) -> String {
    let map = |c: char| {
        let upper = c.to_ascii_uppercase();
        if upper.is_ascii_uppercase() || upper.is_ascii_digit() { upper } else { '_' }
    };
    name.chars().take(most).map(map).collect()
}

/// The Joliet names of one directory: at most 64 characters of UCS-2.
#[derive(Debug, Default)]
pub(super) struct JolietNames {
    taken: BTreeSet<Vec<u16>>,
    next: BTreeMap<Vec<u16>, u32>,
}

impl JolietNames {
    /// The identifier of a file or directory, big-endian. No version follows: genisoimage and xorriso write none.
    pub fn name(&mut self, name: &str) -> Vec<u8> {
        let units: Vec<u16> = name.chars().map(ucs2).collect();
        let mut name = undotted(cut(&units, &[]));
        if !self.taken.insert(name.clone()) {
            let next = self.next.entry(name).or_default();
            name = loop {
                let number: Vec<u16> = format!("~{next}").encode_utf16().collect();
                *next += 1;
                let name = undotted(cut(&units, &number));
                if self.taken.insert(name.clone()) {
                    break name;
                }
            };
        }
        name.into_iter().flat_map(u16::to_be_bytes).collect()
    }
}

/// One character; what Joliet forbids and what UCS-2 cannot hold becomes `_`.
fn ucs2(c: char) -> u16 {
    match c {
        '*' | '/' | ':' | ';' | '?' | '\\' => u16::from(b'_'),
        c if c.is_control() => u16::from(b'_'),
        c => u16::try_from(u32::from(c)).unwrap_or(u16::from(b'_')),
    }
}

/// The name with `mark` put before its extension, shortened to fit.
fn cut(units: &[u16], mark: &[u16]) -> Vec<u16> {
    let dot = units.iter().rposition(|unit| *unit == u16::from(b'.')).filter(|at| *at > 0);
    let (stem, tail) = match dot {
        Some(at) if units.len() - at <= JOLIET_TAIL => units.split_at(at),
        _ => (units, &[][..]),
    };
    let keep = stem.len().min(JOLIET_NAME - tail.len() - mark.len());
    [&stem[..keep], mark, tail].concat()
}

/// Linux drops final dots of Joliet names (fs/isofs/joliet.c), so none may be there.
fn undotted(mut name: Vec<u16>) -> Vec<u16> {
    if let Some(last) = name.last_mut().filter(|last| **last == u16::from(b'.')) {
        *last = u16::from(b'_');
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_names_are_level_1_and_unique() {
        let mut names = ShortNames::default();
        let mut file = |name| String::from_utf8(names.file(name)).expect("ASCII");
        assert_eq!(file("user-data"), "USER_DAT.;1");
        assert_eq!(file("user-data.gz"), "USER_DAT.GZ;1");
        assert_eq!(file("user-database"), "USER_DA0.;1");
        assert_eq!(file("user_database"), "USER_DA1.;1");
        assert_eq!(file("user-da0"), "USER_DA2.;1", "its own name is taken");
        assert_eq!(file(".gitignore"), "_GITIGNO.;1");
        assert_eq!(file("ä"), "_.;1");
        assert_eq!(names.directory("user-data"), b"USER_DA3", "files and directories share one space");
        for n in 0..3000 {
            let name = String::from_utf8(names.file(&format!("cloudify-agent-{n}.rpm"))).expect("ASCII");
            assert!(name.len() <= 14, "{name}");
        }
    }

    #[test]
    fn joliet_names_keep_their_end() {
        let mut names = JolietNames::default();
        let mut name = |name: &str| {
            let bytes = names.name(name);
            let units: Vec<u16> = bytes.chunks(2).map(|c| u16::from_be_bytes([c[0], c[1]])).collect();
            assert!(units.len() <= 64);
            String::from_utf16(&units).expect("no surrogates")
        };
        let long = format!("{}.rpm", "x".repeat(80));
        assert_eq!(name("user-data"), "user-data");
        assert_eq!(name("größe"), "größe");
        assert_eq!(name(&long), format!("{}.rpm", "x".repeat(60)));
        assert_eq!(name(&format!("x{long}")), format!("{}~0.rpm", "x".repeat(58)));
        assert_eq!(name("a:b"), "a_b");
        assert_eq!(name("a;b"), "a_b~0");
        assert_eq!(name("😀"), "_");
        assert_eq!(name("end."), "end_");
        assert_eq!(name(&"y".repeat(70)), "y".repeat(64));
    }
}
