#!/usr/bin/python3
"""No number that could be a card's, but the published test numbers."""
import re

from tree import Tree, line_of

PUBLISHED = set("""
    4111111111111111 4012888888881881 4242424242424242 4000000000000002
    4000056655665556 4222222222222 5555555555554444 5105105105105100
    5200828282828210 2223003122003222 2222405343248877 371449635398431
    378282246310005 378734493671000 6011111111111117 6011000990139424
    30569309025904 38520000023237 3530111333300000 3566002020360505
    6200000000000005 6304000000000000 5019717010103742
""".split())
# Digits, singly parted by blanks or hyphens as on a card.
NUMBER = re.compile(r"(?<![0-9A-Za-z.])(?<!INT64_C\()[0-9](?:[ -]?[0-9]){12,18}"
                    r"(?![0-9A-Za-z]|[ -]?[0-9])")


def luhn(digits):
    total = 0
    for i, d in enumerate(reversed(digits)):
        n = int(d) * (1 + i % 2)
        total += n - 9 if n > 9 else n
    return total % 10 == 0


def first_digits_of_a_card(digits):
    """2 to 6, as issuers have them; stamps in microseconds start with 1."""
    return digits[0] in "23456"


# proves: R43
def main():
    t = Tree("pii")
    seen = 0
    for name in t.files(r"(fixtures|tests|schemas)/.*"):
        text = t.read(name)
        if "\0" in text:
            continue
        for m in NUMBER.finditer(text):
            digits = re.sub(r"[ -]", "", m[0])
            seen += 1
            if (digits not in PUBLISHED and first_digits_of_a_card(digits)
                    and luhn(digits)):
                t.fault(name, line_of(text, m.start()),
                        "this could be a card's number")
    t.finish(", %d long numbers" % seen)


main()
