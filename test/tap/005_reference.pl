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
		AND p.proname !~ '_(in|out|recv|send|eq|ne|lt|le|gt|ge|cmp|hash|hash_extended)$'
		AND obj_description(p.oid, 'pg_proc') !~ '^aggregate support|implementation of'
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

$node->stop;
done_testing();
