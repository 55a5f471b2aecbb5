# The published answers on real orders: BG/NBD and gamma-gamma, the CDNOW sample of
# Fader and Hardie. The other models and data sets are in 011_published_fits.pl.

use strict;
use warnings;

use File::Basename qw(dirname);
use Test::More;

use lib dirname(__FILE__);
use PublishedData;

my $node = start_with_data('cdnow', 'cdnow_sample.csv');

# One tenth of the customers, 39 weeks of calibration, 39 weeks of holdout.
load_orders('sample', 'cdnow_sample.csv');
value(q{CREATE TABLE sample_fit AS
	SELECT b, clv_fit(b, 'bg/nbd') AS m FROM (SELECT customer_base(h, '1997-09-30') AS b FROM sample_histories) AS x});

sub estimate
{
	my ($param, $column) = @_;
	$column //= 'estimate';
	return value("SELECT $column FROM sample_fit, clv_params(m) WHERE param = '$param'");
}

is(value('SELECT customer_count(b), repeat_customer_count(b) FROM sample_fit'), '2357|946', 'customers');
is(value('SELECT sum(repeat_count * customer_count), sum(last_order_days * customer_count), count(*) FROM sample_fit, unnest(b)'),
	'2457|112949|1016', 'transactions, recencies in days, distinct cells');
is(value('SELECT converged(m) FROM sample_fit'), 't', 'converged');

# Fader, Hardie & Lee 2005, table 2, and all digits on which the packages agree.
agrees(estimate('r'), 0.2425945, 7, 'r');
agrees(estimate('alpha'), 4.413602, 7, 'alpha');
agrees(estimate('a'), 0.792922, 6, 'a');
agrees(estimate('b'), 2.425907, 6, 'b');
agrees(value('SELECT log_likelihood(m) FROM sample_fit'), -9582.429207, 10, 'log-likelihood');
agrees(estimate('r', 'std_error'), 0.0125574, 5, 'standard error of r');
agrees(estimate('alpha', 'std_error'), 0.378224, 5, 'standard error of alpha');
agrees(estimate('a', 'std_error'), 0.185733, 5, 'standard error of a');
agrees(estimate('b', 'std_error'), 0.705407, 5, 'standard error of b');

# Fader & Hardie 2013, note 025.
agrees(estimate('p'), 6.249572, 7, 'p');
agrees(estimate('q'), 3.744225, 7, 'q');
agrees(estimate('gamma'), 15.44352, 7, 'gamma');
agrees(value('SELECT spend_log_likelihood(m) FROM sample_fit'), -4055.917695, 10, 'log-likelihood of spend');
agrees(estimate('p', 'std_error'), 1.19006, 5, 'standard error of p');

# Ten customers, as the packages print them: P(alive), orders in the next 39 weeks.
my %published = (
	1 => [ 0.726620, 1.225993 ], 2 => [ 0.212390, 0.203418 ], 3 => [ 1, 0.194794 ], 6 => [ 0.641835, 3.337573 ],
	18 => [ 0.310855, 0.297723 ], 111 => [ 0.165243, 0.160566 ], 157 => [ 0.969221, 20.055261 ],
	400 => [ 1, 0.205181 ], 1516 => [ 0.968855, 20.748917 ], 2357 => [ 1, 0.258979 ]);
foreach my $customer (sort { $a <=> $b } keys %published)
{
	my ($alive, $orders) = split /\|/,
	  value("SELECT alive_prob(h, m), expected_transactions(h, m, 273) FROM sample_histories, sample_fit WHERE customer_id = $customer");
	agrees($alive, $published{$customer}[0], 5, "P(alive) of customer $customer");
	agrees($orders, $published{$customer}[1], 5, "expected orders of customer $customer");
}
my %spend = (1 => 24.653919, 2 => 18.910018, 6 => 71.464706);
foreach my $customer (sort keys %spend)
{
	agrees(value("SELECT expected_transaction_value(h, m) FROM sample_histories, sample_fit WHERE customer_id = $customer"),
		$spend{$customer}, 7, "expected order value of customer $customer");
}

# The holdout: 1,882 transactions, of which the model expects 1,653.
my ($expected, $actual) = split /\|/,
  value("SELECT sum(expected_transactions(h, m, 273)), sum(repeat_count(h, '1998-06-30') - repeat_count(h, '1997-09-30')) FROM sample_histories, sample_fit");
is($actual, 1882, 'transactions of the holdout');
agrees($expected, 1653.41, 6, 'expected transactions of the holdout');

