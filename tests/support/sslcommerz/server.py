"""The APIs over HTTP, and every way in which they can go wrong."""

import gzip
import json
import time
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

from stub_server import Handler, StubServer

from .ledger import Ledger

VALIDATION = "/validator/api/validationserverAPI.php"
QUERY = "/validator/api/merchantTransIDvalidationAPI.php"
JSON = "application/json"
PAGE = b"<html><body><h1>Service temporarily unavailable</h1></body></html>"
HUGE = 4 * 1024 * 1024


@dataclass
class Question:
    """One request, as it came; the password is not kept."""
    at: float          # monotonic
    by: str            # val_id, tran_id, sessionkey or ""
    value: str
    store: str
    admitted: str      # DONE, FAILED, INACTIVE
    path: str          # without the query
    headers: list
    mode: str          # how it was answered


@dataclass
class Mode:
    kind: str = "ok"
    left: int = -1     # for so many questions; -1: until the next command
    value: str = ""    # only questions with this value; "": all
    seconds: float = 0
    status: int = 500
    fields: dict = field(default_factory=dict)


def _changed(answer, **values):
    """The answer, or each of its elements, with other values."""
    elements = answer.get("element")
    if elements is None:
        return {**answer, **values}
    return {**answer, "element": [{**e, **values} for e in elements]}


def _unknown(answer):
    if "element" in answer:
        return {"APIConnect": "DONE", "no_of_trans_found": "0",
                "element": [{"status": "INVALID"}]}
    return {"status": "INVALID_TRANSACTION", "APIConnect": "DONE"}


def _object(answer):
    elements = answer.get("element")
    if not elements:
        return [answer]  # the validation as a list of one
    return {**answer, "element": elements[0], "no_of_trans_found": 1}


def _text(change):
    return lambda answer: json.dumps(change(answer)).encode()


def _doubled(answer):
    text = json.dumps(answer)
    return ('{"status":"FAILED","APIConnect":"DONE",' + text[1:]).encode()


# kind -> the body that stands in the answer's place
BODIES = {
    "html": lambda _: PAGE,
    "empty": lambda _: b"",
    "xml": lambda _: b"<?xml version='1.0'?><root><status>VALID</status>"
                     b"</root>",
    "bom": lambda answer: b"\xef\xbb\xbf" + json.dumps(answer).encode(),
    "doubled": _doubled,
    "huge": lambda answer: json.dumps(
        {**answer, "padding": "x" * HUGE}).encode(),
    "amount": _text(lambda a: _changed(a, amount="1.00",
                                       currency_amount="1.00")),
    "currency": _text(lambda a: _changed(a, currency="USD",
                                         currency_type="USD")),
    "invoice": _text(lambda a: _changed(a, tran_id="SOMEBODY-ELSES")),
    "store": _text(lambda a: _changed(a, store_id="anothershop")),
    "payment": _text(lambda a: _changed(a, val_id="2512021230ANOTHER")),
    "risk": _text(lambda a: _changed(a, risk_level="1",
                                     risk_title="Not Safe")),
    "pending": _text(lambda a: _changed(a, status="PENDING")),
    "failed": _text(lambda a: _changed(a, status="FAILED")),
    "unknown": _text(_unknown),
    "object": _text(_object),
    "numbers": _text(lambda a: _changed(a, amount=1150, store_amount=1121.25,
                                        currency_amount=1150.0,
                                        risk_level=0)),
    "credentials": _text(lambda _: {"APIConnect": "FAILED"}),
    "inactive": _text(lambda _: {"APIConnect": "INACTIVE"}),
}
# and those that do something else than answer with another body
MISBEHAVIOURS = sorted(BODIES) + ["cut", "down", "gzip", "limited", "silent",
                                  "slow", "status"]


