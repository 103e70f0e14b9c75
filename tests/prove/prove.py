#!/usr/bin/python3
"""Nothing else survives: thousands of callbacks full of canaries, then a
search for every canary everywhere it could be.

    prove.py [--callbacks N]

Exit code: 0 no canary anywhere and every control was found; 1 otherwise.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests" / "support"))

import gateway  # noqa: E402
import places  # noqa: E402
import selftest  # noqa: E402
from canary import KINDS  # noqa: E402
from gateway import process_ended, until  # noqa: E402
from scanner import CannotSearch, Found  # noqa: E402
from scene import World  # noqa: E402
from traffic import Traffic  # noqa: E402
from wire import Line  # noqa: E402

THREADS = 4
LONG = 1000      # from so many callbacks on: every control, all the noise
CONTROL = 60     # callbacks to a build that has to fail
IDLE = 24        # connections left open
EACH = 2         # callbacks to each exit by itself
SECONDS_ASKED = 4
PATIENCE = 20    # seconds to come to rest


class Failed(Exception):
    """The proof failed, or could not be had; why, in words."""


class Progress:
    """A line on a terminal, nothing elsewhere."""

    def __init__(self):
        self._terminal = sys.stderr.isatty()
        self.started = time.monotonic()

    def seconds(self):
        return time.monotonic() - self.started

    def say(self, words):
        print(f"{self.seconds():6.1f} s  {words}", flush=True)

    def count(self, total, what):
        done = 0

        def one(_):
            nonlocal done
            done += 1
            if self._terminal and done % 20 == 0:
                print(f"\r{what}: {done} of {total} ", end="",
                      file=sys.stderr, flush=True)
                if done == total:
                    print(file=sys.stderr)
        return one


# ---- one run

def hits(rows):
    return sum(sum(row.found.hits.values()) for row in rows)


def at_rest(world, moment, patience=PATIENCE, look=places.memory):
    """Rows of what is looked at when it has come to rest: with no hits, or
    with those that do not go away.  The store empties its log a second
    after the last change."""
    deadline = time.monotonic() + patience
    while True:
        rows = look(world, moment)
        if hits(rows) == 0 or time.monotonic() > deadline:
            return rows
        time.sleep(0.5)


def holders(world, kind):
    """Edges whose memory holds whole canaries of a kind."""
    return [pid for pid in world.gateway.rooms("edge")
            if any(int(told.split("\t")[3]) >= 60 for told in
                   world.scanner.processes([pid]).told
                   if told.split("\t")[1] == kind)]


def half_sent(world, kind):
    """Requests in the middle of their body, one to each edge or so."""
    lines = []
    for _ in range(8):
        line = Line(world.gateway, world.callers)
        body = world.canaries.text(kind, 2000).encode()
        line.send(f"POST /ipn/testbox HTTP/1.1\r\nHost: a\r\nContent-Type: "
                  f"{gateway.FORM}\r\nContent-Length: 4000\r\n\r\n".encode()
                  + body)
        lines.append(line)
    return lines


def control_sight(world):
    """Before its last byte a request's canaries are in an edge's memory."""
    lines = half_sent(world, "L")
    try:
        until(lambda: holders(world, "L"))
    except AssertionError:
        raise Failed("the scanner is blind: a request that is half there "
                     "was not found in any edge's memory") from None
    for line in lines:
        line.close()


def kill_an_edge(world):
    """SIGKILL in the middle of its requests."""
    lines = half_sent(world, "R")
    pid = until(lambda: holders(world, "R"))[0]
    os.kill(pid, 9)
    assert process_ended(pid, PATIENCE)
    for line in lines:
        line.close()
    until(lambda: len(world.gateway.rooms("edge")) == 2 and
          pid not in world.gateway.rooms("edge"))


def kill_the_asker(world, number):
    """SIGKILL while SSLCommerz has a question."""
    world.provider.misbehave("slow", 1, seconds=SECONDS_ASKED)
    asked = len(world.provider.questions)
    line = Line(world.gateway, world.callers)
    world.traffic.one(line, number)
    line.close()
    assert world.provider.wait_asked(asked + 1)
    pid = world.gateway.kill("asker")
    world.provider.behave()
    until(lambda: set(world.gateway.rooms("asker")) - {pid})
    world.settle()


def kill_all(world, number):
    """SIGKILL of everything, with requests half there and a payment that
    waits; a row of what is on disk then.  The gateway runs again
    afterwards."""
    lines = half_sent(world, "R")
    until(lambda: holders(world, "R"))
    world.provider.misbehave("slow", 1, seconds=SECONDS_ASKED)
    asked = len(world.provider.questions)
    line = Line(world.gateway, world.callers)
    world.traffic.one(line, number)
    assert world.provider.wait_asked(asked + 1)
    pids = places.processes(world.gateway)
    world.gateway.stop(signal.SIGKILL)
    assert all(process_ended(pid, PATIENCE) for pid in pids)
    for left in (line, *lines):
        left.close()
    world.provider.behave()
    rows = [places.Row("all files, after SIGKILL of everything",
                       world.scanner.folder(world.state), set())]
    world.gateway.start()
    world.settle()
    return rows


# proves: R2 R10
def after_each_exit_nothing_is_in_memory(world, first, progress):
    """A row for each way in which a request ends, searched by itself: later
    requests would overwrite what it leaves."""
    rows = []
    for i, exit in enumerate(Traffic.EXITS):
        for n in range(EACH):
            line = Line(world.gateway, world.callers, old=n % 2 == 1)
            world.traffic.one(line, first + i * EACH + n, exit)
            line.close()
        world.settle()
        rows += at_rest(world, "after: " + exit.replace("_", " "),
                        look=places.all_writable)
    progress.say(f"{len(rows)} kinds of exit, searched one by one")
    return rows


def send_other_invoices(world, first):
    line = Line(world.gateway, world.callers)
    for n in range(first, first + IDLE):
        world.traffic.one(line, n, "other_invoice")
    line.close()
    world.settle()


def check_kept(world):
    """What is kept is found where it has to be, so the places are right."""
    receipts = [r["invoice_id"] for r in world.billing.receipts.values()]
    if len(receipts) < world.sent // 4:
        raise Failed(f"only {len(receipts)} receipts reached billing")
    invoice = receipts[0].encode()
    store = b"".join(p.read_bytes() for p in world.state.glob("receipts.db*")
                     if p.is_file())
    for name, data in (
            ("store", store),
            *((n, (world.dir / "taken" / n).read_bytes())
              for n in ("backup", "commands", "billing", "api"))):
        if invoice not in data:
            raise Failed(f"a receipt is missing in: {name}")
    log = world.gateway.log
    if not log.find("callback", outcome="waiting") or log.noise:
        raise Failed(f"the log is not what it has to be: {log.noise[:3]}")


# proves: R2 R5 R10
def no_canary_is_found_anywhere(world, callbacks, progress, deep=True,
                                patience=PATIENCE):
    """Send callbacks and search; the rows of the table."""
    rows = after_each_exit_nothing_is_in_memory(
        world, 10 * callbacks, progress) if deep else []
    world.traffic.send(range(callbacks), THREADS, progress.count(
        callbacks, "callbacks"))
    world.sent = callbacks
    world.ask_api(10).close()
    world.leave_open(range(callbacks, callbacks + IDLE))
    world.settle()
    rows += at_rest(world, places.MEMORY_MOMENTS[0], patience)
    world.close_open()
    rows += at_rest(world, places.MEMORY_MOMENTS[1], patience)
    if deep:
        rows += places.cores(world)
        kill_an_edge(world)
        kill_the_asker(world, 20 * callbacks + 1)
        rows += at_rest(world, places.MEMORY_MOMENTS[2])
    send_other_invoices(world, 30 * callbacks)
    world.run_commands()
    world.write_down()
    rows += at_rest(world, "running", patience, places.files)
    return rows


def run(directory, callbacks, progress, deep=True):
    """A world of its own; (world, rows).  It is stopped afterwards, and what
    is left on disk then is searched too."""
    world = World(directory, seed=callbacks)
    world.start()
    try:
        control_sight(world)
        progress.say("positive control: a half-sent request is found")
        rows = no_canary_is_found_anywhere(
            world, callbacks, progress, deep, PATIENCE if deep else 2)
        if deep:
            check_kept(world)
            rows += kill_all(world, 40 * callbacks + 1)
        code = world.stop()
        world.write_down()
        for name, folder in (("all files", world.state),
                             ("all that has left it", world.dir / "taken")):
            rows.append(places.Row(name + ", after the end",
                                   world.scanner.folder(folder), set()))
    finally:
        world.stop()
    if world.traffic.wrong:
        raise Failed(f"wrong answers: {world.traffic.wrong[:5]}")
    if code != 0:
        raise Failed(f"the gateway ended with {code}")
    return world, rows


def as_shipped(directory, progress):
    """The same with as much memory hidden as the kernel allows."""
    world = World(directory, seed=CONTROL, prefix=())
    world.start()
    try:
        rows = no_canary_is_found_anywhere(world, CONTROL, progress,
                                           deep=False)
    finally:
        world.stop()
    hidden = sum(row.found.unreadable for row in rows
                 if places.MEMORY_MOMENTS[0] in row.place)
    progress.say(f"as shipped, {hidden} bytes hidden from root too: "
                 f"{hits(rows)} hits")
    if hits(rows):
        print_hits(rows)
        raise Failed("something survived where memory is hidden")


# ---- builds that have to fail

def build(folder, variant=None):
    """The path of a gateway made from a tree."""
    words = ["make", "-s", "--no-print-directory", f"-j{os.cpu_count()}",
             "-C", str(folder), "all"]
    subprocess.run(words + ([f"VARIANT={variant}"] if variant else []),
                   check=True)
    return str(folder / "build" / (variant or "") / "paysieve")


class Plant:
    """A patch that makes the gateway leak; its first lines say where that
    has to be caught, and of which kind."""

    def __init__(self, path):
        self.path = path
        place, kind = path.read_text().splitlines()[:2]
        self.place = place.removeprefix("caught in: ")
        self.kind = kind.removeprefix("kind: ")

    def caught(self, rows):
        return sum(row.found.by_kind[self.kind] for row in rows
                   if row.place.startswith(self.place))


def planted(plants):
    """A gateway with all leaks; the tree is copied, with what is built of
    it."""
    copy = TOP / "build" / "planted"
    shutil.rmtree(copy, ignore_errors=True)
    (copy / "build").mkdir(parents=True)
    for name in ("Makefile", "gateway", "schemas", "build/release",
                 "build/gen"):
        subprocess.run(["cp", "-a", str(TOP / name),
                        str((copy / name).parent)], check=True)
    for plant in plants:
        subprocess.run(["patch", "-s", "-p1", "-d", str(copy), "-i",
                        str(plant.path)], check=True)
    return build(copy)


def rows_of(binary, directory, progress):
    """What a search of another build finds, few callbacks later."""
    right, gateway.BIN = gateway.BIN, binary
    try:
        return run(directory, CONTROL, progress, deep=False)[1]
    finally:
        gateway.BIN = right


# proves: R44
def leaks_that_were_planted_are_caught(directory, progress, long):
    """Builds that leak have to be caught, or nothing is proved."""
    plants = [Plant(path) for path in
              sorted((Path(__file__).parent / "plants").glob("*.patch"))]
    rows = rows_of(planted(plants), directory / "planted", progress)
    caught = {plant.path.stem: plant.caught(rows) for plant in plants}
    if long:
        rows = rows_of(build(TOP, "nowipe"), directory / "nowipe", progress)
        caught["a build that does not wipe"] = hits(
            row for row in rows if row.place.startswith("memory"))
    for name, n in caught.items():
        progress.say(f"negative control: {name}: {n} hits")
    if not caught or not all(caught.values()):
        raise Failed("a leak that was planted was not caught")


# ---- the table

def cell(row, kind):
    if kind in row.allowed:
        return "-"
    return str(row.found.by_kind.get(kind, 0))


def print_table(rows):
    width = max(len(row.place) for row in rows)
    print("\n" + " " * width, *(f"{k:>3}" for k in KINDS))
    for row in rows:
        print(row.place.ljust(width),
              *(f"{cell(row, k):>3}" for k in KINDS))
    print("\nKinds:", "; ".join(f"{k} {v}" for k, v in KINDS.items()))
    for (role, kind), why in places.ALLOWED.items():
        print(f"- {KINDS[kind]} in {role}: {why}")
    print("Not searched:", "; ".join(places.NOT_SEARCHED))


def print_hits(rows, most=12):
    for row in rows:
        for told in row.found.told[:most]:
            print(f"  {row.place}: {told}", file=sys.stderr)


def report(world, rows, progress):
    total = Found()
    for row in rows:
        total.add(row.found)
    print_table(rows)
    print(f"\n{sum(world.traffic.counts.values())} callbacks "
          f"({len(world.traffic.counts)} kinds of exit), "
          f"{len(world.billing.receipts)} receipts, "
          f"{world.canaries.count} canaries, "
          f"{total.searched / 1e6:.0f} MB searched "
          f"({total.unreadable} bytes could not be read), "
          f"{sum(total.hits.values())} hits, {progress.seconds():.0f} s")
    if total.hits:
        print_hits(rows)
        raise Failed("something survived")


# proves: R2 R10 R44
def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--callbacks", type=int, default=3000)
    parser.add_argument("--no-controls", action="store_true",
                        help="only the search; proves nothing")
    args = parser.parse_args()
    long = args.callbacks >= LONG
    progress = Progress()
    directory = Path(tempfile.mkdtemp(prefix="prove-"))
    try:
        progress.say(selftest.run(directory / "selftest", gateway.BIN,
                                  1024 if long else 0))
        if not args.no_controls:
            leaks_that_were_planted_are_caught(directory, progress, long)
        if long:
            as_shipped(directory / "shipped", progress)
        world, rows = run(directory / "run", args.callbacks, progress)
        report(world, rows, progress)
    except (Failed, CannotSearch) as error:
        print(f"prove: {error}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
