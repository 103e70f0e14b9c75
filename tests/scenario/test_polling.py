"""The receipts API as a billing engineer meets it."""

import hashlib
import json
import ssl
import threading
import time

import callbacks
import certs
import pytest
from gateway import Client, command, until
from schema import validate


@pytest.fixture
def ledger(gateway):
    """Ten receipts: amounts 1 to 10, every second in another currency."""
    with gateway.client() as client:
        for n in range(1, 11):
            changed = {"currency_amount": f"{n}.00",
                       "tran_date": f"2025-12-{n:02} 12:00:00"}
            if n % 2 == 0:
                changed["currency_type"] = "USD"
            assert client.post(
                callbacks.paid(f"INV-{n}", **changed)).status == 200
    return gateway


def invoices(page):
    return [r["invoice_id"] for r in page["receipts"]]


def get(gateway, target, token=None, **headers):
    return gateway.api(target, token or gateway.token(), headers=headers)


def stream(gateway, target, accept, **headers):
    """A connection on which an answer without end begins."""
    client = Client(gateway.listen["api"], gateway.context)
    client.connection.request("GET", target, headers={
        "Authorization": "Bearer " + gateway.token(), "Accept": accept,
        **headers})
    return client, client.connection.getresponse()


def events(answer, count):
    """So many events: (id, receipt)."""
    found, fields = [], {}
    while len(found) < count:
        line = answer.readline().decode().rstrip("\n")
        if line == "" and "data" in fields:
            found.append((fields["id"], json.loads(fields["data"])))
            fields = {}
        elif line and not line.startswith(":"):
            name, _, value = line.partition(": ")
            fields[name] = value
    return found


def test_the_newest_come_first_if_asked_for(ledger):
    page = get(ledger, "/v1/receipts?order=desc&limit=4").json()
    assert invoices(page) == ["INV-10", "INV-9", "INV-8", "INV-7"]
    assert page["more"]
    page = get(ledger, "/v1/receipts?order=desc&after=" + page["next"]).json()
    assert invoices(page) == [f"INV-{n}" for n in range(6, 0, -1)]
    assert not page["more"]
    # a cursor of one order means nothing in the other
    assert get(ledger, "/v1/receipts?after=" + page["next"]).status == 400


def test_filters_pass_what_they_say(ledger):
    page = get(ledger, "/v1/receipts?currency=USD").json()
    assert invoices(page) == [f"INV-{n}" for n in (2, 4, 6, 8, 10)]
    page = get(ledger, "/v1/receipts?paid_from=2025-12-03"
                       "&paid_to=2025-12-05T06:00:00Z").json()
    assert invoices(page) == ["INV-3", "INV-4"]  # noon in Dhaka is 06:00Z
    page = get(ledger, "/v1/receipts?paid_from=2025-12-03&currency=BDT"
                       "&limit=2").json()
    assert invoices(page) == ["INV-3", "INV-5"]
    for wrong in ("currency=XYZ1", "paid_from=yesterday", "order=up",
                  "delivered=maybe", "limit=0", "limit=1001", "wait=61",
                  "unknown=1", "limit=1&limit=2", "order=desc&wait=1",
                  "paid_from=2025-13-01", "cursor=a&after=now"):
        answer = get(ledger, "/v1/receipts?" + wrong)
        assert answer.status == 400, wrong
        validate(answer.json(), "problem")


def test_after_now_starts_at_the_end(ledger):
    page = get(ledger, "/v1/receipts?after=now").json()
    assert page["receipts"] == [] and not page["more"]
    ledger.post(callbacks.paid("INV-LATER"))
    page = get(ledger, "/v1/receipts?after=" + page["next"]).json()
    assert invoices(page) == ["INV-LATER"]


def test_a_long_poll_ends_when_a_receipt_comes(ledger):
    end = get(ledger, "/v1/receipts?after=now").json()["next"]
    found = []

    def poll():
        begun = time.monotonic()
        page = get(ledger, f"/v1/receipts?wait=30&after={end}").json()
        found.append((invoices(page), time.monotonic() - begun))

    poller = threading.Thread(target=poll)
    poller.start()
    until(lambda: ledger.metrics()["paysieve_polls_waiting"] == 1)
    ledger.post(callbacks.paid("INV-LATER"))
    poller.join(30)
    assert found[0][0] == ["INV-LATER"] and found[0][1] < 10
    until(lambda: ledger.metrics()["paysieve_polls_waiting"] == 0)


