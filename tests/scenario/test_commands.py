"""The command line does what its help says, with the promised exit codes."""

import hashlib
import json
import re

import callbacks
import fixtures
import pytest
from gateway import SANITIZED, Load, command, until

COMMANDS = ["serve", "check", "replay", "receipts", "held", "check-invoice",
            "ledger", "token", "backup", "store", "healthcheck"]


@pytest.mark.parametrize("words", [[], *[[c] for c in COMMANDS]],
                         ids=["paysieve", *COMMANDS])
def test_help_fits_a_terminal(words):
    result = command(*words, "--help")
    assert result.returncode == 0
    assert result.stdout.startswith("Usage: paysieve")
    assert result.stderr == ""
    assert max(map(len, result.stdout.expandtabs().splitlines())) <= 80


def test_the_help_names_every_command():
    text = command("--help").stdout
    for name in COMMANDS:
        assert re.search(rf"^\s+{name}\b", text, re.M), name


def test_the_version_is_said():
    result = command("--version")
    assert result.returncode == 0
    assert re.match(r"paysieve \d+\.\d+\.\d+\b", result.stdout)
    assert "SQLite" in result.stdout


@pytest.mark.parametrize("words", [
    [], ["nonsense"], ["--nonsense"], ["serve", "--nonsense"],
    ["check", "extra"], ["receipts"], ["receipts", "list", "--limit", "0"],
    ["receipts", "show"], ["held"], ["held", "release"],
    ["backup"], ["backup", "a", "b"], ["store"], ["store", "nonsense"],
    ["check-invoice", "m"], ["ledger"], ["token"], ["token", "new"],
    ["token", "new", "x", "--merchant", "m", "--scopes", "all"], ["replay"],
    ["replay", "x", "--to", "http://example.com"]])
def test_wrong_arguments_exit_with_2_and_say_where_help_is(words):
    result = command(*words)
    assert result.returncode == 2
    assert result.stdout == ""
    assert "help" in result.stderr or "Usage" in result.stderr


def test_a_good_configuration_is_called_good(make_gateway):
    gateway = make_gateway()
    before = sorted(p.name for p in gateway.dir.iterdir())
    result = command("check", "--config", gateway.conf)
    assert (result.returncode, result.stderr) == (0, "")
    assert "good" in result.stdout
    assert sorted(p.name for p in gateway.dir.iterdir()) == before


@pytest.mark.parametrize("old, new", [
    ("edges = 2", "edges = many"),
    ("edges = 2", "egdes = 2"),
    ("edges = 2", "edges = 2\nedges = 3"),
    ("confirm = off", "confirm = perhaps"),
    ("[limits]", "[limitz]"),
    ("[limits]", "nonsense\n[limits]"),
    ("api = 127.0.0.1:0", "api = localhost"),
    ("admin = 127.0.0.1:0", "admin = 0.0.0.0:0"),
    ("password_file = testbox.password", "password_file = not.there"),
    ("merchant = testbox", "merchant = nobody")])
@pytest.mark.parametrize("verb", ["check", "serve"])
def test_a_fault_is_told_with_file_and_line_and_exit_78(
        make_gateway, verb, old, new):
    gateway = make_gateway()
    good = gateway.conf.read_text()
    assert old in good
    gateway.conf.write_text(good.replace(old, new, 1))
    line = good[:good.index(old)].count("\n") + new.count("\n") + 1
    result = command(verb, "--config", gateway.conf)
    assert result.returncode == 78
    numbers = {int(n) for n in re.findall(
        rf"^{re.escape(str(gateway.conf))}:(\d+): ", result.stderr, re.M)}
    assert numbers & {line, line - new.count("\n")}, result.stderr


def test_a_missing_configuration_exits_with_78(tmp_path):
    result = command("check", "--config", tmp_path / "none.conf")
    assert result.returncode == 78
    assert "none.conf" in result.stderr


# proves: R34
def test_a_secret_that_others_can_read_is_refused(make_gateway):
    gateway = make_gateway()
    secret = gateway.dir / "testbox.password"
    secret.chmod(0o644)
    result = command("check", "--config", gateway.conf)
    assert result.returncode == 78
    assert "testbox.password" in result.stderr
    assert callbacks.PASSWORD not in result.stdout + result.stderr


def test_all_faults_are_told_at_once(make_gateway):
    gateway = make_gateway()
    gateway.conf.write_text(gateway.conf.read_text().replace(
        "edges = 2", "edges = many").replace("confirm = off", "confirm = x"))
    result = command("check", "--config", gateway.conf)
    assert len(result.stderr.strip().splitlines()) >= 2


def test_the_environment_wins_over_the_file(make_gateway, monkeypatch):
    gateway = make_gateway()
    monkeypatch.setenv("PAYSIEVE_LIMITS_EDGES", "many")
    result = command("check", "--config", gateway.conf)
    assert result.returncode == 78
    assert "PAYSIEVE_LIMITS_EDGES" in result.stderr
    monkeypatch.setenv("PAYSIEVE_LIMITS_EDGES", "1")
    assert command("check", "--config", gateway.conf).returncode == 0
    gateway.start()
    assert len(gateway.rooms("edge")) == 1


def json_lines(text):
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize("running", [True, False],
                         ids=["running", "stopped"])
