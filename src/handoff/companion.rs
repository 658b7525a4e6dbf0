//! Files that go with user-data where a platform has no other place for a host's name and network.

use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use super::encode;
use crate::names::Encoding;
use crate::render::HostFiles;
use crate::yaml::NotSerialisable;

/// `guestinfo.metadata` of vSphere, in gzip+base64: meta-data, and network-config under `network` (`process_metadata` of the
/// datasource).
///
/// It does not ask for `redact`: cloud-init empties guestinfo before it has written anything down, and a power cut right
/// after that loses the host. The driver empties it after READY.
///
/// # Errors
/// None that memory does not cause; the signature is the compressor's.
pub fn guestinfo(files: &HostFiles) -> io::Result<Vec<u8>> {
    let network = files.network_config.lines().flat_map(|line| ["  ", line, "\n"]);
    let text: String = [files.meta_data.as_str(), "network:\n"].into_iter().chain(network).collect();
    encode(Encoding::GzipBase64, text.as_bytes())
}

#[derive(Serialize)]
struct Manifest<'a> {
    #[serde(rename = "apiVersion")]
    api_version: &'static str,
    kind: &'static str,
    metadata: Metadata<'a>,
    #[serde(rename = "type")]
    secret_type: &'static str,
    data: Data,
}

#[derive(Serialize)]
struct Metadata<'a> {
    name: &'a str,
}

#[derive(Serialize)]
struct Data {
    userdata: String,
    networkdata: String,
}

/// A Secret of Kubernetes, whose keys are those that `KubeVirt` looks for.
///
/// # Errors
/// Only where cfy-seed itself is wrong.
pub fn secret(name: &str, files: &HostFiles, user_data: &[u8]) -> Result<String, NotSerialisable> {
    let manifest = Manifest {
        api_version: "v1",
        kind: "Secret",
        metadata: Metadata { name },
        secret_type: "Opaque",
        data: Data { userdata: STANDARD.encode(user_data), networkdata: STANDARD.encode(&files.network_config) },
    };
    let head = format!(
        "# Holds private keys. In the VirtualMachine, a volume `cloudInitNoCloud` refers to it:\n\
         #   {{secretRef: {{name: {name}}}, networkDataSecretRef: {{name: {name}}}}}\n"
    );
    Ok(head + &crate::yaml::to_text(&manifest)?)
}
