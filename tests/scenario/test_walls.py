"""The walls of a running gateway: what the kernel says of each room."""

import os
import re
import shutil
import signal

import callbacks
import pytest
from gateway import SANITIZED, until

pytestmark = pytest.mark.skipif(
    SANITIZED, reason="sanitizers need calls of their own: no walls there")


def status(pid, task=""):
    with open(f"/proc/{pid}/{task}status") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file)


def threads(pid):
    found = []
    for task in os.listdir(f"/proc/{pid}/task"):
        try:
            found.append(status(pid, f"task/{task}/"))
        except (FileNotFoundError, ProcessLookupError):
            pass  # one that looked up a name has ended
    return found


# proves: R42
def test_each_room_has_its_walls(gateway):
    gateway.post(callbacks.paid("INV-1"))
    rooms = gateway.rooms()
    assert set(rooms.values()) == {
        "edge", "keeper", "asker", "courier", "desk"}
    for pid, role in rooms.items():
        for of in threads(pid):
            assert of["Seccomp"] == "2", role
            # the supervisor's, and its own
            assert of["Seccomp_filters"] == "2", role
            assert of["NoNewPrivs"] == "1", role
            for sort in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
                assert int(of[sort], 16) == 0, (role, sort)


@pytest.mark.skipif(os.getuid() != 0, reason="root has more to give up")
def test_of_root_rooms_keep_nothing_and_the_supervisor_little(gateway):
    gateway.post(callbacks.paid("INV-1"))
    for pid, role in gateway.rooms().items():
        of = status(pid)
        ids = "0" if role == "keeper" else "65534"
        assert of["Uid"].split() == of["Gid"].split() == [ids] * 4, role
        assert role == "keeper" or of["Groups"].split() == [], role
    # setuid, setgid, kill, read
    kept = 1 << 7 | 1 << 6 | 1 << 5 | 1 << 2
    of = status(gateway.pid)
    for sort in ("CapPrm", "CapEff"):
        assert int(of[sort], 16) | kept == kept, sort
    assert int(of["CapInh"], 16) == 0


def test_the_keeper_has_them_in_each_of_its_threads(gateway):
    [keeper] = gateway.rooms("keeper")
    assert len(threads(keeper)) >= 3


def test_the_supervisor_has_its_own(gateway):
    of = status(gateway.pid)
    assert (of["Seccomp"], of["Seccomp_filters"]) == ("2", "1")
    assert of["NoNewPrivs"] == "1"


def test_what_the_kernel_has_is_said_once(gateway):
    gateway.reload()
    assert gateway.log.count("walls") == 1
    assert gateway.log.find("walls")["landlock"] >= 0


def all_walled(gateway):
    """Six rooms, each with its walls; one may come or go while we look."""
    try:
        found = [status(pid)["Seccomp_filters"] for pid in gateway.rooms()]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return found == ["2"] * 6


def test_rooms_that_are_started_later_have_walls_too(gateway):
    [courier] = gateway.rooms("courier")
    os.kill(courier, signal.SIGKILL)
    until(lambda: courier not in gateway.rooms() and all_walled(gateway))
    gateway.reload()
    until(lambda: all_walled(gateway))


@pytest.mark.skipif(shutil.which("strace") is None or os.getuid() != 0,
                    reason="needs strace and its rights")
def test_each_room_closes_its_file_system(make_gateway, tmp_path):
    trace = tmp_path / "trace"
    gateway = make_gateway(prefix=[
        "strace", "-ff", "-qq", "-e", "signal=none", "-o", trace,
        "-e", "trace=execve,landlock_restrict_self"]).start()
    version = gateway.log.find("walls")["landlock"]
    gateway.send(signal.SIGTERM)
    assert gateway.ended() == 0
    if version == 0:
        pytest.skip("this kernel has no Landlock")
    roles, closed = {}, set()
    # A file each: calls of processes at a time are not torn apart.
    for own in tmp_path.glob("trace.*"):
        for call in own.read_text().splitlines():
            room = re.search(r'"--room", "([a-z]+)"', call)
            if room:
                roles[own] = room[1]
            elif re.match(r"landlock_restrict_self\(\d+, 0\) += 0", call):
                closed.add(own)
    assert sorted(roles.values()) == [
        "asker", "courier", "desk", "edge", "edge", "keeper"]
    assert closed == set(roles)
