# A server that dies in the middle of a refresh or of a merge comes back with what was
# committed: nothing is lost, and nothing is half.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

my $node = PostgreSQL::Test::Cluster->new('crash');
$node->init;
$node->start;

# Orders come in batches. A batch is committed together with the histories it is merged into;
# the view is refreshed by a session of its own.
$node->safe_psql(
	'postgres', q{
	ALTER DATABASE postgres SET client_min_messages = error;
	SET client_min_messages = error;
	CREATE EXTENSION customer_centric;
	CREATE TABLE orders (batch int, customer_id int, ordered_at date, amount numeric(12, 2));
	CREATE TABLE histories (customer_id int PRIMARY KEY, h purchase_history);
	CREATE PROCEDURE add_batch() LANGUAGE plpgsql AS $$
	DECLARE
		n int := (SELECT coalesce(max(batch), 0) + 1 FROM orders);
	BEGIN
		INSERT INTO orders
		SELECT n, (i * 7919 + n * 31) % 3001, date '2024-01-01' + (n * 3 + i % 3), (i * 104729 % 20011) / 100.0 FROM generate_series(1, 400) AS i;
		INSERT INTO histories AS stored
		SELECT customer_id, purchase_history(ordered_at, amount) FROM orders WHERE batch = n GROUP BY customer_id
		ON CONFLICT (customer_id) DO UPDATE SET h = stored.h || excluded.h;
		COMMIT;
		RAISE INFO 'committed %', n;
	END $$;
	DO 'BEGIN FOR i IN 1 .. 20 LOOP CALL add_batch(); END LOOP; END';
	SELECT create_customer_scores('customer_scores', 'orders', 'customer_id', 'ordered_at', 'amount');
});

my $scripts = PostgreSQL::Test::Utils::tempdir;
append_to_file("$scripts/merge.sql", "CALL add_batch();\n" x 2000);
append_to_file("$scripts/refresh.sql", join '', ("REFRESH MATERIALIZED VIEW CONCURRENTLY customer_scores;\n", "REFRESH MATERIALIZED VIEW customer_scores;\n") x 500);

foreach my $crash (1 .. 6)
{
	my %said = (merge => '', refresh => '');
	my @sessions = map { IPC::Run::start([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('postgres'), '-f', "$scripts/$_.sql" ],
		'<', '/dev/null', '>', '/dev/null', '2>', "$scripts/$_.$crash") } sort keys %said;
	# at another moment each time, but not before something happened
	my $patience = 600;
	sleep 0.1 while $patience-- > 0 && slurp_file("$scripts/merge.$crash") !~ /committed/;
	sleep 0.15 + 0.11 * $crash;
	$node->stop('immediate');
	$_->finish foreach @sessions;
	my ($last) = slurp_file("$scripts/merge.$crash") =~ /.*INFO:  committed (\d+)/s;
	like(slurp_file("$scripts/refresh.$crash"), qr/server closed the connection|terminating connection|connection to server/, "crash $crash: in the middle of it");

	$node->start;
	my $kept = $node->safe_psql('postgres', 'SELECT max(batch) FROM orders');
	cmp_ok($kept, '>=', $last, "crash $crash: no batch is lost that was committed ($last)");
	is($node->safe_psql('postgres', 'SELECT count(*) FROM (SELECT batch FROM orders GROUP BY batch HAVING count(*) <> 400) AS x'), '0', "crash $crash: no batch is half");
	is( $node->safe_psql(
			'postgres', 'SELECT count(*) FROM histories FULL JOIN (SELECT customer_id, purchase_history(ordered_at, amount) AS right_one FROM orders GROUP BY 1) AS o
			USING (customer_id) WHERE h IS DISTINCT FROM right_one'),
		'0', "crash $crash: the histories are those of the orders");

	# The view shows the orders as they were at one of the batches, wholly.
	my $seen = $node->safe_psql('postgres', 'SELECT (sum(order_count) / 400)::int FROM customer_scores');
	is( $node->safe_psql(
			'postgres', "CREATE TEMP VIEW seen AS SELECT * FROM orders WHERE batch <= $seen;
			SELECT customer_scores_query('seen', 'customer_id', 'ordered_at', 'amount') AS query \\gset
			SELECT count(*) FROM ((TABLE customer_scores_bi EXCEPT (:query)) UNION ALL ((:query) EXCEPT TABLE customer_scores_bi)) AS x"),
		'0', "crash $crash: the view is that of batch $seen of $kept");
}
is($node->safe_psql('postgres', 'CALL add_batch(); REFRESH MATERIALIZED VIEW CONCURRENTLY customer_scores; SELECT sum(order_count) = (SELECT count(*) FROM orders) FROM customer_scores'),
	't', 'and it goes on');

$node->stop;
unlike(slurp_file($node->logfile), qr/PANIC|terminated by signal|TRAP:/, 'no server process died of itself');
done_testing();
