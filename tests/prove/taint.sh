#!/bin/sh
# The variant taint under valgrind: unit tests of the two rooms that see
# payer data, then an edge, its messages, its log and a store with callbacks
# of all kinds; then leaks that have to be reported.
# taint.sh PAIRS, UNITS="...": test programs, PLANTS="...": names of leaks.
set -eu
cd "$(dirname "$0")/../.."
under="valgrind -q --error-exitcode=99
	--suppressions=tests/support/valgrind.supp"
UNDER="$under" tests/run_units.sh $UNITS

# The two processes of the twins write to logs of their own.
reports=build/taint/reports
rm -rf "$reports"
mkdir -p "$reports"
watched() {
	$under --log-file="$reports/$1.%p" "$2" "$3" 1 >"$reports/$1.out"
}
reported() {
	cat "$reports/$1".[0-9]* | grep -h -m1 -A1 -E '^==[0-9]+== [A-Z]'
}

if ! watched sound build/taint/tests/prove/twins "$1" || reported sound; then
	cat "$reports"/sound.*
	exit 1
fi
tail -1 "$reports/sound.out"
for plant in $PLANTS; do
	binary=$(tests/prove/planted.sh \
		"tests/prove/plants/taint/$plant.patch" taint tests/prove/twins)
	if watched "$plant" "$binary" 6 || ! reported "$plant" >/dev/null; then
		cat "$reports/$plant".*
		echo "$plant: not caught" >&2
		exit 1
	fi
	echo "negative control: $plant:" $(reported "$plant" | cut -d' ' -f2-)
done
