# Over postgres_fdw: what runs on the other servers, and that it gives what one server gives.
#
# Two databases play two servers, a third puts things together.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('fdw');
$node->init(extra => [ '--encoding=UTF8', '--locale=C' ]);
$node->append_conf('postgresql.conf', "timezone = 'UTC'\n");
$node->start;
$node->safe_psql('postgres', "CREATE DATABASE $_") foreach qw(head node1 node2);
plan skip_all => 'postgres_fdw is not installed'
  if $node->safe_psql('head', "SELECT count(*) FROM pg_available_extensions WHERE name = 'postgres_fdw'") eq '0';

foreach my $number (1, 2)
{
	$node->safe_psql("node$number", qq{
		CREATE EXTENSION customer_centric;
		CREATE TABLE histories AS
		SELECT customer_id, purchase_history(ordered_at, amount::numeric(12,2)) AS history
		FROM simulate_orders(1000, '{"model": "bg/nbd", "timing": {"r": 0.7, "alpha": 8, "a": 0.8, "b": 2.5}, "spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}}',
			since => '2024-01-01', until => '2026-01-01', seed => 1)
		WHERE customer_id % 2 = $number - 1 GROUP BY customer_id;
		CREATE VIEW shared_histories AS SELECT $number AS node, customer_id, history, 'month'::text AS period, 'bg/nbd'::text AS model_name FROM histories});
}
my ($host, $port) = ($node->host, $node->port);
$node->safe_psql('head', q{CREATE EXTENSION customer_centric; CREATE EXTENSION postgres_fdw;
	CREATE TABLE histories (node integer, customer_id bigint, history purchase_history, period text, model_name text) PARTITION BY LIST (node)});
foreach my $number (1, 2)
{
	$node->safe_psql('head', qq{
		CREATE SERVER node$number FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '$host', port '$port', dbname 'node$number', extensions 'customer_centric', fdw_tuple_cost '1');
		CREATE USER MAPPING FOR CURRENT_USER SERVER node$number;
		CREATE FOREIGN TABLE histories_$number PARTITION OF histories FOR VALUES IN ($number) SERVER node$number OPTIONS (table_name 'shared_histories')});
}
# Without statistics the planner expects hundreds of nodes, and hundreds of fits over there. The
# cost of a tuple is that of a history, which is many times the default; beside the cost of a fit
# a few hundred of them would not count.
$node->safe_psql('head', 'CREATE TABLE whole AS SELECT customer_id, history FROM histories; ANALYZE histories, histories_1, histories_2');

sub plan_of
{
	return $node->safe_psql('head', "SET enable_partitionwise_aggregate = on; EXPLAIN (VERBOSE, COSTS OFF) $_[0]");
}

# Whether an aggregate of each server's customers runs there.
sub ships
{
	my ($aggregate, $name) = @_;
	my @remote = plan_of("SELECT node, $aggregate FROM histories GROUP BY node") =~ /Remote SQL: (.*)/g;
	is(scalar(@remote), 2, "$name: a query for each server");
	is(scalar(grep { /GROUP BY/ && !/\bhistory FROM/ } @remote), 2, "$name: which sends back one value, not the histories");
	return;
}

sub does_not_ship
{
	my ($aggregate, $name) = @_;
	my @remote = plan_of("SELECT node, $aggregate FROM histories GROUP BY node") =~ /Remote SQL: (.*)/g;
	is(scalar(grep { /\bhistory\b.* FROM/ && !/GROUP BY/ } @remote), 2, "$name: fetches the histories");
	return;
}

sub same
{
	my ($parts, $whole, $name) = @_;
	is($node->safe_psql('head', "SET enable_partitionwise_aggregate = on; SELECT (SELECT rollup(part) FROM (SELECT $parts AS part FROM histories GROUP BY node) AS x) = (SELECT $whole FROM whole)"),
		't', "$name: the same to the byte");
	return;
}

ships('customer_base(history)', 'base');
same('customer_base(history)', 'customer_base(history)', 'base');
ships("customer_base(history, date '2025-06-30')", 'base until a day');
ships('customer_base(history, ARRAY[customer_id::float8])', 'base with covariates');
ships('count(*) FILTER (WHERE in_sample(customer_id, 0.1))', 'a sample');

