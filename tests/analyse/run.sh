#!/bin/bash
# Static analysis of SOURCES by clang-tidy (.clang-tidy), cppcheck and gcc's
# analyzer; whatever one of them says is a failure.  First each has to find
# what is wrong with a file that is made for it.
# run.sh PREPROCESSOR-FLAGS... -- SOURCES...
set -u
flags=()
while [ "$1" != -- ]; do
	flags+=("$1")
	shift
done
shift
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
each=(xargs -0 -P "$(nproc)" -I{})

clang_tidy() {
	printf '%s\0' "$@" | "${each[@]}" clang-tidy --quiet \
		--config-file=.clang-tidy {} -- -std=c11 "${flags[@]}"
}

# The macros of queue.h are not cppcheck's to guess.  Without `style`: a ladder
# of statuses is a repeated condition to it, and the top of a block the wrong
# place for what is declared there.
cppcheck_all() {
	cppcheck -q -j "$(nproc)" --error-exitcode=1 --std=c11 \
		--platform=unix64 --enable=warning,performance,portability \
		--include=/usr/include/x86_64-linux-gnu/sys/queue.h \
		--suppress=missingIncludeSystem \
		-D__x86_64__ "${flags[@]}" "$@"
}

# gcc 12 calls a block lost that an element of an array holds; leaks are what
# LeakSanitizer, valgrind and clang's analyzer look for.
gcc_analyzer() {
	printf '%s\0' "$@" | "${each[@]}" gcc -std=c11 -O1 -fanalyzer -Werror \
		-Wno-analyzer-malloc-leak "${flags[@]}" -S -o /dev/null {}
}

cat >"$tmp/planted.c" <<'END'
#include <stdlib.h>

void planted(char *block);

void
planted(char *block)
{
	free(block);
	free(block);
}
END
failed=0
for tool in clang_tidy cppcheck_all gcc_analyzer; do
	if "$tool" "$tmp/planted.c" >"$tmp/out" 2>&1; then
		echo "$tool does not find a double free"
		failed=1
	fi
	began=$SECONDS
	if "$tool" "$@" >"$tmp/out" 2>&1; then
		echo "$tool: $# files, nothing found, $((SECONDS - began)) s"
	else
		grep -vE '^[0-9]+ warnings? (generated|treated)|^Suppressed ' "$tmp/out"
		echo "$tool: faults in $# files"
		failed=1
	fi
done
exit $failed
