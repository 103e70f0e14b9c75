#!/bin/sh
# Builds that let something through have to fail the twins, of callbacks within
# ten pairs and of answers within a hundred.
set -eu
cd "$(dirname "$0")/../.."
caught() { # PATCH TARGET PAIRS
	binary=$(tests/prove/planted.sh "$1" release "tests/prove/$2")
	out=build/planted/out
	if "$binary" "$3" 1 >"$out" || ! grep -q '^pair [0-9]*:' "$out"; then
		cat "$out"
		echo "$1: not caught" >&2
		exit 1
	fi
	echo "negative control: $(basename "$1" .patch):" \
		"$(grep -m1 '^pair [0-9]*:' "$out")"
}
for plant in tests/prove/plants/twins/*.patch; do
	caught "$plant" twins 10
done
for plant in tests/prove/plants/answers/*.patch; do
	caught "$plant" twin_answers 100
done
