"""What lies on disk: who gets at it, what is still in it, copies of it."""

import os
import shutil
import sqlite3
import subprocess
import threading

import callbacks
import pytest
from gateway import BIN, PATIENCE, Load, command, until

MAKE_ROOM = "unshare -m" if os.getuid() == 0 else "unshare -rm"


def can_mount():
    return subprocess.run(
        [*MAKE_ROOM.split(), "mount", "-t", "tmpfs", "tmpfs", "/mnt"],
        capture_output=True, check=False).returncode == 0


def refused(gateway):
    """Why the gateway does not start."""
    gateway.spawn()
    assert gateway.ended() == 78
    return gateway.log.raw.decode()


@pytest.mark.parametrize("name, mode, wanted", [
    ("", 0o750, "700"), ("", 0o701, "700"), ("receipts.db", 0o640, "600"),
    ("receipts.db-lock", 0o604, "600")])
def test_a_store_that_others_get_at_is_refused(
        make_gateway, name, mode, wanted):
    gateway = make_gateway().start()
    assert gateway.post(callbacks.paid("INV-1")).status == 200
    gateway.stop()
    path = gateway.dir / name
    path.chmod(mode)
    said = refused(gateway)
    assert f"run: chmod {wanted} {path}"[:200] in said
    look = command("receipts", "list", "--config", gateway.conf)
    assert look.returncode == 78 and f"chmod {wanted}" in look.stderr
    path.chmod(int(wanted, 8))
    gateway.start()
    assert [r["invoice_id"] for r in gateway.receipts()] == ["INV-1"]


STAIN = b"INV-OF-SOMEBODY-WHO-IS-ERASED"


def stain(gateway):
    """Leave that in the gap of the page that the receipts are in."""
    data = bytearray(gateway.store.read_bytes())
    at = data.rindex(b"INV-1BDT") // 4096 * 4096 + 1000
    assert bytes(data[at:at + len(STAIN)]) == bytes(len(STAIN))
    data[at:at + len(STAIN)] = STAIN
    gateway.store.write_bytes(data)


def test_a_running_gateway_scrubs_what_deleted_rows_have_left(make_gateway):
    gateway = make_gateway().start()
    assert gateway.post(callbacks.paid("INV-1")).status == 200
    gateway.stop()
    stain(gateway)
    gateway.start()
    assert gateway.log.wait("store_scrubbed")["count"] == 1
    assert gateway.post(callbacks.paid("INV-2")).status == 200
    until(lambda: not gateway.files()["receipts.db-wal"])
    assert not any(STAIN in data for data in gateway.files().values())
    assert [r["invoice_id"] for r in gateway.receipts()] == ["INV-1", "INV-2"]


# ---- verify and scrub


def store(gateway, verb):
    return command("store", verb, "--config", gateway.conf)


# proves: R15 R44
def test_verify_finds_what_scrub_removes(make_gateway):
    gateway = make_gateway().start()
    assert gateway.post(callbacks.paid("INV-1")).status == 200
    found = store(gateway, "verify")
    assert (found.returncode, found.stderr) == (0, ""), found.stdout
    assert "FOUND" not in found.stdout
    refused = store(gateway, "scrub")
    assert refused.returncode == 78 and "another paysieve" in refused.stderr
    gateway.stop()

    stain(gateway)
    found = store(gateway, "verify")
    assert found.returncode == 1
    assert "left something in: 1" in found.stdout
    assert STAIN in gateway.store.read_bytes()
    scrubbed = store(gateway, "scrub")
    assert scrubbed.returncode == 0 and "overwrote in 1" in scrubbed.stdout
    assert STAIN not in gateway.store.read_bytes()
    assert store(gateway, "verify").returncode == 0


def test_verify_finds_a_store_that_does_not_agree_with_itself(make_gateway):
    gateway = make_gateway().start()
    assert gateway.post(callbacks.paid("INV-1")).status == 200
    gateway.stop()
    db = sqlite3.connect(gateway.store)
    db.execute("UPDATE store SET receipts = receipts + 1")
    db.commit()
    db.close()
    found = store(gateway, "verify")
    assert found.returncode == 1
    assert "faults of pages, rows or references: 1" in found.stdout


# ---- copies


