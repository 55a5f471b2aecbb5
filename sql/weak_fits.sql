-- What is not identified is reported, and never made up.
\set VERBOSITY terse
SET extra_float_digits = -9;
SET client_min_messages = error;

-- GG/NBD becomes Pareto/NBD as b goes to 0. In a shop of that kind it says what that
-- says: never less likely, with the same forecasts and the same intervals.
CREATE TABLE shop AS
SELECT customer_id, purchase_history(ordered_at, amount) AS h
FROM simulate_orders(2000, '{"model": "pareto/nbd", "timing": {"r": 0.55, "alpha": 10.5, "s": 0.6, "beta": 11.7}, "spend": {"p": 6, "q": 4, "gamma": 15}}',
	'2024-01-01', '2025-01-01', 4) GROUP BY customer_id;
CREATE TABLE fits AS
SELECT replicate, clv_fit(base, 'gg/nbd') AS gg, clv_fit(base, 'pareto/nbd') AS pareto
FROM generate_series(1, 6) AS replicate, LATERAL (SELECT customer_base(h, replicate, hashtextextended(customer_id::text, 1)) AS base FROM shop) AS b;
SELECT bool_and(log_likelihood(gg) >= log_likelihood(pareto)) AS never_below,
	count(*) FILTER (WHERE log_likelihood(gg) = log_likelihood(pareto)) > 0 AS some_at_the_limit FROM fits;
CREATE TABLE at_limit AS SELECT * FROM fits WHERE log_likelihood(gg) = log_likelihood(pareto);
SELECT bool_and(abs(expected_transactions(h, gg, days) / expected_transactions(h, pareto, days) - 1) < 1e-5) AS same_orders,
	bool_and(abs(alive_prob(h, gg) - alive_prob(h, pareto)) < 1e-5) AS same_alive,
	bool_and(abs(g.low / p.low - 1) < 1e-4 AND abs(g.high / p.high - 1) < 1e-4) AS same_interval
FROM at_limit, (SELECT h FROM shop WHERE first_order_on(h) <= '2024-11-01' LIMIT 20) AS x, unnest(ARRAY[90, 3650]) AS days,
	expected_transactions_interval(h, gg, 0.9, days) AS g, expected_transactions_interval(h, pareto, 0.9, days) AS p;
-- b and beta are known only together: neither has a standard error.
SELECT param, bool_or(identified) AS identified, bool_or(std_error IS NOT NULL) AS known
FROM at_limit, clv_params(gg) WHERE part = 'timing' GROUP BY 1 ORDER BY 1;
-- The same with covariates.
SELECT log_likelihood(gg) >= log_likelihood(pareto) AS never_below
FROM (SELECT clv_fit(base, 'gg/nbd') AS gg, clv_fit(base, 'pareto/nbd') AS pareto
	FROM (SELECT customer_base(h, ARRAY[customer_id % 2]::float8[]) AS base FROM shop) AS b) AS x;
-- bdw is sbg at c = 1, and never below it either, whether the data tell c or not.
SELECT name, log_likelihood(retention_fit(base, 'bdw')) >= log_likelihood(retention_fit(base, 'sbg')) AS never_below
FROM (VALUES ('one period', '{"period_months": 1, "tenures": [[1, 20, 30]]}'::retention_base),
	('two', '{"period_months": 1, "tenures": [[1, 20, 0], [2, 16, 64]]}'),
	('even', '{"period_months": 1, "tenures": [[1, 200, 0], [2, 160, 0], [3, 128, 0], [4, 102, 410]]}'),
	('all gone', '{"period_months": 1, "tenures": [[1, 6, 0], [2, 2, 0], [3, 0, 0], [4, 1, 0]]}'),
	('nearly all at once', '{"period_months": 1, "tenures": [[1, 2217, 0], [2, 2, 868], [3, 0, 36]]}'),
	('at once', '{"period_months": 1, "tenures": [[1, 188, 2], [2, 4, 0], [3, 1, 0]]}'),
	('steep', '{"period_months": 1, "tenures": [[1, 2000, 0], [2, 100, 0], [3, 50, 0], [4, 30, 10]]}')) AS v (name, base) ORDER BY 1;

