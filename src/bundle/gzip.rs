//! gzip that gives the same bytes for the same bytes.

use std::io::{self, Write};

use flate2::{Compression, Crc, GzBuilder};

/// Magic, deflate, no flags, no time, no level, operating system "unknown" (RFC 1952 §2.3).
pub(super) const STORED_HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
/// The most bytes of a stored block (RFC 1951 §3.2.4).
const BLOCK: usize = 0xffff;

/// These bytes as one gzip member (RFC 1952): level 9, no name, no time, operating system "unknown", so that nothing
/// of the machine gets into it.
///
/// # Errors
/// None that memory does not cause; the signature is the compressor's.
pub fn gzip(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzBuilder::new()
        .mtime(0)
        .operating_system(255)
        .write(Vec::with_capacity(bytes.len() / 2), Compression::best());
    encoder.write_all(bytes)?;
    encoder.finish()
}

/// These bytes as the shortest gzip member that we can make, for user-data: limits of platforms are a few hundred bytes
/// away. Zopfli searches for what a window of deflate can do at best, which costs a hundred times as much as [`gzip`] and
/// gives 6 to 8 % on a seed. The same bytes for the same bytes, no name and no time, too.
///
/// # Errors
/// None that memory does not cause; the signature is the compressor's.
pub fn dense(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut packed = Vec::with_capacity(bytes.len() / 2);
    zopfli::compress(zopfli::Options::default(), zopfli::Format::Gzip, bytes, &mut packed)?;
    Ok(packed)
}

/// gzip that stores: one member whose deflate has stored blocks only, all of them full but the last. Costs a checksum and a
/// copy, where a compressor would look for what is not there.
#[derive(Debug)]
pub struct Stored<W: Write> {
    out: W,
    block: Vec<u8>,
    crc: Crc,
}

impl<W: Write> Stored<W> {
    /// Begins a member.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn new(mut out: W) -> io::Result<Self> {
        out.write_all(&STORED_HEADER)?;
        Ok(Self { out, block: Vec::with_capacity(BLOCK), crc: Crc::new() })
    }

    /// Ends the member.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn finish(mut self) -> io::Result<W> {
        self.put(1)?;
        self.out.write_all(&self.crc.sum().to_le_bytes())?;
        self.out.write_all(&self.crc.amount().to_le_bytes())?;
        Ok(self.out)
    }

    fn put(&mut self, last: u8) -> io::Result<()> {
        // At most BLOCK bytes.
        let length = u16::try_from(self.block.len()).unwrap_or(u16::MAX);
        let [low, high] = length.to_le_bytes();
        self.out.write_all(&[last, low, high, !low, !high])?;
        self.out.write_all(&self.block)?;
        self.crc.update(&self.block);
        self.block.clear();
        Ok(())
    }
}

impl<W: Write> Write for Stored<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.block.len() == BLOCK {
            self.put(0)?;
        }
        let room = BLOCK - self.block.len();
        let taken = bytes.get(..room).unwrap_or(bytes);
        self.block.extend_from_slice(taken);
        Ok(taken.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        // A block that is not full would make the bytes depend on when somebody flushes.
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};

    use super::{BLOCK, Stored, dense, gzip};

    #[test]
    fn what_is_stored_is_gzip_whatever_its_size() {
        for size in [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK] {
            let bytes: Vec<u8> = (0..=250).cycle().take(size).collect();
            let mut stored = Stored::new(Vec::new()).expect("memory");
            for piece in bytes.chunks(1000) {
                stored.write_all(piece).expect("memory");
                stored.flush().expect("memory");
            }
            let packed = stored.finish().expect("memory");
            let mut out = Vec::new();
            flate2::read::GzDecoder::new(packed.as_slice()).read_to_end(&mut out).expect("gzip");
            assert_eq!(out, bytes);
            assert_eq!(packed.len(), 10 + size + 5 * size.div_ceil(BLOCK).max(1) + 8);
        }
    }

    #[test]
    fn the_header_holds_nothing_of_the_machine() {
        let packed = gzip(b"#cloud-config\n").expect("memory");
        // Magic, deflate, no flags, no time, best compression, unknown system.
        assert_eq!(packed[..10], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 255]);
        let mut text = String::new();
        flate2::read::GzDecoder::new(packed.as_slice()).read_to_string(&mut text).expect("gzip");
        assert_eq!(text, "#cloud-config\n");
    }

    #[test]
    fn what_is_dense_is_shorter_and_reads_the_same() {
        let line = |n: u32| format!("- {{path: /etc/{n}, content: {}}}\n", n * n % 97);
        let text = (0..900).map(line).collect::<Vec<_>>().concat();
        for text in ["", "x", text.as_str()] {
            let packed = dense(text.as_bytes()).expect("memory");
            // No flags, so no name; no time.
            assert_eq!(packed[..8], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0]);
            let mut out = String::new();
            flate2::read::GzDecoder::new(packed.as_slice()).read_to_string(&mut out).expect("gzip");
            assert_eq!(out, text);
            assert!(packed.len() <= gzip(text.as_bytes()).expect("memory").len());
            assert_eq!(packed, dense(text.as_bytes()).expect("memory"));
        }
    }
}
