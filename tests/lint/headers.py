#!/usr/bin/python3
"""Every header compiles alone and has the guard of its name."""
import os
import re
import shlex
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor

from tree import Tree

FLAGS = ("-std=c11 -D_GNU_SOURCE -Igateway -fsyntax-only -Werror -Wall "
         "-Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes "
         "-Wmissing-prototypes -Wvla -Wwrite-strings -Wformat=2 -Wundef "
         "-Wno-overlength-strings").split()
PACKAGES = "libevent openssl jansson sqlite3 libcurl libseccomp".split()


def package_flags():
    done = subprocess.run(["pkg-config", "--cflags"] + PACKAGES, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return shlex.split(done.stdout.decode())


def compile_some(t, folder, names, flags):
    """Through a file that has nothing but the header and one declaration."""
    sources = []
    for name in names:
        source = os.path.join(folder, name.replace("/", "_") + ".c")
        with open(source, "w", encoding="ascii") as f:
            f.write('#include "%s"\nextern int at_least_one;\n' %
                    name.split("/", 1)[1])
        sources.append(source)
    cc = os.environ.get("CC", "gcc")
    done = subprocess.run([cc] + FLAGS + flags + sources, cwd=t.root,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          check=False)
    if done.returncode == 0:
        return
    out = done.stdout.decode(errors="replace")
    found = re.findall(r"^(gateway/[^:\n]+):(\d+)(?::\d+)?: "
                       r"(?:fatal )?error: (.*)$", out, re.M)
    for name, line, words in found:
        t.fault(os.path.normpath(name), int(line), words)
    if not found:
        t.fault(names[0], 1, "a header here does not compile: " +
                (out.strip().splitlines() or [cc])[-1])


def check_guard(t, name):
    text = t.read(name)
    guard = re.sub(r"[^A-Z0-9]", "_", name.split("/", 1)[1].upper())
    first = re.search(r"^#\s*ifndef (\S+)\n#\s*define (\S+)$", text, re.M)
    if first is None:
        t.fault(name, 1, "no guard")
    elif first[1] != guard or first[2] != guard:
        t.fault(name, text.count("\n", 0, first.start()) + 1,
                "the guard has to be " + guard)
    elif re.search(r"^#\s*(if|include)", text[:first.start()], re.M):
        t.fault(name, 1, "something stands before the guard")


def main():
    t = Tree("headers")
    names = t.files(r"gateway/.*\.h")
    flags = package_flags()
    for name in names:
        check_guard(t, name)
    with tempfile.TemporaryDirectory() as folder, \
            ThreadPoolExecutor(os.cpu_count()) as pool:
        for job in [pool.submit(compile_some, t, folder, names[i:i + 8],
                                flags) for i in range(0, len(names), 8)]:
            job.result()
    t.finish()


main()
