"""What lies around it fails or changes: the log's reader, the disk's mode, the
clock, the time zone, a certificate, a file of the configuration."""

import os
import socket
import subprocess
import time
from pathlib import Path

import callbacks
import certs
import pytest
from gateway import PATIENCE, Load, SANITIZED, until
from shifted import ShiftedClock

SWAPS = int(os.environ.get("SWAPS", 20))
YEARS = 10 * 365 * 86400
MAKE_ROOM = ["unshare", "-m"] if os.getuid() == 0 else ["unshare", "-rm"]


# ---- the log

def test_a_reader_of_the_log_that_stands_still_holds_up_nothing(gateway):
    with gateway.log._changed:  # its thread reads one line more, and waits
        for n in range(2000):
            body = callbacks.paid(f"INV-{n}")
            # What is refused is logged; the pipe holds a megabyte.
            assert gateway.post(body + b"&amount=1").status == 400
            if n % 20 == 0:
                assert gateway.post(body).status == 200
        assert gateway.admin("/readyz").status == 200
    assert len(gateway.receipts()) == 100


def test_a_log_that_nobody_reads_any_more_holds_up_nothing(
        make_gateway, billing):
    """As with journald restarted: every write fails from then on."""
    gateway = make_gateway(billing=billing, prefix=[
        "bash", "-c", 'exec "$@" 2> >(sed -u "/\\"started\\"/q" >&2)', "-"])
    gateway.start()
    gateway.log.close()
    for n in range(50):
        body = callbacks.paid(f"INV-{n}")
        assert gateway.post(body + b"&amount=1").status == 400
        assert gateway.post(body).status == 200
    assert billing.wait_invoices([f"INV-{n}" for n in range(50)])
    lost = {k: v for k, v in gateway.metrics().items()
            if k.startswith("paysieve_log_lines_dropped_total")}
    assert sum(lost.values()) > 0, lost
    assert gateway.stop() == 0


# ---- the disk

def can_mount():
    return subprocess.run(
        [*MAKE_ROOM, "mount", "-t", "tmpfs", "tmpfs", "/mnt"],
        capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not can_mount(), reason="needs a mount namespace")
