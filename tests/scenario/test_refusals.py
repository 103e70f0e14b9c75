"""What is refused is refused in fixed words, and leaves nothing behind."""

import json
import socket
import ssl

import callbacks
import pytest
from gateway import FORM, PATIENCE, Gateway, SANITIZED, until
from schema import validate

CANARY = "CanaryOfThePayer"


@pytest.fixture(scope="module")
def strict(tmp_path_factory, keys):
    """One gateway for all refusals: none of them may stay in it."""
    running = Gateway(tmp_path_factory.mktemp("strict"), keys).start()
    yield running
    assert running.stop() == 0
    assert CANARY.encode() not in running.log.raw
    assert running.log.noise == []


def request(body, line="POST /ipn/testbox HTTP/1.1", length=True,
            content_type=FORM, fields=()):
    lines = [line, "Host: localhost"]
    if content_type:
        lines.append("Content-Type: " + content_type)
    if length:
        lines.append("Content-Length: " + str(
            len(body) if length is True else length))
    lines += fields
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def form(**changed):
    return callbacks.signed(
        callbacks.genuine(CANARY, value_a=CANARY, **changed))


def wrong_signature():
    return [(n, v[::-1] if n == "verify_sign_sha2" else v) for n, v in form()]


def unsigned(field):
    fields = callbacks.genuine(CANARY, value_a=CANARY)
    return callbacks.signed(fields, names=set(fields) - {field})


def problem(answer, status):
    assert answer.status == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    body = answer.json()
    validate(body, "problem")
    assert body["status"] == status
    return body


def nothing_stayed(gateway):
    assert gateway.rows("select count(*) from receipt") == [(0,)]
    for name, data in gateway.files().items():
        assert CANARY.encode() not in data, name


GENUINE = callbacks.encode(form())

CASES = {
    "a wrong signature": (403, request(callbacks.encode(wrong_signature()))),
    "another password": (403, request(callbacks.encode(callbacks.signed(
        callbacks.genuine(CANARY), "another password")))),
    "an unsigned amount": (403, request(
        callbacks.encode(unsigned("amount")))),
    "an unsigned status": (403, request(
        callbacks.encode(unsigned("status")))),
    "no signature": (403, request(
        callbacks.encode(callbacks.genuine(CANARY).items()))),
    "MD5 alone": (403, request(callbacks.encode(callbacks.signed(
        callbacks.genuine(CANARY), sha256=False)))),
    "a doubled field": (400, request(
        callbacks.encode(form() + [("amount", "1.00")]))),
    "another store's callback": (403, request(callbacks.encode(
        callbacks.signed(callbacks.genuine(CANARY, "otherstore"))))),
    "a broken escape": (400, request(GENUINE + b"&x=%zz")),
    "an empty body": (400, request(b"")),
    "an unknown merchant": (404, request(
        GENUINE, "POST /ipn/nobody HTTP/1.1")),
    "another path": (404, request(GENUINE, "POST /admin HTTP/1.1")),
    "a query string": (400, request(
        GENUINE, f"POST /ipn/testbox?x={CANARY} HTTP/1.1")),
    "GET": (405, request(b"", "GET /ipn/testbox HTTP/1.1", False, None)),
    "DELETE": (405, request(b"", "DELETE /ipn/testbox HTTP/1.1", False)),
    "JSON": (415, request(GENUINE, content_type="application/json")),
    "no content type": (415, request(GENUINE, content_type=None)),
    "a compressed body": (415, request(
        GENUINE, fields=["Content-Encoding: gzip"])),
    "no length": (411, request(b"", length=False)),
    "a chunked body": (411, request(
        b"%x\r\n%s\r\n0\r\n\r\n" % (len(GENUINE), GENUINE), length=False,
        fields=["Transfer-Encoding: chunked"])),
    "chunked and a length": (411, request(
        GENUINE, fields=["Transfer-Encoding: chunked"])),
    "a body of more than 64 KiB": (413, request(b"", length=65537)),
    "a header section of 70 kB": (431, request(
        GENUINE, fields=["X-Padding: " + CANARY * 4400])),
    "a hundred header fields": (431, request(
        GENUINE, fields=[f"X-{n}: {CANARY}" for n in range(100)])),
    "a long target": (414, request(
        GENUINE, "POST /ipn/" + "a" * 2000 + " HTTP/1.1")),
    "two lengths": (400, request(
        GENUINE, fields=["Content-Length: 3"])),
    "a length with a sign": (400, request(GENUINE, length="+3")),
    "a space before the colon": (400, request(
        GENUINE, fields=["X-Canary : " + CANARY])),
    "a folded field": (400, request(
        GENUINE, fields=["X-Canary: a\r\n " + CANARY])),
    "two hosts": (400, request(GENUINE, fields=["Host: other"])),
    "no host": (400, b"POST /ipn/testbox HTTP/1.1\r\n\r\n"),
    "HTTP/2.0": (505, request(GENUINE, "POST /ipn/testbox HTTP/2.0")),
    "bare line feeds": (400, request(GENUINE).replace(b"\r\n", b"\n")),
    "an odd expectation": (417, request(
        GENUINE, fields=["Expect: " + CANARY])),
}


