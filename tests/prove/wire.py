"""Requests byte by byte, and everything that comes back, written down."""

import http.client
import socket
import ssl
import struct
import threading

from gateway import FORM, PATIENCE


class Taken:
    """What left the gateway for somebody, in a file that is searched."""

    def __init__(self, path):
        self.path = path
        self._file = open(path, "ab")  # as long as the run
        self._lock = threading.Lock()

    def write(self, *pieces):
        with self._lock:
            for piece in pieces:
                self._file.write(piece if isinstance(piece, bytes)
                                 else str(piece).encode())
            self._file.write(b"\n")
            self._file.flush()

    def close(self):
        self._file.close()


def head(line, fields, body=None, content_type=FORM):
    lines = [line, "Host: localhost"]
    if content_type is not None:
        lines.append("Content-Type: " + content_type)
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    lines += [f"{name}: {value}" for name, value in fields]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def post(body, fields=(), path="/ipn/testbox", content_type=FORM):
    return head(f"POST {path} HTTP/1.1", fields, body, content_type) + body


class Line:
    """A connection to one side of the gateway, kept as long as it lasts."""

    def __init__(self, gateway, taken, side="callbacks", hello=None,
                 old=False):
        """hello: a name for the TLS hello and ALPN; None: the usual.  old:
        TLS 1.2."""
        self._gateway = gateway
        self._taken = taken
        self._side = side
        self._hello = hello
        self._old = old
        self._tls = None

    @property
    def is_open(self):
        return self._tls is not None

    def connect(self):
        if not self.is_open:
            host, port = self._gateway.listen[self._side].rsplit(":", 1)
            plain = socket.create_connection((host, int(port)), PATIENCE)
            self._tls = self._context().wrap_socket(
                plain, server_hostname=self._hello or host)
        return self

    def _context(self):
        if self._hello is None and not self._old:
            return self._gateway.context
        context = ssl.create_default_context(cafile=self._gateway.keys.ca)
        if self._old:
            context.maximum_version = ssl.TLSVersion.TLSv1_2
        if self._hello is not None:
            context.check_hostname = False
            context.set_alpn_protocols(["http/1.1", self._hello])
        return context

    def send(self, data):
        self.connect()._tls.sendall(data)

    def answer(self):
        """The status of the next answer; 0: the connection ended."""
        answer = http.client.HTTPResponse(self._tls)
        try:
            answer.begin()
            body = answer.read()
        except (OSError, http.client.HTTPException):
            self.close()
            return 0
        self._taken.write(answer.status, answer.reason,
                          bytes(answer.headers), body)
        if answer.will_close:
            self.close()
        return answer.status

    def ask(self, data):
        """Send a request, take its answer; once again on a new connection if
        a kept one was closed meanwhile."""
        kept = self.is_open
        try:
            self.send(data)
        except OSError:
            pass  # refused before all was sent; the answer may be there
        status = self.answer()
        if status == 0 and kept:
            return self.ask(data)
        return status

    def close(self):
        if self.is_open:
            self._tls.close()
            self._tls = None

    def abort(self):
        """Leave with a reset, as one whose cable was pulled."""
        self._tls.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                             struct.pack("ii", 1, 0))
        self.close()
