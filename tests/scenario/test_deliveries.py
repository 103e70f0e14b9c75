"""What an answer of billing does, and what people may do about it."""

import base64
import json
import secrets
import subprocess
import time

import callbacks
import certs
import pytest
from billing_stub import BillingStub, decode_secret, sign
from gateway import command, new_webhook_secret, until, write_secret
from schema import validate
from shifted import ShiftedClock
from stub_server import tls_context


def deliveries(gateway, *args):
    done = command("--config", gateway.conf, "deliveries", *args)
    return done.returncode, done.stdout, done.stderr


def listed(gateway, *args):
    code, out, words = deliveries(gateway, "list", *args)
    assert code == 0, words
    rows = [json.loads(line) for line in out.splitlines()]
    for row in rows:
        validate(row, "delivery")
    return rows


@pytest.fixture
def impatient(make_gateway, billing):
    """One that gives up after three attempts within a few seconds."""
    gateway = make_gateway(billing=billing)
    gateway.billing_options = {"schedule": "1s 1s"}
    gateway.add_token("ops", scopes="deliver read")
    return gateway.start()


@pytest.fixture
def exhausted(impatient, billing):
    """One delivery that nobody tries any more."""
    billing.mode("status", status=500)
    impatient.post(callbacks.paid("INV-1"))
    assert impatient.log.wait("delivery_exhausted")
    return impatient


def second_billing(keys):
    return BillingStub(*keys.billing, [new_webhook_secret()]).start()


def test_a_schedule_that_ends_keeps_the_delivery(exhausted, billing):
    [row] = listed(exhausted)
    assert row["state"] == "exhausted" and row["attempts"] == 3
    assert (row["outcome"], row["http_status"]) == ("status", 500)
    until(lambda: exhausted.metrics()["paysieve_deliveries_pending"] == 0)
    until(lambda:
          exhausted.metrics()["paysieve_deliveries_exhausted"] == 1)
    assert exhausted.admin("/readyz").json()["deliveries_exhausted"] == 1
    assert [r["invoice_id"] for r in exhausted.receipts(delivered="false")] \
        == ["INV-1"]
    assert exhausted.stop() == 0
    exhausted.start()
    assert listed(exhausted) == [row]
    assert len(billing.requests) == 3


def test_an_exhausted_delivery_is_retried_under_its_id(exhausted, billing):
    [row] = listed(exhausted)
    billing.mode("ok")
    code, _, words = deliveries(exhausted, "retry", row["id"])
    assert code == 0, words
    assert billing.wait_invoices(["INV-1"])
    assert len({r.webhook_id for r in billing.requests}) == 1
    until(lambda: listed(exhausted)[0]["state"] == "delivered")
    code, out, _ = deliveries(exhausted, "show", row["id"])
    shown = json.loads(out)
    validate(shown, "delivery")
    assert [a["number"] for a in shown["log"]] == [1, 2, 3, 4]
    assert [a["outcome"] for a in shown["log"]] == ["status"] * 3 + [
        "delivered"]
    event = exhausted.log.wait("redelivered")
    assert (event["count"], event["who"]) == (1, "cli")
    assert exhausted.receipts(delivered="false") == []


def test_billing_retries_over_the_api(exhausted, billing):
    token = exhausted.tokens["ops"][0]
    page = exhausted.api("/v1/deliveries?state=exhausted", token).json()
    [row] = page["deliveries"]
    validate(row, "delivery")
    one = exhausted.api(f"/v1/deliveries/{row['id']}", token).json()
    validate(one, "delivery")
    assert len(one["log"]) == 3
    billing.mode("ok")
    post = {"method": "POST", "headers": {"Content-Length": "0"}}
    target = f"/v1/deliveries/{row['id']}/retry"
    assert exhausted.api(target, exhausted.token(), **post).status == 403
    answer = exhausted.api(target, token, **post)
    assert answer.status == 202
    assert answer.json() == {"id": row["id"], "state": "pending"}
    assert billing.wait_invoices(["INV-1"])
    unknown = row["id"].replace("_main", "_nobody")
    assert exhausted.api(f"/v1/deliveries/{unknown}/retry", token,
                         **post).status == 404


