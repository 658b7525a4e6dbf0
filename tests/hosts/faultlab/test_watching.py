"""Would the search for secrets and the watcher see what they are there for?"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path
from unittest import mock

from faultlab import leaks, report, watcher
from hostlab.system import HERE

WORD = "aSecretOfThirtyTwoLettersAndDigit"


class Leaks(unittest.TestCase):
    def test_a_word_is_found_in_text_and_in_binary_files_below_a_directory(self):
        with tempfile.TemporaryDirectory() as scratch:
            directory = Path(scratch)
            (directory / "below").mkdir()
            (directory / "below/text").write_text(f"password: {WORD}\n", encoding="ascii")
            (directory / "binary").write_bytes(b"\0\1\2" + WORD.encode() + b"\0")
            (directory / "clean").write_text("nothing\n", encoding="ascii")
            found = sorted(Path(path).name for path in leaks.contains(directory, ["other", WORD]))
            self.assertEqual(found, ["binary", "text"])


class Watcher(unittest.TestCase):
    def look(self, *pids):
        with tempfile.TemporaryDirectory() as scratch, mock.patch.object(watcher, "Cgroup") as cgroup:
            cgroup.return_value.path = Path(scratch)
            cgroup.return_value.processes.return_value = list(pids)
            host = watcher.Host("x", scratch)
            host.look()
            return host.report()

    def start(self, script):
        process = subprocess.Popen([sys.executable, "-c", script, "/usr/bin/cfy_manager", "install", WORD])
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process.pid

    def test_arguments_are_seen(self):
        seen = self.look(self.start("import time; time.sleep(30)"))
        self.assertTrue(any(WORD in line for line in seen["lines"]))

    def test_two_installs_are_seen_and_a_fork_of_one_is_not(self):
        words = ["/usr/bin/cfy_manager", "install"]
        lines = {1001: words, 1002: words}
        parents = {1001: 1, 1002: 1}

        def read(path):
            pid = int(str(path).split("/")[2]) if str(path).startswith("/proc/") else 0
            if str(path).endswith("cmdline"):
                return b"\0".join(word.encode() for word in lines[pid]) + b"\0"
            return f"{pid} (x) S {parents[pid]} 0".encode() if pid else b""
        with mock.patch.object(watcher, "read", read):
            self.assertEqual(len(self.look(1001, 1002)["doubles"]), 1)
            parents[1002] = 1001
            self.assertEqual(self.look(1001, 1002)["doubles"], [])

    def test_the_process_writes_what_it_saw_when_it_is_told_to_end(self):
        with tempfile.TemporaryDirectory() as scratch:
            out = Path(scratch) / "seen.json"
            process = subprocess.Popen([sys.executable, "-B", "-m", "faultlab.watcher", out, f"h=no-such-group={scratch}"],
                                       cwd=HERE)
            time.sleep(1)
            os.kill(process.pid, signal.SIGTERM)
            process.wait(10)
            self.assertEqual(json.loads(out.read_text(encoding="utf-8"))["h"]["doubles"], [])


class Report(unittest.TestCase):
    def test_a_bad_outcome_and_a_missing_one_stand_out(self):
        row = {"host": "db-1", "fault": "power cut", "struck": 1.0, "seconds": 2.0, "good": False}
        text = report.table([{"name": "r", "shape": "s", "rows": [row | {"outcome": "LOST"}, row | {"outcome": ""}]}])
        self.assertIn("!! LOST", text)
        self.assertIn("!! NOTHING", text)


if __name__ == "__main__":
    unittest.main()
