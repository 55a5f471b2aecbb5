-- Scores: what a model says of one customer.

SET datestyle = ISO;
SET extra_float_digits = -5;

-- The published BG/NBD and gamma-gamma estimates of the CDNOW sample (weeks).
CREATE TABLE model AS
SELECT '{"model": "bg/nbd", "as_of": "1997-09-30", "timing": {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426},
	"spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}}'::clv_model AS m;

CREATE TABLE customers AS
SELECT customer_id, purchase_history(ordered_at, amount) AS h
FROM (VALUES
	(1, date '1997-01-01', 29.33), (1, '1997-01-18', 29.73), (1, '1997-08-02', 14.96),
	(2, '1997-01-01', 63.34), (2, '1997-01-13', 11.77),
	(3, '1997-01-01', 6.79)) AS v(customer_id, ordered_at, amount)
GROUP BY customer_id;

-- The example of the paper (Fader, Hardie & Lee 2005, section 5): x = 2,
-- t_x = 30.43, T = 38.86 weeks; 1.226 orders are expected in the next 39 weeks.
SELECT round(expected_transactions(2, (38.86 - 30.43) * 7, 38.86 * 7, m, 273)::numeric, 3) AS "1.226" FROM model;

SELECT customer_id, churn_prob(h, m), alive_prob(h, m), expected_transactions(h, m), expected_transaction_value(h, m),
	clv_estimate(h, m), score_status(h, m)
FROM customers, model ORDER BY customer_id;

-- The same from plain numbers: repeat transactions, days since the last and the first order, mean repeat spend.
SELECT customer_id, churn_prob(x, r, t, m), alive_prob(x, r, t, m), expected_transactions(x, r, t, m),
	expected_transaction_value(x, v, m), clv_estimate(x, r, t, v, m), score_status(x, r, t, v, m)
FROM (SELECT customer_id, repeat_count(h) AS x, recency_days(h, '1997-09-30') AS r, tenure_days(h, '1997-09-30') AS t,
		(total_spend(h) - spend_between(h, '-infinity', first_order_on(h) + 1)) / nullif(repeat_count(h), 0) AS v
	FROM customers) AS x, model ORDER BY customer_id;

-- A customer with one order is worth what the population spends.
SELECT expected_transaction_value(h, m) = 6.25 * 15.44 / (3.74 - 1) AS population_mean
FROM customers, model WHERE customer_id = 3;

-- Value grows with the horizon and the margin, and shrinks with the discount.
SELECT clv_estimate(h, m, 0) AS nothing, clv_estimate(h, m, 30) AS month, clv_estimate(h, m, 365) AS year,
	clv_estimate(h, m, 3650) AS decade, clv_estimate(h, m, 365, margin => 0.25) / clv_estimate(h, m, 365) AS margin
FROM customers, model WHERE customer_id = 1;
-- Without discount it is orders times their value.
SELECT abs(clv_estimate(h, m, 365, 0) / (expected_transactions(h, m, 365) * expected_transaction_value(h, m)) - 1) < 1e-12 AS undiscounted
FROM customers, model WHERE customer_id = 1;
-- Discounting is continuous: as fine a sum over days as one likes comes close to it.
SELECT abs(clv_estimate(h, m, 365, 0.10) / sum(
		(expected_transactions(h, m, d) - expected_transactions(h, m, d - 1)) * expected_transaction_value(h, m) * 1.1 ^ (-(d - 0.5) / 365)) - 1) < 1e-6 AS continuous
FROM customers, model, generate_series(1, 365) AS d WHERE customer_id = 1 GROUP BY h, m;

-- A model scores at a later day than it was fitted at; a longer silence is worse.
SELECT as_of, churn_prob(h, m, as_of), expected_transactions(h, m, 365, as_of), clv_estimate(h, m, as_of => as_of)
FROM customers, model, (VALUES (date '1997-09-30'), ('1997-12-31'), ('1998-12-31')) AS v(as_of)
WHERE customer_id = 1 ORDER BY as_of;
-- And at an earlier one: orders after it have not happened yet.
SELECT as_of, churn_prob(h, m, as_of), score_status(h, m, as_of)
FROM customers, model, (VALUES (date '1996-12-31'), ('1997-01-10'), ('1997-01-20')) AS v(as_of)
WHERE customer_id = 1 ORDER BY as_of;

