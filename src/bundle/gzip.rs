//! gzip that gives the same bytes for the same bytes.

use std::io::{self, Write};

use flate2::{Compression, GzBuilder};

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

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::gzip;

    #[test]
    fn the_header_holds_nothing_of_the_machine() {
        let packed = gzip(b"#cloud-config\n").expect("memory");
        // Magic, deflate, no flags, no time, best compression, unknown system.
        assert_eq!(packed[..10], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 255]);
        let mut text = String::new();
        flate2::read::GzDecoder::new(packed.as_slice()).read_to_string(&mut text).expect("gzip");
        assert_eq!(text, "#cloud-config\n");
    }
}
