"""Erasing what is held on an invoice: gone from everywhere, and for good."""

import http.client
import json
import os
import random
import threading

import callbacks
import pytest
from gateway import PATIENCE, command, process_ended, until
from payments import pay, states
from schema import validate
from shifted import ShiftedClock


ROUNDS = int(os.environ.get("ROUNDS") or 1)
EACH = 8  # payments of a round


def erase(gateway, invoice, query="", token=None):
    token = token or gateway.tokens["eraser"][0]
    return gateway.api(f"/v1/invoices/{invoice}{query}", token, "DELETE")


def by_command(gateway, *args):
    done = command("receipts", *args, "--config", gateway.conf)
    return done.returncode, done.stdout, done.stderr


def settled(gateway):
    """Nothing is owed and nothing under way: a notice goes out at once."""
    until(lambda: gateway.rows("select count(*) from delivery") == [(0,)])


def holds(gateway, *texts):
    """Which of the texts stand in the store's files."""
    raw = b"".join(gateway.files().values())
    return [t for t in texts if t.encode() in raw]


@pytest.fixture
def erasing(make_gateway, billing):
    gateway = make_gateway(billing=billing)
    gateway.add_token("eraser", callbacks.MERCHANT, "erase")
    return gateway.start()


# proves: R15
def test_an_erased_receipt_is_in_no_byte_of_the_files(erasing, billing):
    for name in ("INV-KEPT-1", "INV-GONE-7788", "INV-KEPT-2"):
        assert erasing.post(callbacks.paid(name)).status == 200
    assert billing.wait_invoices(["INV-GONE-7788"])
    [gone] = erasing.receipts(invoice_id="INV-GONE-7788")
    assert holds(erasing, "INV-GONE-7788") == ["INV-GONE-7788"]
    answer = erase(erasing, "INV-GONE-7788")
    assert answer.status == 200, answer.body
    said = answer.json()
    validate(said, "erasure")
    assert said["state"] == "done" and said["receipts"] == 1
    assert said["erased"] == [{"id": gone["id"], "was": "confirmed"}]
    assert said["search"]["hits"] == 0 and said["search"]["bytes"] > 0
    before, after = said["ledger"]["before"], said["ledger"]["after"]
    assert (before["size"], after["size"]) == (3, 4)
    head = json.loads(command(
        "ledger", "head", "--config", erasing.conf).stdout)
    assert (after["size"], after["root"]) == (head["size"], head["root"])
    assert before["root"] != after["root"]
    assert holds(erasing, "INV-GONE-7788") == []
    kept = {r["invoice_id"] for r in erasing.receipts()}
    assert kept == {"INV-KEPT-1", "INV-KEPT-2"}
    token = erasing.token()
    assert erasing.api("/v1/receipts/" + gone["id"], token).status == 404


# proves: R16
def test_billing_is_told_until_it_has_heard(make_gateway, billing):
    erasing = make_gateway(billing=billing)
    erasing.add_token("eraser", callbacks.MERCHANT, "erase")
    erasing.billing_options = {"schedule": " ".join(["1s"] * 12)}
    erasing.start()
    assert erasing.post(callbacks.paid("INV-1")).status == 200
    assert billing.wait_invoices(["INV-1"])
    settled(erasing)
    [gone] = erasing.receipts()
    billing.mode("status", status=500)
    assert erase(erasing, "INV-1").status == 200
    until(lambda: any(b"receipt.erased" in r.body for r in billing.requests))
    assert billing.erased == []
    billing.mode("ok")
    until(lambda: billing.erased == [gone["id"]])
    validate(json.loads(billing.requests[-1].body), "erased")
    until(lambda: erasing.rows("select count(*) from notice") == [(0,)])
    assert billing.faults() == []


# proves: R17
def test_a_repeated_callback_does_not_bring_it_back(erasing, billing):
    body = callbacks.paid("INV-1")
    assert erasing.post(body).status == 200
    assert billing.wait_invoices(["INV-1"])
    assert erase(erasing, "INV-1").status == 200
    assert erasing.post(body).status == 200
    erasing.stop()
    erasing.start()
    assert erasing.post(body).status == 200
    assert erasing.receipts() == []
    assert holds(erasing, "INV-1") == []


