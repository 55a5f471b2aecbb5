-- Covariates that vary over time: paths of covariates, a base of customers with paths, fit and scores.

-- A path: one row for each day on which a customer's covariates change. Here a newsletter (yes or no) and a price level.
CREATE TABLE changes (customer_id int, valid_from date, newsletter int, price double precision);
INSERT INTO changes VALUES
	(1, '2026-03-01', 1, 1.5), (1, '2026-01-01', 0, 1), (1, '2026-04-15', 0, 1.5),
	(2, '2026-01-01', 1, NULL),
	(3, '2026-01-01', 0, 1), (3, NULL, 1, 1);
CREATE TABLE paths AS
SELECT customer_id, covariate_path(valid_from, ARRAY[newsletter, price]) AS path FROM changes GROUP BY customer_id;
SELECT customer_id, path, path_left_out(path) FROM paths ORDER BY customer_id;
SELECT s.* FROM paths, path_steps(path) AS s WHERE customer_id = 1;
SELECT day, covariates_on(path, day) FROM paths, unnest('{2025-12-31, 2026-01-01, 2026-02-28, 2026-03-01, 2027-01-01}'::date[]) AS day WHERE customer_id = 1;
-- A path by hand.
SELECT covariates_on('{"steps": [["2026-01-01", 0], ["2026-03-01", 1]]}', '2026-03-01');

-- The order of rows does not matter, nor how they are split; a step twice is one step.
SELECT a.path = b.path AND a.path = c.path AND a.path = d.path || d.path AS same
FROM (SELECT covariate_path(valid_from, ARRAY[newsletter, price] ORDER BY valid_from) AS path FROM changes WHERE customer_id = 1) AS a,
	(SELECT covariate_path(valid_from, ARRAY[newsletter, price] ORDER BY valid_from DESC) AS path FROM changes WHERE customer_id = 1) AS b,
	(SELECT rollup(path) AS path FROM (SELECT covariate_path(valid_from, ARRAY[newsletter, price]) AS path FROM changes WHERE customer_id = 1 GROUP BY valid_from) AS x) AS c,
	(SELECT path FROM paths WHERE customer_id = 1) AS d;
-- A contradiction is an error that names the day and the customer, and so is another number of covariates.
SELECT customer_id, covariate_path(day, ARRAY[z]) FROM (VALUES (7, date '2026-01-01', 1), (7, '2026-01-01', 2)) AS v(customer_id, day, z) GROUP BY customer_id;
SELECT path || '{"steps": [["2026-01-01", 0, 2]]}' FROM paths WHERE customer_id = 1;
SELECT path || '{"steps": [["2026-02-01", 0]]}' FROM paths WHERE customer_id = 1;
SELECT covariate_path('infinity', ARRAY[1]);
SELECT covariate_path(date '2026-01-01', array_fill(0, ARRAY[11]));
SELECT covariate_path(date '2026-01-01', '{}'::float8[]);
SELECT covariate_path(date '2026-01-01', NULL::float8[]);
SELECT covariate_path(date '2000-01-01' + i, ARRAY[i]) FROM generate_series(0, 10000) AS i;
-- What is not finite is not known.
SELECT covariate_path(date '2026-01-01', '{NaN, -infinity, -0, NULL}');
-- No rows, NULL.
SELECT covariate_path(NULL::date, '{1}'), covariate_path(d, '{1}') IS NULL AS none FROM (VALUES (date '2026-01-01')) AS v(d) WHERE false;
SELECT covariate_path(NULL::date, '{1}'), covariates_on(NULL, '2026-01-01') IS NULL AS null, (SELECT count(*) FROM path_steps(NULL)) AS steps;

-- Text and binary forms, and jsonb.
SELECT bool_and(path::text::covariate_path = path AND (path::jsonb)::text::covariate_path = path) AS same FROM paths;
SELECT path::jsonb -> 'steps' -> 1 AS step FROM paths WHERE customer_id = 1;
SELECT '{"steps": []}'::covariate_path, '{"left_out": 2, "steps": [["2026-01-01", null]]}'::covariate_path;
SELECT '{"steps": [["2026-01-01"]]}'::covariate_path;
SELECT '{"steps": [["2026-01-01", 1], ["2026-01-01", 2]]}'::covariate_path;
SELECT '{"steps": [["2026-01-01", 1], ["2026-01-02", 2, 3]]}'::covariate_path;
SELECT '{"steps": [["2026-01-01", "x"]]}'::covariate_path;
SELECT '{"steps": [["infinity", 1]]}'::covariate_path;
SELECT '{"path": []}'::covariate_path;
SELECT '{"base64": "AQEAAQA="}'::covariate_path;
SELECT '{"base64": "AQEAAQAA"}'::covariate_path;

