"""The ledger: what was altered, added or dropped is found and named; an erased
receipt leaves nothing that could be guessed; strangers can check proofs."""

import hashlib
import json
import os
import random
import re
import shutil
import sqlite3
import struct
import subprocess
import sys
import time

import callbacks
import pytest
from gateway import PATIENCE, TOP, command, until

sys.path.insert(0, str(TOP / "tests" / "consumer"))
import ledger_check  # noqa: E402

FILL = os.environ["FILL"]
FLIPS = int(os.environ.get("FLIPS", "24"))
LEDGER = int(os.environ.get("LEDGER", "3000"))
LONG = 600  # seconds, for a million


def ledger(gateway, *words, **more):
    return command("ledger", *words, "--config", gateway.conf, **more)


def verify(gateway, *words, **more):
    """What is wrong, line by line."""
    result = ledger(gateway, "verify", *words, **more)
    assert result.returncode in (0, 1), result.stderr
    *faults, summary = result.stdout.splitlines()
    assert ("all is as it was" in summary) == (result.returncode == 0)
    assert (faults == []) == (result.returncode == 0)
    return faults


def publish(gateway):
    """Where the head of now stands."""
    result = ledger(gateway, "head")
    assert result.returncode == 0, result.stderr
    path = gateway.dir / "published.json"
    path.write_text(result.stdout)
    return path


def fill(gateway, receipts, erased=10, batch=1000, timeout=PATIENCE):
    """A store of made-up receipts, of which some are erased again."""
    return subprocess.run(
        [FILL, gateway.store, str(receipts), str(erased), str(batch)],
        check=True, capture_output=True, text=True, timeout=timeout).stdout


def pay(gateway, *invoices):
    for invoice in invoices:
        assert gateway.post(callbacks.paid(invoice)).status == 200


def key_of(gateway):
    return json.loads(publish(gateway).read_text())["key"]


# ---- beside a running gateway


def test_verify_head_and_prove_work_beside_a_running_gateway(gateway):
    pay(gateway, *(f"INV-{n}" for n in range(5)))
    receipts = gateway.receipts()
    head = publish(gateway)
    key = json.loads(head.read_text())["key"]
    pay(gateway, "INV-5", "INV-6")
    assert verify(gateway) == []
    assert verify(gateway, "--head", head) == []
    for receipt in receipts:
        for words in ([], ["--head", head]):
            result = ledger(gateway, "prove", receipt["id"], *words)
            proof = json.loads(result.stdout)
            assert proof["receipt"] == receipt
            assert proof["head"]["size"] == (5 if words else 7)
            assert ledger_check.is_proved(proof, key)
    grown = json.loads(ledger(gateway, "consistency", "--head", head).stdout)
    assert grown["from"] == json.loads(head.read_text())
    assert ledger_check.is_proved(grown, key)


# proves: R19
def test_an_erasure_leaves_a_commitment_that_tells_nothing(gateway):
    pay(gateway, *(f"INV-{n}" for n in range(5)))
    receipts = gateway.receipts()
    head = publish(gateway)
    key = json.loads(head.read_text())["key"]
    ((salt, leaf, held),) = gateway.rows(
        "select salt, leaf, hash from receipt join leaf on leaf.n = leaf "
        "where invoice_id = 'INV-2'")
    assert command("receipts", "erase", "--invoice", "INV-2", "--config",
                   gateway.conf).returncode == 0
    pay(gateway, "INV-5")
    assert verify(gateway, "--head", head) == []
    assert gateway.rows(f"select hash from leaf where n = {leaf}") == [(held,)]
    assert gateway.rows("select of from leaf where of is not null") == [
        (leaf,)]
    assert not any(salt in raw for raw in gateway.files().values())
    for receipt in receipts:
        result = ledger(gateway, "prove", receipt["id"], "--head", head)
        if receipt["invoice_id"] == "INV-2":
            assert "no such receipt" in result.stderr
        else:
            assert ledger_check.is_proved(json.loads(result.stdout), key)
    # Who undoes all that came behind the first head is found by the second.
    later = publish(gateway)
    gateway.stop()
    change(gateway, ("delete from leaf where n >= 5",),
           ("delete from receipt where leaf >= 5",),
           ("update store set receipts = receipts - 1",))
    assert any("there are only 5" in f
               for f in verify(gateway, "--head", later))


