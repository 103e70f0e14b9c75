"""The recorded callbacks under fixtures/, as the tests and the demo use them.

fixtures/sslcommerz/merchants.json says which stores they are for and what
those were signed with; expect.json of a case what has to come of it.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote_to_bytes

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
    """For Gateway(merchants=...).  Stores with confirm = required are left
    out, and their cases: SSLCommerz itself would have to answer."""
    found = {}
    for m in _stores()["merchants"]:
        if m["confirm"] == "required":
            continue
        options = {k: ("yes" if v is True else "no" if v is False else v)
                   for k, v in m.items()
                   if k not in ("store_id", "password", "passwords")}
        lines = m["passwords"] if "passwords" in m else [m["password"]]
        found[m["store_id"]] = {**options, "password": "\n".join(lines)}
    return found


def cases():
    """Every case for one of merchants(), by name."""
    found, known = [], merchants()
    for folder in sorted(FOLDER.iterdir()):
        if not (folder / "request.form").exists():
            continue
        expect = json.loads((folder / "expect.json").read_text())
        if expect["merchant"] not in known:
            continue
        receipt = expect.get("receipt")
        if receipt is not None:
            del receipt["received_at"]  # our clock's, not the callback's
        found.append(Case(folder, expect["merchant"],
                          (folder / "request.form").read_bytes(),
                          expect["http"], expect["verdict"], receipt,
                          expect.get("reason")))
    return found
