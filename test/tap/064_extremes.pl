# No arguments keep a function from ending, or let it take memory without bound.
#
# Every function of the extension that SQL can call is called with the extremes of the type
# of every argument, in all pairs of two arguments, under a timeout of a tenth of a second.
# What outlives it, or takes more memory than it should, is a failure. The functions and
# their arguments come from the catalog: a new function is called too, and a new type has to
# have values here or in test/samples.sql.
#
# Pairs are tried where they reach furthest: first every value alone, the other arguments
# being ordinary; then pairs of values that were no error then, all others ordinary or of
# another such pair; then the pairs with those that were.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# Milliseconds until a call is told to end, and until it must have ended. A machine may be
# busy: what takes longer is tried again, up to so many times.
my $timeout = 100;
my $patience = 200;
my $tries = 5;

# A call may take so much memory, and all of them together.
my $most_kilobytes = 64 * 1024;

my $node = PostgreSQL::Test::Cluster->new('extremes');
$node->init;
$node->append_conf('postgresql.conf', q{
jit = off
fsync = off
autovacuum = off
shared_buffers = '4MB'
work_mem = '4MB'
max_parallel_workers_per_gather = 0
client_min_messages = error
log_min_messages = fatal
log_min_error_statement = panic
});
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION customer_centric');
$node->safe_psql('postgres', slurp_file(abs_path(dirname(abs_path($0)) . '/../samples.sql')));

# The extremes of each type, beside NULL. In samples.sql are ordinary values.
my @numbers = qw(0 1 -1 2147483647);
my @floats = (@numbers, qw(1e300 -1e300 5e-324 NaN Infinity -Infinity));
my @times = ('4713-01-01 BC', 'infinity', '-infinity');
my %extremes = (
	'boolean' => [qw(true false)],
	'smallint' => [qw(0 1 -1 32767)],
	'integer' => [@numbers, -2147483648],
	'bigint' => [@numbers, qw(9223372036854775807 -9223372036854775808)],
	'real' => [qw(0 -1 1e38 1e-45 NaN Infinity -Infinity)],
	'double precision' => [@floats],
	'numeric' => [@floats],
	'money' => [1],
	'date' => [@times, '5874897-12-31', '9999-12-31'],
	'timestamp without time zone' => [@times, '294276-12-31'],
	'timestamp with time zone' => [@times, '294276-12-31'],
	'interval' => ['0', '1 day', '-1 month', '1 second', '100 years', '178000000 years'],
	'int4range' => ['empty', '(,)', '[0,2147483647)', '[-1,0)'],
	'text' => ['', 'auto', 'week', '545', 'no such word', '2026-03-01'],
	'name' => ['', 'customer_id', 'ordered_at', 'amount', 'no such column'],
	'regclass' => [ 'orders', 'pg_class' ],
	'text[]' => [ '{}', '{NULL}', '{age,age}', '{{a},{b}}' ],
	'name[]' => [ '{}', '{NULL}', '{customer_id}', '{customer_id,customer_id}', '{no such column}' ],
	'jsonb' => [ 'null', '{}', '[]', '[1]', '[{"kind": "birth", "on": "infinity"}]' ],
	'bigint[]' => [ '{}', '{NULL}', '{0}', '{-9223372036854775808,9223372036854775807}', '{{1},{2}}' ],
	'uuid[]' => [ '{}', '{NULL}' ],
	'integer[]' => [ '{}', '{NULL}', '{0}', '{33}', '{-2147483648,2147483647}', '{{1},{2}}' ],
	'double precision[]' => [ '{}', '{0}', '{1e300}', '{-1e300}', '{5e-324}', '{NaN}', '{NULL}', '{1e308,-1e308}', '{1,2,3,4,5,6,7,8,9,10,11}' ],
	'cstring' => [ '', '{}', '[]', 'x', 'null', '[' x 5000, '{"timing": ' x 1000 ],
	'purchase_history' => [
		'{"orders": [["4713-01-01 BC", 1e300], ["5874897-12-31", 5e-324]]}',
		'{"orders": [["4713-01-01 BC", -1e300], ["2026-01-01", null], ["5874897-12-31", 1e300]]}',
		'{"orders": [' . join(', ', map { sprintf '["%d-%02d-01", %d.25]', 1990 + $_ / 12, 1 + $_ % 12, $_ } 0 .. 300) . ']}' ],
	'customer_base' => [
		'{"timing": []}',
		'{"period": "week", "observed_until": "5874897-12-31", "timing": [[0, 0, "2024-01-01", 9], [1, 1, "2024-01-01", 9]], "left_out": {"no_amounts": 9}}',
		'{"observed_until": "5874897-12-31", "timing": [[0, 0, "4713-01-01 BC", 4000000000000000], [1, 2147483000, "4713-01-01 BC", 9]], "spend": [[1, 1e300, 9]], "gaps": [[2147483000, 9]]}',
		'{"observed_until": "9999-12-31", "timing": [[0, 0, "2024-01-01", 50], [1, 1, "2024-01-01", 50], [3, 2900000, "2024-01-01", 9]], "spend": [[1, 5e-324, 50], [3, 7.5, 9]], "gaps": [[1, 50], [900000, 27]]}',
		# as many weeks as a fit takes
		'{"period": "week", "observed_until": "2099-12-31", "timing": [' . join(', ', map { sprintf '[%d, %d, "1900-01-01", 2]', $_, 9 * $_ } 0 .. 60) . '], "left_out": {"no_amounts": 120}}' ],
	'retention_base' => [
		'{"period_days": 1, "tenures": []}',
		'{"period_days": 1, "tenures": [[0, 0, 1000000000], [1, 1000000000, 0], [1000000, 4000000000000000, 4000000000000000]]}' ],
	'retention_model' => [ map { sprintf '{"model": "%s", "period_months": 1, "params": {"alpha": %s, "beta": %s%s}}', $$_[0], $$_[1], $$_[2], $$_[0] eq 'bdw' ? ", \"c\": $$_[3]" : '' }
		map { my @params = @$_; map { [ $_, @params ] } qw(sbg bdw) }
		[ 1, 9, 1 ], [ 1e-12, 1e-12, 1e-12 ], [ 1e12, 1e12, 1e12 ], [ 1e-12, 1e12, 1e12 ], [ 1e12, 1e-12, 20 ], [ 1e9, 1e11, 1.5 ], [ 1.0001, 1e12, 1 ] ],
	'rfm_cuts' => [],
	'segment_rules' => [],
	'clv_holdout' => []);

