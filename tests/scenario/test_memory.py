"""Asking SSLCommerz leaves no more of a payer behind than a callback does."""

import callbacks
import pytest
from gateway import SANITIZED, until
from memory import SEARCHABLE, Canaries, in_memory, memory_readable
from payments import states

WIDE = ("edge", "asker")

pytestmark = pytest.mark.skipif(
    SANITIZED, reason="freed blocks stay in quarantine")


@pytest.fixture
def searched(make_gateway, billing, provider):
    """One edge, so that what is found has one place."""
    gateway = make_gateway(billing=billing, provider=provider,
                           prefix=SEARCHABLE,
                           limits={"edges": 1, "ask_timeout": "1s"})
    gateway.checker = gateway.add_token("checker", "testbox", "check")
    gateway.start()
    if not memory_readable(gateway):
        pytest.skip("the memory of other processes is root's to read")
    return gateway


def call_back(gateway, provider, canaries, invoice, happened=True):
    pairs = canaries.fields(invoice)
    if happened:
        provider.ledger.enter("testbox", {
            k: v for k, v in pairs if not k.startswith("verify_")})
    body = callbacks.encode(pairs)
    assert gateway.post(body).status == 200


def test_a_payment_that_waits_is_in_the_asker_only(searched, provider):
    """By its val_id, and by nothing else; also the control of the others."""
    canaries = Canaries()
    provider.misbehave("status")
    call_back(searched, provider, canaries, "INV-1")
    assert searched.log.wait("ask_failed")
    until(lambda: set(in_memory(searched, canaries)) == {"asker"})
    found = in_memory(searched, canaries)["asker"]
    val_id = next(iter(provider.questions)).value.encode()
    assert all(piece in val_id for piece in found), "more than the val_id"


ENDS = {  # a kind of answer: what the payment becomes
    "ok": (0, 0, 0, 1),
    "amount": (0, 1, 0, 0),
    "risk": (0, 1, 0, 0),
    "failed": (0, 0, 1, 0),
}


# proves: R10
@pytest.mark.parametrize("kind", ENDS)
def test_nothing_stays_of_an_answer_that_decided(searched, provider, kind):
    canaries = Canaries()
    if kind != "ok":
        provider.misbehave(kind)
    call_back(searched, provider, canaries, "INV-1")
    until(lambda: states(searched) == ENDS[kind])
    until(lambda: in_memory(searched, canaries) == {})
    if kind == "failed":
        return  # that was asked by tran_id in the end, see below
    assert provider.questions[-1].by == "val_id"


@pytest.mark.parametrize("kind", ["cut", "slow", "doubled", "huge", "html"])
def test_nothing_stays_of_an_answer_that_was_none(searched, provider, kind):
    canaries = Canaries()
    provider.misbehave(kind, times=1, **(
        {"seconds": 2} if kind == "slow" else {}))
    call_back(searched, provider, canaries, "INV-1")
    assert searched.log.wait("ask_failed")
    until(lambda: states(searched) == (0, 0, 0, 1))
    until(lambda: in_memory(searched, canaries) == {})


def test_nothing_stays_of_a_question_by_tran_id(searched, provider):
    canaries = Canaries()
    provider.misbehave("html", times=1)
    call_back(searched, provider, canaries, "INV-1")
    assert searched.log.wait("ask_failed")
    searched.kill("asker")
    until(lambda: states(searched) == (0, 0, 0, 1))
    assert provider.questions[-1].by == "tran_id"
    until(lambda: in_memory(searched, canaries) == {})


def test_nothing_stays_of_a_check(searched, provider):
    canaries = Canaries()
    pairs = dict(canaries.fields("INV-1"))
    provider.ledger.enter("testbox", {
        k: v for k, v in pairs.items() if not k.startswith("verify_")})
    answer = searched.api("/v1/invoices/INV-1/check", searched.checker,
                          "POST")
    assert answer.status == 200
    until(lambda: in_memory(searched, canaries) == {})


def test_nothing_stays_of_a_callback_that_comes_again(searched, provider):
    canaries = Canaries()
    pairs = canaries.fields("INV-1")
    provider.ledger.enter("testbox", {
        k: v for k, v in pairs if not k.startswith("verify_")})
    assert searched.post(callbacks.encode(pairs)).status == 200
    until(lambda: states(searched) == (0, 0, 0, 1))
    assert searched.post(callbacks.encode(pairs)).status == 200
    assert searched.log.wait("callback", outcome="duplicate")
    until(lambda: in_memory(searched, canaries) == {})


def test_a_forgery_leaves_its_val_id_nowhere(searched, provider):
    canaries = Canaries()
    call_back(searched, provider, canaries, "INV-1", happened=False)
    until(lambda: states(searched) == (0, 0, 1, 0))
    until(lambda: in_memory(searched, canaries) == {})


def test_the_wide_rooms_are_set_up_to_forget(searched):
    for pid, role in searched.rooms().items():
        with open(f"/proc/{pid}/environ", "rb") as file:
            environ = file.read().split(b"\0")
        assert (b"LD_BIND_NOW=1" in environ) == (role in WIDE), role


def test_a_provider_with_a_name_is_found_behind_the_walls(
        make_gateway, billing, provider):
    gateway = make_gateway(billing=billing, provider=provider)
    gateway.provider_options["provider_url"] = provider.base_url("localhost")
    gateway.start()
    call_back(gateway, provider, Canaries(), "INV-1")
    assert billing.wait_invoices(["INV-1"])
