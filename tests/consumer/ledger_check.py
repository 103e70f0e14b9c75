#!/usr/bin/python3
"""Check what `paysieve ledger prove` or `consistency` printed.

    ledger_check.py PUBLIC_KEY < proof.json

PUBLIC_KEY: 64 hex digits, got from the operator by another way than the proof.
Exit code 0: it is proved.  Shares nothing with the gateway; the signature is
checked by openssl(1).  See RFC 6962, section 2.1, and RFC 9162, sections
2.1.3.2 and 2.1.4.2.
"""
import hashlib
import json
import struct
import subprocess
import sys
import tempfile

ED25519 = bytes.fromhex("302a300506032b6570032100")  # what DER has in front


def digest(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def node(left, right):
    return digest(b"\1", left, right)


def receipt_leaf(p):
    text = json.dumps(p["receipt"], separators=(",", ":")).encode()
    return digest(b"\0R", bytes.fromhex(p["salt"]),
                  p["seq"].to_bytes(8, "big"), p["merchant"].encode(),
                  b"\0", text)


def root_of(leaf, n, size, path):
    """The root that a leaf of number n and its path lead to."""
    last = size - 1
    for other in path:
        if n & 1 or n == last:
            leaf = node(other, leaf)
            while n and not n & 1:
                n, last = n >> 1, last >> 1
        else:
            leaf = node(leaf, other)
        n, last = n >> 1, last >> 1
    return leaf if last == 0 else None


def roots_of(first, second, root, path):
    """Both roots, of which the first is known, that a path leads to."""
    if first == second:
        return (root, root) if not path else (None, None)
    if first & first - 1 == 0:
        path = [root, *path]
    n, last = first - 1, second - 1
    while n & 1:
        n, last = n >> 1, last >> 1
    old = new = path[0]
    for other in path[1:]:
        if n & 1 or n == last:
            old, new = node(other, old), node(other, new)
            while n and not n & 1:
                n, last = n >> 1, last >> 1
        else:
            new = node(new, other)
        n, last = n >> 1, last >> 1
    return (old, new) if last == 0 else (None, None)


def is_signed(head, key):
    if head["key"] != key:
        return False
    text = struct.pack(">BBQQ", 0, 1, head["timestamp_ms"], head["size"])
    with tempfile.NamedTemporaryFile() as public, \
            tempfile.NamedTemporaryFile() as data, \
            tempfile.NamedTemporaryFile() as signature:
        for file, content in ((public, ED25519 + bytes.fromhex(key)),
                              (data, text + bytes.fromhex(head["root"])),
                              (signature, bytes.fromhex(head["signature"]))):
            file.write(content)
            file.flush()
        return subprocess.run(
            ["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER",
             "-inkey", public.name, "-rawin", "-in", data.name,
             "-sigfile", signature.name],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            check=False).returncode == 0


def is_proved(p, key):
    head = p["head"]
    root = bytes.fromhex(head["root"])
    path = [bytes.fromhex(h) for h in p["path"]]
    if "receipt" in p:
        good = p["leaf"] < head["size"] and \
            root_of(receipt_leaf(p), p["leaf"], head["size"], path) == root
    else:
        old = bytes.fromhex(p["from"]["root"])
        good = 0 < p["from"]["size"] <= head["size"] and \
            is_signed(p["from"], key) and \
            roots_of(p["from"]["size"], head["size"], old, path) == (old, root)
    return good and is_signed(head, key)


if __name__ == "__main__":
    sys.exit(0 if is_proved(json.load(sys.stdin), sys.argv[1]) else 1)
