#!/bin/sh
# Run each test program given; one line each, the whole output of a failing
# one.  Ends with the count of test cases.
set -u
passed=0
failed=0
[ $# -gt 0 ] || { echo "no test programs" >&2; exit 1; }
for t in "$@"; do
	out=$(${UNDER:-} "$t" 2>&1)
	code=$?
	p=$(printf '%s\n' "$out" | grep -c '^\[       OK \]')
	f=$(printf '%s\n' "$out" | grep '^\[  FAILED  \] [a-z]' | sort -u | wc -l)
	if [ $code -ne 0 ]; then
		printf '%s\n' "$out"
		[ "$f" -gt 0 ] || f=1
	fi
	printf '%-44s %4d passed %3d failed\n' "${t##*/}" "$p" "$f"
	passed=$((passed + p))
	failed=$((failed + f))
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
