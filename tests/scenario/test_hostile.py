"""Hostile peers: nothing of a payer stays, nothing is forged, nothing dies."""

import os
import re
import signal
import socket
import warnings
from urllib.parse import quote_plus

import callbacks
import pytest
from gateway import FORM, PATIENCE, Gateway, SANITIZED, until
from memory import SEARCHABLE, Canaries, in_memory, memory_readable

LINE = "POST /ipn/testbox HTTP/1.1"


def request(body, line=LINE, fields=(), content_type=FORM, length=None):
    lines = [line, "Host: localhost", "Content-Type: " + content_type,
             f"Content-Length: {len(body) if length is None else length}"]
    return "\r\n".join([*lines, *fields]).encode() + b"\r\n\r\n" + body


@pytest.fixture(scope="module")
def attacked(tmp_path_factory, keys):
    """One gateway for all attacks; every room has to outlive them."""
    running = Gateway(tmp_path_factory.mktemp("attacked"), keys,
                      prefix=SEARCHABLE,
                      limits={"edges": 1, "body_timeout": "60s"}).start()
    rooms = running.rooms()
    yield running
    assert running.rooms() == rooms
    assert running.stop() == 0
    assert running.log.find("room_died") is None
    assert running.log.noise == []


# ---- what stays of a payer

def forgotten(gateway, canaries):
    """Nothing is left, once the turn that sent the answer is over."""
    until(lambda: in_memory(gateway, canaries) == {})


def kept_open(gateway, data):
    """Send; the answer's status, and the connection, still open."""
    client = gateway.open()
    client.sendall(data)
    return int(client.recv(4096).split(b" ")[1]), client


def wrong(pairs, name, value):
    return callbacks.encode(
        [(n, value if n == name else v) for n, v in pairs])


def exits(c):
    """{how a request ends: (status, bytes)}"""
    ways = {
        "paid": (200, request(c.body("C-1"), fields=c.head())),
        "again": (200, request(c.body("C-1"), fields=c.head())),
        "not paid": (200, request(c.body("C-2", status="FAILED"))),
        "large": (200, request(callbacks.encode(callbacks.signed(dict(
            callbacks.genuine("C-3"), pad=c.new() * 900))))),
        "signature": (403, request(wrong(
            c.fields("C-4"), "verify_sign_sha2", "0" * 64))),
        "verify_key": (403, request(wrong(
            c.fields("C-4"), "verify_key", c.new()))),
        "field name": (403, request(
            c.body("C-4") + b"&" + c.new().encode() + b"=1")),
        "invoice": (403, request(c.body("C-4", tran_id=c.new() + "!"))),
        "date": (403, request(c.body("C-4", tran_date=c.new()))),
        "escape": (400, request(c.body("C-4") + b"&x=%zz")),
        "control": (400, request(c.body("C-4") + b"&x=%00")),
        "double": (400, request(c.body("C-4") + b"&amount=1")),
        "query": (400, request(c.body("C-4"), fields=c.head(),
                               line=LINE.replace(" H", f"?q={c.new()} H"))),
        "path": (404, request(c.body("C-4"), LINE.replace(
            "testbox", c.new()))),
        "method": (405, request(c.body("C-4"), LINE.replace(
            "POST", "PUT"))),
        "type": (415, request(c.body("C-4"), content_type=c.new())),
        "too large": (413, request(c.body("C-4"), length=70000)),
        "chunked": (411, request(c.body("C-4"), fields=[
            "Transfer-Encoding: chunked"])),
        "head": (431, request(b"", fields=[f"X: {c.new() * 300}"])),
        "target": (414, request(b"", LINE.replace("ipn", c.new() * 30))),
        "pipelined": (400, request(b"", fields=["Content-Length: 1"])
                      + request(c.body("C-5")) * 3),
        # One record, refused before it is read to its end.
        "unread": (404, request((c.new() * 190).encode(), LINE.replace(
            "testbox", "nobody"))),
    }
    return ways


# proves: R2 R10
def test_no_piece_of_a_payer_outlives_its_request(attacked):
    canaries = Canaries()
    readable = memory_readable(attacked) and not SANITIZED
    half = request(canaries.body("HALF"), fields=canaries.head())[:-9]
    if readable:
        with attacked.open() as client:  # the search does find
            client.sendall(half)
            until(lambda: "edge" in in_memory(attacked, canaries))
        forgotten(attacked, canaries)
    else:
        warnings.warn("memory was not searched: that takes root and a "
                      "binary without sanitizers")

    held = []
    for way, (status, data) in exits(canaries).items():
        answer, client = kept_open(attacked, data)
        held.append(client)
        assert answer == status, way
        if readable:
            forgotten(attacked, canaries)

    token = canaries.new()
    assert attacked.api("/v1/receipts", token).status == 401
    target = "/v1/receipts?after=" + canaries.new()
    assert attacked.api(target, attacked.token()).status == 400
    if readable:
        forgotten(attacked, canaries)
    attacked.admin("/metrics")
    for name, data in {**attacked.files(), "log": attacked.log.raw,
                       "metrics": attacked.admin("/metrics").body}.items():
        assert canaries.found(data) == [], name
    for client in held:
        client.close()


