"""`tests/hosts/faults`: which runs, one process each, and the table at the end."""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from hostlab import artefacts
from hostlab.system import HERE, REPOSITORY, run

from . import plans, report
from .single import play_plan

# A run of nine hosts uses one core and a half while packages are installed, and hardly anything later.
RUNS_PER_CORE = 1


def parser():
    top = argparse.ArgumentParser(prog="faults", description="The fault matrix of the first boot.")
    top.add_argument("--list", action="store_true", help="print the names of all runs")
    top.add_argument("--run", nargs="+", default=[], metavar="NAME", help="only these")
    top.add_argument("--seed", type=int, metavar="N", help="seed of all dice (default: from the commit)")
    top.add_argument("--jobs", type=int, metavar="N", help="runs at a time")
    top.add_argument("--all", action="store_true", help="all runs (or CFY_LONG=1)")
    top.add_argument("--rows", type=Path, help=argparse.SUPPRESS)       # the inner process of one run
    return top


def seed_of_commit():
    return int(run("git", "-C", REPOSITORY, "rev-parse", "HEAD").strip()[:8], 16)


def main(argv=None):
    wanted = parser().parse_args(argv)
    known = plans.plans()
    if wanted.list:
        print("\n".join(known))
        return 0
    seed = seed_of_commit() if wanted.seed is None else wanted.seed
    names = wanted.run
    if wanted.all or os.environ.get("CFY_LONG") and not names:
        names = list(known)
    names = names or plans.sample(random.Random(seed))
    unknown = [name for name in names if name not in known]
    if unknown:
        print(f"faults: no run {', '.join(unknown)}; see --list", file=sys.stderr)
        return 64
    if wanted.rows:
        return play_plan(known[names[0]], seed, wanted.rows)
    return several(names, seed, wanted.jobs or max(1, (os.cpu_count() or 1) * RUNS_PER_CORE))


def several(names, seed, jobs):
    artefacts.ensure()       # once, before all ask for it
    print(f"{len(names)} runs, {jobs} at a time, seed {seed}", flush=True)
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="cfy-faults-") as scratch:
        with ThreadPoolExecutor(jobs) as pool:
            done = list(pool.map(lambda name: inner(name, seed, Path(scratch)), names))
    print(report.table(done))
    print(report.footer(done))
    passed, failed = sum(result["passed"] for result in done), sum(result["failed"] for result in done)
    print(f"{len(names)} runs in {time.monotonic() - begin:.0f} s")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


def inner(name, seed, scratch):
    """One run in a process of its own; says what failed, and how to repeat it."""
    rows, log = scratch / f"{name}.json", scratch / f"{name}.log"
    begin = time.monotonic()
    with open(log, "wb") as out:
        code = subprocess.run([sys.executable, "-B", HERE / "faults", "--run", name, "--seed", str(seed), "--rows", rows],
                              stdin=subprocess.DEVNULL, stdout=out, stderr=out, check=False).returncode
    text = log.read_text(encoding="utf-8", errors="replace")
    try:
        result = json.loads(rows.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        result = {"name": name, "shape": "", "rows": [], "passed": 0, "failed": 1}
    if code and not result["failed"]:
        result["failed"] = 1
    told = f"{'FAILED ' if result['failed'] else 'ok     '} {name}, {time.monotonic() - begin:.0f} s"
    if result["failed"]:
        told += f"\n{text}\n        again: tests/hosts/faults --run {name} --seed {seed}"
    print(told, flush=True)
    return result
