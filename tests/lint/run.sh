#!/bin/sh
# Run every lint, then see that they bite.  tests/lint/run.sh [ROOT]
set -u
here=$(cd "$(dirname "$0")" && pwd)
root=${1:-$here/../..}
passed=0
failed=0

run() {
	if "$@"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
	fi
}

for l in "$here"/*.py; do
	case $l in
	*/tree.py) ;; # what they share
	*) run /usr/bin/python3 -B "$l" "$root" ;;
	esac
done
run "$here/selftest.sh"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
