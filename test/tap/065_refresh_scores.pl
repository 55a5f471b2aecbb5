# Scores in a table are refreshed while they are read: nobody waits, nothing is left behind, what
# rests on the view stays, a crash leaves the old generation, and two refreshes follow each other.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('refresh');
$node->init;
# Waits for a lock longer than this are in the log.
$node->append_conf('postgresql.conf', "log_lock_waits = on\ndeadlock_timeout = 100ms\n");
$node->start;

sub query { return $node->safe_psql('postgres', $_[0]); }

# Waits until a query says t; fails after two minutes.
sub wait_for { my ($query, $name) = @_; ok($node->poll_query_until('postgres', $query), $name); }

query(q{
	CREATE EXTENSION customer_centric;
	CREATE TABLE orders AS SELECT customer_id, ordered_at, amount FROM simulate_orders(5000, '{"model": "bg/nbd",
		"timing": {"r": 0.8, "alpha": 8, "a": 0.8, "b": 3.2}, "spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}}', '2024-01-01', '2025-01-01', 1);
	SELECT create_customer_scores('scores', 'orders', 'customer_id', 'ordered_at', 'amount', model => 'bg/nbd', storage => 'table');
	CREATE VIEW resting AS SELECT count(*) AS customers, sum(order_count) AS orders, count(DISTINCT as_of) AS days FROM scores});

my $generation = q{SELECT string_agg(relname, ' ') FROM pg_class WHERE relkind = 'r' AND relname ~ '^scores_generation'};
my $first = query($generation);

sub order { my ($customer) = @_; query("INSERT INTO orders VALUES ($customer, '2025-01-02', 10)"); }

# ---------------------------------------------------------------- one that is read

order(90001);
query('CALL refresh_customer_scores(\'scores\')');
is(query('SELECT customers FROM resting'), 5001, 'what rests on the view sees the new generation');
isnt(query($generation), $first, 'which is another table, and the only one');
is(query($generation) =~ tr/ //, 0, 'one generation is left');
is(query('SELECT sum(n_dead_tup) FROM pg_stat_all_tables WHERE relname ~ \'^scores\''), 0, 'no dead rows are left');

# Two refreshes, over and over, while four sessions read.
my $scripts = PostgreSQL::Test::Utils::tempdir;
append_to_file("$scripts/read.sql", "SELECT 1 / (days = 1)::int FROM resting;\n");
append_to_file("$scripts/refresh.sql", "CALL refresh_customer_scores('scores');\n");
my $log = -s $node->logfile;
my $port = $node->port;
my ($out, $err) = ('', '');
my $readers = IPC::Run::start([ 'pgbench', '-n', '-h', $node->host, '-p', $port, '-c', 4, '-j', 2, '-T', 15, '-f', "$scripts/read.sql", 'postgres' ],
	'>', \$out, '2>', \$err);
my ($refresh_out, $refresh_err) = ('', '');
my $refreshed = IPC::Run::run([ 'pgbench', '-n', '-h', $node->host, '-p', $port, '-c', 2, '-j', 2, '-t', 4, '-f', "$scripts/refresh.sql", 'postgres' ],
	'>', \$refresh_out, '2>', \$refresh_err);
ok($refreshed, 'refreshes at once do not break each other') or diag $refresh_err;
unlike($refresh_out, qr/failed transactions: [1-9]/, 'each of them succeeds');
ok($readers->finish, 'readers see one generation, always') or diag $err;
is(query('SELECT count(*) FROM scores_model'), 2 + 8, 'a row for each refresh');
unlike(slurp_file($node->logfile, $log), qr/still waiting for AccessShareLock/, 'no reader waited for 100 ms');
is(query($generation) =~ tr/ //, 0, 'one generation is left');

# ---------------------------------------------------------------- one that is read for long

my $reader = $node->background_psql('postgres');
$reader->query_safe('BEGIN; SELECT * FROM resting');
$log = -s $node->logfile;
my $waiting = $node->background_psql('postgres', on_error_stop => 0);
order(90002);
$waiting->query_until(qr/begun/, "\\echo begun\nCALL refresh_customer_scores('scores');\n");
wait_for(q{SELECT count(*) = 1 FROM pg_stat_activity WHERE application_name = 'refresh_customer_scores: swap'}, 'another session sees what it is at');
is(query('SELECT customers FROM resting'), 5001, 'the refresh waits for the reader, and others read on') for 1 .. 20;
unlike(slurp_file($node->logfile, $log), qr/still waiting for AccessShareLock/, 'no reader waited for 100 ms');
is($reader->query_safe('SELECT customers FROM resting'), 5001, 'the first one, too');
$reader->query_safe('COMMIT');
wait_for('SELECT customers = 5002 FROM resting', 'when it is done, the generation is swapped');

# One whose snapshot is older than the generation, and who has not looked at it yet: it is not empty.
my $old = $node->background_psql('postgres');
$old->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM orders');
order(90005);
query('CALL refresh_customer_scores(\'scores\')');
is($old->query_safe('SELECT (SELECT count(*) FROM orders WHERE customer_id = 90005), customers FROM resting'), '0|5003', 'an old snapshot sees the new generation');
$old->query_safe('COMMIT');
$old->quit;
query('DELETE FROM orders WHERE customer_id = 90005; CALL refresh_customer_scores(\'scores\')');
$waiting->quit;

# ---------------------------------------------------------------- a crash

# Between the two transactions: a reader keeps the swap from happening.
order(90003);
$reader->query_safe('BEGIN; SELECT * FROM resting');
$waiting = $node->background_psql('postgres', on_error_stop => 0);
$waiting->query_until(qr/begun/, "\\echo begun\nCALL refresh_customer_scores('scores');\n");
wait_for(q{SELECT count(*) = 1 FROM pg_stat_activity WHERE application_name = 'refresh_customer_scores: swap'}, 'written, and not swapped');
$node->stop('immediate');
eval { $reader->quit };
eval { $waiting->quit };
$node->start;
is(query('SELECT customers FROM resting'), 5002, 'a crash leaves the old generation');
is(query($generation) =~ tr/ //, 1, 'and what was written');
query('CALL refresh_customer_scores(\'scores\')');
is(query('SELECT customers FROM resting'), 5003, 'the next refresh goes on from there');
is(query($generation) =~ tr/ //, 0, 'one generation is left');

# An error in the middle leaves the lock of the session, too.
query('ALTER TABLE orders RENAME amount TO total');
query(q{INSERT INTO orders VALUES (90004, 'infinity', 10)});
my ($status, $stdout, $stderr) = $node->psql('postgres', "CALL refresh_customer_scores('scores');\nSELECT count(*) FROM pg_locks WHERE mode = 'ShareUpdateExclusiveLock' AND relation = 'scores'::regclass;", on_error_stop => 0);
like($stderr, qr/ERROR:  .*infinity/i, 'an error is said');
unlike($stderr, qr/WITH histories/, 'without the query');
is($stdout, 0, 'and no lock is left');
is(query('SELECT customers FROM resting'), 5003, 'the old generation stays');

# ---------------------------------------------------------------- replaced and refreshed at once

# Refreshes and replacements follow one another, whatever the storage: no deadlock, and no error of a relation that is gone.
query(q{DELETE FROM orders WHERE customer_id > 500});
foreach my $storage ('table', 'materialized view')
{
	my $make = "create_customer_scores('in_turns', 'orders', 'customer_id', 'ordered_at', 'total', model => 'bg/nbd', storage => '$storage', columns => 'clv_365d'";
	query("SELECT $make)");
	append_to_file("$scripts/$storage.sql", "SELECT $make, replace => true);\n");
	append_to_file("$scripts/refresh $storage.sql", "CALL refresh_customer_scores('in_turns');\n");
	my $ok = IPC::Run::run([ 'pgbench', '-n', '-h', $node->host, '-p', $node->port, '-c', 4, '-j', 2, '-t', 15, '-f', "$scripts/$storage.sql", '-f', "$scripts/refresh $storage.sql", 'postgres' ],
		'>', \$out, '2>', \$err);
	ok($ok, "$storage: refreshes and replacements at once") or diag $err;
	unlike("$out $err", qr/deadlock|could not open|reads neither|failed transactions: [1-9]|aborted/, "$storage: each of them succeeds");
	is(query('SELECT count(DISTINCT refreshed_at) > 15 FROM in_turns_model'), 't', "$storage: and what each fitted is kept");
	query($storage eq 'table' ? 'DROP VIEW in_turns, in_turns_query; DROP TABLE in_turns_model; DROP TABLE IF EXISTS in_turns_generation_1, in_turns_generation_2'
		: 'DROP MATERIALIZED VIEW in_turns CASCADE; DROP TABLE in_turns_refreshes');
}

done_testing();
