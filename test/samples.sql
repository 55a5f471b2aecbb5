-- What to call every function of the extension with, for tests that call them all:
-- test/tap/053_leaks.pl, test/fuzz/run.

-- Arguments by name and type; those without a name are for all of the type, and the
-- first value of a type is the usual one.
CREATE TABLE sample_values (position int GENERATED ALWAYS AS IDENTITY, type regtype NOT NULL, name text, value text);

CREATE TABLE sample_histories AS
SELECT purchase_history(date '2026-01-01' + i + (j * j * (i % 7 + 2)), 10 + i * j::numeric / 4) AS history
FROM generate_series(1, 40) AS i, generate_series(0, i % 5) AS j
GROUP BY i;

INSERT INTO sample_values (type, value) VALUES
	('purchase_history', '{"orders": [["2026-01-05", 12.5], ["2026-01-09", 7.25], ["2026-03-01", 30], ["2026-03-01", -2]]}'),
	('purchase_history', '{"orders": []}'),
	('purchase_history', '{"orders": [["2026-01-05", null], ["2026-01-09", 0.1], ["2026-01-09", 1e15]]}'),
	('customer_base', (SELECT customer_base(history)::text FROM sample_histories)),
	('customer_base', '{"observed_until": "2026-03-01", "timing": [[1, 5, "2026-01-05", 2]], "spend": [[1, 10.5, 2]]}'),
	('customer_base', '{"covariates": [[0, 1], [1, -2.5]], "timing": [[0, 0, "2026-01-05", 1, 0], [2, 9, "2026-01-05", 2, 1]], "spend_bins": [[2, 33000, 2, 5, 6, 7]]}'),
	('customer_base', '{"period": "month", "timing": [[1, 3, "2026-01-01", 2]], "gaps": [[3, 2]], "left_out": {"no_amounts": 2, "no_orders": 1}}'),
	('clv_holdout', (SELECT holdout(history, '2026-02-01', '2026-04-01', 'bg/nbd')::text FROM sample_histories)),
	('rfm_cuts', (SELECT rfm_cuts(i, i % 17, i * 1.5)::text FROM generate_series(1, 100) AS i)),
	('segment_rules', default_segment_rules()::text),
	('retention_base', (SELECT retention_base(n, n < 6, 1000 / n, '1 month')::text FROM generate_series(1, 6) AS n)),
	('bool', 'true'),
	('int2', '3'),
	('int4', '3'),
	('int8', '3'),
	('float4', '30.5'),
	('float8', '30.5'),
	('numeric', '30.5'),
	('text', 'month'),
	('date', '2026-03-01'),
	('timestamp', '2026-03-01 12:00'),
	('timestamptz', '2026-03-01 12:00+00'),
	('interval', '1 month'),
	('int4range', '[1,6)'),
	('float8[]', '{0.5}'),
	('text[]', '{age}');
INSERT INTO sample_values (type, value)
SELECT 'clv_model'::regtype, clv_fit(value::customer_base)::text FROM sample_values WHERE type = 'customer_base'::regtype AND value::customer_base::jsonb ? 'spend' AND customer_count(value::customer_base) > 5
UNION ALL
SELECT 'retention_model'::regtype, retention_fit(value::retention_base)::text FROM sample_values WHERE type = 'retention_base'::regtype;
INSERT INTO sample_values (type, value)
SELECT 'clv_holdout'::regtype, holdout(h, '2026-02-10', '2026-03-20', 'bg/nbd')::text
FROM generate_series(1, 40) AS i, LATERAL (
	SELECT purchase_history(date '2026-01-01' + i % 30 + (j * j * (i % 7 + 2)), 10 + i * j::numeric / 4)
	FROM generate_series(0, i % 5) AS j) AS histories (h);
INSERT INTO sample_values (type, value) VALUES
	('clv_model', '{"model": "bg/nbd", "timing": {"r": 0.7, "alpha": 8, "a": 0.8, "b": 2.5}, "spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}}');
INSERT INTO sample_values (type, name, value) VALUES
	('float8', 'frequency', '2'),
	('float8', 'recency_days', '40'),
	('float8', 'tenure_days', '90'),
	('float8', 'level', '0.9'),
	('date', 'since', '2026-01-01'),
	('date', 'from', '2026-01-01'),
	('date', 'until', '2026-04-01'),
	('date', 'as_of', '2026-04-01'),
	('date', 'started_on', '2025-01-01'),
	('date', 'calibration_until', '2026-02-15'),
	('date', 'holdout_until', '2026-04-01'),
	('text', 'model', 'bg/nbd'),
	('date', 'calibration_until', '2026-02-01'),
	('date', 'holdout_until', '2026-04-01'),
	('text', 'model', 'bg/nbd'),
	('text', 'score', '545'),
	('text', 'segment', 'Champions');

-- Every function of the extension that SQL can call, with a call of it that works. The
-- arguments depend on a column i, so that nothing is computed while planning. Optional
-- arguments are left out. call_with: the same with $1 for the first argument.
CREATE VIEW sample_calls AS
SELECT p.oid::regprocedure AS function, p.prokind AS kind, p.proretset AS returns_set,
	p.proargtypes[0]::regtype AS first_type,
	format('%s(%s)', p.oid::regproc, string_agg(
		format('CASE WHEN i > 0 THEN %L::%s END', value, argument_type), ', ' ORDER BY n) FILTER (WHERE n > 0)) AS call,
	format('%s($1%s)', p.oid::regproc, string_agg(
		format(', %L::%s', value, argument_type), '' ORDER BY n) FILTER (WHERE n > 1)) AS call_with
FROM pg_depend AS d
JOIN pg_extension AS e ON d.refobjid = e.oid AND e.extname = 'customer_centric'
JOIN pg_proc AS p ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
LEFT JOIN LATERAL (
	SELECT n, p.proargtypes[n - 1]::regtype AS argument_type, p.proargnames[n] AS argument_name
	FROM generate_series(1, p.pronargs - p.pronargdefaults) AS n
) AS arguments ON true
LEFT JOIN LATERAL (
	SELECT value FROM sample_values AS s
	WHERE s.type = argument_type AND (s.name = argument_name OR s.name IS NULL)
	ORDER BY s.name NULLS LAST, position LIMIT 1
) AS sample ON true
-- but for what only the server calls, what belongs to aggregates, and what refuses money
WHERE NOT p.proargtypes::oid[] && ARRAY['internal', 'cstring', 'money']::regtype[]::oid[]
	AND p.oid NOT IN (SELECT unnest(ARRAY[aggtransfn, aggcombinefn]) FROM pg_aggregate)
GROUP BY p.oid, p.prokind;
