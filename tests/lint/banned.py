#!/usr/bin/python3
"""Calls that have a better one, output outside of commands, built SQL,
wiping that no control can switch off, blocks that move where payers' bytes are."""
import re

from tree import Tree, code_only, line_of, without_comments

NEVER = ("sprintf vsprintf strcpy stpcpy strcat strncpy strncat atoi atol "
         "atoll atof strtok localtime gmtime asctime ctime rand srand random "
         "system popen gets alloca mktemp tmpnam tempnam "
         "scanf fscanf setjmp longjmp").split()
OUTPUT = "printf vprintf fprintf vfprintf puts fputs putchar fputc perror".split()
MAY_PRINT = r"gateway/(main\.c|command/.*)"
WIPING = "explicit_bzero bzero OPENSSL_cleanse".split()  # past the one switch
MAY_WIPE = r"gateway/base/secret\.c"
MOVING = "realloc reallocarray".split()  # leaves what was moved behind
MAY_MOVE = r"gateway/(config|keeper|courier|desk|supervisor|command)/.*"

FORMATS = ("buf_printf snprintf vsnprintf asprintf vasprintf dprintf "
           "sqlite3_mprintf sqlite3_vmprintf sqlite3_snprintf "
           "buf_append_text").split()
SQL = re.compile(r"\b(SELECT\s|INSERT\s+(INTO|OR)|UPDATE\s+\w+\s+SET|"
                 r"DELETE\s+FROM|CREATE\s+(TABLE|INDEX)|DROP\s)", re.I)


def calls(names):
    return re.compile(r"(?<![\w.>])(%s)\s*\(" % "|".join(names))


def arguments(code, at):
    """From the parenthesis at `at` to its partner."""
    depth = 0
    for i in range(at, len(code)):
        depth += {"(": 1, ")": -1}.get(code[i], 0)
        if depth == 0:
            return i
    return len(code)


def check_sql(t, name, text, code):
    quoted = without_comments(text)
    for m in calls(FORMATS).finditer(code):
        end = arguments(code, m.end() - 1)
        words = "".join(re.findall(r'"((?:\\.|[^"\\])*)"',
                                   quoted[m.end():end]))
        if SQL.search(words):
            t.fault(name, line_of(code, m.start()),
                    "SQL built by %s(); bind values instead" % m[1])


def main():
    t = Tree("banned")
    for name in t.files(r"gateway/.*\.(c|h|def)"):
        text = t.read(name)
        code = code_only(text)
        banned = list(NEVER)
        if not re.fullmatch(MAY_PRINT, name):
            banned += OUTPUT
        if not re.fullmatch(MAY_WIPE, name):
            banned += WIPING
        if not re.fullmatch(MAY_MOVE, name):
            banned += MOVING
        for m in calls(banned).finditer(code):
            t.fault(name, line_of(code, m.start()), "%s() is banned" % m[1])
        check_sql(t, name, text, code)
    t.finish()


main()
