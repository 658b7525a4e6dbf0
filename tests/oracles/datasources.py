"""What the datasources of cloud-init get out of the field that a platform has for user-data: their rules, written anew, and
their own code where a release has it in a function of its own. Run by a python that has what cloud-init imports:

    PYTHONPATH=<release> python3 datasources.py < jobs.json

jobs: [[target, "base64 of the file", {"key beside": "value"}], …]; prints a list of {"rules": …, "code": …}: base64 of what is left
for cloud-init to read as user-data, null where a platform does not take it, and for code "none" where the release has none."""

import base64
import gzip
import importlib
import json
import sys
import types

GZIP = b"\x1f\x8b"


def unpacked(data):
    """The user-data processor: gzip of any datasource, once (util.decomp_gzip in user_data.py)."""
    return gzip.decompress(data) if data.startswith(GZIP) else data


def maybe_b64(data):
    """Only what is base64 to the last byte (util.maybe_b64decode)."""
    try:
        return base64.b64decode(data, validate=True)
    except ValueError:
        return data


def text(data):
    """A field that is a string of JSON or XML: what is not UTF-8 does not get in."""
    data.decode("utf-8")
    return data


def through_api(data):
    """An API that takes base64, and gives out what was in it."""
    return base64.b64decode(base64.b64encode(data))


def guestinfo(data, beside):
    encoding = beside.get("guestinfo.userdata.encoding", "")
    data = text(data)
    if encoding in ("gzip+base64", "gz+b64"):
        return unpacked(base64.b64decode(data))
    return base64.b64decode(data) if encoding in ("base64", "b64") else data


def google(data, beside):
    return base64.b64decode(text(data)) if beside.get("user-data-encoding") == "base64" else text(data)


RULES = {
    "aws": lambda data, _: through_api(data),
    "openstack": lambda data, _: through_api(data),
    "cloudstack": lambda data, _: through_api(data),
    "alibaba": lambda data, _: text(through_api(data)),
    # ovf-env.xml and metadata hold base64, and the datasource takes it off.
    "azure": lambda data, _: base64.b64decode("".join(base64.b64encode(data).decode().split())),
    "oci": lambda data, _: base64.b64decode(base64.b64encode(data).decode()),
    "gcp": google,
    "vsphere": guestinfo,
    "digitalocean": lambda data, _: text(data),
    "hetzner": lambda data, _: maybe_b64(text(data)),
    "kubevirt": lambda data, _: through_api(data),
}


def module(name):
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def vmware_code(data, beside):
    source = module("cloudinit.sources.DataSourceVMware")
    if source is None:
        return None
    return source.decode("userdata", beside.get("guestinfo.userdata.encoding", ""), data.decode()).encode()


def google_code(data, beside):
    source = module("cloudinit.sources.DataSourceGCE")
    answers = {"instance/id": "1", "instance/zone": "projects/1/zones/a-b", "instance/hostname": "h.example",
               "instance/attributes": json.dumps({"user-data": data.decode("utf-8"), **beside}), "project/attributes": "{}"}
    source.GoogleMetadataFetcher = lambda *_: types.SimpleNamespace(get_value=lambda path, *_: answers[path])
    source.platform_reports_gce = lambda: True
    source.util.is_resolvable_url = lambda _: True
    # 20.4 does not take it, the others need it.
    patience = {"url_params": types.SimpleNamespace(num_retries=1, sec_between_retries=1)}
    takes = "url_params" in source.read_md.__code__.co_varnames
    return source.read_md(**(patience if takes else {}))["user-data"]


def hetzner_code(data, _):
    helper = module("cloudinit.sources.helpers.hetzner")
    decode = getattr(helper, "maybe_b64decode", None) or module("cloudinit.util").maybe_b64decode
    return as_bytes(decode(text(data)))


def azure_code(data, _):
    xml = f"""<?xml version="1.0" encoding="utf-8"?>
<ns0:Environment xmlns:ns0="http://schemas.dmtf.org/ovf/environment/1" xmlns:ns1="http://schemas.microsoft.com/windowsazure">
<ns1:ProvisioningSection><ns1:Version>1.0</ns1:Version><ns1:LinuxProvisioningConfigurationSet>
<ns1:ConfigurationSetType>LinuxProvisioningConfiguration</ns1:ConfigurationSetType><ns1:HostName>h</ns1:HostName>
<ns1:UserName>u</ns1:UserName><ns1:CustomData>{base64.b64encode(data).decode()}</ns1:CustomData>
</ns1:LinuxProvisioningConfigurationSet></ns1:ProvisioningSection>
<ns1:PlatformSettingsSection><ns1:Version>1.0</ns1:Version><ns1:PlatformSettings>
<ns1:KmsServerHostname>k</ns1:KmsServerHostname><ns1:ProvisionGuestAgent>false</ns1:ProvisionGuestAgent>
<ns1:GuestAgentPackageName i:nil="true" xmlns:i="http://www.w3.org/2001/XMLSchema-instance"/></ns1:PlatformSettings>
</ns1:PlatformSettingsSection></ns0:Environment>"""
    helper = module("cloudinit.sources.helpers.azure")
    if hasattr(helper, "OvfEnvXml"):
        return as_bytes(helper.OvfEnvXml.parse_text(xml).custom_data)
    return as_bytes(module("cloudinit.sources.DataSourceAzure").read_azure_ovf(xml)[1])


CODE = {"vsphere": vmware_code, "gcp": google_code, "hetzner": hetzner_code, "azure": azure_code}


def as_bytes(data):
    return data.encode() if isinstance(data, str) else data


def processed(data):
    """What cloud-init's own processor makes of user-data: the bytes of its one part, where that is cloud-config."""
    user_data = module("cloudinit.user_data")
    # Its paths are for includes and certificates, which there are none of.
    nowhere = types.SimpleNamespace(get_ipath_cur=lambda _: "/nonexistent", get_cpath=lambda _: "/nonexistent")
    processor = user_data.UserDataProcessor(nowhere)
    parts = [part for part in processor.process(data).walk() if not part.is_multipart()]
    kinds = [part.get_content_type() for part in parts]
    return parts[0].get_payload(decode=True) if kinds == ["text/cloud-config"] else None


def attempt(function, *arguments):
    try:
        found = function(*arguments)
    except (ValueError, OSError, EOFError):
        return None
    return base64.b64encode(found).decode() if found is not None else None


def main():
    results = []
    for target, file, beside in json.load(sys.stdin):
        data = base64.b64decode(file)
        rules = attempt(lambda d, b, t=target: processed(RULES[t](d, b)), data, beside)
        by_hand = attempt(lambda d, b, t=target: unpacked(RULES[t](d, b)), data, beside)
        code = attempt(lambda d, b, t=target: processed(CODE[t](d, b)), data, beside) if target in CODE else "none"
        if target == "vsphere" and module("cloudinit.sources.DataSourceVMware") is None:
            code = "none"
        results.append({"rules": rules, "by_hand": by_hand, "code": code})
    print(json.dumps(results))


if __name__ == "__main__":
    main()
