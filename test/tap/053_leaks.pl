# However often a function is called, the memory of the session stays where it was.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $samples = abs_path(dirname(abs_path($0)) . '/../samples.sql');

# Of every call of a function in FROM the server itself keeps the row type until the query
# ends (InitMaterializedSRF; jsonb_each is no different), about a hundred bytes a column: bytes.
use constant SERVERS_SHARE => 2048;

# AddressSanitizer keeps what was freed, up to 256 MB of it, which would count as growth.
$ENV{MORE_ASAN_OPTIONS} = 'quarantine_size_mb=0:thread_local_quarantine_size_kb=0';

my $node = PostgreSQL::Test::Cluster->new('leaks');
$node->init;
$node->append_conf('postgresql.conf', q{
jit = off
max_parallel_workers_per_gather = 0
enable_hashagg = off
client_min_messages = error
});
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION customer_centric');
$node->safe_psql('postgres', slurp_file($samples));

is($node->safe_psql('postgres', q{
	SELECT string_agg(function::text, ', ') FROM sample_calls WHERE call ~ 'NULL::' AND NOT call ~ 'customer_(scores|audit|triggers)|load_orders|next_best_actions|check_orders|snapshot|customer_action'}), '',
	'test/samples.sql has arguments for every function');

# Memory in use by all contexts of the session is counted in the middle of a query, when
# the first calls have been made and all that is remembered between calls is, and again
# after the last call. Aggregates are called for group after group.
$node->safe_psql('postgres', q{
	CREATE TABLE orders (customer_id bigint, ordered_at timestamp, amount numeric);
	CREATE TABLE calls AS
	SELECT function::text AS name, kind = 'a' AS is_aggregate, returns_set,
		CASE WHEN returns_set THEN format('(SELECT count(*) FROM %s)', call) ELSE call END AS call
	FROM sample_calls
	WHERE kind <> 'w' AND replace(function::oid::regproc::text, 'public.', '') NOT IN ('customer_scores_query', 'create_customer_scores', 'refresh_customer_scores', 'load_orders_query', 'load_orders', 'create_customer_audit',
		'customer_triggers_query', 'customer_triggers', 'next_best_actions_query', 'next_best_actions',
		'check_orders', 'create_snapshots', 'take_snapshot', 'snapshot_transitions', 'customer_snapshot', 'customer_action')
		AND function::text NOT LIKE '%acquisition_fit(customer_base,%';
	-- those take a table, or a window, or, by default, eight months; create_customer_scores runs the query of the other, and views can be made but once
	CREATE TABLE kept_histories (customer_id bigint PRIMARY KEY, h purchase_history);
	CREATE TABLE standing AS SELECT 1 AS customer_id, 'Loyal'::text AS segment, 'active'::text AS lifecycle, true AS contact, 'gain'::text AS why;
	SELECT create_snapshots('standings', 'standing');
	SELECT take_snapshot('standings', '2026-01-01');
	INSERT INTO calls VALUES
		('load_orders_query', false, false, $$load_orders_query(
			CASE WHEN i > 0 THEN 'kept_histories'::regclass END, 'orders', 'customer_id', 'ordered_at', 'amount', since => '2026-01-01')$$),
		('customer_snapshot', false, false, $$(customer_snapshot(CASE WHEN i > 0 THEN 'standings'::regclass END, '1', '2026-02-01')).segment$$),
		('customer_action', false, false, $$customer_action(CASE WHEN i > 0 THEN 'standing'::regclass END, '1')$$),
		('customer_scores_query', false, false, $$customer_scores_query(
			CASE WHEN i > 0 THEN 'orders'::regclass END, 'customer_id', 'ordered_at', 'amount')$$),
		('acquisition_fit of a base', false, false, (SELECT format('acquisition_fit(CASE WHEN i > 0 THEN %L::customer_base END, ''week'', ''naive'')', value)
			FROM sample_values WHERE type = 'customer_base'::regtype AND customer_count(value::customer_base) > 5 ORDER BY position LIMIT 1)),
		('rfm_score over a window', false, false, $$(SELECT count(score) FROM (
			SELECT rfm_score(j, j, j * 1.5) OVER () AS score FROM generate_series(1, 10) AS j WHERE i > 0) AS scores)$$);
	INSERT INTO calls
	SELECT format('%s %s', type, way), false, false, format(call, value, type)
	FROM (SELECT DISTINCT ON (type) * FROM sample_values
		WHERE type IN (SELECT first_type FROM sample_calls WHERE function::text ~ '_send\(') ORDER BY type, position) AS s,
	(VALUES ('from text', '(CASE WHEN i > 0 THEN %L END)::%s'), ('to text', '(CASE WHEN i > 0 THEN %L::%s END)::text'),
		('to jsonb', '(CASE WHEN i > 0 THEN %L::%s END)::jsonb')) AS ways(way, call);

	CREATE FUNCTION memory_used() RETURNS bigint LANGUAGE plpgsql AS $$
	BEGIN
		RETURN (SELECT sum(used_bytes) FROM pg_backend_memory_contexts);
	END $$;

	CREATE FUNCTION growth(call text, is_aggregate boolean, calls int, OUT bytes bigint, OUT results bigint)
	LANGUAGE plpgsql AS $$
	BEGIN
		EXECUTE format('
			SELECT max(used) FILTER (WHERE i = $1) - max(used) FILTER (WHERE i = $1 / 2), count(result)
			FROM (SELECT i, %s AS result,
					CASE WHEN i IN ($1 / 2 - 1, $1 / 2, $1) THEN memory_used() END AS used
				FROM generate_series(1, $1) AS i %s OFFSET 0) AS calls',
			call, CASE WHEN is_aggregate THEN ', generate_series(1, 8) AS j GROUP BY i' END)
		INTO bytes, results USING calls;
	END $$;

	-- as many calls as fit into a moment
	CREATE FUNCTION measure(call text, is_aggregate boolean, OUT calls int, OUT bytes bigint, OUT results bigint)
	LANGUAGE plpgsql AS $$
	DECLARE
		started timestamptz;
	BEGIN
		PERFORM growth(call, is_aggregate, 4);
		started := clock_timestamp();
		PERFORM growth(call, is_aggregate, 20);
		calls := least(200000, greatest(40, 2 * (0.6 / extract(epoch FROM clock_timestamp() - started))::int));
		SELECT g.bytes, g.results FROM growth(call, is_aggregate, calls) AS g INTO bytes, results;
	END $$;

	CREATE FUNCTION resident() RETURNS bigint LANGUAGE sql AS $$
		SELECT substring(pg_read_file('/proc/self/status') FROM 'RssAnon:\s+(\d+) kB')::bigint;
	$$;
});

