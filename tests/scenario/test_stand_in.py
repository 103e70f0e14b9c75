"""The stand-in for SSLCommerz as a program: a person types to it."""

import subprocess
import sys

import callbacks
import pytest
from gateway import TOP, write_secret


class Typed:
    def __init__(self, process):
        self.process = process
        self.url = process.stdout.readline().split()[-1]

    def say(self, words):
        self.process.stdin.write(words + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().rstrip("\n")


@pytest.fixture
def typed(tmp_path, keys):
    write_secret(tmp_path / "password", callbacks.PASSWORD)
    with subprocess.Popen(
            [sys.executable, "-B", TOP / "tests/support/sslcommerz", "--store",
             f"{callbacks.MERCHANT}:{tmp_path / 'password'}", "--ca", keys.ca],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            start_new_session=True) as process:
        yield Typed(process)
        process.terminate()
        assert process.wait(20) == 0


@pytest.mark.parametrize("words", [
    "", "pay", "pay nosuch INV-1", "forge nosuch INV-1", "pay testbox",
    "pay testbox INV-1 VALID more", "misbehave", "misbehave nothing",
    "misbehave slow soon", "misbehave slow 1 2", "behave now",
    "send nowhere testbox INV-1", "send http://127.0.0.1:1/ testbox INV-1",
    "send http://127.0.0.1:1/ nosuch INV-1"])
def test_what_is_mistyped_is_said_and_ends_nothing(typed, words):
    assert typed.say(words)
    assert typed.say("behave") == "ok"


def test_what_it_sends_is_confirmed_and_what_it_forges_is_not(
        make_gateway, typed):
    gateway = make_gateway()
    gateway.merchants[callbacks.MERCHANT].update(
        confirm="required", provider_url=typed.url, refuse_after="1s")
    gateway.start()
    url = f"https://{gateway.listen['callbacks']}/ipn/testbox"
    assert typed.say(f"send {url} testbox INV-1") == "200 OK"
    forged = typed.say("forge testbox INV-2")
    assert gateway.post(forged.encode()).status == 200
    assert gateway.log.wait("refused")
    assert [r["invoice_id"] for r in gateway.receipts()] == ["INV-1"]
    assert gateway.stop() == 0
