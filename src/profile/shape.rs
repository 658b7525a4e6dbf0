//! Cluster shapes: what `init` writes, and what `plan` recognises.

/// A shape by name, with the spec that `init` writes for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Its name, such as `nine-node`.
    pub name: &'static str,
    /// A commented spec that builds.
    pub spec: &'static str,
}

/// All shapes; the first is the default and the embedded example.
pub const SHAPES: &[Shape] = &[
    Shape { name: "nine-node", spec: include_str!("../../profiles/shapes/nine-node.yaml") },
    Shape { name: "three-node", spec: include_str!("../../profiles/shapes/three-node.yaml") },
    Shape { name: "all-in-one", spec: include_str!("../../profiles/shapes/all-in-one.yaml") },
    Shape { name: "external-db", spec: include_str!("../../profiles/shapes/external-db.yaml") },
    Shape { name: "external-broker", spec: include_str!("../../profiles/shapes/external-broker.yaml") },
    Shape { name: "external-both", spec: include_str!("../../profiles/shapes/external-both.yaml") },
];

impl Shape {
    /// The shape of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        SHAPES.iter().copied().find(|shape| shape.name == name)
    }
}
