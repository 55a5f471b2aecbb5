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

foreach my $database ('head', map { "shard$_" } @shards)
{
	$node->safe_psql('postgres', "CREATE DATABASE $database");
	$node->safe_psql($database, 'CREATE EXTENSION customer_centric');
}

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
}

# ---------------------------------------------------------------- by the rules

# Citus sends partial aggregates as text, through the type's own output and input functions:
# the shards run the transition function, the coordinator combines and finishes. The same is
# done here with two helpers for each aggregate: one that has no final function, so that its
# result is the state; and one whose transition function is the combine function.
my @aggregates = map { my %a; @a{qw(name schema types transition state combine final initial kind pseudo wire safe)} = split /\|/, $_, -1; \%a }
  split /\n/, $node->safe_psql('head', q{
	SELECT a.aggfnoid::regprocedure, p.proname, (SELECT string_agg(format_type(t, NULL), ',' ORDER BY n)
			FROM unnest(p.proargtypes) WITH ORDINALITY AS x(t, n)),
		a.aggtransfn::regproc, a.aggtranstype::regtype, nullif(a.aggcombinefn, 0)::regproc, nullif(a.aggfinalfn, 0)::regproc,
		a.agginitval, a.aggkind, t.typtype = 'p', t.typsend <> 0 AND t.typreceive <> 0, p.proparallel = 's'
	FROM pg_aggregate AS a JOIN pg_proc AS p ON p.oid = a.aggfnoid JOIN pg_type AS t ON t.oid = a.aggtranstype
		JOIN pg_depend AS d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
		JOIN pg_extension AS e ON d.refclassid = 'pg_extension'::regclass AND e.oid = d.refobjid
	WHERE e.extname = 'customer_centric' ORDER BY 1});
cmp_ok(scalar(@aggregates), '>=', 20, 'the extension has aggregates');

# A column for each type that an aggregate takes. More than 2^15 different amounts: rfm_cuts
# counts these in bins, which every shard by itself does not yet.
$node->safe_psql(
	'head', q{
	CREATE TABLE samples AS
	SELECT order_id % 3 AS shard, ordered_at::date AS "date", ordered_at AS "timestamp without time zone",
		ordered_at AT TIME ZONE 'UTC' AS "timestamp with time zone", amount AS "numeric", amount::float8 AS "double precision",
		(order_id % 700)::int AS "integer", order_id % 90 AS "bigint", 'Segment ' || order_id % 7 AS "text",
		int4range((order_id % 4)::int + 1, 6) AS "int4range", CASE WHEN order_id = min(order_id) OVER (PARTITION BY customer_id) THEN history END AS "purchase_history",
		(SELECT customer_base(h) FROM (VALUES (history)) AS x(h)) AS "customer_base",
		clv_holdout_add(NULL, history, '2025-03-31', '2025-09-30', 'bg/nbd') AS "clv_holdout",
		(SELECT segment_rules('Rule ' || n % 5, int4range((n % 3)::int + 1, 6), NULL, NULL)
			FROM (VALUES (order_id)) AS x(n)) AS "segment_rules",
		(SELECT retention_base((n % 30 + 1)::int, n % 4 = 0, n % 5 + 1, '1 month') FROM (VALUES (order_id)) AS x(n)) AS "retention_base"
	FROM orders JOIN whole USING (customer_id)
	UNION ALL
	SELECT n % 3, NULL, NULL, NULL, NULL, n / 9.0, n % 900, n % 40, NULL, NULL, NULL, NULL, NULL, NULL, NULL FROM generate_series(1, 40000) AS n;
});
my %has_samples = map { $_ => 1 } split /\n/,
  $node->safe_psql('head', q{SELECT attname FROM pg_attribute WHERE attrelid = 'samples'::regclass AND attnum > 0});

# Arguments that are not just any value of their type.
my $contract = q{"date", CASE WHEN "integer" % 3 > 0 THEN "date" + "integer" END, date '2026-12-31'};
my %arguments = (
	'customer_base(purchase_history,text)' => q{"purchase_history", 'month'},
	'customer_base(purchase_history,text,date)' => q{"purchase_history", 'month', date '2025-09-30'},
	'customer_base(purchase_history,double precision[])' => q{"purchase_history", ARRAY["integer" % 3, "bigint" % 2]},
	'customer_base(purchase_history,double precision[],date)' => q{"purchase_history", ARRAY["integer" % 3], date '2025-09-30'},
	'customer_base(purchase_history,integer,bigint)' => q{"purchase_history", 3, 7},
	'holdout(purchase_history,date,date)' => q{"purchase_history", '2025-03-31', '2025-09-30'},
	'holdout(purchase_history,date,date,text)' => q{"purchase_history", '2025-03-31', '2025-09-30', 'bg/nbd'},
	'rfm_cuts(integer,bigint,double precision,integer)' => q{"integer", "bigint", "double precision", 7},
	'retention_base(date,date,date)' => $contract,
	'retention_base(date,date,date,interval)' => "$contract, interval '7 days'",
	'retention_base(integer,boolean,bigint,interval)' => q{"integer" % 40 + 1, "integer" % 3 = 0, "bigint", interval '1 year'});

my $number = 0;
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
	next if grep { $_ eq 'money' } @types;

	my @missing = $arguments{$name} ? () : grep { !$has_samples{$_} } @types;
	ok(!@missing, "$name: there are samples of its arguments")
	  or diag("samples needs a column, or arguments an entry, for: @missing");
	next if @missing;

	my $arguments = $arguments{$name} // join(', ', map { qq{"$_"} } @types);
	my $final = $aggregate->{final} eq '' ? '' : ", FINALFUNC = $aggregate->{final}";
	my $initial = $aggregate->{initial} eq '' ? '' : ", INITCOND = '$aggregate->{initial}'";
	$node->safe_psql(
		'head', qq{
		CREATE AGGREGATE partial_$number($aggregate->{types}) (
			SFUNC = $aggregate->{transition}, STYPE = $state$initial);
		CREATE AGGREGATE combined_$number($state) (
			SFUNC = $aggregate->{combine}, STYPE = $state$final);
		CREATE TABLE text_$number (state text);
		CREATE TABLE binary_$number (state $state);
	});

	# The last group is a shard without rows: its state is NULL, unless the aggregate has an initial one.
	my $states = "SELECT partial_$number($arguments) FILTER (WHERE shard < 3) AS state
		FROM (SELECT * FROM samples UNION ALL SELECT 3" . ', NULL' x (keys(%has_samples) - 1) . ") AS x GROUP BY shard";
	$node->safe_psql('head', "$odd_settings INSERT INTO text_$number SELECT state::text FROM ($states) AS x");
	ship('head', $states, 'head', "binary_$number", 'binary');

	my $direct = "SELECT $aggregate->{schema}($arguments) FROM samples";
	same_bytes("$name: combined from text", "SELECT combined_$number(state::$state) FROM text_$number", $direct);
	same_bytes("$name: combined from binary", "SELECT combined_$number(state) FROM binary_$number", $direct);
	is( $node->safe_psql('head', "SELECT count(*), count(*) FILTER (WHERE state::$state\::text = state) FROM text_$number WHERE state IS NOT NULL"),
		'3|3', "$name: the text of a state is exact");
}

$node->stop;
unlike(slurp_file($node->logfile), qr/PANIC|terminated by signal|TRAP:/, 'no server process died');
done_testing();
