# Exports of many kinds of shop become orders: what script/import.pl says that it understood, and the orders.
#
# Every file of test/exports, and every folder as one export of several files, is read, and what comes out is compared with expected/FILE.out beside it. Some are read
# once more with options that overrule what was understood. Neither the extension nor a build is needed.
#
# Where ACCEPT_EXPORTS names a directory, what came out is written there.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(basename dirname);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $root = abs_path(dirname(abs_path($0)) . '/../..');
my $exports = "$root/test/exports";

my $node = PostgreSQL::Test::Cluster->new('exports');
$node->init(extra => [ '--encoding=UTF8', '--locale=C' ]);
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE shop');

my %options = (
	'ambiguous.csv' => [ [], [qw(--dates dmy)], [qw(--dates mdy)] ],
	'days.csv' => [ ['--skip-bad'] ], 'amounts.csv' => [ ['--skip-bad'] ],
	'bad_rows.csv' => [ [], ['--skip-bad'], [qw(--skip-bad --dates mdy --decimal=,)] ],
	'shopify.csv' => [ [], [ '--currency', 'all', '--drop-status', 'pending' ], [ '--customer', 'phone', '--amount', 'subtotal' ] ],
	'woocommerce.csv' => [ [], [ '--lines', 'add', '--keep-status', 'failed,cancelled' ] ],
	'thousands.csv' => [ [], [ '--decimal', ',' ] ],
	'olist.csv' => [ [], [ '--amount', 'payment_value', '--lines', 'once' ] ],
	'online_retail.csv' => [ [], [ '--lines', 'orders', '--order', 'none' ] ],
	'latin1.csv' => [ [], [ '--encoding', 'Latin-1', '--separator', 'semicolon' ] ],
	'olist_files' => [ [], [qw(--amount payment_value)], [qw(--customer customer_id --skip-bad)] ],
	'shop_tables' => [ [], ['--skip-bad'] ], 'two_parts' => [ ['--skip-bad'] ],
	'plain.csv' => [ [], [ '--amount', 'nothing' ], [ '--dates', 'ymd' ] ]);

local $ENV{PGHOST} = $node->host;
local $ENV{PGPORT} = $node->port;
local $ENV{DEMO_NAME} = 'demo';

# What the import says of a file, or of the files of a folder, with these options, and the orders.
sub imported
{
	my ($file, @options) = @_;
	my @files = -d $file ? sort(glob "$file/*") : $file;
	$node->safe_psql('shop', 'DROP SCHEMA IF EXISTS import CASCADE; DROP TABLE IF EXISTS orders');
	local $ENV{PGDATABASE} = 'shop';
	local $ENV{FILE_NAME} = basename($file);
	my ($out, $err) = ('', '');
	IPC::Run::run([ 'perl', "$root/script/import.pl", @options, '--', @files ], '>', \$out, '2>', \$err);
	my $status = $? >> 8;
	my $text = "\$ import.pl @options " . basename($file) . "\n$out$err" . "status $status\n";
	if ($status == 0)
	{
		$text .= $node->safe_psql('shop', 'COPY (SELECT * FROM orders ORDER BY ordered_at, customer_id, amount) TO stdout') . "\n";
		is($node->safe_psql('shop', q{SELECT count(*) FROM pg_namespace WHERE nspname = 'import'}), '0', basename($file) . ': nothing else is left');
	}
	return $text;
}

my @files = sort grep { basename($_) ne 'expected' } glob "$exports/*";
cmp_ok(scalar(@files), '>=', 15, 'there are files of many kinds');
foreach my $file (@files)
{
	my $name = basename($file);
	my $came = join "\n", map { imported($file, @$_) } @{ $options{$name} || [ [] ] };
	append_to_file("$ENV{ACCEPT_EXPORTS}/$name.out", $came) if $ENV{ACCEPT_EXPORTS};
	my $expected = -e "$exports/expected/$name.out" ? slurp_file("$exports/expected/$name.out") : '';
	is($came, $expected, "$name is understood");
}

