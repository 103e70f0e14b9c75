"""What the stand-ins share: an HTTP server on loopback with threads.

A handler is a BaseHTTPRequestHandler whose self.stub is the stand-in.
"""

import socketserver
import ssl
import threading
from http.server import BaseHTTPRequestHandler


def tls_context(cert, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(cert, key)
    return context


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "stand-in"
    sys_version = ""
    timeout = 30
    disable_nagle_algorithm = True

    @property
    def stub(self):
        return self.server.stub

    def setup(self):
        super().setup()
        self.stub._connected(self.connection)

    def finish(self):
        self.stub._disconnected(self.connection)
        try:
            super().finish()
        except OSError:
            pass

    def log_message(self, *args):
        pass


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address, handler, stub):
        self.stub = stub
        super().__init__(address, handler)

    def finish_request(self, request, client_address):
        # The handshake belongs to the connection's thread, not to accept().
        if self.stub.is_down():
            return
        request.settimeout(10)
        context = self.stub.context
        if context is None:
            super().finish_request(request, client_address)
            return
        tls = context.wrap_socket(request, server_side=True)
        try:
            super().finish_request(tls, client_address)
        finally:
            tls.close()

    def handle_error(self, request, client_address):
        """A client that left is nobody's fault."""


class StubServer:
    """Listens from start() to stop().  All methods: any thread."""

    def __init__(self, handler, context=None, host="127.0.0.1", port=0):
        """context: of TLS; None: plain HTTP."""
        self.handler = handler
        self.context = context
        self.address = (host, port)
        self._changed = threading.Condition()
        self._stopping = threading.Event()
        self._connections = set()
        self._server = None
        self._thread = None

    def start(self):
        self._server = _Server(self.address, self.handler, self)
        self.address = self._server.server_address[:2]
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05},
            name=type(self).__name__, daemon=True)
        self._thread.start()
        return self

    def stop(self):
        self._stopping.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._cut_connections()
            self._thread.join(10)
            self._server = None

    def base_url(self, host="127.0.0.1"):
        scheme = "http" if self.context is None else "https"
        return f"{scheme}://{host}:{self.address[1]}"

    def is_down(self):
        """Is a new connection to be closed at once?"""
        return False

    def wait(self, condition, seconds):
        """Until condition(self) holds; called with the state locked."""
        with self._changed:
            return self._changed.wait_for(lambda: condition(self), seconds)

    def _connected(self, connection):
        with self._changed:
            self._connections.add(connection)

    def _disconnected(self, connection):
        with self._changed:
            self._connections.discard(connection)

    def _cut_connections(self):
        with self._changed:
            connections = list(self._connections)
        for connection in connections:
            try:
                connection.shutdown(2)
            except OSError:
                pass