# A literal text has the database's collation, of which postgres_fdw does not know whether it
# is that of the other server: no collation that is named here changes that. A column of the
# foreign table says it, and so the function runs over there.
does_not_ship("customer_base(history, 'month')", 'a literal');
does_not_ship(q{customer_base(history, 'month' COLLATE "C")}, 'a literal with a collation');
same("customer_base(history, 'month')", "customer_base(history, 'month')", 'a literal');
ships('customer_base(history, period)', 'a column');
same('customer_base(history, period)', "customer_base(history, 'month')", 'a column');
ships("holdout(history, date '2025-03-31', date '2025-09-30', model_name)", 'holdout');
same("holdout(history, date '2025-03-31', date '2025-09-30', model_name)", "holdout(history, date '2025-03-31', date '2025-09-30', 'bg/nbd')", 'holdout');

# Conditions on what a model says run where the customers are.
my $model = $node->safe_psql('head', 'SELECT clv_fit(customer_base(history)) FROM whole');
my $condition = "churn_prob(history, '$model'::clv_model) < 0.2";
my @remote = plan_of("SELECT customer_id FROM histories WHERE $condition") =~ /Remote SQL: (.*)/g;
is(scalar(grep { /WHERE .*churn_prob/ } @remote), 2, 'conditions on scores are sent');
is($node->safe_psql('head', "SELECT count(*) FROM histories WHERE $condition"), $node->safe_psql('head', "SELECT count(*) FROM whole WHERE $condition"),
	'and give the same customers');

# Days are those of this session, whose time zone is not that of the session over there: a load of
# everything, one of a window, and scores take the same ones as from a table that lies here.
$node->safe_psql('node1', q{CREATE TABLE orders AS SELECT 1 + i % 7 AS customer_id, timestamptz '2025-01-01 00:30+00' + i * interval '13 hours' AS ordered_at, 1 + i % 5 AS amount
	FROM generate_series(1, 500) AS i});
$node->safe_psql('head', q{CREATE FOREIGN TABLE orders (customer_id bigint, ordered_at timestamptz, amount numeric) SERVER node1;
	CREATE TABLE orders_here AS SELECT * FROM orders;
	CREATE TABLE loaded (customer_id bigint PRIMARY KEY, history purchase_history);
	CREATE TABLE loaded_here (customer_id bigint PRIMARY KEY, history purchase_history)});
my $zone = "SET timezone = 'Pacific/Auckland'; ";
my $columns = "'customer_id', 'ordered_at', 'amount'";
like($node->safe_psql('head', $zone . 'EXPLAIN (VERBOSE, COSTS OFF) SELECT customer_id, purchase_history(ordered_at, amount) FROM orders GROUP BY 1'), qr/Remote SQL:.*purchase_history/,
	'what a user writes over a timestamptz runs over there');
foreach my $window ('-infinity', '2025-05-01')
{
	is($node->safe_psql('head', $zone . "SELECT load_orders('loaded', 'orders', $columns, since => '$window') = load_orders('loaded_here', 'orders_here', $columns, since => '$window')"),
		't', "a load since $window of a foreign table does what one from a table does");
	is($node->safe_psql('head', 'SELECT count(*) FROM loaded JOIN loaded_here USING (customer_id, history)'), 7, 'and gives the same histories');
}
is($node->safe_psql('head', $zone . "SELECT customers FROM load_orders('loaded', 'orders', $columns, since => '-infinity')"), 0, 'after that nothing is left to load');
$node->safe_psql('head', $zone . "SELECT create_customer_scores('scores', 'orders', $columns), create_customer_scores('scores_here', 'orders_here', $columns);
	SELECT create_customer_audit('audit', 'orders', $columns), create_customer_audit('audit_here', 'orders_here', $columns)");
is($node->safe_psql('head', $zone . 'SELECT count(*) FROM scores JOIN scores_here USING (customer_id, first_order_on, last_order_on, recency_days, tenure_days, as_of)'), 7, 'scores have these days');
is($node->safe_psql('head', $zone . 'SELECT count(*) FROM ((TABLE audit_base_health EXCEPT TABLE audit_here_base_health) UNION ALL (TABLE audit_here_base_health EXCEPT TABLE audit_base_health)) AS x'),
	0, 'and so have audits');

$node->stop;
done_testing();
