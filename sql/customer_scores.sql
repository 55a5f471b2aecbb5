-- The whole job: from an orders table to scored customers.

SET datestyle = ISO;

CREATE SCHEMA shop;
CREATE TABLE shop.orders AS
SELECT 'C' || lpad(customer_id::text, 4, '0') AS customer_id, ordered_at, amount::numeric(12,2)
FROM simulate_orders(2000, '{"model": "bg/nbd", "timing": {"r": 0.5, "alpha": 5, "a": 0.8, "b": 2.5},
	"spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}}', '2024-01-01', '2026-01-01', 1);
-- Anonymous orders belong to nobody.
INSERT INTO shop.orders SELECT NULL, ordered_at, amount FROM shop.orders LIMIT 100;

SELECT create_customer_scores('customer_scores', 'shop.orders', 'customer_id', 'ordered_at', 'amount');

-- One row per customer, in plain types, with a comment on every column.
SELECT attname, format_type(atttypid, atttypmod), col_description(attrelid, attnum)
FROM pg_attribute WHERE attrelid = 'customer_scores'::regclass AND attnum > 0 ORDER BY attnum;
SELECT obj_description('customer_scores'::regclass, 'pg_class');

SELECT customer_id, order_count, total_spend, recency_days, rfm_score, segment,
	round(churn_prob::numeric, 3) AS churn_prob, round(clv_365d::numeric, 2) AS clv_365d, score_status, as_of
FROM customer_scores ORDER BY customer_id LIMIT 5;
SELECT segment, count(*), sum(clv_365d)::numeric(18,2) AS clv_365d FROM customer_scores GROUP BY segment ORDER BY segment COLLATE "C";
SELECT count(*), count(DISTINCT customer_id), count(clv_365d), count(rfm_score), count(segment) FROM customer_scores;

-- Amounts are rounded as the cast rounds them, also at and near halves of a hundredth, and keep the hundredths that it loses; what is too large to have any is none.
SELECT count(*) AS amounts, count(*) FILTER (WHERE total_spend IS DISTINCT FROM x::numeric(18,2) OR scale(total_spend) <> 2 OR avg_order_value IS DISTINCT FROM CASE WHEN x >= 0 THEN total_spend END) AS different
FROM (SELECT s * (i * 0.005 + d) * 10.0::float8 ^ p AS x
	FROM generate_series(0, 400) AS i, (VALUES (0::float8), (1e-7), (-1e-9), (1.0::float8 / 700)) AS near (d),
		generate_series(0, 12) AS p, (VALUES (1), (-1)) AS sign (s)) AS x, LATERAL (SELECT purchase_history('2025-01-01'::date, v) AS h FROM (VALUES (x)) AS w(v)) AS y,
	scored_customer(h, NULL, '2025-06-30', 365, 0.1, 1) AS t;
SELECT amount, total_spend, avg_order_value FROM unnest('{12345678901234.56,-17654321098765.43,999999999999999,1e15,-1e15}'::float8[]) AS amount, LATERAL (SELECT purchase_history('2025-01-01'::date, v) AS h FROM (VALUES (amount)) AS w(v)) AS y,
	scored_customer(h, NULL, '2025-06-30', 365, 0.1, 1);

-- What it says is what the functions say.
SELECT count(*) FROM customer_scores AS s JOIN (
	SELECT customer_id, h, clv_model(h) OVER () AS m FROM (
		SELECT customer_id, purchase_history(ordered_at, amount) AS h FROM shop.orders
		WHERE customer_id IS NOT NULL GROUP BY customer_id) AS x) AS f USING (customer_id)
WHERE s.churn_prob = churn_prob(h, m) AND s.clv_365d = clv_estimate(h, m) AND s.expected_transactions_365d = expected_transactions(h, m)
	AND s.order_count = order_count(h);
SELECT count(*) FROM customer_scores AS s JOIN (
	SELECT customer_id, rfm_score(recency_days, order_count, total_spend) OVER () AS rfm FROM customer_scores) AS w USING (customer_id)
WHERE s.rfm_score = w.rfm AND s.r_score::text || s.f_score || s.m_score = w.rfm AND s.segment = segment_of(w.rfm);

-- It can be refreshed while it is read.
INSERT INTO shop.orders VALUES ('C0001', '2026-01-02', 10), ('new', '2026-01-02', 10);
REFRESH MATERIALIZED VIEW CONCURRENTLY customer_scores;
SELECT count(*), max(as_of), max(last_order_on) FILTER (WHERE customer_id = 'C0001') FROM customer_scores;

-- As of a day in the past, with another horizon, discount and margin: the columns say which.
SELECT create_customer_scores('shop."Scores, 2025"', 'shop.orders', 'customer_id', 'ordered_at', 'amount',
	horizon_days => 90, annual_discount => 0.05, margin => 0.4, as_of => '2025-01-31', model => 'bg/nbd');
SELECT max(last_order_on) <= '2025-01-31' AS nothing_later, max(as_of) AS as_of, sum(clv_90d) > 0 AS clv_90d,
	sum(expected_transactions_90d) > 0 AS expected_transactions_90d FROM shop."Scores, 2025";

-- The query itself, to be read, changed, or put into dbt.
\pset format unaligned
SELECT customer_scores_query('shop.orders', 'customer_id', 'ordered_at', 'amount', as_of => '2025-01-31');
\pset format aligned

-- Nobody's functions of the same name come between, however well they fit.
CREATE FUNCTION clv_estimate(purchase_history, clv_model, int, numeric, numeric, date) RETURNS float8
	LANGUAGE sql RETURN 1 / 0;
CREATE FUNCTION clv_fit_problem(customer_base) RETURNS text LANGUAGE sql RETURN 'captured';
CREATE FUNCTION clv_fit(customer_base, text) RETURNS clv_model LANGUAGE sql RETURN NULL::clv_model;
SELECT create_customer_scores('shop.uncaptured', 'shop.orders', 'customer_id', 'ordered_at', 'amount');
SELECT count(*) FROM shop.uncaptured JOIN customer_scores USING (customer_id, clv_365d, score_status);
DROP FUNCTION clv_estimate(purchase_history, clv_model, int, numeric, numeric, date), clv_fit_problem(customer_base),
	clv_fit(customer_base, text);

-- Without amounts: what can be said is said.
SELECT create_customer_scores('no_amounts', 'shop.orders', 'customer_id', 'ordered_at');
SELECT count(*), count(clv_365d), count(expected_transactions_365d), count(total_spend), count(segment), min(score_status), max(m_score)
FROM no_amounts;
-- Of unknown spend there is no monetary score, by kept cut points neither, and of single customers whose amounts are missing.
SELECT create_customer_scores('kept_cuts', 'shop.orders', 'customer_id', 'ordered_at', cuts => (SELECT rfm_cuts(i, i, i) FROM generate_series(1, 100) AS i), model => 'bg/nbd');
SELECT count(*) AS customers, count(m_score) AS m_scores, count(segment) AS segments, bool_and(rfm_score LIKE '__-') AS without FROM kept_cuts;
CREATE TABLE partly_known AS SELECT customer_id, CASE WHEN right(customer_id, 1) = '0' THEN (SELECT purchase_history(o.ordered_on) FROM unnest(h) AS o) ELSE h END AS history
FROM (SELECT customer_id, purchase_history(ordered_at, amount) AS h FROM shop.orders GROUP BY 1) AS x;
SELECT create_customer_scores('partly', 'partly_known', 'customer_id', model => 'bg/nbd');
SELECT right(customer_id, 1) = '0' AS unknown, count(m_score) = 0 AS no_m_score, count(m_score) = count(*) AS m_scores, bool_and(segment IS NOT NULL) AS segments, bool_or(rfm_score LIKE '__-') AS dash FROM partly GROUP BY 1 ORDER BY 1;
SET client_min_messages = warning;
DROP MATERIALIZED VIEW kept_cuts, partly CASCADE;
RESET client_min_messages;
DROP TABLE partly_known;

-- Names are quoted, whatever they are; the own type of customer_id is kept.
CREATE TABLE shop."Order ""log""; DROP TABLE shop.orders" ("Kunde Ø" uuid, "when; SELECT 1" timestamptz, "sum'a" float4);
INSERT INTO shop."Order ""log""; DROP TABLE shop.orders"
SELECT ('00000000-0000-0000-0000-' || lpad((i % 20)::text, 12, '0'))::uuid, timestamptz '2026-01-01 12:00' + i * interval '1 day', 9.95
FROM generate_series(1, 60) AS i;
SELECT create_customer_scores('shop."view; --"', 'shop."Order ""log""; DROP TABLE shop.orders"', 'Kunde Ø', 'when; SELECT 1', 'sum''a');
SELECT customer_id, order_count, total_spend, score_status FROM shop."view; --" ORDER BY 1 LIMIT 2;

-- A table without rows gives an empty view; too few customers for a model leave only the model open.
CREATE TABLE few (customer_id int, ordered_on date, amount int);
SELECT create_customer_scores('few_scores', 'few', 'customer_id', 'ordered_on', 'amount');
SELECT count(*) FROM few_scores;
INSERT INTO few VALUES (1, '2026-01-01', 10), (1, '2026-01-09', 20), (2, '2026-01-05', -4);
REFRESH MATERIALIZED VIEW CONCURRENTLY few_scores;
SELECT customer_id, order_count, total_spend, rfm_score, segment, churn_prob, clv_365d, score_status, as_of FROM few_scores ORDER BY 1;

-- One customer beyond all measure does not stop the others.
INSERT INTO shop.orders VALUES ('huge', '2026-01-01', NULL), ('huge', '2026-01-01', 9999999999.99);
SELECT create_customer_scores('shop.huge', 'shop.orders', 'customer_id', 'ordered_at', 'amount');

-- Wrong arguments are errors that name them.
SELECT customer_scores_query('shop.nowhere', 'customer_id', 'ordered_at', 'amount');
SELECT customer_scores_query('shop.orders', 'customer', 'ordered_at', 'amount');
SELECT customer_scores_query('shop.orders', 'customer_id', 'amount', 'amount');
SELECT customer_scores_query('shop.orders', 'customer_id', 'ordered_at', 'customer_id');
SELECT customer_scores_query('shop.orders', NULL, 'ordered_at', 'amount');
SELECT customer_scores_query('shop.orders', 'customer_id', 'ordered_at', 'amount', horizon_days => -1);
SELECT customer_scores_query('shop.orders', 'customer_id', 'ordered_at', 'amount', annual_discount => -1);
SELECT customer_scores_query('shop.orders', 'customer_id', 'ordered_at', 'amount', margin => 'NaN');
SELECT customer_scores_query('shop.orders', 'customer_id', 'ordered_at', 'amount', model => 'oracle');
SELECT customer_scores_query('shop.orders', 'customer_id', 'ordered_at', 'amount', as_of => 'infinity');
SELECT customer_scores_query(0, 'customer_id', 'ordered_at', 'amount');
SELECT create_customer_scores(NULL, 'shop.orders', 'customer_id', 'ordered_at', 'amount');
\set VERBOSITY terse
SELECT create_customer_scores('customer_scores', 'shop.orders', 'customer_id', 'ordered_at', 'amount');

SET client_min_messages = warning;
DROP SCHEMA shop CASCADE;
DROP MATERIALIZED VIEW few_scores CASCADE;
DROP TABLE few;

-- Workers send records flat, small ones in a short form: without amounts, and in groups too small for a model, rows are the same.
SET client_min_messages = error;
CREATE SCHEMA workers;
SET search_path = workers, public;
CREATE TABLE by_workers AS SELECT customer_id, customer_id % 40 AS shop, purchase_history(ordered_at::date) AS history FROM simulate_orders(3000, '{"model": "bg/nbd", "timing": {"r": 0.7, "alpha": 8, "a": 0.8, "b": 2.5}}', '2024-01-01', '2026-01-01', 1) GROUP BY customer_id;
ALTER TABLE by_workers ADD PRIMARY KEY (customer_id);
ANALYZE by_workers;
SELECT create_customer_scores('plain_scores', 'by_workers', 'customer_id', model => 'bg/nbd', storage => 'table'),
	create_customer_scores('shop_scores', 'by_workers', 'customer_id', group_by => 'shop', model => 'bg/nbd', storage => 'table');
CREATE TEMP TABLE alone AS TABLE plain_scores;
CREATE TEMP TABLE alone_by_shop AS TABLE shop_scores;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
SET parallel_leader_participation = off;
CALL refresh_customer_scores('plain_scores');
CALL refresh_customer_scores('shop_scores');
SELECT (SELECT count(*) FROM plain_scores) AS rows, (SELECT count(*) FROM (TABLE alone EXCEPT TABLE plain_scores) AS x) AS different,
	(SELECT count(*) FROM shop_scores) AS rows_by_shop, (SELECT count(*) FROM (TABLE alone_by_shop EXCEPT TABLE shop_scores) AS x) AS different_by_shop;
RESET ALL;
SET client_min_messages = warning;
DROP SCHEMA workers CASCADE;
DROP TABLE alone, alone_by_shop;
