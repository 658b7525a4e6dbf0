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
/// As many hosts as a cluster has (`plan`).
const MAX_HOSTS: usize = 1000;
/// Most that one host is said to wait for.
const MAX_PEERS: usize = 250;

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
    /// More hosts spoke than a cluster has: the later ones are left out.
    #[serde(skip)]
    pub too_many: bool,
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
    let text = words.next().unwrap_or_default();
    let peers = text.strip_prefix("waits for ").and_then(|rest| rest.split_once(": ")).map(|(peers, _)| peers);
    let peers = peers.unwrap_or_default().split(',').take(MAX_PEERS).map(clean);
    let waits_for = peers.filter(|peer| !peer.is_empty()).collect();
    let text = clean(text);
    Some(HostTold { host: clean(host), state, phase: clean(phase), time: clean(time), waits_for, text })
}

impl Told {
    /// Takes in one log. The later word of a host wins, whichever log it stands in.
    pub fn read(&mut self, log: &str) {
        for told in log.lines().filter_map(line) {
            let full = self.hosts.len() == MAX_HOSTS;
            match self.hosts.get_mut(&told.host) {
                Some(known) if known.time > told.time => {}
                // One round of waiting is told in several lines, one for each probe.
                Some(known) if known.time == told.time && known.phase == told.phase && !told.waits_for.is_empty() => {
                    let room = MAX_PEERS.saturating_sub(known.waits_for.len());
                    known.waits_for.extend(told.waits_for.into_iter().take(room));
                    (known.state, known.text) = (told.state, told.text);
                }
                None if full => self.too_many = true,
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
        let mut waiting: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (name, host) in &self.hosts {
            if host.waits_for.is_empty() && host.state != State::Ready {
                causes.entry(name).or_default();
            }
            for peer in &host.waits_for {
                waiting.entry(peer).or_default().push(name);
            }
        }
        // From each end backwards: hosts that wait for each other have none.
        let is_end = |name: &str| self.hosts.get(name).is_none_or(|host| host.waits_for.is_empty());
        for end in waiting.keys().copied().filter(|name| is_end(name)).take(MAX_HOSTS) {
            let (mut seen, mut open) = (BTreeSet::new(), vec![end]);
            while let Some(name) = open.pop() {
                open.extend(waiting.get(name).into_iter().flatten().filter(|who| seen.insert(**who)));
            }
            causes.insert(end, seen);
        }
        causes
    }

    /// The worst state of all; nothing where nobody spoke.
    #[must_use]
    pub fn worst(&self) -> Option<State> {
        self.hosts.values().map(|host| host.state).max()
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_HOSTS, MAX_PEERS, State, Told};

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
    fn logs_that_were_made_up_are_bounded() {
        let mut told = Told::default();
        for host in 0..2 * MAX_HOSTS {
            let peers: Vec<String> = (0..100).map(|peer| format!("x{host}-{peer}")).collect();
            let (first, next) = (peers.join(","), host + 1);
            told.read(&format!("2026-11-22T11:20:05Z cfy-seed h{host} WAITING WAIT waits for h{next},{first}: x\n"));
            for peer in peers {
                told.read(&format!("2026-11-22T11:20:05Z cfy-seed h0 WAITING WAIT waits for {peer}: x\n"));
            }
        }
        assert!(told.too_many && told.hosts.len() == MAX_HOSTS);
        assert_eq!(told.hosts["h0"].waits_for.len(), MAX_PEERS);
        assert_eq!(told.causes().len(), MAX_HOSTS);
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
