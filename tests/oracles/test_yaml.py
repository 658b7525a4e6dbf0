"""PyYAML (1.1) and ruamel.yaml (1.2) read our YAML alike, and as we meant it."""

import datetime
import unittest

import ruamel.yaml
import yaml

from bundles import all_hosts, bundle


def texts():
    """Every YAML document that we write, by what it is."""
    for host in all_hosts():
        for name in ("user-data", "meta-data", "network-config", "vendor-data"):
            yield f"{host.name} {name}", (host.directory / name).read_text(encoding="utf-8")
        for path, content in host.files.items():
            if path.endswith(".yaml"):
                yield f"{host.name} {path}", content
    for shape in ("nine-node", "all-in-one"):
        for name in ("vault.yaml", "secrets.yaml"):
            yield f"{shape} {name}", (bundle(shape).vault / name).read_text(encoding="utf-8")


def leaves(node):
    if isinstance(node, dict):
        for key, value in node.items():
            yield key
            yield from leaves(value)
    elif isinstance(node, list):
        for value in node:
            yield from leaves(value)
    else:
        yield node


class TwoReaders(unittest.TestCase):
    def test_read_the_same(self):
        modern = ruamel.yaml.YAML(typ="safe", pure=True)
        count = 0
        for what, text in texts():
            with self.subTest(what):
                old = yaml.safe_load(text)
                self.assertEqual(old, modern.load(text))
                self.assertEqual([type(leaf) for leaf in leaves(old)],
                                 [type(leaf) for leaf in leaves(modern.load(text))])
                count += 1
        self.assertGreater(count, 50)

    def test_find_only_text_numbers_and_booleans(self):
        for what, text in texts():
            for leaf in leaves(yaml.safe_load(text)):
                self.assertNotIsInstance(leaf, (float, datetime.date, bytes, type(None)), what)

    def test_dates_in_the_vault_stay_text(self):
        vault = yaml.safe_load((bundle("nine-node").vault / "vault.yaml").read_text(encoding="utf-8"))
        self.assertIsInstance(vault["created"], str)


if __name__ == "__main__":
    unittest.main()
