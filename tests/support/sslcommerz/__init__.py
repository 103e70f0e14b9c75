"""A stand-in for SSLCommerz: the APIs that a gateway asks, and callbacks.

    with SSLCommerz(context, {"testbox": "password"}) as provider:
        body = provider.ledger.body(provider.ledger.pay("INV-1"))

speaks validationserverAPI.php and merchantTransIDvalidationAPI.php (by
tran_id and by sessionkey) over HTTPS or HTTP, JSON only, and misbehaves on
command.  `python3 tests/support/sslcommerz --help` runs it by itself.
"""

from .ledger import Ledger
from .server import MISBEHAVIOURS, Question, SSLCommerz

__all__ = ["Ledger", "MISBEHAVIOURS", "Question", "SSLCommerz"]
