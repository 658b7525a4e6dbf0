"""The verbs of `tests/hosts/hosts`."""

import argparse
import os
import sys
from pathlib import Path

from . import artefacts
from .lab import Lab
from .system import Failure


def parser():
    top = argparse.ArgumentParser(prog="hosts", description="Container hosts that boot the seeds of a built tree.")
    top.add_argument("--run", default="default", metavar="NAME", help="name of this set of hosts (default: %(default)s)")
    verbs = top.add_subparsers(dest="verb", required=True, metavar="VERB")

    def verb(name, help_text, hosts=None):
        sub = verbs.add_parser(name, help=help_text, description=help_text)
        if hosts:
            sub.add_argument("host", nargs=hosts, metavar="HOST")
        return sub

    verb("prepare", "build root file system and RPMs, as far as they are not cached")
    up = verb("up", "make hosts from a tree OUT/<cluster> and boot them")
    up.add_argument("tree", type=Path)
    up.add_argument("--image", action="store_true", help="the image has the OS prerequisites already")
    up.add_argument("--address", action="append", default=[], metavar="HOST=IP", help="for seeds without a static one")
    up.add_argument("--only", nargs="+", metavar="HOST", help="only these hosts of the tree")
    up.add_argument("--off", action="store_true", help="do not boot them")
    verb("boot", "switch hosts on (all, if none is named)", "*")
    verb("cut", "power cut: SIGKILL to the host's PID 1", "+")
    verb("kill", "SIGKILL to the first-boot driver of a host", "+")
    wait = verb("wait", "until hosts (all, if none is named) are READY; fails on FAILED", "*")
    wait.add_argument("--bound", type=int, default=600, metavar="SECONDS")
    sh = verb("sh", "run a command on a host (default: a shell)", 1)
    sh.add_argument("command", nargs=argparse.REMAINDER)
    verb("console", "print what a host wrote to its console", 1)
    verb("status", "one line per host")
    verb("journal", "print a host's journal of cfy_manager calls", 1)
    verb("down", "end the hosts and remove everything of this run")
    return top


def main(argv=None):
    wanted = parser().parse_args(argv)
    try:
        return act(wanted, Lab(wanted.run)) or 0
    except Failure as failure:
        print(f"hosts: {failure}", file=sys.stderr)
        return 1


def act(wanted, lab):
    verb = wanted.verb
    if verb == "prepare":
        print(artefacts.ensure())
    elif verb == "up":
        lab.up(wanted.tree.absolute(), image=wanted.image, only=wanted.only,
               addresses=dict(pair.split("=", 1) for pair in wanted.address))
        if not wanted.off:
            lab.boot()
    elif verb == "boot":
        lab.boot(*wanted.host)
    elif verb == "cut":
        for name in wanted.host:
            lab.host(name).cut()
    elif verb == "kill":
        for name in wanted.host:
            lab.host(name).sh("systemctl", "kill", "--kill-who=main", "--signal=SIGKILL", "cfy-firstboot.service")
    elif verb == "wait":
        print(f"READY after {lab.wait(wanted.bound, wanted.host):.1f} s")
    elif verb == "sh":
        command = lab.host(wanted.host[0]).command(*(wanted.command or ["bash"]))
        os.execvp(command[0], command)
    elif verb == "console":
        sys.stdout.write(lab.host(wanted.host[0]).console())
    elif verb == "status":
        for name, host in lab.hosts.items():
            status = host.status()
            words = [status.get(key) or "-" for key in ("state", "phase", "role", "code", "cause")]
            print(name, "on" if host.is_on() else "off", *words)
    elif verb == "journal":
        sys.stdout.write(lab.host(wanted.host[0]).read("/var/lib/cfy-standin/journal"))
    elif verb == "down":
        lab.down()
