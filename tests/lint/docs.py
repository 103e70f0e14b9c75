#!/usr/bin/python3
"""The README against the tables of the program, in both directions."""
import re

from tree import Tree, line_of, without_comments

CODE = re.compile(r"`([^`\n]+)`")
STRING = r'"((?:\\.|[^"\\])*)"'


def rows(t, name, macro):
    """(line, the text between the parentheses) of each MACRO(...) row."""
    if name not in t.all:
        t.fault(name, 1, "this table is missing")
        return
    text = without_comments(t.read(name))
    for m in re.finditer(r"^%s\((.*)\)[ \t]*$" % macro, text, re.M):
        yield line_of(text, m.start()), m[1]


# ---- options: | `[section]` | `key` • | default | words |

def options_documented(readme):
    """(section, key) -> (line, default cell, needs a restart)"""
    found, section = {}, None
    for n, line in enumerate(readme.splitlines(), 1):
        cells = [c.strip() for c in line.strip().strip("|").split("|")]
        if not line.startswith("|") or len(cells) < 4:
            section = None
            continue
        head = re.fullmatch(r"`\[([a-z]+)[^\]]*\]`", cells[0])
        if head is not None:
            section = head[1]
        key = re.match(r"`([a-z0-9_]+)`", cells[1])
        if section is not None and key is not None:
            found[section, key[1]] = (n, cells[2], "•" in cells[1])
    return found


def check_option(t, where, row, documented):
    section, key, preset, when = row
    said = documented.pop((section, key), None)
    if said is None:
        t.fault(*where, "[%s] %s is not in the README" % (section, key))
        return
    line, default, restart = said
    if restart != (when == "RESTART"):
        t.fault("README.md", line, "%s: %s, says the table" % (key, when))
    if default.startswith("`") and default.strip("`") != preset:
        t.fault("README.md", line, "%s: the default is %s" % (key, preset))
    if default == "" and preset:
        t.fault("README.md", line, "%s has a default: %s" % (key, preset))
    if default != "" and preset is None:
        t.fault("README.md", line, "%s has no default" % key)


def check_options(t, readme):
    documented = options_documented(readme)
    name, n = "gateway/config/options.def", 0
    for line, row in rows(t, name, "OPTION"):
        m = re.match(r'(\w+), *(\w+), *\w+, *[\w.]+, *(?:NULL|%s), *'
                     r"-?\d+, *-?\d+, *(\w+)," % STRING, row)
        n += 1
        if m is None:
            t.fault(name, line, "a row that this lint cannot read")
            continue
        check_option(t, (name, line),
                     (m[1].lower(), m[2], m[3], m[4]), documented)
    if n == 0:
        t.fault(name, 1, "no options")
    for (section, key), (line, _, _) in documented.items():
        t.fault("README.md", line, "there is no [%s] %s" % (section, key))
    return n


# ---- closed lists of words

def check_words(t, said, table, macro, pattern, unknown=None):
    """Each word of the table is in said; what looks like one is in the
    table."""
    words = set()
    for line, row in rows(t, table, macro):
        m = re.search(pattern, row)
        if m is None:
            t.fault(table, line, "a row that this lint cannot read")
            continue
        words.add(m[1])
        if m[1] not in said:
            t.fault(table, line, "`%s` is not in the README" % m[1])
    if not words:
        t.fault(table, 1, "no words")
    if unknown is not None:
        for word, line in said.items():
            if re.fullmatch(unknown, word) and word not in words:
                t.fault("README.md", line, "there is no `%s`" % word)
    return len(words)


# proves: R46
def main():
    t = Tree("docs")
    if "README.md" not in t.all:
        t.fault("README.md", 1, "there is none")
        t.finish()
    readme = t.read("README.md")
    said = {}
    for m in CODE.finditer(readme):
        said.setdefault(m[1], line_of(readme, m.start()))
    n = check_options(t, readme)
    n += check_words(t, said, "gateway/base/metrics.def",
                     r"(?:#define \w+\(.*?\) )?(?:COUNTER|GAUGE|SPAN)",
                     r"^\w+(?:##\w+)*, *" + STRING, r"paysieve_[a-z_]+")
    n += check_words(t, said, "gateway/net/problem.def", "PROBLEM",
                     r"^\w+, *\d+, *" + STRING)
    n += check_words(t, said, "gateway/base/refusal.def", "REFUSAL",
                     r"^\w+, *" + STRING)
    t.finish(" with %d rows" % n)


main()
