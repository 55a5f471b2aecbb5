-- Every aggregate runs in parallel, and gives what a serial plan gives.

CREATE TABLE parallel_orders AS
SELECT * FROM simulate_orders(3000, '{"model": "bg/nbd", "timing": {"r": 0.5, "alpha": 5, "a": 0.8, "b": 2.5},
	"spend": {"p": 6, "q": 4, "gamma": 15}}', '2024-01-01', '2026-01-01', 7);
ALTER TABLE parallel_orders SET (parallel_workers = 2);
ANALYZE parallel_orders;

-- Whether the plan of a query has partial aggregates below a Gather.
CREATE FUNCTION pg_temp.is_parallel(query text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	plan jsonb;
BEGIN
	EXECUTE 'EXPLAIN (FORMAT JSON) ' || query INTO plan;
	RETURN plan @? '$.** ? (@."Node Type" like_regex "^Gather" && exists (@.** ? (@."Partial Mode" == "Partial")))';
END
$$;

CREATE TABLE queries (name text, query text);
INSERT INTO queries VALUES
('purchase_history', $$SELECT purchase_history(ordered_at, amount)::text FROM parallel_orders$$),
('purchase_history, numeric', $$SELECT purchase_history(ordered_at::date, amount::numeric)::text FROM parallel_orders$$),
('purchase_history, no amount', $$SELECT purchase_history(ordered_at)::text FROM parallel_orders$$),
('purchase_history by group', $$SELECT string_agg(h::text, ' ' ORDER BY shard) FROM
	(SELECT customer_id % 20 AS shard, purchase_history(ordered_at, amount) AS h FROM parallel_orders GROUP BY 1) AS x$$);

CREATE TABLE parallel_histories AS
SELECT customer_id, purchase_history(ordered_at, amount) AS h FROM parallel_orders GROUP BY customer_id;
ALTER TABLE parallel_histories SET (parallel_workers = 2);
ANALYZE parallel_histories;
CREATE TABLE parallel_bases AS SELECT customer_id % 50 AS shard, customer_base(h) AS base FROM parallel_histories GROUP BY 1;
ALTER TABLE parallel_bases SET (parallel_workers = 2);
ANALYZE parallel_bases;
SET client_min_messages = error; -- the models of the shards are not what we are after
CREATE TABLE parallel_holdouts AS SELECT customer_id % 40 AS shard, holdout(h, '2025-06-30', '2025-12-31', 'bg/nbd') AS v FROM parallel_histories GROUP BY 1;
RESET client_min_messages;
ALTER TABLE parallel_holdouts SET (parallel_workers = 2);
ANALYZE parallel_holdouts;

INSERT INTO queries VALUES
('rollup of histories', $$SELECT rollup(h)::text FROM parallel_histories$$),
('customer_base', $$SELECT customer_base(h)::text FROM parallel_histories$$),
('customer_base until', $$SELECT customer_base(h, '2025-01-01')::text FROM parallel_histories$$),
('same_customer', $$SELECT same_customer(customer_id, order_count(h))::text FROM parallel_histories$$),
('remove', $$SELECT remove((SELECT rollup(h) FROM parallel_histories WHERE customer_id < 100), h)::text FROM parallel_histories WHERE customer_id < 90$$),
('rollup of bases', $$SELECT rollup(base)::text FROM parallel_bases$$),
('rollup of holdouts', $$SELECT rollup(v)::text FROM parallel_holdouts$$),
('clv_model', $$SELECT clv_model(h)::text FROM parallel_histories$$),
('holdout', $$SELECT holdout(h, '2025-06-30', '2025-12-31')::text FROM parallel_histories$$),
('holdout of a model', $$SELECT holdout(h, '2025-06-30', '2025-12-31', 'bg/nbd')::text FROM parallel_histories$$),
('rfm_cuts', $$SELECT rfm_cuts(recency_days(h, '2026-01-01'), order_count(h), total_spend(h))::text FROM parallel_histories$$);

INSERT INTO queries VALUES
('period_audit', $$SELECT period_audit(h, '2025-01-01', '2026-01-01')::text FROM parallel_histories$$),
('period_audit with profit', $$SELECT period_audit(h, '2025-01-01', '2026-01-01', h)::text FROM parallel_histories$$),
('period_audit of counts', $$SELECT period_audit(order_count(h), total_spend(h))::text FROM parallel_histories$$),
('period_audit of counts with profit', $$SELECT period_audit(order_count(h), total_spend(h), -total_spend(h))::text FROM parallel_histories$$),
('period_change', $$SELECT period_change(h, '2024-01-01', '2025-01-01', '2025-01-01', '2026-01-01')::text FROM parallel_histories$$),
('period_change with profit', $$SELECT period_change(h, '2024-01-01', '2025-01-01', '2025-01-01', '2026-01-01', h)::text FROM parallel_histories$$),
('cohort_audit', $$SELECT cohort_audit(h, 'month', '2026-01-01')::text FROM parallel_histories$$),
('cohort_audit with profit', $$SELECT cohort_audit(h, 'month', '2026-01-01', h)::text FROM parallel_histories$$),
('cohort_audit since', $$SELECT cohort_audit(h, 'week', '2026-01-01', date '2024-07-01')::text FROM parallel_histories$$),
('cohort_audit since, with profit', $$SELECT cohort_audit(h, 'week', '2026-01-01', date '2024-07-01', h)::text FROM parallel_histories$$);
CREATE TABLE parallel_audits AS
SELECT customer_id % 50 AS shard, period_audit(h, '2025-01-01', '2026-01-01') AS a,
	period_change(h, '2024-01-01', '2025-01-01', '2025-01-01', '2026-01-01') AS c, cohort_audit(h, 'year', '2026-01-01') AS t
FROM parallel_histories GROUP BY 1;
ALTER TABLE parallel_audits SET (parallel_workers = 2);
ANALYZE parallel_audits;
INSERT INTO queries VALUES
('rollup of audits', $$SELECT rollup(a)::text FROM parallel_audits$$),
('rollup of changes', $$SELECT rollup(c)::text FROM parallel_audits$$),
('rollup of cohorts', $$SELECT rollup(t)::text FROM parallel_audits$$);

CREATE TABLE parallel_rules AS SELECT 'S' || i AS segment, int4range(1 + i % 5, NULL) AS r, int4range(1 + i % 3, 6) AS f FROM generate_series(1, 900) AS i;
ALTER TABLE parallel_rules SET (parallel_workers = 2);
ANALYZE parallel_rules;
CREATE TABLE parallel_rule_sets AS SELECT segment_rules(segment, r, f, NULL) AS rules FROM parallel_rules GROUP BY segment;
ALTER TABLE parallel_rule_sets SET (parallel_workers = 2);
ANALYZE parallel_rule_sets;
INSERT INTO queries VALUES
('segment_rules', $$SELECT segment_rules(segment, r, f, NULL)::text FROM parallel_rules$$),
('segment_transitions', $$SELECT segment_transitions(segment, 'S' || upper(f))::text FROM parallel_rules WHERE segment < 'S3'$$),
('rollup of rules', $$SELECT rollup(rules)::text FROM parallel_rule_sets$$);

CREATE TABLE parallel_units AS SELECT i, i % 9 AS shard, i % 5 > 0 AS treated, ((i::bigint * 7919) % 10007) / 7.0::float8 * 10 ^ (i % 12) AS outcome, i % 97 / 3.0::float8 AS before
FROM generate_series(1, 20000) AS i;
ALTER TABLE parallel_units SET (parallel_workers = 2);
ANALYZE parallel_units;
CREATE TABLE parallel_uplifts AS SELECT i % 50 AS shard, 'S' || i % 50 / 5 AS segment, i % 40 / 4 AS tile, uplift(treated, outcome) AS u, response_curve(i % 4, outcome) AS r FROM parallel_units GROUP BY 1, 2, 3;
ALTER TABLE parallel_uplifts SET (parallel_workers = 2);
ANALYZE parallel_uplifts;
CREATE TABLE parallel_experiments AS SELECT shard, uplift_segments(segment, u) AS s, NULL::budget_plan AS p FROM parallel_uplifts GROUP BY shard;
UPDATE parallel_experiments SET p = format('{"segments": [{"segment": "S%s", "heads": 10, "curve": {"curve": "exp", "c": 1, "k": 1}, "value_per_response": 1}]}', shard)::budget_plan;
ALTER TABLE parallel_experiments SET (parallel_workers = 2);
ANALYZE parallel_experiments;
INSERT INTO queries VALUES
('uplift', $$SELECT uplift(treated, outcome)::text FROM parallel_units$$),
('uplift of responses', $$SELECT uplift(treated, outcome > 100)::text FROM parallel_units$$),
('uplift with covariate', $$SELECT uplift(treated, outcome, before)::text FROM parallel_units$$),
('uplift by group', $$SELECT string_agg(u::text, ' ' ORDER BY shard) FROM (SELECT shard, uplift(treated, outcome) AS u FROM parallel_units GROUP BY 1) AS x$$),
('uplift_segments', $$SELECT uplift_segments(segment, u)::text FROM parallel_uplifts$$),
('uplift_segments of tiles', $$SELECT uplift_segments(tile, u)::text FROM parallel_uplifts$$),
('rollup of uplifts', $$SELECT rollup(u)::text FROM parallel_uplifts$$),
('rollup of uplift_segments', $$SELECT rollup(s)::text FROM parallel_experiments$$),
('response_curve', $$SELECT response_curve(i % 4, outcome)::text FROM parallel_units$$),
('response_curve of heads', $$SELECT response_curve(i % 4, outcome, 1 + i % 3)::text FROM parallel_units$$),
('rollup of response curves', $$SELECT rollup(r)::text FROM parallel_uplifts$$),
('budget_plan', $$SELECT budget_plan('S' || shard, 10, '{"curve": "exp", "c": 1, "k": 1}', shard, 0, NULL)::text FROM parallel_experiments$$),
('rollup of budget plans', $$SELECT rollup(p)::text FROM parallel_experiments$$);

CREATE FUNCTION pg_temp.answer(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer text;
BEGIN
	EXECUTE query INTO answer;
	RETURN answer;
END
$$;

SET max_parallel_workers_per_gather = 0;
CREATE TEMP TABLE serial AS SELECT name, pg_temp.answer(query) AS answer FROM queries;
SELECT name FROM queries WHERE pg_temp.is_parallel(query);

SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET parallel_leader_participation = off;
SELECT name, pg_temp.is_parallel(query) AS parallel, pg_temp.answer(query) = answer AS same
FROM queries JOIN serial USING (name) ORDER BY name COLLATE "C";

-- Workers without a single row.
SELECT purchase_history(ordered_at, amount), customer_base(NULL::purchase_history) FROM parallel_orders WHERE customer_id < 0;

-- Scores are computed by the workers too.
SELECT plan @? '$.** ? (@."Node Type" like_regex "^Gather" && exists (@.** ? (@."Partial Mode" == "Partial")))' AS parallel
FROM (SELECT clv_model(h) AS m FROM parallel_histories) AS x,
	LATERAL (SELECT pg_temp.answer('EXPLAIN (FORMAT JSON) SELECT sum(clv_estimate(h, ' || quote_literal(m::text) ||
		')) FROM parallel_histories')::jsonb AS plan) AS y;

-- What reads a table by its name runs beside workers, also where the statement makes a table: no other command may begin then.
-- Each function that takes a table, and does not write, is among them.
SET client_min_messages = error;
SELECT create_customer_scores('parallel_scores', 'parallel_orders', 'customer_id', 'ordered_at', 'amount', model => 'bg/nbd');
SELECT create_snapshots('parallel_snapshots', 'parallel_scores');
SELECT take_snapshot('parallel_snapshots');
CREATE TABLE parallel_candidates AS SELECT customer_id, segment, 10::float8 AS value FROM parallel_scores;
CREATE TABLE parallel_effects AS SELECT uplift_segments(segment, u) AS u FROM (SELECT segment, uplift(customer_id % 2 = 0, customer_id % 7 < 3 - customer_id % 2) AS u FROM parallel_candidates GROUP BY 1) AS x;
CREATE TABLE parallel_plan AS SELECT a.* FROM parallel_effects, next_best_actions('parallel_candidates', u, 0.1) AS a;
CREATE UNIQUE INDEX ON parallel_histories (customer_id);
CREATE TABLE parallel_cuts AS SELECT rfm_cuts(recency_days(h, '2025-12-31'), order_count(h), total_spend(h)) AS cuts FROM parallel_histories;
CREATE TABLE readers (function text, query text);
INSERT INTO readers VALUES
('check_orders', $$SELECT count(*)::text FROM check_orders('parallel_orders', 'customer_id', 'ordered_at', 'amount')$$),
('customer_360', $$SELECT customer_360('1', h, m, cuts, '2025-12-31', snapshots => 'parallel_snapshots', actions => 'parallel_plan')::text FROM parallel_histories, (SELECT clv_model(h) AS m FROM parallel_histories) AS x, parallel_cuts WHERE customer_id = 1$$),
('customer_action', $$SELECT customer_action('parallel_plan', '1')::text$$),
('customer_scores_query', $$SELECT customer_scores_query('parallel_orders', 'customer_id', 'ordered_at', 'amount')$$),
('customer_snapshot', $$SELECT customer_snapshot('parallel_snapshots', '1', '2026-06-30')::text$$),
('customer_triggers', $$SELECT count(*)::text FROM customer_triggers('parallel_scores', '2025-12-31')$$),
('customer_triggers_query', $$SELECT customer_triggers_query('parallel_scores', '2025-12-31')$$),
('load_orders_query', $$SELECT load_orders_query('parallel_histories', 'parallel_orders', 'customer_id', 'ordered_at', 'amount', since => '2025-12-01')$$),
('next_best_actions', $$SELECT sum(expected_gain)::text FROM parallel_effects, next_best_actions('parallel_candidates', u, 0.1)$$),
('next_best_actions_query', $$SELECT next_best_actions_query('parallel_candidates', u, 0.1) FROM parallel_effects$$),
('snapshot_transitions', $$SELECT snapshot_transitions('parallel_snapshots', '2025-01-01', '2025-12-31')::text$$);
SELECT DISTINCT p.proname AS not_among_them FROM pg_proc AS p JOIN pg_depend AS d ON d.objid = p.oid AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e' JOIN pg_extension AS e ON e.oid = d.refobjid
WHERE e.extname = 'customer_centric' AND 'regclass'::regtype = ANY (p.proargtypes) AND p.proparallel <> 'u' AND p.prokind = 'f' AND obj_description(p.oid, 'pg_proc') NOT LIKE 'internal:%' AND NOT EXISTS (SELECT FROM readers WHERE function = p.proname);
CREATE FUNCTION pg_temp.made(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer text;
BEGIN
	EXECUTE format('CREATE TABLE made AS SELECT (%s) AS answer FROM (SELECT count(*) AS n FROM parallel_orders OFFSET 0) AS gathered WHERE n > 0', query);
	SELECT made.answer || '' INTO answer FROM made;	-- none that lies in the table's TOAST
	DROP TABLE made;
	RETURN answer;
EXCEPTION WHEN OTHERS THEN RETURN SQLERRM;
END
$$;
SELECT function, CASE WHEN made = answer THEN 'the same' ELSE made END AS made FROM (SELECT function, pg_temp.made(query) AS made, pg_temp.answer(query) AS answer FROM readers) AS x ORDER BY function COLLATE "C";
-- They are stable: what their own statement does, and what others commit meanwhile, they do not see.
CREATE FUNCTION pg_temp.changed_meanwhile() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	DELETE FROM parallel_candidates;
	DELETE FROM parallel_plan;
	DELETE FROM parallel_snapshots_moves;
	RETURN true;
END
$$;
BEGIN;
WITH first AS MATERIALIZED (SELECT pg_temp.changed_meanwhile() AS changed)
SELECT (SELECT count(*) FROM next_best_actions('parallel_candidates', (SELECT u FROM parallel_effects), 0.1)) AS actions, customer_action('parallel_plan', '1') ->> 'contact' IS NOT NULL AS action,
	(customer_snapshot('parallel_snapshots', '1', '2026-06-30')).segment IS NOT NULL AS snapshot, (SELECT sum(customers) FROM unnest(snapshot_transitions('parallel_snapshots', '2025-01-01', '2025-12-31'))) AS moved
FROM first WHERE changed;
ROLLBACK;
DROP TABLE parallel_candidates, parallel_effects, parallel_plan, parallel_cuts, readers;
DROP MATERIALIZED VIEW parallel_scores CASCADE;
DROP TABLE parallel_snapshots_states, parallel_snapshots_moves, parallel_snapshots_days CASCADE;
RESET client_min_messages;
DROP TABLE parallel_orders, parallel_histories, parallel_bases, parallel_holdouts, parallel_rules, parallel_rule_sets,
	parallel_units, parallel_uplifts, parallel_experiments, queries;
