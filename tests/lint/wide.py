#!/usr/bin/python3
"""Payer data has no name outside of gateway/intake/.

Every header there but intake.h is private, and so is every type that such a
header defines.
"""
import re

from tree import Tree, code_only, line_of, without_comments

ALWAYS = ("form",)  # whatever the headers say


def private_types(t):
    found = set(ALWAYS)
    for name in t.files(r"gateway/intake/.*\.h"):
        if name != "gateway/intake/intake.h":
            found.update(re.findall(
                r"^(?:struct|enum|union)\s+(\w+)\s*\{",
                code_only(t.read(name)), re.M))
    return found


def main():
    t = Tree("wide")
    types = private_types(t)
    named = re.compile(r"\b(?:struct|enum|union)\s+(%s)\b" %
                       "|".join(sorted(types)))
    header = re.compile(r'#\s*include\s*["<](intake/(?!intake\.h)[^">]*)')
    for name in t.files(r"gateway/.*\.(c|h|def)"):
        if name.startswith("gateway/intake/"):
            if name != "gateway/intake/intake.h":
                continue
        text = t.read(name)
        code, quoted = code_only(text), without_comments(text)
        for m in named.finditer(code):
            t.fault(name, line_of(code, m.start()),
                    "%s is private to intake" % m[0])
        for m in header.finditer(quoted):
            t.fault(name, line_of(quoted, m.start()),
                    "%s is private to intake" % m[1])
    t.finish(", %d private types" % len(types))


main()
