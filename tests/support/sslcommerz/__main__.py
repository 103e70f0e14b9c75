"""The stand-in as a program.

    sslcommerz --store ID:PASSWORD-FILE [--store ...] [--cert FILE --key FILE]
               [--host ADDRESS] [--port N] [--ca FILE]

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
import ssl
import sys
import urllib.error
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import callbacks  # noqa: E402
from sslcommerz import MISBEHAVIOURS, SSLCommerz  # noqa: E402
from stub_server import tls_context  # noqa: E402


def post(url, body, trust):
    try:
        request = urllib.request.Request(url, body, {
            "Content-Type": "application/x-www-form-urlencoded"})
        with urllib.request.urlopen(request, timeout=30,
                                    context=trust) as answer:
            return f"{answer.status} {answer.reason}"
    except urllib.error.HTTPError as error:
        return f"{error.code} {error.reason}"
    except (OSError, ValueError) as error:
        return f"not sent: {error}"


def about_store(provider, trust, words):
    """A command with a store of the ledger's; what to print, or None."""
    ledger = provider.ledger
    match words:
        case ["pay", store, invoice] | ["pay", store, invoice, _]:
            return ledger.body(ledger.pay(
                invoice, store, *words[3:])).decode()
        case ["forge", store, invoice]:
            return ledger.body(callbacks.genuine(
                invoice, merchant=store)).decode()
        case ["send", url, store, invoice] | ["send", url, store, invoice, _]:
            body = ledger.body(ledger.pay(invoice, store, *words[4:]))
            return post(url, body, trust)
    return None


def obey(provider, trust, words):
    """What to print."""
    try:
        match words:
            case ["misbehave", kind] if kind in MISBEHAVIOURS:
                provider.misbehave(kind)
                return "ok"
            case ["misbehave", kind, seconds] if kind in MISBEHAVIOURS:
                provider.misbehave(kind, seconds=float(seconds))
                return "ok"
            case ["behave"]:
                provider.behave()
                return "ok"
        return about_store(provider, trust, words) or \
            "not understood; see --help"
    except KeyError:
        return "no such store"
    except ValueError:
        return "not a number of seconds"


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
    parser.add_argument("--ca", help="PEM of what send trusts; without it: "
                                     "the system's")
    args = parser.parse_args()
    trust = ssl.create_default_context(cafile=args.ca)
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
                print(obey(provider, trust, line.split()), flush=True)
            signal.pause()
        except KeyboardInterrupt:
            pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
