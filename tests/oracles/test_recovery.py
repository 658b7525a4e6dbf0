"""The SQL of the recipe of a first manager, by real psql on a real PostgreSQL with the TLS of a bundle."""

import os
import pathlib
import unittest

from bundles import ROOT, SCRATCH, bundle, run

CASES = """\
nothing {whom}: 0 [drops databases that are half-made] postgres
role-only {whom}: 0 [drops databases that are half-made] postgres
no-tables {whom}: 0 [drops databases that are half-made] postgres
no-manager {whom}: 0 [drops databases that are half-made] postgres
a-manager {whom}: 0 [] cloudify_db,composer,postgres,stage
"""


class FirstManager(unittest.TestCase):
    @unittest.skipUnless(os.geteuid() == 0, "a network of its own needs root")
    def test_drops_what_is_half_made_and_nothing_else(self):
        scratch = SCRATCH / "postgresql"
        (scratch / "secret/files").mkdir(parents=True)
        (scratch / "usr/bin").mkdir(parents=True)
        (scratch / "var/lib/pgsql/14").mkdir(parents=True)
        (scratch / "usr/bin/psql").symlink_to("/usr/bin/psql")
        SCRATCH.chmod(0o755)   # the server runs as a user of its own
        manager, database = bundle("nine-node").host("manager-1"), bundle("nine-node").host("db-1")
        self.assertIn("10.0.0.11", [fields[0] for fields in database.records("member")])
        service = manager.seed("pg_service.conf").replace("/etc/cloudify/cfy-seed", str(scratch))
        files = {"recipe": manager.files["/usr/local/lib/cfy-seed/recover-manager-first"],
                 "secret/files/pg_service.conf": service, "ca.crt": manager.seed("ca.crt"),
                 "postgres.crt": manager.seed("postgres.crt"), "postgres.key": manager.seed("postgres.key"),
                 "server.crt": database.seed("host.crt"), "server.key": database.seed("host.key"),
                 "password": next(line.removeprefix("password=") for line in service.splitlines()
                                  if line.startswith("password="))}
        for name, text in files.items():
            (scratch / name).write_text(text, encoding="utf-8")
            (scratch / name).chmod(0o600)
        program = pathlib.Path(__file__).with_name("recover-manager-first")
        told = run("unshare", "--net", "--mount", program, scratch, "postgres", cwd=ROOT, timeout=120).stdout
        for whom in ("10.0.0.11", "-"):
            for line in CASES.format(whom=whom).splitlines():
                with self.subTest(line):
                    self.assertIn(line, told.splitlines(), told)
        self.assertIn("down 10.0.0.11: 1 [] down", told.splitlines(), told)
        self.assertRegex(told, r"(?m)^because 062 .*Connection refused")


if __name__ == "__main__":
    unittest.main()
