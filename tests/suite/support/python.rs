//! PyYAML, which is what cloud-init and Cloudify's tools read with.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::Value;

/// Runs a Python program on a JSON document; `None` where no Python here has PyYAML. `tests/run` installs one and names
/// it in PYTHON.
pub fn python(program: &str, input: &Value) -> Option<Value> {
    let named = std::env::var("PYTHON").ok().filter(|name| !name.is_empty());
    let interpreter = named.unwrap_or_else(|| "python3".to_owned());
    let probe = Command::new(&interpreter).args(["-c", "import yaml"]).stderr(Stdio::null()).status();
    if !probe.is_ok_and(|status| status.success()) {
        super::skip("no python3 with PyYAML");
        return None;
    }
    let mut child = Command::new(&interpreter)
        .args(["-c", program])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python starts");
    child.stdin.take().expect("stdin").write_all(input.to_string().as_bytes()).expect("python reads");
    let output = child.wait_with_output().expect("python ends");
    assert!(output.status.success(), "python failed");
    Some(serde_json::from_slice(&output.stdout).expect("JSON"))
}
