"""What SSLCommerz knows: stores, and every attempt at a payment.

An attempt is the form of its callback; what the APIs answer is made from it,
so that callbacks and answers tell the same.
"""

import threading
from dataclasses import dataclass, field

import callbacks

# What APIs add to a callback's fields, as seen in public captures.
ADDED = {
    "card_category": "DEBIT",
    "emi_instalment": "0",
    "emi_amount": "0.00",
    "emi_description": "",
    "emi_issuer": "",
    "account_details": "",
    "discount_amount": 0,
    "discount_percentage": "0",
    "discount_remarks": "",
    "gw_version": "",
    "offer_avail": 0,
    "card_ref_id": "8f2bdd0cardrefmadeup",
    "isTokeizeSuccess": 0,
    "campaign_code": "",
    "token_key": "",
}
LEFT_OUT = ("verify_key", "verify_sign", "verify_sign_sha2", "store_id")


@dataclass
class Attempt:
    store: str
    fields: dict         # of its callback, unsigned
    status: str          # VALID, FAILED, PENDING, PROCESSING ...
    session: str
    validated: bool = False  # asked about by val_id at least once

    def answer(self):
        """The object that the APIs answer."""
        answer = {k: v for k, v in self.fields.items() if k not in LEFT_OUT}
        answer.update(ADDED, status=self.status,
                      validated_on=self.fields["tran_date"])
        if self.status == "VALID" and self.validated:
            answer["status"] = "VALIDATED"
        if self.status not in ("VALID", "VALIDATED"):
            for name in ("val_id", "store_amount", "risk_level",
                         "risk_title"):
                answer.pop(name, None)
        return answer


@dataclass
class Store:
    passwords: list
    active: bool = True
    by_val_id: dict = field(default_factory=dict)   # an attempt each
    by_tran_id: dict = field(default_factory=dict)  # lists of attempts
    by_session: dict = field(default_factory=dict)  # likewise


class Ledger:
    """Any thread."""

    def __init__(self, stores):
        """stores: {store id: password, one a line}"""
        self._lock = threading.Lock()
        self.stores = {name: Store(text.split("\n"))
                       for name, text in stores.items()}

    def pay(self, invoice, store=callbacks.MERCHANT, status="VALID",
            **changed):
        """A payment that happened; the fields of its callback."""
        fields = callbacks.genuine(invoice, merchant=store, status=status,
                                   **changed)
        if status in ("FAILED", "CANCELLED", "UNATTEMPTED"):
            for name in ("val_id", "store_amount", "risk_level",
                         "risk_title"):
                del fields[name]
        self.enter(store, fields)
        return fields

    def enter(self, name, fields):
        """A payment of which the callback is there already."""
        attempt = Attempt(name, dict(fields), fields["status"],
                          "SESSION-" + fields["tran_id"])
        with self._lock:
            store = self.stores[name]
            store.by_tran_id.setdefault(fields["tran_id"], []).append(attempt)
            store.by_session.setdefault(attempt.session, []).append(attempt)
            if attempt.status in ("VALID", "VALIDATED"):
                store.by_val_id[fields["val_id"]] = attempt

    def body(self, fields):
        """The callback of fields, signed by their store's password."""
        password = self.stores[fields["store_id"]].passwords[0]
        return callbacks.encode(callbacks.signed(fields, password))

    def admits(self, store, password):
        """DONE, FAILED or INACTIVE."""
        with self._lock:
            known = self.stores.get(store)
            if known is None or password not in known.passwords:
                return "FAILED"
            return "DONE" if known.active else "INACTIVE"

    def by_val_id(self, store, val_id):
        """The answer about one paid attempt, or None."""
        with self._lock:
            attempt = self.stores[store].by_val_id.get(val_id)
            if attempt is None:
                return None
            answer = attempt.answer()
            attempt.validated = True
            return answer

    def by_tran_id(self, store, tran_id):
        with self._lock:
            return [a.answer() for a in
                    self.stores[store].by_tran_id.get(tran_id, [])]

    def by_session(self, store, session):
        with self._lock:
            return [a.answer() for a in
                    self.stores[store].by_session.get(session, [])]
