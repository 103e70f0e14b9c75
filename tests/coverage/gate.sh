#!/bin/sh
# Of what the tests took, as gcov counted it: gate.sh LINES BRANCHES, in percent
# of gateway/.  Branches of asserts do not count: only a bug takes the other.
# What decides alone whether bytes from outside are believed has no branch that
# no test takes.
set -eu
whole='gateway/(net/http_parser|intake/(form|sslcommerz|identity|minimize)|desk/cursor)\.c$'
out=build/coverage

count() {
	gcovr --root . --object-directory $out -j "$(nproc)" \
		--exclude-unreachable-branches \
		--exclude-branches-by-pattern '.*\bassert\(.*' "$@"
}

# gcovr measures nothing where it finds nothing: six files have to be there.
count --filter "$whole" --branches --txt $out/whole.txt \
	--fail-under-line 100 --fail-under-branch 100 || {
	cat $out/whole.txt
	exit 1
}
[ "$(grep -c '^gateway/.* 100%' $out/whole.txt)" -eq 6 ]
count --filter gateway/ --branches --sort-percentage --txt $out/all.txt \
	--html-details $out/report.html --print-summary \
	--fail-under-line "$1" --fail-under-branch "$2"
echo "see $out/all.txt and $out/report.html"
