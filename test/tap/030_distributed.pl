# What is computed in parts, in separate databases, is to the byte what one database computes.
#
# Orders lie in three databases that know nothing of each other. Each computes what it can;
# the parts travel as text or in binary, and are put together in a fourth. Then the rules
# that let a cluster engine do this by itself are held against every aggregate there is.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my @shards = (0 .. 2);
my $files = PostgreSQL::Test::Utils::tempdir;

my $node = PostgreSQL::Test::Cluster->new('distributed');
$node->init(extra => [ '--encoding=UTF8', '--locale=C' ]);
$node->append_conf('postgresql.conf', "timezone = 'UTC'\nwork_mem = '64MB'\n");
$node->start;

$node->safe_psql('postgres', 'CREATE DATABASE head');
$node->safe_psql('head', 'CREATE EXTENSION customer_centric');
$node->safe_psql('postgres', "CREATE DATABASE shard$_ TEMPLATE head") foreach @shards;

# What a shard puts into words must not depend on how it is set up.
my $odd_settings = q{
	SET datestyle = 'German, DMY'; SET intervalstyle = 'sql_standard'; SET extra_float_digits = -15;
	SET bytea_output = 'escape'; SET search_path = public, pg_catalog;
};

# Takes the rows of a query in one database to a table in another, through a file.
sub ship
{
	my ($from, $query, $to, $table, $format) = @_;
	my $file = "$files/shipped";
	$node->safe_psql($from, "$odd_settings COPY ($query) TO '$file' (FORMAT $format)");
	$node->safe_psql($to, "COPY $table FROM '$file' (FORMAT $format)");
	unlink $file;
	return;
}

# Whether two queries of one row and column in the head give the same, byte for byte.
sub same_bytes
{
	my ($name, $query, $expected) = @_;
	is($node->safe_psql('head', "SELECT a.value IS NOT NULL AND a *= b FROM ($query) AS a(value), ($expected) AS b(value)"),
		't', $name);
	return;
}

# ---------------------------------------------------------------- by hand

