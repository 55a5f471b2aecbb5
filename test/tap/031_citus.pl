# On a Citus cluster: what is computed on shards is to the byte what one server computes, and
# customers stay where they are. Skipped where Citus is not installed.
#
# A coordinator and three workers; the same orders lie in a distributed table and in an
# ordinary one of the coordinator, which plays the one server.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my ($share) = run_command([ 'pg_config', '--sharedir' ]);
plan skip_all => 'Citus is not installed' unless -e "$share/extension/citus.control";

my @nodes = map { PostgreSQL::Test::Cluster->new($_) } qw(coordinator worker1 worker2 worker3);
foreach my $node (@nodes)
{
	$node->init(extra => [ '--encoding=UTF8', '--locale=C' ]);
	$node->append_conf('postgresql.conf', join "\n", "shared_preload_libraries = 'citus'", "listen_addresses = '127.0.0.1'",
		"max_prepared_transactions = 50", "timezone = 'UTC'", "citus.shard_count = 12", "citus.max_adaptive_executor_pool_size = 2", "jit = off", '');
	$node->start;
	$node->safe_psql('postgres', 'CREATE EXTENSION citus');
}
my $head = $nodes[0];
$head->safe_psql('postgres', "SELECT citus_set_coordinator_host('127.0.0.1', " . $head->port . ')');
$head->safe_psql('postgres', "SELECT citus_add_node('127.0.0.1', " . $_->port . ')') foreach @nodes[ 1 .. 3 ];

sub head { return $head->safe_psql('postgres', $_[0]) }

# The plan of a query, as text.
sub plan_of { return head("EXPLAIN (COSTS OFF) $_[0]") }

# Whether a query runs on all shards, with no step before it that gathers rows.
sub on_shards
{
	my ($query, $name) = @_;
	my $plan = plan_of($query);
	like($plan, qr/Task Count: 12\n/, "$name: a task for each shard");
	unlike($plan, qr/Distributed Subplan/, "$name: nothing travels before");
	return;
}

# ---------------------------------------------------------------- orders, histories, partial results

