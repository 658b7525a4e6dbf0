"""The template for Packer, as Packer itself reads it, and that it holds nothing of the cluster."""

import re
import shutil
import unittest

import yaml

from bundles import SCRATCH, build, run
from test_hypervisors import secrets_of

BAKED = "first_boot: {preinstalled: true}\n"


def baked(spec):
    """The spec for hosts whose image has everything."""
    spec = re.sub(r"^first_boot:.*\n", "", spec, flags=re.MULTILINE)
    return re.sub(r"rpm:\s*(\{.*\}|\n(?:    .*\n)+)", "rpm: {preinstalled: true}\n", spec, count=1) + BAKED


class Packer(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.bundle = build("nine-node", SCRATCH / "packer", baked)
        cls.template = cls.bundle.tree / "packer"
        # Packer 1.6, which Debian has, does not know the block of that file.
        cls.for_1_6 = SCRATCH / "packer-1.6"
        shutil.copytree(cls.template, cls.for_1_6)
        (cls.for_1_6 / "plugins.pkr.hcl").unlink()

    def validate(self, *values):
        words = [word for value in values for word in ("-var", value)]
        return run("packer", "validate", *words, self.for_1_6, check=False)

    def test_packer_finds_it_valid(self):
        image = SCRATCH / "el8.qcow2"
        image.touch()
        key = SCRATCH / "key"
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key)
        given = (f"image={image}", "image_checksum=sha256:" + "0" * 64)
        for more in ((), (f"ssh_private_key={key}",), (f"rpm_file={image}",), (f"payload={SCRATCH}",)):
            told = self.validate(*given, *more)
            self.assertEqual(told.returncode, 0, told.stdout)
        self.assertNotEqual(self.validate().returncode, 0, "the image has no default")

    def test_packer_would_not_format_it_otherwise(self):
        for file in sorted(self.template.glob("*.hcl")):
            told = run("packer", "fmt", "-check", "-diff", file, check=False)
            self.assertEqual(told.returncode, 0, told.stdout)

    def test_required_plugins_stand_alone(self):
        texts = {file.name: file.read_text(encoding="utf-8") for file in self.template.glob("*.pkr.hcl")}
        self.assertEqual([name for name, text in texts.items() if "required_plugins" in text], ["plugins.pkr.hcl"])

    def test_it_holds_no_secret_and_no_address(self):
        addresses = [host["private_ip"] for host in self.bundle.spec["hosts"]]
        words = secrets_of(self.bundle) + addresses
        for file in self.template.rglob("*"):
            if file.is_file() and file.name != "README.md":
                text = file.read_text(encoding="utf-8")
                self.assertEqual([word for word in words if word in text], [], file)

    def test_its_seed_lets_the_keys_of_the_spec_in(self):
        seed = yaml.safe_load((self.template / "http/user-data").read_text(encoding="utf-8"))
        keys = self.bundle.spec.get("access", {}).get("ssh_authorized_keys", [])
        self.assertEqual([user["ssh_authorized_keys"] for user in seed["users"]], [keys])
        self.assertTrue((self.template / "http/user-data").read_text(encoding="utf-8").startswith("#cloud-config\n"))

    def test_it_bakes_what_hosts_ask_for(self):
        asked = {fields[0] for host in self.bundle.hosts for fields in host.records("package")}
        packages = (self.template / "bake/packages.txt").read_text(encoding="utf-8").split()
        self.assertEqual(set(packages), asked)
        self.assertEqual((self.template / "bake/release.tsv").read_text(encoding="utf-8"), "cloudify-manager-install\t7.0.4\t8\n")


if __name__ == "__main__":
    unittest.main()
