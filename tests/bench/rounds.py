"""What all measurements share: who serves and who asks, rounds of callbacks
that take turns, whole lives with both stand-ins, stores that are full."""

import base64
import os
import resource
import shutil
import signal
import statistics
import tempfile
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import certs
import gateway
from servers import Nginx, Paysieve, Wrong
from tools import Load, filled

OUT = Path(__file__).resolve().parents[2] / "build" / "bench"
SERVER, CLIENT, BOTH = "0", "1", "0,1"
WINDOW = 512  # lives at once


class Bench:
    """What rows share: keys, folders, sizes, and what has to be stopped."""

    def __init__(self, folder, kept, quick):
        self.folder, self.kept, self.quick = folder, kept, quick
        keys = folder / "keys"
        keys.mkdir()
        self.keys = SimpleNamespace(
            dir=keys, gateway=certs.make(keys, "gateway"),
            provider=certs.make(keys, "provider"), ca=keys / "ca.crt")
        self.running, self.loads = [], []
        self.made = 0
        self.first = 0  # the next payment's number

    def size(self, quick, full):
        return quick if self.quick else full

    def place(self):
        self.made += 1
        return self.folder / f"server{self.made}"

    def begin(self, server):
        self.running.append(server)
        return server.start()

    def paysieve(self, cores=SERVER, **more):
        return self.begin(Paysieve(self.place(), self.keys, cores, **more))

    def nginx(self):
        return self.begin(Nginx(self.place(), self.keys, SERVER))

    def end(self, server):
        server.stop()
        self.running.remove(server)

    def load(self, mode, cores, **options):
        self.loads.append(Load(mode, cores, **options))
        return self.loads[-1]

    def stop(self):
        """All, whatever becomes of one."""
        faults = []
        for load in self.loads:
            load.stop()
        self.loads = []
        for server in self.running:
            try:
                server.stop()
            except Exception as fault:  # the others have to end too
                faults.append(fault)
        self.running = []
        if faults:
            raise Wrong(str(faults[0]))

    def check(self):
        for server in self.running:
            server.check()

    def posting(self, server, count, cores=CLIENT, **more):
        """So many callbacks, for which all is ready."""
        load = self.load("post", cores, port=server.port, count=count,
                         first=self.first, **more)
        self.first += count
        if load.line() != "ready\n":
            load.stop()
            raise Wrong(f"{server.name}: no connection")
        return load

    def post(self, server, count, cores=CLIENT, ready=None, **more):
        """Send so many callbacks; what came of them.  ready(): once all
        is ready."""
        load = self.posting(server, count, cores, **more)
        if ready is not None:
            ready()
        load.say("go")
        got = load.result()
        server.acked += got["done"]
        if got["done"] != count:
            raise Wrong(f"{server.name}: {got['done']} of {count}")
        return got


@contextmanager
def at_work(quick):
    """A Bench in a folder of its own, of which nothing is left afterwards."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    os.sched_setaffinity(0, {int(CLIENT)})  # servers have the other
    OUT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=OUT, prefix="run-") as folder:
        bench = Bench(Path(folder), OUT, quick)
        try:
            yield bench
        finally:
            bench.stop()


def each(before, after, count):
    """{role: microseconds for each of so many}"""
    return {role: (after[role] - before[role]) / count for role in after}


def told_of(got, of):
    """What is told of a round, of its load's result and each()."""
    return {"us": sum(of.values()),
            "per_second": got["done"] / got["seconds"],
            "p99_us": got["p99_us"],
            "client_us": got["client_cpu"] * 1e6 / got["done"],
            **{f"us_of_{role}": us for role, us in of.items()}}


def round_of(bench, server, count, **more):
    """Microseconds of processor for a callback, and what was sent."""
    before = {}
    got = bench.post(server, count,
                     ready=lambda: before.update(server.settled_us()),
                     **more)
    if more.get("fresh") and got["full_handshakes"] != count:
        raise Wrong(f"{got['full_handshakes']} full handshakes of {count}")
    return told_of(got, each(before, server.settled_us(), count))


def in_turn(doing, rounds):
    """{name: [what doing[name]() gave]}; the first round warms up."""
    told = {name: [] for name in doing}
    for n in range(rounds + 1):
        for name in list(doing)[::1 if n % 2 else -1]:
            got = doing[name]()
            if n > 0:
                told[name].append(got)
    return told


def posted_in_turn(bench, servers, rounds, counts, **more):
    """{name: [rounds]} of servers that are sent callbacks."""
    told = in_turn({s.name: partial(round_of, bench, s, counts[s.name],
                                    **more) for s in servers}, rounds)
    bench.check()
    return told


def ratios(told, figure, a, b):
    return [x[figure] / y[figure] for x, y in zip(told[a], told[b])]


def middles(told):
    """{name: {figure: median}}"""
    return {name: {figure: round(statistics.median(
        r[figure] for r in rounds), 1) for figure in rounds[0]}
        for name, rounds in told.items()}


def copied(bench, receipts):
    """A filled store that a gateway may change."""
    copy = bench.folder / f"store-{receipts}"
    if not copy.exists():
        copy.mkdir(mode=0o700)
        shutil.copy(filled(bench, receipts), copy / "receipts.db")
    return copy / "receipts.db"


def stand_ins(bench, cores, endpoints=1, **options):
    """Whole lives that wait for their begin(); SSLCommerz, the endpoints."""
    secret = gateway.new_webhook_secret()
    key = base64.b64decode(secret.removeprefix("whsec_"))
    load = bench.load("life", cores, window=WINDOW, connections=64,
                      endpoints=endpoints, secret=key.hex(),
                      certificate=bench.keys.provider[0],
                      key=bench.keys.provider[1], **options)
    provider, billing = load.line().split()
    return load, SimpleNamespace(url=f"https://127.0.0.1:{provider}",
                                 context=True), [
        SimpleNamespace(url=f"https://127.0.0.1:{billing}/{i}",
                        secrets=[secret]) for i in range(endpoints)]


def check_lives(bench, server, lives, endpoints=1):
    """Of each there is a receipt, and nothing is still to be done."""
    server.acked = lives
    bench.check()
    stored = server.gateway.rows("select (select count(*) from delivered), "
                                 "(select count(*) from waiting)")[0]
    if stored != (lives * endpoints, 0):
        raise Wrong(f"{lives} lives, but {stored}")


def lives_of(bench, count, endpoints=1, confirmed=True, **more):
    """What round_of() gives, of whole lives.  The gateway is a new one, for
    the stand-ins are."""
    load, provider, billings = stand_ins(bench, CLIENT, endpoints,
                                         count=count)
    server = bench.paysieve(provider=provider if confirmed else None,
                            billings=billings, **more)
    before = server.settled_us()
    load.say(server.port)
    got = load.result()
    of = each(before, server.settled_us(), count)
    if got["done"] != count:
        raise Wrong(f"{got['done']} lives of {count}")
    check_lives(bench, server, count, endpoints)
    bench.end(server)
    return told_of(got, of)
