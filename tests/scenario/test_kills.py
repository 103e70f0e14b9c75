"""Killed at any moment, nothing acknowledged is lost or stored twice.

ROUNDS (2) says how often each process is killed.
"""

import os
import random
from collections import Counter

import callbacks
import pytest
from gateway import PATIENCE, Load, process_ended, until
from payments import Payers, states

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


# ---- with SSLCommerz in between

class Mixed(Payers):
    """Every third payment never happened."""

    def body(self, invoice):
        if int(invoice.rsplit("-", 1)[1]) % 3 == 0:
            return callbacks.paid(invoice)
        return super().body(invoice)


def real(invoices):
    return {i for i in invoices if int(i.rsplit("-", 1)[1]) % 3}


@pytest.mark.parametrize("role", ["supervisor", "keeper", "edge", "asker",
                                  "courier"])
def test_killed_while_asking_each_paid_one_ends_as_one_receipt(
        make_gateway, billing, provider, role):
    """At a random moment between callback, question, receipt, delivery."""
    chance = random.Random(role)
    gateway = make_gateway(billing=billing, provider=provider, limits={
        "ask_rate": 2000, "drain_timeout": "5s"}).start()
    acked = []
    for number in range(ROUNDS):
        load = Mixed(gateway, provider, name=f"{role}-{number}").start()
        load.wait_acked(chance.randrange(5, LOAD))
        rooms = gateway.rooms()
        gateway.kill(role)
        acked += load.stop()
        if role in ("supervisor", "keeper"):
            assert all(process_ended(pid, PATIENCE) for pid in rooms)
            gateway.ended()
            gateway.start()
        else:
            until(lambda: sorted(gateway.rooms().values()) ==
                  sorted(rooms.values()))
    until(lambda: states(gateway)[0] == 0, 3 * PATIENCE)
    stored = Counter(r["invoice_id"] for r in gateway.receipts())
    assert real(acked) <= set(stored)
    assert all(int(i.rsplit("-", 1)[1]) % 3 for i in stored)
    assert max(stored.values()) == 1
    assert billing.wait_invoices(stored, 2 * PATIENCE), "never delivered"
    assert billing.invoices == set(stored)
    assert gateway.rows("pragma integrity_check") == [("ok",)]
