# Pareto/NBD with covariates that vary over time, on the simulated apparel retailer of the R package CLVTools (Bachmann,
# Meierer & Naef 2021). In R: write.csv(apparelTrans, 'apparel_transactions.csv', row.names = FALSE) and
# write.csv(apparelDynCov, 'apparel_covariates.csv', row.names = FALSE). The first 104 weeks are fitted, as in its manual;
# what is expected CLVTools 0.12.1 says at the parameters below, which are those of the fit to six digits.

use strict;
use warnings;

use File::Basename qw(dirname);
use Test::More;

use lib dirname(__FILE__);
use PublishedData;

my $node = start_with_data('apparel', 'apparel_transactions.csv', 'apparel_covariates.csv');
load_csv('orders', 'customer_id int, ordered_at date, amount numeric', 'apparel_transactions.csv');
load_csv('covariates', 'customer_id int, week date, season float8, gender float8, channel float8', 'apparel_covariates.csv');
value(q{
	CREATE TABLE customers AS
	SELECT customer_id, h, path FROM (SELECT customer_id, purchase_history(ordered_at, amount) AS h FROM orders GROUP BY 1) AS o
	JOIN (SELECT customer_id, covariate_path(week, ARRAY[season, gender, channel]) AS path FROM covariates GROUP BY 1) AS c USING (customer_id);
	CREATE TABLE scores AS
	SELECT customer_id, s.* FROM customers, path_scores(h, path, '{"model": "pareto/nbd", "covariates": ["season", "gender", "channel"],
		"timing": {"r": 2.15516, "alpha": 123.846, "s": 1.20379, "beta": 82.1621},
		"coefficients": {"rate:season": 0.718671, "rate:gender": 0.258855, "rate:channel": 0.622616,
		"dropout:season": -2.56864, "dropout:gender": -0.54679, "dropout:channel": 0.542774}}', '2006-12-31', 1450) AS s});

is(value('SELECT customer_count(path_base(h, path, \'2006-12-31\')) FROM customers'), '600', 'all customers have a path');
my $likelihood = value(q{SELECT log_likelihood(path_fit(path_base(h, path, '2006-12-31'))) FROM customers});
cmp_ok($likelihood, '>=', -5752.6441, "the log-likelihood of the fit is that of CLVTools there, or better: $likelihood");

my ($alive, $transactions) = split /\|/, value('SELECT sum(alive_prob), sum(expected_transactions) FROM scores');
agrees($alive, 275.960818056, 10, 'customers who are alive');
agrees($transactions, 1184.307220293, 10, 'expected transactions until 2010-12-20');
foreach (
	[ 1, 0.9703841645, 5.1306701083 ], [ 2, 0.9412926873, 4.6650390048 ], [ 7, 0.9813869497, 4.0735558528 ],
	[ 16, 0.9732016513, 10.7236087227 ], [ 22, 0.9924616154, 5.2473992569 ], [ 93, 0.9629904274, 17.5948537957 ],
	[ 100, 0.2955491684, 0.5128619832 ], [ 400, 0.2134224545, 0.2982067933 ], [ 553, 0.9832698677, 8.1604876397 ],
	[ 600, 0.4208347163, 1.6793793565 ])
{
	my ($customer, @published) = @$_;
	my @got = split /\|/, value("SELECT alive_prob, expected_transactions FROM scores WHERE customer_id = $customer");
	agrees($got[$_], $published[$_], 9, "customer $customer: " . ('P(alive)', 'expected transactions')[$_]) foreach 0, 1;
}

done_testing();
