"""The scripts that make machines: what they ask of virt-install, qm and govc, and what they leave when they are ended."""

import base64
import gzip
import json
import os
import pathlib
import re
import signal
import stat
import subprocess
import time
import unittest
import xml.etree.ElementTree as ElementTree

import yaml

from bundles import SCRATCH, SHAPES, build, run

TARGETS = "target: [libvirt, proxmox, vsphere]\n"
HERE = pathlib.Path(__file__).resolve().parent


def with_targets(spec):
    """The spec for our targets, whatever it says of them."""
    return re.sub(r"^target:.*\n", "", spec, flags=re.MULTILINE) + TARGETS


def secrets_of(bundle):
    """The words of the vault that nobody may see, and a line of each private key."""
    text = (bundle.vault / "secrets.yaml").read_text(encoding="utf-8")
    words = re.findall(r"""['"]?([A-Za-z0-9]{32})['"]?\s*$""", text, re.MULTILINE)
    keys = [path.read_text(encoding="ascii").splitlines()[3] for path in bundle.vault.rglob("*.key")]
    assert words and keys
    return words + keys


def with_payload(spec):
    """The spec with packages of the payload."""
    return re.sub(r"^os_packages:.*\n", "", with_targets(spec), flags=re.MULTILINE) + "os_packages: {from: payload}\n"


class Tree:
    """The built tree of a shape for these targets; each once."""

    made = {}

    def __new__(cls, shape, change=with_targets):
        key = (shape, change)
        if key not in cls.made:
            tree = super().__new__(cls)
            tree.bundle = build(shape, SCRATCH / change.__name__ / shape, change)
            cls.made[key] = tree
        return cls.made[key]

    @property
    def root(self):
        return self.bundle.tree

    def lines(self, kind):
        head, *lines = (self.root / kind / "hosts.tsv").read_text(encoding="utf-8").splitlines()
        names = head.lstrip("#").split("\t")
        return [dict(zip(names, line.split("\t"), strict=True)) for line in lines]

    def secrets(self):
        return secrets_of(self.bundle)


class Fakes:
    """Stand-ins of a hypervisor's programs, which keep what they were asked and what would be there."""

    def __init__(self, name):
        self.home = SCRATCH / "fakes" / name
        self.bin = self.home / "bin"
        self.bin.mkdir(parents=True)
        (self.home / "isos").mkdir()
        for program in ("qm", "pvesm", "govc", "virsh", "virt-install", "qemu-img"):
            (self.bin / program).symlink_to(HERE / "hypervisor")
        self.image = self.home / "el8.qcow2"
        self.image.write_bytes(b"image")

    def medium(self, label="CFYPAYLOAD"):
        """The head of a medium, by xorriso, so that a script that looks for the label is not asked by its own notion of it."""
        path = self.home / "golden-7.0.4.payload.iso"
        (self.home / "payload").mkdir(exist_ok=True)
        (self.home / "payload/SHA256SUMS").write_text("digests\n", encoding="ascii")
        path.unlink(missing_ok=True)
        run("xorriso", "-as", "mkisofs", "-quiet", "-R", "-V", label, "-o", path, self.home / "payload")
        return path

    def command(self, script, *argv):
        environment = os.environ | {"PATH": f"{self.bin}:{os.environ['PATH']}", "FAKE_HYPERVISOR": str(self.home)}
        return [str(script), *map(str, argv)], environment

    def run(self, script, *argv, check=True):
        command, environment = self.command(script, *argv)
        return run(*command, env=environment, check=check, stdin=subprocess.DEVNULL)

    def interrupted(self, at, script, *argv):
        """Ctrl-C while the fake that is asked `at` is at work; what the script ended with."""
        (self.home / "hang").write_text(at, encoding="ascii")
        command, environment = self.command(script, *argv)
        with subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, start_new_session=True) as process:
            end = time.monotonic() + 30
            while not (self.home / "hangs").exists():
                assert time.monotonic() < end and process.poll() is None, "it never came so far"
                time.sleep(0.05)
            os.killpg(process.pid, signal.SIGINT)
            status = process.wait(30)
        for name in ("hang", "hangs"):
            (self.home / name).unlink()
        return status

    def calls(self):
        return [json.loads(line) for line in (self.home / "calls").read_text(encoding="utf-8").splitlines()]

    def asked(self, *words):
        return [call for call in self.calls() if call[:len(words)] == list(words)]

    def machines(self):
        return sorted(path.name for path in (self.home / "machines").iterdir())


