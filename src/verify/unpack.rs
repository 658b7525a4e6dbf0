//! Certificates and keys out of the file in which they travel, as the guest makes them (docs/guest-records.md): PEM text
//! by name. What somebody wrote is not trusted: it may be short, and its numbers anything.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use x509_parser::num_bigint::BigUint;

/// The longest prime, in bytes, of a key that anybody uses: RSA-16384.
const LONGEST: usize = 1024;

/// The files that the records `der` and `pair` of a plan describe, by name, or what is wrong with them.
///
/// # Errors
/// When a record is not as the page says, or the bytes are too few or too many.
pub fn unpack(plan: &str, pki: &[u8]) -> Result<Vec<(String, String)>, &'static str> {
    let mut rest = Pieces(pki);
    let mut files = Vec::new();
    for line in plan.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        match fields.as_slice() {
            ["der", name, size] => {
                let der = rest.take(number(size)?)?;
                files.push(((*name).to_owned(), pem("CERTIFICATE", der)));
            }
            ["pair", name, half, numbers @ .., head, tail] => {
                let half = number(half)?;
                let primes = rest.take(half.checked_mul(2).ok_or("a record names too many bytes")?)?;
                let key = Key::read(primes, half, numbers)?;
                let (head, tail) = (rest.take(number(head)?)?, rest.take(number(tail)?)?);
                let certificate = [head, &filled(&key.modulus(), 2 * half), tail].concat();
                files.push((format!("{name}.crt"), pem("CERTIFICATE", &certificate)));
                files.push((format!("{name}.key"), pem("RSA PRIVATE KEY", &key.der())));
            }
            ["der" | "pair", ..] => return Err("a record has another number of fields"),
            _ => {}
        }
    }
    if rest.0.is_empty() { Ok(files) } else { Err("more bytes are there than its records name") }
}

/// What is left.
struct Pieces<'a>(&'a [u8]);

impl<'a> Pieces<'a> {
    fn take(&mut self, size: usize) -> Result<&'a [u8], &'static str> {
        let short = "fewer bytes are there than its records name";
        let (piece, rest) = self.0.split_at_checked(size).ok_or(short)?;
        self.0 = rest;
        Ok(piece)
    }
}

fn number(text: &str) -> Result<usize, &'static str> {
    text.parse().map_err(|_| "a field of a record is no number")
}

/// A key as it travels.
struct Key {
    p: BigUint,
    q: BigUint,
    q_inverse: BigUint,
    k: u32,
    g: u32,
    k_p: u32,
    k_q: u32,
}

impl Key {
    fn read(primes: &[u8], half: usize, numbers: &[&str]) -> Result<Self, &'static str> {
        let &[k, g, k_p, k_q] = numbers else { return Err("a record has another number of fields") };
        let mut parts = primes.chunks_exact(half.clamp(1, LONGEST)).map(BigUint::from_bytes_be);
        let (Some(p), Some(q), None) = (parts.next(), parts.next(), parts.next()) else {
            return Err("a key is longer than any");
        };
        let hexadecimal = |text| u32::from_str_radix(text, 16).map_err(|_| "a field of a record is no number");
        let g = g.parse().ok().filter(|g| *g != 0).ok_or("a field of a record is no number")?;
        if p.bits() == 0 || q.bits() == 0 {
            return Err("a prime of a key is 0");
        }
        let q_inverse = q.modinv(&p).ok_or("the primes of a key are none")?;
        Ok(Self { p, q, q_inverse, k: hexadecimal(k)?, g, k_p: hexadecimal(k_p)?, k_q: hexadecimal(k_q)? })
    }

    fn modulus(&self) -> BigUint {
        &self.p * &self.q
    }

    /// `RSAPrivateKey` (RFC 8017 §A.1.2). What was not computed from a sound key comes out as another key, which the digest
    /// list and the check against the certificate tell.
    fn der(&self) -> Vec<u8> {
        let (p, q) = (&self.p - 1_u32, &self.q - 1_u32);
        let numbers = [
            BigUint::ZERO,
            self.modulus(),
            BigUint::from(65_537_u32),
            (&p * &q * self.k + self.g) / (BigUint::from(65_537_u32) * self.g),
            self.p.clone(),
            self.q.clone(),
            (p * self.k_p + 1_u32) / 65_537_u32,
            (q * self.k_q + 1_u32) / 65_537_u32,
            self.q_inverse.clone(),
        ];
        let integer = |number: &BigUint| {
            // One byte more than its bits fill: a positive number of DER does not begin with a one.
            let length = usize::try_from(number.bits() / 8 + 1).unwrap_or(usize::MAX);
            element(0x02, &filled(number, length))
        };
        element(0x30, &numbers.iter().flat_map(integer).collect::<Vec<u8>>())
    }
}

