-- What is measured, and how.

SET client_min_messages = warning;

-- Variants of one suite run in turns, in one session. Nothing of a statement may go to
-- waste: what nobody reads the planner leaves out, so everything is counted.
CREATE TABLE variants (
	position int GENERATED ALWAYS AS IDENTITY,
	suite text,
	name text PRIMARY KEY,
	memory boolean,		-- whether its memory is measured as well
	statement text,
	before text			-- not measured: runs before each run of it
);

INSERT INTO variants (suite, name, memory, statement) VALUES
('orders', 'history', true,
	'SELECT count(h) FROM (SELECT purchase_history(ordered_at, amount) AS h FROM orders GROUP BY customer_id) AS x'),
('orders', 'summary', true,
	'SELECT count(n), count(a), count(b), count(s) FROM (SELECT count(*) AS n, min(ordered_at) AS a,
		max(ordered_at) AS b, sum(amount) AS s FROM orders GROUP BY customer_id) AS x'),
('orders', 'daily', true,
	'SELECT count(n), count(a), count(b), count(s) FROM (SELECT count(*) AS n, min(day) AS a, max(day) AS b, sum(s) AS s
		FROM (SELECT customer_id, ordered_at::date AS day, sum(amount) AS s FROM orders GROUP BY 1, 2) AS days
		GROUP BY customer_id) AS x'),

('float8', 'history_float8', false,
	'SELECT count(h) FROM (SELECT purchase_history(ordered_at, amount) AS h FROM orders_float8 GROUP BY customer_id) AS x'),
('float8', 'summary_float8', false,
	'SELECT count(n), count(a), count(b), count(s) FROM (SELECT count(*) AS n, min(ordered_at) AS a,
		max(ordered_at) AS b, sum(amount) AS s FROM orders_float8 GROUP BY customer_id) AS x'),

('histories', 'total_spend', true, 'SELECT sum(total_spend(history)) FROM histories'),
('histories', 'base', true, 'SELECT customer_base(history) FROM histories'),
('histories', 'fit', true, 'SELECT clv_fit(base, ''bg/nbd'') FROM bases'),
('histories', 'fit_auto', true, 'SELECT clv_fit(base) FROM bases'),
('histories', 'fit_tenth', false, 'SELECT clv_fit(base_of_a_tenth, ''bg/nbd'') FROM bases'),
('histories', 'scores', true,
	'SELECT sum(churn_prob(history, model)), sum(clv_estimate(history, model)) FROM histories, models'),
('histories', 'everything', false,
	'SELECT sum(churn_prob(history, model)), sum(clv_estimate(history, model))
		FROM histories, (SELECT clv_fit(customer_base(history), ''bg/nbd'') AS model FROM histories) AS fitted'),
('histories', 'all_scores', true,
	'SELECT count((s).alive_prob) FROM (SELECT customer_scores(history, (SELECT model FROM models)) AS s FROM histories OFFSET 0) AS x'),
('histories', 'all_scores_corner', false,
	'SELECT count((s).alive_prob) FROM (SELECT customer_scores(history, ''{"model": "pareto/nbd", "time_unit_days": 7,
		"timing": {"r": 0.1732, "alpha": 3.319, "s": 0.00115, "beta": 67672}, "spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}}'',
		''2025-12-31'') AS s FROM histories OFFSET 0) AS x'),
('histories', 'residual', false, 'SELECT sum(discounted_transactions(history, model)) FROM histories, models'),
('histories', 'rollup', true,
	'SELECT count(h) FROM (SELECT rollup(history) AS h FROM histories GROUP BY customer_id) AS x'),
('histories', 'rollup_bases', true, 'SELECT rollup(base) FROM shards'),

('histories', 'clv_all', false, 'SELECT sum(clv_estimate(history, model)) FROM histories, models'),
('histories', 'equity', true, 'SELECT customer_equity(history, model, 0.3, 0.15) FROM histories, models'),

('audit', 'audit_total_spend', true, 'SELECT sum(total_spend(history)) FROM histories'),
('audit', 'period_audit', true, 'SELECT period_audit(history, ''2025-01-01'', ''2026-01-01'') FROM histories'),
('audit', 'period_audit_profit', true, 'SELECT period_audit(history, ''2025-01-01'', ''2026-01-01'', history) FROM histories'),
('audit', 'period_change', true,
	'SELECT period_change(history, ''2024-01-01'', ''2025-01-01'', ''2025-01-01'', ''2026-01-01'') FROM histories'),