# A pipe, a name with blanks and quotes, and a header that is all there is.
my $strange = PostgreSQL::Test::Utils::tempdir() . q{/it's "an" export.csv};
append_to_file($strange, "Customer ID;Order Date;Total\n");
like(imported($strange), qr/the file has a header and no rows/, 'a header alone is no file of orders');
append_to_file($strange, join '', map { "$_;2024-01-01;1,50\n" } 1 .. 12);
like(imported($strange), qr/decimal comma.*Goes in   12 orders of 12 customers/s, 'the name of a file may hold anything');
append_to_file($strange, "13;2024-01-01\n");
like(imported($strange), qr/line 14: 2 fields, but the header has 3/, 'a row with too few fields is named by its line');
append_to_file($strange, "\n14;2024-01-01;2,50;5\n15;\"2024-01-01\";\"2;50\n \n\"\n16;\"2024-01-01\";2,50\n");
my $skipped = imported($strange, '--skip-bad');
like($skipped, qr/Bad rows  4 of 17 .*Goes in   13 orders.*line 14: 2 fields.*line 15: an empty line\n    line 16: 4 fields, but the header has 3\n    line 17: Total/s,
	'and passed over with others, where that is said');
append_to_file($strange, "17;2024-01-01;2,50\" 18;2024-01-01;1,50\n" . "19;\"2024-01-01\";1,50\n" . "20;2024-01-01;1,50\n");
like(imported($strange, '--skip-bad'), qr/status 1/, 'but not where a quote is missing: other rows would go with it');


# Line ends of any system, also at the end of the file, in fields, and before the header.
foreach my $end ("\n", "\r\n", "\r")
{
	my $lines = PostgreSQL::Test::Utils::tempdir() . '/lines.csv';
	(my $name = $end) =~ s/(.)/sprintf '%02x ', ord $1/gse;
	append_to_file($lines, join $end, 'sep=;', '', 'customer_id;date;note;amount', (map { qq($_;2024-02-03;"two${end}lines";1) } 1 .. 12), '', ';;;', '');
	like(imported($lines), qr/Goes in   12 orders of 12 customers/, "lines may end in $name");
	append_to_file($lines, "13;2024-02-03;none;1");    # so that an empty line is not at the end
	like(imported($lines), qr/line 28: an empty line/, "and are counted where they end in $name");
}

# Of two columns with one name the first is taken, and that is said of those that are used.
my $joined = PostgreSQL::Test::Utils::tempdir() . '/joined.csv';
append_to_file($joined, "customer_id,order_date,amount,Customer ID,amount,note,note\n" . join '', map { "$_,2024-01-01,5,$_,7,a,b\n" } 1 .. 12);
my $said_twice = imported($joined);
like($said_twice, qr/demo: joined.csv has 2 columns "$_", of which the first is taken/, "two columns $_ are said") foreach qw(customer_id amount);
unlike($said_twice, qr/columns "note"/, 'those that are not used are not');
like($said_twice, qr/^\\N\t1\t\S+ \S+\t5$/m, 'and the first is taken');

# Files that do not belong together, and keys that are there twice.
my $folder = PostgreSQL::Test::Utils::tempdir();
sub files
{
	my (%written) = @_;
	unlink glob "$folder/*";
	append_to_file("$folder/$_", $written{$_}) foreach keys %written;
	return imported($folder);
}
like(files('orders.csv' => "order_id,customer_id,order_date\n1,1,2024-01-31\n", 'rates.csv' => "currency,amount\nEUR,1\n"),
	qr/orders.csv, line 1: no column is known for the amount;.*Nor is there one in a file that has the order's number, too: rates.csv/s, 'amounts of no order are none');
like(files('orders.csv' => "order_id,customer_id,order_date\n1,1,2024-01-31\n1,2,2024-02-01\n", 'payments.csv' => "order_id,amount\n1,5\n"),
	qr/"order_id" 1 is on 2 rows of orders.csv: it must be on one to be joined with payments.csv/, 'an order is on one row');
like(files('orders.csv' => "order_id,customer_id,order_date,amount\n1,1,2024-01-31,5\n", 'customers.csv' => "customer_id,customer_unique_id\n1,a\n1,b\n"),
	qr/"customer_id" 1 is of 2 different people in customers.csv/, 'a customer is one person');
like(files('orders.csv' => "order_id,customer_id,order_date\n1,1,2024-01-31\n2,1,31/02/2024\n3,1,2024-02-02\n", 'lines.csv' => "\n\nOrder ID;Total\n1;5\n2;6\n3;7\n3;7,5,0\n"),
	qr/orders.csv, line 3: order_date "31\/02\/2024".*lines.csv, line 7: Total "7,5,0"/s, 'bad rows are those of their own files');

like(files('orders.csv' => "order_id,customer_id,order_date\n1,1,2024-01-31\n2,1,2024-02-01\n", 'lines.csv' => "Order ID;Total\n1;5\n2;6;7\n2;8\n"),
	qr/BAD ROWS\n    lines.csv, line 3: 3 fields, but the header has 2\n.*1 of 3 rows are no orders; --skip-bad goes on/s, 'nor are those with other numbers of fields');

# As script/demo takes them.
my ($out, $err) = ('', '');
ok(IPC::Run::run([ "$root/script/demo", '--check', "$exports/olist_files" ], '>', \$out, '2>', \$err), 'script/demo --check takes a folder') or diag $err;
like($out, qr/olist_order_items_dataset.csv, by "order_id": 5 rows of 4 orders.*4 orders of 3 customers/s, 'with all that is in it');
like(files('notes.md' => 'none'), qr/no column is known/, 'a folder without exports has none');

done_testing();
