"""Pollers under writers and kills, an hour's outage, many who wait.

POLLER_KILLS (2), OUTAGE (2000) and WAITERS (100) make them longer.
"""

import http.client
import json
import os
import random
import sqlite3
import threading
import time
from collections import Counter
from pathlib import Path

import callbacks
from billing_stub import BillingStub
from gateway import PATIENCE, Client, new_webhook_secret, process_ended, until
from payments import Payers, pay
from shifted import ShiftedClock

KILLS = int(os.environ.get("POLLER_KILLS") or 2)
OUTAGE = int(os.environ.get("OUTAGE") or 2000)
WAITERS = int(os.environ.get("WAITERS") or 100)


class Poller(threading.Thread):
    """Follows the cursor through everything; .seen in order."""

    def __init__(self, gateway, wait):
        super().__init__(daemon=True)
        self._gateway, self._wait = gateway, wait
        self.seen = []
        self.stopping = threading.Event()
        self.start()

    def run(self):
        after = ""
        while True:
            last_round = self.stopping.is_set()
            try:
                answer = self._gateway.api(
                    f"/v1/receipts?limit=50{self._wait}{after}",
                    self._gateway.token())
            except (OSError, http.client.HTTPException):
                self.stopping.wait(0.05)  # nobody there: do not spin
                continue
            if answer.status != 200:
                self.stopping.wait(0.05)
                continue
            page = answer.json()
            self.seen += [r["invoice_id"] for r in page["receipts"]]
            after = "&after=" + page["next"]
            if last_round and not page["receipts"] and not page["more"]:
                return


class NaivePoller(threading.Thread):
    """The control: asks for what was received after the last one seen."""

    def __init__(self, gateway):
        super().__init__(daemon=True)
        self._gateway = gateway
        self.seen = []
        self.stopping = threading.Event()
        self.start()

    def run(self):
        last = 0
        while not self.stopping.is_set():
            try:
                rows = self._gateway.rows(
                    "select invoice_id, received_at_us from receipt where "
                    f"received_at_us > {last} order by received_at_us")
            except sqlite3.Error:
                rows = []
            self.seen += [invoice for invoice, _ in rows]
            last = rows[-1][1] if rows else last
            self.stopping.wait(0.005)


def test_no_poller_misses_or_reorders_a_receipt_whatever_is_killed(
        make_gateway, billing, provider):
    gateway = make_gateway(billing=billing, provider=provider, limits={
        "ask_rate": 2000, "drain_timeout": "5s"}).start()
    pollers = [Poller(gateway, "&wait=1" if n % 2 else "")
               for n in range(4)]
    # What the control is sure to miss: received first, a receipt later on.
    provider.misbehave("status", value=callbacks.genuine("LATE")["val_id"])
    pay(gateway, provider, "LATE")
    naive = NaivePoller(gateway)
    chance = random.Random(7)
    for number in range(KILLS):
        load = Payers(gateway, provider, threads=16,
                      name=f"RACE-{number}").start()
        load.wait_acked(200)
        until(lambda: naive.seen)
        provider.behave()
        role = ["desk", "keeper", "supervisor", "asker"][number % 4]
        rooms = gateway.rooms()
        load.wait_acked(chance.randrange(1, 40))
        gateway.kill(role)
        load.stop()
        if role in ("supervisor", "keeper"):
            assert all(process_ended(pid, PATIENCE) for pid in rooms)
            gateway.ended()
            gateway.start()
        else:
            until(lambda: len(gateway.rooms(role)) == 1)
    until(lambda: gateway.rows(
        "select count(*) from waiting where next_us is not null")
        == [(0,)], 3 * PATIENCE)
    naive.stopping.set()
    for poller in pollers:
        poller.stopping.set()
    order = [i for (i,) in gateway.rows(
        "select invoice_id from receipt order by seq")]
    assert len(order) >= 200 * KILLS
    for poller in pollers:
        poller.join(2 * PATIENCE)
        assert poller.seen == order
    naive.join(PATIENCE)
    assert "LATE" in set(order) - set(naive.seen)


