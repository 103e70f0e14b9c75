"""What of a store was on disk at which moment, from a trace of its writes.

The kernel may lose whatever was not synced when the power fails.  Replaying
a trace with nothing but what each sync made safe gives the worst that may be
found afterwards.
"""

import re
from pathlib import Path

CALLS = "trace=openat,pwrite64,ftruncate,fdatasync,fsync,unlink"
STRACE = ["strace", "-f", "-ttt", "-xx", "-s", "100000",
          "-e", "signal=none", "-e", CALLS]

HEX = r'"((?:\\x..)*)"'
OPEN = re.compile(rf"openat\(AT_FDCWD, {HEX}, .*\) += (\d+)$")
WRITE = re.compile(rf"pwrite64\((\d+), {HEX}, \d+, (\d+)\) += (\d+)$")
CUT = re.compile(r"ftruncate\((\d+), (\d+)\) += 0$")
SYNC = re.compile(r"f(?:data)?sync\((\d+)\) += 0$")
LINE = re.compile(r"(\d+) +(\d+\.\d+) (.*)$")
RESUMED = re.compile(r"<\.\.\. \w+ resumed>(.*)$")
UNFINISHED = "<unfinished ...>"


def _plain(escaped):
    return bytes.fromhex(escaped.replace("\\x", ""))


def _calls(trace):
    """(when it returned, the call) in the order of the returns."""
    begun = {}
    for line in Path(trace).read_text(errors="replace").splitlines():
        found = LINE.match(line)
        if not found:
            continue
        thread, when, call = found[1], float(found[2]), found[3]
        if call.endswith(UNFINISHED):
            begun[thread] = call[:-len(UNFINISHED)].rstrip()
            continue
        rest = RESUMED.match(call)
        yield when, begun.pop(thread) + rest[1] if rest else call


def _written(data, at, old):
    new = bytearray(old.ljust(at + len(data), b"\0"))
    new[at:at + len(data)] = data
    return bytes(new)


def moments(trace, store):
    """[(when, {name: bytes that survive from then on})] of a store's files.

    The journal that makes the first file a database is left out: it is gone
    and its folder synced before a gateway takes callbacks."""
    names = {str(store): "", f"{store}-wal": "-wal"}
    files, cached, safe, found = {}, {}, {}, []
    for when, call in _calls(trace):
        if match := OPEN.match(call):
            files[match[2]] = names.get(_plain(match[1]).decode())
        elif (match := WRITE.match(call)) and files.get(match[1]) is not None:
            name, data = files[match[1]], _plain(match[2])
            assert len(data) == int(match[4]), "a short write, or trace"
            cached[name] = _written(data, int(match[3]),
                                    cached.get(name, b""))
        elif (match := CUT.match(call)) and files.get(match[1]) is not None:
            name, size = files[match[1]], int(match[2])
            cached[name] = cached.get(name, b"")[:size].ljust(size, b"\0")
        elif (match := SYNC.match(call)) and files.get(match[1]) is not None:
            name = files[match[1]]
            safe[name] = cached.get(name, b"")
            found.append((when, dict(safe)))
    return found
