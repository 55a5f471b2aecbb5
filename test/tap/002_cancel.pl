# Whatever takes long can be cancelled at once, and leaves a session that works.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $node = PostgreSQL::Test::Cluster->new('cancel');
$node->init;
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION customer_centric');

my $model = q{'{"model": "bg/nbd", "time_unit_days": 7, "timing": {"r": 0.8, "alpha": 8, "a": 0.8, "b": 3.2},
	"spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}}'::clv_model};
my $orders = "simulate_orders(1000000000, $model, '2024-01-01', '2026-01-01', 1)";

my %statements = (
	'simulate_orders' => "SELECT count(*) FROM $orders",
	'simulate_orders in a short window' => qq{
		SELECT count(*) FROM simulate_orders(1000000000000, $model, '2024-01-01', '2024-01-02', 1)},
	'purchase_history' => "SELECT purchase_history(ordered_at, amount) FROM $orders",
	'customer_base' => qq{
		SELECT customer_base(history) FROM generate_series(1, 1000000) AS copy, histories},
	# not one fit, but too many of them
	'clv_fit' => 'SELECT clv_fit(base, as_of => day::date) FROM base,
		generate_series(date \'2030-01-01\', date \'2300-01-01\', interval \'1 day\') AS day',
);

$node->safe_psql('postgres', qq{
	CREATE TABLE histories AS
	SELECT purchase_history(ordered_at, amount) AS history
	FROM simulate_orders(20000, $model, '2024-01-01', '2026-01-01', 1)
	GROUP BY customer_id;
	CREATE TABLE base AS
	SELECT customer_base(history) AS base FROM histories});

foreach my $name (sort keys %statements)
{
	my $started = time;
	my ($status, $stdout, $stderr) = $node->psql('postgres', qq{
		\\set ON_ERROR_STOP off
		SET statement_timeout = '300ms';
		$statements{$name};
		SELECT 'goes on';});
	like($stderr, qr/canceling statement due to statement timeout/, "$name is cancelled");
	is($stdout, 'goes on', "$name: and the session goes on");
	cmp_ok(time - $started, '<', 10, "$name: at once");
}

$node->stop;
unlike(slurp_file($node->logfile), qr/PANIC|terminated by signal|TRAP:/, 'no server process died');
done_testing();
