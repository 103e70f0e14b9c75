#!/usr/bin/python3
"""A stand-in for a billing system: takes events, proves each signature.

As a module: BillingStub(...).start(), then .receipts, .requests, .mode().
As a program:

    billing_stub.py --cert FILE --key FILE --secret-file FILE
                    [--host ADDRESS] [--port N] [--print]

Standard Webhooks 1.0, symmetric: webhook-signature holds one or more
"v1,<base64>" of HMAC-SHA256(secret, id "." timestamp "." body).
"""

import argparse
import base64
import hashlib
import hmac
import json
import signal
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from stub_server import Handler, StubServer, tls_context

TOLERANCE_S = 300


def decode_secret(text):
    """The key's bytes of "whsec_<base64>"."""
    text = text.strip()
    if not text.startswith("whsec_"):
        raise ValueError("a webhook secret starts with whsec_")
    key = base64.b64decode(text[len("whsec_"):], validate=True)
    if not 24 <= len(key) <= 64:
        raise ValueError("a webhook secret has 24 to 64 bytes")
    return key


def sign(key, webhook_id, timestamp, body):
    """The value of one signature: "v1,...". """
    signed = b"%s.%s.%s" % (webhook_id.encode(), timestamp.encode(), body)
    digest = hmac.new(key, signed, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


def verify(keys, headers, body, now):
    """None if the request is genuine, else what is wrong with it."""
    values = {}
    for name in ("webhook-id", "webhook-timestamp", "webhook-signature"):
        found = headers.get_all(name) or []
        if len(found) != 1:
            return f"{len(found)} times {name}"
        values[name] = found[0]
    webhook_id, timestamp = values["webhook-id"], values["webhook-timestamp"]
    if not webhook_id or "." in webhook_id:
        return "webhook-id is empty or has a dot"
    if not timestamp.isdecimal() or abs(now - int(timestamp)) > TOLERANCE_S:
        return "webhook-timestamp is too far away"
    for given in values["webhook-signature"].split(" "):
        for key in keys:
            right = sign(key, webhook_id, timestamp, body)
            if hmac.compare_digest(right.encode(), given.encode()):
                return None
    return "webhook-signature fits no secret"


def receipt_of(event):
    """The receipt of an event in any format."""
    return event.get("data", event)


@dataclass
class Request:
    """One POST, as it came."""
    webhook_id: str
    timestamp: str
    body: bytes
    headers: list
    path: str
    fault: str  # None: signature and event are right
    status: int
    at: float


@dataclass
class Mode:
    """How the stub behaves.  kind: ok, down, status, slow, redirect, endless
    (an answer without an end)."""
    kind: str = "ok"
    status: int = 500
    location: str = ""
    seconds: float = 0
    fields: dict = field(default_factory=dict)


class _Handler(Handler):
    def do_POST(self):
        stub = self.stub
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > 64 * 1024:
            self._answer(411 if not length else 413)
            self.close_connection = True
            return
        body = self.rfile.read(int(length))
        if len(body) < int(length):  # who sent it was killed
            self.close_connection = True
            return
        mode = stub._entered()
        if mode.kind == "down" or (mode.kind == "slow" and
                                   stub._stopping.wait(mode.seconds)):
            self.close_connection = True
            stub._left()
            return
        request = stub._take(self, body, mode)
        fields = dict(mode.fields)
        if mode.kind == "redirect":
            fields["Location"] = mode.location
        stub._left()  # the next may come as soon as there is an answer
        if mode.kind == "endless":
            self._answer_without_end()
        else:
            self._answer(request.status, fields)

    def _answer_without_end(self):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.close_connection = True
        try:
            while not self.stub._stopping.wait(0.01):
                self.wfile.write(b"1000\r\n" + b"x" * 0x1000 + b"\r\n")
        except OSError:
            pass

    def _answer(self, status, fields=None):
        self.send_response(status)
        for name, value in (fields or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()


class BillingStub(StubServer):

    def __init__(self, cert, key, secrets, host="127.0.0.1", port=0,
                 check=None, on_request=None):
        """secrets: texts whsec_...; check(event) raises on a bad event."""
        super().__init__(_Handler, tls_context(cert, key), host, port)
        self.secrets = list(secrets)
        self.keys = [decode_secret(s) for s in secrets]
        self.check = check
        self.on_request = on_request
        self.clock = time.time
        self._mode = Mode()
        self.requests = []  # every Request, in order of arrival
        self.receipts = {}  # webhook-id: receipt of accepted events
        self.counts = {}    # webhook-id: how often it was accepted
        self.invoices = set()  # invoice IDs of .receipts
        self.pings = 0
        self.erased = []    # ids of accepted notices
        self.in_flight = self.most_in_flight = 0
        self.decide = None  # decide(receipt) -> status, or None for .mode

    @property
    def url(self):
        return self.base_url() + "/hooks/payments"

    def mode(self, kind, **more):
        """Behave like this from the next request on."""
        with self._changed:
            self._mode = Mode(kind, **more)
        if kind == "down":
            self._cut_connections()

    def faults(self):
        with self._changed:
            return [r.fault for r in self.requests if r.fault is not None]

    def wait_invoices(self, invoices, seconds=120):
        """Until a receipt of each invoice was accepted at least once."""
        invoices = set(invoices)
        return self.wait(lambda s: invoices <= s.invoices, seconds)

    def is_down(self):
        return self._current_mode().kind == "down"

    def _entered(self):
        with self._changed:
            self.in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self.in_flight)
            return self._mode

    def _left(self):
        with self._changed:
            self.in_flight -= 1
            self._changed.notify_all()

    def _current_mode(self):
        with self._changed:
            return self._mode

    def _fault(self, headers, body, now):
        fault = verify(self.keys, headers, body, now)
        if fault is None:
            try:
                event = json.loads(body)
                if event.get("type") == "ping":
                    return None
                if event.get("type") == "receipt.erased":
                    return self._fault_of_notice(event, headers)
                if receipt_of(event)["id"] != headers["webhook-id"]:
                    fault = "webhook-id is not the receipt's id"
                elif self.check is not None:
                    self.check(event)
            except Exception as error:  # whatever check() raises
                fault = "event: " + type(error).__name__
        return fault

    @staticmethod
    def _fault_of_notice(event, headers):
        receipt_id = event["data"]["id"]
        if set(event["data"]) != {"id"}:
            return "a notice says more than an id"
        if headers["webhook-id"] != receipt_id.replace("rcpt_", "erased_"):
            return "webhook-id is not that of the receipt's notice"
        return None

    def _take(self, handler, body, mode):
        now = self.clock()
        headers = handler.headers
        fault = self._fault(headers, body, now)
        status = 200 if fault is None else 400
        if mode.kind in ("status", "redirect"):
            status = mode.status
        webhook_id = headers.get("webhook-id", "")
        request = Request(webhook_id, headers.get("webhook-timestamp", ""),
                          body, headers.items(), handler.path, fault, status,
                          now)
        event = json.loads(body) if fault is None else {}
        if (self.decide is not None and fault is None and
                event.get("type") != "receipt.erased"):
            status = request.status = self.decide(receipt_of(event)) or status
        with self._changed:
            self.requests.append(request)
            if event.get("type") == "ping":
                self.pings += 1
            elif event.get("type") == "receipt.erased":
                if status // 100 == 2:
                    self.erased.append(event["data"]["id"])
            elif status // 100 == 2 and fault is None:
                receipt = receipt_of(event)
                self.receipts[webhook_id] = receipt
                self.invoices.add(receipt["invoice_id"])
                self.counts[webhook_id] = self.counts.get(webhook_id, 0) + 1
            self._changed.notify_all()
        if self.on_request is not None:
            self.on_request(self, request)
        return request


def _print_request(stub, request):
    if request.fault is not None:
        line = f"refused: {request.fault}"
    else:
        data = json.loads(request.body)["data"]
        again = stub.counts.get(request.webhook_id, 0) > 1
        line = "%s %s %s %s%s" % (data["id"], data["invoice_id"],
                                  data["amount"], data["currency"],
                                  " (again)" if again else "")
    print(line, flush=True)


def main(argv=None):
    parser = argparse.ArgumentParser(
        description="A stand-in for a billing system.")
    parser.add_argument("--cert", required=True)
    parser.add_argument("--key", required=True)
    parser.add_argument("--secret-file", required=True,
                        help="whsec_..., one a line")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--print", action="store_true",
                        help="one line for each event")
    args = parser.parse_args(argv)
    secrets = Path(args.secret_file).read_text().split()
    stub = BillingStub(args.cert, args.key, secrets, args.host, args.port,
                       on_request=_print_request if args.print else None)
    end = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, end)
    stub.start()
    print("listening on https://%s:%d" % stub.address, flush=True)
    signal.sigwait(end)
    stub.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
