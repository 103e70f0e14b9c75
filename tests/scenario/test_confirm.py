"""A payment counts once SSLCommerz confirms it, however it answers."""

import threading

import callbacks
import certs
import pytest
from gateway import until
from payments import pay, states
from sslcommerz import SSLCommerz
from stub_server import tls_context


def test_a_confirmed_payment_becomes_a_receipt_and_is_delivered(
        asking, billing, provider):
    pay(asking, provider, "INV-1")
    assert billing.wait_invoices(["INV-1"])
    [receipt] = asking.receipts()
    assert billing.receipts == {receipt["id"]: receipt}
    assert states(asking) == (0, 0, 0, 1)
    [question] = provider.questions
    assert (question.by, question.admitted) == ("val_id", "DONE")
    moves = {k: v for k, v in asking.metrics().items()
             if k.startswith("paysieve_payment_moves_total") and v}
    assert moves == {
        'paysieve_payment_moves_total{from="absent",to="waiting"}': 1,
        'paysieve_payment_moves_total{from="waiting",to="confirmed"}': 1}


def test_nothing_is_a_receipt_before_it_is_confirmed(
        asking, billing, provider):
    provider.misbehave("silent")
    pay(asking, provider, "INV-1")
    assert provider.wait_asked(1)
    assert asking.receipts() == []
    assert billing.requests == []
    assert states(asking) == (1, 0, 0, 0)


# How SSLCommerz misbehaves at first; in the end it answers as it should.
PASSING = ["slow", "silent", "cut", "html", "status", "empty", "xml",
           "doubled", "huge", "down", "limited", "pending"]


@pytest.mark.parametrize("kind", PASSING)
def test_after_a_misbehaviour_the_payment_is_confirmed(
        make_gateway, billing, provider, kind):
    asking = make_gateway(billing=billing, provider=provider,
                          limits={"ask_timeout": "1s"}).start()
    more = {"fields": {"Retry-After": "1"}} if kind == "limited" else {}
    provider.misbehave(kind, **more, **{"seconds": 3} if kind == "slow"
                       else {})
    pay(asking, provider, "INV-1")
    failed = asking.log.wait("ask_failed", attempt=1)
    assert failed is not None
    assert states(asking) == (1, 0, 0, 0)
    provider.behave()
    assert billing.wait_invoices(["INV-1"])
    assert states(asking) == (0, 0, 0, 1)
    assert len(asking.receipts()) == 1


# What is as good as the documented answer.
ODD = ["gzip", "bom", "object", "numbers"]


@pytest.mark.parametrize("by", ["val_id", "tran_id"])
@pytest.mark.parametrize("kind", ODD)
def test_an_odd_but_clear_answer_is_understood(
        make_gateway, billing, provider, kind, by):
    asking = make_gateway(billing=billing, provider=provider).start()
    if by == "tran_id":
        provider.misbehave("html", times=1)
        pay(asking, provider, "INV-1")
        assert asking.log.wait("ask_failed")
        asking.kill("asker")
    provider.misbehave(kind)
    if by == "val_id":
        pay(asking, provider, "INV-1")
    assert billing.wait_invoices(["INV-1"])
    assert provider.asked(mode=kind)[-1].by == by


# What it says of a payment that was claimed otherwise, and why it is held.
DISAGREEING = {"amount": "amount", "currency": "currency",
               "invoice": "invoice_id", "payment": "payment",
               "risk": "risk"}


@pytest.mark.parametrize("kind", DISAGREEING)
def test_a_payment_that_differs_or_is_risky_is_held(
        asking, billing, provider, kind):
    provider.misbehave(kind)
    pay(asking, provider, "INV-1")
    held = asking.log.wait("held")
    assert held["reason"] == DISAGREEING[kind]
    assert states(asking) == (0, 1, 0, 0)
    assert asking.receipts() == [] and billing.requests == []
    provider.behave()  # it is a person's now
    pay(asking, provider, "INV-2")
    assert billing.wait_invoices(["INV-2"])
    assert states(asking) == (0, 1, 0, 1)


def test_an_answer_about_another_store_makes_no_receipt(
        asking, billing, provider):
    provider.misbehave("store")
    pay(asking, provider, "INV-1")
    assert asking.log.wait("ask_failed", "held")
    assert asking.receipts() == [] and billing.requests == []


def test_valid_and_then_validated_both_mean_paid(asking, billing, provider):
    fields = provider.ledger.pay("INV-1")
    # somebody else has asked before
    assert provider.ledger.by_val_id(
        callbacks.MERCHANT, fields["val_id"])["status"] == "VALID"
    assert asking.post(provider.ledger.body(fields)).status == 200
    assert billing.wait_invoices(["INV-1"])


