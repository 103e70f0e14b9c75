"""Payments at the stand-in for SSLCommerz, and what a gateway made of them."""

from gateway import Load

STATES = """select
    (select count(*) from waiting where next_us is not null),
    (select count(*) from waiting where next_us is null),
    (select count(*) from tombstone),
    (select count(*) from receipt)"""


def states(gateway):
    """How many wait, are held, are refused, are receipts."""
    return gateway.rows(STATES)[0]


def pay(gateway, provider, invoice, **changed):
    """A payment happens and its callback is acknowledged."""
    body = provider.ledger.body(provider.ledger.pay(invoice, **changed))
    assert gateway.post(body).status == 200


class Payers(Load):
    """Load whose payments SSLCommerz knows."""

    def __init__(self, gateway, provider, **more):
        super().__init__(gateway, **more)
        self._provider = provider

    def body(self, invoice):
        return self._provider.ledger.body(
            self._provider.ledger.pay(invoice))
