-- The table: each row a step, what it is held against, and the limit.

CREATE TABLE result (
	position int, name text, step text, against text, ratio float8, low float8, high float8,
	bound text, verdict text, ms float8, against_ms float8
);

CREATE FUNCTION median_ms(variant text) RETURNS float8 LANGUAGE sql AS
	$$ SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY ms) FROM runs WHERE name = variant $$;

-- at_most: the ratio must not be larger; at_least: the ratio the other way must not be smaller.
-- What pays only with many customers has no limit with few.
CREATE TABLE comparisons (position int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text, other text, at_most numeric, at_least numeric,
	step text, against text);

INSERT INTO comparisons (name, other, at_most, at_least, step, against) VALUES
('customer_scores', 'plain_job', CASE WHEN :customers >= 1000000 THEN 1.7 END, NULL, 'create_customer_scores, from orders', 'count, min, max, sum into a table'),
('customer_scores', 'rebuild', NULL, NULL, 'the same', 'rebuild of the histories'),
('all_scores', 'total_spend', CASE WHEN :customers >= 1000000 THEN 5 END, NULL, 'customer_scores: all scores, BG/NBD', 'sum(total_spend(h))'),
('all_scores_pareto', 'total_spend', CASE WHEN :customers >= 1000000 THEN 5 END, NULL, 'the same, Pareto/NBD', 'sum(total_spend(h))'),
('all_scores_corner', 'total_spend', CASE WHEN :customers >= 1000000 THEN 5 END, NULL, 'the same, no dropout visible', 'sum(total_spend(h))'),
('residual', 'total_spend', NULL, NULL, 'discounted_transactions, BG/NBD', 'sum(total_spend(h))'),
('history', 'summary', 0.9, NULL, 'purchase_history, numeric', 'count, min, max, sum'),
('history', 'daily', 0.35, NULL, 'the same', 'daily totals, then customers'),
('history_float8', 'summary_float8', 1.3, NULL, 'purchase_history, float8', 'count, min, max, sum'),
('base', 'total_spend', 2.0, NULL, 'customer_base(h)', 'sum(total_spend(h))'),
('fit', 'base', CASE WHEN :customers >= 1000000 THEN 0.5 END, NULL, 'clv_fit, BG/NBD', 'customer_base(h)'),
('fit_pareto', 'base', CASE WHEN :customers >= 1000000 THEN 2.0 END, NULL, 'clv_fit, Pareto/NBD', 'customer_base(h)'),
('fit_auto', 'base', NULL, NULL, 'clv_fit, all models', 'customer_base(h)'),
('fit', 'fit_tenth', CASE WHEN :customers >= 10000000 THEN 4 END, NULL, 'clv_fit, BG/NBD', 'a tenth of the customers'),
('scores', 'total_spend', 4, NULL, 'churn_prob + clv_estimate', 'sum(total_spend(h))'),
('scores_pareto', 'total_spend', NULL, NULL, 'the same, Pareto/NBD', 'sum(total_spend(h))'),
('equity', 'clv_all', CASE WHEN :customers >= 1000000 THEN 2.0 END, NULL, 'customer_equity, BG/NBD', 'sum(clv_estimate(h))'),
('equity_pareto', 'clv_all_pareto', CASE WHEN :customers >= 1000000 THEN 1.5 END, NULL, 'the same, Pareto/NBD', 'sum(clv_estimate(h))'),
('rfm_score', 'ntile', 0.5, NULL, 'rfm_score OVER ()', 'three ntile(5)'),
('rfm_cuts', 'percentile', 0.5, NULL, 'rfm_cuts', 'three percentile_disc'),
('overdue_prob', 'days_overdue', 1.5, NULL, 'overdue_prob', 'days_overdue'),
('due_window', 'days_overdue', NULL, NULL, 'due_window', 'days_overdue'),
('contact_log', 'purchase_history_all', NULL, NULL, 'contact_log, by customer', 'purchase_history'),
('hour_profile', 'purchase_history_all', NULL, NULL, 'hour_profile, by customer', 'purchase_history'),
('replenishment', 'avg_days', NULL, NULL, 'replenishment', 'avg and stddev of avg_days_between_orders'),
('fatigue', 'group_counts', NULL, NULL, 'fatigue', 'counts by number of contacts'),
('rate_prior', 'rate_counts', NULL, NULL, 'rate_prior', 'counts by rate'),
('rate_index', 'rate_sums', NULL, NULL, 'rate_index', 'two sums by segment'),
('journeys', 'group_by', NULL, NULL, 'journey, by customer', 'count, min, max by customer'),
('journey_funnel', 'group_by', NULL, NULL, 'journey_funnel of journeys, by customer', 'count, min, max by customer'),
('journey_funnel', 'three_steps', NULL, NULL, 'the same', 'three sorted lists of times by customer'),
('path_base', 'base_of_paths', NULL, NULL, 'path_base, of paths with three steps', 'customer_base'),
('path_scores', 'scores_of_paths', NULL, NULL, 'path_scores', 'customer_scores, Pareto/NBD'),
('item_pairs', 'self_join', 0.1, NULL, 'item_pairs, 60 categories', 'a self-join'),
('event_study', 'orders_between', NULL, NULL, 'event_study', 'two sums of orders_between'),
('rate_change', 'orders_between', NULL, NULL, 'rate_change', 'two sums of orders_between'),
('customer_360', 'explain_score', NULL, NULL, 'customer_360, of 1,000 customers', 'explain_score alone'),
('uplift', 'avg_stddev', 1.2, NULL, 'uplift(treated, outcome)', 'two avg and stddev'),
('uplift_before', 'avg_stddev', NULL, NULL, 'the same with a covariate', 'two avg and stddev'),
('assign_group', 'sha256', 1.3, NULL, 'assign_group', 'sha256 alone'),
('response_curve', 'avg_stddev', NULL, NULL, 'response_curve, a row for each customer', 'two avg and stddev'),
('allocate_budget', 'allocate_draws', NULL, NULL, 'allocate_budget, 1,000 segments', 'the same with 200 draws'),
('history_2', 'history_1', NULL, CASE WHEN :customers >= 1000000 THEN 1.6 END, 'purchase_history, two workers', 'one process'),
('split_history_2', 'split_history_1', NULL, CASE WHEN :customers >= 1000000 THEN 1.6 END, 'the same, orders split by customer', 'one process'),
('summary_2', 'summary_1', NULL, NULL, 'count, min, max, sum, two workers', 'one process'),
('base_2', 'base_1', NULL, CASE WHEN :customers >= 1000000 THEN 1.6 END, 'customer_base, two workers', 'one process'),
('rfm_cuts_2', 'rfm_cuts_1', NULL, CASE WHEN :customers >= 1000000 THEN 1.6 END, 'rfm_cuts, two workers', 'one process'),
('period_audit', 'audit_total_spend', 3, NULL, 'period_audit', 'sum(total_spend(h))'),
('period_audit_profit', 'audit_total_spend', 3, NULL, 'period_audit with profit', 'sum(total_spend(h))'),
('period_change', 'audit_total_spend', 3, NULL, 'period_change', 'sum(total_spend(h))'),
('cohort_audit', 'audit_total_spend', 3, NULL, 'cohort_audit, months', 'sum(total_spend(h))'),
('deciles', 'deciles_sql', 0.15, NULL, 'deciles from histories', 'the same in SQL, from orders'),
('cohorts', 'cohorts_sql', 0.15, NULL, 'cohort table from histories', 'the same in SQL, from orders'),
('period_audit_2', 'period_audit_1', NULL, CASE WHEN :customers >= 1000000 THEN 1.6 END, 'period_audit, two workers', 'one process'),
('period_change_2', 'period_change_1', NULL, CASE WHEN :customers >= 1000000 THEN 1.6 END, 'period_change, two workers', 'one process'),
('cohort_audit_2', 'cohort_audit_1', NULL, CASE WHEN :customers >= 1000000 THEN 1.6 END, 'cohort_audit, two workers', 'one process'),
('check_orders', 'orders_sorted', 2, NULL, 'check_orders', 'a scan with a sort'),
('transitions', 'moves_grouped', NULL, NULL, 'segment_transitions', 'count by both segments'),
('snapshot', 'snapshot_written', 0.2, NULL, 'take_snapshot, nothing changed', 'writing all scores'),
('snapshot_drift', 'snapshot_written', NULL, NULL, 'the same, every value a little lower', 'writing all scores'),
('upsert', 'rebuild', 0.05, NULL, 'refresh of 1 % by ||', 'full rebuild'),
('rollup', 'total_spend', NULL, NULL, 'rollup(h) per customer', 'sum(total_spend(h))'),
('rollup_bases', 'base', NULL, NULL, 'rollup of 16 bases', 'customer_base(h)'),
('everything', 'total_spend', NULL, NULL, 'base, BG/NBD fit and scores from histories', 'sum(total_spend(h))');


