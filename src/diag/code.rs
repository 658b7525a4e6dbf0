//! The closed list of codes. A number is never used twice, also not after its code is gone.

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// What is wrong, as a stable code: `CFY-`, a letter for the part that found it (S spec, P plan, V vault,
        /// K payload, B bundle, T target), and three digits. The guest's own codes (G) live in its script.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $($(#[$doc])* $name,)*
        }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The code as printed, such as `CFY-S001`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

codes! {
    /// The text is not YAML, or YAML of a kind that is refused (tags, merge keys, several documents, bombs).
    YamlSyntax = "CFY-S001",
    /// A key twice in one mapping.
    DuplicateKey = "CFY-S002",
    /// A key that the schema does not have.
    UnknownKey = "CFY-S003",
    /// A key that must be there is not.
    MissingKey = "CFY-S004",
    /// A value of the wrong type.
    WrongType = "CFY-S005",
    /// A value of the right type that its format refuses.
    InvalidValue = "CFY-S006",
    /// A word that is not among the allowed ones.
    UnknownWord = "CFY-S007",
    /// The file cannot be read as text.
    NotText = "CFY-S008",
    /// The file is missing, a directory, too large or unreadable.
    UnreadableInput = "CFY-S009",
    /// `apiVersion` is not one that this version reads.
    UnknownApiVersion = "CFY-S010",
    /// No spec was named and none is here: the embedded example is used.
    ExampleSpecUsed = "CFY-S011",
    /// A file below `--profiles` or `--templates` that is none.
    OwnFileForeign = "CFY-S012",
    /// A profile that lacks something, or names what is not there.
    ProfileNotWhole = "CFY-S013",
    /// A template of the operator's own that does not render what Cloudify takes.
    TemplateWrong = "CFY-S014",
    /// The file is no configuration of the vendor's cluster manager.
    VendorForeign = "CFY-S040",
    /// Something of the vendor's file that the spec cannot have, or does not need.
    VendorNotCarried = "CFY-S041",
    /// Machines in the vendor's file that make no cluster.
    VendorMachines = "CFY-S042",
    /// The version cannot be told from the vendor's file.
    VendorVersion = "CFY-S043",
    /// A file that the vendor's file names cannot be used.
    VendorFile = "CFY-S044",
    /// The imported spec holds a secret that no vault can keep.
    VendorSecretInSpec = "CFY-S045",

    /// No contract speaks for this version of Cloudify.
    UnsupportedVersion = "CFY-P001",
    /// No such operating system, or not with this version.
    UnsupportedPlatform = "CFY-P002",
    /// No such target.
    UnknownTarget = "CFY-P003",
    /// Two hosts of one name.
    DuplicateHostName = "CFY-P004",
    /// Two hosts with one address or one card.
    DuplicateAddress = "CFY-P005",
    /// An address that cannot be one in its network.
    AddressOutsideNetwork = "CFY-P006",
    /// A prefix length out of range.
    PrefixOutOfRange = "CFY-P007",
    /// Roles on one host that do not go together.
    RolesOnHost = "CFY-P008",
    /// A number of databases that cannot work.
    DatabaseCount = "CFY-P009",
    /// An even number of databases.
    EvenDatabases = "CFY-P010",
    /// A role that the cluster lacks.
    RoleMissing = "CFY-P011",
    /// A number of managers that cannot work.
    ManagerCount = "CFY-P012",
    /// Not exactly one source of the installer.
    RpmSource = "CFY-P013",
    /// The installer's digest is not given.
    RpmDigestMissing = "CFY-P014",
    /// The licence is not given or not there.
    LicenseMissing = "CFY-P015",
    /// A file that the spec names cannot be used.
    BadAttachment = "CFY-P016",
    /// A repository without a key.
    UnsignedRepo = "CFY-P017",
    /// A credential that some part of Cloudify breaks on.
    BadCredential = "CFY-P018",
    /// Validities that cannot be.
    CertificateDays = "CFY-P019",
    /// A time span out of range.
    TimeOutOfRange = "CFY-P020",
    /// Nobody could log in.
    NoAccess = "CFY-P021",
    /// More than one balancer.
    SeveralBalancers = "CFY-P022",
    /// Rebuilds of RHEL are let through.
    RebuildsLetThrough = "CFY-P023",
    /// A generation of zero.
    GenerationOutOfRange = "CFY-P024",
    /// Names that people mistake for each other.
    LookAlikeNames = "CFY-P025",
    /// A further network of a host that cannot be one.
    FurtherNetwork = "CFY-P026",
    /// A further network that not all managers and brokers are in.
    NetworkIncomplete = "CFY-P027",
    /// A file of the operator's own that cannot be put where it shall.
    ExtraFile = "CFY-P028",
    /// A profile that extends one that is not there, or itself, or removes what is not there.
    ProfileExtends = "CFY-P030",
    /// LDAP with a version that takes it after the installation only.
    LdapAfterInstall = "CFY-P031",
    /// `ldaps://` without a CA, or a CA without `ldaps://`.
    LdapCa = "CFY-P032",
    /// An LDAP user without password, or the other way round.
    LdapLogin = "CFY-P033",
    /// `os` is not given and is not what it is with later versions.
    PlatformTaken = "CFY-P034",
    /// An external service that hosts install too, or that this version of Cloudify does not know.
    ExternalAndOurs = "CFY-P037",
    /// An address or name of an external service that something else has.
    ExternalAddress = "CFY-P038",
    /// Users or databases of an external database that cannot work together.
    ExternalUsers = "CFY-P039",
    /// A credential of an external service that only its owner knows.
    ExternalCredential = "CFY-P040",
    /// The CA of an external service is not one, or not there.
    ExternalCa = "CFY-P041",
    /// One database is no cluster.
    SingleDatabase = "CFY-P042",
    /// A passphrase without the key that it would open.
    PassphraseWithoutKey = "CFY-P043",
    /// A validity for a CA that is not made here.
    CaDaysUnused = "CFY-P044",
    /// A setting in `config` that cfy-seed makes itself.
    ConfigOurs = "CFY-P047",
    /// A key in `config` that Cloudify does not have.
    ConfigUnknown = "CFY-P048",
    /// A setting in `config` of the wrong type.
    ConfigType = "CFY-P049",
    /// Settings or cloud-config that no host gets.
    OverrideUnused = "CFY-P050",
    /// A key of cloud-config that cfy-seed writes itself, or that breaks first boot.
    CloudInitOurs = "CFY-P051",
    /// A file, user or mount in `cloud_init` that is in the way of cfy-seed's own.
    CloudInitCollision = "CFY-P052",
    /// A key of cloud-config that is probably misspelt.
    CloudInitUnknown = "CFY-P053",
    /// A value in `cloud_init` that cloud-init would not take.
    CloudInitType = "CFY-P054",
    /// An address of the payload that hosts cannot use.
    PayloadUrl = "CFY-P055",
    /// A place of a payload that nobody uses.
    PayloadPlaceUnused = "CFY-P056",
    /// More hosts than are planned in one cluster.
    TooManyHosts = "CFY-P057",
    /// A name that means every host.
    ReservedHostName = "CFY-P058",

    /// A file of a payload that is no package which hosts can install.
    NotAnRpm = "CFY-K001",
    /// A package that is cut off, changed, or contradicts itself.
    RpmDamaged = "CFY-K002",
    /// `payload.lock` cannot be used.
    PayloadLockUnreadable = "CFY-K003",
    /// A file of the lock file is not there.
    PayloadFileMissing = "CFY-K004",
    /// A file that the lock file does not have.
    PayloadFileForeign = "CFY-K005",
    /// Size or digest differ from the lock file.
    PayloadFileDiffers = "CFY-K006",
    /// A file that is no public key to check packages with.
    PayloadKeyUnusable = "CFY-K007",
    /// A package without a good signature of one of the payload's keys.
    PackageNotSigned = "CFY-K008",
    /// A package requires what nothing provides.
    RequirementUnmet = "CFY-K009",
    /// Two packages that cannot be installed together.
    PackagesConflict = "CFY-K010",
    /// A package that no host installs.
    PackageUnused = "CFY-K011",
    /// A package for other machines.
    PackageArchitecture = "CFY-K012",
    /// A file that is no list of what an image has.
    ImageListUnreadable = "CFY-K013",
    /// It is not known what the image has.
    ImageUnknown = "CFY-K014",
    /// There is no payload, or nothing in it.
    PayloadEmpty = "CFY-K015",
    /// What hosts must have is neither in the image nor in the payload.
    WantedMissing = "CFY-K016",
    /// Two files of one package.
    PayloadNameTaken = "CFY-K017",
    /// Hosts do not install from the payload.
    PayloadNotUsed = "CFY-K018",
    /// The installer that hosts take from the payload is not in it.
    InstallerNotInPayload = "CFY-K019",
    /// Packages whose requirements take too long to compare.
    PayloadTooIntricate = "CFY-K020",

    /// The output of that name was not made by cfy-seed.
    ForeignOutput = "CFY-B001",
    /// The output directory is a file, or the output is a file or a symlink.
    OutputInTheWay = "CFY-B002",
    /// Another run holds the lock.
    RunInProgress = "CFY-B003",
    /// A file that goes into a bundle is missing, unreadable, or not the one that was checked.
    ContentChanged = "CFY-B004",
    /// A box, its parts or a medium beside the output are of an older build.
    BoxOutdated = "CFY-B005",
    /// The program in a box starts only where its libraries are.
    ProgramNotStatic = "CFY-B006",
    /// The output would lie in what it is made of.
    OutputInside = "CFY-B007",
    /// Two specs of one run are for the same cluster.
    SameCluster = "CFY-B060",
    /// No readable manifest of our schema.
    ManifestUnreadable = "CFY-B010",
    /// The manifest contradicts itself.
    ManifestContradicts = "CFY-B011",
    /// A file of the manifest is not there.
    BundleFileMissing = "CFY-B012",
    /// A file that the manifest does not have.
    BundleFileForeign = "CFY-B013",
    /// Size or digest differ from the manifest.
    BundleFileDiffers = "CFY-B014",
    /// A mode differs, or lets others in.
    BundleMode = "CFY-B015",
    /// A symlink or device in a bundle.
    BundleSpecialFile = "CFY-B016",
    /// `SHA256SUMS` is not what it should be.
    SumsDiffer = "CFY-B017",
    /// A host lacks one of its files.
    HostIncomplete = "CFY-B018",
    /// `seed.iso` is no image of label CIDATA.
    SeedUnreadable = "CFY-B020",
    /// `seed.iso` holds something else than the host's directory.
    SeedDiffers = "CFY-B021",
    /// User-data that cloud-init or the driver could not use.
    UserDataUnreadable = "CFY-B022",
    /// The digest list in user-data does not fit its files.
    SeedDigestsDiffer = "CFY-B023",

    /// An archive that is damaged, or no box.
    BoxDamaged = "CFY-B024",
    /// A box without a good signature.
    BoxSignature = "CFY-B025",
    /// A part of a box is missing or differs.
    BoxPart = "CFY-B026",
    /// A box would be in too many parts.
    TooManyParts = "CFY-B027",
    /// An image of a payload that is damaged, or was not made by cfy-seed.
    MediumDamaged = "CFY-B028",
    /// A payload that no image can hold, or that is none of ours.
    MediumUnfit = "CFY-B029",
    /// A file or directory that `verify` does not know.
    NotRecognised = "CFY-B030",

    /// A target twice.
    TargetTwice = "CFY-T001",
    /// User-data is larger than the target takes.
    OverLimit = "CFY-T002",
    /// User-data has nearly the size that the target takes.
    NearLimit = "CFY-T003",
    /// A pack that the target does not take, or would run nothing from.
    PackNotTaken = "CFY-T004",
    /// A file for a target whose encoding its datasource does not take off.
    EncodingNotDecoded = "CFY-T005",
    /// A file for a target that no profile knows.
    FileOfUnknownTarget = "CFY-T006",
    /// The files of one host for several targets hold different things.
    TargetsDiffer = "CFY-T007",

    /// The vault belongs to another cluster.
    VaultOfAnotherCluster = "CFY-V001",
    /// A file of the vault is missing, cut off or otherwise unusable.
    VaultDamaged = "CFY-V002",
    /// A newer cfy-seed wrote the vault.
    VaultNewer = "CFY-V003",
    /// Others than its owner can read or change the vault.
    VaultExposed = "CFY-V004",
    /// A key is not the key of the certificate beside it.
    KeyOfAnotherCertificate = "CFY-V005",
    /// The CA's certificate cannot be a CA for Cloudify.
    CaUnfit = "CFY-V006",
    /// The CA's certificate has expired, soon will, or is not valid yet.
    CaValidity = "CFY-V007",
    /// A certificate in the vault is not signed by its CA.
    LeafOfAnotherCa = "CFY-V008",
    /// The CA or its key is missing and must not be made anew.
    CaMissing = "CFY-V009",
    /// A key that is not RSA, too short, or encrypted.
    KeyUnfit = "CFY-V010",
    /// A file in the vault that nobody there knows.
    VaultForeignFile = "CFY-V011",
    /// A certificate expires soon.
    LeafExpiring = "CFY-V012",
    /// Keys of another size than the spec asks for stay.
    KeySizeKept = "CFY-V013",
    /// A credential that Cloudify cannot work with.
    CredentialUnfit = "CFY-V014",
    /// The vault's CA is not the one that it was made with, or not the one that the spec names.
    CaChanged = "CFY-V015",
    /// The vault belongs to another user.
    VaultOwner = "CFY-V016",
    /// Certificates of hosts that are no longer in the spec stay.
    LeafUnused = "CFY-V017",
    /// A file of a CA, or one that is imported, cannot be read or holds something else.
    PkiFileUnusable = "CFY-V018",
    /// The key of the CA is encrypted, and its passphrase is not here.
    CaKeyLocked = "CFY-V019",
    /// The passphrase does not open the key of the CA.
    WrongPassphrase = "CFY-V020",
    /// A key is encrypted in a way that is not opened.
    KeyEncryption = "CFY-V021",
    /// A certificate or key that an import needs is not there.
    ImportIncomplete = "CFY-V022",
    /// A certificate that is imported does not do for its host or client.
    ImportUnfit = "CFY-V023",
    /// A certificate that is imported has expired or is not valid yet.
    ImportValidity = "CFY-V024",
    /// Requests wait for the certificates of a CA outside.
    CertificatesAwaited = "CFY-V025",
    /// The vault has a CA of its own.
    OwnCaInVault = "CFY-V026",
    /// A file in the directory of an import that nobody asks for.
    ImportForeignFile = "CFY-V027",
    /// Two requests would have the name of one file.
    RequestNamesClash = "CFY-V028",
    /// A certificate in a bundle cannot be read.
    BundledCertificateUnreadable = "CFY-B050",
    /// A certificate in a bundle has no path to the bundle's CA.
    BundledChain = "CFY-B051",
    /// A certificate in a bundle is not valid now.
    BundledValidity = "CFY-B052",
    /// A certificate in a bundle does not name an address that the configurations use.
    BundledNames = "CFY-B053",
    /// A certificate in a bundle does not allow what it is used for.
    BundledUsage = "CFY-B054",
    /// A key in a bundle is not RSA or not that of its certificate.
    BundledKey = "CFY-B055",
    /// The CA's private key is in a bundle.
    BundledCaKey = "CFY-B056",
    /// A private key of somebody else is in a bundle.
    BundledForeignKey = "CFY-B057",
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl serde::Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::Code;

    #[test]
    fn codes_are_unique_and_well_formed() {
        let mut seen = std::collections::BTreeSet::new();
        for code in Code::ALL {
            let text = code.as_str();
            assert!(seen.insert(text), "{text} twice");
            let tail = text.strip_prefix("CFY-").expect(text);
            assert!(
                "SPVKBT".contains(&tail[..1]) && tail.len() == 4 && tail[1..].bytes().all(|b| b.is_ascii_digit())
            );
        }
    }
}
