"""The two clusters of the matrix, their specs, and the seeds that some hosts get instead of their own."""

import hashlib
import shutil
from dataclasses import dataclass

from hostlab.checking import build
from hostlab.system import run


def row(name, first, *roles):
    return {f"{name}-{i + 1}": (f"10.0.0.{first + i}", roles) for i in range(3)}


NINE = row("db", 11, "database") | row("broker", 21, "broker") | row("manager", 31, "manager")
THREE = row("node", 11, "database", "broker", "manager")
SHAPES = {"nine-node": NINE, "three-node": THREE}
WEB = "http://10.0.0.1:8000"
REPOSITORY = f'repo: {{baseurl: "{WEB}/cloudify", gpgkey: RPM-GPG-KEY}}'

SPEC = """\
apiVersion: cfy-seed/v1
name: faults
generation: {generation}
cloudify:
  version: "7.0.4"
  license: license.yaml
  rpm:
    {rpm}
os: el8
os_packages:
  from:
    repo: {{baseurl: "{web}/os", gpgkey: RPM-GPG-KEY}}
network: {{prefix: 24, interface: eth0}}
first_boot: {{poll: 2s, stall_after: {stall_after}}}
hosts:
"""


@dataclass(frozen=True)
class Cluster:
    """One spec, its vault, and how to build it again with something else in it: the identities stay."""

    shape: str
    directory: object
    made: object               # artefacts
    stall_after: str = "60m"

    @property
    def hosts(self):
        return SHAPES[self.shape]

    def addresses(self, role):
        return {name: address for name, (address, roles) in self.hosts.items() if role in roles}

    @property
    def www(self):
        """What the web server of this run serves: the repositories, and what a fault puts beside them."""
        return self.directory / "www"

    @property
    def vault(self):
        return self.directory / "own/vault"

    def prepare(self):
        self.www.mkdir()
        for name in ("os", "cloudify", "RPM-GPG-KEY"):
            (self.www / name).symlink_to(self.made.www / name)
        return self.build("own")

    def build(self, name, rpm=REPOSITORY, generation=1):
        """The tree of a spec that has another source of the RPM, or another generation."""
        directory = self.directory / name
        directory.mkdir()
        lines = [f"  - {{name: {host}, roles: [{', '.join(roles)}], private_ip: {address}}}\n"
                 for host, (address, roles) in self.hosts.items()]
        text = SPEC.format(rpm=rpm, generation=generation, web=WEB, stall_after=self.stall_after) + "".join(lines)
        (directory / "cluster.yaml").write_text(text, encoding="utf-8")
        (directory / "license.yaml").write_text("license: for tests\n", encoding="utf-8")
        shutil.copy(self.made.www / "RPM-GPG-KEY", directory)
        if directory != self.vault.parent:
            shutil.copytree(self.vault, directory / "vault")
        return build(directory)

    def rpm_by_url(self, path):
        """The RPM by its address on the web server and its right digest."""
        digest = hashlib.sha256(self.made.installer_rpm.read_bytes()).hexdigest()
        return f'url: "{WEB}/{path}"\n    sha256: "{digest}"'

    def unsigned_repository(self, name):
        """The same RPMs without their signatures."""
        directory = self.www / name
        directory.mkdir()
        shutil.copy(self.made.installer_rpm, directory)
        run("rpmsign", "--delsign", directory / self.made.installer_rpm.name)
        run("createrepo_c", "--quiet", directory)
        return f'repo: {{baseurl: "{WEB}/{name}", gpgkey: RPM-GPG-KEY}}'
