-- The customer's own future: the next order, the chance of one, and how many.

SET datestyle = ISO;
SET extra_float_digits = -9;

CREATE TABLE models AS
SELECT name, ('{"model": "' || name || '", "as_of": "1997-09-30", "timing": ' || timing || '}')::clv_model AS m
FROM (VALUES
	('bg/nbd', '{"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}'),
	('mbg/nbd', '{"r": 0.525, "alpha": 6.183, "a": 0.891, "b": 1.614}'),
	('pareto/nbd', '{"r": 0.553, "alpha": 10.578, "s": 0.606, "beta": 11.669}')) AS v(name, timing);
CREATE TABLE customers AS
SELECT * FROM (VALUES
	('regular', '{"orders": [["1997-01-01", 1], ["1997-03-01", 1], ["1997-05-01", 1], ["1997-07-01", 1], ["1997-09-01", 1]]}'::purchase_history),
	('lapsed', '{"orders": [["1997-01-01", 1], ["1997-01-18", 1], ["1997-02-02", 1], ["1997-02-20", 1]]}'),
	('once', '{"orders": [["1997-01-01", 1]]}')) AS v(who, h);

-- The probability of an order in the horizon; when the next one comes, if it comes; how overdue it is.
SELECT name, who, order_prob(h, m, 90) AS order_prob_90d, next_order_on(h, m), next_order_on(h, m, 0.9) AS almost_surely_by,
	days_overdue(h, m)
FROM models, customers ORDER BY name COLLATE "C", who;

-- Asked on the day of the last order, nobody is overdue.
SELECT bool_and(days_overdue(h, m, last_order_on(h)) < 0) AS not_due,
	bool_and(days_overdue(h, m, last_order_on(h) + 10) = days_overdue(h, m, last_order_on(h)) + 10) AS a_day_a_day
FROM models, customers;

-- The chance of an order is what is left of the chance of none; expected orders are the mean of their distribution.
SELECT name, who, low, high, (order_prob(h, m, 365) > 0.05) = (high > 0) AS agree
FROM models, customers, orders_prediction(h, m, 0.9, 365) ORDER BY name COLLATE "C", who;

-- All orders to come, discounted: a horizon of centuries comes close to it.
SELECT name, who, residual_orders(h, m, 0.15) AS residual_orders,
	abs(residual_orders(h, m, 0.15) / clv_estimate(h, with_spend, 200000, 0.15) * expected_order_value(h, with_spend) - 1) < 1e-6 AS as_clv
FROM models, customers, LATERAL (SELECT (m::jsonb || '{"spend": {"p": 6, "q": 4, "gamma": 15}}')::text::clv_model AS with_spend) AS x
ORDER BY name COLLATE "C", who;

-- A customer just acquired: the probabilities add up, and their mean is the expected number.
SELECT name, expected_orders_new(m, 365) AS expected, sum(prob) > 0.999999 AS adds_up,
	abs(sum(prob * order_count) / expected_orders_new(m, 365) - 1) < 1e-3 AS mean
FROM models, orders_pmf(m, 365, 500) GROUP BY name, m ORDER BY name COLLATE "C";
SELECT p.* FROM models, orders_pmf(m, 90, 2) AS p WHERE name = 'bg/nbd';
SELECT expected_orders_new(m, 0), (SELECT prob FROM orders_pmf(m, 0, 0)) AS nothing_yet FROM models WHERE name = 'bg/nbd';

-- Nobody without orders; a level or quantile must be one.
SELECT order_prob('{"orders": []}', m), next_order_on(NULL, m), days_overdue('{"orders": []}', m), residual_orders(NULL, m),
	orders_prediction(NULL, m) FROM models WHERE name = 'bg/nbd';
-- NULL for what has a default leaves the answer open; so does a day beyond the calendar.
SELECT order_prob(h, m, NULL) IS NULL AS prob, next_order_on(h, m, NULL) IS NULL AS day, residual_orders(h, m, NULL) IS NULL AS residual,
	orders_prediction(h, m, NULL) IS NULL AS prediction, expected_orders_new(m, NULL) IS NULL AS new, (SELECT count(*) FROM orders_pmf(m, 365, NULL)) AS pmf
FROM models, customers WHERE name = 'bg/nbd' LIMIT 1;
SELECT next_order_on('{"orders": [["2000-01-01", 1]]}', '{"model": "bg/nbd", "timing": {"r": 0.001, "alpha": 1000, "a": 1, "b": 1}}', 0.9999, '2026-01-01');
SELECT next_order_on(h, m, 1) FROM models, customers;
SELECT orders_prediction(h, m, 2) FROM models, customers;
SELECT residual_orders(h, m, 0) FROM models, customers;
SELECT order_prob(h, m, -1) FROM models, customers;
SELECT expected_orders_new(m, -1) FROM models;
SELECT * FROM models, orders_pmf(m, 365, -1);

DROP TABLE models, customers;
