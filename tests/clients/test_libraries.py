"""Libraries that billing systems use take what paysieve sends."""

import base64
import json
import os
import secrets
import subprocess
from pathlib import Path
from urllib.parse import unquote

import callbacks
import pytest
from gateway import write_secret

HERE = Path(__file__).resolve().parent
# where `make test-clients` installed the packages, beside this file's copy
CLIENTS = Path(os.environ["CLIENTS"])


def read(*cases):
    done = subprocess.run(["node", CLIENTS / "verify.mjs"], text=True,
                          input="".join(json.dumps(c) + "\n" for c in cases),
                          capture_output=True, timeout=60, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture
def signing(make_gateway, billing):
    """Signs with both kinds of keys."""
    gateway = make_gateway(billing=billing)
    write_secret(gateway.dir / "signing.key", "whsk_" + base64.b64encode(
        secrets.token_bytes(32)).decode())
    gateway.billing_options = {"signing_key_file": "signing.key"}
    return gateway


def delivered(gateway, billing):
    gateway.post(callbacks.paid("INV 1/#@+:x"))
    assert billing.wait_invoices(["INV 1/#@+:x"])
    [request] = billing.requests
    return {"headers": {k.lower(): v for k, v in request.headers},
            "body": request.body.decode()}


def test_v1_is_verified_by_the_standard_and_the_svix_library(
        signing, billing):
    case = delivered(signing.start(), billing)
    [secret] = billing.secrets
    bent = {**case, "body": case["body"].replace("1150", "9150")}
    old = {**case, "headers": {**case["headers"], "webhook-timestamp": str(
        int(case["headers"]["webhook-timestamp"]) - 301)}}
    for reader in ("standardwebhooks", "svix"):
        good, *bad = read(*({**c, "reader": reader, "secret": secret}
                            for c in (case, bent, old)))
        assert good["ok"], (reader, good)
        assert good["event"] == json.loads(case["body"])
        assert [b["ok"] for b in bad] == [False, False], reader


def test_v1a_is_verified_with_the_published_key(signing, billing):
    case = delivered(signing.start(), billing)
    [jwk] = signing.api("/.well-known/jwks.json").json()["keys"]
    bent = {**case, "body": case["body"].replace("1150", "9150")}
    good, bad = read(*({**c, "reader": "v1a", "jwk": jwk}
                       for c in (case, bent)))
    assert good["ok"] and not bad["ok"]


@pytest.mark.parametrize("form", ["cloudevents", "cloudevents-binary"])
def test_cloudevents_are_read_in_both_modes(signing, billing, form):
    signing.billing_options["format"] = form
    billing.check = None  # another schema than the webhook's
    case = delivered(signing.start(), billing)
    [result] = read({**case, "reader": "cloudevents"})
    assert result["ok"], result
    event = result["event"]
    [receipt] = signing.receipts()
    assert event["specversion"] == "1.0"
    assert event["id"] == receipt["id"] == case["headers"]["webhook-id"]
    assert event["type"] == "payment.received"
    assert event["source"] == "urn:paysieve:merchant:" + callbacks.MERCHANT
    subject = event["subject"]
    if form == "cloudevents-binary":
        subject = unquote(subject)  # which this library leaves to its user
    assert subject == receipt["invoice_id"]
    assert event["time"].startswith(receipt["received_at"][:23])
    assert len(event["sequence"]) == 19 and event["sequence"].isdecimal()
    assert event["data"] == receipt
    [secret] = billing.secrets
    [signed] = read({**case, "reader": "standardwebhooks", "secret": secret})
    assert signed["ok"]
