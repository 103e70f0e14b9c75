"""A held payment is decided by a person, at the command line or over HTTP."""

import json

import callbacks
import pytest
from gateway import command, until
from payments import pay, states
from schema import validate


def held(gateway, *args):
    done = command("--config", gateway.conf, "held", *args)
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def holding(asking, provider):
    """One payment that is held for its amount."""
    provider.misbehave("amount")
    pay(asking, provider, "INV-1")
    assert asking.log.wait("held")
    return asking


def the_one(gateway):
    code, out, _ = held(gateway, "list")
    assert code == 0
    [line] = out.splitlines()
    return json.loads(line)


def test_a_held_payment_is_listed_and_shown(holding):
    one = the_one(holding)
    validate(one, "held")
    assert one["reason"] == "amount"
    assert one["claimed"]["amount"] == "1150.00"
    assert one["answered"]["amount"] == "1.00"
    code, out, _ = held(holding, "show", one["id"])
    assert code == 0 and json.loads(out) == one
    until(lambda: holding.metrics()["paysieve_payments_held"] == 1)


def test_a_released_payment_is_a_receipt_of_what_was_answered(
        holding, billing):
    one = the_one(holding)
    assert held(holding, "release", one["id"])[0] == 0
    event = holding.log.wait("released")
    assert (event["receipt"], event["who"]) == (one["id"], "cli")
    assert billing.wait_invoices(["INV-1"])
    [receipt] = holding.receipts()
    assert (receipt["id"], receipt["amount"]) == (one["id"], "1.00")
    assert states(holding) == (0, 0, 0, 1)
    code, _, words = held(holding, "release", one["id"])
    assert code == 1 and words


def test_a_rejected_payment_is_gone_but_for_its_tombstone(holding, billing):
    one = the_one(holding)
    assert held(holding, "reject", one["id"])[0] == 0
    assert holding.log.wait("rejected")["who"] == "cli"
    assert states(holding) == (0, 0, 1, 0)
    assert held(holding, "list")[1] == ""
    assert holding.post(callbacks.paid("INV-1")).status == 200
    assert states(holding) == (0, 0, 1, 0)
    assert billing.requests == []


def test_without_a_running_gateway_the_store_is_opened(holding, billing):
    one = the_one(holding)
    assert holding.stop() == 0
    assert the_one(holding) == one
    assert held(holding, "release", one["id"])[0] == 0
    assert states(holding) == (0, 0, 0, 1)
    holding.start()
    assert billing.wait_invoices(["INV-1"])


def test_the_api_holds_the_same_under_its_own_scope(
        make_gateway, billing, provider):
    asking = make_gateway(billing=billing, provider=provider)
    token = asking.add_token("people", callbacks.MERCHANT, "confirm")
    asking.start()
    provider.misbehave("risk")
    for n in range(3):
        pay(asking, provider, f"INV-{n}")
    until(lambda: states(asking) == (0, 3, 0, 0))
    assert asking.api("/v1/held", asking.token()).status == 403
    page = asking.api("/v1/held?limit=2", token).json()
    assert [h["reason"] for h in page["held"]] == ["risk", "risk"]
    assert page["more"] is True
    rest = asking.api("/v1/held?after=" + page["next"], token).json()
    ids = [h["id"] for h in page["held"] + rest["held"]]
    assert len(set(ids)) == 3 and rest["more"] is False
    one = asking.api("/v1/held/" + ids[0], token)
    assert one.status == 200
    validate(one.json(), "held")
    answer = asking.api(f"/v1/held/{ids[0]}/release", token, "POST")
    assert (answer.status, answer.json()["state"]) == (200, "confirmed")
    assert asking.log.wait("released")["who"] == "people"
    answer = asking.api(f"/v1/held/{ids[1]}/reject", token, "POST")
    assert (answer.status, answer.json()["state"]) == (200, "refused")
    assert asking.api("/v1/held/" + ids[0], token).status == 404
    assert billing.wait_invoices(["INV-0"])
    assert states(asking) == (0, 1, 1, 1)
    assert "people" not in json.dumps(asking.receipts())
