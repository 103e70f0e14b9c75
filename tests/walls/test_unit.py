"""docker/paysieve.service: how little it leaves open, and that it is enough."""

import re
import signal
import subprocess
from pathlib import Path

from payments import pay

UNIT = Path(__file__).resolve().parents[2] / "docker" / "paysieve.service"

# Root gives up what the unit's user has not got.
OF_ROOT = {"capset", "fchown", "setgroups", "setresgid", "setresuid"}


def analyze(*args):
    return subprocess.run(["systemd-analyze", *args], text=True, check=True,
                          capture_output=True)


def exposure(unit):
    done = analyze("security", "--offline=true", "--no-pager", str(unit))
    assert done.stderr == "", "systemd does not know some line"
    return float(re.search(r"exposure level for \S+: ([0-9.]+)",
                           done.stdout)[1])


def test_the_unit_leaves_little_open():
    assert exposure(UNIT) <= 1.3


def test_a_unit_without_walls_would_be_seen(tmp_path):
    bare = tmp_path / "paysieve.service"
    bare.write_text("[Service]\nExecStart=/usr/local/bin/paysieve\n")
    assert exposure(bare) > 9


def calls_of(name):
    """A call, or all of a set and of the sets in it."""
    if not name.startswith("@"):
        return {name}
    found = set()
    for line in analyze("syscall-filter", name).stdout.splitlines()[1:]:
        word = line.strip()
        if word and not word.startswith("#"):
            found |= calls_of(word)
    return found


def allowed(unit):
    found = set()
    for line in re.findall(r"^SystemCallFilter=(.*)", unit.read_text(), re.M):
        names = {c for n in line.lstrip("~").split() for c in calls_of(n)}
        found = found - names if line.startswith("~") else found | names
    return found


def test_the_gateway_makes_no_call_that_the_unit_forbids(
        make_gateway, billing, provider, tmp_path):
    trace = tmp_path / "calls"
    gateway = make_gateway(
        billing=billing, provider=provider, prefix=[
            "strace", "-f", "-qq", "-e", "signal=none", "-o", trace])
    token = gateway.add_token("eraser", scopes="read erase")
    gateway.start()
    names = [f"INV-{n}" for n in range(8)]
    for name in names:
        pay(gateway, provider, name)
    assert billing.wait_invoices(names)
    assert gateway.api("/v1/invoices/INV-0", token, "DELETE").status == 200
    assert len(gateway.receipts()) == 7
    gateway.reload()
    gateway.send(signal.SIGTERM)  # stop() would mean strace
    assert gateway.ended() == 0
    # Other lines are ends of calls that were seen to begin.
    made = set(re.findall(r"^\d+ +([a-z_0-9]+)\(", trace.read_text(), re.M))
    assert {"execve", "fdatasync", "accept4", "connect"} <= made
    assert made - OF_ROOT - allowed(UNIT) == set()
