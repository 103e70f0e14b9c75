"""A store that is no store any more: said in clear words, and left alone."""

import hashlib
import shutil
import signal
import sqlite3

import callbacks
import pytest
from gateway import until


def flipped(data, at):
    return data[:at] + bytes([data[at] ^ 0xff]) + data[at + 1:]


def newer(path):
    with sqlite3.connect(path) as db:
        db.execute("pragma user_version = 9999")
    db.close()


def foreign(path):
    path.unlink()
    with sqlite3.connect(path) as db:
        db.execute("create table diary (day, text)")
    db.close()


def page_of(path, name):
    """Where the table's root page begins."""
    with sqlite3.connect(path) as db:
        [[page]] = db.execute(
            "select rootpage from sqlite_master where name = ?", [name])
        [[size]] = db.execute("pragma page_size")
    db.close()
    return (page - 1) * size, size


def edit(change):
    return lambda path: path.write_bytes(change(path.read_bytes()))


# What is done to the file, and how the gateway ends.
BROKEN = {
    "no byte of it": (edit(lambda d: b"\0" * len(d)), 74),
    "its first page is gone": (edit(lambda d: b"\0" * 4096 + d[4096:]), 74),
    "its name is another's": (edit(lambda d: b"SQLite format 4\0" + d[16:]),
                              74),
    "a size that no page has": (edit(lambda d: d[:16] + b"\x12\x34" + d[18:]),
                                74),
    "cut in its first page": (edit(lambda d: d[:1000]), 74),
    "a text": (edit(lambda d: b"dear diary\n" * 500), 74),
    "noise": (edit(lambda d: hashlib.shake_256(b"x").digest(len(d))), 74),
    "another program's": (foreign, 78),
    "of a newer gateway": (newer, 78),
}


@pytest.fixture(scope="module")
def filled(tmp_path_factory, keys):
    """A store that a gateway has left, and its key."""
    from gateway import Gateway
    first = Gateway(tmp_path_factory.mktemp("filled"), keys).start()
    for n in range(50):
        assert first.post(callbacks.paid(f"INV-{n}")).status == 200
    assert first.stop() == 0
    return first


@pytest.fixture
def broken(make_gateway, filled):
    """A gateway, not started, with a copy of that store."""
    gateway = make_gateway(
        identity_key=(filled.dir / "identity.key").read_text().strip())
    shutil.copy(filled.store, gateway.store)
    gateway.store.chmod(0o600)
    return gateway


def refused(gateway):
    """Its exit code and its last words."""
    gateway.write()
    gateway.spawn()
    log = gateway.log
    code = gateway.ended()
    log.noise.clear()
    return code, log.raw.decode()


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_store_is_refused_and_not_touched(broken, how):
    change, code = BROKEN[how]
    change(broken.store)
    before = broken.store.read_bytes()
    got, said = refused(broken)
    assert got == code, said
    assert str(broken.store) in said
    assert "Traceback" not in said and "signal" not in said
    assert broken.store.read_bytes() == before


def test_pages_that_are_broken_acknowledge_nothing_false(broken):
    """What SQLite sees only when it gets there ends the gateway, with 74."""
    at, size = page_of(broken.store, "receipt")
    data = broken.store.read_bytes()
    broken.store.write_bytes(data[:at] + b"\xff" * size + data[at + size:])
    broken.write()
    broken.spawn()
    log = broken.log
    if log.wait("started") is None:
        assert broken.ended() == 74
        log.noise.clear()
        return
    broken.listen = {k: log.find("started")[k]
                     for k in ("callbacks", "api", "admin")}
    try:
        status = broken.post(callbacks.paid("LOST")).status
    except OSError:
        status = None
    assert status != 200
    assert broken.ended() == 74
    log.noise.clear()


LOGS = {
    "cut in its head": lambda d: d[:20],
    "cut in a frame": lambda d: d[:-1000],
    "cut behind a frame's head": lambda d: d[:32 + 24],
    "noise": lambda d: hashlib.shake_256(b"log").digest(len(d)),
    "zeros": lambda d: b"\0" * len(d),
    "nothing": lambda d: b"",
    "noise behind it": lambda d: d + hashlib.shake_256(b"end").digest(9000),
    "a flipped byte at its end": lambda d: flipped(d, len(d) - 50),
}


@pytest.mark.parametrize("how", LOGS)
def test_a_broken_log_costs_at_most_what_was_in_it(make_gateway, how):
    """A prefix of what was committed, and a store that goes on."""
    gateway = make_gateway().start()
    for n in range(20):
        assert gateway.post(callbacks.paid(f"INV-{n}")).status == 200
    gateway.send(signal.SIGKILL)
    gateway.ended()
    log = gateway.store.with_name("receipts.db-wal")
    log.write_bytes(LOGS[how](log.read_bytes()))
    gateway.store.with_name("receipts.db-shm").unlink(missing_ok=True)
    gateway.start()
    kept = sorted(int(r["invoice_id"][4:]) for r in gateway.receipts())
    assert kept == list(range(len(kept)))
    assert gateway.rows("pragma integrity_check") == [("ok",)]
    assert gateway.post(callbacks.paid("AFTER")).status == 200
    until(lambda: gateway.admin("/readyz").status == 200)


def test_a_foreign_shm_is_made_anew(make_gateway):
    gateway = make_gateway().start()
    assert gateway.post(callbacks.paid("INV-0")).status == 200
    gateway.send(signal.SIGKILL)
    gateway.ended()
    shm = gateway.store.with_name("receipts.db-shm")
    shm.write_bytes(hashlib.shake_256(b"shm").digest(32768))
    shm.chmod(0o600)
    gateway.start()
    assert [r["invoice_id"] for r in gateway.receipts()] == ["INV-0"]