# proves: R18
def test_of_an_unknown_and_of_an_erased_invoice_the_answer_is_the_same(
        erasing):
    assert erasing.post(callbacks.paid("INV-1")).status == 200
    assert erase(erasing, "INV-1").status == 200
    shapes = []
    for invoice in ("INV-1", "INV-NEVER"):
        said = erase(erasing, invoice).json()
        del said["at"], said["ledger"]
        shapes.append(said)
        code, text, _ = by_command(erasing, "export", "--invoice", invoice)
        shown = json.loads(text)
        del shown["invoice_id"]
        shapes.append(shown)
        assert code == 0
    assert shapes[:2] == shapes[2:]
    assert shapes[0]["erased"] == [] and shapes[1]["receipts"] == []


# proves: R18
def test_all_that_is_held_on_an_invoice_is_exported(
        make_gateway, billing, provider):
    gateway = make_gateway(billing=billing, provider=provider).start()
    pay(gateway, provider, "INV-1")
    assert billing.wait_invoices(["INV-1"])
    code, text, _ = by_command(gateway, "export", "--invoice", "INV-1")
    assert code == 0
    held = json.loads(text)
    [receipt] = gateway.receipts()
    assert held["receipts"] == [receipt]
    assert held["legal_hold"] is False
    until(lambda: json.loads(by_command(
        gateway, "export", "--invoice", "INV-1")[1])
        ["deliveries"][0]["state"] == "delivered")
    assert held["waiting"] == held["held"] == []


def test_a_dry_run_changes_nothing(erasing):
    assert erasing.post(callbacks.paid("INV-1")).status == 200
    said = erase(erasing, "INV-1", "?dry_run=true").json()
    validate(said, "erasure")
    assert said["state"] == "validated" and said["receipts"] == 1
    assert len(erasing.receipts()) == 1
    code, text, _ = by_command(
        erasing, "erase", "--invoice", "INV-1", "--dry-run")
    assert code == 0 and json.loads(text)["state"] == "validated"
    assert len(erasing.receipts()) == 1


@pytest.mark.parametrize("running", [True, False])
def test_a_person_erases_with_the_command(erasing, billing, running):
    assert erasing.post(callbacks.paid("INV-GONE-7788")).status == 200
    assert billing.wait_invoices(["INV-GONE-7788"])
    settled(erasing)
    if not running:
        erasing.stop()
    code, text, _ = by_command(erasing, "erase", "--invoice", "INV-GONE-7788")
    assert code == 0
    said = json.loads(text)
    validate(said, "erasure")
    assert said["receipts"] == 1 and said["search"]["hits"] == 0
    assert holds(erasing, "INV-GONE-7788") == []
    if not running:
        erasing.start()
    until(lambda: len(billing.erased) == 1)


def test_what_waits_and_what_is_held_goes_too(
        make_gateway, billing, provider):
    gateway = make_gateway(billing=billing, provider=provider)
    gateway.add_token("eraser", callbacks.MERCHANT, "erase")
    gateway.start()
    provider.misbehave("silent")
    pay(gateway, provider, "INV-GONE-7788")
    until(lambda: states(gateway)[0] == 1)
    said = erase(gateway, "INV-GONE-7788").json()
    assert said["waiting"] == 1
    assert holds(gateway, "INV-GONE-7788") == []
    provider.behave()
    assert gateway.receipts() == [] and states(gateway)[0] == 0


# proves: R14
def test_inside_the_term_nothing_is_erased(make_gateway, billing, tmp_path):
    clock = ShiftedClock(tmp_path)
    billing.clock = clock.time
    gateway = make_gateway(billing=billing, environ=clock.environ, merchants={
        callbacks.MERCHANT: {"password": callbacks.PASSWORD,
                             "keep_at_least": "10d"}})
    gateway.add_token("eraser", callbacks.MERCHANT, "erase")
    gateway.start()
    assert gateway.post(callbacks.paid("INV-1")).status == 200
    settled(gateway)  # what is under way would be out of time
    answer = erase(gateway, "INV-1")
    assert answer.status == 409
    validate(answer.json(), "problem")
    assert answer.json()["type"].endswith("keep-at-least")
    left = int(answer.headers["Retry-After"])
    assert 9 * 86400 < left <= 10 * 86400
    code, _, words = by_command(gateway, "erase", "--invoice", "INV-1")
    assert code == 1 and "keep_at_least" in words
    assert len(gateway.receipts()) == 1
    clock.move(10 * 86400)
    assert erase(gateway, "INV-1").status == 200
    assert gateway.receipts() == []


