"""No client, no shortage and no fault of the disk stops it or makes it lie."""

import http.client
import os
import resource
import shutil
import socket
import subprocess
import time
from pathlib import Path

import callbacks
import pytest
from gateway import PATIENCE, Load, SANITIZED, until
from payments import pay, states

MAKE_ROOM = "unshare -m" if os.getuid() == 0 else "unshare -rm"


def can_mount():
    return subprocess.run(
        [*MAKE_ROOM.split(), "mount", "-t", "tmpfs", "tmpfs", "/mnt"],
        capture_output=True, check=False).returncode == 0


def can_trace():
    """Rooms forbid it to all but root; LeakSanitizer does not bear it."""
    return (shutil.which("strace") is not None and os.getuid() == 0
            and not SANITIZED)


@pytest.mark.skipif(not can_mount(), reason="needs a mount namespace")
def test_a_full_disk_is_answered_503_until_there_is_room(
        make_gateway, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = f"mount -t tmpfs -o size=3m,mode=700 tmpfs {disk} && exec \"$0\" \"$@\""
    gateway = make_gateway(store=disk / "receipts.db", prefix=(
        *MAKE_ROOM.split(), "sh", "-c", mount)).start()
    inside = Path(f"/proc/{gateway.pid}/root{disk}")
    assert gateway.post(callbacks.paid("BEFORE")).status == 200

    ballast = inside / "ballast"
    with ballast.open("wb", buffering=0) as out, pytest.raises(OSError):
        while True:
            out.write(b"\0" * 4096)
    acked, refused = ["BEFORE"], None
    with gateway.client() as client:
        for n in range(2000):
            answer = client.post(callbacks.paid(f"FULL-{n}"))
            if answer.status != 200:
                refused = answer
                break
            acked.append(f"FULL-{n}")
    assert refused is not None and refused.status == 503
    assert refused.headers["Retry-After"]
    assert gateway.log.wait("store_full")
    assert {r["invoice_id"] for r in gateway.receipts()} == set(acked)

    ballast.unlink()
    until(lambda: gateway.post(callbacks.paid("AFTER")).status == 200)
    stored = [r["invoice_id"] for r in gateway.receipts()]
    assert set(acked) | {"AFTER"} <= set(stored)
    assert len(stored) == len(set(stored))


def test_a_limit_on_the_files_size_is_answered_503_too(make_gateway):
    gateway = make_gateway().start()
    assert gateway.post(callbacks.paid("BEFORE")).status == 200
    [keeper] = gateway.rooms("keeper")
    _, most = resource.prlimit(keeper, resource.RLIMIT_FSIZE)
    resource.prlimit(keeper, resource.RLIMIT_FSIZE, (64 * 1024, most))
    until(lambda: gateway.post(callbacks.paid("FULL")).status == 503
          or gateway.post(callbacks.paid(os.urandom(8).hex())).status == 503)
    resource.prlimit(keeper, resource.RLIMIT_FSIZE, (most, most))
    until(lambda: gateway.post(callbacks.paid("AFTER")).status == 200)
    assert {"BEFORE", "AFTER"} <= {
        r["invoice_id"] for r in gateway.receipts()}


# proves: R40
@pytest.mark.skipif(not can_trace(), reason="needs strace and its rights")
def test_after_a_failed_sync_nothing_is_acknowledged_any_more(make_gateway):
    gateway = make_gateway().start()
    load = Load(gateway, name="SYNC").start()
    load.wait_acked(20)
    [keeper] = gateway.rooms("keeper")
    with subprocess.Popen(
            ["strace", "-f", "-o", "/dev/null", "-p", str(keeper),
             "-e", "trace=fsync,fdatasync",
             "-e", "inject=fsync,fdatasync:error=EIO:syscall=getpid"],
            stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL):
        assert gateway.ended() == 74
    acked = load.stop()
    assert gateway.log.wait("store_failed")
    gateway.start()
    stored = [r["invoice_id"] for r in gateway.receipts()]
    assert set(acked) <= set(stored)
    assert len(stored) == len(set(stored))


def closed_for(gateway, reason):
    return gateway.metrics()[
        f'paysieve_connections_closed_total{{reason="{reason}"}}']


def taken(gateway, invoice):
    """Is it, by a gateway that is impatient with a machine that is slow?"""
    try:
        return gateway.post(callbacks.paid(invoice)).status == 200
    except (OSError, http.client.HTTPException):
        return False


@pytest.mark.parametrize("limit, reason, tls, data", [
    ("handshake_timeout", "deadline_handshake", False, b""),
    ("head_timeout", "deadline_head", True, b"POST /ipn/testbox HT"),
    ("body_timeout", "deadline_body", True,
     b"POST /ipn/testbox HTTP/1.1\r\nHost: x\r\nContent-Type: application/"
     b"x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\namount="),
    ("idle_timeout", "idle", True, b"")])
def test_a_client_that_does_not_go_on_is_cut_at_the_deadline(
        make_gateway, limit, reason, tls, data):
    gateway = make_gateway(limits={limit: "1s"}).start()
    if tls:
        client = gateway.open()
        client.sendall(data)
    else:
        host, port = gateway.listen["callbacks"].rsplit(":", 1)
        client = socket.create_connection((host, int(port)))
    with client:
        client.settimeout(PATIENCE)
        try:
            while client.recv(4096):
                pass
        except ConnectionResetError:
            pass
    until(lambda: closed_for(gateway, reason) >= 1)
    until(lambda: taken(gateway, "INV-1"))


def ended(client):
    """One byte more, and a moment to see whether it was one too many."""
    try:
        client.sendall(b"X")
        return not client.recv(4096)
    except TimeoutError:
        return False
    except OSError:
        return True


def test_a_byte_now_and_then_does_not_move_the_deadline(make_gateway):
    gateway = make_gateway(limits={"head_timeout": "1s"}).start()
    with gateway.open() as client:
        client.settimeout(0.2)
        client.sendall(b"POST /ipn/testbox HTTP/1.1\r\n")
        until(lambda: ended(client))
    until(lambda: closed_for(gateway, "deadline_head") >= 1)


def cpu_seconds(pids):
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1]
        ticks += sum(map(int, fields.split()[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK")


@pytest.mark.skipif(SANITIZED, reason="sanitizers hold descriptors too")
def test_when_descriptors_run_out_it_waits_without_spinning(make_gateway):
    gateway = make_gateway(limits={"edges": 1},
                           prefix=["prlimit", "--nofile=48:48"]).start()
    [edge] = gateway.rooms("edge")
    host, port = gateway.listen["callbacks"].rsplit(":", 1)
    clients = [socket.create_connection((host, int(port)))
               for _ in range(120)]
    assert gateway.log.wait("accept_paused")
    before, begun = cpu_seconds([edge]), time.monotonic()
    held = [socket.create_connection((host, int(port)))]
    held[0].settimeout(2)
    try:
        held[0].recv(1)  # two seconds of an edge that has nothing to give
    except OSError:
        pass
    assert cpu_seconds([edge]) - before < 0.4
    lines = gateway.log.count("accept_paused")
    assert lines <= 5 + time.monotonic() - begun  # one a second
    for client in clients + held:
        client.close()
    answer = until(lambda: gateway.post(callbacks.paid("INV-1")))
    assert answer.status == 200


def test_one_address_gets_no_more_than_its_share(make_gateway):
    gateway = make_gateway(limits={"edges": 1, "connections_per_address": 8}
                           ).start()
    clients = [gateway.open() for _ in range(8)]
    host, port = gateway.listen["callbacks"].rsplit(":", 1)
    with socket.create_connection((host, int(port)), PATIENCE) as ninth:
        try:
            assert ninth.recv(1) == b""
        except ConnectionResetError:
            pass
    assert closed_for(gateway, "limit") >= 1
    for client in clients:
        client.close()
    until(lambda: closed_for(gateway, "peer") >= 8)
    assert gateway.post(callbacks.paid("INV-1")).status == 200


def test_idle_connections_make_room_for_a_callback(make_gateway):
    gateway = make_gateway(limits={"edges": 1, "connections": 10}).start()
    clients = [gateway.open() for _ in range(10)]
    assert gateway.post(callbacks.paid("INV-1")).status == 200
    for client in clients:
        client.close()


def test_verdicts_that_find_no_room_are_kept_until_there_is(
        asking, billing, provider):
    provider.misbehave("status")
    for n in range(20):
        pay(asking, provider, f"INV-{n}")
    assert asking.log.wait("ask_failed")
    [keeper] = asking.rooms("keeper")
    _, most = resource.prlimit(keeper, resource.RLIMIT_FSIZE)
    resource.prlimit(keeper, resource.RLIMIT_FSIZE, (4096, most))
    provider.behave()
    assert asking.log.wait("store_full")
    assert billing.requests == []
    resource.prlimit(keeper, resource.RLIMIT_FSIZE, (most, most))
    assert billing.wait_invoices([f"INV-{n}" for n in range(20)])
    assert states(asking) == (0, 0, 0, 20)
