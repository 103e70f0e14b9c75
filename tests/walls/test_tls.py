"""TLS of the running gateway, as testssl.sh and sslscan see it."""

import json
import subprocess
import xml.etree.ElementTree as xml

import pytest

# Of the certificates that tests make, not of the gateway: no authority that
# others trust, a month to live, no revocation list, no DNS.
OF_THE_CERTIFICATE = {"cert_chain_of_trust", "cert_expirationStatus",
                      "cert_notAfter", "cert_revocation"}


def test_testssl_finds_nothing_above_low(gateway, tmp_path):
    port = gateway.listen["callbacks"].rsplit(":", 1)[1]
    out = tmp_path / "found.json"
    subprocess.run(
        ["testssl", "--quiet", "--color", "0", "--warnings", "batch",
         "--protocols", "--std", "--fs", "--server-preference",
         "--server-defaults", "--headers", "--vulnerable", "--ip", "127.0.0.1", "--jsonfile", out, f"localhost:{port}"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    found = json.loads(out.read_text())
    assert {"TLS1_3", "heartbleed", "secure_renego"} <= {
        one["id"] for one in found}
    assert [one for one in found
            if one["severity"] in ("MEDIUM", "HIGH", "CRITICAL", "FATAL")
            and one["id"].split()[0] not in OF_THE_CERTIFICATE] == []


@pytest.mark.parametrize("side", ["callbacks", "api"])
def test_sslscan_sees_strong_ciphers_and_new_versions_alone(gateway, side):
    port = gateway.listen[side].rsplit(":", 1)[1]
    done = subprocess.run(
        ["sslscan", "--no-colour", "--xml=-", f"127.0.0.1:{port}"],
        check=True, capture_output=True)
    [seen] = xml.fromstring(done.stdout).iter("ssltest")
    assert {f"{p.get('type')}{p.get('version')}" for p in seen.iter("protocol")
            if p.get("enabled") == "1"} <= {"tls1.2", "tls1.3"}
    ciphers = list(seen.iter("cipher"))
    assert ciphers
    assert [c.attrib for c in ciphers
            if c.get("strength") not in ("strong", "acceptable")] == []
    assert [r.get("supported") for r in seen.iter("renegotiation")] == ["0"]
    assert {h.get("vulnerable") for h in seen.iter("heartbleed")} <= {"0"}
    assert {c.get("supported") for c in seen.iter("compression")} <= {"0"}
