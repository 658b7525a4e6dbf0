//! The clock and randomness, real and fixed. Used by `vault` and `cli` only: everything else is a pure function.

use time::OffsetDateTime;

/// Where the vault gets the time and random bytes from.
pub trait World: Sync {
    /// The time now.
    fn now(&self) -> OffsetDateTime;

    /// Fills the buffer with random bytes.
    ///
    /// # Errors
    /// When the operating system gives none.
    fn fill_random(&self, buffer: &mut [u8]) -> Result<(), NoRandomness>;
}

/// The operating system gave no random bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the operating system gave no random bytes")]
pub struct NoRandomness;

/// The machine's own clock and randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealWorld;

impl World for RealWorld {
    #[allow(clippy::disallowed_methods, reason = "the one door to the clock")]
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc()
    }

    #[allow(clippy::disallowed_methods, reason = "the one door to randomness")]
    fn fill_random(&self, buffer: &mut [u8]) -> Result<(), NoRandomness> {
        aws_lc_rs::rand::fill(buffer).map_err(|_| NoRandomness)
    }
}

/// A world that stands still, for tests and golden trees: one time, and a stream of bytes that is always the same.
///
/// The stream is SHA-256 in counter mode over a seed: even enough to test sampling with, and worthless as a secret.
/// RSA keys do not come from it, the cryptographic library draws its own randomness.
#[derive(Debug)]
pub struct FixedWorld {
    now: OffsetDateTime,
    seed: u64,
    counter: std::sync::atomic::AtomicU64,
}

impl FixedWorld {
    /// A world at this time.
    #[must_use]
    pub const fn new(now: OffsetDateTime, seed: u64) -> Self {
        Self { now, seed, counter: std::sync::atomic::AtomicU64::new(0) }
    }
}

/// The first second of 2026, UTC.
impl Default for FixedWorld {
    fn default() -> Self {
        Self::new(time::macros::datetime!(2026-01-01 00:00 UTC), 0)
    }
}

impl World for FixedWorld {
    fn now(&self) -> OffsetDateTime {
        self.now
    }

    fn fill_random(&self, buffer: &mut [u8]) -> Result<(), NoRandomness> {
        for chunk in buffer.chunks_mut(32) {
            let counter = self.counter.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let digest = crate::names::Digest256::of(format!("{} {counter}", self.seed).as_bytes());
            chunk.copy_from_slice(&digest.as_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}
