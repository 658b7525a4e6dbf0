"""openssl on every certificate that a host gets: against the CA, its names, its key, its purpose."""

import re
import unittest

from bundles import all_hosts, bundle, run


def verify(host, certificate, *more, check=True):
    seed = host.unpack()
    # -x509_strict: what only lenient verifiers take is no certificate.
    return run("openssl", "verify", "-x509_strict", "-check_ss_sig", "-CAfile", seed / "ca.crt", *more,
               seed / certificate, check=check)


class HostCertificates(unittest.TestCase):
    def test_stand_for_every_address_that_configs_use(self):
        for host in all_hosts():
            members = {record[1]: (record[0], record[2]) for record in host.records("member")}
            ip = host.records("host")[0][1]
            fqdn = host.config["fqdn"]
            with self.subTest(host.name):
                self.assertIn(fqdn, members)
                for purpose in ("sslserver", "sslclient"):
                    verify(host, "host.crt", "-purpose", purpose, "-verify_ip", ip)
                    verify(host, "host.crt", "-purpose", purpose, "-verify_ip", "127.0.0.1")
                    for name in (host.name, fqdn, "localhost", ip):
                        verify(host, "host.crt", "-purpose", purpose, "-verify_hostname", name)

    def test_stand_for_nothing_else(self):
        for host in all_hosts():
            for more in (("-verify_ip", "10.0.0.99"), ("-verify_hostname", "db-9"), ("-verify_hostname", "x.localhost")):
                self.assertNotEqual(verify(host, "host.crt", *more, check=False).returncode, 0, (host.name, more))

    def test_of_managers_stand_for_the_balancer(self):
        for host in bundle("nine-node").hosts:
            speaks = host.name.startswith("manager-") or host.name == "balancer"
            for more in (("-verify_ip", "10.0.0.40"), ("-verify_hostname", "cloudify.example.com")):
                done = verify(host, "host.crt", *more, check=False)
                self.assertEqual(done.returncode == 0, speaks, (host.name, more))


class AllCertificates(unittest.TestCase):
    def test_belong_to_their_keys(self):
        for host in all_hosts():
            seed = host.unpack()
            for key in sorted(seed.glob("*.key")):
                with self.subTest(f"{host.name} {key.name}"):
                    of_key = run("openssl", "rsa", "-check", "-noout", "-modulus", "-in", key).stdout
                    self.assertIn("RSA key ok", of_key)
                    modulus = re.search("Modulus=(.*)", of_key)[1]
                    of_certificate = run("openssl", "x509", "-noout", "-modulus", "-in", key.with_suffix(".crt")).stdout
                    self.assertEqual(of_certificate.strip(), "Modulus=" + modulus)

    def test_have_the_extensions_that_verifiers_want(self):
        for host in all_hosts():
            seed = host.unpack()
            for certificate in sorted(seed.glob("*.crt")):
                text = run("openssl", "x509", "-noout", "-text", "-in", certificate).stdout
                with self.subTest(f"{host.name} {certificate.name}"):
                    if certificate.name.endswith("-ca.crt"):   # of somebody else: what it is like is theirs to say
                        self.assertIn("CA:TRUE", text)
                        continue
                    self.assertIn("Signature Algorithm: sha256WithRSAEncryption", text)
                    self.assertIn("Version: 3", text)
                    self.assertIn("X509v3 Subject Key Identifier", text)
                    own = certificate.name == "ca.crt"
                    self.assertIn("CA:TRUE" if own else "CA:FALSE", text)
                    if not own:
                        self.assertIn("X509v3 Authority Key Identifier", text)
                        self.assertIn("TLS Web Client Authentication", text)
                    if certificate.name == "host.crt":
                        self.assertIn("TLS Web Server Authentication", text)

    def test_of_clients_are_for_clients(self):
        for host in all_hosts():
            for client in ("cloudify", "postgres"):
                if (host.unpack() / f"{client}.crt").exists():
                    verify(host, f"{client}.crt", "-purpose", "sslclient")
                    subject = run("openssl", "x509", "-noout", "-subject", "-nameopt", "multiline",
                                  "-in", host.unpack() / f"{client}.crt").stdout
                    self.assertRegex(subject, rf"commonName\s*= {client}\n$")


if __name__ == "__main__":
    unittest.main()
