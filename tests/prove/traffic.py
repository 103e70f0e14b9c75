"""Callbacks of every kind, with a canary wherever the sender has a say."""

import json
import threading
from collections import Counter
from urllib.parse import quote

import callbacks
from gateway import FORM
from sslcommerz import SSLCommerz
from wire import Line, head, post

CARD = ("card_no", "card_type", "card_brand", "card_issuer",
        "card_issuer_country", "card_issuer_country_code", "card_sub_brand")
BANK = ("bank_tran_id",)
CUSTOMER = ("value_a", "value_b", "value_c", "value_d")
ALSO_SENT = ("cus_name", "cus_email", "cus_phone", "cus_add1")
OTHER = ("error", "risk_title", "base_fair", "currency_rate",
         "store_amount")
OTHER_MERCHANT = "otherbox"  # its invoice ID is value_b
# How SSLCommerz misbehaves, each about one payment in so many.
MISBEHAVIOURS = ("amount", "risk", "failed", "cut", "html", "doubled",
                 "numbers", "object", "gzip", "pending", "huge", "status")
MISBEHAVES = 40


class Provider(SSLCommerz):
    """Every answer has more than SSLCommerz documents."""

    def __init__(self, context, stores, canaries):
        super().__init__(context, stores)
        self._canaries = canaries

        self.handler = type("Talkative", (self.handler,),
                            {"end_headers": self._end_headers})

    @staticmethod
    def _end_headers(handler):
        make = handler.stub._canaries
        handler.send_header("Set-Cookie", "id=" + make.text("M"))
        handler.send_header(make.name("M"), make.text("M"))
        super(type(handler), handler).end_headers()

    def _more(self):
        make = self._canaries
        return {"account_details": make.text("M"),
                "card_ref_id": make.text("M"),
                "emi_issuer": make.escaped("M"),
                "token_key": make.card_text(),
                make.name("M"): make.text("M"),
                "unheard_of": {"nested": [make.text("M"), make.card_text()]}}

    def _answer(self, q):
        answer = super()._answer(q)
        if answer is None:
            return None
        if answer.get("element"):
            answer = {**answer, "element": [{**e, **self._more()}
                                            for e in answer["element"]]}
        return {**answer, **self._more()}


class Locked:
    """Canaries for several threads."""

    def __init__(self, canaries):
        self._canaries = canaries
        self._lock = threading.Lock()

    def __getattr__(self, name):
        member = getattr(self._canaries, name)
        if not callable(member):
            return member

        def call(*args, **more):
            with self._lock:
                return member(*args, **more)
        return call


