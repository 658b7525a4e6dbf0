"""What the guest's own shell makes of secret/pki is what the vault has, whatever the size of keys, and openssl takes it."""

import subprocess
import unittest

from bundles import SCRATCH, SHAPES, build, bundle, run

MADE = {"host": "hosts/{0}", "cloudify": "clients/cloudify", "postgres": "clients/postgres"}


def place(host):
    return SCRATCH / "unpacked" / host.directory.relative_to(SCRATCH)


def unpacked(host):
    """secret/files of a host, by the script that it got."""
    secret = place(host)
    secret.mkdir(parents=True)
    (secret / "pki").write_bytes(host.pki)
    (secret / "plan").write_text(host.files["/var/lib/cfy-seed/secret/plan"], encoding="utf-8")
    (secret / "unpack").write_text(host.files["/usr/local/lib/cfy-seed/unpack"], encoding="utf-8")
    script = 'set -eE -o pipefail; shopt -s nullglob; umask 022; S=$1 TAB=$2; . "$1/unpack"'
    environment = {"LC_ALL": "C", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    done = subprocess.run(["bash", "-c", script, "driver", secret, "\t"], env=environment, check=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.stdout == b"", "secrets are no output"
    return secret / "files"


class Unpack(unittest.TestCase):
    def check(self, one):
        # One host of each role: the others have no other form.
        for host in [host for host in one.hosts if not host.name.endswith(("-2", "-3"))]:
            files = unpacked(host)
            names = sorted(path.name for path in files.iterdir())
            self.assertIn("host.key", names)
            for path in files.iterdir():
                self.assertEqual(path.stat().st_mode & 0o777, 0o600, path)
                stem, _, kind = path.name.rpartition(".")
                if stem in MADE:
                    sources = [one.vault / f"{MADE[stem].format(host.name)}.{kind}"]
                else:   # the cluster's CA, or those of services that the operator brought
                    sources = [one.vault / "ca.crt"] if stem == "ca" else one.home.glob("*.pem")
                self.assertIn(path.read_bytes(), [source.read_bytes() for source in sources], f"{host.name} {path.name}")
                self.assertEqual(path.read_text(encoding="ascii"), host.seed(path.name))

    def test_fixtures_come_out_as_their_vaults_have_them(self):
        for shape in SHAPES:
            self.check(bundle(shape))

    def test_longer_keys_come_out_and_fit_their_certificates(self):
        for bits in (3072, 4096):
            home = SCRATCH / f"nine-node-{bits}"
            one = build("nine-node", home, lambda spec, bits=bits: spec.replace("rsa-2048", f"rsa-{bits}"), vault="new")
            self.check(one)
            files = place(one.host("manager-1")) / "files"
            for name in MADE:
                run("openssl", "rsa", "-check", "-noout", "-in", files / f"{name}.key")
                moduli = {run("openssl", kind, "-noout", "-modulus", "-in", files / f"{name}.{end}").stdout
                          for kind, end in (("rsa", "key"), ("x509", "crt"))}
                self.assertEqual(len(moduli), 1, name)
                run("openssl", "verify", "-CAfile", files / "ca.crt", files / f"{name}.crt")
