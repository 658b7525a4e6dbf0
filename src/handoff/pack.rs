//! How a host's user-data is packed for a target: the choice, and the bytes.

use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::bundle::gzip::{dense, gzip};
use crate::names::{Encoding, Pack, Secret};
use crate::profile::{Limit, Target, Unit};

/// How much of a limit may be used before somebody is told.
const NEARLY_PERCENT: u64 = 90;

/// Who chooses the pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Packing {
    /// The first pack of the target that fits with room to spare, else the first that fits.
    #[default]
    Auto,
    /// This one, for all targets.
    Only(Pack),
}

/// One host's user-data for one target, packed.
#[derive(Clone, PartialEq, Eq)]
pub struct Packed {
    /// How.
    pub pack: Pack,
    /// What the platform's field takes; nothing where the seed image does it.
    pub file: Option<Vec<u8>>,
    /// How much of the limit is used, in its unit.
    pub used: u64,
    /// The limit: the target's, or the seed's where that is used.
    pub limit: u64,
    /// What it counts.
    pub counts: Unit,
}

impl std::fmt::Debug for Packed {
    /// Without the bytes: they are secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Packed({}, {} of {} {})", self.pack, self.used, self.limit, self.counts.in_words())
    }
}

impl Packed {
    /// Whether the platform takes it.
    #[must_use]
    pub const fn fits(&self) -> bool {
        self.used <= self.limit
    }

    /// Whether there is little room left.
    #[must_use]
    pub const fn is_near(&self) -> bool {
        self.used.saturating_mul(100) > self.limit.saturating_mul(NEARLY_PERCENT)
    }
}

/// User-data on the seed image, which every host has; `seed` is the target of that.
#[must_use]
pub fn on_seed(text: &Secret, seed: &Target) -> Packed {
    let Limit { bytes, counts, .. } = seed.limit;
    Packed { pack: Pack::Iso, file: None, used: counts.count(text.expose().as_bytes()), limit: bytes, counts }
}

/// User-data in the field of a platform. `beside` is what the platform counts with it, in the unit of its limit.
///
/// # Errors
/// None that memory does not cause; the signature is the compressor's.
pub fn in_field(pack: Pack, text: &Secret, target: &Target, beside: u64) -> io::Result<Packed> {
    let (encoding, text) = (pack.encoding().unwrap_or(Encoding::Plain), text.expose().as_bytes());
    let Limit { bytes, counts, .. } = target.limit;
    let judged = |file: Vec<u8>| {
        let used = counts.count(&file).saturating_add(beside);
        Packed { pack, file: Some(file), used, limit: bytes, counts }
    };
    let usual = judged(encode(encoding, text)?);
    if !usual.is_near() || matches!(encoding, Encoding::Plain | Encoding::Base64) {
        return Ok(usual);
    }
    // Takes a hundred times as long: only where it decides.
    Ok(judged(encode_with(encoding, text, dense)?))
}

/// The one to take; nothing where the target does not take what is asked for.
#[must_use]
pub fn choose(packs: &[Packed], packing: Packing) -> Option<&Packed> {
    let at = match packing {
        Packing::Only(pack) => packs.iter().position(|packed| packed.pack == pack)?,
        Packing::Auto => {
            let roomy = packs.iter().position(|packed| !packed.is_near());
            let fits = || packs.iter().position(Packed::fits);
            // Where nothing fits, what is nearest to it is what people are told about.
            let nearest = || (0..packs.len()).min_by_key(|at| packs[*at].used.saturating_sub(packs[*at].limit));
            roomy.or_else(fits).or_else(nearest)?
        }
    };
    packs.get(at)
}

/// These bytes in an encoding.
///
/// # Errors
/// None that memory does not cause; the signature is the compressor's.
pub fn encode(encoding: Encoding, text: &[u8]) -> io::Result<Vec<u8>> {
    encode_with(encoding, text, gzip)
}

fn encode_with(encoding: Encoding, text: &[u8], gzip: fn(&[u8]) -> io::Result<Vec<u8>>) -> io::Result<Vec<u8>> {
    Ok(match encoding {
        Encoding::Plain => text.to_vec(),
        Encoding::Gzip => gzip(text)?,
        Encoding::Base64 => STANDARD.encode(text).into_bytes(),
        Encoding::GzipBase64 => STANDARD.encode(gzip(text)?).into_bytes(),
    })
}

#[cfg(test)]
mod tests {
    use super::{Packed, Packing, choose};
    use crate::names::Pack;
    use crate::profile::Unit;

    fn packed(pack: Pack, used: u64) -> Packed {
        Packed { pack, file: None, used, limit: 1000, counts: Unit::Raw }
    }

    fn chosen(sizes: [u64; 3], packing: Packing) -> Option<(Pack, u64)> {
        let packs = [Pack::Gzip, Pack::Inner, Pack::Plain].into_iter().zip(sizes);
        let packs: Vec<Packed> = packs.map(|(pack, used)| packed(pack, used)).collect();
        choose(&packs, packing).map(|chosen| (chosen.pack, chosen.used))
    }

    #[test]
    fn the_first_pack_with_room_is_taken_then_the_first_that_fits_then_the_nearest() {
        assert_eq!(chosen([900, 1, 1], Packing::Auto), Some((Pack::Gzip, 900)));
        assert_eq!(chosen([901, 900, 1], Packing::Auto), Some((Pack::Inner, 900)));
        assert_eq!(chosen([1000, 999, 1001], Packing::Auto), Some((Pack::Gzip, 1000)));
        assert_eq!(chosen([1001, 1000, 999], Packing::Auto), Some((Pack::Inner, 1000)));
        assert_eq!(chosen([1003, 1001, 1002], Packing::Auto), Some((Pack::Inner, 1001)));
        assert_eq!(chosen([1, 2000, 3], Packing::Only(Pack::Inner)), Some((Pack::Inner, 2000)));
        assert_eq!(chosen([1, 2, 3], Packing::Only(Pack::Iso)), None);
        assert_eq!(choose(&[], Packing::Auto), None);
    }

    #[test]
    fn the_limit_itself_still_fits() {
        for (used, fits, near) in [(999, true, true), (1000, true, true), (1001, false, true), (900, true, false)] {
            let packed = packed(Pack::Gzip, used);
            assert_eq!((packed.fits(), packed.is_near()), (fits, near), "{used}");
        }
    }
}
