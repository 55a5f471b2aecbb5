-- The data of the benchmark: orders as a shop has them, in the order in which they came.

CREATE EXTENSION customer_centric;

-- about five orders a customer in two years
CREATE TABLE truth AS SELECT '{"model": "bg/nbd", "time_unit_days": 7,
	"timing": {"r": 0.8, "alpha": 5, "a": 0.8, "b": 3.2},
	"spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}}'::clv_model AS model;

CREATE TABLE orders AS
SELECT customer_id, ordered_at, amount::numeric(12,2)
FROM truth, simulate_orders(:customers, model, '2024-01-01', '2026-01-01', 1)
ORDER BY ordered_at;
ALTER TABLE orders SET (parallel_workers = 2);

CREATE TABLE orders_float8 AS SELECT customer_id, ordered_at, amount::float8 FROM orders;

-- the same once more, split by customer: each part can be grouped by itself
CREATE TABLE orders_split (LIKE orders) PARTITION BY HASH (customer_id);
CREATE TABLE orders_split_0 PARTITION OF orders_split FOR VALUES WITH (MODULUS 4, REMAINDER 0);
CREATE TABLE orders_split_1 PARTITION OF orders_split FOR VALUES WITH (MODULUS 4, REMAINDER 1);
CREATE TABLE orders_split_2 PARTITION OF orders_split FOR VALUES WITH (MODULUS 4, REMAINDER 2);
CREATE TABLE orders_split_3 PARTITION OF orders_split FOR VALUES WITH (MODULUS 4, REMAINDER 3);
INSERT INTO orders_split SELECT * FROM orders;

VACUUM (FREEZE, ANALYZE) orders, orders_float8, orders_split;

CREATE TABLE histories AS
SELECT customer_id, purchase_history(ordered_at, amount) AS history FROM orders GROUP BY customer_id;
ALTER TABLE histories SET (parallel_workers = 2);

CREATE TABLE summaries AS
SELECT customer_id, recency_days(history, '2026-01-01') AS recency_days, order_count(history) AS frequency,
	total_spend(history) AS monetary
FROM histories;
ALTER TABLE summaries SET (parallel_workers = 2);

-- what customers have: some 34 of 60 categories each
CREATE TABLE things AS
SELECT DISTINCT customer_id, 'category ' || (hashint8(customer_id * 100 + k) & 2147483647) % 60 AS item
FROM summaries, generate_series(1, 50) AS k WHERE customer_id <= 20000;

-- a second copy of the histories, to be kept fresh, and new orders of one customer in a hundred
CREATE TABLE live AS SELECT * FROM histories ORDER BY customer_id;
ALTER TABLE live ADD PRIMARY KEY (customer_id);
CREATE TABLE new_orders AS
SELECT customer_id, timestamp '2026-01-01 12:00' AS ordered_at, 19.90 AS amount FROM live WHERE hashint8(customer_id) % 100 = 0;

CREATE TABLE bases AS
SELECT (SELECT customer_base(history) FROM histories) AS base,
	(SELECT customer_base(history) FROM histories WHERE customer_id <= :customers / 10) AS base_of_a_tenth;
CREATE TABLE shards AS SELECT customer_base(history) AS base FROM histories GROUP BY customer_id % 16;
CREATE TABLE models AS SELECT clv_fit(base, 'bg/nbd') AS model FROM bases;

-- a thousand segments with curves of three kinds, known exactly and with their errors
CREATE TABLE budgets AS
SELECT budget_plan('S' || i, 10 + i % 97, format(curve, 1 + i % 7, 0.3 + i % 5 * 0.1, '[0, 0, 0]')::response_curve, 5, 0.01 * (i % 3), 5 + i % 4) AS plan,
	budget_plan('S' || i, 10 + i % 97, format(curve, 1 + i % 7, 0.3 + i % 5 * 0.1, '[0.01, 0.002, 0.02]')::response_curve, 5, 0.01 * (i % 3), 5 + i % 4) AS uncertain
FROM generate_series(1, 1000) AS i, LATERAL (SELECT CASE i % 3 WHEN 0 THEN '{"curve": "exp", "c": %s, "k": %s, "covariance": %s}'
	WHEN 1 THEN '{"curve": "hill", "c": %s, "h": %s, "covariance": %s}' ELSE '{"curve": "power", "a": %s, "e": %s, "covariance": %s}' END AS curve) AS kinds;

-- scores to take snapshots of, and a table for those who keep all of them every night
CREATE TABLE scored AS
SELECT customer_id, 'Segment ' || customer_id % 11 AS segment, 'active'::text AS lifecycle, monetary AS clv_365d, date '2026-01-01' AS as_of FROM summaries;
ALTER TABLE scored ADD PRIMARY KEY (customer_id);
SELECT create_snapshots('nights', 'scored');
SELECT take_snapshot('nights', '2026-01-01');
CREATE TABLE kept (customer_id bigint, as_of date, segment text, lifecycle text, clv float8, PRIMARY KEY (customer_id, as_of));

VACUUM (FREEZE, ANALYZE) scored, nights_current, things, histories, summaries, live, new_orders, bases, shards, models;
