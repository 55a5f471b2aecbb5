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

-- The probability of an order in the horizon; when the next one comes, if the customer is probably one still; how overdue it is.
SELECT name, who, order_prob(h, m, 90) AS order_prob_90d, next_order_on(h, m), next_order_on(h, m, 0.9) AS almost_surely_by,
	days_overdue(h, m)
FROM models, customers ORDER BY name COLLATE "C", who;

-- Above one half of alive_prob there is a day for it, and below there is none.
SELECT count(*) AS days, count(*) FILTER (WHERE (next_order_on(h, m, as_of => d) IS NOT NULL) = (alive_prob(h, m, d) >= 0.5)) AS agree,
	count(*) FILTER (WHERE alive_prob(h, m, d) < 0.5) > 1000 AS some_gone
FROM models, customers, (SELECT date '1997-09-30' + i AS d FROM generate_series(0, 700) i) x;

-- How surprising the silence is, if the customer is one still. Where nobody leaves but after an order, overdue_prob
-- passes one half when the median of the next order has passed.
SELECT name, who, overdue_prob(h, m) AS overdue_prob, lifecycle_of(h, m) AS lifecycle FROM models, customers ORDER BY name COLLATE "C", who;
SELECT count(*) AS days, count(*) FILTER (WHERE (overdue_prob(h, m, d) >= 0.5) = (days_overdue(h, m, d) >= 0)) AS agree
FROM models, customers, (SELECT date '1997-09-30' + i AS d FROM generate_series(0, 700) i) x WHERE name <> 'pareto/nbd';
-- Of all seven models: published and computed by hand. Times in weeks.
SELECT n, name, overdue_prob(x, (T - t_x) * 7, T * 7, model) AS overdue_prob, abs(overdue_prob(x, (T - t_x) * 7, T * 7, model) - right_prob) < 1e-8 AS right
FROM (VALUES
	(1, 'pareto/nbd', '{"r": 0.5532770469, "alpha": 10.57768346, "s": 0.6062399891, "beta": 11.66873529}', 2, 30.43, 38.86, 0.37957099),
	(2, 'pareto/nbd', '{"r": 0.5532770469, "alpha": 10.57768346, "s": 0.6062399891, "beta": 11.66873529}', 10, 30, 38.86, 0.87559543),
	(3, 'pareto/nbd', '{"r": 0.5532770469, "alpha": 10.57768346, "s": 0.6062399891, "beta": 11.66873529}', 0, 0, 38.86, 0.57392278),
	(4, 'pareto/nbd', '{"r": 0.5532770469, "alpha": 10.57768346, "s": 0.6062399891, "beta": 11.66873529}', 26, 216 / 7.0, 31, 0.08733989),
	(5, 'gg/nbd', '{"r": 0.5532770469, "alpha": 10.57768346, "b": 0.1, "s": 0.6, "beta": 1}', 10, 30, 38.86, 0.87559543),
	(6, 'bg/nbd', '{"r": 0.5532770469, "alpha": 10.57768346, "a": 0.8, "b": 2.4}', 0, 0, 38.86, 0.57392278),
	(7, 'mbg/nbd', '{"r": 0.5532770469, "alpha": 10.57768346, "a": 0.8, "b": 2.4}', 2, 30.43, 38.86, 0.37957099),
	(8, 'bg/cnbd-k', '{"r": 0.5532770469, "alpha": 10.57768346, "a": 0.8, "b": 2.4, "k": 1}', 10, 30, 38.86, 0.87559543),
	-- k = 2: 1 - (20/30)^3 (1 + 3 (10/30))
	(9, 'bg/cnbd-k', '{"r": 1, "alpha": 10, "a": 0.8, "b": 2.4, "k": 2}', 1, 10, 20, 1 - 8 / 27.0 * 2),
	(10, 'mbg/cnbd-k', '{"r": 1, "alpha": 10, "a": 0.8, "b": 2.4, "k": 2}', 1, 10, 20, 1 - 8 / 27.0 * 2)
	) v(n, name, timing, x, t_x, T, right_prob),
	LATERAL (SELECT format('{"model": "%s", "timing": %s}', name, timing)::clv_model) m(model) ORDER BY n;
