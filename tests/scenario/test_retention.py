"""What was kept for its term goes; what a person holds stays."""

import json
import os
import random
import re
import signal
import subprocess
from collections import Counter

import callbacks
import pytest
from gateway import PATIENCE, Load, command, process_ended, until
from payments import pay, states
from shifted import ShiftedClock

HOUR, DAY = 3600, 86400
FILL = os.environ["FILL"]
ROUNDS = int(os.environ.get("ROUNDS") or 2)
OLD = 6000  # receipts that are due, each of 1150.00
HELD = ("INV-2025-000007", "INV-2025-005999")  # of those


def retention(gateway, *args):
    done = command("retention", *args, "--config", gateway.conf)
    lines = [json.loads(line) for line in done.stdout.splitlines()
             if line.startswith("{")]
    return done.returncode, lines, done.stderr


def going(gateway):
    """What a dry run says: of each merchant, and {what is swept: count}."""
    lines = retention(gateway, "--dry-run")[1]
    return ([e for e in lines if "merchant" in e],
            {e["forgets"]: e["count"] for e in lines if "forgets" in e})


def holds(gateway, text):
    return any(text.encode() in raw for raw in gateway.files().values())


def settled(gateway):
    """Nothing is owed: no attempt is under way when the clock moves."""
    until(lambda: gateway.rows("select count(*) from delivery") == [(0,)])


@pytest.fixture
def keeping(make_gateway, billing, tmp_path):
    """A function that starts a gateway with options, and its clock."""
    clock = ShiftedClock(tmp_path)
    billing.clock = clock.time

    def start(**options):
        gateway = make_gateway(
            billing=billing, environ=clock.environ, merchants={
                callbacks.MERCHANT: {"password": callbacks.PASSWORD,
                                     "keep": "30d", **options}})
        return gateway.start()
    return start, clock


# proves: R13
def test_what_was_kept_for_its_term_is_in_no_byte_of_the_files(
        keeping, billing):
    start, clock = keeping
    gateway = start()
    assert gateway.post(callbacks.paid("INV-GONE-7788")).status == 200
    assert billing.wait_invoices(["INV-GONE-7788"])
    settled(gateway)
    clock.move(20 * DAY)
    assert gateway.post(callbacks.paid("INV-KEPT")).status == 200
    settled(gateway)
    [[goes], swept] = going(gateway)
    assert goes["receipts"] == 0
    assert swept == {"attempts": 0, "stopped": 0, "refused": 0}
    clock.move(11 * DAY)
    until(lambda: [r["invoice_id"] for r in gateway.receipts()] ==
          ["INV-KEPT"])
    assert gateway.log.wait("expired")["count"] == 1
    until(lambda: not holds(gateway, "INV-GONE-7788"))
    assert billing.erased == []


# proves: R14
def test_an_invoice_that_a_person_holds_is_kept(keeping, billing):
    start, clock = keeping
    gateway = start()
    for invoice in ("INV-1", "INV-2"):
        assert gateway.post(callbacks.paid(invoice)).status == 200
    merchant = callbacks.MERCHANT
    assert retention(gateway, "hold", merchant, "INV-1")[0] == 0
    assert retention(gateway, "hold", merchant, "INV-1")[0] == 1
    [held] = retention(gateway, "holds")[1]
    assert held["invoice_id"] == "INV-1"
    done = command("receipts", "erase", "--invoice", "INV-1",
                   "--config", gateway.conf)
    assert done.returncode == 1 and "legal_hold" in done.stderr
    settled(gateway)
    clock.move(31 * DAY)
    until(lambda: [r["invoice_id"] for r in gateway.receipts()] == ["INV-1"])
    assert retention(gateway, "release", merchant, "INV-1")[0] == 0
    clock.move(2 * 60)
    until(lambda: gateway.receipts() == [])


