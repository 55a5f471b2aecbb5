# A standby has every value and scores with it; a subscriber gets every value, as text and in binary.
use strict;
use warnings;

use File::Basename qw(dirname);
use lib dirname(__FILE__);
use KeptValues;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 'logical', extra => [ '--encoding=UTF8', '--locale=C' ]);
$primary->start;
my $before_anything = 'empty';
$primary->backup($before_anything);

my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, $before_anything, has_streaming => 1);
$standby->start;

# ---------------------------------------------------------------- physical

# All of it happens while the standby follows: the extension, the values, indexes and the view.
my $model = q{'{"model": "bg/nbd", "timing": {"r": 0.8, "alpha": 8, "a": 0.8, "b": 3.2}, "spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}}'};
$primary->safe_psql(
	'postgres', qq{
	CREATE EXTENSION customer_centric;
	CREATE TABLE orders AS SELECT customer_id, ordered_at, amount::numeric(12, 2) FROM simulate_orders(1000, $model, '2024-01-01', '2025-01-01', 1);
	CREATE TABLE histories AS SELECT customer_id, purchase_history(ordered_at, amount) AS h FROM orders GROUP BY customer_id;
	ALTER TABLE histories ADD PRIMARY KEY (customer_id);
	CREATE INDEX ON histories (h);
	SELECT create_customer_scores('customer_scores', 'orders', 'customer_id', 'ordered_at', 'amount');
} . keep_values('h'));
keep_values_of_all_types($primary, 'postgres');
$primary->wait_for_catchup($standby);