# All in one session. The rounds after it are for what malloc() gives, which no context knows:
# the first of them lets the allocator find its size, the others must not change it.
my ($status, $stdout, $stderr) = $node->psql('postgres', q{
	\set ON_ERROR_STOP off
	\pset footer off
	SELECT format('SELECT %L, %L::boolean, * FROM measure(%L, %L)', name, returns_set, call, is_aggregate) FROM calls ORDER BY name \gexec
	SELECT count(growth(call, is_aggregate, 40)) FROM calls;
	SELECT resident() AS first \gset
	SELECT count(growth(call, is_aggregate, 40)) FROM calls, generate_series(1, 2);
	SELECT 'resident', resident() - :first;
});
is($stderr, '', 'every sample call works');
my %measured;
my $calls = 0;
foreach (split /\n/, $stdout)
{
	my ($name, $returns_set, $n, $bytes, $results) = split /\|/;
	next unless defined $results;
	$measured{$name} = 1;
	$calls += $n;
	cmp_ok($results, '>', 0, "$name gives something") unless $name =~ /fit_problem|fit_warning|next_order_on|^season\(|^season_factor\(/;		# NULL where all is well, a customer is probably gone, or there is no season, or none but counts
	cmp_ok($bytes / ($n / 2), '<', $returns_set eq 't' ? SERVERS_SHARE : 1, "$name: $n calls leave nothing behind");
}
my $expected = $node->safe_psql('postgres', 'SELECT count(*) FROM calls');
is(scalar(keys %measured), $expected, "all $expected functions were called, $calls times together");
my ($kilobytes) = $stdout =~ /^resident\|(-?\d+)$/m;
cmp_ok($kilobytes, '<', 1000, 'and the process has not grown');

$node->stop;
done_testing();