# proves: R21
def test_of_what_is_deidentified_totals_stay(keeping, billing):
    start, clock = keeping
    gateway = start(then="deidentify")
    for n in range(12):
        assert gateway.post(callbacks.paid(f"INV-{n}")).status == 200
    assert gateway.post(callbacks.paid(
        "INV-NEXT", tran_date="2025-12-04 12:00:00")).status == 200
    amounts = [float(r["amount"]) for r in gateway.receipts()
               if r["invoice_id"] != "INV-NEXT"]
    settled(gateway)
    clock.move(31 * DAY)
    until(lambda: gateway.receipts() == [])
    code, [total], _ = retention(gateway, "totals")
    assert code == 0
    assert total["receipts"] == 12
    assert float(total["amount"]) == sum(amounts)
    assert total["first_day"] == total["last_day"]
    assert set(total) == {"merchant", "first_day", "last_day", "currency",
                          "receipts", "amount"}


def test_a_dry_run_says_what_would_go(keeping, billing):
    start, _ = keeping
    gateway = start()
    assert gateway.post(callbacks.paid("INV-1")).status == 200
    gateway.stop()
    text = gateway.conf.read_text()
    gateway.conf.write_text(text.replace("keep = 30d", "keep = 1s"))
    until(lambda: going(gateway)[0][0]["receipts"] == 1)
    assert "oldest_received_at" in going(gateway)[0][0]
    gateway.conf.write_text(text)
    assert going(gateway)[0][0]["receipts"] == 0


def test_keep_may_not_be_shorter_than_keep_at_least(keeping):
    start, _ = keeping
    gateway = start()
    gateway.merchants[callbacks.MERCHANT]["keep_at_least"] = "60d"
    gateway.write()
    done = command("check", "--config", gateway.conf)
    assert done.returncode == 78 and "keep_at_least" in done.stderr


def test_what_waits_goes_too(make_gateway, billing, provider, tmp_path):
    clock = ShiftedClock(tmp_path)
    gateway = make_gateway(
        billing=billing, provider=provider, environ=clock.environ, merchants={
            callbacks.MERCHANT: {"password": callbacks.PASSWORD,
                                 "keep": "30d", "confirm_for": "300d"}})
    gateway.start()
    provider.misbehave("silent")
    pay(gateway, provider, "INV-1")
    until(lambda: states(gateway)[0] == 1)
    clock.move(31 * DAY)
    until(lambda: states(gateway)[0] == 0)
    assert gateway.receipts() == []
    provider.behave()


def test_what_was_given_up_and_what_was_refused_have_terms_of_their_own(
        make_gateway, billing, provider, tmp_path):
    clock = ShiftedClock(tmp_path)
    billing.clock = clock.time
    gateway = make_gateway(billing=billing, provider=provider,
                           environ=clock.environ)
    gateway.more["store"] = {"url": f"sqlite:{gateway.store}",
                             "keep_stopped": "20h", "keep_refused": "40h"}
    gateway.billing_options = {"schedule": "1s"}
    gateway.start()
    billing.mode("status", status=500)
    pay(gateway, provider, "INV-GIVEN-UP")
    assert gateway.log.wait("delivery_exhausted")
    provider.misbehave("unknown")
    pay(gateway, provider, "INV-REFUSED")
    assert gateway.log.wait("refused")
    provider.behave()
    billing.mode("ok")
    clock.move(19 * HOUR)
    until(lambda: gateway.metrics()["paysieve_deliveries_exhausted"] == 1)
    assert going(gateway)[1] == {"attempts": 0, "stopped": 0, "refused": 0}
    clock.move(2 * HOUR)
    assert gateway.log.wait("forgotten")["count"] == 1
    until(lambda: gateway.metrics()["paysieve_deliveries_exhausted"] == 0)
    assert gateway.rows("select count(*) from stopped") == [(0,)]
    assert gateway.rows("select count(*) from attempt") == [(0,)]
    assert [r["invoice_id"] for r in gateway.receipts()] == ["INV-GIVEN-UP"]
    body = provider.ledger.body(callbacks.genuine("INV-REFUSED"))
    assert gateway.post(body).status == 200
    assert states(gateway) == (0, 0, 1, 1)
    clock.move(20 * HOUR)
    until(lambda: states(gateway) == (0, 0, 0, 1))
    until(lambda: gateway.metrics()[
        'paysieve_forgotten_total{what="tombstone"}'] == 1)
    # It comes again, is asked about again, and SSLCommerz knows it by now.
    assert gateway.post(body).status == 200
    assert billing.wait_invoices(["INV-REFUSED"])
    assert states(gateway) == (0, 0, 0, 2)