-- speed-ups are the other way round
INSERT INTO result
SELECT position, name, step, against, 
	CASE WHEN up THEN against_ms / ms ELSE ms / against_ms END,
	CASE WHEN up THEN 1 / high ELSE low END, CASE WHEN up THEN 1 / low ELSE high END,
	CASE WHEN at_most IS NOT NULL THEN '≤ ' || at_most WHEN at_least IS NOT NULL THEN '≥ ' || at_least ELSE '' END,
	CASE WHEN at_most IS NULL AND at_least IS NULL THEN ''
		WHEN ms / against_ms <= at_most OR against_ms / ms >= at_least THEN 'met' ELSE 'missed' END,
	ms, against_ms
FROM (SELECT c.*, c.name LIKE '%\_2' AS up, median_ms(c.name) AS ms, median_ms(c.other) AS against_ms,
		min(a.ms / b.ms) AS low, max(a.ms / b.ms) AS high
	FROM comparisons AS c JOIN runs AS a USING (name) JOIN runs AS b ON b.name = c.other AND b.round = a.round
	GROUP BY c.position) AS x;

-- sizes and rates are compared too
INSERT INTO result
SELECT 100, 'disk', 'stored histories on disk', 'the orders table', size, size, size,
	'≤ 0.35', CASE WHEN size <= 0.35 THEN 'met' ELSE 'missed' END
