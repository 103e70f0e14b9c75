"""What wiping and hiding memory cost: processor time of each room for one
callback, with them and without (`VARIANT=nowipe`), as a ratio.

Two gateways run side by side and take rounds in turn, so that what else the
machine does falls on both.  A round's time is what the kernel says its
processes were on a processor.
"""

import argparse
import statistics
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests" / "support"))

import callbacks  # noqa: E402
import certs  # noqa: E402
import gateway  # noqa: E402
from payments import states  # noqa: E402
from sslcommerz import SSLCommerz  # noqa: E402
from stub_server import tls_context  # noqa: E402

VARIANTS = {"without": TOP / "build" / "nowipe" / "paysieve",
            "with": TOP / "build" / "paysieve"}


def processor_us(running):
    """{role: microseconds on a processor so far}, all threads."""
    spent = {}
    for pid, role in running.rooms().items():
        for task in Path(f"/proc/{pid}/task").iterdir():
            ns = int((task / "schedstat").read_text().split()[0])
            spent[role] = spent.get(role, 0) + ns / 1000
    return spent


class Bench:
    def __init__(self, directory, keys, provider):
        self.numbers = iter(range(10 ** 9))
        self.provider = provider
        self.running = {}
        self.taken = {name: 0 for name in VARIANTS}
        for name, binary in VARIANTS.items():
            place = directory / name
            place.mkdir(mode=0o700)
            gateway.BIN = str(binary)
            self.running[name] = gateway.Gateway(
                place, keys, provider=provider, limits={"edges": 1}).start()

    def stop(self):
        for running in self.running.values():
            running.stop()

    def bodies(self, count):
        for _ in range(count):
            fields = callbacks.genuine(f"BENCH-{next(self.numbers)}")
            pairs = callbacks.signed(fields)
            self.provider.ledger.enter(callbacks.MERCHANT, fields)
            yield callbacks.encode(pairs)

    def kept(self, running, count):
        with running.client() as client:
            for body in self.bodies(count):
                assert client.post(body).status == 200

    def each(self, running, count):
        for body in self.bodies(count):
            assert running.post(body).status == 200

    def round(self, name, way, count):
        """{role: microseconds for each callback}, to its receipt."""
        running = self.running[name]
        before = processor_us(running)
        getattr(self, way)(running, count)
        self.taken[name] += count
        gateway.until(lambda: states(running)[3] == self.taken[name], 60)
        after = processor_us(running)
        return {role: (after[role] - before[role]) / count for role in after}


def report(way, rounds):
    print(f"\n{way}, {len(rounds)} rounds: microseconds for a callback, "
          "median (lowest to highest)")
    for role in ("edge", "asker", "keeper"):
        columns = []
        for name in VARIANTS:
            us = [r[name][role] for r in rounds]
            columns.append(f"{name} {statistics.median(us):7.1f} "
                           f"({min(us):.0f} to {max(us):.0f})")
        ratios = sorted(r["with"][role] / r["without"][role] for r in rounds)
        quarter = len(ratios) // 4
        print(f"  {role:7} " + "   ".join(columns) +
              f"   ratio {statistics.median(ratios):.3f} (half of them "
              f"{ratios[quarter]:.3f} to {ratios[-1 - quarter]:.3f})")


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--rounds", type=int, default=40)
    options.add_argument("--callbacks", type=int, default=60)
    options = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        place = Path(directory)
        keys = SimpleNamespace(
            dir=place, gateway=certs.make(place, "gateway"),
            provider=certs.make(place, "provider"), ca=place / "ca.crt")
        with SSLCommerz(tls_context(*keys.provider), {
                callbacks.MERCHANT: callbacks.PASSWORD}) as provider:
            bench = Bench(place, keys, provider)
            try:
                for way, words in (("kept", "one connection"),
                                   ("each", "a connection for each")):
                    rounds = []
                    for n in range(options.rounds + 1):
                        order = list(VARIANTS)[::1 if n % 2 else -1]
                        rounds.append({name: bench.round(
                            name, way, options.callbacks) for name in order})
                    report(words, rounds[1:])  # the first one warms up
            finally:
                bench.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
