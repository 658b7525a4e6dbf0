"""What a test does to an install on purpose: files below /var/lib/cfy-standin/faults, made before boot or at any time.

    fail-install   a number: so many of the next installs end with 1 after their validation (each takes one off)
    hang-install   seconds: every install sleeps after its validation; 0: until the file is gone
    hold-STAGE     an install that reaches STAGE waits there while the file exists

Stages, in their order: started, packages, validated; database: etcd-lock (only who takes the lock), patroni-started;
broker: reset, joined (joiners only); manager: database-created, populated (only the first one); all: before-markers.
"""

import time

from . import journal, places
from .errors import InstallError

POLL = 0.1


def reach(stage):
    """Say so, and wait there if a test wants it: whoever is to be killed or cut then stands still."""
    journal.note("stage", stage=stage)
    while (places.FAULTS / f"hold-{stage}").exists():
        time.sleep(POLL)


def after_validation():
    """Where a validation is over and nothing of the services has changed."""
    hang()
    file = places.FAULTS / "fail-install"
    left = number(file)
    if left is not None and left > 0:
        places.write(file, f"{left - 1:.0f}\n")
        raise InstallError("this install fails because a test wants it")


def hang():
    file = places.FAULTS / "hang-install"
    seconds = number(file)
    if seconds is None:
        return
    if seconds > 0:
        time.sleep(seconds)
        return
    while file.exists():
        time.sleep(POLL)


def number(file):
    """What stands in the file, or None if it is not there. An empty one counts as 0."""
    try:
        return float(file.read_text(encoding="ascii").strip() or 0)
    except FileNotFoundError:
        return None
