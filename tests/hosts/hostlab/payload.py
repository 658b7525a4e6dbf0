"""The payload of a cluster as an operator makes it: `cfy-seed payload add`, the box, the image of it, and what hosts get."""

import re

from .artefacts import remove_tree
from .checking import cfy_seed
from .system import REPOSITORY, run

PLACE = "media/cfypayload"


def fill(directory, layers, *files):
    """`payload add` beside directory/cluster.yaml: packages, keys, and what hosts have that stand on these layers."""
    documented = re.search(r"rpm -qa --qf '([^']+)'", (REPOSITORY / "docs/payload.md").read_text(encoding="utf-8"))
    empty, root = directory / "empty", directory / "image"
    for made in (empty, root):
        made.mkdir()
    # without an upper layer overlayfs wants two
    lower = ":".join(map(str, [*layers, empty]))
    script = 'mount -t overlay overlay -o "lowerdir=$1" "$2" && chroot "$2" rpm -qa --qf "$3"'
    found = run("unshare", "--mount", "bash", "-c", script, "bash", lower, root, documented.group(1))
    (directory / "image.list").write_text(found, encoding="utf-8")
    run(cfy_seed(), "payload", "add", directory / "image.list", *files, cwd=directory)


def box(directory):
    """Build the box of directory/cluster.yaml and unpack it elsewhere; its root."""
    print(run(cfy_seed(), "build", "--offline", directory / "cluster.yaml", "--out", directory / "out", "--vault",
              directory / "vault", cwd=directory, timeout=120), end="")
    archive = next((directory / "out").glob("*.tar.gz"))
    room = directory / "room"
    room.mkdir()
    run("tar", "-C", room, "-xzf", archive)
    return next(room.iterdir())


def iso(root):
    """The image of an unpacked box's payload, by the program in the box."""
    image = root.parent.parent / "payload.iso"
    run(root / "cfy-seed", "payload", "iso", root / "payload", "--out", image, timeout=120)
    return image


def attach(host, image):
    """The payload as a directory of a host that is off: this kernel may have no iso9660, so it is unpacked."""
    place = host.root / PLACE
    remove_tree(place)
    place.mkdir(parents=True)
    run("xorriso", "-osirrox", "on", "-indev", image, "-extract", "/", place)
    return place
