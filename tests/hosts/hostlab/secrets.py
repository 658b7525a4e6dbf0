"""Is a secret where it must not be after READY?"""

import re
import subprocess

# what only root may read, and must keep: DESIGN.md §4 (upgrade and validate need the configs)
ALLOWED = ("/etc/cloudify/", "/etc/etcd/", "/etc/supervisord.d/", "/var/lib/patroni/", "/var/lib/pgsql/",
           "/var/lib/rabbitmq/", "/var/lib/etcd/", "/var/lib/cfy-seed/log/")


def generated(vault):
    """The secrets of a vault: 32 letters and digits, the first a letter (DESIGN.md §5)."""
    text = (vault / "secrets.yaml").read_text(encoding="utf-8")
    return sorted(set(re.findall(r"(?<![A-Za-z0-9])[A-Za-z][A-Za-z0-9]{31}(?![A-Za-z0-9])", text)))


def private_keys(vault):
    """One line out of the middle of each private key."""
    return [key.read_text(encoding="ascii").splitlines()[5] for key in sorted(vault.rglob("*.key"))]


def found_on(host, words):
    """Files that a container host wrote and that hold one of the words, but for the allowed ones; and its console."""
    return found_in(host.home / "upper", host.console(), words)


def found_in(root, console, words):
    """The same of any tree that begins at a host's root."""
    done = subprocess.run(["grep", "-rlaF", "--devices=skip", "-f", "-", str(root)],
                          input="\n".join(words), text=True, capture_output=True, timeout=120, check=False)
    files = [path.removeprefix(str(root)) for path in done.stdout.splitlines()]
    leaks = [path for path in files if not path.startswith(ALLOWED)]
    if any(word in console for word in words):
        leaks.append("the console")
    return sorted(leaks)
