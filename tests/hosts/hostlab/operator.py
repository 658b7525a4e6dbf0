"""Who looks after a machine: a key of their own, a shell there by SSH, and the cluster's CA to ask the manager with."""

import subprocess
import time

from . import network
from .system import Failure, run


class Operator:
    """Works from the bridge's namespace, where nothing but the machines is."""

    def __init__(self, home, namespace, address, user="ops"):
        self.key = home / "operator.key"
        self.known_hosts = home / "known_hosts"
        self.namespace = namespace
        self.address = address
        self.user = user
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "operator@example.com", "-f", self.key)

    def public_key(self):
        return self.key.with_suffix(".key.pub").read_text(encoding="ascii").strip()

    def login(self, *command):
        """The command line of a visit. A host key other than the first one seen is refused, as any careful person does."""
        options = ("BatchMode=yes", "StrictHostKeyChecking=accept-new", f"UserKnownHostsFile={self.known_hosts}",
                   "ConnectTimeout=20", "ServerAliveInterval=10", "LogLevel=ERROR")
        return [*network.in_namespace(self.namespace), "ssh", "-i", str(self.key),
                *(word for option in options for word in ("-o", option)), f"{self.user}@{self.address}", *command]

    def sh(self, script, timeout=60):
        """Runs a script as root there."""
        try:
            done = subprocess.run(self.login("sudo", "-n", "bash"), input=script, text=True, capture_output=True,
                                  check=False, timeout=timeout)
        except subprocess.TimeoutExpired as late:
            raise Failure(f"by ssh: not finished after {timeout} s: {script}") from late
        if done.returncode != 0:
            raise Failure(f"by ssh: exit {done.returncode}: {script}\n{done.stdout}{done.stderr}")
        return done.stdout

    def wait(self, bound):
        """Until a visit is possible."""
        end = time.monotonic() + bound
        while True:
            try:
                return self.sh("true")
            except Failure:
                if time.monotonic() > end:
                    raise
                time.sleep(1)

    def is_told_ok(self, authority):
        """The manager's own answer, over TLS that the cluster's CA verifies."""
        return run(*network.in_namespace(self.namespace), "curl", "-s", "--noproxy", "*", "-m", "10", "--cacert",
                   authority, f"https://{self.address}/api/v3.1/ok", check=False).strip() == '"OK"'