def backup(gateway, file, **more):
    return command("backup", file, "--config", gateway.conf, **more)


def invoices(file):
    """Of a copy that agrees with itself and has nothing else in it."""
    db = sqlite3.connect(f"file:{file}?mode=ro&immutable=1", uri=True)
    try:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return {row[0] for row in db.execute("SELECT invoice_id FROM receipt")}
    finally:
        db.close()


def test_a_backup_is_taken_under_load_and_is_whole(gateway, tmp_path):
    with_load = Load(gateway).start()
    with_load.wait_acked(50)
    before = set(with_load.acked)
    file = tmp_path / "copy.db"
    done = backup(gateway, file)
    after = set(with_load.stop())
    assert (done.returncode, done.stderr) == (0, "")
    assert before <= invoices(file)
    assert file.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in tmp_path.glob("copy*")] == ["copy.db"]
    again = backup(gateway, file)
    assert again.returncode == 1 and "there already" in again.stderr
    assert before <= invoices(file) <= after | before


def restore(gateway, file):
    """As the README says."""
    gateway.stop()
    for name in ("-wal", "-shm"):
        gateway.store.with_name(gateway.store.name + name).unlink(True)
    shutil.copyfile(file, gateway.store)
    gateway.start()


def test_cursors_of_before_expire_with_a_restored_backup(gateway, tmp_path):
    assert gateway.post(callbacks.paid("INV-1")).status == 200
    assert backup(gateway, tmp_path / "copy.db").returncode == 0
    assert gateway.post(callbacks.paid("INV-2")).status == 200
    cursor = list(gateway.pages())[-1]["next"]
    restore(gateway, tmp_path / "copy.db")
    assert [r["invoice_id"] for r in gateway.receipts()] == ["INV-1"]
    answer = gateway.api(f"/v1/receipts?after={cursor}", gateway.token())
    assert answer.status == 410


def delete_carelessly(gateway):
    """A third of the receipts, and nothing is overwritten; what they were."""
    db = sqlite3.connect(gateway.store)
    db.execute("PRAGMA secure_delete = OFF")
    gone = [row[0].encode() + b"BDT" for row in db.execute(
        "SELECT invoice_id FROM receipt WHERE seq % 3 = 0")]
    db.execute("DELETE FROM delivery")
    db.execute("DELETE FROM receipt WHERE seq % 3 = 0")
    db.execute("UPDATE store SET pending = 0, "
               "receipts = (SELECT count(*) FROM receipt)")
    db.commit()
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    assert left_of(gone, gateway.store) > 20
    return gone


def left_of(gone, file):
    data = file.read_bytes()
    return sum(text in data for text in gone)


@pytest.fixture
def careless(make_gateway):
    """A gateway that has stopped, and what was deleted from its store."""
    gateway = make_gateway().start()
    for n in range(300):
        assert gateway.post(callbacks.paid(f"INV-{n}-" + "x" * (n % 40))
                            ).status == 200
    gateway.stop()
    return gateway, delete_carelessly(gateway)


# proves: R15
def test_a_backup_has_nothing_that_was_deleted(careless, tmp_path):
    gateway, gone = careless
    assert store(gateway, "verify").returncode == 1
    assert backup(gateway, tmp_path / "copy.db").returncode == 0
    assert left_of(gone, tmp_path / "copy.db") == 0


def killed(seconds, *words):
    """Run a command for so long at most."""
    with subprocess.Popen([BIN, *words], stdout=subprocess.DEVNULL) as process:
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()


def test_a_killed_scrub_harms_nothing_and_is_made_again(careless):
    gateway, gone = careless
    for n in range(15):
        killed(0.002 * n, "store", "scrub", "--config", gateway.conf)
        assert len(invoices(gateway.store)) == 200
    assert store(gateway, "scrub").returncode == 0
    assert store(gateway, "verify").returncode == 0
    assert left_of(gone, gateway.store) == 0
    gateway.start()
    assert len(gateway.receipts()) == 200


def test_a_gateway_killed_while_it_scrubs_harms_nothing(careless):
    gateway, gone = careless
    for n in range(5):
        gateway.start()
        gateway.log.wait("store_scrubbed", seconds=0.3 * n)
        gateway.kill("keeper")
        gateway.ended()
    gateway.start()
    until(lambda: left_of(gone, gateway.store) == 0)
    assert len(gateway.receipts()) == 200
    assert store(gateway, "verify").returncode == 0


