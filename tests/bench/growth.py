"""How cost grows: with edges, connections, receipts that are stored,
merchants and endpoints.

    make bench-growth [QUICK=1] [CURVES="edges receipts"]

A curve is a function that takes a step and gives what does one round of it;
rounds of all steps of a curve take turns.  All samples go to
build/bench/growth.json, where curves that were not asked for stay, and are
drawn in tests/bench/growth.svg (QUICK=1: build/bench/growth-quick.*).
"""

import argparse
import json
import statistics
import sys
import time
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests" / "support"))

import callbacks  # noqa: E402
import plot  # noqa: E402
from rounds import (BOTH, OUT, at_work, copied, in_turn,  # noqa: E402
                    lives_of, round_of)
from servers import Wrong  # noqa: E402

STEPS = {"edges": (1, 2, 3, 4),
         "connections": (1, 4, 16, 64, 256, 1000),
         "receipts": (0, 10000, 100000, 1000000, 10000000),
         "merchants": (1, 2, 5, 10, 20, 50),
         "endpoints": (0, 1, 2, 3, 4, 5)}
QUICK = {"edges": (1, 2, 4),
         "connections": (1, 64, 1000),
         "receipts": (0, 10000, 100000),
         "merchants": (1, 10, 50),
         "endpoints": (0, 1, 5)}


def edges(bench, n):
    """They need a core each: server and client share both."""
    server = bench.paysieve(BOTH, limits={"edges": n})
    return lambda: round_of(bench, server, bench.size(5000, 20000),
                            cores=BOTH, connections=64)


def connections(bench, n):
    server = bench.paysieve()
    count = min(bench.size(5000, 20000), 2000 + 200 * n)  # few are slow
    return lambda: round_of(bench, server, count, connections=n)


def receipts(bench, n):
    server = bench.paysieve(store=copied(bench, n) if n > 0 else None)
    return lambda: round_of(bench, server, bench.size(5000, 20000),
                            connections=64)


def merchants(bench, n):
    names = [callbacks.MERCHANT] + [f"{callbacks.MERCHANT}{i}"
                                    for i in range(1, n)]
    server = bench.paysieve(merchants={
        name: {"password": callbacks.PASSWORD} for name in names})

    def do():
        got = round_of(bench, server, bench.size(5000, 20000),
                       connections=64, merchants=n)
        stored = server.gateway.rows(
            "select count(distinct merchant) from receipt")[0][0]
        if stored != n:
            raise Wrong(f"receipts of {stored} merchants, not {n}")
        return got
    return do


def endpoints(bench, n):
    """A life is over when all have the receipt."""
    count = bench.size(2000, 5000)
    return lambda: lives_of(bench, count, n, confirmed=False)


def curve(bench, name, steps, rounds):
    """[(step, [rounds])]"""
    told = in_turn({n: globals()[name](bench, n) for n in steps}, rounds)
    bench.check()
    return list(told.items())


def report(name, steps):
    for n, rounds in steps:
        us, per_second, p99_ms = (
            statistics.median(r[f] for r in rounds) / by for f, by in
            (("us", 1), ("per_second", 1), ("p99_us", 1000)))
        low, high = (f(r["us"] for r in rounds) for f in (min, max))
        print(f"{name:12} {n:>10,}  {us:6.1f} us ({low:.1f} to {high:.1f})  "
              f"{per_second:8,.0f} a second  p99 {p99_ms:7.2f} ms",
              flush=True)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--quick", action="store_true")
    options.add_argument("curves", nargs="*", metavar="CURVE",
                         help=" ".join(STEPS))
    options = options.parse_args()
    for name in options.curves:
        if name not in STEPS:
            sys.exit(f"no curve {name}; there are: {' '.join(STEPS)}")
    samples = OUT / ("growth-quick.json" if options.quick else "growth.json")
    picture = samples.with_suffix(".svg") if options.quick else \
        TOP / "tests" / "bench" / "growth.svg"
    told = json.loads(samples.read_text()) if samples.exists() else {}
    for name in options.curves or STEPS:
        began = time.monotonic()
        try:
            with at_work(options.quick) as bench:
                told[name] = curve(
                    bench, name, (QUICK if options.quick else STEPS)[name],
                    bench.size(2, 5))
        except Wrong as fault:
            sys.exit(f"{name}: WRONG: {fault}")
        report(name, told[name])
        print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr)
        samples.write_text(json.dumps(told, indent=1) + "\n")
    if all(name in told for name in STEPS):
        picture.write_text(plot.drawn(told))
    return 0


if __name__ == "__main__":
    sys.exit(main())
