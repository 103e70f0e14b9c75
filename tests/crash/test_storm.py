"""Kills, ends and reloads under load: every 200 is one receipt, for good.

ROUNDS (50) of them, from SEED (1) on.  After each round what was acknowledged
in it is there; after each LEG of them all of it is at billing and with a
poller, and the store is new.
"""

import base64
import http.client
import os
import random
import sqlite3
import statistics
import subprocess
import threading
import time
from collections import Counter
from types import SimpleNamespace
from urllib.parse import urlencode

import callbacks
from gateway import PATIENCE, new_webhook_secret, process_ended, until

ROUNDS = int(os.environ.get("ROUNDS") or 50)
SEED = int(os.environ.get("SEED") or 1)
LEG = 50
RATE = 2500  # callbacks a second that come, at the least
MOST = 40000  # payments of a leg
ACTS = {"supervisor": 35, "keeper": 15, "edge": 10, "courier": 8, "desk": 5,
        "asker": 2, "end": 15, "reload": 10}


def number_of(invoice):
    return int(invoice.removeprefix("BENCH-"))


class Storm:
    """The program that sends callbacks and takes deliveries."""

    def __init__(self, keys, seed):
        secret = new_webhook_secret()
        key = base64.b64decode(secret.removeprefix("whsec_")).hex()
        certificate, private = keys.billing
        self.process = subprocess.Popen(
            [os.environ["LOAD"], "storm", f"count={MOST}", f"rate={RATE}",
             "connections=16", "seconds=100000", f"first={seed}",
             f"secret={key}", f"certificate={certificate}", f"key={private}"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        port = int(self.process.stdout.readline())
        self.billing = SimpleNamespace(url=f"https://127.0.0.1:{port}/0",
                                       secrets=[secret])
        self.acked = []  # numbers, one more for each 200
        self.delivered = set()
        self.drained = threading.Event()
        self.verdict = ""
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        for line in self.process.stdout:
            if line[0] == "a":
                self.acked.append(int(line[2:]))
            elif line[0] == "d":
                self.delivered.add(int(line[2:]))
            elif line[0] == "{":
                self.verdict = line
            else:
                self.drained.set()

    def go_to(self, gateway):
        self._say(gateway.listen["callbacks"].rsplit(":", 1)[1])

    def _say(self, word):
        self.process.stdin.write(f"{word}\n")
        self.process.stdin.flush()

    def drain(self):
        """Until everything that was sent is acknowledged."""
        self._say(0)
        assert self.drained.wait(2 * PATIENCE), "callbacks without an end"

    def end(self):
        self.process.stdin.close()
        self._thread.join(PATIENCE)
        self.process.stdout.close()
        assert self.process.wait(PATIENCE) == 0, self.verdict


class Reader(threading.Thread):
    """Follows the receipts, and goes on where it was whatever happens."""

    def __init__(self, gateway):
        super().__init__(daemon=True)
        self.gateway, self.seen, self.stopping = gateway, [], False
        self.after = None
        self.start()

    def run(self):
        while not self.stopping:
            query = {"limit": 1000, "after": self.after}
            query = {k: v for k, v in query.items() if v is not None}
            try:
                answer = self.gateway.api("/v1/receipts?" + urlencode(query),
                                          self.gateway.token())
            except (OSError, http.client.HTTPException, ValueError):
                answer = None
            if answer is not None and answer.status == 200:
                page = answer.json()
                self.seen += [number_of(r["invoice_id"])
                              for r in page["receipts"]]
                self.after = page["next"]
                if page["more"]:
                    continue
            time.sleep(0.05)


class Eraser(threading.Thread):
    """Erases one acknowledged payment after the other."""

    def __init__(self, gateway, storm, chance):
        super().__init__(daemon=True)
        self.gateway, self.storm, self.chance = gateway, storm, chance
        self.asked, self.done, self.stopping = set(), set(), False
        self.start()

    def run(self):
        token = self.gateway.tokens["eraser"][0]
        while not self.stopping:
            time.sleep(0.05)
            if not self.storm.acked:
                continue
            n = self.chance.choice(self.storm.acked)
            self.asked.add(n)
            try:
                answer = self.gateway.api(f"/v1/invoices/BENCH-{n:09}", token,
                                          "DELETE")
                if answer.status in (200, 202):
                    self.done.add(n)
            except (OSError, http.client.HTTPException):
                pass  # who was asked is gone: it may be erased or not


class Leg:
    def __init__(self, make_gateway, keys, seed):
        self.chance = random.Random(seed)
        self.storm = Storm(keys, seed)
        self.gateway = make_gateway(
            billing=self.storm.billing, identity_key="5a" * 32,
            limits={"edges": 1, "api_rate": 100000})
        self.gateway.billing_options = {"in_flight": 128}
        self.gateway.add_token("eraser", callbacks.MERCHANT, "erase")
        self.started, self.checked, self.counts = [], 0, Counter()
        self.start()
        self.reader = Reader(self.gateway)
        self.eraser = Eraser(self.gateway, self.storm,
                             random.Random(~seed))

    def start(self):
        began = time.monotonic()
        self.gateway.start()
        self.started.append(time.monotonic() - began)
        del self.gateway.logs[:-1]  # a line for each callback
        self.storm.go_to(self.gateway)

    # ---- one round

    def some_work(self):
        """A random number of acknowledgements more, at least one."""
        wanted = len(self.storm.acked) + self.chance.randrange(1, 800)
        until(lambda: len(self.storm.acked) >= wanted, every=0.005)

    def round(self):
        self.some_work()
        act = self.chance.choices([*ACTS], [*ACTS.values()])[0]
        self.counts[act] += 1
        if act == "reload":
            self.gateway.hang_up("reloaded")
        elif act == "end":
            assert self.gateway.stop() == 0
            self.start()
        else:
            self.kill(act)
        self.check_acked()

    def kill(self, role):
        gateway, rooms = self.gateway, self.gateway.rooms()
        mark = gateway.log.mark()
        pid = gateway.kill(role)
        if role in ("supervisor", "keeper"):
            assert all(process_ended(room, PATIENCE) for room in rooms)
            assert gateway.ended() == (-9 if role == "supervisor" else 1)
            self.start()
        else:
            assert gateway.log.wait("room_died", after=mark, room=role)
            until(lambda: pid not in gateway.rooms() and sorted(
                gateway.rooms().values()) == sorted(rooms.values()))

    # ---- what has to be true

    def receipts(self, numbers):
        """{number: how many receipts of it}"""
        names = [f"BENCH-{n:09}" for n in numbers]
        found = {}
        db = sqlite3.connect(f"file:{self.gateway.store}?mode=ro", uri=True)
        try:
            for i in range(0, len(names), 900):
                some = names[i:i + 900]
                found.update(
                    (number_of(name), n) for name, n in db.execute(
                        "select invoice_id, count(*) from receipt where "
                        "invoice_id in (%s) group by invoice_id"
                        % ",".join("?" * len(some)), some))
        finally:
            db.close()
        return found

    def check_acked(self):
        """What was acknowledged since the last time."""
        end = len(self.storm.acked)
        acked = set(self.storm.acked[self.checked:end])
        self.checked = end
        found = self.receipts(acked)
        assert acked - set(found) <= self.eraser.asked, "lost"
        assert set(found.values()) <= {1}, "doubled"

    def finish(self):
        self.eraser.stopping = True
        self.eraser.join(2 * PATIENCE)
        self.storm.drain()
        asked, done = self.eraser.asked, self.eraser.done
        acked = set(self.storm.acked)
        assert acked == set(range(max(acked) + 1)), "lost replies"
        until(lambda: acked - asked <= self.storm.delivered, 3 * PATIENCE)
        there = self.receipts(acked)
        assert set(there.values()) == {1}, "doubled"
        assert acked - set(there) <= asked, "lost"
        assert not done & set(there), "erased, and there"
        until(lambda: set(there) <= set(self.reader.seen), 2 * PATIENCE)
        self.reader.stopping = True
        self.reader.join(PATIENCE)
        assert max(Counter(self.reader.seen).values()) == 1, "read twice"
        assert self.gateway.stop() == 0
        assert self.gateway.rows("pragma integrity_check") == [("ok",)]
        self.storm.end()
        return len(self.storm.acked), len(done)


def test_every_200_is_one_receipt_whatever_is_killed(
        make_gateway, keys, capsys):
    started, counts, acked, erased = [], Counter(), 0, 0
    began = time.monotonic()
    for first in range(0, ROUNDS, LEG):
        leg = Leg(make_gateway, keys, SEED + first)
        for number in range(first, min(first + LEG, ROUNDS)):
            try:
                leg.round()
            except BaseException:
                print(f"round {number}, leg of SEED={SEED + first}")
                raise
        told = leg.finish()
        acked, erased = acked + told[0], erased + told[1]
        started += leg.started
        counts += leg.counts
        with capsys.disabled():
            started.sort()
            print(f"\n{sum(counts.values())} rounds in "
                  f"{time.monotonic() - began:.0f} s, {dict(counts)}: "
                  f"{acked} times 200, {erased} erasures; "
                  f"{len(started)} starts to ready, ms: p50 "
                  f"{1000 * statistics.median(started):.0f}, p99 "
                  f"{1000 * started[int(0.99 * (len(started) - 1))]:.0f}, "
                  f"most {1000 * started[-1]:.0f}", flush=True)
    assert started[int(0.99 * (len(started) - 1))] < 5
