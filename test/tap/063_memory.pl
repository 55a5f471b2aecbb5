# Where memory ends, a statement ends with it, and nothing else: the error is clean, the
# session goes on, and the server stays up.
#
# The server gets so much address space and no more. Statements that need ever larger values
# meet that limit at ever other places.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('memory');
$node->init;
$node->append_conf('postgresql.conf', "shared_buffers = '16MB'\njit = off\nmax_parallel_workers_per_gather = 0\nwork_mem = '1GB'\nfsync = off\nautovacuum = off\n");
$node->start;
my $model = q{'{"model": "bg/nbd", "timing": {"r": 0.8, "alpha": 8, "a": 0.8, "b": 3.2}, "spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}}'};
$node->safe_psql(
	'postgres', qq{
	CREATE EXTENSION customer_centric;
	-- ever different customers: a base of these has as many entries as there are rows
	CREATE TABLE histories AS
	SELECT i, purchase_history_add_date_float8(purchase_history_add_date_float8(NULL, date '1900-01-01' + i % 30000, 1), date '1990-01-01' + i / 7, i) AS h
	FROM generate_series(1, 200000) AS i;
	CREATE TABLE base AS SELECT customer_base(h) AS b FROM histories;
	CREATE TABLE orders AS SELECT i AS f, date '2020-01-01' + i % 900 AS day, i / 7.0::float8 AS m FROM generate_series(1, 200000) AS i;
	CREATE TABLE numbers AS SELECT i % 30000 AS r, i::bigint AS f, i / 7.0::float8 AS m FROM generate_series(1, 200000) AS i;
});

# What a session has before it does anything.
my ($used) = $node->safe_psql('postgres', q{SELECT split_part(split_part(pg_read_file('/proc/self/status', 0, 4000, true), 'VmPeak:', 2), 'kB', 1)::bigint});
plan skip_all => 'no /proc tells how much memory a process has' if !$used;
plan skip_all => 'AddressSanitizer has reserved terabytes, which no limit lets it' if $used > 2**30;
$node->stop;

my %statements = (
	'purchase_history' => q{SELECT purchase_history(date '2000-01-01' + r, m) FROM numbers WHERE f <= 20000 * $n},
	'rollup of histories' => 'SELECT rollup(h) FROM histories WHERE i <= 20000 * $n',
	'customer_base' => 'SELECT customer_base(h) FROM histories WHERE i <= 20000 * $n',
	'rollup of bases' => 'SELECT rollup(b) FROM base, generate_series(1, $n)',
	'clv_fit' => q{SELECT clv_fit(b, 'bg/nbd', as_of => '2200-01-01') FROM base},
	'clv_model' => 'SELECT clv_model(h) FROM histories WHERE i <= 20000 * $n',
	'a base as text' => q{SELECT length(string_agg(b::text, '')) FROM base, generate_series(1, $n)},
	'a base from text' => 'SELECT b::text::customer_base = b FROM base WHERE $n > 0',
	'a base to jsonb' => 'SELECT b::jsonb IS NULL FROM base WHERE $n > 0',
	'rfm_cuts' => 'SELECT rfm_cuts(r, f, m) FROM numbers WHERE f <= 20000 * $n',
	'rfm_score OVER ()' => 'SELECT count(s) FROM (SELECT rfm_score(r, f, m) OVER () AS s FROM numbers WHERE f <= 20000 * $n) AS x',
	'unnest' => 'SELECT count(*), array_length(array_agg(u), 1) FROM base, unnest(b) AS u WHERE $n > 0',
	'retention_base' => q{SELECT retention_base(1 + f::int, true, 1, '1 day') FROM numbers WHERE f <= 20000 * $n},
	'period_audit' => q{SELECT period_audit(h, '1900-01-01', '2030-01-01') FROM histories WHERE i <= 20000 * $n},
	'cohort_audit' => q{SELECT cohort_audit(h, 'week', '2020-01-01') FROM histories WHERE i <= 20000 * $n},
	'period_change' => q{SELECT period_change(h, '1900-01-01', '1990-01-01', '1990-01-01', '2030-01-01') FROM histories WHERE i <= 20000 * $n},
	'audits as text' => q{SELECT length(period_audit(h, '1900-01-01', '2030-01-01')::text) FROM histories WHERE i <= 20000 * $n},
	'uplift_segments' => q{SELECT uplift_segments('S' || f, uplift_of_counts(f + 10, f, f + 10, 1)) FROM numbers WHERE f <= 500 * $n},
	'allocate_budget' => q{SELECT count(*) FROM (SELECT budget_plan('S' || f, f, '{"curve": "exp", "c": 2, "k": 0.5, "covariance": [0.01, 0, 0.01]}', 1, 0, NULL) AS p FROM numbers WHERE f <= 50 * $n) AS x, allocate_budget(p, 1000, draws => 1000)},
	'contact_log' => q{SELECT contact_log(timestamptz '2000-01-01 00:00+00' + interval '1 minute' * f) FROM numbers WHERE f <= 20000 * $n},
	'hour_prior' => q{SELECT hour_prior(p) FROM (SELECT hour_profile(timestamp '2000-01-01' + interval '1 hour' * f) AS p FROM numbers WHERE f <= 20000 * $n GROUP BY f % 10000) AS x},
	'fatigue' => q{SELECT fatigue(r % 90, true, false) FROM numbers WHERE f <= 20000 * $n},
	'replenishment' => q{SELECT replenishment(h) FROM histories WHERE i <= 20000 * $n},
	'check_orders' => q{SELECT count(*) FROM check_orders('orders', 'f', 'day', 'm') WHERE $n > 0},
	'segment_transitions' => q{SELECT segment_transitions('S' || f % 200, 'S' || f % 199) FROM numbers WHERE f <= 20000 * $n},
	'same_customer' => 'SELECT same_customer(i, i + 1) FROM generate_series(1, 40000 * $n) AS i',
	'identities as text' => 'SELECT length(same_customer(i, i + 1)::text) FROM generate_series(1, 40000 * $n) AS i',
	'a segment of everyone' => q{SELECT count(DISTINCT segment_rules) FROM (SELECT segment_rules(repeat('x', 200) || i, NULL, NULL, NULL) FROM generate_series(1, 80 * $n) AS i) AS x});