class _Handler(Handler):

    def do_GET(self):
        target = urlsplit(self.path)
        query = {k.lower(): v for k, v in parse_qsl(
            target.query, keep_blank_values=True, encoding="utf-8",
            errors="replace")}
        question, answer = self.stub._ask(target.path, query,
                                          self.headers.items())
        if answer is None:
            self._send(404, b"no such API here", "text/plain")
        elif query.get("format", "json") != "json":
            self._send(400, b"this stand-in speaks JSON only", "text/plain")
        else:
            self._misbehave(question, answer)

    def do_POST(self):
        self._send(405, b"these APIs are asked by GET", "text/plain")

    def _misbehave(self, question, answer):
        mode = self.stub._mode_for(question)
        body = BODIES.get(mode.kind, lambda a: json.dumps(a).encode())(answer)
        if mode.kind == "silent":
            self.stub._stopping.wait(mode.seconds or 3600)
            self.close_connection = True
        elif mode.kind == "slow" and \
                self.stub._stopping.wait(mode.seconds):
            self.close_connection = True
        elif mode.kind == "down":
            self.close_connection = True
        elif mode.kind == "cut":
            self._send(200, body, JSON, sent=len(body) // 2)
        elif mode.kind in ("status", "limited"):
            self._send(mode.status if mode.kind == "status" else 429,
                       PAGE, "text/html", mode.fields)
        elif mode.kind == "gzip":
            self._send(200, gzip.compress(body), JSON,
                       {"Content-Encoding": "gzip"})
        else:
            self._send(200, body,
                       "text/html" if mode.kind == "html" else JSON)

    def _send(self, status, body, content_type, fields=None, sent=None):
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        for name, value in (fields or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body if sent is None else body[:sent])
        if sent is not None:
            self.close_connection = True


class SSLCommerz(StubServer):
    """Listens from start() to stop().  All methods: any thread."""

    def __init__(self, context, stores, host="127.0.0.1", port=0):
        """context: of TLS, or None; stores: {store id: password}."""
        super().__init__(_Handler, context, host, port)
        self.ledger = Ledger(stores)
        self.questions = []
        self._modes = []

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    @property
    def url(self):
        return self.base_url()

    def misbehave(self, kind, times=-1, value="", **more):
        """Until behave(), or so many times; only about one val_id or
        tran_id, if a value is given."""
        assert kind in MISBEHAVIOURS, kind
        with self._changed:
            self._modes.append(Mode(kind, times, value, **more))
        if kind == "down":
            self._cut_connections()

    def behave(self):
        with self._changed:
            self._modes.clear()

    def is_down(self):
        with self._changed:
            return any(m.kind == "down" and m.left != 0 for m in self._modes)

    def asked(self, **wanted):
        """Questions so far that are like this."""
        with self._changed:
            return [q for q in self.questions
                    if all(getattr(q, k) == v for k, v in wanted.items())]

    def wait_asked(self, count, seconds=120):
        return self.wait(lambda s: len(s.questions) >= count, seconds)

    def _mode_for(self, question):
        with self._changed:
            for mode in reversed(self._modes):
                if mode.left == 0 or mode.value not in ("", question.value):
                    continue
                mode.left -= mode.left > 0
                question.mode = mode.kind
                return mode
        return Mode()

    def _ask(self, path, query, headers):
        by = next((n for n in ("val_id", "tran_id", "sessionkey")
                   if n in query), "")
        store = query.get("store_id", "")
        admitted = self.ledger.admits(store, query.get("store_passwd", ""))
        question = Question(time.monotonic(), by, query.get(by, ""), store,
                            admitted, path, headers, "ok")
        with self._changed:
            self.questions.append(question)
            self._changed.notify_all()
        return question, self._answer(question)

    def _answer(self, q):
        right = {VALIDATION: ("val_id",), QUERY: ("tran_id", "sessionkey")}
        if q.path not in right:
            return None
        if q.by not in right[q.path]:
            return {"APIConnect": "INVALID_REQUEST"}
        if q.admitted != "DONE":
            return {"APIConnect": q.admitted}
        if q.by == "val_id":
            found = self.ledger.by_val_id(q.store, q.value)
            return {**found, "APIConnect": "DONE"} if found else \
                _unknown({})
        if q.by == "sessionkey":
            found = self.ledger.by_session(q.store, q.value)
            return {**found[-1], "sessionkey": q.value,
                    "APIConnect": "DONE"} if found else _unknown({})
        found = self.ledger.by_tran_id(q.store, q.value)
        if not found:
            return _unknown({"element": []})
        return {"APIConnect": "DONE", "no_of_trans_found": len(found),
                "element": found}
