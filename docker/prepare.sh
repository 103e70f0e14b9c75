#!/bin/sh
# Throw-away secrets for docker/compose.yaml, in docker/secrets.
#
# Run as root, so that the files can belong to the container's user: compose
# mounts them as they are, and the gateway refuses secrets that others can
# read.
set -eu

here=$(dirname "$0")
top=$here/..
dir=$here/secrets
user=65532

if [ -e "$dir" ]; then
	echo "$dir is there already; remove it to make new secrets" >&2
	exit 1
fi
if [ "$(id -u)" -ne 0 ]; then
	echo "run this as root: the files have to belong to user $user" >&2
	exit 1
fi
umask 077
mkdir "$dir"
python3 "$top/tests/support/certs.py" "$dir" gateway localhost 127.0.0.1
python3 "$top/tests/support/certs.py" "$dir" billing billing
openssl rand -hex 16 >"$dir/testbox.password"
echo "whsec_$(openssl rand -base64 32)" >"$dir/billing.secret"
rm -f "$dir/ca.key" "$dir/ca.srl"
chmod 0755 "$dir"
chmod 0400 "$dir"/*
chmod 0444 "$dir"/*.crt
chown "$user:$user" "$dir"/*
echo "made in $dir; testbox.password is made up: SSLCommerz confirms nothing" \
	"until the password of a store of yours stands there"
