#!/usr/bin/python3
"""A gateway under a steady mix: memory, descriptors and latency stay flat.

    soak.py --minutes N [--rate N] [--json FILE]

Each stretch (an hour, or all of a shorter run) begins with a reload, whose
rooms are new; what counts are the windows behind its first third.  Growth is
the median slope between windows (Theil and Sen), times their number.
"""

import argparse
import json
import os
import signal
import statistics
import sys
import tempfile
import time
from itertools import combinations
from pathlib import Path
from types import SimpleNamespace

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

import certs  # noqa: E402
from billing_stub import BillingStub  # noqa: E402
from gateway import Gateway, new_webhook_secret  # noqa: E402
from mix import Mix  # noqa: E402
from sslcommerz import SSLCommerz  # noqa: E402
from stub_server import tls_context  # noqa: E402
import callbacks  # noqa: E402

GROWTH = 0.01  # of a room's memory, in a stretch
WAL_MOST = 256 << 20
P99_DRIFT = 0.10  # from the first hour to the last; of long runs only
STRETCH_S = 3600
# Pages that are touched for the first time late, as those of a cache.
SLACK = {False: 128 << 10, True: 64 << 10}
# The keeper's two connections each keep what they read and write of the store,
# up to PRAGMA cache_size: until then its memory grows as the store does.
CONNECTIONS, CACHE = 2, 16 << 20


def place(directory):
    keys = SimpleNamespace(
        dir=directory, gateway=certs.make(directory, "gateway"),
        billing=certs.make(directory, "billing"),
        provider=certs.make(directory, "provider"), ca=directory / "ca.crt")
    billing = BillingStub(*keys.billing, [new_webhook_secret()]).start()
    provider = SSLCommerz(tls_context(*keys.provider),
                          {callbacks.MERCHANT: callbacks.PASSWORD}).start()
    work = directory / "gateway"
    work.mkdir(mode=0o700)
    gateway = Gateway(work, keys, billing=billing, provider=provider, limits={
        "ask_rate": 1000, "head_timeout": "5s", "body_timeout": "5s"})
    gateway.add_token("eraser", callbacks.MERCHANT, "erase")
    return gateway.start(), provider, billing


def look(pid):
    """Resident and proportional bytes, descriptors, threads; None: ended."""
    proc = Path("/proc", str(pid))
    try:
        sizes = dict(line.split(":", 1) for line in
                     (proc / "smaps_rollup").read_text().splitlines()[1:])
        return {"rss": int(sizes["Rss"].split()[0]) << 10,
                "pss": int(sizes["Pss"].split()[0]) << 10,
                "fds": len(os.listdir(proc / "fd")),
                "threads": len(os.listdir(proc / "task"))}
    except (OSError, KeyError):
        return None


def size(path):
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def refuse_a_reload(gateway):
    good = gateway.conf.read_text()
    gateway.conf.write_text(good + "\n[limits]\nnonsense = 1\n")
    gateway.hang_up("reload_refused")
    gateway.conf.write_text(good)


