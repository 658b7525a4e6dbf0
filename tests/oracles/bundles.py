"""The fixtures' bundles, built once by the binary that CFY_SEED names, and taken apart by PyYAML."""

import base64
import functools
import gzip
import os
import pathlib
import shutil
import subprocess
import tempfile

import yaml

import pki

PKI = "/var/lib/cfy-seed/secret/pki"
ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("CFY_SEED", str(ROOT / "target/debug/cfy-seed"))
CACHE = pathlib.Path(os.environ.get("CFY_TEST_CACHE", pathlib.Path.home() / ".cache/cfy-seed-tests"))
SHAPES = sorted(spec.parent.name for spec in (ROOT / "tests/fixtures").glob("*/cluster.yaml"))
_scratch = tempfile.TemporaryDirectory(prefix="cfy-seed-oracles-")
SCRATCH = pathlib.Path(_scratch.name)


def run(*words, check=True, **more):
    """Runs a program; its output is text, and a failure shows it."""
    done = subprocess.run([str(word) for word in words], text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False, **more)
    if check and done.returncode != 0:
        raise AssertionError(f"{words[0]} ended with {done.returncode}:\n{done.stdout}")
    return done


class Host:
    def __init__(self, directory):
        self.name = directory.name
        self.directory = directory
        self.user_data = (directory / "user-data").read_text(encoding="utf-8")
        self.config = yaml.safe_load(self.user_data)
        entries = self.config["write_files"]
        self.files = {entry["path"]: entry["content"] for entry in entries if "encoding" not in entry}
        self.pki = next(gzip.decompress(base64.b64decode(entry["content"])) for entry in entries if entry["path"] == PKI)
        made = pki.unpack(self.files["/var/lib/cfy-seed/secret/plan"], self.pki)
        self.files.update({"/var/lib/cfy-seed/secret/files/" + name: pem for name, pem in made.items()})

    def seed(self, name):
        return self.files["/var/lib/cfy-seed/secret/files/" + name]

    def records(self, kind):
        lines = self.files["/var/lib/cfy-seed/secret/plan"].splitlines()
        return [line.split("\t")[1:] for line in lines if line.startswith(kind + "\t")]

    def unpack(self):
        """The seed's files in a directory of their own."""
        to = SCRATCH / "seed" / self.directory.relative_to(SCRATCH)   # hosts of several shapes have one name
        to.mkdir(parents=True, exist_ok=True)
        for path, content in self.files.items():
            if "/secret/files/" in path:
                (to / pathlib.Path(path).name).write_text(content, encoding="utf-8")
        return to


class Bundle:
    """What a spec says, and what was built from it."""

    def __init__(self, home, vault="vault"):
        self.home = home
        self.vault = home / vault
        self.spec = yaml.safe_load((home / "cluster.yaml").read_text(encoding="utf-8"))
        self.tree = home / "out" / self.spec["name"]
        self.hosts = [Host(path) for path in sorted((self.tree / "hosts").iterdir())]

    def host(self, name):
        return next(host for host in self.hosts if host.name == name)


@functools.cache
def bundle(shape):
    return build(shape, SCRATCH / shape)


def build(shape, home, change=lambda spec: spec, vault="vault", more=lambda home: ()):
    """Builds a copy of a fixture, with its spec changed and with further options; another vault than the fixture's is made."""
    shutil.copytree(ROOT / "tests/fixtures" / shape, home)
    run("chmod", "-R", "u=rwX,go=", home)
    spec = home / "cluster.yaml"
    spec.write_text(change(spec.read_text(encoding="utf-8")), encoding="utf-8")
    run(PROGRAM, "build", "--vault", vault, *more(home), cwd=home)
    return Bundle(home, vault)


def all_hosts():
    return [host for shape in SHAPES for host in bundle(shape).hosts]