# The tables behind the plots of the papers, against the histories and their scores one by one.
my %totals = ('bg/nbd' => 1653.41, 'pareto/nbd' => 1665.51);
$node->safe_psql('postgres', "CREATE TABLE holdouts AS SELECT model, holdout(h, '1997-09-30', '1998-06-30', model) AS v
	FROM sample_histories, (VALUES ('bg/nbd'), ('pareto/nbd')) AS models(model) GROUP BY model");
foreach my $model (sort keys %totals)
{
	$node->safe_psql('postgres', "DROP TABLE IF EXISTS one, fit;
		CREATE TABLE one AS SELECT v FROM holdouts WHERE model = '$model';
		CREATE TABLE fit AS SELECT clv_fit(b, '$model') AS m FROM sample_fit");
	# (amounts of a holdout are kept to twelve digits)
	is(value('SELECT bool_and(CASE a.part WHEN $$timing$$ THEN a.estimate = b.estimate AND a.std_error = b.std_error
			ELSE abs(a.estimate / b.estimate - 1) < 1e-7 AND abs(a.std_error / b.std_error - 1) < 1e-6 END), count(*)
		FROM one, clv_params(holdout_model(v)) AS a, fit, clv_params(m) AS b WHERE a.param = b.param AND a.part = b.part'),
		't|7', "$model: fitted to the calibration");

	is(value('SELECT customer_count, actual_transactions FROM one, holdout_summary(v)'), '2357|1882', "$model: customers and transactions");
	agrees(value('SELECT expected_transactions FROM one, holdout_summary(v)'), $totals{$model}, 6, "$model: expected transactions");
	is(value("SELECT string_agg(customer_count || ' ' || actual_transactions, ', ' ORDER BY repeat_count) FROM one, holdout_by_repeat_count(v)"),
		'1411 334, 439 306, 214 298, 100 156, 62 157, 38 112, 29 112, 64 407', "$model: by number of calibration transactions");
	my $scored = "SELECT repeat_count(h, '1997-09-30') AS x, repeat_count(h, '1998-06-30') - repeat_count(h, '1997-09-30') AS actual,
		expected_transactions(h, m, 273) AS expected FROM sample_histories, fit";
	is(value("SELECT count(*), bool_and(customers = customer_count AND actual = actual_transactions AND abs(expected / expected_transactions - 1) < 1e-12
			AND abs(actual / actual_mean / customers - 1) < 1e-12 AND abs(expected / expected_mean / customers - 1) < 1e-12)
		FROM (SELECT least(x, 7) AS x, count(*) AS customers, sum(actual)::float8 AS actual, sum(expected) AS expected FROM ($scored) AS s GROUP BY 1) AS s
			JOIN (SELECT t.* FROM one, holdout_by_repeat_count(v) AS t) AS t ON x = repeat_count"),
		'8|t', "$model: as scored one by one");
	is(value("SELECT abs(mae / (SELECT avg(abs(actual - expected)) FROM ($scored) AS s) - 1) < 1e-12,
			abs(rmse / (SELECT sqrt(avg((actual - expected) ^ 2)) FROM ($scored) AS s) - 1) < 1e-12, abs(total_error - expected_transactions / 1882 + 1) < 1e-12
		FROM one, holdout_summary(v)"),
		't|t|t', "$model: errors");

	# 4,339 repeat transactions in 78 weeks, 12 of which acquire customers.
	is(value('SELECT count(*), max(period_end), sum(actual_transactions), max(actual_cumulative) FROM one, holdout_tracking(v)'),
		'78|1998-06-30|4339|4339', "$model: weeks");
	is(value("SELECT count(*), bool_and(period_end = date '1997-01-01' + 7 * week - 1), bool_and(actual_cumulative = actual),
			bool_and(abs(expected_cumulative / expected - 1) < 1e-12)
		FROM one, holdout_tracking(v), LATERAL (
			SELECT sum(repeat_count(h, period_end)) AS actual, sum(new_customer_transactions(m, period_end - first_order_on(h))) AS expected
			FROM sample_histories, fit WHERE first_order_on(h) <= period_end) AS x"),
		'78|t|t|t', "$model: tracking as of each week");
}

# Days, weeks and months give the same likelihood up to the known constant.
agrees(value(q{SELECT log_likelihood(clv_fit(b, 'bg/nbd', time_unit_days => 1)) + 2457 * ln(7::float8) FROM sample_fit}),
	-9582.429207, 10, 'log-likelihood in days');

$node->stop;
done_testing();
