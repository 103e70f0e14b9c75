"""What a callback costs, how long it takes, what all that needs.

    make bench [QUICK=1] [ROWS="cpu poll"]

Each row is a function of rows.py that gives figures; GOALS is what they
should be.  A table goes to standard output, everything to
build/bench/bench.json, with all that was seen on the way.  A goal that is not
met is no failure; an answer that is wrong or a receipt that is missing is.
"""

import argparse
import json
import os
import platform
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests" / "support"))

import rows  # noqa: E402
from rounds import OUT, at_work  # noqa: E402
from servers import Wrong  # noqa: E402


@dataclass
class Goal:
    row: str
    figure: str
    words: str
    compare: str   # <= or >=
    goal: float
    unit: str

    def met(self, value):
        return value <= self.goal if self.compare == "<=" else \
            value >= self.goal


GOALS = [
    Goal("cpu", "ratio", "CPU of a callback, keep-alive, against nginx",
         "<=", 1.25, "x"),
    Goal("handshake", "ratio", "CPU of a callback with its handshake, "
         "against nginx", "<=", 1.10, "x"),
    Goal("php", "ratio", "Callbacks a second, against nginx + PHP",
         ">=", 20, "x"),
    Goal("latency", "p99_ms", "Acknowledged at half of peak, p99",
         "<=", 10, "ms"),
    Goal("latency", "p999_ms", "Acknowledged at half of peak, p99.9",
         "<=", 50, "ms"),
    Goal("life", "per_second", "Whole lives a second", ">=", 4000, ""),
    Goal("life", "backlog", "Waiting and pending meanwhile", "<=", 1000, ""),
    Goal("poll", "per_second", "Receipts a second, pages of 1000",
         ">=", 500000, ""),
    Goal("idle", "kib", "An idle connection", "<=", 12, "KiB"),
    Goal("idle", "mib", "RSS of the edges with all idle", "<=", 150, "MiB"),
    Goal("start", "ms", "Start to ready, full store", "<=", 200, "ms"),
    Goal("full", "ratio", "CPU of a callback, full store against empty",
         "<=", 1.3, "x"),
    Goal("memory", "mib", "PSS of all processes at peak", "<=", 64, "MiB"),
    Goal("size", "mib", "Stripped binary", "<=", 1, "MiB"),
]


def number(value):
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value < 100 else f"{value:.0f}"


def told(goal, samples):
    """One line of the table."""
    middle = statistics.median(samples)
    spread = f"{number(min(samples))} to {number(max(samples))}" \
        if len(samples) > 1 else ""
    return {"row": goal.row, "figure": goal.figure, "what": goal.words,
            "goal": f"{goal.compare} {number(goal.goal)} {goal.unit}".strip(),
            "median": middle, "min": min(samples), "max": max(samples),
            "samples": samples, "spread": spread,
            "met": goal.met(middle)}


def table(lines):
    head = ["row", "what", "goal", "median", "min to max", ""]
    cells = [head] + [
        [line["row"], line["what"], line["goal"], number(line["median"]),
         line["spread"], "met" if line["met"] else "NOT MET"]
        for line in lines]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    for row in cells:
        print("  ".join(c.ljust(w) for c, w in zip(row, widths)).rstrip())


def machine():
    return {"cores": os.cpu_count(), "system": platform.system(),
            "kernel": platform.release(), "processor": platform.machine()}


def run(name, bench):
    """The lines of a row; its details go into bench.json."""
    began = time.monotonic()
    print(f"{name} ...", file=sys.stderr, flush=True)
    try:
        figures, details = getattr(rows, name)(bench)
    finally:
        bench.stop()
    details["took_s"] = round(time.monotonic() - began, 1)
    lines = [told(g, figures[g.figure]) for g in GOALS if g.row == name]
    print(f"{name}: {details}", file=sys.stderr, flush=True)
    return lines, details


def main():
    names = list(dict.fromkeys(g.row for g in GOALS))
    options = argparse.ArgumentParser()
    options.add_argument("--quick", action="store_true")
    options.add_argument("rows", nargs="*", metavar="ROW",
                         help=" ".join(names))
    options = options.parse_args()
    for name in options.rows:
        if name not in names:
            sys.exit(f"no row {name}; there are: {' '.join(names)}")
    lines, details, faults = [], {}, 0
    with at_work(options.quick) as bench:
        for name in options.rows or names:
            try:
                more, details[name] = run(name, bench)
                lines += more
            except Wrong as fault:
                faults += 1
                print(f"{name}: WRONG: {fault}", file=sys.stderr)
                details[name] = {"wrong": str(fault)}
    (OUT / "bench.json").write_text(json.dumps(
        {"quick": options.quick, "machine": machine(), "figures": lines,
         "details": details}, indent=1) + "\n")
    table(lines)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
