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

# The time that a stage took is counted from here.
STAGE_SINCE=0
begin_stage() {
	STAGE_SINCE=$SECONDS
	say "$@"
}

# report STAGE PASSED FAILED STATUS [SECONDS]: a line per stage. One that failed to run its tests, or had none, is a failure too.
report() {
	local stage=$1 passed=$2 failed=$3 status=$4 took=${5:-$((SECONDS - STAGE_SINCE))}
	if [ "$failed" -eq 0 ] && { [ "$status" -ne 0 ] || [ "$passed" -eq 0 ]; }; then
		complain "$stage: $passed tests passed, but the command ended with status $status"
		failed=1
	fi
	PASSED=$((PASSED + passed)) FAILED=$((FAILED + failed))
	printf '    %s: %d passed, %d failed (%d s)\n' "$stage" "$passed" "$failed" "$took"
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

# report_tap STAGE LOG STATUS [SECONDS]: the same, counted from test anything protocol.
report_tap() {
	local passed failed missing skipped
	if [ "$3" -eq 0 ] && grep -q '^1\.\.0 # SKIP' "$2"; then
		sed -n "s/^1\.\.0 # SKIP/    $1: skipped:/p" "$2"
		return
	fi
	skipped=$(count '^(not )?ok .*# (SKIP|skip)' "$2") missing=$(planned_but_missing "$2")
	passed=$(sed '/# SKIP/Id' "$2" | count '^ok ') failed=$(sed '/# SKIP/Id' "$2" | count '^not ok ')
	[ "$skipped" -eq 0 ] || printf '    %s: %d skipped\n' "$1" "$skipped"
	report "$1" "$passed" $((failed + missing)) "$3" "${@:4}"
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
	as_owner mkdir -p "$WORK/orders"
	for file in "$SOURCE"/../shared/data/*.csv{,.gz}; do
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

# How many tests run at a time: TAP tests, each of which starts servers of its own, and the other stages.
TAP_JOBS=${TAP_JOBS:-2}

# Stages run beside each other between begin_stages and end_stages, and otherwise one after the other: beside RUN REPORT
# runs one, which leaves its status and time in a file, and reports it when it has ended.
TOGETHER=false RUNNING=0
begin_stages() { TOGETHER=true; }
end_stages() {
	wait
	report_ended
	TOGETHER=false RUNNING=0
}

# timed RESULT COMMAND...: leaves the status and the time of a command in a file.
timed() {
	local result=$1 since=$SECONDS status=0
	shift
	"$@" || status=$?
	echo "$status $((SECONDS - since))" > "$result"
}

# ended RESULT: whether there is such a file, which is read into $status and $took.
ended() {
	[ -s "$1" ] || return
	read -r status took < "$1"
	rm "$1"
}

# Waits until another job may be started.
await_turn() {
	while [ $RUNNING -ge "$TAP_JOBS" ]; do
		wait -n || true
		RUNNING=$((RUNNING - 1))
		report_ended
	done
	RUNNING=$((RUNNING + 1))
}

report_ended() {
	local status took result
	! ended "$WORK/unit.result" || report_unit_tests
	! ended "$WORK/regress.result" || report_regression_tests
	for result in "$WORK"/tap/*.result; do
		! ended "$result" || report_tap_test "$(basename "$result" .result)"
	done
}

# unit_tests [MAKE_ARGUMENT...]
unit_tests() {
	step "Building the unit tests" in_unit -j"$(nproc)" "$@" all
	begin_stage "Unit tests"
	await_turn
	timed "$WORK/unit.result" in_unit "$@" check > "$WORK/unit.log" 2>&1 &
	$TOGETHER || end_stages
}

report_unit_tests() {
	local log=$WORK/unit.log
	[ "$status" -eq 0 ] || sed '/^ok /d' "$log" | tail -n 80
	report_tap "unit tests" "$log" "$status" "$took"
}

# regression_tests [MAKE_ARGUMENT...]
regression_tests() {
	begin_stage "Regression tests"
	await_turn
	timed "$WORK/regress.result" in_build "$@" installcheck > "$WORK/regress.log" 2>&1 &
	$TOGETHER || end_stages
}

# "test name ... ok" until PostgreSQL 15, "ok 1 - name" since 16
report_regression_tests() {
	local log=$WORK/regress.log
	if [ "$status" -ne 0 ]; then
		cat "$log" "$WORK/build/regression.diffs" 2>/dev/null || true
		tail -n 20 "$WORK/server.log"
	fi
	report "regression tests" "$(count '^ok |\.\.\. ok ' "$log")" "$(count '^not ok |\.\.\. FAILED' "$log")" "$status" "$took"
}

# run_tap_test FILE: one, as "prove" would run it. Its output, status and time are left in files.
run_tap_test() {
	local log pgxs modules
	log=$WORK/tap/$(basename "$1" .pl)
	pgxs=$("$BIN/pg_config" --pgxs)
	modules=$(cd "${pgxs%/*}/../test/perl" && pwd)
	timed "$log.result" as_owner env -u PGHOST -u PGPORT -u PGUSER TESTDIR="$log" TESTDATADIR="$log/data" TESTLOGDIR="$log/log" \
		PG_TEST_PORT_DIR="$WORK/tap/ports" PG_REGRESS="${pgxs%/*}/../test/regress/pg_regress" \
		TMPDIR="$WORK/tmp" CUSTOMER_CENTRIC_DATA="$WORK/orders" PG_CONFIG="$BIN/pg_config" \
		perl -I "$modules" -I "$WORK/source/test/tap" "$1" > "$log.log" 2>&1
}

# report_tap_test NAME: what a test that has ended left behind.
report_tap_test() {
	local log=$WORK/tap/$1
	if [ "$status" -ne 0 ]; then
		say "TAP test $1"
		sed '/^ok /d' "$log.log" | tail -n 80
		find "$log" -name '*.log' -exec tail -n 15 {} +
	fi
	report_tap "$1" "$log.log" "$status" "$took"
}

# tap_tests [FILE...]: TAP_JOBS at a time, each reported when it has ended.
tap_tests() {
	local file
	[ $# -gt 0 ] || set -- "$WORK"/source/test/tap/*.pl
	begin_stage "TAP tests, $TAP_JOBS at a time"
	as_owner mkdir -p "$WORK/tmp" "$WORK/tap/ports"
	for file in "$@"; do
		[ -e "$file" ] || { report "TAP tests" 0 0 0; return; }
		as_owner mkdir -p "$WORK/tap/$(basename "$file" .pl)"
		await_turn
		run_tap_test "$file" &
	done
	end_stages
	printf '    all TAP tests: %d s\n' $((SECONDS - STAGE_SINCE))
}
