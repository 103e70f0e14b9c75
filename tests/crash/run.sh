#!/bin/sh
# run.sh POWER_CUTS STATES [SEED]: so many states of an honest disk have to be
# right; of disks that skip a kind of sync, not all may be.
set -eu
cuts=$1 states=$2 seed=${3:-1}
noise=$(mktemp)
trap 'rm -f "$noise"' EXIT
if ! "$cuts" "$states" "$seed" 2>"$noise"; then
	grep -v '^{' "$noise" | tail -n 3
	exit 1
fi
for lie in sync store-sync list-sync folder-sync; do
	code=0
	words=$("$cuts" 80 "$seed" $lie 2>"$noise") || code=$?
	echo "without $lie: $words"
	[ "$code" -eq 1 ] || {
		echo "a disk without $lie was not found out"
		exit 1
	}
done
