# Twenty sessions merge orders into histories, refresh the view and score, all at once. In the
# end every history holds each order once, and the totals are right to the cent.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my ($sessions, $transactions) = (20, 12);

my $node = PostgreSQL::Test::Cluster->new('concurrency');
$node->init;
$node->append_conf('postgresql.conf', "max_connections = 40\nfsync = off\n");
$node->start;
$node->safe_psql(
	'postgres', q{
	CREATE EXTENSION customer_centric;
	CREATE TABLE orders (customer_id int, ordered_at date, amount numeric(12, 2));
	INSERT INTO orders SELECT i % 500, date '2024-01-01' + i % 300, (i * 7919 % 20011) / 100.0 FROM generate_series(1, 3000) AS i;
	CREATE TABLE histories (customer_id int PRIMARY KEY, h purchase_history);
	INSERT INTO histories SELECT customer_id, purchase_history(ordered_at, amount) FROM orders GROUP BY customer_id;
	CREATE TABLE bases (region int PRIMARY KEY, base customer_base);
	CREATE TABLE seen (problem text);
	SELECT create_customer_scores('customer_scores', 'orders', 'customer_id', 'ordered_at', 'amount');
	CREATE TABLE model AS SELECT clv_fit(customer_base(h)) AS m FROM histories;
});

my $scripts = PostgreSQL::Test::Utils::tempdir;
# Orders of customers who are known and of new ones, many of the same few: their rows are waited for.
append_to_file("$scripts/merge.sql", q{
	\set seed random(1, 1000000000)
	BEGIN;
	CREATE TEMP TABLE news ON COMMIT DROP AS
	SELECT CASE WHEN i % 3 = 0 THEN i % 7 ELSE (:seed + i * 7919) % 900 END AS customer_id, date '2024-11-01' + (:seed + i) % 50 AS ordered_at,
		CASE WHEN i % 11 = 0 THEN -1 ELSE 1 END * ((:seed + i * 104729) % 100000) / 100.0 AS amount FROM generate_series(1, 60) AS i;
	INSERT INTO orders SELECT * FROM news;
	INSERT INTO histories AS stored
	SELECT customer_id, purchase_history(ordered_at, amount::numeric(12, 2)) FROM news GROUP BY customer_id ORDER BY customer_id
	ON CONFLICT (customer_id) DO UPDATE SET h = stored.h || excluded.h;
	INSERT INTO bases AS stored SELECT 0, customer_base(h) FROM (SELECT purchase_history(ordered_at, amount::numeric(12, 2)) AS h FROM news GROUP BY customer_id) AS x
	ON CONFLICT (region) DO UPDATE SET base = stored.base || excluded.base;
	COMMIT;
});
append_to_file("$scripts/refresh.sql", "REFRESH MATERIALIZED VIEW CONCURRENTLY customer_scores;\n");
# A reader sees at any moment histories that fit their orders, and a view that is whole.
append_to_file("$scripts/score.sql", q{
	BEGIN ISOLATION LEVEL REPEATABLE READ;
	INSERT INTO seen SELECT 'total' WHERE (SELECT sum(total_spend(h)::numeric(18, 2)) FROM histories) <> (SELECT sum(amount) FROM orders);
	INSERT INTO seen SELECT 'score' FROM histories, model WHERE churn_prob(h, m, '2025-01-01') NOT BETWEEN 0 AND 1 OR clv_estimate(h, m, as_of => '2025-01-01') IS NULL
		AND score_status(h, m, '2025-01-01') IN ('ok', 'one_order');
	INSERT INTO seen SELECT 'view' FROM (SELECT count(DISTINCT as_of) AS days FROM customer_scores) AS x WHERE days <> 1;
	COMMIT;
});

command_ok(
	[ 'pgbench', '-n', '-c', $sessions, '-j', '2', '-t', $transactions, '-h', $node->host, '-p', $node->port,
		'-f', "$scripts/merge.sql\@7", '-f', "$scripts/refresh.sql\@1", '-f', "$scripts/score.sql\@3", 'postgres' ],
	"$sessions sessions, $transactions transactions each");

is($node->safe_psql('postgres', 'SELECT count(*) FROM orders') > 5000, 1, 'orders came');
is($node->safe_psql('postgres', 'SELECT string_agg(DISTINCT problem, \' \') FROM seen'), '', 'no session saw anything that did not fit');
is($node->safe_psql('postgres', 'SELECT sum(total_spend(h)::numeric(18, 2)) - (SELECT sum(amount) FROM orders) FROM histories'), '0.00', 'the totals are right to the cent');
is( $node->safe_psql(
		'postgres', 'SELECT count(*) FROM histories FULL JOIN (SELECT customer_id, purchase_history(ordered_at, amount) AS right_one FROM orders GROUP BY 1) AS o
		USING (customer_id) WHERE h IS DISTINCT FROM right_one'),
	'0', 'every history holds its orders, each once');
is($node->safe_psql('postgres', 'REFRESH MATERIALIZED VIEW CONCURRENTLY customer_scores; SELECT sum(total_spend) - (SELECT sum(amount) FROM orders) FROM customer_scores'),
	'0.00', 'so does the view');
isnt($node->safe_psql('postgres', 'SELECT customer_count(base) FROM bases'), '', 'bases were merged');
unlike(slurp_file($node->logfile), qr/ERROR|deadlock/, 'nobody got in the way of another');

$node->stop;
unlike(slurp_file($node->logfile), qr/PANIC|terminated by signal|TRAP:/, 'no server process died');
done_testing();