('audit', 'cohort_audit', true, 'SELECT cohort_audit(history, ''month'', ''2026-01-01'') FROM histories'),
('audit', 'deciles', true,
	'SELECT sum(t.spend) FROM (SELECT period_audit(history, ''2025-01-01'', ''2026-01-01'') AS a FROM histories) AS x, audit_tiles(a) AS t'),
('audit', 'deciles_sql', true,
	'SELECT sum(spend) FROM (SELECT decile, count(*) AS customers, sum(n) AS orders, sum(s) AS spend, sum(s) / sum(n) AS aov
		FROM (SELECT n, s, ntile(10) OVER (ORDER BY s DESC, n DESC) AS decile FROM (SELECT count(*) AS n, sum(amount) AS s
			FROM orders WHERE ordered_at >= ''2025-01-01'' AND ordered_at < ''2026-01-01'' GROUP BY customer_id) AS c) AS t
		GROUP BY decile) AS d'),
('audit', 'cohorts', true,
	'SELECT sum(t.spend) FROM (SELECT cohort_audit(history, ''month'', ''2026-01-01'') AS a FROM histories) AS x, cohort_table(a) AS t'),
('audit', 'cohorts_sql', true,
	'SELECT sum(spend) FROM (SELECT f.cohort, date_trunc(''month'', ordered_at) AS period, count(DISTINCT customer_id) AS active,
			count(*) AS orders, sum(amount) AS spend
		FROM orders JOIN (SELECT customer_id, date_trunc(''month'', min(ordered_at)) AS cohort FROM orders GROUP BY customer_id) AS f
			USING (customer_id) GROUP BY 1, 2) AS t'),

('rfm', 'rfm_score', true,
	'SELECT count(score) FROM (SELECT rfm_score(recency_days, frequency, monetary) OVER () AS score FROM summaries) AS x'),
('rfm', 'ntile', true,
	'SELECT count(r), count(f), count(m) FROM (SELECT ntile(5) OVER (ORDER BY recency_days DESC) AS r,
		ntile(5) OVER (ORDER BY frequency) AS f, ntile(5) OVER (ORDER BY monetary) AS m FROM summaries) AS x'),
