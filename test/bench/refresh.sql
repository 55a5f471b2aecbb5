-- What the three ways to refresh scores cost, beside the plainest job of all. Processor time of
-- this session in hundredths of a second, so that other work on the machine does not count:
--   script/dev psql -X -f "$PWD/test/bench/refresh.sql"
\set QUIET on
SET client_min_messages = error;
SET jit = off;
SELECT pg_backend_pid() AS pid \gset
\setenv PID :pid
DROP SCHEMA IF EXISTS bench CASCADE;
CREATE SCHEMA bench;
CREATE TABLE bench.orders AS SELECT * FROM simulate_orders(200000, '{"model": "bg/nbd", "timing": {"r": 0.5, "alpha": 5, "a": 0.8, "b": 2.5},
	"spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}}', '2024-01-01', '2026-01-01', 1);
CREATE TABLE bench.histories AS SELECT customer_id, purchase_history(ordered_at, amount) AS history FROM bench.orders GROUP BY customer_id;
ALTER TABLE bench.histories ADD PRIMARY KEY (customer_id);
ANALYZE bench.orders;
ANALYZE bench.histories;
SELECT clv_fit(customer_base(history), 'bg/nbd') AS model FROM bench.histories \gset
SELECT create_customer_scores('bench.v', 'bench.histories', 'customer_id', model => :'model'::clv_model) AS made \gset
SELECT create_customer_scores('bench.t', 'bench.histories', 'customer_id', model => :'model'::clv_model, storage => 'table') AS made \gset
UPDATE bench.histories SET history = history || (SELECT purchase_history(date '2026-01-02', 10)) WHERE customer_id % 200 = 0;
\! awk '{printf "begin at %d\n", $14 + $15}' /proc/$PID/stat
CREATE TABLE bench.plain AS SELECT customer_id, count(*), min(ordered_at), max(ordered_at), sum(amount) FROM bench.orders GROUP BY customer_id;
\! awk '{printf "plain GROUP BY: until %d\n", $14 + $15}' /proc/$PID/stat
CALL refresh_customer_scores('bench.t');
\! awk '{printf "CALL refresh_customer_scores: until %d\n", $14 + $15}' /proc/$PID/stat
REFRESH MATERIALIZED VIEW CONCURRENTLY bench.v;
\! awk '{printf "REFRESH CONCURRENTLY: until %d\n", $14 + $15}' /proc/$PID/stat
REFRESH MATERIALIZED VIEW bench.v;
\! awk '{printf "REFRESH: until %d\n", $14 + $15}' /proc/$PID/stat
SELECT create_customer_scores('bench.o', 'bench.orders', 'customer_id', 'ordered_at', 'amount') AS made \gset
\! awk '{printf "create_customer_scores from orders, auto: until %d\n", $14 + $15}' /proc/$PID/stat
DROP SCHEMA bench CASCADE;
