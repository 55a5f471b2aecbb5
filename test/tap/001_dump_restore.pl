# Stored values and the scores survive pg_dump and pg_restore, to the letter, in every format.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('dump');
$node->init;
$node->start;

# Everything lives outside of the search_path, as it does while a dump is restored.
$node->safe_psql('postgres', 'CREATE DATABASE shop');
$node->safe_psql(
	'shop', q{
	CREATE SCHEMA cc;
	CREATE EXTENSION customer_centric SCHEMA cc;
	SET search_path = public, cc;
	CREATE TABLE orders AS
	SELECT customer_id, ordered_at, round(amount::numeric, 2) AS amount
	FROM simulate_orders(2000, '{"model": "bg/nbd", "time_unit_days": 7,
		"timing": {"r": 0.8, "alpha": 8, "a": 0.8, "b": 3.2},
		"spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}}', '2024-01-01', '2025-01-01', 1);

	CREATE TABLE histories AS
	SELECT customer_id, purchase_history(ordered_at, amount) AS value FROM orders GROUP BY customer_id;
	CREATE TABLE bases AS SELECT 1 AS id, customer_base(value) AS value FROM histories;
	CREATE TABLE models AS SELECT id, clv_fit(value) AS value FROM bases;
	CREATE TABLE holdouts AS SELECT 1 AS id, holdout(value, '2024-06-30', '2024-12-31', 'bg/nbd') AS value FROM histories;
	CREATE TABLE equity AS SELECT 1 AS id, customer_equity(h.value, m.value) AS value FROM histories AS h, models AS m;
	CREATE TABLE acquisition AS SELECT id, acquisition_fit(value, 'week', seasonal => false) AS value FROM bases;
	CREATE TABLE cuts AS
	SELECT 1 AS id, rfm_cuts(recency_days(value, '2025-01-01'), order_count(value), total_spend(value)) AS value
	FROM histories;
	CREATE TABLE rules AS
	SELECT 1 AS id, segment_rules(segment, r, f, m) AS value
	FROM (VALUES ('Good', int4range(4, 6), int4range(3, 6), int4range(1, 6)),
		('Other', int4range(1, 4), int4range(1, 6), int4range(1, 6))) AS rule (segment, r, f, m);

	CREATE TABLE identities AS SELECT 1 AS id, same_customer(customer_id, customer_id % 700) AS value FROM histories;

	CREATE TABLE retention_bases AS
	SELECT 1 AS id, retention_base(1 + (customer_id % 24)::int, customer_id % 3 > 0, 1, '1 month') AS value FROM histories;
	CREATE TABLE retention_models AS SELECT id, retention_fit(value) AS value FROM retention_bases;
	CREATE TABLE moments AS
	SELECT 1 AS id, contact_log(last_order_on(value) + interval '1 second' * customer_id) AS log, fatigue((customer_id % 9)::int, customer_id % 5 = 0, customer_id % 7 = 0) AS fatigue,
		relevance_audit(customer_id % 5 = 0, NULL, customer_id % 3 = 0, NULL, NULL, NULL) AS audit, replenishment(value) AS replenishment,
		hour_profile(last_order_on(value)::timestamp + interval '1 hour' * customer_id) AS profile, hour_prior('{"by": "hour", "events": [[3, 2]]}'::hour_profile) AS prior
	FROM histories;
	CREATE TABLE rates AS
	SELECT 1 AS id, rate_prior(customer_id % 5, 7) AS prior, rate_index('S' || customer_id % 5, customer_id % 5, 7) AS index,
		question_weights(customer_id % 3 = 0, customer_id % 7 / 7.0, customer_id % 5 / 5.0, 0.5) AS weights FROM histories;
	CREATE TABLE journeys AS
	SELECT 1 AS id, rollup(j) AS journey, journey_funnel(j, '90 days') AS funnel
	FROM (SELECT journey(last_order_on(value) + interval '1 hour' * customer_id, 1 + customer_id::int % 5) FROM histories GROUP BY customer_id % 50) AS x(j);
	CREATE TABLE affinities AS
	SELECT 1 AS id, item_pairs(ARRAY[customer_id % 5, customer_id % 7 + 10]::bigint[]) AS pairs, recommendation_check(ARRAY['S' || customer_id % 3], '{S1}', ARRAY['S1', 'S2'], 2) AS recommendations FROM histories;
	CREATE TABLE paths AS
	SELECT 1 AS id, covariate_path(date '2023-01-01' + customer_id::int, ARRAY[customer_id % 3, NULL]) AS path, path_base(value, '{"steps": [["2000-01-01", 0], ["2024-03-01", 0.1]]}') AS base FROM histories;
	CREATE TABLE studies AS SELECT 1 AS id, event_study(value, '2024-06-01', value, 90, 60, 7) AS study FROM histories;
	CREATE TABLE audits AS SELECT 1 AS id, period_audit(value, '2024-01-01', '2025-01-01') AS value,
		period_change(value, '2023-01-01', '2024-01-01', '2024-01-01', '2025-01-01') AS change, cohort_audit(value, 'quarter', '2025-01-01') AS cohorts FROM histories;
	SELECT create_customer_audit('shop_audit', orders => 'orders', customer_id => 'customer_id', ordered_at => 'ordered_at', amount => 'amount');
	CREATE TABLE experiments AS
	SELECT 1 AS id, uplift(customer_id % 3 > 0, total_spend(value), customer_id % 7) AS uplift, uplift_segments('S', uplift_of_counts(20, 3, 5, 1)) AS segments,
		response_curve(customer_id % 4, total_spend(value)) AS response, budget_plan('S' || customer_id, 10, '{"curve": "exp", "c": 2, "k": 0.5}', 1, 0, NULL) FILTER (WHERE customer_id < 4) AS plan
	FROM histories;

	CREATE TABLE transitions AS SELECT 1 AS id, segment_transitions('S' || customer_id % 5, 'S' || customer_id % 3) AS value FROM histories;

	-- a value as a default, the operators of a value type in indexes, functions in a constraint,
	-- a generated column, a view and a policy: all that a dump has to put into words
	ALTER TABLE histories ALTER value SET DEFAULT '{"orders": []}';
	CREATE INDEX ON histories (value);
	CREATE INDEX ON histories USING hash (value);
	CREATE INDEX ON histories (order_count(value)) WHERE total_spend(value) > 0;
	ALTER TABLE histories ADD CHECK (transaction_count(value) <= order_count(value));
	ALTER TABLE histories ADD orders bigint GENERATED ALWAYS AS (order_count(value)) STORED;
	CREATE VIEW best AS
	SELECT customer_id, clv_estimate(h.value, m.value, margin => 0.4) AS clv, segment_of(rfm_score(recency_days(h.value, '2025-01-01'),
		order_count(h.value), total_spend(h.value), c.value), r.value) AS segment, rollup(h.value) OVER (ORDER BY customer_id ROWS 1 PRECEDING) || h.value AS merged
	FROM histories AS h, models AS m, cuts AS c, rules AS r WHERE h.value <> '{"orders": []}';
	CREATE POLICY some_orders ON histories USING (order_count(value) > 0);
	CREATE DOMAIN nonempty AS purchase_history CHECK (order_count(VALUE) > 0);
	CREATE TABLE others (h nonempty, bases customer_base[], both_of_them rfm_cuts[] DEFAULT '{}');
	INSERT INTO others SELECT h.value, ARRAY[b.value, NULL, b.value], ARRAY[c.value] FROM histories AS h, bases AS b, cuts AS c LIMIT 3;
	SELECT create_customer_scores('customer_scores', orders => 'orders',
		customer_id => 'customer_id', ordered_at => 'ordered_at', amount => 'amount', model => 'bg/nbd');
});

my @relations = qw(histories bases models holdouts equity acquisition cuts rules transitions identities retention_bases retention_models rates journeys affinities paths studies experiments moments audits shop_audit_deciles shop_audit_cohorts best others customer_scores_bi);

# Every row of each relation, as text, with a hash of the stored bytes: text that is not exact gives itself
# again. All in one session: psql takes longer to connect than most of the queries.
sub contents
{
	my ($database) = @_;
	my $output = $node->safe_psql($database, join "\n",
		map { "SELECT '### $_';\nSELECT t::text, hash_record_extended(t, 0) FROM public.$_ AS t ORDER BY 1;" } @relations);
	my %contents = map { $_ => '' } @relations;
	my $relation;
	foreach my $line (split /^/, $output)
	{
		if ($line =~ /^### (\w+)$/) { $relation = $1; }
		else { $contents{$relation} .= $line; }
	}
	return %contents;
}

my %before = contents('shop');
isnt($before{$_}, '', "$_ has rows") foreach @relations;

my $dump = $node->basedir . '/shop';
command_ok([ 'pg_dump', '--no-sync', '-f', "$dump.sql", $node->connstr('shop') ], 'dump as text');
command_ok([ 'pg_dump', '--no-sync', '-Fc', '-f', "$dump.custom", $node->connstr('shop') ], 'dump in custom format');
command_ok([ 'pg_dump', '--no-sync', '-Fd', '-j', '2', '-f', "$dump.directory", $node->connstr('shop') ], 'dump in directory format, in parallel');
command_ok([ 'pg_dump', '--no-sync', '--inserts', '--rows-per-insert', '100', '-f', "$dump.inserts", $node->connstr('shop') ], 'dump as inserts');

foreach my $format (qw(sql custom directory inserts))
{
	my $database = "from_$format";
	$node->safe_psql('postgres', "CREATE DATABASE $database");
	if ($format eq 'sql' || $format eq 'inserts')
	{
		command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', "$dump.$format", $node->connstr($database) ],
			"$format: restored");
	}
	else
	{
		command_ok([ 'pg_restore', '--exit-on-error', '-j', '2', '-d', $node->connstr($database), "$dump.$format" ],
			"$format: restored");
	}
	my %after = contents($database);
	foreach my $relation (@relations)
	{
		ok($after{$relation} eq $before{$relation}, "$format: $relation is the same");
	}

	is($node->safe_psql($database, "SELECT extnamespace::regnamespace FROM pg_extension WHERE extname = 'customer_centric'"),
		'cc', "$format: the extension is in its schema");

	# one order more, on the day the log ends
	$node->safe_psql($database,
		"INSERT INTO public.orders SELECT 1, max(ordered_at), 100 FROM public.orders");
	$node->safe_psql($database, "SET search_path = ''; REFRESH MATERIALIZED VIEW CONCURRENTLY public.customer_scores");
	isnt($node->safe_psql($database, 'SELECT total_spend FROM public.customer_scores WHERE customer_id = 1'),
		$node->safe_psql('shop', 'SELECT total_spend FROM public.customer_scores WHERE customer_id = 1'),
		"$format: refreshed");
}

$node->stop;
done_testing();
