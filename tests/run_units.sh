#!/bin/sh
# Run the test programs given, one a core; one line each, the whole output of a
# failing one.  Ends with the count of test cases.
set -u
[ $# -gt 0 ] || { echo "no test programs" >&2; exit 1; }

# --one PROGRAM COUNTS: its line; what passed and failed goes to a file.
if [ "$1" = --one ]; then
	began=$(date +%s)
	out=$(${UNDER:-} "$2" 2>&1)
	code=$?
	p=$(printf '%s\n' "$out" | grep -c '^\[       OK \]')
	f=$(printf '%s\n' "$out" | grep '^\[  FAILED  \] [a-z]' | sort -u | wc -l)
	[ $code -eq 0 ] || [ "$f" -gt 0 ] || f=1
	line=$(printf '%-44s %4d passed %3d failed %4d s' "${2##*/}" "$p" "$f" \
		$(($(date +%s) - began)))
	[ $code -eq 0 ] || line="$out
$line"
	printf '%s\n' "$line"
	echo "$p $f" >>"$3"
	exit 0
fi

counts=$(mktemp)
trap 'rm -f "$counts"' EXIT
printf '%s\n' "$@" | xargs -P "$(nproc)" -I{} "$0" --one {} "$counts"
passed=0
failed=0
ran=0
while read -r p f; do
	passed=$((passed + p))
	failed=$((failed + f))
	ran=$((ran + 1))
done <"$counts"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ] && [ "$ran" -eq $# ]
