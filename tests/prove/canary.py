"""Canaries: texts that say of six bytes in a row whose they were.

canary.h says how they are made.  Here is who gets which: a kind is a letter,
the place of what was dropped; the serial number tells one canary from the
next.
"""

import random

SERIALS = 100000
LENGTHS = (64, 65, 96, 127, 250)  # 64: the longest val_id

KINDS = {
    "A": "card fields",
    "B": "bank fields",
    "C": "customer fields",
    "D": "other known fields",
    "E": "unknown fields",
    "F": "field names",
    "G": "header names",
    "H": "header values",
    "I": "paths and queries",
    "J": "refused callbacks",
    "K": "malformed requests",
    "L": "half-sent requests",
    "M": "provider's answers",
    "N": "val_id",
    "O": "store password",
    "P": "webhook secret",
    "Q": "API token",
    "R": "killed rooms",
    "S": "API requests",
    "T": "TLS hello",
    "U": "tran_id that is not the invoice ID",
    "V": "identity key",
    "Z": "card-shaped",
    "?": "(a piece, kind unknown)",
}

TEXT = "Qz/7J"       # fits a val_id, a token, a header, a query
NAME = "q_7zx"       # the name of a field that may be signed
ESCAPED = '"é\\<'    # what JSON and URLs escape

# Published test numbers begin like this; with the length of the number.
TEST_RANGES = (("411111", 16), ("424242", 16), ("555555", 16), ("510510", 16),
               ("222300", 16), ("378282", 15), ("601111", 16), ("353011", 16),
               ("620000", 16), ("630400", 19))
CARDS = 40


def luhn_digit(digits):
    total = 0
    for i, digit in enumerate(reversed(digits)):
        n = int(digit) * (2 - i % 2)
        total += n - 9 if n > 9 else n
    return str(-total % 10)


def _cards(source):
    """Made-up numbers; nine eight-digit pieces or so of each."""
    found = []
    for i in range(CARDS):
        prefix, length = TEST_RANGES[i % len(TEST_RANGES)]
        middle = ""
        while len(prefix + middle) < length - 1:
            digit = source.choice("123456789")
            if not middle.endswith(digit):
                middle += digit
        number = prefix + middle
        found.append(number + luhn_digit(number))
    return found


class Canaries:
    """Makes canaries, counts them; the same seed makes the same ones."""

    def __init__(self, seed=7):
        self._source = random.Random(seed)
        self._next = {}
        self.cards = _cards(self._source)

    @property
    def count(self):
        return sum(self._next.values()) + len(self.cards)

    def _serial(self, kind):
        serial = self._next.get(kind, 0)
        if serial == SERIALS:
            raise ValueError("no serial numbers left of kind " + kind)
        self._next[kind] = serial + 1
        return f"{serial:05}"

    def text(self, kind, length=None, fixed=TEXT):
        """A canary of a kind, so long, or of the next length in turn."""
        serial = self._serial(kind)
        if length is None:
            length = LENGTHS[int(serial) % len(LENGTHS)]
        period = "".join(fixed + kind + fixed + digit for digit in serial)
        return (period * (length // len(period) + 1))[:length]

    def name(self, kind, length=64):
        return self.text(kind.lower(), length, NAME)

    def escaped(self, kind, length=None):
        return self.text(kind, length, ESCAPED)

    def card(self):
        return self._source.choice(self.cards)

    def card_text(self):
        """As people and forms write them."""
        return self._source.choice((
            self.card(),
            " ".join(self.card()[i:i + 4] for i in range(0, 16, 4)),
            "-".join(self.card() for _ in range(4)),
            "PAN=" + self.card() + "; exp=12/39",
        ))
