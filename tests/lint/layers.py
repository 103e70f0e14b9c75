#!/usr/bin/python3
"""Each folder includes lower layers only; each library has its places."""
import re

from tree import Tree, line_of, without_comments

ROOMS = ("edge", "keeper", "asker", "courier", "desk")

# folder -> what it may include besides itself: folders, or single headers
MAY = {
    "base": [],
    "receipt": ["base"],
    "config": ["base", "receipt"],
    "message": ["base", "receipt", "config"],
    "net": ["base", "config"],
    "client": ["base"],
    "intake": ["base", "receipt", "config"],
    "edge": ["base", "receipt", "config", "message", "net", "intake"],
    "keeper": ["base", "receipt", "config", "message"],
    "asker": ["base", "receipt", "config", "message", "client", "intake"],
    "courier": ["base", "receipt", "config", "message", "client"],
    "desk": ["base", "receipt", "config", "message", "net"],
    "supervisor": ["base", "config", "message", "net/tls.h"] +
                  ["%s/%s.h" % (r, r) for r in ROOMS],
    "command": ["base", "receipt", "config", "message", "supervisor",
                "client", "intake/intake.h", "keeper/store_driver.h",
                "keeper/moves.h", "keeper/erasure.h", "keeper/place.h",
                "courier/parcel.h", "courier/target.h",
                "net/tls.h"],  # check tries the certificate and the key
    "main.c": ["base", "command", "supervisor"],
}

VERSION = r"command/version\.c"  # it asks the libraries for their versions

# header of a library -> the files that may include it
LIBRARY = {
    r"sqlite3\.h": r"keeper/driver_sqlite[a-z_]*\.[ch]|" + VERSION,
    r"curl/.*": r"client/.*|" + VERSION,
    r"jansson\.h": r"(command|receipt|desk|asker)/.*",
    r"openssl/.*": r"(net|intake|client)/.*|courier/webhook\.c|"
                   r"base/(secret|ed25519)\.c|" + VERSION,
    r"event2/.*|event\.h": r"base/loop\.[ch]|(message|net|client)/.*|(" +
                           "|".join(ROOMS) + ")/.*|" + VERSION,
    r"pthread\.h|threads\.h": r"keeper/.*",
    r"valgrind/.*": r"base/taint\.h",
    r"seccomp\.h": r"supervisor/.*|" + VERSION,
    r"libpq-fe\.h": r"keeper/driver_postgres[a-z_]*\.[ch]|" + VERSION,
}

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(.*)$', re.M)


def check_own(t, name, line, folder, header):
    if "/" not in header:
        if not header.endswith(".inc"):  # made by the build
            t.fault(name, line, '"%s" is named without its folder' % header)
        return
    target = header.split("/")[0]
    if target == folder or target in MAY[folder] or header in MAY[folder]:
        return
    t.fault(name, line, "%s may not include %s" % (folder, header))


def check_library(t, name, line, header):
    inside = name[len("gateway/"):]
    for library, places in LIBRARY.items():
        if re.fullmatch(library, header) and not re.fullmatch(places, inside):
            t.fault(name, line, "<%s> has no place here" % header)


def main():
    t = Tree("layers")
    includes = 0
    for name in t.files(r"gateway/.*\.(c|h|def)"):
        folder = name.split("/")[1]
        if folder not in MAY:
            t.fault(name, 1, "%s is in no layer" % folder)
            continue
        text = without_comments(t.read(name))
        for m in INCLUDE.finditer(text):
            line = line_of(text, m.start())
            what = re.match(r'"([^"]*)"|<([^>]*)>', m[1])
            includes += 1
            if what is None:
                t.fault(name, line, "an include that nobody can check")
            elif what[1] is not None:
                check_own(t, name, line, folder, what[1])
            else:
                check_library(t, name, line, what[2])
    t.finish(" with %d includes" % includes)


main()
