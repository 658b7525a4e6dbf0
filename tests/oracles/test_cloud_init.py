"""The schemas and renderers of cloud-init as Debian ships it: 20.4, 22.4, 25.1 and the newest. What EL 8 has is between them."""

import ipaddress
import json
import os
import pathlib
import subprocess
import unittest

from bundles import CACHE, PROGRAM, SCRATCH, SHAPES, all_hosts, build, bundle, run

HERE = pathlib.Path(__file__).resolve().parent
SUITES = ("bullseye", "bookworm", "trixie", "sid")
# Starting an interpreter for each of some hundred commands would take minutes.
COMMANDS = """
import contextlib, io, json, sys
from cloudinit.cmd.main import main
results = []
for words in json.load(sys.stdin):
    out, status = io.StringIO(), 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        try:
            status = main(["cloud-init", *words]) or 0
        except SystemExit as end:
            status = end.code or 0
    results.append([status, out.getvalue()])
print(json.dumps(results))
"""
# Those of which EL hosts are; older releases know less of them, and all render alike.
DISTROS = ("centos", "rhel")
NEEDS = "import jsonschema, jinja2, configobj, oauthlib, jsonpatch, requests, yaml, netifaces"

OWN = """\
apiVersion: cfy-seed/v1
name: own
cloudify: {version: "7.0.4", edition: community, rpm: {preinstalled: true}}
cloud_init:
  all:
    write_files: [{path: /etc/motd.d/own, content: "yes"}, {path: /etc/empty, permissions: "0644"}]
    bootcmd: [echo boot]
    runcmd: [[echo, "22:22"], echo all]
    users: [{name: dba, groups: [wheel], lock_passwd: true}]
    ssh_authorized_keys: ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIF3g74NGamQ/M4d6ckGm89t4bIBo+yjO2l6dLEzZNGRh a"]
    growpart: {mode: "off"}
    mounts: [[/dev/sdb1, /srv, xfs]]
    ssh_pwauth: true
    final_message: "done"
hosts:
  - name: cloudify
    roles: [database, broker, manager]
    private_ip: 10.0.0.31
    cloud_init: {runcmd: [echo host], users: [{name: guest}]}
"""


def unable(why):
    if os.environ.get("CI"):
        raise AssertionError(why)
    raise unittest.SkipTest(why)


def interpreter():
    """The first python3 in PATH that has what cloud-init imports."""
    for directory in os.get_exec_path():
        candidate = pathlib.Path(directory) / "python3"
        if candidate.exists():
            done = subprocess.run([candidate, "-c", NEEDS], check=False, stderr=subprocess.DEVNULL)
            if done.returncode == 0:
                return candidate
    return unable("no python3 here has what cloud-init imports")


class CloudInit:
    """One release."""

    def __init__(self, suite):
        self.directory = CACHE / f"cloud-init-{suite}"
        if not self.directory.exists():
            CACHE.mkdir(parents=True, exist_ok=True)
            done = run(HERE / "fetch-cloud-init", suite, self.directory, check=False)
            if done.returncode != 0:
                unable(f"no cloud-init of {suite}: {done.stdout}")
        self.python = interpreter()
        self.environment = {**os.environ, "PYTHONPATH": str(self.directory / "usr/lib/python3/dist-packages")}

    def __call__(self, calls):
        """Runs commands of cloud-init one after the other in one process; gives the status and output of each."""
        calls = json.dumps([[str(word) for word in call] for call in calls])
        done = run(self.python, "-B", "-c", COMMANDS, env=self.environment, input=calls)
        return json.loads(done.stdout.splitlines()[-1])

    def version(self):
        script = "from cloudinit import version; print(version.version_string())"
        return run(self.python, "-B", "-c", script, env=self.environment).stdout.strip()


