# pg_upgrade to a newer server takes values, views and indexes along.
#
# CUSTOMER_CENTRIC_NEW_BINDIR names the directory of the programs of a newer server, in which
# this extension is installed too. Without it there is nothing to upgrade to.
use strict;
use warnings;

use File::Basename qw(dirname);
use lib dirname(__FILE__);
use KeptValues;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $new_bin = $ENV{CUSTOMER_CENTRIC_NEW_BINDIR};
plan skip_all => 'CUSTOMER_CENTRIC_NEW_BINDIR names no newer server' if !$new_bin;

my $old = PostgreSQL::Test::Cluster->new('old');
my $new = PostgreSQL::Test::Cluster->new('new', install_path => dirname($new_bin));
my $old_bin = $old->config_data('--bindir');
plan skip_all => "$new_bin is no newer server" if $new->pg_version <= $old->pg_version;

my @initdb = ('--encoding=UTF8', '--locale=C');
$old->init(extra => [@initdb]);
# (checksums are on by default since 18)
$new->init(extra => [ @initdb, $new->pg_version >= 18 && $old->pg_version < 18 ? '--no-data-checksums' : () ]);
$old->start;

$old->safe_psql('postgres', 'CREATE DATABASE shop');
$old->safe_psql(
	'shop', q{
	CREATE SCHEMA cc;
	CREATE EXTENSION customer_centric SCHEMA cc;
	SET search_path = public, cc;
	CREATE TABLE orders AS SELECT customer_id, ordered_at, amount::numeric(12, 2) FROM simulate_orders(2000, '{"model": "bg/nbd",
		"timing": {"r": 0.8, "alpha": 8, "a": 0.8, "b": 3.2}, "spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}}', '2024-01-01', '2025-01-01', 1);
	CREATE TABLE histories AS SELECT customer_id, purchase_history(ordered_at, amount) AS value FROM orders GROUP BY customer_id;
	CREATE INDEX ON histories (value);
	CREATE INDEX ON histories USING hash (value);
	CREATE TABLE kept AS
	SELECT base, clv_fit(base) AS model, cuts, rules, contracts, retention_fit(contracts) AS retention, identities
	FROM (SELECT customer_base(value) AS base, rfm_cuts(recency_days(value, '2025-01-01'), order_count(value), total_spend(value)) AS cuts,
		default_segment_rules() AS rules, retention_base(1 + (customer_id % 24)::int, customer_id % 3 > 0, 1, '1 month') AS contracts,
		same_customer(customer_id, customer_id % 90) AS identities FROM histories) AS x;
	CREATE VIEW best AS SELECT customer_id, clv_estimate(value, model) AS clv, churn_prob(value, model) AS churn FROM histories, kept;
	SELECT create_customer_scores('customer_scores', 'orders', 'customer_id', 'ordered_at', 'amount');
} . keep_values('value'));
keep_values_of_all_types($old, 'shop');

my @relations = qw(histories kept kept_values best customer_scores);
sub content
{
	my ($node, $relation) = @_;
	return $node->safe_psql('shop', "SELECT t::text, hash_record_extended(t, 0) FROM public.$relation AS t ORDER BY 1");
}
my %before = map { $_ => content($old, $_) } @relations;
$old->stop;

# It writes files where it stands.
my $place = PostgreSQL::Test::Utils::tempdir;
chdir $place or BAIL_OUT("cannot go to $place");
command_ok(
	[ "$new_bin/pg_upgrade", '--no-sync', '-b', $old_bin, '-B', $new_bin, '-d', $old->data_dir, '-D', $new->data_dir,
		'-p', $old->port, '-P', $new->port, '-s', $new->host ],
	'upgraded from ' . $old->pg_version . ' to ' . $new->pg_version);

$new->start;
is(content($new, $_), $before{$_}, "$_ is the same") foreach @relations;
is( $new->safe_psql('shop', 'SET enable_seqscan = off; SELECT count(*) FROM histories AS a JOIN histories AS b USING (customer_id) WHERE a.value OPERATOR(cc.=) b.value'),
	'2000', 'indexes serve');
$new->safe_psql('shop', 'REFRESH MATERIALIZED VIEW CONCURRENTLY public.customer_scores');
is(content($new, 'customer_scores'), $before{customer_scores}, 'the scores, refreshed, are the same');

$new->stop;
done_testing();
