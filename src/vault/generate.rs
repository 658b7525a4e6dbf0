//! Many keys at once, from one queue.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::key::{NoKey, PrivateKey};
use crate::names::RsaSize;

/// Makes this many keys on all processors and calls `progress` with how many are done of how many, first with none.
///
/// One queue and not a share for each thread: the time of one RSA key varies by a factor of ten, and a fixed split
/// would wait for the slowest share.
///
/// # Errors
/// When the library gives no key; the other threads then stop after the key they are at.
pub(super) fn keys(
    size: RsaSize,
    count: usize,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<Vec<PrivateKey>, NoKey> {
    if count == 0 {
        return Ok(Vec::new());
    }
    progress(0, count);
    let next = AtomicUsize::new(0);
    let made: Mutex<Vec<Result<PrivateKey, NoKey>>> = Mutex::new(Vec::with_capacity(count));
    let work = || {
        while next.fetch_add(1, Ordering::Relaxed) < count {
            let key = PrivateKey::generate(size);
            if key.is_err() {
                next.store(count, Ordering::Relaxed);
            }
            // A poisoned lock means that `progress` panicked in another thread; the scope passes that panic on.
            let Ok(mut made) = made.lock() else { return };
            made.push(key);
            progress(made.len(), count);
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(count);
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(work);
        }
        work();
    });
    made.into_inner().map_err(|_| NoKey)?.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Mutex;

    use super::keys;
    use crate::names::RsaSize;

    #[test]
    fn every_key_is_made_once_and_counted() {
        let seen = Mutex::new(Vec::new());
        let made = keys(RsaSize::Rsa2048, 5, &|done, total| {
            assert_eq!(total, 5);
            seen.lock().expect("lock").push(done);
        });
        let made = made.expect("keys");
        assert_eq!(made.iter().map(crate::vault::key::PrivateKey::public_digest).collect::<BTreeSet<_>>().len(), 5);
        assert_eq!(seen.into_inner().expect("lock"), [0, 1, 2, 3, 4, 5]);
        assert!(keys(RsaSize::Rsa2048, 0, &|_, _| panic!("nothing to do")).expect("none").is_empty());
    }
}