def test_a_digest_says_whether_both_sides_hold_the_same(ledger):
    receipts = ledger.receipts()
    answer = get(ledger, "/v1/receipts/digest")
    digest = answer.json()
    validate(digest, "digest")
    want = 0
    for r in receipts:
        want ^= int(hashlib.sha256(r["id"].encode()).hexdigest(), 16)
    assert digest["count"] == 10
    assert digest["digest"] == f"{want:064x}"
    assert digest["sums"] == [{"currency": "BDT", "amount": "25.00"},
                              {"currency": "USD", "amount": "30.00"}]
    page = get(ledger, "/v1/receipts?after=" + digest["next"]).json()
    assert page["receipts"] == []
    one = get(ledger, "/v1/receipts/digest?currency=USD"
                      "&paid_to=2025-12-03").json()
    assert one["count"] == 1
    none = get(ledger, "/v1/receipts/digest?paid_from=2030-01-01").json()
    assert none["count"] == 0 and none["digest"] == "0" * 64
    assert none["sums"] == []


def test_an_export_ends_with_its_cursor(ledger):
    client, answer = stream(ledger, "/v1/receipts", "application/x-ndjson")
    assert answer.status == 200
    assert answer.getheader("Content-Type") == "application/x-ndjson"
    *rows, last = [json.loads(line) for line in answer.read().splitlines()]
    client.close()
    assert rows == ledger.receipts()
    assert last["more"] is False
    page = get(ledger, "/v1/receipts?after=" + last["next"]).json()
    assert page["receipts"] == []


def test_an_event_stream_goes_on_and_is_resumed(ledger):
    client, answer = stream(ledger, "/v1/receipts", "text/event-stream")
    assert answer.getheader("Content-Type") == "text/event-stream"
    first = events(answer, 10)
    assert [r for _, r in first] == ledger.receipts()
    ledger.post(callbacks.paid("INV-11"))
    [(at, receipt)] = events(answer, 1)
    assert receipt["invoice_id"] == "INV-11"
    client.close()
    ledger.post(callbacks.paid("INV-12"))
    client, answer = stream(ledger, "/v1/receipts", "text/event-stream",
                            **{"Last-Event-ID": at})
    assert events(answer, 1)[0][1]["invoice_id"] == "INV-12"
    client.close()
    page = get(ledger, f"/v1/receipts?after={first[3][0]}&limit=1").json()
    assert invoices(page) == ["INV-5"]
    until(lambda: ledger.metrics()["paysieve_polls_waiting"] == 0)


def test_push_and_pull_carry_the_same_bytes(ledger, billing):
    assert billing.wait_invoices([f"INV-{n}" for n in range(1, 11)])
    client, answer = stream(ledger, "/v1/receipts", "application/x-ndjson")
    pulled = {json.loads(line)["id"]: line
              for line in answer.read().splitlines()[:-1]}
    client.close()
    for request in billing.requests:
        one = get(ledger, "/v1/receipts/" + request.webhook_id).body
        assert one == pulled[request.webhook_id]
        assert request.body.endswith(b'"data":' + one + b"}")


def test_a_kept_cursor_goes_forward_only(ledger):
    target = "/v1/cursors/nightly"
    zero = {"Content-Length": "0"}
    assert get(ledger, target).status == 404
    pages = list(ledger.pages(limit=4))
    assert get(ledger, "/v1/receipts?cursor=nightly&limit=4").json() \
        == pages[0]

    def put(page):
        return ledger.api(f"{target}?after={page['next']}", ledger.token(),
                          method="PUT", headers=zero)

    answer = put(pages[1])
    assert answer.status == 200
    assert answer.json()["after"] == pages[1]["next"]
    assert get(ledger, "/v1/receipts?cursor=nightly&limit=4").json() \
        == pages[2]
    behind = put(pages[0])
    assert behind.status == 409
    validate(behind.json(), "problem")
    assert put(pages[1]).status == 200
    assert ledger.stop() == 0
    ledger.start()
    assert get(ledger, target).json()["after"] == pages[1]["next"]
    assert ledger.api(target, ledger.token(), method="DELETE").status == 204
    assert put(pages[0]).status == 200