-- A base: who has no order, or no path that says the covariates of every day since the first order, is left out and counted.
CREATE TABLE histories (customer_id int, history purchase_history);
INSERT INTO histories VALUES
	(1, '{"orders": [["2026-02-20", 10], ["2026-03-01", 20], ["2026-03-01", 5], ["2026-04-20", 30], ["2026-04-21", -5]]}'),
	(2, '{"orders": [["2026-02-20", 10]]}'),
	(3, '{"orders": []}'),
	(4, '{"orders": [["2026-02-20", 10]]}'),
	(5, NULL);
SELECT path_base(history, path) FROM histories LEFT JOIN paths USING (customer_id);
SELECT customer_count(base), (path_base_left_out(base)).* FROM (SELECT path_base(history, path) AS base FROM histories LEFT JOIN paths USING (customer_id)) AS b;
-- Until a day: later orders and steps do not count.
SELECT path_base(history, path, '2026-03-31') FROM histories LEFT JOIN paths USING (customer_id);
SELECT path_base(history, '{"steps": [["2026-02-21", 0]]}') AS begins_late FROM histories WHERE customer_id = 1;
SELECT path_base(history, path) FROM (VALUES ('{"orders": [["2026-02-20", 10]]}'::purchase_history, '{"steps": [["2026-01-01", 0]]}'::covariate_path), ('{"orders": [["2026-02-20", 10]]}', '{"steps": [["2026-01-01", 0, 1]]}')) AS v(history, path);

-- A shop of 1,500 customers, each of whom gets twice as many orders while on a newsletter: orders at the higher rate
-- are simulated, and each second one without the newsletter is dropped. Dropout does not depend on it.
CREATE TABLE shop AS
WITH orders AS (
	SELECT customer_id, ordered_at, amount, min(ordered_at) OVER (PARTITION BY customer_id) AS first, customer_id::int % 8 AS starts
	FROM simulate_orders(1500, '{"model": "pareto/nbd", "timing": {"r": 1.2, "alpha": 6, "s": 0.8, "beta": 20}, "spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}}',
		'2024-01-01', '2026-01-01', 5)
)
SELECT customer_id, ordered_at, amount,
	ordered_at >= date '2024-02-01' + starts * 75 AND ordered_at < date '2024-02-01' + starts * 75 + 150 AS on_newsletter
FROM orders
WHERE ordered_at = first OR hashint4extended((customer_id * 1000 + (ordered_at::date - date '2024-01-01'))::int, 1) % 2 = 0
	OR ordered_at >= date '2024-02-01' + starts * 75 AND ordered_at < date '2024-02-01' + starts * 75 + 150;
CREATE TABLE customers AS
SELECT customer_id, purchase_history(ordered_at, amount) AS history,
	(SELECT covariate_path(d, ARRAY[z]) FROM (VALUES (date '2024-01-01', 0), (date '2024-02-01' + customer_id::int % 8 * 75, 1), (date '2024-02-01' + customer_id::int % 8 * 75 + 150, 0)) AS v(d, z)) AS path
FROM shop GROUP BY customer_id;

CREATE TABLE fitted AS
SELECT path_fit(path_base(history, path, '2025-12-31'), covariate_names => '{newsletter}') AS model FROM customers;
SELECT model_name(model), fit_status(model), converged(model), customer_count(model), fitted_as_of(model) FROM fitted;
-- The coefficient of the rate is ln 2 = 0.69, and that of dropout 0: within three standard errors, which are small.
SELECT param, round(std_error::numeric, 2) AS std_error, abs(estimate - truth) <= 3 * std_error AS recovered
FROM fitted, clv_params(model) JOIN (VALUES ('r', 1.2), ('alpha', 12), ('s', 0.8), ('beta', 20), ('rate:newsletter', ln(2.0)), ('dropout:newsletter', 0)) AS t(param, truth) USING (param)
ORDER BY param;
-- The fit without the covariate is worse by far more than two parameters explain.
SELECT log_likelihood(model) - log_likelihood(plain) > 50 AS better FROM fitted, (SELECT clv_fit(customer_base(history, '2025-12-31'), 'pareto/nbd') AS plain FROM customers) AS p;

