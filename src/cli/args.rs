//! What the command line says.

use camino::Utf8PathBuf;
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::names::{CloudifyVersion, ClusterName, Pack};
use crate::profile::SHAPES;
use crate::project::{OwnDirectories, Packing};

/// One cluster.yaml in, one self-installing cloud-init bundle per Cloudify host out.
#[derive(Debug, Parser)]
#[command(name = "cfy-seed", version, arg_required_else_help = true, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    pub own: Own,
    #[command(subcommand)]
    pub command: Command,
}

/// Files of the operator's own.
#[derive(Debug, Args)]
pub struct Own {
    /// Contracts, platforms and shapes of your own, beside the embedded ones or in their place
    #[arg(long, global = true, value_name = "DIR")]
    pub profiles: Option<Utf8PathBuf>,
    /// Templates of your own in place of the embedded ones
    #[arg(long, global = true, value_name = "DIR")]
    pub templates: Option<Utf8PathBuf>,
}

impl From<Own> for OwnDirectories {
    fn from(own: Own) -> Self {
        Self { profiles: own.profiles, templates: own.templates }
    }
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write a commented cluster.yaml to start from
    Init(Init),
    /// Make a spec and a vault of the vendor's cluster-manager file
    Import(Import),
    /// Find every problem of one spec or several at once; write nothing
    Check(Check),
    /// Show what build would do: hosts, order, gates, sizes, certificates
    Plan(Plan),
    /// Build the bundles of one cluster, or of several side by side
    Build(Build),
    /// Check a built tree again, with independent code
    Verify(Verify),
    /// Show who waits for whom, from the hosts' console logs
    Status(Status),
    /// List the credentials, or print one that was generated
    Credentials(Credentials),
    /// Requests to, certificates from, and the end of certificates of a CA
    #[command(subcommand)]
    Pki(Pki),
    /// The packages of a cluster without a network
    #[command(subcommand)]
    Payload(Payload),
    /// Explain a code such as CFY-S001
    Explain(Explain),
    /// Print the JSON Schema of cluster.yaml
    Schema,
    /// Print completions for a shell
    Completions(Completions),
    /// Print the manual page
    Man,
}

/// Which spec, and how strictly.
#[derive(Debug, Args)]
pub struct SpecArgs {
    /// The cluster's spec [default: cluster.yaml, or else the embedded example]
    #[arg(value_name = "SPEC")]
    pub spec: Option<Utf8PathBuf>,
    /// Take warnings for errors
    #[arg(long)]
    pub strict: bool,
}

/// Which specs, and how strictly.
#[derive(Debug, Args)]
pub struct SpecsArgs {
    /// The clusters' specs [default: cluster.yaml, or else the embedded example]
    #[arg(value_name = "SPEC")]
    pub specs: Vec<Utf8PathBuf>,
    /// Take warnings for errors
    #[arg(long)]
    pub strict: bool,
}

#[derive(Debug, Args)]
pub struct Init {
    /// The shape of the cluster
    #[arg(long, default_value = SHAPES[0].name, value_name = "SHAPE")]
    pub shape: String,
    /// Where to write it; an existing file is never replaced
    #[arg(default_value = "cluster.yaml", value_name = "FILE")]
    pub file: Utf8PathBuf,
}

#[derive(Debug, Args)]
pub struct Import {
    /// The file of Cloudify's cluster manager, such as `cfy_cluster_config.yaml`
    #[arg(value_name = "FILE")]
    pub file: Utf8PathBuf,
    /// The cluster's name
    #[arg(long, default_value = "cloudify", value_name = "NAME")]
    pub name: ClusterName,
    /// The directory that is made, with spec, files and vault; it must not be there [default: the cluster's name]
    #[arg(long, value_name = "DIR")]
    pub out: Option<Utf8PathBuf>,
    /// Cloudify's version [default: what the installer's name says]
    #[arg(long, value_name = "VERSION")]
    pub cloudify_version: Option<CloudifyVersion>,
}

/// How a result is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// For machines
    Json,
}

/// How user-data is packed for the targets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PackArg {
    /// What suits each target and fits
    Auto,
    /// As it is
    Plain,
    /// All of it through gzip
    Gzip,
    /// All of it through gzip and base64
    #[value(name = "gzip+base64")]
    GzipBase64,
    /// Plain, with each file in it packed
    Inner,
    /// On the seed image
    Iso,
}

impl From<PackArg> for Packing {
    fn from(arg: PackArg) -> Self {
        match arg {
            PackArg::Auto => Self::Auto,
            PackArg::Plain => Self::Only(Pack::Plain),
            PackArg::Gzip => Self::Only(Pack::Gzip),
            PackArg::GzipBase64 => Self::Only(Pack::GzipBase64),
            PackArg::Inner => Self::Only(Pack::Inner),
            PackArg::Iso => Self::Only(Pack::Iso),
        }
    }
}

/// How a plan is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PlanFormat {
    /// For people
    Text,
    /// For machines
    Json,
    /// One page for a browser, for paper, and for those who decide
    Html,
}

