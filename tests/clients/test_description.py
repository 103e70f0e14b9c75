"""The description of the API: linted, and held against live traffic."""

import json
import os
import re
import ssl
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import callbacks
import pytest

CLIENTS = Path(os.environ["CLIENTS"])
RULES = Path(__file__).resolve().parent / ".spectral.yaml"
BIN = CLIENTS / "node_modules" / ".bin"


@pytest.fixture
def described(make_gateway, billing, tmp_path):
    """A gateway with something in every list, and its description."""
    gateway = make_gateway(billing=billing)
    gateway.add_token("all", scopes="read deliver confirm check")
    gateway.start()
    for n in range(3):
        gateway.post(callbacks.paid(f"INV-{n}"))
    assert billing.wait_invoices([f"INV-{n}" for n in range(3)])
    path = tmp_path / "openapi.json"
    path.write_bytes(gateway.api("/openapi.json").body)
    return gateway, path


def test_the_description_passes_the_linter(described):
    _, path = described
    done = subprocess.run([BIN / "spectral", "lint", "-r", RULES,
                           "--fail-severity", "warn", path],
                          capture_output=True, text=True, timeout=120,
                          check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def proxy(described, keys, tmp_path):
    """A proxy that holds both sides to the description; its base URL."""
    gateway, path = described
    api = json.loads(path.read_text())
    # listeners of other sides are not behind this proxy
    api["paths"] = {p: i for p, i in api["paths"].items()
                    if "servers" not in i}
    api.pop("servers")
    path.write_text(json.dumps(api))
    process = subprocess.Popen(
        [BIN / "prism", "proxy", path, "https://" + gateway.listen["api"],
         "--errors", "--port", "0", "--host", "127.0.0.1"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env={**os.environ, "NODE_EXTRA_CA_CERTS": str(keys.ca)})
    for line in process.stdout:
        found = re.search(r"listening on (http://[\d.:]+)", line)
        if found:
            break
    else:
        raise AssertionError("the proxy did not start")
    yield found[1]
    process.terminate()
    process.wait(30)
    process.stdout.close()


def ask(base, target, token=None, method="GET", **headers):
    """Status and body; the proxy answers 422 or 500 to what does not fit."""
    if token:
        headers["Authorization"] = "Bearer " + token
    request = urllib.request.Request(base + target, method=method,
                                     headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as answer:
        return answer.code, answer.read()


def test_live_requests_and_answers_fit_the_description(described, proxy):
    gateway, _ = described
    token = gateway.tokens["all"][0]
    receipt = gateway.receipts()[0]["id"]
    page = gateway.api("/v1/receipts?limit=1", token).json()
    delivery = gateway.api("/v1/deliveries",
                           token).json()["deliveries"][0]["id"]
    for target in ("/v1/receipts", "/v1/receipts?limit=1&order=desc",
                   "/v1/receipts?after=now", f"/v1/receipts/{receipt}",
                   "/v1/receipts?currency=BDT&paid_from=2025-01-01",
                   "/v1/receipts?delivered=false", "/v1/receipts/digest",
                   "/v1/deliveries", "/v1/deliveries?state=delivered",
                   f"/v1/deliveries/{delivery}", "/v1/held"):
        status, body = ask(proxy, target, token)
        assert status == 200, (target, body)
    for target, want in (("/v1/receipts", 401), ("/v1/cursors/none", 404),
                         (f"/v1/receipts/{'rcpt_' + 'a' * 26}", 404)):
        status, body = ask(proxy, target,
                           None if want == 401 else token)
        assert status == want, (target, body)
    for method, target, want in (
            ("PUT", f"/v1/cursors/mine?after={page['next']}", 200),
            ("GET", "/v1/cursors/mine", 200),
            ("DELETE", "/v1/cursors/mine", 204),
            ("POST", "/v1/deliveries/retry?state=delivered&dry_run=true",
             200),
            ("POST", f"/v1/deliveries/{delivery}/retry", 202)):
        status, body = ask(proxy, target, token, method,
                           **({} if method in ("GET", "DELETE")
                              else {"Content-Length": "0"}))
        assert status == want, (method, target, body)


def test_the_proxy_does_refuse_what_does_not_fit(described, proxy):
    gateway, path = described
    status, _ = ask(proxy, "/v1/receipts?limit=many",
                    gateway.tokens["all"][0])
    assert status == 422
