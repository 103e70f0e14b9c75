#!/bin/sh
# Do the lints bite?  bad/good has to pass each of them; laid over a copy of
# it, every bad/<lint>/<case> has to be refused by <lint>, at that file.
set -u
here=$(cd "$(dirname "$0")" && pwd)
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT INT TERM
passed=0
failed=0

ok() {
	passed=$((passed + 1))
}

not_ok() {
	failed=$((failed + 1))
	echo "selftest: $1"
}

fresh() {
	rm -rf "$tmp/tree"
	mkdir "$tmp/tree"
	[ "$1" = empty ] || cp -R "$here/bad/good/." "$tmp/tree"
}

lint() {
	/usr/bin/python3 -B "$here/$1.py" "$tmp/tree" >"$tmp/out" 2>&1
}

# refused LINT CASE FILE: with a fault at FILE, not by falling over
refused() {
	if lint "$1"; then
		not_ok "$1 lets $2 pass"
	elif ! grep -q "^$3:[0-9]*: " "$tmp/out" ||
	    grep -q Traceback "$tmp/out"; then
		not_ok "$1 refuses $2, but not at $3"
		cat "$tmp/out"
	else
		ok
	fi
}

function_of() {
	printf 'int b(void);\nint\nb(void)\n{\n'
	i=2
	while [ "$i" -lt "$1" ]; do
		echo '	(void)0;'
		i=$((i + 1))
	done
	echo '}'
}

for l in layers wide banned headers size docs words pii; do
	fresh good
	if lint "$l"; then
		ok
	else
		not_ok "$l refuses what is good"
		cat "$tmp/out"
	fi
	fresh empty
	if lint "$l"; then not_ok "$l is content with nothing"; else ok; fi
	for case in "$here/bad/$l"/*/; do
		[ -d "$case" ] || continue
		fresh good
		cp -R "$case." "$tmp/tree"
		file=$(cd "$case" && find . -type f | sed 's|^\./||')
		# a word that is gone from a table is a fault of the README
		case $case in
		*gone/ | *other-default/ | *other-reload/) file=README.md ;;
		*/empty-readme/) file='[a-z/]*\.def' ;;
		esac
		refused "$l" "$(basename "$case")" "$file"
	done
done

# too long to keep as samples
fresh good
function_of 100 >"$tmp/tree/gateway/base/b.c"
if lint size; then ok; else not_ok "size refuses 100 lines"; fi
function_of 101 >"$tmp/tree/gateway/base/b.c"
refused size "a function of 101 lines" gateway/base/b.c
fresh good
yes '/* words */' | head -n 600 >"$tmp/tree/gateway/base/b.c"
if lint size; then ok; else not_ok "size refuses 600 lines"; fi
echo '/* words */' >>"$tmp/tree/gateway/base/b.c"
refused size "a file of 601 lines" gateway/base/b.c

# words that may not even stand in a sample
for word in TO''DO FIX''ME XX''X; do
	fresh good
	echo "/* $word: later */" >"$tmp/tree/gateway/base/b.c"
	refused words "$word" gateway/base/b.c
done

# openapi compares with the program itself, so the sample is the real tree,
# spoilt in one place
top=$(cd "$here/../.." && pwd)
spoilt() {
	rm -rf "$tmp/tree"
	mkdir "$tmp/tree"
	cp -R "$top/gateway" "$top/schemas" "$top/README.md" "$tmp/tree"
	[ -z "${1:-}" ] || sed -i "$1" "$tmp/tree/$2"
}
spoilt
if lint openapi; then ok; else not_ok "openapi refuses what is good"; fi
for edit in 's|^  /v1/receipts:|  /v1/other:|' 's|insufficient-scope|too-little|' \
	's|name: limit|name: most|'; do
	spoilt "$edit" schemas/openapi.yaml
	if lint openapi; then
		not_ok "openapi lets $edit pass"
	elif grep -q Traceback "$tmp/out"; then
		not_ok "openapi falls over $edit"
		cat "$tmp/out"
	else
		ok
	fi
done
fresh empty
if lint openapi; then not_ok "openapi is content with nothing"; else ok; fi

# policy writes what it compares, so the sample is made here
proofs() {
	rm -rf "$tmp/tree"
	mkdir -p "$tmp/tree/tests/lint" "$tmp/tree/tests/unit" \
		"$tmp/tree/gateway"
	printf '> Words.\nR1 This holds.\nR2 That too. -- no way to see\n' \
		>"$tmp/tree/tests/lint/policy.txt"
	printf '/* proves: R1 */\nstatic void\nit_holds(void)\n{\n}\n%s\n' \
		'int x = CASE(it_holds);' >"$tmp/tree/tests/unit/test_x.c"
	for readme in README.md gateway/README.md; do
		printf '<!-- policy: made by `make policy` -->\n%s\n' \
			'<!-- /policy -->' >"$tmp/tree/$readme"
	done
	/usr/bin/python3 -B "$here/policy.py" "$tmp/tree" --write >/dev/null
	[ -z "${1:-}" ] || sed -i "$1" "$tmp/tree/$2"
}
proofs
if lint policy; then ok; else not_ok "policy refuses what is good"; fi
for edit in 's/proves: R1/proves: R9/ tests/unit/test_x.c' \
	's/CASE(it_holds)/0/ tests/unit/test_x.c' \
	's/^static/int y;static/ tests/unit/test_x.c' \
	's/proves:.R1/proves:/ tests/unit/test_x.c' \
	's/.--.no.way.to.see// tests/lint/policy.txt' \
	's/it.holds/it/ gateway/README.md' \
	's/policy:/words:/ README.md'; do
	proofs "${edit% *}" "${edit##* }"
	if lint policy; then
		not_ok "policy lets $edit pass"
	elif grep -q Traceback "$tmp/out"; then
		not_ok "policy falls over $edit"
	else
		ok
	fi
done

# So does faults
faults() {
	rm -rf "$tmp/tree"
	mkdir -p "$tmp/tree/tests/lint"
	printf 'it rains | wet | x.py::test_it make:rain | 1 mm\n' \
		>"$tmp/tree/tests/lint/faults.txt"
	printf 'def test_it(x):\n    pass\n' >"$tmp/tree/tests/x.py"
	printf 'rain: x\n' >"$tmp/tree/Makefile"
	printf '<!-- faults: made by `make faults` -->\n%s\n' \
		'<!-- /faults -->' >"$tmp/tree/README.md"
	/usr/bin/python3 -B "$here/faults.py" "$tmp/tree" --write >/dev/null
	[ -z "${1:-}" ] || sed -i "$1" "$tmp/tree/$2"
}
faults
if lint faults; then ok; else not_ok "faults refuses what is good"; fi
for edit in 's/test.it/test_that/ tests/x.py' 's/rain/snow/ Makefile' \
	's/wet/dry/ tests/lint/faults.txt' 's/1.mm/2/ README.md' \
	's/|// tests/lint/faults.txt' 's/faults:/words:/ README.md'; do
	faults "${edit% *}" "${edit##* }"
	if lint faults; then
		not_ok "faults lets $edit pass"
	elif grep -q Traceback "$tmp/out"; then
		not_ok "faults falls over $edit"
	else
		ok
	fi
done

echo "selftest: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
