"""The servers that are measured, each in a folder of its own, and none left
behind: the gateway, nginx that throws a request away, nginx with PHP."""

import glob
import json
import os
import signal
import socket
import sqlite3
import subprocess
import time
from pathlib import Path

import gateway

HERE = Path(__file__).resolve().parent
LIMITS = {"edges": 1, "connections": 50000, "connections_per_address": 100000,
          "idle_timeout": "3600s", "handshake_timeout": "60s",
          "api_rate": 6000000, "ask_rate": 100000, "asks_in_flight": 64}
AT_ONCE = {"in_flight": 128}  # of one endpoint
TABLE = """PRAGMA journal_mode = WAL;
CREATE TABLE receipt (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,
    invoice_id TEXT NOT NULL, currency TEXT NOT NULL, amount TEXT NOT NULL,
    paid_at TEXT NOT NULL);
CREATE INDEX receipt_invoice ON receipt (invoice_id);"""
NGINX = """daemon off;
{user}
worker_processes 1;
pid nginx.pid;
error_log error.log warn;
events {{ worker_connections 20000; }}
http {{
    access_log off;
    default_type text/plain;
    keepalive_requests 1000000000;
    keepalive_timeout 3600s;
    client_body_temp_path body;
    fastcgi_temp_path fastcgi;
    proxy_temp_path proxy;
    scgi_temp_path scgi;
    uwsgi_temp_path uwsgi;
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {certificate};
        ssl_certificate_key {key};
        ssl_protocols TLSv1.3;
        ssl_session_cache off;
        location / {{ {location} }}
    }}
}}
"""
FASTCGI = """fastcgi_pass unix:{folder}/php.sock;
            fastcgi_param SCRIPT_FILENAME {script};
            fastcgi_param REQUEST_METHOD $request_method;
            fastcgi_param CONTENT_TYPE $content_type;
            fastcgi_param CONTENT_LENGTH $content_length;
            fastcgi_param STORE {folder}/php.db;"""
FPM = """[global]
error_log = php.log
daemonize = no
[www]
{user}
listen = {folder}/php.sock
listen.backlog = 1024
pm = static
pm.max_children = 8
"""


class Wrong(Exception):
    """An answer was wrong, or a receipt is missing."""


def descendants(pid):
    """pid and all processes below it."""
    below = {}
    for entry in os.listdir("/proc"):
        if entry.isdecimal():
            try:
                stat = Path("/proc", entry, "stat").read_bytes()
            except OSError:
                continue
            parent = int(stat.rsplit(b")", 1)[1].split()[1])
            below.setdefault(parent, []).append(int(entry))
    found = [pid]
    for process in found:
        found += below.get(process, [])
    return found


class Server:
    """What is the same of all: processes and what they took.

    start() and stop(), .port, .roles(): {pid: role}."""

    def spent_us(self):
        """{role: microseconds on a processor so far}, all threads."""
        spent = {}
        for pid, role in self.roles().items():
            for task in Path(f"/proc/{pid}/task").iterdir():
                ns = int((task / "schedstat").read_text().split()[0])
                spent[role] = spent.get(role, 0) + ns / 1000
        return spent

    def settled_us(self):
        """The same, once what was begun is done."""
        before, deadline = self.spent_us(), time.monotonic() + 30
        while True:
            time.sleep(0.5)
            now = self.spent_us()
            if sum(now.values()) - sum(before.values()) < 5000 or \
                    time.monotonic() > deadline:
                return now
            before = now


