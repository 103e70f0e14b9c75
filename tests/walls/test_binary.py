"""The release binary: what the OpenSSF's guide for compilers asks for."""

import re
import shutil
import subprocess

import pytest

from gateway import BIN


def readelf(*args, of=BIN):
    return subprocess.run(["readelf", "-W", *args, of], text=True, check=True,
                          capture_output=True).stdout


def faults(of):
    """What is missing, by name."""
    head, dynamic = readelf("-h", of=of), readelf("-d", of=of)
    segments = readelf("-l", of=of)
    main = subprocess.run(["objdump", "-d", "--disassemble=main", of],
                          text=True, check=True, capture_output=True).stdout
    imported = {line.split()[-1].split("@")[0] if "(" not in line
                else line.split()[-2].split("@")[0]
                for line in readelf("--dyn-syms", of=of).splitlines()
                if " UND " in line and line.split()[-1] != "UND"}
    stack = re.search(r"GNU_STACK .* (R[W ][E ])", segments)
    fortified = {name for name in imported if name.endswith("_chk")
                 and name != "__stack_chk_fail"}
    return [name for name, ok in {
        "position independent": re.search(r"Type: +DYN", head)
        and re.search(r"FLAGS_1.*PIE", dynamic),
        "all bound at the start": re.search(r"FLAGS_1.*NOW", dynamic),
        "relocations read-only": "GNU_RELRO" in segments,
        "no code on the stack": stack and "E" not in stack[1],
        "nothing writable is code": not re.search(r"LOAD .* RWE", segments),
        "no paths to libraries": not re.search(r"RPATH|RUNPATH", dynamic),
        "no relocations in code": "TEXTREL" not in dynamic,
        "stack protector": "__stack_chk_fail" in imported,
        "fortified calls": len(fortified) >= 5,
        # Not the binary's own note: Debian's start files have none.
        "branches land where they may": "endbr64" in main
        or "X86-64" not in head,
    }.items() if not ok]


def test_the_binary_is_hardened():
    assert faults(BIN) == []


@pytest.mark.parametrize("flags,missing", [
    (["-no-pie"], "position independent"),
    (["-z", "execstack"], "no code on the stack"),
    (["-z", "lazy"], "all bound at the start"),
    (["-Wl,-rpath,/nowhere"], "no paths to libraries"),
    (["-fcf-protection=none"], "branches land where they may"),
], ids=lambda value: value[-1] if isinstance(value, list) else "")
def test_a_binary_without_it_is_seen(tmp_path, flags, missing):
    source = tmp_path / "one.c"
    source.write_text("int main(void) { return 0; }\n")
    out = tmp_path / "one"
    subprocess.run([shutil.which("gcc"), *flags, source, "-o", out],
                   check=True)
    assert missing in faults(out)
