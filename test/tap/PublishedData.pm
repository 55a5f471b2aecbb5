# Orders with published results, and what the tests that use them have in common.
#
# The data are not ours to give away: where they lie beside the project they are
# used, and elsewhere these tests are skipped.

package PublishedData;

use strict;
use warnings;

use Cwd qw(abs_path);
use Exporter qw(import);
use File::Basename qw(dirname);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(start_with_data value rows load_csv load_orders agrees within);

my $directory = $ENV{CUSTOMER_CENTRIC_DATA} // dirname(abs_path(__FILE__)) . '/../../../shared/data';
my $node;

# A server with the extension, or the end of the test if one of these files is not there.
sub start_with_data
{
	my ($name, @files) = @_;
	foreach my $file (@files)
	{
		plan skip_all => "no $file beside the project" if !-r "$directory/$file";
	}
	$node = PostgreSQL::Test::Cluster->new($name);
	$node->init;
	$node->start;
	$node->safe_psql('postgres', 'CREATE EXTENSION customer_centric');
	return $node;
}

# A query's single value; several columns come with bars between them.
sub value
{
	my ($sql) = @_;
	return $node->safe_psql('postgres', $sql);
}

# A query's rows, each a reference to its columns.
sub rows
{
	my ($sql) = @_;
	return map { [ split /\|/, $_, -1 ] } split /\n/, value($sql);
}

# A table with these columns, and the rows of a file whose first line is a header.
sub load_csv
{
	my ($table, $columns, $file) = @_;
	my $rows = slurp_file("$directory/$file");
	$rows =~ s/\r\n?/\n/g;
	$rows =~ s/^[^\n]*\n//;
	$rows .= "\n" if $rows !~ /\n\z/;
	value("CREATE TABLE $table ($columns);\nCOPY $table FROM STDIN (FORMAT csv);\n$rows\\.\n");
	return;
}

# The same of orders, with the customers' histories in a table beside it.
sub load_orders
{
	my ($table, $file) = @_;
	load_csv($table, 'customer_id int, ordered_at date, amount numeric', $file);
	value("CREATE TABLE ${table}_histories AS
		SELECT customer_id, purchase_history(ordered_at, amount) AS h FROM $table GROUP BY 1");
	return;
}

# Whether a number has this many digits of another.
sub within
{
	my ($got, $published, $digits) = @_;
	return abs($got / $published - 1) < 0.5 * 10**(1 - $digits);
}

sub agrees
{
	my ($got, $published, $digits, $name) = @_;
	ok(within($got, $published, $digits), "$name: $got, published $published");
	return;
}

1;
