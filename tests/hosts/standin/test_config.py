"""cloudify.md §1.1 and §2.2: loading, and what validate refuses before it looks at a file."""

import unittest

from standin import sandbox  # first: it moves every path
from standin import checks, config, install_manager, markers, release
from standin.errors import InstallError


def write(name, text):
    (sandbox.ETC / name).write_text(text, encoding="utf-8")
    return name


class Loading(unittest.TestCase):
    def test_files_merge_from_left_to_right_and_lists_replace(self):
        first = write("first.yaml", "manager: {private_ip: 10.0.0.1, public_ip: 10.0.0.1}\nservices_to_install: [a, b]\n")
        second = write("second.yaml", "manager: {public_ip: 192.0.2.1}\nservices_to_install: [c]\n")
        loaded = config.load([first, second])
        self.assertEqual(loaded["manager"]["private_ip"], "10.0.0.1")
        self.assertEqual(loaded["manager"]["public_ip"], "192.0.2.1")
        self.assertEqual(loaded["services_to_install"], ["c"])
        self.assertEqual(loaded["networks"], {"default": "10.0.0.1", "external": "192.0.2.1"})

    def test_unknown_keys_are_accepted(self):
        loaded = config.load([write("unknown.yaml", "manager: {privat_ip: typo}\n")])
        self.assertEqual(loaded["manager"]["privat_ip"], "typo")

    def test_paths_outside_etc_cloudify_are_refused(self):
        for path in ("/tmp/config.yaml", "../config.yaml"):
            with self.assertRaisesRegex(InstallError, "Expected configuration files to be in /etc/cloudify"):
                config.load([path])

    def test_a_missing_file_means_an_all_in_one(self):
        self.assertEqual(len(config.load(["typo.yaml"])["services_to_install"]), 5)

    def test_a_node_without_ip_is_a_key_error(self):
        loaded = config.load([write("node.yaml", "postgresql_server: {cluster: {nodes: {a: {}}}}\n")])
        with self.assertRaises(KeyError):
            config.database_nodes(loaded)


class Releases(unittest.TestCase):
    def test_the_version_decides_what_is_there(self):
        file = sandbox.ROOT / "opt/cloudify/cfy_manager/VERSION"
        file.parent.mkdir(parents=True, exist_ok=True)
        self.addCleanup(file.unlink)
        loaded = config.load([write("release.yaml", "")])
        for version, ok, names, broker in (("5.1.4", False, False, False), ("6.4.2", True, False, True),
                                           ("7.0.4", True, True, True)):
            file.write_text(version + "\n", encoding="ascii")
            self.assertEqual((release.has_ok(), release.checks_names(), release.broker_is_open(loaded)),
                             (ok, names, broker), version)
        file.write_text("5.1.4", encoding="ascii")
        loaded["rabbitmq"]["management_only_local"] = False
        self.assertTrue(release.broker_is_open(loaded))


class Checking(unittest.TestCase):
    def test_path_must_have_all_four(self):
        checks.check_path("/usr/local/sbin:/sbin:/bin:/usr/sbin:/usr/bin")
        for path in ("/usr/sbin:/usr/bin", "/sbin:/bin:/usr/sbin", ""):
            with self.assertRaisesRegex(InstallError, "PATH must match"):
                checks.check_path(path)

    def test_addresses_must_be_set_and_local(self):
        loaded = config.load([write("empty.yaml", "")])
        with self.assertRaisesRegex(InstallError, "Private IP not set"):
            checks.check_addresses(loaded)
        loaded["manager"].update(private_ip="192.0.2.77", public_ip="192.0.2.77")
        with self.assertRaisesRegex(InstallError, "not associated with any INET-type address"):
            checks.check_addresses(loaded)
        loaded["manager"]["private_ip"] = "db-1.example.com"   # a name is accepted unchecked
        checks.check_addresses(loaded)

    def test_numbers_in_place_of_secrets_crash(self):
        text = ("postgresql_server: {postgres_password: x, cert_path: c, key_path: k, ca_path: a, cluster: {"
                "nodes: {a: {ip: 10.0.0.1}, b: {ip: 10.0.0.2}}, patroni: {rest_password: x},"
                "postgres: {replicator_password: x},"
                "etcd: {cluster_token: 12345, root_password: x, patroni_password: x}}}\n"
                "services_to_install: [database_service]\n")
        with self.assertRaises(AttributeError):
            checks.check_database(config.load([write("number.yaml", text)]))

    def test_database_and_manager_cannot_share_a_file_in_a_cluster(self):
        loaded = config.load([write("both.yaml", "postgresql_server: {cluster: {nodes: {a: {ip: 10.0.0.1}}}}\n")])
        with self.assertRaisesRegex(InstallError, "Cannot install database_service"):
            checks.check_database(loaded)


class ClientCertificates(unittest.TestCase):
    """§2.3: of the superuser's pair validate looks at the name only; that the key does not fit costs an install."""

    def test_the_superusers_key_is_compared_only_in_configure(self):
        sandbox.make_cert("client-ca")
        pairs = {name: sandbox.make_cert(f"client-{name}", issuer="client-ca", common_name=name)
                 for name in ("cloudify", "postgres")}
        files = {"postgresql_client_cert_path": pairs["cloudify"][0], "postgresql_client_key_path": pairs["cloudify"][1],
                 "postgresql_superuser_client_cert_path": pairs["postgres"][0],
                 "postgresql_superuser_client_key_path": pairs["cloudify"][1]}
        loaded = config.load([write("clients.yaml", "manager: {private_ip: 127.0.0.1, public_ip: 127.0.0.1}\n")])
        loaded["ssl_inputs"].update(files)
        loaded["postgresql_client"]["ssl_client_verification"] = True
        checks.check_client_certificates(loaded)
        with self.assertRaisesRegex(InstallError, "does not match the cert"):
            install_manager.copy_certificates(loaded)
        loaded["ssl_inputs"]["postgresql_client_key_path"] = pairs["postgres"][1]
        with self.assertRaisesRegex(InstallError, "does not match the cert"):
            checks.check_client_certificates(loaded)


class Markers(unittest.TestCase):
    def test_only_the_end_touches_the_service_markers(self):
        markers.early("packages.yaml")
        self.assertFalse(markers.configured("database_service"))
        markers.finish(["database_service"])
        self.assertTrue(markers.configured("database_service"))
        self.assertTrue((markers.INSTALLED / "database_service").exists())


if __name__ == "__main__":
    unittest.main()
