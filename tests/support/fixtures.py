"""The recorded callbacks under fixtures/, as the tests and the demo use them.

fixtures/sslcommerz/merchants.json says which stores they are for and what
those were signed with; expect.json of a case what has to come of it.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote_plus, unquote_to_bytes

from sslcommerz import SSLCommerz

FOLDER = Path(__file__).resolve().parents[2] / "fixtures" / "sslcommerz"


@dataclass
class Case:
    folder: Path
    merchant: str
    body: bytes
    http: int
    verdict: str    # paid, not_paid or refused
    receipt: dict   # without received_at; None unless paid
    reason: str     # of a refusal

    @property
    def name(self):
        return self.folder.name

    def pairs(self):
        """(name, value as sent, value decoded), all bytes; broken forms are
        cut up as far as they can be."""
        for part in self.body.split(b"&"):
            name, _, value = part.partition(b"=")
            yield name, value, unquote_to_bytes(value.replace(b"+", b" "))


def _stores():
    return json.loads((FOLDER / "merchants.json").read_text())


def identity_key():
    """What the ids of the expected receipts were made with."""
    return _stores()["identity_key"]


def merchants():
    """For Gateway(merchants=...)."""
    found = {}
    for m in _stores()["merchants"]:
        options = {k: ("yes" if v is True else "no" if v is False else v)
                   for k, v in m.items()
                   if k not in ("store_id", "password", "passwords")}
        lines = m["passwords"] if "passwords" in m else [m["password"]]
        found[m["store_id"]] = {**options, "password": "\n".join(lines)}
    return found


def provider(context):
    """A stand-in for SSLCommerz that knows every payment of which a case
    expects a receipt."""
    stand_in = SSLCommerz(context, {name: options["password"]
                                    for name, options in merchants().items()})
    for case in cases():
        if case.receipt is not None:
            stand_in.ledger.enter(case.merchant, {
                unquote_plus(n.decode()): d.decode()
                for n, _, d in case.pairs()})
    return stand_in


def cases():
    """Every case, by name."""
    found = []
    for folder in sorted(FOLDER.iterdir()):
        if not (folder / "request.form").exists():
            continue
        expect = json.loads((folder / "expect.json").read_text())
        receipt = expect.get("receipt")
        if receipt is not None:
            del receipt["received_at"]  # our clock's, not the callback's
        found.append(Case(folder, expect["merchant"],
                          (folder / "request.form").read_bytes(),
                          expect["http"], expect["verdict"], receipt,
                          expect.get("reason")))
    return found
