"""What the test programs share: counting, asserting, and cleaning up whatever happens."""

import os
import sys
import tempfile
import time
import traceback
from contextlib import contextmanager
from pathlib import Path

from . import secrets
from .lab import Lab
from .system import REPOSITORY, Failure, run


class Checks:
    """Counts, and prints a line for each check; a failed one does not stop the others."""

    def __init__(self):
        self.passed = self.failed = 0

    def that(self, holds, what, details=""):
        if holds:
            self.passed += 1
            print(f"ok      {what}", flush=True)
        else:
            self.failed += 1
            print(f"FAILED  {what}" + (f": {details}" if details != "" else ""), flush=True)
        return bool(holds)

    def equal(self, found, expected, what):
        return self.that(found == expected, what, f"found {found!r}, expected {expected!r}")

    def within(self, bound, question, what):
        """question() becomes true within so many seconds."""
        end = time.monotonic() + bound
        while not question():
            if time.monotonic() > end:
                return self.that(False, what, f"not within {bound} s")
            time.sleep(0.3)
        return self.that(True, what)


def cfy_seed():
    """The program under test."""
    chosen = os.environ.get("CFY_SEED")
    built = [REPOSITORY / "target" / kind / "cfy-seed" for kind in ("release", "debug")]
    candidates = [Path(chosen).absolute()] if chosen else built
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    raise Failure("no cfy-seed program at " + " or ".join(map(str, candidates)) + "; build it, or set CFY_SEED")


def build(directory):
    """Run `cfy-seed build` in a directory that holds cluster.yaml; the built tree <out>/<cluster>."""
    out = directory / "out"
    print(run(cfy_seed(), "build", directory / "cluster.yaml", "--out", out, "--vault", directory / "vault",
              cwd=directory, timeout=120), end="")
    trees = [path for path in out.iterdir() if (path / "hosts").is_dir()]
    if len(trees) != 1:
        raise Failure(f"{out} holds {len(trees)} clusters")
    return trees[0]


@contextmanager
def scenario(name):
    """A lab, a scratch directory and the checks; prints the result line and ends the program.

    CFY_KEEP_HOSTS=1 leaves the hosts running for a look: `hosts --run NAME …`.
    """
    checks, lab = Checks(), Lab(name)
    keep = bool(os.environ.get("CFY_KEEP_HOSTS"))
    with tempfile.TemporaryDirectory(prefix=f"cfy-{name}-") as scratch:
        try:
            yield checks, lab, Path(scratch)
        except Failure as failure:
            checks.that(False, name, failure)
        except Exception:  # pylint: disable=broad-except
            checks.that(False, name, traceback.format_exc())
        finally:
            if keep:
                print(f"the hosts are left on: hosts --run {name} …, then hosts --run {name} down")
            else:
                lab.down()
    print(f"{checks.passed} passed, {checks.failed} failed")
    sys.exit(1 if checks.failed else 0)


def check_ready_host(check, host, cluster, words, generation=1):
    """What holds on every host after READY: its status file, and where the secrets of the vault (words) are."""
    status = host.status()
    found = {key: status.get(key) for key in ("schema", "cluster", "host", "generation", "state", "waiting_for")}
    check.equal(found, {"schema": 1, "cluster": cluster, "host": host.name, "generation": generation, "state": "READY",
                        "waiting_for": []}, f"{host.name}: status.json is valid")
    mode = oct((host.root / "var/lib/cfy-seed/status.json").stat().st_mode & 0o777)
    check.equal(mode, "0o644", f"{host.name}: everybody may read status.json")
    check.within(30, lambda: (host.root / "var/lib/cfy-seed/stamps/SCRUB").exists(), f"{host.name}: scrubbed")
    check.equal(secrets.found_on(host, words), [], f"{host.name}: no secret is where it must not be")
    open_files = host.sh("find", "/var/lib/cfy-seed/secret", "/etc/cloudify/cfy-seed", "/var/lib/cfy-seed/log",
                         "-type", "f", "-perm", "/077").split()
    check.equal(open_files, [], f"{host.name}: nobody but root may read configs, keys and logs")