-- A base in parts is the same base, to the byte, and so is the model.
SELECT rollup(base) = (SELECT path_base(history, path, '2025-12-31') FROM customers) AS same_base
FROM (SELECT path_base(history, path, '2025-12-31') AS base FROM customers GROUP BY customer_id % 7) AS parts;
SELECT a || b = b || a AS same, a || NULL = a AS alone, base::text::path_base = base AND (base::jsonb)::text::path_base = base AS round_trip
FROM (SELECT path_base(history, path) FILTER (WHERE customer_id % 2 = 0) AS a, path_base(history, path) FILTER (WHERE customer_id % 2 = 1) AS b, path_base(history, path) AS base FROM customers) AS x;

-- Scores: of the customer's path, what it says of the coming year included.
SELECT customer_id, round(alive_prob::numeric, 3) AS alive_prob, round(churn_prob::numeric, 3) AS churn_prob, round(expected_transactions::numeric, 2) AS expected_transactions,
	round(expected_transaction_value::numeric, 1) AS value, round(clv_estimate::numeric) AS clv, round(discounted_transactions::numeric, 1) AS discounted, round(order_prob::numeric, 3) AS order_prob, score_status
FROM customers, fitted, path_scores(history, path, model) WHERE customer_id <= 6 ORDER BY customer_id;
-- Another newsletter in the coming year is worth something, and a newsletter for ever means twice the orders, as long as the customer stays.
SELECT bool_and(a.alive_prob = b.alive_prob) AS same_past, bool_and(b.expected_transactions > a.expected_transactions) AS more,
	bool_and(b.expected_transactions < 2.2 * a.expected_transactions) AS not_too_much
FROM customers, fitted, path_scores(history, path, model) AS a, path_scores(history, path || '{"steps": [["2026-01-01", 1]]}', model) AS b;

-- A path with one step is a covariate that does not vary: the scores are those of every model with covariates.
SELECT bool_and(abs(s.alive_prob - alive_prob(history, model, covariates => '{1}')) < 1e-10
	AND abs(s.churn_prob - churn_prob(history, model, covariates => '{1}')) < 1e-10
	AND abs(s.expected_transactions / expected_transactions(history, model, covariates => '{1}') - 1) < 1e-10
	AND abs(s.clv_estimate / clv_estimate(history, model, covariates => '{1}') - 1) < 1e-10
	AND abs(s.discounted_transactions / discounted_transactions(history, model, covariates => '{1}') - 1) < 1e-10
	AND abs(s.order_prob / order_prob(history, model, covariates => '{1}') - 1) < 1e-10) AS same
FROM customers, fitted, path_scores(history, '{"steps": [["2024-01-01", 1]]}', model) AS s;
-- And so is the fit: of customers whose covariates do not vary it is that of clv_fit.
SELECT abs(log_likelihood(a) - log_likelihood(b)) < 1e-6 AS same_likelihood
FROM (SELECT path_fit(path_base(history, ('{"steps": [["2024-01-01", ' || customer_id % 2 || ']]}')::covariate_path)) AS a,
	clv_fit(customer_base(history, ARRAY[customer_id % 2]::float8[]), 'pareto/nbd') AS b FROM customers) AS x;
-- Plain scores ask for covariates, and do not guess.
SELECT alive_prob(history, model), score_status(history, model) FROM customers, fitted WHERE customer_id = 1;

