#!/usr/bin/python3
"""No function over 100 lines, no file over 600.

A function's body starts with a brace in the first column and ends with one.
"""
from tree import Tree

FUNCTION = 100
FILE = 600


def main():
    t = Tree("size")
    functions = 0
    for name in t.files(r"gateway/.*\.[ch]"):
        lines = t.read(name).splitlines()
        start = None
        if len(lines) > FILE:
            t.fault(name, FILE + 1, "%d lines; split it" % len(lines))
        for n, line in enumerate(lines, 1):
            if line.startswith("{"):
                if start is not None:
                    t.fault(name, n, "a body inside of a body")
                start = n
            elif line.startswith("}") and start is not None:
                functions += 1
                if n - start + 1 > FUNCTION:
                    t.fault(name, start, "a function of %d lines" %
                            (n - start + 1))
                start = None
        if start is not None:
            t.fault(name, start, "a body without an end")
    t.finish(" with %d functions" % functions)


main()
