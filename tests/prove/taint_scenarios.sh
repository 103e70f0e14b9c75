#!/bin/sh
# Scenarios against a whole gateway of the variant taint, each of its processes
# under valgrind: a report of any of them is a failure, whatever the test says.
# Then leaks that have to be reported.
# taint_scenarios.sh [PYTEST'S WORDS], FILL: the program that fills stores,
# SHORT=1: the short form, PLANTS="...": names of leaks.
set -eu
cd "$(dirname "$0")/../.."
list=tests/prove/taint_scenarios.txt
under="valgrind -q --vgdb=no --trace-children=yes --error-exitcode=99
	--suppressions=$PWD/tests/support/valgrind.supp"
main_path=tests/scenario/test_main_path.py
control="$main_path::test_a_paid_callback_is_answered_stored_polled_and_delivered"

# Names of the list; one that is no test's any more is an error.
listed() {
	sed -n "s/^$1 \([^ ]*\).*/\1/p" "$list" | while read -r name; do
		file=tests/scenario/${name%%::*}
		case $name in
		*::*) test=${name#*::}; words="def ${test%%\[*}(" ;;
		*) words="" ;;
		esac
		grep -qF -e "$words" "$file" || {
			echo "$list: no such test: $name" >&2
			exit 1
		}
		echo "tests/scenario/$name"
	done
}

# Each process has a file of its own, the tests' words one for all.
watched() {
	reports=build/taint/scenarios/$1
	binary=$2
	shift 2
	rm -rf "$reports"
	mkdir -p "$reports"
	GATEWAY_BIN="$PWD/$binary" PYTHONDONTWRITEBYTECODE=1 \
		GATEWAY_UNDER="$(echo $under) --log-file=$PWD/$reports/%p" \
		/usr/bin/python3 -m pytest -q -p no:cacheprovider "$@"
}
reported() {
	grep -l -E '^==[0-9]+== [A-Z]' "build/taint/scenarios/$1"/[0-9]*
}

left_out=$(listed -)
short=$(listed +)
case " $*" in
*tests/*) ;;
*) [ -n "${SHORT:-}" ] && set -- "$@" $short || set -- "$@" tests/scenario ;;
esac
for name in $left_out; do
	set -- "$@" --deselect "$name"
done
ok=1
watched sound build/taint/paysieve "$@" || ok=0
for file in $(reported sound); do
	ok=0
	echo "$file:"
	cat "$file"
done
[ "$ok" -eq 1 ]
echo "$(ls build/taint/scenarios/sound | wc -l) processes, no report"

for plant in $PLANTS; do
	binary=$(tests/prove/planted.sh \
		"tests/prove/plants/taint/$plant.patch" taint paysieve)
	# The test may well pass: the report is what counts.
	watched "$plant" "$binary" "$control" \
		>"build/taint/scenarios/$plant.out" 2>&1 || true
	file=$(reported "$plant") || {
		cat "build/taint/scenarios/$plant.out"
		echo "$plant: not caught" >&2
		exit 1
	}
	echo "negative control: $plant:" $(cat $file |
		grep -m1 -A1 -E '^==[0-9]+== [A-Z]' | cut -d' ' -f2-)
done
