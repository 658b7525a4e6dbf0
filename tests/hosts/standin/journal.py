"""What happened here, one JSON object a line, for the tests: /var/lib/cfy-standin/journal."""

import json
import os
import time

from . import places


def note(event, **facts):
    places.JOURNAL.parent.mkdir(parents=True, exist_ok=True)
    line = json.dumps({"time": time.time(), "event": event, "pid": os.getpid(), **facts}, sort_keys=True)
    descriptor = os.open(places.JOURNAL, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        if os.fstat(descriptor).st_uid == os.geteuid():
            os.fchmod(descriptor, 0o666)    # psql runs as postgres, too
        os.write(descriptor, line.encode() + b"\n")  # one write: lines of two processes never mix
    finally:
        os.close(descriptor)