my %questions = (
	'values' => 'SELECT md5(string_agg(h::text || hash_record_extended(x, 0), \' \' ORDER BY customer_id)) FROM histories AS x',
	'values of all types' => 'SELECT k::text, hash_record_extended(k, 0) FROM kept_values AS k',
	'the view' => 'SELECT md5(string_agg(s::text, \' \' ORDER BY customer_id)) FROM customer_scores AS s',
	'histories made here' => 'SELECT md5(string_agg(h::text, \' \' ORDER BY customer_id)) FROM (SELECT customer_id, purchase_history(ordered_at, amount) AS h FROM orders GROUP BY 1) AS x',
	'a fit made here' => 'SELECT clv_fit(customer_base(h), \'pareto/nbd\') FROM histories',
	'scores made here' => 'SELECT md5(string_agg(concat_ws(\' \', clv_estimate(h, model), churn_prob(h, model), next_order_on(h, model),
		segment_of(rfm_score(recency_days(h, \'2025-01-01\'), order_count(h), total_spend(h), cuts), rules)), \' \' ORDER BY customer_id)) FROM histories, kept_values',
	'a window' => 'SELECT md5(string_agg(s, \' \' ORDER BY customer_id)) FROM (SELECT customer_id, rfm_score(recency_days(h, \'2025-01-01\'), order_count(h), total_spend(h)) OVER () AS s FROM histories) AS x',
	'an index' => 'SET enable_seqscan = off; SET enable_bitmapscan = off; SELECT count(*) FROM histories AS a JOIN histories AS b ON a.h = b.h WHERE a.customer_id < 100',
	'in parallel' => 'SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SELECT customer_base(h) FROM histories',
	'the scoring query' => "SELECT customer_scores_query('orders', 'customer_id', 'ordered_at', 'amount') AS query \\gset\nSELECT md5(string_agg(s::text, ' ' ORDER BY customer_id)) FROM (:query) AS s");
foreach my $name (sort keys %questions)
{
	my $answer = $primary->safe_psql('postgres', $questions{$name});
	isnt($answer, '', "standby: $name has an answer");
	is($standby->safe_psql('postgres', $questions{$name}), $answer, "standby: $name");
}
my ($status, $stdout, $stderr) = $standby->psql('postgres', q{SELECT create_customer_scores('more', 'orders', 'customer_id', 'ordered_at', 'amount')});
like($stderr, qr/cannot execute create_customer_scores in a read-only transaction.*primary/s, 'standby: cannot make a view, and says so');

# What changes on the primary, changes on the standby.
$primary->safe_psql('postgres', q{
	UPDATE histories SET h = h || purchase_history_add_date_numeric(NULL, '2025-01-02', 9.99) WHERE customer_id % 2 = 0;
	DELETE FROM histories WHERE customer_id = 7;
	REFRESH MATERIALIZED VIEW CONCURRENTLY customer_scores});
$primary->wait_for_catchup($standby);
is($standby->safe_psql('postgres', $questions{$_}), $primary->safe_psql('postgres', $questions{$_}), "standby: $_, after changes") foreach 'values', 'the view', 'an index';

# A standby that is promoted goes on.
$standby->promote;
$standby->poll_query_until('postgres', 'SELECT NOT pg_is_in_recovery()') or BAIL_OUT('no promotion');
$standby->safe_psql('postgres', q{INSERT INTO orders VALUES (1, '2025-02-01', 5); REFRESH MATERIALIZED VIEW CONCURRENTLY customer_scores});
is($standby->safe_psql('postgres', 'SELECT max(last_order_on) FROM customer_scores'), '2025-02-01', 'standby: goes on, promoted');
$standby->stop;

# ---------------------------------------------------------------- logical

my $subscriber = PostgreSQL::Test::Cluster->new('subscriber');
$subscriber->init(allows_streaming => 'logical', extra => [ '--encoding=UTF8', '--locale=C' ]);
$subscriber->start;
my $source = $primary->connstr . ' dbname=postgres';
my $columns = kept_columns($primary, 'postgres');

# One table with a key, and one in which rows are found by their values.
$primary->safe_psql('postgres', q{
	CREATE TABLE unkeyed AS SELECT h, model, rules FROM histories, kept_values WHERE customer_id <= 20;
	ALTER TABLE unkeyed REPLICA IDENTITY FULL;
	CREATE PUBLICATION everything FOR TABLE histories, kept_values, unkeyed});

my %contents = (
	histories => $questions{values},
	kept_values => $questions{'values of all types'},
	unkeyed => 'SELECT u::text, hash_record_extended(u, 0) FROM unkeyed AS u ORDER BY 1');

foreach my $format ('text', 'binary')
{
	my $database = "by_$format";
	my $options = $format eq 'binary' ? 'binary = true, ' : '';
	$subscriber->safe_psql('postgres', "CREATE DATABASE $database");
	$subscriber->safe_psql(
		$database, qq{
		CREATE EXTENSION customer_centric;
		CREATE TABLE histories (customer_id bigint PRIMARY KEY, h purchase_history);
		CREATE TABLE kept_values ($columns, PRIMARY KEY (id));
		CREATE TABLE unkeyed (h purchase_history, model clv_model, rules segment_rules);
		CREATE SUBSCRIPTION $database CONNECTION '$source' PUBLICATION everything WITH (${options}slot_name = '$database')});
	$subscriber->poll_query_until($database, q{SELECT count(*) = 3 AND bool_and(srsubstate IN ('r', 's')) FROM pg_subscription_rel})
	  or BAIL_OUT("$format: the tables are not copied");
	is($subscriber->safe_psql($database, $contents{$_}), $primary->safe_psql('postgres', $contents{$_}), "$format: $_ is copied") foreach sort keys %contents;

	# Changes travel in the format that was asked for: an update that uses ||, a deletion by value.
	$primary->safe_psql('postgres', q{
		UPDATE histories SET h = h || purchase_history_add_date_numeric(NULL, '2025-03-01', 0.01) WHERE customer_id % 3 = 0;
		INSERT INTO histories SELECT 10000 + coalesce(max(customer_id), 0), '{"orders": [["2025-01-01", null], ["2025-01-02", 0.123456789]]}' FROM histories WHERE customer_id > 9999;
		UPDATE kept_values SET base = base || base, model = clv_fit(base, 'mbg/nbd'), contracts = contracts || contracts, audit = audit || audit, fatigue = fatigue || fatigue,
			contacts = contacts || contacts, uplift = uplift || uplift, transitions = transitions || transitions, hours = hours || hours;
		DELETE FROM unkeyed WHERE h = (SELECT h FROM unkeyed ORDER BY h DESC LIMIT 1);
		UPDATE unkeyed SET h = h || h WHERE h = (SELECT h FROM unkeyed ORDER BY h LIMIT 1)});
	$primary->wait_for_catchup($database);
	is($subscriber->safe_psql($database, $contents{$_}), $primary->safe_psql('postgres', $contents{$_}), "$format: $_ is changed") foreach sort keys %contents;
	is($subscriber->safe_psql($database, $questions{'a fit made here'}), $primary->safe_psql('postgres', $questions{'a fit made here'}), "$format: the subscriber fits the same model");
	$subscriber->safe_psql($database, "DROP SUBSCRIPTION $database");
}

$subscriber->stop;
$primary->stop;
unlike(slurp_file($_->logfile), qr/PANIC|terminated by signal|TRAP:/, 'no server process died') foreach $primary, $standby, $subscriber;
done_testing();
