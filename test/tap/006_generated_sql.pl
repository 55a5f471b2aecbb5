# SQL that the extension writes, or runs, calls what it names and nothing else: no function,
# operator, type or cast that another role may add anywhere comes between.
#
# A new query builder adds its lines to @generated, a new function that runs what it has
# written adds its lines to @run. Everything else follows from the texts.

use strict;
use warnings;

use JSON::PP ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $columns = "'shop.%s', 'customer_id', 'ordered_at', 'amount'";

my $triggers = "'shop.scored', '2024-05-30', 7, 'shop.scored', 'shop.scored', 'shop.scored'";
my $actions = q{'shop.scored', '{"segments": []}', 0.2, 5, 'it''s', 0.1, 2, 7, '2024-05-30 00:00+00'};
my $kept = '(SELECT cuts FROM shop.models), (SELECT rules FROM shop.models)';

# What gives a text: a name, and a call of the function.
my @generated = (
	map({ [ "customer_scores_query over $_", sprintf("customer_scores_query($columns)", $_) ] }
		qw(orders in_domains in_nested_domains in_integers in_real at_zoned_times)),
	[ 'customer_scores_query without amounts', q{customer_scores_query('shop.in_domains', 'customer_id', 'ordered_at')} ],
	[ 'customer_scores_query in parts', sprintf("customer_scores_query($columns, workers => 2)", 'in_domains') ],
	[ 'customer_scores_query of lines in parts', sprintf("customer_scores_query($columns, order_id => 'order_id', workers => 2)", 'in_groups') ],
	[   'customer_scores_query with every argument',
		sprintf("customer_scores_query($columns, 90, 0.05, 0.4, '2024-12-01', 'bg/nbd', 'order_id', ARRAY['country'], $kept,
			columns => ARRAY['*', 'clv_low', 'clv_high'])", 'in_groups') ],
	[ 'customer_scores_query of histories', q{customer_scores_query('shop.histories', 'customer_id', as_of => '2024-12-01'::text)} ],
	[ 'customer_scores_query of histories with several rows', q{customer_scores_query('shop.parts', 'customer_id', as_of => 'day of the refresh'::text)} ],
	[ 'customer_scores_query with a kept model', q{customer_scores_query('shop.histories', ARRAY['customer_id', 'shop'], model => (SELECT model FROM shop.models))} ],
	map({ [ "load_orders_query over $_", sprintf("load_orders_query('shop.histories', $columns, since => '2024-06-01', until => '2024-12-01')", $_) ] }
		qw(in_nested_domains in_real at_zoned_times)),
	[ 'load_orders_query of lines', sprintf("load_orders_query('shop.histories', $columns, 'order_id', since => '2024-06-01')", 'in_groups') ],
	[ 'customer_triggers_query', "customer_triggers_query('shop.scored', '2024-05-30')" ],
	[ 'customer_triggers_query with every argument', "customer_triggers_query($triggers)" ],
	[ 'next_best_actions_query', q{next_best_actions_query('shop.scored', '{"segments": []}', 0.2)} ],
	[ 'next_best_actions_query with every argument', "next_best_actions_query($actions)" ]);

# What runs what it has written.
my @run = (
	map({ [ "create_customer_scores over $_", sprintf("create_customer_scores('shop.scores_$_', $columns)", $_) ] }
		qw(orders in_domains in_nested_domains in_integers in_real at_zoned_times)),
	[   'create_customer_scores with every argument',
		sprintf("create_customer_scores('shop.scores_as_of', $columns, 90, 0.05, 0.4, '2024-12-01', 'bg/nbd', 'order_id', ARRAY['country'], $kept)", 'in_groups') ],
	[   'create_customer_scores with a table', sprintf("create_customer_scores('shop.stored', $columns, storage => 'table', verbose => true)", 'orders') ],
	[   'create_customer_scores of histories', "create_customer_scores('shop.of_histories', 'shop.histories', 'customer_id')" ],
	[   'load_orders', sprintf("load_orders('shop.histories', $columns, since => '2024-06-01')", 'in_domains') ],
	[ 'customer_triggers', "customer_triggers($triggers)" ],
	[ 'next_best_actions', "next_best_actions($actions)" ]);

# What runs what it has written, and makes no view of scores.
my @read = (
	[ 'create_snapshots', q{create_snapshots('shop.more_snaps', 'shop.scored')} ],
	[ 'take_snapshot', q{take_snapshot('shop.snaps')} ],
	[ 'take_snapshot again', q{take_snapshot('shop.snaps', '2025-01-02')} ],
	[ 'snapshot_transitions', q{snapshot_transitions('shop.snaps', '2024-12-31', '2025-01-02')} ],
	[ 'customer_snapshot', q{customer_snapshot('shop.snaps', '1', '2025-01-02')} ],
	[ 'customer_action', q{customer_action('shop.acts', '1')} ],
	map({ [ "check_orders over $_", sprintf("check_orders($columns, 'amount')", $_) ] }
	qw(orders in_domains in_nested_domains in_integers in_real at_zoned_times)));

# What runs over columns of an enum of another role, with casts of that role: name, call.
my $in_kinds = "'shop.kind_orders', 'customer_id', 'ordered_at', 'amount'";
my @over_kinds = (
	[ 'customer_triggers', q{customer_triggers('shop.kind_scored', '2024-05-30', 7, 'shop.kind_scored', 'shop.kind_scored', 'shop.kind_scored')} ],
	[ 'next_best_actions', q{next_best_actions('shop.kind_scored', '{"segments": []}', 0.2, 5, 'it''s', 0.1, 2, 7, '2024-05-30 00:00+00')} ],
	[ 'create_snapshots', q{create_snapshots('shop.kind_snaps', 'shop.kind_scored')} ],
	[ 'take_snapshot', q{take_snapshot('shop.kind_snaps', '2025-01-01')} ],
	[ 'take_snapshot again', q{take_snapshot('shop.kind_snaps', '2025-01-02')} ],
	[ 'snapshot_transitions', q{snapshot_transitions('shop.kind_snaps', '2025-01-01', '2025-01-02')} ],
	[ 'customer_snapshot', q{customer_snapshot('shop.kind_snaps', 'a', '2025-01-02')} ],
	[ 'customer_action', q{customer_action('shop.kind_acts', 'a')} ],
	[ 'load_orders of lines', "load_orders('shop.kind_histories', $in_kinds, 'order_id', since => '2024-06-01')" ],
	[ 'load_orders', "load_orders('shop.kind_histories', $in_kinds, since => '2024-06-01')" ],
	[ 'create_customer_scores', "create_customer_scores('shop.kind_scores', $in_kinds, order_id => 'order_id', group_by => ARRAY['country'])" ],
	[ 'create_customer_scores of histories', q{create_customer_scores('shop.kind_of_histories', 'shop.kind_histories', 'customer_id')} ],
	[ 'create_customer_scores in a table', "create_customer_scores('shop.kind_stored', $in_kinds, storage => 'table')" ],
	[ 'create_customer_audit', "create_customer_audit('shop.kind_audit', $in_kinds, since => '2024-01-01', until => '2025-01-01')" ],
	[ 'check_orders', "check_orders($in_kinds, 'order_id')" ]);

# ---------------------------------------------------------------- reading a text

# The words of SQL that may stand before a parenthesis or a literal and call nothing.
my %word = map { $_ => 1 } qw(AND AS BY CASE CONFLICT ELSE EXISTS FILTER FROM GROUP IS MATERIALIZED NOT JOIN KEY ON OR OVER SELECT
  SET THEN VALUES WHEN WHERE WITH COALESCE GREATEST LEAST ROW RETURNING BTREE);

# Those that look up an operator by its name on the search_path.
my %operator_word = map { $_ => 1 } qw(ANY BETWEEN ILIKE IN LIKE NATURAL NULLIF OVERLAPS SIMILAR SOME USING);

# The tokens of a statement: [kind, text].
sub tokens
{
	my ($text) = @_;
	my @tokens;
	while ($text =~ m{\G(?:
		  (?<space>\s+|--[^\n]*|/\*.*?\*/)
		| (?<literal>[EeBbXxNn]?'(?:[^']|'')*'|\$(\w*)\$.*?\$\g{-1}\$)
		| (?<quoted>"(?:[^"]|"")*")
		| (?<number>\d[\w.]*)
		| (?<word>\w[\w\$]*)
		| (?<operator>[-+*/<>=~!@\#%^&|`?]+)
		| (?<mark>::|.))}gsx)
	{
		my ($kind) = grep { defined $+{$_} } qw(space literal quoted number word operator mark);
		push @tokens, [ $kind, $+{$kind} ] unless $kind eq 'space';
	}
	return @tokens;
}

# What a text leaves to the search_path, and what it calls: complaints, {functions}, {operators}, {types}.
sub examine
{
	my ($text) = @_;
	my @t = tokens($text);
	my (@complaints, %functions, %operators, %types);
	my $at = sub { my ($i) = @_; return $i >= 0 && $i < @t ? $t[$i][1] : ''; };
	my $kind = sub { my ($i) = @_; return $i >= 0 && $i < @t ? $t[$i][0] : ''; };
	my $is_name = sub { return $kind->($_[0]) =~ /^(word|quoted)$/; };

	# the end of a list of columns: SET (a, b)
	my $is_assigned = sub {
		my ($i) = @_;
		return '' if $at->($i) ne ')';
		do { $i-- } while ($is_name->($i) || $at->($i) eq ',');
		return $at->($i) eq '(' && uc($at->($i - 1)) eq 'SET';
	};

	for my $i (0 .. $#t)
	{
		my $token = $at->($i);
		my $upper = uc $token;
		my $qualified = $at->($i - 1) eq '.';
		my $relation = $qualified && uc($at->($i - 3)) =~ /^(INTO|ON|TABLE|VIEW|UPDATE)$/;

		if ($is_name->($i) && $at->($i + 1) eq '(' && !$relation)
		{
			if ($qualified) { $functions{ $at->($i - 2) . ".$token" } = 1; }
			elsif ($kind->($i) eq 'quoted' || !$word{$upper} && !$operator_word{$upper} && $upper ne 'OPERATOR')
			{
				push @complaints, "function $token without a schema";
			}
		}
		if ($kind->($i) eq 'literal' && $is_name->($i - 1) && !$word{ uc $at->($i - 1) })
		{
			if ($at->($i - 2) eq '.') { $types{ $at->($i - 3) . '.' . $at->($i - 1) } = 1; }
			else { push @complaints, "type " . $at->($i - 1) . " without a schema"; }
		}
		if ($token eq '::')
		{
			if ($at->($i + 2) eq '.') { $types{ $at->($i + 1) . '.' . $at->($i + 3) } = 1; }
			else { push @complaints, "type " . $at->($i + 1) . " without a schema"; }
		}
		# USING may also name an operator that has its schema, or the kind of an index.
		push @complaints, "operator word $token"
		  if $kind->($i) eq 'word' && !$qualified && $operator_word{$upper} && ($upper ne 'USING' || uc($at->($i + 1)) !~ /^(OPERATOR|BTREE)$/);
		push @complaints, 'operator word DISTINCT FROM' if $upper eq 'DISTINCT' && uc($at->($i + 1)) eq 'FROM';
		push @complaints, 'operator word CASE' if $upper eq 'CASE' && uc($at->($i + 1)) ne 'WHEN';
		push @complaints, 'CAST: write ::' if $upper eq 'CAST' && $at->($i + 1) eq '(';
		# On Citus such a relation cannot travel.
		push @complaints, 'relation without columns' if $upper eq 'FROM' && $at->($i + 1) eq '(' && uc($at->($i + 2)) eq 'SELECT' && uc($at->($i + 3)) eq 'FROM';
		if ($kind->($i) eq 'operator')
		{
			if ($qualified && $at->($i - 3) eq '(' && uc($at->($i - 4)) eq 'OPERATOR') { $operators{ $at->($i - 2) . ".$token" } = 1; }
			elsif ($token eq '=' && uc($at->($i - 2)) eq 'SET') { }	# an assignment
			elsif ($token eq '=' && $is_assigned->($i - 1)) { }
			elsif ($token eq '*' && ($qualified || uc($at->($i - 1)) eq 'SELECT' || $at->($i - 1) eq '(' && $at->($i + 1) eq ')')) { }
			else { push @complaints, "operator $token without a schema"; }
		}
	}
	return { complaints => \@complaints, functions => \%functions, operators => \%operators, types => \%types };
}

# The examination sees what it looks for.
foreach my $bad (
	'SELECT now()', 'SELECT a + b FROM s.t', 'SELECT a::date', q{SELECT date '2024-01-01'}, 'SELECT a IN (1)', 'SELECT a LIKE b',
	'SELECT a IS DISTINCT FROM b', 'SELECT CASE a WHEN 1 THEN 2 END', 'SELECT * FROM s.a JOIN s.b USING (c)', 'SELECT a BETWEEN 1 AND 2',
	'SELECT "abs"(a)', 'SELECT CAST(a AS date)', 'SELECT a = ANY (b)', 'SELECT NULLIF(a, b)', 'SELECT sum (a)', 'SELECT a::double precision',
	'SELECT true FROM (SELECT FROM s.t) AS x')
{
	isnt(scalar @{ examine($bad)->{complaints} }, 0, "seen: $bad");
}
is_deeply(
	examine(q{SELECT pg_catalog.count(*), s.*, 'now()' AS "a + b" FROM (SELECT a OPERATOR(pg_catalog.+) '1'::pg_catalog.int4 FROM s.t) AS s})->{complaints},
	[], 'and nothing else');

# ---------------------------------------------------------------- a shop

my $node = PostgreSQL::Test::Cluster->new('generated');
$node->init;
# pg_stat_statements sees statements within statements that change the catalogs, too.
my $pkglibdir = qx(pg_config --pkglibdir);
chomp $pkglibdir;
my $has_statements = -e "$pkglibdir/pg_stat_statements.so";
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'pg_stat_statements'\npg_stat_statements.track = all\n") if $has_statements;
$node->start;
$node->safe_psql('postgres', 'CREATE ROLE owner LOGIN; CREATE ROLE rival LOGIN; CREATE DATABASE shop OWNER owner; GRANT rival TO owner');

sub as
{
	my ($role, $sql) = @_;
	my ($status, $stdout, $stderr) = $node->psql('shop', $sql, extra_params => [ '-U', $role ], on_error_stop => 1);
	return { status => $status, stdout => $stdout, stderr => $stderr };
}

sub runs_as
{
	my ($role, $sql, $name) = @_;
	my $result = as($role, $sql);
	is($result->{status}, 0, $name) or diag $result->{stderr};
	return $result->{stdout};
}

# Nobody's types come between either: columns are of domains that the rival made.
runs_as('owner', q{
	CREATE SCHEMA cc; CREATE EXTENSION customer_centric SCHEMA cc; CREATE SCHEMA rival AUTHORIZATION rival;
	GRANT CREATE, USAGE ON SCHEMA cc, public TO rival;
	CREATE SCHEMA shop; GRANT USAGE ON SCHEMA shop TO rival}, 'a shop');
runs_as('rival', q{
	CREATE DOMAIN rival.day AS timestamp; CREATE DOMAIN rival.nested_day AS rival.day;
	CREATE DOMAIN rival.price AS numeric(12,2); CREATE DOMAIN rival.nested_price AS rival.price}, 'domains of a rival');
runs_as('owner', q{
	SET search_path = cc;
	CREATE TABLE shop.orders AS SELECT customer_id, ordered_at, amount::numeric(12,2)
	FROM simulate_orders(200, '{"model": "bg/nbd", "timing": {"r": 0.8, "alpha": 8, "a": 0.8, "b": 3.2},
		"spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}}', '2024-01-01', '2025-01-01', 1);
	CREATE TABLE shop.in_domains AS SELECT customer_id, ordered_at::rival.day, amount::rival.price FROM shop.orders;
	CREATE TABLE shop.in_nested_domains AS SELECT customer_id, ordered_at::rival.nested_day, amount::rival.nested_price FROM shop.orders;
	CREATE TABLE shop.in_integers AS SELECT customer_id, ordered_at::date, amount::integer FROM shop.orders;
	CREATE TABLE shop.in_real AS SELECT customer_id, ordered_at, amount::real FROM shop.orders;
	CREATE TABLE shop.scored AS SELECT customer_id, 'slipping'::text AS lifecycle, 3 AS recency_days, 4::bigint AS order_count, 0.3::float8 AS churn_prob,
		10::rival.price AS clv_365d, 'Loyal'::text AS segment, 5::rival.nested_price AS value, 'mail'::text AS action, 7 AS slot, contact_log(ordered_at::timestamptz) AS contacts,
		'2024-06-01'::rival.day AS due_on, 'coffee'::text AS item, '2020-06-01'::rival.nested_day AS "on", 'birthday'::text AS event,
		'2025-01-02'::rival.day AS as_of FROM shop.orders GROUP BY customer_id;
	CREATE TABLE shop.acts AS SELECT customer_id, true AS contact, 'gain'::text AS why, value AS expected_gain FROM shop.scored;
	SELECT create_snapshots('shop.snaps', 'shop.scored'); SELECT take_snapshot('shop.snaps', '2025-01-01');
	CREATE TABLE shop.in_groups AS SELECT *, customer_id % 2 AS country, customer_id::numeric % 3 AS history, row_number() OVER () / 2 AS order_id FROM shop.orders;
	CREATE TABLE shop.histories AS SELECT customer_id, 1 AS shop, purchase_history(ordered_at, amount) AS history FROM shop.orders GROUP BY customer_id;
	CREATE UNIQUE INDEX ON shop.histories (customer_id);
	CREATE VIEW shop.parts AS TABLE shop.histories;
	CREATE TABLE shop.models AS SELECT clv_fit(customer_base(history), 'bg/nbd') AS model, default_segment_rules(5) AS rules,
		rfm_cuts(recency_days(history, '2025-01-01'), order_count(history), total_spend(history)) AS cuts FROM shop.histories;
	CREATE TABLE shop.at_zoned_times AS SELECT customer_id, ordered_at::timestamptz, amount::float8 FROM shop.orders}, 'orders in all kinds of types');

# ---------------------------------------------------------------- the texts

my %all = (functions => {}, operators => {}, types => {});

# A text leaves nothing to the search_path; what it names is remembered.
sub closed
{
	my ($name, $text) = @_;
	my $found = examine($text);
	is_deeply($found->{complaints}, [], "$name: nothing is left to the search_path") or diag $text;
	foreach my $what (sort keys %all)
	{
		is(join(' ', grep { !/^(cc|pg_catalog)\./ } sort keys %{ $found->{$what} }), '', "$name: $what of the extension and the server only");
		$all{$what}{$_} = 1 foreach keys %{ $found->{$what} };
	}
}

my @texts;
foreach my $item (@generated)
{
	my ($name, $call) = @$item;
	my $text = runs_as('owner', "SELECT cc.$call", "$name: written");
	closed($name, $text);
	push @texts, [ $name, $text ];
}

# What functions run is seen by auto_explain, which shows statements within statements.
sub statements_within
{
	my ($call) = @_;
	my $result = as('postgres', "SET client_min_messages = error; LOAD 'auto_explain'; SET auto_explain.log_min_duration = 0;
		SET auto_explain.log_nested_statements = on; SET auto_explain.log_level = notice; SET auto_explain.log_format = json;
		SET client_min_messages = notice; BEGIN; SET LOCAL ROLE owner; SELECT cc.$call; ROLLBACK");
	return map { JSON::PP->new->allow_nonref->decode($_) } $result->{stderr} =~ /"Query Text": ("(?:[^"\\]|\\.)*")/g;
}

SKIP:
{
	skip 'no auto_explain', 1 if as('postgres', "LOAD 'auto_explain'")->{status} != 0;
	foreach my $item (@run)
	{
		my ($name, $call) = @$item;
		my @within = grep { !/^SELECT cc\./ } statements_within($call);
		cmp_ok(scalar @within, '>=', 1, "$name: runs statements");
		closed($name . ', statement ' . ($_ + 1), $within[$_]) foreach 0 .. $#within;
	}
	foreach my $item (@read)
	{
		my ($name, $call) = @$item;
		next if $name =~ /^create/;		# what only makes objects is not shown
		my @within = grep { !/^\s*SELECT cc\.\Q$call\E/ } statements_within($call);
		cmp_ok(scalar @within, '>=', 1, "$name: runs a statement");
		closed($name, $_) foreach @within;
	}
}

# What makes objects, and what refreshes them, in every form.
SKIP:
{
	skip 'no pg_stat_statements', 1 if !$has_statements;
	$node->safe_psql('shop', 'CREATE SCHEMA stats; CREATE EXTENSION pg_stat_statements SCHEMA stats');
	my $grouped = "$columns, group_by => ARRAY['country', 'history'], model => 'bg/nbd'";
	runs_as('owner', sprintf("SELECT cc.create_customer_scores('shop.refreshed', $grouped); SELECT cc.create_customer_scores('shop.refreshed_rows', $grouped, storage => 'table');
		GRANT SELECT ON shop.refreshed TO rival; CREATE INDEX ON shop.refreshed (segment); COMMENT ON COLUMN shop.refreshed.segment IS 'mine'", ('in_groups') x 2), 'scores to be refreshed');
	my @changes = (
		map({ [ $_->[0], "SELECT cc.$_->[1]" ] } grep { $_->[1] =~ /^(create_|load_orders)/ } @run, @read),
		[ 'create_customer_audit', "SELECT cc.create_customer_audit('shop.audit', " . sprintf($columns, 'in_domains') . ')' ],
		[ 'refresh_customer_scores of a view', q{CALL cc.refresh_customer_scores('shop.refreshed')} ],
		[ 'refresh_customer_scores again', q{CALL cc.refresh_customer_scores('shop.refreshed')} ],
		[ 'refresh_customer_scores of a table', q{CALL cc.refresh_customer_scores('shop.refreshed_rows')} ],
		[ 'create_customer_scores in the place of a view', sprintf("SELECT cc.create_customer_scores('shop.refreshed', $grouped, replace => true, storage => 'table')", 'in_groups') ],
		[ 'create_customer_scores in the place of a table', sprintf("SELECT cc.create_customer_scores('shop.refreshed', $grouped, replace => true)", 'in_groups') ]);
	foreach my $item (@changes)
	{
		my ($name, $call) = @$item;
		$node->safe_psql('shop', 'SELECT stats.pg_stat_statements_reset()');
		runs_as('owner', $call =~ /refreshed/ ? $call : "BEGIN; $call; ROLLBACK", "$name: runs");
		my $seen = JSON::PP->new->decode($node->safe_psql('shop', q{SELECT coalesce(json_agg(query), '[]') FROM stats.pg_stat_statements WHERE NOT toplevel}));
		cmp_ok(scalar @$seen, '>=', 2, "$name: statements are seen");
		# Names of options and rights are no expressions; what names pg_temp is the server's own, for REFRESH ... CONCURRENTLY.
		closed("$name, statement within", $_) foreach grep { !/^(ALTER|GRANT|REVOKE|COMMENT|LOCK)|pg_temp/ } @$seen;
	}
	$node->safe_psql('shop', 'DROP EXTENSION pg_stat_statements');
}
cmp_ok(scalar(keys %{ $all{$_} }), '>', 0, "some $_ are named") foreach sort keys %all;

# ---------------------------------------------------------------- the rivals

sub names { my ($what) = @_; return join ', ', map { s/^\w+\.//r =~ s/'/''/gr =~ s/(.*)/'$1'/r } sort keys %{ $all{$what} }; }

# For each function that a text names, in the extension's schema, in one that comes first on
# the search_path, in public and in pg_temp: the same arguments (where there is room),
# arguments of domains over their types, more general and more special ones, fewer, any, and as
# many as one likes.
my $functions = names('functions');
my $operators = names('operators');
my $types = join ', ', map { "'$_'" } sort keys %{ $all{types} };
my $rivals = qq{
	SET client_min_messages = error;
	SET check_function_bodies = off;
	CREATE FUNCTION rival.captured() RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RAISE ''captured''; END';
	CREATE TABLE rival.types AS SELECT oid AS type, pg_catalog.format('rival.domain_%s', oid) AS domain FROM pg_type
	WHERE typtype = 'b' AND (typnamespace = 'cc'::regnamespace AND typelem = 0
		OR oid = ANY ('{text, int2, int4, int8, float8, numeric, date, timestamp, timestamptz, bool, text[], float8[]}'::regtype[]));
	DO \$do\$
	DECLARE type record; BEGIN
		FOR type IN SELECT * FROM rival.types LOOP
			EXECUTE pg_catalog.format('CREATE DOMAIN %s AS %s CHECK (true)', type.domain, type.type::regtype);
		END LOOP;
	END \$do\$;
	CREATE FUNCTION rival.variants(type regtype) RETURNS text[] LANGUAGE sql AS \$\$
		SELECT ARRAY[type::text,
			coalesce((SELECT domain FROM rival.types AS t WHERE t.type = variants.type), type::text),
			CASE type WHEN 'timestamp'::regtype THEN 'rival.day' WHEN 'numeric'::regtype THEN 'rival.price' ELSE type::text END,
			CASE type WHEN 'timestamp'::regtype THEN 'rival.nested_day' WHEN 'numeric'::regtype THEN 'rival.nested_price' ELSE type::text END,
			CASE type WHEN 'timestamp'::regtype THEN 'timestamptz' WHEN 'date'::regtype THEN 'timestamp' WHEN 'int4'::regtype THEN 'int8'
				WHEN 'int8'::regtype THEN 'numeric' WHEN 'numeric'::regtype THEN 'float8' WHEN 'float8'::regtype THEN 'numeric' ELSE type::text END,
			CASE type WHEN 'timestamp'::regtype THEN 'date' WHEN 'timestamptz'::regtype THEN 'date' WHEN 'int8'::regtype THEN 'int4'
				WHEN 'numeric'::regtype THEN 'int4' WHEN 'float8'::regtype THEN 'int4' ELSE type::text END,
			'text', 'anyelement', 'anynonarray'] \$\$;
	CREATE PROCEDURE rival.lie_in_wait(places text[]) LANGUAGE plpgsql SET check_function_bodies = off AS \$do\$
	DECLARE f record; o record; operator_name text; place text; arguments text; BEGIN
		FOR f IN SELECT DISTINCT p.proname, p.proargtypes::oid[] AS types, count, variant
			FROM pg_proc AS p, generate_series(greatest(p.pronargs - p.pronargdefaults - 1, 1), p.pronargs) AS count, generate_series(1, 10) AS variant
			WHERE p.pronamespace IN ('cc'::regnamespace, 'pg_catalog'::regnamespace) AND p.proname IN ($functions)
		LOOP
			SELECT string_agg(CASE WHEN f.variant < 10 THEN (rival.variants(type))[f.variant] WHEN n < f.count THEN type::regtype::text
				ELSE 'VARIADIC ' || type::regtype || '[]' END, ', ' ORDER BY n) INTO arguments
			FROM pg_catalog.unnest(f.types) WITH ORDINALITY AS a(type, n) WHERE n <= f.count;
			FOREACH place IN ARRAY places LOOP
				BEGIN
					EXECUTE pg_catalog.format('CREATE FUNCTION %s.%I(%s) RETURNS %s LANGUAGE plpgsql AS ''BEGIN RAISE ''''captured''''; END''',
						place, f.proname, arguments, CASE WHEN f.variant IN (8, 9) THEN 'boolean' ELSE 'text' END);
				EXCEPTION WHEN duplicate_function OR insufficient_privilege OR undefined_object OR feature_not_supported
					OR invalid_function_definition OR wrong_object_type THEN NULL;
				END;
			END LOOP;
		END LOOP;
		-- operators over the same types, over domains, and over anything
		FOR o IN SELECT left_type, right_type FROM (SELECT t.type::regtype::text AS left_type, t.type::regtype::text AS right_type FROM rival.types AS t
				UNION SELECT domain, domain FROM rival.types UNION SELECT 'rival.day', 'date' UNION SELECT 'rival.nested_day', 'date'
				UNION SELECT 'float8', 'numeric' UNION SELECT 'anyelement', 'anyelement' UNION SELECT 'anynonarray', 'anynonarray') AS pairs
		LOOP
			EXECUTE pg_catalog.format('CREATE OR REPLACE FUNCTION rival.operator(%s, %s) RETURNS boolean LANGUAGE plpgsql AS ''BEGIN RAISE ''''captured''''; END''',
				o.left_type, o.right_type);
			FOR operator_name, place IN SELECT * FROM pg_catalog.unnest(ARRAY[$operators]) AS a, pg_catalog.unnest(places) AS b LOOP
				BEGIN
					EXECUTE pg_catalog.format('CREATE OPERATOR %s.%s (LEFTARG = %s, RIGHTARG = %s, FUNCTION = rival.operator)', place, operator_name, o.left_type, o.right_type);
				EXCEPTION WHEN duplicate_function THEN NULL;	-- the extension's own
				END;
			END LOOP;
		END LOOP;
		-- types of the same names, which cannot be used without a trace
		FOR f IN SELECT split_part(type, '.', 1) AS schema, split_part(type, '.', 2) AS name FROM pg_catalog.unnest(ARRAY[$types]) AS type LOOP
			FOREACH place IN ARRAY places LOOP
				CONTINUE WHEN place = 'cc' AND pg_catalog.to_regtype(pg_catalog.format('cc.%I', f.name)) IS NOT NULL;
				EXECUTE pg_catalog.format('CREATE DOMAIN %s.%I AS %s.%2\$I CHECK (rival.captured())', place, f.name,
					CASE WHEN pg_catalog.to_regtype(pg_catalog.format('cc.%I', f.name)) IS NULL THEN 'pg_catalog' ELSE 'cc' END);
			END LOOP;
		END LOOP;
	END \$do\$;
	-- casts from a domain are ignored by the server; that stays so
	CREATE FUNCTION rival.cast_price(rival.price) RETURNS float8 LANGUAGE plpgsql AS 'BEGIN RAISE ''captured''; END';
	CREATE CAST (rival.price AS float8) WITH FUNCTION rival.cast_price(rival.price) AS IMPLICIT;
	CREATE FUNCTION rival.cast_day(rival.day) RETURNS date LANGUAGE plpgsql AS 'BEGIN RAISE ''captured''; END';
	CREATE CAST (rival.day AS date) WITH FUNCTION rival.cast_day(rival.day) AS IMPLICIT;
	CALL rival.lie_in_wait('{cc,public,rival}')};
$node->safe_psql('postgres', 'ALTER DATABASE shop SET search_path = public, cc');
runs_as('rival', $rivals, 'rivals lie in wait');
cmp_ok(as('owner', "SELECT count(*) FROM pg_proc WHERE pronamespace = '$_'::regnamespace AND proowner = 'rival'::regrole")->{stdout}, '>', 50, "in $_")
  foreach qw(cc public rival);

# Those of pg_temp lie in the session that runs the text, as the work of the rival. To set them takes
# seconds, so one session runs many pieces of work, each [key, statements]; what psql prints between two
# marks belongs to one of them. Gives {key => {stdout, stderr}}.
sub ambushed
{
	my (@work) = @_;
	my $script = 'SET client_min_messages = error; SET ROLE rival; CALL rival.lie_in_wait(\'{pg_temp}\'); RESET ROLE;';
	foreach my $i (0 .. $#work)
	{
		$script .= "\nRESET client_min_messages; SET search_path = pg_temp, rival, public, cc, pg_catalog;\n"
		  . "\\echo -- work $i\n\\warn -- work $i\n$work[$i][1];";
	}
	my (undef, $stdout, $stderr) = $node->psql('shop', $script, extra_params => [ '-U', 'owner' ], on_error_stop => 0);
	my %of_key;
	foreach my $stream ([ stdout => $stdout ], [ stderr => $stderr ])
	{
		my ($before, %piece) = split /^-- work (\d+)\n?/m, $stream->[1], -1;
		is($before, '', "nothing on $stream->[0] before the work") if $stream->[0] eq 'stderr';
		$of_key{ $work[$_][0] }{ $stream->[0] } = $piece{$_} foreach 0 .. $#work;
	}
	return \%of_key;
}

sub succeeds
{
	my ($result, $name) = @_;
	unlike($result->{stderr} // 'did not run', qr/ERROR|FATAL|did not run/, $name);
}

# Each rival would win where its chance is given: the texts without their schemas ...
my $naive = ambushed(map {
	my ($name, $text) = @$_;
	$text =~ s/\bOPERATOR\(pg_catalog\.(\S+?)\)/$1/g;
	$text =~ s/\b(cc|pg_catalog)\.//g;
	[ $name, $text ]
} @texts);
like($naive->{ $_->[0] }{stderr}, qr/captured|rival|is not unique|must appear in the GROUP BY|must be type boolean, not type|is not an aggregate function|\(pg_catalog\.text|operator does not exist: \w+ . boolean|operator does not exist: pg_catalog\.text|column e\.segment does not exist/,
	"$_->[0]: without its schemas it is captured")
  foreach @texts;
# ... and a domain that is not cast.
like(as('owner', "SELECT cc.purchase_history(ordered_at, amount) FROM shop.$_")->{stderr}, qr/captured/, "$_: without its casts it is captured")
  foreach qw(in_domains in_nested_domains);

# ---------------------------------------------------------------- none of them wins

# Objects that a view uses, and that are not the extension's, the server's or the owner's own.
sub strangers
{
	my ($view) = @_;
	return qq{
	SELECT pg_catalog.count(*), pg_catalog.string_agg(pg_catalog.pg_describe_object(d.refclassid, d.refobjid, d.refobjsubid), ', ')
	FROM pg_catalog.pg_rewrite AS r JOIN pg_catalog.pg_depend AS d ON d.objid OPERATOR(pg_catalog.=) r.oid
	WHERE r.ev_class OPERATOR(pg_catalog.=) '$view'::pg_catalog.regclass AND d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_rewrite'::pg_catalog.regclass
		AND d.refclassid OPERATOR(pg_catalog.=) ANY ('{pg_catalog.pg_proc,pg_catalog.pg_operator,pg_catalog.pg_cast,pg_catalog.pg_type,pg_catalog.pg_opclass}'::pg_catalog.regclass[])
		AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS m WHERE m.classid OPERATOR(pg_catalog.=) d.refclassid
			AND m.objid OPERATOR(pg_catalog.=) d.refobjid AND m.deptype OPERATOR(pg_catalog.=) 'e'::pg_catalog."char")};
}

my $none = "0|";
my $written = ambushed(
	map({
		my ($name, $text) = @$_;
		([ "made $name", "CREATE MATERIALIZED VIEW shop.written AS $text; REFRESH MATERIALIZED VIEW shop.written" ],
			[ "uses $name", strangers('shop.written') ],
			[ "gone $name", 'DROP MATERIALIZED VIEW shop.written' ])
	} @texts),
	map({
		my ($name, $call) = @$_;
		my ($view) = $call =~ /^create_.*?'(shop\.\w+)'/;
		([ "run $name", "SELECT cc.$call" ],
			$view ? [ "view $name", strangers($view) ] : (),
			$view && $call !~ /storage/ ? [ "concurrently $name", "REFRESH MATERIALIZED VIEW CONCURRENTLY $view" ] : (),
			$view ? [ "refresh $name", "CALL cc.refresh_customer_scores('$view')" ] : ())
	} @run),
	map { [ "read $_->[0]", "SELECT cc.$_->[1]" ] } @read);
foreach my $name (map { $_->[0] } @texts)
{
	succeeds($written->{"made $name"}, "$name: no rival is called");
	is($written->{"uses $name"}{stdout}, "$none\n", "$name: it depends on the extension and the server only");
}
foreach my $name (map { $_->[0] } @run)
{
	succeeds($written->{"run $name"}, "$name: no rival is called");
	is($written->{"view $name"}{stdout}, "$none\n", "$name: what it made depends on the extension and the server only") if $written->{"view $name"};
	succeeds($written->{"concurrently $name"}, "$name: neither does a refresh") if $written->{"concurrently $name"};
	succeeds($written->{"refresh $name"}, "$name: nor is one called by the other way to refresh") if $written->{"refresh $name"};
}
succeeds($written->{"read $_->[0]"}, "$_->[0]: no rival is called") foreach @read;

# The owner of a type may make casts of it to any other, which are called wherever a column is converted,
# and make operators ambiguous: no column of it is converted by a cast, or compared as what it could become.
runs_as('rival', q{
	CREATE TYPE rival.kind AS ENUM ('slipping', 'new', 'lost', 'a', 'b', 'c', 'd', 'e');
	DO $do$
	DECLARE target regtype; BEGIN
		FOREACH target IN ARRAY '{text, varchar, bpchar, name, int4, int8, numeric, float8, date, timestamp, bool, cc.contact_log, cc.purchase_history}'::regtype[] LOOP
			EXECUTE pg_catalog.format('CREATE FUNCTION rival."to %s"(rival.kind) RETURNS %s LANGUAGE plpgsql AS ''BEGIN RAISE ''''captured''''; END''', target, target);
			EXECUTE pg_catalog.format('CREATE CAST (rival.kind AS %s) WITH FUNCTION rival."to %s"(rival.kind) AS IMPLICIT', target, target);
		END LOOP;
	END $do$;
	GRANT USAGE ON SCHEMA rival TO owner}, 'an enum of a rival, with casts');
runs_as('owner', q{
	SET search_path = cc;
	CREATE TABLE shop.kind_orders AS SELECT (enum_range(NULL::rival.kind))[customer_id % 8 + 1] AS customer_id, ordered_at, amount,
		(enum_range(NULL::rival.kind))[customer_id % 3 + 1] AS order_id, (enum_range(NULL::rival.kind))[customer_id % 2 + 1] AS country FROM shop.orders;
	CREATE TABLE shop.kind_histories AS SELECT customer_id, purchase_history(ordered_at, amount) AS history FROM shop.kind_orders
	WHERE ordered_at < '2024-07-01' GROUP BY customer_id;
	CREATE UNIQUE INDEX ON shop.kind_histories (customer_id);
	CREATE TABLE shop.kind_acts AS SELECT customer_id, true AS contact, customer_id AS action, customer_id AS slot FROM shop.kind_orders GROUP BY 1;
	CREATE TABLE shop.kind_scored AS SELECT customer_id, customer_id AS lifecycle, 3 AS recency_days, 4::bigint AS order_count, 0.3::float8 AS churn_prob,
		10 AS clv_365d, customer_id AS segment, 5 AS value, customer_id AS action, customer_id AS slot, contact_log(ordered_at::timestamptz) AS contacts,
		'2024-06-01'::date AS due_on, customer_id AS item, '2020-06-01'::date AS "on", customer_id AS event FROM shop.kind_orders GROUP BY customer_id}, 'a shop of enums');
like(as('owner', 'SELECT customer_id::text FROM shop.kind_scored')->{stderr}, qr/captured/, 'a plain cast is captured');
like(as('owner', 'SELECT customer_id OPERATOR(pg_catalog.=) customer_id FROM shop.kind_scored')->{stderr}, qr/captured|is not unique/, 'a plain comparison is captured, or fails');
my $kinds = ambushed(map { [ $_->[0], "SELECT cc.$_->[1]" ] } @over_kinds);
succeeds($kinds->{ $_->[0] }, "$_->[0] over an enum: no cast is called") foreach @over_kinds;
is(as('owner', q{SET search_path = cc; SELECT count(*) FROM shop.kind_snaps_customers AS c WHERE c.segment = enum_out(c.customer_id)::text})->{stdout},
	'8', 'each customer is in the snapshot, with the segment');
is(as('owner', q{SET search_path = cc; SELECT count(*) FROM shop.kind_histories WHERE last_order_on(history) > '2024-12-01'})->{stdout}, '8', 'and has a history of the whole year');

# A rival can make a call ambiguous, by a function with one more argument that has a default:
# an error, and what exists goes on.
runs_as('rival', q{CREATE FUNCTION cc.observed_until(cc.customer_base, int DEFAULT 0) RETURNS date LANGUAGE plpgsql AS 'BEGIN RAISE ''captured''; END'},
	'a function that differs by a default');
like(as('owner', "SELECT cc.create_customer_scores('shop.ambiguous', 'shop.orders', 'customer_id', 'ordered_at', 'amount')")->{stderr},
	qr/is not unique/, 'is an error, and does not win');
runs_as('owner', 'REFRESH MATERIALIZED VIEW CONCURRENTLY shop.scores_orders', 'and what was made before does not care');

# ---------------------------------------------------------------- what functions do inside

# Bodies in SQL are bound when they are made, to the extension and the server; there are no
# other languages, so nothing is looked up when they run.
is(as('owner', q{
	SELECT string_agg(p.oid::regprocedure::text, ' ') FROM pg_depend AS d JOIN pg_proc AS p ON p.oid = d.objid JOIN pg_language AS l ON l.oid = p.prolang
	WHERE d.classid = 'pg_proc'::regclass AND d.deptype = 'e' AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'customer_centric')
		AND NOT (l.lanname IN ('c', 'internal') OR l.lanname = 'sql' AND p.prosqlbody IS NOT NULL)})->{stdout},
	'', 'no function looks up anything when it runs');
is(as('owner', q{
	WITH own AS (SELECT classid, objid FROM pg_depend WHERE deptype = 'e' AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'customer_centric')),
	member AS (SELECT * FROM own UNION SELECT own.classid, typarray FROM own JOIN pg_type ON pg_type.oid = objid AND classid = 'pg_type'::regclass)
	SELECT string_agg(pg_describe_object(d.classid, d.objid, 0) || ' uses ' || pg_describe_object(d.refclassid, d.refobjid, 0), ', ')
	FROM member JOIN pg_depend AS d USING (classid, objid)
	WHERE d.deptype = 'n' AND NOT (d.refclassid = 'pg_namespace'::regclass OR d.refclassid = 'pg_language'::regclass)
		AND (d.refclassid, d.refobjid) NOT IN (SELECT classid, objid FROM member)})->{stdout},
	'', 'bodies, defaults, aggregates, operators and casts use the extension and the server only');

$node->stop;
done_testing();