#[derive(Debug, Args)]
pub struct Check {
    #[command(flatten)]
    pub specs: SpecsArgs,
    /// How the findings are printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

#[derive(Debug, Args)]
pub struct Plan {
    #[command(flatten)]
    pub spec: SpecArgs,
    /// How the plan is printed
    #[arg(long, value_enum, default_value_t = PlanFormat::Text)]
    pub format: PlanFormat,
    /// Where the last build went
    #[arg(long, default_value = "out", value_name = "DIR")]
    pub out: Utf8PathBuf,
    /// The cluster's vault [default: <cluster>.vault beside the spec]
    #[arg(long, value_name = "DIR")]
    pub vault: Option<Utf8PathBuf>,
    /// How user-data is packed for the targets
    #[arg(long, value_enum, default_value_t = PackArg::Auto, value_name = "PACK")]
    pub pack: PackArg,
}

#[derive(Debug, Args)]
pub struct Build {
    #[command(flatten)]
    pub specs: SpecsArgs,
    /// The bundles go to <DIR>/<cluster>
    #[arg(long, default_value = "out", value_name = "DIR")]
    pub out: Utf8PathBuf,
    /// The cluster's vault, where there is one spec [default: <cluster>.vault beside each spec]
    #[arg(long, value_name = "DIR")]
    pub vault: Option<Utf8PathBuf>,
    /// Write the box too: bundles, payload and this program in one signed archive
    #[arg(long)]
    pub offline: bool,
    /// The payload, where there is one spec [default: <cluster>.payload beside each spec]
    #[arg(long, value_name = "DIR", requires = "offline")]
    pub payload: Option<Utf8PathBuf>,
    /// Split the box into parts smaller than this, such as `4GiB` for FAT32 or `700MB`
    #[arg(long, value_name = "SIZE", requires = "offline", value_parser = size)]
    pub split: Option<u64>,
    /// Write the payload medium too, beside the box, as `payload iso` makes it out of the box
    #[arg(long, requires = "offline")]
    pub payload_iso: bool,
    /// How user-data is packed for the targets
    #[arg(long, value_enum, default_value_t = PackArg::Auto, value_name = "PACK")]
    pub pack: PackArg,
    /// The passphrase of the CA's key that the spec names: the first line of this file, or of stdin for `-`
    /// [default: asked for on a terminal, where something is to be issued]
    #[arg(long, value_name = "FILE")]
    pub ca_passphrase_file: Option<Utf8PathBuf>,
}

#[derive(Debug, Args)]
pub struct Verify {
    /// A built tree, a box, a part or the list of parts of one (….sha256), a payload or its image, a seed image, or user-data for
    /// a target
    /// [default: the only tree below out]
    #[arg(value_name = "PATH")]
    pub path: Option<Utf8PathBuf>,
    /// The public key of whoever built the box [default: the one in it]
    #[arg(long, value_name = "FILE")]
    pub key: Option<Utf8PathBuf>,
    /// Write what was found of every file to a new file, as JSON (docs/evidence.schema.json)
    #[arg(long, value_name = "FILE")]
    pub evidence: Option<Utf8PathBuf>,
    /// How the findings are printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

#[derive(Debug, Args)]
pub struct Status {
    /// Console logs, of one host or of several each
    #[arg(long, value_name = "LOG", required = true, num_args = 1..)]
    pub console: Vec<Utf8PathBuf>,
    /// How the table is printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

#[derive(Debug, Args)]
pub struct Credentials {
    /// Print this one, such as `admin_password` [default: list their names]
    #[arg(value_name = "NAME")]
    pub name: Option<String>,
    /// The cluster's spec [default: cluster.yaml, or else the embedded example]
    #[arg(long, value_name = "SPEC")]
    pub spec: Option<Utf8PathBuf>,
    /// The cluster's vault [default: <cluster>.vault beside the spec]
    #[arg(long, value_name = "DIR")]
    pub vault: Option<Utf8PathBuf>,
    /// Print it although the output is not a terminal
    #[arg(long)]
    pub pipe: bool,
}

#[derive(Debug, Subcommand)]
pub enum Pki {
    /// Make keys in the vault, and requests for a CA outside
    Csr(PkiCsr),
    /// Take the certificates of a CA outside into the vault
    Import(PkiImport),
    /// List the certificates of a vault; exit 1 where one ends soon or is not good
    Check(PkiCheck),
}

#[derive(Debug, Args)]
pub struct PkiCsr {
    #[command(flatten)]
    pub spec: SpecArgs,
    /// Where the requests and the signing sheet go
    #[arg(long, value_name = "DIR")]
    pub out: Utf8PathBuf,
    /// The cluster's vault [default: <cluster>.vault beside the spec]
    #[arg(long, value_name = "DIR")]
    pub vault: Option<Utf8PathBuf>,
}

#[derive(Debug, Args)]
pub struct PkiImport {
    /// A directory with ca.crt, <host>.crt and client-<name>.crt, and keys where the vault has none
    #[arg(value_name = "DIR")]
    pub from: Utf8PathBuf,
    /// The cluster's spec [default: cluster.yaml, or else the embedded example]
    #[arg(long, value_name = "SPEC")]
    pub spec: Option<Utf8PathBuf>,
    /// The cluster's vault [default: <cluster>.vault beside the spec]
    #[arg(long, value_name = "DIR")]
    pub vault: Option<Utf8PathBuf>,
}

#[derive(Debug, Args)]
pub struct PkiCheck {
    /// The cluster's spec [default: with --vault none, otherwise cluster.yaml, or else the embedded example]
    #[arg(value_name = "SPEC")]
    pub spec: Option<Utf8PathBuf>,
    /// The vault [default: <cluster>.vault beside the spec]
    #[arg(long, value_name = "DIR")]
    pub vault: Option<Utf8PathBuf>,
    /// How soon is soon: days or weeks, such as `30d` or `8w`
    #[arg(long, default_value = "30d", value_name = "TIME", value_parser = days)]
    pub within: u32,
    /// How the list is printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// Bytes in a size such as `4GiB` or `700MB`, one MB at least.
fn size(text: &str) -> Result<u64, String> {
    const UNITS: [(&str, u64); 4] = [("MB", 1_000_000), ("GB", 1_000_000_000), ("MiB", 1 << 20), ("GiB", 1 << 30)];
    let size = UNITS.iter().find_map(|(unit, bytes)| {
        let number = text.strip_suffix(unit)?;
        let plain = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        number.parse::<u64>().ok().filter(|_| plain)?.checked_mul(*bytes)
    });
    let expected = || "expected a size with its unit (MB, MiB, GB or GiB), such as `4GiB`".to_owned();
    size.filter(|size| *size > 0).ok_or_else(expected)
}

/// Days in a time span such as `30d` or `8w`, a century at most.
fn days(text: &str) -> Result<u32, String> {
    let (number, unit) = match (text.strip_suffix('d'), text.strip_suffix('w')) {
        (Some(number), _) => (number, 1),
        (_, Some(number)) => (number, 7),
        _ => (text, 0),
    };
    let number = number.parse::<u32>().ok().filter(|_| unit > 0 && !number.starts_with('+'));
    let days = number.and_then(|number| number.checked_mul(unit)).filter(|days| *days <= 36_500);
    days.ok_or_else(|| "expected days or weeks, such as `30d` or `8w`, 36500d at most".to_owned())
}

#[derive(Debug, Subcommand)]
pub enum Payload {
    /// List what hosts need, and where it is
    Plan(PayloadReport),
    /// Copy packages, public keys and the list of an image into the payload
    Add(PayloadAdd),
    /// Find everything that is wrong with the payload; write nothing
    Check(PayloadReport),
    /// Make the medium that hosts find by its label, out of a box and with nothing but the box
    Iso(PayloadIso),
    /// Split a box, or one in parts, anew
    Split(PayloadSplit),
}

#[derive(Debug, Args)]
pub struct PayloadReport {
    #[command(flatten)]
    pub spec: SpecArgs,
    /// The payload [default: <cluster>.payload beside the spec]
    #[arg(long, value_name = "DIR")]
    pub payload: Option<Utf8PathBuf>,
    /// How it is printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

#[derive(Debug, Args)]
pub struct PayloadAdd {
    /// Packages (.rpm), OpenPGP public keys, or the list of an image: their content tells
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<Utf8PathBuf>,
    /// Where they are from, for the lock file [default: the paths as named]
    #[arg(long, value_name = "TEXT")]
    pub origin: Option<String>,
    /// The cluster's spec [default: cluster.yaml, or else the embedded example]
    #[arg(long, value_name = "SPEC")]
    pub spec: Option<Utf8PathBuf>,
    /// The payload [default: <cluster>.payload beside the spec]
    #[arg(long, value_name = "DIR")]
    pub payload: Option<Utf8PathBuf>,
}

#[derive(Debug, Args)]
pub struct PayloadIso {
    /// The directory of an unpacked box, or payload/ in it
    #[arg(value_name = "FROM")]
    pub from: Utf8PathBuf,
    /// The image, outside of the box [default: payload.iso beside the box]
    #[arg(long, value_name = "FILE")]
    pub out: Option<Utf8PathBuf>,
    /// The public key of whoever built the box [default: the one in it]
    #[arg(long, value_name = "FILE")]
    pub key: Option<Utf8PathBuf>,
}

#[derive(Debug, Args)]
pub struct PayloadSplit {
    /// A box, or the list of the parts of one (….sha256)
    #[arg(value_name = "BOX")]
    pub from: Utf8PathBuf,
    /// Parts smaller than this, such as `4GiB` for FAT32 or `700MB`
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub split: u64,
    /// Where the parts go
    #[arg(long, default_value = ".", value_name = "DIR")]
    pub out: Utf8PathBuf,
    /// The public key of whoever built the box [default: the one in it]
    #[arg(long, value_name = "FILE")]
    pub key: Option<Utf8PathBuf>,
}

#[derive(Debug, Args)]
pub struct Explain {
    /// The code, such as CFY-S001 [default: list all codes]
    #[arg(value_name = "CODE")]
    pub code: Option<String>,
}

#[derive(Debug, Args)]
pub struct Completions {
    /// Which shell
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}
