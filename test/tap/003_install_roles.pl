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
($status, $stdout, $stderr) = as('owner', 'ALTER EXTENSION customer_centric SET SCHEMA cc');
like($stderr, qr/must be owner of/, 'the owner of the database cannot move it, as doc/reliability.md says');
is((as('owner', q{SELECT count(*) FROM pg_depend JOIN pg_proc ON pg_proc.oid = objid AND classid = 'pg_proc'::regclass
	WHERE deptype = 'e' AND refclassid = 'pg_extension'::regclass AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'customer_centric')
		AND proowner <> 10}))[1], '0', 'functions in C belong to a superuser');
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
($status, $stdout, $stderr) = as('owner', 'DROP MATERIALIZED VIEW sales.customer_scores CASCADE; DROP EXTENSION customer_centric');
is($status, 0, 'and without that it can be dropped') or diag $stderr;

# ---------------------------------------------------------------- whose rows

# Orders of two regions, with a policy: a clerk sees those of the own region.
$node->safe_psql('postgres', "CREATE DATABASE regions OWNER owner TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'");
$node->safe_psql('postgres', "CREATE ROLE $_ LOGIN") foreach qw(north south half_blind);

sub in_regions
{
	my ($role, $sql) = @_;
	return $node->psql('regions', $sql, extra_params => [ '-U', $role ]);
}

