"""Every raw request of fixtures/http, whole and in pieces."""

import socket
from dataclasses import replace

import pytest

import http_corpus
from gateway import Gateway

CASES = http_corpus.cases()


@pytest.fixture(scope="module")
def strict(tmp_path_factory, keys):
    """One gateway for all; every room has to outlive them."""
    running = Gateway(tmp_path_factory.mktemp("corpus"), keys,
                      limits={"edges": 1, "idle_timeout": "1h"}).start()
    rooms = running.rooms()
    yield running
    assert running.rooms() == rooms
    assert len(running.receipts()) == 1
    assert running.stop() == 0
    assert running.log.noise == []


def said(gateway, case, piece=None):
    data = case.data + (http_corpus.PROBE if case.open else b"")
    with gateway.open() as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        got = http_corpus.converse(client, data, piece)
    return http_corpus.answers(got, case.head)


def wanted(case):
    return case.statuses + ((200,) if case.open else ())


def fits(got, case, cut):
    """Whoever sends body and head at once needs no 100.  What is refused
    before its body is there ends the connection."""
    if not cut:
        return got == tuple(s for s in wanted(case) if s != 100)
    refused = next((n for n, s in enumerate(case.statuses, 1) if s >= 400), 0)
    return got == wanted(case) or (
        case.open and refused > 0 and got == case.statuses[:refused])


# proves: R30
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_request_is_answered_as_its_case_says(strict, case):
    assert fits(said(strict, case), case, False)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_and_no_differently_in_pieces(strict, case):
    got = said(strict, case, max(5, len(case.data) // 200))
    assert fits(got, case, True)


@pytest.mark.parametrize("changed", [
    {"statuses": (400,)}, {"statuses": (200, 200)}])
def test_a_case_that_says_something_else_is_seen(strict, changed):
    [plain] = [c for c in CASES if c.name == "request-line/plain"]
    assert fits(said(strict, plain), plain, False)
    wrong = replace(plain, **changed)
    assert not fits(said(strict, wrong), wrong, False)


def test_the_corpus_is_whole():
    assert len(CASES) >= 300
    assert len({case.name for case in CASES}) == len(CASES)
    assert len({case.data for case in CASES}) == len(CASES)