-- auto takes a model whose parameters the data tell, if it is nearly as good.
CREATE TABLE small AS
SELECT seed, clv_fit(base) AS m
FROM generate_series(1, 8) AS seed, LATERAL (SELECT customer_base(h) AS base FROM (
	SELECT purchase_history(ordered_at, amount) AS h
	FROM simulate_orders(200, '{"model": "pareto/nbd", "timing": {"r": 0.6, "alpha": 10, "s": 0.7, "beta": 12}, "spend": {"p": 6, "q": 4, "gamma": 15}}',
		'2024-01-01', '2026-01-01', seed) GROUP BY customer_id) AS x) AS b;
SELECT bool_and(chosen.identified OR NOT EXISTS (
		SELECT FROM clv_candidates(m) AS c WHERE c.identified AND c.converged AND c.bic <= (SELECT min(bic) FROM clv_candidates(m) AS d WHERE d.converged) + 10)) AS identified_if_near,
	count(*) FILTER (WHERE chosen.bic > (SELECT min(bic) FROM clv_candidates(m))) > 0 AS not_always_the_lowest
FROM small, clv_candidates(m) AS chosen WHERE chosen.chosen;
-- A scored customer has intervals, or the model says why there are none.
SELECT bool_and((i.low IS NULL) = (interval_problem(m) IS NOT NULL)) AS says_why, bool_or(interval_problem(m) IS NULL) AS some_have
FROM small, expected_transactions_interval((SELECT h FROM shop WHERE customer_id = 1), m, as_of => '2026-01-01') AS i;
SELECT interval_problem('{"model": "bg/nbd", "timing": {"r": 1, "alpha": 2, "a": 3, "b": 4}}');
SELECT DISTINCT interval_problem(m), score_status(h, m) FROM (
	SELECT clv_fit(customer_base(h, '2024-12-31'), 'pareto/nbd', '2024-12-31') AS m FROM shop WHERE customer_id < 38) AS f, shop
WHERE customer_id IN (1, 2);
-- What was tried, and whether it was identified, survives text and bytes.
SELECT bool_and(m::text::clv_model = m) AS text, bool_or(m::text LIKE '%"identified": false%') AS said FROM small;

-- score_status: a fit not to be relied on; a few customers are enough for that.
CREATE TABLE models AS
SELECT clv_fit(customer_base(h, '2024-09-30'), 'pareto/nbd', '2024-09-30') AS m,
	clv_fit(customer_base(h, '2024-09-30') FILTER (WHERE customer_id < 60), 'pareto/nbd', '2024-09-30') AS weak FROM shop;
CREATE TABLE customers (who text, h purchase_history);
INSERT INTO customers VALUES
	('regular', '{"orders": [["2024-01-05", 10], ["2024-05-01", 12]]}'),
	('once', '{"orders": [["2024-01-05", 10]]}'),
	('went on', '{"orders": [["2024-01-05", 10], ["2024-11-01", 12]]}'),
	('new since', '{"orders": [["2024-11-05", 10], ["2024-12-01", 12]]}'),
	('only a refund', '{"orders": [["2024-11-05", -10]]}');
-- By default scores stand at the model's last day. Orders after it are passed over, and
-- score_status says so; those who came later are no customers yet. With a later as_of
-- they are.
SELECT who, score_status(h, m), round(expected_transactions(h, m)::numeric, 2) AS orders, score_status(h, m, '2024-12-31') AS at_year_end,
	round(expected_transactions(h, m, as_of => '2024-12-31')::numeric, 2) AS orders_then, score_status(h, m, '2024-09-30') AS day_named, score_status(h, weak) AS weak
FROM customers, models ORDER BY who;
DROP TABLE shop, fits, at_limit, small, models, customers;
