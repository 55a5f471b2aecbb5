# src/sql_only gives what the C extension gives: RFM, segments, lifecycles, deciles and cohorts without a
# difference, scores to 1e-9; installed by CREATE EXTENSION and by \i.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $root = abs_path(dirname(abs_path($0)) . '/../..');
my ($script) = glob("$root/src/sql_only/customer_centric_sql--*.sql");

my $node = PostgreSQL::Test::Cluster->new('sql_only');
$node->init;
$node->start;

sub sql { return $node->safe_psql('postgres', $_[0]); }

# The message of a statement that fails, without where it was.
sub failure
{
	my ($statement) = @_;
	my ($code, $out, $err) = $node->psql('postgres', $statement);
	$err =~ s/^psql:[^ ]* //gm;
	$err =~ s/^(?:CONTEXT|LINE).*//ms;
	$err =~ s/\s+\z//;
	return $code == 0 ? "no error: $out" : $err;
}

# By psql alone, in a database without the C extension, as an owner who is no superuser.
sql('CREATE ROLE shopkeeper LOGIN');
sql('CREATE DATABASE shop OWNER shopkeeper');
my $by_script = IPC::Run::run([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-U', 'shopkeeper', '-d', $node->connstr('shop'), '-c', 'CREATE SCHEMA cc', '-c', 'SET search_path = cc', '-f', $script ],
	'2>', \my $complaints);
ok($by_script, 'psql -f installs it') or diag($complaints);
is($complaints, '', 'without a notice');
is( $node->safe_psql('shop', q{SELECT round(cc.churn_prob(2, 60, 90, '{"model": "bg/nbd", "timing": {"r": 0.25, "alpha": 4.5, "a": 0.75, "b": 2.5}}')::numeric, 6)}),
	'0.497882', 'and scores by name of its schema');

sql('CREATE SCHEMA c; CREATE SCHEMA s; CREATE EXTENSION customer_centric SCHEMA c; CREATE EXTENSION customer_centric_sql SCHEMA s');
is( $node->safe_psql('shop', "SELECT string_agg(proname || pg_get_function_arguments(oid), ';' ORDER BY 1) FROM (SELECT proname, oid FROM pg_proc WHERE pronamespace = 'cc'::regnamespace ORDER BY 1, 2) AS x") =~ s/cc\.//gr,
	sql("SELECT string_agg(proname || pg_get_function_arguments(oid), ';' ORDER BY 1) FROM (SELECT proname, oid FROM pg_proc WHERE pronamespace = 's'::regnamespace ORDER BY 1, 2) AS x") =~ s/\bs\.//gr,
	'CREATE EXTENSION makes the same functions');

# ---------------------------------------------------------------- scores

sql(q{
	CREATE TABLE customers AS
	SELECT DISTINCT x, recency::float8, tenure::float8, value FROM (
		SELECT c.repeat_count(h)::float8 AS x, c.recency_days(h, '2026-01-01') AS recency, c.tenure_days(h, '2026-01-01') AS tenure, 40.0::float8 + c.repeat_count(h) AS value
		FROM (SELECT c.purchase_history(ordered_at, amount) AS h
			FROM c.simulate_orders(100, '{"model": "bg/nbd", "timing": {"r": 0.7, "alpha": 8, "a": 0.8, "b": 2.5}, "spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}}',
				'2024-01-01', '2026-01-01', 3) GROUP BY customer_id) AS histories
		UNION ALL
		-- the ends of what a shop can have, and numbers that are nobody's
		SELECT x::float8, CASE WHEN x = 0 THEN tenure ELSE tenure * share END, tenure, 10 * x - 5
		FROM unnest('{0, 1, 3, 40, 1000}'::int[]) AS x, unnest('{0, 1, 365, 36500}'::float8[]) AS tenure, unnest('{0, 0.01, 0.6}'::float8[]) AS share
		UNION ALL VALUES (-1::float8, 1::float8, 2::float8, 3::float8), (1, 5, 3, 1), (1.5, 3, 5, 1), (0, 3, 5, 1), (2, 'NaN', 5, 1), (2, 3, 'infinity', 1), ('NaN', 3, 5, 1), (2, NULL, 5, 1),
			(2, 3, 5, NULL), (2, 3, 5, 'NaN'), (2, 3, 5, 'infinity')) AS v (x, recency, tenure, value);
	CREATE TABLE models (name text, m c.clv_model);
	INSERT INTO models
	SELECT model, c.clv_fit(base, model) FROM unnest('{bg/nbd, mbg/nbd, pareto/nbd}'::text[]) AS model,
		(SELECT c.customer_base(h) AS base FROM (SELECT c.purchase_history(ordered_at, amount) AS h
			FROM c.simulate_orders(2000, '{"model": "pareto/nbd", "timing": {"r": 0.6, "alpha": 9, "s": 0.6, "beta": 11}, "spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}}',
				'2024-01-01', '2026-01-01', 4) GROUP BY customer_id) AS histories) AS bases;
	-- made up: a = 1 and s = 1, where closed forms of the literature divide by zero, and what a fit may visit
	INSERT INTO models SELECT model || ' ' || p::text, format('{"model": "%s", "time_unit_days": %s, "timing": {"r": %s, "alpha": %s, "a": %s, "b": %s}, "spend": {"p": 3, "q": 1.5, "gamma": 20}}',
		model, p[5], p[1], p[2], p[3], p[4])::c.clv_model
	FROM unnest('{bg/nbd, mbg/nbd}'::text[]) AS model, (VALUES ('{1, 4, 1, 2, 7}'::float8[]), ('{0.01, 0.5, 0.02, 5, 1}'), ('{12, 30, 3, 1, 7}'), ('{0.3, 0.001, 0.5, 0.5, 7}'), ('{80, 2, 0.1, 40, 30}'), ('{2, 20000, 200, 0.1, 7}')) AS v(p);
	INSERT INTO models SELECT 'pareto/nbd ' || p::text, format('{"model": "pareto/nbd", "time_unit_days": %s, "timing": {"r": %s, "alpha": %s, "s": %s, "beta": %s}, "spend": {"p": 3, "q": 1.5, "gamma": 20}}',
		p[5], p[1], p[2], p[3], p[4])::c.clv_model
	FROM (VALUES ('{1, 4, 1, 4, 7}'::float8[]), ('{0.01, 0.5, 0.02, 500, 1}'), ('{12, 30, 3, 1, 7}'), ('{0.3, 0.001, 0.5, 900, 7}'), ('{80, 2, 0.1, 0.01, 30}'), ('{2, 20000, 20, 0.1, 7}'), ('{0.5, 0.00001, 0.5, 100000, 7}')) AS v(p)});
my $pairs = sql('SELECT count(*) FROM customers, models');
cmp_ok($pairs, '>', 2_000, "$pairs customers under models");

# What differs from the C by more than 1e-9 of the larger of 1 and the value, or is NULL in one of the two only.
my %calls = (
	alive_prob => '(x, recency, tenure, m)', churn_prob => '(x, recency, tenure, m)', overdue_prob => '(x, recency, tenure, m)',
	'expected_transactions for a year' => '(x, recency, tenure, m)', 'expected_transactions for a day' => '(x, recency, tenure, m, 1)',
	'expected_transactions for none' => '(x, recency, tenure, m, 0)', 'expected_transactions for ten years' => '(x, recency, tenure, m, 3650)',
	'order_prob for a year' => '(x, recency, tenure, m)', 'order_prob for a week' => '(x, recency, tenure, m, 7)',
	expected_transaction_value => '(x, value, m)',
	'clv_estimate for a year' => '(x, recency, tenure, value, m)', 'clv_estimate at 40 per cent' => '(x, recency, tenure, value, m, 1825, 0.4, 0.3)',
	'clv_estimate without discount' => '(x, recency, tenure, value, m, 90, 0, 1)');
foreach my $name (sort keys %calls)
{
	my ($function) = split / /, $name;
	(my $pure = $calls{$name}) =~ s/\bm\b/j/;
	my ($wrong, $worst, $scored, $example) = split /\|/, sql(qq{
		SELECT count(*) FILTER (WHERE (a IS NULL) <> (b IS NULL) OR NOT abs(a - b) <= 1e-9 * greatest(1, abs(a))),
			max(abs(a - b) / greatest(1, abs(a))), count(a),
			(array_agg(name || ': ' || x || ', ' || recency || ', ' || tenure || ' is ' || coalesce(b::text, 'NULL') || ', not ' || coalesce(a::text, 'NULL'))
				FILTER (WHERE (a IS NULL) <> (b IS NULL) OR NOT abs(a - b) <= 1e-9 * greatest(1, abs(a))))[1]
		FROM customers, (SELECT name, m, m::jsonb AS j FROM models OFFSET 0) AS models,
			LATERAL (SELECT c.$function$calls{$name} AS a, s.$function$pure AS b OFFSET 0) AS both_of_them});
	is($wrong, '0', "$name: as in C") or diag($example);
	cmp_ok($scored, '>', 1_500, "$name: $scored compared, at most $worst apart");
}
# Most of a long horizon does not count at a steep discount; what does is as exact.
is( sql(q{
		SELECT count(*), count(*) FILTER (WHERE NOT abs(a - b) <= 1e-9 * greatest(1, abs(a)))
		FROM (VALUES (10::float8, 23676::float8, 36500::float8), (3650, 0, 3650), (0, 700, 700), (2, 30, 90)) AS h (x, recency, tenure),
			unnest('{2, 20, 1e7}'::float8[]) AS discount,
			(SELECT format('{"model": "%s", "time_unit_days": 30, "timing": {"r": %s, "alpha": %s, "%s": %s, "%s": %s}, "spend": {"p": 6, "q": 3.8, "gamma": 54}}', model, r, alpha, CASE model WHEN 'pareto/nbd' THEN 's' ELSE 'a' END, a, CASE model WHEN 'pareto/nbd' THEN 'beta' ELSE 'b' END, b)::c.clv_model AS m
				FROM (VALUES (0.149098, 4223.76, 1, 0.0533771), (99.8835, 1712.78, 0.742765, 1.20376e-05), (0.7, 2, 0.8, 2.5)) AS v (r, alpha, a, b), unnest('{bg/nbd, mbg/nbd, pareto/nbd}'::text[]) AS model OFFSET 0) AS steep,
			LATERAL (SELECT c.clv_estimate(x, recency, tenure, 30, m, 36500, discount) AS a, s.clv_estimate(x, recency, tenure, 30, m::jsonb, 36500, discount) AS b OFFSET 0) AS both_of_them}),
	'108|0', 'clv_estimate at steep discounts: as in C');

# At the corners of what parameters may be, and just beyond: right, or NULL; never an error of one customer that fails all.
sql(q{
	CREATE TABLE corners (name text, j jsonb, within boolean);
	INSERT INTO corners SELECT model || ' ' || p::text, jsonb_build_object('model', model, 'time_unit_days', 7, 'timing', CASE WHEN model = 'pareto/nbd' THEN jsonb_build_object('r', p[1], 'alpha', p[2], 's', p[3], 'beta', p[4])
			ELSE jsonb_build_object('r', p[1], 'alpha', p[2], 'a', p[3], 'b', p[4]) END, 'spend', '{"p": 3, "q": 1.5, "gamma": 20}'::jsonb), 9e-7 <> ALL (p) AND 1.1e6 <> ALL (p)
	FROM unnest('{bg/nbd, mbg/nbd, pareto/nbd}'::text[]) AS model, (
		SELECT ARRAY[r, alpha, a, b] AS p FROM unnest('{1e-6, 0.5, 1e6}'::float8[]) AS r, unnest('{1e-6, 5, 1e6}'::float8[]) AS alpha, unnest('{1e-6, 1, 1e6}'::float8[]) AS a, unnest('{1e-6, 0.7, 1e6}'::float8[]) AS b
		UNION ALL SELECT p FROM (VALUES ('{9e-7, 5, 1, 1}'::float8[]), ('{1, 9e-7, 1, 1}'), ('{1, 5, 9e-7, 1}'), ('{1, 5, 1, 9e-7}'), ('{1.1e6, 5, 1, 1}'), ('{1, 1.1e6, 1, 1}'), ('{1, 5, 1.1e6, 1}'), ('{1, 5, 1, 1.1e6}')) AS v(p)) AS x;
	CREATE TABLE extremes AS SELECT * FROM (VALUES (0::float8, 100::float8, 100::float8, 25::float8), (1, 0, 1, 25), (1, 3000, 3001, 25), (3, 30, 400, 25), (500, 1, 2000, 25), (500, 1900, 2000, 25)) AS v(x, recency, tenure, value)});
foreach my $name ('alive_prob', 'churn_prob', 'overdue_prob', 'expected_transactions for a year', 'expected_transactions for ten years', 'order_prob for a year', 'clv_estimate for a year', 'clv_estimate at 40 per cent')
{
	my ($function) = split / /, $name;
	(my $pure = $calls{$name} // '(x, recency, tenure, m)') =~ s/\bm\b/j/;
	my $in_c = $calls{$name} // '(x, recency, tenure, m)';
	is( sql(qq{SELECT count(*) FILTER (WHERE NOT abs(a - b) <= 1e-9 * greatest(1, abs(a)) OR b IS NULL), count(*) > 1400
			FROM (SELECT *, j::text::c.clv_model AS m FROM corners WHERE within OFFSET 0) AS corners, extremes, LATERAL (SELECT c.$function$in_c AS a, s.$function$pure AS b OFFSET 0) AS x WHERE a IS NOT NULL}),
		'0|t', "$name: as in C at the corners");
	is(sql("SELECT count(*), count(s.$function$pure) FROM corners, extremes WHERE NOT within"), '144|0', "$name: NULL beyond them");
}
is(sql(q{SELECT count(*) FROM customers, models WHERE c.lifecycle_of(x, recency, tenure, m) IS DISTINCT FROM s.lifecycle_of(x, recency, tenure, m::jsonb)}),
	'0', 'lifecycle_of: as in C');
is(sql(q{SELECT count(DISTINCT s.lifecycle_of(x, recency, tenure, m::jsonb)) FROM customers, models}), '5', 'of all five kinds');

like(failure(q{SELECT s.alive_prob(1, 2, 3, '{"model": "gg/nbd", "timing": {}}')}), qr/model "gg\/nbd" is not scored without the C extension/, 'another model: refused');
like(failure(q{SELECT s.churn_prob(1, 2, 3, '{"model": "bg/nbd", "covariates": ["age"], "timing": {}}')}), qr/models with covariates are not scored/, 'covariates: refused');
like(failure(q{SELECT s.churn_prob(1, 2, 3, '{"model": "bg/nbd", "season": {}, "timing": {}}')}), qr/models with a season are not scored/, 'seasons: refused');
foreach my $call (q{expected_transactions(1, 2, 3, '{"model": "bg/nbd", "timing": {"r": 1, "alpha": 1, "a": 1, "b": 1}}', -5)},
	q{clv_estimate(1, 2, 3, 4, '{"model": "bg/nbd", "timing": {"r": 1, "alpha": 1, "a": 1, "b": 1}, "spend": {"p": 1, "q": 2, "gamma": 3}}', 30, -0.5)},
	q{rfm_score(1, 1, 1, (SELECT j FROM no_such_table))})
{
	(my $message = failure("SELECT c.$call")) =~ s/\bc\.//g;
	is(failure("SELECT s.$call") =~ s/\bs\.//gr, $message, "$call: the same error");
}

# ---------------------------------------------------------------- RFM and segments

sql(q{
	CREATE TABLE shops (shop text, recency int, frequency bigint, monetary float8);
	INSERT INTO shops
	SELECT 'even', i, i, i * 1.25 FROM generate_series(1, 1000) AS i
	UNION ALL SELECT 'many equal', i % 40, 1 + (i % 10 > 6)::int * (i % 5), round((i * 7919 % 1000) / 7.0) FROM generate_series(1, 2000) AS i
	UNION ALL SELECT 'all equal', 5, 1, 9.99 FROM generate_series(1, 30) AS i
	UNION ALL SELECT 'one price', i, i % 4, 20 FROM generate_series(1, 100) AS i
	UNION ALL SELECT 'one customer', 3, 3, 3
	UNION ALL SELECT 'odd', -i * 3, i % 3, (i - 40) * 0.1 FROM generate_series(1, 77) AS i
	UNION ALL SELECT 'odd', NULL, 1, 1 UNION ALL SELECT 'odd', 1, NULL, 1 UNION ALL SELECT 'odd', 1, 1, NULL
	UNION ALL SELECT 'odd', 1, 1, 'NaN' UNION ALL SELECT 'odd', 1, 1, 'infinity' UNION ALL SELECT 'odd', 1, 1, '-infinity'
	UNION ALL SELECT 'huge', i * 20000, i * 900000000000, 1e300 / i FROM generate_series(1, 200) AS i
	UNION ALL SELECT 'fractions', i, i, 1.0 / i FROM generate_series(1, 333) AS i
	UNION ALL SELECT 'nobody', NULL, NULL, NULL;
	CREATE TABLE cuts AS
	SELECT shop, levels, c.rfm_cuts(recency, frequency, monetary, levels) AS in_c,
		s.rfm_cuts(array_agg(recency), array_agg(frequency), array_agg(monetary), levels) AS in_sql
	FROM shops, generate_series(2, 10) AS levels GROUP BY shop, levels});
is(sql('SELECT count(*) FROM cuts WHERE in_c::jsonb IS DISTINCT FROM in_sql::jsonb'), '0', 'rfm_cuts: as in C');
is(sql('SELECT count(in_sql) FROM cuts'), '72', 'of eight shops with customers');
is( sql('SELECT count(*), count(*) FILTER (WHERE c.rfm_score(recency, frequency, monetary, in_c) IS DISTINCT FROM s.rfm_score(recency, frequency, monetary, in_sql)) FROM shops JOIN cuts USING (shop)'),
	sql('SELECT count(*), 0 FROM shops JOIN cuts USING (shop)'), 'rfm_score: as in C');
# values at the cuts themselves, and beside them
is( sql(q{SELECT count(*) FILTER (WHERE c.rfm_score(b::int, b::bigint, v, in_c) IS DISTINCT FROM s.rfm_score(b::int, b::bigint, v, in_sql)), count(*) > 1000
	FROM cuts, LATERAL c.rfm_cut_points(in_c) AS p, LATERAL (SELECT CASE WHEN bound BETWEEN -1e9 AND 1e9 THEN bound ELSE 0 END) AS f(b),
		LATERAL unnest(ARRAY[bound, bound * 0.99999999999999988898, bound * 1.0000000000000002, bound - 1, bound + 1]) AS v WHERE in_c IS NOT NULL AND bound < 1e290}),
	'0|t', 'rfm_score: as in C at the cut points');

is( sql(q{SELECT count(*), count(*) FILTER (WHERE c.segment_of(code) IS DISTINCT FROM s.segment_of(code)) FROM generate_series(3, 5) AS levels, generate_series(1, levels) AS r, generate_series(1, levels) AS f,
		unnest((string_to_array('-,1,2,3,4,5', ','))[1:levels + 1]) AS m, LATERAL (SELECT r || f::text || m || CASE WHEN levels < 5 THEN '/' || levels ELSE '' END) AS x(code)}),
	'266|0', 'segment_of: as in C for each code of 3, 4 and 5 levels');
is( sql(q{SELECT count(*), count(*) FILTER (WHERE c.segment_of(code, levels) IS DISTINCT FROM s.segment_of(code, levels)) FROM generate_series(3, 5) AS levels, generate_series(1, levels) AS r, generate_series(1, levels) AS f,
		unnest((string_to_array('-,1,2,3,4,5', ','))[1:levels + 1]) AS m, LATERAL (SELECT r || f::text || m) AS x(code)}), '266|0', 'and with the levels as an argument');
is(sql(q{SELECT s.segment_of(NULL) IS NULL AND s.segment_of(NULL, 4) IS NULL AND s.segment_of(NULL, '{"rules": []}'::jsonb) IS NULL}), 't', 'NULL stays NULL');
foreach my $call (q{segment_of('546')}, q{segment_of('')}, q{segment_of('5-5')}, q{segment_of('545/4')}, q{segment_of('555', 3)}, q{segment_of('333/3', 4)}, q{segment_of('333', 11)})
{
	my ($expected) = failure("SELECT c.$call") =~ /^(ERROR:.*)$/m;
	my ($got) = failure("SELECT s.$call") =~ /^(ERROR:.*)$/m;
	is($got, $expected, "$call: the same error");
}
is( sql(q{WITH rules(r) AS (VALUES ('{"rules": [{"segment": "VIP", "r": [4, 5], "f": [4, 5], "m": [5, 5]}, {"segment": "Above", "r": [3, 5]}, {"segment": "Top", "m": [4, 5]}, {"segment": "B", "f": [2, 3]}, {"segment": "A", "f": [2, 3]}, {"segment": "No amounts", "m": [0, 0]}]}'))
	SELECT count(*), count(*) FILTER (WHERE c.segment_of(code, r::c.segment_rules) IS DISTINCT FROM s.segment_of(code, r::jsonb)), count(s.segment_of(code, r::jsonb))
	FROM rules, generate_series(1, 5) AS a, generate_series(1, 5) AS f, unnest('{-, 1, 2, 3, 4, 5}'::text[]) AS m, LATERAL (SELECT a || f::text || m) AS x(code)}),
	sql(q{WITH rules(r) AS (VALUES ('{"rules": [{"segment": "VIP", "r": [4, 5], "f": [4, 5], "m": [5, 5]}, {"segment": "Above", "r": [3, 5]}, {"segment": "Top", "m": [4, 5]}, {"segment": "B", "f": [2, 3]}, {"segment": "A", "f": [2, 3]}, {"segment": "No amounts", "m": [0, 0]}]}'))
	SELECT 150, 0, count(c.segment_of(code, r::c.segment_rules))
	FROM rules, generate_series(1, 5) AS a, generate_series(1, 5) AS f, unnest('{-, 1, 2, 3, 4, 5}'::text[]) AS m, LATERAL (SELECT a || f::text || m) AS x(code)}), 'segment_of by rules: as in C');

# ---------------------------------------------------------------- deciles and cohorts

sql(q{
	CREATE TABLE orders AS
	SELECT customer_id, ordered_at, (round(amount::numeric, 2) * CASE WHEN random() < 0.05 THEN -1 ELSE 1 END)::numeric(12, 2) AS amount
	FROM (SELECT setseed(0.5)) AS seed, c.simulate_orders(700, '{"model": "bg/nbd", "timing": {"r": 0.7, "alpha": 8, "a": 0.8, "b": 2.5}, "spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}}', '2023-11-05', '2026-01-20', 6);
	INSERT INTO orders VALUES (NULL, '2024-01-01', 5), (5, NULL, 5), (6, '2024-01-01', NULL), (9001, '2025-05-05', -3), (9002, '2025-12-01', 0)});
# Lines of orders: over midnight, without amounts, without an order, one number of two customers, and given back.
sql(q{
	CREATE TABLE lines AS
	SELECT customer_id, 'o' || order_number AS order_id, ordered_at + line * interval '20 hours' AS ordered_at, CASE WHEN (order_number + line) % 11 > 0 THEN round(amount / line, 2) END AS amount
	FROM (SELECT *, row_number() OVER (ORDER BY ordered_at, customer_id) AS order_number FROM orders WHERE customer_id < 9000 AND ordered_at IS NOT NULL AND amount IS NOT NULL) AS o,
		generate_series(1, 1 + order_number % 3) AS line;
	UPDATE lines SET order_id = NULL WHERE order_id LIKE '%7';
	UPDATE lines SET order_id = 'shared' WHERE order_id LIKE '%99';
	UPDATE lines SET amount = NULL WHERE order_id LIKE '%44';
	INSERT INTO lines VALUES (NULL, 'o1', '2024-01-01', 5), (5, 'o2', NULL, 5)});

# The views of the same call in both schemas do not differ.
sub same_audit
{
	my ($what, $prefix, $arguments) = @_;
	sql(qq{SET search_path = s, public; SELECT create_customer_audit('$prefix', $arguments)});
	sql(qq{SET search_path = c, public; SELECT create_customer_audit('c.$prefix', $arguments)});
	foreach my $view ('deciles', 'cohorts')
	{
		my $columns = sql("SELECT string_agg(attname, ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 's.$prefix\_$view'::regclass AND attnum > 0");
		my ($pure, $in_c) = ("SELECT $columns FROM s.$prefix\_$view", "SELECT $columns FROM c.$prefix\_$view");
		is( sql("SELECT (SELECT count(*) FROM ($pure EXCEPT $in_c) AS x), (SELECT count(*) FROM ($in_c EXCEPT $pure) AS x), (SELECT count(*) > 2 FROM ($pure) AS x)"),
			'0|0|t', "$view $what: as in C") or diag(sql("(SELECT 'sql', * FROM ($pure EXCEPT $in_c) AS x LIMIT 3) UNION ALL (SELECT 'c', * FROM ($in_c EXCEPT $pure) AS x LIMIT 3)"));
	}
}
foreach my $case ([ 'quarter', 'NULL' ], [ 'month', "'2025-12-31'" ], [ 'year', "'2026-01-01'" ], [ 'week', "'2024-03-31'" ])
{
	my ($grain, $until) = @$case;
	same_audit("by $grain", "audit_$grain", "'public.orders', 'customer_id', 'ordered_at', 'amount', grain => '$grain', until => $until");
	same_audit("of lines by $grain", "lines_$grain", "'public.lines', 'customer_id', 'ordered_at', 'amount', grain => '$grain', until => $until, order_id => 'order_id'");
}
isnt(sql('SELECT sum(orders) FROM s.lines_quarter_cohorts'), sql('SELECT sum(orders) FROM s.audit_quarter_cohorts'), 'lines are other orders');

# What is there already is replaced if it is to be, and was made here.
same_audit('in the place of others', 'lines_month', "'public.orders', 'customer_id', 'ordered_at', 'amount', grain => 'quarter', replace => true");
sql('CREATE TABLE s.taken_deciles (i int); CREATE TABLE c.taken_deciles (i int)');
foreach my $call (q{audit_month', 'orders', 'customer_id', 'ordered_at', 'amount'}, q{taken', 'orders', 'customer_id', 'ordered_at', 'amount'},
	q{taken', 'orders', 'customer_id', 'ordered_at', 'amount', replace => true})
{
	(my $message = failure("SELECT c.create_customer_audit('c.$call)")) =~ s/\bc\.//g;
	is(failure("SELECT s.create_customer_audit('s.$call)") =~ s/\bs\.//gr, $message, "$call: the same error");
}
like(failure(q{SELECT s.create_customer_audit('x', 'orders', 'customer_id', 'ordered_at', 'amount', replace => NULL)}), qr/and replace must not be NULL/, 'a replace that says nothing: refused');
like(failure(q{SELECT s.create_customer_audit('x', 'orders', 'customer_id', 'ordered_at', 'amount', 'amount')}), qr/profit and since need the C extension/, 'profit: refused');

# Nobody's operator or function comes between, wherever search_path leads.
sql(q{
	CREATE SCHEMA rival;
	CREATE FUNCTION rival.minus(float8, float8) RETURNS float8 LANGUAGE sql RETURN 666;
	CREATE OPERATOR rival.- (LEFTARG = float8, RIGHTARG = float8, FUNCTION = rival.minus);
	CREATE OPERATOR rival.* (LEFTARG = float8, RIGHTARG = float8, FUNCTION = rival.minus);
	CREATE FUNCTION rival.ln(float8) RETURNS float8 LANGUAGE sql RETURN 666;
	CREATE FUNCTION rival.sum(bigint) RETURNS float8 LANGUAGE sql RETURN 666});
is( sql(q{SELECT md5(string_agg(concat(s.alive_prob(x, recency, tenure, j), s.clv_estimate(x, recency, tenure, value, j), s.order_prob(x, recency, tenure, j)), ',' ORDER BY x, recency, tenure, name))
	FROM customers, (SELECT name, m::jsonb AS j FROM models LIMIT 5) AS m}),
	sql(q{SET search_path = rival, pg_catalog, public; SELECT md5(string_agg(concat(s.alive_prob(x, recency, tenure, j), s.clv_estimate(x, recency, tenure, value, j), s.order_prob(x, recency, tenure, j)), ',' ORDER BY x, recency, tenure, name))
	FROM customers, (SELECT name, m::jsonb AS j FROM models LIMIT 5) AS m}), 'scores in front of rivals');

# ---------------------------------------------------------------- what is promised of the functions

my $members = q{FROM pg_proc AS p JOIN pg_language AS l ON l.oid = p.prolang WHERE pronamespace = 's'::regnamespace};
is(sql("SELECT string_agg(DISTINCT l.lanname, ' ') $members"), 'plpgsql sql', 'no C');
is(sql("SELECT p.oid::regprocedure $members AND obj_description(p.oid, 'pg_proc') IS NULL"), '', 'every function has a comment');
is(sql("SELECT p.oid::regprocedure $members AND (proisstrict OR prosecdef OR provolatile <> 'i' AND proname NOT LIKE '%audit')"), '', 'none is STRICT or runs as its owner');
is(sql("SELECT p.oid::regprocedure $members AND (lanname = 'sql' AND prosqlbody IS NULL OR lanname = 'plpgsql' AND NOT proconfig::text LIKE '%search_path=pg_catalog, pg_temp%')"),
	'', 'bodies are bound, or look up names in pg_catalog');
my $plan = sql(q{EXPLAIN (VERBOSE, COSTS OFF) SELECT s.churn_prob(x, recency, tenure, '{"model": "bg/nbd", "timing": {"r": 0.25, "alpha": 4.5, "a": 0.75, "b": 2.5}}'),
	s.rfm_score(recency::int, x::bigint, value, '{"levels": 5, "customers": 9, "recency": {"cuts": [90, 41, 20, 9], "effective_levels": 5}, "frequency": {"cuts": [1, 1, 1, 2], "effective_levels": 3}, "monetary": {"cuts": [1, 2, 3, 4], "effective_levels": 5}}'),
	s.segment_of(value::text) FROM customers});
unlike($plan, qr/\bs\.(?!not_a_score|refuse)/, 'scores, codes and segments are put into the query') or diag($plan);
unlike($plan, qr/jsonb/, 'and a model that is known is read once');

# Named arguments and defaults are those of the C, which may have more of them.
is( sql(q{SELECT p.oid::regprocedure FROM pg_proc AS p WHERE pronamespace = 's'::regnamespace AND obj_description(p.oid, 'pg_proc') NOT LIKE 'internal:%' AND proname <> 'rfm_cuts'
		AND NOT EXISTS (SELECT FROM pg_proc AS o WHERE o.pronamespace = 'c'::regnamespace AND o.proname = p.proname
			AND starts_with(replace(pg_get_function_arguments(o.oid), 'c.', '') || ',', replace(pg_get_function_arguments(p.oid), 's.', '') || ','))}),
	'', 'signatures are those of the C');

$node->stop;
done_testing();
