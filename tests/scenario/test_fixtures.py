"""Every recorded callback is judged as expected, and of what it holds only
the kept fields ever leave the edge."""

import json
from types import SimpleNamespace

import callbacks
import fixtures
import pytest
from billing_stub import BillingStub
from gateway import TOP, Gateway, new_webhook_secret, until
from schema import validate
from stub_server import tls_context

CASES = fixtures.cases()
WINDOW = 6   # bytes of a dropped value in a row that prove a leak
DIGITS = 12  # as many if they are digits and marks: numbers are everywhere


def session(directory, keys, merchants, posts):
    """Run a gateway over posts; everything that came out of it."""
    billing = BillingStub(*keys.billing, [new_webhook_secret()]).start()
    provider = fixtures.provider(tls_context(*keys.provider)).start()
    gateway = Gateway(directory, keys, billing, merchants,
                      identity_key=fixtures.identity_key(),
                      provider=provider).start()
    world = SimpleNamespace(answers=[], outside={}, receipts={})
    try:
        with gateway.client() as client:
            for merchant, body in posts:
                world.answers.append(client.post(body, merchant))
        until(lambda: gateway.rows("select count(*) from waiting") == [(0,)])
        for merchant in merchants:
            world.receipts[merchant] = gateway.receipts(
                gateway.token(merchant))
        until(lambda: gateway.rows("select count(*) from delivery")
              == [(0,)])
        world.metrics = gateway.admin("/metrics").body
        for name, data in gateway.files().items():
            world.outside["running: " + name] = data
        assert gateway.stop() == 0
        for name, data in gateway.files().items():
            world.outside["stopped: " + name] = data
    finally:
        gateway.stop()
        billing.stop()
        provider.stop()
    world.delivered = billing.receipts
    world.faults = billing.faults()
    world.outside["the metrics"] = world.metrics
    world.outside["the log"] = gateway.log.raw
    world.outside["the answers"] = b"\n".join(
        str(a.headers).encode() + a.body for a in world.answers)
    world.outside["the API"] = json.dumps(world.receipts).encode()
    world.outside["the deliveries"] = b"\n".join(
        repr(r.headers).encode() + r.body for r in billing.requests)
    return world


@pytest.fixture(scope="module")
def world(tmp_path_factory, keys):
    """All fixtures, posted once."""
    return session(tmp_path_factory.mktemp("fixtures"), keys,
                   fixtures.merchants(),
                   [(c.merchant, c.body) for c in CASES])


@pytest.fixture(scope="module")
def vocabulary(tmp_path_factory, keys):
    """What a gateway says of callbacks that hold no word of these."""
    empty = {name: "" for name in callbacks.genuine("x")
             if name.startswith(("card_", "value_", "bank_", "risk_title"))}
    merchant = callbacks.MERCHANT
    reference = session(
        tmp_path_factory.mktemp("reference"), keys,
        {merchant: {"password": callbacks.PASSWORD, "confirm": "off"}},
        [(merchant, callbacks.paid("REF-1", val_id="~REF", **empty)),
         (merchant, callbacks.paid("REF-1", val_id="ref1", **empty)),
         (merchant, callbacks.paid("REF-2", status="FAILED", **empty)),
         (merchant, b"amount=1"), (merchant, b"&"), ("nobody", b"")])
    # A slow machine may make the log say what it does not say elsewhere.
    words = (TOP / "gateway" / "base" / "log.def").read_bytes()
    return b"\n".join([words, *reference.outside.values()])


@pytest.mark.parametrize("number", range(len(CASES)),
                         ids=[c.name for c in CASES])
def test_a_case_is_answered_and_kept_as_expected(world, number):
    case, answer = CASES[number], world.answers[number]
    assert answer.status == case.http
    if case.http == 200:
        assert answer.body == b"OK"
    else:
        validate(answer.json(), "problem")
    if case.receipt is not None:
        assert case.receipt in map(narrow, world.receipts[case.merchant])