-- Of four opportunities one was taken, the second; the third and the fourth were not: 1 - B(2, 3 + 2) / B(2, 2 + 1) …
SELECT abs(overdue_prob(1, 61, 122, '{"model": "bg/bb", "period": "month", "timing": {"alpha": 1, "beta": 1, "gamma": 1, "delta": 1}}') -
	(1 - (2.0 / 4) * (3.0 / 5))) < 1e-9 AS right;
-- It rises from nothing on the day of the last order to certainty, in all of them.
SELECT name, bool_and(overdue_prob(h, model, last_order_on(h)) = 0) AS from_zero, bool_and(p >= overdue_prob(h, model, last_order_on(h) + i * 60 - 60)) AS rises, max(p) BETWEEN 0.99 AND 1 AS to_one
FROM customers, generate_series(1, 60) i, (VALUES
	('bg/nbd', '"timing": {"r": 2, "alpha": 6, "a": 0.8, "b": 2.4}'), ('mbg/nbd', '"timing": {"r": 2, "alpha": 6, "a": 0.8, "b": 2.4}'),
	('pareto/nbd', '"timing": {"r": 2, "alpha": 6, "s": 0.6, "beta": 12}'), ('gg/nbd', '"timing": {"r": 2, "alpha": 6, "b": 0.1, "s": 0.6, "beta": 1}'),
	('bg/cnbd-k', '"timing": {"r": 2, "alpha": 6, "a": 0.8, "b": 2.4, "k": 3}'), ('mbg/cnbd-k', '"timing": {"r": 2, "alpha": 6, "a": 0.8, "b": 2.4, "k": 3}'),
	('bg/bb', '"period": "month", "timing": {"alpha": 1, "beta": 0.5, "gamma": 1, "delta": 6}')) v(name, rest),
	LATERAL (SELECT ('{"model": "' || name || '", ' || rest || '}')::clv_model) m(model),
	LATERAL (SELECT overdue_prob(h, model, last_order_on(h) + i * 60)) o(p)
GROUP BY name ORDER BY name COLLATE "C";
SELECT overdue_prob('{"orders": []}', m), overdue_prob(NULL, m), overdue_prob(1, 5, 5, m), lifecycle_of('{"orders": []}', m), lifecycle_of(1, 5, 5, m) FROM models WHERE name = 'bg/nbd';

-- Where customers stand, by its rules: lost below one tenth, probably lost below one half of alive_prob, slipping above
-- three quarters of overdue_prob, new with one order, active else.
SELECT lifecycle_of(h, m, d) AS lifecycle, count(*) > 0 AS some, bool_and(lifecycle_of(h, m, d) = CASE
	WHEN alive_prob(h, m, d) < 0.1 THEN 'lost' WHEN alive_prob(h, m, d) < 0.5 THEN 'probably lost'
	WHEN overdue_prob(h, m, d) > 0.75 THEN 'slipping' WHEN repeat_count(h, d) = 0 THEN 'new' ELSE 'active' END) AS by_the_rules
FROM models, customers, (SELECT date '1997-01-01' + i AS d FROM generate_series(0, 1200, 3) i) x
WHERE name <> 'bg/nbd' OR repeat_count(h, d) > 0 GROUP BY 1 ORDER BY 1;
-- Under BG/NBD alive_prob is 1 after one order, however long ago. Then the silence decides.
SELECT min(days) AS from_day, lifecycle_of(0, days, days, model) AS lifecycle, min(alive_prob(0, days, days, model)) AS alive_prob,
	round(min(overdue_prob(0, days, days, model))::numeric, 3) AS overdue_from, round(max(overdue_prob(0, days, days, model))::numeric, 3) AS overdue_to
