"""The scanner (scan.c) as Python calls it."""

import os
import subprocess
from collections import Counter
from dataclasses import dataclass, field

SCAN = os.environ.get("SCAN", "build/prove/scan")
AT_ONCE = 500  # targets of one call


@dataclass
class Found:
    """What a search of some targets came to."""
    hits: Counter = field(default_factory=Counter)  # (kind, view): how often
    told: list = field(default_factory=list)        # of the first ones
    searched: int = 0
    unreadable: int = 0

    @property
    def by_kind(self):
        found = Counter()
        for (kind, _), n in self.hits.items():
            found[kind] += n
        return found

    def without(self, kinds):
        """The same but for hits of these kinds."""
        return Found(Counter({k: n for k, n in self.hits.items()
                              if k[0] not in kinds}),
                     [t for t in self.told if t.split("\t")[1] not in kinds],
                     self.searched, self.unreadable)

    def add(self, other):
        self.hits.update(other.hits)
        self.told += other.told
        self.searched += other.searched
        self.unreadable += other.unreadable
        return self

    def _take(self, line):
        word, rest = line.split("\t", 1)
        parts = rest.split("\t")
        if word == "hit":
            self.told.append(rest)
        elif word == "count":
            self.hits[parts[1], parts[2]] += int(parts[3])
        elif word == "bytes":
            self.searched += int(parts[1])
            self.unreadable += int(parts[2])


class CannotSearch(Exception):
    """Something that had to be searched could not be."""


def dump(pid, path):
    """A core of a process that goes on running, by gdb."""
    done = subprocess.run(
        ["gdb", "-nx", "-batch", "-iex", "set auto-solib-add off", "-p",
         str(pid), "-ex", f"generate-core-file {path}"],
        stdin=subprocess.DEVNULL, capture_output=True, check=False,
        env={**os.environ, "DEBUGINFOD_URLS": ""})
    if not path.exists() or path.stat().st_size == 0:
        raise CannotSearch(
            f"gdb made no core of process {pid}; where ptrace is not "
            "permitted there is no proof: "
            + done.stderr.decode(errors="replace").strip()[-300:])


class Scanner:
    """Searches for every canary; cards: a file of the card-shaped ones."""

    def __init__(self, cards):
        self.cards = str(cards)

    def search(self, targets):
        """A Found; targets: paths, "pid:N", "rw:N"."""
        targets = [str(t) for t in targets]
        found = Found()
        for at in range(0, len(targets), AT_ONCE):
            done = subprocess.run(
                [SCAN, "--cards", self.cards, *targets[at:at + AT_ONCE]],
                stdin=subprocess.DEVNULL, capture_output=True, check=False)
            for line in done.stdout.decode().splitlines():
                found._take(line)
            if done.returncode != 0:
                raise CannotSearch(done.stderr.decode().strip())
        return found

    def folder(self, path):
        return self.search(sorted(
            p for p in path.rglob("*") if p.is_file() and not p.is_symlink()))

    def processes(self, pids, writable=False):
        """All that they have mapped, or only what they may write to."""
        return self.search(f"{'rw' if writable else 'pid'}:{pid}"
                           for pid in pids)
