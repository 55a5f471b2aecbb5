-- What a night costs, against the plainest job of all: summing the orders of every customer.
-- A million customers, one process:
--
--	script/dev psql -X -f "$PWD/test/bench/night.sql"

\set QUIET on
SET client_min_messages = warning;
SET max_parallel_workers_per_gather = 0;
DROP SCHEMA IF EXISTS night CASCADE;
CREATE SCHEMA night;
SET search_path = night, public;
CREATE TABLE times (position int GENERATED ALWAYS AS IDENTITY, what text, seconds float8);
-- Runs a statement, and notes how long it took.
CREATE PROCEDURE measure(what text, statement text) LANGUAGE plpgsql AS $$
DECLARE
	began timestamptz := clock_timestamp();
BEGIN
	EXECUTE statement;
	INSERT INTO times (what, seconds) VALUES (what, extract(epoch FROM clock_timestamp() - began));
END $$;

CREATE TABLE orders AS
SELECT row_number() OVER () AS order_id, customer_id, ordered_at, amount::numeric(12, 2)
FROM simulate_orders(1000000, '{"model": "bg/nbd", "timing": {"r": 0.7, "alpha": 8, "a": 0.8, "b": 2.5}, "spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}}', '2024-01-01', '2026-01-01', 1);
CREATE INDEX ON orders (ordered_at);
CREATE INDEX ON orders (customer_id);
CREATE TABLE histories (customer_id bigint PRIMARY KEY, h purchase_history NOT NULL);
VACUUM ANALYZE orders;

CALL measure('plain', 'CREATE TABLE plain AS SELECT customer_id, count(*), min(ordered_at), max(ordered_at), sum(amount) FROM orders GROUP BY customer_id');
CALL measure('load_orders, everything', 'SELECT load_orders(''histories'', ''orders'', ''customer_id'', ''ordered_at'', ''amount'', since => ''-infinity'')');
VACUUM ANALYZE histories;
-- 0.5 % more orders: the day after the last one.
INSERT INTO orders SELECT 10000000 + i, i * 7919 % 1010000, timestamp '2026-01-01' + i * interval '5 seconds', 10 + i % 90 FROM generate_series(1, 16500) AS i;
CALL measure('load_orders, eight days, 0.5 % new', 'SELECT load_orders(''histories'', ''orders'', ''customer_id'', ''ordered_at'', ''amount'', since => ''2025-12-25'')');
CALL measure('load_orders, the same again', 'SELECT load_orders(''histories'', ''orders'', ''customer_id'', ''ordered_at'', ''amount'', since => ''2025-12-25'')');
CALL measure('load_orders by order_id', 'SELECT load_orders(''histories'', ''orders'', ''customer_id'', ''ordered_at'', ''amount'', ''order_id'', ''2025-12-25'')');
CALL measure('fit', 'CREATE TABLE fit AS SELECT clv_fit(customer_base(h)) AS model, observed_until(customer_base(h)) AS as_of FROM histories');
CALL measure('cuts', 'CREATE TABLE cuts AS SELECT rfm_cuts(recency_days(h, as_of), order_count(h), total_spend(h)) AS cuts FROM histories, fit');
ANALYZE fit, cuts;
CREATE VIEW scores AS
SELECT customer_id, last_order_on(h), order_count(h), total_spend(h), rfm_score(recency_days(h, as_of), order_count(h), total_spend(h), cuts) AS rfm_score,
	churn_prob(h, model) AS churn_prob, expected_transactions(h, model, 365) AS expected_transactions_365d, clv_estimate(h, model) AS clv_365d
FROM histories, fit, cuts;
CALL measure('all scores into a table', 'CREATE TABLE scored AS SELECT * FROM scores');
-- The same by the calls made for it. A refresh commits, so it cannot run within a procedure that measures.
SELECT create_customer_scores('night.kept', 'night.histories', 'customer_id', model => (SELECT model FROM fit), cuts => (SELECT cuts FROM cuts),
	storage => 'table') AS made \gset
SELECT create_customer_scores('night.fitted', 'night.histories', 'customer_id', storage => 'table') AS made \gset
SELECT clock_timestamp() AS began \gset
CALL refresh_customer_scores('night.kept');
INSERT INTO times (what, seconds) VALUES ('refresh_customer_scores, kept model', extract(epoch FROM clock_timestamp() - :'began'::timestamptz));
SELECT clock_timestamp() AS began \gset
CALL refresh_customer_scores('night.fitted');
INSERT INTO times (what, seconds) VALUES ('refresh_customer_scores, new auto fit', extract(epoch FROM clock_timestamp() - :'began'::timestamptz));
CALL measure('check: load_orders_query', format('CREATE TABLE differs AS %s', load_orders_query('histories', 'orders', 'customer_id', 'ordered_at', 'amount', since => '2025-12-25')));
CALL measure('plain', 'CREATE TABLE plain_again AS SELECT customer_id, count(*), min(ordered_at), max(ordered_at), sum(amount) FROM orders GROUP BY customer_id');
-- A history and a part of it: putting the rest and the part together, and taking the part out.
CREATE TABLE parts AS SELECT h, history_until(h, '2024-12-31') AS part, h - history_until(h, '2024-12-31') AS rest FROM histories;
CALL measure('||', 'SELECT count(rest || part) FROM parts');
CALL measure('-', 'SELECT count(h - part) FROM parts');
CALL measure('||', 'SELECT count(rest || part) FROM parts');
CALL measure('-', 'SELECT count(h - part) FROM parts');

\unset QUIET
SELECT what, round(min(seconds)::numeric, 2) AS seconds,
	round((min(seconds) / (SELECT avg(seconds) FROM times WHERE what = 'plain'))::numeric, 2) AS of_plain,
	CASE WHEN what = '-' THEN round((min(seconds) / (SELECT min(seconds) FROM times WHERE what = '||'))::numeric, 2) END AS of_merging
FROM times GROUP BY what ORDER BY min(position);
DROP SCHEMA night CASCADE;
