"""What retention costs those who wait for an answer: how long callbacks take
while receipts expire, and while as many only lie there.

    make bench-retention [RECEIPTS=100000]

Rounds in turn, each with a store and a gateway of its own.  Callbacks come at
a fixed rate, whatever becomes of those before, and their time counts from when
they were due.  They begin when the first receipts have gone; how much of that
time others went on going is told.
"""

import argparse
import shutil
import statistics
import sys
from datetime import datetime
from functools import partial
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests" / "support"))

from rounds import SERVER, at_work, in_turn  # noqa: E402
from servers import Paysieve, Wrong  # noqa: E402
from tools import filled  # noqa: E402

KEEP = {"lying": "36500d", "expiring": "30d"}
FIGURES = {"p50_us": "p50", "p99_us": "p99", "p999_us": "p99.9",
           "most_us": "longest"}


def at(event):
    return datetime.fromisoformat(event["time"].replace("Z", "+00:00"))


def begun(bench, way, receipts):
    """A gateway on a store of its own; of its receipts the first are gone."""
    place = bench.place()
    place.mkdir(mode=0o700)
    store = shutil.copy(filled(bench, receipts), place / "receipts.db")
    server = Paysieve(bench.place(), bench.keys, SERVER, store=store)
    server.gateway.more["store"]["keep"] = KEEP[way]
    bench.begin(server)
    while way == "expiring" and server.gateway.rows(
            "select receipts from store")[0][0] == receipts:
        pass
    return server


def round_of(bench, way, options):
    server = begun(bench, way, options.receipts)
    began = datetime.now().astimezone()
    got = bench.post(server, options.rate * options.seconds,
                     rate=options.rate, connections=64)
    ended = datetime.now().astimezone()
    told = {name: got[name] for name in FIGURES}
    if way == "expiring":
        log = server.gateway.log
        last = log.wait("expired", seconds=600)
        if last is None or last["count"] != options.receipts:
            raise Wrong(f"not all have expired: {last}")
        told["took_s"] = (at(last) - at(log.find("started"))
                          ).total_seconds()
        told["covered"] = min(1, (at(last) - began) / (ended - began))
        server.before = 0
    server.check()
    bench.end(server)
    return told


def report(told, options):
    print(f"{options.rate} callbacks a second for {options.seconds} s, "
          f"{options.rounds} rounds each, {options.receipts} receipts; "
          "milliseconds, median (lowest to highest)")
    for figure, words in FIGURES.items():
        columns = []
        for way, rounds in told.items():
            ms = [r[figure] / 1000 for r in rounds]
            columns.append(f"{way} {statistics.median(ms):7.2f} "
                           f"({min(ms):.2f} to {max(ms):.2f})")
        ratio = statistics.median(
            a[figure] / b[figure]
            for a, b in zip(told["expiring"], told["lying"]))
        print(f"  {words:8} " + "   ".join(columns) + f"   x {ratio:.2f}")
    for figure, words in (("took_s", "seconds until all had gone"),
                          ("covered", "of the load's time they went")):
        seen = [r[figure] for r in told["expiring"]]
        print(f"  {words}: {statistics.median(seen):.2f} "
              f"({min(seen):.2f} to {max(seen):.2f})")


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--receipts", type=int, default=100000)
    options.add_argument("--rate", type=int, default=1000)
    options.add_argument("--seconds", type=int, default=10)
    options.add_argument("--rounds", type=int, default=5)
    options = options.parse_args()
    with at_work(quick=False) as bench:
        told = in_turn({way: partial(round_of, bench, way, options)
                        for way in KEEP}, options.rounds)
    report(told, options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