fn filled(number: &BigUint, length: usize) -> Vec<u8> {
    let bytes = number.to_bytes_be();
    let bytes = bytes.strip_prefix(&[0]).unwrap_or(&bytes);
    let mut filled = vec![0; length.saturating_sub(bytes.len())];
    filled.extend_from_slice(bytes);
    filled
}

fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let size = content.len().to_be_bytes();
    let size = size.iter().position(|byte| *byte != 0).and_then(|first| size.get(first..)).unwrap_or(&[0]);
    let mut der = vec![tag];
    // Short form below 128, else the number of bytes of the length before it (X.690 §8.1.3).
    match size {
        [0..=0x7f] => {}
        long => der.push(0x80 | u8::try_from(long.len()).unwrap_or_default()),
    }
    der.extend_from_slice(size);
    der.extend_from_slice(content);
    der
}

fn pem(label: &str, der: &[u8]) -> String {
    let mut text = format!("-----BEGIN {label}-----\n");
    for (place, character) in STANDARD.encode(der).chars().enumerate() {
        if place > 0 && place % 64 == 0 {
            text.push('\n');
        }
        text.push(character);
    }
    text + &format!("\n-----END {label}-----\n")
}

#[cfg(test)]
mod tests {
    use super::{element, filled, pem, unpack};
    use x509_parser::num_bigint::BigUint;

    /// The numbers of a book: p = 61, q = 53 would have another exponent, so these are made for 65537.
    const PLAN: &str = "schema\t1\nder\tca.crt\t2\npair\thost\t1\t00000001\t2\t00000001\t00000001\t1\t4\n";

    #[test]
    fn what_the_records_name_comes_out() {
        let pki = [0x30, 0x00, 251, 241, 0xaa, 1, 2, 3, 4];
        let files = unpack(PLAN, &pki).expect("sound");
        let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["ca.crt", "host.crt", "host.key"]);
        assert_eq!(files[0].1, "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n");
        // 251 × 241 = 0xec4b between what stands before and behind it.
        assert_eq!(files[1].1, pem("CERTIFICATE", &[0xaa, 0xec, 0x4b, 1, 2, 3, 4]));
    }

    #[test]
    fn what_is_not_as_the_page_says_is_refused_and_never_panics() {
        let pki = [0; 9];
        assert_eq!(unpack(PLAN, &pki).expect_err("zero"), "a prime of a key is 0");
        assert!(unpack(PLAN, &pki[..8]).is_err());
        assert!(unpack(PLAN, &[1; 10]).is_err(), "too long");
        assert!(unpack("der\tca.crt\n", &[]).is_err());
        assert!(unpack("der\tca.crt\t-1\n", &[]).is_err());
        assert!(unpack(&format!("der\tca.crt\t{}\n", usize::MAX), &[]).is_err());
        for half in [0, 2000, usize::MAX] {
            let plan = format!("pair\thost\t{half}\t1\t1\t1\t1\t1\t1\n");
            assert!(unpack(&plan, &[1; 9000]).is_err(), "{half}");
        }
        assert!(unpack("pair\thost\t1\t1\t0\t1\t1\t1\t1\n", &[1; 9]).is_err(), "divides by nothing");
    }

    #[test]
    fn elements_are_der() {
        assert_eq!(element(2, &[0]), [2, 1, 0]);
        assert_eq!(element(2, &[1; 0x80])[..3], [2, 0x81, 0x80]);
        assert_eq!(element(0x30, &[1; 0x100])[..4], [0x30, 0x82, 1, 0]);
        assert_eq!(filled(&BigUint::from(258_u32), 3), [0, 1, 2]);
        assert_eq!(filled(&BigUint::ZERO, 1), [0]);
    }
}
