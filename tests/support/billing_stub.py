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
import socketserver
import ssl
import sys
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path

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
    """How the stub behaves.  kind: ok, down, status, slow, redirect."""
    kind: str = "ok"
    status: int = 500
    location: str = ""
    seconds: float = 0
    fields: dict = field(default_factory=dict)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "billing-stub"
    sys_version = ""
    timeout = 30

    def setup(self):
        super().setup()
        self.server.stub._connected(self.connection)

    def finish(self):
        self.server.stub._disconnected(self.connection)
        try:
            super().finish()
        except OSError:
            pass

    def do_POST(self):
        stub = self.server.stub
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > 64 * 1024:
            self._answer(411 if not length else 413)
            self.close_connection = True
            return
        body = self.rfile.read(int(length))
        mode = stub._current_mode()
        if mode.kind == "down":
            self.close_connection = True
            return
        if mode.kind == "slow" and stub._stopping.wait(mode.seconds):
            self.close_connection = True
            return
        request = stub._take(self, body, mode)
        fields = dict(mode.fields)
        if mode.kind == "redirect":
            fields["Location"] = mode.location
        self._answer(request.status, fields)

    def _answer(self, status, fields=None):
        self.send_response(status)
        for name, value in (fields or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address, stub, context):
        self.stub = stub
        self.context = context
        super().__init__(address, _Handler)

    def finish_request(self, request, client_address):
        # The handshake belongs to the connection's thread, not to accept().
        if self.stub._current_mode().kind == "down":
            return
        request.settimeout(10)
        tls = self.context.wrap_socket(request, server_side=True)
        try:
            super().finish_request(tls, client_address)
        finally:
            tls.close()

    def handle_error(self, request, client_address):
        """A client that left is nobody's fault."""


class BillingStub:
    """Listens from start() to stop().  All methods: any thread."""

    def __init__(self, cert, key, secrets, host="127.0.0.1", port=0,
                 check=None, on_request=None):
        """secrets: texts whsec_...; check(event) raises on a bad event."""
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        self.context.load_cert_chain(cert, key)
        self.secrets = list(secrets)
        self.keys = [decode_secret(s) for s in secrets]
        self.check = check
        self.on_request = on_request
        self.address = (host, port)
        self._changed = threading.Condition()
        self._stopping = threading.Event()
        self._mode = Mode()
        self._connections = set()
        self._server = None
        self._thread = None
        self.requests = []  # every Request, in order of arrival
        self.receipts = {}  # webhook-id: receipt of accepted events
        self.counts = {}    # webhook-id: how often it was accepted
        self.invoices = set()  # invoice IDs of .receipts

    def start(self):
        self._server = _Server(self.address, self, self.context)
        self.address = self._server.server_address[:2]
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05},
            name="billing", daemon=True)
        self._thread.start()
        return self

    def stop(self):
        self._stopping.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._cut_connections()
            self._thread.join(10)
            self._server = None

    @property
    def url(self):
        return "https://127.0.0.1:%d/hooks/payments" % self.address[1]

    def mode(self, kind, **more):
        """Behave like this from the next request on."""
        with self._changed:
            self._mode = Mode(kind, **more)
        if kind == "down":
            self._cut_connections()

    def faults(self):
        with self._changed:
            return [r.fault for r in self.requests if r.fault is not None]

    def wait(self, condition, seconds):
        """Until condition(self) holds; called with the state locked."""
        with self._changed:
            return self._changed.wait_for(lambda: condition(self), seconds)

    def wait_invoices(self, invoices, seconds=30):
        """Until a receipt of each invoice was accepted at least once."""
        invoices = set(invoices)
        return self.wait(lambda s: invoices <= s.invoices, seconds)

    def _current_mode(self):
        with self._changed:
            return self._mode

    def _connected(self, connection):
        with self._changed:
            self._connections.add(connection)

    def _disconnected(self, connection):
        with self._changed:
            self._connections.discard(connection)

    def _cut_connections(self):
        with self._changed:
            connections = list(self._connections)
        for connection in connections:
            try:
                connection.shutdown(2)
            except OSError:
                pass

    def _fault(self, headers, body, now):
        fault = verify(self.keys, headers, body, now)
        if fault is None:
            try:
                event = json.loads(body)
                if event["data"]["id"] != headers["webhook-id"]:
                    fault = "webhook-id is not the receipt's id"
                elif self.check is not None:
                    self.check(event)
            except Exception as error:  # whatever check() raises
                fault = "event: " + type(error).__name__
        return fault

    def _take(self, handler, body, mode):
        now = time.time()
        headers = handler.headers
        fault = self._fault(headers, body, now)
        status = 200 if fault is None else 400
        if mode.kind in ("status", "redirect"):
            status = mode.status
        webhook_id = headers.get("webhook-id", "")
        request = Request(webhook_id, headers.get("webhook-timestamp", ""),
                          body, headers.items(), handler.path, fault, status,
                          now)
        with self._changed:
            self.requests.append(request)
            if status // 100 == 2 and fault is None:
                receipt = json.loads(body)["data"]
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
