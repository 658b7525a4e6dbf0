"""Certificate rules of the 7.0 validators: cloudify.md §2.2, §2.3 and §6."""

import datetime
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from .errors import InstallError


def read_cert(path):
    data = read(path, "Cert")
    try:
        return x509.load_pem_x509_certificate(data)  # only the first of the file is looked at (§6.3)
    except ValueError as invalid:
        raise InstallError(f"Cert file {path} is invalid") from invalid


def read(path, what):
    if not path:
        raise InstallError(f"{what} file is not set")
    if not Path(path).is_file():
        raise InstallError(f"{what} file {path} does not exist")
    return Path(path).read_bytes()


def check_pair(cert_path, key_path, ca_path=None):
    """Key matches the certificate; both RSA; signed by the CA if one is named."""
    cert = read_cert(cert_path)
    try:
        key = serialization.load_pem_private_key(read(key_path, "Key"), password=None)
    except (ValueError, TypeError) as invalid:
        raise InstallError(f"Key file {key_path} is invalid") from invalid
    modulus = key.private_numbers().public_numbers.n if isinstance(key, rsa.RSAPrivateKey) else None
    if modulus is None or not isinstance(cert.public_key(), rsa.RSAPublicKey):
        raise AttributeError("n")  # EC and Ed25519 crash the real one like this (§6.3)
    if cert.public_key().public_numbers().n != modulus:
        raise InstallError(f"Key {key_path} does not match the cert {cert_path}")
    if ca_path:
        check_signed(cert, cert_path, ca_path)
    return cert


def check_signed(cert, cert_path, ca_path):
    """The first certificate of the CA file must be the direct issuer, PKCS#1 v1.5 (§6.3)."""
    authority = read_cert(ca_path)
    if not isinstance(authority.public_key(), rsa.RSAPublicKey):
        raise TypeError("verify() missing arguments")  # EC CA (§6.3)
    try:
        authority.public_key().verify(cert.signature, cert.tbs_certificate_bytes, padding.PKCS1v15(),
                                      cert.signature_hash_algorithm)
    except Exception as refused:
        raise InstallError(f"Cert {cert_path} was not signed by the CA {ca_path}") from refused


def names(cert):
    """All SAN values, as text: IP addresses and DNS names compare exactly, wildcards do not count (§6.2)."""
    san = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value  # ExtensionNotFound: §2.2
    return {str(name.value) for name in san}


def check_names(cert, addresses):
    missing = sorted(set(filter(None, addresses)) - names(cert))
    if missing:
        raise InstallError("These addresses must be present on the internal cert, but are missing: "
                           + ", ".join(missing))


def common_name(cert):
    found = cert.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return found[0].value if found else ""


def is_self_signed(cert):
    return cert.issuer == cert.subject


def make_self_signed(directory, addresses):
    """What an all-in-one without certificates makes for itself: (cert, key, ca) paths; the cert is its own CA."""
    directory.mkdir(parents=True, exist_ok=True)
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, addresses[0])])
    san = []
    for address in addresses:
        san.append(x509.DNSName(address))
        try:
            san.append(x509.IPAddress(ipaddress.ip_address(address)))
        except ValueError:
            pass
    now = datetime.datetime.utcnow()
    cert = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=3650))
            .add_extension(x509.SubjectAlternativeName(san), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=False)
            .sign(key, hashes.SHA256()))
    cert_path, key_path = directory / "self-signed.crt", directory / "self-signed.key"
    cert_path.write_bytes(cert.public_bytes(serialization.Encoding.PEM))
    key_path.touch(mode=0o600)
    key_path.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                           serialization.NoEncryption()))
    return str(cert_path), str(key_path), str(cert_path)
