# Every example in the documentation works, and shows what it says it shows.
#
# In README.md and doc/*.md a block marked sql is run, in order, in one session
# for each file; where a block marked text follows it, that is its output.
# dbt/models/schema.yml, too, is what dbt/schema.sql prints.
#
# Where ACCEPT_DOCUMENTATION names a directory, the files are written there with the
# outputs as they are now ("script/dev docs").

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(basename dirname);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $root = abs_path(dirname(abs_path($0)) . '/../..');

my $node = PostgreSQL::Test::Cluster->new('documentation');
$node->init(extra => [ '--encoding=UTF8', '--locale=C' ]);
$node->start;

# The sql blocks of a file, each with the text block that follows it directly, if one does.
sub examples
{
	my ($file) = @_;
	my @examples;
	my $text = slurp_file($file);
	while ($text =~ /^```(\w+)\n(.*?)^```\n(\s*)/gms)
	{
		my ($kind, $content, $content_at) = ($1, $2, $-[2]);
		if ($kind eq 'sql')
		{
			push @examples, { sql => $content, end => pos($text) };
		}
		elsif ($kind eq 'text' && @examples && $examples[-1]{end} == $-[0])
		{
			$examples[-1]{output} = $content;
			$examples[-1]{output_at} = $content_at;
		}
	}
	return @examples;
}

# Without trailing blanks, which editors and psql treat as they like.
sub tidy
{
	my ($text) = @_;
	$text =~ s/[ \t]+$//gm;
	$text =~ s/\A\n+|\n+\z//g;
	return $text;
}

# Writes a file with the outputs of its examples replaced by these.
sub accept_outputs
{
	my ($file, $examples, $outputs) = @_;
	my $text = slurp_file($file);
	foreach my $i (reverse 0 .. $#$examples)
	{
		next if !defined $examples->[$i]{output};
		substr($text, $examples->[$i]{output_at}, length $examples->[$i]{output}) = tidy($outputs->[$i] // '') . "\n";
	}
	append_to_file("$ENV{ACCEPT_DOCUMENTATION}/" . basename($file), $text);
	return;
}

$node->safe_psql('postgres', 'CREATE DATABASE with_extension');
$node->safe_psql('with_extension', 'CREATE EXTENSION customer_centric');

my $shown = 0;
foreach my $file ("$root/README.md", sort glob("$root/doc/*.md"))
{
	my $name = basename($file);
	my @examples = examples($file);
	next if !@examples;

	# (of the two compressions the one that every server can)
	my $script = "SET datestyle = ISO;\nSET client_min_messages = warning;\nSET default_toast_compression = pglz;\n";
	$script .= "\\echo\n\\echo \@example\n$_->{sql}" foreach @examples;

	(my $database = lc "docs_$name") =~ s/\W/_/g;
	# README tells how to create the extension; the other files suppose that it was read.
	my $template = $name eq 'README.md' ? 'template1' : 'with_extension';
	$node->safe_psql('postgres', "CREATE DATABASE $database TEMPLATE $template");
	my ($stdout, $stderr);
	my $result = IPC::Run::run(
		[ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr($database), '-f', '-' ],
		'<', \$script, '>', \$stdout, '2>', \$stderr);
	ok($result, "$name: " . scalar(@examples) . ' examples run') or diag($stderr);

	my @outputs = split /^\@example\n/m, $stdout;
	shift @outputs;
	accept_outputs($file, \@examples, \@outputs) if $ENV{ACCEPT_DOCUMENTATION};
	foreach my $i (0 .. $#examples)
	{
		next if !defined $examples[$i]{output};
		$shown++;
		is(tidy($outputs[$i] // ''), tidy($examples[$i]{output}), "$name: output of example " . ($i + 1))
		  or diag($examples[$i]{sql});
	}
}
cmp_ok($shown, '>', 5, 'the documentation shows output');

my ($described) = run_command([ 'psql', '-XAtq', '-d', $node->connstr('with_extension'), '-f', "$root/dbt/schema.sql" ]);
append_to_file("$ENV{ACCEPT_DOCUMENTATION}/schema.yml", "$described\n") if $ENV{ACCEPT_DOCUMENTATION};
my @described = split /\n/, $described;
cmp_ok(scalar(@described), '>', 100, 'the dbt models are described');
is_deeply(\@described, [ split /\n/, slurp_file("$root/dbt/models/schema.yml") ], 'dbt/models/schema.yml is what dbt/schema.sql prints');

$node->stop;
done_testing();
