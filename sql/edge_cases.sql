-- The ends of what can be: empty and enormous inputs give an answer, NULL with a reason, or an
-- error that says which limit was met. Nothing gives NaN, infinity or a wrong sum.

SET datestyle = ISO;
SET extra_float_digits = -9;
SET client_min_messages = error;

CREATE FUNCTION failure(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	code text; message text; detail text; hint text; result text;
BEGIN
	EXECUTE statement INTO result;
	RETURN 'NO ERROR: ' || left(result, 100);
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN concat_ws('. ', code || ': ' || message, nullif(detail, ''), nullif(hint, ''));
END $$;

--
-- Nothing, and next to nothing
--

-- No rows, only NULLs: every aggregate gives NULL.
SELECT num_nulls(purchase_history(d), purchase_history(d, n), purchase_history(d, f), purchase_history(t, n), purchase_history(z, f), rollup(h),
	customer_base(h), customer_base(h, d), season(h, 'month'), rollup(o), rollup(b), clv_model(h), rfm_cuts(i, l, f), rfm_cuts(i, l, f, 3), segment_rules(s, r, r, r), rollup(g), segment_transitions(s, s), segment_transitions(s, s, l), rollup(a),
	retention_base(d, d, d), retention_base(d, d, d, p), retention_base(i, q, l, p), rollup(c),
	same_customer(s, s), same_customer(l, l), rollup(j), remove(h, h)) AS nulls
FROM (VALUES (true), (false)) AS v(rows), LATERAL (SELECT NULL::date AS d, NULL::numeric AS n, NULL::float8 AS f, NULL::timestamp AS t, NULL::timestamptz AS z,
	NULL::purchase_history AS h, NULL::customer_base AS b, NULL::season AS o, NULL::int AS i, NULL::bigint AS l, NULL::text AS s, NULL::int4range AS r, NULL::segment_rules AS g, NULL::segment_transitions AS a,
	NULL::interval AS p, NULL::bool AS q, NULL::retention_base AS c, NULL::customer_identities AS j WHERE rows) AS x GROUP BY rows;

-- Histories without an order: what cannot be said is NULL, what can is zero.
SELECT what, order_count(h), transaction_count(h), total_spend(h), first_order_on(h), last_order_on(h), avg_order_value(h), repeat_count(h), recency_days(h, '2026-01-01') AS recency,
	tenure_days(h, '2026-01-01') AS tenure, avg_days_between_orders(h) AS gap, days_to_nth_order(h, 1) AS first, orders_between(h, '-infinity', 'infinity') AS orders,
	spend_between(h, '-infinity', 'infinity') AS spend, history_until(h, '1900-01-01')
FROM (VALUES ('empty', '{"orders": []}'::purchase_history), ('all refunds', '{"orders": [["2025-01-01", -5], ["2025-01-02", -7.5]]}'),
	('for nothing', '{"orders": [["2025-01-01", 0], ["2025-02-01", 0]]}'), ('one', '{"orders": [["2025-01-01", 9.99]]}'),
	('paid back', '{"orders": [["2025-01-01", 5], ["2025-01-01", -5], ["2025-03-01", 0.1], ["2025-03-01", -0.1]]}')) AS v(what, h);

-- Nobody in them can be fitted or told apart, and each says why.
CREATE TABLE odd AS SELECT * FROM (VALUES
	('empty', '{"orders": []}'::purchase_history),
	('all refunds', '{"orders": [["2025-01-01", -5], ["2025-01-02", -7.5]]}'),
	('for nothing', '{"orders": [["2025-01-01", 0], ["2025-02-01", 0]]}'),
	('one', '{"orders": [["2025-01-01", 9.99]]}'),
	('huge', '{"orders": [["2025-01-01", 1e300], ["2025-02-01", 1e300]]}'),
	('too huge', '{"orders": [["2025-01-01", 1.7e308], ["2025-02-01", 1.7e308], ["2025-02-01", 1.7e308]]}'),
	('tiny', '{"orders": [["2025-01-01", 5e-324], ["2025-02-01", 5e-324]]}'),
	('the ends of time', '{"orders": [["4713-01-01 BC", 1], ["5874897-12-31", 1]]}'),
	('first day', '{"orders": [["4713-01-01 BC", 1], ["4713-01-02 BC", 1]]}'),
	('last day', '{"orders": [["5874897-12-30", 1], ["5874897-12-31", 1]]}'),
	('future', '{"orders": [["2030-01-01", 1], ["2031-01-01", 1]]}'),
	('unknown', '{"orders": [["2025-01-01", null], ["2025-02-01", null]]}')) AS v(what, h);
SELECT what, customer_base(h)::jsonb -> 'left_out' AS left_out, clv_fit_problem(customer_base(h)) FROM odd GROUP BY what, h ORDER BY what COLLATE "C";
SELECT what, order_count(h), total_spend(h), avg_order_value(h), recency_days(h, '2026-01-01'), tenure_days(h, '2026-01-01'), h::text::purchase_history = h AS exact
FROM odd ORDER BY what COLLATE "C";
-- All of them in one base: those who can be told count, the rest is counted as left out.
SELECT customer_count(customer_base(h)), customer_base(h)::jsonb -> 'left_out' AS left_out FROM odd;
SELECT rfm_cuts(recency_days(h, '2026-01-01'), order_count(h), total_spend(h)) FROM odd;

-- Their scores by a sound model: numbers, or NULL and a status. Never NaN, never infinite.
CREATE TABLE models AS
SELECT name, ('{"model": "' || name || '", "timing": ' || timing || ', "spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}}')::clv_model AS m
FROM (VALUES ('bg/nbd', '{"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}'), ('mbg/nbd', '{"r": 0.525, "alpha": 6.183, "a": 0.891, "b": 1.614}'),
	('pareto/nbd', '{"r": 0.553, "alpha": 10.578, "s": 0.606, "beta": 11.669}'),
	('gg/nbd', '{"r": 0.553, "alpha": 10.578, "b": 0.0002, "s": 0.603, "beta": 0.0026}')) AS v(name, timing);
SELECT what, score_status(h, m, '2026-01-01') AS status, churn_prob(h, m, '2026-01-01')::numeric(6, 4) AS churn, expected_transactions(h, m, 365, '2026-01-01')::numeric(8, 4) AS orders,
	expected_transaction_value(h, m, '2026-01-01') AS value, clv_estimate(h, m, as_of => '2026-01-01') AS clv, next_order_on(h, m, 0.5, '2026-01-01') IS NULL AS no_next
FROM odd, models WHERE name = 'bg/nbd' ORDER BY what COLLATE "C";

-- Every score function by models with parameters at the ends of what is allowed, in all
-- combinations: finite or NULL, and NULL only where the status says why.
CREATE TABLE absurd AS
SELECT name, ('{"model": "' || name || '", "timing": {' || names[1] || ': ' || a || ', ' || names[2] || ': ' || b || ', ' || names[3] || ': ' || c || ', ' || names[4] || ': ' || d ||
	'}, "spend": {"p": ' || a || ', "q": ' || b || ', "gamma": ' || c || '}}')::clv_model AS m
FROM (VALUES ('bg/nbd', '{"\"r\"","\"alpha\"","\"a\"","\"b\""}'::text[]), ('mbg/nbd', '{"\"r\"","\"alpha\"","\"a\"","\"b\""}'),
		('pareto/nbd', '{"\"r\"","\"alpha\"","\"s\"","\"beta\""}')) AS v(name, names),
	unnest('{1e-12,1,1e12}'::text[]) AS a, unnest('{1e-12,1,1e12}'::text[]) AS b, unnest('{1e-12,1,1e12}'::text[]) AS c, unnest('{1e-12,1,1e12}'::text[]) AS d;
CREATE TABLE scores AS
SELECT name, what, score_status(h, m, day) AS status, s.*
FROM absurd, (SELECT * FROM odd UNION ALL SELECT 'regular', '{"orders": [["2025-01-01", 5], ["2025-03-01", 6], ["2025-05-01", 7], ["2025-11-01", 8]]}') AS odd, (VALUES (date '2026-01-01')) AS v(day),
	LATERAL (VALUES ('churn_prob', churn_prob(h, m, day)), ('alive_prob', alive_prob(h, m, day)), ('expected_transactions', expected_transactions(h, m, 365, day)),
		('expected_transactions, a century', expected_transactions(h, m, 36525, day)), ('expected_transaction_value', expected_transaction_value(h, m, day)),
		('clv_estimate', clv_estimate(h, m, as_of => day)), ('clv_estimate, no discount', clv_estimate(h, m, 36525, 0, as_of => day)),
		('order_prob', order_prob(h, m, 365, day)), ('discounted_transactions', discounted_transactions(h, m, 0.1, day))) AS s(score, value)
WHERE what <> 'the ends of time';
SELECT score, count(*) FILTER (WHERE value = 'NaN' OR abs(value) = 'Infinity') AS not_finite, count(*) FILTER (WHERE value < 0) AS negative,
	count(*) FILTER (WHERE score LIKE '%\_prob' AND value > 1) AS above_one, count(value) > 0 AS some
FROM scores GROUP BY score ORDER BY score COLLATE "C";
SELECT DISTINCT status FROM scores WHERE value IS NULL AND score IN ('churn_prob', 'expected_transactions', 'clv_estimate') ORDER BY 1;
SELECT DISTINCT name, score, status FROM scores WHERE value IS NULL AND status IN ('ok', 'one_order') ORDER BY 1, 2, 3;

--
-- Very much
--

-- 100,000 days of purchases in one customer, three centuries, on which all models agree to give an answer.
CREATE TABLE patriarch AS
SELECT purchase_history(date '1752-09-14' + i, (i % 997)::numeric / 100) AS h FROM generate_series(0, 99999) AS i;
SELECT order_count(h), transaction_count(h), first_order_on(h), last_order_on(h), total_spend(h), repeat_count(h), avg_days_between_orders(h), days_to_nth_order(h, 100000),
	h::text::purchase_history = h AS exact, h || h = (SELECT rollup(x.h) FROM (SELECT h UNION ALL SELECT h) AS x) AS merges
FROM patriarch;
SELECT name, score_status(h, m, '2026-07-01') AS status, churn_prob(h, m, '2026-07-01') BETWEEN 0 AND 1 AS churn, expected_transactions(h, m, 365, '2026-07-01') BETWEEN 0 AND 366 AS orders
FROM patriarch, models ORDER BY name COLLATE "C";
SELECT customer_count(customer_base(h)), repeat_customer_count(customer_base(h)) FROM patriarch;

-- The limits, and what stands there.
SELECT failure('SELECT purchase_history(date ''2000-01-01'' + i % 9999, 1) FROM generate_series(1, 1000001) AS i');
SELECT failure('SELECT h || h FROM (SELECT purchase_history(date ''2000-01-01'', i) AS h FROM generate_series(1, 600000) AS i) AS x');
SELECT failure('SELECT rollup(b) FROM (VALUES (''{"timing": [[0, 0, "2026-01-01", 9007199254740992]]}''::customer_base), (''{"timing": [[0, 0, "2026-01-02", 2]]}'')) AS v(b)');
SELECT failure('SELECT rollup(b) FROM (VALUES (''{"period_months": 1, "tenures": [[1, 0, 9223372036854775807]]}''::retention_base), (''{"period_months": 1, "tenures": [[2, 0, 1]]}'')) AS v(b)');
SELECT failure('SELECT retention_base(1, false, 9223372036854775807, ''1 month'') FROM generate_series(1, 2)');
-- Counts beyond 32 bits are counts like others.
SELECT customer_count(b), repeat_customer_count(b), converged(clv_fit(b, as_of => '2026-12-31')) AS converged
FROM (SELECT rollup(b) AS b FROM (VALUES ('{"timing": [[0, 0, "2026-01-01", 5000000000000], [1, 5, "2026-01-01", 3000000000000], [3, 70, "2026-02-01", 1000000000000]],
	"spend": [[1, 10.5, 3000000000000], [3, 7, 500000000000], [3, 20, 500000000000]]}'::customer_base),
	('{"timing": [[2, 35, "2026-01-05", 4000000000000]], "spend": [[2, 12, 4000000000000]]}')) AS v(b)) AS x;
SELECT customer_count(b), ended_customer_count(b), converged(retention_fit(b)) AS converged
FROM (SELECT retention_base(t, t % 3 > 0, 4000000000000 / t, '1 month') AS b FROM generate_series(1, 20) AS t) AS x;

-- Sums that are too large for a double are not known; cents add up as far as doubles tell them apart.
SELECT total_spend(purchase_history(date '2026-01-01' + i, 1.7e308::float8)) AS too_large FROM generate_series(1, 3) AS i;
SELECT total_spend(purchase_history(date '2026-01-01' + i, CASE i WHEN 3 THEN -1.7e308 ELSE 1.7e308 END)) AS in_between FROM generate_series(1, 3) AS i;
SELECT total_spend(purchase_history(date '2026-01-01' + i, 687194767.35)) = 687194767350 AS cents FROM generate_series(1, 1000) AS i;
SELECT total_spend(purchase_history(date '2026-01-01' + i % 300, 1e15 + i)) = 1e18 + 500500 AS large FROM generate_series(1, 1000) AS i;

-- As of days at the ends, and of days before anything happened.
SELECT what, recency_days(h, '5874897-12-31') AS at_the_end, recency_days(h, '4713-01-01 BC') AS at_the_beginning, history_until(h, '4713-01-01 BC') = '{"orders": []}' AS nothing_yet
FROM odd WHERE what IN ('the ends of time', 'first day', 'last day', 'future', 'one') ORDER BY what COLLATE "C";
SELECT failure(format('SELECT %s FROM odd, models', call)) FROM unnest('{"churn_prob(h, m, ''infinity'')","recency_days(h, ''-infinity'')","history_until(h, ''infinity'')",
	"clv_estimate(h, m, 2147483647, as_of => ''2026-01-01'') IS NULL","expected_transactions(h, m, -1, ''2026-01-01'')","clv_estimate(h, m, 365, 1e308, as_of => ''2026-01-01'') IS NULL",
	"clv_estimate(h, m, 365, 0.1, 1e308, ''2026-01-01'') IS NULL","next_order_on(h, m, 0, ''2026-01-01'')","transactions_prediction_interval(h, m, 0, 365, ''2026-01-01'')",
	"expected_transactions(h, m)"}'::text[]) AS call;

DROP TABLE odd, models, absurd, scores, patriarch;
DROP FUNCTION failure;