# Simulated orders, and what shops have as well: refunds, unknown amounts, amounts of many
# digits, several orders a day, a customer with a thousand orders, and one with none that counts.
$node->safe_psql(
	'head', q{
	CREATE TABLE orders AS
	SELECT row_number() OVER () AS order_id, *
	FROM (SELECT customer_id, ordered_at, amount::numeric
		FROM simulate_orders(1500, '{"model": "bg/nbd", "timing": {"r": 0.8, "alpha": 6, "a": 0.8, "b": 3.2},
			"spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}}', '2024-01-01', '2026-01-01', 1)
		UNION ALL SELECT n % 40, timestamp '2024-02-01' + n * interval '7 hours', -n / 8.0 FROM generate_series(1, 200) AS n
		UNION ALL SELECT n % 50, timestamp '2024-03-01' + n * interval '5 hours', NULL FROM generate_series(1, 200) AS n
		UNION ALL SELECT n % 30, timestamp '2024-04-01' + n * interval '3 hours', n / 7.0 FROM generate_series(1, 300) AS n
		UNION ALL SELECT 99999, timestamp '2024-05-01' + n * interval '11 hours', 1 + n % 17 FROM generate_series(1, 1000) AS n
		UNION ALL SELECT 99998, timestamp '2024-06-01', -5
		UNION ALL SELECT 99997, timestamp '2024-06-01', NULL) AS x;
	CREATE TABLE whole AS
	SELECT customer_id, purchase_history(ordered_at, amount) AS history FROM orders GROUP BY customer_id;
});

# Customers wholly on one shard; and orders anywhere, so that customers are split too.
my %splits = (by_customer => 'customer_id % 3', by_order => 'order_id % 3');

foreach my $split (sort keys %splits)
{
	foreach my $shard (@shards)
	{
		$node->safe_psql("shard$shard",
			"CREATE TABLE $split (order_id bigint, customer_id bigint, ordered_at timestamp, amount numeric)");
		ship('head', "SELECT * FROM orders WHERE $splits{$split} = $shard", "shard$shard", $split, 'binary');
	}

	foreach my $format (qw(text binary))
	{
		my $name = "$split, $format";
		$node->safe_psql('head', 'DROP TABLE IF EXISTS parts, bases;
			CREATE TABLE parts (customer_id bigint, history purchase_history);
			CREATE TABLE bases (base customer_base)');
		my $histories = "SELECT customer_id, purchase_history(ordered_at, amount) AS history FROM $split GROUP BY customer_id";
		foreach my $shard (@shards)
		{
			ship("shard$shard", $histories, 'head', 'parts', $format);
			ship("shard$shard", "SELECT customer_base(history) FROM ($histories) AS x", 'head', 'bases', $format);
		}

		$node->safe_psql('head', 'DROP TABLE IF EXISTS merged;
			CREATE TABLE merged AS SELECT customer_id, rollup(history) AS history FROM parts GROUP BY customer_id');
		is( $node->safe_psql(
				'head', 'SELECT count(*), count(*) FILTER (WHERE m.history *= w.history)
				FROM (SELECT customer_id, ROW(history) AS history FROM merged) AS m
				FULL JOIN (SELECT customer_id, ROW(history) AS history FROM whole) AS w USING (customer_id)'),
			$node->safe_psql('head', 'SELECT count(*), count(*) FROM whole'),
			"$name: histories");

		# The population of customers that lie on several shards is that of their merged histories.
		my $base = $split eq 'by_customer' ? 'SELECT rollup(base) FROM bases' : 'SELECT customer_base(history) FROM merged';
		my $undivided = 'SELECT customer_base(history) FROM whole';
		same_bytes("$name: base", $base, $undivided);
		same_bytes("$name: model", "SELECT clv_fit(($base))", "SELECT clv_fit(($undivided))");
	}
}

# Each shard knows fewer different amounts than a base keeps exactly, all together know more.
$node->safe_psql('head', q{
	CREATE TABLE many AS
	SELECT n, purchase_history(date '2025-01-01' + n % 300 + k * 30, n / 100.0 + k) AS history
	FROM generate_series(1, 120000) AS n, generate_series(0, 1) AS k GROUP BY n});
foreach my $format (qw(text binary))
{
	$node->safe_psql('head', 'DROP TABLE IF EXISTS bases; CREATE TABLE bases (base customer_base)');
	ship('head', "SELECT customer_base(history) FROM many WHERE n % 3 = $_", 'head', 'bases', $format) foreach @shards;
	same_bytes("spend in bins, $format: base", 'SELECT rollup(base) FROM bases', 'SELECT customer_base(history) FROM many');
}

# Rules come from anywhere.
foreach my $format (qw(text binary))
{
	$node->safe_psql('head', 'DROP TABLE IF EXISTS rules; CREATE TABLE rules (rules segment_rules)');
	foreach my $shard (@shards)
	{
		ship("shard$shard", "SELECT segment_rules('S' || $shard, int4range($shard + 1, $shard + 2), NULL, int4range(1, 6))",
			'head', 'rules', $format);
	}
	same_bytes("$format: rules", 'SELECT rollup(rules) FROM rules',
		q{SELECT segment_rules('S' || s, int4range(s + 1, s + 2), NULL, int4range(1, 6)) FROM generate_series(0, 2) AS s});

	# So do pairs of identifiers, and groups reach over several shards.
	$node->safe_psql('head', 'DROP TABLE IF EXISTS identities; CREATE TABLE identities (groups customer_identities)');
	ship("shard$_", "SELECT same_customer(customer_id, order_id % 300) FROM by_order", 'head', 'identities', $format) foreach @shards;
	same_bytes("$format: identities", 'SELECT rollup(groups) FROM identities', 'SELECT same_customer(customer_id, order_id % 300) FROM orders');
}

# ---------------------------------------------------------------- by the rules

# Citus sends partial aggregates as text, through the type's own output and input functions:
# the shards run the transition function, the coordinator combines and finishes. The same is
# done here with helpers for each aggregate: one that has no final function, so that its result
# is the state; one whose final function is the output function, which is what Citus calls; and
# one whose transition function is the combine function.
my @aggregates = map { my %a; @a{qw(name schema types transition state combine final initial kind pseudo wire safe output)} = split /\|/, $_, -1; \%a }
  split /\n/, $node->safe_psql('head', q{
	SELECT a.aggfnoid::regprocedure, p.proname, (SELECT string_agg(format_type(t, NULL), ',' ORDER BY n)
			FROM unnest(p.proargtypes) WITH ORDINALITY AS x(t, n)),
		a.aggtransfn::regproc, a.aggtranstype::regtype, nullif(a.aggcombinefn, 0)::regproc, nullif(a.aggfinalfn, 0)::regproc,
		a.agginitval, a.aggkind, t.typtype = 'p', t.typsend <> 0 AND t.typreceive <> 0, p.proparallel = 's', t.typoutput::regproc
	FROM pg_aggregate AS a JOIN pg_proc AS p ON p.oid = a.aggfnoid JOIN pg_type AS t ON t.oid = a.aggtranstype
		JOIN pg_depend AS d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
		JOIN pg_extension AS e ON d.refclassid = 'pg_extension'::regclass AND e.oid = d.refobjid
	WHERE e.extname = 'customer_centric' ORDER BY 1});
cmp_ok(scalar(@aggregates), '>=', 20, 'the extension has aggregates');

# A column for each type that an aggregate takes, of some of the orders: each row holds all orders of
# its customer in several forms.
$node->safe_psql(
	'head', q{
	CREATE TABLE samples AS
	SELECT order_id % 3 AS shard, ordered_at::date AS "date", ordered_at AS "timestamp without time zone",
		ordered_at AT TIME ZONE 'UTC' AS "timestamp with time zone", amount AS "numeric", amount::float8 AS "double precision",
		(order_id % 700)::int AS "integer", order_id % 90 AS "bigint", 'Segment ' || order_id % 7 AS "text",
		int4range((order_id % 4)::int + 1, 6) AS "int4range", CASE WHEN order_id = min(order_id) OVER (PARTITION BY customer_id) THEN history END AS "purchase_history",
		(SELECT customer_base(h) FROM (VALUES (history)) AS x(h)) AS "customer_base",
		clv_holdout_add(NULL, history, '2025-03-31', '2025-09-30', 'bg/nbd') AS "clv_holdout",
		customer_equity_add(NULL, history, '{"model": "bg/nbd", "time_unit_days": 7, "as_of": "2026-01-31", "timing": {"r": 0.25, "alpha": 4.5, "a": 0.75, "b": 2.5}, "spend": {"p": 6.25, "q": 3.75, "gamma": 15.5}}') AS "customer_equity",
		(SELECT segment_rules('Rule ' || n % 5, int4range((n % 3)::int + 1, 6), NULL, NULL)
			FROM (VALUES (order_id)) AS x(n)) AS "segment_rules",
		(SELECT retention_base((n % 30 + 1)::int, n % 4 = 0, n % 5 + 1, '1 month') FROM (VALUES (order_id)) AS x(n)) AS "retention_base",
		md5((order_id % 300)::text)::uuid AS "uuid", (SELECT same_customer(n % 400, n % 90) FROM (VALUES (order_id)) AS x(n)) AS "customer_identities",
		(SELECT period_audit(h, '2025-01-01', '2025-07-01') FROM (VALUES (history)) AS x(h)) AS "period_audit",
		(SELECT period_change(h, '2025-01-01', '2025-04-01', '2025-04-01', '2025-07-01') FROM (VALUES (history)) AS x(h)) AS "period_change",
		(SELECT cohort_audit(h, 'month', '2026-01-01') FROM (VALUES (history)) AS x(h)) AS "cohort_audit",
		uplift_of_counts(90, order_id % 50, 30, order_id % 20) AS "uplift",
		(SELECT uplift_segments('S' || n % 5, uplift_of_counts(20, n % 9, 10, n % 4)) FROM (VALUES (order_id)) AS x(n)) AS "uplift_segments",
		(SELECT response_curve(n % 4, n % 7) FROM (VALUES (order_id)) AS x(n)) AS "response_curve",
		(SELECT budget_plan('S' || n % 9, 10, '{"curve": "exp", "c": 2, "k": 0.5}', n % 9, 0, NULL) FROM (VALUES (order_id)) AS x(n)) AS "budget_plan",
		(SELECT segment_transitions('S' || n % 7, CASE WHEN n % 5 > 0 THEN 'S' || n % 3 END) FROM (VALUES (order_id)) AS x(n)) AS "segment_transitions"
	FROM orders JOIN whole USING (customer_id) WHERE customer_id % 4 = 0 OR customer_id IN (99997, 99998) OR customer_id = 99999 AND order_id % 50 = 0;

	-- More than 2^15 different amounts: rfm_cuts counts these in a run, which every shard by itself does not yet.
	CREATE TABLE numbers AS
	SELECT shard, "double precision", "integer", "bigint" FROM samples
	UNION ALL SELECT n % 3, n / 9.0, n % 900, n % 40 FROM generate_series(1, 40000) AS n;
});
my %has_samples = map { $_ => 1 } split /\n/,
  $node->safe_psql('head', q{SELECT attname FROM pg_attribute WHERE attrelid = 'samples'::regclass AND attnum > 0});

# Arguments that are not just any value of their type.
my $contract = q{"date", CASE WHEN "integer" % 3 > 0 THEN "date" + "integer" END, date '2026-12-31'};
my $model = '{"model": "bg/nbd", "time_unit_days": 7, "as_of": "2026-01-31", "timing": {"r": 0.25, "alpha": 4.5, "a": 0.75, "b": 2.5}, "spend": {"p": 6.25, "q": 3.75, "gamma": 15.5}}';
my %arguments = (
	'customer_base(purchase_history,text)' => q{"purchase_history", 'month'},
	'customer_base(purchase_history,text,date)' => q{"purchase_history", 'month', date '2025-09-30'},
	'customer_base(purchase_history,double precision[])' => q{"purchase_history", ARRAY["integer" % 3, "bigint" % 2]},
	'customer_base(purchase_history,double precision[],date)' => q{"purchase_history", ARRAY["integer" % 3], date '2025-09-30'},
	'customer_base(purchase_history,integer,bigint)' => q{"purchase_history", 3, 7},
	'holdout(purchase_history,date,date)' => q{"purchase_history", '2025-03-31', '2025-09-30'},
	'holdout(purchase_history,date,date,text)' => q{"purchase_history", '2025-03-31', '2025-09-30', 'bg/nbd'},
	'holdout(purchase_history,date,date,text,text)' => q{"purchase_history", '2025-03-31', '2025-09-30', 'bg/nbd', 'month'},
	'season(purchase_history,text)' => q{"purchase_history", 'month'},
	'season(purchase_history,text,date)' => q{"purchase_history", 'week', date '2025-09-30'},
	'rollup(season)' => q{season_add(NULL, "purchase_history", 'month')},
	'customer_equity(purchase_history,clv_model)' => qq{"purchase_history", '$model'},
	'customer_equity(purchase_history,clv_model,double precision,double precision)' => qq{"purchase_history", '$model', 0.3, 0.15},
	'customer_equity(purchase_history,clv_model,double precision,double precision,date)' => qq{"purchase_history", '$model', 0.3, 0.15, date '2025-09-30'},
	'remove(purchase_history,purchase_history)' => q{(SELECT rollup(history) FROM whole), CASE WHEN "integer" % 5 = 0 THEN "purchase_history" END},
	'rfm_cuts(integer,bigint,double precision,integer)' => q{"integer", "bigint", "double precision", 7},
	'segment_transitions(text,text)' => q{"text", 'Segment ' || "integer" % 5},
	'segment_transitions(text,text,bigint)' => q{"text", 'Segment ' || "integer" % 5, "bigint"},
	'fatigue(integer,boolean,boolean)' => q{"integer" % 9, "integer" % 3 = 0, "integer" % 7 = 0},
	'fatigue(integer,bigint,bigint,bigint)' => q{"integer" % 9, 1000, "bigint", 3},
	'hour_profile(timestamp without time zone,text)' => q{"timestamp without time zone", 'weekday'},
	'hour_profile(date,text)' => q{"date", 'weekday'},
	'hour_prior(hour_profile)' => q{hour_profile_add(NULL, "timestamp without time zone")},
	'relevance_audit(boolean,boolean,boolean,boolean,boolean,boolean)' => q{"integer" % 3 = 0, NULL, "integer" % 7 = 0, false, "bigint" > 50, NULL},
	'rollup(contact_log)' => q{contact_log_add(NULL, "timestamp with time zone")},
	'rollup(fatigue)' => q{fatigue_add_counts(NULL, "integer" % 9, 1000, "bigint", 3)},
	'rollup(hour_profile)' => q{hour_profile_add(NULL, "timestamp without time zone", 'daypart')},
	'rollup(hour_prior)' => q{hour_prior_add(NULL, hour_profile_add(NULL, "timestamp without time zone"))},
	'rollup(relevance_audit)' => q{relevance_audit_add(NULL, "integer" % 3 = 0, NULL, NULL, NULL, NULL, NULL)},
	'rollup(replenishment)' => q{replenishment_add(NULL, "purchase_history")},
	'event_study(purchase_history,date,integer,integer,integer)' => q{"purchase_history", date '2025-06-01', 90, 60, 7},
	'event_study(purchase_history,date,integer,integer,integer,date)' => q{"purchase_history", date '2025-06-01', 90, 60, 7, date '2026-01-01'},
	'event_study(purchase_history,date,purchase_history,integer,integer,integer)' => q{"purchase_history", date '2025-06-01', "purchase_history", 90, 60, 7},
	'event_study(purchase_history,date,purchase_history,integer,integer,integer,date)' => q{"purchase_history", date '2025-06-01', "purchase_history", 90, 60, 7, date '2026-01-01'},
	'event_study(purchase_history,date,purchase_history[],integer,integer,integer)' => q{"purchase_history", date '2025-06-01', ARRAY["purchase_history"], 90, 60, 7},
	'event_study(purchase_history,date,purchase_history[],integer,integer,integer,date)' => q{"purchase_history", date '2025-06-01', ARRAY["purchase_history"], 90, 60, 7, date '2026-01-01'},
	'rollup(event_study)' => q{event_study_add(NULL, "purchase_history", date '2025-06-01', 90, 60, 7)},
	'event_contacts(text,date,contact_log,integer)' => q{"text", "date", NULL, 14},
	'event_contacts(text,date,contact_log,integer,boolean)' => q{"text", "date", NULL, 14, "integer" % 3 > 0},
	'item_pairs(text[])' => q{ARRAY["text", 'b']},
	'item_pairs(text[],integer)' => q{ARRAY["text", 'b'], 5},
	'item_pairs(bigint[])' => q{ARRAY["bigint", "integer"]},
	'item_pairs(bigint[],integer)' => q{ARRAY["bigint", "integer"], 5},
	'item_pairs(uuid[])' => q{ARRAY["uuid"]},
	'item_pairs(uuid[],integer)' => q{ARRAY["uuid"], 5},
	'rollup(item_pairs)' => q{item_pairs_add(NULL, ARRAY["text", 'b'])},
	'recommendation_check(text[],text[],text[],integer)' => q{ARRAY["text"], '{b}', ARRAY['Segment ' || "integer" % 5], 5},
	'rollup(recommendation_check)' => q{recommendation_check_add(NULL, ARRAY["text"], '{b}', ARRAY['Segment ' || "integer" % 5], 5)},
	'covariate_path(date,double precision[])' => q{"date", ARRAY[extract(day FROM "date")]::float8[]},
	'rollup(covariate_path)' => q{covariate_path_add(NULL, "date", ARRAY[extract(day FROM "date")]::float8[])},
	'path_base(purchase_history,covariate_path)' => q{"purchase_history", '{"steps": [["1900-01-01", 0]]}'},
	'path_base(purchase_history,covariate_path,date)' => q{"purchase_history", '{"steps": [["1900-01-01", 0]]}', '2026-01-01'},
	'rollup(path_base)' => q{path_base_add(NULL, "purchase_history", '{"steps": [["1900-01-01", 0]]}')},
	'journey(timestamp with time zone,integer)' => q{"timestamp with time zone", "integer" % 4 + 1},
	'journey(timestamp with time zone,integer[])' => q{"timestamp with time zone", ARRAY["integer" % 4 + 1, 2]},
	'rollup(journey)' => q{journey_add(NULL, "timestamp with time zone", "integer" % 4 + 1)},
	'journey_funnel(journey,interval)' => q{journey_add(NULL, "timestamp with time zone", "integer" % 4 + 1), '7 days'},
	'journey_funnel(journey,interval,text)' => q{journey_add(NULL, "timestamp with time zone", "integer" % 4 + 1), '7 days', 'increase'},
	'rollup(journey_funnel)' => q{journey_funnel_add(NULL, journey_add(NULL, "timestamp with time zone", "integer" % 4 + 1), '7 days')},
	'rate_prior(bigint,double precision)' => q{"integer" % 9, ("integer" % 9 + 5)::float8},
	'rate_prior(bigint,double precision,text)' => q{"bigint", ("integer" % 90 + 5) / 7.0, 'count'},
	'rollup(rate_prior)' => q{rate_prior_add(NULL, "integer" % 9, ("integer" % 9 + 5)::float8)},
	'rate_index(text,bigint,bigint)' => q{"text", "bigint", "bigint" + 3},
	'rollup(rate_index)' => q{rate_index_add(NULL, "text", "bigint", "bigint" + 3)},
	'question_weights(boolean,double precision,double precision,double precision)' => q{"integer" % 3 > 0, "integer" % 9 / 9.0, "bigint" % 7 / 7.0, 0.5},
	'rollup(question_weights)' => q{question_weights_add(NULL, "integer" % 3 > 0, "integer" % 9 / 9.0, "bigint" % 7 / 7.0, 0.5)},
	'period_audit(purchase_history,date,date)' => q{"purchase_history", '2025-01-01', '2025-07-01'},
	'period_audit(purchase_history,date,date,purchase_history)' => q{"purchase_history", '2025-01-01', '2025-07-01', "purchase_history"},
	'period_change(purchase_history,date,date,date,date)' => q{"purchase_history", '2025-01-01', '2025-04-01', '2025-04-01', '2025-07-01'},
	'period_change(purchase_history,date,date,date,date,purchase_history)' =>
	  q{"purchase_history", '2025-01-01', '2025-04-01', '2025-04-01', '2025-07-01', "purchase_history"},
	'cohort_audit(purchase_history,text,date)' => q{"purchase_history", 'month', '2026-01-01'},
	'cohort_audit(purchase_history,text,date,date)' => q{"purchase_history", 'week', '2026-01-01', date '2025-03-01'},
	'cohort_audit(purchase_history,text,date,purchase_history)' => q{"purchase_history", 'quarter', '2026-01-01', "purchase_history"},
	'cohort_audit(purchase_history,text,date,date,purchase_history)' => q{"purchase_history", 'year', '2026-01-01', date '2025-01-01', "purchase_history"},
	'uplift(boolean,boolean)' => q{"integer" % 3 > 0, "bigint" % 5 = 0},
	'uplift(boolean,double precision)' => q{"integer" % 3 > 0, "double precision"},
	'uplift(boolean,double precision,double precision)' => q{"integer" % 3 > 0, "double precision", "double precision" / 7},
	'uplift_segments(integer,uplift)' => q{"integer" % 11, "uplift"},
	'response_curve(double precision,double precision)' => q{("integer" % 4)::float8, "double precision"},
	'response_curve(double precision,double precision,bigint)' => q{"integer" / 7.0, "double precision", "bigint" + 1},
	'budget_plan(text,bigint,response_curve,double precision,double precision,double precision)' =>
	  q{'S' || "integer" % 9, 10, '{"curve": "exp", "c": 2, "k": 0.5}', ("integer" % 9)::float8, 0, NULL},
	'segment_rules(text,int4range,int4range,int4range,integer)' => q{"text", "int4range", "int4range", "int4range", 5},
	'retention_base(date,date,date)' => $contract,
	'retention_model(date,date,date)' => $contract,
	'retention_model(date,date,date,interval)' => "$contract, interval '7 days'",
	'retention_base(date,date,date,interval)' => "$contract, interval '7 days'",
	'retention_base(integer,boolean,bigint,interval)' => q{"integer" % 40 + 1, "integer" % 3 = 0, "bigint", interval '1 year'});

# What is done to each aggregate, in one session for all of them.
my $number = 0;
my $script = '';
my @tried;
foreach my $aggregate (@aggregates)
{
	my ($name, $state) = ($aggregate->{name}, $aggregate->{state});
	my @types = split /,/, $aggregate->{types};
	$number++;

	is($aggregate->{kind}, 'n', "$name: does not gather rows");
	is($aggregate->{pseudo}, 'f', "$name: the state is a value");
	is($aggregate->{wire}, 't', "$name: the state travels in binary, too");
	isnt($aggregate->{combine}, '', "$name: parts can be combined");
	cmp_ok(scalar(@types), '>=', 1, "$name: has an argument");
	is($aggregate->{safe}, 't', "$name: is parallel safe");

	# These exist to be refused, with a hint.
	next if $name eq 'hour_profile(date)' || grep { $_ eq 'money' } @types;

	my @missing = $arguments{$name} ? () : grep { !$has_samples{$_} } @types;
	ok(!@missing, "$name: there are samples of its arguments")
	  or diag("samples needs a column, or arguments an entry, for: @missing");
	next if @missing;
	push @tried, [ $number, $name ];

	my $arguments = $arguments{$name} // join(', ', map { qq{"$_"} } @types);
	my $final = $aggregate->{final} eq '' ? '' : ", FINALFUNC = $aggregate->{final}";
	my $initial = $aggregate->{initial} eq '' ? '' : ", INITCOND = '$aggregate->{initial}'";

	# The last group is a shard without rows: its state is NULL, unless the aggregate has an initial one.
	my ($samples, $columns) = $name =~ /^rfm_cuts\(/ ? ('numbers', 4) : ('samples', scalar(keys %has_samples));
	my $states = "SELECT partial_$number($arguments) FILTER (WHERE shard < 3) AS state
		FROM (SELECT * FROM $samples UNION ALL SELECT 3" . ', NULL' x ($columns - 1) . ") AS x GROUP BY shard";
	my $sent = $states =~ s/partial_/sent_/r;
	my $file = "$files/state_$number";

	$script .= qq{
		CREATE AGGREGATE partial_$number($aggregate->{types}) (
			SFUNC = $aggregate->{transition}, STYPE = $state$initial);
		CREATE AGGREGATE sent_$number($aggregate->{types}) (
			SFUNC = $aggregate->{transition}, STYPE = $state$initial, FINALFUNC = $aggregate->{output});
		CREATE AGGREGATE combined_$number($state) (
			SFUNC = $aggregate->{combine}, STYPE = $state$final);
		CREATE TABLE text_$number (state text);
		CREATE TABLE binary_$number (state $state);
		$odd_settings
		INSERT INTO text_$number SELECT state::text FROM ($sent) AS x;
		COPY ($states) TO '$file' (FORMAT binary);
		RESET ALL;
		COPY binary_$number FROM '$file' (FORMAT binary);
		SELECT 'whole_$number', direct.value IS NOT NULL, direct *= from_text, direct *= from_binary
		FROM (SELECT $aggregate->{schema}($arguments) FROM $samples) AS direct(value),
			(SELECT combined_$number(state::$state) FROM text_$number) AS from_text(value),
			(SELECT combined_$number(state) FROM binary_$number) AS from_binary(value);
		SELECT 'text_$number', count(*), count(*) FILTER (WHERE a *= b)
		FROM text_$number, LATERAL (SELECT state::$state\::text::$state) AS a(v), LATERAL (SELECT state::$state) AS b(v) WHERE state IS NOT NULL;
	};
}
my ($status, $stdout, $stderr) = $node->psql('head', $script, on_error_stop => 0);
unlike($stderr, qr/ERROR|FATAL/, 'all aggregates are tried');
my %answers = map { split /\|/, $_, 2 } split /\n/, $stdout;
foreach (@tried)
{
	my ($n, $name) = @$_;
	my ($value, $from_text, $from_binary) = split /\|/, $answers{"whole_$n"} // '';
	is($value, 't', "$name: has a value");
	is($from_text, 't', "$name: combined from text");
	is($from_binary, 't', "$name: combined from binary");
	is($answers{"text_$n"}, '3|3', "$name: the text of a state is exact");
}

$node->stop;
unlike(slurp_file($node->logfile), qr/PANIC|terminated by signal|TRAP:/, 'no server process died');
done_testing();
