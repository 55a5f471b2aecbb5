-- The range of a customer's own value: what the chance in their own orders and amounts can do.

SET datestyle = ISO;
SET extra_float_digits = -9;

CREATE TABLE truth AS
SELECT name, ('{"model": "' || name || '", "as_of": "2024-12-31", ' || timing || ', "spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}}')::clv_model AS m
FROM (VALUES
	('bg/nbd', '"timing": {"r": 0.7, "alpha": 8, "a": 0.8, "b": 2.5}'),
	('mbg/nbd', '"timing": {"r": 0.7, "alpha": 8, "a": 0.8, "b": 2.5}'),
	('pareto/nbd', '"timing": {"r": 0.8, "alpha": 8, "s": 0.6, "beta": 12}'),
	('gg/nbd', '"timing": {"r": 0.8, "alpha": 8, "b": 0.01, "s": 0.6, "beta": 0.5}'),
	('bg/cnbd-k', '"timing": {"r": 0.7, "alpha": 4, "a": 0.8, "b": 2.5, "k": 2}'),
	('bg/bb', '"period": "month", "timing": {"alpha": 1.2, "beta": 2, "gamma": 0.7, "delta": 4}')) AS v(name, timing);

-- Two years of 4,000 customers who live by each model (1,500 where that takes long); the first year is known.
CREATE TABLE lives AS
SELECT name, m, customer_id, history_until(h, '2024-12-31') AS h, spend_between(h, '2025-01-01', '2026-01-01') AS came
FROM truth, LATERAL (SELECT customer_id, purchase_history(ordered_at, amount) AS h
	FROM simulate_orders(CASE WHEN name IN ('pareto/nbd', 'gg/nbd') THEN 1500 ELSE 4000 END, m, '2024-01-01', '2026-01-01', 5) GROUP BY customer_id) AS simulated
WHERE first_order_on(h) <= '2024-12-31';

-- The value of the next year lies in the stated 90 % as often as it says. A range that is nothing
-- but zero says more than 90 %, and rightly so.
CREATE TABLE ranges AS
SELECT name, customer_id, came, level, p.low, p.high, clv_estimate(h, m, 365, 0.0) AS mean
FROM lives, (VALUES (0.5), (0.9)) AS l(level), clv_prediction_interval(h, m, level, 365, 0.0) AS p;
SELECT name, level, count(*) > 250 AS many,
	abs(avg((came BETWEEN low AND high)::int) - level) <= 0.03 AS as_stated
FROM ranges WHERE high > 0 GROUP BY name, level ORDER BY level, name COLLATE "C";
SELECT name, level, count(*) > 0 AS some, avg((came = 0)::int) >= level - 0.03 AS surely_nothing
FROM ranges WHERE high = 0 GROUP BY name, level ORDER BY level, name COLLATE "C";
-- Where it does not begin at zero, what is missed lies below as often as above.
SELECT name, abs(avg((came < low)::int) - 0.25) < 0.05 AS below, abs(avg((came > high)::int) - 0.25) < 0.05 AS above
FROM ranges WHERE low > 0 AND level = 0.5 GROUP BY name ORDER BY name COLLATE "C";
-- Their mean is clv_estimate.
SELECT name, abs(avg(came) / avg(mean) - 1) < 0.08 AS mean FROM ranges WHERE level = 0.9 GROUP BY name ORDER BY name COLLATE "C";

-- So it is with a model that was fitted.
WITH fitted AS (SELECT name, clv_fit(customer_base(h, date '2024-12-31'), name) AS fit FROM lives WHERE name IN ('bg/nbd', 'mbg/nbd') GROUP BY name)
SELECT name, abs(avg((came BETWEEN low AND high)::int) - 0.9) <= 0.03 AS as_stated
FROM fitted JOIN lives USING (name), clv_prediction_interval(h, fit, annual_discount => 0.0) AS p
WHERE high > 0 GROUP BY name ORDER BY name COLLATE "C";

-- Every order of the horizon is discounted by the mean factor, so that margin and discount scale the range …
SELECT name, p.low, p.high, abs(d.high / p.high - clv_estimate(h, m) / clv_estimate(h, m, annual_discount => 0.0)) < 1e-12 AS discounted,
	half.high / p.high AS margin, turned.low = -p.high AND turned.high = -p.low AS turned
FROM truth, (SELECT '{"orders": [["2024-02-01", 40], ["2024-06-01", 35], ["2024-08-15", 30], ["2024-12-20", 45]]}'::purchase_history AS h) AS customer,
	clv_prediction_interval(h, m, annual_discount => 0.0) AS p, clv_prediction_interval(h, m) AS d,
	clv_prediction_interval(h, m, annual_discount => 0.0, margin => 0.5) AS half,
	clv_prediction_interval(h, m, annual_discount => 0.0, margin => -1) AS turned