def test_a_retry_by_filter_counts_first(impatient, billing):
    # what billing answers by itself does not make it look away
    billing.mode("redirect", status=302, location=billing.url)
    for n in range(5):
        impatient.post(callbacks.paid(f"INV-{n}"))
    until(lambda: len(listed(impatient, "--state", "exhausted")) == 5)
    token = impatient.tokens["ops"][0]
    post = {"method": "POST", "headers": {"Content-Length": "0"}}
    base = "/v1/deliveries/retry?state=exhausted&limit=3"
    counted = impatient.api(base + "&dry_run=true", token, **post).json()
    assert (counted["matched"], counted["changed"]) == (3, 0)
    assert counted["more"]
    assert impatient.api("/v1/deliveries/retry", token, **post).status == 400
    code, out, words = deliveries(impatient, "retry", "--state", "exhausted",
                                  "--dry-run")
    assert code == 0, words
    assert "5" in out + words
    assert len(listed(impatient, "--state", "exhausted")) == 5
    billing.mode("ok")
    code, out, words = deliveries(impatient, "retry", "--state", "exhausted")
    assert code == 0, words
    assert billing.wait_invoices([f"INV-{n}" for n in range(5)])


def test_what_is_dropped_is_not_sent_and_can_be_retried(exhausted, billing):
    [row] = listed(exhausted)
    assert deliveries(exhausted, "drop", row["id"])[0] == 0
    assert listed(exhausted)[0]["state"] == "dropped"
    assert exhausted.log.wait("dropped")["who"] == "cli"
    code, _, words = deliveries(exhausted, "drop", row["id"])
    assert code == 1 and words
    billing.mode("ok")
    assert deliveries(exhausted, "retry", row["id"])[0] == 0
    assert billing.wait_invoices(["INV-1"])


def test_deliveries_are_seen_and_retried_without_a_gateway(
        exhausted, billing):
    assert exhausted.stop() == 0
    [row] = listed(exhausted)
    assert deliveries(exhausted, "retry", row["id"])[0] == 0
    assert listed(exhausted)[0]["state"] == "pending"
    billing.mode("ok")
    exhausted.start()
    assert billing.wait_invoices(["INV-1"])


def test_a_delivered_one_is_sent_again_when_somebody_asks(
        gateway, billing):
    gateway.post(callbacks.paid("INV-1"))
    assert billing.wait_invoices(["INV-1"])
    until(lambda: listed(gateway)[0]["state"] == "delivered")
    [row] = listed(gateway)
    assert deliveries(gateway, "retry", row["id"])[0] == 0
    assert billing.wait(lambda s: s.counts[row["receipt_id"]] == 2, 10)
    first, second = billing.requests
    assert first.body == second.body


def test_retry_after_is_never_undercut(make_gateway, billing):
    gateway = make_gateway(billing=billing)
    gateway.billing_options = {"schedule": "1s 1s 1s"}
    gateway.start()
    billing.mode("status", status=500, fields={"Retry-After": "4"})
    gateway.post(callbacks.paid("INV-1"))
    assert billing.wait(lambda s: len(s.requests) == 1, 10)
    billing.mode("ok")
    assert billing.wait_invoices(["INV-1"])
    first, second = billing.requests
    assert second.at - first.at >= 4


def test_429_pauses_the_endpoint_and_no_other(make_gateway, billing, keys):
    other = second_billing(keys)
    gateway = make_gateway(billing=billing)
    gateway.add_billing("second", other)
    gateway.start()
    billing.mode("status", status=429, fields={"Retry-After": "5"})
    gateway.post(callbacks.paid("INV-1"))
    assert gateway.log.wait("endpoint_paused", endpoint="main")
    billing.mode("ok")
    for n in range(2, 6):
        gateway.post(callbacks.paid(f"INV-{n}"))
    assert other.wait_invoices([f"INV-{n}" for n in range(1, 6)], 4)
    assert len(billing.requests) == 1
    assert billing.wait_invoices([f"INV-{n}" for n in range(1, 6)])
    paused = billing.requests[0].at
    assert min(r.at for r in billing.requests[1:]) - paused >= 5
    other.stop()


