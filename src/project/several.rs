//! Several specs in one run: side by side, and none in the way of another.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::diag::{Code, Diagnostic, Report, Sources, Span};

use super::Project;

/// Does the work for every item, as many at once as there are processors, and hands each result on in the order of the
/// items: as soon as it and all before it are there, and never two at once.
pub fn side_by_side<T: Sync, R: Send>(
    items: &[T],
    work: impl Fn(usize, &T) -> R + Sync,
    in_order: impl FnMut(usize, R) + Send,
) {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(InOrder { waiting: BTreeMap::new(), next: 0, hand_on: in_order });
    let worker = || {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(at) else { return };
            let result = work(at, item);
            // A poisoned lock means that handing on panicked in another thread; the scope passes that panic on.
            let Ok(mut results) = results.lock() else { return };
            results.take(at, result);
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(items.len());
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(worker);
        }
        worker();
    });
}

struct InOrder<R, F> {
    waiting: BTreeMap<usize, R>,
    next: usize,
    hand_on: F,
}

impl<R, F: FnMut(usize, R)> InOrder<R, F> {
    fn take(&mut self, at: usize, result: R) {
        self.waiting.insert(at, result);
        while let Some(result) = self.waiting.remove(&self.next) {
            (self.hand_on)(self.next, result);
            self.next += 1;
        }
    }
}

/// What two of these projects would both write: the tree and the vault of one cluster. Each later one is named with the
/// first; the places are in the sources given back.
#[must_use]
pub fn clashes(projects: &[Project]) -> (Report, Sources) {
    let (mut report, mut sources) = (Report::default(), Sources::default());
    let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
    for project in projects {
        let (Some(plan), Some(name)) = (&project.plan, project.name) else { continue };
        let Some(source) = project.sources.get(name.source) else { continue };
        let place = Span { source: sources.add(&source.name, &source.text), ..name };
        let Some(first) = seen.get(plan.cluster.as_str()) else {
            seen.insert(plan.cluster.as_str(), place);
            continue;
        };
        let message = format!("two specs are for the cluster `{}`: both would write its tree", plan.cluster);
        let clash = Diagnostic::error(Code::SameCluster, message).at(place, "this one").at(*first, "and this one");
        report.push(clash.help("give one of them another `name`, or build them in runs of their own, with `--out`"));
    }
    (report, sources)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Mutex;
    use std::time::Duration;

    use super::side_by_side;

    #[test]
    fn results_come_in_order_whoever_is_faster() {
        let items: Vec<u64> = (0..40).collect();
        let threads = Mutex::new(BTreeSet::new());
        let mut seen = Vec::new();
        let slow_first = |_: usize, item: &u64| {
            std::thread::sleep(Duration::from_millis(if *item == 0 { 60 } else { 1 }));
            threads.lock().expect("lock").insert(format!("{:?}", std::thread::current().id()));
            item * 2
        };
        side_by_side(&items, slow_first, |at, result| seen.push((at, result)));
        assert_eq!(seen, (0..40).map(|at| (usize::try_from(at).expect("small"), at * 2)).collect::<Vec<_>>());
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        assert!(threads.into_inner().expect("lock").len() > 1 || processors == 1);
        side_by_side(&[] as &[u8], |_, _| (), |_, ()| panic!("there is nothing to do"));
    }
}