def narrow(receipt):
    return {k: v for k, v in receipt.items() if k != "received_at"}


def by_id(receipts):
    return sorted(receipts, key=lambda r: r["id"])


def expected(merchant=None):
    """Each payment once, however many callbacks tell of it."""
    return by_id({c.receipt["id"]: c.receipt for c in CASES
                  if c.receipt and merchant in (None, c.merchant)}.values())


@pytest.mark.parametrize("merchant", fixtures.merchants())
def test_no_other_receipts_are_kept_than_the_expected_ones(world, merchant):
    for receipt in world.receipts[merchant]:
        validate(receipt, "receipt")
    assert by_id(map(narrow, world.receipts[merchant])) == expected(merchant)


def test_billing_got_the_same_receipts_with_valid_signatures(world):
    assert world.faults == []
    assert by_id(map(narrow, world.delivered.values())) == expected()


def test_a_refused_callback_is_counted_under_its_reason(world):
    reasons = [c.reason for c in CASES  # a longer one is refused unread
               if c.reason and len(c.body) <= 64 * 1024]
    for reason in set(reasons):
        row = f'paysieve_callbacks_refused_total{{reason="{reason}"}}'
        assert f"{row} {reasons.count(reason)}\n" in world.metrics.decode()


# ---- what is dropped

def windows(value):
    """Runs of the value that appear elsewhere by a leak only."""
    for i in range(len(value) - WINDOW + 1):
        run = value[i:i + WINDOW]
        if sum(c in b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
               or c > 127 for c in run) >= 2:
            yield run
    for i in range(len(value) - DIGITS + 1):
        yield value[i:i + DIGITS]


def kept_text(case):
    receipt = case.receipt or {}
    return [str(v).encode() for v in receipt.values()] + [
        case.merchant.encode()]


def dropped_values(case):
    """(field, value) of all that may not come out, as sent and decoded."""
    kept = kept_text(case)
    for name, sent, decoded in case.pairs():
        if name in (b"verify_key", b"store_id"):
            continue  # names of fields, and of the shop
        if case.receipt and name == b"tran_date":
            continue  # kept, as a timestamp
        for value in {sent, decoded}:
            if len(value) >= 8 and value not in kept:
                yield name.decode(errors="replace"), value


def hits(wanted, data):
    """Those of the runs in wanted that data holds."""
    return {run for size in (WINDOW, DIGITS)
            for i in range(len(data) - size + 1)
            if (run := data[i:i + size]) in wanted}


# proves: R2 R5
def test_no_part_of_a_dropped_value_comes_out_anywhere(world, vocabulary):
    origin, values = {}, 0
    for case in CASES:
        for field, value in dropped_values(case):
            values += 1
            for run in windows(value):
                origin.setdefault(run, (case.name, field))
    allowed = vocabulary + b"\n".join(
        text for case in CASES for text in kept_text(case))
    wanted = origin.keys() - hits(origin, allowed)
    assert values > 10 * len(CASES) and len(wanted) > 1000
    found = {(*origin[run], place) for place, data in world.outside.items()
             for run in hits(wanted, data)}
    assert found == set()  # names only: a value is not shown here either


def test_the_search_finds_what_is_kept_and_what_is_planted(
        world, vocabulary):
    """The control of the test above."""
    case = next(c for c in CASES if c.receipt
                and c.receipt["invoice_id"].startswith("INV-"))
    wanted = set(windows(case.receipt["invoice_id"].encode()))
    wanted -= hits(wanted, vocabulary)
    places = {p for p, data in world.outside.items() if hits(wanted, data)}
    assert {"the API", "the deliveries"} <= places
    assert any(p.startswith("running: ") for p in places)
    assert any(p.startswith("stopped: ") for p in places)
    planted = set(windows(b"Invented Savings House"))
    assert hits(planted - hits(planted, vocabulary),
                b"12345 Savings House") != set()
