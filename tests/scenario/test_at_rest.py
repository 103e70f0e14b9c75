"""What lies on disk: who gets at it, what is still in it, copies of it."""

import callbacks
import pytest
from gateway import command


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
