//! Certificates and keys as they travel: as DER in one file, each byte once (docs/adr/0016). The guest's `unpack` makes
//! PEM of it again, and the seed's digest list says whether it is what the vault has.
//!
//! Base64 hides from deflate what is equal, and numbers of a key look random although most follow from its primes. What is
//! not of the usual form (a supplied key with another exponent, text around a block) travels as it is.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::zeroize::Zeroizing;
use x509_parser::asn1_rs::{FromDer as _, Integer, Sequence};
use x509_parser::num_bigint::BigUint;

use super::guest::Staged;

const CERTIFICATE: &str = "CERTIFICATE";
const KEY: &str = "RSA PRIVATE KEY";
/// The public exponent of every key that is worth the trouble, with which the guest divides.
const EXPONENT: u32 = 65537;
/// The guest divides by `G × EXPONENT` in 64 bits, 16 of which are the next digit.
const LARGEST_G: u32 = 1 << 24;

/// What is packed, and how.
#[derive(Default)]
pub struct Pack {
    bytes: Zeroizing<Vec<u8>>,
    /// Records of the driver's plan, in the order of the pieces.
    pub records: Vec<Vec<String>>,
    names: Vec<String>,
}

impl Pack {
    /// Packs every certificate of these files, and the key beside it (`NAME.crt` and `NAME.key`).
    pub fn of(staged: &[Staged]) -> Self {
        let mut pack = Self::default();
        for file in staged {
            let Some(certificate) = der(file.content.expose(), CERTIFICATE) else { continue };
            let pair = file.name.strip_suffix(".crt").and_then(|name| {
                let key = staged.iter().find(|other| other.name.strip_suffix(".key") == Some(name))?;
                Some((name, Numbers::of(&der(key.content.expose(), KEY)?)?))
            });
            match pair.and_then(|(name, key)| Some((name, key.split(&certificate)?, key))) {
                Some((name, (head, tail), key)) => pack.add_pair(name, &key, head, tail),
                None => {
                    pack.bytes.extend_from_slice(&certificate);
                    pack.records.push(vec!["der".into(), file.name.clone(), certificate.len().to_string()]);
                    pack.names.push(file.name.clone());
                }
            }
        }
        pack
    }

    fn add_pair(&mut self, name: &str, key: &Numbers, head: &[u8], tail: &[u8]) {
        let primes = [&key.p, &key.q].map(|number| key.fixed(number));
        let pieces = primes.iter().map(|bytes| bytes.as_slice()).chain([head, tail]);
        pieces.for_each(|piece| self.bytes.extend_from_slice(piece));
        let word = |number: &BigUint| format!("{number:08x}");
        self.records.push(vec![
            "pair".into(),
            name.to_owned(),
            key.half.to_string(),
            word(&key.k),
            key.g.to_string(),
            word(&key.k_p),
            word(&key.k_q),
            head.len().to_string(),
            tail.len().to_string(),
        ]);
        self.names.extend([format!("{name}.crt"), format!("{name}.key")]);
    }

    /// Whether the file of this name is in it.
    pub fn has(&self, name: &str) -> bool {
        self.names.iter().any(|one| one == name)
    }

