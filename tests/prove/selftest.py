"""Is the scanner worth believing?  Every encoding is planted and found."""

import base64
import json
import os
import random
import subprocess
import sys
from urllib.parse import quote_plus

from canary import ESCAPED, NAME, TEXT, Canaries
from scanner import Scanner, dump

PAD = b"ordinary text, %d, and \x00\x01\x02 bytes; "
BORDER = 16 << 20  # what the scanner reads at once


def _base64(offset):
    def encode(text):
        return base64.b64encode(b"." * offset + text.encode())
    return encode


# how: (the scanner's word for it, what makes bytes of a text)
ENCODINGS = {
    "raw": ("raw", str.encode),
    "upper case": ("raw", lambda t: t.upper().encode()),
    "lower case": ("raw", lambda t: t.lower().encode()),
    "utf-16le": ("utf-16", lambda t: t.encode("utf-16-le")),
    "utf-16be": ("utf-16", lambda t: t.encode("utf-16-be")),
    "utf-32": ("utf-16", lambda t: t.encode("utf-32-be")),
    "hex": ("hex", lambda t: t.encode().hex().encode()),
    "HEX": ("hex", lambda t: t.encode().hex().upper().encode()),
    "odd hex": ("hex", lambda t: b"a" + t.encode().hex().encode()),
    "base64": ("base64", _base64(0)),
    "base64 + 1": ("base64", _base64(1)),
    "base64 + 2": ("base64", _base64(2)),
    "base64url": ("base64",
                  lambda t: base64.urlsafe_b64encode(t.encode())),
    "percent": ("escaped", lambda t: "".join(
        f"%{b:02X}" for b in t.encode()).encode()),
    "percent, lower": ("escaped", lambda t: "".join(
        f"%{b:02x}" for b in t.encode()).encode()),
    "form": ("escaped", lambda t: quote_plus(t).encode()),
    "JSON": ("escaped", lambda t: json.dumps(t).replace(
        "/", "\\/").encode()),
    "JSON, all": ("escaped", lambda t: "".join(
        f"\\u{ord(c):04x}" for c in t).encode()),
}
# How these texts do not differ from raw, or are not sought.
UNCHANGED = {(NAME, "form"), (NAME, "JSON")}
NOT_SOUGHT = {(ESCAPED, h) for h in (
    "utf-16le", "utf-16be", "utf-32", "upper case", "lower case")}


def _views(found, kind):
    return {view for k, view in found.hits if k == kind}


def _plant(folder, name, data):
    path = folder / name.replace(" ", "-")
    path.write_bytes(data)
    return path


def _cut(text, fixed):
    """A piece of seven characters that has the kind's symbol."""
    at = len(fixed) - 1
    return text[at:at + 7]


def encodings(scanner, folder):
    """Whole canaries and pieces, in every encoding; how many were found."""
    canaries = Canaries()
    n = 0
    for fixed in (TEXT, NAME, ESCAPED):
        kind = "c" if fixed == NAME else "C"
        for how, (view, encode) in ENCODINGS.items():
            if (fixed, how) in NOT_SOUGHT:
                continue
            whole = canaries.text(kind, 64, fixed)
            for text in (whole, whole[-20:], _cut(whole, fixed)):
                data = PAD + b"\0" + encode(text) + b"\0" + PAD
                found = scanner.search([_plant(folder, "planted", data)])
                wanted = "raw" if (fixed, how) in UNCHANGED else view
                assert wanted in _views(found, "C"), (fixed, how, text)
                n += 1
    return n


def cards(scanner, folder):
    canaries = Canaries()
    n = 0
    for number in canaries.cards:
        grouped = " ".join(number[i:i + 4] for i in range(0, 16, 4))
        for text in (number, number[-8:], number[3:11], grouped,
                     "0" + number + "9", number[:6] + "-" + number[6:12]):
            found = scanner.search([_plant(
                folder, "planted", PAD + text.encode() + PAD)])
            assert found.by_kind["Z"] > 0, text
            n += 1
        for encode in (ENCODINGS["hex"][1], _base64(1)):
            found = scanner.search([_plant(
                folder, "planted", encode(number))])
            assert found.by_kind["Z"] > 0, number
            n += 1
    return n


