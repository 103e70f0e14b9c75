"""Nobody else looks into a gateway's memory, and it leaves no core file."""

import os
import subprocess
from pathlib import Path

import pytest

from gateway import SANITIZED, until
from memory import SEARCHABLE, Canaries, memory_readable

OTHER = 65534  # a group of nobody's; what root is not in

pytestmark = pytest.mark.skipif(
    SANITIZED, reason="sanitizers need to look into their own process")


def everyone(gateway):
    """{pid: role}, the supervisor too."""
    return {**gateway.rooms(), gateway.pid: "supervisor"}


def grouped():
    """A prefix that shows whose a process's /proc files are: to root all are
    root's, unless its group is another."""
    if os.geteuid() != 0:
        return []
    return ["setpriv", f"--regid={OTHER}", "--clear-groups"]


def owner(pid):
    found = os.stat(f"/proc/{pid}/mem")
    return found.st_uid, found.st_gid


def core_limits(pid):
    for line in Path(f"/proc/{pid}/limits").read_text().splitlines():
        if line.startswith("Max core file size"):
            return line.split()[4:6]
    raise AssertionError("no such limit")


# proves: R11
def test_every_process_is_closed_to_others_and_dumps_no_core(
        make_gateway, billing, provider):
    with subprocess.Popen([*grouped(), "cat"], stdin=subprocess.PIPE) as open_:
        try:  # a process like any other is whose it is
            until(lambda: owner(open_.pid) != (0, 0))
        finally:
            open_.stdin.close()
    gateway = make_gateway(billing=billing, provider=provider,
                           prefix=grouped()).start()
    roles = everyone(gateway)
    assert set(roles.values()) == {"supervisor", "edge", "keeper", "asker",
                                   "courier", "desk"}
    for pid, role in roles.items():
        assert owner(pid) == (0, 0), role
        assert core_limits(pid) == ["0", "0"], role


def secret_mappings(pid):
    """(start, bytes) of each mapping that memfd_secret() made."""
    for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
        if "/secretmem" in line:
            start, end = (int(x, 16) for x in line.split()[0].split("-"))
            yield start, end - start


def test_what_requests_and_answers_are_read_into_is_hidden_or_said_not_to_be(
        make_gateway, billing, provider):
    """As the kernel allows: closed to root, or a line in the log."""
    gateway = make_gateway(billing=billing, provider=provider,
                           limits={"edges": 1}).start()
    exposed = {e["by"]: e for e in gateway.log.events
               if e["event"] == "memory_exposed"}
    for pid, role in gateway.rooms().items():
        if role not in ("edge", "asker", "desk"):
            continue
        found = list(secret_mappings(pid))
        if role in exposed:
            degree = exposed[role]["degree"]
            assert (degree == "secret") == bool(found), role
            continue
        assert sum(size for _, size in found) >= 1 << 20, role
        if not memory_readable(gateway):
            continue
        with open(f"/proc/{pid}/mem", "rb", 0) as mem:
            for start, _ in found:
                mem.seek(start)
                with pytest.raises(OSError):
                    mem.read(1)
    canaries = Canaries()
    with gateway.client() as client:
        assert client.post(canaries.body("INV-1")).status == 200
        assert client.post(canaries.body("INV-2")).status == 200


def test_a_gateway_that_may_lock_nothing_says_so_and_works(
        make_gateway, billing, provider):
    gateway = make_gateway(billing=billing, provider=provider,
                           prefix=SEARCHABLE, limits={"edges": 1}).start()
    for role in ("edge", "asker", "desk"):
        said = gateway.log.wait("memory_exposed", by=role)
        assert said is not None, role
        assert (said["degree"], said["bytes"]) == ("plain", 0), role
        assert gateway.log.count("memory_exposed", by=role) == 1, role
    for pid in gateway.rooms():
        assert list(secret_mappings(pid)) == []
    with gateway.client() as client:
        assert client.post(Canaries().body("INV-1")).status == 200