def swept(gateway):
    """Ready, and not behind; a keeper that is slow to answer is neither."""
    ready = gateway.admin("/readyz")
    return ready.status == 200 and ready.json()["retention"] == "ok"


# proves: R40
def test_a_day_without_a_sweep_is_an_alarm_until_there_is_one(keeping):
    start, clock = keeping
    gateway = start()
    until(lambda: swept(gateway))
    assert gateway.log.find("retention_behind") is None
    clock.move(DAY + HOUR)
    behind = gateway.log.wait("retention_behind")
    assert behind["level"] == "error" and behind["seconds"] > DAY
    assert gateway.log.wait("retention_caught_up")
    until(lambda: gateway.metrics()["paysieve_retention_behind"] == 0)
    until(lambda: swept(gateway))


# ---- killed in the middle

def old_ones(gateway):
    """How many of the receipts that are due are still there."""
    return gateway.rows("select count(*) from receipt "
                        "where invoice_id glob 'INV-2025-*'")[0][0]


def clean(gateway):
    """Has the store no fault, and is there nothing in its log?"""
    done = command("store", "verify", "--config", gateway.conf)
    return done.returncode == 0 and re.search(r"log +0 bytes", done.stdout)


@pytest.fixture
def expiring(make_gateway):
    """A gateway, not started, whose store has OLD receipts that are due and
    two of them held."""
    gateway = make_gateway(identity_key="1f" * 32, merchants={
        callbacks.MERCHANT: {"password": callbacks.PASSWORD,
                             "keep": "30d", "then": "deidentify"}})
    subprocess.run([FILL, gateway.store, str(OLD), "0", "1000"], check=True,
                   capture_output=True, timeout=3 * PATIENCE)
    for invoice in HELD:
        assert retention(gateway, "hold", callbacks.MERCHANT,
                         invoice)[0] == 0
    return gateway


# proves: R13 R14 R21
@pytest.mark.parametrize("role", ["keeper", "supervisor"])
def test_killed_in_the_middle_of_a_sweep_each_receipt_goes_once(
        expiring, role):
    chance = random.Random(role)
    gateway, acked, before, middles = expiring, [], OLD, 0
    for number in range(ROUNDS):
        gateway.start()
        load = Load(gateway, name=f"NEW-{number}").start()
        wanted = before - chance.randrange(1, OLD // (2 * ROUNDS))
        rooms = gateway.rooms()
        [victim] = [gateway.pid] if role == "supervisor" else \
            gateway.rooms(role)
        until(lambda: old_ones(gateway) <= wanted, 3 * PATIENCE, every=0.001)
        os.kill(victim, signal.SIGKILL)  # at once: a sweep is soon over
        assert all(process_ended(pid, PATIENCE) for pid in rooms)
        acked += load.stop()
        gateway.ended()
        left = old_ones(gateway)
        assert len(HELD) <= left <= wanted  # nothing is back
        middles += left > len(HELD)
        before = max(left, OLD // (2 * ROUNDS))
    assert middles > 0
    gateway.start()
    until(lambda: old_ones(gateway) == len(HELD), 3 * PATIENCE)
    stored = Counter(r["invoice_id"] for r in gateway.receipts())
    assert set(acked) | set(HELD) <= set(stored)
    assert max(stored.values()) == 1
    gone = OLD - len(HELD)
    assert gateway.rows("select sum(receipts), sum(amount_minor) from total"
                        ) == [(gone, gone * 115000)]
    assert gateway.rows("select why, count(*) from tombstone group by why"
                        ) == [(2, gone)]
    until(lambda: not holds(gateway, "INV-2025-000123"))
    # Once the log is emptied nothing is left in the pages that changed.
    until(lambda: clean(gateway))
    done = command("ledger", "verify", "--config", gateway.conf)
    assert done.returncode == 0, done.stdout + done.stderr