# proves: R33
def test_another_scope_may_not_erase(erasing):
    assert erasing.post(callbacks.paid("INV-1")).status == 200
    answer = erase(erasing, "INV-1", token=erasing.token())
    assert answer.status == 403
    assert len(erasing.receipts()) == 1


def test_a_cursor_that_passed_it_goes_on(erasing):
    token = erasing.token()
    for n in range(4):
        assert erasing.post(callbacks.paid(f"INV-{n}")).status == 200
    page = erasing.api("/v1/receipts?limit=2", token).json()
    for n in (1, 2):
        assert erase(erasing, f"INV-{n}").status == 200
    rest = erasing.api("/v1/receipts?after=" + page["next"], token).json()
    assert [r["invoice_id"] for r in rest["receipts"]] == ["INV-3"]


@pytest.mark.parametrize("query", ["?dry_run=yes", "?dry_run=", "?force=1"])
def test_what_is_no_parameter_is_refused(erasing, query):
    assert erasing.post(callbacks.paid("INV-1")).status == 200
    assert erase(erasing, "INV-1", query).status == 400
    assert len(erasing.receipts()) == 1


def test_an_erasure_is_logged_without_its_invoice(erasing):
    assert erasing.post(callbacks.paid("INV-GONE-7788")).status == 200
    assert erase(erasing, "INV-GONE-7788").status == 200
    line = erasing.log.wait("erased")
    assert line["who"] == "eraser" and line["count"] == 1
    assert b"INV-GONE-7788" not in erasing.log.raw


# ---- and whatever is killed meanwhile

class Eraser(threading.Thread):
    """Erases one invoice after the other; what was acknowledged."""

    def __init__(self, gateway, invoices):
        super().__init__(daemon=True)
        self.gateway, self.invoices = gateway, invoices
        self.acked = set()
        self.start()

    def run(self):
        for invoice in self.invoices:
            try:
                if erase(self.gateway, invoice).status in (200, 202):
                    self.acked.add(invoice)
            except (OSError, http.client.HTTPException):
                pass  # who was asked is gone: it may be erased or not


def revive(gateway, role, rooms):
    if role in ("supervisor", "keeper"):
        assert all(process_ended(pid, PATIENCE) for pid in rooms)
        gateway.ended()
        gateway.start()
    else:
        until(lambda: sorted(gateway.rooms().values()) ==
              sorted(rooms.values()))


# proves: R17
@pytest.mark.parametrize("role", ["supervisor", "keeper", "edge", "asker",
                                  "courier", "desk"])
def test_what_was_erased_stays_so_whatever_is_killed(
        make_gateway, billing, provider, role):
    """While it is asked about, stored, delivered: at a random moment."""
    chance = random.Random(role)
    gateway = make_gateway(billing=billing, provider=provider, limits={
        "ask_rate": 2000, "drain_timeout": "5s"})
    gateway.add_token("eraser", callbacks.MERCHANT, "erase")
    gateway.start()
    acked, bodies = set(), {}
    for number in range(ROUNDS):
        names = [f"INV-{role}-{number}-{n}-END" for n in range(EACH)]
        for name in names:
            bodies[name] = provider.ledger.body(provider.ledger.pay(name))
            assert gateway.post(bodies[name]).status == 200
        eraser = Eraser(gateway, names[:EACH // 2])
        until(lambda: len(eraser.acked) >= chance.randrange(EACH // 2))
        rooms = gateway.rooms()
        gateway.kill(role)
        eraser.join(2 * PATIENCE)
        acked |= eraser.acked
        revive(gateway, role, rooms)
        for name in names:
            assert gateway.post(bodies[name]).status == 200
    until(lambda: states(gateway)[0] == 0, 3 * PATIENCE)
    stored = {r["invoice_id"] for r in gateway.receipts()}
    assert not acked & stored
    assert {n for n in bodies if int(n.split("-")[-2]) >= EACH // 2} <= stored
    until(lambda: not holds(gateway, *acked))
