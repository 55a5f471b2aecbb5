-- The whole job with two workers, beside the plainest job of all with two, and both in one process. Processor time in
-- hundredths of a second of this session, and of processes of this server that have ended, which are its workers if
-- nothing else runs on it (autovacuum does, so look at the differences of a statement with workers only); and time by the
-- clock, on a machine that does nothing else:
--   script/dev psql -X -f "$PWD/test/bench/workers.sql"
\set QUIET on
SET client_min_messages = error;
SET jit = off;
SET work_mem = '1GB';
SET maintenance_work_mem = '1GB';
SET max_parallel_workers_per_gather = 0;
SET max_parallel_maintenance_workers = 0;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET parallel_leader_participation = off;
SELECT pg_backend_pid() AS pid, split_part(pg_read_file('postmaster.pid'), E'\n', 1) AS postmaster \gset
\setenv PID :pid
\setenv POSTMASTER :postmaster
DROP SCHEMA IF EXISTS bench CASCADE;
CREATE SCHEMA bench;
CREATE TABLE bench.orders AS SELECT customer_id, ordered_at, amount::numeric(12,2)
FROM simulate_orders(1000000, '{"model": "bg/nbd", "timing": {"r": 0.7, "alpha": 8, "a": 0.8, "b": 2.5}, "spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}}',
	'2024-01-01', '2026-01-01', 1) ORDER BY ordered_at;
VACUUM (FREEZE, ANALYZE) bench.orders;
\! cat /proc/$PID/stat /proc/$POSTMASTER/stat | awk 'NR == 1 {s = $14 + $15} NR == 2 {printf "begin at %d, workers at %d\n", s, $16 + $17}'
CREATE TABLE bench.plain AS SELECT customer_id, count(*), min(ordered_at), max(ordered_at), sum(amount) FROM bench.orders GROUP BY customer_id;
\! cat /proc/$PID/stat /proc/$POSTMASTER/stat | awk 'NR == 1 {s = $14 + $15} NR == 2 {printf "plain GROUP BY: until %d, workers %d\n", s, $16 + $17}'
SELECT create_customer_scores('bench.auto', 'bench.orders', 'customer_id', 'ordered_at', 'amount') AS made \gset
\! cat /proc/$PID/stat /proc/$POSTMASTER/stat | awk 'NR == 1 {s = $14 + $15} NR == 2 {printf "create_customer_scores: until %d, workers %d\n", s, $16 + $17}'
SET max_parallel_workers_per_gather = 2;
CREATE TABLE bench.plain_of_two AS SELECT customer_id, count(*), min(ordered_at), max(ordered_at), sum(amount) FROM bench.orders GROUP BY customer_id;
\! cat /proc/$PID/stat /proc/$POSTMASTER/stat | awk 'NR == 1 {s = $14 + $15} NR == 2 {printf "plain GROUP BY, two workers: until %d, workers %d\n", s, $16 + $17}'
RESET parallel_tuple_cost;
SELECT create_customer_scores('bench.auto_of_two', 'bench.orders', 'customer_id', 'ordered_at', 'amount', workers => 2) AS made \gset
\! cat /proc/$PID/stat /proc/$POSTMASTER/stat | awk 'NR == 1 {s = $14 + $15} NR == 2 {printf "create_customer_scores, two workers: until %d, workers %d\n", s, $16 + $17}'
DROP SCHEMA bench CASCADE;
