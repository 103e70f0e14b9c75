"""While somebody floods it, callbacks are answered."""

import contextlib
import socket
import ssl
import struct

import callbacks
import pytest
from gateway import PATIENCE, SANITIZED, until

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
HEAD = (b"POST /ipn/testbox HTTP/1.1\r\nHost: x\r\nContent-Type: application/"
        b"x-www-form-urlencoded\r\n")


def header(source, command=0x21, tlvs=b""):
    """Of the PROXY protocol, version 2."""
    if source is None:
        family, where = 0, b""
    elif ":" in source:
        family = 0x21
        where = (socket.inet_pton(socket.AF_INET6, source) * 2
                 + struct.pack("!HH", 1234, 443))
    else:
        family = 0x11
        where = socket.inet_aton(source) * 2 + struct.pack("!HH", 1234, 443)
    rest = where + tlvs
    return SIGNATURE + struct.pack("!BBH", command, family, len(rest)) + rest


def connect(gateway, source="127.0.0.1", first=b"", tls=False):
    host, port = gateway.listen["callbacks"].rsplit(":", 1)
    plain = socket.create_connection((host, int(port)), PATIENCE,
                                     source_address=(source, 0))
    if first:
        plain.sendall(first)
    return gateway.context.wrap_socket(plain, server_hostname=host) \
        if tls else plain


def closed_for(gateway, reason):
    return gateway.metrics()[
        f'paysieve_connections_closed_total{{reason="{reason}"}}']


def is_open(client):
    """Has its peer not ended it?"""
    client.settimeout(0.05)
    try:
        return client.recv(1) != b""
    except TimeoutError:
        return True
    except OSError:
        return False


def hello(gateway):
    """The first bytes that a TLS client sends."""
    out = gateway.context.wrap_bio(
        (came := ssl.MemoryBIO()),
        (said := ssl.MemoryBIO()), server_hostname="127.0.0.1")
    with contextlib.suppress(ssl.SSLWantReadError):
        out.do_handshake()
    assert not came.pending
    return said.read()


def slow_header(gateway, source):
    client = connect(gateway, source, tls=True)
    client.sendall(b"POST /ipn/testbox HT")
    return client


def slow_body(gateway, source):
    client = connect(gateway, source, tls=True)
    client.sendall(HEAD + b"Content-Length: 100\r\n"
                   b"Expect: 100-continue\r\n\r\n")
    assert client.recv(64).startswith(b"HTTP/1.1 100")
    client.sendall(b"amount=")
    return client


def slow_reader(gateway, source):
    """Asks and asks, and reads nothing."""
    client = connect(gateway, source, tls=True)
    client.settimeout(0.05)
    with contextlib.suppress(OSError):
        client.sendall(b"GET /ipn/testbox HTTP/1.1\r\nHost: x\r\n\r\n" * 2000)
    return client


def idle(gateway, source):
    return connect(gateway, source, tls=True)


def silent(gateway, source):
    return connect(gateway, source)


def half_a_handshake(gateway, source):
    return connect(gateway, source, first=hello(gateway))


@pytest.mark.parametrize("attack", [
    slow_header, slow_body, slow_reader, idle, silent, half_a_handshake])
def test_callbacks_are_answered_during_a_flood(make_gateway, attack):
    gateway = make_gateway(limits={"edges": 1, "handshakes": 32}).start()
    with contextlib.ExitStack() as held, gateway.client() as steady:
        for n in range(96):
            held.enter_context(attack(gateway, f"127.0.0.{2 + n % 8}"))
            if n % 16 == 0:
                assert steady.post(callbacks.paid(f"ON-{n}")).status == 200
                assert gateway.post(callbacks.paid(f"NEW-{n}")).status == 200
    assert len(gateway.receipts()) == 12


@pytest.mark.parametrize("attack", [idle, silent, half_a_handshake])
def test_the_useless_make_room(make_gateway, attack):
    gateway = make_gateway(limits={"edges": 1, "connections": 24}).start()
    with contextlib.ExitStack() as held:
        begun = held.enter_context(slow_body(gateway, "127.0.0.9"))
        for n in range(40):
            held.enter_context(attack(gateway, f"127.0.0.{2 + n % 4}"))
        assert gateway.post(callbacks.paid("INV-1")).status == 200
        assert closed_for(gateway, "evicted") > 0
        assert is_open(begun)  # a request is under way


def test_too_many_handshakes_end_the_oldest(make_gateway):
    gateway = make_gateway(limits={"edges": 1, "handshakes": 4}).start()
    with contextlib.ExitStack() as held:
        for n in range(24):
            held.enter_context(half_a_handshake(gateway, f"127.0.1.{n + 1}"))
        until(lambda: closed_for(gateway, "handshakes") > 0)
        assert gateway.post(callbacks.paid("INV-1")).status == 200


def test_a_handshake_that_takes_its_time_makes_room_for_its_group(make_gateway):
    gateway = make_gateway(limits={"edges": 1, "handshakes": 32,
                                   "handshake_timeout": "10m"}).start()
    with contextlib.ExitStack() as held:
        for _ in range(4):
            held.enter_context(half_a_handshake(gateway, "127.0.0.1"))
        assert gateway.post(callbacks.paid("INV-1")).status == 200
        assert closed_for(gateway, "handshakes") > 0