def test_a_killed_backup_leaves_no_file_of_that_name(gateway, tmp_path):
    for n in range(200):
        assert gateway.post(callbacks.paid(f"INV-{n}")).status == 200
    seen = set()
    for n in range(20):
        file = tmp_path / f"copy{n}.db"
        killed(0.002 * n, "backup", file, "--config", gateway.conf)
        there = file.exists()
        seen.add(there)
        assert not there or len(invoices(file)) == 200
        assert backup(gateway, file).returncode == int(there)
        assert len(invoices(file)) == 200
        assert not file.with_name(file.name + ".part").exists()
    assert False in seen
    assert len(gateway.receipts()) == 200


@pytest.mark.skipif(not can_mount(), reason="needs a mount namespace")
def test_a_backup_without_room_leaves_nothing(gateway, tmp_path):
    for n in range(1000):
        assert gateway.post(callbacks.paid(f"INV-{n}")).status == 200
    disk = tmp_path / "disk"
    disk.mkdir()
    script = (f"mount -t tmpfs -o size=100k,mode=700 tmpfs {disk} && "
              f"\"$@\"; code=$?; ls -A {disk}; exit $code")
    result = subprocess.run(
        [*MAKE_ROOM.split(), "sh", "-c", script, "sh", BIN, "backup",
         disk / "copy.db", "--config", gateway.conf],
        capture_output=True, text=True, check=False, timeout=PATIENCE)
    assert result.returncode == 1, result.stderr
    assert "no room" in result.stderr
    assert result.stdout == ""
    assert len(gateway.receipts()) == 1000


# ---- an older copy, and what was erased since


# proves: R20
def test_what_was_erased_stays_so_when_an_older_copy_is_put_back(
        gateway, tmp_path):
    for name in ("INV-1", "INV-2", "INV-3"):
        assert gateway.post(callbacks.paid(name)).status == 200
    assert backup(gateway, tmp_path / "copy.db").returncode == 0
    done = command("receipts", "erase", "--invoice", "INV-2", "--config",
                   gateway.conf)
    assert done.returncode == 0
    restore(gateway, tmp_path / "copy.db")
    assert gateway.log.wait("erased_again")["count"] == 1
    assert gateway.post(callbacks.paid("INV-2")).status == 200
    assert [r["invoice_id"] for r in gateway.receipts()] == ["INV-1", "INV-3"]
    until(lambda: not gateway.files()["receipts.db-wal"])
    assert not any(b"INV-2" in data for data in gateway.files().values())


def test_without_its_list_an_older_copy_is_pointed_out(gateway, tmp_path):
    assert gateway.post(callbacks.paid("INV-1")).status == 200
    assert gateway.log.find("erased_unknown") is None
    assert backup(gateway, tmp_path / "copy.db").returncode == 0
    gateway.store.with_name("receipts.db-erased").unlink()
    restore(gateway, tmp_path / "copy.db")
    assert gateway.log.wait("erased_unknown")
    gateway.stop()
    gateway.start()
    assert gateway.log.find("erased_unknown") is None


# proves: R20
def test_what_was_erased_during_a_backup_stays_so_when_it_is_restored(
        gateway, tmp_path):
    load = Load(gateway, name="LATER").start()
    load.wait_acked(200)
    load.stop()
    assert gateway.post(callbacks.paid("INV-GONE-7788")).status == 200
    copies = []
    taking = threading.Thread(target=lambda: copies.append(
        backup(gateway, tmp_path / "copy.db")))
    taking.start()
    done = command("receipts", "erase", "--invoice", "INV-GONE-7788",
                   "--config", gateway.conf)
    taking.join()
    assert done.returncode == 0 and copies[0].returncode == 0
    restore(gateway, tmp_path / "copy.db")
    stored = {r["invoice_id"] for r in gateway.receipts()}
    assert stored == set(load.acked)
    until(lambda: not gateway.files()["receipts.db-wal"])
    assert not any(b"INV-GONE-7788" in d for d in gateway.files().values())
