#!/usr/bin/python3
"""`make run`: the gateway with made-up keys, shops and callbacks.

    demo.py [--once]

Starts build/paysieve between stand-ins for SSLCommerz and for billing, on
loopback: posts every recorded callback of fixtures/, then some payments and
forgeries of which SSLCommerz tells the truth; shows what was kept and what
billing got, and stays until Ctrl-C.  --once ends by itself: 0 if there was no
surprise and every receipt reached billing with a valid signature.  Nothing is
left behind.
"""

import argparse
import os
import signal
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import callbacks
import certs
import fixtures
from billing_stub import BillingStub
from gateway import BIN, Gateway, command, new_webhook_secret, until
from stub_server import tls_context

COLOUR = sys.stdout.isatty() and "NO_COLOR" not in os.environ


def paint(text, good):
    if not COLOUR:
        return text
    return f"\033[{32 if good else 31}m{text}\033[0m"


def progress(text):
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def heading(text):
    print(f"\n{text}\n")


def post_all(gateway, cases):
    """The HTTP status of each, in order; 0 without an answer."""
    statuses = []
    client = gateway.client()
    for n, case in enumerate(cases):
        progress(f"{n} of {len(cases)} callbacks")
        try:
            statuses.append(client.post(case.body, case.merchant).status)
        except OSError:
            client.close()
            statuses.append(0)
    client.close()
    progress("")
    return statuses


SHOWN = 12  # rows of a long table


