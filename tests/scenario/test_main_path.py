"""A genuine callback is stored, offered and delivered, and nothing more."""

import re
import threading
from datetime import datetime, timezone

import callbacks
from schema import validate

MEMBERS = {"id", "invoice_id", "amount", "currency", "paid_at", "received_at"}


def test_a_paid_callback_is_answered_stored_polled_and_delivered(
        gateway, billing):
    before = datetime.now(timezone.utc)
    answer = gateway.post(callbacks.paid("INV-2025-000123"))
    assert (answer.status, answer.body) == (200, b"OK")
    assert answer.headers.get_content_type() == "text/plain"

    [receipt] = gateway.receipts()
    validate(receipt, "receipt")
    assert set(receipt) == MEMBERS
    assert re.fullmatch("rcpt_[a-z2-7]{26}", receipt["id"])
    assert receipt["invoice_id"] == "INV-2025-000123"
    assert (receipt["amount"], receipt["currency"]) == ("1150.00", "BDT")
    assert receipt["paid_at"] == "2025-12-02T06:30:45Z"
    received = datetime.fromisoformat(
        receipt["received_at"].replace("Z", "+00:00"))
    assert before <= received <= datetime.now(timezone.utc)

    assert gateway.rows(
        "select merchant, invoice_id, currency, amount_minor, paid_at_us"
        " from receipt") == [
            ("testbox", "INV-2025-000123", "BDT", 115000, 1764657045000000)]

    assert billing.wait_invoices(["INV-2025-000123"])
    [request] = billing.requests
    assert request.fault is None
    assert request.webhook_id == receipt["id"]
    assert billing.receipts == {receipt["id"]: receipt}


def test_an_event_and_a_page_have_the_promised_members(gateway, billing):
    gateway.post(callbacks.paid("INV-1"))
    assert billing.wait_invoices(["INV-1"])
    [page] = gateway.pages()
    validate(page, "page")
    assert set(page) == {"receipts", "next", "more"}
    assert page["more"] is False
    answer = gateway.api("/v1/receipts/" + page["receipts"][0]["id"],
                         gateway.token())
    assert answer.status == 200
    assert answer.json() == page["receipts"][0]


def test_a_callback_that_says_not_paid_is_acknowledged_and_not_kept(
        gateway, billing):
    fields = callbacks.genuine("INV-1", status="FAILED")
    for name in ("val_id", "store_amount", "risk_level", "risk_title"):
        del fields[name]
    answer = gateway.post(callbacks.encode(callbacks.signed(fields)))
    assert (answer.status, answer.body) == (200, b"OK")
    assert gateway.receipts() == []
    assert gateway.metrics()[
        'paysieve_callbacks_total{outcome="not_paid"}'] == 1
    assert billing.requests == []


def test_two_payments_of_one_invoice_are_two_receipts(gateway):
    for val_id in ("251202123045FIRST", "251202123046SECOND"):
        assert gateway.post(
            callbacks.paid("INV-1", val_id=val_id)).status == 200
    receipts = gateway.receipts(invoice_id="INV-1")
    assert [r["invoice_id"] for r in receipts] == ["INV-1", "INV-1"]
    assert receipts[0]["id"] != receipts[1]["id"]


def test_the_same_callback_fifty_times_at_once_is_one_receipt(
        gateway, billing):
    body = callbacks.paid("INV-50")
    barrier = threading.Barrier(50)
    answers = []

    def post():
        barrier.wait()
        answers.append(gateway.post(body))

    threads = [threading.Thread(target=post) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [(a.status, a.body) for a in answers] == [(200, b"OK")] * 50
    [receipt] = gateway.receipts()
    assert billing.wait_invoices(["INV-50"])
    assert gateway.metrics()["paysieve_callbacks_duplicate_total"] == 49
    assert gateway.stop() == 0
    assert [r.webhook_id for r in billing.requests] == [receipt["id"]]


def test_one_connection_serves_many_callbacks(gateway):
    with gateway.client() as client:
        for n in range(20):
            assert client.post(callbacks.paid(f"INV-{n}")).status == 200
    accepted = gateway.metrics()[
        'paysieve_connections_accepted_total{listener="callbacks"}']
    assert accepted == 1
    assert len(gateway.receipts()) == 20


def test_pipelined_callbacks_are_answered_in_their_order(gateway):
    good, bad = callbacks.paid("INV-1"), b"amount=1"
    data = b""
    for body in (good, bad, good):
        data += (b"POST /ipn/testbox HTTP/1.1\r\nHost: x\r\nContent-Type: "
                 b"application/x-www-form-urlencoded\r\nContent-Length: %d"
                 b"\r\n\r\n%s" % (len(body), body))
    with gateway.open() as tls:
        tls.sendall(data)
        text = b""
        while text.count(b"HTTP/1.1 ") < 3:
            more = tls.recv(65536)
            assert more, text
            text += more
    assert re.findall(rb"HTTP/1\.1 (\d+)", text) == [b"200", b"403", b"200"]


def test_a_receipt_has_the_same_id_and_survives_a_restart(gateway):
    assert gateway.post(callbacks.paid("INV-1")).status == 200
    before = gateway.receipts()
    assert gateway.stop() == 0
    gateway.start()
    assert gateway.receipts() == before
    assert gateway.post(callbacks.paid("INV-1")).status == 200
    assert gateway.receipts() == before


def test_the_operators_pages_tell_how_the_gateway_is(gateway):
    assert gateway.admin("/livez").status == 200
    assert gateway.admin("/readyz").status == 200
    metrics = gateway.admin("/metrics")
    assert metrics.headers.get_content_type() == "text/plain"
    assert "paysieve_receipts" in metrics.body.decode()