ORDER BY name COLLATE "C";
-- … and what it is discounted by agrees with days that are followed up one by one.
WITH discounted AS (
	SELECT name, customer_id, sum(amount * 1.3 ^ (-(ordered_on - date '2024-12-31') / 365.0)) AS came
	FROM (SELECT name, customer_id, u.* FROM truth, LATERAL (SELECT customer_id, purchase_history(ordered_at, amount) AS h
			FROM simulate_orders(4000, m, '2024-01-01', '2026-01-01', 5) GROUP BY customer_id) AS s, unnest(h) AS u
		WHERE name = 'bg/nbd' AND first_order_on(h) <= '2024-12-31') AS x WHERE ordered_on > '2024-12-31' GROUP BY name, customer_id)
SELECT abs(avg((coalesce(d.came, 0) BETWEEN low AND high)::int) - 0.9) <= 0.03 AS as_stated
FROM lives LEFT JOIN discounted AS d USING (name, customer_id), clv_prediction_interval(h, m, annual_discount => 0.3) AS p
WHERE name = 'bg/nbd' AND high > 0;

-- What is cached of a customer is another's only if all that the range depends on is the same: orders, days, and both
-- parts of the model. One call for all, and a query for each.
CREATE FUNCTION alone(h purchase_history, m clv_model, OUT low float8, OUT high float8) LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE 'SELECT p.low, p.high FROM clv_prediction_interval($1, $2) AS p' INTO low, high USING h, m;
END $$;
SELECT count(*) > 500 AS many, count(DISTINCT (together.low, together.high)) > 500 AS different,
	count(*) FILTER (WHERE (together.low, together.high) IS DISTINCT FROM (alone.low, alone.high)) AS wrong
FROM (SELECT DISTINCT ON (name, customer_id) * FROM lives WHERE name <> 'gg/nbd' AND customer_id <= 120 AND repeat_count(h) < 4) AS lives,
	(VALUES (6.25, 15.44), (6.25, 20), (3, 15.44)) AS v(p, gamma),
	LATERAL (SELECT jsonb_set(m::jsonb, '{spend}', jsonb_build_object('p', p, 'q', 3.74, 'gamma', gamma))::text::clv_model AS m) AS other,
	clv_prediction_interval(h, other.m) AS together, alone(h, other.m);

-- A higher level is a wider range, and a longer horizon a higher one.
SELECT level, p.low, p.high FROM lives, (VALUES (0.01), (0.5), (0.9), (0.99), (0.999999)) AS v(level), clv_prediction_interval(h, m, level) AS p
WHERE name = 'bg/nbd' AND customer_id = (SELECT min(customer_id) FROM lives WHERE name = 'bg/nbd' AND alive_prob(h, m) > 0.9 AND repeat_count(h) > 4)
ORDER BY level;
SELECT days, p.low, p.high FROM lives, (VALUES (0), (30), (365), (3650)) AS v(days), clv_prediction_interval(h, m, horizon_days => days) AS p
WHERE name = 'bg/nbd' AND customer_id = (SELECT min(customer_id) FROM lives WHERE name = 'bg/nbd' AND alive_prob(h, m) > 0.9 AND repeat_count(h) > 4)
ORDER BY days;

-- It is NULL where clv_estimate is: no orders, no spend model, amounts unknown, nothing spent on balance.
SELECT who, score_status(h, model), clv_estimate(h, model) IS NULL AS no_estimate, clv_prediction_interval(h, model) AS range
FROM truth, LATERAL (VALUES ('nobody', '{"orders": []}'::purchase_history, m), ('no spend model', '{"orders": [["2024-02-01", 4]]}', (m::jsonb - 'spend')::text::clv_model),
	('no amounts', '{"orders": [["2024-02-01", null], ["2024-03-01", null]]}', m), ('returned', '{"orders": [["2024-02-01", 4], ["2024-03-01", 5], ["2024-03-02", -5]]}', m),
	('no model', '{"orders": [["2024-02-01", 4]]}', NULL), ('heavy tail', '{"orders": [["2024-02-01", 4]]}', (m::jsonb || '{"spend": {"p": 6, "q": 0.9, "gamma": 15}}')::text::clv_model),
	('once', '{"orders": [["2024-12-30", 4]]}', m)) AS v(who, h, model)
WHERE name = 'bg/nbd';
SELECT clv_prediction_interval(h, m, NULL), clv_prediction_interval(h, m, margin => NULL) FROM lives LIMIT 1;
SELECT clv_prediction_interval(h, m, 1) FROM lives LIMIT 1;
SELECT clv_prediction_interval(h, m, 0.9, -1) FROM lives LIMIT 1;
SELECT clv_prediction_interval(h, m, annual_discount => -0.1) FROM lives LIMIT 1;

-- More orders than can be counted are no range.
SELECT clv_prediction_interval(9000, 1, 9000, 40, m, horizon_days => 2147483647) FROM truth WHERE name = 'bg/cnbd-k';

