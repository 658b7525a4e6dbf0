//! PEM text (RFC 7468): strict where a half-written file must be noticed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::zeroize::Zeroizing;

const LINE: usize = 64;

/// One block of a PEM file. Its content is wiped when dropped because it may be a private key.
pub(super) struct Block {
    /// What stands after `BEGIN`.
    pub label: String,
    /// The DER bytes.
    pub der: Zeroizing<Vec<u8>>,
}

impl std::fmt::Debug for Block {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Block").field("label", &self.label).finish_non_exhaustive()
    }
}

/// Why a text is no PEM file. Says nothing of its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum PemError {
    #[error("it is empty")]
    Empty,
    #[error("it is not text")]
    NotText,
    #[error("it is DER, not PEM")]
    Der,
    #[error("it has no `-----BEGIN …-----` line")]
    NoBlock,
    #[error("it ends before its `-----END …-----` line: it was cut off")]
    Truncated,
    #[error("its `-----END …-----` line does not match its `-----BEGIN …-----` line")]
    Unbalanced,
    #[error("what stands between its BEGIN and END lines is not base64: it was damaged")]
    NotBase64,
    #[error("it is encrypted with a passphrase, in OpenSSL's traditional form (`Proc-Type: 4,ENCRYPTED`)")]
    Traditional,
}

/// All blocks of a text, at least one. Text around the blocks is skipped, as OpenSSL does.
///
/// # Errors
/// When there is no block, or one that is cut off, damaged or encrypted in the traditional form.
pub(super) fn blocks(bytes: &[u8]) -> Result<Vec<Block>, PemError> {
    // A SEQUENCE of more than 127 bytes: no text begins with these two.
    if matches!(bytes, [0x30, 0x81..=0x84, ..]) {
        return Err(PemError::Der);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| PemError::NotText)?;
    if text.trim().is_empty() {
        return Err(PemError::Empty);
    }
    let mut found = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(label) = marker(line, "BEGIN") else { continue };
        let mut body = Zeroizing::new(String::with_capacity(text.len()));
        loop {
            let line = lines.next().ok_or(PemError::Truncated)?;
            match marker(line, "END") {
                Some(end) if end == label => break,
                Some(_) => return Err(PemError::Unbalanced),
                None if line.starts_with("-----BEGIN ") => return Err(PemError::Truncated),
                None if line.contains(':') => return Err(PemError::Traditional),
                None => body.push_str(line.trim()),
            }
        }
        let der = STANDARD.decode(body.as_bytes()).map_err(|_| PemError::NotBase64)?;
        found.push(Block { label: label.to_owned(), der: Zeroizing::new(der) });
    }
    if found.is_empty() { Err(PemError::NoBlock) } else { Ok(found) }
}

fn marker<'a>(line: &'a str, word: &str) -> Option<&'a str> {
    line.trim_end().strip_prefix("-----")?.strip_prefix(word)?.strip_prefix(' ')?.strip_suffix("-----")
}

/// One block as text with lines of 64 characters and a final line end.
pub(super) fn text(label: &str, der: &[u8]) -> String {
    let body = Zeroizing::new(STANDARD.encode(der));
    // The exact size, so that the text of a key is never copied into a larger buffer and left behind.
    let size = body.len() + body.len().div_ceil(LINE) + 2 * (label.len() + 18);
    let mut text = String::with_capacity(size);
    text.push_str("-----BEGIN ");
    text.push_str(label);
    text.push_str("-----\n");
    let mut rest = body.as_str();
    while !rest.is_empty() {
        let (line, tail) = rest.split_at(LINE.min(rest.len()));
        text.push_str(line);
        text.push('\n');
        rest = tail;
    }
    text.push_str("-----END ");
    text.push_str(label);
    text.push_str("-----\n");
    text
}

#[cfg(test)]
mod tests {
    use super::{PemError, blocks, text};

    #[test]
    fn what_is_written_is_read() {
        for length in [1, 47, 48, 49, 1200] {
            let der: Vec<u8> = (0..length).map(|i| u8::try_from(i % 251).expect("small")).collect();
            let pem = text("CERTIFICATE", &der);
            assert!(pem.lines().all(|line| line.len() <= 64));
            let found = blocks(pem.as_bytes()).expect("a block");
            assert_eq!((found.len(), found[0].label.as_str(), &**found[0].der), (1, "CERTIFICATE", &der[..]));
        }
    }

    #[test]
    fn damage_is_named() {
        let whole = text("CERTIFICATE", &[7; 200]);
        assert_eq!(blocks(b" \n").expect_err("empty"), PemError::Empty);
        assert_eq!(blocks(b"hello").expect_err("no block"), PemError::NoBlock);
        assert_eq!(blocks(&[0xff, 0xfe]).expect_err("binary"), PemError::NotText);
        assert_eq!(blocks(&[0x30, 0x82, 1, 2, 3]).expect_err("DER"), PemError::Der);
        for cut in [30, 100, whole.len() - 10] {
            assert_eq!(blocks(&whole.as_bytes()[..cut]).expect_err("cut"), PemError::Truncated, "{cut}");
        }
        let broken = whole.replacen("BwcH", "Bw*H", 1);
        assert_eq!(blocks(broken.as_bytes()).expect_err("damage"), PemError::NotBase64);
        let other = whole.replace("END CERTIFICATE", "END KEY");
        assert_eq!(blocks(other.as_bytes()).expect_err("mix"), PemError::Unbalanced);
        let legacy =
            "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END RSA PRIVATE KEY-----\n";
        assert_eq!(blocks(legacy.as_bytes()).expect_err("encrypted"), PemError::Traditional);
    }
}
