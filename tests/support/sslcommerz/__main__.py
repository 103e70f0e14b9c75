"""The stand-in as a program.

    sslcommerz --store ID:PASSWORD-FILE [--store ...] [--cert FILE --key FILE]
               [--host ADDRESS] [--port N]

Then, a line each on standard input:

    pay STORE INVOICE [STATUS]     a payment happens; prints its callback
    forge STORE INVOICE            prints the signed callback of one that
                                   never happened
    send URL STORE INVOICE [STATUS]   a payment happens; posts its callback
    misbehave KIND [SECONDS]       from now on; KIND as --help lists
    behave
"""

import argparse
import signal
import sys
import urllib.error
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import callbacks  # noqa: E402
from sslcommerz import MISBEHAVIOURS, SSLCommerz  # noqa: E402
from stub_server import tls_context  # noqa: E402


def post(url, body):
    request = urllib.request.Request(url, body, {
        "Content-Type": "application/x-www-form-urlencoded"})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return f"{answer.status} {answer.reason}"
    except urllib.error.HTTPError as error:
        return f"{error.code} {error.reason}"
    except OSError as error:
        return f"not sent: {error}"


def obey(provider, words):
    """What to print."""
    ledger = provider.ledger
    match words:
        case ["pay", store, invoice, *status]:
            return ledger.body(ledger.pay(
                invoice, store, *status)).decode()
        case ["forge", store, invoice]:
            return ledger.body(callbacks.genuine(
                invoice, merchant=store)).decode()
        case ["send", url, store, invoice, *status]:
            return post(url, ledger.body(ledger.pay(invoice, store,
                                                    *status)))
        case ["misbehave", kind, *seconds] if kind in MISBEHAVIOURS:
            provider.misbehave(kind, seconds=float(seconds[0])
                               if seconds else 0)
            return "ok"
        case ["behave"]:
            provider.behave()
            return "ok"
    return "not understood; see --help"


def main():
    parser = argparse.ArgumentParser(
        prog="sslcommerz", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="kinds: " + " ".join(MISBEHAVIOURS))
    parser.add_argument("--store", action="append", required=True,
                        metavar="ID:PASSWORD-FILE")
    parser.add_argument("--cert", help="PEM; without it: plain HTTP")
    parser.add_argument("--key")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    args = parser.parse_args()
    stores = {}
    for store in args.store:
        name, _, file = store.partition(":")
        stores[name] = Path(file).read_text().rstrip("\n")
    context = tls_context(args.cert, args.key) if args.cert else None
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with SSLCommerz(context, stores, args.host, args.port) as provider:
        print("listening on", provider.url, flush=True)
        try:
            for line in sys.stdin:
                print(obey(provider, line.split()), flush=True)
            signal.pause()
        except KeyboardInterrupt:
            pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
