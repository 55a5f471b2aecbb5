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

VACUUM (FREEZE, ANALYZE) histories, summaries, live, new_orders, bases, shards, models;
