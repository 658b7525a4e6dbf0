"""The Terraform modules as Terraform itself reads them: its formatter, and its evaluator on all that needs no provider.

Debian has no Terraform, so this says aloud that it is skipped where none is installed; tests/suite/handoffs.rs reads the same
modules with another parser everywhere.
"""

import base64
import csv
import gzip
import json
import os
import pathlib
import re
import shutil
import sys
import unittest

import yaml

from bundles import PROGRAM, ROOT, SCRATCH, run

TERRAFORM = shutil.which("tofu") or shutil.which("terraform")
PROVIDERS = ("aws", "libvirt", "openstack", "vsphere")
SHAPES = ("nine-node", "three-node", "all-in-one", "external-db", "external-both")
MODULES = ROOT / "templates/handoff/terraform"
OUTSIDE = {"user": ["192.0.2.0/24"], "agent": ["198.51.100.0/24", "203.0.113.0/24"], "outside_balancer": ["192.0.2.9/32"]}
VARIABLES = {
    "aws": {"ami": "ami-0123456789abcdef0", "subnet_id": "subnet-0123456789abcdef0"},
    "libvirt": {"image": "/images/el8.qcow2"},
    "openstack": {"image_id": "00000000-0000-0000-0000-000000000000", "network_id": "n", "subnet_id": "s", "flavors": {}},
    "vsphere": {"datacenter": "d", "compute_cluster": "c", "datastore": "d", "network": "n", "template": "t"},
}
CIDRS = {"user_cidrs": OUTSIDE["user"], "agent_cidrs": OUTSIDE["agent"], "balancer_cidrs": OUTSIDE["outside_balancer"]}


def build(shape):
    """A fixture built for all four, once."""
    home = SCRATCH / "handoffs" / shape
    if not home.exists():
        shutil.copytree(ROOT / "tests/fixtures" / shape, home)
        run("chmod", "-R", "u=rwX,go=", home)
        # Whether user-data fits is no question here.
        aws = (ROOT / "profiles/platforms/aws.yaml").read_text(encoding="utf-8")
        (home / "profiles/platforms").mkdir(parents=True)
        (home / "profiles/platforms/aws.yaml").write_text(aws.replace("bytes: 16384", "bytes: 65536"), encoding="utf-8")
        spec = (home / "cluster.yaml").read_text(encoding="utf-8")
        spec = re.sub(r"(?m)^target: .*\n", "", spec) + f"target: [{', '.join(PROVIDERS)}]\n"
        (home / "cluster.yaml").write_text(spec, encoding="utf-8")
        run(PROGRAM, "build", "--vault", "vault", "--profiles", "profiles", cwd=home)
    (tree,) = [path for path in (home / "out").iterdir() if path.is_dir()]
    return tree


def block(text, head):
    """The body of a block of a formatted file."""
    return re.search(r"(?ms)^" + re.escape(head) + r" \{\n(.*?)^\}", text).group(1)


def attribute(body, key):
    """The expression of an attribute on one line, at any depth."""
    return re.search(rf'(?m)^ *"?{re.escape(key)}"? *= (.*)$', body).group(1)


def each(collection, expression):
    """An expression of a resource for all of its instances."""
    expression = expression.replace("each.key", "k").replace("each.value", "v")
    # What stands for another resource becomes its key.
    expression = re.sub(r"\b(?:aws|openstack)_\w+\.role\[(v\.\w+)\]\.id", r"\1", expression)
    return f"{{ for k, v in {collection} : k => {expression} }}"


class Format(unittest.TestCase):
    """Packer formats HCL with the same code, and Debian has it."""

    def test_packer_would_not_format_modules_otherwise(self):
        home = SCRATCH / "format"
        home.mkdir()
        files = sorted(MODULES.rglob("*.tf"))
        self.assertGreater(len(files), 15)
        for file in files:
            copy = home / f"{file.parent.name}-{file.stem}.pkr.hcl"
            shutil.copy(file, copy)
            told = run("packer", "fmt", "-check", "-diff", copy, check=False)
            self.assertEqual(told.returncode, 0, f"{file}: {told.stdout}")


