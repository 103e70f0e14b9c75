"""One function a row.  Each gives its figures, {name: samples}, and details,
which say what the figures are made of."""

import http.client
import os
import statistics
import subprocess
import time

import gateway
from rounds import (BOTH, CLIENT, SERVER, check_lives, copied, each,
                    middles, posted_in_turn, ratios, round_of, stand_ins)
from servers import Paysieve, Php, Wrong
from tools import pss_kib, rss_kib, sampled


def against_nginx(bench, rounds, count, **more):
    servers = [bench.paysieve(), bench.nginx()]
    told = posted_in_turn(bench, servers, rounds,
                          {s.name: count for s in servers}, **more)
    return {"ratio": ratios(told, "us", "paysieve", "nginx")}, middles(told)


def cpu(bench):
    return against_nginx(bench, bench.size(3, 7), bench.size(10000, 30000),
                         connections=64)


def handshake(bench):
    return against_nginx(bench, bench.size(3, 7), bench.size(1500, 4000),
                         connections=16, fresh=1)


def php(bench):
    servers = [bench.paysieve(),
               bench.begin(Php(bench.place(), bench.keys, SERVER))]
    told = posted_in_turn(bench, servers, bench.size(2, 5),
                          {"paysieve": bench.size(10000, 30000),
                           "php": bench.size(1500, 3000)}, connections=64)
    return {"ratio": ratios(told, "per_second", "paysieve", "php")}, \
        middles(told)


def latency(bench):
    server = bench.paysieve()
    peaks = [round_of(bench, server, bench.size(10000, 30000),
                      connections=64)["per_second"]
             for _ in range(3)]
    rate = int(statistics.median(peaks) / 2)
    got = [bench.post(server, rate * bench.size(3, 20), rate=rate,
                      connections=64) for _ in range(bench.size(2, 3))]
    bench.check()
    return ({"p99_ms": [g["p99_us"] / 1000 for g in got],
             "p999_ms": [g["p999_us"] / 1000 for g in got]},
            {"peak": [round(p) for p in peaks], "rate": rate,
             "p50_ms": [g["p50_us"] / 1000 for g in got],
             "most_ms": [g["most_us"] / 1000 for g in got]})


def backlog(server):
    found = server.gateway.metrics()
    return {"waiting": found["paysieve_payments_waiting"],
            "pending": found["paysieve_deliveries_pending"],
            "receipts": found["paysieve_receipts"]}


def life(bench):
    seconds = bench.size(10, 60)
    load, provider, billings = stand_ins(bench, BOTH, seconds=seconds,
                                         count=seconds * 12000)
    server = bench.paysieve(BOTH, limits={"edges": 2}, provider=provider,
                            billings=billings)
    before = server.settled_us()
    load.say(server.port)
    seen = sampled(load, lambda: backlog(server), seconds / 10)
    got = load.result()
    of = each(before, server.settled_us(), got["done"])
    check_lives(bench, server, got["done"])
    return ({"per_second": [got["done"] / got["seconds"]],
             "backlog": [s["waiting"] + s["pending"] for s in seen]},
            {"lives": got["done"], "seconds": got["seconds"],
             "p50_ms": got["p50_us"] / 1000, "p99_ms": got["p99_us"] / 1000,
             "client_us": got["client_cpu"] * 1e6 / got["done"],
             "us_of": {role: round(us, 1) for role, us in of.items()},
             "seen": seen})


def full_store(bench):
    return copied(bench, bench.size(200000, 10000000))


def poll(bench):
    receipts = bench.size(100000, 1000000)
    server = bench.paysieve(store=copied(bench, receipts))
    told = []
    for pollers in [1] + [4] * bench.size(3, 5):
        got = bench.load("poll", CLIENT, port=server.api_port,
                         count=receipts, connections=pollers,
                         token=server.gateway.token()).result()
        if got["done"] != receipts * pollers:
            raise Wrong(f"{got['done']} of {receipts * pollers} receipts")
        told.append({"per_second": got["done"] / got["seconds"],
                     "page_p99_ms": got["p99_us"] / 1000,
                     "client_us": got["client_cpu"] * 1e6 / got["done"]})
    return {"per_second": [t["per_second"] for t in told[1:]]}, \
        {"alone": told[0], "four": told[1:]}


def idle(bench):
    count = bench.size(2000, 10000)
    told = []
    for _ in range(bench.size(1, 3)):
        server = bench.paysieve(limits={"edges": 2})
        bench.post(server, 256)
        edges = server.gateway.rooms("edge")
        before = sum(map(pss_kib, edges))
        load = bench.load("idle", CLIENT, port=server.port, count=count,
                          first=bench.first)
        bench.first += count
        if load.line().strip() != "idle":
            load.result()
        after = sum(map(pss_kib, edges))
        told.append({"kib": (after - before) / count,
                     "mib": sum(map(rss_kib, edges)) / 1024,
                     "before_kib": before, "after_kib": after})
        load.end_input()
        server.acked += load.result()["done"]
        bench.check()
        bench.stop()
    return {f: [t[f] for t in told] for f in ("kib", "mib")}, \
        {"connections": count, "rounds": told}


def ready(server):
    """Seconds from the program's start to the first 200 of /readyz."""
    began = time.monotonic()
    server.gateway.start()
    host, port = server.gateway.listen["admin"].rsplit(":", 1)
    while True:
        connection = http.client.HTTPConnection(host, int(port), timeout=20)
        connection.request("GET", "/readyz")
        status = connection.getresponse().status
        connection.close()
        if status == 200:
            return time.monotonic() - began
        if time.monotonic() > began + 60:
            raise Wrong("not ready after a minute")


def start(bench):
    store = full_store(bench)
    server = Paysieve(bench.place(), bench.keys, SERVER, store=store)
    bench.running.append(server)
    times = []
    for _ in range(bench.size(6, 11)):
        times.append(ready(server) * 1000)
        server.stop()
    return {"ms": times[1:]}, {"first_ms": times[0],
                               "file_mib": store.stat().st_size >> 20}


def full(bench):
    empty = bench.paysieve()
    laden = bench.paysieve(store=full_store(bench))
    laden.name = "laden"
    # for minutes it looks through the whole file, 4 MiB a second: that is
    # part of what a full store costs
    count = bench.size(10000, 30000)
    told = posted_in_turn(bench, [empty, laden], bench.size(3, 7),
                          {"paysieve": count, "laden": count}, connections=64)
    return {"ratio": ratios(told, "us", "laden", "paysieve")}, middles(told)


def memory(bench):
    count = bench.size(30000, 150000)
    server = bench.paysieve(BOTH, limits={"edges": 2})
    load = bench.posting(server, count, BOTH, connections=64)
    load.say("go")
    seen = sampled(load, lambda: {p: pss_kib(p) for p in server.roles()}, 0.2)
    got = load.result()
    server.acked = got["done"]
    bench.check()
    most = max(seen, key=lambda s: sum(s.values()))
    roles = server.roles()
    return {"mib": [sum(most.values()) / 1024]}, {
        "per_second": got["done"] / got["seconds"], "samples": len(seen),
        "kib": [(roles[p], k) for p, k in most.items()]}


def size(bench):
    stripped = bench.folder / "paysieve"
    subprocess.run(["strip", "-o", stripped, gateway.BIN], check=True)
    return {"mib": [os.stat(stripped).st_size / 2 ** 20]}, {}