-- Scores as of another day, and what there is none for.
SELECT why, s.score_status, s.alive_prob IS NULL AS none
FROM fitted, (VALUES
	('ok', '{"orders": [["2024-02-20", 10], ["2024-03-01", 20]]}'::purchase_history, '{"steps": [["2024-01-01", 0]]}'::covariate_path, date '2025-12-31'),
	('one order', '{"orders": [["2024-02-20", 10]]}', '{"steps": [["2024-01-01", 0]]}', '2025-12-31'),
	('no orders', '{"orders": []}', '{"steps": [["2024-01-01", 0]]}', '2025-12-31'),
	('not yet', '{"orders": [["2024-02-20", 10]]}', '{"steps": [["2024-01-01", 0]]}', '2024-01-01'),
	('later orders', '{"orders": [["2024-02-20", 10], ["2026-02-20", 10]]}', '{"steps": [["2024-01-01", 0]]}', NULL),
	('path begins late', '{"orders": [["2024-02-20", 10]]}', '{"steps": [["2024-03-01", 0]]}', '2025-12-31'),
	('not known', '{"orders": [["2024-02-20", 10]]}', '{"steps": [["2024-01-01", null]]}', '2025-12-31'),
	('no path', '{"orders": [["2024-02-20", 10]]}', NULL, '2025-12-31'),
	('no amounts', '{"orders": [["2024-02-20", null], ["2024-02-25", null]]}', '{"steps": [["2024-01-01", 0]]}', '2025-12-31'),
	('extreme', '{"orders": [["2024-02-20", 10]]}', '{"steps": [["2024-01-01", 1e300]]}', '2025-12-31')) AS v(why, history, path, day),
	path_scores(history, path, model, day) AS s;
SELECT score_status FROM path_scores('{"orders": []}', NULL, NULL);
-- Errors.
SELECT path_scores(history, '{"steps": [["2024-01-01", 0, 1]]}', model) FROM customers, fitted WHERE customer_id = 1;
SELECT path_scores('{"orders": []}', NULL, '{"model": "bg/nbd", "timing": {"r": 0.24, "alpha": 4.4, "a": 0.8, "b": 2.4}}', '2026-01-01');
SELECT path_scores(history, path, model, horizon_days => -1) FROM customers, fitted WHERE customer_id = 1;
SELECT path_fit(path_base(history, path)) FROM customers WHERE customer_id < 4;
SELECT path_fit(path_base(history, path), as_of => '2024-06-01') FROM customers;
SELECT path_fit(path_base(history, path), penalty => 'NaN') FROM customers;
SELECT path_fit(path_base(history, path), covariate_names => '{a,b}') FROM customers;
SELECT path_fit(NULL) IS NULL AS null;

-- Text of a base that is no base.
SELECT '{"covariates": 1, "customers": []}'::path_base;
SELECT '{"covariates": 1, "customers": [["2026-01-05", 2, 1, null, [1], [[0, 0]], 1]]}'::path_base;
SELECT '{"covariates": 1, "customers": [["2026-01-05", 1, 40, null, [1], [[1, 0]], 1]]}'::path_base;
SELECT '{"covariates": 1, "customers": [["2026-01-05", 1, 40, null, [1], [[0, 0], [5, 0]], 1]]}'::path_base;
SELECT '{"covariates": 1, "customers": [["2026-01-05", 1, 40, null, [1, 2], [[0, 0]], 1]]}'::path_base;
SELECT '{"covariates": 1, "customers": [["2026-01-05", 1, 40, null, [1], [[0, null]], 1]]}'::path_base;
SELECT '{"covariates": 1, "customers": [["2026-01-05", 0, 0, null, [0], [[0, 0]], 0]]}'::path_base;
SELECT '{"covariates": 1, "observed_until": "2026-06-30", "left_out": {"no_path": 1}, "customers": [["2026-01-05", 1, 40, 12.5, [1], [[0, 0], [31, 1]], 2], ["2026-01-05", 0, 0, null, [0], [[0, 0]], 1]]}'::path_base;
DROP TABLE changes, paths, histories, shop, customers, fitted;

-- What is merged can be read again, or is refused.
SELECT b || b FROM (SELECT '{"covariates": 1, "customers": [["2024-01-01", 1, 1, null, [1], [[0, 1]], 9007199254740992]]}'::path_base AS b) AS x;
SELECT path_base_left_out(b || b) FROM (SELECT '{"covariates": 0, "left_out": {"no_path": 9007199254740992}, "customers": []}'::path_base AS b) AS x;
SELECT customer_count(b || b) FROM (SELECT '{"covariates": 1, "customers": [["2024-01-01", 1, 1, null, [1], [[0, 1]], 4503599627370496]]}'::path_base AS b) AS x;
