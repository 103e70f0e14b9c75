"""A gateway whose every secret is a canary, and all that it talks to."""

import base64
from types import SimpleNamespace
from urllib.parse import quote

import callbacks
import certs
from billing_stub import BillingStub
from canary import Canaries
from gateway import Gateway, command, until
from memory import SEARCHABLE
from scanner import Scanner
from stub_server import tls_context
from traffic import OTHER_MERCHANT, Locked, Provider, Traffic
from wire import Line, Taken, head

LIMITS = {"edges": 2, "idle_timeout": "600s", "body_timeout": "5s",
          "head_timeout": "5s", "connections_per_address": 10000,
          "ask_rate": 1000, "asks_in_flight": 16, "ask_timeout": "5s",
          "drain_timeout": "5s"}
SECONDS = 300  # that nothing here should ever take


class World:
    """From start() to stop().  No memory may be locked, so that none is out
    of the search's reach, as what memfd_secret() gives would be; or as much
    as it likes, as shipped, with another prefix."""

    def __init__(self, directory, seed, prefix=SEARCHABLE):
        self.dir = directory
        self.state = directory / "state"
        for name in ("", "config", "state", "state/tmp", "taken", "keys"):
            (directory / name).mkdir(mode=0o700)
        self.canaries = Locked(Canaries(seed))
        cards = directory / "cards"
        cards.write_text("\n".join(self.canaries.cards) + "\n")
        self.scanner = Scanner(cards)
        keys = directory / "keys"
        self.keys = SimpleNamespace(
            dir=keys, gateway=certs.make(keys, "gateway"),
            billing=certs.make(keys, "billing"),
            provider=certs.make(keys, "provider"), ca=keys / "ca.crt")
        self.callers = Taken(directory / "taken" / "callers")
        self.api = Taken(directory / "taken" / "api")
        self.password = self.canaries.text("O", 96)
        self.open = []  # idle connections
        self._make(prefix)

    def _make(self, prefix):
        secret = self.canaries.text("P", 64).encode()
        merchants = {
            callbacks.MERCHANT: {"password": self.password},
            OTHER_MERCHANT: {"password": self.password,
                             "invoice_field": "value_b"}}
        self.billing = BillingStub(
            *self.keys.billing,
            ["whsec_" + base64.b64encode(secret).decode()]).start()
        self.provider = Provider(tls_context(*self.keys.provider),
                                 dict.fromkeys(merchants, self.password),
                                 self.canaries).start()
        self.gateway = Gateway(
            self.dir / "config", self.keys, billing=self.billing,
            merchants=merchants,
            limits=LIMITS, store=self.state / "receipts.db",
            provider=self.provider,
            identity_key=self.canaries.text("V", 32).encode().hex(),
            prefix=prefix,
            environ={"TMPDIR": str(self.state / "tmp")})
        self.gateway.tokens.clear()
        for name, scopes in (("reader", "read"), ("person", "read deliver "
                                                            "check confirm")):
            self.gateway.tokens[name] = (self.canaries.text("Q", 127),
                                         callbacks.MERCHANT, scopes)
        self.traffic = Traffic(self.gateway, self.provider, self.canaries,
                               self.callers, self.password)

    def start(self):
        self.gateway.start()
        return self

    def stop(self):
        """The exit code of the gateway."""
        code = self.gateway.stop()
        self.provider.stop()
        self.billing.stop()
        self.callers.close()
        self.api.close()
        return code

    # ---- what callers and billing's side do

    def payments(self):
        """How many wait to be decided, without those that are held."""
        return self.gateway.rows(
            "select count(*) from waiting where next_us is not null")[0][0]

    def settle(self):
        """Until the last payment is decided and the last event delivered."""
        self.traffic.settle_left_open()
        until(lambda: self.payments() == 0, SECONDS, 0.2)
        until(lambda: self.gateway.metrics().get(
            "paysieve_deliveries_pending", 1) == 0, SECONDS, 0.2)

    def _get(self, line, target, token=None, method="GET", fields=()):
        fields = [("User-Agent", self.canaries.text("S")), *fields]
        if token is not None:
            fields.append(("Authorization", "Bearer " + token))
        return line.ask(head(f"{method} {target} HTTP/1.1", fields,
                             content_type=None))

    def ask_api(self, times):
        """Everything that a token may ask for, and refusals."""
        text = self.canaries.text
        reader, person = (self.gateway.tokens[n][0]
                          for n in ("reader", "person"))
        line = Line(self.gateway, self.api, "api")
        for page in self._pages(reader):
            self.api.write(page)
        self._half_sent_api()
        for n in range(times):
            for target, token, method in (
                    ("/v1/receipts?limit=50&order=desc", reader, "GET"),
                    ("/v1/receipts?invoice_id=PROVE-000001", reader, "GET"),
                    ("/v1/receipts/digest", reader, "GET"),
                    ("/v1/deliveries?limit=5", person, "GET"),
                    ("/v1/held?limit=5", person, "GET"),
                    (f"/v1/invoices/PROVE-{n:06}/check", person, "POST"),
                    ("/v1/receipts?after=now&wait=1", reader, "GET"),
                    ("/v1/receipts", text("S", 127), "GET"),
                    ("/v1/receipts", None, "GET"),
                    ("/v1/receipts/" + text("S", 64), reader, "GET"),
                    ("/v1/receipts?after=" + text("S", 64), reader, "GET"),
                    ("/v1/receipts?" + text("S", 64), reader, "GET"),
                    ("/v1/receipts?invoice_id=" +
                     quote(self.canaries.escaped("S", 64), ""), reader,
                     "GET"),
                    ("/v1/cursors/" + text("S", 30), reader, "PUT"),
                    ("/" + text("S"), None, "GET")):
                self._get(line, target, token, method, [
                    ("Idempotency-Key", text("S", 64))])
        return line

    def _half_sent_api(self):
        """The token is there, the end of the head is not."""
        half = Line(self.gateway, self.api, "api")
        half.send(("GET /v1/receipts HTTP/1.1\r\nAuthorization: Bearer " +
                   self.gateway.tokens["reader"][0] + "\r\nX-A: " +
                   self.canaries.text("S")).encode())
        half.close()

    def _pages(self, token):
        for page in self.gateway.pages(token, limit=500):
            yield str(page)

    def run_commands(self):
        """What the command line prints of the store, and of health, and a
        backup."""
        outputs = Taken(self.dir / "taken" / "commands")
        for words in (("receipts", "export"), ("receipts", "list"),
                      ("held", "list"), ("deliveries", "list"),
                      ("token", "list"), ("check",), ("healthcheck",),
                      ("store", "verify"), ("ledger", "head"),
                      ("ledger", "verify"),
                      ("backup", self.dir / "taken" / "backup")):
            done = command(*words, "--config", self.gateway.conf)
            outputs.write(done.stdout, done.stderr)
        outputs.close()
        admin = Taken(self.dir / "taken" / "admin")
        for target in ("/metrics", "/readyz", "/livez"):
            admin.write(self.gateway.admin(target).body)
        admin.close()

    def write_down(self):
        """The log and what billing got, in files."""
        log = Taken(self.dir / "taken" / "log")
        for stream in self.gateway.logs:
            log.write(stream.raw)
        log.close()
        billing = Taken(self.dir / "taken" / "billing")
        for request in list(self.billing.requests):
            billing.write(request.path, " ", request.headers, " ",
                          request.body)
        billing.close()

    def leave_open(self, numbers):
        """Kept connections, each idle after its last answer."""
        for n in numbers:
            line = Line(self.gateway, self.callers)
            self.traffic.one(line, n)
            if line.is_open:
                self.open.append(line)
        self.open.append(self.ask_api(1))

    def close_open(self):
        for line in self.open:
            line.close()
        self.open.clear()
