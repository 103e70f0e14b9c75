"""Whatever fails below or beside it: 200 means on disk, once, for good."""

import http.client
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import threading
import time
from collections import Counter
from pathlib import Path

import callbacks
import pytest
import synced
from gateway import FORM, PATIENCE, SANITIZED, Load, process_ended, until

# Rooms let nobody but root trace them; LeakSanitizer does not bear it.
traced = pytest.mark.skipif(
    shutil.which("strace") is None or os.getuid() != 0 or SANITIZED,
    reason="needs strace and its rights")


def stored_once(gateway, acked):
    stored = Counter(r["invoice_id"] for r in gateway.receipts())
    assert set(acked) <= set(stored)
    assert set(stored.values()) <= {1}
    assert gateway.rows("pragma integrity_check") == [("ok",)]


def attach(pid, trace, *what):
    """strace at each thread of pid, from when this returns."""
    tracer = subprocess.Popen(
        ["strace", "-f", "-ttt", "-o", trace, "-p", str(pid), *what],
        stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    tasks = f"/proc/{pid}/task"
    until(lambda: all("TracerPid:\t0\n" not in open(f"{tasks}/{t}/status")
                      .read() for t in os.listdir(tasks)))
    return tracer


@traced
def test_what_was_acknowledged_had_been_synced(make_gateway, tmp_path):
    trace = tmp_path / "trace"
    gateway = make_gateway(prefix=[*synced.STRACE, "-o", trace]).start()
    acked, lock = [], threading.Lock()

    def post(number):
        with gateway.client() as client:
            for n in range(15):
                invoice = f"SYNC-{number}-{n}"
                assert client.post(callbacks.paid(invoice)).status == 200
                with lock:
                    acked.append((time.time(), invoice))

    threads = [threading.Thread(target=post, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    gateway.send(signal.SIGTERM)
    assert gateway.ended() == 0
    assert len(acked) == 60
    moments = synced.moments(trace, gateway.store)
    assert len(moments) > 15
    for when, _ in acked[::7] + acked[-1:]:
        survivors = [files for at, files in moments if at <= when][-1]
        after = tmp_path / str(when)
        after.mkdir()
        for name, data in survivors.items():
            (after / f"receipts.db{name}").write_bytes(data)
        db = sqlite3.connect(after / "receipts.db")
        there = {row[0] for row in db.execute("select invoice_id from receipt")}
        sound = db.execute("pragma integrity_check").fetchall()
        db.close()
        assert sound == [("ok",)]
        assert {i for at, i in acked if at <= when} <= there


@traced
@pytest.mark.parametrize("which", [1, 2, 5])
def test_one_failed_sync_ends_it_though_the_next_would_succeed(
        make_gateway, tmp_path, which):
    trace = tmp_path / "trace"
    gateway = make_gateway().start()
    [keeper] = gateway.rooms("keeper")
    tracer = attach(keeper, trace, "-e", "trace=fsync,fdatasync", "-e",
                    "inject=fsync,fdatasync:error=EIO:"
                    f"syscall=getpid:when={which}")
    acked = []  # (sent, answered, invoice)
    with gateway.client() as client:
        for n in range(50):
            sent = time.time()
            try:
                answer = client.post(callbacks.paid(f"EIO-{n}"))
            except (OSError, http.client.HTTPException):
                break
            if answer.status != 200:
                assert answer.status == 503
                break
            acked.append((sent, time.time(), f"EIO-{n}"))
        else:
            raise AssertionError("the sync did not fail")
    assert gateway.ended() == 74
    tracer.wait(PATIENCE)
    lines = trace.read_text().splitlines()
    assert any("exited with 74" in line for line in lines)
    [failed] = [n for n, line in enumerate(lines) if "INJECTED" in line]
    good = [(n, float(line.split()[1])) for n, line in enumerate(lines)
            if re.search(r"sync.*\) += 0$", line)]
    assert all(n < failed for n, _ in good)  # nothing is tried after it
    for sent, answered, invoice in acked:  # each has a sync of its own
        assert any(sent <= at <= answered for _, at in good), invoice
    gateway.start()
    stored_once(gateway, [invoice for _, _, invoice in acked])


def all_stopped(pid):
    tasks = Path(f"/proc/{pid}/task")
    return all("\nState:\tT" in (task / "status").read_text()
               for task in tasks.iterdir())


def post(body):
    return (b"POST /ipn/testbox HTTP/1.1\r\nHost: x\r\nContent-Type: "
            + FORM.encode() + b"\r\nContent-Length: %d\r\n\r\n"
            % len(body) + body)


def test_a_stopped_keeper_acknowledges_nothing_and_then_everything(
        gateway, billing):
    load = Load(gateway, threads=3, name="STOP").start()
    load.wait_acked(20)
    [keeper] = gateway.rooms("keeper")
    with gateway.open() as client:
        os.kill(keeper, signal.SIGSTOP)
        try:
            until(lambda: all_stopped(keeper))
            before = len(load.acked)
            client.sendall(post(callbacks.paid("WAITS")))
            assert gateway.admin("/livez").status == 200
            assert gateway.admin("/readyz").status == 503
            client.settimeout(0.3)
            with pytest.raises(TimeoutError):
                client.recv(1)
            # One of each thread may have been stored by then.
            assert len(load.acked) <= before + 3
        finally:
            os.kill(keeper, signal.SIGCONT)
        client.settimeout(PATIENCE)
        assert client.recv(4096).startswith(b"HTTP/1.1 200 ")
    load.wait_acked(20)
    acked = load.stop()
    assert set(load.statuses) == {200}
    stored_once(gateway, acked + ["WAITS"])
    assert billing.wait_invoices(acked + ["WAITS"])


def test_a_long_reader_holds_up_nothing_and_sees_one_moment(gateway):
    assert gateway.post(callbacks.paid("BEFORE")).status == 200
    reader = sqlite3.connect(f"file:{gateway.store}?mode=ro", uri=True,
                             isolation_level=None)
    reader.execute("begin")
    count = "select count(*) from receipt"
    assert reader.execute(count).fetchone() == (1,)
    load = Load(gateway, name="READ").start()
    load.wait_acked(200)
    acked = load.stop()
    assert set(load.statuses) == {200}
    assert reader.execute(count).fetchone() == (1,)
    reader.close()
    stored_once(gateway, acked + ["BEFORE"])


def test_a_locked_store_is_503_at_worst_and_goes_on_by_itself(
        gateway, billing):
    stranger = sqlite3.connect(gateway.store, isolation_level=None)
    stranger.execute("begin immediate")
    answer = gateway.post(callbacks.paid("LOCKED"))
    assert answer.status == 503 and answer.headers["Retry-After"]
    assert gateway.log.wait("store_full")
    assert gateway.receipts() == []
    assert gateway.admin("/readyz").status == 503
    stranger.execute("rollback")
    stranger.close()
    assert gateway.post(callbacks.paid("LOCKED")).status == 200
    assert gateway.log.wait("store_room")
    assert gateway.log.count("store_full") == 1
    assert billing.wait_invoices(["LOCKED"])


def test_the_store_stays_taken_without_its_control_socket(
        make_gateway, gateway):
    (gateway.store.parent / "receipts.db-control").unlink()
    key = (gateway.dir / "identity.key").read_text().strip()
    second = make_gateway(store=gateway.store, identity_key=key)
    second.spawn()
    assert second.ended() == 78
    failed = second.log.find("room_failed")
    assert "another paysieve" in failed["detail"]
    assert gateway.post(callbacks.paid("INV-1")).status == 200
    stored_once(gateway, ["INV-1"])


@pytest.mark.parametrize("role", ["edge", "courier", "desk", "keeper"])
def test_killed_in_the_middle_of_a_reload(gateway, billing, role):
    load = Load(gateway, name="HUP").start()
    load.wait_acked(20)
    mark = gateway.log.mark()
    before = set(gateway.rooms())
    gateway.send(signal.SIGHUP)
    fresh = until(lambda: set(gateway.rooms()) - before)
    if role == "keeper":
        gateway.kill("keeper")
        assert all(process_ended(pid, PATIENCE) for pid in before | fresh)
        assert gateway.ended() == 1
        acked = load.stop()
        gateway.start()
    else:
        gateway.kill(role)
        event = gateway.log.wait("reloaded", "reload_refused", after=mark)
        assert event is not None
        load.wait_acked(20)
        acked = load.stop()
        until(lambda: Counter(gateway.rooms().values()) == {
            "keeper": 1, "edge": 2, "asker": 1, "courier": 1, "desk": 1})
    stored_once(gateway, acked)
    assert billing.wait_invoices(acked)


def descriptors(gateway):
    roles = [(gateway.pid, "supervisor"), *gateway.rooms().items()]
    most = {}
    for pid, role in roles:
        count = len(os.listdir(f"/proc/{pid}/fd"))
        most[role] = max(most.get(role, 0), count)
    return most


def test_reloads_leave_no_descriptor_and_no_process_behind(gateway, billing):
    assert gateway.post(callbacks.paid("INV-1")).status == 200
    assert billing.wait_invoices(["INV-1"])
    gateway.hang_up("reloaded")
    until(lambda: len(gateway.rooms()) == 6)
    before = descriptors(gateway)
    for _ in range(10):
        gateway.hang_up("reloaded")
    def none_left():
        after = descriptors(gateway)
        return all(after[role] <= before[role] for role in before)

    until(lambda: len(gateway.rooms()) == 6)
    until(none_left)


def test_what_billing_had_not_answered_at_the_end_is_sent_again(
        make_gateway, billing):
    gateway = make_gateway(billing=billing,
                           limits={"drain_timeout": "3s"}).start()
    billing.mode("slow", seconds=600)
    assert gateway.post(callbacks.paid("INV-1")).status == 200
    until(lambda: gateway.metrics()["paysieve_deliveries_in_flight"] == 1)
    assert gateway.stop() == 0
    billing.mode("ok")
    gateway.start()
    assert billing.wait_invoices(["INV-1"])
    until(lambda: gateway.rows("select attempts from delivered") == [(1,)])
