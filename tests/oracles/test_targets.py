"""User-data for every target through the rules of its datasource, and through the code of cloud-init where a release has it."""

import base64
import functools
import gzip
import json
import pathlib
import unittest

import yaml

from bundles import PROGRAM, SCRATCH, SHAPES, build, run
from test_cloud_init import SUITES, CloudInit

HERE = pathlib.Path(__file__).resolve().parent
# Encoding and what stands beside user-data where the platform is told.
KEYS = {"vsphere": "guestinfo.userdata.encoding", "gcp": "user-data-encoding"}
VALUES = {"vsphere": {"gzip+base64": "gzip+base64", "base64": "base64"}, "gcp": {"gzip+base64": "base64", "base64": "base64"}}
TARGETS = ("vsphere", "openstack", "cloudstack", "kubevirt", "aws", "azure", "gcp", "oci", "digitalocean", "hetzner", "alibaba")
ENCODINGS = {
    "plain": lambda text: text,
    "gzip": gzip.compress,
    "base64": base64.b64encode,
    "gzip+base64": lambda text: base64.b64encode(gzip.compress(text)),
}


def wide(home):
    """Targets that take more than their platforms do: limits are tested elsewhere, here every shape must be built."""
    directory = home / "profiles/platforms"
    directory.mkdir(parents=True)
    for target in TARGETS:
        (directory / f"{target}.yaml").write_text(
            f"target: {target}-wide\nextends: {target}\nlimit: {{bytes: 1048576}}\n", encoding="utf-8")


@functools.cache
def built(shape, pack):
    """Every target's files of a shape, in one pack."""
    home = SCRATCH / f"targets-{shape}-{pack}"
    takes = [t for t in TARGETS if pack == "auto" or pack in ("plain", "inner")]
    names = ", ".join(f"{target}-wide" for target in takes)

    def change(spec):
        lines = [line for line in spec.splitlines() if not line.startswith("target:")]
        return "\n".join([*lines, f"target: [{names}]", ""])

    def more(directory):
        wide(directory)
        return ["--profiles", "profiles", "--pack", pack]

    return build(shape, home, change, more=more)


def beside(target, encoding):
    value = VALUES.get(target, {}).get(encoding)
    return {KEYS[target]: value} if value else {}


def packs(home):
    """By host and target, the pack that the plan says."""
    plan = run(PROGRAM, "plan", "--format", "json", "--vault", "vault", "--profiles", "profiles", cwd=home)
    plan = json.loads(plan.stdout[plan.stdout.index("{\n"):])
    return {host["name"]: {budget["target"].removesuffix("-wide"): budget["pack"] for budget in host["budgets"]}
            for host in plan["hosts"]}


@functools.cache
def parsed(text):
    """cloud-config as cloud-init reads it; the same text comes back from every release, many times."""
    return yaml.safe_load(text)


def contents(config):
    """The files that cloud-config writes, out of their own encoding (extract_contents of cc_write_files)."""
    files = {}
    for entry in config["write_files"]:
        content = entry.get("content", "").encode()
        encoding = entry.get("encoding", "")
        if "b64" in encoding or "base64" in encoding:
            content = base64.b64decode(content)
        if encoding.startswith("gz"):
            content = gzip.decompress(content)
        files[entry["path"]] = (entry["permissions"], content)
    return files


class Targets(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.releases = {suite: CloudInit(suite) for suite in SUITES}

    def decoded(self, suite, jobs):
        release = self.releases[suite]
        jobs = json.dumps([[target, base64.b64encode(file).decode(), keys] for target, file, keys in jobs])
        done = run(release.python, "-B", HERE / "datasources.py", env=release.environment, input=jobs)
        results = json.loads(done.stdout.splitlines()[-1])
        unpack = lambda found: found if found in (None, "none") else base64.b64decode(found)
        return [{way: unpack(found) for way, found in result.items()} for result in results]

    def test_get_back_what_was_put_in(self):
        for shape in SHAPES:
            plain, auto = built(shape, "plain"), built(shape, "auto")
            jobs, wanted, planned = [], [], packs(auto.home)
            for host in auto.hosts:
                chosen = planned[host.name]
                for target in TARGETS:
                    name = f"user-data.{target}-wide"
                    file = (host.directory / name).read_bytes()
                    jobs.append((target, file, beside(target, chosen[target])))
                    wanted.append((host.name, target, chosen[target], (plain.host(host.name).directory / name).read_bytes()))
            for suite in SUITES:
                self.compare(suite, shape, self.decoded(suite, jobs), wanted)

    def compare(self, suite, shape, results, wanted):
        own = 0
        for (host, target, pack, text), result in zip(wanted, results, strict=True):
            with self.subTest(f"{suite} {shape} {host} {target} {pack}"):
                ways = ["rules", "by_hand"] + (["code"] if result["code"] != "none" else [])
                own += len(ways) == 3
                for way in ways:
                    found = result[way]
                    if pack == "inner":
                        found, text_ = parsed(found), parsed(text)
                        self.assertEqual(contents(found), contents(text_))
                        self.assertEqual({**found, "write_files": 0}, {**text_, "write_files": 0})
                    else:
                        self.assertEqual(found, text)
        self.assertGreater(own, 0, "no release's own code was asked")

    def test_nothing_runs_in_silence(self):
        """Every encoding to every target: `verify` lets through exactly what the datasource gets back."""
        host = built("all-in-one", "plain").hosts[0]
        scratch = SCRATCH / "wrong-targets"
        scratch.mkdir()
        jobs, names = [], []
        text = (host.directory / "user-data.aws-wide").read_bytes()
        for target in TARGETS:
            for encoding, encode in ENCODINGS.items():
                jobs.append((target, encode(text), beside(target, encoding)))
                names.append((target, encoding))
        # 22.4 is nearest to what EL 8 has.
        results = self.decoded("bookworm", jobs)
        for (target, encoding), (_, file, _), result in zip(names, jobs, results, strict=True):
            with self.subTest(f"{target} {encoding}"):
                (scratch / f"user-data.{target}").write_bytes(file)
                done = run(PROGRAM, "verify", scratch / f"user-data.{target}", check=False)
                taken = "CFY-T005" not in done.stdout
                gets = result["rules"] == text
                if result["code"] != "none":
                    self.assertEqual(result["code"] == text, gets, "the rules are not what the code does")
                # The documents of Alibaba and KubeVirt leave open what the datasource would take: refusing is no silence.
                if taken or (target, encoding) not in {("alibaba", "gzip")}:
                    self.assertEqual(taken, gets, done.stdout)


if __name__ == "__main__":
    unittest.main()
