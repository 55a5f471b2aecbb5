# Values that earlier versions stored and sent can be read for ever.
#
# test/goldens has them, a line each: the version that wrote the value, its type, the bytes on
# disk, the bytes of the binary form, and the text. Lines are never changed. When a version
# writes a form that is not there yet, it adds lines:
#
#   CUSTOMER_CENTRIC_WRITE_GOLDENS=1 prove -I … test/tap/051_goldens.pl
#
# appends what the present version makes of the texts below, where that is new.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $file = abs_path(dirname(abs_path($0)) . '/../..') . '/test/goldens';

# Every encoding that a type has.
my %texts = (
	customer_base => [
		'{"observed_until": null, "timing": [], "left_out": {"no_orders": 0, "no_spend": 0, "no_amounts": 0, "no_covariates": 0}}',
		'{"observed_until": "2026-03-01", "timing": [[0, 0, "2026-01-02", 3], [2, 31, "2026-01-01", 2]], "spend": [[2, 50.25, 2]], "gaps": [[7, 2], [400, 2]], '
		  . '"left_out": {"no_orders": 1, "no_spend": 0, "no_amounts": 0, "no_covariates": 0}}',
		'{"observed_until": null, "timing": [[1, 5, "2026-01-05", 2]], "spend_bins": [[1, 30000, 2, 5, -6, 7]], "left_out": {"no_orders": 0, "no_spend": 0, '
		  . '"no_amounts": 0, "no_covariates": 0}}',
		'{"observed_until": null, "period": "month", "timing": [[1, 3, "2026-01-01", 2]], "left_out": {"no_orders": 0, "no_spend": 0, "no_amounts": 2, '
		  . '"no_covariates": 0}}',
		'{"observed_until": null, "covariates": [[-1.5, 0], [0, 0], [0, 2]], "timing": [[0, 0, "2026-01-01", 1, 0], [0, 0, "2026-01-01", 2, 1], [1, 3, '
		  . '"2026-01-01", 3, 2]], "left_out": {"no_orders": 0, "no_spend": 3, "no_amounts": 0, "no_covariates": 1}}'
	],
	clv_model => [
		'{"model": "bg/nbd", "time_unit_days": 7, "timing": {"r": 0.25, "alpha": 4.5, "a": 0.75, "b": 2.5}}',
		'{"model": "gg/nbd", "time_unit_days": 1, "as_of": "2026-03-01", "timing": {"r": 0.25, "alpha": 4.5, "b": 0.1, "s": 0.75, "beta": 2.5}, '
		  . '"spend": {"p": 6.25, "q": 3.75, "gamma": 15.5}, "spend_fit": {"converged": true, "iterations": 9, "log_likelihood": -4055.5, "customers": 946, '
		  . '"left_out": 0, "penalty": 0, "prior_sd": 0, "unidentified": [], "covariance": [null, null, null, null, null, null]}}',
		'{"model": "bg/bb", "period": "year", "timing": {"alpha": 1.2, "beta": 0.75, "gamma": 0.65, "delta": 2.8}}',
		'{"model": "pareto/nbd", "time_unit_days": 7, "repeat_customers": 0, "covariates": ["channel", "größe"], "timing": {"r": 0.5, "alpha": 8, "s": 0.75, '
		  . '"beta": 16}, "coefficients": {"rate:channel": 0.5, "rate:größe": -1, "dropout:channel": 0.25, "dropout:größe": 0}, "timing_fit": {"converged": true, '
		  . '"iterations": 7, "log_likelihood": -9594.5, "customers": 2357, "left_out": 0, "penalty": 1, "prior_sd": 10, "unidentified": ["beta", "rate:größe"], '
		  . '"covariance": [null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, '
		  . 'null, null, null, null, null, null, null, null, null, null, null, null, null, null]}, "candidates": [{"model": "pareto/nbd", "param_count": 8, '
		  . '"converged": true, "log_likelihood": -9594.5, "bic": 19220.5}, {"model": "bg/cnbd-k", "param_count": 5, "converged": false, "log_likelihood": null, '
		  . '"bic": null}]}',
		'{"model": "mbg/cnbd-k", "time_unit_days": 7, "timing": {"r": 1.5, "alpha": 3, "a": 0.5, "b": 0.75, "k": 2}}'
	],
	clv_holdout => [
		'{"calibration_until": "2026-01-31", "holdout_until": "2026-02-28", "model": "auto", "customers": [], "acquired_later": [["2026-02-03", 2]], '
		  . '"repeats": [], "gaps": [], "fit": null}',
		'{"calibration_until": "2026-01-31", "holdout_until": "2026-02-28", "model": "bg/nbd", "customers": [[0, 0, "2026-01-02", 0, 3], [1, 7, "2026-01-02", '
		  . '1, 2]], "acquired_later": [], "repeats": [["2026-01-09", 2], ["2026-02-03", 2]], "gaps": [[7, 2]], "fit": {"model": "bg/nbd", "time_unit_days": 7, '
		  . '"as_of": "2026-01-31", "timing": {"r": 0.25, "alpha": 4.5, "a": 0.75, "b": 2.5}}}'
	],
	purchase_history => [
		'{"orders": []}',
		'{"orders": [["2026-01-05", 12], ["2026-01-09", 7]]}',
		'{"orders": [["1999-12-31", 12.5], ["2026-01-09", -0.01], ["2026-01-09", 687194767.35]]}',
		'{"orders": [["2026-01-05", 0.1234]]}',
		'{"orders": [["4713-01-01 BC", 0.123456789], ["2026-01-09", null], ["5874897-12-31", 1e+300]]}',
		'{"orders": [["2026-01-05", null], ["2026-01-06", null]]}'
	],
	rfm_cuts => [
		'{"levels": 2, "customers": 4, "recency": {"cuts": [12], "effective_levels": 2}, "frequency": {"cuts": [1], "effective_levels": 2}, '
		  . '"monetary": {"cuts": [45.5], "effective_levels": 2}}',
		'{"levels": 5, "customers": 2357, "recency": {"cuts": [90, 41, 20, 9], "effective_levels": 5}, "frequency": {"cuts": [1, 1, 1, 2], "effective_levels": 3}, '
		  . '"monetary": {"cuts": [-3, 0, 19.99, 1e+300], "effective_levels": 5}}'
	],
	segment_rules => [ '{"rules": []}', '{"rules": [{"segment": "VIP", "r": [4, 5], "f": [4, 5], "m": [5, 5]}, {"segment": "Größe 数", "r": [1, 3]}]}' ],
	retention_base => [ '{"period_days": 30, "tenures": []}', '{"period_months": 12, "tenures": [[0, 0, 5], [1, 4, 2], [300000, 1, 9000000000]]}' ],
	retention_model => [
		'{"model": "sbg", "period_months": 12, "params": {"alpha": 0.668, "beta": 3.806}}',
		'{"model": "bdw", "period_days": 7, "params": {"alpha": 0.668, "beta": 3.806, "c": 1.5}, "fit": {"converged": true, "iterations": 9, '
		  . '"log_likelihood": -5.5, "customers": 9, "ended": 3, "prior_sd": 10, "unidentified": ["c"], "covariance": [0.1, 0, 0.2, null, null, null]}}'
	]);

