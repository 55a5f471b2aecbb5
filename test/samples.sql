-- What to call every function of the extension with, for tests that call them all:
-- test/tap/053_leaks.pl, test/fuzz/run.

-- Arguments by name, or by function and name, and type; those without a name are for all of the type,
-- and the first value of a type is the usual one.
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
	('clv_holdout', (SELECT holdout(history, '2026-02-01', '2026-04-01', 'bg/nbd', 'month')::text FROM sample_histories)),
	('season', (SELECT season(history, 'month')::text FROM sample_histories)),
	('season', season_of_factors('week', ARRAY(SELECT 1 + i % 7 / 8.0 FROM generate_series(1, 53) AS i), '{2026-04-05, 2027-03-28}', '{3, 0.25}')::text),
	('customer_equity', '{"model": {"model": "bg/nbd", "time_unit_days": 7, "as_of": "2026-01-31", "timing": {"r": 0.25, "alpha": 4.5, "a": 0.75, "b": 2.5}, "spend": {"p": 6.25, "q": 3.75, "gamma": 15.5}}, "as_of": "2026-01-31", "margin": 0.3, "annual_discount": 0.15, "customers": 3, "left_out": {"no_orders": 1}, "sums": [[1.5, 1e-20], [1], [2], [], [4], [5], [], [7], [8], [], [10], [11], [], [13], [14], [], [16], [17], [], [19], [20], [], [22], [23], [], [25], [26], [], [28], [29], [], [31], [32], [], [34], [35], [], [37], [38], [], [40], [41], [42]]}'),
	('acquisition_model', acquisition_fit(ARRAY[10, 20, 30, 40, 12, 18, 33, 44], '2024-01-01', 'quarter', 'naive')::text),
	('acquisition_model', acquisition_fit(ARRAY[10, 20, 30, 40, 12, 18, 33, 44], '2023-10-01', 'quarter', 'seasonal')::text),
	('acquisition_model', acquisition_fit(ARRAY[10, 20, 30, 40, 12, 18, 33, 44, 40, 37], '2015-01-01', 'year', 'weibull-gamma', '{1000}', lost => '{0, 1, 2, 3, 4, 4, 4, 5, 5, 5}')::text),
	('rfm_cuts', (SELECT rfm_cuts(i, i % 17, i * 1.5)::text FROM generate_series(1, 100) AS i)),
	('segment_rules', default_segment_rules()::text),
	('segment_transitions', '{"moves": [["B", "B", 8], ["B", "Champions", 2], ["Champions", null, 1], [null, "B", 3]]}'),
	('customer_identities', (SELECT same_customer(i % 50, i * 7 % 90)::text FROM generate_series(1, 40) AS i)),
	('customer_identities', '{"groups": [["a@b.example", "größe"], ["1", "2", "x"]]}'),
	('retention_base', (SELECT retention_base(n, n < 6, 1000 / n, '1 month')::text FROM generate_series(1, 6) AS n)),
	('contact_log', '{"contacts": [["2026-02-01T12:00:00Z", 1], ["2026-02-20T08:30:00Z", 2]]}'),
	('fatigue', '{"left_out": 1, "contacts": [[0, 4000, 240, 8], [1, 5000, 262, 14], [2, 4000, 180, 15]]}'),
	('relevance_audit', '{"contacts": [[0, 900], [5, 100]]}'),
	('replenishment', (SELECT replenishment(history)::text FROM sample_histories)),
	('hour_profile', '{"by": "daypart", "events": [[2, 3], [4, 8]]}'),
	('hour_prior', '{"by": "daypart", "customers": [[2, 3, 1], [3, 5, 2], [4, 8, 1], [24, 5, 2], [24, 11, 1]]}'),
	('rate_prior', '{"by": "proportion", "left_out": 1, "units": [[5, 0, 1], [20, 7, 2], [60, 4, 1]]}'),
	('rate_prior', '{"by": "count", "units": [[2.5, 0, 3], [20, 7, 2], [60, 4, 1]]}'),
	('rate_index', '{"segments": [["Champions", 88, 100], ["Loyal", 70, 90], ["month", 9, 20]]}'),
	('question_weights', '{"customers": [[20030040, 9, 2], [50020060, 9, 4], [82064091, 40, 22], [90090020, 20, 8], [91020080, 10, 7]]}'),
	('journey', '{"events": [["2026-03-01T10:00:00Z", 1, 1], ["2026-03-01T10:05:00.250000Z", 2, 2], ["2026-03-04T10:05:00Z", 12, 1]]}'),
	('journey_funnel', '{"customers": [[0, 0, 1], [1, 604800000000, 3], [2, 0, 3], [4, 0, 1], [8, 0, 1], [9, 1028, 1], [10, 1028, 1]]}'),
	('int4[]', '{1,2}'),
	('item_pairs', '{"units": 10, "items": [["a", 7], ["b", 7], ["age", 4], ["month", 3]], "pairs": [[0, 1, 5], [0, 2, 2], [1, 2, 4], [2, 3, 2]]}'),
	('recommendation_check', '{"sums": [[0, 0, 2], [1, 0, 4294967296], [3, 0, 1], [8, 2, 2]]}'),
	('int8[]', '{1,2}'),
	('uuid[]', '{00000000-0000-0000-0000-00000000000a}'),
	('covariate_path', '{"steps": [["2025-12-01", 0], ["2026-02-01", 1]]}'),
	('covariate_path', '{"left_out": 2, "steps": [["2025-12-01", 0.5, null], ["2026-03-01", 1, 2]]}'),
	('path_base', (SELECT path_base(history, '{"steps": [["2025-12-01", 0], ["2026-02-01", 1]]}')::text FROM sample_histories)),
	('path_base', '{"covariates": 0, "left_out": {"no_path": 3}, "customers": []}'),
	('event_study', '{"counts": [[0, 42950197248, 100], [1, 109491, 60], [1, 109501, 40], [2, 109495, 50], [2, 109505, 50], [3, 0, 100]]}'),
	('jsonb', '[]'),
	('fatigue[]', ARRAY['{"contacts": [[0, 4, 2, 0], [1, 4, 1, 0]]}', '{"contacts": [[0, 3, 2, 0], [1, 6, 1, 0]]}']::text),
	('purchase_history[]', ARRAY['{"orders": [["2026-01-05", 12.5]]}', '{"orders": []}']::text),
	('uuid', '00000000-0000-0000-0000-00000000000a'),
	('period_audit', (SELECT period_audit(history, '2026-01-01', '2026-04-01', history)::text FROM sample_histories)),
	('period_change', (SELECT period_change(history, '2026-01-01', '2026-02-01', '2026-02-01', '2026-04-01', history)::text FROM sample_histories)),
	('cohort_audit', (SELECT cohort_audit(history, 'week', '2026-04-01', history)::text FROM sample_histories)),
	('cohort_audit', (SELECT cohort_audit(history, 'month', '2026-04-01', date '2026-01-15', history)::text FROM sample_histories)),
	('uplift', uplift_of_counts(100, 20, 50, 5)::text),
	('uplift', (SELECT uplift(i % 3 > 0, i * 0.1, i % 7)::text FROM generate_series(1, 30) AS i)),
	('uplift_segments', (SELECT uplift_segments(i, uplift_of_counts(100, 20 + i, 50, 5))::text FROM generate_series(1, 4) AS i)),
	('response_curve', (SELECT response_curve(i, 1 - exp(-0.5 * i) + i % 2 * 0.01, 100)::text FROM generate_series(0, 5) AS i)),
	('response_curve', (SELECT response_curve(i % 4, i % 7)::text FROM generate_series(1, 40) AS i)),
	('response_curve', '{"curve": "hill", "c": 2, "h": 1.5, "covariance": [0.01, 0.002, 0.04], "tested_max": 5}'),
	('budget_plan', (SELECT budget_plan('S' || i, 10, '{"curve": "exp", "c": 2, "k": 0.5, "covariance": [0.01, 0, 0.01]}', i, 0, NULL)::text FROM generate_series(1, 3) AS i)),
	('bool', 'true'),
	('int2', '3'),
	('int4', '3'),
	('int8', '3'),
	('float4', '30.5'),
	('float8', '30.5'),
	('numeric', '30.5'),
	('text', 'month'),
	('date', '2026-03-01'),
	('date[]', '{2026-03-01}'),
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
	('float8', 'repeat_count', '2'),
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
	('text', 'by', 'daypart'),
	('text', 'design', 'randomised'),
	('int8', 'responses', '2'),
	('int8', 'unsubscribed', '1'),
	('date', 'since_1', '2026-01-01'),
	('date', 'until_1', '2026-02-01'),
	('date', 'since_2', '2026-02-01'),
	('date', 'until_2', '2026-04-01'),
	('text', 'of', 'spend'),
	('text', 'score', '545'),
	('text', 'experiment', 'spring'),
	('float8', 'control_share', '0.1'),
	('float8', 'margin', '0.5'),
	('float8', 'power', '0.8'),
	('float8', 'level', '0.9'),
	('float8', 'share', '0.2'),
	('float8', 'tax_rate', '0.25'),
	('text', 'period', 'week'),
	('float8[]', 'factors', (SELECT array_agg(1 + i % 7 / 8.0)::text FROM generate_series(1, 53) AS i)),
	('float8[]', 'acquired', '{10,12,9,14,11,13,10,15}'),
	('text[]', 'phases', '{before,after}'),
	('int4[]', 'last_steps', '{1,2}'),
	('text', 'method', 'naive'),
	('float8', 'years', '2'),
	('int4', 'levels', '5'),
	('text', 'curve', 'exp'),
	('text', 'equal', 'customers'),
	('float8', 'base_rate', '0.1'),
	('float8', 'effect', '0.01'),
	('int8', 'n_treated', '100'),
	('int8', 'responses_treated', '9'),
	('int8', 'n_control', '100'),
	('int8', 'responses_control', '9'),
	('float8', 'max_per_head', '40'),
	('float8', 'budget', '1000'),
	('text', 'segment', 'Champions'),
	('int8', 'good', '2'),
	('float8', 'need', '0.8'),
	('float8', 'worth', '0.7'),
	('float8', 'trust', '0.9'),
	('float8', 'total', '9'),
	('text', 'kind', 'proportion'),
	('interval', 'within', '7 days'),
	('text', 'mode', 'once'),
	('text', 'item', 'a'),
	('int4', 'k', '3'),
	('int4', 'max_items', '30'),
	('int4', 'limit_count', '3'),
	('int4', 'before_days', '90'),
	('int4', 'after_days', '30'),
	('int4', 'gap_days', '7'),
	('int4', 'within_days', '14'),
	('date', 'event_on', '2026-02-01'),
	('date', 'observed_until', '2026-04-01'),
	('clv_model', 'path_scores.model', '{"model": "pareto/nbd", "as_of": "2026-04-01", "covariates": ["z"], "timing": {"r": 0.7, "alpha": 8, "s": 0.8, "beta": 16}, "coefficients": {"rate:z": 0.5, "dropout:z": -0.25}, "spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}}'),
	('purchase_history', 'gone', '{"orders": []}');

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
	WHERE s.type = argument_type AND (s.name IN (argument_name, p.proname || '.' || argument_name) OR s.name IS NULL)
	ORDER BY s.name IS NULL, s.name = argument_name, position LIMIT 1
) AS sample ON true
-- but for what only the server calls, what belongs to aggregates, what refuses money or days, and the body of customer_360
WHERE NOT p.proargtypes::oid[] && ARRAY['internal', 'cstring', 'money']::regtype[]::oid[]
	AND p.oid NOT IN (SELECT unnest(ARRAY[aggtransfn, aggcombinefn]) FROM pg_aggregate)
	AND NOT (p.proname = 'hour_profile' AND p.proargtypes[0] = 'date'::regtype) AND p.proname <> 'customer_page'
GROUP BY p.oid, p.prokind;
