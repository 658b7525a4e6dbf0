//! What hosts said on their consoles at first boot: from logs to who waits for whom.
//!
//! In: texts of console logs, one or several hosts in each, with whatever else a console shows. Out: [`Told`], the last
//! word of every host. May not: read files, or trust a log: it may be cut, garbled, or somebody's joke.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

/// Marks a line of the driver, between the time and the host (`docs/first-boot.md`).
const MARK: &str = " cfy-seed ";
/// Longest text kept of a line.
const MAX_TEXT: usize = 500;

/// What a host is doing; the worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum State {
    /// Installed and healthy.
    Ready,
    /// At work.
    Running,
    /// Waits for somebody or something.
    Waiting,
    /// Has waited longer than it should.
    Stalled,
    /// Stopped.
    Failed,
}

/// The last word of one host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HostTold {
    /// Its short name.
    pub host: String,
    /// What it is doing.
    pub state: State,
    /// The phase, with the role where it has one: `WAIT/manager`.
    pub phase: String,
    /// When it said so, as it wrote the time.
    pub time: String,
    /// Whom it waits for.
    pub waits_for: BTreeSet<String>,
    /// Its words.
    pub text: String,
}

/// What all logs together say, by host.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Told {
    /// The hosts that spoke, by name.
    pub hosts: BTreeMap<String, HostTold>,
}

/// One line of the driver: `TIME cfy-seed HOST STATE PHASE[/ROLE] TEXT`, wherever on the line it begins.
fn line(raw: &str) -> Option<HostTold> {
    let (before, after) = raw.split_once(MARK)?;
    let time = before.split_whitespace().next_back()?;
    // A console may put a kernel's time stamp or a colour before ours.
    let time = time.get(time.len().checked_sub(20)?..).filter(|time| time.ends_with('Z') && time.contains('T'))?;
    let mut words = after.splitn(4, ' ');
    let (host, state, phase) = (words.next()?, words.next()?, words.next()?);
    let state = match state {
        "READY" => State::Ready,
        "RUNNING" => State::Running,
        "WAITING" => State::Waiting,
        "STALLED" => State::Stalled,
        "FAILED" => State::Failed,
        _ => return None,
    };
    let clean = |text: &str| text.chars().filter(|c| !c.is_control()).take(MAX_TEXT).collect::<String>();
    let text = clean(words.next().unwrap_or_default());
    let peers = text.strip_prefix("waits for ").and_then(|rest| rest.split_once(": ")).map(|(peers, _)| peers);
    let waits_for = peers.unwrap_or_default().split(',').filter(|peer| !peer.is_empty()).map(str::to_owned).collect();
    Some(HostTold { host: clean(host), state, phase: clean(phase), time: clean(time), waits_for, text })
}

impl Told {
    /// Takes in one log. The later word of a host wins, whichever log it stands in.
    pub fn read(&mut self, log: &str) {
        for mut told in log.lines().filter_map(line) {
            match self.hosts.get_mut(&told.host) {
                Some(known) if known.time > told.time => {}
                // One round of waiting is told in several lines, one for each probe.
                Some(known) if known.time == told.time && known.phase == told.phase && !told.waits_for.is_empty() => {
                    known.waits_for.append(&mut told.waits_for);
                    (known.state, known.text) = (told.state, told.text);
                }
                _ => {
                    self.hosts.insert(told.host.clone(), told);
                }
            }
        }
    }

    /// The hosts at the end of all waiting: those that wait for nobody and are not READY, and those that others wait for
    /// and no log speaks of. With each, who waits for it, directly or by way of others.
    #[must_use]
    pub fn causes(&self) -> BTreeMap<&str, BTreeSet<&str>> {
        let mut causes: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (name, host) in &self.hosts {
            if host.waits_for.is_empty() && host.state != State::Ready {
                causes.entry(name).or_default();
            }
            for end in self.ends(name) {
                causes.entry(end).or_default().insert(name);
            }
        }
        causes
    }

