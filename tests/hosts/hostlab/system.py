"""Running programs of this machine, and where the tests keep what they make."""

import hashlib
import os
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
REPOSITORY = HERE.parent.parent


class Failure(Exception):
    """Something that a person must read: no traceback is printed for it."""


def run(*argv, timeout=60, check=True, **options):
    """Run a program; its output goes into the Failure when it fails, and is returned when it does not."""
    argv = [str(word) for word in argv]
    try:
        done = subprocess.run(argv, timeout=timeout, text=True, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, errors="replace", **options)
    except subprocess.TimeoutExpired as late:
        raise Failure(f"{' '.join(argv)}: not finished after {timeout} s") from late
    if check and done.returncode != 0:
        raise Failure(f"{' '.join(argv)}: exit {done.returncode}\n{done.stdout.rstrip()}")
    return done.stdout


def cache():
    """Scratch directory outside the repository: root file system, RPMs, runs."""
    chosen = os.environ.get("CFY_TEST_CACHE")
    if not chosen:
        home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        chosen = Path(home) / "cfy-seed-tests"
    path = Path(chosen).absolute()
    path.mkdir(parents=True, exist_ok=True)
    return path


def digest(*trees):
    """Digest of the content of files and directories: the identity of a recipe."""
    total = hashlib.sha256()
    for tree in trees:
        files = sorted(tree.rglob("*")) if tree.is_dir() else [tree]
        for file in files:
            if file.is_file() and "__pycache__" not in file.parts:
                total.update(f"{file.relative_to(HERE)} {os.access(file, os.X_OK)}\n".encode())
                total.update(file.read_bytes())
    return total.hexdigest()[:12]