def without_target(user_data):
    """user-data without what a host says of the target after READY, and so without the digests of that."""
    config = yaml.safe_load(user_data)
    for entry in config["write_files"]:
        if entry["path"].endswith("/secret/plan"):
            entry["content"] = re.sub(r"^scrub\t.*$", "", entry["content"], flags=re.MULTILINE)
        elif entry["path"].endswith("/seed.sha256"):
            entry["content"] = re.sub(r"^\w+(  \S+/secret/plan)$", r"\1", entry["content"], flags=re.MULTILINE)
    return config


def option(call, name):
    return call[call.index(name) + 1]


class Hypervisors(unittest.TestCase):
    def check_no_secret(self, tree, fakes):
        words = tree.secrets()
        for call in fakes.calls():
            self.assertFalse([word for word in words if any(word in argument for argument in call)], call[:3])

    def test_the_tables_name_every_host_once(self):
        for shape in SHAPES:
            tree = Tree(shape)
            for kind in ("libvirt", "proxmox", "vsphere"):
                with self.subTest(shape=shape, kind=kind):
                    lines = tree.lines(kind)
                    hosts = {host["name"]: host for host in tree.bundle.spec["hosts"]}
                    self.assertEqual([line["host"] for line in lines], list(hosts))
                    for line in lines:
                        host = hosts[line["host"]]
                        self.assertEqual(line["address"], host["private_ip"])
                        self.assertEqual(line["mac"], host.get("mac", "-").lower())
                        self.assertEqual(line["machine"], f"{tree.root.name}-{line['host']}")
                        self.assertTrue(all(int(line[key]) > 0 for key in ("vcpus", "memory_mb", "disk_gb")))
                    text = "".join(path.read_text(encoding="utf-8") for path in (tree.root / kind).iterdir())
                    self.assertFalse([word for word in tree.secrets() if word in text])

    def test_sizes_are_those_of_the_vendor(self):
        sizes = {line["host"]: (line["vcpus"], line["memory_mb"], line["disk_gb"]) for line in Tree("nine-node").lines("proxmox")}
        self.assertEqual(sizes["db-1"], ("2", "16384", "64"))
        self.assertEqual(sizes["broker-1"], ("2", "4096", "32"))
        self.assertEqual(sizes["manager-1"], ("4", "8192", "32"))

    # -- Proxmox VE ---------------------------------------------------------------------------------------------------

    PROXMOX = ("--storage", "local-lvm", "--first-id", "7000")

    def test_proxmox_makes_every_host_once(self):
        tree, fakes = Tree("nine-node"), Fakes("proxmox")
        create = tree.root / "proxmox/create"
        for _ in range(2):
            told = fakes.run(create, "--image", fakes.image, *self.PROXMOX)
        lines = tree.lines("proxmox")
        self.assertEqual(told.stdout.count("it is left as it is"), len(lines))
        self.assertEqual([(call[2], option(call, "--name")) for call in fakes.asked("qm", "create")],
                         [(str(7000 + at), line["machine"]) for at, line in enumerate(lines)])
        self.assertEqual([call[2] for call in fakes.asked("qm", "start")], [str(7000 + at) for at in range(len(lines))])
        for at, (line, call) in enumerate(zip(lines, fakes.asked("qm", "create"), strict=True)):
            self.assertEqual((option(call, "--cores"), option(call, "--memory")), (line["vcpus"], line["memory_mb"]))
            mac = "" if line["mac"] == "-" else f"={line['mac']}"
            self.assertEqual(option(call, "--net0"), f"virtio{mac},bridge=vmbr0")
            self.assertEqual(option(call, "--rng0"), "source=/dev/urandom")
            drives = next(call for call in fakes.asked("qm", "set", str(7000 + at)) if "--scsi0" in call)
            self.assertEqual(option(drives, "--scsi0"), f"local-lvm:0,import-from={fakes.image}")
            self.assertEqual(option(drives, "--ide2"), f"local:iso/{line['machine']}-seed.iso,media=cdrom")
            seed = fakes.home / "isos" / f"{line['machine']}-seed.iso"
            self.assertEqual(seed.read_bytes(), (tree.root / "hosts" / line["host"] / "seed.iso").read_bytes())
            self.assertEqual(stat.S_IMODE(seed.stat().st_mode), 0o600)
        self.check_no_secret(tree, fakes)

    def test_proxmox_takes_no_id_of_somebody_else(self):
        tree, fakes = Tree("nine-node"), Fakes("proxmox-other")
        fakes.run(fakes.bin / "qm", "create", "7001", "--name", "somebody", "--tags", "x")
        create = tree.root / "proxmox/create"
        told = fakes.run(create, "--image", fakes.image, *self.PROXMOX, check=False)
        self.assertEqual(told.returncode, 1)
        self.assertIn("the id 7001 belongs to another machine", told.stdout)
        self.assertEqual(len(fakes.asked("qm", "destroy")), 0)

    def test_proxmox_makes_the_named_hosts_with_the_ids_of_the_whole_list(self):
        tree, fakes = Tree("nine-node"), Fakes("proxmox-some")
        create = tree.root / "proxmox/create"
        fakes.run(create, "--image", fakes.image, *self.PROXMOX, "broker-1")
        self.assertEqual([(call[2], option(call, "--name")) for call in fakes.asked("qm", "create")],
                         [("7003", f"{tree.root.name}-broker-1")])
        told = fakes.run(create, "--image", fakes.image, *self.PROXMOX, "broker", check=False)
        self.assertIn("hosts.tsv has no host broker", told.stdout)

    def test_proxmox_leaves_no_half_made_machine(self):
        tree, fakes = Tree("nine-node"), Fakes("proxmox-cut")
        create = tree.root / "proxmox/create"
        self.assertEqual(fakes.interrupted("qm set 7001", create, "--image", fakes.image, *self.PROXMOX), 130)
        self.assertEqual([call[2] for call in fakes.asked("qm", "destroy")], ["7001"])
        self.assertEqual(fakes.machines(), ["7000"])
        fakes.run(create, "--image", fakes.image, *self.PROXMOX)
        self.assertEqual(len(fakes.machines()), len(tree.lines("proxmox")))

    def test_proxmox_tells_of_what_a_killed_run_left(self):
        tree, fakes = Tree("nine-node"), Fakes("proxmox-killed")
        name = tree.lines("proxmox")[0]["machine"]
        fakes.run(fakes.bin / "qm", "create", "7000", "--name", name, "--tags", "cfy-seed-unfinished")
        told = fakes.run(tree.root / "proxmox/create", "--image", fakes.image, *self.PROXMOX, check=False)
        self.assertEqual((told.returncode, fakes.asked("qm", "start")), (1, []))
        self.assertIn("qm destroy 7000", told.stdout)

    # -- the payload --------------------------------------------------------------------------------------------------

    def scripts(self, fakes):
        """The scripts with their options."""
        return {"proxmox": ("--image", fakes.image, *self.PROXMOX), "vsphere": self.VSPHERE, "libvirt": self.libvirt(fakes)}

    def placed(self, kind, fakes):
        """Where the script of this kind puts the medium."""
        home = {"proxmox": "isos", "vsphere": "store", "libvirt": "disks"}[kind]
        return fakes.home / home / "golden-7.0.4.payload.iso"

    def attached(self, kind, fakes):
        """The machines that got the medium as a drive, in their order."""
        if kind == "proxmox":
            return [call[2] for call in fakes.asked("qm", "set")
                    if "--ide0" in call and option(call, "--ide0") == "local:iso/golden-7.0.4.payload.iso,media=cdrom"]
        if kind == "vsphere":
            return [option(call, "-vm") for call in fakes.asked("govc", "device.cdrom.insert")
                    if call[-1] == "golden-7.0.4.payload.iso" and option(call, "-device") == "cdrom-3000"]
        drive = f"path={fakes.home}/disks/golden-7.0.4.payload.iso,device=cdrom,bus=sata,readonly=on"
        return [option(call, "--name") for call in fakes.asked("virt-install")
                if any(word.startswith(drive) for word in call)]

    def test_every_machine_gets_the_medium_that_is_brought_once(self):
        for kind in ("proxmox", "vsphere", "libvirt"):
            with self.subTest(kind=kind):
                tree, fakes = Tree("nine-node", with_payload), Fakes(f"payload-{kind}")
                medium, given = fakes.medium(), self.scripts(fakes)[kind]
                for _ in range(2):
                    told = fakes.run(tree.root / kind / "create", *given, "--payload", medium)
                    self.assertNotIn("no --payload is given", told.stdout)
                names = [line["machine"] for line in tree.lines(kind)]
                ids = [str(7000 + at) for at in range(len(names))]
                self.assertEqual(self.attached(kind, fakes), ids if kind == "proxmox" else names)
                self.assertEqual(self.placed(kind, fakes).read_bytes(), medium.read_bytes())
                self.assertLessEqual(len(fakes.asked("govc", "datastore.upload")), 1)
                self.assertFalse([path for path in self.placed(kind, fakes).parent.iterdir() if path.suffix == ".part"])
                self.check_no_secret(tree, fakes)

    def test_a_medium_that_is_another_is_not_overwritten(self):
        for kind in ("proxmox", "libvirt"):
            with self.subTest(kind=kind):
                tree, fakes = Tree("nine-node", with_payload), Fakes(f"payload-other-{kind}")
                medium, given = fakes.medium(), self.scripts(fakes)[kind]
                other = self.placed(kind, fakes)
                other.write_bytes(b"somebody's")
                told = fakes.run(tree.root / kind / "create", *given, "--payload", medium, check=False)
                self.assertEqual((told.returncode, fakes.machines() if (fakes.home / "machines").exists() else []), (1, []))
                self.assertIn(f"{other} is there and is another", told.stdout)
                self.assertEqual(other.read_bytes(), b"somebody's")

    def test_what_is_no_medium_of_a_payload_is_refused(self):
        for kind in ("proxmox", "vsphere", "libvirt"):
            with self.subTest(kind=kind):
                tree, fakes = Tree("nine-node", with_payload), Fakes(f"payload-wrong-{kind}")
                given, create = self.scripts(fakes)[kind], tree.root / kind / "create"
                seed = tree.root / "hosts/db-1/seed.iso"
                for wrong in (seed, fakes.medium("CFYPAYLOAD2"), fakes.image):
                    told = fakes.run(create, *given, "--payload", wrong, check=False)
                    self.assertEqual(told.returncode, 1)
                    self.assertIn(f"{wrong} is no medium of a payload", told.stdout)
                told = fakes.run(create, *given, "--payload", fakes.home / "none.iso", check=False)
                self.assertIn("none.iso cannot be read", told.stdout)
                self.assertFalse((fakes.home / "machines").exists() and fakes.machines())

    def test_hosts_that_will_wait_for_the_payload_are_told_of(self):
        said = "All hosts install packages from the payload, and no --payload is given."
        for kind in ("proxmox", "vsphere", "libvirt"):
            with self.subTest(kind=kind):
                tree, fakes = Tree("nine-node", with_payload), Fakes(f"payload-none-{kind}")
                told = fakes.run(tree.root / kind / "create", *self.scripts(fakes)[kind])
                # At the beginning, when there is time to stop it, and at the end, where it is read.
                lines = told.stdout.splitlines()
                self.assertEqual((lines[0], lines[-3]), (f"create: {said}", f"create: {said}"))
                self.assertIn("CFY-G023", told.stdout)
                self.assertEqual(len(fakes.machines()), len(tree.lines(kind)))
                self.assertEqual(self.attached(kind, fakes), [])
                plain, others = Tree("nine-node"), Fakes(f"payload-not-{kind}")
                told = others.run(plain.root / kind / "create", *self.scripts(others)[kind])
                self.assertNotIn("payload", told.stdout)

    def test_half_of_a_medium_is_none(self):
        tree, fakes = Tree("nine-node", with_payload), Fakes("payload-cut")
        create, medium = tree.root / "vsphere/create", fakes.medium()
        status = fakes.interrupted("govc datastore.mv", create, *self.VSPHERE, "--payload", medium)
        self.assertEqual((status, list((fakes.home / "store").iterdir())), (130, []))
        fakes.run(create, *self.VSPHERE, "--payload", medium)
        self.assertEqual(self.placed("vsphere", fakes).read_bytes(), medium.read_bytes())

    # -- vSphere ------------------------------------------------------------------------------------------------------

    VSPHERE = ("--template", "el8", "--datastore", "store", "--network", "VM Network", "--cluster", "c1")

    def test_vsphere_makes_every_host_once(self):
        tree, fakes = Tree("nine-node"), Fakes("vsphere")
        create = tree.root / "vsphere/create"
        for _ in range(2):
            told = fakes.run(create, *self.VSPHERE)
        lines = tree.lines("vsphere")
        self.assertEqual(told.stdout.count("it is left as it is"), len(lines))
        self.assertEqual([call[-1] for call in fakes.asked("govc", "vm.clone")], [line["machine"] for line in lines])
        self.assertEqual([call[3:] for call in fakes.asked("govc", "vm.power")], [[line["machine"] for line in lines]])
        for line, clone in zip(lines, fakes.asked("govc", "vm.clone"), strict=True):
            self.assertEqual((option(clone, "-c"), option(clone, "-m"), option(clone, "-net")),
                             (line["vcpus"], line["memory_mb"], "VM Network"))
            self.assertIn("-on=false", clone)
            self.assertEqual("-net.address" in clone, line["mac"] != "-")
            change = next(call for call in fakes.asked("govc", "vm.change", "-vm", line["machine"]))
            self.assertIn("disk.enableUUID=TRUE", change)
            self.check_guestinfo(tree, line, change)
        self.check_no_secret(tree, fakes)

    def check_guestinfo(self, tree, line, change):
        """What the datasource VMware gets: the host's user-data, its name and its network."""
        pairs = dict(word.split("=", 1) for word in change if "guestinfo." in word)
        told = {}
        for key in ("userdata", "metadata"):
            self.assertEqual(pairs[f"guestinfo.{key}.encoding"], "gzip+base64")
            path = pathlib.Path(pairs[f"guestinfo.{key}"])
            self.assertTrue(path.is_absolute())
            self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
            told[key] = gzip.decompress(base64.b64decode(path.read_bytes())).decode()
        seed = (tree.root / "hosts" / line["host"] / "user-data").read_text(encoding="utf-8")
        self.assertEqual(without_target(told["userdata"]), without_target(seed))
        network = (tree.root / "hosts" / line["host"] / "network-config").read_text(encoding="utf-8")
        metadata = yaml.safe_load(told["metadata"])
        self.assertEqual(metadata["network"], yaml.safe_load(network))
        self.assertIn(f"-{line['host']}-g", metadata["instance-id"])

    def test_vsphere_keeps_hosts_of_one_kind_apart(self):
        tree, fakes = Tree("nine-node"), Fakes("vsphere-rules")
        for _ in range(2):
            fakes.run(tree.root / "vsphere/create", *self.VSPHERE)
        rules = fakes.asked("govc", "cluster.rule.create")
        apart = sorted(sorted(call[call.index("-anti-affinity") + 1:]) for call in rules)
        prefix = tree.root.name
        self.assertEqual(apart, [[f"{prefix}-{kind}-{n}" for n in (1, 2, 3)] for kind in ("broker", "db", "manager")])
        first = fakes.calls().index(rules[0])
        self.assertLess(first, fakes.calls().index(fakes.asked("govc", "vm.power")[0]))

    def test_vsphere_leaves_no_half_made_machine(self):
        tree, fakes = Tree("nine-node"), Fakes("vsphere-cut")
        create, lines = tree.root / "vsphere/create", tree.lines("vsphere")
        second = lines[1]["machine"]
        self.assertEqual(fakes.interrupted(f"govc vm.change -vm {second}", create, *self.VSPHERE), 130)
        self.assertEqual([call[2] for call in fakes.asked("govc", "vm.destroy")], [second])
        self.assertEqual(fakes.machines(), [lines[0]["machine"]])
        fakes.run(create, *self.VSPHERE)
        self.assertEqual(len(fakes.machines()), len(lines))

    # -- libvirt ------------------------------------------------------------------------------------------------------

    def libvirt(self, fakes, *more):
        disks = fakes.home / "disks"
        disks.mkdir(exist_ok=True)
        return ("--image", fakes.image, "--directory", disks, *more)

    def test_libvirt_makes_every_host_once(self):
        tree, fakes = Tree("nine-node"), Fakes("libvirt")
        create = tree.root / "libvirt/create"
        for _ in range(2):
            told = fakes.run(create, *self.libvirt(fakes))
        lines = tree.lines("libvirt")
        self.assertEqual(told.stdout.count("it is left as it is"), len(lines))
        self.assertEqual([option(call, "--name") for call in fakes.asked("virt-install")], [line["machine"] for line in lines])
        for line in lines:
            seed = fakes.home / "disks" / f"{line['machine']}-seed.iso"
            self.assertEqual(seed.read_bytes(), (tree.root / "hosts" / line["host"] / "seed.iso").read_bytes())
            self.assertEqual(stat.S_IMODE(seed.stat().st_mode), 0o600)
            self.assertIn(["qemu-img", "resize", "-q", "-f", "qcow2", f"{fakes.home}/disks/{line['machine']}.qcow2.part",
                           f"{line['disk_gb']}G"], fakes.calls())
        self.check_no_secret(tree, fakes)

    def test_libvirt_leaves_nothing_half_made_and_overwrites_no_disk(self):
        tree, fakes = Tree("nine-node"), Fakes("libvirt-cut")
        create, lines = tree.root / "libvirt/create", tree.lines("libvirt")
        second = lines[1]["machine"]
        status = fakes.interrupted(f"virt-install --connect qemu:///system --name {second}", create, *self.libvirt(fakes))
        self.assertEqual(status, 130)
        left = sorted(path.name for path in (fakes.home / "disks").iterdir())
        self.assertEqual(left, [f"{lines[0]['machine']}-seed.iso", f"{lines[0]['machine']}.qcow2"])
        other = fakes.home / "disks" / f"{second}.qcow2"
        other.write_bytes(b"somebody's")
        told = fakes.run(create, *self.libvirt(fakes), check=False)
        self.assertIn(f"{other} is there", told.stdout)
        self.assertEqual(other.read_bytes(), b"somebody's")

    def test_libvirt_domains_are_what_virt_install_makes(self):
        tree, some = Tree("nine-node"), ("db-1", "manager-1", "balancer")     # virt-install takes seconds for each
        told = run(tree.root / "libvirt/create", "--dry-run", "--connect", "test:///default", *some)
        made = ElementTree.fromstring(f"<all>{told.stdout}</all>").findall("domain")
        self.assertEqual([domain.find("name").text for domain in made], [f"{tree.root.name}-{name}" for name in some])
        for name, domain in zip(some, made, strict=True):
            self.assertEqual(facts(ElementTree.parse(tree.root / "libvirt" / f"{name}.xml").getroot()), facts(domain))

    def test_libvirt_domains_have_the_medium_where_virt_install_gives_it(self):
        tree = Tree("nine-node", with_payload)
        medium = SCRATCH / "golden-7.0.4.payload.iso"
        told = run(tree.root / "libvirt/create", "--dry-run", "--connect", "test:///default", "--payload", medium, "db-1")
        made, file = ElementTree.fromstring(told.stdout), tree.root / "libvirt/db-1.xml"
        run("virt-xml-validate", file, "domain")
        ours = ElementTree.parse(file).getroot()
        self.assertEqual(facts(ours), facts(made))
        self.assertEqual(len(facts(ours)[2]), 3)

    def test_libvirt_domains_are_valid_and_those_of_the_table(self):
        for shape in SHAPES:
            tree = Tree(shape)
            for line in tree.lines("libvirt"):
                with self.subTest(shape=shape, host=line["host"]):
                    file = tree.root / "libvirt" / f"{line['host']}.xml"
                    run("virt-xml-validate", file, "domain")
                    ours = ElementTree.parse(file).getroot()
                    self.assertEqual(ours.find("name").text, line["machine"])
                    self.assertEqual(ours.find("memory").text, line["memory_mb"])
                    self.assertEqual(ours.find("vcpu").text, line["vcpus"])
                    mac = ours.find("devices/interface/mac")
                    self.assertEqual("-" if mac is None else mac.get("address"), line["mac"])


def facts(domain):
    """What a host meets: drives with their sources, the network, the console's log, entropy."""
    drives = [(disk.get("device"), disk.find("source").get("file"), disk.find("target").get("bus"),
               disk.find("readonly") is not None) for disk in domain.findall("devices/disk")]
    network = domain.find("devices/interface")
    log = domain.find("devices/serial/log")
    rng = domain.find("devices/rng")
    memory = int(domain.find("memory").text) * {"MiB": 1024, None: 1}[domain.find("memory").get("unit")]
    return (memory, domain.find("vcpu").text, drives, network.find("source").get("network"),
            network.find("model").get("type"), log.get("file"), log.get("append"), rng.get("model"), rng.find("backend").text)


if __name__ == "__main__":
    unittest.main()
