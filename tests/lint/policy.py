#!/usr/bin/python3
"""What a privacy policy promises, and which tests prove it.

The sentences and requirements are those of policy.txt; a test says which it
proves in a line above it.  README.md and gateway/README.md show both between
two marks; with --write this writes them, without it compares.
"""
import os
import re
import sys

from tree import Tree, line_of

LIST = "tests/lint/policy.txt"
MARKS = re.compile(r"(<!-- policy: made by `make policy` -->\n).*?"
                   r"(<!-- /policy -->)", re.S)
IN_C = re.compile(r"/\* proves: ([^*]*?) \*/\s+[a-z ]+\n(\w+)\(")
IN_PYTHON = re.compile(r"^# proves: (.*)\n(?:(?!def ).+\n)*?def (\w+)\(",
                       re.M)


def read_list(t):
    """[(sentence, [(name, words, why no test or None)])]"""
    promises = []
    for n, line in enumerate(t.read(LIST).splitlines(), 1):
        if line.startswith("> "):
            promises.append((line[2:], []))
        elif re.match(r"R\d+ ", line) and promises:
            name, words = line.split(" ", 1)
            words, _, why = words.partition(" -- ")
            promises[-1][1].append((name, words, why or None))
        elif line and not line.startswith("#"):
            t.fault(LIST, n, "a line that this lint cannot read")
    return promises


def proofs(t):
    """name of requirement -> [(file, test)]; what is never run is a fault."""
    found = {}
    for path in t.files(r"tests/.*\.(c|py)"):
        if path == "tests/lint/policy.py":
            continue
        text = t.read(path)
        pattern = IN_C if path.endswith(".c") else IN_PYTHON
        marks = list(pattern.finditer(text))
        if len(re.findall(r"^(?:/\*|#) proves: ", text, re.M)) != len(marks):
            t.fault(path, 1, "a proof without a test below it")
        for m in marks:
            line = line_of(text, m.start())
            if path.endswith(".c") and m[2] != "main" and len(
                    re.findall(r"\b%s\b" % m[2], text)) < 2:
                t.fault(path, line, "%s is not run" % m[2])
            for name in m[1].split():
                found.setdefault(name, []).append((path, line, m[2]))
    return found


def check(t, promises, found):
    known = set()
    for _, requirements in promises:
        for name, _, why in requirements:
            known.add(name)
            if why is None and name not in found:
                t.fault(LIST, 1, "no test proves %s" % name)
            if why is not None and name in found:
                t.fault(LIST, 1, "%s is proved after all" % name)
    for name, tests in found.items():
        if name not in known:
            t.fault(tests[0][0], tests[0][1], "there is no %s" % name)


def short_table(promises, found):
    lines = ["| what a policy says | requirements | tests |", "|---|---|---|"]
    for sentence, requirements in promises:
        tests = {(p, n) for name, _, _ in requirements
                 for p, _, n in found.get(name, ())}
        names = " ".join(name for name, _, _ in requirements)
        lines.append("| %s | %s | %d |" % (sentence, names, len(tests)))
    return "\n".join(lines) + "\n"


def long_table(promises, found):
    lines = []
    for sentence, requirements in promises:
        lines += ["", "**%s**" % sentence, "",
                  "| | requirement | proved by |", "|---|---|---|"]
        for name, words, why in requirements:
            by_file = {}
            for path, _, test in found.get(name, ()):
                by_file.setdefault(os.path.basename(path), []).append(test)
            cell = "; ".join("`%s`: %s" % (f, ", ".join(
                s.replace("test_", "", 1).replace("_", " ") for s in tests))
                for f, tests in sorted(by_file.items()))
            lines.append("| %s | %s | %s |" % (
                name, words, cell or "no test: " + (why or "")))
    return "\n".join(lines) + "\n\n"


def bring_up_to_date(t, path, table, write):
    text = t.read(path)
    m = MARKS.search(text)
    if m is None:
        t.fault(path, 1, "there is no place for the table of proofs")
        return
    new = text[:m.start()] + m[1] + table + m[2] + text[m.end():]
    if new == text:
        return
    if write:
        with open(os.path.join(t.root, path), "w", encoding="utf-8") as f:
            f.write(new)
    else:
        t.fault(path, line_of(text, m.start()),
                "the table of proofs is stale: make policy")


def main():
    write = "--write" in sys.argv
    sys.argv = [a for a in sys.argv if a != "--write"]
    t = Tree("policy")
    if LIST not in t.all:
        t.fault(LIST, 1, "there is none")
        t.finish()
    promises = read_list(t)
    found = proofs(t)
    check(t, promises, found)
    bring_up_to_date(t, "README.md", short_table(promises, found), write)
    bring_up_to_date(t, "gateway/README.md", long_table(promises, found),
                     write)
    t.finish(" with %d proofs" % sum(map(len, found.values())))


main()
