//! The order of installation as a picture: who waits for whom, a lane for each role and a row for each step.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::project::{HostOverview, Overview, RoleOverview};

use super::canvas::{ROLES, cut, title};

const LEFT: usize = 64;
const LANE: usize = 214;
const BOX: (usize, usize) = (176, 42);
const ROW: usize = 74;
const TOP: usize = 44;
/// The lane of what no host installs.
const EXTERNAL: &str = "external";

/// The picture.
#[derive(Debug, Serialize)]
pub(super) struct Order {
    pub width: usize,
    pub height: usize,
    pub lanes: Vec<Lane>,
    pub rows: Vec<Row>,
    pub nodes: Vec<Node>,
    pub edges: Vec<Edge>,
    /// The same in words, in the order of the steps.
    pub steps: Vec<Step>,
    /// How many steps there are.
    pub depth: usize,
}

#[derive(Debug, Serialize)]
pub(super) struct Lane {
    pub role: &'static str,
    pub name: &'static str,
    pub x: usize,
    pub width: usize,
}

#[derive(Debug, Serialize)]
pub(super) struct Row {
    pub y: usize,
    pub number: usize,
    pub line: usize,
}

#[derive(Debug, Serialize)]
pub(super) struct Node {
    pub role: &'static str,
    pub x: usize,
    pub y: usize,
    pub middle: usize,
    pub name: String,
    pub whole: String,
    pub detail: String,
}

#[derive(Debug, Serialize)]
pub(super) struct Edge {
    pub path: String,
    pub from: String,
    pub to: String,
}

/// One installation in words.
#[derive(Debug, Serialize)]
pub(super) struct Step {
    pub number: usize,
    pub host: String,
    pub role: &'static str,
    pub role_name: &'static str,
    pub index: usize,
    /// What stands before it on the same host, if anything.
    pub after: String,
    pub waits_for: Vec<String>,
}

/// One installation: a role of a host, or what no host installs.
struct Task<'a> {
    name: &'a str,
    role: &'static str,
    host: Option<(&'a HostOverview, &'a RoleOverview)>,
    /// The tasks that must be done before.
    before: Vec<usize>,
    level: usize,
}

pub(super) fn order(overview: &Overview) -> Order {
    let mut tasks = tasks(overview);
    for at in levels(&mut tasks) {
        reduce(&mut tasks, at);
    }
    let lanes: Vec<Lane> = ROLES
        .iter()
        .copied()
        .chain([(EXTERNAL, "Not installed")])
        .filter(|(role, _)| tasks.iter().any(|task| task.role == *role))
        .enumerate()
        .map(|(at, (role, name))| Lane { role, name, x: LEFT + at * LANE, width: LANE - 16 })
        .collect();
    let (rows, places) = places(&tasks, &lanes);
    let height = rows.last().map_or(TOP, |row| row.line + row.y) + 8;
    let nodes = tasks.iter().zip(&places).map(|(task, (x, y))| node(task, *x, *y)).collect();
    let edges = tasks.iter().enumerate().flat_map(|(at, task)| task.before.iter().map(move |from| (*from, at)));
    let edges = edges.map(|(from, to)| edge((&tasks[from], places[from]), (&tasks[to], places[to]))).collect();
    let depth = tasks.iter().filter(|task| task.host.is_some()).map(|task| task.level).max().unwrap_or(0);
    Order { width: LEFT + lanes.len() * LANE, height, rows, nodes, edges, steps: steps(&tasks), depth, lanes }
}

/// Every installation, and what it waits for: by its gate, and on its own host.
fn tasks(overview: &Overview) -> Vec<Task<'_>> {
    let mut tasks: Vec<Task<'_>> = Vec::new();
    let mut known: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for host in &overview.hosts {
        for role in &host.roles {
            known.insert((&host.name, role.role), tasks.len());
            tasks.push(Task {
                name: &host.name,
                role: role.role,
                host: Some((host, role)),
                before: Vec::new(),
                level: 1,
            });
        }
    }
    for host in &overview.hosts {
        for (at, role) in host.roles.iter().enumerate() {
            let mut before: Vec<usize> = Vec::new();
            if let Some(earlier) = at.checked_sub(1).and_then(|at| host.roles.get(at)) {
                before.extend(known.get(&(host.name.as_str(), earlier.role)));
            }
            for peer in &role.waits_on {
                let lane = peer.role.unwrap_or(EXTERNAL);
                let task = *known.entry((&peer.name, lane)).or_insert_with(|| {
                    tasks.push(Task { name: &peer.name, role: EXTERNAL, host: None, before: Vec::new(), level: 0 });
                    tasks.len() - 1
                });
                before.push(task);
            }
            if let Some(own) = known.get(&(host.name.as_str(), role.role)).copied() {
                before.retain(|task| *task != own);
                before.sort_unstable();
                before.dedup();
                tasks[own].before = before;
            }
        }
    }
    tasks
}