('rfm', 'rfm_cuts', true, 'SELECT rfm_cuts(recency_days, frequency, monetary) FROM summaries'),
('rfm', 'percentile', true,
	'SELECT percentile_disc(ARRAY[0.2, 0.4, 0.6, 0.8]) WITHIN GROUP (ORDER BY recency_days DESC),
		percentile_disc(ARRAY[0.2, 0.4, 0.6, 0.8]) WITHIN GROUP (ORDER BY frequency),
		percentile_disc(ARRAY[0.2, 0.4, 0.6, 0.8]) WITHIN GROUP (ORDER BY monetary) FROM summaries'),

('timing', 'days_overdue', false, 'SELECT count(days_overdue(history, model)) FROM models, histories'),
('timing', 'overdue_prob', false, 'SELECT count(overdue_prob(history, model)) FROM models, histories'),
('timing', 'due_window', false, 'SELECT count((due_window(history, model)).due_on) FROM models, histories'),
('timing', 'purchase_history_all', true, 'SELECT count(h) FROM (SELECT purchase_history(ordered_at) AS h FROM orders GROUP BY customer_id) AS x'),
('timing', 'contact_log', true, 'SELECT count(l) FROM (SELECT contact_log(ordered_at AT TIME ZONE ''UTC'') AS l FROM orders GROUP BY customer_id) AS x'),
('timing', 'hour_profile', true, 'SELECT count(p) FROM (SELECT hour_profile(ordered_at) AS p FROM orders GROUP BY customer_id) AS x'),
('timing', 'avg_days', false, 'SELECT avg(avg_days_between_orders(history)), stddev(avg_days_between_orders(history)) FROM histories'),
('timing', 'replenishment', true, 'SELECT replenishment(history) FROM histories'),
('timing', 'fatigue', true, 'SELECT fatigue((customer_id % 9)::int, frequency > 3, frequency > 9) FROM summaries'),
('timing', 'group_counts', true,
	'SELECT customer_id % 9, count(*), count(*) FILTER (WHERE frequency > 3), count(*) FILTER (WHERE frequency > 9) FROM summaries GROUP BY 1'),

('rates', 'rate_prior', true, 'SELECT rate_prior(frequency % 7, 7) FROM summaries'),
('rates', 'rate_counts', true, 'SELECT frequency % 7, count(*) FROM summaries GROUP BY 1'),
('rates', 'rate_index', true, 'SELECT rate_index((''S'' || customer_id % 9), 1, 2) FROM summaries'),
('rates', 'rate_sums', true, 'SELECT ''S'' || customer_id % 9, sum(1::bigint), sum(2::bigint) FROM summaries GROUP BY 1'),

('journeys', 'journey_funnel', true,
	'SELECT journey_funnel(j, ''90 days'') FROM (SELECT journey(ordered_at, (1 + customer_id % 3)::int) AS j FROM orders GROUP BY customer_id) AS x'),
('journeys', 'journeys', true,
	'SELECT count(j) FROM (SELECT journey(ordered_at, (1 + customer_id % 3)::int) AS j FROM orders GROUP BY customer_id) AS x'),
('journeys', 'three_steps', true,
	'SELECT count(a), count(b), count(c) FROM (SELECT customer_id, array_agg(ordered_at ORDER BY ordered_at) FILTER (WHERE customer_id % 3 = 0) AS a,
		array_agg(ordered_at ORDER BY ordered_at) FILTER (WHERE customer_id % 3 = 1) AS b, array_agg(ordered_at ORDER BY ordered_at) FILTER (WHERE customer_id % 3 = 2) AS c
		FROM orders GROUP BY customer_id) AS x'),
('journeys', 'group_by', true, 'SELECT min(a), max(b), sum(n) FROM (SELECT min(ordered_at) AS a, max(ordered_at) AS b, count(*) AS n FROM orders GROUP BY customer_id) AS x'),

('paths', 'path_base', true, 'SELECT path_base(history, ''{"steps": [["2000-01-01", 0], ["2024-07-01", 1], ["2025-01-01", 0]]}''::covariate_path) FROM histories'),
('paths', 'base_of_paths', false, 'SELECT customer_base(history) FROM histories'),
('paths', 'path_scores', false,
	'SELECT sum(s.clv_estimate) FROM histories, path_scores(history, ''{"steps": [["2000-01-01", 0], ["2024-07-01", 1], ["2025-01-01", 0]]}'',
		''{"model": "pareto/nbd", "covariates": ["z"], "timing": {"r": 0.7, "alpha": 8, "s": 0.8, "beta": 16}, "coefficients": {"rate:z": 0.5, "dropout:z": -0.25}, "spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}}'', ''2025-12-31'') AS s'),
('paths', 'scores_of_paths', false,
	'SELECT sum((s).clv_estimate) FROM (SELECT customer_scores(history, ''{"model": "pareto/nbd", "timing": {"r": 0.7, "alpha": 8, "s": 0.8, "beta": 16}, "spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}}'', ''2025-12-31'') AS s FROM histories OFFSET 0) AS x'),

('affinity', 'item_pairs', false,
	'SELECT item_pairs(items) FROM (SELECT customer_id, array_agg(item) AS items FROM things GROUP BY customer_id) AS x'),
('affinity', 'self_join', false,
	'SELECT count(*) FROM (SELECT a.item, b.item, count(*) FROM things AS a JOIN things AS b USING (customer_id) WHERE a.item < b.item GROUP BY 1, 2) AS x'),

('events', 'event_study', false, 'SELECT event_study(history, date ''2025-06-01'', 180, 90, 14) FROM histories'),
('events', 'orders_between', false, 'SELECT sum(orders_between(history, ''2024-11-19'', ''2025-05-18'')), sum(orders_between(history, ''2025-06-01'', ''2025-08-30'')) FROM histories'),
('events', 'rate_change', false, 'SELECT count((rate_change(history, ''2026-01-01'')).p) FROM histories'),

('customer_360', 'customer_360', true, 'SELECT count(customer_360(customer_id::text, history, model, cuts, ''2026-01-01'')) FROM (SELECT * FROM histories LIMIT 1000) AS h, models, (SELECT rfm_cuts(recency_days, frequency, monetary) AS cuts FROM summaries) AS c'),
('customer_360', 'explain_score', true, 'SELECT count(explain_score(history, model, cuts, NULL, ''2026-01-01'')) FROM (SELECT * FROM histories LIMIT 1000) AS h, models, (SELECT rfm_cuts(recency_days, frequency, monetary) AS cuts FROM summaries) AS c'),

('experiments', 'uplift', true, 'SELECT uplift(customer_id % 5 > 0, monetary) FROM summaries'),
('experiments', 'avg_stddev', true,
	'SELECT avg(monetary) FILTER (WHERE customer_id % 5 > 0), avg(monetary) FILTER (WHERE customer_id % 5 = 0), stddev(monetary) FROM summaries'),
('experiments', 'uplift_before', false, 'SELECT uplift(customer_id % 5 > 0, monetary, recency_days) FROM summaries'),
('experiments', 'assign_group', false, 'SELECT count(assign_group(customer_id::text, ''spring'', 0.1)) FROM summaries'),
('experiments', 'sha256', false, 'SELECT count(sha256((''spring'' || customer_id)::bytea)) FROM summaries'),
('experiments', 'response_curve', false, 'SELECT response_curve(customer_id % 5, monetary) FROM summaries'),
('experiments', 'allocate_budget', false,
	'SELECT sum(spend) FROM budgets, allocate_budget(plan, 100000)'),
('experiments', 'allocate_draws', false,
	'SELECT sum(spend) FROM budgets, allocate_budget(uncertain, 100000)'),
('experiments', 'allocate_hundred', false,
	'SELECT sum(spend) FROM budgets, generate_series(1, 100) AS i, allocate_budget(plan, 100000 + i)');

INSERT INTO variants (suite, name, memory, statement, before) VALUES
('monitor', 'check_orders', true,
	'SELECT count(*) FROM check_orders(''orders'', ''customer_id'', ''ordered_at'', ''amount'', as_of => ''2026-01-01'')', NULL),
('monitor', 'orders_sorted', true,
	'SELECT count(*) FROM (SELECT customer_id, ordered_at, amount FROM orders ORDER BY customer_id, ordered_at OFFSET 0) AS x', NULL),
('monitor', 'transitions', true,
	'SELECT segment_transitions(segment, ''Segment '' || customer_id % 7) FROM scored', NULL),
('monitor', 'moves_grouped', true,
	'SELECT count(*) FROM (SELECT segment, ''Segment '' || customer_id % 7, count(*) FROM scored GROUP BY 1, 2) AS x', NULL),
('monitor', 'snapshot', false,
	'SELECT take_snapshot(''nights'', (SELECT max(as_of) + 1 FROM nights_days))', NULL),
('monitor', 'snapshot_drift', false,
	'SELECT take_snapshot(''nights'', (SELECT max(as_of) + 1 FROM nights_days))',
	'UPDATE scored SET clv_365d = clv_365d * 0.9999'),
('monitor', 'snapshot_written', false,
	'INSERT INTO kept SELECT customer_id, as_of, segment, lifecycle, clv_365d FROM scored', 'TRUNCATE kept');

-- Pareto/NBD only where clv_fit knows it.
DO $$
BEGIN
	PERFORM clv_fit(base_of_a_tenth, 'pareto/nbd') FROM bases;
	CREATE TABLE pareto_models AS SELECT clv_fit(base, 'pareto/nbd') AS model FROM bases;
	INSERT INTO variants (suite, name, memory, statement) VALUES
	('histories', 'fit_pareto', true, 'SELECT clv_fit(base, ''pareto/nbd'') FROM bases'),
	('histories', 'scores_pareto', false,
		'SELECT sum(churn_prob(history, model)), sum(clv_estimate(history, model)) FROM histories, pareto_models'),
	('histories', 'clv_all_pareto', false, 'SELECT sum(clv_estimate(history, model)) FROM histories, pareto_models'),
	('histories', 'equity_pareto', false, 'SELECT customer_equity(history, model, 0.3, 0.15) FROM histories, pareto_models'),
	('histories', 'all_scores_pareto', false,
		'SELECT count((s).alive_prob) FROM (SELECT customer_scores(history, (SELECT model FROM pareto_models)) AS s FROM histories OFFSET 0) AS x');
EXCEPTION WHEN invalid_parameter_value THEN
	NULL;
END
$$;

-- Two workers that share the rows, and a leader that puts their parts together.
INSERT INTO variants (suite, name, memory, statement, before)
SELECT 'parallel', name || suffix, false, statement, before
FROM (VALUES (1, '_1', ''), (2, '_2', 'SET max_parallel_workers_per_gather = 2; SET parallel_leader_participation = off;
	SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0')) AS mode (workers, suffix, before),
	(VALUES (1, 'history', 'SELECT count(h) FROM (SELECT purchase_history(ordered_at, amount) AS h FROM orders GROUP BY customer_id) AS x'),
		(2, 'split_history', 'SELECT count(h) FROM (SELECT purchase_history(ordered_at, amount) AS h FROM orders_split GROUP BY customer_id) AS x'),
		(3, 'summary', 'SELECT count(n), count(a), count(b), count(s) FROM (SELECT count(*) AS n, min(ordered_at) AS a,
			max(ordered_at) AS b, sum(amount) AS s FROM orders GROUP BY customer_id) AS x'),
		(4, 'base', 'SELECT customer_base(history) FROM histories'),
		(5, 'rfm_cuts', 'SELECT rfm_cuts(recency_days, frequency, monetary) FROM summaries'),
		(6, 'period_audit', 'SELECT period_audit(history, ''2025-01-01'', ''2026-01-01'') FROM histories'),
		(7, 'period_change', 'SELECT period_change(history, ''2024-01-01'', ''2025-01-01'', ''2025-01-01'', ''2026-01-01'') FROM histories'),
		(8, 'cohort_audit', 'SELECT cohort_audit(history, ''month'', ''2026-01-01'') FROM histories')) AS query (position, name, statement)
ORDER BY query.position, workers;

INSERT INTO variants (suite, name, memory, statement, before) VALUES
('refresh', 'upsert', false,
	'INSERT INTO live AS t SELECT customer_id, purchase_history(ordered_at, amount) FROM new_orders GROUP BY customer_id
		ON CONFLICT (customer_id) DO UPDATE SET history = t.history || excluded.history',
	'CHECKPOINT'),
('refresh', 'rebuild', false,
	'CREATE TABLE rebuilt AS SELECT customer_id, purchase_history(ordered_at, amount) AS history FROM orders GROUP BY customer_id',
	'DROP TABLE IF EXISTS rebuilt'),
('refresh', 'plain_job', false,
	'CREATE TABLE plain_job AS SELECT customer_id, count(*), min(ordered_at), max(ordered_at), sum(amount) FROM orders GROUP BY customer_id',
	'DROP TABLE IF EXISTS plain_job'),
('refresh', 'customer_scores', false,
	'SELECT create_customer_scores(''customer_scores'', ''orders'', ''customer_id'', ''ordered_at'', ''amount'')',
	'DROP MATERIALIZED VIEW IF EXISTS customer_scores CASCADE'),

('simulation', 'simulation', false,
	format('SELECT count(customer_id), count(ordered_at), count(amount)
		FROM truth, simulate_orders(%s, model, ''2024-01-01'', ''2026-01-01'', 1)', least(:customers, 1000000)), NULL);

CREATE TABLE runs (name text, round int, ms float8, waited_ms float8);

-- For how long this process has waited for a processor that others had, so far (0 where the system does not tell).
CREATE FUNCTION waited_ms() RETURNS float8 LANGUAGE sql AS
	$$ SELECT coalesce(split_part(pg_read_file('/proc/self/schedstat', 0, 1000, true), ' ', 2)::float8 / 1e6, 0) $$;

-- Such waiting is no cost of ours and is not counted, but with several processes it cannot be told apart.
CREATE PROCEDURE run_suite(suite_name text, rounds int) LANGUAGE plpgsql AS $$
DECLARE
	variant variants;
	began timestamptz;
	began_waited float8;
	measured float8;
	waited float8;
BEGIN
	FOR round IN 1 .. rounds LOOP
		FOR variant IN SELECT * FROM variants WHERE suite = suite_name ORDER BY position LOOP
			RESET ALL;
			SET client_min_messages = warning;
			IF variant.before <> '' THEN
				EXECUTE variant.before;
			END IF;
			began_waited := waited_ms();
			began := clock_timestamp();
			EXECUTE variant.statement;
			measured := extract(epoch FROM clock_timestamp() - began) * 1000;
			waited := waited_ms() - began_waited;
			INSERT INTO runs VALUES (variant.name, round,
				measured - CASE WHEN suite_name = 'parallel' THEN 0 ELSE waited END, waited);
			COMMIT;
		END LOOP;
	END LOOP;
END
$$;

-- Memory: what the hash table of a plan says of itself, and by how much the process was
-- larger at its largest than before, shared buffers not counted.
CREATE TABLE memory (name text, hash_kb bigint, process_kb bigint);

CREATE FUNCTION process_kb(what text) RETURNS bigint LANGUAGE sql AS $$
	SELECT substring(pg_read_file('/proc/self/status', 0, 10000, true) FROM what || ':\s+(\d+) kB')::bigint
$$;

CREATE PROCEDURE run_for_memory(variant_name text) LANGUAGE plpgsql AS $$
DECLARE
	query text := (SELECT statement FROM variants WHERE name = variant_name);
	before bigint;
	plan jsonb;
BEGIN
	before := process_kb('RssAnon') + process_kb('VmHWM') - process_kb('VmRSS');
	EXECUTE 'EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) ' || query INTO plan;
	INSERT INTO memory
	SELECT variant_name, (SELECT max(kb::bigint) FROM jsonb_path_query(plan, 'strict $.**."Peak Memory Usage"') AS kb),
		process_kb('VmHWM') - process_kb('RssShmem') - process_kb('RssFile') - before;
END
$$;
