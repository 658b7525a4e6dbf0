"""The command line of cfy_manager: cloudify.md §7."""

import argparse
import sys
import traceback

from . import install, journal, places
from .errors import InstallError


def parser():
    top = argparse.ArgumentParser(prog="cfy_manager")
    commands = top.add_subparsers(dest="command", required=True)
    for name in ("install", "validate", "remove"):
        command = commands.add_parser(name)
        command.add_argument("-c", "--config-file", action="append", default=[])
        command.add_argument("-v", "--verbose", action="store_true")
    commands.add_parser("version")
    return top


class Tee:
    """stdout, and the log that the real one always writes. The password goes to stdout only."""

    def __init__(self, stream):
        places.LOG.parent.mkdir(parents=True, exist_ok=True)
        self.stream, self.log = stream, open(places.LOG, "a", encoding="utf-8")

    def write(self, text):
        self.stream.write(text)
        if not text.startswith(install.PASSWORD_LINE):
            self.log.write(text)

    def flush(self):
        self.stream.flush()
        self.log.flush()


def main(argv=None):
    argv = sys.argv[1:] if argv is None else argv
    wanted = parser().parse_args(argv)
    install.become_root(argv)
    if wanted.command == "version":
        print("Cloudify Manager", install.version())
        return 0
    sys.stdout = Tee(sys.stdout)
    # the arguments are file names and flags: there is no secret among them
    journal.note("start", command=wanted.command, argv=argv)
    code = 1
    try:
        getattr(install, wanted.command)(wanted.config_file)
        code = 0
    except InstallError as problem:
        print(f"ERROR: {problem}", flush=True)
        journal.note("error", command=wanted.command, text=str(problem))
    except Exception as crash:  # pylint: disable=broad-except  # the real one crashes with a traceback, too
        traceback.print_exc(file=sys.stdout)
        journal.note("error", command=wanted.command, text=repr(crash))
    journal.note("end", command=wanted.command, argv=argv, rc=code)
    return code
