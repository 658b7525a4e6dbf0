"""The schemas and renderers of cloud-init as Debian ships it: what EL 8 has is between these releases."""

import os
import pathlib
import subprocess
import unittest

from bundles import CACHE, PROGRAM, SCRATCH, all_hosts, bundle, run

HERE = pathlib.Path(__file__).resolve().parent
SUITES = ("bookworm", "trixie")
NEEDS = "import jsonschema, jinja2, configobj, oauthlib, jsonpatch, requests, yaml, netifaces"

STATIC = """\
BOOTPROTO=none
DEFROUTE=yes
DEVICE=eth0
DNS1=10.0.0.2
DNS2=10.0.0.3
DOMAIN=cluster.example.com
GATEWAY=10.0.0.1
IPADDR=10.0.0.11
NETMASK=255.255.255.0
ONBOOT=yes
TYPE=Ethernet
USERCTL=no
"""
DHCP = """\
BOOTPROTO=dhcp
DEVICE=eth0
HWADDR=52:54:00:00:00:13
ONBOOT=yes
TYPE=Ethernet
USERCTL=no
"""
BARE = """\
BOOTPROTO=none
DEVICE=eth0
IPADDR=10.0.0.31
NETMASK=255.255.255.0
ONBOOT=yes
TYPE=Ethernet
USERCTL=no
"""
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

    def __call__(self, *words):
        return run(self.python, "-B", "-m", "cloudinit.cmd.main", *words, env=self.environment)

    def version(self):
        script = "from cloudinit import version; print(version.version_string())"
        return run(self.python, "-B", "-c", script, env=self.environment).stdout.strip()


class Releases(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.releases = {suite: CloudInit(suite) for suite in SUITES}
        for suite, release in cls.releases.items():
            print(f"cloud-init of {suite}: {release.version()}", flush=True)

    def accepts(self, release, host):
        done = release("schema", "--config-file", host / "user-data")
        self.assertIn("Valid", done.stdout)
        self.assertNotIn("eprecat", done.stdout)
        if "network-config" in release("schema", "--help").stdout:
            done = release("schema", "--schema-type", "network-config", "--config-file", host / "network-config")
            self.assertIn("Valid", done.stdout)

    def test_take_every_user_data_and_network_config(self):
        for suite, release in self.releases.items():
            for host in all_hosts():
                with self.subTest(f"{suite} {host.name}"):
                    self.accepts(release, host.directory)

    def test_take_what_the_embedded_example_builds(self):
        home = SCRATCH / "example"
        home.mkdir()
        run(PROGRAM, "build", cwd=home)
        for suite, release in self.releases.items():
            for name in ("db-1", "broker-1", "manager-1"):
                with self.subTest(f"{suite} {name}"):
                    self.accepts(release, home / "out/example/hosts" / name)

    def test_take_cloud_config_of_ones_own(self):
        home = SCRATCH / "overrides"
        home.mkdir()
        (home / "cluster.yaml").write_text(OWN, encoding="utf-8")
        run(PROGRAM, "build", cwd=home)
        for suite, release in self.releases.items():
            with self.subTest(suite):
                self.accepts(release, home / "out/own/hosts/cloudify")

    def test_write_the_ifcfg_that_was_meant(self):
        nine, one = bundle("nine-node"), bundle("all-in-one")
        for suite, release in self.releases.items():
            for host, wanted in ((nine.host("db-1"), STATIC), (nine.host("db-3"), DHCP), (one.host("cloudify"), BARE)):
                to = SCRATCH / "net" / suite / host.name
                to.mkdir(parents=True)
                release("devel", "net-convert", "--network-data", host.directory / "network-config", "--kind", "yaml",
                        "--directory", to, "--distro", "centos", "--output-kind", "sysconfig")
                text = (to / "etc/sysconfig/network-scripts/ifcfg-eth0").read_text(encoding="utf-8")
                # 22.4 has a line that RHEL patches out.
                lines = [line for line in text.splitlines(keepends=True)
                         if not line.startswith(("#", "NM_CONTROLLED"))]
                self.assertEqual("".join(lines), wanted, (suite, host.name))


if __name__ == "__main__":
    unittest.main()
