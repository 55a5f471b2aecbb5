# Whatever takes long can be cancelled at any moment and ends within a tenth of a second,
# leaves a session that works, and leaves no memory behind.
#
# A statement is run over and over, each time cancelled at another moment between its
# beginning and its end. The time from the cancellation to the error is measured inside
# the server: by the time this test hears of it, it may be late for other reasons. For the
# same reason single tries may take longer on a machine that is busy; half of them must not.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $promised_ms = 100;
my $tolerated_ms = 5000;
my $tolerated_bytes = 256 * 1024;

my $node = PostgreSQL::Test::Cluster->new('cancel');
$node->init;
$node->append_conf('postgresql.conf', "jit = off\nfsync = off\nwork_mem = '64MB'\n");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION customer_centric');

my $model = q{'{"model": "bg/nbd", "time_unit_days": 7, "as_of": "2025-12-31",
	"timing": {"r": 0.8, "alpha": 8, "a": 0.8, "b": 3.2}, "spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}}'::clv_model};
my $window = "'2016-01-01', '2026-01-01', 1";

$node->safe_psql(
	'postgres', qq{
	CREATE TABLE histories AS
	SELECT customer_id, purchase_history(ordered_at, amount) AS history
	FROM simulate_orders(60000, $model, $window) GROUP BY customer_id;
	CREATE TABLE base AS SELECT customer_base(history) AS base FROM histories;
	CREATE TABLE holdouts AS SELECT holdout(history, '2024-12-31', '2025-12-31', 'pareto/nbd') AS v FROM histories;
	CREATE TABLE whole AS
	SELECT purchase_history(date '2000-01-01' + n % 9000, n / 7.0::float8) AS history FROM generate_series(1, 200000) AS n;
	CREATE TABLE numbers AS
	SELECT recency_days(history, '2026-01-01') AS recency_days, order_count(history) AS frequency, total_spend(history) AS monetary
	FROM histories, generate_series(1, 2);
	CREATE TABLE contracts AS
	SELECT retention_base(1 + n % 300000, n % 3 = 0, 1, '1 day') AS base FROM generate_series(1, 600000) AS n;
	CREATE TABLE audits AS SELECT period_audit(history, '2016-01-01', '2026-01-01') AS audit, period_change(history, '2024-01-01', '2025-01-01', '2025-01-01', '2026-01-01') AS change,
		cohort_audit(history, 'week', '2026-01-01') AS cohorts FROM histories;
	CREATE TABLE plans AS SELECT budget_plan('S' || n, n, '{"curve": "exp", "c": 2, "k": 0.5, "covariance": [0.01, 0, 0.01]}', 1 + n % 7, 0, NULL) AS plan,
		uplift_segments('S' || n, uplift_of_counts(1000 + n, 100, 1000, 90)) AS segments FROM generate_series(1, 4000) AS n;
	CREATE TABLE profiles AS SELECT hour_profile(timestamp '2024-01-01' + interval '7 hours' * n, 'weekday') AS profile FROM generate_series(1, 200000) AS n GROUP BY n % 20000;
	CREATE TABLE scores AS SELECT customer_id, 'S' || customer_id % 6 AS segment, (customer_id % 97)::float8 AS clv_365d, date '2026-01-01' AS as_of, 20 AS value FROM histories;
	CREATE TABLE wide AS SELECT customer_id, 'S' || customer_id % 4000 AS segment, n AS action, 20 + n AS value, 0.1 * n AS cost FROM scores, generate_series(1, 3) AS n;
	SELECT create_snapshots('snapshots', 'scores');

	-- How many milliseconds after its timeout the statement failed; or else, in how many it was done.
	CREATE FUNCTION lateness(statement text, timeout_ms int, OUT late text, OUT took float8) LANGUAGE plpgsql AS \$\$
	BEGIN
		EXECUTE statement;
		late := '';
		took := extract(epoch FROM clock_timestamp() - statement_timestamp()) * 1000;
	EXCEPTION WHEN query_canceled THEN
		late := extract(epoch FROM clock_timestamp() - statement_timestamp()) * 1000 - timeout_ms;
	END \$\$;

	CREATE FUNCTION memory_used() RETURNS bigint LANGUAGE sql AS 'SELECT sum(total_bytes)::bigint FROM pg_backend_memory_contexts';
	VACUUM ANALYZE;
});

# Fits are of bases that change by nothing, so that no plan knows the answer before it runs.
my $base = '(SELECT base FROM base OFFSET 0)';
my %statements = (
	'customer_base' => 'SELECT customer_base(history) FROM histories',
	'customer_base of millions' => 'SELECT customer_base(history) FROM histories, generate_series(1, 100)',
	'rollup of bases' => 'SELECT rollup(base) FROM base, generate_series(1, 10)',
	'clv_fit' => "SELECT clv_fit(base, 'pareto/nbd') FROM $base AS b",
	'clv_fit, gg/nbd' => "SELECT clv_fit(base, 'gg/nbd') FROM $base AS b",
	'clv_model OVER ()' => 'SELECT sum(clv_estimate(history, model))
		FROM (SELECT history, clv_model(history) OVER () AS model FROM histories WHERE customer_id <= 15000) AS x',
	'holdout' => "SELECT holdout(history, '2024-12-31', '2025-12-31', 'bg/nbd') FROM histories",
	'rollup of holdouts' => 'SELECT rollup(v) FROM holdouts, generate_series(1, 5)',
	'holdout_summary' => 'SELECT holdout_summary(v) FROM holdouts',
	'holdout_by_repeat_count' => 'SELECT count(*) FROM holdouts, holdout_by_repeat_count(v)',
	'holdout_tracking' => 'SELECT count(*) FROM holdouts, generate_series(1, 100), holdout_tracking(v)',
	'a holdout as text' => 'SELECT length(v::text) FROM holdouts, generate_series(1, 10)',
	'rfm_score OVER ()' => 'SELECT count(score) FROM (SELECT rfm_score(recency_days, frequency, monetary) OVER () AS score FROM numbers) AS x',
	'rfm_cuts' => 'SELECT rfm_cuts(recency_days, frequency, monetary) FROM numbers',
	'simulate_orders' => "SELECT count(*) FROM simulate_orders(1000000000, $model, $window)",
	'simulate_orders in a short window' => "SELECT count(*) FROM simulate_orders(1000000000000, $model, '2024-01-01', '2024-01-02', 1)",
	'purchase_history' => "SELECT purchase_history(ordered_at, amount) FROM simulate_orders(20000, $model, $window)",
	'rollup of histories' => 'SELECT rollup(history) FROM histories WHERE customer_id <= 30000',
	'scores' => "SELECT sum(discounted_transactions(history, $model)), max(next_order_on(history, $model)) FROM histories",
	'a base as text' => 'SELECT length(base::text) FROM base, generate_series(1, 10)',
	'a large history' => 'SELECT length(history::text), order_count(history) FROM whole, generate_series(1, 10)',
	'unnest' => 'SELECT count(*) FROM base, generate_series(1, 5), unnest(base)',
	'retention_fit' => "SELECT retention_fit(base, 'bdw') FROM contracts",
	'kaplan_meier' => 'SELECT count(*) FROM contracts, kaplan_meier(base)',
	'period_audit' => q{SELECT period_audit(history, '2016-01-01', '2026-01-01') FROM histories, generate_series(1, 20)},
	'period_change' => q{SELECT period_change(history, '2016-01-01', '2021-01-01', '2021-01-01', '2026-01-01') FROM histories, generate_series(1, 20)},
	'cohort_audit' => q{SELECT cohort_audit(history, 'week', '2026-01-01') FROM histories, generate_series(1, 20)},
	'rollup of audits' => 'SELECT rollup(audit), rollup(change), rollup(cohorts) FROM audits, generate_series(1, 200)',
	'audits as text' => 'SELECT length(audit::text), length(change::text), length(cohorts::text) FROM audits, generate_series(1, 30)',
	'customer_equity' => "SELECT customer_equity(history, $model) FROM histories",
	'uplift' => 'SELECT uplift(customer_id % 2 = 0, customer_id::float8, customer_id % 7) FROM histories, generate_series(1, 50)',
	'uplift_shrunk' => 'SELECT count(*) FROM plans, uplift_shrunk(segments)',
	'allocate_budget' => 'SELECT count(*) FROM plans, allocate_budget(plan, 10000, draws => 900)',
	'hour_prior_params' => 'SELECT count(*) FROM (SELECT hour_prior(profile) AS p FROM profiles) AS x, hour_prior_params(p)',
	'segment_transitions' => q{SELECT segment_transitions('S' || customer_id % 200, 'S' || customer_id % 199) FROM histories, generate_series(1, 20)},
	'fatigue' => 'SELECT fatigue((customer_id % 90)::int, customer_id % 9 = 0, false) FROM histories, generate_series(1, 50)',
	'relevance_audit' => 'SELECT relevance_audit(customer_id % 9 = 0, NULL, customer_id % 4 = 0, NULL, NULL, NULL) FROM histories, generate_series(1, 50)',
	'replenishment' => 'SELECT replenishment(history) FROM histories, generate_series(1, 20)',
	'check_orders' => q{SELECT count(*) FROM check_orders('scores', 'customer_id', 'as_of', 'clv_365d')},
	'take_snapshot' => q{SELECT take_snapshot('snapshots')},
	'next_best_actions' => q{SELECT count(*) FROM plans, next_best_actions('wide', segments, 0, 5000)},
);

# These four stand for all others: they are tried a hundred times.
my %often = map { $_ => 1 } 'customer_base', 'clv_fit', 'rfm_score OVER ()', 'simulate_orders';

# No statement is left to run for longer than so many milliseconds.
my $patience_ms = 120;

sub median
{
	my @sorted = sort { $a <=> $b } @_;
	return $sorted[ @sorted / 2 ];
}

# What a session says to a script, by the first word of its lines, and the errors other than
# a timeout that came before there was anything to cancel.
sub session
{
	my ($script) = @_;
	my ($status, $stdout, $stderr) = $node->psql('postgres', $script, on_error_stop => 0);
	my %said;
	/^(\w+)\|(.*)$/ and push @{ $said{$1} }, $2 foreach split /\n/, $stdout;
	return (\%said, grep { /ERROR|FATAL/ && !/due to statement timeout/ } split /\n/, $stderr);
}

my @all;
foreach my $name (sort keys %statements)
{
	# Timeouts are spread over as long as it takes, or as our patience lasts. A statement that is done
	# before its timeout tells the others how long that is, on a machine as busy as this one.
	my $shortest = 5;
	my $tries = $often{$name} ? 100 : 12;
	my $script = "SELECT pg_backend_pid(); SELECT 'memory', memory_used();\n\\set longest $patience_ms\n";
	foreach my $try (1 .. $tries)
	{
		my $share = ($try - 0.5) / $tries;
		$script .= "SELECT greatest($shortest, floor($shortest + (:longest - $shortest) * $share))::int AS timeout \\gset\n"
			. "SET statement_timeout = :timeout;\n\\set late ''\n"
			. "SELECT late, least(took, :longest) AS longest FROM lateness(\$q\$$statements{$name}\$q\$, :timeout) \\gset\n"
			. "SET statement_timeout = 0;\nSELECT 'late', :'late';\n";
		$script .= "SELECT 'memory', memory_used();\n" if $try == int($tries / 4) || $try == $tries;
	}
	$script .= "SELECT 'works', customer_count(base) FROM base;";

	my ($said, @errors) = session($script);
	is("@errors", '', "$name: no other error");
	ok($said->{works}[0], "$name: the session works");

	my @late = grep { $_ ne '' } @{ $said->{late} };
	my ($median) = median(@late);
	my ($most) = sort { $b <=> $a } @late;
	push @all, @late;
	note(sprintf '%s: %d of %d cancelled, after a median of %.1f ms, at most %.1f ms', $name, scalar(@late), $tries, $median, $most);
	cmp_ok(scalar(@late), '>=', $often{$name} ? $tries / 4 : 1, "$name: is cancelled");
	cmp_ok($median, '<', $promised_ms, "$name: at once");
	cmp_ok($most, '<', $tolerated_ms, "$name: always");

	# By then every cache of the session is filled.
	my ($first, $warm, $last) = @{ $said->{memory} };
	cmp_ok($last - $warm, '<', $tolerated_bytes, "$name: leaves no memory behind");
}
note(sprintf 'all %d: a median of %.1f ms', scalar(@all), median(@all));

# The same from outside, with pg_cancel_backend: one session works, another waits until it
# does, and cancels it some time later. Both tell when, by the clock of the server.
$node->safe_psql(
	'postgres', q{
	CREATE TABLE cancelled (try int, at timestamptz);
	CREATE TABLE failed (try int, at timestamptz);
	CREATE FUNCTION attempt(try int, statement text) RETURNS void LANGUAGE plpgsql AS $$
	BEGIN
		EXECUTE statement;
	EXCEPTION WHEN query_canceled THEN
		INSERT INTO failed VALUES (try, clock_timestamp());
	END $$;
	CREATE PROCEDURE cancel_attempts(tries int) LANGUAGE plpgsql AS $$
	DECLARE
		victim int;
	BEGIN
		FOR try IN 1 .. tries LOOP
			LOOP
				COMMIT;
				SELECT pid INTO victim FROM pg_stat_activity
				WHERE state = 'active' AND query LIKE 'SELECT attempt(' || try || ',%' AND pid <> pg_backend_pid();
				EXIT WHEN FOUND;
				PERFORM pg_sleep(0.001);
			END LOOP;
			PERFORM pg_sleep(0.005 + random() * 0.04);
			INSERT INTO cancelled VALUES (try, clock_timestamp());
			PERFORM pg_cancel_backend(victim);
		END LOOP;
	END $$;
});
my $tries = 20;
foreach my $name ('customer_base of millions', 'clv_fit', 'rfm_score OVER ()', 'simulate_orders')
{
	# long enough not to end by itself
	my $statement = "SELECT count(x) FROM generate_series(1, 1000) AS n, LATERAL ($statements{$name} OFFSET n * 0) AS x";
	my $script = PostgreSQL::Test::Utils::tempdir . '/attempts.sql';
	unlink $script;
	append_to_file($script, join '', map { "SELECT attempt($_, \$q\$$statement\$q\$);\n" } 1 .. $tries);
	$node->safe_psql('postgres', 'TRUNCATE cancelled, failed');
	my $worker_err = '';
	my $worker = IPC::Run::start([ 'psql', '-X', '-q', '-d', $node->connstr('postgres'), '-f', $script ],
		'<', '/dev/null', '>', '/dev/null', '2>', \$worker_err);
	$node->safe_psql('postgres', "CALL cancel_attempts($tries)");
	$worker->finish;
	is($worker_err, '', "$name, pg_cancel_backend: no other error");

	my @late = split /\n/, $node->safe_psql('postgres', q{
		SELECT extract(epoch FROM failed.at - cancelled.at) * 1000 FROM cancelled JOIN failed USING (try)});
	is(scalar(@late), $tries, "$name, pg_cancel_backend: all tries are cancelled");
	note(sprintf '%s, pg_cancel_backend: after a median of %.1f ms', $name, median(@late));
	cmp_ok(median(@late), '<', $promised_ms, "$name, pg_cancel_backend: at once");
}

$node->stop;
unlike(slurp_file($node->logfile), qr/PANIC|terminated by signal|TRAP:/, 'no server process died');
done_testing();
