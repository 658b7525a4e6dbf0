//! `plan --format html`: what it says, and what it must not say. How it looks is tested in a browser (`tests/page`).

use std::fs;

use crate::support::{Bundle, Scratch, cfy_seed, files};

fn page(scratch: &Scratch, more: &[&str]) -> String {
    cfy_seed(scratch.path()).args(&["plan", "--format", "html"]).args(more).exits(0).stdout
}

#[test]
fn the_same_plan_is_the_same_page_and_holds_no_secret() {
    let bundle = Bundle::build(Scratch::fixture("nine-node"));
    let page = page(&bundle.scratch, &["--vault", "vault", "--out", "none"]);
    let elsewhere = Scratch::fixture("nine-node");
    assert_eq!(self::page(&elsewhere, &["--vault", "vault"]), page);
    for (name, value) in bundle.credentials() {
        assert!(!page.contains(&value), "{name}");
    }
    for (name, bytes) in files(bundle.scratch.join("vault").as_std_path()) {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let secret = name.ends_with(".key").then(|| text.lines().nth(2)).flatten();
        assert!(secret.is_none_or(|line| !page.contains(line)), "{name}");
    }
    for host in bundle.hosts.keys() {
        assert!(page.contains(&format!("<th scope=\"row\">{host}")), "{host}");
    }
    assert!(page.starts_with("<!DOCTYPE html>\n") && page.ends_with("</html>\n"));
    assert!(!page.contains("<script") && !page.contains("href="));
}

#[test]
fn nothing_of_the_spec_becomes_markup() {
    let scratch = Scratch::new();
    let evil = "</li></ul><script>alert('1')</script>&lt;\"";
    let license = format!("license: {}", serde_json::to_string(evil).expect("a string"));
    let spec = fs::read_to_string(Scratch::fixture("all-in-one").spec()).expect("a spec");
    let spec = spec.replace("edition: community", &license);
    scratch.write("cluster.yaml", &spec);
    let page = page(&scratch, &[]);
    assert!(spec.contains("alert") && page.contains("alert(") && page.contains("&lt;script&gt;"), "{page}");
    assert!(!page.contains("<script") && !page.contains("</li></ul>&lt;"), "{page}");
}

#[test]
fn each_host_has_a_bar_for_each_target() {
    let scratch = Scratch::fixture("all-in-one");
    let spec = fs::read_to_string(scratch.spec()).expect("a spec");
    scratch.write("cluster.yaml", format!("{spec}target: [aws, nocloud]\n"));
    let json = cfy_seed(scratch.path()).args(&["plan", "--format", "json"]).exits(0).stdout;
    let plan: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let page = page(&scratch, &[]);
    for budget in plan["hosts"][0]["budgets"].as_array().expect("budgets") {
        let percent = budget["used"].as_u64().expect("bytes") * 100 / budget["limit"].as_u64().expect("bytes");
        assert!(page.contains(&format!("aria-label=\"{percent} percent of the limit\"")), "{budget}");
    }
    assert!(page.contains("Amazon EC2") && page.matches("class=\"bar\"").count() == 2);
}

#[test]
fn what_was_found_stands_on_the_page_and_in_the_json() {
    let scratch = Scratch::new();
    let shape = cfy_seed(scratch.path()).args(&["init"]).exits(0);
    drop(shape);
    let page = page(&scratch, &[]);
    for part in ["CFY-P014", "cluster.yaml:", "all will stop", "Ready to build, with warnings", "<code>sha256</code>"]
    {
        assert!(page.contains(part), "{part}");
    }
    let json = cfy_seed(scratch.path()).args(&["plan", "--format", "json"]).exits(0).stdout;
    let plan: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let codes: Vec<&str> =
        plan["findings"].as_array().expect("findings").iter().filter_map(|f| f["code"].as_str()).collect();
    assert!(codes.contains(&"CFY-P014") && codes.contains(&"CFY-P015"), "{codes:?}");
    let waits = &plan["hosts"][2]["roles"][0]["waits_on"];
    let names: Vec<&str> = waits.as_array().expect("peers").iter().filter_map(|peer| peer["name"].as_str()).collect();
    assert!(names.contains(&"db-1") && names.contains(&"db-2"), "{waits}");
    // A strict plan builds nothing, and prints no page.
    let strict = cfy_seed(scratch.path()).args(&["plan", "--strict", "--format", "html"]).exits(1);
    assert!(strict.stdout.is_empty());
    assert!(fs::read_dir(scratch.path()).expect("a directory").count() == 1, "plan writes nothing");
}