@pytest.mark.parametrize("kind", ["unknown", "failed"])
def test_a_payment_that_is_denied_again_and_again_is_refused(
        asking, billing, provider, kind):
    provider.misbehave(kind)
    pay(asking, provider, "INV-1")
    refused = asking.log.wait("refused")
    assert refused is not None
    assert len(provider.questions) >= 3
    assert states(asking) == (0, 0, 1, 0)
    assert asking.receipts() == [] and billing.requests == []
    # and its callback, sent again, changes nothing
    provider.behave()
    body = provider.ledger.body(callbacks.genuine("INV-1"))
    assert asking.post(body).status == 200
    assert states(asking) == (0, 0, 1, 0)


def test_a_payment_unknown_at_first_and_known_later_is_confirmed(
        asking, billing, provider):
    provider.misbehave("unknown", times=2)
    pay(asking, provider, "INV-1")
    assert asking.log.wait("ask_denied")
    assert billing.wait_invoices(["INV-1"])
    assert states(asking) == (0, 0, 0, 1)


def test_of_several_attempts_the_one_is_meant_that_was_called_back(
        make_gateway, billing, provider):
    asking = make_gateway(billing=billing, provider=provider).start()
    provider.misbehave("html", times=1)
    provider.ledger.pay("INV-1", status="FAILED")
    provider.ledger.pay("INV-1", val_id="251202123045FIRST",
                        amount="999.00", currency_amount="999.00")
    pay(asking, provider, "INV-1", val_id="251202123045SECOND")
    assert asking.log.wait("ask_failed")
    asking.kill("asker")  # val_id is gone with it
    assert billing.wait_invoices(["INV-1"])
    [receipt] = asking.receipts()
    assert receipt["amount"] == "1150.00"
    assert provider.questions[-1].by == "tran_id"


def test_an_expired_certificate_is_not_asked(
        make_gateway, billing, keys, tmp_path):
    (tmp_path / "old").mkdir()
    cert, key = certs.make(tmp_path / "old", "provider", days=-1)
    with SSLCommerz(tls_context(cert, key),
                    {callbacks.MERCHANT: callbacks.PASSWORD}) as provider:
        asking = make_gateway(billing=billing, provider=provider)
        asking.provider_options["provider_ca_file"] = (
            tmp_path / "old" / "ca.crt")
        asking.start()
        pay(asking, provider, "INV-1")
        assert asking.log.wait("ask_failed", reason="tls")
        assert provider.questions == []
        assert states(asking) == (1, 0, 0, 0)
        cert, key = certs.make(tmp_path / "old", "provider")
        provider.context.load_cert_chain(cert, key)
        assert billing.wait_invoices(["INV-1"])


# proves: R23
def test_a_strangers_certificate_gets_no_password(
        make_gateway, billing, keys, tmp_path):
    (tmp_path / "strangers").mkdir()
    cert, key = certs.make(tmp_path / "strangers", "provider")
    with SSLCommerz(tls_context(cert, key),
                    {callbacks.MERCHANT: callbacks.PASSWORD}) as stranger:
        asking = make_gateway(billing=billing, provider=stranger).start()
        pay(asking, stranger, "INV-1")
        assert asking.log.wait("ask_failed", reason="tls")
        assert stranger.questions == []


@pytest.mark.parametrize("kind", ["credentials", "inactive"])
def test_a_refused_password_is_an_alarm_and_payments_wait(
        make_gateway, billing, provider, kind):
    asking = make_gateway(billing=billing, provider=provider).start()
    provider.misbehave(kind)
    for n in range(5):
        pay(asking, provider, f"INV-{n}")
    alarm = asking.log.wait("locked_out")
    assert (alarm["merchant"], alarm["reason"]) == (callbacks.MERCHANT, kind)
    until(lambda: asking.admin("/readyz").json().get(
        "provider") == "locked_out")
    assert states(asking) == (5, 0, 0, 0)
    assert len(provider.questions) < 5  # no hammering
    assert asking.post(callbacks.paid("INV-9")).status == 200
    provider.behave()
    asking.reload()  # the operator has put it right
    assert billing.wait_invoices([f"INV-{n}" for n in range(5)])
    until(lambda: asking.admin("/readyz").json().get("provider") == "ok")


def test_the_second_of_two_passwords_is_tried(
        make_gateway, billing, provider):
    asking = make_gateway(billing=billing, provider=provider, merchants={
        callbacks.MERCHANT: {
            "password": "not-yet-known\n" + callbacks.PASSWORD}}).start()
    pay(asking, provider, "INV-1")
    assert billing.wait_invoices(["INV-1"])
    assert asking.log.find("locked_out") is None


