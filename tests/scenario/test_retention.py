"""What was kept for its term goes; what a person holds stays."""

import json

import callbacks
import pytest
from gateway import command, until
from payments import pay, states
from shifted import ShiftedClock

DAY = 86400


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
    clock.move(20 * DAY)
    assert gateway.post(callbacks.paid("INV-KEPT")).status == 200
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