# Models of every kind, where their parameters are ordinary and where they end.
my %params = (
	'bg/nbd' => [qw(r alpha a b)], 'mbg/nbd' => [qw(r alpha a b)], 'pareto/nbd' => [qw(r alpha s beta)],
	'gg/nbd' => [qw(r alpha b s beta)], 'bg/cnbd-k' => [qw(r alpha a b k)], 'mbg/cnbd-k' => [qw(r alpha a b k)],
	'bg/bb' => [qw(alpha beta gamma delta)]);
foreach my $model (sort keys %params)
{
	foreach my $values ([ (1.5) x 5, 3 ], [ (1e-12) x 5, 1 ], [ (1e12) x 5, 24 ], [ 1e12, 1e-12, 1e12, 1e-12, 1e12, 20 ])
	{
		my @values = @$values;
		push @{ $extremes{clv_model} }, sprintf '{"model": "%s", %s, "as_of": "2026-04-01", "timing": {%s}, "spend": {"p": 6.25, "q": %s, "gamma": 15.44}}', $model,
			$model eq 'bg/bb' ? '"period": "week"' : '"time_unit_days": 7',
			join(', ', map { sprintf '"%s": %s', $_, $_ eq 'k' ? $$values[5] : shift @values } @{ $params{$model} }), $$values[0];
	}
}
push @{ $extremes{clv_model} }, '{"model": "mbg/nbd", "as_of": "2026-04-01", "timing": {"r": 1.5, "alpha": 1.5, "a": 1.5, "b": 1.5}, "season": {"by": "year", "factors": [1], "days": [["4713-01-01 BC", 1e-6], ["2026-04-05", 1e6]]}}',
	'{"model": "bg/nbd", "as_of": "5874897-12-31", "timing": {"r": 1.5, "alpha": 1e-12, "a": 1.5, "b": 1.5}, "season": {"by": "month", "factors": [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]}}';
