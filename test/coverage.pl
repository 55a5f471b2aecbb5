#!/usr/bin/perl
# Adds up what gcov has counted (gcov --branch-probabilities --json-format --stdout), in servers
# and unit tests, and prints one line for each file below src/. Called by test/coverage.
use strict;
use warnings;

use Getopt::Long;
use JSON::PP;

my ($missed, $below) = (0, 100.01);
GetOptions('missed' => \$missed, 'below=f' => \$below) or exit 2;

my %runs;		# of each line of each file
my %branches;	# of each file: how often each way out of a condition was taken, by line and number
while (my $report = <STDIN>)
{
	foreach my $file (@{ JSON::PP->new->decode($report)->{files} })
	{
		next unless $file->{file} =~ m{/src/((?:\w+/)*\w+\.[ch])$};
		my ($lines, $taken) = ($runs{$1} //= {}, $branches{$1} //= {});
		foreach my $line (@{ $file->{lines} })
		{
			my @ways = @{ $line->{branches} // [] };

			$lines->{ $line->{line_number} } += $line->{count};
			$taken->{"$line->{line_number} $_"} += $ways[$_]{count} foreach 0 .. $#ways;
		}
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

sub percent { my ($run, $total) = @_; return $total ? 100 * $run / $total : 100; }

sub print_line
{
	my ($name, $total, $run, $ways, $taken) = @_;
	printf "%-44s %6d %6d %7.1f %8d %6d %7.1f\n", $name, $total, $run, percent($run, $total), $ways, $taken, percent($taken, $ways);
}

my @all = (0, 0, 0, 0);
printf "%-44s %6s %6s %7s %8s %6s %7s\n", 'file', 'lines', 'run', '%', 'branches', 'taken', '%';
foreach my $file (sort keys %runs)
{
	my ($lines, $branches) = ($runs{$file}, $branches{$file});
	my @not_run = sort { $a <=> $b } grep { !$lines->{$_} } keys %$lines;
	my %half = map { (split)[0] => 1 } grep { !$branches->{$_} } keys %$branches;
	my @half_run = sort { $a <=> $b } grep { $lines->{$_} } keys %half;
	my @counts = (scalar keys %$lines, keys(%$lines) - @not_run, scalar keys %$branches, scalar grep { $_ } values %$branches);

	$all[$_] += $counts[$_] foreach 0 .. 3;
	next if percent(@counts[1, 0]) >= $below;
	print_line($file, @counts);
	print '    ', ranges(@not_run), "\n" if $missed && @not_run;
	print '    one way only: ', ranges(@half_run), "\n" if $missed && @half_run;
}
print_line('all', @all);
