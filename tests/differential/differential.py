"""The raw requests of fixtures/http at paysieve, nginx and Node, side by side.

    make differential

nginx answers `return 200`, Node reads the body and answers 200; both as they
are installed, without TLS.  Writes the table of fixtures/http/README.md anew.
1 is paysieve serving what no server may, or not serving what each has to.
"""

import shutil
import socket
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests" / "support"))

import certs  # noqa: E402
import http_corpus  # noqa: E402
from gateway import Gateway, until  # noqa: E402

TABLE = TOP / "fixtures" / "http" / "README.md"
MARK = "\n## What others do with it\n"

NGINX = """
daemon off; master_process off; pid {dir}/pid; error_log {dir}/error;
events {{ }}
http {{
    access_log off; client_body_temp_path {dir}/body;
    fastcgi_temp_path {dir}/f; proxy_temp_path {dir}/p;
    scgi_temp_path {dir}/s; uwsgi_temp_path {dir}/u;
    server {{ listen unix:{dir}/socket; location / {{ return 200; }} }}
}}
"""
NODE = """
require("node:http").createServer((request, response) => {
  request.resume().on("end", () => response.end());
}).listen(process.argv[1]);
"""


def connected(path):
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(0.25)
    sock.connect(path)
    return sock


def reachable(path):
    try:
        connected(path).close()
        return True
    except OSError:
        return False


@contextmanager
def running(words, path):
    process = subprocess.Popen(words, stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    try:
        until(lambda: reachable(path))
        yield lambda: connected(path)
    finally:
        process.kill()
        process.wait()


@contextmanager
def nginx(folder):
    conf = folder / "nginx.conf"
    conf.write_text(NGINX.format(dir=folder))
    with running(["/usr/sbin/nginx", "-c", conf, "-p", folder],
                 f"{folder}/socket") as open_one:
        yield open_one


@contextmanager
def node(folder):
    path = f"{folder}/node"
    with running(["node", "-e", NODE, path], path) as open_one:
        yield open_one


@contextmanager
def paysieve(folder):
    keys = type("Keys", (), {"gateway": certs.make(folder, "gateway"),
                             "ca": folder / "ca.crt"})
    (folder / "gateway").mkdir(mode=0o700)
    gateway = Gateway(folder / "gateway", keys, limits={"edges": 1}).start()
    try:
        yield lambda: gateway.open(timeout=3)
    finally:
        gateway.stop()


def said(open_one, case):
    data = case.data + (http_corpus.PROBE if case.open else b"")
    with open_one() as sock:
        got = http_corpus.converse(sock, data).removesuffix(b"still open")
    found = http_corpus.answers(got, case.head)
    return [s for s in found if s is None or s >= 200]


def served(statuses):
    return bool(statuses) and statuses[0] is not None and statuses[0] < 300


def words(statuses):
    return " ".join("?" if s is None else str(s) for s in statuses) or "-"


def measure():
    """{server: {case: statuses}}"""
    found = {}
    for server in (paysieve, nginx, node):
        print(f"{server.__name__} ...", file=sys.stderr, flush=True)
        # A socket's path has to be short.
        folder = Path(tempfile.mkdtemp(dir="/tmp"))
        try:
            with server(folder) as open_one:
                found[server.__name__] = {
                    case: said(open_one, case)
                    for case in http_corpus.cases()}
        finally:
            shutil.rmtree(folder)
    return found


def versions():
    nginx_says = subprocess.run(["/usr/sbin/nginx", "-v"], text=True,
                                capture_output=True).stderr
    node_says = subprocess.run(["node", "--version"], text=True,
                               capture_output=True).stdout
    return (nginx_says.strip().rsplit("/", 1)[1],
            node_says.strip().removeprefix("v"))


def report(found):
    forbidden = [c for c in http_corpus.cases() if c.must]
    legal = [c for c in http_corpus.cases() if c.legal]
    yield (f"Of {len(http_corpus.cases())} cases, {len(forbidden)} are such "
           f"that no server may take the doubtful request (`must`), {len(legal)} "
           "such that each has to serve it. nginx %s, Node %s, as they come."
           % versions())
    yield ""
    yield "| | " + " | ".join(found) + " |"
    yield "|---|" + "---|" * len(found)
    # A doubtful one behind others has as many answers before it.
    taken = {s: [c for c in forbidden
                 if len(by[c]) >= len(c.statuses)
                 and served(by[c][len(c.statuses) - 1:])]
             for s, by in found.items()}
    failed = {s: [c for c in legal if not served(by[c])]
              for s, by in found.items()}
    yield ("| taken, and must not be | "
           + " | ".join(str(len(taken[s])) for s in found) + " |")
    yield ("| refused, and must not be | "
           + " | ".join(str(len(failed[s])) for s in found) + " |")
    yield ""
    yield ("Statuses where one of them does what it must not (`?`: an answer "
           "without a head):")
    yield ""
    yield "| case | RFC | " + " | ".join(found) + " |"
    yield "|---|---|" + "---|" * len(found)
    for case in http_corpus.cases():
        if any(case in taken[s] or case in failed[s] for s in found):
            yield (f"| {case.name} | {case.rule.split(':')[0]} | " + " | ".join(
                words(found[s][case]) for s in found) + " |")
    wrong = len(taken["paysieve"]) + len(failed["paysieve"])
    print(f"paysieve: {wrong} wrong", file=sys.stderr)
    if wrong:
        raise SystemExit(1)


def main():
    lines = list(report(measure()))
    before = TABLE.read_text().split(MARK)[0]
    TABLE.write_text(before + MARK + "\n" + "\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
