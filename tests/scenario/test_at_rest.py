"""What lies on disk: who gets at it, what is still in it, copies of it."""

import callbacks
import pytest
from gateway import command, until


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