# proves: R2 R10
def test_no_piece_of_a_payer_outlives_its_time(make_gateway):
    gateway = make_gateway(prefix=SEARCHABLE, limits={
        "edges": 1, "body_timeout": "1s"}).start()
    canaries = Canaries()
    half = request(canaries.body("HALF"), fields=canaries.head())[:-9]
    cut = 'paysieve_connections_closed_total{reason="deadline_body"}'
    with gateway.open() as client:
        client.sendall(half)
        until(lambda: gateway.metrics()[cut] == 1)
        if memory_readable(gateway) and not SANITIZED:
            forgotten(gateway, canaries)
    for name, data in {**gateway.files(), "log": gateway.log.raw}.items():
        assert canaries.found(data) == [], name


@pytest.mark.skipif(SANITIZED, reason="freed blocks stay in quarantine")
def test_a_silent_store_holds_answers_but_no_payer(attacked):
    canaries = Canaries()
    [keeper] = attacked.rooms("keeper")
    taken = "paysieve_callback_fields_total"
    before = attacked.metrics()[taken]
    assert attacked.post(canaries.body("SPOKEN")).status == 200
    each = attacked.metrics()[taken] - before
    clients = [attacked.open() for _ in range(64)]
    os.kill(keeper, signal.SIGSTOP)
    try:
        for n, client in enumerate(clients):
            client.sendall(request(canaries.body(f"SILENT-{n}")))
        until(lambda: attacked.admin("/readyz").status == 503)
        until(lambda: attacked.metrics()[taken] == before + 65 * each)
        if memory_readable(attacked):
            forgotten(attacked, canaries)
        for client in clients:
            client.settimeout(0)
            with pytest.raises(OSError):  # nothing is acknowledged
                client.recv(1)
            client.settimeout(PATIENCE)
    finally:
        os.kill(keeper, signal.SIGCONT)
    for client in clients:
        assert client.recv(4096).startswith(b"HTTP/1.1 200")
        client.close()
    stored = {r["invoice_id"] for r in attacked.receipts()}
    assert {f"SILENT-{n}" for n in range(64)} <= stored


# ---- framing

BODY = callbacks.paid("FRAME")
TE = "Transfer-Encoding"

FRAMES = {
    "TE behind a tab": (411, [f"{TE}:\tchunked"], None),
    "TE before the colon": (400, [f"{TE} : chunked"], None),
    "TE of another name": (411, [f"{TE}: xchunked"], None),
    "TE: identity": (411, [f"{TE}: identity"], None),
    "TE behind a bare CR": (400, [f"X: y\r{TE}: chunked"], None),
    "TE behind a bare LF": (400, [f"X: y\n{TE}: chunked"], None),
    "TE folded": (400, ["X: y", f" {TE}: chunked"], None),
    "a second length": (400, [f"Content-Length: {len(BODY)}"], None),
    "a list of lengths": (400, (), f"{len(BODY)}, {len(BODY)}"),
    "a length with a blank": (400, (), "1 0"),
    "a length in hex": (400, (), "0x10"),
    "a negative length": (400, (), "-1"),
    "no length at all": (400, (), ""),
    "a length beyond 2^64": (400, (), str(2**64 + len(BODY))),
    "a length of 2^64 - 1": (413, (), str(2**64 - 1)),
    "a length that wraps the head": (413, (), str(2**64 - 200)),
    "a NUL in a field": (400, ["X: a\0b"], None),
    "a byte above ASCII": (400, ["X: \u00ff"], None),
    "a field without a colon": (400, ["X"], None),
    "a field without a name": (400, [": x"], None),
}


# proves: R30
@pytest.mark.parametrize("case", FRAMES)
def test_no_frame_hides_a_second_request(attacked, case):
    status, fields, length = FRAMES[case]
    data = request(BODY, fields=fields, length=length)
    answer, closed = attacked.raw(data + request(callbacks.paid("HIDDEN")))
    assert (answer.status, closed) == (status, True)
    assert attacked.receipts(invoice_id="HIDDEN") == []


@pytest.mark.parametrize("target", [
    "https://x/ipn/testbox", "/ipn/../ipn/testbox", "//ipn/testbox",
    "/ipn/%74estbox", "/ipn/testbox/", "/ipn/testbox;x=y", "/ipn/TESTBOX",
    "/ipn/testbox#x", "/ipn/testbox\0", "*"])
def test_a_path_has_one_spelling(attacked, target):
    answer, _ = attacked.raw(request(
        callbacks.paid("SPELT"), f"POST {target} HTTP/1.1"))
    assert answer.status in (400, 404)
    assert attacked.receipts(invoice_id="SPELT") == []


