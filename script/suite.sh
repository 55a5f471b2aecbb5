# script/suite.sh: the stages of the test suite, and how their results are counted.
# Sourced after lib.sh by script/test and by the scripts in test/ that run the same
# tests in other circumstances.
#
# A script that sources this ends with "N passed, N failed".

PASSED=0 FAILED=0

# For install_tools.
SUITE_TOOLS=(/usr/include/cmocka.h:libcmocka-dev perl=Test::More:perl perl=IPC::Run:libipc-run-perl)

# The last line, also when something else than a test went wrong.
at_exit() {
	[ "$1" -eq 0 ] || [ "$FAILED" -gt 0 ] || FAILED=1
	printf '\n%d passed, %d failed\n' $PASSED $FAILED
}

# report STAGE PASSED FAILED STATUS: a line per stage. One that failed to run its tests, or had none, is a failure too.
report() {
	local stage=$1 passed=$2 failed=$3 status=$4
	if [ "$failed" -eq 0 ] && { [ "$status" -ne 0 ] || [ "$passed" -eq 0 ]; }; then
		complain "$stage: $passed tests passed, but the command ended with status $status"
		failed=1
	fi
	PASSED=$((PASSED + passed)) FAILED=$((FAILED + failed))
	printf '    %s: %d passed, %d failed\n' "$stage" "$passed" "$failed"
}

# check TEXT COMMAND...: a test that is passed when the command is; only else is its output of interest.
check() {
	local text=$1 log=$WORK/check.log since=$SECONDS verdict='ok    '
	shift
	if "$@" > "$log" 2>&1; then
		PASSED=$((PASSED + 1))
	else
		FAILED=$((FAILED + 1)) verdict='not ok'
		tail -n 80 "$log" | sed 's/^/    /'
	fi
	printf '    %s %s (%d s)\n' "$verdict" "$text" $((SECONDS - since))
}

# report_tap STAGE LOG STATUS: the same, counted from test anything protocol.
report_tap() {
	local passed failed missing skipped
	if [ "$3" -eq 0 ] && grep -q '^1\.\.0 # SKIP' "$2"; then
		sed -n "s/^1\.\.0 # SKIP/    $1: skipped:/p" "$2"
		return
	fi
	skipped=$(count '^(not )?ok .*# (SKIP|skip)' "$2") missing=$(planned_but_missing "$2")
	passed=$(sed '/# SKIP/Id' "$2" | count '^ok ') failed=$(sed '/# SKIP/Id' "$2" | count '^not ok ')
	[ "$skipped" -eq 0 ] || printf '    %s: %d skipped\n' "$1" "$skipped"
	report "$1" "$passed" $((failed + missing)) "$3"
}

count() { grep -cE "$@" || true; }

# Tests that were planned and never ran have failed.
planned_but_missing() {
	awk '/^[\t ]*1\.\.[0-9]+/ { sub(/.*\.\./, ""); planned += $1 } /^(not )?ok / { seen++ }
		END { print (planned > seen ? planned - seen : 0) }' "$1"
}

# Orders with published results. They are public but not ours to give away: where they
# lie beside the project they are used, elsewhere the tests that need them are skipped.
copy_data() {
	local file
	as_owner mkdir "$WORK/orders"
	for file in "$SOURCE"/../shared/data/*.csv; do
		[ ! -r "$file" ] || as_owner tee "$WORK/orders/${file##*/}" < "$file" > /dev/null
	done
}

in_unit() {
	local cdnow=$WORK/orders/cdnow_sample.csv donations=$WORK/orders/donations.csv
	[ -e "$cdnow" ] || cdnow=''
	[ -e "$donations" ] || donations=''
	as_owner env CMOCKA_MESSAGE_OUTPUT=TAP CDNOW_CSV="$cdnow" DONATIONS_CSV="$donations" \
		make -s -C "$WORK/source/test/unit" BUILD="$WORK/build/unit" CFLAGS="-O2 -g -Werror" "$@"
}

# unit_tests [MAKE_ARGUMENT...]
unit_tests() {
	local log=$WORK/unit.log status=0
	step "Building the unit tests" in_unit -j"$(nproc)" "$@" all
	say "Unit tests"
	in_unit "$@" check > "$log" 2>&1 || status=$?
	[ $status -eq 0 ] || sed '/^ok /d' "$log" | tail -n 80
	report_tap "unit tests" "$log" $status
}

# "test name ... ok" until PostgreSQL 15, "ok 1 - name" since 16
regression_tests() {
	local log=$WORK/regress.log status=0
	say "Regression tests"
	in_build installcheck > "$log" 2>&1 || status=$?
	if [ $status -ne 0 ]; then
		cat "$log" "$WORK/build/regression.diffs" 2>/dev/null || true
		tail -n 20 "$WORK/server.log"
	fi
	report "regression tests" "$(count '^ok |\.\.\. ok ' "$log")" "$(count '^not ok |\.\.\. FAILED' "$log")" $status
}

# Each file by itself, as "prove" would run it; the tests start servers of their own.
tap_tests() {
	local file name log status modules pgxs
	pgxs=$("$BIN/pg_config" --pgxs)
	modules=$(cd "${pgxs%/*}/../test/perl" && pwd)
	for file in "$WORK"/source/test/tap/*.pl; do
		[ -e "$file" ] || { report "TAP tests" 0 0 0; return; }
		name=$(basename "$file" .pl) log=$WORK/tap/$(basename "$file" .pl).log status=0
		say "TAP test $name"
		as_owner mkdir -p "$WORK/tap/$name" "$WORK/tmp"
		as_owner env -u PGHOST -u PGPORT -u PGUSER TESTDIR="$WORK/tap/$name" TESTDATADIR="$WORK/tap/$name/data" \
			TESTLOGDIR="$WORK/tap/$name/log" PG_REGRESS="${pgxs%/*}/../test/regress/pg_regress" \
			TMPDIR="$WORK/tmp" CUSTOMER_CENTRIC_DATA="$WORK/orders" PG_CONFIG="$BIN/pg_config" \
			perl -I "$modules" -I "$WORK/source/test/tap" "$file" > "$log" 2>&1 || status=$?
		if [ $status -ne 0 ]; then
			sed '/^ok /d' "$log" | tail -n 80
			find "$WORK/tap/$name" -name '*.log' -exec tail -n 15 {} +
		fi
		report_tap "$name" "$log" $status
	done
}
