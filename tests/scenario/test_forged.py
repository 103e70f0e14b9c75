"""With confirm = required no forgery ever becomes a receipt."""

import callbacks
from gateway import until
from payments import pay, states
from sslcommerz import SSLCommerz
from stub_server import tls_context

SHOP, OTHER = callbacks.MERCHANT, "othershop"


def settled(gateway):
    """Wait until nothing is undecided."""
    until(lambda: states(gateway)[0] == 0)
    return states(gateway)


def test_a_payment_that_never_happened_is_acknowledged_and_refused(
        asking, billing, provider):
    """Signed with the password, by whoever knows it."""
    assert asking.post(callbacks.paid("INV-FREE")).status == 200
    assert settled(asking) == (0, 0, 1, 0)
    assert asking.log.wait("refused", reason="unknown")
    assert asking.receipts() == [] and billing.requests == []


def test_a_failed_or_cancelled_payment_made_valid_is_no_receipt(
        asking, billing, provider):
    for number, status in enumerate(("FAILED", "CANCELLED")):
        invoice = f"INV-{number}"
        fields = provider.ledger.pay(invoice, status=status)
        # the customer swallows the status in a field of his own and adds
        # what a paid one has; the digest is that of the genuine callback
        names = sorted(fields)
        spliced = callbacks.signed(fields, names=names)
        forged = [(k, v) for k, v in spliced
                  if k not in ("status", "verify_key")]
        forged = [(k, v + "&status=" + status if k == "error" else v)
                  for k, v in forged]
        forged += [("status", "VALID"), ("val_id", "251202123045FORGED"),
                   ("verify_key", ",".join(n for n in names
                                           if n != "status"))]
        assert asking.post(callbacks.encode(forged)).status == 403
        # and with the password: another status over the same payment
        fields["status"] = "VALID"
        fields.update(val_id=f"25120212304{number}FORGED",
                      store_amount="1121.25", risk_level="0",
                      risk_title="Safe")
        assert asking.post(callbacks.encode(
            callbacks.signed(fields))).status == 200
    assert settled(asking) == (0, 0, 2, 0)
    assert asking.receipts() == [] and billing.requests == []


def test_a_genuine_payment_with_another_amount_is_no_receipt_of_it(
        asking, billing, provider):
    fields = provider.ledger.pay("INV-1", amount="10.00",
                                 currency_amount="10.00")
    fields.update(amount="99999.00", currency_amount="99999.00")
    assert asking.post(provider.ledger.body(fields)).status == 200
    assert settled(asking) == (0, 1, 0, 0)
    assert asking.log.wait("held", reason="amount")
    assert asking.receipts() == [] and billing.requests == []


def test_the_val_id_of_another_payment_pays_no_second_invoice(
        asking, billing, provider):
    pay(asking, provider, "INV-1")
    assert billing.wait_invoices(["INV-1"])
    [receipt] = asking.receipts()
    reused = callbacks.genuine(
        "INV-2", val_id=callbacks.genuine("INV-1")["val_id"])
    assert asking.post(provider.ledger.body(reused)).status == 200
    assert settled(asking)[3] == 1
    assert asking.receipts() == [receipt]


def test_the_val_id_of_another_store_is_no_payment_of_this_one(
        make_gateway, billing, keys):
    stores = {SHOP: callbacks.PASSWORD, OTHER: "the other's password"}
    with SSLCommerz(tls_context(*keys.provider), stores) as provider:
        asking = make_gateway(billing=billing, provider=provider, merchants={
            name: {"password": text} for name, text in stores.items()})
        asking.start()
        theirs = provider.ledger.pay("INV-1", OTHER)
        mine = callbacks.genuine("INV-1", val_id=theirs["val_id"])
        assert asking.post(provider.ledger.body(mine)).status == 200
        assert settled(asking) == (0, 0, 1, 0)
        # which takes nothing from its owner
        assert asking.post(provider.ledger.body(theirs), OTHER).status == 200
        assert billing.wait_invoices(["INV-1"])
        assert asking.receipts(asking.token(SHOP)) == []
        assert len(asking.receipts(asking.token(OTHER))) == 1


def test_a_hundred_forgeries_among_genuine_ones_give_only_the_genuine(
        asking, billing, provider):
    wanted = set()
    with asking.client() as client:
        for n in range(100):
            fields = callbacks.genuine(f"INV-{n}")
            if n % 4 == 0:
                provider.ledger.enter(SHOP, fields)
                wanted.add(f"INV-{n}")
            elif n % 4 == 1:
                provider.ledger.enter(SHOP, {**fields, "amount": "1.00",
                                             "currency_amount": "1.00"})
            elif n % 4 == 2:
                provider.ledger.enter(SHOP, {**fields, "status": "FAILED"})
            assert client.post(provider.ledger.body(fields)).status == 200
    assert settled(asking) == (0, 25, 50, 25)
    assert {r["invoice_id"] for r in asking.receipts()} == wanted
    assert billing.wait_invoices(wanted)
    assert billing.invoices == wanted


def test_signed_text_cut_into_an_invoice_id_is_no_receipt(
        make_gateway, billing, provider):
    """A customer's own text, signed with a genuine payment, made a field: the
    digests are right, and only SSLCommerz knows better."""
    asking = make_gateway(billing=billing, provider=provider, merchants={
        SHOP: {"password": callbacks.PASSWORD, "invoice_field": "value_b"}})
    asking.start()
    fields = callbacks.genuine("ORDER-1", value_a="my note&value_b=BILL-99")
    for name in ("value_b", "value_c", "value_d"):
        del fields[name]
    provider.ledger.enter(SHOP, fields)
    forged = dict(callbacks.signed(fields))
    forged.update(value_a="my note", value_b="BILL-99",
                  verify_key=forged["verify_key"] + ",value_b")
    assert asking.post(callbacks.encode(forged.items())).status == 200
    assert asking.log.wait("ask_failed", "held")
    assert asking.receipts() == [] and billing.requests == []