-- Nobody gets NaN. Who cannot be scored gets NULL, and score_status says why.
SELECT who, churn_prob(h, m), expected_transactions(h, m), expected_transaction_value(h, m), clv_estimate(h, m), score_status(h, m)
FROM model, (VALUES
	('no history', NULL::purchase_history),
	('no orders', '{"orders": []}'),
	('refunds only', '{"orders": [["1997-01-01", -5]]}'),
	('not yet', '{"orders": [["1999-01-01", 5]]}'),
	('everything returned', '{"orders": [["1997-01-01", 5], ["1997-02-01", 7], ["1997-02-03", -7]]}'),
	('amounts unknown', '{"orders": [["1997-01-01", null], ["1997-02-01", null]]}'),
	('one, unknown', '{"orders": [["1997-01-01", null]]}'),
	('huge', '{"orders": [["1997-01-01", 1e300], ["1997-02-01", 1e300]]}'),
	('beyond', '{"orders": [["1997-01-01", 1], ["1997-02-01", 1.7e308], ["1997-02-01", 1.7e308]]}')) AS v(who, h);
SELECT churn_prob(h, NULL), clv_estimate(h, NULL), score_status(h, NULL) FROM customers WHERE customer_id = 1;
SELECT score_status(h, ('{"model": "bg/nbd", "timing": ' || timing || spend || '}')::clv_model, '1997-09-30'),
	clv_estimate(h, ('{"model": "bg/nbd", "timing": ' || timing || spend || '}')::clv_model, as_of => '1997-09-30')
FROM customers, (VALUES
	('{"r": 1, "alpha": 1, "a": 1, "b": 1}', ''),
	('{"r": 1, "alpha": 1, "a": 1, "b": 1}', ', "spend": {"p": 1, "q": 0.5, "gamma": 1}'),
	('{"r": 1e12, "alpha": 1e-12, "a": 1e-12, "b": 1e12}', ', "spend": {"p": 1e300, "q": 3, "gamma": 1e300}'))
	AS v(timing, spend)
WHERE customer_id = 3;

-- Absurd but possible parameters give absurd but finite scores, at once.
SELECT r, a, b, x, round(churn_prob(x, 10, 100, m)::numeric, 6) AS churn_prob, expected_transactions(x, 10, 100, m) < 'Infinity' AS finite,
	score_status(x, 10, 100, 5, m)
FROM (VALUES (1e12, 1e12, 1e12), (1e-12, 1e12, 1e-12), (1e12, 1e-12, 1e12), (1e6, 2e10, 1e10)) AS v(r, a, b), (VALUES (3), (1000000)) AS w(x),
	LATERAL (SELECT ('{"model": "bg/nbd", "timing": {"r": ' || r || ', "alpha": 1, "a": ' || a || ', "b": ' || b || '},
		"spend": {"p": 6, "q": 4, "gamma": 15}}')::clv_model AS m) AS y;

-- Numbers that no customer can have.
SELECT x, r, t, churn_prob(x, r, t, m), clv_estimate(x, r, t, v, m), score_status(x, r, t, v, m)
FROM model, (VALUES (-1, 5, 10, 1), (1.5, 5, 10, 1), (2, 11, 10, 1), (2, -1, 10, 1), (0, 5, 10, 1), (3, 10, 10, 1),
	('NaN'::float8, 5, 10, 1), (2, 5, 'Infinity'::float8, 1), (2, 5, 10, -3), (2, 5, 10, NULL), (NULL, 5, 10, 1), (2, 5, 10, 'NaN'::float8))
	AS v(x, r, t, v);

-- Wrong parameters are errors.
SELECT expected_transactions(h, m, -1) FROM customers, model;
SELECT clv_estimate(h, m, -1) FROM customers, model;
SELECT clv_estimate(h, m, annual_discount => -0.1) FROM customers, model;
SELECT clv_estimate(h, m, annual_discount => 'NaN') FROM customers, model;
SELECT clv_estimate(h, m, margin => 'Infinity') FROM customers, model;
SELECT churn_prob(h, m, 'infinity') FROM customers, model;
SELECT churn_prob(h, '{"model": "bg/nbd", "timing": {"r": 1, "alpha": 1, "a": 1, "b": 1}}') FROM customers;
SELECT clv_estimate(h, m, NULL), expected_transactions(h, m, NULL) FROM customers, model;

DROP TABLE model, customers;