my $node = PostgreSQL::Test::Cluster->new('goldens');
$node->init(extra => [ '--encoding=UTF8', '--locale=C' ]);
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION customer_centric');
$node->safe_psql('postgres', 'SET client_min_messages = warning; CREATE SCHEMA raw');
my $version = $node->safe_psql('postgres', q{SELECT extversion FROM pg_extension WHERE extname = 'customer_centric'});
my $bytes = PostgreSQL::Test::Utils::tempdir . '/bytes';

my @types = split /\n/, $node->safe_psql('postgres', q{
	SELECT t.typname FROM pg_depend AS d JOIN pg_type AS t ON t.oid = d.objid AND d.classid = 'pg_type'::regclass
	WHERE d.deptype = 'e' AND t.typtype = 'b' AND t.typelem = 0
		AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'customer_centric') ORDER BY 1});
is(join(' ', grep { !$texts{$_} } @types), '', 'every type has goldens');

# For each type a type of the same shape that shows its bytes, to look at what is on disk and to put it there.
foreach my $type (@types)
{
	my ($alignment) = $node->safe_psql('postgres', "SELECT CASE typalign WHEN 'd' THEN 'double' ELSE 'int4' END FROM pg_type WHERE typname = '$type'");
	$node->safe_psql(
		'postgres', qq{
		SET client_min_messages = error;
		SET search_path = raw, public;
		CREATE TYPE raw.$type;
		CREATE FUNCTION raw.$type\_in(cstring) RETURNS raw.$type LANGUAGE internal IMMUTABLE STRICT AS 'byteain';
		CREATE FUNCTION raw.$type\_out(raw.$type) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'byteaout';
		CREATE TYPE raw.$type (INPUT = raw.$type\_in, OUTPUT = raw.$type\_out, ALIGNMENT = $alignment, STORAGE = extended);
		CREATE CAST (raw.$type AS public.$type) WITHOUT FUNCTION;
		CREATE CAST (public.$type AS raw.$type) WITHOUT FUNCTION;
		CREATE TABLE raw.$type\_sent (v public.$type)});
}