def fill(store, count, since_us, span_us, endpoints):
    """Receipts of the last hour, owed to each of the endpoints."""
    with sqlite3.connect(store) as db:
        ids = [i for (i,) in db.execute(
            "select id from endpoint where name in (%s)"
            % ",".join("?" * len(endpoints)), endpoints)]
        assert len(ids) == len(endpoints)
        first = (db.execute("select max(seq) from receipt").fetchone()[0]
                 or 0) + 1
        stamps = [since_us + span_us * n // count for n in range(count)]
        db.executemany(
            "insert into receipt (seq, id, merchant, invoice_id, currency, "
            "amount_minor, paid_at_us, received_at_us) "
            "values (?, ?, ?, ?, 'BDT', 100, ?, ?)",
            ((first + n, random.randbytes(16), callbacks.MERCHANT,
              f"HOUR-{n}", stamps[n] // 1000000 * 1000000, stamps[n])
             for n in range(count)))
        db.executemany(
            "insert into delivery (seq, endpoint_id, attempts, next_us, "
            "first_us) values (?, ?, 0, ?, ?)",
            ((first + n, e, stamps[n], stamps[n])
             for n in range(count) for e in ids))
        db.execute("update store set receipts = receipts + ?, "
                   "pending = pending + ?", (count, count * len(ids)))


def median_of_twenty(gateway, stub, name):
    """Seconds from callback to delivery, on this machine as busy as it is."""
    delays = []
    for n in range(20):
        begun = time.monotonic()
        assert gateway.post(callbacks.paid(f"{name}-{n}")).status == 200
        assert stub.wait_invoices([f"{name}-{n}"])
        delays.append(time.monotonic() - begun)
    return sorted(delays)[10]


def test_an_hour_of_outage_drains_without_a_stampede(
        make_gateway, billing, keys, tmp_path):
    clock = ShiftedClock(tmp_path)
    other = BillingStub(*keys.billing, [new_webhook_secret()]).start()
    billing.clock = other.clock = clock.time
    gateway = make_gateway(billing=billing, environ=clock.environ)
    gateway.billing_options = {"in_flight": 16}
    gateway.add_billing("second", other, in_flight=16)
    gateway.start()
    usual = median_of_twenty(gateway, other, "USUAL")
    until(lambda: gateway.rows("select count(*) from delivery") == [(0,)])
    billing.mode("down")
    assert gateway.stop() == 0
    # what an hour brings, without posting for an hour
    since = int(time.time() * 1e6)
    clock.move(3600)
    fill(gateway.store, OUTAGE, since, 3600 * 10**6, ["main", "second"])
    gateway.start()
    invoices = [f"HOUR-{n}" for n in range(OUTAGE)]
    begun = away_since = time.monotonic()
    assert other.wait_invoices(invoices, PATIENCE + OUTAGE / 50)
    print("the other endpoint, while this one is away: %.0f/s"
          % (OUTAGE / (time.monotonic() - begun)))
    assert gateway.log.wait("endpoint_away", endpoint="main")
    # that who is there does not wait for who is not, is the point
    assert median_of_twenty(gateway, other, "DURING") < max(1, 20 * usual)
    # a clock that is moved ends what is under way
    until(lambda: gateway.rows(
        "select count(*) from delivery, endpoint "
        "where endpoint.id = endpoint_id and name = 'second'") == [(0,)])
    billing.most_in_flight = 0
    attempts = sum(
        n for name, n in gateway.metrics().items()
        if name.startswith("paysieve_delivery_attempts_total")
        and "delivered" not in name)
    away_for = time.monotonic() - away_since
    clock.move(60)
    billing.mode("ok")
    invoices += [f"DURING-{n}" for n in range(20)]
    begun = time.monotonic()
    assert billing.wait_invoices(invoices, PATIENCE + OUTAGE / 50)
    print("back: %.0f/s, %d attempts while away, at most %d at once"
          % (OUTAGE / (time.monotonic() - begun), attempts,
             billing.most_in_flight))
    assert billing.most_in_flight <= 16
    assert set(billing.counts.values()) == {1}
    assert set(other.counts.values()) == {1}
    assert attempts < 60 + away_for  # the first ones, and probes
    other.stop()


def private_kib(gateway, role):
    """Memory of a room that is its own."""
    total = 0
    for pid in gateway.rooms(role):
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
        total += sum(int(line.split()[1]) for line in text.splitlines()
                     if line.startswith("Private_"))
    return total


def cpu_seconds(gateway, role):
    ticks = 0
    for pid in gateway.rooms(role):
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")")[1].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def test_many_wait_and_one_receipt_reaches_all(make_gateway):
    gateway = make_gateway(limits={
        "connections_per_address": 2 * WAITERS + 10}).start()
    before = private_kib(gateway, "desk")
    end = gateway.api("/v1/receipts?after=now", gateway.token()).json()["next"]
    clients = []
    for n in range(WAITERS):
        client = Client(gateway.listen["api"], gateway.context)
        client.connection.request(
            "GET", f"/v1/receipts?after={end}" + ("&wait=60" if n % 2 else ""),
            headers={"Authorization": "Bearer " + gateway.token(),
                     "Accept": "application/json" if n % 2
                     else "text/event-stream"})
        clients.append(client)
    until(lambda: gateway.metrics()["paysieve_polls_waiting"] == WAITERS)
    held = private_kib(gateway, "desk") - before
    spent = [cpu_seconds(gateway, "desk"), cpu_seconds(gateway, "keeper")]
    begun = time.monotonic()
    gateway.post(callbacks.paid("INV-1"))
    for n, client in enumerate(clients):
        answer = client.connection.getresponse()
        assert answer.status == 200
        if n % 2:
            page = json.loads(answer.read())
            assert [r["invoice_id"] for r in page["receipts"]] == ["INV-1"]
        else:
            lines = iter(answer.readline, b"")
            data = next(x for x in lines if x.startswith(b"data:"))
            assert b'"INV-1"' in data
    took = time.monotonic() - begun
    print("%d wait: %.1f KiB each; one receipt reached all in %.0f ms "
          "(%.0f ms of the desk, %.0f ms of the keeper)"
          % (WAITERS, held / WAITERS, took * 1000,
             (cpu_seconds(gateway, "desk") - spent[0]) * 1000,
             (cpu_seconds(gateway, "keeper") - spent[1]) * 1000))
    assert Counter(gateway.rows("select invoice_id from receipt")) \
        == Counter([("INV-1",)])
    for client in clients:
        client.close()
    until(lambda: gateway.metrics()["paysieve_polls_waiting"] == 0)
