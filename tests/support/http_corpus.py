"""The raw requests of fixtures/http, and what is answered to them."""

import re
from dataclasses import dataclass
from pathlib import Path

import callbacks

FOLDER = Path(__file__).resolve().parents[2] / "fixtures" / "http"
CALLBACK = callbacks.paid("CORPUS-1")
MACROS = {"length": str(len(CALLBACK)).encode(), "callback": CALLBACK,
          "chunked": b"3\r\nabc\r\n0\r\n\r\n"}

# Whoever answers this, last, had the connection open until now.
PROBE = (b"POST /ipn/testbox HTTP/1.1\r\nHost: probe\r\nConnection: close\r\n"
         b"Content-Type: application/x-www-form-urlencoded\r\n"
         b"Content-Length: " + MACROS["length"] + b"\r\n\r\n" + CALLBACK)


@dataclass(frozen=True)
class Case:
    name: str
    data: bytes
    statuses: tuple  # of the answers, in order
    open: bool       # the connection, behind them
    head: bool       # answers have no body
    must: bool       # no server may take it, whatever its profile
    rule: str

    @property
    def legal(self):
        """Is it one that every server has to serve?"""
        return all(status < 300 for status in self.statuses)


def macro(match):
    word = match[1]
    if "*" in word:
        text, times = word.rsplit("*", 1)
        return text.replace("|", "\r\n").encode("latin-1") * int(times)
    return MACROS[word]


def expand(line):
    line, whole = (line[:-1], False) if line.endswith("\\") else (line, True)
    out, at = b"", 0
    for m in re.finditer(r"\{([^}]+)\}|\\(x..|.)", line):
        out += line[at:m.start()].encode("latin-1")
        if m[1]:
            out += macro(m)
        elif m[2][0] == "x":
            out += bytes([int(m[2][1:], 16)])
        else:
            out += {"r": b"\r", "n": b"\n", "t": b"\t"}[m[2]]
        at = m.end()
    out += line[at:].encode("latin-1")
    return out + b"\r\n" if whole else out


def cases():
    found = []
    for path in sorted(FOLDER.glob("*.http")):
        for text in path.read_text().split("\n=== ")[1:]:
            name, expect, rule, *lines = text.removesuffix("\n").split("\n")
            words = expect.removeprefix(">>> ").split()
            found.append(Case(
                f"{path.stem}/{name}", b"".join(map(expand, lines)),
                tuple(int(w) for w in words if w.isdigit()),
                "open" in words, "head" in words, "must" in words,
                rule.removeprefix("... ")))
    return found


def answers(data, head=False):
    """The statuses in what a server has sent; None for what is no answer."""
    found = []
    while data:
        m = re.match(rb"HTTP/1\.[01] (\d{3})[^\r\n]*\r\n((?:[^\r\n]+\r\n)*)"
                     rb"\r\n", data)
        if m is None:
            return (*found, None)
        found.append(int(m[1]))
        data = data[m.end():]
        length = re.search(rb"(?im)^content-length: *(\d+)\r$", m[2])
        if length and not (head and len(found) == 1):
            data = data[int(length[1]):]
        elif re.search(rb"(?im)^transfer-encoding: *chunked\r$", m[2]):
            data = data[data.index(b"0\r\n\r\n") + 5:]
    return tuple(found)


def converse(sock, data, piece=None):
    """Send it, in pieces of so many bytes, and read until the end; a server
    that does not end it has a line of its own."""
    got = b""
    try:
        for at in range(0, len(data), piece or len(data)):
            sock.sendall(data[at:at + (piece or len(data))])
    except OSError:
        pass  # refused before all was sent
    try:
        while more := sock.recv(65536):
            got += more
    except TimeoutError:
        got += b"still open"
    except OSError:
        pass
    return got
