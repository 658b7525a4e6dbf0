//! `SHA256SUMS` as GNU `sha256sum -c` reads it.

use std::collections::BTreeMap;

use crate::names::Digest256;

/// The list.
pub(super) const SUMS: &str = "SHA256SUMS";
/// Its signature. Only boxes and payloads have one.
pub(super) const SIGNATURE: &str = "SHA256SUMS.sig";
/// The public key that lies beside it.
pub(super) const PUBLIC_KEY: &str = "box-key.pem";
/// What closes a box or a payload, and cannot stand in the list.
pub(super) const CLOSING: [&str; 3] = [SUMS, SIGNATURE, PUBLIC_KEY];

/// The digests by file name, or the number of the first line (from 1) that is none, or that names a file again.
pub(super) fn parse(bytes: &[u8]) -> Result<BTreeMap<String, Digest256>, usize> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        before.split(|byte| *byte == b'\n').count()
    })?;
    let mut sums = BTreeMap::new();
    for (index, line) in text.split_terminator('\n').enumerate() {
        let (name, digest) = parse_line(line).ok_or(index + 1)?;
        if sums.insert(name, digest).is_some() {
            return Err(index + 1);
        }
    }
    Ok(sums)
}

fn parse_line(line: &str) -> Option<(String, Digest256)> {
    let (line, escaped) = match line.strip_prefix('\\') {
        Some(rest) => (rest, true),
        None => (line, false),
    };
    let (digest, name) = line.split_at_checked(64)?;
    let name = name.strip_prefix("  ").or_else(|| name.strip_prefix(" *"))?;
    let name = if escaped { unescape(name)? } else { name.to_owned() };
    (!name.is_empty()).then_some((name, digest.parse().ok()?))
}

fn unescape(name: &str) -> Option<String> {
    let mut plain = String::with_capacity(name.len());
    let mut characters = name.chars();
    while let Some(character) = characters.next() {
        plain.push(match character {
            '\\' => match characters.next()? {
                '\\' => '\\',
                'n' => '\n',
                'r' => '\r',
                _ => return None,
            },
            other => other,
        });
    }
    Some(plain)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn lines_are_those_of_sha256sum() {
        let digest = "a".repeat(64);
        let read = parse(format!("{digest}  a b\n\\{digest}  c\\\\d\\n\n{digest} *e\n").as_bytes()).expect("lines");
        assert_eq!(read.keys().collect::<Vec<_>>(), ["a b", "c\\d\n", "e"]);
        for (text, line) in [
            (format!("{digest}  a\n{digest}  a\n"), 2),
            (format!("{digest} a\n"), 1),
            (format!("{digest}  \n"), 1),
            (format!("\\{digest}  a\\x\n"), 1),
            ("é".repeat(40), 1),
            (format!("{digest}  a\n\nx"), 2),
        ] {
            assert_eq!(parse(text.as_bytes()), Err(line), "{text}");
        }
        assert_eq!(parse(b"\xff"), Err(1));
    }
}