def test_every_kind_of_cursor_expires_with_its_store(ledger):
    cursors = {
        "/v1/receipts?after=": ledger.receipts and
        get(ledger, "/v1/receipts").json()["next"],
        "/v1/receipts?order=desc&after=":
        get(ledger, "/v1/receipts?order=desc").json()["next"]}
    assert ledger.stop() == 0
    for path in ledger.store.parent.glob(ledger.store.name + "*"):
        if path.is_file():
            path.unlink()
    ledger.start()
    for target, cursor in cursors.items():
        answer = get(ledger, target + cursor)
        assert answer.status == 410
        assert answer.json()["type"] == "urn:paysieve:problem:cursor-expired"


def test_an_etag_saves_the_body(ledger):
    one = ledger.receipts()[0]["id"]
    for target in ("/v1/receipts", f"/v1/receipts/{one}",
                   "/v1/receipts/digest", "/openapi.json"):
        first = get(ledger, target)
        tag = first.headers["ETag"]
        assert tag.startswith('"')
        again = get(ledger, target, **{"If-None-Match": f'"x", {tag}'})
        assert again.status == 304 and again.body == b"", target
        assert again.headers["ETag"] == tag
        other = get(ledger, target, **{"If-None-Match": '"other"'})
        assert other.status == 200 and other.body == first.body


def test_a_page_links_to_the_next(ledger):
    answer = get(ledger, "/v1/receipts?limit=3&currency=USD")
    link = answer.headers["Link"]
    target, _, rel = link.partition(">; ")
    assert rel == 'rel="next"'
    page = get(ledger, target.lstrip("<")).json()
    assert invoices(page) == ["INV-8", "INV-10"]
    assert get(ledger, "/v1/receipts").headers.get("Link") is None


def test_what_cannot_be_accepted_is_said(ledger):
    answer = get(ledger, "/v1/receipts", Accept="text/html")
    assert answer.status == 406
    validate(answer.json(), "problem")
    for fine in ("*/*", "application/*", "text/html, application/json;q=0.1"):
        assert get(ledger, "/v1/receipts", Accept=fine).status == 200
    assert get(ledger, "/v1/receipts",
               Accept="application/json;q=0").status == 406


def test_head_and_options_behave(ledger):
    for target in ("/v1/receipts", "/v1/receipts/digest", "/openapi.json"):
        head = ledger.api(target, ledger.token(), method="HEAD")
        full = get(ledger, target)
        assert head.status == 200 and head.body == b""
        assert head.headers["Content-Length"] == str(len(full.body))
        options = ledger.api(target, method="OPTIONS")
        assert options.status == 204
        assert options.headers["Allow"] == "GET, HEAD, OPTIONS"
    wrong = ledger.api("/v1/receipts", ledger.token(), method="PUT",
                       headers={"Content-Length": "0"})
    assert wrong.status == 405 and "GET" in wrong.headers["Allow"]


def test_requests_are_counted_and_limited(make_gateway):
    gateway = make_gateway(limits={"api_rate": 10})
    other = gateway.add_token("other")
    gateway.start()
    left = []
    for _ in range(10):
        answer = get(gateway, "/v1/receipts")
        assert answer.status == 200
        assert answer.headers["RateLimit-Policy"] == '"default";q=10;w=60'
        left.append(answer.headers["RateLimit"])
    assert '"default";r=0;' in left[-1]
    answer = get(gateway, "/v1/receipts")
    assert answer.status == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 60
    validate(answer.json(), "problem")
    assert get(gateway, "/v1/receipts", other).status == 200


# proves: R32
def test_wrong_tokens_are_throttled_and_right_ones_pass(gateway):
    statuses = [get(gateway, "/v1/receipts", "wrong").status
                for _ in range(30)]
    assert statuses[0] == 401 and statuses[-1] == 429
    assert get(gateway, "/v1/receipts").status == 200
    assert gateway.log.count("api_unauthorized") < 30


