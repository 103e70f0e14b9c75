"""Every allocation of a running gateway fails once, and from then on.

    make torture [ROOMS="edge keeper"] [EVERY=1] [SECONDS=0]

A gateway runs with tests/support/preload/memory.c; for each room and each
number an allocation fails in the middle of what gateways do all day: new,
repeated, forged and broken callbacks, confirmation, delivery, polls, an
erasure, a metrics page.  Then memory is there again, and all has to be as if
it always had been: each payment that was acknowledged is a receipt once, each
is delivered, nobody died of a signal, and all rooms answer.  A keeper may end
the gateway with 74, as after a failed sync: then it is started anew.
"""

import argparse
import http.client
import mmap
import os
import random
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests" / "support"))

import callbacks  # noqa: E402
import certs  # noqa: E402
from billing_stub import BillingStub  # noqa: E402
from gateway import Gateway, new_webhook_secret, until  # noqa: E402
from sslcommerz import SSLCommerz  # noqa: E402
from stub_server import tls_context  # noqa: E402

SOURCE = TOP / "tests" / "support" / "preload" / "memory.c"
ROOMS = ["edge", "keeper", "asker", "courier", "desk"]
TROUBLE = (OSError, http.client.HTTPException)


class Memory:
    """The file that a preloaded process looks at."""

    LAYOUT = "16sqqqq"

    def __init__(self, folder):
        self.path, library = folder / "memory", folder / "memory.so"
        self.path.write_bytes(bytes(struct.calcsize(self.LAYOUT)))
        self.path.chmod(0o600)
        subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-o", library,
                        SOURCE], check=True)
        with self.path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), 0)
        self.environ = {"LD_PRELOAD": str(library),
                        "MEMORY_FILE": str(self.path)}

    def arm(self, room, at=0, forever=False):
        struct.pack_into(self.LAYOUT, self._map, 0, room.encode(), at,
                         forever, 0, 0)

    def disarm(self):
        """How many were asked for, and how many failed."""
        _, _, _, seen, failed = struct.unpack_from(self.LAYOUT, self._map)
        self._map[0:16] = bytes(16)
        return seen, failed


class World:
    def __init__(self, folder):
        keys = SimpleNamespace(
            dir=folder, gateway=certs.make(folder, "gateway"),
            billing=certs.make(folder, "billing"),
            provider=certs.make(folder, "provider"), ca=folder / "ca.crt")
        self.memory = Memory(folder)
        self.billing = BillingStub(*keys.billing,
                                   [new_webhook_secret()]).start()
        self.provider = SSLCommerz(tls_context(*keys.provider), {
            callbacks.MERCHANT: callbacks.PASSWORD}).__enter__()
        (folder / "gateway").mkdir(mode=0o700)
        self.gateway = Gateway(
            folder / "gateway", keys, billing=self.billing,
            provider=self.provider, environ=self.memory.environ,
            limits={"edges": 1})
        self.gateway.billing_options = {"schedule": "1s 1s 1s 5s 5s 5s 5s 5s"}
        self.eraser = self.gateway.add_token("eraser", scopes="read erase")
        self.acked, self.erased, self.turn = set(), set(), 0
        self.ended = 0
        self.gateway.start()

    def close(self):
        code = self.gateway.stop()
        self.billing.stop()
        self.provider.__exit__(None, None, None)
        return code

    def tried(self, act):
        try:
            return act()
        except TROUBLE:
            return None

    def work(self):
        """A bit of everything; what fails may fail."""
        self.turn += 1
        gateway, ledger = self.gateway, self.provider.ledger
        names = [f"T{self.turn}-{n}" for n in range(3)]
        for name in names:
            body = ledger.body(ledger.pay(name))
            for _ in range(2):
                answer = self.tried(lambda b=body: gateway.post(b))
                if answer is not None and answer.status == 200:
                    self.acked.add(name)
        self.tried(lambda: gateway.post(callbacks.paid("FORGED") + b"x"))
        self.tried(lambda: gateway.post(b"%"))
        self.tried(lambda: gateway.api("/v1/receipts?limit=5&wait=0",
                                       gateway.token()))
        self.tried(lambda: gateway.api("/v1/receipts", "nobody"))
        self.tried(lambda: gateway.admin("/metrics"))
        self.tried(lambda: gateway.admin("/readyz"))
        if self.turn > 1 and self.turn % 5 == 0:
            name = f"T{self.turn - 1}-0"
            answer = self.tried(lambda: gateway.api(
                f"/v1/invoices/{name}", self.eraser, "DELETE"))
            if answer is not None and answer.status == 200:
                self.erased.add(name)

    def ready(self):
        answer = self.tried(lambda: self.gateway.admin("/readyz"))
        return answer is not None and answer.status == 200

    def settled(self):
        """Is every payment that was acknowledged at billing, or erased?"""
        return self.acked - self.erased <= self.billing.invoices

    def back(self):
        if self.gateway.process.poll() == 74:
            self.gateway.ended()
            self.ended += 1
            self.gateway.start()
        return self.ready() and self.settled()

    def judge(self):
        """What is wrong, in words; None when all is well."""
        gateway = self.gateway
        try:
            until(self.back, 120)
        except AssertionError:
            return f"it does not come back ({gateway.process.poll()})"
        stored = [r["invoice_id"] for r in gateway.receipts()]
        if len(stored) != len(set(stored)):
            return "a receipt is there twice"
        if not self.acked - self.erased <= set(stored):
            return "an acknowledged payment is lost"
        if self.erased & set(stored):
            return "an erased one is there"
        for died in [e for log in gateway.logs for e in log.events
                     if e["event"] in ("room_died", "keeper_died")]:
            if died.get("signal"):
                return f"{died['room']} died of signal {died['signal']}"
        return None


