//! Programs of others that tests need.

use std::process::Command;

/// Whether all of these are there. Where one is not, it fails where `CI` is set, and says so otherwise.
pub fn have(programs: &[&str]) -> bool {
    let missing = |program: &&&str| Command::new(program).arg("--version").output().is_err();
    let Some(program) = programs.iter().find(missing) else { return true };
    assert!(std::env::var_os("CI").is_none(), "{program} is needed where CI is set");
    eprintln!("SKIPPED: {program} is not installed");
    false
}