# On the clock of a calendar, a day in which purchases or leaving are certain is many panels.
my $months = '"season": {"by": "month", "factors": [0.75, 0.75, 0.9, 0.9, 0.9, 0.9, 0.85, 0.85, 0.9, 0.9, 2.56, 0.8564516129032258]}';
push @{ $extremes{clv_model} }, map { sprintf '{"model": "%s", "as_of": "2026-04-01", "timing": {%s}, "spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}, %s}', @$_, $months }
	[ 'pareto/nbd', '"r": 1e12, "alpha": 8, "s": 3, "beta": 12' ], [ 'pareto/nbd', '"r": 2, "alpha": 1e12, "s": 1e12, "beta": 1e-12' ],
	[ 'gg/nbd', '"r": 1e12, "alpha": 1e-12, "b": 1, "s": 1e12, "beta": 12' ], [ 'gg/nbd', '"r": 2, "alpha": 8, "b": 1e12, "s": 1e-12, "beta": 1e12' ];
push @{ $extremes{season} }, '{"by": "year", "factors": [1], "days": [["4713-01-01 BC", 1e-6], ["5874897-12-31", 1e6]]}', '{"by": "year", "counts": [17592186044416]}';
push @{ $extremes{clv_model} }, '{"model": "bg/bb", "period": "year", "as_of": "2026-04-01", "timing": {"alpha": 1, "beta": 1, "gamma": 1, "delta": 1}}';

