//! What the single steps of a build cost: `cargo bench`. With arguments it does one thing instead, for `peers.sh`:
//!
//! - `images TREE OUT`: a seed image of each host directory below TREE;
//! - `packages OUT COUNT MIB`: packages with so much in them that no compressor makes smaller;
//! - `repodata DIR OUT`: the metadata of the packages in DIR, each read and digested from its first byte to its last;
//! - `sha256 FILE…`: one pass of the crate sha2 over each.

#![allow(clippy::disallowed_methods, clippy::disallowed_macros, reason = "a bench writes files and prints times")]

use std::collections::BTreeMap;
use std::error::Error;
use std::time::{Duration, Instant};

use camino::{Utf8Path, Utf8PathBuf};
use cfy_seed::bundle::iso9660::Image;
use cfy_seed::bundle::{ContentSource as _, Tree};
use cfy_seed::emit;
use cfy_seed::handoff::{SEED_LABEL, nocloud};
use cfy_seed::load::{self, Disk};
use cfy_seed::names::FileMode;
use cfy_seed::payload::{self, Rpm, read_rpm};
use cfy_seed::profile::SHAPES;
use cfy_seed::project::{Project, render_all, side_by_side};
use cfy_seed::vault;
use cfy_seed::world::{FixedWorld, World as _};

/// A step is repeated this often; the median and the least time are shown.
const ROUNDS: usize = 25;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["images", tree, out] => images(Utf8Path::new(tree), Utf8Path::new(out)),
        ["packages", out, count, mebibytes] => packages(Utf8Path::new(out), count.parse()?, mebibytes.parse()?),
        ["repodata", packages, out] => repodata(Utf8Path::new(packages), Utf8Path::new(out)),
        ["sha256", files @ ..] => sha256(files),
        words if words.contains(&"--bench") => steps(),
        // `cargo test --all-targets` only wants to see that it runs.
        _ => Ok(()),
    }
}

/// The images of the host directories, as a build makes them: all in one process.
fn images(tree: &Utf8Path, out: &Utf8Path) -> Result<(), Box<dyn Error>> {
    for host in tree.read_dir_utf8()? {
        let host = host?;
        let mut content = Tree::default();
        for name in ["user-data", "meta-data", "network-config", "vendor-data"] {
            content.add(name, FileMode::SECRET, std::fs::read(host.path().join(name))?)?;
        }
        let image = Image::new(SEED_LABEL, &content, FixedWorld::default().now())?;
        let file = std::fs::File::create_new(out.join(format!("{}.iso", host.file_name())))?;
        let mut file = std::io::BufWriter::with_capacity(1 << 16, file);
        image.write(&mut file, &Disk)?;
        std::io::Write::flush(&mut file)?;
    }
    Ok(())
}

fn packages(out: &Utf8Path, count: usize, mebibytes: usize) -> Result<(), Box<dyn Error>> {
    // Xorshift (Marsaglia 2003): not random, and nothing that deflate finds anything in.
    let mut state = 88_172_645_463_325_252_u64;
    for number in 0..count {
        let mut content = Vec::with_capacity(mebibytes << 20);
        // Packages without content of their own have a few bytes each.
        while content.len() < (mebibytes << 20).max(64) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            content.extend(state.to_le_bytes());
        }
        let name = format!("peer-{number:03}");
        let mut builder = rpm::PackageBuilder::new(&name, "1.0", "MIT", "x86_64", "A package for benches");
        let config = rpm::BuildConfig::v4().source_date(1_700_000_000_u32).compression(rpm::CompressionType::None);
        builder.using_config(config).release("1.el8");
        builder.with_file_contents(content, rpm::FileOptions::new(format!("/opt/{name}/content")))?;
        for file in 0..40 {
            builder.with_file_contents(b"", rpm::FileOptions::new(format!("/opt/{name}/share/file-{file}")))?;
        }
        let mut file = std::io::BufWriter::new(std::fs::File::create_new(out.join(format!("{name}.rpm")))?);
        builder.build()?.write(&mut file)?;
        std::io::Write::flush(&mut file)?;
    }
    Ok(())
}

