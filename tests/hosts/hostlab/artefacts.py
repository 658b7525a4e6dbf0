"""What every run shares: RPM repositories and the root file system, cached by the digest of their recipes."""

import fcntl
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .system import HERE, cache, digest, run


@dataclass(frozen=True)
class Artefacts:
    rootfs: Path       # lower directory of every host: a minimal EL8-like image
    image_layer: Path  # goes on top of it where the image "has" the OS prerequisites
    www: Path          # what the repository server serves: os/, cloudify/, RPM-GPG-KEY

    @property
    def installer_rpm(self):
        return next((self.www / "cloudify").glob("cloudify-manager-install-7.0.4-*.rpm"))


@contextmanager
def locked(directory):
    with open(directory / ".lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def made_once(name, recipe, make):
    """The directory `<cache>/<name>-<recipe>`, made by `make(path)` if it is not there yet."""
    final = cache() / f"{name}-{recipe}"
    if not final.is_dir():
        draft = cache() / f".draft-{name}"
        remove_tree(draft)
        print(f"building {name} (once, then cached in {final.parent})", flush=True)
        make(draft)
        draft.rename(final)
        forget_older(name, final)
    return final


def remove_tree(path):
    if path.exists():
        run("rm", "-rf", "--one-file-system", path, timeout=120)


def forget_older(name, keep):
    """Older builds are of no use to anybody, unless a run still stands on them."""
    runs = cache() / "runs"
    if runs.is_dir() and any(runs.iterdir()):
        return
    for old in cache().glob(f"{name}-*"):
        if old != keep and old.name.removeprefix(f"{name}-").isalnum():
            remove_tree(old)


def ensure():
    """Build what is missing or out of date."""
    run(HERE / "install-tools", timeout=600)
    rpm_recipe = digest(HERE / "rpms", HERE / "standin")
    base_recipe = digest(HERE / "rootfs", HERE / "rpms" / "base-packages.txt", HERE / "rpms" / "build")
    image_recipe = digest(HERE / "rootfs", HERE / "rpms" / "base-packages.txt", HERE / "rpms" / "build",
                          HERE / "rpms" / "os-packages.txt")
    with locked(cache()):
        rpms = made_once("rpms", rpm_recipe, lambda path: run(HERE / "rpms" / "build", path, timeout=120))
        rootfs = made_once("rootfs", base_recipe, lambda path: build_rootfs(path, rpms))
        layer = made_once("image", image_recipe, lambda path: build_image_layer(path, rootfs, rpms))
    return Artefacts(rootfs, layer / "upper", rpms / "www")


def ensure_disk(bare=False):
    """What ensure() makes, and <disk>/{root.img,vmlinuz,initrd}: the same layers as a disk that a machine boots from; a
    bare one has no OS prerequisites."""
    made = ensure()
    run(HERE / "install-qemu", timeout=600)
    recipe = digest(HERE / "disk", HERE / "rootfs", *(HERE / "rpms" / name for name in (
        "base-packages.txt", "build", "os-packages.txt")))
    with locked(cache()):
        layers = [made.rootfs] if bare else [made.image_layer, made.rootfs]
        disk = made_once("bare-disk" if bare else "disk", recipe,
                         lambda path: run(HERE / "disk" / "build", path, *layers, timeout=300))
    return made, disk


def build_rootfs(path, rpms):
    path.mkdir()
    run(HERE / "rootfs" / "build", path, *sorted((rpms / "base").glob("*.rpm")), timeout=900)


def build_image_layer(path, rootfs, rpms):
    """An overlay layer in which the OS prerequisites are installed."""
    for part in ("upper", "work", "root"):
        (path / part).mkdir(parents=True)
    packages = path / "upper" / "os-rpms"
    packages.mkdir()
    for rpm in (rpms / "www" / "os").glob("*.rpm"):
        shutil.copy(rpm, packages)
    script = ('mount -t overlay overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" "$2/root" && '
              'chroot "$2/root" sh -c "rpm -U --nosignature /os-rpms/*.rpm" && rm -r "$2/root/os-rpms"')
    run("unshare", "--mount", "bash", "-c", script, "bash", rootfs, path, timeout=120)