def numbers(most, every, rng):
    start = rng.randrange(every) if every > 1 else 0
    return range(1 + start, most + 1, every)


def torture(world, room, every, until_s, rng):
    """Failures tried in this room, and what is wrong."""
    world.memory.arm(room)
    world.work()
    until(world.settled, 90)
    most, _ = world.memory.disarm()
    tried = 0
    for at in numbers(most, every, rng):
        for forever in (False, True):
            if until_s and time.monotonic() > until_s:
                return tried, most, None
            world.memory.arm(room, at, forever)
            world.work()
            seen, failed = world.memory.disarm()
            tried += failed > 0
            wrong = world.judge()
            if wrong:
                kind = "from there on" if forever else "once"
                return tried, most, f"{room}, number {at}, {kind}: {wrong}"
    return tried, most, None


def main():
    parse = argparse.ArgumentParser()
    parse.add_argument("rooms", nargs="*")
    parse.add_argument("--every", type=int, default=1)
    parse.add_argument("--seconds", type=float, default=0)
    parse.add_argument("--seed", type=int, default=random.randrange(10**6))
    args = parse.parse_args()
    rng, wrong = random.Random(args.seed), None
    print(f"seed {args.seed}, every {args.every}", flush=True)
    os.umask(0o077)
    rooms = args.rooms or ROOMS
    for n, room in enumerate(rooms):
        with tempfile.TemporaryDirectory() as folder:
            begun = time.monotonic()
            share = begun + args.seconds / len(rooms) if args.seconds else 0
            world = World(Path(folder))
            tried, most, wrong = torture(world, room, args.every, share, rng)
            died = sum(log.count("room_died") for log in world.gateway.logs)
            code = world.close()
            print(f"{room:8} {tried:6} failures of {most} allocations a turn, "
                  f"{died} rooms started anew, {world.ended} times all, "
                  f"{len(world.acked)} payments, "
                  f"{time.monotonic() - begun:.0f} s", flush=True)
            if wrong or code != 0:
                for line in world.gateway.logs[-1].events[-12:]:
                    print(line)
                raise SystemExit(wrong or f"{room}: ended with {code}")


if __name__ == "__main__":
    main()