fn repodata(packages: &Utf8Path, out: &Utf8Path) -> Result<(), Box<dyn Error>> {
    let mut names: Vec<String> =
        packages.read_dir_utf8()?.map(|entry| Ok(entry?.file_name().to_owned())).collect::<std::io::Result<_>>()?;
    names.sort();
    let read = |_, name: &String| Disk.open(&packages.join(name)).map(|file| read_rpm(file, None));
    let mut rpms = Vec::with_capacity(names.len());
    side_by_side(&names, read, |_, rpm| rpms.push(rpm));
    let rpms = rpms.into_iter().collect::<std::io::Result<Result<Vec<_>, _>>>()??;
    let all: Vec<(&str, &Rpm)> = names.iter().map(String::as_str).zip(&rpms).collect();
    std::fs::create_dir(out.join("repodata"))?;
    for (path, bytes) in payload::repodata(&all, 1_700_000_000)? {
        std::fs::write(out.join(path), bytes)?;
    }
    Ok(())
}

fn sha256(files: &[&str]) -> Result<(), Box<dyn Error>> {
    for file in files {
        println!("{}  {file}", load::digest(Utf8Path::new(file), &|_| ())?);
    }
    Ok(())
}

fn steps() -> Result<(), Box<dyn Error>> {
    let scratch = tempfile::tempdir()?;
    let scratch = Utf8PathBuf::try_from(scratch.path().to_owned())?;
    let spec = scratch.join("cluster.yaml");
    std::fs::write(&spec, SHAPES[0].spec)?;
    let project = Project::open(Some(&spec), time::OffsetDateTime::now_utc())?;
    let plan = project.plan.as_ref().ok_or("the example does not build")?;
    let quiet = |_: usize, _: usize| {};
    let world = FixedWorld::default();
    let (vault, _) = vault::ensure(None, &plan.identity, &BTreeMap::new(), &world, &quiet)?;
    let hosts = render_all(&project, plan, &vault)?;
    let trees: Vec<Tree> = hosts.iter().map(|files| nocloud(files, vault.created())).collect::<Result<_, _>>()?;
    let (sealed, _) = project.seal(plan, &vault)?;
    let out = scratch.join("out");

    println!("{:44}{:>12}{:>12}", "nine hosts", "median, ms", "least, ms");
    time("read, parse and resolve the spec", || {
        Project::open(Some(&spec), time::OffsetDateTime::now_utc()).map(drop)
    });
    time("render all hosts", || render_all(&project, plan, &vault).map(drop));
    time("lay out all images", || hosts.iter().try_for_each(|files| nocloud(files, vault.created()).map(drop)));
    time("write all images to memory", || {
        trees.iter().try_for_each(|tree| {
            let image = Image::new(SEED_LABEL, tree, vault.created()).map_err(std::io::Error::other)?;
            image.write(&mut std::io::sink(), &Disk)
        })
    });
    time("render, lay out, digest: the whole tree", || project.seal(plan, &vault).map(drop));
    time("write, sync and publish the tree", || emit::publish(&sealed, &out, &Disk).map(drop));
    Ok(())
}

/// Times a step and prints its line; a failure is shown instead of a time.
fn time<E: std::fmt::Display>(what: &str, step: impl Fn() -> Result<(), E>) {
    let mut times: Vec<Duration> = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let start = Instant::now();
        if let Err(error) = step() {
            println!("{what:44}{error:>24}");
            return;
        }
        times.push(start.elapsed());
    }
    times.sort_unstable();
    let milliseconds = |time: Duration| time.as_secs_f64() * 1000.0;
    println!("{what:44}{:>12.3}{:>12.3}", milliseconds(times[ROUNDS / 2]), milliseconds(times[0]));
}