def some(rows):
    """A few of them, from everywhere."""
    return rows[::max(1, -(-len(rows) // SHOWN))]


def rest(count):
    if count > 0:
        print(f"... and {count} more")


def surprise(case, status):
    return (paint(f"  SURPRISE: not {case.http}", False)
            if status != case.http else "")


def show_accepted(answers):
    rows = [(c, s) for c, s in answers if c.verdict != "refused"]
    few = [r for r in rows if r[1] != r[0].http] + some(
        [r for r in rows if r[1] == r[0].http])
    wide = max(len(case.name) for case, _ in few)
    print(f"{'CALLBACK':{wide}}  FIELDS  VERDICT   HTTP")
    for case, status in few:
        print(f"{case.name:{wide}}  {len(list(case.pairs())):6}  "
              f"{case.verdict:8}  {status}{surprise(case, status)}")
    rest(len(rows) - len(few))


def show_refused(answers):
    reasons = {}
    for case, status in answers:
        if case.verdict == "refused":
            reasons.setdefault(case.reason, []).append((case, status))
    print(f"\n{'REFUSED BECAUSE OF':20}  CASES  HTTP  FOR INSTANCE")
    for reason, rows in reasons.items():
        rows.sort(key=lambda row: row[0].http == row[1])
        case, status = rows[0]
        print(f"{reason:20}  {len(rows):5}  {status:4}  {case.name}"
              f"{surprise(case, status)}")


def show_answers(cases, statuses):
    """How many were not as expected."""
    answers = list(zip(cases, statuses))
    show_accepted(answers)
    show_refused(answers)
    surprises = sum(status != case.http for case, status in answers)
    print(f"\n{len(cases)} callbacks, "
          + paint(f"{surprises} surprises", surprises == 0))
    return surprises


# ---- what only SSLCommerz can tell

SHOP = "testbox-confirm"


@dataclass
class Story:
    """A callback whose signature is right, and what it comes to."""
    invoice: str
    what: str
    becomes: str         # receipt, held, refused
    known: dict = None   # what SSLCommerz knows instead; None: nothing
    sent: bool = True    # False: the callback was lost

    def claimed(self):
        return callbacks.genuine(self.invoice, merchant=SHOP)


STORIES = [
    Story("DEMO-1", "a payment", "receipt", {}),
    Story("DEMO-2", "a payment", "receipt", {}),
    Story("DEMO-3", "a payment, its callback lost: check-invoice", "receipt",
          {}, sent=False),
    Story("DEMO-4", "forged: it never happened", "refused"),
    Story("DEMO-5", "forged: it failed", "refused", {"status": "FAILED"}),
    Story("DEMO-6", "forged: 1150.00 where 11.50 was paid", "held",
          {"amount": "11.50", "currency_amount": "11.50"}),
    Story("DEMO-7", "a payment, but risky", "held", {"risk_level": "1"}),
]


def tell(gateway, provider):
    """Let all stories happen; the HTTP status of each callback."""
    statuses = []
    for story in STORIES:
        if story.known is not None:
            provider.ledger.enter(SHOP, {**story.claimed(), **story.known})
        if story.sent:
            body = provider.ledger.body(story.claimed())
            statuses.append(str(gateway.post(body, SHOP).status))
            continue
        done = command("--config", gateway.conf, "check-invoice", SHOP,
                       story.invoice)
        statuses.append("-" if done.returncode == 0 else "?")
    return statuses


def outcomes(gateway):
    """{invoice ID: what became of it}"""
    rows = gateway.rows("select invoice_id, 'receipt' from receipt union all"
                        " select invoice_id, iif(next_us is null, 'held',"
                        " 'waiting') from waiting")
    return dict(rows)


def show_stories(gateway, statuses):
    """How many ended otherwise than they should."""
    became = outcomes(gateway)
    wide = max(len(story.what) for story in STORIES)
    print(f"{'INVOICE ID':10}  {'CALLBACK':{wide}}  HTTP  BECAME")
    surprises = 0
    for story, status in zip(STORIES, statuses):
        end = became.get(story.invoice, "refused")
        good = end == story.becomes
        surprises += not good
        word = end + ("" if good else f": SURPRISE, not {story.becomes}")
        print(f"{story.invoice:10}  {story.what:{wide}}  {status:4}  "
              + paint(word, good))
    print("\nEach signature was right.  200 says that it was taken, not that "
          "it counts:\nthat is for SSLCommerz to say, which was asked "
          "about each.")
    return surprises


def show_kept(receipts, billing):
    """How many did not reach billing with a valid signature."""
    missing = [r for r in receipts if billing.receipts.get(r["id"]) != r]
    few = missing + some([r for r in receipts if r not in missing])
    print(f"{'RECEIPT':31}  {'INVOICE ID':16}  {'AMOUNT':>13}       "
          f"{'PAID AT':20}  AT BILLING")
    for r in few:
        good = r not in missing
        word = "signature valid" if good else "MISSING"
        print(f"{r['id']:31}  {r['invoice_id'][:16]:16}  {r['amount']:>13}  "
              f"{r['currency']}  {r['paid_at']:20}  {paint(word, good)}")
    rest(len(receipts) - len(few))
    members = ", ".join(receipts[0]) if receipts else "nothing"
    bad = billing.faults()
    print(f"\n{len(receipts)} receipts of {members}\n"
          f"{len(receipts) - len(missing)} of them arrived at billing, "
          + paint(f"{len(bad)} bad requests", not bad))
    return len(missing) + len(bad)


def show_addresses(gateway, merchant):
    api = gateway.listen["api"]
    print("callbacks  https://" + gateway.listen["callbacks"]
          + "/ipn/<merchant>")
    print("receipts   https://" + api + "/v1/receipts")
    print("metrics    http://" + gateway.listen["admin"] + "/metrics")
    print(f"\nPoll {merchant}'s receipts:\n\n"
          f"  curl --cacert {gateway.keys.ca} \\\n"
          f"    -H 'Authorization: Bearer {gateway.token(merchant)}' \\\n"
          f"    'https://{api}/v1/receipts?limit=5'\n", flush=True)


def wait_decided(gateway):
    """Forgeries are refused after three answers, some seconds apart."""
    def done():
        [(waiting,)] = gateway.rows(
            "select count(*) from waiting where next_us is not null")
        progress(f"SSLCommerz is asked about {waiting} payments")
        return waiting == 0
    until(done, 60, 0.2)
    progress("")


def play(gateway, billing, provider, merchants):
    """How many surprises there were."""
    cases = fixtures.cases()
    heading("Callbacks posted, as SSLCommerz would")
    surprises = show_answers(cases, post_all(gateway, cases))
    statuses = tell(gateway, provider)
    wait_decided(gateway)
    heading("Payments and forgeries, after SSLCommerz was asked")
    surprises += show_stories(gateway, statuses)
    receipts = [r for merchant in merchants
                for r in gateway.receipts(gateway.token(merchant))]
    told = {s.invoice for s in STORIES if s.becomes == "receipt"}
    wanted = {c.receipt["id"] for c in cases if c.receipt}
    surprises += len(wanted ^ {r["id"] for r in receipts
                               if r["invoice_id"] not in told})
    progress("waiting for billing")
    billing.wait(lambda s: {r["id"] for r in receipts} <= s.receipts.keys(),
                 30)
    progress("")
    heading("What was kept of them, and what billing received")
    return surprises + show_kept(receipts, billing)


def demo(directory, once):
    keys = SimpleNamespace(gateway=certs.make(directory, "gateway"),
                           billing=certs.make(directory, "billing"),
                           provider=certs.make(directory, "provider"),
                           ca=directory / "ca.crt")
    merchants = fixtures.merchants()
    billing = BillingStub(*keys.billing, [new_webhook_secret()]).start()
    provider = fixtures.provider(tls_context(*keys.provider)).start()
    gateway = Gateway(directory, keys, billing, merchants, provider=provider,
                      identity_key=fixtures.identity_key())
    try:
        gateway.start()
        surprises = play(gateway, billing, provider, merchants)
        if not once:
            heading("The gateway goes on until Ctrl-C")
            show_addresses(gateway, next(iter(merchants)))
            try:
                signal.pause()
            except KeyboardInterrupt:
                print()
    finally:
        code = gateway.stop()
        billing.stop()
        provider.stop()
    return 0 if surprises == 0 and code == 0 else 1


def main():
    parser = argparse.ArgumentParser(
        description="The gateway with made-up keys, shops and callbacks.")
    parser.add_argument("--once", action="store_true",
                        help="end by itself, with 0 if all was well")
    args = parser.parse_args()
    if not Path(BIN).exists():
        sys.exit(f"{BIN} is not there: run make first")
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        with tempfile.TemporaryDirectory(prefix="paysieve-demo-") as name:
            return demo(Path(name), args.once)
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
