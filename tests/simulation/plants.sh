#!/bin/sh
# Gateways that have a mistake have to fail the simulation, each within SEEDS.
set -eu
cd "$(dirname "$0")/../.."
for plant in tests/simulation/plants/*.patch; do
	binary=$(tests/prove/planted.sh "$plant" release \
		tests/simulation/simulate)
	out=build/planted/out
	if "$binary" many "$1" 1 >"$out" || ! grep -q '^seed [0-9]* failed' "$out"; then
		cat "$out"
		echo "$plant: not caught" >&2
		exit 1
	fi
	echo "negative control: $(basename "$plant" .patch):" \
		"$(grep -m1 '^seed [0-9]* failed' "$out")"
done
