-- Every score of a customer in one call, beside the plainest use of a history, sum(total_spend(history)): a million
-- customers, one process. Processor time of this session; each call is compared with the sums just before and after it,
-- so that other work on the machine counts little:
--
--	script/dev psql -X -f "$PWD/test/bench/scores.sql"

\set QUIET on
SET client_min_messages = warning;
SET jit = off;
SET max_parallel_workers_per_gather = 0;
SET work_mem = '1GB';
DROP SCHEMA IF EXISTS bench CASCADE;
CREATE SCHEMA bench;
CREATE TABLE bench.histories AS SELECT customer_id, purchase_history(ordered_at, amount::numeric(12, 2)) AS history
FROM simulate_orders(1000000, '{"model": "bg/nbd", "timing": {"r": 0.7, "alpha": 8, "a": 0.8, "b": 2.5}, "spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}}',
	'2024-01-01', '2026-01-01', 1) GROUP BY customer_id;
VACUUM (FREEZE, ANALYZE) bench.histories;
CREATE TABLE bench.models AS SELECT name, clv_fit(customer_base(history), name) AS model
FROM bench.histories, unnest(ARRAY['bg/nbd', 'pareto/nbd', 'gg/nbd']) AS name GROUP BY name;
INSERT INTO bench.models VALUES ('pareto/nbd in the corner', '{"model": "pareto/nbd", "as_of": "2026-01-01",
	"timing": {"r": 0.1732, "alpha": 3.319, "s": 0.00115, "beta": 67672}, "spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}}');

CREATE TABLE bench.times (name text, ms float8, sum_ms float8);

-- Milliseconds of processor that a statement takes.
CREATE FUNCTION bench.milliseconds(statement text) RETURNS float8 LANGUAGE plpgsql AS $$
DECLARE
	began float8 := split_part(pg_read_file('/proc/self/schedstat'), ' ', 1);
BEGIN
	EXECUTE statement;
	RETURN (split_part(pg_read_file('/proc/self/schedstat'), ' ', 1)::float8 - began) / 1e6;
END $$;

CREATE PROCEDURE bench.measure(rounds integer) LANGUAGE plpgsql AS $$
DECLARE
	spend text := 'SELECT sum(total_spend(history)) FROM bench.histories';
	before float8 := bench.milliseconds(spend);
	ms float8;
	after float8;
	kind text;
BEGIN
	FOR kind IN SELECT name FROM bench.models, generate_series(1, rounds) AS round ORDER BY round, name LOOP
		ms := bench.milliseconds(format('SELECT count((s).alive_prob) FROM (SELECT customer_scores(history, '
			'(SELECT model FROM bench.models WHERE name = %L)) AS s FROM bench.histories OFFSET 0) AS x', kind));
		after := bench.milliseconds(spend);
		INSERT INTO bench.times VALUES (kind, ms, (before + after) / 2);
		before := after;
	END LOOP;
END $$;
CALL bench.measure(7);

\unset QUIET
SELECT name, round(percentile_cont(0.5) WITHIN GROUP (ORDER BY ms / sum_ms)::numeric, 2) AS of_sum,
	round(min(ms / sum_ms)::numeric, 2) AS least, round(max(ms / sum_ms)::numeric, 2) AS most,
	round(percentile_cont(0.5) WITHIN GROUP (ORDER BY ms)::numeric) AS ms
FROM bench.times GROUP BY name ORDER BY ms;
DROP SCHEMA bench CASCADE;
