"""Waiting for a machine: what ends it, and how."""

import subprocess
import tempfile
import time
import unittest
from pathlib import Path
from types import SimpleNamespace

from hostlab.machine import Machine
from hostlab.system import Failure


class Expect(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.machine = Machine("m", Path(scratch.name), SimpleNamespace(namespace="none"), "", Path("none"))
        self.machine.qemu = subprocess.Popen(["sleep", "60"])
        self.addCleanup(self.machine.qemu.wait)
        self.addCleanup(self.machine.qemu.kill)

    def says(self, text):
        with open(self.machine.console_log, "a", encoding="utf-8") as console:
            console.write(text)

    def test_it_goes_on_from_where_the_last_one_ended(self):
        self.says("T cfy-seed h RUNNING WAIT begun\r\nT cfy-seed h RUNNING INSTALL begun\r\n")
        self.assertIn("WAIT begun", self.machine.expect("RUNNING", 1))
        self.assertIn("INSTALL begun", self.machine.expect("RUNNING", 1))
        with self.assertRaisesRegex(Failure, "within 0 s"):
            self.machine.expect("RUNNING", 0)

    def test_a_failed_host_is_not_waited_for(self):
        self.says("T cfy-seed h FAILED INSTALL CFY-G060 install failed\r\n")
        start = time.monotonic()
        with self.assertRaisesRegex(Failure, "says: .*CFY-G060"):
            self.machine.expect("READY", 30)
        self.assertLess(time.monotonic() - start, 5)

    def test_what_came_before_the_failure_is_found(self):
        self.says("T cfy-seed h RUNNING INSTALL begun\r\nT cfy-seed h FAILED INSTALL CFY-G060\r\n")
        self.assertIn("INSTALL begun", self.machine.expect("INSTALL", 1))

    def test_a_machine_that_went_off_is_not_waited_for(self):
        self.says("Kernel panic\r\n")
        self.machine.cut()
        with self.assertRaisesRegex(Failure, "(?s)went off.*Kernel panic"):
            self.machine.expect("READY", 30)

    def test_there_is_only_one_power_cut(self):
        self.machine.cut()
        with self.assertRaisesRegex(Failure, "off already"):
            self.machine.cut()


if __name__ == "__main__":
    unittest.main()
