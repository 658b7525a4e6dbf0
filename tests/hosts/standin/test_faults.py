"""The interface that fault tests stand on."""

import json
import threading
import time
import unittest

from standin import sandbox  # first: it moves every path
from standin import faults, places
from standin.errors import InstallError


def order(name, text=""):
    places.FAULTS.mkdir(parents=True, exist_ok=True)
    file = places.FAULTS / name
    file.write_text(text, encoding="ascii")
    return file


def stages():
    return [json.loads(line)["stage"] for line in places.JOURNAL.read_text(encoding="utf-8").splitlines()
            if '"event": "stage"' in line]


class Faults(unittest.TestCase):
    def test_so_many_installs_fail_and_then_none(self):
        file = order("fail-install", "2\n")
        for left in ("1", "0"):
            with self.assertRaises(InstallError):
                faults.after_validation()
            self.assertEqual(file.read_text(encoding="ascii").strip(), left)
        faults.after_validation()

    def test_nothing_happens_where_no_test_wants_it(self):
        start = time.monotonic()
        faults.after_validation()
        faults.reach("validated")
        self.assertLess(time.monotonic() - start, 0.5)

    def test_a_hang_lasts_so_long(self):
        file = order("hang-install", "0.3")
        self.addCleanup(file.unlink)
        start = time.monotonic()
        faults.after_validation()
        self.assertGreaterEqual(time.monotonic() - start, 0.3)

    def test_zero_hangs_until_the_file_is_gone(self):
        self.waits_for(order("hang-install", "0"), faults.after_validation)

    def test_a_held_stage_is_told_first_and_left_when_the_file_is_gone(self):
        self.waits_for(order("hold-joined"), lambda: faults.reach("joined"))
        self.assertEqual(stages()[-1], "joined")

    def test_another_stage_is_not_held(self):
        self.addCleanup(order("hold-reset").unlink)
        faults.reach("packages")

    def waits_for(self, file, call):
        thread = threading.Thread(target=call)
        thread.start()
        thread.join(0.4)
        self.assertTrue(thread.is_alive())
        file.unlink()
        thread.join(1)
        self.assertFalse(thread.is_alive())


if __name__ == "__main__":
    unittest.main()