    /// The bytes of the file.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// The DER of a PEM file that is this one block and exactly what the guest would write, or nothing.
fn der(pem: &str, label: &str) -> Option<Zeroizing<Vec<u8>>> {
    let body = pem.strip_prefix(&format!("-----BEGIN {label}-----\n"))?;
    let body = body.strip_suffix(&format!("-----END {label}-----\n"))?;
    let lines = body.strip_suffix('\n')?.split('\n');
    let last = lines.clone().count().checked_sub(1)?;
    let regular = |(number, line): (usize, &str)| {
        if number == last { (1..=64).contains(&line.len()) } else { line.len() == 64 }
    };
    let joined: Zeroizing<String> = Zeroizing::new(lines.clone().collect());
    let der = STANDARD.decode(joined.as_bytes()).ok().map(Zeroizing::new)?;
    lines.enumerate().all(regular).then_some(der)
}

/// What a key is made of, and the small numbers with which the rest follows.
struct Numbers {
    /// Bytes of a prime.
    half: usize,
    modulus: BigUint,
    p: BigUint,
    q: BigUint,
    /// `e × d = 1 + k × (p-1) × (q-1) ÷ g`: by library, d is an inverse of e modulo the product or the least common multiple.
    k: BigUint,
    g: BigUint,
    /// `e × dP = 1 + k_p × (p-1)`.
    k_p: BigUint,
    k_q: BigUint,
}

impl Numbers {
    /// Takes an `RSAPrivateKey` (RFC 8017 §A.1.2) apart, where its numbers make it whole again to the byte.
    fn of(der: &[u8]) -> Option<Self> {
        let (rest, sequence) = Sequence::from_der(der).ok()?;
        let mut content: &[u8] = &sequence.content;
        let mut numbers = Vec::new();
        while !content.is_empty() {
            let (after, number) = Integer::from_der(content).ok()?;
            numbers.push(BigUint::from_bytes_be(number.as_ref()));
            content = after;
        }
        let [version, modulus, e, d, p, q, d_p, d_q, _] = numbers.try_into().ok()?;
        let one = BigUint::from(1_u32);
        // Zeros of a damaged key divide nothing, and nothing can be taken from them.
        let usual = rest.is_empty() && version.bits() == 0 && e == EXPONENT.into() && p > one && q > one;
        if !usual || [&d, &d_p, &d_q].iter().any(|number| number.bits() == 0) {
            return None;
        }
        let (less_p, less_q) = (&p - &one, &q - &one);
        let product = &less_p * &less_q;
        let turns = &e * &d - &one;
        let divisor = greatest_common_divisor(&turns, &product);
        let key = Self {
            half: usize::try_from(modulus.bits().div_ceil(16)).ok()?,
            k: &turns / &divisor,
            g: &product / &divisor,
            k_p: (&e * &d_p - &one) / &less_p,
            k_q: (&e * &d_q - &one) / &less_q,
            modulus,
            p,
            q,
        };
        let fits = key.half.is_multiple_of(2)
            && [&key.p, &key.q].iter().all(|number| number.bits().div_ceil(8) <= key.half as u64)
            && [&key.k, &key.k_p, &key.k_q].iter().all(|number| **number < e)
            && key.g <= LARGEST_G.into();
        (fits && key.whole()?.as_slice() == der).then_some(key)
    }

    /// The key that the guest will make; none where what should be primes have a common divisor.
    fn whole(&self) -> Option<Zeroizing<Vec<u8>>> {
        let (one, e) = (BigUint::from(1_u32), BigUint::from(EXPONENT));
        let (less_p, less_q) = (&self.p - &one, &self.q - &one);
        let numbers = [
            &self.p * &self.q,
            e.clone(),
            (&self.g + &self.k * &less_p * &less_q) / (&self.g * &e),
            self.p.clone(),
            self.q.clone(),
            (&one + &self.k_p * less_p) / &e,
            (&one + &self.k_q * less_q) / &e,
            self.q.modinv(&self.p)?,
        ];
        let mut content = Zeroizing::new(vec![2, 1, 0]);
        for number in &numbers {
            let mut bytes = Zeroizing::new(number.to_bytes_be());
            if bytes.first().is_some_and(|first| first & 0x80 != 0) {
                bytes.insert(0, 0);
            }
            element(2, &bytes, &mut content);
        }
        let mut der = Zeroizing::new(Vec::new());
        element(0x30, &content, &mut der);
        Some(der)
    }

    /// The number with as many bytes as a prime may have.
    fn fixed(&self, number: &BigUint) -> Zeroizing<Vec<u8>> {
        let bytes = Zeroizing::new(number.to_bytes_be());
        let mut fixed = Zeroizing::new(vec![0; self.half.saturating_sub(bytes.len())]);
        fixed.extend_from_slice(&bytes);
        fixed
    }

    /// What stands before and behind the modulus in its certificate.
    fn split<'c>(&self, certificate: &'c [u8]) -> Option<(&'c [u8], &'c [u8])> {
        let modulus = self.modulus.to_bytes_be();
        if modulus.len() != 2 * self.half {
            return None;
        }
        let at = certificate.windows(modulus.len()).position(|window| window == modulus)?;
        Some((certificate.get(..at)?, certificate.get(at + modulus.len()..)?))
    }
}

/// An `RSAPrivateKey` of these numbers, which are no primes, and its modulus: for estimates, because it packs as a real one
/// does. Both have one length.
pub fn stand_in_key(p: &[u8], q: &[u8]) -> (Zeroizing<Vec<u8>>, Vec<u8>) {
    let (half, e) = (p.len(), BigUint::from(EXPONENT));
    // Odd, and so large that the product has all its bits.
    let prime = |bytes: &[u8]| {
        BigUint::from_bytes_be(bytes) | (BigUint::from(3_u32) << (8 * half - 2)) | BigUint::from(1_u32)
    };
    let (p, mut q) = (prime(p), prime(q));
    while q.modinv(&p).is_none() {
        q += 2_u32;
    }
    let (less_p, less_q) = (&p - 1_u32, &q - 1_u32);
    // By Fermat: 1 + factor × number is a multiple of e, which is prime.
    let factor = |number: &BigUint| &e - number.modpow(&(&e - 2_u32), &e);
    let key = Numbers {
        half,
        modulus: &p * &q,
        k: factor(&(&less_p * &less_q)),
        g: BigUint::from(1_u32),
        k_p: factor(&less_p),
        k_q: factor(&less_q),
        p,
        q,
    };
    (key.whole().unwrap_or_default(), key.modulus.to_bytes_be())
}

