# One version number: the control file's, repeated in META.json because PGXN wants it.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use JSON::PP;
use PostgreSQL::Test::Utils;
use Test::More;

my $root = abs_path(dirname(abs_path($0)) . '/../..');

my ($version) = slurp_file("$root/customer_centric.control") =~ /^default_version = '(.+)'$/m;
my $meta = JSON::PP->new->decode(slurp_file("$root/META.json"));

like($version, qr/^\d+\.\d+\.\d+$/, 'the control file has a version');
is($meta->{version}, $version, 'META.json has the same');
is($meta->{provides}{customer_centric}{version}, $version, 'and so has what it provides');
like(slurp_file("$root/CHANGELOG.md"), qr/^## \Q$version\E\b/m, 'the changelog knows it');

done_testing();