def test_the_keeper_keeps_a_head(make_gateway):
    gateway = make_gateway().start()
    pay(gateway, "INV-1", "INV-2")
    gateway.stop()
    gateway.start()
    assert until(lambda: gateway.rows("select size from head")) == [(2,)]
    assert verify(gateway) == []


def test_the_gateway_never_makes_or_opens_the_ledgers_key(make_gateway):
    gateway = make_gateway().start()
    key = gateway.dir / "ledger.key"
    pay(gateway, "INV-1")
    gateway.reload()
    assert not key.exists()
    publish(gateway)
    assert key.stat().st_mode & 0o777 == 0o600
    key.write_text("no key\n")
    gateway.reload()
    gateway.stop()
    gateway.start()
    pay(gateway, "INV-2")
    assert ledger(gateway, "head").returncode == 78


# ---- strangers


def changes(value):
    """The same value, a little different, in as many ways as it has parts."""
    if isinstance(value, dict):
        for name in value:
            for other in changes(value[name]):
                yield {**value, name: other}
    elif isinstance(value, list):
        for i, item in enumerate(value):
            for other in changes(item):
                yield [*value[:i], other, *value[i + 1:]]
        yield value + ["00" * 32]
        yield value[:-1]
    elif isinstance(value, int):
        yield value + 1
    else:
        i = len(value) // 2
        yield value[:i] + ("1" if value[i] == "0" else "0") + value[i + 1:]


def test_a_stranger_finds_any_change_of_a_proof(make_gateway):
    gateway = make_gateway()
    fill(gateway, 40)
    head = publish(gateway)
    key = json.loads(head.read_text())["key"]
    receipt = json.loads(command("receipts", "list", "--limit", 1, "--config",
                                 gateway.conf).stdout)
    proof = json.loads(ledger(gateway, "prove", receipt["id"]).stdout)
    assert ledger_check.is_proved(proof, key)
    for changed in changes(proof):
        assert not ledger_check.is_proved(changed, key), changed
    assert not ledger_check.is_proved(proof, "00" * 32)


def test_every_receipt_that_is_left_is_proved_and_no_other(make_gateway):
    gateway = make_gateway()
    fill(gateway, 40, erased=0)
    before = [json.loads(line) for line in command(
        "receipts", "export", "--config", gateway.conf).stdout.splitlines()]
    gateway.store.unlink()
    fill(gateway, 40, erased=25)  # the same receipts
    key = key_of(gateway)
    left = {id for (id,) in gateway.rows("select hex(id) from receipt")}
    proved = set()
    for receipt in before:
        result = ledger(gateway, "prove", receipt["id"])
        if result.returncode == 0:
            proof = json.loads(result.stdout)
            assert proof["receipt"] == receipt
            assert ledger_check.is_proved(proof, key)
            proved.add(receipt["id"])
        else:
            assert "no such receipt" in result.stderr
    assert len(proved) == len(left) == 30


def test_the_worked_example_says_it_with_its_exit_code(make_gateway):
    gateway = make_gateway()
    fill(gateway, 8)
    key = key_of(gateway)
    (receipt, *_) = command("receipts", "list", "--config",
                            gateway.conf).stdout.splitlines()
    proof = ledger(gateway, "prove", json.loads(receipt)["id"]).stdout
    for text, code in ((proof, 0), (proof.replace("1150.00", "1150.01"), 1)):
        assert subprocess.run(
            [sys.executable, ledger_check.__file__, key], input=text,
            text=True, check=False, timeout=PATIENCE).returncode == code


def test_what_cannot_be_proved_is_said(make_gateway):
    gateway = make_gateway()
    fill(gateway, 20)
    head = publish(gateway)
    for words, said in (
            (["prove", "rcpt_5ehwzjwrfcdkpu6wcxnk6xr2te"], "no such receipt"),
            (["prove", "5"], "no receipt's id"),
            (["prove", "rcpt_5ehwzjwrfcdkpu6wcxnk6xr2te", "--head",
              gateway.conf], "not a head"),
            (["verify", "--head", "not.there"], "not a head")):
        result = ledger(gateway, *words)
        assert (result.returncode, result.stdout) == (1, "")
        assert said in result.stderr
    for words in ([], ["nonsense"], ["head", "--head", head], ["prove"],
                  ["consistency"], ["verify", "more"]):
        assert ledger(gateway, *words).returncode == 2


