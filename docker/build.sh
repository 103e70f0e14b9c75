#!/bin/sh
# Build the image without a registry: a Debian base by mmdebstrap stands in
# for debian:bookworm-slim, buildah does what docker/Dockerfile says.
#
#   docker/build.sh [--keep DIR] [TARGET ...]
#
# Needs root, buildah and mmdebstrap.  Packages come from the mirrors that
# this machine's own apt uses.  TARGET: final (default) or billing-stub.
# Everything lives in a temporary directory, or in DIR, which can be used
# again; nothing is left in the machine's own image store.
set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
work=
keep=
if [ "${1:-}" = --keep ]; then
	keep=$2
	shift 2
fi
[ $# -gt 0 ] || set -- final

clean() {
	if [ -z "$keep" ] && [ -n "$work" ]; then
		b umount --all >/dev/null 2>&1 || true
		rm -rf "$work"
	fi
}
trap clean EXIT
trap 'exit 1' HUP INT TERM

if [ -n "$keep" ]; then
	mkdir -p "$keep"
	work=$(cd "$keep" && pwd)
else
	work=$(mktemp -d)
fi

b() {
	buildah --storage-driver vfs --root "$work/store" \
		--runroot "$work/run" "$@"
}

# "deb URI RELEASE COMPONENT" for each Debian archive that apt uses here.
sources() {
	# shellcheck disable=SC2016 # apt expands these
	apt-get indextargets --format 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)' \
		'Created-By: Packages' 'Origin: Debian' | grep ' bookworm' |
		sort -u
	[ -z "${PAYSIEVE_DEBIAN:-}" ] || echo "deb $PAYSIEVE_DEBIAN bookworm main"
}

if [ ! -e "$work/base.tar" ]; then
	sources >"$work/sources.list"
	if [ ! -s "$work/sources.list" ]; then
		echo "apt knows no bookworm here: run apt-get update, or set" \
			"PAYSIEVE_DEBIAN to a mirror's address" >&2
		exit 1
	fi
	mmdebstrap --quiet --variant=minbase \
		--dpkgopt='path-exclude=/usr/share/doc/*' \
		--dpkgopt='path-exclude=/usr/share/man/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' \
		bookworm "$work/base.new" "$work/sources.list" </dev/null
	mv "$work/base.new" "$work/base.tar"
fi
base=localhost/debian:bookworm-slim
if ! b inspect --type image "$base" >/dev/null 2>&1; then
	c=$(b from scratch)
	b add --quiet "$c" "$work/base.tar" / >/dev/null
	b config --cmd /bin/sh "$c"
	b commit --quiet --rm "$c" "$base" >/dev/null
fi

# The image's program, started in the image's own root file system.
try() {
	c=$(b from "$1")
	root=$(b mount "$c")
	echo "$1: $(du -sm "$root" | cut -f1) MB, user" \
		"$(b inspect --type image --format '{{.OCIv1.Config.User}}' "$1")"
	shift
	chroot --userspec=65532:65532 "$root" "$@"
	b rm "$c" >/dev/null
}

for target; do
	case $target in
	final) name=localhost/paysieve ;;
	*) name=localhost/paysieve-$target ;;
	esac
	set -- --isolation chroot --format docker --build-arg "BASE=$base"
	[ "$target" = final ] || set -- "$@" --target "$target"
	b build --quiet --layers=false "$@" -t "$name" \
		--ignorefile "$top/docker/Dockerfile.dockerignore" \
		-f "$top/docker/Dockerfile" "$top" >/dev/null
	case $target in
	final) try "$name" /usr/bin/paysieve --version ;;
	*) try "$name" /usr/bin/python3 -B /usr/lib/billing_stub.py --help ;;
	esac
done