def test_410_stops_the_endpoint_until_a_person_resumes_it(
        make_gateway, billing):
    gateway = make_gateway(billing=billing)
    gateway.billing_options = {"schedule": "1s 1s 1s"}
    gateway.start()
    billing.mode("status", status=410)
    gateway.post(callbacks.paid("INV-1"))
    assert gateway.log.wait("endpoint_disabled", endpoint="main")
    billing.mode("ok")
    gateway.post(callbacks.paid("INV-2"))
    assert gateway.stop() == 0
    gateway.start()
    assert gateway.admin("/readyz").json()["endpoints_disabled"] == 1
    gateway.post(callbacks.paid("INV-3"))
    assert len(listed(gateway, "--state", "pending")) == 3
    assert len(billing.requests) == 1
    code, _, words = deliveries(gateway, "resume", "main")
    assert code == 0, words
    assert gateway.log.wait("endpoint_resumed", endpoint="main")
    assert billing.wait_invoices(["INV-1", "INV-2", "INV-3"])
    until(lambda: gateway.admin("/readyz").json()["endpoints_disabled"] == 0)
    assert deliveries(gateway, "resume", "nobody")[0] == 1


def test_a_poison_receipt_blocks_none_behind_it(make_gateway, billing):
    gateway = make_gateway(billing=billing)
    gateway.billing_options = {"in_flight": 1}
    gateway.start()
    billing.decide = lambda receipt: (
        400 if receipt["invoice_id"] == "POISON" else 0)
    gateway.post(callbacks.paid("POISON"))
    for n in range(20):
        gateway.post(callbacks.paid(f"INV-{n}"))
    assert billing.wait_invoices([f"INV-{n}" for n in range(20)])
    assert billing.most_in_flight == 1
    [row] = listed(gateway, "--state", "pending")
    assert row["invoice_id"] == "POISON" and row["http_status"] == 400
    # its own fault: on the long steps
    assert row["next_at"] > time.strftime(
        "%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() + 240))


def test_an_endpoint_that_is_away_is_probed_and_its_return_is_no_stampede(
        make_gateway, billing, keys):
    other = second_billing(keys)
    gateway = make_gateway(billing=billing)
    gateway.billing_options = {"in_flight": 8, "timeout": "1s"}
    gateway.add_billing("second", other)
    gateway.start()
    billing.mode("down")
    with gateway.client() as client:
        for n in range(200):
            assert client.post(callbacks.paid(f"INV-{n}")).status == 200
    assert gateway.log.wait("endpoint_away", endpoint="main")
    assert other.wait_invoices([f"INV-{n}" for n in range(200)])
    until(lambda: gateway.metrics()["paysieve_endpoints_away"] == 1)
    billing.most_in_flight = 0
    billing.mode("ok")
    assert billing.wait_invoices([f"INV-{n}" for n in range(200)])
    assert gateway.log.wait("endpoint_back", endpoint="main")
    assert billing.most_in_flight <= 8
    assert set(billing.counts.values()) == {1}
    other.stop()


def test_receipts_of_one_invoice_keep_their_order_if_asked_to(
        make_gateway, billing):
    gateway = make_gateway(billing=billing)
    gateway.billing_options = {"order": "invoice", "schedule": "1s 1s 1s"}
    gateway.start()
    failed = []

    def once(receipt):
        if receipt["invoice_id"] == "INV-1" and not failed:
            failed.append(receipt["id"])
            return 500
        return 0

    billing.decide = once
    for n in range(3):
        gateway.post(callbacks.encode(callbacks.signed(
            callbacks.genuine("INV-1", val_id=f"25120212304500ORDER{n}"))))
    gateway.post(callbacks.paid("INV-2"))
    assert billing.wait_invoices(["INV-2"])
    assert billing.wait(lambda s: len(s.receipts) == 4, 20)
    ids = [r["id"] for r in gateway.receipts(invoice_id="INV-1")]
    tried = [r.webhook_id for r in billing.requests if r.webhook_id in ids]
    assert tried == [ids[0], ids[0], ids[1], ids[2]]


def test_both_secrets_sign_while_one_is_changed(make_gateway, billing):
    gateway = make_gateway(billing=billing)
    gateway.webhook_secrets = [new_webhook_secret(), *billing.secrets]
    gateway.start()
    gateway.post(callbacks.paid("INV-1"))
    assert billing.wait_invoices(["INV-1"])
    [request] = billing.requests
    items = dict(request.headers)["webhook-signature"].split(" ")
    assert items == [sign(decode_secret(s), request.webhook_id,
                          request.timestamp, request.body)
                     for s in gateway.webhook_secrets]


def test_the_published_key_verifies_the_asymmetric_signature(
        make_gateway, billing, tmp_path):
    gateway = make_gateway(billing=billing)
    write_secret(gateway.dir / "signing.key", "whsk_" + base64.b64encode(
        secrets.token_bytes(32)).decode())
    gateway.billing_options = {"signing_key_file": "signing.key"}
    gateway.start()
    gateway.post(callbacks.paid("INV-1"))
    assert billing.wait_invoices(["INV-1"])
    [request] = billing.requests
    [jwk] = gateway.api("/.well-known/jwks.json").json()["keys"]
    first, second = dict(request.headers)["webhook-signature"].split(" ")
    assert first.startswith("v1,") and second.startswith("v1a,")
    public = tmp_path / "public.der"  # RFC 8410, 4
    public.write_bytes(bytes.fromhex("302a300506032b6570032100")
                       + base64.urlsafe_b64decode(jwk["x"] + "="))
    signature = tmp_path / "signature"
    signature.write_bytes(base64.b64decode(second[len("v1a,"):]))
    text = tmp_path / "text"
    signed = f"{request.webhook_id}.{request.timestamp}.".encode() \
        + request.body
    for content, code in ((signed, 0), (signed + b" ", 1)):
        text.write_bytes(content)
        done = subprocess.run(
            ["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER",
             "-inkey", public, "-rawin", "-in", text, "-sigfile", signature],
            capture_output=True, check=False)
        assert done.returncode == code, done.stderr


def test_further_headers_and_our_certificate_go_along(
        make_gateway, keys, tmp_path):
    client = certs.make(tmp_path, "client")
    context = tls_context(*keys.billing)
    context.load_verify_locations(keys.ca)
    context.load_verify_locations(tmp_path / "ca.crt")
    context.verify_mode = 2  # ssl.CERT_REQUIRED
    stub = BillingStub(*keys.billing, [new_webhook_secret()])
    stub.context = context
    stub.start()
    gateway = make_gateway(billing=stub)
    write_secret(gateway.dir / "more.headers",
                 "Authorization: Bearer made-up\nX-Tenant: 7")
    gateway.billing_options = {
        "certificate": client[0], "key": client[1],
        "headers_file": "more.headers"}
    gateway.start()
    gateway.post(callbacks.paid("INV-1"))
    assert stub.wait_invoices(["INV-1"])
    headers = dict(stub.requests[0].headers)
    assert headers["Authorization"] == "Bearer made-up"
    assert headers["X-Tenant"] == "7"
    assert b"made-up" not in gateway.log.raw
    gateway.billing_options = {}
    gateway.reload()
    gateway.post(callbacks.paid("INV-2"))
    assert gateway.log.wait("delivery_failed", endpoint="main")
    stub.stop()


def test_the_attempt_log_is_forgotten_when_its_time_is_over(
        make_gateway, billing, tmp_path):
    clock = ShiftedClock(tmp_path)
    billing.clock = clock.time
    gateway = make_gateway(billing=billing, environ=clock.environ)
    gateway.more["store"] = {"url": f"sqlite:{gateway.store}",
                             "keep_attempts": "1h"}
    gateway.billing_options = {"schedule": "1s 1s 1s"}
    gateway.start()
    billing.mode("status", status=500)
    gateway.post(callbacks.paid("INV-1"))
    assert billing.wait(lambda s: len(s.requests) == 2, 20)
    billing.mode("ok")
    assert billing.wait_invoices(["INV-1"])
    until(lambda: gateway.rows("select count(*) from attempt") == [(2,)])
    # A request under way would end by the moved clock, logged as new.
    until(lambda: gateway.rows("select count(*) from delivery") == [(0,)])
    clock.move(2 * 3600)
    gateway.post(callbacks.paid("INV-2"))
    until(lambda: gateway.rows("select count(*) from attempt") == [(0,)])
    until(lambda: [r["state"] for r in listed(gateway)] == ["delivered"] * 2)


@pytest.mark.parametrize("kind, words", [
    ("ok", ["ok"]),
    ("status-404", ["404", "url"]),
    ("status-401", ["401"]),
    ("redirect", ["redirect"]),
    ("down", []),
])
def test_a_test_says_in_words_what_is_wrong(
        make_gateway, billing, kind, words):
    gateway = make_gateway(billing=billing)
    if kind.startswith("status-"):
        billing.mode("status", status=int(kind[7:]))
    elif kind == "redirect":
        billing.mode("redirect", status=308, location="https://else.example/")
    else:
        billing.mode(kind)
    code, out, said = deliveries(gateway, "test", "main")
    assert code == (0 if kind == "ok" else 1), said
    assert (billing.pings == 1) == (kind != "down")
    for word in words:
        assert word in (out + said).lower()
    assert "else.example" not in out + said


@pytest.mark.parametrize("days, hosts, word", [
    (-1, ("localhost", "127.0.0.1"), "expired"),
    (30, ("other.example",), "name"),
])
def test_a_test_names_the_flaw_of_a_certificate(
        make_gateway, tmp_path, days, hosts, word):
    pair = certs.make(tmp_path, "flawed", hosts=hosts, days=days)
    stub = BillingStub(*pair, [new_webhook_secret()]).start()
    gateway = make_gateway(billing=stub)
    gateway.billing_options = {"ca_file": tmp_path / "ca.crt"}
    gateway.write()
    code, out, said = deliveries(gateway, "test", "main")
    assert code == 1 and word in (out + said).lower()
    gateway.billing_options = {}
    gateway.write()
    code, out, said = deliveries(gateway, "test", "main")
    assert code == 1 and "authority" in (out + said).lower()
    stub.stop()


def test_an_endless_answer_is_cut_and_counts_by_its_status(
        make_gateway, billing):
    gateway = make_gateway(billing=billing)
    gateway.billing_options = {"timeout": "5s"}
    gateway.start()
    billing.mode("endless")
    gateway.post(callbacks.paid("INV-1"))
    until(lambda: [r["state"] for r in listed(gateway)] == ["delivered"])
    [row] = listed(gateway)
    shown = json.loads(deliveries(gateway, "show", row["id"])[1])
    assert 0 < shown["log"][0]["bytes"] <= 256 * 1024


# proves: R36
def test_the_log_holds_nothing_that_billing_said(make_gateway, billing):
    gateway = make_gateway(billing=billing).start()
    billing.mode("status", status=400,
                 fields={"X-Leak": "CANARY-OF-BILLING"})
    gateway.post(callbacks.paid("INV-1"))
    assert gateway.log.wait("delivery_failed")
    assert gateway.stop() == 0
    assert b"CANARY-OF-BILLING" not in gateway.log.raw
    for name, data in gateway.files().items():
        assert b"CANARY-OF-BILLING" not in data, name
