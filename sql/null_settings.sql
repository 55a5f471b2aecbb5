-- A setting that is NULL is a mistake: a set would be empty, a report NULL, and not say why. Settings are arguments with a default that is not NULL.

CREATE FUNCTION pg_temp.answer(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	message text; hint text; result text;
BEGIN
	EXECUTE statement INTO result;
	RETURN 'NO ERROR: ' || result;
EXCEPTION WHEN null_value_not_allowed THEN
	GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
	RETURN concat_ws('. ', message, nullif(hint, ''));
WHEN OTHERS THEN
	RETURN 'ANOTHER ERROR: ' || SQLERRM;
END $$;

-- Every function that returns a set, and those that report on a value, with one setting after the other NULL.
CREATE TEMP TABLE null_calls AS
SELECT p.oid::regprocedure AS function, p.proargnames[s.n] AS setting,
	format('SELECT count(*) FROM %s(%s)', p.oid::regproc, (SELECT string_agg(CASE
		WHEN n <= p.pronargs - p.pronargdefaults THEN format('NULL::%s', p.proargtypes[n - 1]::regtype) ELSE format('%I => NULL', p.proargnames[n]) END, ', ' ORDER BY n)
		FROM generate_series(1, p.pronargs) AS n WHERE n <= p.pronargs - p.pronargdefaults OR n = s.n)) AS call
FROM pg_depend AS d JOIN pg_extension AS e ON e.oid = d.refobjid AND e.extname = 'customer_centric'
	JOIN pg_proc AS p ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e',
	generate_series(p.pronargs - p.pronargdefaults + 1, p.pronargs) AS s(n)
WHERE (p.proretset OR p.proname IN ('event_effect', 'experiment_size', 'fatigue_within', 'qini', 'recovery_effect', 'uplift_estimate')) AND pg_get_function_arg_default(p.oid, s.n) NOT LIKE 'NULL::%'
	-- of a table these say that it is NULL; and score_reasons leaves out the reasons that it cannot tell
	AND p.proname NOT IN ('customer_triggers', 'next_best_actions', 'score_reasons');
SELECT function::oid::regproc AS function, setting, pg_temp.answer(call) FROM null_calls WHERE pg_temp.answer(call) IS DISTINCT FROM setting || ' must not be null. Leave it out, and it has its default.' ORDER BY function::text COLLATE "C", setting;
SELECT count(*) > 40 AS many, count(DISTINCT function) > 25 AS functions FROM null_calls;

-- A score of one customer is NULL with a setting that is NULL, and no error: one row does not fail the others. (The row of all scores has those that do not need it.)
CREATE TEMP TABLE score_calls AS
SELECT p.oid::regproc AS function, p.proargnames[s.n] AS setting,
	format('SELECT %s(%s)', p.oid::regproc, (SELECT string_agg(CASE p.proargtypes[n - 1] WHEN 'purchase_history'::regtype THEN $$'{"orders": [["2024-01-01", 5], ["2024-03-01", 7]]}'::purchase_history$$
		WHEN 'clv_model'::regtype THEN $$'{"model": "bg/nbd", "as_of": "2024-06-30", "timing": {"r": 1, "alpha": 9, "a": 1, "b": 2}, "spend": {"p": 6, "q": 4, "gamma": 15}}'::clv_model$$
		ELSE CASE WHEN n = s.n THEN format('%I => NULL', p.proargnames[n]) END END, ', ' ORDER BY n) FROM generate_series(1, p.pronargs) AS n WHERE n <= 2 OR n = s.n)) AS call
FROM pg_depend AS d JOIN pg_extension AS e ON e.oid = d.refobjid AND e.extname = 'customer_centric'
	JOIN pg_proc AS p ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e', generate_series(p.pronargs - p.pronargdefaults + 1, p.pronargs) AS s(n)
WHERE p.pronargs - p.pronargdefaults <= 2 AND NOT p.proretset AND p.prokind = 'f' AND p.proargtypes[0] = 'purchase_history'::regtype AND p.proargtypes[1] = 'clv_model'::regtype
	AND pg_get_function_arg_default(p.oid, s.n) NOT LIKE 'NULL::%';
CREATE FUNCTION pg_temp.is_null(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	known boolean;
BEGIN
	EXECUTE format('SELECT num_nonnulls(x) > 0 AND x::text !~ ''^[(],*[)]$'' FROM (%s) AS s(x)', statement) INTO known;
	RETURN CASE WHEN known THEN 'a value' END;
EXCEPTION WHEN OTHERS THEN
	RETURN SQLERRM;
END $$;
SELECT function, setting, pg_temp.is_null(call) AS answer FROM score_calls WHERE pg_temp.is_null(call) IS NOT NULL ORDER BY function::text COLLATE "C", setting;
SELECT count(*) > 15 AS many, count(DISTINCT function) > 8 AS functions FROM score_calls;

-- Without a value there is nothing to tell: no rows, and no error.
SELECT (SELECT count(*) FROM audit_tiles(NULL)) AS tiles, (SELECT count(*) FROM acquisitions(NULL)) AS acquisitions, (SELECT count(*) FROM missed_events(NULL)) AS missed, (SELECT count(*) FROM transition_forecast(NULL, 3)) AS forecast,
	(SELECT count(*) FROM journey_times(NULL, '1 day')) AS times, (SELECT count(*) FROM recommend_items(NULL, '{a}')) AS items, (event_effect(NULL)).status IS NULL AS effect, (SELECT count(*) FROM related_items(NULL, NULL)) AS related;

-- A simulation needs all settings that it starts from; without a model there are no orders.
SELECT pg_temp.answer(format('SELECT count(*) FROM simulate_orders(%s)', arguments)) FROM (VALUES
	(1, $$10, '{"model": "bg/nbd", "timing": {"r": 1, "alpha": 1, "a": 1, "b": 1}}', '2024-01-01', '2025-01-01', NULL$$), (2, $$NULL, '{"model": "bg/nbd", "timing": {"r": 1, "alpha": 1, "a": 1, "b": 1}}', '2024-01-01', '2025-01-01', 1$$),
	(3, $$10, NULL, '2024-01-01', '2025-01-01', 1$$), (4, $$10, '{"model": "bg/nbd", "timing": {"r": 1, "alpha": 1, "a": 1, "b": 1}}', NULL, '2025-01-01', 1$$)) AS v(n, arguments) ORDER BY n;

-- An element of a list that is NULL is named.
SELECT funnel_phases(journey_funnel(j, '1 day'), '{a,b}', '{1,NULL}') FROM (SELECT journey('2026-01-01', 1) AS j) AS x;
SELECT funnel_phases(journey_funnel(j, '1 day'), '{a,NULL}', '{1,2}') FROM (SELECT journey('2026-01-01', 1) AS j) AS x;
SELECT journey_level(journey('2026-01-01', 1), '1 day', flags => '{NULL}');
SELECT rate_mean('{0.5,0.7}', '{1,NULL}');
SELECT next_anniversary('infinity', '2026-01-01');