my ($failed, $passed) = (0, 0);
foreach my $more (4, 9, 16, 28, 50)
{
	my $limit = $used + $more * 1024;
	command_ok([ 'sh', '-c', "ulimit -v $limit && exec pg_ctl -w -D '@{[$node->data_dir]}' -l '@{[$node->logfile]}' start" ],
		"a server whose sessions can have $more MB");
	$node->_update_pid(1);
	my $since = $node->safe_psql('postgres', 'SELECT pg_postmaster_start_time()');

	foreach my $name (sort keys %statements)
	{
		# All in one session: it goes on after every failure, and what failed has left nothing.
		my $script = "SET client_min_messages = error;\n";
		foreach my $n (2, 10)
		{
			(my $statement = $statements{$name}) =~ s/\$n/$n/g;
			$script .= "SELECT count(answer) FROM ($statement) AS answer;\nSELECT 'goes on';\n";
		}
		my ($status, $stdout, $stderr) = $node->psql('postgres', $script, on_error_stop => 0);
		my @errors = grep { /ERROR|FATAL|PANIC|connection/ } split /\n/, $stderr;
		my @other = grep { !/ERROR:  (out of memory|invalid memory alloc request size|array size exceeds)/ } @errors;
		is("@other", '', "$name, $more MB: no other error than that");
		is(() = $stdout =~ /goes on/g, 2, "$name, $more MB: the session goes on");
		$failed += @errors;
		$passed += 2 - @errors;
	}
	is($node->safe_psql('postgres', 'SELECT pg_postmaster_start_time()'), $since, "$more MB: the server was up all the time");
	is($node->safe_psql('postgres', 'SELECT sum(order_count(h)) FROM histories'), '400000', "$more MB: and works");
	$node->stop;
}
note("$failed statements ran out of memory, $passed did not");
cmp_ok($failed, '>', 20, 'many met the limit');
cmp_ok($passed, '>', 20, 'many did not');

unlike(slurp_file($node->logfile), qr/PANIC|terminated by signal|TRAP:/, 'no server process died');
done_testing();
