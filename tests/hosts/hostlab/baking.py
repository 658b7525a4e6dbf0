"""What `packer/` of a built tree needs, and what its scripts make without a machine: a layer of a root file system."""

import base64
import hashlib
import json
import os
import shutil

from .system import run

BAKE = "var/tmp/cfy-bake"

# A chroot in which dnf works, in a mount namespace of its own; $1: lower layer, $2: directory with upper, work and root.
CHROOT = """
set -e
mount -t overlay overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" "$2/root"
mount --rbind /dev "$2/root/dev"
mount -t proc proc "$2/root/proc"
shift
exec env SYSTEMD_OFFLINE=1 chroot "$1/root" "${@:2}"
"""


def payload(made, path):
    """The directory payload/ of a box: a signed repository of prerequisites and installer, and its key."""
    for part in ("packages", "keys"):
        (path / part).mkdir(parents=True)
    for rpm in [*(made.www / "os").glob("*.rpm"), made.installer_rpm]:
        shutil.copy(rpm, path / "packages")
    shutil.copy(made.www / "RPM-GPG-KEY", path / "keys")
    run("createrepo_c", "--quiet", path)
    return path


class Packer:
    """Packer with its qemu builder, on a copy of packer/ without the file that Packer 1.6 does not know."""

    def __init__(self, home, tree, disk):
        self.home, self.disk = home, disk
        self.directory = home / "packer"
        shutil.copytree(tree / "packer", self.directory)
        (self.directory / "plugins.pkr.hcl").unlink()
        self.base = home / "base.qcow2"
        run("qemu-img", "convert", "-O", "qcow2", disk / "root.img", self.base, timeout=120)

    def build(self, key, payload, timeout):
        """The disk that Packer makes. The machine is emulated, has no boot loader, and no DHCP client that could ask qemu."""
        network = {"version": 1, "config": [{"type": "physical", "name": "eth0", "subnets": [
            {"type": "static", "address": "10.0.2.15/24", "gateway": "10.0.2.2"}]}]}
        words = ["console=ttyS0", "root=/dev/vda", "quiet", "systemd.show_status=false", "selinux=0", "net.ifnames=0",
                 "network-config=" + base64.b64encode(json.dumps(network).encode()).decode()]
        values = {
            "image": str(self.base),
            "image_checksum": "sha256:" + hashlib.sha256(self.base.read_bytes()).hexdigest(),
            "ssh_private_key": str(key),
            "payload": str(payload),
            "output_directory": str(self.home / "output"),
            "disk_size": "8G",
            "accelerator": "tcg",
            "qemuargs": [["-cpu", "max"], ["-kernel", str(self.disk / "vmlinuz")], ["-initrd", str(self.disk / "initrd")],
                         ["-append", " ".join(words)]],
        }
        file = self.home / "test.pkrvars.hcl"
        file.write_text("".join(f"{name} = {json.dumps(value)}\n" for name, value in values.items()), encoding="ascii")
        print(run("packer", "build", "-color=false", f"-var-file={file}", ".", cwd=self.directory, timeout=timeout,
                  env=os.environ | {"CHECKPOINT_DISABLE": "1", "PACKER_CACHE_DIR": str(self.home / "cache")}), flush=True)
        return next((self.home / "output").iterdir())


class Layer:
    """A root file system that is being baked: what is on top of `lower` is in `upper`."""

    def __init__(self, home, lower):
        self.home, self.lower = home, lower
        for part in ("upper", "work", "root"):
            (home / part).mkdir(parents=True)

    @property
    def upper(self):
        return self.home / "upper"

    def upload(self, *sources):
        """What Packer's file provisioners do."""
        for source in sources:
            target = self.upper / BAKE / source.name
            if source.is_dir():
                shutil.copytree(source, target)
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, target)

    def run(self, *argv, check=True):
        return run("unshare", "--mount", "bash", "-c", CHROOT, "bash", self.lower, self.home, *argv, check=check,
                   timeout=240)

    def script(self, script, *argv, check=True):
        """Runs a script of packer/ as its shell provisioners do: uploaded to /tmp, by root."""
        (self.upper / "tmp").mkdir(exist_ok=True)
        shutil.copy(script, self.upper / "tmp/script.sh")
        return self.run("/bin/bash", "/tmp/script.sh", *argv, check=check)
