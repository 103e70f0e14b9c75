"""SSLCommerz is away, or we are: payments wait, none is lost or hurried."""

import os
import time

import callbacks
from gateway import PATIENCE, until
from payments import Payers, pay, states
from shifted import ShiftedClock
from sslcommerz import SSLCommerz

RATE = 40  # questions a second
IN_FLIGHT = 16  # so many may be late together, and arrive together


def spread(questions):
    """The most of them within any second."""
    at = sorted(q.at for q in questions)
    return max(sum(start <= t < start + 1 for t in at) for start in at)


def answer_times(gateway, provider, name, count=60):
    """Seconds that each of so many callbacks took, sorted."""
    took = []
    with gateway.client() as client:
        for n in range(count):
            body = provider.ledger.body(
                provider.ledger.pay(f"{name}-{n}"))
            begun = time.monotonic()
            assert client.post(body).status == 200
            took.append(time.monotonic() - begun)
    return sorted(took)


def test_an_hour_without_sslcommerz_loses_nothing_and_ends_without_a_burst(
        make_gateway, billing, provider, tmp_path):
    clock = ShiftedClock(tmp_path)
    billing.clock = clock.time
    asking = make_gateway(billing=billing, provider=provider,
                          environ=clock.environ,
                          limits={"ask_rate": RATE, "ask_timeout": "1s"})
    asking.start()
    usual = answer_times(asking, provider, "BEFORE")
    assert billing.wait_invoices([f"BEFORE-{n}" for n in range(60)])
    provider.misbehave("down")
    invoices = []
    for part in range(4):
        clock.move(15 * 60)
        payers = Payers(asking, provider, name=f"AWAY{part}",
                        threads=2).start()
        payers.wait_acked(100)
        invoices += payers.stop()
        assert set(payers.statuses) == {200}
    away = answer_times(asking, provider, "STILL")
    invoices += [f"STILL-{n}" for n in range(60)]
    # the medians of two small samples on a busy machine; not a benchmark
    assert away[len(away) // 2] < 5 * usual[len(usual) // 2] + 0.01
    assert asking.log.wait("provider_away")
    ready = asking.admin("/readyz")
    assert ready.status == 200 and ready.json()["provider"] == "away"
    assert states(asking)[0] == len(invoices)
    asked = len(provider.questions)
    provider.behave()
    clock.move(3600)
    # something has to wake it before its old timers do
    pay(asking, provider, "AWAKE")
    assert billing.wait_invoices(invoices + ["AWAKE"], 4 * PATIENCE)
    assert asking.log.wait("provider_back")
    assert states(asking) == (0, 0, 0, 60 + len(invoices) + 1)
    assert spread(provider.questions[asked:]) <= RATE + IN_FLIGHT + 1


def test_after_a_restart_val_ids_are_in_no_file_and_all_is_confirmed(
        make_gateway, billing, provider):
    asking = make_gateway(billing=billing, provider=provider,
                          limits={"ask_timeout": "1s"}).start()
    provider.misbehave("status")
    val_ids = []
    for n in range(20):
        pay(asking, provider, f"INV-{n}", val_id=f"2512021230NADA{n:04}")
        val_ids.append(f"2512021230NADA{n:04}".encode())
    assert asking.log.wait("ask_failed")
    asking.kill("supervisor")
    files = dict(asking.files())
    for folder, _, names in os.walk(asking.dir):
        for name in names:
            path = os.path.join(folder, name)
            if os.path.isfile(path):
                with open(path, "rb") as file:
                    files[path] = file.read()
    assert any(b"INV-7" in data for data in files.values())  # the control
    for name, data in files.items():
        assert not any(v in data for v in val_ids), name
        assert b"NADA" not in data, name
    asking.ended()
    assert b"NADA" not in asking.logs[-1].raw
    before = len(provider.questions)
    provider.behave()
    asking.start()
    assert billing.wait_invoices([f"INV-{n}" for n in range(20)])
    assert {q.by for q in provider.questions[before:]} == {"tran_id"}
    assert states(asking) == (0, 0, 0, 20)


def test_no_password_and_no_address_of_a_question_is_logged(
        asking, billing, provider):
    for kind in ("html", "status", "amount", "unknown", "credentials"):
        provider.misbehave(kind, times=1)
        asked = len(provider.questions)
        pay(asking, provider, "INV-" + kind)
        assert provider.wait_asked(asked + 1)
    assert asking.log.wait("locked_out")
    assert asking.stop() == 0
    seen = asking.logs[-1].raw
    for secret in (callbacks.PASSWORD, "made-up-password", "store_passwd",
                   "validationserver", "merchantTransID", "251202123045"):
        assert secret.encode() not in seen


def test_a_clock_set_back_does_not_stop_the_asking(
        make_gateway, tmp_path):
    clock = ShiftedClock(tmp_path, wall_only=True)
    # without TLS: yesterday no certificate was valid yet
    with SSLCommerz(None, {callbacks.MERCHANT: callbacks.PASSWORD}) as plain:
        asking = make_gateway(provider=plain, environ=clock.environ).start()
        plain.misbehave("html", times=1)
        pay(asking, plain, "INV-1")
        assert asking.log.wait("ask_failed")
        clock.move(-24 * 3600)
        pay(asking, plain, "INV-2")
        until(lambda: states(asking) == (0, 0, 0, 2))


def test_a_store_that_leaves_the_configuration_keeps_its_payments(
        make_gateway, billing, provider):
    asking = make_gateway(billing=billing, provider=provider, merchants={
        callbacks.MERCHANT: {"password": callbacks.PASSWORD},
        "staying": {"password": "another one"}})
    asking.start()
    provider.misbehave("status")
    pay(asking, provider, "INV-1")
    assert asking.log.wait("ask_failed")
    gone = asking.merchants.pop(callbacks.MERCHANT)
    token = asking.tokens.pop("for-" + callbacks.MERCHANT)
    asking.reload()
    provider.behave()
    assert states(asking) == (1, 0, 0, 0)
    asking.merchants[callbacks.MERCHANT] = gone
    asking.tokens["for-" + callbacks.MERCHANT] = token
    asking.reload()
    assert billing.wait_invoices(["INV-1"])
