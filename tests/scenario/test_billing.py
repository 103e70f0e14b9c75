"""Billing gets every receipt at least once, whatever it does meanwhile."""

import callbacks
import certs
from billing_stub import BillingStub, decode_secret, sign
from gateway import Load, new_webhook_secret, until


def test_callbacks_are_acknowledged_while_billing_is_down(gateway, billing):
    billing.mode("down")
    acked = Load(gateway, name="DOWN", threads=2).start()
    acked.wait_acked(40)
    invoices = acked.stop()
    assert set(acked.statuses) == {200}
    assert gateway.log.wait("delivery_failed", attempt=1)
    assert billing.receipts == {}
    billing.mode("ok")
    assert billing.wait_invoices(invoices)
    until(lambda: gateway.metrics()["paysieve_deliveries_pending"] == 0)
    assert set(billing.counts.values()) == {1}


def test_an_error_answer_is_tried_again_under_the_same_id(gateway, billing):
    billing.mode("status", status=500)
    gateway.post(callbacks.paid("INV-1"))
    assert billing.wait(lambda s: len(s.requests) == 1, 10)
    billing.mode("ok")
    assert billing.wait_invoices(["INV-1"])
    first, second = billing.requests
    assert first.webhook_id == second.webhook_id
    assert int(second.timestamp) - int(first.timestamp) >= 4
    assert first.body != b"" and first.fault is second.fault is None
    event = gateway.log.wait("delivered", attempt=2)
    assert event["receipt"] == first.webhook_id


# proves: R26
def test_a_redirect_is_not_followed(gateway, billing):
    billing.mode("redirect", status=307, location=billing.url + "/elsewhere")
    gateway.post(callbacks.paid("INV-1"))
    event = gateway.log.wait("delivery_failed", attempt=1)
    assert event["status"] == 307
    assert [r.path for r in billing.requests] == ["/hooks/payments"]


def test_the_number_of_attempts_survives_a_restart(gateway, billing):
    billing.mode("status", status=503)
    gateway.post(callbacks.paid("INV-1"))
    assert gateway.log.wait("delivery_failed", attempt=1)
    until(lambda: gateway.rows("select attempts from delivery") == [(1,)])
    assert gateway.stop() == 0
    gateway.start()
    assert gateway.log.wait("delivery_failed", attempt=2)
    assert gateway.log.find("delivery_failed", attempt=1) is None
    assert len({r.webhook_id for r in billing.requests}) == 1


def test_a_slow_billing_is_given_up_and_holds_up_no_callback(
        make_gateway, billing):
    gateway = make_gateway(billing=billing)
    gateway.billing_options = {"timeout": "1s", "in_flight": 2}
    gateway.start()
    billing.mode("slow", seconds=60)
    for n in range(5):
        assert gateway.post(callbacks.paid(f"INV-{n}")).status == 200
    assert gateway.log.wait("delivery_failed", outcome="timeout")
    in_flight = gateway.metrics()["paysieve_deliveries_in_flight"]
    assert in_flight <= 2
    billing.mode("ok")
    assert billing.wait_invoices(["INV-4"])


# proves: R23
def test_billing_with_a_strangers_certificate_gets_nothing(
        make_gateway, billing, tmp_path):
    (tmp_path / "strangers").mkdir()
    cert, key = certs.make(tmp_path / "strangers", "billing")
    stranger = BillingStub(cert, key, billing.secrets).start()
    try:
        gateway = make_gateway(billing=stranger).start()
        gateway.post(callbacks.paid("INV-1"))
        assert gateway.log.wait("delivery_failed", outcome="certificate")
        assert stranger.requests == []
    finally:
        stranger.stop()


def test_both_secrets_sign_while_one_is_replaced(make_gateway, billing):
    gateway = make_gateway(billing=billing)
    new = new_webhook_secret()
    gateway.webhook_secrets = [new] + billing.secrets
    gateway.start()
    gateway.post(callbacks.paid("INV-1"))
    assert billing.wait_invoices(["INV-1"])  # it knows the old one only
    [request] = billing.requests
    signatures = dict(request.headers)["webhook-signature"].split(" ")
    assert len(signatures) == 2
    assert signatures[0] == sign(decode_secret(new), request.webhook_id,
                                 request.timestamp, request.body)


def test_without_an_endpoint_receipts_wait_to_be_polled(make_gateway):
    gateway = make_gateway().start()
    assert gateway.post(callbacks.paid("INV-1")).status == 200
    assert len(gateway.receipts()) == 1
    assert gateway.metrics()["paysieve_deliveries_pending"] == 0


# proves: R1
def test_a_delivery_carries_our_fields_and_no_others(gateway, billing):
    gateway.post(callbacks.paid("INV-1"))
    assert billing.wait_invoices(["INV-1"])
    [request] = billing.requests
    names = {name.lower() for name, _ in request.headers}
    assert names <= {"host", "accept", "user-agent", "content-type",
                     "content-length", "webhook-id", "webhook-timestamp",
                     "webhook-signature"}
    assert dict(request.headers)["Content-Type"] == "application/json"
    assert gateway.log.wait("delivered")
    assert gateway.metrics()[
        'paysieve_delivery_attempts_total{outcome="delivered"}'] == 1