# The primary key has the distribution column in it; without one, shards cannot be moved online.
head(q{
	SET client_min_messages = error;
	CREATE EXTENSION customer_centric;
	CREATE TABLE orders (order_id bigint, customer_id bigint, ordered_at timestamp, amount numeric(12,2), PRIMARY KEY (customer_id, order_id));
	SELECT create_distributed_table('orders', 'customer_id');
	CREATE TABLE one_orders AS
	SELECT row_number() OVER () AS order_id, customer_id, ordered_at, amount::numeric(12,2)
	FROM simulate_orders(6000, '{"model": "bg/nbd", "timing": {"r": 0.7, "alpha": 8, "a": 0.8, "b": 2.5},
		"spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}}', since => '2024-01-01', until => '2026-01-01', seed => 1);
	INSERT INTO orders SELECT * FROM one_orders;
	CREATE TABLE histories (customer_id bigint PRIMARY KEY, history purchase_history NOT NULL);
	SELECT create_distributed_table('histories', 'customer_id', colocate_with => 'orders');
	CREATE TABLE one_histories (customer_id bigint PRIMARY KEY, history purchase_history NOT NULL)});
is(head(q{SELECT count(*) FROM run_command_on_workers('SELECT extversion FROM pg_extension WHERE extname = ''customer_centric''') WHERE success AND result <> ''}),
	'3', 'CREATE EXTENSION reaches the workers');

# What a load says of itself, in both places.
sub load
{
	my ($name, $arguments) = @_;
	my $distributed = head("SELECT * FROM load_orders('histories', 'orders', 'customer_id', 'ordered_at', 'amount', $arguments)");
	is($distributed, head("SELECT * FROM load_orders('one_histories', 'one_orders', 'customer_id', 'ordered_at', 'amount', $arguments)"),
		"$name: the same counts");
	is( head(q{CREATE TEMP TABLE h AS SELECT * FROM histories;
		SELECT count(*) = (SELECT count(*) FROM one_histories) AND bool_and(h.history IS NOT NULL AND o.history IS NOT NULL AND h.history = o.history)
		FROM h FULL JOIN one_histories AS o USING (customer_id)}), 't', "$name: the same histories");
	my ($changed) = split /\|/, $distributed;
	return $changed;
}

cmp_ok(load('first load', "since => '-infinity'"), '==', 6000, 'all customers are loaded');
is(load('twice', "since => '-infinity'"), '0', 'a load run twice changes nothing');
foreach my $orders (qw(orders one_orders))
{
	head("DELETE FROM $orders WHERE order_id % 97 = 0; UPDATE $orders SET amount = amount + 1 WHERE order_id % 89 = 0;
		UPDATE $orders SET ordered_at = ordered_at - interval '20 days' WHERE order_id % 83 = 0");
}
cmp_ok(load('corrections', "since => '2025-01-01', until => '2025-09-01'"), '>', 0, 'corrections are loaded');
cmp_ok(load('by lines', "since => '-infinity', order_id => 'order_id'"), '>', 0, 'so are the others, by lines');
on_shards(head("SELECT load_orders_query('histories', 'orders', 'customer_id', 'ordered_at', 'amount', since => '2025-01-01')"), 'load');
on_shards(head("SELECT load_orders_query('histories', 'orders', 'customer_id', 'ordered_at', 'amount', since => '2025-01-01', order_id => 'order_id')"),
	'load by lines');

my %values = (
	base => 'customer_base(history)',
	'base in months' => q{customer_base(history, 'month'::text)},
	'base with covariates' => 'customer_base(history, ARRAY[(customer_id % 3)::float8])',
	holdout => q{holdout(history, '2025-03-31', '2025-09-30', 'bg/nbd')},
	cuts => q{rfm_cuts(recency_days(history, '2026-01-01'), order_count(history), total_spend(history))},
	audit => q{period_audit(history, '2025-01-01', '2025-07-01')},
	contacts => 'contact_log(last_order_on(history)::timestamptz)');
foreach my $name (sort keys %values)
{
	my $query = "SELECT $values{$name} AS v FROM";
	is(head("SELECT a.v = b.v FROM ($query histories) AS a, ($query one_histories) AS b"), 't', "$name: the same bytes");
	like(plan_of("$query histories"), qr/^ *Aggregate\n.*Task Count: 12\n.*-> +Aggregate\n/s, "$name: parts are made on the shards");
}

# Parts travel in the short form, which is several times shorter than JSON.
my $sent = q{worker_partial_agg('public.customer_base(purchase_history)'::regprocedure::oid, history)::text};
is(head(qq{SELECT count(*), bool_and(result = 't') FROM run_command_on_shards('histories', \$\$SELECT substr($sent, 2, 8) = '"base64"' FROM %s\$\$)}),
	'12|t', 'the text of a part is the short one');
my ($short) = head(qq{SELECT sum(result::bigint) FROM run_command_on_shards('histories', \$\$SELECT length($sent) FROM %s\$\$)});
my ($long) = head(q{SELECT sum(result::bigint) FROM run_command_on_shards('histories', $$SELECT length(public.customer_base(history)::text) FROM %s$$)});
note("12 parts of a base of 6,000 customers travel in $short bytes, in full they would be $long");
cmp_ok(2 * $short, '<', $long, 'and takes less than half of the bytes');

# ---------------------------------------------------------------- scores

my $arguments = q{'customer_id', 'ordered_at', 'amount', model => 'bg/nbd'};

sub same_scores
{
	my ($a, $b, $name) = @_;
	is( head(qq{SET client_min_messages = error; CREATE TEMP TABLE a AS SELECT * FROM $a;
		SELECT count(*) > 5000 AND count(*) FILTER (WHERE a.customer_id IS NULL OR b.customer_id IS NULL OR NOT a *= b) = 0
		FROM a FULL JOIN (SELECT * FROM $b) AS b USING (customer_id)}), 't', "$name: the same scores");
	return;
}

head("SET client_min_messages = error; SELECT create_customer_scores('$_->[0]', '$_->[1]', $_->[2])") foreach
	[ 'scores', 'orders', $arguments ], [ 'one_scores', 'one_orders', "$arguments, storage => 'table'" ],
	[ 'line_scores', 'orders', "$arguments, order_id => 'order_id', as_of => '2025-12-01'" ],
	[ 'one_line_scores', 'one_orders', "$arguments, order_id => 'order_id', as_of => '2025-12-01', storage => 'table'" ],
	[ 'history_scores', 'histories', q{'customer_id', model => 'pareto/nbd'} ],
	[ 'one_history_scores', 'one_histories', q{'customer_id', model => 'pareto/nbd', storage => 'table'} ];
same_scores("${_}scores", "one_${_}scores", "${_}scores") foreach '', 'line_', 'history_';
is(head('SELECT a.model = b.model FROM scores_model AS a, one_scores_model AS b'), 't', 'the same model');
on_shards('SELECT * FROM scores_query', 'scores');
on_shards('INSERT INTO scores_generation_1 SELECT * FROM scores_query', 'the rows that stay');
on_shards('SELECT * FROM scores_input', 'histories');
on_shards('SELECT * FROM line_scores_input', 'histories of lines');
my $fit_plan = plan_of('SELECT * FROM scores_fit_query');
my @subplans = $fit_plan =~ /Distributed Subplan \S+\n *-> +(.*)/g;
cmp_ok(scalar(@subplans), '>=', 2, 'the fit is made of steps');
my @shards = split /Distributed Subplan/, $fit_plan;
is(scalar(grep { /Task Count: 12/ && !/^ \S+\n *-> +Aggregate\n/ } @shards), 0, 'of which those over customers are aggregates: no customer travels');
is(head(q{SELECT count(*) FROM citus_shards WHERE table_name = 'scores_generation_1'::regclass}), '12', 'the scores are distributed');
is( head(q{SELECT count(DISTINCT colocation_id) FROM citus_tables WHERE table_name IN ('orders'::regclass, 'scores_histories'::regclass, 'scores_generation_1'::regclass)}),
	'1', 'with the orders');

# A night: a worker is lost in the middle, then the job is run again.
foreach my $orders (qw(orders one_orders))
{
	head("UPDATE $orders SET amount = amount + 2 WHERE order_id % 79 = 0");
}
$nodes[3]->stop('immediate');
my ($code, undef, $error) = $head->psql('postgres', "CALL refresh_customer_scores('scores')");
isnt($code, 0, 'a refresh without one of the workers fails');
like($error, qr/ERROR/, 'with an error');
$nodes[3]->start;
is(head('SELECT count(*) FROM scores_model'), '1', 'nothing was written');
is(head('SELECT count(*) FROM pg_dist_transaction') >= 0 ? 1 : 0, 1, 'transactions are recovered');
head('SELECT recover_prepared_transactions()');
head("SET client_min_messages = error; CALL refresh_customer_scores('scores'); CALL refresh_customer_scores('one_scores')");
same_scores('scores', 'one_scores', 'after a refresh');
is(head('SELECT count(*) FROM scores_model'), '2', 'the refresh is written down');

# Scores that are replaced leave nothing, on no server.
head("SET client_min_messages = error; SELECT create_customer_scores('scores', 'orders', $arguments, replace => true)");
same_scores('scores', 'one_scores', 'replaced');
is( head(q{SELECT count(*) FROM run_command_on_workers('SELECT count(*) FROM pg_class WHERE relname ~ ''^scores_generation_2''') WHERE result <> '0'}),
	'0', 'and nothing of the old ones on the workers');

# What cannot stay on the shards says so, and is right.
my (undef, undef, $warning) = $head->psql('postgres',
	"SELECT create_customer_scores('grouped', 'orders', $arguments, group_by => ARRAY['order_id'], columns => ARRAY['order_count'])", on_error_die => 0);
like($warning, qr/will be a table of the coordinator/, 'groups are scored on the coordinator, and that is said');

# Moving shards changes nothing.
my $before = head('SELECT md5(string_agg(s::text, chr(10) ORDER BY customer_id)) FROM scores AS s');
head("SELECT citus_move_shard_placement(shardid, nodename, nodeport, '127.0.0.1', " . $nodes[1]->port . ", 'block_writes')
	FROM citus_shards WHERE table_name = 'orders'::regclass AND nodeport = " . $nodes[2]->port . ' ORDER BY shardid LIMIT 1');
is(head('SELECT md5(string_agg(s::text, chr(10) ORDER BY customer_id)) FROM scores AS s'), $before, 'the same scores after a shard has moved');

$_->stop foreach reverse @nodes;
unlike(slurp_file($_->logfile), qr/PANIC|terminated by signal|TRAP:/, $_->name . ': no server process died') foreach @nodes[ 0 .. 2 ];
done_testing();