/// Gives each task the step in which it can begin, and the tasks in an order in which each stands behind what it waits for.
/// Gates know no circle; if one did, its members would keep the first step instead of never ending.
fn levels(tasks: &mut [Task<'_>]) -> Vec<usize> {
    let mut left: Vec<usize> = tasks.iter().map(|task| task.before.len()).collect();
    let mut behind: Vec<Vec<usize>> = vec![Vec::new(); tasks.len()];
    for (at, task) in tasks.iter().enumerate() {
        task.before.iter().for_each(|from| behind[*from].push(at));
    }
    let mut ready: Vec<usize> = (0..tasks.len()).filter(|at| left[*at] == 0).collect();
    let mut next = 0;
    while let Some(at) = ready.get(next).copied() {
        next += 1;
        for to in std::mem::take(&mut behind[at]) {
            tasks[to].level = tasks[to].level.max(tasks[at].level + 1);
            left[to] -= 1;
            if left[to] == 0 {
                ready.push(to);
            }
        }
    }
    ready
}

/// Keeps only what a task waits for last: an arrow that follows from others says nothing. Called in the order of
/// [`levels`], so that what is before it is reduced already.
fn reduce(tasks: &mut [Task<'_>], at: usize) {
    let mut before = std::mem::take(&mut tasks[at].before);
    before.sort_by_key(|task| std::cmp::Reverse(tasks[*task].level));
    let mut kept: Vec<usize> = Vec::new();
    let mut reached = vec![false; tasks.len()];
    for task in before {
        if reached[task] {
            continue;
        }
        kept.push(task);
        let mut stack = vec![task];
        while let Some(task) = stack.pop() {
            if !std::mem::replace(&mut reached[task], true) {
                stack.extend(&tasks[task].before);
            }
        }
    }
    kept.sort_unstable();
    tasks[at].before = kept;
}

/// Rows for the steps, and a place for each task; tasks of one lane and step stand below each other.
fn places(tasks: &[Task<'_>], lanes: &[Lane]) -> (Vec<Row>, Vec<(usize, usize)>) {
    let mut cells: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    let lane = |task: &Task<'_>| lanes.iter().position(|lane| lane.role == task.role).unwrap_or(0);
    let slots: Vec<(usize, usize, usize)> = tasks
        .iter()
        .map(|task| {
            let slot = cells.entry((task.level, lane(task))).or_default();
            *slot += 1;
            (task.level, lane(task), *slot - 1)
        })
        .collect();
    let mut tallest: BTreeMap<usize, usize> = BTreeMap::new();
    for ((level, _), count) in &cells {
        let tallest = tallest.entry(*level).or_default();
        *tallest = (*tallest).max(*count);
    }
    let mut tops: BTreeMap<usize, usize> = BTreeMap::new();
    let mut rows = Vec::new();
    let mut y = TOP;
    for (level, count) in tallest {
        tops.insert(level, y);
        let line = (count - 1) * (BOX.1 + 8) + ROW;
        rows.push(Row { y, number: level, line });
        y += line;
    }
    let place = |(level, lane, slot): (usize, usize, usize)| {
        (LEFT + lane * LANE + 8, tops.get(&level).copied().unwrap_or(TOP) + 14 + slot * (BOX.1 + 8))
    };
    (rows, slots.into_iter().map(place).collect())
}

fn node(task: &Task<'_>, x: usize, y: usize) -> Node {
    let detail = task
        .host
        .map_or_else(|| "there already".to_owned(), |(host, role)| format!("{} · {}", host.private_ip, role.index));
    Node {
        role: task.role,
        x,
        y,
        middle: x + BOX.0 / 2,
        name: cut(task.name, 19),
        whole: format!("{}: {}", task.name, title(task.role)),
        detail: cut(&detail, 22),
    }
}

fn edge((from, a): (&Task<'_>, (usize, usize)), (to, b): (&Task<'_>, (usize, usize))) -> Edge {
    let (x1, y1) = (a.0 + BOX.0 / 2, a.1 + BOX.1);
    let (x2, y2) = (b.0 + BOX.0 / 2, b.1.saturating_sub(2));
    let bend = y2.saturating_sub(y1) / 2;
    let path = format!("M{x1} {y1}C{x1} {} {x2} {} {x2} {y2}", y1 + bend, y2.saturating_sub(bend));
    let words = |task: &Task<'_>| format!("{} ({})", task.name, title(task.role));
    Edge { path, from: words(from), to: words(to) }
}

fn steps(tasks: &[Task<'_>]) -> Vec<Step> {
    let mut all: Vec<(&Task<'_>, &HostOverview, &RoleOverview)> =
        tasks.iter().filter_map(|task| task.host.map(|(host, role)| (task, host, role))).collect();
    all.sort_by_key(|(task, ..)| task.level);
    all.into_iter()
        .map(|(task, host, role)| {
            let at = host.roles.iter().position(|other| other.role == role.role).unwrap_or(0);
            let earlier = at.checked_sub(1).and_then(|at| host.roles.get(at));
            Step {
                number: task.level,
                host: host.name.clone(),
                role: role.role,
                role_name: title(role.role),
                index: role.index,
                after: earlier.map_or_else(String::new, |role| format!("its own role {}", role.role)),
                waits_for: few(&role.waits_for),
            }
        })
        .collect()
}

/// The first few lines, each of a length that can be read: with fifty hosts, each broker is asked of all others.
fn few(lines: &[String]) -> Vec<String> {
    const LINES: usize = 4;
    const LETTERS: usize = 180;
    let mut few: Vec<String> = lines.iter().take(LINES).map(|line| cut(line, LETTERS)).collect();
    if let Some(more @ 1..) = lines.len().checked_sub(LINES) {
        few.push(format!("and {more} more like these, which `plan --format json` lists"));
    }
    few
}
