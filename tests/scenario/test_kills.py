"""Killed at any moment, nothing acknowledged is lost or stored twice.

ROUNDS (2) says how often each process is killed.
"""

import os
from collections import Counter

import pytest
from gateway import PATIENCE, Load, process_ended, until

ROUNDS = int(os.environ.get("ROUNDS") or 2)
LOAD = 60  # acknowledged callbacks before and, if it lives, after a kill


def everything_is_there_once(gateway, billing, acked):
    stored = Counter(r["invoice_id"] for r in gateway.receipts())
    assert set(acked) <= set(stored)
    assert max(stored.values()) == 1
    assert billing.wait_invoices(acked, 2 * PATIENCE), "never delivered"
    assert gateway.rows("pragma integrity_check") == [("ok",)]


def under_load(gateway, role, number):
    """Kill one process of a role under load; what was acknowledged."""
    load = Load(gateway, name=f"{role}-{number}").start()
    load.wait_acked(LOAD)
    rooms = gateway.rooms()
    gateway.kill(role)
    if role in ("supervisor", "keeper"):
        assert all(process_ended(pid, PATIENCE) for pid in rooms)
    else:
        load.wait_acked(LOAD)
    return load.stop()


@pytest.mark.parametrize("role", ["supervisor", "keeper"])
def test_what_was_acknowledged_survives_the_end_of_everything(
        gateway, billing, role):
    acked = []
    for number in range(ROUNDS):
        acked += under_load(gateway, role, number)
        code = gateway.ended()
        assert code == (-9 if role == "supervisor" else 1)
        gateway.start()
        everything_is_there_once(gateway, billing, acked)


@pytest.mark.parametrize("role", ["edge", "courier", "desk"])
def test_a_killed_room_is_started_again_and_nothing_is_lost(
        gateway, billing, role):
    acked = []
    for number in range(ROUNDS):
        mark = gateway.log.mark()
        acked += under_load(gateway, role, number)
        died = gateway.log.wait("room_died", after=mark, room=role)
        assert died is not None and died["signal"] == 9
        until(lambda: len(gateway.rooms(role)) == (
            2 if role == "edge" else 1))
        everything_is_there_once(gateway, billing, acked)
    assert gateway.metrics()["paysieve_room_restarts_total"] == ROUNDS
