"""Invoice IDs that look like a card number, an e-mail address or a mobile
number, from end to end."""

import callbacks
import pytest
from gateway import until
from payments import pay, states

CARD = "4111111111111111"


def guarded(gateway, room):
    return gateway.metrics()[
        f'paysieve_invoices_guarded_total{{room="{room}"}}']


# proves: R4 R5 R40
@pytest.mark.parametrize("shape, text", [
    ("card", CARD), ("card", "INV-4111 1111-1111.1111"),
    ("email", "anwara@example.com"), ("phone", "+880 1711-000042")])
def test_such_an_invoice_id_is_refused_with_an_alarm(gateway, shape, text):
    body = callbacks.paid(text)
    answer = gateway.post(body)
    assert answer.status == 403
    assert text.encode() not in answer.body
    alarm = gateway.log.wait("invoice_guarded")
    assert alarm["level"] == "error"
    assert alarm["merchant"] == callbacks.MERCHANT
    assert alarm["reason"] == "invoice_" + shape
    assert (guarded(gateway, "edge"), guarded(gateway, "keeper")) == (1, 0)
    assert gateway.metrics()["paysieve_callbacks_refused_total"
                             f'{{reason="invoice_{shape}"}}'] == 1
    assert gateway.receipts() == []
    assert text.encode() not in gateway.log.raw


def answered(gateway, body, status):
    """An edge from before a reload may still have taken the connection."""
    return until(lambda: gateway.post(body).status == status)


def test_the_operator_can_switch_the_guard_off_and_on(gateway):
    body = callbacks.paid(CARD)
    options = gateway.merchants[callbacks.MERCHANT]
    assert gateway.post(body).status == 403
    options["invoice_guard"] = "off"
    gateway.reload()
    assert answered(gateway, body, 200)
    [receipt] = gateway.receipts()
    assert receipt["invoice_id"] == CARD
    options["invoice_guard"] = "on"
    gateway.reload()
    assert answered(gateway, body, 403)
    assert gateway.receipts() == [receipt]


# proves: R4
def test_what_sslcommerz_calls_it_is_not_kept_either(
        make_gateway, billing, provider):
    asking = make_gateway(billing=billing, provider=provider, merchants={
        callbacks.MERCHANT: {"password": callbacks.PASSWORD,
                             "invoice_field": "value_a"}}).start()
    fields = callbacks.genuine("ORDER-1", value_a="BILL-1")
    body = provider.ledger.body(fields)
    provider.ledger.enter(callbacks.MERCHANT, {**fields, "value_a": CARD})
    assert asking.post(body).status == 200
    assert asking.log.wait("held", reason="invoice_guard")
    assert states(asking) == (0, 1, 0, 0)
    assert asking.rows(
        "select answered_invoice_id from waiting") == [(None,)]
    assert CARD.encode() not in asking.log.raw


def test_nobody_is_asked_about_such_a_number(make_gateway, provider):
    asking = make_gateway(provider=provider)
    checker = asking.add_token("checker", callbacks.MERCHANT, "check")
    asking.start()
    answer = asking.api(f"/v1/invoices/{CARD}/check", checker, "POST")
    assert answer.status == 404
    assert provider.questions == []
    pay(asking, provider, "INV-1")