def test_receipts_are_listed_shown_and_exported(make_gateway, running):
    gateway = make_gateway().start()
    with gateway.client() as client:
        for n in range(25):
            client.post(callbacks.paid(f"INV-{n}"))
    receipts = gateway.receipts()
    if not running:
        assert gateway.stop() == 0
    config = ["--config", gateway.conf]

    exported = command("receipts", "export", *config)
    assert exported.returncode == 0, exported.stderr
    assert json_lines(exported.stdout) == receipts

    listed = command("receipts", "list", "--limit", "10", *config)
    assert listed.returncode == 0
    assert json_lines(listed.stdout) == receipts[:10]
    after = re.search(r"--after (\d+)", listed.stderr).group(1)
    rest = command("receipts", "list", "--after", after, *config)
    assert json_lines(rest.stdout) == receipts[10:]

    one = command("receipts", "list", "--invoice", "INV-7", *config)
    assert [r["invoice_id"] for r in json_lines(one.stdout)] == ["INV-7"]

    shown = command("receipts", "show", receipts[3]["id"], *config)
    assert json_lines(shown.stdout) == [receipts[3]]
    missing = command("receipts", "show", "rcpt_" + "a" * 26, *config)
    assert missing.returncode == 1 and missing.stdout == ""


def test_a_large_export_has_every_receipt(make_gateway):
    gateway = make_gateway().start()
    load = Load(gateway, threads=4, name="EXPORT").start()
    load.wait_acked(200 if SANITIZED else 1200)
    acked = load.stop()
    result = command("receipts", "export", "--config", gateway.conf)
    assert result.returncode == 0
    found = [r["invoice_id"] for r in json_lines(result.stdout)]
    assert sorted(found) == sorted(acked)


def test_a_new_token_opens_the_api(make_gateway):
    gateway = make_gateway()
    result = command("token", "new", "fresh", "--merchant", "testbox",
                     "--scopes", "read")
    assert result.returncode == 0
    token, _, section = result.stdout.partition("\n")
    digest = hashlib.sha256(token.encode()).hexdigest()
    assert digest in section and token not in section
    gateway.start()
    gateway.conf.write_text(gateway.conf.read_text() + section)
    assert command("check", "--config", gateway.conf).returncode == 0
    gateway.hang_up("reloaded")
    until(lambda: gateway.api("/v1/receipts", token).status == 200)


def test_two_tokens_are_never_the_same():
    made = {command("token", "new", "x", "--merchant", "m", "--scopes",
                    "read").stdout.splitlines()[0] for _ in range(5)}
    assert len(made) == 5


def test_the_healthcheck_tells_ready_from_not(make_gateway, monkeypatch):
    gateway = make_gateway().start()
    monkeypatch.setenv("PAYSIEVE_LISTEN_ADMIN", gateway.listen["admin"])
    assert command("healthcheck", "--config", gateway.conf).returncode == 0
    assert gateway.stop() == 0
    result = command("healthcheck", "--config", gateway.conf)
    assert result.returncode == 1
    assert result.stderr != ""


def to(gateway):
    return ["--to", "https://" + gateway.listen["callbacks"], "--ca",
            gateway.keys.ca]


def test_replay_meets_no_surprise_in_the_fixtures(make_gateway, provider):
    gateway = make_gateway(merchants=fixtures.merchants(),
                           provider=provider).start()
    cases = fixtures.cases()
    folders = [case.folder for case in cases]
    result = command("replay", *folders, *to(gateway))
    assert result.returncode == 0, result.stdout
    lines = result.stdout.splitlines()
    for case in cases:
        [line] = [x for x in lines if x.startswith(case.name + " ")]
        assert f"{case.http} {case.verdict}" in line and line.endswith("ok")
    assert "\x1b" not in result.stdout + result.stderr
    again = command("replay", *folders, *to(gateway), "--jobs", "16")
    assert again.returncode == 0


def test_replay_signs_again_for_another_password(make_gateway, provider):
    other = {name: {**options, "password": "quite another"}
             for name, options in fixtures.merchants().items()}
    gateway = make_gateway(merchants=other, provider=provider).start()
    paid = [c.folder for c in fixtures.cases() if c.verdict == "paid"]
    assert command("replay", *paid, *to(gateway)).returncode == 1
    password = gateway.dir / (next(iter(other)) + ".password")
    result = command("replay", *paid, *to(gateway),
                     "--password-file", password)
    assert result.returncode == 0, result.stdout


def test_replay_reports_a_surprise(make_gateway, tmp_path):
    gateway = make_gateway().start()
    body = tmp_path / "body.form"
    body.write_bytes(callbacks.paid("INV-1") + b"x")
    result = command("replay", body, "--merchant", "testbox", *to(gateway))
    assert result.returncode == 1
    assert "SURPRISE" in result.stdout
    body.write_bytes(callbacks.paid("INV-1"))
    result = command("replay", body, "--merchant", "testbox", *to(gateway))
    assert result.returncode == 0


def test_replay_without_a_gateway_says_so(tmp_path):
    body = tmp_path / "body.form"
    body.write_bytes(callbacks.paid("INV-1"))
    result = command("replay", body, "--merchant", "testbox", "--to",
                     "https://127.0.0.1:1")
    assert result.returncode == 1
    assert "no answer" in result.stdout