# What this version stores and sends for a text.
sub written
{
	my ($type, $text) = @_;
	(my $literal = $text) =~ s/'/''/g;
	return split /\|/, $node->safe_psql('postgres', "SELECT v::raw.$type, $type\_send(v), v FROM (SELECT '$literal'::$type AS v) AS x"), 3;
}

my @goldens;
push @goldens, map { chomp; [ split /\t/, $_, 5 ] } split /^/, slurp_file($file) if -e $file;

if ($ENV{CUSTOMER_CENTRIC_WRITE_GOLDENS})
{
	my %known = map { join("\t", @{$_}[ 1 .. 4 ]) => 1 } @goldens;
	foreach my $type (sort keys %texts)
	{
		foreach my $text (@{ $texts{$type} })
		{
			my ($stored, $sent, $again) = written($type, $text);
			is($again, $text, "$type: the text is as it will be written");
			my @golden = ($version, $type, $stored, $sent, $text);
			next if $known{ join("\t", @golden[ 1 .. 4 ]) };
			append_to_file($file, join("\t", @golden) . "\n");
			push @goldens, \@golden;
		}
	}
}

cmp_ok(scalar(@goldens), '>', 10, 'there are goldens');
my $little_endian = unpack('C', pack('S', 1)) == 1;
my %latest = map { ("$_->[1]\t$_->[4]" => $_) } @goldens;

foreach my $golden (@goldens)
{
	my ($since, $type, $stored, $sent, $text) = @$golden;
	my $name = "$since $type " . substr($text, 0, 60);
	(my $literal = $text) =~ s/'/''/g;

	# What is on disk, read from a table as if it had been there all the time.
	SKIP:
	{
		skip 'numbers are stored in the order of the machine that wrote the goldens', 1 if !$little_endian;
		is( ($node->psql('postgres', "CREATE TEMP TABLE old AS SELECT '$stored'::raw.$type\::$type AS v; SELECT v, v::text::$type = '$literal' FROM old"))[1],
			"$text|t", "$name: read from disk");
	}

	# What was sent, as COPY or a client gives it.
	is( ($node->psql(
			'postgres', "COPY (SELECT '$sent'::bytea) TO '$bytes' (FORMAT binary); TRUNCATE raw.$type\_sent;
			COPY raw.$type\_sent FROM '$bytes' (FORMAT binary); SELECT v FROM raw.$type\_sent"))[1],
		$text, "$name: received");

	# The newest golden of a value is what is written now: whoever changes the form adds one.
	next if $golden != $latest{"$type\t$text"};
	my @written = written($type, $text);
	is($written[0], $stored, "$name: stored in the same bytes") if $little_endian;
	is($written[1], $sent, "$name: sent in the same bytes");
}

$node->stop;
done_testing();
