//! A template for Packer that bakes what hosts need before they get a seed into an image.

use crate::bundle::Tree;
use crate::names::FileMode;
use crate::plan::Plan;
use crate::render::image_files;

use super::{HandoffError, page};

/// HCL and scripts, the same for every cluster.
const FILES: [(&str, FileMode, &str); 6] = [
    ("image.pkr.hcl", FileMode::PUBLIC, include_str!("../../templates/handoff/packer/image.pkr.hcl")),
    ("plugins.pkr.hcl", FileMode::PUBLIC, include_str!("../../templates/handoff/packer/plugins.pkr.hcl")),
    ("variables.pkr.hcl", FileMode::PUBLIC, include_str!("../../templates/handoff/packer/variables.pkr.hcl")),
    ("bake/install", FileMode::PROGRAM, include_str!("../../templates/handoff/packer/bake/install")),
    ("bake/seal", FileMode::PROGRAM, include_str!("../../templates/handoff/packer/bake/seal")),
    // What is uploaded where there is nothing to upload.
    ("bake/none", FileMode::PUBLIC, ""),
];

/// The user that Packer logs in as; bake/seal removes it.
const USER: &str = "cfy-bake";

/// The template, what it needs of this cluster, and the first boot's own files.
///
/// # Errors
/// Only where cfy-seed itself is wrong.
pub fn tree(plan: &Plan) -> Result<Tree, HandoffError> {
    let mut tree = Tree::default();
    for (path, mode, text) in FILES {
        tree.add(path, mode, text)?;
    }
    let (package, version, platform) = (&plan.contract.package, plan.version, &plan.platform);
    let name = format!("image_name = \"cloudify-{version}-{}.qcow2\"\n", platform.platform);
    tree.add("cluster.auto.pkrvars.hcl", FileMode::PUBLIC, name)?;
    tree.add("bake/release.tsv", FileMode::PUBLIC, format!("{package}\t{version}\t{}\n", platform.major))?;
    let mut packages: Vec<&str> = plan.hosts.iter().flat_map(|host| &host.packages).map(String::as_str).collect();
    packages.sort_unstable();
    packages.dedup();
    tree.add("bake/packages.txt", FileMode::PUBLIC, packages.join("\n") + "\n")?;
    for file in image_files()? {
        tree.add(&format!("files{}", file.path), file.mode, file.content.expose())?;
    }
    tree.add("http/user-data", FileMode::PUBLIC, user_data(plan)?)?;
    tree.add("http/meta-data", FileMode::PUBLIC, format!("instance-id: {USER}\nlocal-hostname: {USER}\n"))?;
    // Asked for too, and an absent one costs retries.
    tree.add("http/vendor-data", FileMode::PUBLIC, "#cloud-config\n{}\n")?;
    tree.add("README.md", FileMode::PUBLIC, page::render(plan, "packer/README.md", None)?)?;
    Ok(tree)
}

/// The seed of the machine that is baked: who may log in, by the keys that the spec names. Public keys only. JSON is YAML.
fn user_data(plan: &Plan) -> Result<String, HandoffError> {
    let keys: Vec<String> = plan.ssh_keys.iter().map(ToString::to_string).collect();
    let config = serde_json::json!({
        "ssh_pwauth": false,
        "users": [{
            "name": USER,
            "shell": "/bin/bash",
            "sudo": "ALL=(ALL) NOPASSWD:ALL",
            "lock_passwd": true,
            "ssh_authorized_keys": keys,
        }],
    });
    Ok(format!("#cloud-config\n{}\n", serde_json::to_string_pretty(&config)?))
}
