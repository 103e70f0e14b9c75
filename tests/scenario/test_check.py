"""A payment whose callback was lost is found by asking for it."""

import json

import callbacks
import pytest
from gateway import command
from payments import pay, states


@pytest.fixture
def checking(make_gateway, billing, provider):
    gateway = make_gateway(billing=billing, provider=provider,
                           limits={"ask_timeout": "2s"})
    gateway.checker = gateway.add_token("checker", callbacks.MERCHANT,
                                        "check")
    return gateway.start()


def check(gateway, invoice, **query):
    text = "".join(f"?{k}={v}" for k, v in query.items())
    return gateway.api(f"/v1/invoices/{invoice}/check{text}",
                       gateway.checker, "POST")


def test_a_lost_callback_becomes_the_receipt_that_it_would_have_been(
        checking, billing, provider):
    body = provider.ledger.body(provider.ledger.pay("INV-1"))
    answer = check(checking, "INV-1")
    assert answer.status == 200
    assert answer.json()["state"] == "confirmed"
    [receipt] = answer.json()["receipts"]
    assert receipt["amount"] == "1150.00"
    assert receipt["paid_at"] == "2025-12-02T06:30:45Z"
    assert billing.wait_invoices(["INV-1"])
    assert checking.log.wait("found")["receipt"] == receipt["id"]
    # the callback comes late, and changes nothing
    assert checking.post(body).status == 200
    assert checking.receipts() == [receipt]
    again = check(checking, "INV-1")
    assert (again.status, again.json()) == (200, answer.json())
    assert states(checking) == (0, 0, 0, 1)
    # it has the id that the callback would have given it
    other = checking.api("/v1/receipts/" + receipt["id"], checking.token())
    assert other.json() == receipt


def test_the_id_is_that_of_the_callback(
        checking, make_gateway, billing, provider):
    pay(checking, provider, "INV-1")
    assert billing.wait_invoices(["INV-1"])
    [by_callback] = checking.receipts()
    key = (checking.dir / "identity.key").read_text().strip()
    second = make_gateway(provider=provider, identity_key=key)
    second.checker = second.add_token("checker", callbacks.MERCHANT, "check")
    second.start()
    [by_check] = check(second, "INV-1").json()["receipts"]
    del by_callback["received_at"], by_check["received_at"]
    assert by_check == by_callback


def test_an_invoice_that_nobody_paid_is_not_found(
        checking, billing, provider):
    provider.ledger.pay("INV-1", status="FAILED")
    for invoice in ("INV-1", "INV-2"):
        answer = check(checking, invoice)
        assert answer.status == 404
        assert answer.json()["type"].endswith(":no-payment")
    assert states(checking) == (0, 0, 0, 0)


def test_while_sslcommerz_is_silent_the_answer_is_not_decided(
        checking, provider):
    provider.misbehave("status")
    answer = check(checking, "INV-1")
    assert answer.status == 202
    assert answer.json() == {"invoice_id": "INV-1", "state": "unanswered"}
    assert answer.headers["Retry-After"]
    provider.behave()


def test_a_receipt_that_is_there_is_found_though_sslcommerz_is_silent(
        checking, billing, provider):
    pay(checking, provider, "INV-1")
    assert billing.wait_invoices(["INV-1"])
    provider.misbehave("status")
    answer = check(checking, "INV-1")
    assert (answer.status, answer.json()["state"]) == (200, "confirmed")
    assert answer.json()["receipts"] == checking.receipts()
    done = command("--config", checking.conf, "check-invoice",
                   callbacks.MERCHANT, "INV-1")
    assert done.returncode == 0, done.stderr
    assert [json.loads(done.stdout)] == checking.receipts()


def test_a_risky_payment_that_is_found_is_held(checking, billing, provider):
    provider.ledger.pay("INV-1")
    provider.misbehave("risk")
    answer = check(checking, "INV-1")
    assert (answer.status, answer.json()["state"]) == (202, "held")
    assert states(checking) == (0, 1, 0, 0)
    assert billing.requests == []


