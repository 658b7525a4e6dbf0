"""One virtual machine: a disk, a seed in a drive, a cable to the bridge, and qemu as its power supply.

Emulated (TCG) even where /dev/kvm is: the test must be the same on every machine, and not every KVM runs this kernel.
"""

import ctypes
import os
import re
import signal
import socket
import subprocess
import time

from . import network
from .cgroups import Cgroup
from .system import Failure, run

PR_SET_PDEATHSIG = 1
MEMORY = 2048      # MB; the contract of 7.0 wants 1838 of them for an all-in-one

# how seed and payload are attached: as disks beside the root disk, or in CD-ROM drives
DEVICES = {"disk": "virtio-blk-pci", "cdrom": "ide-cd"}


class Machine:
    def __init__(self, name, home, bridge, mac, image):
        self.name = name
        self.home = home
        self.bridge = bridge
        self.mac = mac
        self.image = image
        self.disk = home / "disk.img"
        self.console_log = home / "console"
        self.monitor = home / "monitor"
        self.cgroup = Cgroup(f"{bridge.namespace}.{name}")
        self.qemu = None
        self.tap = None
        self.read_to = 0       # of the console, by expect()

    # -- life -----------------------------------------------------------------------------------------------------

    def create(self):
        """A blank machine: a disk of its own, and the cable."""
        self.home.mkdir(parents=True)
        run("cp", "--sparse=always", self.image / "root.img", self.disk, timeout=120)
        self.tap = self.bridge.plug_machine()

    def power_on(self, media=None, medium="disk", hold=None):
        """media: images by what they are called when they are detached. hold: a stage at which the stand-in's install
        waits, during this boot only."""
        words = ["console=ttyS0", "root=/dev/vda", "quiet", "systemd.show_status=false", "selinux=0"]
        words += [f"hold={hold}"] if hold else []
        command = [*network.in_namespace(self.bridge.namespace), "qemu-system-x86_64", "-name", self.name,
                   "-machine", "pc,accel=tcg", "-cpu", "max", "-smp", "2", "-m", str(MEMORY), "-nodefaults",
                   "-no-user-config", "-display", "none", "-monitor", f"unix:{self.monitor},server=on,wait=off",
                   "-chardev", f"file,id=console,path={self.console_log},append=on", "-serial", "chardev:console",
                   "-kernel", self.image / "vmlinuz", "-initrd", self.image / "initrd", "-append", " ".join(words),
                   "-drive", f"if=none,id=root,format=raw,file={self.disk}", "-device", "virtio-blk-pci,drive=root",
                   "-netdev", f"tap,id=net,ifname={self.tap},script=no,downscript=no",
                   "-device", f"virtio-net-pci,netdev=net,mac={self.mac}", "-device", "virtio-rng-pci"]
        for name, image in (media or {}).items():
            command += ["-drive", f"if=none,id={name},format=raw,readonly=on,file={image}",
                        "-device", f"{DEVICES[medium]},drive={name},id={name}-device"]
        with open(self.home / "qemu.log", "ab") as log:
            self.qemu = subprocess.Popen(list(map(str, command)), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                         start_new_session=True, preexec_fn=self.before_exec)

    def before_exec(self):
        """Found by its cgroup, and gone when this program is (but for CFY_KEEP_HOSTS, see scenario())."""
        self.cgroup.enter()
        if not os.environ.get("CFY_KEEP_HOSTS"):
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)

    def is_on(self):
        return self.qemu is not None and self.qemu.poll() is None

    def cut(self):
        """A power cut: what the machine had not yet written to its disk is lost, its page cache with it."""
        if not self.is_on():
            raise Failure(f"{self.name} is off already\n{self.story()}")
        self.qemu.kill()
        self.qemu.wait()

    def off_within(self, bound):
        """It goes off by itself."""
        try:
            self.qemu.wait(bound)
        except subprocess.TimeoutExpired as late:
            raise Failure(f"{self.name} is not off after {bound} s\n{self.story()}") from late

    def tell(self, command):
        """One line to qemu's monitor."""
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(10)
            line.connect(str(self.monitor))
            self.monitor_prompt(line)
            line.sendall(command.encode() + b"\n")
            answer = self.monitor_prompt(line).partition("\n")[2]    # the first line is the command's echo
        if "Error" in answer:
            raise Failure(f"qemu does not take {command!r}: {answer}")

    @staticmethod
    def monitor_prompt(line):
        text = b""
        while not text.endswith(b"(qemu) "):
            piece = line.recv(4096)
            if not piece:
                break
            text += piece
        return text.decode(errors="replace")

    def detach(self, name, medium):
        """While it runs, as an operator does it."""
        self.tell(f"device_del {name}-device" if medium == "disk" else f"eject -f {name}")

    def read_disk(self):
        """Everything on the disk of a machine that is off, as a directory; no mount, so no kernel has to know ext4."""
        if self.is_on():
            raise Failure(f"{self.name} is on: its disk is not at rest")
        root = self.home / "disk"
        root.mkdir()
        # a machine that was cut leaves a journal to replay: 1 is "errors corrected"
        run("bash", "-c", 'e2fsck -p "$1" || (($? == 1))', "bash", self.disk)
        run("debugfs", "-R", f"rdump / {root}", self.disk, timeout=120)
        return root

    # -- looking at it --------------------------------------------------------------------------------------------

    def console(self):
        return self.console_log.read_text(encoding="utf-8", errors="replace") if self.console_log.is_file() else ""

    def story(self):
        lines = self.console().splitlines()[-25:]
        return f"{self.name}, end of its console:\n" + "\n".join("    " + line[:240] for line in lines)

    def expect(self, pattern, bound, unless=r"cfy-seed \S+ FAILED .*"):
        """Until the console says so, from where the last expect() ended; not longer than the bound, nor when it says
        `unless` or the machine goes off. Returns the line."""
        end = time.monotonic() + bound
        while True:
            new = self.console()[self.read_to:]
            found, wrong = re.search(f".*{pattern}.*", new), re.search(unless, new)
            if found and not (wrong and wrong.start() < found.start()):
                self.read_to += found.end()
                return found.group(0)
            if wrong:
                raise Failure(f"{self.name} says: {wrong.group(0)}\n{self.story()}")
            if not self.is_on():
                raise Failure(f"{self.name} went off before it said {pattern!r}\n{self.story()}")
            if time.monotonic() > end:
                raise Failure(f"{self.name} does not say {pattern!r} within {bound} s\n{self.story()}")
            time.sleep(0.3)