fn greatest_common_divisor(a: &BigUint, b: &BigUint) -> BigUint {
    let (mut a, mut b) = (a.clone(), b.clone());
    while b.bits() != 0 {
        (a, b) = (b.clone(), a % b);
    }
    a
}

/// Appends an element of DER. Lengths of up to two bytes: nothing here is longer.
fn element(tag: u8, content: &[u8], out: &mut Vec<u8>) {
    out.push(tag);
    let [.., high, low] = content.len().to_be_bytes();
    match content.len() {
        0..=0x7f => out.push(low),
        0x80..=0xff => out.extend([0x81, low]),
        _ => out.extend([0x82, high, low]),
    }
    out.extend_from_slice(content);
}

#[cfg(test)]
mod tests {
    use super::{Numbers, Pack, der, element};
    use crate::names::{FileMode, Secret};
    use crate::render::guest::Staged;

    const CRT: &str = include_str!("../../tests/fixtures/nine-node/vault/hosts/db-1.crt");
    const KEY: &str = include_str!("../../tests/fixtures/nine-node/vault/hosts/db-1.key");
    const OTHER: &str = include_str!("../../tests/fixtures/nine-node/vault/hosts/db-2.key");

    fn packed(files: &[(&str, &str)]) -> Pack {
        let staged = files.iter().map(|(name, text)| Staged {
            name: (*name).to_owned(),
            destination: format!("/etc/{name}"),
            mode: FileMode::SECRET,
            content: Secret::new(*text),
        });
        Pack::of(&staged.collect::<Vec<_>>())
    }

    #[test]
    fn a_pair_has_no_byte_of_the_modulus_and_no_exponent() {
        let pack = packed(&[("host.crt", CRT), ("host.key", KEY)]);
        assert!(pack.has("host.crt") && pack.has("host.key"));
        assert_eq!(pack.records[0][..3], ["pair", "host", "128"]);
        let certificate = der(CRT, "CERTIFICATE").expect("a certificate");
        assert_eq!(pack.bytes().len(), certificate.len() - 256 + 2 * 128);
    }

    #[test]
    fn what_is_not_of_the_usual_form_travels_as_it_is() {
        let crlf = CRT.replace('\n', "\r\n");
        let short = CRT.replacen("-----\nMII", "-----\nM\nII", 1);
        for text in [crlf.as_str(), &short, &CRT[1..], &CRT[..CRT.len() - 1], &format!("{CRT}{CRT}"), "", KEY] {
            assert!(!packed(&[("host.crt", text)]).has("host.crt"), "{text}");
        }
        // Another host's key: the certificate has another modulus.
        let pack = packed(&[("host.crt", CRT), ("host.key", OTHER)]);
        assert!(pack.has("host.crt") && !pack.has("host.key"));
        assert_eq!(pack.records[0][0], "der");
        let pkcs8 = KEY.replace("RSA PRIVATE", "PRIVATE");
        assert!(!packed(&[("host.crt", CRT), ("host.key", &pkcs8)]).has("host.key"));
        assert!(!packed(&[("host.key", KEY)]).has("host.key"));
    }

    #[test]
    fn a_key_that_would_not_come_out_to_the_byte_is_refused() {
        let good = der(KEY, "RSA PRIVATE KEY").expect("a key");
        let key = Numbers::of(&good).expect("a usual key");
        assert_eq!(key.whole().expect("primes"), good);
        // Any damage: the numbers do not belong together any more, or the DER is none.
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            let whole = Numbers::of(&bad).and_then(|key| key.whole());
            assert!(whole.is_none_or(|whole| whole == bad), "byte {at}");
        }
        for cut in 0..good.len() {
            assert!(Numbers::of(&good[..cut]).is_none(), "{cut}");
        }
        // Zeros for all numbers, as a key without its primes has.
        let mut zeros = Vec::new();
        element(0x30, &[2, 1, 0].repeat(9), &mut zeros);
        assert!(Numbers::of(&zeros).is_none());
    }
}