def test_silence_for_as_long_as_confirm_for_holds_the_payment(
        make_gateway, billing, provider):
    asking = make_gateway(billing=billing, provider=provider,
                          limits={"ask_timeout": "1s"})
    asking.provider_options["confirm_for"] = "2s"
    asking.start()
    provider.misbehave("status")
    pay(asking, provider, "INV-1")
    assert asking.log.wait("held", reason="no_answer")
    assert states(asking) == (0, 1, 0, 0)


def test_a_redirect_is_not_followed(make_gateway, billing, provider):
    asking = make_gateway(billing=billing, provider=provider).start()
    provider.misbehave("status", status=302,
                       fields={"Location": provider.url + "/elsewhere"})
    pay(asking, provider, "INV-1")
    assert asking.log.wait("ask_failed", reason="status")
    assert {q.path for q in provider.questions} == {
        "/validator/api/validationserverAPI.php"}


def test_an_invoice_id_in_another_field_is_asked_about_by_tran_id(
        make_gateway, billing, provider):
    asking = make_gateway(billing=billing, provider=provider, merchants={
        callbacks.MERCHANT: {"password": callbacks.PASSWORD,
                             "invoice_field": "value_a"}}).start()
    provider.misbehave("html", times=1)
    pay(asking, provider, "ORDER-1", value_a="BILL-1")
    assert asking.log.wait("ask_failed")
    assert asking.rows("select tran_id from waiting") == [("ORDER-1",)]
    asking.kill("asker")
    assert billing.wait_invoices(["BILL-1"])
    assert provider.questions[-1].by == "tran_id"
    assert asking.rows("select count(*) from waiting") == [(0,)]


def test_two_stores_do_not_wait_for_each_other(
        make_gateway, billing, keys):
    stores = {"shop-a": "password of a", "shop-b": "password & of b%41"}
    with SSLCommerz(tls_context(*keys.provider), stores) as provider:
        asking = make_gateway(billing=billing, provider=provider, merchants={
            name: {"password": text} for name, text in stores.items()})
        asking.start()
        provider.ledger.stores["shop-a"].active = False
        for store in stores:
            body = provider.ledger.body(
                provider.ledger.pay("INV-" + store, store))
            assert asking.post(body, store).status == 200
        assert billing.wait_invoices(["INV-shop-b"])
        assert asking.log.wait("locked_out", merchant="shop-a")
        assert "INV-shop-a" not in billing.invoices


def test_a_silent_provider_does_not_stop_another(
        make_gateway, billing, keys):
    context = tls_context(*keys.provider)
    with SSLCommerz(context, {"shop-a": "a"}) as silent, \
            SSLCommerz(context, {"shop-b": "b"}) as other:
        asking = make_gateway(
            billing=billing, provider=other, limits={"asks_in_flight": 2},
            merchants={"shop-a": {"password": "a",
                                  "provider_url": silent.url},
                       "shop-b": {"password": "b"}}).start()
        silent.misbehave("silent")
        for n in range(5):
            body = silent.ledger.body(silent.ledger.pay(f"A-{n}", "shop-a"))
            assert asking.post(body, "shop-a").status == 200
        assert silent.wait_asked(2)
        for n in range(5):
            body = other.ledger.body(other.ledger.pay(f"B-{n}", "shop-b"))
            assert asking.post(body, "shop-b").status == 200
        assert billing.wait_invoices([f"B-{n}" for n in range(5)])
        assert len(silent.questions) == 2


def test_payments_that_wait_are_asked_about_after_confirm_was_set_off(
        asking, billing, provider):
    provider.misbehave("status")
    pay(asking, provider, "INV-1")
    assert asking.log.wait("ask_failed")
    asking.merchants[callbacks.MERCHANT]["confirm"] = "off"
    asking.reload()
    assert states(asking) == (1, 0, 0, 0)
    provider.misbehave("unknown", value="INV-1")
    assert asking.log.wait("refused")
    assert asking.receipts() == [] and billing.requests == []


def test_a_callback_while_its_invoice_is_checked_is_one_receipt(
        make_gateway, billing, provider):
    asking = make_gateway(billing=billing, provider=provider)
    token = asking.add_token("checker", callbacks.MERCHANT, "check")
    asking.start()
    provider.misbehave("slow", seconds=0.3)
    for n in range(10):
        fields = provider.ledger.pay(f"INV-{n}")
        answers = []
        checker = threading.Thread(target=lambda n=n: answers.append(
            asking.api(f"/v1/invoices/INV-{n}/check", token, "POST")))
        checker.start()
        assert provider.wait_asked(len(provider.questions) + 1)
        assert asking.post(provider.ledger.body(fields)).status == 200
        checker.join()
        assert answers[0].status == 200
    assert billing.wait_invoices([f"INV-{n}" for n in range(10)])
    until(lambda: states(asking) == (0, 0, 0, 10))
    assert len(asking.receipts()) == 10