    /// Where the waiting of a host ends. Hosts that wait for each other have no end.
    fn ends<'a>(&'a self, from: &'a str) -> BTreeSet<&'a str> {
        let (mut ends, mut seen, mut open) = (BTreeSet::new(), BTreeSet::from([from]), vec![from]);
        while let Some(name) = open.pop() {
            let next = self.hosts.get(name).map(|host| &host.waits_for);
            match next {
                Some(peers) if !peers.is_empty() => {
                    open.extend(peers.iter().map(String::as_str).filter(|p| seen.insert(p)));
                }
                _ if name != from => {
                    ends.insert(name);
                }
                _ => {}
            }
        }
        ends
    }

    /// The worst state of all; nothing where nobody spoke.
    #[must_use]
    pub fn worst(&self) -> Option<State> {
        self.hosts.values().map(|host| host.state).max()
    }
}

#[cfg(test)]
mod tests {
    use super::{State, Told};

    const LOG: &str = "\
[    4.2] systemd[1]: Started something\r
2026-11-22T11:20:05Z cfy-seed db-1 RUNNING INSTALL/database begun\r
[   14.913] 2026-11-22T11:20:05Z cfy-seed db-2 WAITING WAIT/database waits for db-1: tcp 10.0.0.11:2380 (no connection) since 2026-11-22T11:20:05Z, next try 2026-11-22T11:20:15Z
2026-11-22T11:20:06Z cfy-seed manager-1 WAITING WAIT/manager waits for db-1,db-2: database 10.0.0.11 (leaders 0) since x, next try y
2026-11-22T11:20:06Z cfy-seed manager-1 WAITING WAIT/manager waits for broker-1: broker b (http 000) since x, next try y
2026-11-22T11:20:01Z cfy-seed manager-1 RUNNING PREFLIGHT begun
2026-11-22T11:21:00Z cfy-seed db-1 FAILED INSTALL/database CFY-G060 install failed: 3 times. Fix: See log.
2026-11-22T11:19:00Z cfy-seed lb READY SCRUB secrets removed
2026-11-22T11:19:00Z cfy-seed lb DANCING SCRUB no
cfy-seed lb READY
";

    #[test]
    fn the_last_word_of_each_host_counts() {
        let mut told = Told::default();
        told.read(LOG);
        let states: Vec<_> = told.hosts.values().map(|h| (h.host.as_str(), h.state, h.phase.as_str())).collect();
        let wanted = [
            ("db-1", State::Failed, "INSTALL/database"),
            ("db-2", State::Waiting, "WAIT/database"),
            ("lb", State::Ready, "SCRUB"),
            ("manager-1", State::Waiting, "WAIT/manager"),
        ];
        assert_eq!(states, wanted);
        assert_eq!(told.hosts["manager-1"].waits_for.len(), 3);
        assert_eq!(told.worst(), Some(State::Failed));
        let causes = told.causes();
        assert_eq!(causes["db-1"].iter().copied().collect::<Vec<_>>(), ["db-2", "manager-1"]);
        // Nobody has its log, and somebody waits for it.
        assert_eq!(causes["broker-1"].iter().copied().collect::<Vec<_>>(), ["manager-1"]);
        assert_eq!(causes.len(), 2);
    }

    #[test]
    fn circles_and_rubbish_end() {
        let mut told = Told::default();
        told.read("2026-11-22T11:20:05Z cfy-seed a WAITING WAIT waits for b: x\n2026-11-22T11:20:05Z cfy-seed b WAITING WAIT waits for a: x\n");
        assert!(told.causes().is_empty());
        let mut rubbish = Told::default();
        rubbish.read(" cfy-seed \n é cfy-seed a FAILED\nZ cfy-seed a FAILED X\n2026-11-22T11:20:05Z cfy-seed \u{7} FAILED \u{1b}[31m x\n");
        assert!(rubbish.hosts.values().all(|host| !host.phase.contains('\u{1b}')), "{rubbish:?}");
    }
}