def test_a_thousand_in_a_row_are_answered_in_order(attacked):
    bad = request(wrong(callbacks.signed(callbacks.genuine("ROW")),
                        "amount", "1.00"))
    lost = request(BODY, LINE.replace("testbox", "nobody"))
    wanted = [(200, 403, 404)[n % 3] for n in range(1000)]
    parts = {403: bad, 404: lost}
    whole = [parts.get(status) or request(callbacks.paid(f"ROW-{n}"))
             for n, status in enumerate(wanted)]
    got, said = b"", []
    with attacked.open() as client:
        # A thread less: answers to forty wait in the kernel, which has room
        # for them.  Ten are one record, for one that is refused before all
        # of it has come ends its connection.
        for at in range(0, 1000, 40):
            for ten in range(at, at + 40, 10):
                client.sendall(b"".join(whole[ten:ten + 10]))
            while len(said) < at + 40:
                piece = client.recv(65536)
                assert piece, "closed"
                got += piece
                said = re.findall(rb"HTTP/1\.1 (\d+)", got)
    assert [int(s) for s in said] == wanted


@pytest.mark.skipif(SANITIZED, reason="some thousand round trips")
def test_a_request_may_be_cut_at_any_byte(attacked):
    data = request(callbacks.paid("CUT"))
    with attacked.open() as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at in range(1, len(data)):
            client.sendall(data[:at])
            client.sendall(data[at:])
            assert client.recv(4096).startswith(b"HTTP/1.1 200"), at
    assert len(attacked.receipts(invoice_id="CUT")) == 1


@pytest.mark.parametrize("noise", [
    b"\0" * 5000, b"\x16\x03\x01\xff\xff" + b"A" * 70000,
    b"\x15\x03\x03\0\x02\x01\0" * 500, b"\x14\x03\x03\0\x01\x01" * 200,
    b"\x17\x03\x03\0\0" * 2000, b"\x16\x03\x01\0\x05\x01\0\0\x01\0"])
def test_noise_instead_of_tls_ends_that_connection_alone(attacked, noise):
    host, port = attacked.listen["callbacks"].rsplit(":", 1)
    with attacked.open() as other:
        with socket.create_connection((host, int(port)),
                                      PATIENCE) as client:
            try:
                client.sendall(noise)
                while client.recv(4096):
                    pass
            except ConnectionError:
                pass
        other.sendall(request(BODY))
        assert other.recv(4096).startswith(b"HTTP/1.1 200")


# ---- forgeries: all without the password, from one genuine callback

def forged(names, **changed):
    """A FAILED payment's fields and digests under another verify_key."""
    fields = dict(callbacks.signed(callbacks.genuine(
        "FORGED", status="FAILED", value_a="x&status=VALID&value_b=y")))
    fields.update(changed)
    fields["verify_key"] = ",".join(
        n for n in fields["verify_key"].split(",") if n not in names)
    return list(fields.items())


def extended():
    """The digest of a longer text follows from that of a shorter one; the
    text would have to hold the digest's padding."""
    padding = "%80" + "%00" * 40
    pairs = callbacks.signed(callbacks.genuine("FORGED", value_d="x"))
    return "&".join(
        f"{n}={quote_plus(v)}" + (f"{padding}%26x" if n == "value_d" else "")
        for n, v in pairs).encode()


SPLICES = {
    "an unsigned status": forged({"status"}, status="VALID"),
    "a swallowed status": forged(
        {"status"}, status="VALID", risk_title="Safe&status=FAILED"),
    "a swallowed neighbour": forged(
        {"store_amount"}, status="VALID&store_amount=1121.25"),
    "a status out of payer's text": forged(
        (), value_a="x", status="VALID", value_b="y"),
    "a status twice": forged(()) + [("status", "VALID")],
    "a status in capitals": forged(()) + [("STATUS", "VALID")],
    "a status with a blank": forged(()) + [("status ", "VALID")],
    "a status with a NUL": forged(()) + [("status\0", "VALID")],
    "a status with a Cyrillic a": forged(()) + [("st\u0430tus", "VALID")],
    "a status of an array": forged(()) + [("status[]", "VALID")],
    "a password in the list": forged((), verify_key="store_passwd"),
    "an empty list": forged((), verify_key=""),
}


@pytest.mark.parametrize("case", SPLICES)
def test_a_splice_makes_no_receipt(attacked, case):
    answer = attacked.post(callbacks.encode(SPLICES[case]))
    assert answer.status in (400, 403)
    assert attacked.receipts(invoice_id="FORGED") == []


def test_a_name_in_another_encoding_is_the_same_name(attacked):
    body = callbacks.encode(forged(())) + b"&%73%74%61tus=VALID"
    assert attacked.post(body).status == 400
    assert attacked.receipts(invoice_id="FORGED") == []


def test_a_longer_text_cannot_be_signed_from_a_shorter(attacked):
    assert attacked.post(extended()).status == 400
    assert attacked.receipts(invoice_id="FORGED") == []


def test_a_signed_value_bears_no_change(attacked):
    pairs = callbacks.signed(callbacks.genuine("FORGED"))
    for name in ("amount", "currency", "currency_amount", "currency_type",
                 "status", "tran_id", "val_id", "tran_date"):
        value = dict(pairs)[name]
        for other in (value + " ", value + "&", value + "\u00a0",
                      value[:-1], value + "0"):
            answer = attacked.post(wrong(pairs, name, other))
            assert answer.status == 403, (name, other)
    assert attacked.receipts(invoice_id="FORGED") == []
