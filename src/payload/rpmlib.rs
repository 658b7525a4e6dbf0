//! What rpm itself must be able to do: requirements such as `rpmlib(RichDependencies) <= 4.12.0-1`.

use super::{Comparison, Relation, evr};

/// Name and version of what rpm can (`rpmlibProvides` in lib/rpmds.c), and since which version of rpm.
const FEATURES: &[(&str, &str, &str)] = &[
    ("VersionedDependencies", "3.0.3-1", "4.0"),
    ("CompressedFileNames", "3.0.4-1", "4.0"),
    ("PayloadIsBzip2", "3.0.5-1", "4.0"),
    ("PayloadFilesHavePrefix", "4.0-1", "4.0"),
    ("ExplicitPackageProvide", "4.0-1", "4.0"),
    ("HeaderLoadSortsTags", "4.0.1-1", "4.1"),
    ("ScriptletInterpreterArgs", "4.0.3-1", "4.1"),
    ("PartialHardlinkSets", "4.0.4-1", "4.1"),
    ("ConcurrentAccess", "4.1-1", "4.1"),
    ("BuiltinLuaScripts", "4.2.2-1", "4.4"),
    ("PayloadIsLzma", "4.4.2-1", "4.6"),
    ("FileDigests", "4.6.0-1", "4.6"),
    ("FileCaps", "4.6.1-1", "4.7"),
    ("PayloadIsXz", "5.2-1", "4.8"),
    ("ScriptletExpansion", "4.9.0-1", "4.9"),
    ("TildeInVersions", "4.10.0-1", "4.10"),
    ("LargeFiles", "4.12.0-1", "4.12"),
    ("RichDependencies", "4.12.0-1", "4.13"),
    ("PayloadIsZstd", "5.4.18-1", "4.14"),
    // RHEL 8 took it over into its 4.14.
    ("CaretInVersions", "4.15.0-1", "4.14"),
    ("DynamicBuildRequires", "4.15.0-1", "4.15"),
];

/// The rpm of a system of this major version.
#[must_use]
pub fn rpm_of(major: &str) -> &'static str {
    match major {
        "7" => "4.11.3",
        "8" => "4.14.3",
        _ => "4.16.1",
    }
}

/// Whether rpm of this version can do what is required; nothing where it is not for rpm itself to do.
pub(super) fn satisfies(rpm: &str, required: &Relation) -> Option<bool> {
    let name = required.name.strip_prefix("rpmlib(")?.strip_suffix(')')?;
    let known = FEATURES.iter().find(|(feature, _, since)| *feature == name && evr::compare(since, rpm).is_le());
    Some(known.is_some_and(|(_, version, _)| match &required.version {
        Some((sign, wanted)) => evr::overlap((Comparison::Equal, version), (*sign, wanted)),
        None => true,
    }))
}

#[cfg(test)]
mod tests {
    use super::{Comparison, Relation, rpm_of, satisfies};

    #[test]
    fn each_rpm_can_what_it_can() {
        let needs = |name: &str, version: &str| Relation {
            name: name.to_owned(),
            version: Some((Comparison::LessOrEqual, version.to_owned())),
            before_scripts: false,
        };
        let rich = needs("rpmlib(RichDependencies)", "4.12.0-1");
        assert_eq!((satisfies(rpm_of("7"), &rich), satisfies(rpm_of("8"), &rich)), (Some(false), Some(true)));
        assert_eq!(satisfies(rpm_of("7"), &needs("rpmlib(PayloadIsXz)", "5.2-1")), Some(true));
        assert_eq!(satisfies(rpm_of("8"), &needs("rpmlib(PayloadIsZstd)", "5.4.18-1")), Some(true));
        assert_eq!(satisfies(rpm_of("8"), &needs("rpmlib(FileDigests)", "4.5.0-1")), Some(false));
        assert_eq!(satisfies(rpm_of("8"), &needs("rpmlib(Unheard)", "1")), Some(false));
        assert_eq!(satisfies(rpm_of("8"), &needs("rpm", "1")), None);
    }
}
