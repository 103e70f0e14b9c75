#!/usr/bin/python3
"""What may go wrong, what the gateway does then, and which tests show it.

The rows are those of faults.txt; each names tests that are there, or targets
of make.  README.md shows them between two marks; with --write this writes
them, without it compares.
"""
import os
import re
import sys

from tree import Tree, line_of

LIST = "tests/lint/faults.txt"
MARKS = re.compile(r"(<!-- faults: made by `make faults` -->\n).*?"
                   r"(<!-- /faults -->)", re.S)


def read_list(t):
    """[(line, fault, what is done, [test], figure)]"""
    rows = []
    for n, line in enumerate(t.read(LIST).splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        cells = [c.strip() for c in line.split("|")]
        if len(cells) != 4 or not all(cells[:3]):
            t.fault(LIST, n, "a line that this lint cannot read")
        else:
            rows.append((n, cells[0], cells[1], cells[2].split(), cells[3]))
    return rows


def is_there(t, test):
    if test.startswith("make:"):
        return re.search(r"^%s:" % re.escape(test[5:]), t.read("Makefile"),
                         re.M) is not None
    path, _, name = test.partition("::")
    path = "tests/" + path
    if path not in t.all:
        return False
    return re.search(r"^(def )?%s\(" % re.escape(name), t.read(path),
                     re.M) is not None


def words(test):
    if test.startswith("make:"):
        return "`make %s`" % test[5:]
    path, _, name = test.partition("::")
    return "`%s`: %s" % (os.path.basename(path), name.replace(
        "test_", "", 1).replace("_", " "))


def table(rows):
    lines = ["| fault | what the gateway does | shown by | seen |",
             "|---|---|---|---|"]
    for _, fault, done, tests, figure in rows:
        lines.append("| %s | %s | %s | %s |" % (
            fault, done, "; ".join(map(words, tests)), figure))
    return "\n".join(lines) + "\n"


def main():
    write = "--write" in sys.argv
    sys.argv = [a for a in sys.argv if a != "--write"]
    t = Tree("faults")
    if LIST not in t.all:
        t.fault(LIST, 1, "there is none")
        t.finish()
    rows = read_list(t)
    for n, _, _, tests, _ in rows:
        for test in tests:
            if not is_there(t, test):
                t.fault(LIST, n, "there is no %s" % test)
    text = t.read("README.md")
    m = MARKS.search(text)
    if m is None:
        t.fault("README.md", 1, "there is no place for the table of faults")
        t.finish()
    new = text[:m.start()] + m[1] + table(rows) + m[2] + text[m.end():]
    if new != text and write:
        with open(os.path.join(t.root, "README.md"), "w",
                  encoding="utf-8") as f:
            f.write(new)
    elif new != text:
        t.fault("README.md", line_of(text, m.start()),
                "the table of faults is stale: make faults")
    t.finish(" with %d rows" % len(rows))


main()
