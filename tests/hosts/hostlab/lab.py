"""A set of hosts on one bridge, made from a built tree. Everything of it lives below <cache>/runs/<name>."""

import hashlib
import json
import os
import time
from pathlib import Path

from . import artefacts, cgroups, network
from .host import Host
from .system import REPOSITORY, Failure, cache

INOTIFY = 1024


def make_room():
    """Every systemd takes about ten of the kernel's inotify instances, of which one user has 128 where nobody cared:
    without one it ends at once, and says nothing."""
    limit = Path("/proc/sys/fs/inotify/max_user_instances")
    if int(limit.read_text(encoding="ascii")) < INOTIFY:
        limit.write_text(f"{INOTIFY}\n", encoding="ascii")


class Lab:
    def __init__(self, name="default"):
        # two checkouts may run the same test at the same time
        checkout = hashlib.sha256(str(REPOSITORY).encode()).hexdigest()[:5]
        self.prefix = f"cfyt-{name}-{checkout}"
        self.home = cache() / "runs" / f"{name}-{checkout}"
        self.hosts, self.bridge = {}, None
        if (self.home / "hosts").is_dir():
            for home in sorted((self.home / "hosts").iterdir()):
                self.hosts[home.name] = Host(home.name, home, self.prefix)

    def host(self, name):
        if name not in self.hosts:
            raise Failure(f"no host {name} here; there are: {', '.join(self.hosts) or 'none'}")
        return self.hosts[name]

    def up(self, tree, image=False, addresses=None, only=None, platform="el8", www=None, layers=None, serve=True):
        """Make the hosts of a built tree `<out>/<cluster>`, switched off, with the network and the web server on.

        image: the OS prerequisites are in the image already. addresses: {host: address} for seeds without a static
        one. only: these hosts of the tree. platform: what os-release says; the programs stay those of the image. www:
        what the web server serves instead of the repositories. layers: what hosts stand on, topmost first, in the place of
        the image. serve: whether there is a web server at all.
        """
        self.down()
        make_room()
        made = artefacts.ensure()
        seeds = {path.parent.name: path for path in sorted((tree / "hosts").glob("*/seed.iso"))}
        if only:
            seeds = {name: seeds[name] for name in only}
        if not seeds:
            raise Failure(f"no hosts/*/seed.iso in {tree}")
        lower = layers or ([made.image_layer, made.rootfs] if image else [made.rootfs])
        for name, seed in seeds.items():
            host = self.hosts[name] = Host(name, self.home / "hosts" / name, self.prefix)
            host.create(lower, seed, platform)
        known = {name: (addresses or {}).get(name) or host.static_address() for name, host in self.hosts.items()}
        unknown = [name for name, address in known.items() if not address]
        if unknown:
            raise Failure(f"no address in the seed of {', '.join(unknown)}; give one with --address HOST=IP")
        bridge = self.bridge = network.Bridge(self.prefix, next(iter(known.values())))
        bridge.up()
        for port, (name, host) in enumerate(self.hosts.items()):
            host.lease(known[name])
            bridge.plug(host.namespace, port, host.mac())
        if serve:
            bridge.serve(www or made.www, self.home / "http.log")

    def boot(self, *names):
        for name in names or self.hosts:
            self.host(name).boot()

    def cut(self, name):
        """A power cut that peers meet as silence: the port of the switch goes down first (gates.md, "Method")."""
        self.bridge.connect(list(self.hosts).index(name), on=False)
        self.host(name).cut()

    def power(self, name):
        """Power is back."""
        self.bridge.connect(list(self.hosts).index(name))
        self.host(name).boot()

    def wait(self, bound=600, names=None, say=print):
        """Until every host is READY. FAILED anywhere, or the bound, is a Failure that tells the story."""
        start, seen = time.monotonic(), {}
        waiting = {name: self.host(name) for name in names or self.hosts}
        while True:
            for name, host in waiting.items():
                status = host.status()
                line = " ".join(str(status.get(key) or "") for key in ("state", "phase", "role", "code")).strip()
                if line != seen.get(name):
                    seen[name] = line
                    say(f"{time.monotonic() - start:6.1f} s  {name}: {line or 'no status yet'}")
            failed = [name for name in waiting if seen[name].startswith("FAILED")]
            if failed:
                raise Failure("\n".join(self.story(name) for name in failed))
            if all(seen[name].startswith("READY") for name in waiting):
                return time.monotonic() - start
            if time.monotonic() - start > bound:
                late = [name for name in waiting if not seen[name].startswith("READY")]
                raise Failure(f"not READY after {bound} s:\n" + "\n".join(self.story(name) for name in late))
            time.sleep(0.5)

    def story(self, name):
        host = self.host(name)
        console = "\n".join("    " + line[:240] for line in host.console().splitlines()[-6:])
        return f"  {name}: {json.dumps(host.status())}\n    console:\n{console}"

    def down(self):
        """Leave nothing: works on what a killed run left, too."""
        for group in cgroups.named(self.prefix + "-"):
            group.kill()
        for host in self.hosts.values():
            host.destroy()
        self.hosts = {}
        if network.NAMESPACES.is_dir():
            for name in os.listdir(network.NAMESPACES):
                if name.startswith(self.prefix + "-"):
                    network.remove_namespace(name)
        artefacts.remove_tree(self.home)
