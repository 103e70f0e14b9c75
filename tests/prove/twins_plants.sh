#!/bin/sh
# Builds that let something through have to fail the twins, within ten pairs.
set -eu
cd "$(dirname "$0")/../.."
copy=build/twins-planted
for plant in tests/prove/plants/twins/*.patch; do
	rm -rf "$copy"
	mkdir -p "$copy/build" "$copy/tests"
	cp -a Makefile gateway schemas "$copy"
	cp -a tests/support tests/prove "$copy/tests"
	cp -a build/release build/gen "$copy/build"
	patch -s -p1 -d "$copy" -i "$PWD/$plant"
	make -s -j"$(nproc)" -C "$copy" VARIANT=release \
		build/release/tests/prove/twins
	out=$copy/out
	if "$copy/build/release/tests/prove/twins" 10 1 >"$out" ||
		! grep -q '^pair [0-9]:' "$out"; then
		cat "$out"
		echo "$plant: not caught" >&2
		exit 1
	fi
	echo "negative control: $(basename "$plant" .patch):" \
		"$(grep -m1 '^pair [0-9]:' "$out")"
done
rm -rf "$copy"
