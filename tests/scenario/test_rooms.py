"""The gateway's life: how it starts, reloads, drains and ends."""

import os
import signal
import stat

import callbacks
import pytest
from gateway import FORM, PATIENCE, Load, process_ended, until

HEAD = (b"POST /ipn/testbox HTTP/1.1\r\nHost: x\r\nContent-Type: "
        + FORM.encode() + b"\r\nContent-Length: %d\r\n\r\n")


def test_each_room_is_a_process_of_its_own(gateway):
    assert sorted(gateway.rooms().values()) == [
        "asker", "courier", "desk", "edge", "edge", "keeper"]


def test_all_rooms_end_when_the_supervisor_is_killed(gateway):
    rooms = gateway.rooms()
    assert len(rooms) == 6
    os.kill(gateway.pid, signal.SIGKILL)
    assert all(process_ended(pid, PATIENCE) for pid in rooms)
    assert gateway.ended() == -9


@pytest.fixture
def single(make_gateway, billing):
    """With one edge: what it answers, it has read what came before."""
    return make_gateway(billing=billing, limits={"edges": 1}).start()


def test_sigterm_finishes_what_is_under_way_and_exits_0(single):
    gateway, body = single, callbacks.paid("INV-1")
    with gateway.open() as tls:
        tls.sendall(HEAD % len(body) + body[:100])
        gateway.post(callbacks.paid("INV-2"))  # the head has been read by now
        gateway.send(signal.SIGTERM)
        assert gateway.log.wait("stopping")
        tls.sendall(body[100:])
        answer = tls.recv(4096)
        assert answer.startswith(b"HTTP/1.1 200 "), answer[:30]
    log = gateway.log
    assert gateway.ended() == 0
    assert log.find("stopped", exit=0)
    gateway.start()
    assert {r["invoice_id"] for r in gateway.receipts()} == {
        "INV-1", "INV-2"}


def test_sigterm_waits_no_longer_than_it_may(make_gateway):
    gateway = make_gateway(limits={"drain_timeout": "500ms",
                                   "body_timeout": "600s"}).start()
    with gateway.open() as tls:
        tls.sendall(HEAD % 1000 + b"amount=")
        gateway.send(signal.SIGTERM)
        assert gateway.ended() in (0, 1)


@pytest.mark.parametrize("times", [1, 2])
def test_sigint_ends_it_too(gateway, times):
    for _ in range(times):
        gateway.send(signal.SIGINT)
    assert gateway.ended() == 0 or times == 2


def test_a_new_token_works_after_sighup(gateway):
    token = gateway.add_token("second", callbacks.MERCHANT)
    assert gateway.api("/v1/receipts", token).status == 401
    gateway.reload()  # the old desk may take one more connection
    until(lambda: gateway.api("/v1/receipts", token).status == 200)
    del gateway.tokens["second"]
    gateway.reload()
    until(lambda: gateway.api("/v1/receipts", token).status == 401)
    assert gateway.metrics()["paysieve_reloads_total"] == 2


# proves: R34
def test_a_new_merchant_and_password_work_after_sighup(gateway):
    gateway.merchants["newshop"] = {"password": "another made-up one"}
    body = callbacks.encode(callbacks.signed(
        callbacks.genuine("INV-1", "newshop"), "another made-up one"))
    assert gateway.post(body, "newshop").status == 404
    gateway.reload()
    until(lambda: gateway.post(body, "newshop").status == 200)


def test_no_callback_is_lost_while_it_reloads(gateway, billing):
    load = Load(gateway, name="RELOAD", fresh=True).start()
    for number in range(4):
        load.wait_acked(20)
        gateway.add_token(f"extra{number}", callbacks.MERCHANT)
        gateway.reload()
    load.wait_acked(20)
    acked = load.stop()
    assert set(load.statuses) <= {200, Load.LATE}, load.statuses
    assert {r["invoice_id"] for r in gateway.receipts()} == set(acked)
    assert billing.wait_invoices(acked)


def test_a_request_under_way_survives_a_reload(single):
    gateway, body = single, callbacks.paid("INV-1")
    with gateway.open() as tls:
        tls.sendall(HEAD % len(body) + body[:100])
        gateway.post(callbacks.paid("INV-2"))
        gateway.reload()
        tls.sendall(body[100:])
        assert tls.recv(4096).startswith(b"HTTP/1.1 200 ")
    assert gateway.stop() == 0


def test_a_bad_configuration_at_sighup_keeps_the_old_one(gateway):
    good = gateway.conf.read_text()
    rooms = gateway.rooms()
    gateway.conf.write_text(good + "\n[listen]\nnonsense = 1\n")
    gateway.hang_up("reload_refused")
    assert gateway.rooms() == rooms
    assert gateway.post(callbacks.paid("INV-1")).status == 200
    assert gateway.api("/v1/receipts", gateway.token()).status == 200
    assert gateway.metrics()["paysieve_reload_failures_total"] == 1


# proves: R38
def test_starts_reloads_and_ends_are_logged(gateway):
    gateway.reload()
    gateway.send(signal.SIGTERM)
    assert gateway.ended() == 0
    said = [e["event"] for e in gateway.log.events]
    words = ["store_opened", "started", "reloaded", "stopping", "stopped"]
    assert [e for e in said if e in words] == words


def test_a_second_gateway_on_the_same_store_is_refused(make_gateway):
    first = make_gateway().start()
    key = (first.dir / "identity.key").read_text().strip()
    second = make_gateway(store=first.store, identity_key=key)
    second.spawn()
    log = second.log
    assert second.ended() == 78
    assert b"another paysieve" in log.raw
    assert first.post(callbacks.paid("INV-1")).status == 200
    log.noise.clear()


def test_the_store_and_the_control_socket_are_the_owners_alone(gateway):
    gateway.post(callbacks.paid("INV-1"))
    found = sorted(gateway.dir.glob("receipts.db*"))
    sockets = [p for p in found if stat.S_ISSOCK(p.stat().st_mode)]
    assert len(sockets) == 1
    assert gateway.store in found
    found.append(gateway.dir / "identity.key")
    for path in found:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path.name


def test_an_address_in_use_is_said_in_clear_words(make_gateway):
    first = make_gateway().start()
    second = make_gateway()
    second.conf.write_text(second.conf.read_text().replace(
        "api = 127.0.0.1:0", "api = " + first.listen["api"]))
    second.spawn()
    log = second.log
    assert second.ended() != 0
    assert b"cannot listen on " + first.listen["api"].encode() in log.raw
    log.noise.clear()
