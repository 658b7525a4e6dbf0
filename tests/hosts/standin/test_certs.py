"""cloudify.md §2.2, §2.3, §6.3."""

import unittest

from standin import sandbox  # first: it moves every path
from standin import certs
from standin.errors import InstallError


class Certificates(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.ca, _ = sandbox.make_cert("ca")
        cls.cert, cls.key = sandbox.make_cert("leaf", issuer="ca", names="IP:10.0.0.11,DNS:10.0.0.11,DNS:db-1")
        cls.other, cls.other_key = sandbox.make_cert("other")
        cls.ec, cls.ec_key = sandbox.make_cert("ec", key="ec -pkeyopt ec_paramgen_curve:P-256", issuer="ca")

    def test_a_good_pair_passes(self):
        certs.check_pair(self.cert, self.key, self.ca)

    def test_a_foreign_key_is_refused(self):
        with self.assertRaisesRegex(InstallError, "does not match the cert"):
            certs.check_pair(self.cert, self.other_key)

    def test_a_foreign_ca_is_refused(self):
        with self.assertRaisesRegex(InstallError, "was not signed by"):
            certs.check_pair(self.cert, self.key, self.other)

    def test_a_missing_file_is_refused(self):
        with self.assertRaisesRegex(InstallError, "does not exist"):
            certs.check_pair(self.cert, "/nowhere.key")

    def test_an_elliptic_key_crashes(self):
        with self.assertRaises(AttributeError):
            certs.check_pair(self.ec, self.ec_key, self.ca)

    def test_an_elliptic_ca_crashes(self):
        with self.assertRaises(TypeError):
            certs.check_signed(certs.read_cert(self.cert), self.cert, self.ec)

    def test_names_compare_exactly(self):
        cert = certs.read_cert(self.cert)
        certs.check_names(cert, ["10.0.0.11", "db-1"])
        with self.assertRaisesRegex(InstallError, "missing: 10.0.0.100"):
            certs.check_names(cert, ["10.0.0.11", "10.0.0.100"])

    def test_no_names_at_all_crash(self):
        with self.assertRaisesRegex(Exception, "SubjectAlternativeName.* extension was found"):
            certs.check_names(certs.read_cert(self.ca), ["10.0.0.11"])


if __name__ == "__main__":
    unittest.main()
