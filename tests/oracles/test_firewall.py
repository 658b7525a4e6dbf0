"""What the driver asks of firewalld, answered by firewalld's own parser of its command line and rules."""

import csv
import pathlib
import unittest
import xml.etree.ElementTree as ElementTree

from bundles import ROOT, SCRATCH, bundle, run

# The driver without its last lines, which run a command; firewall-cmd needs a running firewalld, its offline twin does not.
PROGRAM = r"""
set -eE -o pipefail
source <(sed '/^case \$1 in$/,$d' "$1")
S=$2 L=$2
systemctl() { [[ $* == 'is-active --quiet firewalld' ]]; }
problem() { echo "PROBLEM $*"; }
firewall-cmd() {
  local words=()
  for word; do [[ $word == --permanent ]] || words+=("$word"); done
  [[ $* != *--permanent* ]] || firewall-offline-cmd --system-config="$S/firewalld" "${words[@]}"
}
load_plan
open_ports
"""


def rules(zone):
    """{(port, source or None)} of the accepting rich rules."""
    found = set()
    for rule in ElementTree.parse(zone).getroot().findall("rule"):
        assert rule.find("accept") is not None and rule.find("port").get("protocol") == "tcp"
        source = rule.find("source")
        found.add((int(rule.find("port").get("port")), None if source is None else source.get("address")))
    return found


class Firewalld(unittest.TestCase):
    def open_ports(self, host):
        home = SCRATCH / "firewalld" / host.name
        (home / "firewalld/zones").mkdir(parents=True)
        (home / "firewalld/firewalld.conf").write_text("DefaultZone=public\n", encoding="ascii")
        (home / "plan").write_text(host.files["/var/lib/cfy-seed/secret/plan"], encoding="utf-8")
        told = run("bash", "-c", PROGRAM, "bash", ROOT / "templates/guest/cfy-firstboot", home, cwd=pathlib.Path("/"))
        self.assertNotIn("PROBLEM", told.stdout)
        return rules(home / "firewalld/zones/public.xml")

    def test_opens_ports_to_members_or_to_everybody(self):
        hosts = bundle("nine-node")
        everybody = [fields[0] for fields in hosts.host("db-1").records("member")]
        self.assertEqual(self.open_ports(hosts.host("db-1")),
                         {(port, ip) for port in (2379, 2380, 5432, 8008, 8009) for ip in everybody})
        manager = self.open_ports(hosts.host("manager-1"))
        self.assertIn((443, None), manager)
        self.assertIn((53333, None), manager)
        self.assertEqual({ip for port, ip in manager if port == 22000}, set(everybody))
        self.assertNotIn(5432, {port for port, _ in manager})

    def test_reads_the_services_for_firewalls_between_the_hosts(self):
        home = SCRATCH / "firewalld" / "services"
        home.mkdir(parents=True)
        (home / "firewalld.conf").write_text("DefaultZone=public\n", encoding="ascii")
        firewalld = lambda *words: run("firewall-offline-cmd", f"--system-config={home}", *words).stdout.split()
        with (bundle("nine-node").tree / "firewall/ports.csv").open(encoding="utf-8", newline="") as file:
            table = list(csv.DictReader(file))
        roles = {host.name: host.records("role")[0][1] for host in bundle("nine-node").hosts}
        services = sorted((bundle("nine-node").tree / "firewall/firewalld").iterdir())
        self.assertEqual({service.stem for service in services}, {f"cfy-golden-{role}" for role in roles.values()})
        for service in services:
            firewalld(f"--new-service-from-file={service}")
            ports = {f"{line['port']}/tcp" for line in table if service.stem == f"cfy-golden-{roles[line['to']]}"}
            self.assertEqual(set(firewalld(f"--service={service.stem}", "--get-ports")), ports)


if __name__ == "__main__":
    unittest.main()
