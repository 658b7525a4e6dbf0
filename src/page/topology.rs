//! The cluster as a picture: who is there, in tiers from those who ask to those who keep.

use serde::Serialize;

use crate::plan::ports::PortRule;
use crate::project::Overview;

use super::canvas::{cut, title};

const WIDTH: usize = 980;
const GAP: usize = 20;
const CHIP: (usize, usize) = (146, 40);
const HEAD: usize = 36;
const LINE_HEIGHT: usize = 18;
const BETWEEN: usize = 34;
/// Characters of a line of ports that fit into a pixel, turned round.
const PIXELS_A_CHARACTER: usize = 7;

/// The picture.
#[derive(Debug, Serialize)]
pub(super) struct Topology {
    pub width: usize,
    pub height: usize,
    pub groups: Vec<Group>,
    pub arrows: Vec<Arrow>,
    /// The same in a sentence.
    pub words: String,
}

/// Those who have a role.
#[derive(Debug, Serialize)]
pub(super) struct Group {
    pub role: &'static str,
    pub title: String,
    pub x: usize,
    pub y: usize,
    pub width: usize,
    pub height: usize,
    pub chips: Vec<Chip>,
    /// Which ports others reach them on.
    pub lines: Vec<Line>,
}

#[derive(Debug, Serialize)]
pub(super) struct Chip {
    pub x: usize,
    pub y: usize,
    pub name: String,
    pub whole: String,
    pub address: String,
}

#[derive(Debug, Serialize)]
pub(super) struct Line {
    pub x: usize,
    pub y: usize,
    pub text: String,
}

#[derive(Debug, Serialize)]
pub(super) struct Arrow {
    pub x: usize,
    pub from: usize,
    pub to: usize,
}

/// What a group holds before it has a place.
struct Content {
    role: &'static str,
    title: String,
    /// Name, address, and where it is reached from outside.
    members: Vec<(String, String, String)>,
    ports: Vec<String>,
}

pub(super) fn topology(overview: &Overview) -> Topology {
    let tiers = tiers(overview);
    let words: Vec<String> = tiers
        .iter()
        .flatten()
        .map(|content| {
            let names: Vec<&str> = content.members.iter().map(|(name, ..)| name.as_str()).collect();
            if names.is_empty() { content.title.clone() } else { format!("{}: {}", content.title, names.join(", ")) }
        })
        .collect();
    let (mut groups, mut arrows, mut y) = (Vec::new(), Vec::new(), 4);
    for tier in tiers {
        let width = (WIDTH - GAP * (tier.len() - 1)) / tier.len();
        let height = tier.iter().map(|content| height(content, width)).max().unwrap_or(HEAD);
        for (at, content) in tier.into_iter().enumerate() {
            let x = at * (width + GAP);
            if y > 4 {
                arrows.push(Arrow { x: x + width / 2, from: y - BETWEEN + 3, to: y - 3 });
            }
            groups.push(group(content, (x, y), (width, height)));
        }
        y += height + BETWEEN;
    }
    Topology { width: WIDTH, height: y - BETWEEN + 4, groups, arrows, words: words.join(". ") }
}

/// From top to bottom: who asks from outside, the balancer, managers, and what they use.
fn tiers(overview: &Overview) -> Vec<Vec<Content>> {
    let asks = |who: &str| overview.ports.iter().any(|rule| rule.from.iter().any(|source| source.as_str() == who));
    let outside = ["user", "agent"].into_iter().filter(|who| asks(who)).map(|who| Content {
        role: "outside",
        title: title(who).to_owned(),
        members: Vec::new(),
        ports: Vec::new(),
    });
    let balancer = asks("outside_balancer").then(|| Content {
        role: "external",
        title: title("outside_balancer").to_owned(),
        members: Vec::new(),
        ports: Vec::new(),
    });
    let external = overview.external.iter().map(|service| Content {
        role: "external",
        title: "Not installed".to_owned(),
        members: vec![(service.clone(), "there already".to_owned(), String::new())],
        ports: Vec::new(),
    });
    let of = |role| hosts(overview, role);
    let tiers = vec![
        outside.collect(),
        of("load_balancer").into_iter().chain(balancer).collect(),
        of("manager").into_iter().chain(of("all_in_one")).collect(),
        of("broker").into_iter().chain(of("database")).chain(external).collect::<Vec<_>>(),
    ];
    tiers.into_iter().filter(|tier| !tier.is_empty()).collect()
}

fn hosts(overview: &Overview, role: &'static str) -> Option<Content> {
    let with_role = overview.hosts.iter().filter(|host| host.roles.iter().any(|r| r.role == role));
    let members: Vec<_> = with_role
        .map(|host| {
            let public = if host.public_ip == host.private_ip { String::new() } else { host.public_ip.clone() };
            (host.name.clone(), host.private_ip.clone(), public)
        })
        .collect();
    if members.is_empty() {
        return None;
    }
    Some(Content {
        role,
        title: format!("{} · {}", title(role), members.len()),
        members,
        ports: ports(&overview.ports, role),
    })
}

/// The ports of a role, those with the same askers together.
fn ports(rules: &[PortRule], role: &str) -> Vec<String> {
    let mut by_asker: Vec<(String, Vec<u16>)> = Vec::new();
    for rule in rules.iter().filter(|rule| rule.to.as_str() == role) {
        let from = rule.askers(|source| title(source.as_str()));
        match by_asker.iter_mut().find(|(known, _)| *known == from) {
            Some((_, ports)) => ports.push(rule.port),
            None => by_asker.push((from, vec![rule.port])),
        }
    }
    let words = |ports: Vec<u16>| ports.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    by_asker.into_iter().map(|(from, ports)| format!("{} from {from}", words(ports))).collect()
}

const fn per_row(width: usize) -> usize {
    let fitting = (width - 12) / (CHIP.0 + 10);
    if fitting == 0 { 1 } else { fitting }
}

fn height(content: &Content, width: usize) -> usize {
    let rows = content.members.len().div_ceil(per_row(width));
    let lines = if content.ports.is_empty() { 0 } else { content.ports.len() * LINE_HEIGHT + 8 };
    HEAD + rows * (CHIP.1 + 8) + lines + usize::from(rows > 0) * 4
}

fn group(content: Content, (x, y): (usize, usize), (width, height): (usize, usize)) -> Group {
    let columns = per_row(width);
    let chips: Vec<Chip> = content
        .members
        .iter()
        .enumerate()
        .map(|(at, (name, address, public))| {
            let reached = if public.is_empty() { String::new() } else { format!(", from outside {public}") };
            Chip {
                x: x + 12 + at % columns * (CHIP.0 + 10),
                y: y + HEAD + at / columns * (CHIP.1 + 8),
                name: cut(name, 14),
                whole: format!("{name}, {address}{reached}"),
                address: cut(address, 17),
            }
        })
        .collect();
    let below = y + HEAD + content.members.len().div_ceil(columns) * (CHIP.1 + 8) + 14;
    let most = (width - 24) / PIXELS_A_CHARACTER;
    let lines = content.ports.iter().enumerate();
    let lines =
        lines.map(|(at, text)| Line { x: x + 12, y: below + at * LINE_HEIGHT, text: cut(text, most) }).collect();
    Group { role: content.role, title: content.title, x, y, width, height, chips, lines }
}
