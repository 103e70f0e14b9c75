"""A gateway of one's own for a test: files, processes, clients.

Every wait is bounded and ends with an event: a log line, a process's end,
an answer.  GATEWAY_BIN names another binary than build/paysieve,
GATEWAY_UNDER the program, with its options, that it and its rooms run under.
"""

import base64
import fcntl
import hashlib
import http.client
import json
import os
import re
import secrets
import select
import signal
import socket
import sqlite3
import ssl
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import callbacks

TOP = Path(__file__).resolve().parents[2]
BIN = os.environ.get("GATEWAY_BIN", str(TOP / "build" / "paysieve"))
FORM = "application/x-www-form-urlencoded"
UNDER = os.environ.get("GATEWAY_UNDER", "").split()
SANITIZED = Path(BIN).parent.name in ("asan", "tsan", "taint",
                                          "coverage")
# Seconds that nothing should ever take, on a machine with other work too.
PATIENCE = 180 if UNDER else 120 if SANITIZED else 60
DRAIN = "30s" if UNDER else "15s" if SANITIZED else "10s"


@dataclass
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def json(self):
        return json.loads(self.body)


def until(condition, seconds=PATIENCE, every=0.02):
    """Read state that announces itself nowhere until it is as wanted."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, "this never came true"
        select.select([], [], [], every)


def process_ended(pid, seconds):
    """Wait for the end of any process, ours or not."""
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([fd], [], [], seconds)[0])
    finally:
        os.close(fd)


def command(*args, timeout=PATIENCE, **more):
    """Run `paysieve args`; a CompletedProcess with text."""
    return subprocess.run([BIN, *map(str, args)], capture_output=True,
                          text=True, timeout=timeout,
                          stdin=subprocess.DEVNULL, check=False, **more)


def write_secret(path, text):
    path.unlink(missing_ok=True)
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(fd, "w") as out:
        out.write(text + "\n")


def new_webhook_secret():
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


# LeakSanitizer's word on a room that is killed while it looks for leaks.
KILLED_WHILE_CHECKED = re.compile(
    rb"==\d+==Unable to get registers from thread \d+\.\n")


class Log:
    """What a gateway wrote on standard error, line by line."""

    def __init__(self, stream):
        self._stream = stream
        self._changed = threading.Condition()
        self.raw = b""
        self.events = []
        self.noise = []  # lines that are no log lines
        self.ended = False
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        for line in self._stream:
            with self._changed:
                self.raw += line
                try:
                    self.events.append(json.loads(line))
                except ValueError:
                    if not KILLED_WHILE_CHECKED.fullmatch(line):
                        self.noise.append(line.decode(errors="replace"))
                self._changed.notify_all()
        with self._changed:
            self.ended = True
            self._changed.notify_all()

    def find(self, *names, after=0, **values):
        with self._changed:
            return self._find(names, after, values)

    def _find(self, names, after, values):
        for e in self.events[after:]:
            if e["event"] in names and all(e.get(k) == v
                                           for k, v in values.items()):
                return e
        return None

    def count(self, event, **values):
        with self._changed:
            return sum(e["event"] == event and
                       all(e.get(k) == v for k, v in values.items())
                       for e in self.events)

    def mark(self):
        with self._changed:
            return len(self.events)

    def wait(self, *names, seconds=PATIENCE, after=0, **values):
        """The first such event from mark `after` on; None at the end."""
        with self._changed:
            self._changed.wait_for(
                lambda: self.ended or self._find(names, after, values),
                seconds)
            return self._find(names, after, values)

    def close(self):
        self._thread.join(PATIENCE)
        self._stream.close()


class Client:
    """One keep-alive HTTPS connection to the callbacks' or billing's side."""

    def __init__(self, address, context, timeout=PATIENCE):
        host, port = address.rsplit(":", 1)
        self.connection = http.client.HTTPSConnection(
            host, int(port), context=context, timeout=timeout)

    def request(self, method, target, body=None, headers=None):
        self.connection.request(method, target, body, headers or {})
        answer = self.connection.getresponse()
        return Answer(answer.status, answer.headers, answer.read())

    def post(self, body, merchant=callbacks.MERCHANT, **headers):
        headers = {"Content-Type": FORM, **headers}
        return self.request("POST", "/ipn/" + merchant, body, headers)

    def close(self):
        self.connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Gateway:
    """From start() to stop(); can be started again on the same store.

    merchants: {store id: {key: value, "password": text}};
    limits: keys of [limits]; billing: a BillingStub or None;
    provider: an SSLCommerz whom every merchant's payments are confirmed by.
    prefix: words in front of the command, as ["prlimit", "--nofile=64"].
    environ: variables of the process, beside ours.
    """

    def __init__(self, directory, keys, billing=None, merchants=None,
                 limits=None, prefix=(), store=None, identity_key=None,
                 provider=None, environ=None):
        self.dir = Path(directory)
        self.keys = keys
        self.billing = billing
        self.billing_url = billing.url if billing else None
        self.billing_options = {}
        self.more = {}  # {section: {key: value}}, besides or in place of ours
        self.provider = provider
        self.provider_options = {"refuse_after": "1s"}  # three answers: 3 s
        self.limits = {"edges": 2, "drain_timeout": DRAIN, **(limits or {})}
        self.prefix = list(prefix)
        self.environ = environ or {}
        self.store = Path(store) if store else self.dir / "receipts.db"
        self.conf = self.dir / "paysieve.conf"
        self.listen = {}
        self.tokens = {}  # name: (text, merchant, scopes)
        self.webhook_secrets = list(billing.secrets) if billing else []
        self.merchants = merchants or {
            callbacks.MERCHANT: {"password": callbacks.PASSWORD}}
        for merchant in self.merchants:
            self.add_token("for-" + merchant[:24], merchant)
        self.context = ssl.create_default_context(cafile=keys.ca)
        self.process = None
        self.log = None
        self.logs = []  # of every start
        if identity_key:
            write_secret(self.dir / "identity.key", identity_key)
        self.write()

    # ---- configuration

    def add_billing(self, name, stub, **options):
        """Another endpoint, of all merchants."""
        write_secret(self.dir / f"{name}.secret", "\n".join(stub.secrets))
        self.more[f"billing {name}"] = {
            "url": stub.url, "secret_file": f"{name}.secret",
            "ca_file": self.keys.ca, **options}
        for options in self.merchants.values():
            options["billing"] = options.get("billing", "main") + " " + name

    def add_token(self, name, merchant=callbacks.MERCHANT, scopes="read"):
        self.tokens[name] = (secrets.token_urlsafe(32), merchant, scopes)
        return self.tokens[name][0]

    def token(self, merchant=callbacks.MERCHANT):
        return self.tokens["for-" + merchant[:24]][0]

    def _sections(self):
        yield "listen", {"callbacks": "127.0.0.1:0", "api": "127.0.0.1:0",
                         "admin": "127.0.0.1:0"}
        yield "tls", {"certificate": self.keys.gateway[0],
                      "key": self.keys.gateway[1]}
        yield "store", {"url": f"sqlite:{self.store}"}
        yield "limits", self.limits
        for name, options in self.merchants.items():
            keys = {"password_file": f"{name}.password", "confirm": "off",
                    **self._asking()}
            if self.billing_url:
                keys["billing"] = "main"
            keys.update(options)
            del keys["password"]
            yield f"merchant {name}", keys
        if self.billing_url:
            yield "billing main", {"url": self.billing_url,
                                   "secret_file": "billing.secret",
                                   "ca_file": self.keys.ca,
                                   **self.billing_options}
        for name, (text, merchant, scopes) in self.tokens.items():
            digest = hashlib.sha256(text.encode()).hexdigest()
            yield f"token {name}", {"sha256": digest, "merchant": merchant,
                                    "scopes": scopes}

    def _asking(self):
        if self.provider is None:
            return {}
        keys = {"confirm": "required", "provider_url": self.provider.url,
                **self.provider_options}
        if self.provider.context is not None:
            keys.setdefault("provider_ca_file", self.keys.ca)
        return keys

    def write(self):
        """The configuration and its files as the attributes say."""
        for name, options in self.merchants.items():
            write_secret(self.dir / f"{name}.password", options["password"])
        if self.billing_url:
            write_secret(self.dir / "billing.secret",
                         "\n".join(self.webhook_secrets))
        lines = []
        for name, keys in {**dict(self._sections()), **self.more}.items():
            lines.append(f"[{name}]")
            lines += [f"{key} = {value}" for key, value in keys.items()]
            lines.append("")
        self.conf.write_text("\n".join(lines))

    # ---- life

    def spawn(self):
        self.process = subprocess.Popen(
            [*self.prefix, *UNDER, BIN, "serve", "--config", str(self.conf)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, bufsize=0,
            env={**os.environ, **self.environ},
            start_new_session=True)  # a terminal's Ctrl-C is for us
        fcntl.fcntl(self.process.stderr, fcntl.F_SETPIPE_SZ, 1 << 20)
        self.log = Log(self.process.stderr)
        self.logs.append(self.log)

    def start(self):
        self.write()
        self.spawn()
        started = self.log.wait("started")
        if started is None:
            code = self.stop()
            raise AssertionError(f"no start, exit code {code}: "
                                 + self.log.raw.decode(errors="replace"))
        self.listen = {k: started[k] for k in ("callbacks", "api", "admin")}
        self.pid = started["pid"]
        return self

    def reload(self):
        """SIGHUP with what the attributes say now."""
        self.write()
        self.hang_up("reloaded")

    def hang_up(self, outcome):
        """SIGHUP; it has to end in "reloaded" or "reload_refused"."""
        mark = self.log.mark()
        os.kill(self.pid, signal.SIGHUP)
        event = self.log.wait("reloaded", "reload_refused", after=mark)
        assert event is not None and event["event"] == outcome, event

    def send(self, number):
        os.kill(self.pid, number)

    def stop(self, number=signal.SIGTERM):
        """The exit code; -9 if it had to be killed."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.ended()

    def ended(self, seconds=2 * PATIENCE):
        """Wait for the end that something else has caused."""
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        self.log.close()
        self.process = None
        return code

    def rooms(self, role=None):
        """{pid: role} of the rooms' processes."""
        found = {}
        for entry in os.listdir("/proc"):
            if not entry.isdecimal():
                continue
            try:
                stat = Path("/proc", entry, "stat").read_bytes()
                argv = Path("/proc", entry, "cmdline").read_bytes()
            except OSError:
                continue
            parent = int(stat.rsplit(b")", 1)[1].split()[1])
            words = argv.decode(errors="replace").split("\0")
            if parent != self.pid or "--room" not in words:
                continue
            room = words[words.index("--room") + 1]
            if role in (None, room):
                found[int(entry)] = room
        return found

    def _killed(self, role):
        """The pid, or None where the one that was seen has just ended."""
        pid = self.pid if role == "supervisor" else next(
            iter(self.rooms(role)), None)
        try:
            if pid is not None:
                os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pid = None
        return pid

    def kill(self, role):
        """SIGKILL one process of a role, wait for its end; its pid."""
        pid = until(lambda: self._killed(role))
        if pid == self.process.pid:
            self.process.wait(PATIENCE)
        else:
            assert process_ended(pid, PATIENCE)
        return pid

    # ---- clients

    def client(self, **more):
        return Client(self.listen["callbacks"], self.context, **more)

    def post(self, body, merchant=callbacks.MERCHANT, **headers):
        with self.client() as client:
            return client.post(body, merchant, **headers)

    def open(self, side="callbacks", timeout=PATIENCE):
        """A connected TLS socket, for requests that no library sends."""
        host, port = self.listen[side].rsplit(":", 1)
        plain = socket.create_connection((host, int(port)), timeout)
        return self.context.wrap_socket(plain, server_hostname=host)

    def raw(self, data, side="callbacks"):
        """The first answer to these bytes, and whether the gateway closed
        the connection behind it."""
        with self.open(side) as tls:
            try:
                tls.sendall(data)
            except OSError:
                pass  # refused before all was sent
            answer = http.client.HTTPResponse(tls)
            answer.begin()
            result = Answer(answer.status, answer.headers, answer.read())
            closed = answer.will_close
            if closed:
                try:
                    closed = tls.recv(1) == b""
                except OSError:
                    pass
            return result, closed

    def api(self, target, token=None, method="GET", headers=None):
        headers = dict(headers or {})
        if token is not None:
            headers["Authorization"] = "Bearer " + token
        with Client(self.listen["api"], self.context) as client:
            return client.request(method, target, None, headers)

    def admin(self, target):
        host, port = self.listen["admin"].rsplit(":", 1)
        connection = http.client.HTTPConnection(host, int(port),
                                                timeout=PATIENCE)
        try:
            connection.request("GET", target)
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def _page(self, query, token):
        """The answer; None where the keeper was silent for too long."""
        answer = self.api("/v1/receipts?" + urlencode(query), token)
        return answer if answer.status != 503 else None

    def pages(self, token=None, **query):
        """Every page from the start, one dict each."""
        token = token or self.token()
        while True:
            answer = until(lambda: self._page(query, token))
            assert answer.status == 200, answer.status
            page = answer.json()
            yield page
            if not page["more"]:
                return
            query["after"] = page["next"]

    def receipts(self, token=None, **query):
        query.setdefault("limit", 1000)
        return [r for page in self.pages(token, **query)
                for r in page["receipts"]]

    def metrics(self):
        """{"family{labels}": value}"""
        text = self.admin("/metrics").body.decode()
        return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1])
                for line in text.splitlines() if line[:1] not in ("#", "")}

    def rows(self, sql):
        """Ask the store's file, read-only."""
        db = sqlite3.connect(f"file:{self.store}?mode=ro", uri=True)
        try:
            return db.execute(sql).fetchall()
        finally:
            db.close()

    def files(self):
        """{name: bytes} of everything that stands beside the store."""
        return {p.name: p.read_bytes()
                for p in self.store.parent.glob(self.store.name + "*")
                if p.is_file()}