($status, $stdout, $stderr) = in_regions('owner', q{
	CREATE EXTENSION customer_centric;
	CREATE TABLE orders AS
	SELECT CASE WHEN customer_id % 3 = 0 THEN 'north' ELSE 'south' END AS region, customer_id, ordered_at,
		round(amount::numeric, 2) AS amount
	FROM simulate_orders(900, '{"model": "bg/nbd", "time_unit_days": 7,
		"timing": {"r": 0.8, "alpha": 8, "a": 0.8, "b": 3.2},
		"spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}}', '2024-01-01', '2025-01-01', 1);
	ALTER TABLE orders ENABLE ROW LEVEL SECURITY;
	CREATE POLICY own_region ON orders FOR SELECT TO north, south USING (region = current_user);
	GRANT SELECT ON orders TO north, south;
	GRANT SELECT (customer_id, ordered_at) ON orders TO half_blind;
	CREATE VIEW anyones WITH (security_invoker = true) AS SELECT customer_id, ordered_at, amount FROM orders;
	GRANT SELECT ON anyones TO north, south;
	CREATE SCHEMA north AUTHORIZATION owner;
	GRANT CREATE, USAGE ON SCHEMA north TO north;
});
is($status, 0, 'orders with row security') or diag $stderr;

sub query_of
{
	my ($orders, $amount) = @_;
	return qq{SELECT customer_scores_query('$orders', 'customer_id', 'ordered_at'$amount) AS query \\gset\n};
}
my $mine = "SELECT count(*), count(*) FILTER (WHERE (customer_id % 3 = 0) <> (current_user = 'north')) FROM (:query) AS scores";
is((in_regions($_, query_of('orders', ", 'amount'") . $mine))[1], $_ eq 'north' ? '300|0' : '600|0', "$_: scores its own customers")
  foreach qw(north south);
is((in_regions($_, query_of('anyones', ", 'amount'") . $mine))[1], $_ eq 'north' ? '300|0' : '600|0', "$_: and no others through a view")
  foreach qw(north south);
is((in_regions('owner', query_of('orders', ", 'amount'") . 'SELECT count(*) FROM (:query) AS scores'))[1], '900', 'owner: scores all');

# Scores are relative to the customers that one sees: nothing of the others shows in them.
is( (in_regions('north', query_of('orders', ", 'amount'") . q{SELECT md5(string_agg(s::text, ' ' ORDER BY customer_id)) FROM (:query) AS s}))[1],
	(in_regions('owner', "CREATE TABLE northern AS SELECT * FROM orders WHERE region = 'north';\n"
	  . query_of('northern', ", 'amount'") . q{SELECT md5(string_agg(s::text, ' ' ORDER BY customer_id)) FROM (:query) AS s}))[1],
	'north: its scores are those of a table that holds nothing else');

# A view of scores is its maker's.
($status, $stdout, $stderr) = in_regions('north', q{
	SELECT create_customer_scores('north.scores', 'orders', 'customer_id', 'ordered_at', 'amount');
	REFRESH MATERIALIZED VIEW CONCURRENTLY north.scores; SELECT count(*) FROM north.scores});
is($stdout, "300\n300", 'north: makes a view of its own') or diag $stderr;
($status, $stdout, $stderr) = in_regions('south', 'SELECT * FROM north.scores');
like($stderr, qr/permission denied/, 'south: cannot read it');
($status, $stdout, $stderr) = in_regions('south', q{SELECT create_customer_scores('north.mine', 'orders', 'customer_id', 'ordered_at', 'amount')});
like($stderr, qr/permission denied for schema north/, 'south: nor make one where it may not');

# What a role may not read stays unread, column by column.
is((in_regions('half_blind', query_of('northern', '') . 'SELECT 1 FROM (:query) AS s LIMIT 1'))[0], 3, 'half_blind: no table that was not granted');
my ($without, $with) = map { [ in_regions('half_blind', query_of('orders', $_) . 'SELECT count(*) FROM (:query) AS s') ] } '', ", 'amount'";
is($without->[1], '0', 'half_blind: scores by the columns it may read (no policy shows it a row)') or diag $without->[2];
like($with->[2], qr/permission denied for table orders/, 'half_blind: and not by others');

# ---------------------------------------------------------------- what is run

# Whatever a table and its columns are called, the query is the query. The canary dies of
# anything else that is run.
my @names = (
	q{"; DROP TABLE canary; --}, q{x'; DROP TABLE canary; --}, q{$$; DROP TABLE canary; $$}, q{/* } . q{*/ DROP TABLE canary;},
	"line\nbreak", "\\'; DROP TABLE canary; --", '{orders} @x {days}', '%s %n %', ' ', 'SELECT', 'Größe 数 😀', 'ü' x 31 . 'x', 'x' x 63,
	'o', 's', 'history', 'customer_id', 'now().pg_catalog.abs');
sub identifier { my ($name) = @_; $name =~ s/"/""/g; return qq{"$name"}; }
sub literal { my ($text) = @_; $text =~ s/'/''/g; $text =~ s/\\/\\\\/g; return qq{E'$text'}; }

my $script = "SET client_encoding = 'UTF8'; CREATE TABLE canary (); CREATE TABLE passed (name text, customers bigint);\n";
foreach my $i (0 .. $#names)
{
	my ($schema, $table, $id, $at, $amount, $view) = map { $names[ ($i + $_) % @names ] } 0 .. 5;
	$view = substr $view, 0, 50;	# what stands beside it has longer names
	my ($qualified, $q_view) = (identifier($schema) . '.' . identifier($table), identifier($schema) . '.' . identifier("$i"));
	my ($id_, $at_, $amount_) = map { identifier($_) } $id, $at, $amount;
	$script .= "CREATE SCHEMA ${\identifier($schema)};
		CREATE TABLE $qualified ($id_, $at_, $amount_) AS SELECT customer_id, ordered_at, amount FROM northern;
		SELECT create_customer_scores(${\literal($q_view)}, ${\literal($qualified)}, ${\literal($id)}, ${\literal($at)}, ${\literal($amount)}, margin => 0.5);
		INSERT INTO passed SELECT ${\literal($schema)}, count(*) FROM $q_view WHERE score_status IN ('ok', 'one_order');
		SELECT create_customer_scores(${\literal(identifier($view))}, ${\literal($qualified)}, ${\literal($id)}, ${\literal($at)});
		CALL refresh_customer_scores(${\literal(identifier($view))});
		SELECT create_customer_scores(${\literal(identifier($view))}, ${\literal($qualified)}, ${\literal($id)}, ${\literal($at)}, storage => 'table', replace => true);
		CALL refresh_customer_scores(${\literal(identifier($view))});\n";
}
foreach my $settings ('quote_all_identifiers = on', 'standard_conforming_strings = off')
{
	my $undo = join '', map { "DROP SCHEMA ${\identifier($_)} CASCADE; DROP VIEW IF EXISTS ${\identifier(substr $_, 0, 50)} CASCADE; DROP TABLE IF EXISTS ${\identifier(substr($_, 0, 50) . '_model')} CASCADE;\n" } @names;
	# (the second cannot be turned off any more since 19)
	($status, $stdout, $stderr) = in_regions('owner', "SET $settings");
	next if $status != 0;
	($status, $stdout, $stderr) = in_regions('owner',
		"SET client_min_messages = error; SET $settings;\n$script\n$undo");
	is($status, 0, "$settings: names of all kinds") or diag $stderr;
	is((in_regions('owner', 'SELECT count(*), min(customers), max(customers) FROM passed, canary RIGHT JOIN (SELECT) AS x ON true'))[1],
		@names . '|300|300', "$settings: every name gives the scores, and nothing else was run");
	in_regions('owner', 'DROP TABLE canary, passed');
}
foreach my $name ('a; DROP TABLE canary', 'a.b.c.d', '', '"', '"a" b')
{
	($status, $stdout, $stderr) = in_regions('owner',
		"SELECT create_customer_scores(${\literal($name)}, 'northern', 'customer_id', 'ordered_at', 'amount')");
	like($stderr, qr/invalid name syntax|improper relation name|invalid identifier|cross-database/, "\"$name\" is no name of a view");
}

# Nothing that lies in wait on the search_path is called: here everything that the query
# uses lies there, before the server's own.
($status, $stdout, $stderr) = in_regions('owner', q{
	CREATE SCHEMA trap;
	CREATE FUNCTION trap.sprung() RETURNS int LANGUAGE plpgsql AS 'BEGIN RAISE ''the trap has sprung''; END';
	CREATE FUNCTION trap.abs(float8) RETURNS float8 LANGUAGE sql AS 'SELECT trap.sprung()::float8';
	CREATE FUNCTION trap.substr(text, int, int) RETURNS text LANGUAGE sql AS 'SELECT trap.sprung()::text';
	CREATE FUNCTION trap.less(float8, float8) RETURNS bool LANGUAGE sql AS 'SELECT trap.sprung() = 0';
	CREATE FUNCTION trap.less(float8, numeric) RETURNS bool LANGUAGE sql AS 'SELECT trap.sprung() = 0';
	CREATE FUNCTION trap.less(date, date) RETURNS bool LANGUAGE sql AS 'SELECT trap.sprung() = 0';
	CREATE OPERATOR trap.< (LEFTARG = float8, RIGHTARG = float8, FUNCTION = trap.less);
	CREATE OPERATOR trap.< (LEFTARG = float8, RIGHTARG = numeric, FUNCTION = trap.less);
	CREATE OPERATOR trap.<= (LEFTARG = date, RIGHTARG = date, FUNCTION = trap.less);
	CREATE DOMAIN trap.date AS pg_catalog.date CHECK (trap.sprung() = 0);
	CREATE DOMAIN trap.text AS pg_catalog.text CHECK (trap.sprung() = 0);
	CREATE DOMAIN trap.numeric AS pg_catalog.numeric CHECK (trap.sprung() = 0);
	CREATE DOMAIN trap.clv_model AS public.clv_model CHECK (trap.sprung() = 0);
	CREATE FUNCTION trap.purchase_history_add_timestamp_numeric(public.purchase_history, timestamp, pg_catalog.numeric)
		RETURNS public.purchase_history LANGUAGE sql AS 'SELECT NULL::public.purchase_history FROM trap.sprung()';
	CREATE AGGREGATE trap.purchase_history(timestamp, pg_catalog.numeric)
		(SFUNC = trap.purchase_history_add_timestamp_numeric, STYPE = public.purchase_history);
	CREATE FUNCTION trap.churn_prob(public.purchase_history, public.clv_model, pg_catalog.date) RETURNS float8
		LANGUAGE sql AS 'SELECT trap.sprung()::float8';
	CREATE FUNCTION trap.segment_of(pg_catalog.text) RETURNS pg_catalog.text LANGUAGE sql AS 'SELECT trap.sprung()::pg_catalog.text';
	CREATE TABLE trap.northern (customer_id int, ordered_at timestamp, amount pg_catalog.numeric);
});
is($status, 0, 'a trap is laid') or diag $stderr;
($status, $stdout, $stderr) = in_regions('owner', q{SET search_path = trap, pg_catalog, public; SELECT '2026-01-01'::date});
like($stderr, qr/the trap has sprung/, 'it works');
my $as_of = ", 'amount', as_of => '2024-12-31'";
($status, $stdout, $stderr) = in_regions('owner', query_of('public.northern', $as_of) . q{
	SET search_path = trap, pg_catalog, public;
	SELECT pg_catalog.count(*) FROM (:query) AS scores;
	SELECT public.create_customer_scores('public.safe', 'public.northern', 'customer_id', 'ordered_at', 'amount');
	REFRESH MATERIALIZED VIEW CONCURRENTLY public.safe;});
is($stdout, "300\n300", 'the query does not step into it, nor does what makes a view') or diag $stderr;

# ---------------------------------------------------------------- objects that wait for the installation

# Bodies are resolved when they are made. Where another role has made a better match before, there is no installation.
my $captured = q{CREATE FUNCTION public.captured(%s) RETURNS %s LANGUAGE plpgsql AS 'BEGIN RAISE ''captured''; END'; %s};
my %waiting = (
	'an operator' => [ 'float8, int', 'float8', 'CREATE OPERATOR public./ (LEFTARG = float8, RIGHTARG = int, FUNCTION = public.captured)' ],
	'a comparison' => [ 'float8, int', 'boolean', 'CREATE OPERATOR public.< (LEFTARG = float8, RIGHTARG = int, FUNCTION = public.captured)' ],
	'a function' => [ 'text, text, text, text', 'text', 'ALTER FUNCTION public.captured RENAME TO format' ]);
$node->safe_psql('postgres', 'CREATE ROLE waiting');
foreach my $what (sort keys %waiting)
{
	$node->safe_psql('postgres', 'DROP DATABASE IF EXISTS ambush');
	$node->safe_psql('postgres', 'CREATE DATABASE ambush');
	$node->safe_psql('ambush', 'GRANT CREATE ON SCHEMA public TO waiting; SET ROLE waiting; ' . sprintf($captured, @{ $waiting{$what} }));
	($status, $stdout, $stderr) = $node->psql('ambush', 'CREATE EXTENSION customer_centric');
	like($stderr, qr/cannot be installed here: function \S.* would use (function|operator)/, "$what of another role in the schema: refused");
	is($node->safe_psql('ambush', 'CREATE SCHEMA cc; CREATE EXTENSION customer_centric SCHEMA cc; SELECT extnamespace::regnamespace FROM pg_extension WHERE extname = $$customer_centric$$'),
		'cc', "$what: not in a schema of its own");
}

# ---------------------------------------------------------------- databases of other encodings

# What is said is ASCII, and what is hashed is UTF-8: the script can be read, and a customer is in the same sample.
foreach my $encoding (qw(EUC_JP LATIN1 SQL_ASCII UTF8))
{
	$node->safe_psql('postgres', "CREATE DATABASE encoded ENCODING '$encoding' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0");
	$node->safe_psql('encoded', 'CREATE EXTENSION customer_centric');
	is($node->safe_psql('encoded', q{SELECT count(*) FROM pg_description WHERE description ~ '[^[:ascii:]]'
		AND objoid IN (SELECT objid FROM pg_depend WHERE deptype = 'e' AND refclassid = 'pg_extension'::regclass)}), '0', "$encoding: comments are ASCII");
	is($node->safe_psql('encoded', qq{SET client_encoding = @{[ $encoding eq 'SQL_ASCII' ? 'SQL_ASCII' : 'UTF8' ]};
		SELECT string_agg(in_sample('d\xc3\xa9j\xc3\xa0 ' || n, 0.5)::int::text, '' ORDER BY n) FROM generate_series(1, 20) AS n}),
		'10101001010100011001', "$encoding: the same sample") unless $encoding eq 'EUC_JP';
	$node->safe_psql('postgres', 'DROP DATABASE encoded');
}

$node->stop;
done_testing();
