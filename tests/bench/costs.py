"""What each promise costs: a gateway that keeps it against one that does not.

    make bench-costs [QUICK=1] [PROMISES="fsync wiping"]

There is no option to switch one off.  The tree is copied, changed and built
(build/bench/costs/), and both gateways take turns, with answers and stores
judged as always.  Ratios are with the promise to without.  Their table goes to
standard output as README has it, all samples to build/bench/costs.json, where
promises that were not asked for stay (QUICK=1: build/bench/costs-quick.json).
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests" / "support"))

from rounds import (OUT, at_work, in_turn, lives_of,  # noqa: E402
                    posted_in_turn, ratios)
from servers import Wrong  # noqa: E402


@dataclass(frozen=True)
class Promise:
    """edits: what stands at one place in gateway/, and what is put there
    instead; make: what make is told."""
    words: str
    edits: tuple = ()
    make: tuple = ()


PROMISES = {
    "nothing": Promise("the same program twice: how exact this is"),
    "fsync": Promise("on disk before 200: `synchronous=FULL`", (
        ('"PRAGMA synchronous = FULL;"', '"PRAGMA synchronous = OFF;"'),)),
    "wiping": Promise("memory is wiped",
                      make=("VARIANT=nowipe", "BIN=build/paysieve")),
    "hardening": Promise("hardening flags: without, plain `-O2`",
                         make=("HARDEN=", "HARDEN_LD=")),
    "limits": Promise("deadlines, and connections counted by address", (
        ("c->deadline_us = clock_mono_us() + s->span_us[phase];",
         "c->deadline_us = INT64_MAX;"),
        (".connections_per_address = l->connections_per_address,",
         ".connections_per_address = 0,"))),
    "sandbox": Promise("seccomp, Landlock and no capabilities", (
        ("#define WALLS true", "#define WALLS false"),)),
    "ledger": Promise("a leaf in the ledger", (
        ("st = driver_sqlite_leaf_receipt(s, (uint64_t)seq, r, &salt);",
         "st = ST_OK;"),
        ("secret_random(&salt, sizeof(salt));\n\tdriver_sqlite_bind",
         "memset(&salt, 0, sizeof(salt));\n\tdriver_sqlite_bind"))),
}
WAYS = {"kept": "keep-alive", "fresh": "with its handshake",
        "life": "whole life"}


def edit(sources, before, after):
    found = [p for p in sources if before in p.read_text()]
    if len(found) != 1 or found[0].read_text().count(before) != 1:
        sys.exit(f"not at one place in gateway/: {before}")
    found[0].write_text(found[0].read_text().replace(before, after))


def built(name):
    """A gateway without the promise."""
    promise, copy = PROMISES[name], OUT / "costs" / name
    shutil.rmtree(copy, ignore_errors=True)
    (copy / "build").mkdir(parents=True)
    for part in ("Makefile", "gateway", "schemas", "build/gen",
                 *(() if promise.make else ("build/release",))):
        subprocess.run(["cp", "-a", str(TOP / part),
                        str((copy / part).parent)], check=True)
    sources = list((copy / "gateway").rglob("*.[ch]"))
    for before, after in promise.edits:
        edit(sources, before, after)
    subprocess.run(["make", "-s", "--no-print-directory",
                    f"-j{os.cpu_count()}", "-C", str(copy), "all",
                    *promise.make], check=True)
    return str(copy / "build" / "paysieve")


def measured(bench, binary):
    """{way: {"with" and "without": [rounds]}}"""
    binaries = {"with": None, "without": binary}
    servers = [bench.paysieve(binary=b) for b in binaries.values()]
    for server, name in zip(servers, binaries):
        server.name = name
    rounds = bench.size(2, 9)

    def posted(count, **more):
        return posted_in_turn(bench, servers, rounds,
                              {name: count for name in binaries}, **more)

    told = {"kept": posted(bench.size(3000, 8000), connections=64),
            "fresh": posted(bench.size(400, 800), connections=16, fresh=1)}
    bench.stop()
    count = bench.size(1000, 2000)
    told["life"] = in_turn({name: partial(lives_of, bench, count, binary=b)
                            for name, b in binaries.items()}, rounds)
    return told


def spread(samples):
    return (f"{statistics.median(samples):.2f} "
            f"({min(samples):.2f} to {max(samples):.2f})")


def row(name, told):
    """A line of the table; what each room took goes to standard error."""
    cells = [f"`{name}`", PROMISES[name].words] + [
        spread(ratios(told[way], "us", "with", "without")) for way in WAYS]
    cells.append(spread(ratios(told["kept"], "per_second",
                               "with", "without")))
    print("|", " | ".join(cells), "|", flush=True)
    for way, words in WAYS.items():
        print(f"{name}, {words}: microseconds with, without:",
              file=sys.stderr)
        for figure in told[way]["with"][0]:
            us = [statistics.median(r[figure] for r in rounds)
                  for rounds in told[way].values()]
            if figure.startswith("us_of_") and min(us) > 2:
                print(f"  {figure.removeprefix('us_of_'):10} {us[0]:7.1f} "
                      f"{us[1]:7.1f}", file=sys.stderr)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--quick", action="store_true")
    options.add_argument("promises", nargs="*", metavar="PROMISE",
                         help=" ".join(PROMISES))
    options = options.parse_args()
    for name in options.promises:
        if name not in PROMISES:
            sys.exit(f"no promise {name}; there are: {' '.join(PROMISES)}")
    names = options.promises or list(PROMISES)
    binaries = {name: built(name) for name in names}
    samples = OUT / ("costs-quick.json" if options.quick else "costs.json")
    told = json.loads(samples.read_text()) if samples.exists() else {}
    head = ["promise", "", *(f"CPU, {words}" for words in WAYS.values()),
            "callbacks a second"]
    print("|", " | ".join(head), "|\n" + "|---" * len(head) + "|",
          flush=True)
    for name in names:
        try:
            with at_work(options.quick) as bench:
                told[name] = measured(bench, binaries[name])
        except Wrong as fault:
            sys.exit(f"{name}: WRONG: {fault}")
        row(name, told[name])
        samples.write_text(json.dumps(told, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
