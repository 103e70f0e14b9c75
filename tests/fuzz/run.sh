#!/bin/bash
# Run each fuzzer for the given number of seconds, as many at once as there
# are cores, seeded from the fixtures.  What it finds stays under
# build/fuzz/found, what it learns under build/fuzz/corpus.
#
#   run.sh [SECONDS] [NAME ...]
set -euo pipefail
seconds=${1:-60}
shift || true

seed() {
	local s=build/fuzz/seeds d f
	mkdir -p build/fuzz/found "$s"/{form,config,http_head,answer}
	for f in fixtures/sslcommerz/*/request.form; do
		d=${f%/*}
		cp "$f" "$s/form/${d##*/}"
	done
	for f in fixtures/provider/*/answer.*; do
		d=${f%/*}
		cp "$f" "$s/answer/${d##*/}"
	done
	cp docker/*.conf "$s/config/"
	PYTHONPATH=tests/support "${PYTHON:-/usr/bin/python3}" -B - "$s/http_head" <<-'END'
		import sys
		from pathlib import Path
		import http_corpus
		for n, case in enumerate(http_corpus.cases()):
		    (Path(sys.argv[1]) / str(n)).write_bytes(b"\x40\x00" + case.data)
	END
}

one() {
	local name=$1 log=build/fuzz/$1.log dict=
	mkdir -p "build/fuzz/corpus/$name" "build/fuzz/seeds/$name"
	[ ! -f "tests/fuzz/$name.dict" ] || dict=-dict=tests/fuzz/$name.dict
	if "build/fuzz/tests/fuzz/fuzz_$name" -max_total_time="$seconds" \
		-timeout=25 -rss_limit_mb=2048 -verbosity=1 $dict \
		-artifact_prefix="build/fuzz/found/$name-" \
		"build/fuzz/corpus/$name" "build/fuzz/seeds/$name" \
		>"$log" 2>&1; then
		printf '%-12s %s\n' "$name" "$(tail -n 1 "$log")"
	else
		tail -n 40 "$log"
		return 1
	fi
}

seed
names=("$@")
if [ ${#names[@]} -eq 0 ]; then
	for f in tests/fuzz/fuzz_*.c; do
		f=${f##*/fuzz_}
		names+=("${f%.c}")
	done
fi
export -f one
export seconds
failed=0
printf '%s\n' "${names[@]}" | xargs -P "$(nproc)" -I{} bash -c 'one {}' ||
	failed=1
echo "${#names[@]} fuzzers, $([ $failed -eq 0 ] && echo none || echo some) failed"
exit $failed