class Releases(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.releases = {suite: CloudInit(suite) for suite in SUITES}
        for suite, release in cls.releases.items():
            print(f"cloud-init of {suite}: {release.version()}", flush=True)

    def accept(self, directories):
        """Every release takes the user-data and, where it looks at it, the network-config of these hosts."""
        for suite, release in self.releases.items():
            # 20.4 had it among what is being developed.
            schema = ["devel", "schema"] if release.version().startswith("20.") else ["schema"]
            kinds = [("user-data", [])]
            if "network-config" in release([[*schema, "--help"]])[0][1]:
                kinds.append(("network-config", ["--schema-type", "network-config"]))
            files = [(directory / kind, more) for directory in directories for kind, more in kinds]
            results = release([[*schema, *more, "--config-file", file] for file, more in files])
            for (file, _), (status, said) in zip(files, results, strict=True):
                with self.subTest(f"{suite} {file}"):
                    self.assertEqual(status, 0, said)
                    self.assertIn("Valid", said)
                    self.assertNotIn("eprecat", said)

    def test_take_every_user_data_and_network_config(self):
        self.accept([host.directory for host in all_hosts()])

    def test_take_what_the_embedded_example_builds(self):
        home = SCRATCH / "example"
        home.mkdir()
        run(PROGRAM, "build", cwd=home)
        self.accept(sorted((home / "out/example/hosts").iterdir()))

    def test_take_cloud_config_of_ones_own(self):
        home = SCRATCH / "overrides"
        home.mkdir()
        (home / "cluster.yaml").write_text(OWN, encoding="utf-8")
        run(PROGRAM, "build", cwd=home)
        self.accept([home / "out/own/hosts/cloudify"])

    def test_refuse_what_they_must(self):
        """Else the tests above would prove nothing."""
        bad = SCRATCH / "bad"
        bad.write_text("#cloud-config\nwrite_files: [{content: x}]\n", encoding="utf-8")
        for suite, release in self.releases.items():
            schema = ["devel", "schema"] if release.version().startswith("20.") else ["schema"]
            status, said = release([[*schema, "--config-file", bad]])[0]
            self.assertNotEqual((status, "Valid" in said), (0, True), f"{suite}: {said}")

    def test_write_the_cards_that_the_specs_mean(self):
        for shape in SHAPES:
            self.cards(shape, bundle(shape))

    def test_write_the_cards_of_every_kind(self):
        """What no fixture has: an address of its own and a MAC, DHCP without one, DHCP and a gateway elsewhere."""
        def change(spec):
            spec = spec.replace("10.0.0.11}", '10.0.0.11, mac: "52:54:00:00:00:11"}')
            spec = spec.replace("10.0.0.12}", "10.0.0.12, dhcp: true}")
            return spec.replace("10.0.0.21}", "10.0.0.21, prefix: 25, gateway: 10.0.0.126, interface: ens3}")
        self.cards("every-kind", build("nine-node", SCRATCH / "every-kind", change))

    def cards(self, shape, built):
        for suite, release in self.releases.items():
            work = [(host, distro) for host in built.spec["hosts"] for distro in DISTROS]
            roots = [SCRATCH / "net" / suite / shape / host["name"] / distro for host, distro in work]
            calls = []
            for (host, distro), root in zip(work, roots, strict=True):
                root.mkdir(parents=True)
                calls.append(["devel", "net-convert", "--kind", "yaml", "--output-kind", "sysconfig",
                              "--network-data", built.host(host["name"]).directory / "network-config",
                              "--distro", distro, "--directory", root])
            results = release(calls)
            for (host, distro), root, (status, said) in zip(work, roots, results, strict=True):
                with self.subTest(f"{suite} {shape} {host['name']} {distro}"):
                    self.assertEqual(status, 0, said)
                    self.assertEqual(written(root), meant(built.spec, host))
                    found, wanted = resolvers(root), meant_resolvers(built.spec)
                    # Beside name servers of a card, 20.4 and 22.4 leave this file to NetworkManager.
                    fixed = not (host.get("dhcp") or built.spec.get("network", {}).get("dhcp"))
                    self.assertIn(found, [wanted, []] if fixed else [wanted])


def settings(text):
    """The settings of an ifcfg file, without those of NetworkManager, which RHEL patches out of 22.4."""
    lines = [line.split("=", 1) for line in text.splitlines() if not line.startswith("#")]
    return {key: value.strip('"') for key, value in lines if key != "NM_CONTROLLED"}


def written(root):
    """What a release made of a network-config: the settings of each card."""
    files = (root / "etc/sysconfig/network-scripts").glob("ifcfg-*")
    return {file.name.removeprefix("ifcfg-"): settings(file.read_text(encoding="utf-8")) for file in files}


def meant(spec, host):
    """What the spec's author means by a host's network, field by field."""
    shared = spec.get("network", {})
    first = {key: host.get(key, shared.get(key)) for key in ("prefix", "gateway", "interface", "dhcp")}
    first |= {"ip": host["private_ip"], "mac": host.get("mac"), "dns": shared.get("dns", []),
              "domain": shared.get("domain")}
    cards = [first, *host.get("networks", [])]
    return {card.get("interface") or "eth0": ifcfg(card) for card in cards}


def ifcfg(card):
    meant = {"DEVICE": card.get("interface") or "eth0", "ONBOOT": "yes", "TYPE": "Ethernet", "USERCTL": "no"}
    if card.get("mac"):
        meant["HWADDR"] = card["mac"]
    if card.get("dhcp"):
        return meant | {"BOOTPROTO": "dhcp"}
    network = ipaddress.ip_network(f"{card['ip']}/{card.get('prefix') or 24}", strict=False)
    meant |= {"BOOTPROTO": "none", "IPADDR": card["ip"], "NETMASK": str(network.netmask)}
    if card.get("gateway"):
        meant |= {"GATEWAY": card["gateway"], "DEFROUTE": "yes"}
    meant |= {f"DNS{number}": server for number, server in enumerate(card.get("dns", []), 1)}
    return meant | ({"DOMAIN": card["domain"]} if card.get("domain") else {})


def resolvers(root):
    file = root / "etc/resolv.conf"
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return [line for line in lines if line.startswith(("nameserver", "search"))]


def meant_resolvers(spec):
    network = spec.get("network", {})
    search = [f"search {network['domain']}"] if "domain" in network else []
    return [f"nameserver {server}" for server in network.get("dns", [])] + search


if __name__ == "__main__":
    unittest.main()
