#!/bin/sh
# Run each fuzzer for the given number of seconds, seeded from the fixtures.
# What it finds stays under build/fuzz/found.
set -eu
seconds=${1:-60}
failed=0 passed=0
mkdir -p build/fuzz/found build/fuzz/seeds/form build/fuzz/seeds/config \
	build/fuzz/seeds/http_head build/fuzz/seeds/answer
for f in fixtures/sslcommerz/*/request.form; do
	d=${f%/*}
	cp "$f" "build/fuzz/seeds/form/${d##*/}"
done
for f in fixtures/provider/*/answer.*; do
	d=${f%/*}
	cp "$f" "build/fuzz/seeds/answer/${d##*/}"
done
cp docker/*.conf build/fuzz/seeds/config/
[ ! -d tests/fuzz/http_head ] ||
	cp tests/fuzz/http_head/* build/fuzz/seeds/http_head/
for bin in build/fuzz/tests/fuzz/fuzz_*; do
	case $bin in *.o | *.d) continue ;; esac
	name=${bin##*/fuzz_}
	mkdir -p "build/fuzz/corpus/$name" "build/fuzz/seeds/$name"
	log=build/fuzz/$name.log
	dict=
	[ ! -f "tests/fuzz/$name.dict" ] || dict=-dict=tests/fuzz/$name.dict
	if "$bin" -max_total_time="$seconds" -timeout=5 -rss_limit_mb=2048 \
		-artifact_prefix=build/fuzz/found/"$name"- -verbosity=1 $dict \
		"build/fuzz/corpus/$name" "build/fuzz/seeds/$name" \
		>"$log" 2>&1; then
		passed=$((passed + 1))
		printf '%-12s %s\n' "$name" "$(tail -n 1 "$log")"
	else
		failed=$((failed + 1))
		tail -n 40 "$log"
	fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
