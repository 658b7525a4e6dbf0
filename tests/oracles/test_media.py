"""xorriso and isoinfo on every seed image, sha256sum on every tree, haproxy on its config."""

import hashlib
import pathlib
import unittest

from bundles import PKI, SCRATCH, SHAPES, all_hosts, bundle, run

FILES = ("user-data", "meta-data", "network-config", "vendor-data")


class SeedImages(unittest.TestCase):
    def test_hold_the_directory_says_xorriso(self):
        for host in all_hosts():
            to = SCRATCH / "iso" / host.name
            run("xorriso", "-osirrox", "on", "-indev", host.directory / "seed.iso", "-extract", "/", to)
            with self.subTest(host.name):
                self.assertEqual(sorted(path.name for path in to.iterdir()), sorted(FILES))
                for name in FILES:
                    self.assertEqual((to / name).read_bytes(), (host.directory / name).read_bytes(), name)

    def test_hold_the_directory_says_isoinfo_in_rock_ridge_and_joliet(self):
        for host in all_hosts():
            image = host.directory / "seed.iso"
            for tree in ("-R", "-J"):
                listed = run("isoinfo", tree, "-f", "-i", image).stdout.split()
                self.assertEqual(sorted(listed), sorted("/" + name for name in FILES), (host.name, tree))
                for name in FILES:
                    text = run("isoinfo", tree, "-x", "/" + name, "-i", image).stdout
                    self.assertEqual(text, (host.directory / name).read_text(encoding="utf-8"), (host.name, tree))

    def test_have_the_label_that_cloud_init_looks_for(self):
        for host in all_hosts():
            told = run("isoinfo", "-d", "-i", host.directory / "seed.iso").stdout
            self.assertRegex(told, r"(?m)^Volume id: CIDATA$")
            self.assertRegex(told, r"Joliet with UCS level \d found")
            self.assertRegex(told, r"Rock Ridge signatures version \d found")
            label = run("blkid", "-o", "value", "-s", "LABEL", "-p", host.directory / "seed.iso").stdout
            self.assertEqual(label.strip(), "CIDATA")


class Trees(unittest.TestCase):
    def test_pass_sha256sum(self):
        for shape in SHAPES:
            tree = bundle(shape).tree
            done = run("sha256sum", "--strict", "--check", "SHA256SUMS", cwd=tree)
            there = [path for path in tree.rglob("*") if path.is_file() and path.name != "SHA256SUMS"]
            self.assertEqual(done.stdout.count(": OK\n"), len(there))

    def test_seeds_have_the_digests_of_their_list(self):
        for host in all_hosts():
            there = {path: content.encode("utf-8") for path, content in host.files.items()} | {PKI: host.pki}
            list_of_all = there.pop("/var/lib/cfy-seed/secret/seed.sha256").decode("ascii")
            said = dict(reversed(line.split("  ")) for line in list_of_all.splitlines())
            self.assertEqual(said, {path: hashlib.sha256(content).hexdigest()[:6] for path, content in there.items()})
            self.assertEqual(list(said), sorted(said))
            self.assertTrue(list_of_all.endswith("/secret/plan\n"))


class Balancer(unittest.TestCase):
    def test_config_is_what_haproxy_takes(self):
        host = bundle("nine-node").host("balancer")
        seed = host.unpack()
        config = host.seed("haproxy.cfg").replace("/etc/cloudify/cfy-seed/ca.crt", str(seed / "ca.crt"))
        path = pathlib.Path(seed / "checked.cfg")
        path.write_text(config, encoding="utf-8")
        done = run("haproxy", "-c", "-f", path)
        # A warning is something that a newer one will refuse.
        self.assertNotIn("WARNING", done.stdout)
        self.assertIn("verifyhost 10.0.0.31", config)
        for port in (443, 53333, 8009):
            self.assertIn(f"bind :{port}\n", config)


if __name__ == "__main__":
    unittest.main()
