"""A steady mix of everything that comes to a gateway, for as long as asked."""

import http.client
import random
import threading
import time
from collections import deque

import callbacks
from gateway import Client

FORGET = 4000  # the stand-ins know so many payments at a time
FORGED = dict(amount="1.00")
BROKEN = (
    b"POST /ipn/testbox HTTP/1.1\r\nHost: x\r\nContent-Le",
    b"POST /ipn/testbox HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n"
    b"Content-Type: application/x-www-form-urlencoded\r\n\r\namount=",
    b"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"\x16\x03\x01\xff\xff" + b"\0" * 64)


class Mix:
    """From start() to stop(); .faults says what was not as it should be.

    Each second: `rate` callbacks (of ten: six new, two known, one forged, one
    that is no form), a poller that waits, slow and broken clients; every two
    seconds an erasure."""

    def __init__(self, gateway, provider, billing, rate):
        self._gateway, self._provider = gateway, provider
        self._billing, self._rate = billing, rate
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._recent = deque(maxlen=FORGET)  # (invoice, body)
        self._known = deque()  # what the provider has been told of
        self._latencies, self._counts = [], {}
        self.faults = []
        self._threads = [threading.Thread(target=self._guarded, args=(run,),
                                          daemon=True)
                         for run in (self._pay, self._pay, self._poll,
                                     self._erase, self._disturb, self._slow)]

    def start(self):
        for thread in self._threads:
            thread.start()
        return self

    def stop(self):
        self._stopping.set()
        for thread in self._threads:
            thread.join(60)

    def window(self):
        """Latencies of new callbacks in seconds, sorted, and what was done,
        since the last call; the stand-ins forget what is old."""
        with self._lock:
            latencies, self._latencies = sorted(self._latencies), []
            counts, self._counts = self._counts, {}
        self.faults += self._billing.faults()
        with self._billing._changed:
            for kept in (self._billing.requests, self._billing.erased,
                         self._billing.receipts, self._billing.invoices,
                         self._billing.counts):
                kept.clear()
        with self._provider._changed:
            self._provider.questions.clear()
        ledger = self._provider.ledger
        while len(self._known) > FORGET:
            fields = self._known.popleft()
            store = ledger.stores[callbacks.MERCHANT]
            with ledger._lock:
                store.by_val_id.pop(fields["val_id"], None)
                store.by_tran_id.pop(fields["tran_id"], None)
                store.by_session.pop("SESSION-" + fields["tran_id"], None)
        return latencies, counts

    # ---- what they share

    def _guarded(self, run):
        try:
            run()
        except Exception as error:  # the verdict has to say so
            self.faults.append(f"{run.__name__}: {error!r}")

    def _count(self, what):
        with self._lock:
            self._counts[what] = self._counts.get(what, 0) + 1

    def _every(self, seconds):
        """At a steady pace, without making up for what was missed."""
        due = time.monotonic()
        while not self._stopping.is_set():
            yield
            due = max(due + seconds, time.monotonic())
            self._stopping.wait(due - time.monotonic())

    def _want(self, what, status, *wanted):
        self._count(what)
        if status not in wanted:
            self.faults.append(f"{what}: {status}")

    # ---- callbacks

    def _post(self, client, body):
        """A connection that was closed meanwhile, as a reload may, is opened
        again: a sender does the same."""
        for last in (False, True):
            try:
                begun = time.monotonic()
                return client.post(body).status, time.monotonic() - begun
            except (OSError, http.client.HTTPException):
                client.close()
                if last:
                    raise
        return None

    def _pay(self):
        client = self._gateway.client()
        name = f"SOAK-{threading.get_ident() % 100000}"
        chance = random.Random(1)
        for n, _ in enumerate(self._every(2 / self._rate)):
            kind = n % 10
            if kind < 6 or not self._recent:
                self._pay_new(client, f"{name}-{n}")
            elif kind < 8:
                body = chance.choice(list(self._recent)[-100:])[1]
                self._want("known", self._post(client, body)[0], 200)
            elif kind == 8:
                body = callbacks.encode(
                    [(k, FORGED.get(k, v)) for k, v in callbacks.signed(
                        callbacks.genuine(f"{name}-{n}"))])
                self._want("forged", self._post(client, body)[0], 403)
            else:
                self._want("no form", self._post(client, b"a&b&c")[0], 400)
        client.close()

    def _pay_new(self, client, invoice):
        fields = self._provider.ledger.pay(invoice)
        body = self._provider.ledger.body(fields)
        status, seconds = self._post(client, body)
        self._want("new", status, 200)
        with self._lock:
            self._latencies.append(seconds)
        self._recent.append((invoice, body))
        self._known.append(fields)

    # ---- the other side

    def _poll(self):
        gateway = self._gateway
        after, seen = "", 0
        while not self._stopping.is_set():
            try:
                answer = gateway.api(
                    f"/v1/receipts?limit=100&wait=1{after}", gateway.token())
            except (OSError, http.client.HTTPException):
                self._stopping.wait(0.1)
                continue
            if answer.status == 503:
                continue
            self._want("poll", answer.status, 200)
            page = answer.json()
            seen += len(page["receipts"])
            after = "&after=" + page["next"]
        if seen == 0:
            self.faults.append("the poller saw no receipt")

    def _erase(self):
        token = self._gateway.tokens["eraser"][0]
        for _ in self._every(2):
            if len(self._recent) < 200:
                continue
            invoice, _ = self._recent[-200]
            try:
                answer = self._gateway.api(f"/v1/invoices/{invoice}", token,
                                           "DELETE")
            except (OSError, http.client.HTTPException):
                continue
            # 202: it is owed; 404: it was, when its turn came twice.
            self._want("erased", answer.status, 200, 202, 404, 409, 503)

    # ---- those who mean no good

    def _disturb(self):
        for n, _ in enumerate(self._every(0.2)):
            try:
                with self._gateway.open("callbacks" if n % 3 else "api",
                                        5) as tls:
                    tls.sendall(BROKEN[n % len(BROKEN)])
                    if n % 2:
                        tls.settimeout(0.2)
                        tls.recv(4096)
            except OSError:
                pass
            self._count("broken")

    def _slow(self):
        """Ten that send a byte a second, and one that does not read."""
        slow = deque()
        for _ in self._every(1):
            try:
                slow.append(self._gateway.open("callbacks", 5))
                for tls in slow:
                    tls.sendall(b"P")
                with Client(self._gateway.listen["api"],
                            self._gateway.context) as reader:
                    reader.connection.request(
                        "GET", "/v1/receipts?limit=1000", None,
                        {"Authorization": "Bearer " + self._gateway.token()})
            except OSError:
                pass
            if len(slow) > 10:
                slow.popleft().close()
            self._count("slow")
        for tls in slow:
            tls.close()