class Soak:
    def __init__(self, gateway, mix, minutes):
        self.gateway, self.mix = gateway, mix
        self.long = minutes >= 120
        self.seconds = minutes * 60
        self.window_s = 60 if self.long else max(2, self.seconds / 30)
        self.windows = []  # of all stretches
        self.rooms = []    # one dict a room of a stretch

    def run(self):
        begun = time.monotonic()
        while self.seconds - (time.monotonic() - begun) > self.window_s:
            left = self.seconds - (time.monotonic() - begun)
            self.gateway.reload()
            self.stretch(min(left, STRETCH_S))
        return self

    def stretch(self, seconds):
        names = {self.gateway.pid: "supervisor"}
        seen = {}  # pid: its samples
        self.mix.window()
        count = max(6, int(seconds / self.window_s))
        for n in range(count):
            time.sleep(self.window_s)
            if n % 5 == 4:
                refuse_a_reload(self.gateway)
            names.update(self.gateway.rooms())
            for pid in names:
                sample = look(pid)
                if sample is not None:
                    seen.setdefault(pid, []).append(sample)
            latencies, counts = self.mix.window()
            self.windows.append({
                "p50_ms": self.share(latencies, 0.5),
                "p99_ms": self.share(latencies, 0.99), "counts": counts,
                "wal": size(Path(f"{self.gateway.store}-wal")),
                "store": size(self.gateway.store)})
            self.progress(n + 1, count)
        for pid, samples in sorted(seen.items()):
            if len(samples) == count:  # an old room ends while it drains
                self.rooms.append(self.judge(
                    names[pid], samples,
                    self.cached(count) if names[pid] == "keeper" else 0))

    @staticmethod
    def share(latencies, which):
        if not latencies:
            return None
        return round(1000 * latencies[int(which * (len(latencies) - 1))], 2)

    def cached(self, count):
        """What the keeper may have cached more, behind the warm-up."""
        stores = [w["store"] for w in self.windows[-count:]][count // 3:]
        return CONNECTIONS * max(0, min(stores[-1], CACHE) - stores[0])

    def judge(self, name, samples, cached):
        samples = samples[len(samples) // 3:]
        rss = [s["rss"] for s in samples]
        growth = (len(rss) - 1) * statistics.median(
            (b - a) / (j - i) for (i, a), (j, b) in
            combinations(enumerate(rss), 2))
        half = len(samples) // 2
        allowed = (GROWTH * statistics.median(rss) + SLACK[self.long] +
                   cached)
        room = {"room": name, "rss_first": rss[0], "rss_last": rss[-1],
                "growth": round(growth), "allowed": round(allowed),
                "pss_last": samples[-1]["pss"], "faults": []}
        if growth > allowed:
            room["faults"].append("its memory grows")
        # The fewest: guests come and go.
        for what in ("fds", "threads"):
            first, last = (min(s[what] for s in part)
                           for part in (samples[:half], samples[half:]))
            room[what] = [first, last]
            if last > first + (2 if what == "fds" else 0):
                room["faults"].append(f"its {what} grow")
        return room

    def progress(self, n, count):
        if sys.stderr.isatty():
            w = self.windows[-1]
            print(f"\r{n}/{count} windows, p99 {w['p99_ms']} ms, log "
                  f"{w['wal'] >> 20} MiB, {len(self.mix.faults)} faults ",
                  end="" if n < count else "\n", file=sys.stderr, flush=True)

    def faults(self):
        found = [f"{r['room']}: {fault}" for r in self.rooms
                 for fault in r["faults"]]
        if max(w["wal"] for w in self.windows) > WAL_MOST:
            found.append("the log of the store is larger than 256 MiB")
        names = {r["room"] for r in self.rooms}
        if names != {"supervisor", "keeper", "edge", "asker", "courier",
                     "desk"}:
            found.append(f"only these rooms were seen: {sorted(names)}")
        for what in ("new", "known", "forged", "no form", "poll", "erased",
                     "broken", "slow"):
            if not any(w["counts"].get(what) for w in self.windows):
                found.append(f"nothing was {what}")
        if self.long and self.drift() > P99_DRIFT:
            found.append(f"p99 went up by {100 * self.drift():.0f} %")
        return found + sorted(set(self.mix.faults))

    def drift(self):
        """Of p99, from the first sixth behind the warm-up to the last."""
        p99 = [w["p99_ms"] for w in self.windows if w["p99_ms"] is not None]
        sixth = max(1, len(p99) // 6)
        first = statistics.median(p99[sixth:2 * sixth])
        return statistics.median(p99[-sixth:]) / first - 1


def table(soak):
    print(f"{'room':<11} {'RSS KiB':>15} {'growth':>8} {'allowed':>8} "
          f"{'PSS':>6} {'descriptors':>12} {'threads':>8}")
    for r in soak.rooms:
        print(f"{r['room']:<11} "
              f"{r['rss_first'] >> 10:>7} {r['rss_last'] >> 10:>7} "
              f"{r['growth'] / 1024:>8.0f} {r['allowed'] / 1024:>8.0f} "
              f"{r['pss_last'] >> 10:>6} "
              f"{r['fds'][0]:>6}-{r['fds'][1]:<5} "
              f"{r['threads'][0]:>4}-{r['threads'][1]:<3} "
              + ", ".join(r["faults"]))
    p99 = [w["p99_ms"] for w in soak.windows if w["p99_ms"] is not None]
    total = {}
    for w in soak.windows:
        for what, n in w["counts"].items():
            total[what] = total.get(what, 0) + n
    print(f"p50 {statistics.median(w['p50_ms'] for w in soak.windows)} ms; "
          f"p99 {statistics.median(p99)} ms, drift {100 * soak.drift():+.0f} %"
          + ("" if soak.long else " (not judged in a short run)"))
    print(f"log of the store at most "
          f"{max(w['wal'] for w in soak.windows) >> 10} KiB; "
          + ", ".join(f"{n} {what}" for what, n in sorted(total.items())))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=480)
    parser.add_argument("--rate", type=float, default=40)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # stop what runs
    with tempfile.TemporaryDirectory() as directory:
        gateway, provider, billing = place(Path(directory))
        mix = Mix(gateway, provider, billing, options.rate).start()
        try:
            soak = Soak(gateway, mix, options.minutes).run()
            mix.stop()
            code = gateway.stop()
        finally:
            gateway.stop()
            provider.stop()
            billing.stop()
    faults = soak.faults()
    if code != 0:
        faults.append(f"the gateway ended with {code}")
    table(soak)
    if options.json:
        options.json.write_text(json.dumps(
            {"rooms": soak.rooms, "windows": soak.windows, "faults": faults},
            indent=1))
    for fault in faults[:20]:
        print(f"FAULT: {fault}")
    print("soak: " + (f"{len(faults)} faults" if faults else "flat"))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
