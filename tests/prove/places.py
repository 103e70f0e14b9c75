"""Where canaries are sought, and where one of them may be.

A place is a row of the table.  To add one, add a line to files() with what
has to be searched.
"""

from dataclasses import dataclass
from pathlib import Path

import callbacks
from gateway import process_ended
from scanner import CannotSearch, Found, dump

MEMORY_MOMENTS = ("idle, connections open", "idle, all closed",
                  "after killed rooms")

# (role, kind): why it may be in that process's memory and core.
ALLOWED = {
    ("supervisor", "O"): "reads every secret file and hands them out",
    ("supervisor", "P"): "reads every secret file and hands them out",
    ("asker", "O"): "SSLCommerz wants the store password with each question",
    ("supervisor", "V"): "reads every secret file and hands them out",
    ("edge", "V"): "makes each payment's id with the identity key",
    ("asker", "V"): "makes each payment's id with the identity key",
    ("courier", "P"): "signs each event with the webhook secret",
}

# What is out of reach, said beside the table.
NOT_SEARCHED = (
    "kernel memory (socket buffers hold ciphertext but between rooms)",
    "the files of the secrets themselves",
    "memory for a tran_id that is not the invoice ID: it is stored while the "
    "payment waits, and sought on disk and wire afterwards",
    "invoice ID, amount, currency and times: they are what is kept",
)


def allowed(role):
    return {kind for r, kind in ALLOWED if r == role}


@dataclass
class Row:
    place: str
    found: object   # a Found
    allowed: set    # kinds that may be there


def processes(gateway):
    """{pid: role} of everything that runs, the supervisor included."""
    return {**gateway.rooms(), gateway.pid: "supervisor"}


def memory(world, moment, writable=False):
    """A row a role; edges together."""
    rows = []
    roles = processes(world.gateway)
    for role in sorted(set(roles.values())):
        pids = [pid for pid, r in roles.items() if r == role]
        found = world.scanner.processes(pids, writable)
        rows.append(Row(f"memory of {role}, {moment}",
                        found.without(allowed(role)), allowed(role)))
    return rows


def all_writable(world, moment):
    """What they may write to as one row; what may be in one of them is left
    out there only."""
    found = Found()
    for row in memory(world, moment, writable=True):
        found.add(row.found)
    return [Row(f"writable memory, {moment}", found, set())]


def cores(world):
    """A row a role.  A core without our name in it was none."""
    rows = {}
    for pid, role in processes(world.gateway).items():
        path = world.dir / "core"
        dump(pid, path)
        if callbacks.MERCHANT.encode() not in path.read_bytes():
            raise CannotSearch(f"the core of {role} does not hold what it "
                               "has to; it proves nothing")
        found = world.scanner.search([path]).without(allowed(role))
        path.unlink()
        if role in rows:
            rows[role].found.add(found)
        else:
            rows[role] = Row(f"core of {role}", found, allowed(role))
        assert not process_ended(pid, 0), "gdb has ended " + role
    return [rows[role] for role in sorted(rows)]


def _open_files(gateway):
    """Regular files, deleted ones and memfds that a process has open."""
    found = {}
    for pid in processes(gateway):
        for fd in Path(f"/proc/{pid}/fd").iterdir():
            try:
                if fd.is_file() and fd.stat().st_size > 0:
                    stat = fd.stat()
                    found[stat.st_dev, stat.st_ino] = fd
            except OSError:
                continue  # closed meanwhile
    return sorted(found.values())


def files(world, moment):
    """Rows of everything on disk, or that has left the gateway."""
    state, taken = world.state, world.dir / "taken"
    store = [p for p in state.glob("receipts.db*") if p.is_file()]
    others = [p for p in state.rglob("*")
              if p.is_file() and p not in store]
    places = [("database, WAL, shared memory", store),
              ("other and temporary files", others),
              ("open and deleted files, memfds",
               _open_files(world.gateway)),
              ("backup", [taken / "backup"]),
              ("logs", [taken / "log"]),
              ("metrics and health", [taken / "admin"]),
              ("receipts export, other commands", [taken / "commands"]),
              ("what billing received", [taken / "billing"]),
              ("what API clients received", [taken / "api"]),
              ("answers to callers", [taken / "callers"])]
    return [Row(f"{name}, {moment}", world.scanner.search(targets), set())
            for name, targets in places]