class Traffic:
    """Sends callbacks; remembers what billing has to get of them."""

    def __init__(self, gateway, provider, canaries, taken, password):
        self.gateway = gateway
        self.provider = provider
        self.make = canaries
        self.taken = taken
        self.password = password
        self.counts = Counter()  # exits, by name
        self.wrong = []          # answers that were not the right ones
        self.lock = threading.Lock()
        self.left_open = []      # half-sent, the gateway has to end them

    # ---- forms

    def paid(self, n):
        """The pairs of a genuine callback, nothing kept among canaries."""
        make = self.make
        fields = callbacks.genuine(f"PROVE-{n:06}")
        for names, kind in ((CARD, "A"), (BANK, "B"), (CUSTOMER, "C"),
                            (ALSO_SENT, "C"), (OTHER, "D")):
            for name in names:
                fields[name] = make.text(kind)
        fields["val_id"] = make.text("N", 64)
        fields["cus_name"] = make.escaped("C")
        fields["card_no"] = make.card_text()
        fields["value_d"] = make.card()
        for i in range(3):
            fields[f"extra_{i}"] = make.text("E")
        fields[make.name("F")] = make.text("E")
        return fields

    def signed(self, fields, leave_out=()):
        names = set(fields) - set(leave_out)
        return callbacks.signed(fields, self.password, names)

    def encoded(self, pairs, n):
        """As a form; every third one with more escapes than it needs."""
        if n % 3:
            return callbacks.encode(pairs)
        return "&".join(
            f"{name}={''.join(f'%{b:02X}' for b in value.encode())}"
            for name, value in pairs).encode()

    def headers(self, kind="H", names="G"):
        make = self.make
        return [("User-Agent", make.text(kind)),
                ("Cookie", "session=" + make.text(kind)),
                ("X-Forwarded-For", make.text(kind)),
                ("X-Card", make.card_text()),
                ("Referer", "https://shop.invalid/?pay=" + make.text(kind)),
                ("Authorization", "Bearer " + make.text(kind)),
                (make.name(names), make.text(kind))]

    def genuine(self, n):
        """A payment that SSLCommerz knows, and the body of its callback."""
        fields = self.paid(n)
        self.provider.ledger.enter(callbacks.MERCHANT, fields)
        if n % MISBEHAVES == 0:
            kind = MISBEHAVIOURS[n // MISBEHAVES % len(MISBEHAVIOURS)]
            self.provider.misbehave(kind, 3 if kind == "failed" else 1,
                                    fields["val_id"])
        unsigned = ("extra_0", "extra_1", "cus_add1") if n % 4 < 2 else ()
        return self.encoded(self.signed(fields, unsigned), n)

    def marked(self, kind, n, **changed):
        """The fields of a callback full of canaries of one kind."""
        fields = callbacks.genuine(f"PROVE-{n:06}")
        for name in CARD + BANK + CUSTOMER + OTHER + ("val_id",):
            fields[name] = self.make.text(kind, 64)
        fields["card_no"] = self.make.card_text()
        fields.update(changed)
        return fields

    # ---- exits; each returns (status that came, statuses that are right)

    def answered(self, line, n):
        data = post(self.genuine(n), self.headers(), content_type=(
            FORM if n % 3 else FORM + "; charset=" + self.make.text("H")))
        return line.ask(data), {200}

    def in_pieces(self, line, n):
        """In writes, and so records, of 97 bytes."""
        data = post(self.genuine(n), self.headers())
        line.connect()
        for at in range(0, len(data), 97):
            line.send(data[at:at + 97])
        return line.answer(), {200}

    def repeated(self, line, n):
        data = post(self.genuine(n), self.headers())
        return max(line.ask(data), line.ask(data)), {200}

    def other_invoice(self, line, n):
        """Of the merchant whose invoice ID stands in another field."""
        fields = self.paid(n)
        fields.update(store_id=OTHER_MERCHANT, value_b=fields["tran_id"],
                      tran_id=self.make.text("U", 64))
        self.provider.ledger.enter(OTHER_MERCHANT, fields)
        return line.ask(post(callbacks.encode(self.signed(fields)),
                             self.headers(),
                             "/ipn/" + OTHER_MERCHANT)), {200}

    def forged(self, line, n):
        """Signed, and SSLCommerz knows of no such payment."""
        pairs = self.signed(self.paid(n))
        return line.ask(post(callbacks.encode(pairs))), {200}

    def bad_signature(self, line, n):
        pairs = self.signed(self.marked("J", n))
        pairs = [(k, v[::-1] if k == "verify_sign_sha2" else v)
                 for k, v in pairs]
        return line.ask(post(callbacks.encode(pairs))), {403}

    def not_paid(self, line, n):
        status = ("FAILED", "CANCELLED", "UNATTEMPTED", "EXPIRED")[n % 4]
        pairs = self.signed(self.marked("J", n, status=status))
        return line.ask(post(callbacks.encode(pairs))), {200}

    def other_merchant(self, line, n):
        pairs = self.signed(self.marked("J", n, store_id="anothershop"))
        return line.ask(post(callbacks.encode(pairs))), {403}

    def bad_values(self, line, n):
        """Signed, but what should be kept is no such thing."""
        name = ("tran_id", "currency_type", "currency_amount", "tran_date",
                "val_id", "status")[n % 6]
        bad = self.make.escaped("J", 64)
        pairs = self.signed(self.marked("J", n, **{name: bad}))
        return line.ask(post(callbacks.encode(pairs))), {403}

    def card_for_a_name(self, line, n):
        fields = self.marked("J", n)
        fields["x_" + self.make.card()] = self.make.text("J")
        fields[self.make.text("F")] = self.make.text("J")
        return line.ask(post(callbacks.encode(self.signed(fields)))), {403}

    def broken_form(self, line, n):
        body = callbacks.encode(self.signed(self.marked("K", n)))
        mark = self.make.text("K").encode()
        breakage = (b"&x=%zz" + mark, b"&card_no=" + mark, b"&x=%00" + mark,
                    b"&x=%ff%fe" + mark, b"&=" + mark, b"&" + mark,
                    b"&x=" + mark + b"%4")[n % 7]
        return line.ask(post(body + breakage)), {400}

    def too_many_fields(self, line, n):
        body = "&".join(f"f{i}={self.make.text('K', 64)}"
                        for i in range(80)).encode()
        return line.ask(post(body)), {413}

    def too_large(self, line, n):
        return line.ask(post(self.make.text("K", 70000).encode())), {413}

    def large(self, line, n):
        """As much as may be: the larger buffer, then a refusal."""
        body = b"x=" + self.make.text("K", 60000).encode()
        return line.ask(post(body)), {403}

    def wrong_type(self, line, n):
        fields = self.marked("K", n)
        kinds = (("application/json", json.dumps(fields).encode()),
                 ("multipart/form-data; boundary=" + self.make.text("K", 64),
                  callbacks.encode(fields.items())),
                 (None, callbacks.encode(fields.items())))
        content_type, body = kinds[n % 3]
        return line.ask(post(body, content_type=content_type)), {415}

    def query(self, line, n):
        body = callbacks.encode(self.signed(self.marked("K", n)))
        target = ("/ipn/testbox?card=" + quote(self.make.text("I")),
                  "/ipn/testbox?" + self.make.text("I"),
                  "/ipn/" + self.make.text("I"),
                  "/" + self.make.card() + "/" + self.make.text("I"),
                  "/ipn/testbox/" + quote(self.make.escaped("I")))[n % 5]
        return line.ask(post(body, path=target)), {400, 404}

    def wrong_method(self, line, n):
        method = ("GET", "PUT", "DELETE", "OPTIONS")[n % 4]
        data = head(f"{method} /ipn/testbox HTTP/1.1",
                    self.headers("K", "K"), content_type=None)
        return line.ask(data), {405}

    def bad_head(self, line, n):
        mark = self.make.text("K")
        data = (
            f"POST /ipn/testbox HTTP/1.1\r\nHost: a\r\n{mark} : {mark}\r\n"
            "\r\n",
            f"{mark} /ipn/testbox HTTP/1.1\r\nHost: a\r\n\r\n",
            f"POST /ipn/testbox {mark}\r\nHost: a\r\n\r\n",
            f"POST /ipn/testbox HTTP/1.1\r\nHost: a\r\nX: {mark}\r\n"
            f" {mark}\r\n\r\n",
            f"POST /ipn/testbox HTTP/1.1\r\nHost: {mark}\r\nHost: b\r\n\r\n",
            f"POST /ipn/testbox HTTP/1.1\r\nHost: a\r\nContent-Length: "
            f"{mark}\r\n\r\n",
            "POST /ipn/testbox HTTP/1.1\r\nHost: a\r\nX: " + mark * 300 +
            "\r\n\r\n",
            f"POST /{mark * 20} HTTP/1.1\r\nHost: a\r\n\r\n")[n % 8]
        return line.ask(data.encode()), {400, 414, 431, 501, 505}

    def chunked(self, line, n):
        body = callbacks.encode(self.signed(self.marked("K", n)))
        data = head("POST /ipn/testbox HTTP/1.1", [
            ("Transfer-Encoding", "chunked")]) + (
            b"%x;ext=%s\r\n%s\r\n0\r\n%s: x\r\n\r\n" % (
                len(body), self.make.text("K").encode(), body,
                self.make.name("K").encode()))
        return line.ask(data), {411}

    def half_sent(self, n):
        body = callbacks.encode(self.signed(self.marked("L", n)))
        data = post(body, self.headers("L", "L"))
        return data[:len(data) - len(body) // (2 + n % 5)]

    def half_and_closed(self, line, n):
        line.send(self.half_sent(n))
        line.close()
        return 0, {0}

    def half_and_reset(self, line, n):
        line.send(self.half_sent(n))
        line.abort()
        return 0, {0}

    def half_head(self, line, n):
        line.send(self.half_sent(n)[:300 + n % 200])
        line.close()
        return 0, {0}

    def half_and_silent(self, line, n):
        """On a connection of its own, which the gateway has to end."""
        silent = Line(self.gateway, self.taken)
        silent.send(self.half_sent(n))
        with self.lock:
            self.left_open.append(silent)
        return 0, {0}

    def not_waited_for(self, line, n):
        """Sent whole, and gone before the answer."""
        line.send(post(self.genuine(n), self.headers()))
        line.abort()
        return 0, {0}

    def hello(self, line, n):
        """A canary in the TLS hello, under either version."""
        named = Line(self.gateway, self.taken, hello=self.make.name("T", 60),
                     old=n // 2 % 2 == 1)
        status = named.ask(post(self.genuine(n), self.headers()))
        named.close()
        return status, {200}

    def pipelined(self, line, n):
        """Two at once: a genuine one and a refused one behind it."""
        pairs = self.marked("J", n, store_id="anothershop")
        line.send(post(self.genuine(n), self.headers()) +
                  post(callbacks.encode(self.signed(pairs))))
        return line.answer() * 1000 + line.answer(), {200403}

    GENUINE = ("answered", "in_pieces", "repeated", "not_waited_for", "hello",
               "pipelined")
    OTHERS = ("in_pieces", "forged", "bad_signature", "not_paid", "other_merchant", "bad_values",
              "card_for_a_name", "broken_form", "too_many_fields",
              "too_large", "large", "wrong_type", "query", "wrong_method",
              "bad_head", "chunked", "half_and_closed", "half_and_reset",
              "half_head", "half_and_silent", "not_waited_for", "hello",
              "pipelined", "repeated")

    EXITS = ("answered",) + OTHERS

    def one(self, line, n, exit=None):
        """Callback number n: every second one is just genuine."""
        exit = exit or ("answered" if n % 2 else
                        self.OTHERS[n // 2 % len(self.OTHERS)])
        if exit in self.GENUINE:
            # Their connection may have been kept by a refusal that closes.
            line.connect()
        status, right = getattr(self, exit)(line, n)
        with self.lock:
            self.counts[exit] += 1
            if status not in right:
                self.wrong.append((exit, n, status))

    def settle_left_open(self):
        """The gateway gives up on those who went silent: 408 or an end."""
        for line in self.left_open:
            status = line.answer()
            if status not in (0, 408):
                self.wrong.append(("half_and_silent", -1, status))
            line.close()
        self.left_open.clear()

    def send(self, numbers, threads, progress):
        """Callbacks of these numbers over so many kept connections."""
        numbers = iter(numbers)
        failed = []

        def work(number):
            line = Line(self.gateway, self.taken, old=number % 2 == 1)
            try:
                while True:
                    with self.lock:
                        n = next(numbers, None)
                    if n is None:
                        break
                    self.one(line, n)
                    progress(n)
            except Exception as error:  # for the thread that waits
                failed.append(error)
            finally:
                line.close()

        workers = [threading.Thread(target=work, args=(i,), daemon=True)
                   for i in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        if failed:
            raise failed[0]
