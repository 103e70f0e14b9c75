"""The worked examples of a billing consumer, in C and in PHP."""

import base64
import hashlib
import hmac
import os
import sqlite3
import subprocess
import time
from pathlib import Path

import callbacks
import pytest
from gateway import new_webhook_secret, write_secret

SOURCE = Path(__file__).resolve().parents[1] / "consumer"
C_CONSUMER = os.environ["CONSUMER"]


class Consumer:
    """What both have in common; subclasses say how they are run."""

    def __init__(self, directory):
        self.ledger = directory / "ledger.db"
        self.secret_file = directory / "billing.secret"
        self.secret = new_webhook_secret()
        write_secret(self.secret_file, self.secret)

    def rows(self):
        with sqlite3.connect(self.ledger) as db:
            return db.execute("select id, invoice_id, amount, currency, "
                              "paid_at from ledger").fetchall()

    def poll(self, gateway, token_file):
        return subprocess.run(
            [*self.words, "poll", "https://" + gateway.listen["api"],
             token_file, gateway.keys.ca, self.ledger],
            timeout=60, check=False).returncode


class InC(Consumer):
    words = [C_CONSUMER]

    def hook(self, headers, body):
        done = subprocess.run(
            [C_CONSUMER, "hook", self.secret_file, self.ledger],
            input=body, capture_output=True, timeout=30, check=True,
            env={**os.environ, **{
                "HTTP_" + k.upper().replace("-", "_"): v
                for k, v in headers.items()}})
        return int(done.stdout.split()[1])


class InPhp(Consumer):
    words = ["php", SOURCE / "consumer.php"]

    def hook(self, headers, body):
        done = subprocess.run(
            ["php-cgi", "-d", "cgi.force_redirect=0"],
            input=body, capture_output=True, timeout=30, check=True,
            env={**os.environ, "SECRET_FILE": str(self.secret_file),
                 "LEDGER": str(self.ledger), "REQUEST_METHOD": "POST",
                 "SCRIPT_FILENAME": str(SOURCE / "consumer.php"),
                 "REDIRECT_STATUS": "200",
                 "CONTENT_LENGTH": str(len(body)),
                 "CONTENT_TYPE": "application/json", **{
                     "HTTP_" + k.upper().replace("-", "_"): v
                     for k, v in headers.items()}})
        head = done.stdout.split(b"\r\n\r\n")[0].decode()
        for line in head.splitlines():
            if line.startswith("Status: "):
                return int(line.split()[1])
        return 200


@pytest.fixture(params=[InC, InPhp])
def consumer(request, tmp_path):
    return request.param(tmp_path)


@pytest.fixture
def token_file(gateway, tmp_path):
    path = tmp_path / "token"
    write_secret(path, gateway.token())
    return path


def book(receipts):
    return [(r["id"], r["invoice_id"], r["amount"], r["currency"],
             r["paid_at"]) for r in receipts]


def test_polling_books_every_receipt_once(gateway, consumer, token_file):
    with gateway.client() as client:
        for n in range(20):
            assert client.post(callbacks.paid(f"INV-{n}")).status == 200
    assert consumer.poll(gateway, token_file) == 0
    assert consumer.rows() == book(gateway.receipts())
    gateway.post(callbacks.paid("INV-20"))
    assert consumer.poll(gateway, token_file) == 0
    assert consumer.poll(gateway, token_file) == 0
    assert consumer.rows() == book(gateway.receipts())
    # the store is replaced: a new epoch, the same payments come again
    assert gateway.stop() == 0
    for path in gateway.store.parent.glob(gateway.store.name + "*"):
        if path.is_file():
            path.unlink()
    gateway.start()
    gateway.post(callbacks.paid("INV-7"))
    gateway.post(callbacks.paid("INV-21"))
    assert consumer.poll(gateway, token_file) == 0
    assert len(consumer.rows()) == 22
    write_secret(token_file, "wrong")
    assert consumer.poll(gateway, token_file) != 0


def test_events_and_polls_book_the_same_receipt_once(
        gateway, billing, consumer, token_file):
    gateway.post(callbacks.paid("INV-1"))
    assert billing.wait_invoices(["INV-1"])
    [request] = billing.requests
    headers = {k.lower(): v for k, v in request.headers
               if k.lower().startswith("webhook-")}
    write_secret(consumer.secret_file, billing.secrets[0])
    assert consumer.hook(headers, request.body) == 204
    assert consumer.hook(headers, request.body) == 204
    assert consumer.poll(gateway, token_file) == 0
    assert consumer.rows() == book(gateway.receipts())


def test_an_event_is_verified_before_it_is_believed(consumer):
    body = (b'{"type":"payment.received","timestamp":"x","data":{"id":"r",'
            b'"invoice_id":"i","amount":"1.00","currency":"BDT",'
            b'"paid_at":"p"}}')
    key = base64.b64decode(consumer.secret[len("whsec_"):])

    def signed(at, body=body, key=key):
        text = b"r.%d." % at + body
        return {"webhook-id": "r", "webhook-timestamp": str(at),
                "webhook-signature": "v1a,AAAA v1,AAAA v1," +
                base64.b64encode(hmac.new(
                    key, text, hashlib.sha256).digest()).decode()}

    now = int(time.time())
    for headers in (signed(now - 301), signed(now + 301),
                    signed(now, body + b" "), signed(now, key=b"x" * 32),
                    {**signed(now), "webhook-id": "s"}, {}):
        assert consumer.hook(headers, body) == 401
    assert consumer.hook(signed(now), body) == 204
    assert len(consumer.rows()) == 1
    ping = b'{"type":"ping","timestamp":"x","data":{}}'
    assert consumer.hook(signed(now, ping), ping) == 204
    assert len(consumer.rows()) == 1
    gone = b'{"type":"receipt.erased","timestamp":"x","data":{"id":"r"}}'
    assert consumer.hook(signed(now, gone), gone) == 204
    assert consumer.rows() == []