def test_a_check_confirms_what_waits(checking, billing, provider):
    provider.misbehave("html", times=1)
    pay(checking, provider, "INV-1")
    assert checking.log.wait("ask_failed")
    assert check(checking, "INV-1").status == 200
    assert billing.wait_invoices(["INV-1"])
    assert states(checking) == (0, 0, 0, 1)


def test_a_check_finds_what_was_refused_too_early(
        checking, billing, provider):
    provider.misbehave("unknown")
    pay(checking, provider, "INV-1")
    assert checking.log.wait("refused")
    provider.behave()
    assert check(checking, "INV-1").status == 200
    assert billing.wait_invoices(["INV-1"])
    assert states(checking) == (0, 0, 0, 1)


def test_every_payment_of_an_invoice_is_found(checking, billing, provider):
    for val_id in ("251202123045FIRST", "251202123045SECOND"):
        provider.ledger.pay("INV-1", val_id=val_id)
    answer = check(checking, "INV-1")
    assert len(answer.json()["receipts"]) == 2


def test_an_invoice_id_with_odd_letters_is_percent_encoded(
        checking, provider):
    provider.ledger.pay("A/B #1+2")
    answer = check(checking, "A%2FB%20%231%2B2")
    assert answer.status == 200
    assert answer.json()["receipts"][0]["invoice_id"] == "A/B #1+2"


def test_where_the_invoice_id_is_another_field_tran_id_is_needed(
        make_gateway, provider):
    gateway = make_gateway(provider=provider, merchants={
        callbacks.MERCHANT: {"password": callbacks.PASSWORD,
                             "invoice_field": "value_b"}})
    gateway.checker = gateway.add_token("checker", callbacks.MERCHANT,
                                        "check")
    gateway.start()
    provider.ledger.pay("ORDER-7", value_b="BILL-7")
    assert check(gateway, "BILL-7").status == 400
    assert check(gateway, "BILL-8", tran_id="ORDER-7").status == 404
    assert check(gateway, "BILL-7", tran_id="ORDER-7").status == 200
    assert [r["invoice_id"] for r in gateway.receipts()] == ["BILL-7"]


def test_another_scope_may_not_check(checking):
    answer = checking.api("/v1/invoices/INV-1/check", checking.token(),
                          "POST")
    assert answer.status == 403


def test_the_command_line_checks_too(checking, billing, provider):
    provider.ledger.pay("INV-1")

    def run(*args):
        return command("--config", checking.conf, "check-invoice", *args)

    done = run(callbacks.MERCHANT, "INV-1")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["invoice_id"] == "INV-1"
    assert billing.wait_invoices(["INV-1"])
    done = run(callbacks.MERCHANT, "INV-2")
    assert (done.returncode, done.stdout) == (1, "") and done.stderr
    checking.stop()
    done = run(callbacks.MERCHANT, "INV-1")
    assert done.returncode == 1 and "run" in done.stderr


def test_the_command_line_blames_nobody_falsely(checking, provider):
    def words(*args):
        done = command("--config", checking.conf, "check-invoice", *args)
        assert (done.returncode, done.stdout) == (1, "")
        return done.stderr
    assert "knows no paid payment" in words(callbacks.MERCHANT, "INV-1")
    checking.merchants["newshop"] = {"password": "made-up"}
    checking.write()  # and nobody says SIGHUP
    assert "does not know this merchant" in words("newshop", "INV-1")
    provider.misbehave("credentials")
    assert "store password" in words(callbacks.MERCHANT, "INV-1")
    assert checking.log.wait("locked_out")
    checking.kill("supervisor")  # its control socket stays
    checking.ended()
    done = command("--config", checking.conf, "held", "release",
                   "rcpt_" + "a" * 26)
    assert done.returncode == 1
    assert "no such held payment" in done.stderr
