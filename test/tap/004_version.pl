# One version number: the control file's, repeated in META.json because PGXN wants it; and META.json is what
# version 1.0.0 of PGXN's specification asks for (https://pgxn.org/meta/spec.txt).

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

# ---------------------------------------------------------------- META.json

# What is wrong with a document: each key is known, and its value of the right kind. Keys that begin with x_ are anyone's.
my %kinds = (
	text => sub { !ref $_[0] && length $_[0] },
	term => sub { !ref $_[0] && $_[0] =~ m{\A[^\s/\\\\[:cntrl:]]{2,}\z} },
	tag => sub { !ref $_[0] && $_[0] =~ m{\A[^/\\\\[:cntrl:]]{1,256}\z} },
	version => sub { !ref $_[0] && $_[0] =~ /\A(?:0|[1-9]\d*)(?:\.(?:0|[1-9]\d*)){2}(?:-[0-9A-Za-z.-]+)?\z/ },
	requirement => sub { !ref $_[0] && $_[0] =~ /\A(?:0|(?:(?:[<>]=?|[!=]=) )?\d+\.\d+\.\d+(?:, (?:(?:[<>]=?|[!=]=) )\d+\.\d+\.\d+)*)\z/ },
	url => sub { !ref $_[0] && $_[0] =~ m{\A(?:https?|ftp|git|svn)://[^/\s]+\.[^/\s]+(?:/\S*)?\z} },
	mail => sub { !ref $_[0] && $_[0] =~ /\A[^\s@]+@[^\s@]+\z/ },
	file => sub { !ref $_[0] && $_[0] !~ m{\A/|\.\.} && -f "$root/$_[0]" },
	license => sub { !ref $_[0] && $_[0] =~ /\A(?:agpl_3|apache_1_1|apache_2_0|artistic_1|artistic_2|bsd|freebsd|gfdl_1_2|gfdl_1_3|gpl_1|gpl_2|gpl_3|lgpl_2_1|lgpl_3_0|mit|mozilla_1_0|mozilla_1_1|openssl|perl_5|postgresql|qpl_1_0|ssleay|sun|zlib|open_source|restricted|unrestricted|unknown)\z/ },
	status => sub { !ref $_[0] && $_[0] =~ /\A(?:stable|testing|unstable)\z/ });
my $provided = { 'file!' => 'file', 'version!' => 'version', abstract => 'text', docfile => 'file' };
my $needed = { map { $_ => { '*term' => 'requirement' } } qw(requires recommends suggests conflicts) };
my $rules = {
	'name!' => 'term', 'version!' => 'version', 'abstract!' => 'text', 'maintainer!' => ['text'], 'license!' => ['license'],
	'provides!' => { '*term' => $provided }, 'meta-spec!' => { 'version!' => 'version', url => 'url' },
	description => 'text', generated_by => 'text', release_status => 'status', tags => ['tag'],
	no_index => { file => ['text'], directory => ['text'] }, prereqs => { map { $_ => $needed } qw(configure build test runtime develop) },
	resources => { homepage => 'url', bugtracker => { web => 'url', mailto => 'mail' }, repository => { url => 'url', web => 'url', type => 'text' } } };

sub wrong
{
	my ($value, $rule, $where) = @_;
	return $kinds{$rule}->($value) ? () : "$where is no $rule" if !ref $rule;
	return map { wrong($_, $rule->[0], $where) } ref $value ? @$value : $value if ref $rule eq 'ARRAY';
	return "$where is no object" if ref $value ne 'HASH';
	my ($any) = map { /\A\*(.*)/ } keys %$rule;
	return ((map { wrong($_, $any, "the key $where/$_"), wrong($value->{$_}, $rule->{"*$any"}, "$where/$_") } sort keys %$value)) if $any;
	return (map({ /(.*)!\z/ && !exists $value->{$1} ? "$where/$1 is missing" : () } sort keys %$rule),
		map { my $next = $rule->{$_} // $rule->{"$_!"}; /\Ax_/i ? () : $next ? wrong($value->{$_}, $next, "$where/$_") : "$where/$_ is not known" } sort keys %$value);
}
is(join('; ', wrong($meta, $rules, '')), '', 'META.json is valid');
unlike(slurp_file("$root/META.json"), qr{https?://(?!pgxn\.org/meta/spec\.txt)}, 'and names no place that is not there');

# Each kind of mistake is found.
my $mistaken = { %$meta, license => 'own', provides => { thing => { file => 'no/such/file' } }, prereqs => { later => {}, runtime => { requires => { PostgreSQL => 'some' } } },
	resources => { homepage => 'none' }, release_status => 'soon', colour => 'red', tags => ['a/b'] };
delete $mistaken->{abstract};
is(join('; ', wrong($mistaken, $rules, '')), '/abstract is missing; /colour is not known; /license is no license; /prereqs/later is not known; '
	. '/prereqs/runtime/requires/PostgreSQL is no requirement; /provides/thing/version is missing; /provides/thing/file is no file; '
	. '/release_status is no status; /resources/homepage is no url; /tags is no tag', 'what is wrong is found');

done_testing();
