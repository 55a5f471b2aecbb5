# doc/tutorial.md on real orders: every statement of it runs on CDNOW, where the file is at hand. (Its outputs are those
# of simulated orders, which 020_documentation compares.)

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $root = abs_path(dirname(abs_path($0)) . '/../..');
my $orders = ($ENV{CUSTOMER_CENTRIC_DATA} // "$root/../shared/data") . '/cdnow_sample.csv';
plan skip_all => 'no CDNOW orders beside the clone' if !-r $orders;

my $node = PostgreSQL::Test::Cluster->new('tutorial');
$node->init;
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION customer_centric');

my @statements = slurp_file("$root/doc/tutorial.md") =~ /^```sql\n(.*?)^```/gms;
cmp_ok(scalar(@statements), '>', 10, 'the tutorial has statements');
like($statements[0], qr/^CREATE TABLE orders AS\n/, 'the first one makes the orders');
$statements[0] = "CREATE TABLE orders (customer_id bigint, ordered_on date, amount numeric);\n\\copy orders FROM '$orders' (FORMAT csv, HEADER)\n";

my ($out, $err);
my $script = join("\n", @statements, 'SELECT count(*) FROM orders WHERE ordered_on <= \'1998-06-30\'; SELECT count(*), count(DISTINCT segment), count(DISTINCT lifecycle) FROM customer_scores;');
ok( IPC::Run::run([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('postgres'), '-f', '-' ], '<', \$script, '>', \$out, '2>', \$err),
	'it runs on CDNOW') or diag($err);
my @lines = split /\n/, $out;
like($lines[-2], qr/^6919$/, 'all orders of the sample are in it');
like($lines[-1], qr/^2357\|([89]|1[01])\|[345]$/, 'every customer has a segment and a lifecycle');
like($out, qr/^ok\|/m, 'the fit is to be trusted');

$node->stop;
done_testing();