# proves: R7 R8 R29 R30
@pytest.mark.parametrize("case", CASES)
def test_it_is_refused_and_leaves_nothing(strict, case):
    status, data = CASES[case]
    mark = strict.log.mark()
    answer, _ = strict.raw(data)
    body = problem(answer, status)
    assert CANARY not in json.dumps(body) + str(answer.headers)
    if status == 405:
        assert answer.headers["Allow"] == "POST"
    nothing_stayed(strict)
    assert CANARY not in json.dumps(strict.log.events[mark:])


@pytest.mark.parametrize("case", [c for c in CASES if CASES[c][0] in
                                  (411, 413, 414, 431, 505)
                                  or c in ("two lengths", "bare line feeds")])
def test_a_doubtful_frame_closes_the_connection(strict, case):
    _, closed = strict.raw(CASES[case][1])
    assert closed


def test_a_refused_form_keeps_the_connection(strict):
    with strict.client() as client:
        assert client.post(callbacks.encode(wrong_signature())).status == 403
        assert client.post(callbacks.encode(wrong_signature())).status == 403


def test_every_refusal_has_its_own_reason_in_metrics(strict):
    before = strict.metrics()
    strict.post(callbacks.encode(wrong_signature()))
    strict.post(callbacks.encode(unsigned("amount")))
    after = strict.metrics()
    for reason in ("signature", "unsigned_field"):
        row = f'paysieve_callbacks_refused_total{{reason="{reason}"}}'
        assert after[row] == before[row] + 1


# proves: R22
def test_plain_text_on_the_tls_port_gets_no_answer(strict):
    host, port = strict.listen["callbacks"].rsplit(":", 1)
    with socket.create_connection((host, int(port)), PATIENCE) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = b""
        try:
            while chunk := plain.recv(4096):
                answer += chunk
        except ConnectionResetError:
            pass
    assert b"HTTP/" not in answer


# proves: R22
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_old_tls_versions_are_refused(strict):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(strict.keys.ca)
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("DEFAULT@SECLEVEL=0")
    host, port = strict.listen["callbacks"].rsplit(":", 1)
    with socket.create_connection((host, int(port)), PATIENCE) as plain:
        with pytest.raises((ssl.SSLError, OSError)):
            context.wrap_socket(plain, server_hostname=host)


@pytest.mark.skipif(SANITIZED, reason="counts on release speed")
def test_a_flood_of_refusals_is_logged_sparingly(strict):
    mark = strict.log.mark()
    body = callbacks.encode(wrong_signature())
    with strict.client() as client:
        for _ in range(200):
            assert client.post(body).status == 403
        # Other tests may have had this second's lines.
        until(lambda: client.post(body).status == 403 and
              strict.log.find("callback_refused", after=mark))
    lines = [e for e in strict.log.events[mark:]
             if e["event"] == "callback_refused"]
    # A second of the log's clock is part of two of the edge's.
    seconds = len({e["time"][:19] for e in lines})
    assert 0 < len(lines) <= 2 * 10 * seconds
