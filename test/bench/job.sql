-- The whole job at a million customers, beside the plainest job of all: summing the orders of every customer, which come
-- in the order of time. Processor time of this session in hundredths of a second, so that other work on the machine
-- counts little:
--   script/dev psql -X -f "$PWD/test/bench/job.sql"
-- with another number of customers, and with the index on the last day that doc/every_night.md advises:
--   script/dev psql -X -v customers=10000000 -v index=yes -f "$PWD/test/bench/job.sql"
\set QUIET on
\if :{?customers}
\else
\set customers 1000000
\endif
SET client_min_messages = error;
SET jit = off;
SET work_mem = '1GB';
SET maintenance_work_mem = '1GB';
SET max_parallel_workers_per_gather = 0;
SET max_parallel_maintenance_workers = 0;
SELECT pg_backend_pid() AS pid \gset
\setenv PID :pid
DROP SCHEMA IF EXISTS bench CASCADE;
CREATE SCHEMA bench;
CREATE TABLE bench.orders AS SELECT row_number() OVER () AS order_id, customer_id, ordered_at, amount::numeric(12,2)
FROM simulate_orders(:customers, '{"model": "bg/nbd", "timing": {"r": 0.7, "alpha": 8, "a": 0.8, "b": 2.5}, "spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}}',
	'2024-01-01', '2026-01-01', 1) ORDER BY ordered_at;
CREATE INDEX ON bench.orders (ordered_at);
CREATE INDEX ON bench.orders (customer_id);
CREATE TABLE bench.histories (customer_id bigint PRIMARY KEY, history purchase_history NOT NULL);
SELECT load_orders('bench.histories', 'bench.orders', 'customer_id', 'ordered_at', 'amount', since => '-infinity') AS loaded \gset
\if :{?index}
CREATE INDEX ON bench.histories (last_order_on(history));
\endif
VACUUM (FREEZE, ANALYZE) bench.orders, bench.histories;
SELECT clv_fit(customer_base(history)) AS model FROM bench.histories \gset
SELECT rfm_cuts(recency_days(history, '2026-01-01'), order_count(history), total_spend(history)) AS cuts FROM bench.histories \gset
SELECT create_customer_scores('bench.kept', 'bench.histories', 'customer_id', model => :'model'::clv_model, cuts => :'cuts'::rfm_cuts, storage => 'table') AS made \gset
SELECT create_customer_scores('bench.fitted', 'bench.histories', 'customer_id', storage => 'table') AS made \gset
\! awk '{printf "begin at %d\n", $14 + $15}' /proc/$PID/stat
CREATE TABLE bench.plain AS SELECT customer_id, count(*), min(ordered_at), max(ordered_at), sum(amount) FROM bench.orders GROUP BY customer_id;
\! awk '{printf "plain GROUP BY: until %d\n", $14 + $15}' /proc/$PID/stat
SELECT create_customer_scores('bench.auto', 'bench.orders', 'customer_id', 'ordered_at', 'amount') AS made \gset
\! awk '{printf "create_customer_scores, auto: until %d\n", $14 + $15}' /proc/$PID/stat
SELECT create_customer_scores('bench.bg', 'bench.orders', 'customer_id', 'ordered_at', 'amount', model => 'bg/nbd') AS made \gset
\! awk '{printf "create_customer_scores, bg/nbd: until %d\n", $14 + $15}' /proc/$PID/stat
SELECT create_customer_scores('bench.corner', 'bench.orders', 'customer_id', 'ordered_at', 'amount',
	model => '{"model": "pareto/nbd", "timing": {"r": 0.1732, "alpha": 3.319, "s": 0.00115, "beta": 67672}, "spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}}') AS made \gset
\! awk '{printf "create_customer_scores, kept, in the corner: until %d\n", $14 + $15}' /proc/$PID/stat
-- 0.5 % more orders: the day after the last one.
INSERT INTO bench.orders SELECT 1000000000 + i, i::bigint * 7919 % (:customers * 101 / 100), timestamp '2026-01-01' + i * interval '5 seconds' * (1000000.0 / :customers), 10 + i % 90
FROM generate_series(1, :customers * 33 / 2000) AS i;
\! awk '{printf "(new orders: until %d)\n", $14 + $15}' /proc/$PID/stat
SELECT load_orders('bench.histories', 'bench.orders', 'customer_id', 'ordered_at', 'amount', since => '2025-12-25') AS loaded \gset
\! awk '{printf "load_orders: until %d\n", $14 + $15}' /proc/$PID/stat
CALL refresh_customer_scores('bench.kept');
\! awk '{printf "refresh, kept model: until %d\n", $14 + $15}' /proc/$PID/stat
CALL refresh_customer_scores('bench.fitted');
\! awk '{printf "refresh, auto: until %d\n", $14 + $15}' /proc/$PID/stat
DELETE FROM bench.histories WHERE history <> history_until(history, '2025-12-31');
\! awk '{printf "(some histories taken out: until %d)\n", $14 + $15}' /proc/$PID/stat
SELECT load_orders('bench.histories', 'bench.orders', 'customer_id', 'ordered_at', 'amount', 'order_id', '2025-12-25') AS loaded \gset
\! awk '{printf "load_orders by order_id: until %d\n", $14 + $15}' /proc/$PID/stat
CREATE TABLE bench.plain_again AS SELECT customer_id, count(*), min(ordered_at), max(ordered_at), sum(amount) FROM bench.orders GROUP BY customer_id;
\! awk '{printf "plain GROUP BY: until %d\n", $14 + $15}' /proc/$PID/stat
DROP SCHEMA bench CASCADE;