def test_a_head_that_nobody_signed_is_not_taken(make_gateway):
    gateway = make_gateway()
    fill(gateway, 20)
    path = publish(gateway)
    head = json.loads(path.read_text())
    for name in head:
        for changed in changes({name: head[name]}):
            path.write_text(json.dumps({**head, **changed}))
            result = ledger(gateway, "verify", "--head", path)
            assert result.returncode == 1 and result.stdout == ""


# ---- tampering, by one who has the file and knows SQL


@pytest.fixture(name="stored")
def _stored(make_gateway):
    """Sixty receipts, six of them erased; heads of 30, 60 and 63 leaves."""
    gateway = make_gateway()
    fill(gateway, 60)
    assert verify(gateway) == []
    return gateway


def change(gateway, *statements):
    """Run (SQL, values...) against the file, whatever its rules."""
    db = sqlite3.connect(gateway.store)
    db.execute("pragma ignore_check_constraints = on")
    try:
        with db:
            for sql, *values in statements:
                assert db.execute(sql, values).rowcount > 0
    finally:
        db.close()


def restore(gateway, raw):
    """The file as it was, without what SQLite has beside it."""
    for name in ("-wal", "-shm"):
        gateway.store.with_name(gateway.store.name + name).unlink(
            missing_ok=True)
    gateway.store.write_bytes(raw)


