-- Intervals: how far a score may be off because the parameters are estimates.

SET datestyle = ISO;
SET extra_float_digits = -9;

CREATE TABLE truth AS
SELECT '{"model": "bg/nbd", "as_of": "2025-12-31", "time_unit_days": 30, "timing": {"r": 0.6, "alpha": 3, "a": 0.8, "b": 2.5},
	"spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}}'::clv_model AS m;

-- One customer, and the models that twenty-four shops of 1,000 customers would have found for this customer.
CREATE TABLE customer AS
SELECT '{"orders": [["2025-01-10", 40], ["2025-03-01", 35], ["2025-07-15", 30], ["2025-11-20", 45]]}'::purchase_history AS h;
CREATE TABLE shops AS
SELECT seed, clv_fit(customer_base(h), 'bg/nbd', as_of => '2025-12-31', time_unit_days => 30) AS m
FROM generate_series(1, 24) AS seed, truth, LATERAL (
	SELECT purchase_history(ordered_at, amount) AS h
	FROM simulate_orders(1000, truth.m, '2016-01-01', '2026-01-01', seed) GROUP BY customer_id) AS x
GROUP BY seed;

SELECT expected_transactions(h, m) AS orders, o.low, o.high, clv_estimate(h, m) AS clv, c.low, c.high
FROM customer, shops, expected_transactions_interval(h, m) AS o, clv_mean_interval(h, m) AS c WHERE seed = 1;

-- The intervals are about as wide as what the shops differ by …
SELECT round((avg(ln(o.high / o.low)) / 2 / 1.6449 / stddev(ln(expected_transactions(h, m))))::numeric, 1) BETWEEN 0.7 AND 1.4 AS orders,
	round((avg(ln(c.high / c.low)) / 2 / 1.6449 / stddev(ln(clv_estimate(h, m))))::numeric, 1) BETWEEN 0.7 AND 1.4 AS clv
FROM customer, shops, expected_transactions_interval(h, m) AS o, clv_mean_interval(h, m) AS c;
-- … and most of them contain the truth.
SELECT count(*) FILTER (WHERE expected_transactions(h, t.m) BETWEEN o.low AND o.high) >= 17 AS orders,
	count(*) FILTER (WHERE clv_estimate(h, t.m) BETWEEN c.low AND c.high) >= 17 AS clv
FROM customer, truth AS t, shops AS s, expected_transactions_interval(h, s.m) AS o, clv_mean_interval(h, s.m) AS c;

-- A higher level is a wider interval; margin and horizon scale it.
SELECT level, o.low, o.high FROM customer, shops, (VALUES (0.5), (0.9), (0.99)) AS v(level),
	expected_transactions_interval(h, m, level) AS o WHERE seed = 1 ORDER BY level;
SELECT a.low / b.low AS low, a.high / b.high AS high
FROM customer, shops, clv_mean_interval(h, m, margin => 0.5) AS a, clv_mean_interval(h, m) AS b WHERE seed = 1;
SELECT o.*, c.* FROM customer, shops, expected_transactions_interval(h, m, horizon_days => 0) AS o, clv_mean_interval(h, m, horizon_days => 0) AS c
WHERE seed = 1;

-- A negative margin turns the interval over.
SELECT abs(a.low + b.high) < 1e-9 AND abs(a.high + b.low) < 1e-9 AS turned
FROM customer, shops, clv_mean_interval(h, m, margin => -1) AS a, clv_mean_interval(h, m) AS b WHERE seed = 1;

-- Parameters given by a user have no known uncertainty.
SELECT o.*, c.* FROM customer, truth, expected_transactions_interval(h, m) AS o, clv_mean_interval(h, m) AS c;
SELECT o.*, c.* FROM shops, expected_transactions_interval(NULL, m) AS o, clv_mean_interval('{"orders": []}', m) AS c WHERE seed = 1;
SELECT clv_mean_interval(h, m, NULL), expected_transactions_interval(h, m, NULL), expected_transactions_interval(h, NULL) FROM customer, shops WHERE seed = 1;

SELECT clv_mean_interval(h, m, 1) FROM customer, shops WHERE seed = 1;
SELECT expected_transactions_interval(h, m, 0) FROM customer, shops WHERE seed = 1;
SELECT expected_transactions_interval(h, m, 0.9, -1) FROM customer, shops WHERE seed = 1;

DROP TABLE truth, customer, shops;
