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
('histories', 'rollup', true,
	'SELECT count(h) FROM (SELECT rollup(history) AS h FROM histories GROUP BY customer_id) AS x'),
('histories', 'rollup_bases', true, 'SELECT rollup(base) FROM shards'),

('rfm', 'rfm_score', true,
	'SELECT count(score) FROM (SELECT rfm_score(recency_days, frequency, monetary) OVER () AS score FROM summaries) AS x'),
('rfm', 'ntile', true,
	'SELECT count(r), count(f), count(m) FROM (SELECT ntile(5) OVER (ORDER BY recency_days DESC) AS r,
		ntile(5) OVER (ORDER BY frequency) AS f, ntile(5) OVER (ORDER BY monetary) AS m FROM summaries) AS x'),
('rfm', 'rfm_cuts', true, 'SELECT rfm_cuts(recency_days, frequency, monetary) FROM summaries'),
('rfm', 'percentile', true,
	'SELECT percentile_disc(ARRAY[0.2, 0.4, 0.6, 0.8]) WITHIN GROUP (ORDER BY recency_days DESC),
		percentile_disc(ARRAY[0.2, 0.4, 0.6, 0.8]) WITHIN GROUP (ORDER BY frequency),
		percentile_disc(ARRAY[0.2, 0.4, 0.6, 0.8]) WITHIN GROUP (ORDER BY monetary) FROM summaries');

-- Pareto/NBD only where clv_fit knows it.
DO $$
BEGIN
	PERFORM clv_fit(base_of_a_tenth, 'pareto/nbd') FROM bases;
	CREATE TABLE pareto_models AS SELECT clv_fit(base, 'pareto/nbd') AS model FROM bases;
	INSERT INTO variants (suite, name, memory, statement) VALUES
	('histories', 'fit_pareto', true, 'SELECT clv_fit(base, ''pareto/nbd'') FROM bases'),
	('histories', 'scores_pareto', false,
		'SELECT sum(churn_prob(history, model)), sum(clv_estimate(history, model)) FROM histories, pareto_models');
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
		(5, 'rfm_cuts', 'SELECT rfm_cuts(recency_days, frequency, monetary) FROM summaries')) AS query (position, name, statement)
ORDER BY query.position, workers;

INSERT INTO variants (suite, name, memory, statement, before) VALUES
('refresh', 'upsert', false,
	'INSERT INTO live AS t SELECT customer_id, purchase_history(ordered_at, amount) FROM new_orders GROUP BY customer_id
		ON CONFLICT (customer_id) DO UPDATE SET history = t.history || excluded.history',
	'CHECKPOINT'),
('refresh', 'rebuild', false,
	'CREATE TABLE rebuilt AS SELECT customer_id, purchase_history(ordered_at, amount) AS history FROM orders GROUP BY customer_id',
	'DROP TABLE IF EXISTS rebuilt'),
('refresh', 'customer_scores', false,
	'SELECT create_customer_scores(''customer_scores'', ''orders'', ''customer_id'', ''ordered_at'', ''amount'')',
	'DROP MATERIALIZED VIEW IF EXISTS customer_scores'),

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