def test_a_repeated_post_is_done_once(gateway, billing):
    token = gateway.add_token("ops", scopes="deliver")
    gateway.reload()
    until(lambda: gateway.api("/v1/deliveries", token).status == 200)
    gateway.post(callbacks.paid("INV-1"))
    gateway.post(callbacks.paid("INV-2"))
    assert billing.wait_invoices(["INV-1", "INV-2"])
    until(lambda: gateway.metrics()["paysieve_deliveries_pending"] == 0)
    ids = [d["id"] for d in
           gateway.api("/v1/deliveries", token).json()["deliveries"]]

    def retry(delivery, key):
        return gateway.api(f"/v1/deliveries/{delivery}/retry", token,
                           method="POST", headers={
                               "Content-Length": "0",
                               "Idempotency-Key": key})

    first, again = retry(ids[0], '"key-1"'), retry(ids[0], "key-1")
    assert first.status == again.status == 202
    assert first.body == again.body
    assert again.headers["Idempotent-Replayed"] == "true"
    assert retry(ids[1], "key-1").status == 422
    assert retry(ids[1], "x" * 300).status == 400
    assert billing.wait(lambda s: sum(s.counts.values()) == 3, 10)
    until(lambda: gateway.metrics()["paysieve_deliveries_pending"] == 0)
    assert sum(billing.counts.values()) == 3


# proves: R33
def test_a_token_is_listed_and_revoked_without_a_restart(gateway):
    text = gateway.add_token("leaving")
    gateway.add_token("staying")
    gateway.reload()
    until(lambda: get(gateway, "/v1/receipts", text).status == 200)

    def listed():
        done = command("--config", gateway.conf, "token", "list")
        assert done.returncode == 0, done.stderr
        return {t["name"]: t for t in map(json.loads,
                                          done.stdout.splitlines())}

    until(lambda: listed()["leaving"]["last_used"] is not None)
    assert listed()["leaving"]["last_used"] == time.strftime(
        "%Y-%m-%d", time.gmtime())
    assert listed()["staying"]["last_used"] is None
    done = command("--config", gateway.conf, "token", "revoke", "leaving")
    assert done.returncode == 0, done.stderr
    until(lambda: get(gateway, "/v1/receipts", text).status == 401)
    assert get(gateway, "/v1/receipts",
               gateway.tokens["staying"][0]).status == 200
    assert listed()["leaving"]["state"] == "revoked"
    gateway.reload()
    assert get(gateway, "/v1/receipts", text).status in (401, 429)
    assert gateway.stop() == 0
    gateway.start()
    assert get(gateway, "/v1/receipts", text).status == 401
    assert command("--config", gateway.conf, "token", "revoke",
                   "nobody").returncode == 1


def test_a_token_expires(gateway):
    text = gateway.add_token("short")
    digest = hashlib.sha256(text.encode()).hexdigest()
    del gateway.tokens["short"]
    section = {"sha256": digest, "merchant": callbacks.MERCHANT,
               "scopes": "read"}
    gateway.more["token short"] = {**section, "expires": "2099-01-01"}
    gateway.reload()
    until(lambda: get(gateway, "/v1/receipts", text).status == 200)
    gateway.more["token short"] = {**section, "expires": "2020-01-01"}
    gateway.reload()
    challenges = []  # the old desk may still answer some

    def refused():
        answer = get(gateway, "/v1/receipts", text)
        challenges.append(answer.headers["WWW-Authenticate"])
        return answer.status == 401

    until(refused)
    assert "invalid_token" in challenges[-1]


def test_the_api_may_ask_for_a_certificate(make_gateway, tmp_path, keys):
    own = certs.make(tmp_path, "client")
    gateway = make_gateway()
    gateway.more["tls"] = {"certificate": keys.gateway[0],
                           "key": keys.gateway[1],
                           "api_client_ca_file": tmp_path / "ca.crt"}
    gateway.start()
    with pytest.raises(OSError):
        get(gateway, "/v1/receipts")
    gateway.context = ssl.create_default_context(cafile=keys.ca)
    gateway.context.load_cert_chain(*own)
    assert get(gateway, "/v1/receipts").status == 200
    gateway.context = ssl.create_default_context(cafile=keys.ca)
    assert gateway.post(callbacks.paid("INV-1")).status == 200


def test_the_description_is_served(gateway):
    api = gateway.api("/openapi.json").json()
    assert api["openapi"].startswith("3.1")
    assert "/v1/receipts" in api["paths"]
    assert api["components"]["schemas"]["Receipt"]["title"] == "Receipt"
    keys = gateway.api("/.well-known/jwks.json")
    validate(keys.json(), "jwks")
    assert keys.json() == {"keys": []}
