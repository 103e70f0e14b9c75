"""Billing's side: who may read what, and pages without gaps."""

import threading
import time

import callbacks
import pytest
from gateway import PATIENCE, until
from schema import validate


def paid(merchant, invoice):
    return callbacks.encode(callbacks.signed(
        callbacks.genuine(invoice, merchant), "password-of-" + merchant))


@pytest.fixture
def two_shops(make_gateway):
    shops = {name: {"password": "password-of-" + name}
             for name in ("first", "second")}
    gateway = make_gateway(merchants=shops).start()
    with gateway.client() as client:
        for n in range(11):
            for shop in shops:
                body = paid(shop, f"{shop}-{n}")
                assert client.post(body, shop).status == 200
    return gateway


@pytest.mark.parametrize("authorization", [
    None, "", "Bearer", "Bearer ", "Bearer wrong", "Basic Zmlyc3Q6eA==",
    "Bearer " + "a" * 300, "Bearer a b"])
@pytest.mark.parametrize("target", [
    "/v1/receipts", "/v1/receipts/rcpt_aaaaaaaaaaaaaaaaaaaaaaaaaa"])
def test_without_a_valid_token_nothing_is_told(
        two_shops, authorization, target):
    fields = {} if authorization is None else {"Authorization": authorization}
    answer = two_shops.api(target, headers=fields)
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    validate(answer.json(), "problem")
    assert "first-" not in answer.body.decode()


def test_a_token_opens_its_own_merchants_receipts_only(two_shops):
    mine = two_shops.receipts(two_shops.token("first"))
    others = two_shops.receipts(two_shops.token("second"))
    assert {r["invoice_id"] for r in mine} == {
        f"first-{n}" for n in range(11)}
    assert {r["invoice_id"] for r in others} == {
        f"second-{n}" for n in range(11)}
    token = two_shops.token("first")
    assert two_shops.api("/v1/receipts/" + mine[0]["id"], token).status == 200
    answer = two_shops.api("/v1/receipts/" + others[0]["id"], token)
    assert answer.status == 404
    validate(answer.json(), "problem")
    assert two_shops.receipts(token, invoice_id="second-1") == []


def test_a_token_without_the_scope_is_refused(make_gateway):
    gateway = make_gateway()
    token = gateway.add_token("erases", callbacks.MERCHANT, "erase")
    gateway.start()
    answer = gateway.api("/v1/receipts", token)
    assert answer.status == 403
    validate(answer.json(), "problem")


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 11, 1000])
def test_pages_of_any_size_have_no_gap_and_no_double(two_shops, limit):
    pages = list(two_shops.pages(two_shops.token("first"), limit=limit))
    for page in pages:
        validate(page, "page")
        assert len(page["receipts"]) <= limit
    invoices = [r["invoice_id"] for p in pages for r in p["receipts"]]
    assert invoices == [f"first-{n}" for n in range(11)]
    assert [p["more"] for p in pages] == [True] * (len(pages) - 1) + [False]


def test_a_cursor_goes_on_where_it_stood_after_a_restart(two_shops):
    token = two_shops.token("first")
    [*_, last] = two_shops.pages(token)
    assert two_shops.stop() == 0
    two_shops.start()
    two_shops.post(paid("first", "later"), "first")
    page = two_shops.api("/v1/receipts?after=" + last["next"], token).json()
    assert [r["invoice_id"] for r in page["receipts"]] == ["later"]


@pytest.mark.parametrize("query", [
    "after=nonsense", "after=", "limit=0", "limit=1001", "limit=-1",
    "limit=1&limit=2", "limit=x", "unknown=1", "wait=x", "wait=1000",
    "limit", "limit=%zz", "invoice_id=%00"])
def test_a_bad_parameter_is_answered_400(two_shops, query):
    answer = two_shops.api("/v1/receipts?" + query, two_shops.token("first"))
    assert answer.status == 400
    validate(answer.json(), "problem")


@pytest.mark.parametrize("letter", range(0, 28, 5))
def test_a_cursor_with_a_wrong_letter_is_refused(two_shops, letter):
    token = two_shops.token("first")
    page = two_shops.api("/v1/receipts?limit=1", token).json()
    text = page["next"]
    wrong = text[:letter] + ("A" if text[letter] != "A" else "B") + \
        text[letter + 1:]
    status = two_shops.api("/v1/receipts?after=" + wrong, token).status
    assert status in (400, 410)


def test_a_cursor_of_another_store_is_answered_410(two_shops, make_gateway):
    other = make_gateway(merchants=two_shops.merchants).start()
    other.post(paid("first", "x"), "first")
    [page] = other.pages(other.token("first"))
    answer = two_shops.api("/v1/receipts?after=" + page["next"],
                           two_shops.token("first"))
    assert answer.status == 410
    validate(answer.json(), "problem")


def test_a_waiting_poll_is_answered_when_a_receipt_comes(gateway):
    answers = []
    asked = threading.Thread(target=lambda: answers.append(
        gateway.api("/v1/receipts?wait=60", gateway.token())))
    asked.start()
    until(lambda: gateway.metrics()["paysieve_polls_waiting"] == 1)
    begun = time.monotonic()
    gateway.post(callbacks.paid("INV-1"))
    asked.join(2 * PATIENCE)
    assert not asked.is_alive()
    assert time.monotonic() - begun < 55  # by the receipt, not by its end
    assert [r["invoice_id"] for r in answers[0].json()["receipts"]] == [
        "INV-1"]


def test_a_waiting_poll_ends_empty_when_nothing_comes(gateway):
    page = gateway.api("/v1/receipts?wait=1", gateway.token()).json()
    validate(page, "page")
    assert page["receipts"] == [] and page["more"] is False


@pytest.mark.parametrize("method, target, status", [
    ("POST", "/v1/receipts", 405), ("PUT", "/v1/receipts/x", 405),
    ("GET", "/v1/nothing", 404), ("GET", "/metrics", 404),
    ("GET", "/", 404), ("HEAD", "/v1/receipts", 200)])
def test_other_methods_and_addresses_are_refused(
        gateway, method, target, status):
    answer = gateway.api(target, gateway.token(), method)
    assert answer.status == status
    if status == 405:
        assert "GET" in answer.headers["Allow"]
    if method == "HEAD":
        assert answer.body == b""
    else:
        validate(answer.json(), "problem")


def test_nobody_may_keep_a_copy_of_an_answer(gateway):
    answer = gateway.api("/v1/receipts", gateway.token())
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"


# proves: R35
def test_who_reads_is_logged_and_what_was_read_is_not(gateway):
    gateway.post(callbacks.paid("INV-READ"))
    [receipt] = gateway.receipts()
    mark = gateway.log.mark()
    token = gateway.token()
    gateway.api("/v1/receipts/" + receipt["id"], token)
    gateway.api("/v1/receipts?invoice_id=INV-READ", token)
    for route in ("/v1/receipts/*", "/v1/receipts"):
        line = gateway.log.wait("api", after=mark, route=route)
        assert line["token"] and not any(
            str(part) in str(line) for part in receipt.values())
