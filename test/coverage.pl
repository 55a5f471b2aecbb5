#!/usr/bin/perl
# Adds up what gcov has counted (gcov --json-format --stdout), in servers and unit tests,
# and prints one line for each file below src/. Called by test/coverage.
use strict;
use warnings;

use Getopt::Long;
use JSON::PP;

my ($missed, $below) = (0, 100.01);
GetOptions('missed' => \$missed, 'below=f' => \$below) or exit 2;

my %runs;		# of each line of each file
while (my $report = <STDIN>)
{
	foreach my $file (@{ JSON::PP->new->decode($report)->{files} })
	{
		next unless $file->{file} =~ m{/src/((?:\w+/)?\w+\.[ch])$};
		my $lines = $runs{$1} //= {};
		$lines->{ $_->{line_number} } += $_->{count} foreach @{ $file->{lines} };
	}
}
die "no counts\n" unless %runs;

# 3, 4, 5, 9 -> 3-5 9
sub ranges
{
	my @ranges;
	foreach my $line (@_)
	{
		if (@ranges && $ranges[-1][1] == $line - 1) { $ranges[-1][1] = $line; }
		else { push @ranges, [ $line, $line ]; }
	}
	return join ' ', map { $_->[0] == $_->[1] ? $_->[0] : "$_->[0]-$_->[1]" } @ranges;
}

my ($all, $all_run) = (0, 0);
printf "%-36s %6s %6s %7s\n", 'file', 'lines', 'run', '%';
foreach my $file (sort keys %runs)
{
	my $lines = $runs{$file};
	my @not_run = sort { $a <=> $b } grep { !$lines->{$_} } keys %$lines;
	my $total = keys %$lines;
	my $run = $total - @not_run;
	my $percent = 100 * $run / $total;

	$all += $total;
	$all_run += $run;
	next if $percent >= $below;
	printf "%-36s %6d %6d %7.1f\n", $file, $total, $run, $percent;
	print '    ', ranges(@not_run), "\n" if $missed && @not_run;
}
printf "%-36s %6d %6d %7.1f\n", 'all', $all, $all_run, 100 * $all_run / $all;