class FileLog:
    """What gateway.Log is to tests, of a file: there is a line for each
    callback, and reading all of them would be load too."""
    EVERY_S = 0.001

    def __init__(self, path):
        self.path = path
        self.file = path.open("rb")
        self.events = []

    @property
    def raw(self):
        return self.path.read_bytes()

    def _read(self):
        while line := self.file.readline():
            if not line.endswith(b"\n"):  # the rest is still to come
                self.file.seek(-len(line), os.SEEK_CUR)
                return
            if b'"event":"callback"' not in line:
                self.events.append(json.loads(line))

    def find(self, *names):
        self._read()
        return next((e for e in self.events if e["event"] in names), None)

    def count(self, name):
        self._read()
        return sum(e["event"] == name for e in self.events)

    def wait(self, *names, seconds=gateway.PATIENCE):
        """The first such event; None if none comes."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            event = self.find(*names)
            if event is not None:
                return event
            time.sleep(self.EVERY_S)
        return None

    def close(self):
        self.file.close()


class Logged(gateway.Gateway):
    """A gateway whose log goes to a file."""
    binary = None  # another one than all have

    def spawn(self):
        path = self.dir / f"log{len(self.logs)}"
        with path.open("wb") as out:
            self.process = subprocess.Popen(
                [*self.prefix, self.binary or gateway.BIN, "serve",
                 "--config", str(self.conf)], stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=out, start_new_session=True)
        self.log = FileLog(path)
        self.logs.append(self.log)


class Paysieve(Server):
    name = "paysieve"

    def __init__(self, folder, keys, cores, store=None, **more):
        folder.mkdir(mode=0o700)
        limits = {**LIMITS, **more.pop("limits", {})}
        billings = more.pop("billings", [])
        binary = more.pop("binary", None)
        self.gateway = Logged(
            folder, keys, limits=limits, store=store,
            prefix=["taskset", "-c", cores], identity_key="5a" * 32,
            billing=billings[0] if billings else None, **more)
        self.gateway.binary = binary
        self.gateway.billing_options = AT_ONCE
        for i, stub in enumerate(billings[1:], 1):
            self.gateway.add_billing(f"billing{i}", stub, **AT_ONCE)
        # filled stores are of another year
        self.gateway.more["store"] = {
            "url": f"sqlite:{self.gateway.store}", "keep": "36500d"}
        self.acked = self.before = 0

    def start(self):
        self.gateway.start()
        self.before = self.receipts()[0]
        return self

    @property
    def port(self):
        return int(self.gateway.listen["callbacks"].rsplit(":", 1)[1])

    @property
    def api_port(self):
        return int(self.gateway.listen["api"].rsplit(":", 1)[1])

    def roles(self):
        return {self.gateway.pid: "supervisor", **self.gateway.rooms()}

    def receipts(self):
        """How many there are; how many different ones of ours."""
        return self.gateway.rows(
            "select (select receipts from store), (select count(*) from "
            "(select distinct id, invoice_id from receipt where invoice_id "
            "between 'BENCH-' and 'BENCH-:'))")[0]

    def stop(self):
        if self.gateway.process is None:
            return
        restarts = self.gateway.log.count("room_died")
        code = self.gateway.stop()
        if code != 0 or restarts:
            raise Wrong(f"the gateway ended with {code}, "
                        f"{restarts} rooms died")

    def check(self):
        """What was acknowledged is stored, each once."""
        total, different = self.receipts()
        if different != self.acked or total != self.before + self.acked:
            raise Wrong(f"{self.acked} were acknowledged, {different} are "
                        f"stored, {total - self.before} more than before")


class Nginx(Server):
    """location: what is done with a request."""
    name = "nginx"

    def __init__(self, folder, keys, cores):
        folder.mkdir(mode=0o700)
        self.folder, self.keys, self.cores = folder, keys, cores
        self.port, self.acked = None, 0
        self.processes = []

    def location(self):
        return 'return 200 "OK";'

    def start(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        (self.folder / "nginx.conf").write_text(NGINX.format(
            user="user root;" if os.geteuid() == 0 else "", port=self.port,
            certificate=self.keys.gateway[0], key=self.keys.gateway[1],
            location=self.location()))
        self.run("/usr/sbin/nginx", "-p", self.folder, "-c", "nginx.conf",
                 "-e", "error.log")
        gateway.until(self.answers)
        return self

    def run(self, *words):
        self.processes.append(subprocess.Popen(
            ["taskset", "-c", self.cores, *map(str, words)], cwd=self.folder,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=(self.folder / "stderr").open("ab"),
            start_new_session=True))

    def answers(self):
        if any(p.poll() is not None for p in self.processes):
            raise Wrong("a server did not start: "
                        + (self.folder / "stderr").read_text())
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True

    def roles(self):
        return {pid: Path(p.args[3]).name for p in self.processes
                for pid in descendants(p.pid)}

    def stop(self):
        for process in self.processes:
            process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.processes = []

    def check(self):
        """It keeps nothing."""


class Php(Nginx):
    """The same with PHP behind it and a table."""
    name = "php"

    def location(self):
        return FASTCGI.format(folder=self.folder, script=HERE / "listener.php")

    def start(self):
        with sqlite3.connect(self.folder / "php.db") as db:
            db.executescript(TABLE)
        db.close()
        (self.folder / "php.conf").write_text(FPM.format(
            folder=self.folder, user="" if os.geteuid() else "user = root"))
        binary = sorted(glob.glob("/usr/sbin/php-fpm*"))[-1]
        words = ["-R"] if os.geteuid() == 0 else []
        self.run(binary, "-F", *words, "-y", self.folder / "php.conf")
        gateway.until((self.folder / "php.sock").exists)
        return super().start()

    def check(self):
        with sqlite3.connect(self.folder / "php.db") as db:
            stored = db.execute(
                "select count(distinct invoice_id) from receipt").fetchone()[0]
        db.close()
        if stored != self.acked:
            raise Wrong(f"php acknowledged {self.acked} and has {stored}")
