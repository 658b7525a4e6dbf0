"""A grep for every generated secret after READY, wherever one must not be: done-when 3 of the first boot."""

import subprocess

from hostlab.system import run

# Not on the disk but in the memory of a host that is on.
VOLATILE = ("run/cloud-init", "run/log", "tmp", "dev/shm")


def contains(path, words, *options):
    """Files below path that hold one of the words."""
    done = subprocess.run(["grep", "-rlaF", "--devices=skip", *options, "-f", "-", str(path)],
                          input="\n".join(words), text=True, capture_output=True, timeout=120, check=False)
    return done.stdout.splitlines()


def found(host, words, lines, scratch):
    """Where one of the words is on a READY host: memory file systems, journal, arguments of processes,
    gathered archive. hostlab/secrets.py looks at the disk and the console."""
    leaks = []
    for part in VOLATILE:
        leaks += contains(f"/proc/{host.pid1()}/root/{part}", words)
    leaks += [f"argv: {line.split()[0]} …" for line in lines if any(word in line for word in words)]
    text = host.sh("journalctl", "--no-pager", "-o", "cat", check=False)
    leaks += ["journalctl"] if any(word in text for word in words) else []
    return leaks + gathered(host, words, scratch)


def gathered(host, words, scratch):
    """Leaks in what `cfy-firstboot gather` packs, unpacked; and whether it packs anything."""
    archive = host.root / "root/gathered.tar.gz"
    host.sh("/usr/local/sbin/cfy-firstboot", "gather", "/root/gathered.tar.gz")
    target = scratch / f"gathered-{host.name}"
    target.mkdir()
    run("tar", "-xzf", archive, "-C", target)
    leaks = ["gather: " + path.removeprefix(str(target)) for path in contains(target, words)]
    if not (target / "status.json").is_file() and not list(target.rglob("status.json")):
        leaks.append("gather: there is no status.json in it")
    if archive.stat().st_mode & 0o077:
        leaks.append("gather: others may read the archive")
    archive.unlink()
    return leaks
