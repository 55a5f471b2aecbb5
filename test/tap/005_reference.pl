# README's reference and the extension name the same functions, with the same arguments.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $root = abs_path(dirname(abs_path($0)) . '/../..');

my $node = PostgreSQL::Test::Cluster->new('reference');
$node->init;
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION customer_centric');

# Name, optional arguments and output columns of what users call: neither the support
# functions of types and aggregates, nor the aggregates that exist to be refused.
my %functions;
foreach my $row (
	split /\n/,
	$node->safe_psql('postgres', q{
	SELECT p.proname, p.prokind, coalesce(array_to_string(p.proargnames[p.pronargs - p.pronargdefaults + 1 : p.pronargs], ','), ''),
		coalesce(array_to_string(p.proargnames[p.pronargs + 1 :], ','), '')
	FROM pg_depend AS d JOIN pg_proc AS p ON p.oid = d.objid AND d.classid = 'pg_proc'::regclass
	WHERE d.deptype = 'e' AND d.refclassid = 'pg_extension'::regclass
		AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'customer_centric')
		AND obj_description(p.oid, 'pg_proc') !~ '^internal:'
		AND NOT 'money'::regtype = ANY (p.proargtypes)}))
{
	my ($name, $kind, $optional, $columns) = split /\|/, $row, -1;
	push @{ $functions{$name} }, { kind => $kind, optional => [ split /,/, $optional ], columns => [ split /,/, $columns ] };
}

# The calls that the reference has: the first column of its tables.
my ($reference) = slurp_file("$root/README.md") =~ /^## Reference\n(.*?)^## /ms;
my %calls;
my @rows = $reference =~ /^\| (.*?) \| .* \| [\d.]+ \|$/gm;
foreach my $row (@rows)
{
	$calls{$1} .= "$row\n" while $row =~ /(\w+)\(/g;
}
cmp_ok(scalar(@rows), '>', 40, 'README has a reference');

foreach my $name (sort keys %functions)
{
	my $call = $calls{$name} // '';
	isnt($call, '', "$name: is in the reference");
	foreach my $argument (map { @{ $_->{optional} } } @{ $functions{$name} })
	{
		like($call, qr/\b$argument\b/, "$name: its optional argument $argument is");
	}
	like($call, qr/$name\([^)]*\)[^|]*\baggregate/, "$name: is said to be an aggregate")
	  if $name ne 'clv_model' && grep { $_->{kind} eq 'a' } @{ $functions{$name} };
}

foreach my $name (sort keys %calls)
{
	ok($functions{$name}, "$name: exists");
}

# What the server calls on behalf of a type, an operator, an operator class, a cast or an aggregate
# is internal, and its comment says so; unless users call it too, and it is in the reference.
my @support = split /\n/, $node->safe_psql('postgres', q{
	WITH used (oid) AS (
		SELECT unnest(ARRAY[typinput, typoutput, typreceive, typsend, typmodin, typmodout, typanalyze]::oid[]) FROM pg_type
		UNION SELECT unnest(ARRAY[oprcode, oprrest, oprjoin]::oid[]) FROM pg_operator
		UNION SELECT amproc FROM pg_amproc
		UNION SELECT castfunc FROM pg_cast
		UNION SELECT unnest(ARRAY[aggtransfn, aggfinalfn, aggcombinefn, aggserialfn, aggdeserialfn, aggmtransfn, aggminvtransfn,
			aggmfinalfn]::oid[]) FROM pg_aggregate)
	SELECT DISTINCT p.proname FROM used JOIN pg_proc AS p USING (oid) JOIN pg_depend AS d ON d.objid = p.oid
	WHERE d.classid = 'pg_proc'::regclass AND d.deptype = 'e' AND d.refclassid = 'pg_extension'::regclass
		AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'customer_centric')
		AND coalesce(obj_description(p.oid, 'pg_proc'), '') !~ '^internal: '});
my @unmarked = grep { !$calls{$_} } @support;
is(join(' ', @unmarked), '', "support functions are marked as internal or are in the reference");

# doc/columns.md and the comments in the database say the same of the same columns, in the same order.
$node->safe_psql('postgres', q{
	CREATE TABLE orders (customer_id bigint, ordered_at date, amount numeric);
	SELECT create_customer_scores('scores', 'orders', 'customer_id', 'ordered_at', 'amount', columns => ARRAY['*', 'clv_low', 'clv_high'])});
my @documented = map { [ /^## (.*)/m, join("\n", map { /^\| `(\w+)` \| (.*) \|$/ ? "$1: $2" : () } split /\n/) ] }
  split /^(?=## )/m, slurp_file("$root/doc/columns.md");
foreach my $pair ([ 'The scores', 'scores_bi' ], [ 'The companion', 'scores_model' ])
{
	my ($title, $view) = @$pair;
	my ($page) = map { $_->[1] } grep { ($_->[0] // '') eq $title } @documented;
	is($page, $node->safe_psql('postgres', "SELECT attname || ': ' || col_description(attrelid, attnum) FROM pg_attribute
		WHERE attrelid = '$view'::regclass AND attnum > 0 ORDER BY attnum"), "doc/columns.md, $title: as in the database");
}

$node->stop;
done_testing();
