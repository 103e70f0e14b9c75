"""A search of the memory of a gateway's processes, as root."""

import re
from pathlib import Path

import callbacks

# A gateway's prefix: where nothing may be locked, no memory is hidden
# (base/hidden.h), and a search sees what requests are read into as well.
SEARCHABLE = ["prlimit", "--memlock=0"]


class Canaries:
    """64 letters each; every eleven in a row say whose they are."""

    PIECE = re.compile(rb"Qz7K([a-j]{4})|517a374b((?:6[1-9a]){4})|"
                       rb"Q\0z\x007\0K\0((?:[a-j]\0){4})|"
                       rb"K7zQ([a-j]{4})|7zQ.([a-j]{3})K", re.S)

    def __init__(self):
        self.count = 0

    def new(self):
        digits = f"{self.count:04}"
        self.count += 1
        return ("Qz7K" + digits.translate(
            str.maketrans("0123456789", "abcdefghij"))) * 8

    def fields(self, invoice, **changed):
        """A paid callback whose every dropped text is a canary."""
        fields = callbacks.genuine(invoice)
        for name in ("bank_tran_id", "card_brand", "card_issuer", "card_no",
                     "card_issuer_country", "card_sub_brand", "card_type",
                     "error", "risk_title", "val_id", "value_a", "value_b",
                     "value_c", "value_d"):
            fields[name] = self.new()
        fields["cus_name"] = self.new()
        fields.update(changed)
        return callbacks.signed(fields)

    def body(self, invoice, **changed):
        return callbacks.encode(self.fields(invoice, **changed))

    def head(self):
        return [f"{name}: {self.new()}"
                for name in ("User-Agent", "Cookie", "X-Forwarded-For")]

    def found(self, data):
        return sorted({m.group() for m in self.PIECE.finditer(data)})


def memory(pid):
    """Everything that a process can write to."""
    with open(f"/proc/{pid}/mem", "rb", 0) as mem:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            place, rights, *_ = line.split()
            start, end = (int(x, 16) for x in place.split("-"))
            if not rights.startswith("rw"):
                continue
            assert "/secretmem" not in line, "hidden: see SEARCHABLE"
            mem.seek(start)
            try:
                yield mem.read(end - start)
            except OSError:
                continue  # reserved, not there


def memory_readable(gateway):
    try:
        return any(True for _ in memory(next(iter(gateway.rooms()))))
    except PermissionError:
        return False


def in_memory(gateway, canaries):
    """{room: pieces} of what is left in any process."""
    rooms = {**gateway.rooms(), gateway.pid: "supervisor"}
    found = {}
    for pid, role in rooms.items():
        for data in memory(pid):
            if pieces := canaries.found(data):
                found.setdefault(role, set()).update(pieces)
    return found