def alignments(scanner, folder):
    """The shortest pieces wherever they may begin, right behind letters of
    the encoding or behind nothing of it."""
    canaries = Canaries()
    text = canaries.text("C", 64)[5:11]
    number = canaries.cards[0][4:12]
    for kind, data in (("C", text.encode()),
                       ("C", text.encode().hex().encode()),
                       ("C", base64.b64encode(text.encode())),
                       ("C", text.encode("utf-16-le")),
                       ("Z", number.encode())):
        for before in range(16):
            for letter in b"\0", b"a":
                planted = letter * before + data + b"\0" * 40
                found = scanner.search([_plant(folder, "planted", planted)])
                assert found.by_kind[kind] > 0, (kind, planted)
    return 5 * 16 * 2


def borders(scanner, folder):
    """Around the place where one block ends and the next begins: each hit
    once."""
    whole = Canaries().text("C", 64).encode()
    overlap = 64 << 10
    for at in (BORDER - 70, BORDER - 32, BORDER - 1, BORDER,
               BORDER - overlap - 5, BORDER - overlap // 2 - 5,
               BORDER - overlap // 2):
        data = bytearray(BORDER + (1 << 20))
        data[at:at + 64] = whole
        found = scanner.search([_plant(folder, "planted", data)])
        assert found.hits == {("C", "raw"): 1}, (at, found.hits)
    return 7


# As private as a room: not dumpable, so that only root may look into it.
HOLDER = """
import ctypes, signal, sys
PR_SET_DUMPABLE = 4
assert ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0
held = sys.stdin.buffer.read()
print("ready", flush=True)
signal.pause()
"""


def memory(scanner, folder):
    """What another process holds is found in it and in its core, and only
    while it does."""
    canary = Canaries().text("C", 96).encode()
    core = folder / "core"
    for data, wanted in ((canary, True), (b"", False)):
        with subprocess.Popen([sys.executable, "-c", HOLDER],
                              stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE) as holder:
            holder.stdin.write(data)
            holder.stdin.close()
            assert holder.stdout.readline() == b"ready\n"
            try:
                found = [scanner.processes([holder.pid])]
                dump(holder.pid, core)
                found.append(scanner.search([core]))
            finally:
                holder.kill()
        core.unlink()
        for f in found:
            assert (f.by_kind["C"] > 0) == wanted, (wanted, f.told)
    return 4


def noise(scanner, folder, binary, megabytes):
    """Nothing is found where nothing is: in the program and its libraries,
    in noise of a fixed seed, in as much of /dev/urandom as is wanted."""
    targets = [binary, sys.executable, os.environ.get("SCAN", "")]
    source = random.Random(11)
    targets.append(_plant(folder, "noise", source.randbytes(32 << 20)))
    searched = 0
    found = scanner.search([t for t in targets if t])
    assert not found.hits, found.told
    searched += found.searched
    for _ in range(megabytes // 32):
        path = _plant(folder, "noise", os.urandom(32 << 20))
        found = scanner.search([path])
        assert not found.hits, found.told
        searched += found.searched
    (folder / "noise").unlink()
    return searched


def run(folder, binary, megabytes):
    """Everything; a line for the report.  AssertionError: not to be
    believed."""
    folder.mkdir(mode=0o700)
    numbers = folder / "cards"
    numbers.write_text("\n".join(Canaries().cards) + "\n")
    scanner = Scanner(numbers)
    planted = sum(test(scanner, folder)
                  for test in (memory, encodings, cards, alignments, borders))
    searched = noise(scanner, folder, binary, megabytes)
    return (f"scanner: {planted} planted pieces found, "
            f"none in {searched / 1e6:.0f} MB without")
