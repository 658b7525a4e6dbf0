//! What is the same on every host, as this version has it: it travels without its comments.

const FILES: [(&str, &str); 10] = [
    ("/usr/local/sbin/cfy-firstboot", include_str!("../../../templates/guest/cfy-firstboot")),
    ("/etc/systemd/system/cfy-firstboot.service", include_str!("../../../templates/guest/cfy-firstboot.service")),
    ("/etc/systemd/system/cfy-install@.service", include_str!("../../../templates/guest/cfy-install@.service")),
    ("/usr/local/lib/cfy-seed/unpack", include_str!("../../../templates/guest/unpack")),
    ("/usr/local/lib/cfy-seed/fetch-payload", include_str!("../../../templates/guest/fetch-payload")),
    ("/usr/local/lib/cfy-seed/fetch-repo", include_str!("../../../templates/guest/fetch-repo")),
    ("/usr/local/lib/cfy-seed/fetch-url", include_str!("../../../templates/guest/fetch-url")),
    ("/usr/local/lib/cfy-seed/recover-broker", include_str!("../../../templates/guest/recover-broker")),
    ("/usr/local/lib/cfy-seed/recover-database", include_str!("../../../templates/guest/recover-database")),
    ("/usr/local/lib/cfy-seed/recover-manager-first", include_str!("../../../templates/guest/recover-manager-first")),
];
const LIBRARY: &str = "/usr/local/lib/cfy-seed/";
const TABLE: &str = "/usr/local/lib/cfy-seed/codes";
const CODES: &str = include_str!("../../../templates/guest/codes");
const BOOTCMD: &str = include_str!("../../../templates/guest/bootcmd");
const IMAGE_CHECK: &str = include_str!("../../../templates/guest/image-check");

/// What `bootcmd` runs.
pub(super) fn bootcmd() -> String {
    bare(BOOTCMD)
}

/// What `runcmd` runs first where the image has the driver.
pub(super) fn image_check() -> String {
    bare(IMAGE_CHECK)
}

/// Whether a file is not what it is on every host. Of most files nobody can say: they are the host's own.
pub(super) fn differs(path: &str, content: &str) -> bool {
    if path == TABLE {
        // Only the lines whose codes the host's scripts can say, in the order of the table.
        let mut table = CODES.lines();
        return content.is_empty() || !content.lines().all(|line| table.any(|known| known == line));
    }
    match FILES.iter().find(|(known, _)| *known == path) {
        Some((_, text)) => bare(text) != content,
        None => path.starts_with(LIBRARY),
    }
}

/// Without comments, empty lines and leading blanks; the first line stays where it names the interpreter.
fn bare(text: &str) -> String {
    let mut bare = String::new();
    for (number, line) in text.lines().enumerate() {
        let line = if number == 0 { line } else { line.trim_start() };
        let comment = line.trim_start().starts_with('#') && !(number == 0 && line.starts_with("#!"));
        if !comment && (number == 0 || !line.is_empty()) {
            bare.push_str(line);
            bare.push('\n');
        }
    }
    bare
}

#[cfg(test)]
mod tests {
    use super::{CODES, TABLE, bare, differs};

    #[test]
    fn comments_do_not_travel() {
        assert_eq!(bare("#!/bin/bash\n# why\n  a # b\n\n\tc\n"), "#!/bin/bash\na # b\nc\n");
        assert_eq!(bare("# why\na\n"), "a\n");
    }

    #[test]
    fn the_table_of_codes_has_lines_of_the_table_in_its_order() {
        let lines: Vec<&str> = CODES.split_inclusive('\n').collect();
        assert!(!differs(TABLE, &lines[1..3].concat()));
        assert!(differs(TABLE, &[lines[2], lines[1]].concat()));
        assert!(differs(TABLE, &lines[1].replace('|', "!")));
        assert!(differs("/usr/local/lib/cfy-seed/other", ""));
        assert!(!differs("/etc/own", ""));
    }
}
