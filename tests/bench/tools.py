"""The load generator, the memory of processes, filled stores."""

import hashlib
import json
import os
import select
import shutil
import subprocess
from pathlib import Path

from servers import Wrong

TOP = Path(__file__).resolve().parents[2]
PATIENCE = 60


class Load:
    """The program load, from its start to its result()."""

    def __init__(self, mode, cores, **options):
        self.process = subprocess.Popen(
            ["taskset", "-c", cores, os.environ["LOAD"], mode,
             *(f"{k}={v}" for k, v in options.items())],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def line(self):
        """The next one that it says."""
        return self.process.stdout.readline()

    def say(self, words):
        self.process.stdin.write(f"{words}\n")
        self.process.stdin.flush()

    def end_input(self):
        self.process.stdin.close()

    def ends_within(self, seconds):
        """Is there something to read, which is its result?"""
        return bool(select.select([self.process.stdout], [], [], seconds)[0])

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass  # what it did not read

    def result(self):
        try:
            text = self.process.stdout.read()  # it bounds its time itself
            self.process.wait(PATIENCE)
        finally:
            self.stop()
        if not text:
            raise Wrong("the load generator failed")
        got = json.loads(text)
        if got["wrong"]:
            raise Wrong(f"{got['wrong']} times, first: {got['fault']}")
        return got


def sampled(load, look, every):
    """What look() sees, again and again until the load ends."""
    seen = []
    while not load.ends_within(every):
        seen.append(look())
    return seen


def pss_kib(pid):
    """Of what is shared, its part."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    raise Wrong("the kernel does not tell PSS")


def rss_kib(pid):
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0


def stamp():
    """Of what decides what is in a filled store."""
    digest = hashlib.sha256()
    for path in [*sorted(TOP.glob("schemas/sql/sqlite/*.sql")),
                 TOP / "tests/ledger/fill.c",
                 TOP / "tests/support/driver_cases.c"]:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def filled(bench, receipts):
    """A store of so many receipts, made once and kept."""
    folder = bench.kept / f"filled-{receipts}-{stamp()}"
    done = folder / "receipts.db"
    if done.exists():
        return done
    for old in bench.kept.glob(f"filled-{receipts}-*"):
        shutil.rmtree(old)
    folder.mkdir(mode=0o700)
    making = folder / "making.db"
    subprocess.run([os.environ["FILL"], making, str(receipts), "0", "20000"],
                   check=True, stdout=subprocess.DEVNULL, umask=0o077)
    for rest in folder.glob("making.db-*"):
        rest.unlink()
    making.rename(done)
    return done