class Terraform(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if TERRAFORM is None:
            print("SKIPPED: neither terraform nor tofu is installed", file=sys.stderr)
            raise unittest.SkipTest("neither terraform nor tofu")

    def evaluate(self, tree, provider, expressions, **variables):
        """What the module's own locals and variables make of expressions."""
        module = tree / "terraform" / provider
        # At the same depth as the module, so that its relative paths hold.
        home = tree / "evaluate" / provider
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        self.addCleanup(shutil.rmtree, tree / "evaluate", ignore_errors=True)
        shutil.copy(module / "cluster.json", home)
        shutil.copy(module / "variables.tf", home)
        text = "".join(path.read_text(encoding="utf-8") for path in sorted(module.glob("*.tf")))
        parts = [f"locals {{\n{body}}}\n" for body in re.findall(r"(?ms)^locals \{\n(.*?)^\}", text)]
        parts += [f"output {json.dumps(name)} {{\n  sensitive = true\n  value = {expression}\n}}\n"
                  for name, expression in expressions.items()]
        (home / "main.tf").write_text("".join(parts), encoding="utf-8")
        given = VARIABLES[provider] | variables
        (home / "terraform.tfvars.json").write_text(json.dumps(given), encoding="utf-8")
        environment = {name: value for name, value in os.environ.items() if not name.startswith("TF_")}
        environment |= {"TF_CLI_CONFIG_FILE": os.devnull, "CHECKPOINT_DISABLE": "1"}
        for words in (["init", "-no-color"], ["apply", "-no-color", "-auto-approve"]):
            run(TERRAFORM, *words, "-input=false", cwd=home, env=environment)
        found = json.loads(run(TERRAFORM, "output", "-no-color", "-json", cwd=home, env=environment).stdout)
        return {name: output["value"] for name, output in found.items()}

    def resource(self, provider, kind, name):
        files = (MODULES / provider).glob("*.tf")
        return block("".join(path.read_text(encoding="utf-8") for path in files), f'resource "{kind}" "{name}"')

    def test_modules_are_formatted(self):
        found = run(TERRAFORM, "fmt", "-check", "-recursive", "-diff", "-no-color", MODULES, check=False)
        self.assertEqual(found.returncode, 0, found.stdout)

    def test_user_data_reaches_the_provider_as_it_was_built(self):
        for shape in SHAPES:
            tree = build(shape)
            hosts = [path.name for path in (tree / "hosts").iterdir()]
            for provider, kind, key in (("aws", "aws_instance", "user_data_base64"),
                                        ("openstack", "openstack_compute_instance_v2", "user_data")):
                with self.subTest(shape=shape, provider=provider):
                    expression = attribute(self.resource(provider, kind, "host"), key)
                    found = self.evaluate(tree, provider, {"sent": each("local.hosts", expression)})
                    self.assertCountEqual(found["sent"], hosts)
                    for name, sent in found["sent"].items():
                        sent = base64.b64decode(sent, validate=True)
                        self.assertEqual(sent, (tree / "hosts" / name / f"user-data.{provider}").read_bytes())
                        self.assertTrue(gzip.decompress(sent).startswith(b"#cloud-config\n"))
            with self.subTest(shape=shape, provider="vsphere"):
                body = self.resource("vsphere", "vsphere_virtual_machine", "host")
                keys = ["userdata", "userdata.encoding", "metadata", "metadata.encoding"]
                asked = {key.replace(".", "_"): each("local.hosts", attribute(body, f"guestinfo.{key}")) for key in keys}
                found = self.evaluate(tree, "vsphere", asked)
                for name in hosts:
                    self.assertEqual(found["userdata_encoding"][name], "gzip+base64")
                    self.assertEqual(found["metadata_encoding"][name], "gzip+base64")
                    unpacked = {key: gzip.decompress(base64.b64decode(found[key][name], validate=True))
                                for key in ("userdata", "metadata")}
                    self.assertTrue(unpacked["userdata"].startswith(b"#cloud-config\n"))
                    self.assertEqual(yaml.safe_load(unpacked["metadata"])["local-hostname"].split(".")[0], name)
            with self.subTest(shape=shape, provider="libvirt"):
                expression = re.search(r"abspath\(.*?\)", self.resource("libvirt", "libvirt_volume", "seed")).group(0)
                found = self.evaluate(tree, "libvirt", {"sent": each("local.hosts", expression)})
                for name, path in found["sent"].items():
                    self.assertTrue(pathlib.Path(path).samefile(tree / "hosts" / name / "seed.iso"))

    def test_rules_are_those_of_the_table(self):
        for shape in SHAPES:
            tree = build(shape)
            with (tree / "firewall/ports.csv").open(encoding="utf-8", newline="") as file:
                table = list(csv.DictReader(file))
            hosts = json.loads((tree / "terraform/aws/cluster.json").read_text(encoding="utf-8"))["hosts"]
            inner = {(line["from"], line["to"], int(line["port"])) for line in table if line["from_address"]}
            outer = {(cidr, line["to"], int(line["port"])) for line in table if not line["from_address"]
                     for cidr in OUTSIDE[line["from"]]}
            for provider, kind, source, cidr in (
                    ("aws", "aws_vpc_security_group_ingress_rule", "referenced_security_group_id", "cidr_ipv4"),
                    ("openstack", "openstack_networking_secgroup_rule_v2", "remote_group_id", "remote_ip_prefix")):
                port = "from_port" if provider == "aws" else "port_range_min"
                last = "to_port" if provider == "aws" else "port_range_max"
                asked = {}
                for name, key in (("inner", source), ("outer", cidr)):
                    body = self.resource(provider, kind, name)
                    fields = [attribute(body, field) for field in (key, "security_group_id", port, last)]
                    asked[name] = each(attribute(body, "for_each"), f"[{', '.join(fields)}]")
                with self.subTest(shape=shape, provider=provider):
                    found = self.evaluate(tree, provider, asked, **CIDRS)
                    self.assertTrue(all(rule[2] == rule[3] for name in asked for rule in found[name].values()))
                    with_role = lambda role: [name for name, host in hosts.items() if role in host["roles"]]
                    pairs = {(a, b, int(rule[2])) for rule in found["inner"].values()
                             for a in with_role(rule[0]) for b in with_role(rule[1]) if a != b}
                    self.assertEqual(pairs, inner)
                    self.assertEqual({(rule[0], b, int(rule[2])) for rule in found["outer"].values()
                                      for b in with_role(rule[1])}, outer)

    def test_machines_are_large_enough_and_kept_apart(self):
        for shape in SHAPES:
            tree = build(shape)
            hosts = json.loads((tree / "terraform/aws/cluster.json").read_text(encoding="utf-8"))["hosts"]
            body = self.resource("aws", "aws_instance", "host")
            with self.subTest(shape=shape):
                found = self.evaluate(tree, "aws", {
                    "type": each("local.hosts", attribute(body, "instance_type")),
                    "types": "{ for type in local.instance_types : type.name => type }",
                    "apart": "local.groups",
                }, instance_types={name: "m6i.4xlarge" for name in list(hosts)[:1]})
                self.assertEqual(found["type"][list(hosts)[0]], "m6i.4xlarge")
                for name, host in hosts.items():
                    size = found["types"][found["type"][name]]
                    self.assertGreaterEqual(size["vcpus"], host["vcpus"])
                    self.assertGreaterEqual(size["memory_mb"], host["memory_mb"])
                self.assertEqual(sorted(name for group in found["apart"].values() for name in group), sorted(hosts))
                given = {list(hosts)[0]: {"disk_gb": 99}}
                for provider in ("vsphere", "libvirt"):
                    found = self.evaluate(tree, provider, {"sizes": "local.sizes"}, sizes=given)
                    for name, host in hosts.items():
                        wanted = {key: host[key] for key in ("vcpus", "memory_mb", "disk_gb")}
                        self.assertEqual(found["sizes"][name], wanted | given.get(name, {}))

    def test_wrong_values_are_refused(self):
        tree = build("all-in-one")
        for provider, wrong in (("aws", {"ami": "el8"}), ("aws", {"user_cidrs": ["10.0.0.0"]}),
                                ("aws", {"http_tokens": "maybe"}), ("openstack", {"affinity_policy": "affinity"}),
                                ("openstack", {"admin_cidrs": ["10.0.0.0/33"]}), ("vsphere", {"template": None})):
            with self.subTest(provider=provider, wrong=wrong), self.assertRaises(AssertionError):
                self.evaluate(tree, provider, {"hosts": "local.hosts"}, **wrong)


if __name__ == "__main__":
    unittest.main()
