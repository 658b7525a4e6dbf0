"""The openssl program as the CA outside: it signs requests as the signing sheet says, or not quite."""

import json
import os
import pathlib
import pty
import re
import shutil
import subprocess
import tempfile
import termios
import time
import unittest

from bundles import PROGRAM, ROOT, run

LEAVES = ["balancer", *(f"{role}-{n}" for role in ("broker", "db", "manager") for n in (1, 2, 3)),
          "client-cloudify", "client-postgres"]


def make_ca(directory, name="ca", *more):
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", 3650, "-subj", "/O=Example Corp/CN=Root",
        "-keyout", directory / f"{name}.key", "-out", directory / f"{name}.crt",
        "-addext", "keyUsage=critical,keyCertSign,cRLSign", *more)


def sign_as_the_sheet_says(requests, ca_key):
    """Every command of the sheet, as it stands there but for the place of the CA's key."""
    sheet = (requests / "signing-sheet.txt").read_text(encoding="utf-8")
    commands = [line.strip() for line in sheet.splitlines() if line.strip().startswith("openssl ")]
    for command in commands:
        run("sh", "-c", command.replace("CAKEY", str(ca_key)), cwd=requests)
    return commands


class OutsideCa(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        scratch = tempfile.TemporaryDirectory(prefix="cfy-seed-pki-")
        cls.addClassCleanup(scratch.cleanup)
        cls.home = pathlib.Path(scratch.name)
        shutil.copytree(ROOT / "tests/fixtures/nine-node", cls.home, dirs_exist_ok=True,
                        ignore=shutil.ignore_patterns("vault"))
        cls.ca = cls.home / "ca"
        cls.ca.mkdir()
        make_ca(cls.ca)
        cls.requests = cls.home / "requests"
        run(PROGRAM, "pki", "csr", "--out", "requests", cwd=cls.home)
        shutil.copy(cls.ca / "ca.crt", cls.requests)
        cls.commands = sign_as_the_sheet_says(cls.requests, cls.ca / "ca.key")

    def imports(self, change=lambda directory: None, vault="golden.vault", check=True):
        """Imports a changed copy of what was signed, into a copy of the vault."""
        with tempfile.TemporaryDirectory(prefix="cfy-seed-import-") as name:
            copy, brought = pathlib.Path(name) / "vault", pathlib.Path(name) / "brought"
            if vault:
                shutil.copytree(self.home / vault, copy)
            shutil.copytree(self.requests, brought)
            change(brought)
            before = tree(copy)
            done = run(PROGRAM, "pki", "import", brought, "--vault", copy, cwd=self.home, check=check)
            self.assertNotRegex(done.stdout, "MII|PRIVATE KEY-")
            if done.returncode != 0:
                self.assertEqual(tree(copy), before, "a refused import changed the vault")
            return done

    def refused(self, code, change, *says):
        done = self.imports(change, check=False)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn(f"error[{code}]", done.stdout)
        for part in says:
            self.assertIn(part, done.stdout)
        return done

    def signed(self, directory, stem, extensions=None, more=(), ca="ca", days=3650):
        """Signs one request again, in the way of this test."""
        words = ["openssl", "x509", "-req", "-in", directory / f"{stem}.csr", "-CA", self.ca / f"{ca}.crt",
                 "-CAkey", self.ca / f"{ca}.key", "-days", days, *more, "-out", directory / f"{stem}.crt"]
        if extensions is not None:
            (directory / "mine").write_text(extensions, encoding="utf-8")
            words += ["-extfile", directory / "mine"]
        run(*words)
        (directory / "mine").unlink(missing_ok=True)

    def test_requests_are_sound_and_come_out_the_same_again(self):
        self.assertEqual(len(self.commands), len(LEAVES))
        for stem in LEAVES:
            text = run("openssl", "req", "-in", self.requests / f"{stem}.csr", "-noout", "-text", "-verify").stdout
            self.assertIn("verify OK", text)
            self.assertIn("TLS Web Client Authentication", text)
            self.assertEqual("TLS Web Server Authentication" in text, not stem.startswith("client-"))
            self.assertIn(f"CN = {stem.removeprefix('client-')}\n", text)
        text = run("openssl", "req", "-in", self.requests / "manager-1.csr", "-noout", "-text").stdout
        self.assertIn("IP Address:10.0.0.40", text)
        run(PROGRAM, "pki", "csr", "--out", "again", cwd=self.home)
        for path in (self.home / "again").iterdir():
            self.assertEqual(path.read_bytes(), (self.requests / path.name).read_bytes(), path.name)

    def test_no_key_leaves_the_vault(self):
        for path in (self.home / "requests").iterdir():
            self.assertNotIn(b"PRIVATE", path.read_bytes(), path.name)

    def test_build_waits_for_the_certificates(self):
        done = run(PROGRAM, "build", cwd=self.home, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("error[CFY-V025]", done.stdout)

    def test_signed_as_the_sheet_says_it_builds_without_the_key_of_the_ca(self):
        with tempfile.TemporaryDirectory(prefix="cfy-seed-build-") as name:
            home = pathlib.Path(name)
            shutil.copytree(self.home, home, dirs_exist_ok=True)
            done = run(PROGRAM, "pki", "import", "requests", cwd=home)
            self.assertIn("12 certificates and 0 keys imported", done.stdout)
            done = run(PROGRAM, "build", cwd=home)
            self.assertNotIn("issued", done.stdout)
            run(PROGRAM, "verify", cwd=home)
            self.assertFalse((home / "golden.vault/ca.key").exists())
            for stem in LEAVES:
                kind, leaf = ("clients", stem.removeprefix("client-")) if "client-" in stem else ("hosts", stem)
                path = home / "golden.vault" / kind / f"{leaf}.crt"
                run("openssl", "verify", "-x509_strict", "-CAfile", self.ca / "ca.crt", path)
                self.assertEqual(path.stat().st_mode & 0o777, 0o600)
            before = tree(home / "golden.vault")
            again = run(PROGRAM, "pki", "import", "requests", cwd=home)
            self.assertIn("0 certificates and 0 keys imported", again.stdout)
            self.assertEqual(tree(home / "golden.vault"), before)
            self.renewed(home)
            self.expiry(home)

    def renewed(self, home):
        """One certificate signed anew for its key replaces the old one, alone."""
        before = tree(home / "golden.vault")
        renewal = home / "renewal"
        renewal.mkdir()
        extensions = "[x]\nsubjectAltName = " + self.names("db-2") + "\nextendedKeyUsage = serverAuth, clientAuth\n"
        shutil.copy(self.requests / "db-2.csr", renewal)
        self.signed(renewal, "db-2", extensions, ("-extensions", "x"), days=20)
        done = run(PROGRAM, "pki", "import", "renewal", cwd=home)
        self.assertIn("1 certificate and 0 keys imported", done.stdout)
        after = tree(home / "golden.vault")
        self.assertEqual([path for path in after if after[path] != before[path]], ["hosts/db-2.crt"])

    def expiry(self, home):
        """The certificate of twenty days is what `pki check` complains about, and nothing else."""
        good = run(PROGRAM, "pki", "check", "--within", "10d", cwd=home)
        self.assertRegex(good.stdout, r"host db-2 +\S+ +(19|20) days +good")
        for words in (["--within", "3w"], ["--vault", "golden.vault"], []):
            done = run(PROGRAM, "pki", "check", *words, cwd=home, check=False)
            self.assertEqual(done.returncode, 1, done.stdout)
            self.assertRegex(done.stdout, r"host db-2 +\S+ +(19|20) days +it ends within (21|30) days")
            self.assertEqual(len(re.findall("good$", done.stdout, re.MULTILINE)), len(LEAVES))
        table = subprocess.run([PROGRAM, "pki", "check", "--format", "json"], cwd=home, check=False,
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        table = json.loads(table.stdout)
        self.assertFalse(table["good"])
        states = {row["subject"]: row["state"] for row in table["certificates"]}
        self.assertEqual(states.pop("host db-2"), "ends-soon")
        self.assertEqual(set(states.values()), {"good"})
        later = run("faketime", "-f", "+4000d", PROGRAM, "pki", "check", cwd=home, check=False)
        self.assertEqual(later.returncode, 1)
        self.assertIn("it expired on", later.stdout)

    def names(self, stem):
        text = (self.requests / "signing-sheet.txt").read_text(encoding="utf-8")
        return re.search(rf"^{stem}\.csr:.*?names +(.*?)\n", text, re.MULTILINE | re.DOTALL)[1]

    def test_a_ca_that_drops_the_names_is_refused_by_name(self):
        done = self.refused("CFY-V023", lambda at: self.signed(at, "manager-2", "extendedKeyUsage=serverAuth,clientAuth\n"),
                            "manager-2.crt", "host manager-2", "it does not name", "IP:10.0.0.32", "IP:10.0.0.40",
                            "cloudify.example.com")
        self.assertNotIn("manager-1.crt", done.stdout)
        # Without extensions there is not even a third version of X.509.
        self.refused("CFY-V023", lambda at: self.signed(at, "manager-2"), "it does not name", "IP:10.0.0.32")

    def test_what_else_a_ca_can_do_wrong_is_told_at_once(self):
        def change(at):
            san = "subjectAltName=" + self.names("db-1") + "\n"
            self.signed(at, "db-1", san + "extendedKeyUsage=serverAuth\n")
            san = san.replace("db-1", "db-2").replace("10.0.0.11", "10.0.0.12")
            self.signed(at, "db-2", san + "basicConstraints=CA:TRUE\n")
            san = san.replace("db-2", "db-3").replace("10.0.0.12", "10.0.0.13")
            self.signed(at, "db-3", san, days=0)
            (at / "broker-1.crt").write_bytes((at / "broker-2.crt").read_bytes())
            (at / "broker-3.crt").unlink()
            (at / "balancer.crt").write_text("half of it", encoding="utf-8")
            with open(at / "manager-1.crt", "ab") as file:
                file.write((self.ca / "ca.crt").read_bytes())
            self.signed(at, "client-cloudify", "extendedKeyUsage=serverAuth\n")
            run("openssl", "x509", "-in", at / "client-postgres.crt", "-outform", "DER", "-out", at / "der")
            (at / "der").rename(at / "client-postgres.crt")
            (at / "notes").write_text("mine", encoding="utf-8")
            (at / "ca.key").write_text("theirs", encoding="utf-8")
        done = self.imports(change, check=False)
        self.assertEqual(done.returncode, 1)
        for code, part in (
            ("CFY-V023", "host db-1: its usages do not allow clientAuth"),
            ("CFY-V023", "host db-2: it is a CA"),
            ("CFY-V024", "db-3.crt` expired on"),
            ("CFY-V005", "broker-1.crt` is not the certificate of host broker-1's key"),
            ("CFY-V022", "the certificate of host broker-3, "),
            ("CFY-V018", "balancer.crt` cannot be used: it has no"),
            ("CFY-V023", "host manager-1: it holds 2 certificates"),
            ("CFY-V023", "client cloudify: its usages do not allow clientAuth"),
            ("CFY-V018", "client-postgres.crt` cannot be used: it is DER"),
        ):
            self.assertRegex(done.stdout, rf"error\[{code}\]: .*{re.escape(part)}")
        self.assertRegex(done.stdout, r"warning\[CFY-V027\]: .*/notes`")
        self.assertRegex(done.stdout, r"warning\[CFY-V027\]: .*/ca.key`")

    def test_another_ca_or_one_that_cannot_be_is_refused(self):
        other = self.ca / "other.crt"
        if not other.exists():
            make_ca(self.ca, "other")
        san = "subjectAltName=" + self.names("db-1") + "\n"
        self.refused("CFY-V008", lambda at: self.signed(at, "db-1", san, ca="other"), "db-1.crt")
        self.refused("CFY-V008", lambda at: shutil.copy(other, at / "ca.crt"), "manager-3.crt")
        self.refused("CFY-V022", lambda at: (at / "ca.crt").unlink(), "ca.crt")
        # Some sign by an intermediate CA: then neither file does.
        def intermediate(at):
            run("openssl", "req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=Between", "-keyout",
                self.ca / "between.key", "-out", at / "between.csr")
            (at / "mine").write_text("basicConstraints=critical,CA:TRUE\n", encoding="utf-8")
            run("openssl", "x509", "-req", "-in", at / "between.csr", "-CA", self.ca / "ca.crt", "-CAkey",
                self.ca / "ca.key", "-days", 3000, "-extfile", at / "mine", "-out", at / "ca.crt")
            (at / "mine").unlink()
        self.refused("CFY-V006", intermediate, "self-signed")

    def test_weak_signatures_are_refused(self):
        extensions = "subjectAltName=" + self.names("db-1") + "\nextendedKeyUsage=serverAuth,clientAuth\n"
        self.refused("CFY-V008", lambda at: self.signed(at, "db-1", extensions, ("-sha1",)), "SHA-256")
        self.refused("CFY-V008", lambda at: self.signed(at, "db-1", extensions, ("-sigopt", "rsa_padding_mode:pss")),
                     "SHA-256")

    def test_a_ca_may_say_more_or_less_than_it_was_asked(self):
        def change(at):
            san = "subjectAltName=" + self.names("db-1") + ", DNS:*.db.example.com, email:dba@example.com\n"
            self.signed(at, "db-1", san + "authorityKeyIdentifier=keyid\n")
            run("openssl", "x509", "-in", at / "db-1.crt", "-text", "-out", at / "text")
            (at / "text").rename(at / "db-1.pem")
            (at / "db-1.crt").unlink()
        self.imports(change)

    def test_a_whole_set_with_keys_needs_no_requests(self):
        def bring_keys(at):
            for stem in LEAVES:
                kind, leaf = ("clients", stem.removeprefix("client-")) if "client-" in stem else ("hosts", stem)
                shutil.copy(self.home / "golden.vault" / kind / f"{leaf}.key", at / f"{stem}.key")
                (at / f"{stem}.csr").unlink()
        done = self.imports(bring_keys, vault=None)
        self.assertIn("12 certificates and 12 keys imported", done.stdout)

        def lock_one(at):
            bring_keys(at)
            run("openssl", "pkey", "-in", at / "db-1.key", "-aes256", "-passout", "pass:TOPSECRET", "-out", at / "k")
            (at / "k").rename(at / "db-1.key")
            (at / "db-2.key").write_bytes((at / "db-3.key").read_bytes())
            (at / "db-3.key").unlink()
            run("openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", at / "broker-1.key")
        done = self.imports(lock_one, vault=None, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stdout, r"error\[CFY-V010\]: .*db-1.key` is encrypted")
        self.assertRegex(done.stdout, r"error\[CFY-V005\]: .*db-2.crt` is not the certificate of host db-2's key")
        self.assertRegex(done.stdout, r"error\[CFY-V022\]: host db-3 has no key")
        self.assertRegex(done.stdout, r"error\[CFY-V010\]: .*broker-1.key` .*not RSA")
        # The vault has keys: others are not taken in their place.
        self.refused("CFY-V005", lambda at: shutil.copy(self.ca / "ca.key", at / "db-1.key"), "the key that the vault has")

    def test_a_ca_outside_may_be_called_as_it_likes(self):
        """Attributes twice, as in directories, stop a CA that is to sign here, but not one that signs elsewhere."""
        with tempfile.TemporaryDirectory(prefix="cfy-seed-names-") as name:
            home = pathlib.Path(name)
            spec = (ROOT / "tests/fixtures/all-in-one/cluster.yaml").read_text(encoding="utf-8")
            (home / "cluster.yaml").write_text(spec + "pki: {ca: {cert: requests/ca.crt}}\n", encoding="utf-8")
            (home / "requests").mkdir()
            run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", 3650, "-subj",
                "/DC=com/DC=example/CN=Root", "-keyout", home / "ca.key", "-out", home / "requests/ca.crt")
            run(PROGRAM, "pki", "csr", "--out", "requests", cwd=home)
            sign_as_the_sheet_says(home / "requests", home / "ca.key")
            # The spec names the CA: it need not come in with the rest.
            (home / "requests/ca.crt").rename(home / "root.crt")
            (home / "cluster.yaml").write_text(spec + "pki: {ca: {cert: root.crt}}\n", encoding="utf-8")
            run(PROGRAM, "pki", "import", "requests", cwd=home)
            run(PROGRAM, "build", cwd=home)
            run(PROGRAM, "verify", cwd=home)
            (home / "cluster.yaml").write_text(spec + "pki: {ca: {cert: root.crt, key: ca.key}}\n", encoding="utf-8")
            done = run(PROGRAM, "check", cwd=home, check=False)
            self.assertIn("error[CFY-V006]", done.stdout)

    def test_a_vault_with_a_ca_of_its_own_takes_none_from_outside(self):
        with tempfile.TemporaryDirectory(prefix="cfy-seed-own-") as name:
            copy = pathlib.Path(name) / "vault"
            shutil.copytree(ROOT / "tests/fixtures/nine-node/vault", copy)
            run("chmod", "-R", "u=rwX,go=", copy)
            for words in (["csr", "--out", f"{name}/out"], ["import", str(self.requests)]):
                done = run(PROGRAM, "pki", *words, "--vault", copy, cwd=self.home, check=False)
                self.assertEqual(done.returncode, 1)
                self.assertIn("error[CFY-V026]", done.stdout)


class OwnCa(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="cfy-seed-own-ca-")
        self.addCleanup(scratch.cleanup)
        self.home = pathlib.Path(scratch.name)
        shutil.copytree(ROOT / "tests/bad-specs/pki", self.home / "pki")
        spec = (ROOT / "tests/fixtures/all-in-one/cluster.yaml").read_text(encoding="utf-8")
        (self.home / "cluster.yaml").write_text(spec + "pki: {ca: {cert: pki/ca.crt, key: pki/locked.key}}\n",
                                                encoding="utf-8")

    def typed(self, *lines):
        """A build at a terminal where somebody types these lines; what the terminal showed, and the exit code."""
        pid, terminal = pty.fork()
        if pid == 0:
            os.chdir(self.home)
            os.execv(PROGRAM, [PROGRAM, "build"])
        shown, lines = b"", list(lines)
        while True:
            try:
                read = os.read(terminal, 4096)
            except OSError:
                break
            shown += read
            if lines and shown.endswith(b"passphrase of the CA's key: "):
                # The echo goes off after the question; until then a person's hands are not on the keys either.
                while termios.tcgetattr(terminal)[3] & termios.ECHO:
                    time.sleep(0.01)
                os.write(terminal, lines.pop(0).encode() + b"\n")
        return shown.decode(), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    def test_a_person_is_asked_for_the_passphrase_and_it_is_not_shown(self):
        shown, code = self.typed("TOPSECRET mistake", "TOPSECRET passphrase")
        self.assertEqual(code, 0, shown)
        self.assertNotIn("TOPSECRET", shown)
        self.assertEqual(shown.count("passphrase of the CA's key:"), 2)
        shown, code = self.typed()
        self.assertEqual(code, 0, shown)
        self.assertNotIn("passphrase of the CA's key:", shown, "nothing is to be issued")
        host = self.home / "single.vault/hosts/cloudify.crt"
        run("openssl", "verify", "-x509_strict", "-CAfile", self.home / "pki/ca.crt", host)

    def test_three_wrong_ones_are_enough(self):
        shown, code = self.typed("TOPSECRET 1", "TOPSECRET 2", "TOPSECRET 3")
        self.assertEqual(code, 1, shown)
        self.assertIn("error[CFY-V020]", shown)
        self.assertNotIn("TOPSECRET", shown)


def tree(directory):
    """Every file but the lock, which a run may leave."""
    paths = (path for path in directory.rglob("*") if path.is_file() and path.name not in (".lock", ".gitignore"))
    return {str(path.relative_to(directory)): path.read_bytes() for path in paths}


if __name__ == "__main__":
    unittest.main()
