# A table with a value of every type of the extension, for tests of what becomes of stored values.

package KeptValues;

use strict;
use warnings;

use Exporter qw(import);
use Test::More;

our @EXPORT = qw(keep_values keep_values_of_all_types kept_columns);

# The statements that make the table kept_values, with one row and a key, from the table histories
# (customer_id, and the purchase_history in this column), whose orders are of 2024.
sub keep_values
{
	my ($h) = @_;
	return qq{
	CREATE TABLE kept_values AS
	SELECT 1 AS id, (array_agg($h ORDER BY customer_id))[1] AS history, customer_base($h) AS base, clv_fit(customer_base($h)) AS model,
		holdout($h, '2024-06-30', '2024-12-30', 'bg/nbd') AS held, season($h, 'month') AS season,
		clv_fit(customer_base($h), 'bg/nbd', season => season_of_factors('month', '{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 4, 1}')) AS seasonal_model, NULL::customer_equity AS equity,
		rfm_cuts(recency_days($h, '2025-01-01'), order_count($h), total_spend($h)) AS cuts, default_segment_rules() AS rules,
		retention_base(1 + (customer_id % 24)::int, customer_id % 3 > 0, 1, '1 month') AS contracts,
		retention_fit(retention_base(1 + (customer_id % 24)::int, customer_id % 3 > 0, 1, '1 month')) AS retention,
		same_customer(customer_id, customer_id % 90) AS identities, period_audit($h, '2024-01-01', '2025-01-01') AS audit,
		period_change($h, '2024-01-01', '2024-07-01', '2024-07-01', '2025-01-01') AS change, cohort_audit($h, 'month', '2025-01-01') AS cohorts,
		uplift(customer_id % 3 > 0, total_spend($h)) AS uplift, uplift_segments('S', uplift_of_counts(20, 3, 5, 1)) AS segments,
		response_curve(customer_id % 4, total_spend($h)) AS response,
		budget_plan('S' || customer_id, 10, '{"curve": "exp", "c": 2, "k": 0.5}', 1, 0, NULL) FILTER (WHERE customer_id < 4) AS plan,
		contact_log(last_order_on($h)::timestamp AT TIME ZONE 'UTC' + interval '1 second' * customer_id) AS contacts,
		fatigue((customer_id % 9)::int, customer_id % 5 = 0, customer_id % 7 = 0) AS fatigue,
		relevance_audit(customer_id % 5 = 0, NULL, customer_id % 3 = 0, NULL, NULL, NULL) AS relevance, replenishment($h) AS replenishment,
		hour_profile(last_order_on($h)::timestamp + interval '1 hour' * (customer_id % 24)) AS hours, NULL::hour_prior AS prior,
		segment_transitions('S' || customer_id % 5, 'S' || customer_id % 3) AS transitions,
		acquisition_fit(ARRAY[10, 20, 30, 40, 12, 18, 33, 44], '2024-01-01', 'quarter', 'naive') AS acquisition,
		'{"by": "proportion", "left_out": 1, "units": [[5, 0, 1], [20, 7, 2], [60, 4, 1]]}'::rate_prior AS rates,
		rate_index('S' || customer_id % 5, customer_id % 4, 5) AS index,
		'{"customers": [[20030040, 9, 2], [50020060, 9, 4], [82064091, 40, 22], [90090020, 20, 8], [91020080, 10, 7]]}'::question_weights AS questions,
		'{"events": [["2026-03-01T10:00:00Z", 1, 1], ["2026-03-01T10:05:00.250000Z", 2, 2], ["2026-03-04T10:05:00Z", 12, 1]]}'::journey AS journey,
		'{"customers": [[0, 0, 1], [1, 604800000000, 3], [2, 0, 3], [4, 0, 1], [8, 0, 1], [9, 1028, 1], [10, 1028, 1]]}'::journey_funnel AS funnel,
		'{"units": 10, "items": [["a", 7], ["b", 7], ["age", 4], ["month", 3]], "pairs": [[0, 1, 5], [0, 2, 2], [1, 2, 4], [2, 3, 2]]}'::item_pairs AS pairs,
		'{"sums": [[0, 0, 2], [1, 0, 4294967296], [3, 0, 1], [8, 2, 2]]}'::recommendation_check AS recommended,
		'{"counts": [[0, 42950197248, 100], [1, 109491, 60], [1, 109501, 40], [2, 109495, 50], [2, 109505, 50], [3, 0, 100]]}'::event_study AS study,
		'{"steps": [["2023-12-01", 0, 1.5], ["2024-03-01", 1, null]]}'::covariate_path AS path,
		path_base($h, '{"steps": [["2023-12-01", 0], ["2024-03-01", 1]]}') AS paths
	FROM histories;
	UPDATE kept_values SET equity = (SELECT customer_equity($h, model) FROM histories),
		prior = (SELECT hour_prior(p) FROM (SELECT hour_profile(first_order_on($h)::timestamp + interval '1 hour' * (customer_id % 24)) AS p FROM histories GROUP BY customer_id % 50) AS x);
	ALTER TABLE kept_values ADD PRIMARY KEY (id)};
}

# Whether no type is missing there, and no value.
sub keep_values_of_all_types
{
	my ($node, $database) = @_;
	is($node->safe_psql($database, q{
		SELECT string_agg(t.typname, ' ') FROM pg_depend AS d JOIN pg_type AS t ON t.oid = d.objid
		WHERE d.classid = 'pg_type'::regclass AND d.deptype = 'e' AND t.typelem = 0 AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'customer_centric')
			AND t.oid NOT IN (SELECT atttypid FROM pg_attribute WHERE attrelid = 'kept_values'::regclass)}), '', 'a value of every type is kept');
	is($node->safe_psql($database, 'SELECT num_nulls(VARIADIC ARRAY(SELECT value FROM jsonb_each_text(to_jsonb(k)))) FROM kept_values AS k'), '0', 'and none is NULL');
}

# The columns of the table, to make one like it elsewhere.
sub kept_columns
{
	my ($node, $database) = @_;
	return $node->safe_psql($database, q{
		SELECT string_agg(quote_ident(attname) || ' ' || format_type(atttypid, atttypmod), ', ' ORDER BY attnum) FROM pg_attribute
		WHERE attrelid = 'kept_values'::regclass AND attnum > 0 AND NOT attisdropped});
}

1;