class Load:
    """Threads that post distinct callbacks until told to stop.

    acked: invoice IDs that were answered 200; statuses: how often which
    (0: the connection broke before an answer; LATE: a new one did, a second
    after its start, which is all that an edge gives it that is to end)."""

    LATE = -1

    def __init__(self, gateway, threads=3, name="LOAD", fresh=False):
        self._gateway = gateway
        self._name = name
        self._fresh = fresh  # a new connection for each callback
        self._changed = threading.Condition()
        self._stopping = threading.Event()
        self.acked = []
        self.statuses = {}
        self._threads = [threading.Thread(target=self._run, args=(i,),
                                          daemon=True)
                         for i in range(threads)]

    def start(self):
        for thread in self._threads:
            thread.start()
        return self

    def body(self, invoice):
        """The callback to post; for others to replace."""
        return callbacks.paid(invoice)

    def _one(self, client, invoice):
        body = self.body(invoice)
        begun = time.monotonic()
        try:
            status = client.post(body).status
        except (OSError, http.client.HTTPException):
            client.close()
            late = self._fresh and time.monotonic() - begun > 1
            status = self.LATE if late else 0
        with self._changed:
            self.statuses[status] = self.statuses.get(status, 0) + 1
            if status == 200:
                self.acked.append(invoice)
            self._changed.notify_all()
        return status

    def _run(self, number):
        client = self._gateway.client()
        n = 0
        while not self._stopping.is_set():
            n += 1
            status = self._one(client, f"{self._name}-{number}-{n}")
            if self._fresh:
                client.close()
            if status <= 0:
                self._stopping.wait(0.02)  # nobody there: do not spin
        client.close()

    def wait_acked(self, count, seconds=PATIENCE):
        """Until so many more than now are acknowledged."""
        with self._changed:
            wanted = len(self.acked) + count
            assert self._changed.wait_for(
                lambda: len(self.acked) >= wanted, seconds), self.statuses

    def stop(self):
        self._stopping.set()
        for thread in self._threads:
            thread.join(2 * PATIENCE)
            assert not thread.is_alive(), "a callback without an end"
        return self.acked
