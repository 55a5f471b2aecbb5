-- simulate_orders: an order log of customers who live by a model.

SET datestyle = ISO;

CREATE TABLE model AS
SELECT '{"model": "bg/nbd", "timing": {"r": 0.5, "alpha": 4, "a": 0.8, "b": 2.5},
	"spend": {"p": 6.25, "q": 3.74, "gamma": 15.44}}'::clv_model AS m;

-- The same seed gives the same orders, everywhere.
SELECT o.* FROM model, simulate_orders(4, m, '2025-01-01', '2026-01-01', 1) AS o;
SELECT o.* FROM model, simulate_orders(2, m, '2025-01-01', '2026-01-01', 1) AS o;
SELECT count(*), sum(amount)::numeric(18,2), min(ordered_at), max(ordered_at), count(DISTINCT customer_id)
FROM model, simulate_orders(10000, m, '2025-01-01', '2026-01-01', 2026) AS o;

-- Every customer has a first order in [since, until), and amounts in hundredths.
SELECT bool_and(ordered_at >= '2025-01-01' AND ordered_at < '2025-01-02') AS in_window,
	bool_and(amount = amount::numeric(18,2)::float8 AND amount > 0) AS cents, count(DISTINCT customer_id)
FROM model, simulate_orders(1000, m, '2025-01-01', '2025-01-02', 5) AS o;

-- The mean amount is that of the model, p gamma / (q - 1). (sql/clv.sql fits such orders
-- and finds all parameters again.)
SELECT round(avg(amount)::numeric / (6.25 * 15.44 / 2.74), 1) AS ratio
FROM model, simulate_orders(50000, m, '2025-01-01', '2026-01-01', 3) AS o;

-- Without a spend model amounts are not known.
SELECT count(*) > 1000 AS many, count(amount) AS amounts, count(DISTINCT customer_id) FROM simulate_orders(1000,
	'{"model": "bg/nbd", "timing": {"r": 0.5, "alpha": 4, "a": 0.8, "b": 2.5}}', '2025-01-01', '2026-01-01', 1);

-- Rows are made as they are asked for.
SELECT count(*) FROM (SELECT simulate_orders(1000000000, m, '2025-01-01', '2026-01-01', 1) FROM model LIMIT 3) AS x;
SELECT count(*) FROM model, simulate_orders(0, m, '2025-01-01', '2026-01-01', 1);
SELECT count(*) FROM simulate_orders(10, NULL, '2025-01-01', '2026-01-01', 1);

SELECT * FROM model, simulate_orders(-1, m, '2025-01-01', '2026-01-01', 1);
SELECT * FROM model, simulate_orders(1, m, '2026-01-01', '2026-01-01', 1);
SELECT * FROM model, simulate_orders(1, m, '-infinity', '2026-01-01', 1);
SELECT * FROM model, simulate_orders(1, m, '2026-01-01', '5000000-01-01', 1);

DROP TABLE model;