-- Every score of a history has a form from plain numbers, with the same answer. Explanations are of a
-- history, a row of the scores, too, and best_moment is of an experiment.
SELECT p.proname FROM pg_proc AS p JOIN pg_depend AS d ON d.objid = p.oid AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e'
WHERE p.prokind = 'f' AND p.proname NOT IN ('best_moment', 'explain_score', 'score_reasons', 'score_facts', 'customer_scores', 'scored_customer') AND p.proargtypes[0] = 'purchase_history'::regtype AND p.proargtypes[1] = 'clv_model'::regtype
	AND NOT EXISTS (SELECT FROM pg_proc AS n WHERE n.proname = p.proname AND n.proargtypes[0] = 'double precision'::regtype
		AND 'clv_model'::regtype = ANY (n.proargtypes::oid[]));
CREATE TABLE numbers AS
SELECT name, m, h, repeat_count(h) AS x, recency_days(h, '2024-12-31') AS recency, tenure_days(h, '2024-12-31') AS tenure,
	(spend_between(h, first_order_on(h) + 1, '2025-01-01') / nullif(repeat_count(h), 0)) AS avg_value
FROM lives WHERE name <> 'bg/bb' AND customer_id < 60;
SELECT count(*) > 100 AS many, count(*) FILTER (WHERE (abs(order_prob(h, m, 90) / order_prob(x, recency, tenure, m, 90) - 1) < 1e-12) IS NOT TRUE) AS order_prob,
	count(*) FILTER (WHERE next_order_on(h, m, 0.9) IS DISTINCT FROM next_order_on(x, recency, tenure, m, 0.9)) AS next_order_on,
	count(*) FILTER (WHERE due_window(h, m, 0.5) IS DISTINCT FROM due_window(x, recency, tenure, m, 0.5)) AS due_window,
	count(*) FILTER (WHERE days_overdue(h, m) IS DISTINCT FROM days_overdue(x, recency, tenure, m)) AS days_overdue,
	count(*) FILTER (WHERE (abs(discounted_transactions(h, m) / discounted_transactions(x, recency, tenure, m) - 1) < 1e-12) IS NOT TRUE) AS discounted_transactions,
	count(*) FILTER (WHERE transactions_prediction_interval(h, m, 0.8) IS DISTINCT FROM transactions_prediction_interval(x, recency, tenure, m, 0.8)) AS transactions_prediction_interval
FROM numbers;
SELECT count(*) FILTER (WHERE (abs(a.low - b.low) <= 1e-9 * a.high AND abs(a.high / b.high - 1) < 1e-9) IS NOT TRUE) AS prediction
FROM numbers, clv_prediction_interval(h, m) AS a, clv_prediction_interval(x, recency, tenure, avg_value, m) AS b WHERE a.high > 0;
-- Intervals of the mean need a fitted model.
WITH fitted AS (SELECT clv_fit(customer_base(h, date '2024-12-31'), 'bg/nbd') AS fit FROM lives WHERE name = 'bg/nbd')
SELECT count(*) > 20 AS many, count(*) FILTER (WHERE (abs(a.low / b.low - 1) < 1e-9 AND abs(a.high / b.high - 1) < 1e-9) IS NOT TRUE) AS clv,
	count(*) FILTER (WHERE (abs(c.low / d.low - 1) < 1e-9 AND abs(c.high / d.high - 1) < 1e-9) IS NOT TRUE) AS orders
FROM numbers, fitted, clv_mean_interval(h, fit) AS a, clv_mean_interval(x, recency, tenure, avg_value, fit) AS b,
	expected_transactions_interval(h, fit) AS c, expected_transactions_interval(x, recency, tenure, fit) AS d
WHERE name = 'bg/nbd';
-- The day is that of the model, or as_of; a model without one needs it.
SELECT next_order_on(4, 10, 200, m), next_order_on(4, 10, 200, m, as_of => '2026-06-30') FROM truth WHERE name = 'bg/nbd';
SELECT next_order_on(4, 10, 200, (m::jsonb - 'as_of')::text::clv_model) FROM truth WHERE name = 'bg/nbd';
-- Numbers that nobody can have, and NULL.
SELECT order_prob(4, 300, 200, m), next_order_on(-1, 10, 200, m), days_overdue(0, 10, 200, m), discounted_transactions(NULL, 10, 200, m),
	transactions_prediction_interval(4, 10, 'NaN', m), clv_prediction_interval(4, 10, 200, NULL, m), order_prob(4, 10, 200, NULL)
FROM truth WHERE name = 'bg/nbd';
SELECT next_order_on(4, 10, 200, m, 1) FROM truth WHERE name = 'bg/nbd';
SELECT discounted_transactions(4, 10, 200, m, 0) FROM truth WHERE name = 'bg/nbd';

DROP TABLE truth, lives, ranges, numbers;
