#!/usr/bin/python3
"""Throw-away certificates, by the openssl command line.

    certs.py DIRECTORY NAME [HOST ...]

makes DIRECTORY/ca.crt and ca.key, unless they are there, and NAME.crt and
NAME.key for the hosts (default: localhost and 127.0.0.1).
"""

import ipaddress
import os
import subprocess
import sys
from pathlib import Path

DAYS = "30"
P256 = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]


def _openssl(*args):
    subprocess.run(["openssl", *map(str, args)], check=True,
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                   stderr=subprocess.PIPE)


def _make_ca(directory):
    _openssl("req", "-x509", *P256, "-sha256", "-days", DAYS,
             "-subj", "/CN=throw-away test authority",
             "-addext", "basicConstraints=critical,CA:TRUE",
             "-addext", "keyUsage=critical,keyCertSign,cRLSign",
             "-keyout", directory / "ca.key", "-out", directory / "ca.crt")


def _san(host):
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return "DNS:" + host
    return "IP:" + host


def make(directory, name, hosts=("localhost", "127.0.0.1"), days=DAYS):
    """The paths of a certificate and its key (0600), issued by ca.crt.  It is
    good for so many days; with -1 it has expired."""
    directory = Path(directory)
    cert, key = directory / (name + ".crt"), directory / (name + ".key")
    request, extra = directory / (name + ".csr"), directory / (name + ".ext")
    if not (directory / "ca.crt").exists():
        _make_ca(directory)
    extra.write_text(
        "basicConstraints=critical,CA:FALSE\n"
        "keyUsage=critical,digitalSignature\n"
        "extendedKeyUsage=serverAuth,clientAuth\n"
        f"subjectAltName={','.join(map(_san, hosts))}\n")
    _openssl("req", *P256, "-subj", "/CN=" + hosts[0],
             "-keyout", key, "-out", request)
    _openssl("x509", "-req", "-sha256", "-days", days, "-in", request,
             "-CA", directory / "ca.crt", "-CAkey", directory / "ca.key",
             "-CAcreateserial", "-extfile", extra, "-out", cert)
    request.unlink()
    extra.unlink()
    os.chmod(key, 0o600)
    os.chmod(directory / "ca.key", 0o600)
    return cert, key


def main(argv):
    if len(argv) < 3 or argv[1].startswith("-"):
        print(__doc__.strip(), file=sys.stderr)
        return 2
    cert, key = make(argv[1], argv[2],
                     tuple(argv[3:]) or ("localhost", "127.0.0.1"))
    print(cert)
    print(key)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
