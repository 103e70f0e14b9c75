#!/bin/sh
# Builds that let something through have to fail the twins, within ten pairs.
set -eu
cd "$(dirname "$0")/../.."
for plant in tests/prove/plants/twins/*.patch; do
	binary=$(tests/prove/planted.sh "$plant" release \
		tests/prove/twins)
	out=build/planted/out
	if "$binary" 10 1 >"$out" || ! grep -q '^pair [0-9]:' "$out"; then
		cat "$out"
		echo "$plant: not caught" >&2
		exit 1
	fi
	echo "negative control: $(basename "$plant" .patch):" \
		"$(grep -m1 '^pair [0-9]:' "$out")"
done
