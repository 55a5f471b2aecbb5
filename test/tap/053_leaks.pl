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
# ends (InitMaterializedSRF; jsonb_each is no different): bytes.
use constant SERVERS_SHARE => 1024;

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
	SELECT string_agg(function::text, ', ') FROM sample_calls WHERE call ~ 'NULL::' AND NOT call ~ 'customer_scores'}), '',
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
	WHERE kind <> 'w' AND function::oid::regproc::text NOT IN ('customer_scores_query', 'create_customer_scores');
	-- those take a table, or a window; create_customer_scores runs the query of the other
	INSERT INTO calls VALUES
		('customer_scores_query', false, false, $$customer_scores_query(
			CASE WHEN i > 0 THEN 'orders'::regclass END, 'customer_id', 'ordered_at', 'amount')$$),
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

# All in one session; the second round is for what malloc() gives, which no context knows.
my ($status, $stdout, $stderr) = $node->psql('postgres', q{
	\set ON_ERROR_STOP off
	\pset footer off
	SELECT format('SELECT %L, %L::boolean, * FROM measure(%L, %L)', name, returns_set, call, is_aggregate) FROM calls ORDER BY name \gexec
	SELECT resident() AS first \gset
	SELECT count(growth(call, is_aggregate, 40)) FROM calls;
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
	cmp_ok($results, '>', 0, "$name gives something") unless $name =~ /fit_problem/;
	cmp_ok($bytes / ($n / 2), '<', $returns_set eq 't' ? SERVERS_SHARE : 1, "$name: $n calls leave nothing behind");
}
my $expected = $node->safe_psql('postgres', 'SELECT count(*) FROM calls');
is(scalar(keys %measured), $expected, "all $expected functions were called, $calls times together");
my ($kilobytes) = $stdout =~ /^resident\|(-?\d+)$/m;
cmp_ok($kilobytes, '<', 1000, 'and the process has not grown');

$node->stop;
done_testing();