FROM (SELECT pg_table_size('histories')::float8 / pg_table_size('orders') AS size) AS x;

INSERT INTO result
SELECT 101, 'simulation', 'simulate_orders', 'million orders a second', orders / median / 1000, orders / high / 1000, orders / low / 1000,
	'≥ 1', CASE WHEN orders / median / 1000 >= 1 THEN 'met' ELSE 'missed' END, median, NULL
FROM (SELECT (SELECT count(*) FROM orders) * least(1, 1000000.0 / :customers)::float8 AS orders, median_ms('simulation') AS median,
		min(ms) AS low, max(ms) AS high
	FROM runs WHERE name = 'simulation') AS x;

-- of one of a hundred allocations
INSERT INTO result
SELECT 102, 'allocate_hundred', 'allocate_budget, 1,000 segments', 'a millisecond', median / 100, low / 100, high / 100,
	'≤ 1', CASE WHEN median / 100 <= 1 THEN 'met' ELSE 'missed' END, median / 100, NULL
FROM (SELECT median_ms('allocate_hundred') AS median, min(ms) AS low, max(ms) AS high FROM runs WHERE name = 'allocate_hundred') AS x;

\pset footer off
\echo
\echo 'Ratios of medians; for two workers the speed-up. The range is that of the single rounds.'
SELECT step, against, round(ratio::numeric, 2) AS ratio, round(low::numeric, 2) || '–' || round(high::numeric, 2) AS range,
	bound AS "must be", verdict, round(ms::numeric, CASE WHEN ms < 100 THEN 1 ELSE 0 END) AS ms,
	round(against_ms::numeric, CASE WHEN against_ms < 100 THEN 1 ELSE 0 END) AS "ms against"
FROM result ORDER BY position;

\echo 'Memory at the peak, in MB: what the plan says of its hash table, and what the process grew by.'
SELECT name, round(hash_kb / 1024.0, 1) AS hash_table, round(process_kb / 1024.0, 1) AS process,
	left(regexp_replace(statement, '\s+', ' ', 'g'), 90) AS statement
FROM memory JOIN variants USING (name) ORDER BY position;

\echo 'Sizes of the values, in bytes.'
SELECT 'purchase_history, mean' AS value, round(avg(pg_column_size(history)), 1) AS stored,
	round(avg(octet_length(purchase_history_send(history))), 1) AS binary, round(avg(octet_length(history::text)), 1) AS text
FROM histories
UNION ALL
SELECT 'customer_base', pg_column_size(base), octet_length(customer_base_send(base)), octet_length(base::text) FROM bases
UNION ALL
SELECT 'clv_model', pg_column_size(model), octet_length(clv_model_send(model)), octet_length(model::text) FROM models
UNION ALL
SELECT 'rfm_cuts', pg_column_size(cuts), octet_length(rfm_cuts_send(cuts)), octet_length(cuts::text)
FROM (SELECT rfm_cuts(recency_days, frequency, monetary) AS cuts FROM summaries) AS x;

SELECT pg_size_pretty(pg_table_size('orders')) AS orders, pg_size_pretty(pg_table_size('histories')) AS histories,
	round((SELECT avg(frequency) FROM summaries), 2) AS orders_per_customer,
	(SELECT count(*) FROM bases, unnest(base)) AS timing_cells,
	(SELECT round((100 * sum(waited_ms) / sum(ms + waited_ms))::numeric, 1) FROM runs) AS percent_waiting_for_others;