FROM generate_series(0, 2000) days, (SELECT '{"model": "bg/nbd", "timing": {"r": 0.8, "alpha": 8, "a": 0.8, "b": 2.4}}'::clv_model AS model) m
GROUP BY 2 ORDER BY 1;
SELECT string_agg(DISTINCT lifecycle_of(0, days, days, model), ', ') AS lifecycles
FROM generate_series(0, 2000) days, (SELECT '{"model": "bg/cnbd-k", "timing": {"r": 0.8, "alpha": 8, "a": 0.8, "b": 2.4, "k": 2}}'::clv_model AS model) m;

-- Asked on the day of the last order, nobody is overdue.
SELECT bool_and(days_overdue(h, m, last_order_on(h)) < 0) AS not_due,
	bool_and(days_overdue(h, m, last_order_on(h) + 10) = days_overdue(h, m, last_order_on(h)) + 10) AS a_day_a_day
FROM models, customers;

-- The chance of an order is what is left of the chance of none; expected orders are the mean of their distribution.
SELECT name, who, low, high, (order_prob(h, m, 365) > 0.05) = (high > 0) AS agree
FROM models, customers, transactions_prediction_interval(h, m, 0.9, 365) ORDER BY name COLLATE "C", who;

-- All orders to come, discounted: a horizon of centuries comes close to it.
SELECT name, who, discounted_transactions(h, m, 0.15) AS discounted_transactions,
	abs(discounted_transactions(h, m, 0.15) / clv_estimate(h, with_spend, 200000, 0.15) * expected_transaction_value(h, with_spend) - 1) < 1e-6 AS as_clv
FROM models, customers, LATERAL (SELECT (m::jsonb || '{"spend": {"p": 6, "q": 4, "gamma": 15}}')::text::clv_model AS with_spend) AS x
ORDER BY name COLLATE "C", who;

-- A customer just acquired: the probabilities add up, and their mean is the expected number.
SELECT name, new_customer_transactions(m, 365) AS expected, sum(prob) > 0.999999 AS adds_up,
	abs(sum(prob * order_count) / new_customer_transactions(m, 365) - 1) < 1e-3 AS mean
FROM models, new_customer_transactions_pmf(m, 365, 500) GROUP BY name, m ORDER BY name COLLATE "C";
SELECT p.* FROM models, new_customer_transactions_pmf(m, 90, 2) AS p WHERE name = 'bg/nbd';
SELECT new_customer_transactions(m, 0), (SELECT prob FROM new_customer_transactions_pmf(m, 0, 0)) AS nothing_yet FROM models WHERE name = 'bg/nbd';

-- Nobody without orders; a level or quantile must be one.
SELECT order_prob('{"orders": []}', m), next_order_on(NULL, m), days_overdue('{"orders": []}', m), discounted_transactions(NULL, m),
	transactions_prediction_interval(NULL, m) FROM models WHERE name = 'bg/nbd';
-- NULL for what has a default leaves the answer open; so does a day beyond the calendar.
SELECT order_prob(h, m, NULL) IS NULL AS prob, next_order_on(h, m, NULL) IS NULL AS day, discounted_transactions(h, m, NULL) IS NULL AS residual,
	transactions_prediction_interval(h, m, NULL) IS NULL AS prediction, new_customer_transactions(m, NULL) IS NULL AS new, (SELECT count(*) FROM new_customer_transactions_pmf(m, 365, NULL)) AS pmf
FROM models, customers WHERE name = 'bg/nbd' LIMIT 1;
SELECT next_order_on('{"orders": [["2000-01-01", 1]]}'::purchase_history, '{"model": "bg/nbd", "timing": {"r": 0.001, "alpha": 1000, "a": 1, "b": 1}}', 0.9999, '2026-01-01');
SELECT next_order_on(h, m, 1) FROM models, customers;
SELECT transactions_prediction_interval(h, m, 2) FROM models, customers;
SELECT discounted_transactions(h, m, 0) FROM models, customers;
SELECT order_prob(h, m, -1) FROM models, customers;
SELECT new_customer_transactions(m, -1) FROM models;
SELECT * FROM models, new_customer_transactions_pmf(m, 365, -1);

DROP TABLE models, customers;