def flipped(value):
    if value is None:
        return [0]
    if isinstance(value, int):
        return [value ^ 1, value ^ 0x40]
    raw = value if isinstance(value, bytes) else value.encode()
    made = [raw[:i] + bytes([raw[i] ^ 1]) + raw[i + 1:]
            for i in (0, len(raw) // 2, len(raw) - 1)]
    return made if isinstance(value, bytes) else [m.decode() for m in made]


COLUMNS = [(table, column) for table, columns in (
    ("receipt", "seq id merchant invoice_id currency amount_minor paid_at_us "
                "received_at_us leaf salt"),
    ("leaf", "n hash of why at_us"),
    ("head", "size at_us peaks sum")) for column in columns.split()]


def rows_of(gateway, table):
    """Key column, and some keys with what has to be named for each."""
    if table == "receipt":
        rows = gateway.rows("select seq, leaf from receipt order by seq")
        return "seq", [(seq, rf"leaf {leaf}\b") for seq, leaf in
                       (rows[0], rows[30], rows[-1])]
    if table == "head":
        return "size", [(size, r"\bhead\b") for (size,) in
                        gateway.rows("select size from head")]
    erased = gateway.rows("select of, n from leaf where of is not null")
    live = gateway.rows("select leaf from receipt")
    numbers = [*erased[0], *erased[-1], live[0][0], live[-1][0]]
    return "n", [(n, rf"leaf {n}\b|leaf \d+ to {n}\b") for n in numbers]


# proves: R19
@pytest.mark.parametrize("table, column", COLUMNS)
def test_a_changed_column_is_found_and_named(stored, table, column):
    whole = stored.store.read_bytes()
    key, rows = rows_of(stored, table)
    assert len(rows) >= 3
    for number, named in rows:
        (value,), = stored.rows(
            f"select {column} from {table} where {key} = {number}")
        for other in flipped(value):
            try:
                change(stored, (f"update {table} set {column} = ? "
                                f"where {key} = ?", other, number))
            except sqlite3.IntegrityError:  # it is another row's
                assert column in ("seq", "id", "n", "size")
                continue
            faults = verify(stored)
            assert any(re.search(named, f) for f in faults), faults
            restore(stored, whole)
    assert verify(stored) == []


# proves: R19
@pytest.mark.parametrize("words, statements, named", [
    ("a receipt is dropped",
     [("delete from receipt where seq = 10",)], "leaf 9: no receipt opens it"),
    ("and is not counted either",
     [("delete from receipt where seq = 10",),
      ("update store set receipts = receipts - 1",)],
     "leaf 9: no receipt opens it"),
    ("a receipt and its leaf are dropped",
     [("delete from receipt where seq = 10",),
      ("delete from leaf where n = 9",)], "leaf 9 to 9: missing"),
    ("an amount is altered",
     [("update receipt set amount_minor = amount_minor * 10 "
       "where seq = 10",)], "leaf 9): not what was stored"),
    ("a receipt is added",
     [("insert into receipt select 99, x'99999999999999999999999999999999', "
       "merchant, invoice_id, currency, amount_minor, paid_at_us, "
       "received_at_us, leaf, salt from receipt where seq = 10",)],
     "number 99, leaf 9): its leaf is another receipt's"),
    ("a receipt without a leaf is added",
     [("insert into receipt select 99, x'99999999999999999999999999999999', "
       "merchant, invoice_id, currency, amount_minor, paid_at_us, "
       "received_at_us, null, null from receipt where seq = 10",)],
     "number 99, no leaf): there is no such leaf"),
    ("two receipts change places",
     [("update receipt set leaf = 1000 where seq = 10",),
      ("update receipt set leaf = 9 where seq = 12",),
      ("update receipt set leaf = 11 where seq = 10",)],
     "leaf 11): not what was stored"),
    ("the ledger is cut off",
     [("delete from leaf where n >= 50",)],
     "head of 60 leaves: there are only 50"),
    ("an erasure is forged",
     [("delete from receipt where seq = 10",),
      ("insert into leaf select max(n) + 1, zeroblob(32), 9, 0, 5 "
       "from leaf",)], "an erasure, or leaf 9 that it erases"),
    ("the ledger is gone", [("delete from leaf",)], "there is no such leaf"),
], ids=lambda v: v.replace(" ", "-") if isinstance(v, str) else "")
def test_tampering_is_found_and_named(stored, words, statements, named):
    change(stored, *statements)
    assert any(named in fault for fault in verify(stored)), words


def test_an_erased_receipt_that_is_back_is_named(stored):
    (leaf,), *_ = stored.rows("select of from leaf where of is not null")
    change(stored, (
        "insert into receipt select ?, x'99999999999999999999999999999999', "
        "merchant, invoice_id, currency, amount_minor, paid_at_us, "
        "received_at_us, ?, salt from receipt where seq = 10", leaf + 1, leaf))
    assert any(f"leaf {leaf}): the ledger says that it is erased" in f
               for f in verify(stored))


def peaks(hashes):
    """The perfect subtrees of a tree, by RFC 6962."""
    made, n = [], len(hashes)
    while hashes:
        k = 1 << len(hashes).bit_length() - 1
        level, hashes = hashes[:k], hashes[k:]
        while len(level) > 1:
            level = [ledger_check.node(a, b)
                     for a, b in zip(level[::2], level[1::2])]
        made += level
    assert len(made) == bin(n).count("1")
    return b"".join(made)


def forge(gateway, seq):
    """Ten times the amount, with a leaf and kept heads that go with it."""
    (row,) = gateway.rows(f"""select hex(salt), leaf, invoice_id, id
        from receipt where seq = {seq}""")
    salt, leaf, invoice_id, _ = row
    (text,) = (line for line in command(
        "receipts", "list", "--after", seq - 1, "--limit", 1, "--config",
        gateway.conf).stdout.splitlines())
    receipt = json.loads(text)
    assert receipt["invoice_id"] == invoice_id
    receipt["amount"] = "11500.00"
    forged = ledger_check.receipt_leaf({
        "receipt": receipt, "salt": salt, "seq": seq, "merchant": "testbox"})
    hashes = [h for (h,) in gateway.rows("select hash from leaf order by n")]
    hashes[leaf] = forged
    heads = []
    for size, at_us in gateway.rows("select size, at_us from head"):
        whole = peaks(hashes[:size])
        heads.append((whole, hashlib.sha256(
            struct.pack(">QQ", size, at_us) + whole).digest(), size))
    return [("update receipt set amount_minor = 1150000 where seq = ?", seq),
            ("update leaf set hash = ? where n = ?", forged, leaf)], heads


def test_who_rewrites_a_row_and_its_leaf_is_found_by_a_kept_head(stored):
    rewritten, _ = forge(stored, 10)
    change(stored, *rewritten)
    faults = verify(stored)
    assert all("head was kept" in f for f in faults) and len(faults) == 3
    assert faults[0].startswith("leaf 0 to 15:")  # the first peak of 30


def test_who_rewrites_all_of_the_store_is_found_by_a_published_head(stored):
    head = publish(stored)
    rewritten, heads = forge(stored, 10)
    change(stored, *rewritten, *(
        ("update head set peaks = ?, sum = ? where size = ?", *h)
        for h in heads))
    assert verify(stored) == []  # nothing in the store itself can tell
    (fault,) = verify(stored, "--head", head)
    assert "when the head was published" in fault
    result = ledger(stored, "consistency", "--head", head)
    assert (result.returncode, result.stdout) == (1, "")
    assert "does not go on from that head" in result.stderr


def test_a_ledger_cut_behind_its_kept_heads_is_found_by_a_published_one(
        stored):
    head = publish(stored)
    ((last,),) = stored.rows("select max(n) from leaf")
    kept = stored.rows("select max(size) from head")[0][0]
    assert last >= kept
    change(stored, ("delete from leaf where n = ?", last))
    (fault,) = verify(stored, "--head", head)[-1:]
    assert f"there are only {last}" in " ".join(verify(stored, "--head", head))
    assert fault


# ---- one flipped byte, wherever it is


def varint(page, at):
    value = 0
    for i in range(9):
        byte = page[at + i]
        if i == 8:
            return value << 8 | byte, at + 9
        value = value << 7 | byte & 0x7f
        if byte < 0x80:
            return value, at + i + 1
    raise AssertionError


def cells(page):
    """(begin, end) of the rows in a page of a table; nothing of an inner
    page, whose keys may be any between its children's."""
    if page[0] != 0x0d:
        return
    for i in range(struct.unpack_from(">H", page, 3)[0]):
        (begin,) = struct.unpack_from(">H", page, 8 + 2 * i)
        size, at = varint(page, begin)
        _, at = varint(page, at)
        assert size <= len(page) - 35, "an overflowing row"
        yield begin, at + size


def places(path):
    """Of each table that the ledger is about, where its rows' bytes are."""
    db = sqlite3.connect(path)
    size = db.execute("pragma page_size").fetchone()[0]
    raw = path.read_bytes()
    found = {}
    for table in ("receipt", "leaf", "head"):
        found[table] = []
        for (page,) in db.execute(
                "select pageno from dbstat where name = ?", (table,)):
            begin = (page - 1) * size
            found[table] += [begin + at for first, last in
                             cells(raw[begin:begin + size])
                             for at in range(first, last)]
    db.close()
    return found


def content(gateway):
    return [gateway.rows(f"select * from {table}")
            for table in ("receipt", "leaf", "head")]


def test_one_flipped_byte_anywhere_in_a_table_is_found(make_gateway):
    """Or it changes nothing: SQLite can write a null, and what it ignores of a
    row's number, in more than one way."""
    gateway = make_gateway()
    fill(gateway, 400)
    assert verify(gateway) == []
    before, harmless = content(gateway), 0
    found = places(gateway.store)
    whole = gateway.store.read_bytes()
    seed = random.randrange(1 << 32)
    print(f"{FLIPS} flipped bytes, seed {seed}:",
          {table: len(at) for table, at in found.items()})
    rng = random.Random(seed)
    for _ in range(FLIPS):
        at = rng.choice(found[rng.choice(list(found))])
        raw = bytearray(whole)
        raw[at] ^= rng.randrange(1, 256)
        restore(gateway, raw)
        faults = verify(gateway)
        if faults:
            assert any(re.search(r"leaf|head|receipt|row|page|file", f)
                       for f in faults), (seed, at)
        else:
            assert content(gateway) == before, (seed, at)
            harmless += 1
    print(f"{harmless} of them changed nothing that can be read")
    assert harmless <= 1 + FLIPS // 20
    restore(gateway, whole)
    assert verify(gateway) == []


# ---- many


def test_a_tenth_of_many_receipts_is_erased(make_gateway):
    gateway = make_gateway()
    said = fill(gateway, LEDGER, timeout=LONG)
    head = publish(gateway)
    began = time.monotonic()
    result = ledger(gateway, "verify", "--head", head, timeout=LONG)
    took = time.monotonic() - began
    print(said.strip(), result.stdout.strip(), f"verified in {took:.2f} s",
          f"{gateway.store.stat().st_size} bytes", sep="\n")
    assert result.returncode == 0
    assert (f"{LEDGER - LEDGER // 10} receipts, {LEDGER // 10} erased by "
            "request, 0 for their age; 3 heads and the published one"
            in result.stdout)
    shutil.rmtree(gateway.dir)