def test_a_read_only_disk_is_said_at_the_start(make_gateway, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = (f"mount -t tmpfs -o mode=700,ro tmpfs {disk} && "
             'exec "$0" "$@"')
    gateway = make_gateway(store=disk / "receipts.db", prefix=[
        *MAKE_ROOM, "sh", "-c", mount])
    gateway.spawn()
    log = gateway.log
    assert gateway.ended() == 78
    log.noise.clear()
    assert b"Read-only file system" in log.raw


# ---- names

@pytest.mark.skipif(os.getuid() != 0, reason="needs port 53")
def test_names_that_nobody_answers_hold_up_no_callback_and_no_end(
        make_gateway, billing, tmp_path):
    sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sink.bind((f"127.{os.getpid() % 200 + 1}.{os.getpid() // 256 % 250}.53",
               53))
    names = tmp_path / "resolv.conf"
    names.write_text(f"nameserver {sink.getsockname()[0]}\n")
    names.chmod(0o644)
    gateway = make_gateway(billing=billing, limits={"drain_timeout": "2s"},
                           prefix=["unshare", "-m", "sh", "-c",
                                   f"mount --bind {names} /etc/resolv.conf && "
                                   'exec "$0" "$@"'])
    gateway.billing_url = "https://billing.example/hooks"
    gateway.start()
    for n in range(20):
        assert gateway.post(callbacks.paid(f"INV-{n}")).status == 200
    sink.settimeout(PATIENCE)
    assert b"billing" in sink.recv(512)
    assert gateway.post(callbacks.paid("INV-20")).status == 200
    begun = time.monotonic()
    assert gateway.stop() == 0
    assert time.monotonic() - begun < 20
    sink.close()


# ---- time and place

@pytest.mark.skipif(SANITIZED, reason="a clock of its own is loaded first")
def test_a_clock_ten_years_off_and_back_changes_no_order(
        make_gateway, tmp_path):
    clock = ShiftedClock(tmp_path, wall_only=True)
    gateway = make_gateway(environ=clock.environ)
    gateway.more["store"] = {"url": f"sqlite:{gateway.store}",
                             "keep": "10000d"}
    gateway.start()
    sent = []
    for turn, jump in enumerate([0, YEARS, -YEARS, -YEARS, YEARS]):
        clock.move(jump)
        for n in range(5):
            sent.append(f"INV-{turn}-{n}")
            assert gateway.post(callbacks.paid(sent[-1])).status == 200
        until(lambda: gateway.admin("/readyz").status == 200)
    # Later ones have earlier stamps; what counts is the sequence.
    assert [r["invoice_id"] for r in gateway.receipts(limit=7)] == sent
    stamps = [r["received_at"] for r in gateway.receipts()]
    assert stamps != sorted(stamps)
    assert gateway.stop() == 0
    gateway.start()
    assert [r["invoice_id"] for r in gateway.receipts()] == sent


PLACES = ["UTC", "Asia/Dhaka", "America/St_Johns", "Pacific/Kiritimati",
          "Asia/Kathmandu", "no/such/zone"]
LANGUAGES = ["C", "tr_TR.UTF-8", "de_DE.UTF-8", "bn_BD", "ar_EG.UTF-8", "x"]


def test_no_time_zone_and_no_language_changes_a_receipt(make_gateway):
    seen = set()
    for place, language in zip(PLACES, LANGUAGES):
        gateway = make_gateway(identity_key="5d" * 32, environ={
            "TZ": place, "LC_ALL": language, "LANG": language}).start()
        # Days on which a zone changes, and letters that have two cases.
        for day in ("2009-06-19", "2009-06-20", "2009-12-31", "2026-03-29"):
            body = callbacks.paid(f"INVI-{day}", val_id=f"iI{day}",
                                  tran_date=f"{day} 23:59:59")
            assert gateway.post(body).status == 200
        seen.add(tuple(tuple(v for k, v in sorted(r.items())
                             if k != "received_at")
                       for r in gateway.receipts()))
        assert gateway.stop() == 0
    assert len(seen) == 1
    [receipts] = seen
    assert len(receipts) == 4


# ---- certificates

def refused(gateway):
    gateway.write()
    gateway.spawn()
    log = gateway.log
    code = gateway.ended()
    log.noise.clear()
    return code, log.raw.decode()


def test_an_expired_certificate_is_no_start(make_gateway, tmp_path):
    gateway = make_gateway()
    cert, key = certs.make(tmp_path, "old", days=-1)
    gateway.more["tls"] = {"certificate": cert, "key": key}
    code, said = refused(gateway)
    assert code == 78 and "the certificate has expired" in said


def expiry(gateway):
    return gateway.metrics()["paysieve_certificate_expiry_timestamp_seconds"]


def test_certificates_change_under_load_and_bad_ones_change_nothing(
        make_gateway, keys, tmp_path):
    gateway = make_gateway()
    pair = tmp_path / "pair.crt", tmp_path / "pair.key"
    gateway.more["tls"] = {"certificate": pair[0], "key": pair[1]}
    for name in ("ca.crt", "ca.key"):
        (tmp_path / name).write_bytes((keys.dir / name).read_bytes())
    one = certs.make(tmp_path, "one", days=20)
    two = certs.make(tmp_path, "two", days=40)
    old = certs.make(tmp_path, "old", days=-1)

    def put(cert, key):
        for path, source in zip(pair, (cert, key)):
            path.unlink(missing_ok=True)
            if source is not None:
                path.write_bytes(source.read_bytes())
                path.chmod(0o600)

    turns = [(one, True), ((one[0], two[1]), False), (two, True),
             (old, False), (one, True), ((one[0], None), False), (two, True),
             ((None, one[1]), False)]
    put(*one)
    gateway.start()
    load = Load(gateway, threads=2, fresh=True).start()
    until(lambda: load.acked)
    served = expiry(gateway)
    for n in range(SWAPS):
        new, good = turns[n % len(turns)]
        put(*new)
        gateway.hang_up("reloaded" if good else "reload_refused")
        if good:
            until(lambda: expiry(gateway) != served or n == 0)
            served = expiry(gateway)
        assert expiry(gateway) == served
    load.wait_acked(5)
    acked = load.stop()
    assert set(load.statuses) - {Load.LATE} == {200}, load.statuses
    assert set(acked) == {r["invoice_id"] for r in gateway.receipts()}


# ---- the configuration

def no_file(gateway):
    gateway.more["merchant other"] = {"password_file": "nowhere"}


def open_secret(gateway):
    path = gateway.dir / "open.password"
    path.write_text("made-up\n")
    path.chmod(0o644)
    gateway.more["merchant other"] = {"password_file": path}


def empty_secret(gateway):
    path = gateway.dir / "empty.password"
    path.touch(mode=0o600)
    gateway.more["merchant other"] = {"password_file": path}


def folder_for_a_secret(gateway):
    gateway.more["merchant other"] = {"password_file": gateway.dir}


def no_number(gateway):
    gateway.limits["connections"] = "many"


def beyond_its_range(gateway):
    gateway.limits["edges"] = 1000


def unknown_key(gateway):
    gateway.limits["conections"] = 5


def unknown_billing(gateway):
    path = gateway.dir / "other.password"
    path.write_text("made-up\n")
    path.chmod(0o600)
    gateway.more["merchant other"] = {"password_file": path,
                                      "billing": "nobody"}


def plain_http(gateway):
    path = gateway.dir / "x.secret"
    path.write_text("whsec_" + "A" * 32 + "\n")
    path.chmod(0o600)
    gateway.more["billing x"] = {"url": "http://192.0.2.1/",
                                 "secret_file": path}


def broken_digest(gateway):
    gateway.more["token x"] = {"sha256": "zz", "merchant": callbacks.MERCHANT,
                               "scopes": "read"}


def noise(gateway):
    gateway.more["x]\n\0[y"] = {}


FAULTS = [no_file, open_secret, empty_secret, folder_for_a_secret, no_number,
          beyond_its_range, unknown_key, unknown_billing, plain_http,
          broken_digest, noise]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f.__name__)
def test_a_fault_in_a_new_configuration_keeps_the_old_one(
        make_gateway, fault):
    gateway = make_gateway().start()
    rooms = gateway.rooms()
    limits, more = dict(gateway.limits), dict(gateway.more)
    fault(gateway)
    gateway.write()
    gateway.hang_up("reload_refused")
    assert gateway.rooms() == rooms
    assert gateway.post(callbacks.paid("INV-1")).status == 200
    gateway.limits, gateway.more = limits, more
    gateway.reload()
    assert gateway.post(callbacks.paid("INV-2")).status == 200
    # And none of it is a start.
    assert gateway.stop() == 0
    fault(gateway)
    code, said = refused(gateway)
    assert code == 78 and "made-up" not in said


def test_a_configuration_that_is_gone_keeps_the_old_one(gateway):
    text = gateway.conf.read_text()
    gateway.conf.unlink()
    gateway.hang_up("reload_refused")
    assert gateway.post(callbacks.paid("INV-1")).status == 200
    Path(gateway.conf).write_text(text)
    gateway.hang_up("reloaded")
