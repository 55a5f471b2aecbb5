# Who may install the extension, who may score, and where it may live.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('roles');
$node->init;
$node->start;

$node->safe_psql('postgres', 'CREATE ROLE owner LOGIN');
$node->safe_psql('postgres', 'CREATE ROLE analyst LOGIN');
$node->safe_psql('postgres', 'CREATE ROLE stranger LOGIN');
$node->safe_psql('postgres', 'CREATE DATABASE shop OWNER owner');

# The owner of a database is no superuser.
sub as
{
	my ($role, $sql) = @_;
	return $node->psql('shop', $sql, extra_params => [ '-U', $role ]);
}

my ($status, $stdout, $stderr) = as('stranger', 'CREATE EXTENSION customer_centric');
like($stderr, qr/permission denied/, 'not everyone can install it');
($status, $stdout, $stderr) = as('owner', 'CREATE EXTENSION customer_centric');
is($status, 0, 'the owner of a database can install it') or diag $stderr;

($status, $stdout, $stderr) = as('owner', q{
	CREATE SCHEMA sales;
	CREATE TABLE sales.orders AS
	SELECT customer_id, ordered_at, round(amount::numeric, 2) AS amount
	FROM simulate_orders(1000, '{"model": "bg/nbd", "time_unit_days": 7,
		"timing": {"r": 0.8, "alpha": 8, "a": 0.8, "b": 3.2},
		"spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}}', '2024-01-01', '2025-01-01', 1);
	GRANT USAGE ON SCHEMA sales TO analyst;
	GRANT SELECT ON sales.orders TO analyst;
	SELECT create_customer_scores('sales.customer_scores', orders => 'sales.orders',
		customer_id => 'customer_id', ordered_at => 'ordered_at', amount => 'amount');
});
is($status, 0, 'the owner scores') or diag $stderr;
is($stdout, 1000, 'every customer is scored');

# To score is to read: it takes SELECT on the orders, and nothing else.
my $scores = q{
	SELECT customer_scores_query(orders => 'sales.orders', customer_id => 'customer_id',
		ordered_at => 'ordered_at', amount => 'amount') AS query \gset
	SELECT count(*), count(clv_365d) FROM (:query) AS scores;
};
($status, $stdout, $stderr) = as('analyst', $scores);
is($stdout, '1000|1000', 'who may read the orders can score') or diag $stderr;
($status, $stdout, $stderr) = as('stranger', $scores);
like($stderr, qr/permission denied/, 'who may not, cannot');

# Nothing depends on where the extension lives. To move it takes a superuser: those own
# the members of a trusted extension.
my $total = 'SELECT sum(clv_365d::numeric) FROM sales.customer_scores';
my ($first) = (as('owner', $total))[1];
as('owner', 'CREATE SCHEMA cc');
$node->safe_psql('shop', 'ALTER EXTENSION customer_centric SET SCHEMA cc');
($status, $stdout, $stderr) = as('owner', 'REFRESH MATERIALIZED VIEW CONCURRENTLY sales.customer_scores');
is($status, 0, 'it can be moved to another schema, and the scores refreshed') or diag $stderr;
is((as('owner', $total))[1], $first, 'the scores are the same');

# ... neither does what functions do inside, with a search_path that does not lead to it
($status, $stdout, $stderr) = as('owner', q{
	SELECT cc.converged(cc.clv_fit(cc.customer_base(history)))
	FROM (SELECT cc.purchase_history(ordered_at, amount) AS history FROM sales.orders GROUP BY customer_id) AS histories;
});
is($stdout, 't', 'functions work from another schema') or diag $stderr;
$scores =~ s/SELECT customer_scores_query/SELECT cc.customer_scores_query/;
as('owner', 'GRANT USAGE ON SCHEMA cc TO analyst');
($status, $stdout, $stderr) = as('analyst', $scores);
is($stdout, '1000|1000', 'so does the scoring query') or diag $stderr;

($status, $stdout, $stderr) = as('owner', 'DROP EXTENSION customer_centric');
like($stderr, qr/materialized view sales.customer_scores depends on/, 'what depends on it protects it');
($status, $stdout, $stderr) = as('owner', 'DROP MATERIALIZED VIEW sales.customer_scores; DROP EXTENSION customer_centric');
is($status, 0, 'and without that it can be dropped') or diag $stderr;

$node->stop;
done_testing();
