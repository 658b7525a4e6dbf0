//! Credentials: how they are made.

use secrecy::zeroize::Zeroizing;

use crate::names::Secret;
use crate::world::{NoRandomness, World};

/// Length of a generated credential: 189 bits.
const LENGTH: usize = 32;

const LETTERS_FIRST: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const LETTERS: usize = 52;

/// Makes a credential: 32 of `[A-Za-z0-9]`, the first a letter. That passes unescaped through every file, URL and
/// command line that Cloudify writes it into (cloudify.md §1.2).
///
/// # Errors
/// When there are no random bytes.
pub(super) fn generate(world: &dyn World) -> Result<Secret, NoRandomness> {
    let mut text = Zeroizing::new(String::with_capacity(LENGTH));
    let mut random = Zeroizing::new([0; LENGTH]);
    while text.len() < LENGTH {
        world.fill_random(random.as_mut())?;
        for byte in random.iter().map(|byte| usize::from(*byte)) {
            let among = if text.is_empty() { LETTERS } else { LETTERS_FIRST.len() };
            // Bytes above the last whole multiple are thrown away: a remainder would prefer the first letters.
            if byte < 256 - 256 % among && text.len() < LENGTH {
                text.push(char::from(LETTERS_FIRST[byte % among]));
            }
        }
    }
    Ok(Secret::new(text.as_str()))
}

#[cfg(test)]
mod tests {
    use super::{LENGTH, generate};
    use crate::names::Credential;
    use crate::plan::credential::check_credential;
    use crate::world::FixedWorld;

    #[test]
    fn generated_ones_are_sound_and_evenly_spread() {
        let world = FixedWorld::default();
        let mut counts = [0_usize; 128];
        for _ in 0..2000 {
            let secret = generate(&world).expect("a secret");
            let text = secret.expose();
            assert!(text.len() == LENGTH && text.starts_with(|c: char| c.is_ascii_alphabetic()));
            for which in Credential::ALL {
                assert_eq!(check_credential(*which, &secret), Ok(()));
            }
            text.bytes().skip(1).for_each(|byte| counts[usize::from(byte)] += 1);
        }
        let used: Vec<usize> = counts.into_iter().filter(|count| *count > 0).collect();
        // 62,000 draws over 62 characters: a bias of `% 62` alone would put the first eight at 1,211 and above 1,150.
        assert_eq!(used.len(), 62);
        assert!(used.iter().all(|count| (870..1130).contains(count)), "{used:?}");
    }
}
