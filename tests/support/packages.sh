#!/bin/sh
# Install the Debian packages that a set of targets needs and that are not
# there: packages.sh run|test|ci|analyse|coverage|prove|walls|clients|bench|
# image...
set -eu
need=""
for set in "$@"; do
	case $set in
	run) need="$need gcc libc6-dev make pkg-config libevent-dev libssl-dev
		libjansson-dev libsqlite3-dev libcurl4-openssl-dev
		libseccomp-dev openssl curl ca-certificates python3
		python3-yaml" ;;
	test) need="$need git libcmocka-dev python3-pytest python3-pytest-xdist
		python3-jsonschema strace" ;;
	ci) need="$need clang-14 clang libclang-rt-14-dev clang-format-14
		clang-format valgrind" ;;
	analyse) need="$need clang-tidy-14 clang-tidy cppcheck" ;;
	coverage) need="$need gcovr" ;;
	prove) need="$need gdb patch" ;;
	walls) need="$need binutils systemd testssl.sh sslscan" ;;
	clients) need="$need php-cli php-cgi php-curl php-sqlite3"
		command -v npm >/dev/null || need="$need nodejs npm" ;;
	bench) need="$need nginx-light php-fpm php-sqlite3" ;;
	image) need="$need buildah mmdebstrap" ;;
	*) echo "packages.sh: unknown set" >&2; exit 2 ;;
	esac
done
missing=""
for p in $need; do
	state=$(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null) || true
	[ "$state" = installed ] || missing="$missing $p"
done
[ -n "$missing" ] || exit 0
as_root=""
if [ "$(id -u)" -ne 0 ]; then
	as_root=sudo
	command -v sudo >/dev/null || {
		echo "These packages are missing and only root can install" \
			"them:$missing" >&2
		exit 1
	}
fi
echo "Installing:$missing" >&2
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { $as_root apt-get update -q &&
	$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y \
		--no-install-recommends $missing; } >"$log" 2>&1; then
	tail -n 20 "$log" >&2
	exit 1
fi