def test_who_has_his_share_makes_nobody_leave(make_gateway):
    gateway = make_gateway(limits={
        "edges": 1, "connections": 12, "connections_per_address": 6}).start()
    with contextlib.ExitStack() as held:
        others = [held.enter_context(idle(gateway, f"127.0.0.{n}"))
                  for n in range(2, 8)]
        for _ in range(30):
            held.enter_context(silent(gateway, "127.0.0.9"))
        until(lambda: closed_for(gateway, "limit") >= 24)
        assert all(map(is_open, others))
        assert closed_for(gateway, "evicted") == 0


def test_a_giant_pipeline_is_answered_in_order_beside_callbacks(make_gateway):
    gateway = make_gateway(limits={"edges": 1}).start()
    body = callbacks.paid("PIPE")
    one = HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body
    with gateway.open() as pipe:
        pipe.sendall(one * 40)
        assert gateway.post(callbacks.paid("INV-1")).status == 200
        answers = b""
        while answers.count(b"HTTP/1.1 200") < 40:
            part = pipe.recv(65536)
            assert part
            answers += part
    assert len(gateway.receipts()) == 2


@pytest.mark.skipif(SANITIZED, reason="sanitizers hold descriptors too")
def test_callbacks_are_answered_while_descriptors_run_out(make_gateway):
    gateway = make_gateway(limits={"edges": 1},
                           prefix=["prlimit", "--nofile=48:48"]).start()
    with contextlib.ExitStack() as held:
        for n in range(80):
            held.enter_context(silent(gateway, f"127.0.0.{2 + n % 8}"))
        assert gateway.log.wait("accept_paused")
        assert gateway.post(callbacks.paid("INV-1")).status == 200


# ---- behind a proxy


def behind(make_gateway, networks, **limits):
    gateway = make_gateway(limits={"edges": 1, **limits})
    gateway.more["listen"] = {
        "callbacks": "127.0.0.1:0", "api": "127.0.0.1:0",
        "admin": "127.0.0.1:0", "proxies": networks}
    return gateway.start()


def post(gateway, invoice, source="127.0.0.1", first=b""):
    body = callbacks.paid(invoice)
    with connect(gateway, source, first, tls=True) as client:
        client.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        return client.recv(4096)[:12]


@pytest.mark.parametrize("first", [
    header("203.0.113.7"), header("2001:db8::7"), header(None),
    header("203.0.113.7", command=0x20),
    header("203.0.113.7", tlvs=b"\x04\x00\x40" + bytes(0x40))])
def test_a_trusted_proxy_says_whom_it_speaks_for(make_gateway, first):
    gateway = behind(make_gateway, "127.0.0.1/32")
    assert post(gateway, "INV-1", first=first) == b"HTTP/1.1 200"


def test_the_named_address_counts_for_limits(make_gateway):
    gateway = behind(make_gateway, "127.0.0.1/32", connections_per_address=4)
    with contextlib.ExitStack() as held:
        for _ in range(6):
            held.enter_context(connect(gateway, first=header("203.0.113.7")))
        until(lambda: closed_for(gateway, "limit") == 2)
        assert post(gateway, "INV-1", first=header("203.0.113.8")
                    ) == b"HTTP/1.1 200"


@pytest.mark.parametrize("first, reason", [
    (b"PROXY TCP4 203.0.113.7 127.0.0.1 1 2\r\n", "proxy_v1"),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc", "proxy"),
    (SIGNATURE + b"\x21\x11\xff\xff", "proxy")])
def test_a_trusted_proxy_without_its_header_is_refused(
        make_gateway, first, reason):
    gateway = behind(make_gateway, "127.0.0.1/32")
    with connect(gateway, first=first) as client:
        until(lambda: not is_open(client))
    until(lambda: closed_for(gateway, reason) == 1)


def test_a_header_is_believed_from_nobody_else(make_gateway):
    gateway = behind(make_gateway, "127.0.0.1/32")
    with connect(gateway, "127.0.0.2", header("203.0.113.7")) as client:
        until(lambda: not is_open(client))
    until(lambda: closed_for(gateway, "handshake") == 1)
    assert post(gateway, "INV-1", "127.0.0.2") == b"HTTP/1.1 200"


def test_a_proxy_that_says_nothing_is_cut_at_the_deadline(make_gateway):
    gateway = behind(make_gateway, "127.0.0.1/32", handshake_timeout="1s")
    with connect(gateway, first=SIGNATURE) as client:
        until(lambda: not is_open(client))
    until(lambda: closed_for(gateway, "deadline_handshake") == 1)


# ---- addresses of a merchant


def elsewhere(gateway, taken):
    return gateway.metrics()[
        f'paysieve_callbacks_elsewhere_total{{taken="{taken}"}}']


def test_without_asking_a_callback_from_elsewhere_is_refused(make_gateway):
    gateway = make_gateway(merchants={callbacks.MERCHANT: {
        "password": callbacks.PASSWORD, "addresses": "127.0.0.2/32"}}).start()
    assert post(gateway, "INV-1") == b"HTTP/1.1 403"
    assert post(gateway, "INV-2", "127.0.0.2") == b"HTTP/1.1 200"
    assert elsewhere(gateway, "no") == 1
    assert gateway.log.wait("callback_elsewhere", peer="127.0.0.0/24",
                            outcome="refused")
    assert [r["invoice_id"] for r in gateway.receipts()] == ["INV-2"]