sub quoted { my ($text) = @_; $text =~ s/'/''/g; return "'$text'" }

# A model whose parameters depend on a covariate, and values of what nobody writes by hand.
push @{ $extremes{clv_model} }, $node->safe_psql('postgres', q{
	SELECT clv_fit(customer_base(history, ARRAY[(i % 2)::float8]), 'bg/nbd')
	FROM (SELECT history, row_number() OVER () AS i FROM sample_histories, generate_series(1, 3)) AS h});
push @{ $extremes{rfm_cuts} }, $node->safe_psql('postgres', q{
	SELECT rfm_cuts(r, f, m) FROM (VALUES (0, 0::bigint, 5e-324::float8), (2147483647, 9223372036854775807, 1e300)) AS v(r, f, m)});

# Every function, with the values of its arguments: the first is the ordinary one.
$node->safe_psql('postgres', q{CREATE TABLE orders (customer_id bigint, ordered_at timestamp, amount numeric);
	INSERT INTO orders SELECT i % 40, timestamp '2026-01-01' + i * interval '17 hours', i FROM generate_series(1, 200) AS i});
my @functions;
my %samples;
foreach (split /\n/, $node->safe_psql('postgres', q{
	SELECT DISTINCT ON (type, name) type, coalesce(name, ''), regexp_replace(value, '\s+', ' ', 'g') FROM sample_values ORDER BY type, name, position}))
{
	my ($type, $name, $value) = split /\|/, $_, 3;
	$samples{$type}{$name} = $value;
}
$samples{$_}{''} //= $extremes{$_}[0] foreach qw(money regclass name name[]);
$samples{'name[]'}{customer_id} = '{customer_id}';
# Of types without extremes of their own the samples are tried.
$extremes{$_} //= [] foreach keys %samples;

# What is ordinary for some: the place of the argument, and its value.
my %ordinary = (
	'retention_fit 1' => q{'sbg'::text}, 'season_of_factors 0' => q{'year'::text}, 'season_of_factors 1' => q{'{1}'::double precision[]},
	'clv_fit 2' => 'NULL::date', 'acquisition_fit 4' => 'NULL',
	'clv_holdout_add 2' => q{'2026-02-01'::date}, 'clv_holdout_add 3' => q{'2026-04-01'::date}, 'clv_holdout_add 4' => q{'bg/nbd'::text},
	'next_order_on 2' => q{'0.5'::double precision}, 'next_order_on 4' => q{'0.5'::double precision}, 'change_tiles 3' => 'NULL::double precision[]',
	'cohort_audit_add_since 2' => q{'week'::text}, 'cohort_audit_add_since 3' => q{'2026-04-01'::date}, 'cohort_audit_add_since 4' => q{'2026-01-15'::date},
	'customer_equity_add 3' => q{'0.5'::double precision}, 'customer_equity_add 4' => q{'0.1'::double precision},
	'expected_periods_to 1' => q{'Champions'::text}, 'audit_tiles 1' => q{'spend'::text}, 'change_tiles 1' => q{'spend'::text}, 'audit_tiles 2' => '10::integer', 'change_tiles 2' => '10::integer',
	'hour_profile_add 2' => q{'hour'::text}, 'clv_holdout_add 5' => q{'month'::text}, 'explain_score 5' => q{'en'::text},
	'event_study_add 3' => '90::integer', 'event_study_add 4' => '30::integer', 'event_study_add 5' => '7::integer', 'event_contacts_add 1' => q{'moved house'::text}, 'event_contacts_add 4' => '14::integer',
	map({ my $signature = $_; map { ("$signature $$_[0]" => $$_[1]) } [ 4, '90::integer' ], [ 5, '30::integer' ], [ 6, '7::integer' ] }
		map { ("event_study_add(event_study, purchase_history, date, $_, integer, integer, integer)", "event_study_add(event_study, purchase_history, date, $_, integer, integer, integer, date)") }
		'purchase_history', 'purchase_history[]'),
	map({ ("event_study_add(event_study, purchase_history, date, purchase_history$_ 3" => q{'{"orders": [["2026-01-05", 12.5]]}'::purchase_history}) } ', integer, integer, integer)', ', integer, integer, integer, date)'),
	map({ ("event_study_add(event_study, purchase_history, date, purchase_history[]$_ 3" => q{ARRAY['{"orders": [["2026-01-05", 12.5]]}'::purchase_history]}) } ', integer, integer, integer)', ', integer, integer, integer, date)'),
	'question_priorities 5' => q{'0.9'::double precision}, 'rate_change 2' => q{'0.1'::double precision}, 'rate_prior_add 2' => q{'9'::double precision}, 'customer_360 11' => q{'7 days'::interval}, 'customer_360 24' => q{'en'::text}, 'customer_360 25' => 'NULL::regclass', 'customer_360 26' => 'NULL::regclass',
	'related_items 2' => q{'llr'::text}, 'related_items 5' => q{'0.5'::double precision}, 'recommend_items 1' => q{'{a,age}'::text[]},
	'item_pairs_add 2' => '30::integer', 'recommendation_check_add 1' => q{'{a}'::text[]}, 'recommendation_check_add 2' => q{'{b}'::text[]}, 'recommendation_check_add 3' => q{'{a}'::text[]}, 'recommendation_check_add 4' => '3::integer',
	'journey_funnel_add 2' => q{'7 days'::interval}, 'journey_funnel_add 3' => q{'once'::text}, 'funnel_phases 1' => q{'{before,after}'::text[]}, 'funnel_phases 2' => q{'{1,2}'::integer[]},
	'path_scores 2' => quoted($samples{clv_model}{'path_scores.model'}) . '::clv_model', 'path_base_add 2' => quoted($samples{covariate_path}{''}) . '::covariate_path',
	'journey_add 2' => '3::integer', 'journey_add_steps 2' => q{'{1,2}'::integer[]},
	'rate_prior_add 3' => q{'count'::text}, 'shrunken_rate 2' => q{'9'::double precision}, 'rate_interval 2' => q{'9'::double precision},
	'rate_index_add 2' => q{'2'::bigint}, 'rate_index_add 3' => q{'9'::bigint}, 'rate_index 2' => q{'9'::bigint},
	'question_weights_add 2' => q{'0.5'::double precision}, 'question_weights_add 3' => q{'0.5'::double precision}, 'question_weights_add 4' => q{'0.5'::double precision},
	'period_audit_add 2' => q{'2026-01-01'::date}, 'period_audit_add 3' => q{'2026-04-01'::date},
	'period_change_add 2' => q{'2026-01-01'::date}, 'period_change_add 3' => q{'2026-02-01'::date},
	'period_change_add 4' => q{'2026-02-01'::date}, 'period_change_add 5' => q{'2026-04-01'::date},
	'segment_rules_add 5' => '5::integer', 'segment_rules 4' => '5::integer',
	'customer_scores_query 7' => q{'2026-05-01'::text}, 'customer_scores_query 8' => q{'bg/nbd'::text}, 'customer_scores_query 9' => 'NULL::name', 'customer_scores_query 10' => 'NULL::name[]', 'customer_scores_query 13' => 'NULL::name[]',
	'create_customer_scores 0' => q{'made'::text}, 'create_customer_scores 8' => q{'2026-05-01'::text}, 'create_customer_scores 9' => q{'bg/nbd'::text},
	'create_customer_scores 10' => 'NULL::name', 'create_customer_scores 11' => 'NULL::name[]', 'create_customer_scores 14' => 'NULL::name[]', 'create_customer_scores 16' => q{'materialized view'::text});
foreach (split /\n/, $node->safe_psql('postgres', q{
	SELECT p.proname, p.prokind, p.proretset, p.prorettype::regtype, p.pronargs - p.pronargdefaults,
		EXISTS (SELECT FROM pg_aggregate WHERE p.oid IN (aggtransfn, aggcombinefn)),
		string_agg(a.type::regtype || ':' || coalesce(p.proargnames[a.n], ''), ';' ORDER BY a.n)
	FROM pg_depend AS d
	JOIN pg_extension AS e ON d.refobjid = e.oid AND e.extname = 'customer_centric'
	JOIN pg_proc AS p ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e',
	LATERAL unnest(p.proargtypes) WITH ORDINALITY AS a(type, n)
	WHERE NOT p.proargtypes::oid[] @> ARRAY['internal'::regtype::oid] GROUP BY p.oid ORDER BY p.oid::regprocedure::text}))
{
	my ($name, $kind, $is_set, $result, $needed, $is_transition, $arguments) = split /\|/;
	my @arguments;
	my $signature = "$name(" . join(', ', map { s/:.*//r } split /;/, $arguments) . ')';
	foreach (split /;/, $arguments)
	{
		my ($type, $argument) = split /:/, $_, 2;
		# these take a text, or a value of the right type
		$type = 'text' if $type eq '"any"';
		# what a type reads is what that type has
		my $of = $type eq 'cstring' ? $samples{$result} : $samples{$type};
		my $ordinary = $type eq 'name' ? ($argument || 'amount') : $$of{$argument // ''} // $$of{''};
		fail("$signature: there is no value of type $type") if !defined $extremes{$type} || !defined $ordinary;
		# aggregates begin with nothing, and most models have no covariates
		my $is_null = $is_transition eq 't' && !@arguments || $type =~ /\[\]$/ && @arguments >= $needed;
		my $first = $ordinary{"$signature " . @arguments} // $ordinary{"$name " . @arguments} // ($is_null ? 'NULL' : quoted($ordinary)) . "::$type";
		my %seen = ($first => 1);
		push @arguments, [ $first, grep { !$seen{$_}++ } map { "$_\::$type" } map({ quoted($_) } $ordinary, values %$of, @{ $extremes{$type} }), 'NULL' ];
	}
	push @functions, { name => $name, signature => $signature, kind => $kind, is_set => $is_set eq 't', arguments => \@arguments };
}
cmp_ok(scalar(@functions), '>', 200, 'there are functions');
foreach my $type (sort keys %extremes)
{
	next if $type eq 'cstring';
	foreach (@{ $extremes{$type} })
	{
		my ($status, $stdout, $stderr) = $node->psql('postgres', 'SELECT ' . quoted($_) . "::$type");
		is($stderr, '', "there is such a $type");
	}
}

# A call: what becomes of it, how long that takes, and what memory the process has then, and
# has had at most. Whatever the call has changed is undone.
$node->safe_psql('postgres', q{
	CREATE FUNCTION attempt(call text, OUT state text, OUT ms float8, OUT memory text)
	LANGUAGE plpgsql AS $$
	BEGIN
		BEGIN
			EXECUTE call;
			RAISE SQLSTATE 'CC000';
		EXCEPTION WHEN query_canceled OR others THEN
			state := SQLSTATE;
		END;
		ms := extract(epoch FROM clock_timestamp() - statement_timestamp()) * 1000;
		memory := array_to_string(regexp_match(pg_read_file('/proc/self/status', 0, 2000, true), 'VmHWM:\s+(\d+).*VmRSS:\s+(\d+)'), '|');
	END $$});
my $has_proc = -r '/proc/self/status';

my (@late, @large, %states);
my $slowest = 0;

sub call_of
{
	my ($function, @choice) = @_;
	my @values = map { $$function{arguments}[$_][ $choice[$_] ] } 0 .. $#choice;
	my $call = "$$function{name}(" . join(', ', @values) . ')';
	return "SELECT $call OVER () FROM generate_series(1, 3)" if $$function{kind} eq 'w';
	return "SELECT $call FROM generate_series(1, 8)" if $$function{kind} eq 'a';
	return $$function{is_set} ? "SELECT count(*) FROM $call" : "SELECT $call";
}

# Runs calls, each a statement of its own, in one session. Returns what became of each. Where
# the machine is busy, the timeout can come before the call, or after it: then it is made again.
sub run
{
	my (@calls) = @_;
	my @results;
	foreach my $try (1 .. $tries)
	{
		my @missing = grep { !defined $results[$_] } 0 .. $#calls;
		last unless @missing;
		my $script = "SET statement_timeout = $timeout;\n" . join '', map { "SELECT $_, * FROM attempt(\$call\$$calls[$_]\$call\$);\n" } @missing;
		my ($status, $stdout, $stderr) = $node->psql('postgres', $script, on_error_stop => 0);
		is($status, 0, 'the session lives') or diag($stderr);
		foreach (split /\n/, $stdout)
		{
			my ($n, @result) = split /\|/;
			$results[$n] = \@result;
		}
	}
	return grep { defined } @results;
}

# The same, and notes what went wrong.
sub judge
{
	my (@calls) = @_;
	my ($before, @results) = run('SELECT 1', @calls);
	is(scalar(@results), scalar(@calls), 'every call comes back') or return @results;
	my (undef, undef, $most_before, $now_before) = @$before;
	foreach my $i (0 .. $#calls)
	{
		my ($state, $ms, $most, $now) = @{ $results[$i] };
		$states{$state}++;
		push @late, $calls[$i] if $ms > $patience;
		$slowest = $ms if $ms > $slowest;
		push @large, $calls[$i] if $has_proc && $most > $most_before && $most > $now_before + $most_kilobytes;
		($most_before, $now_before) = ($most, $now);
	}
	return @results;
}

# Every value alone.
my (@calls, @places);
foreach my $function (@functions)
{
	my $arguments = $$function{arguments};
	foreach my $i (0 .. $#$arguments)
	{
		foreach my $v (0 .. $#{ $$arguments[$i] })
		{
			next if $i > 0 && $v == 0;
			push @calls, call_of($function, map { $_ == $i ? $v : 0 } 0 .. $#$arguments);
			push @places, [ $function, $i, $v ];
		}
	}
}
my @results = judge(@calls);
foreach my $n (0 .. $#results)
{
	my ($function, $i, $v) = @{ $places[$n] };
	# covariates are right or wrong together with the model
	my $works = $results[$n][0] =~ /^(CC000|57014)$/ || $$function{arguments}[$i][$v] =~ /::double precision\[\]$|"covariates"/;
	$$function{works}{"$i $v"} = $works;
	$$function{works}{"$_ 0"} = $works foreach $v == 0 ? 0 .. $#{ $$function{arguments} } : ();
}
# Money is refused, and states that are no values are for aggregates only.
foreach (@functions)
{
	# (what needs more than one table made for it, and the body of customer_360, are shown to work by the tests of reports)
	ok($$_{works}{'0 0'}, "$$_{signature} works when all is ordinary")
	  unless $$_{signature} =~ /\bmoney\b|^rfm_cuts_(add|merge)\(|^hour_profile\w*\(.*\bdate\b|^next_order_on\(purchase|^(load_orders|next_best_actions|customer_triggers)|snapshot|^(check_orders|refresh_customer_scores|create_customer_audit|customer_action|customer_page)\(/;
}
my $alone = @calls;

# An error about data, or beyond a limit, that an aggregate raises says in which group the row is.
$node->safe_psql('postgres', q{
	CREATE FUNCTION group_named(call text, OUT state text, OUT named boolean)
	LANGUAGE plpgsql AS $$
	DECLARE
		context text;
	BEGIN
		EXECUTE call;
	EXCEPTION WHEN query_canceled OR others THEN
		GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, context = PG_EXCEPTION_CONTEXT;
		named := context ~ 'group (\(customer\)=)?\(Anna\)';
	END $$});
my @grouped = map { my ($call) = $calls[$_] =~ /^SELECT (.*) FROM/s; map { "SELECT $call $_" }
		"FROM (VALUES ('Anna'), ('Anna')) AS c(customer) GROUP BY customer", "OVER (PARTITION BY customer) FROM (VALUES ('Anna'), ('Anna')) AS c(customer)" }
	grep { $places[$_][0]{kind} eq 'a' } 0 .. $#calls;
my @errors = grep { /^(22|54)/ } split /\n/, $node->safe_psql('postgres', "SET statement_timeout = '5s';\n" .
	join '', map { "SELECT state, named, \$call\$$_\$call\$ FROM group_named(\$call\$$_\$call\$);\n" } @grouped);
my @unnamed = grep { !/^\w+\|t\|/ } @errors;
cmp_ok(scalar(@errors), '>', 300, scalar(@errors) . ' errors of aggregates');
is(scalar(@unnamed), 0, 'each names the group') or diag(join "\n", @unnamed);

# Rows of choices, in which each of these pairs of values is in one.
sub cover
{
	my ($function, $pairs) = @_;
	my $n = @{ $$function{arguments} };
	# with which values of other arguments ("j w") a value is not yet in a row
	my @left;
	foreach (@$pairs)
	{
		my ($i, $v, $j, $w) = split ' ', $_;
		$left[$i][$v]{"$j $w"} = $left[$j][$w]{"$i $v"} = 1;
	}
	my @rows;
	foreach my $seed (@$pairs)
	{
		my ($i, $v, $j, $w) = split ' ', $seed;
		next unless $left[$i][$v]{"$j $w"};
		my @row;
		my @chosen = ("$i $v", "$j $w");
		@row[ $i, $j ] = ($v, $w);
		foreach my $k (grep { !defined $row[$_] } 0 .. $n - 1)
		{
			my ($best, $gain) = (0, 0);
			foreach my $u (0 .. $#{ $$function{arguments}[$k] })
			{
				my $open = $left[$k][$u] or next;
				my $covered = grep { $$open{$_} } @chosen;
				($best, $gain) = ($u, $covered) if $covered > $gain;
			}
			$row[$k] = $best;
			push @chosen, "$k $best";
		}
		foreach my $a (0 .. $n - 1)
		{
			my $open = $left[$a][ $row[$a] ] or next;
			delete $$open{"$_ $row[$_]"} foreach 0 .. $n - 1;
		}
		push @rows, \@row;
	}
	return @rows;
}

# All pairs: those of values that work first.
@calls = ();
my $n_pairs = 0;
foreach my $function (@functions)
{
	my $arguments = $$function{arguments};
	my (@good, @bad);
	foreach my $i (0 .. $#$arguments)
	{
		foreach my $j ($i + 1 .. $#$arguments)
		{
			foreach my $v (1 .. $#{ $$arguments[$i] })
			{
				foreach my $w (1 .. $#{ $$arguments[$j] })
				{
					push @{ $$function{works}{"$i $v"} && $$function{works}{"$j $w"} ? \@good : \@bad }, "$i $v $j $w";
				}
			}
		}
	}
	# What an aggregate refuses its transition function refuses, which is tried by itself.
	@bad = () if $$function{kind} eq 'a';
	$n_pairs += @good + @bad;
	push @calls, map { call_of($function, @$_) } cover($function, \@good), cover($function, \@bad);
}
judge(@calls) if @calls;

# A machine that is busy is forgiven.
foreach my $try (2 .. $tries)
{
	last unless @late;
	my @again = @late;
	@late = ();
	judge(@again);
}
is_deeply([ map { substr $_, 0, 500 } @late ], [], "every function ends within $timeout ms when it is told to");
is_deeply([ map { substr $_, 0, 500 } @large ], [], "no call takes more than $most_kilobytes kB");
note(sprintf '%d functions; %d calls with one extreme value, %d for %d pairs; the slowest took %.0f ms', scalar(@functions), $alone, scalar(@calls), $n_pairs, $slowest);
note(join ', ', map { "$states{$_} $_" } sort keys %states);
cmp_ok($states{CC000}, '>', $alone / 4, 'many calls have a result');
ok(!grep({ /^XX/ } keys %states), 'and no error is internal');

$node->stop;
unlike(slurp_file($node->logfile), qr/PANIC|terminated by signal|TRAP:/, 'no server process died');
done_testing();
