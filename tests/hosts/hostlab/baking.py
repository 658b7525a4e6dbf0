"""What `packer/` of a built tree needs, and what its scripts make without a machine: a layer of a root file system."""

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
