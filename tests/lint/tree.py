"""What every lint needs: the files of a tree, and one way to complain.

A lint is started with the root of the tree to look at (default: this one),
prints what it looked at, and exits with 1 when it found something or had
nothing to look at.
"""
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
BAD = "tests/lint/bad"  # samples that the lints must refuse, see selftest.sh


class Tree:
    def __init__(self, lint):
        self.lint = lint
        self.root = os.path.abspath(
            sys.argv[1] if len(sys.argv) > 1 else os.path.join(HERE, "../.."))
        self.faults = []
        self.looked_at = set()
        self.all = sorted(self._list())

    def _list(self):
        """Tracked and new files; without git, all but what is built."""
        if os.path.exists(os.path.join(self.root, ".git")):
            out = subprocess.run(
                ["git", "-C", self.root, "ls-files", "-z", "--cached",
                 "--others", "--exclude-standard"],
                check=True, stdout=subprocess.PIPE).stdout.decode()
            names = set(filter(None, out.split("\0")))
        else:
            names = set()
            for folder, folders, files in os.walk(self.root):
                folders[:] = [f for f in folders
                              if f not in ("build", "__pycache__")]
                for f in files:
                    names.add(os.path.relpath(
                        os.path.join(folder, f), self.root))
        return [n for n in names if not n.startswith(BAD + "/")
                and os.path.isfile(os.path.join(self.root, n))]

    def files(self, pattern):
        """Names below the root that match the whole pattern."""
        return [n for n in self.all if re.fullmatch(pattern, n)]

    def read(self, name):
        self.looked_at.add(name)
        with open(os.path.join(self.root, name), encoding="utf-8",
                  errors="surrogateescape") as f:
            return f.read()

    def fault(self, name, line, words):
        self.faults.append((name, line, words))

    def finish(self, also=""):
        for name, line, words in sorted(self.faults):
            print("%s:%d: %s" % (name, line, words))
        n = len(self.looked_at)
        print("%s: %d files%s, %d faults" % (self.lint, n, also,
                                             len(self.faults)))
        if n == 0:
            print("%s: nothing to look at is a fault" % self.lint)
        sys.exit(1 if self.faults or n == 0 else 0)


def line_of(text, at):
    return text.count("\n", 0, at) + 1


TOKEN = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"'
                   r"|'(?:\\.|[^'\\\n])*'", re.S)


def _blank(text):
    return re.sub(r"[^\n]", " ", text)


def without_comments(text):
    """C without comments; lines and columns stay where they are."""
    return TOKEN.sub(lambda m: m[0] if m[0][0] in "\"'" else _blank(m[0]),
                     text)


def code_only(text):
    """C without comments and without what stands in quotes."""
    return TOKEN.sub(lambda m: _blank(m[0]) if m[0][0] == "/"
                     else m[0][0] + _blank(m[0][1:-1]) + m[0][-1], text)
